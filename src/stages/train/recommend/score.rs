//! Scores of all candidates for one user after another.
//!
//! What a user or an item alone decides is computed once. Where the rest is a sum of inner products and of numbers of one side, the
//! scores are those sums; otherwise the network is run over blocks of pairs.

use mmf_data::error::{Error, Result};
use mmf_data::plan::{Edge, Link, Plan, PlanKind};
use mmf_data::table::Column;
use mmf_data::values::{Sequences, Values};
use mmf_tensor::{Parameters, Session};

use super::wide;
use crate::train::item_knn::Sums;
use crate::train::network::{Circuit, TaskRows};

/// Pairs that a network scores at a time.
const PAIRS: usize = 4096;

/// A way to score all candidates.
pub(super) struct Scorer<'a> {
    items: &'a [u32],
    terms: Option<Vec<Term>>,
    plan: Plan,
    parameters: &'a Parameters,
}

/// A part of a score.
struct Term {
    sign: f32,
    value: Value,
}

enum Value {
    /// An inner product.
    Product {
        width: usize,
        /// Users × width; empty where the user has no part in it.
        users: Vec<f32>,
        /// Items × width; empty where the item has no part in it.
        items: Vec<f32>,
    },
    /// Over what the lists of the user and the item share.
    Sums(Sums),
}

impl<'a> Scorer<'a> {
    pub(super) fn new(
        circuit: &Circuit<'_>,
        parameters: &'a Parameters,
        score: &Edge,
        (users, met): (&[u32], &[u32]),
        items: &'a [u32],
    ) -> Result<Self> {
        let plan = circuit.freeze(parameters, score, (users, met), items)?;
        let mut terms = Vec::new();
        let sums = collect(&plan, score, 1.0, &Sides { users, met, items }, &mut terms)?;
        Ok(Scorer { items, terms: sums.then_some(terms), plan, parameters })
    }

    /// Returns the plan's runner where scores are no plain sums.
    pub(super) fn circuit(&self) -> Result<Option<Circuit<'_>>> {
        if self.terms.is_some() { Ok(None) } else { Circuit::new(&self.plan).map(Some) }
    }

    /// Writes the scores of all items for the user at that place, whose number is `user`.
    pub(super) fn score(
        &self,
        circuit: Option<&Circuit<'_>>,
        score: &Edge,
        (place, user, met): (usize, u32, Option<u32>),
        out: &mut Vec<f32>,
    ) -> Result<()> {
        out.clear();
        out.resize(self.items.len(), 0.0);
        if let Some(terms) = &self.terms {
            terms.iter().for_each(|term| term.add(place, out));
            return Ok(());
        }
        let circuit = circuit.ok_or_else(|| Error::bug("a network is scored without a runner"))?;
        let users = vec![user; PAIRS.min(self.items.len())];
        let met = met.map_or_else(Vec::new, |met| vec![met; users.len()]);
        for (items, out) in self.items.chunks(PAIRS).zip(out.chunks_mut(PAIRS)) {
            let mut session = Session::reading(self.parameters);
            let met = &met[..items.len().min(met.len())];
            let pairs = TaskRows::Pairs { users: &users[..items.len()], items, met };
            let pass = circuit.forward(&mut session, pairs, &[score])?;
            if pass.values[0].width() != 1 {
                return Err(wide(pass.values[0].width()));
            }
            out.copy_from_slice(session.values(&pass.values[0])?);
        }
        Ok(())
    }
}

impl Term {
    fn add(&self, user: usize, out: &mut [f32]) {
        let sign = self.sign;
        match &self.value {
            Value::Sums(sums) => sums.add(user, sign, out),
            Value::Product { users, items, .. } if items.is_empty() => {
                let own = sign * users[user];
                out.iter_mut().for_each(|score| *score += own);
            }
            Value::Product { users, items, .. } if users.is_empty() => {
                out.iter_mut().zip(items).for_each(|(score, own)| *score += sign * own);
            }
            Value::Product { width, users, items } => {
                let own = &users[user * width..][..*width];
                out.iter_mut()
                    .zip(items.chunks_exact(*width))
                    .for_each(|(score, item)| *score += sign * dot(own, item));
            }
        }
    }
}

/// Returns the inner product, added in eight lanes.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_lanes, a_rest) = a.as_chunks::<8>();
    let (b_lanes, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0f32; 8];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// Who and what is ranked: users, where each is now (empty where nothing asks), items.
