//! Maps of which a ranking computes differences alone.

use mmf_data::network::Network;
use mmf_tensor::{Moment, Session};

use super::*;
use crate::train::network::apart::Apart;
use crate::train::network::{Circuit, Meddling, Target, TaskRows};

const ITEMS: usize = 9;
const WIDE: usize = 24;

/// A plan over 5 users and 9 items, and the values from which a score can be made.
struct Seen {
    plan: Building,
    user: usize,
    looks: usize,
    /// `looks |> dense(4, bias = false)`
    seen: usize,
}

impl Seen {
    fn new() -> Self {
        let mut plan = Building::new(&[20, 5, ITEMS]);
        let user = plan.stage(1, "embedding", args(&[("n", int(4))]), vec![]);
        let looks = plan.leaf(2, Column::new(Rows::all(ITEMS), Values::vector(WIDE, noise(ITEMS * WIDE, 3))));
        let seen = plan.stage(2, "dense", dense(4, &[("bias", ArgValue::Bool(false))]), vec![here(looks)]);
        Seen { plan, user, looks, seen }
    }

    fn stage(&mut self, domain: usize, name: &str, inputs: Vec<Edge>) -> usize {
        self.plan.stage(domain, name, Args::default(), inputs)
    }

    /// `dot(user, item)`
    fn taste(&mut self, item: usize) -> usize {
        self.stage(0, "dot", vec![by(self.user, Link::User), by(item, Link::Item)])
    }

    /// Returns the maps of a plan with this score, which reads the other value too.
    fn compared(self, score: usize, other: Option<usize>) -> Vec<usize> {
        let plan = self.plan.output("score", here(score));
        let circuit = Circuit::new(&plan).unwrap();
        let others: Vec<Edge> = other.map(|node| by(node, Link::Item)).into_iter().collect();
        circuit.compared(&[circuit.output("score").unwrap()], &others.iter().collect::<Vec<_>>())
    }
}

fn dense(units: usize, more: &[(&str, ArgValue)]) -> Args {
    let mut all = args(&[("units", int(units))]);
    all.0.extend(args(more).0);
    all
}

#[test]
fn a_map_that_a_score_is_linear_in_is_enough_as_differences() {
    let mut plain = Seen::new();
    let (seen, score) = (plain.seen, plain.seen);
    let score = plain.taste(score);
    assert_eq!(plain.compared(score, None), [seen]);

    // Added to others, halved, of several inputs, in two layers.
    let mut deep = Seen::new();
    let both = deep.stage(2, "concat", vec![here(deep.seen), here(deep.looks)]);
    let map = deep.plan.stage(2, "dense", dense(4, &[("bias", ArgValue::Bool(false))]), vec![here(both)]);
    let taste = deep.taste(map);
    let half = deep.plan.stage(0, "scale", args(&[("factor", ArgValue::Float(0.5))]), vec![here(taste)]);
    let own = deep.plan.stage(2, "embedding", args(&[("n", int(1))]), vec![]);
    let score = deep.stage(0, "add", vec![here(half), by(own, Link::Item)]);
    assert_eq!(deep.compared(score, None), [map]);
}

#[test]
fn what_is_not_linear_or_is_read_elsewhere_is_computed_whole() {
    let score_of = |make: &dyn Fn(&mut Seen) -> usize| {
        let mut own = Seen::new();
        let score = make(&mut own);
        own.compared(score, None)
    };
    // A function of the map; a bias, which is the same in both, but whose layer is not `x·W`.
    assert!(
        score_of(&|own| {
            let bent = own.stage(2, "relu", vec![here(own.seen)]);
            own.taste(bent)
        })
        .is_empty()
    );
    assert!(
        score_of(&|own| {
            let biased = own.plan.stage(2, "dense", dense(4, &[]), vec![here(own.looks)]);
            own.taste(biased)
        })
        .is_empty()
    );
    // A function of the score, a product of two things of the item, and numbers that no layer reads.
    assert!(
        score_of(&|own| {
            let taste = own.taste(own.seen);
            own.stage(0, "sigmoid", vec![here(taste)])
        })
        .is_empty()
    );
    assert!(score_of(&|own| own.stage(0, "dot", vec![by(own.seen, Link::Item), by(own.seen, Link::Item)])).is_empty());
    let mut looks = Seen::new();
    let wide = looks.plan.stage(1, "embedding", args(&[("n", int(WIDE))]), vec![]);
    let score = looks.stage(0, "dot", vec![by(wide, Link::User), by(looks.looks, Link::Item)]);
    assert!(looks.compared(score, None).is_empty());
    // The user's side where chance differs from pair to pair; without chance it is the same at both.
    for (stage, steady) in [("dropout", false), ("modality_dropout", false), ("relu", true)] {
        let found = score_of(&|own| {
            let (more, rate) = (own.plan.stage(1, "embedding", args(&[("n", int(4))]), vec![]), ArgValue::Float(0.5));
            let inputs = match stage {
                "modality_dropout" => vec![by(own.user, Link::User), by(more, Link::User)],
                _ => vec![by(own.user, Link::User)],
            };
            let settings = if stage == "relu" { Args::default() } else { args(&[("p", rate)]) };
            let user = own.plan.stage(0, stage, settings, inputs);
            let seen = own.seen;
            own.stage(0, "dot", vec![here(user), by(seen, Link::Item)])
        });
        assert_eq!(found.is_empty(), !steady, "{stage}");
    }
    // A part of the loss that reads the map at items themselves.
    let mut pulled = Seen::new();
    let (score, seen) = (pulled.taste(pulled.seen), pulled.seen);
    assert!(pulled.compared(score, Some(seen)).is_empty());
}