struct Sides<'a> {
    users: &'a [u32],
    met: &'a [u32],
    items: &'a [u32],
}

/// Takes a score apart into a sum of terms, and tells whether it is one.
fn collect(plan: &Plan, edge: &Edge, sign: f32, sides: &Sides<'_>, terms: &mut Vec<Term>) -> Result<bool> {
    if let Some((side, width, numbers)) = numbers(plan, edge, sides)? {
        if width != 1 {
            return Ok(false);
        }
        let (users, items) = if side { (numbers, Vec::new()) } else { (Vec::new(), numbers) };
        terms.push(Term { sign, value: Value::Product { width, users, items } });
        return Ok(true);
    }
    let node = &plan.nodes[edge.node];
    let (PlanKind::Stage { stage, inputs, .. }, true) = (&node.kind, node.domain == 0 && edge.via.is_empty()) else {
        return Ok(false);
    };
    match (stage.signature().name, &inputs[..]) {
        ("add", [a, b]) => Ok(collect(plan, a, sign, sides, terms)? && collect(plan, b, sign, sides, terms)?),
        ("subtract", [a, b]) => Ok(collect(plan, a, sign, sides, terms)? && collect(plan, b, -sign, sides, terms)?),
        ("dot", [a, b]) => {
            let both = (numbers(plan, a, sides)?, numbers(plan, b, sides)?);
            let (Some((a_user, width, a)), Some((b_user, other, b))) = both else { return Ok(false) };
            if a_user == b_user || width != other || width == 0 {
                return Ok(false);
            }
            let (users, items) = if a_user { (a, b) } else { (b, a) };
            terms.push(Term { sign, value: Value::Product { width, users, items } });
            Ok(true)
        }
        ("item_knn", [a, b]) => {
            let (Some((a_user, a, of_a)), Some((b_user, b, of_b))) = (lists(plan, a, sides), lists(plan, b, sides))
            else {
                return Ok(false);
            };
            if a_user == b_user {
                return Ok(false);
            }
            let (users, items) = if a_user { ((a, of_a), (b, of_b)) } else { ((b, of_b), (a, of_a)) };
            let sums = Sums::new((users.0, &users.1), (items.0, &items.1));
            terms.push(Term { sign, value: Value::Sums(sums) });
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Returns the numbers of what a user or an item alone decides, for each of them: whether it is the user's, and the width.
fn numbers(plan: &Plan, edge: &Edge, sides: &Sides<'_>) -> Result<Option<(bool, usize, Vec<f32>)>> {
    let Some((user, column, places)) = read(plan, edge, sides) else { return Ok(None) };
    let Ok((width, numbers)) = column.values.as_vectors() else { return Ok(None) };
    let mut out = Vec::with_capacity(places.len() * width);
    places.iter().for_each(|place| out.extend_from_slice(&numbers[place * width..][..width]));
    Ok(Some((user, width, out)))
}

/// Returns the lists that a user or an item alone decides, and where those of each stand.
fn lists<'p>(plan: &'p Plan, edge: &Edge, sides: &Sides<'_>) -> Option<(bool, &'p Sequences, Vec<usize>)> {
    let (user, column, places) = read(plan, edge, sides)?;
    let Values::Sequence(sequences) = &column.values else { return None };
    Some((user, sequences, places))
}

/// Returns a column that a user or an item alone decides: whether it is the user's, and the places of each in it. Nothing where one
/// has no value; the network says then what is wrong.
fn read<'p>(plan: &'p Plan, edge: &Edge, sides: &Sides<'_>) -> Option<(bool, &'p Column, Vec<usize>)> {
    let (user, own) = match edge.via.first()? {
        Link::User => (true, sides.users),
        Link::Occasion => (true, sides.met),
        Link::Item => (false, sides.items),
        _ => return None,
    };
    let PlanKind::Leaf(column) = &plan.nodes[edge.node].kind else { return None };
    let place = |&row: &u32| {
        let led = edge.via[1..].iter().try_fold(row, |row, link| match link {
            Link::Map(map) => map.get(row as usize).copied().filter(|&to| to != u32::MAX),
            _ => None,
        });
        led.and_then(|row| present(column, row))
    };
    Some((user, column, own.iter().map(place).collect::<Option<_>>()?))
}

fn present(column: &Column, row: u32) -> Option<usize> {
    column.rows.place(row).filter(|&place| !column.is_missing(place))
}