#[test]
fn differences_give_the_loss_and_the_slopes_of_whole_values() {
    let mut own = Seen::new();
    let bias = own.plan.stage(2, "dense", dense(1, &[("bias", ArgValue::Bool(false))]), vec![here(own.looks)]);
    let ids = own.plan.stage(2, "embedding", args(&[("n", int(4))]), vec![]);
    let (taste, known) = (own.taste(own.seen), own.taste(ids));
    let sum = own.stage(0, "add", vec![here(taste), here(known)]);
    let score = own.stage(0, "add", vec![here(sum), by(bias, Link::Item)]);
    let plan = own.plan.output("score", here(score));
    let circuit = Circuit::new(&plan).unwrap();
    let score = circuit.output("score").unwrap();
    let maps = circuit.compared(&[score], &[]);
    assert_eq!(maps, [own.seen, bias]);

    // Three pairs with two negatives each.
    let (users, items) = ([0, 3, 4, 0, 0, 3, 3, 4, 4], [1, 2, 8, 5, 6, 7, 0, 3, 2]);
    let (firsts, seconds) = ([1, 1, 2, 2, 8, 8], &items[3..]);
    let task = TaskRows::Pairs { users: &users, items: &items, met: &[] };
    let parameters = circuit.make(7, task, &[score]).unwrap();
    // Of nine items for six pairs, the differences are fewer.
    let apart = Apart::worthwhile(&maps, &firsts, seconds);
    assert!(apart.is_some());
    let slopes = |apart: Option<Apart<'_>>| -> (f32, Vec<Vec<f32>>) {
        let mut session = Session::training(&parameters, Moment::default());
        let all: Target = (Arc::new((0..9).collect()), score.clone());
        let meddling = Meddling { apart, ..Meddling::default() };
        let pass = circuit.run_with(&mut session, task, &[all], meddling).unwrap();
        let up = session.gather(&pass.values[0], &[0, 1, 2]).unwrap();
        let down = session.gather(&pass.values[0], &[3, 4, 5, 6, 7, 8]).unwrap();
        let loss = session.bpr(&up, &down, Some(&[1.0, 2.0, 0.5])).unwrap();
        let squares = circuit.squares(&mut session, &pass).unwrap();
        let mut parts = vec![(&loss, 1.0)];
        parts.extend(squares.iter().map(|square| (square, 0.1)));
        let loss = session.combine(&parts).unwrap();
        let sum = session.sum_of(&loss).unwrap();
        let mut found = session.backward(&loss, 1.0).unwrap();
        (sum, parameters.all().map(|p| found.whole(&parameters, p).unwrap()).collect())
    };
    let ((whole, wanted), (loss, found)) = (slopes(None), slopes(apart));
    assert!((loss - whole).abs() < 1e-5, "{loss}, not {whole}");
    assert_eq!(found.len(), 4);
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!(wanted.iter().any(|x| x.abs() > 1e-3));
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}, not {wanted:?}");
    }
}

#[test]
fn few_items_that_many_pairs_share_are_computed_once_each() {
    assert!(Apart::worthwhile(&[2], &[1, 2, 3, 4], &[5, 6, 7, 8]).is_some());
    assert!(Apart::worthwhile(&[2], &[1, 1, 2, 2], &[2, 3, 1, 3]).is_none());
    assert!(Apart::worthwhile(&[], &[1], &[2]).is_none());
}
