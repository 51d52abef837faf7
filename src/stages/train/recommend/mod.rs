//! Trains a network to rank items for users.

mod pairs;
mod rank;
mod score;

use mmf_data::arrays::Arrays;
use mmf_data::error::{Error, Result};
use mmf_data::network::Var;
use mmf_data::plan::Edge;
use mmf_data::stage::{Body, Context, Predictions, Report, Stage, Train, TrainCall};
use mmf_lang::args::{Arg, ArgKind, Args, Literal, Recipe};
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Part, Task};
use mmf_tensor::{Loss, Parameters, Session};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;
use std::sync::Arc;

use super::bpr;
use super::learn::{Course, Work, learn, stream};
use super::lessons::{Lesson, School, Scored};
use super::network::apart::Apart;
use super::network::{Circuit, Target, TaskRows};
use super::recipe::{self, OPTIMIZER, REPEAT, STOP, Stop, WEIGHT};
use super::space;
use super::terms::{Asked, Found, Terms};
use super::trained::{self, joint};
use pairs::{From, Pairs};

pub(crate) struct Recommend;

const USER: Arg<String> = Arg::column("user").doc("The ref or category column of the users.");
const ITEM: Arg<String> = Arg::column("item").doc("The ref or category column of the items.");
const SCORE: Arg<()> =
    joint("score").doc("The network: a number for a user and an item, higher for what suits better.");
const LOSS: Arg<Vec<(f64, Recipe)>> = recipe::loss("bpr");
const EPOCHS: Arg<usize> =
    Arg::int("epochs").default(Literal::Int(50)).range(0.0, 1e6).doc("How often all training rows are gone through.");
const BATCH: Arg<usize> = Arg::int("batch").default(Literal::Int(1024)).range(1.0, 1e6).doc("Rows of a step.");
const CANDIDATES: Arg<bool> = Arg::new("candidates", ArgKind::Table, |value| value.is_some()).optional().doc(
    "The items that are ranked: a table of items, or a part of one. Of rows of the split's table (`parts.train`) the \
     items that they refer to. Unsaid, the items that the split's rows refer to.",
);
const SEEN: Arg<String> = Arg::words("seen", &["drop", "keep"])
    .default(Literal::Word("drop"))
    .doc("Whether a user's items of earlier parts are left out of the ranking.");

const SAMPLING: Arg<String> = Arg::words("sampling", &["uniform", "popularity", "in_batch"])
    .default(Literal::Word("uniform"))
    .doc(
        "How negatives are drawn, of those that the user has not: each candidate as likely; as often as training rows have it; or from the \
         items of the same step.",
    );

/// How negatives are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sampling {
    Uniform,
    Popularity,
    InBatch,
}

static SIGNATURE: Signature = Signature::new(Group::Train, "recommend", &["split -> train"])
    .version(4)
    .args(&[
        USER.spec(),
        ITEM.spec(),
        SCORE.spec(),
        LOSS.spec(),
        OPTIMIZER.spec(),
        EPOCHS.spec(),
        BATCH.spec(),
        STOP.spec(),
        CANDIDATES.spec(),
        SEEN.spec(),
        SAMPLING.spec(),
        WEIGHT.spec(),
        REPEAT.spec(),
    ])
    .tasks(&[Task::Recommend])
    .doc(
        "Trains a network on the training part so that each user's items score higher than others. Every \
         row is a positive; negatives are drawn as `sampling` says from the candidates that are not among the user's \
         training items, and test rows are never consulted. All candidates are ranked, without the user's \
         items of earlier parts; equal scores rank worst. Rows of embeddings that no training row leads \
         to are zero. A score without weights trains nothing.",
    )
    .reference("Rendle et al. 2009; the full ranking of RecBole")
    .examples(&[Example::new(
        "Users and films as vectors, a film's also from what it looks like.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             train taste = recommend(parts, user = user, item = film) {\n    \
             score = dot(embedding(user, 16), embedding(film, 16) + (films.look |> dense(16)))\n    \
             loss  = bpr(negatives = 4)\n    \
             stop  = early(ndcg@20, patience = 5)\n\
             }",
        "train",
    )]);

impl Stage for Recommend {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Train(&Recommend)
    }
}

impl Train for Recommend {
    fn train(&self, context: &Context, args: &Args, call: &TrainCall) -> Result<Arrays> {
        let work = Ranking::new(args, call, context.seed)?;
        if work.full > 0 {
            let full = work.full;
            context.host.report(Report::Note(say!(
                "{full} training rows are of users who have all candidates, so nothing can be learned from them",
                "有 {full} 行训练数据属于已拥有全部候选物品的用户，无法从中学习"
            )));
        }
        let (rule, whole) = recipe::rule(args)?;
        let course = Course {
            epochs: args.get(EPOCHS),
            batch: if whole { work.rows().max(1) } else { args.get(BATCH) },
            rule,
            stop: Stop::of(args, call)?,
        };
        let learned = learn(context, &course, &work)?;
        if let (false, Some(inner)) =
            (work.school.is_empty(), work.inner(&work.school.compared(), &mut stream(context.seed, COMPARED, 0))?)
        {
            work.school.compare(context, &work.circuit, &learned.parameters, &inner)?;
        }
        let mut arrays = learned.store()?;
        trained::store_fields(&call.plan, &work.circuit, &learned.parameters, &mut arrays)?;
        Ok(arrays)
    }

    fn predict(
        &self,
        context: &Context,
        args: &Args,
        call: &TrainCall,
        trained: &Arrays,
        part: Part,
        top: usize,
    ) -> Result<Predictions> {
        let work = Ranking::new(args, call, context.seed)?;
        let parameters = trained::weights(trained)?;
        let ranked = work.rank(&parameters, part, top, Some(context))?;
        if ranked.cold > 0 {
            let (cold, all, word) = (ranked.cold, ranked.users.len(), part.word());
            context.host.report(Report::Note(say!(
                "{cold} of {all} users of the {word} part have no training row",
                "{word} 部分的 {all} 个用户中有 {cold} 个没有训练数据"
            )));
        }
        let (cold, all) = (work.pairs.cold_candidates(), work.pairs.candidates.len());
        if cold > 0 {
            context.host.report(Report::Note(say!(
                "{cold} of {all} ranked items have no training row",
                "{all} 个参与排序的物品中有 {cold} 个没有训练数据"
            )));
        }
        let mut predictions = ranked.write();
        let training = &work.pairs.training;
        if let Some(&user) = training.users.first() {
            let who = (&work.pairs.candidates[..], user);
            space::of_items(&work.circuit, work.score, &parameters, who, &training.items, &mut predictions)?;
        }
        Ok(predictions)
    }

    fn ranks(&self) -> bool {
        true
    }
}

/// A training whose rows are pairs of a user and an item.
struct Ranking<'a> {
    circuit: Circuit<'a>,
    score: &'a Edge,
    pairs: Pairs<'a>,
    /// Places among the training pairs that have a negative.
    rows: Vec<u32>,
    /// Count of training pairs that have none.
    full: usize,
    weights: Option<Vec<f32>>,
    terms: Vec<Term>,
    /// The values that the terms read, each once; the first is the train's score.
    scores: Vec<&'a Edge>,
    /// The parts of the loss that compare two values of the pairs that were met, or ask for the worst.
    pulls: Terms<'a>,
    /// The maps that are enough as differences of a pair's items.
    compared: Vec<usize>,
    /// The negatives that are drawn for each pair: as many as the term that takes most.
    negatives: usize,
    keep_seen: bool,
    sampling: Sampling,
    /// The policies, and the training rows that teach them.
    school: School<'a>,
}

/// The stream of the negatives by which policies are compared.
const COMPARED: u64 = 31;
const TAUGHT: u64 = 32;

/// Pairs at which weights of inputs are told, and at which discriminators are asked, at most.
const TOLD: usize = 4096;
const JUDGED: usize = 256;

/// A term of the loss.
struct Term {
    /// Its number in the loss.
    number: usize,
    factor: f32,
    negatives: usize,
    l2: f32,
    /// Its place in `scores`.
    score: usize,
}

impl<'a> Ranking<'a> {
    /// `seed` is that of the training, which decides the rows that teach policies.
    fn new(args: &Args, call: &'a TrainCall, seed: u64) -> Result<Self> {
        let mut circuit = Circuit::new(&call.plan)?;
        let score = circuit.output("score")?;
        let given = call.tables.iter().find(|(name, _)| args.get(CANDIDATES) && name == CANDIDATES.name());
        let pairs = Pairs::new(call, &args.get(USER), &args.get(ITEM), given.map(|(_, given)| given))?;
        let (terms, scores, pulls) = terms(args, &circuit, score)?;
        let (users, items, met) = (&pairs.training.users, &pairs.training.items, &pairs.training.met);
        let all = trained_weights(args, call, &pairs)?;
        let counts = |row: usize| all.as_ref().is_none_or(|w| w[row].is_finite());
        let rows: Vec<u32> = (0..users.len()).filter(|&row| counts(row)).map(|row| row as u32).collect();
        let before = rows.len();
        let negatives = terms.iter().map(|term| term.negatives).max().unwrap_or(0);
        let told = |row: &u32| negatives == 0 || pairs.has_negatives(users[*row as usize]);
        let mut rows: Vec<u32> = rows.into_iter().filter(told).collect();
        let full = before - rows.len();
        let school = School::of(&circuit, &mut rows, seed);
        // What only rows lead to that teach policies is not trained.
        let read = values(&scores, &pulls);
        if school.inner.is_empty() {
            circuit.know(TaskRows::Pairs { users, items, met }, &read)?;
        } else {
            let own = |of: &[u32]| -> Vec<u32> {
                let outer = (0..of.len()).filter(|&row| school.inner.binary_search(&(row as u32)).is_err());
                outer.map(|row| of[row]).collect()
            };
            let (users, items, met) = (own(users), own(items), own(met));
            circuit.know(TaskRows::Pairs { users: &users, items: &items, met: &met }, &read)?;
        }
        Ok(Ranking {
            compared: circuit.compared(&scores, &pulls.values().collect::<Vec<_>>()),
            circuit,
            score,
            rows,
            full,
            weights: all,
            negatives,
            terms,
            scores,
            pulls,
            keep_seen: args.get(SEEN) == "keep",
            sampling: match args.get(SAMPLING).as_str() {
                "popularity" => Sampling::Popularity,
                "in_batch" => Sampling::InBatch,
                _ => Sampling::Uniform,
            },
            school,
            pairs,
        })
    }
}

impl Ranking<'_> {
    /// Returns the parts of the loss over a range of the batch's rows.
    fn parts(
        &self,
        session: &mut Session<'_>,
        batch: &Triples,
        range: Range<usize>,
        asked: &Asked<'_>,
    ) -> Result<Found> {
        use mmf_data::network::Network;
        let (n, m) = (range.len(), self.negatives);
        // Negatives are of the same user, on the same occasion.
        let again = |of: &[u32]| -> Vec<u32> {
            let own = &of[range.clone()];
            own.iter().copied().chain(own.iter().flat_map(|&x| std::iter::repeat_n(x, m))).collect()
        };
        let (users, met) = (again(&batch.users), again(&batch.met));
        let mut items = batch.items[range.clone()].to_vec();
        items.extend_from_slice(&batch.others[range.start * m..range.end * m]);
        let task = TaskRows::Pairs { users: &users, items: &items, met: &met };
        // Without a term that compares scores, they are not computed.
        let scores = if self.terms.is_empty() { &[][..] } else { &self.scores };
        let all = Arc::new((0..users.len() as u32).collect::<Vec<_>>());
        let positives = Arc::new((0..n as u32).collect::<Vec<_>>());
        let mut targets: Vec<Target> = scores.iter().map(|&edge| (all.clone(), edge.clone())).collect();
        targets.extend(self.pulls.targets(&positives));
        let firsts: Vec<u32> = items[..n].iter().flat_map(|&item| std::iter::repeat_n(item, m)).collect();
        let mut meddling = asked.meddling();
        if meddling.shift.is_none() {
            meddling.apart = Apart::worthwhile(&self.compared, &firsts, &items[n..]);
        }
        let pass = self.circuit.run_with(session, task, &targets, meddling)?;
        let weights = batch.weights.as_ref().map(|w| &w[range]);
        let mut losses = Vec::with_capacity(self.terms.len());
        for term in self.terms.iter().filter(|term| asked.has(term.number)) {
            let score = &pass.values[term.score];
            if score.width() != 1 {
                return Err(wide(score.width()));
            }
            let positive = session.gather(score, &(0..n as u32).collect::<Vec<_>>())?;
            let others = (0..n).flat_map(|row| (n + row * m..).take(term.negatives)).map(|row| row as u32);
            let negative = session.gather(score, &others.collect::<Vec<_>>())?;
            losses.push((session.bpr(&positive, &negative, weights)?, term.factor));
        }
        losses.extend(self.pulls.compared(session, &pass.values, asked, weights)?);
        let l2: f32 = self.terms.iter().map(|term| term.factor * term.l2).sum();
        if l2 > 0.0 && asked.parts.is_none() {
            losses.extend(self.circuit.squares(session, &pass)?.into_iter().map(|square| (square, l2)));
        }
        Ok((losses, pass))
    }
}

/// Returns all values that the loss reads.
fn values<'a>(scores: &[&'a Edge], pulls: &Terms<'a>) -> Vec<&'a Edge> {
    scores.iter().copied().chain(pulls.values()).collect()
}

/// Returns the terms of the loss, and the scores that they read.
fn terms<'a>(args: &Args, circuit: &Circuit<'a>, score: &'a Edge) -> Result<(Vec<Term>, Vec<&'a Edge>, Terms<'a>)> {
    let (pulls, others) = Terms::of(&args.get(LOSS), circuit, "")?;
    let mut scores = vec![score];
    let mut terms = Vec::new();
    for (number, factor, recipe) in others {
        recipe::is(&recipe, "bpr")?;
        let own = &recipe.args;
        let mut place = 0;
        if own.get(bpr::SCORE) {
            place = scores.len();
            scores.push(circuit.output(&format!("{}.{number}.{}", LOSS.name(), bpr::SCORE.name()))?);
        }
        let (negatives, l2) = (own.get(bpr::NEGATIVES), own.get(bpr::L2) as f32);
        terms.push(Term { number, factor, negatives, l2, score: place });
    }
    Ok((terms, scores, pulls))
}

/// Returns the weights of the training pairs.
fn trained_weights(args: &Args, call: &TrainCall, pairs: &Pairs<'_>) -> Result<Option<Vec<f32>>> {
    let Some(column) = args.get(WEIGHT) else { return Ok(None) };
    let all = trained::numbers(call, &column)?;
    Ok(Some(pairs.training.places.iter().map(|&place| all[place as usize] as f32).collect()))
}

/// Positive pairs, with the negatives that were drawn for each.
struct Triples {
    users: Vec<u32>,
    items: Vec<u32>,
    met: Vec<u32>,
    /// `negatives` for each pair, one after the other.
    others: Vec<u32>,
    weights: Option<Vec<f32>>,
    /// Pairs that teach policies, and what they have taught.
    inner: Option<Inner>,
    lessons: Vec<Lesson>,
}

impl Work for Ranking<'_> {
    type Batch = Triples;

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn is_whole(&self) -> bool {
        self.circuit.is_whole()
    }

    fn make(&self, seed: u64) -> Result<Parameters> {
        let training = &self.pairs.training;
        let some = training.users.len().min(2);
        let rows = TaskRows::Pairs {
            users: &training.users[..some],
            items: &training.items[..some],
            met: &training.met[..some],
        };
        let all = values(&self.scores, &self.pulls);
        let mut parameters = self.circuit.make(seed, rows, &all)?;
        self.pulls.make(&mut parameters, &self.circuit, rows)?;
        self.school.make(&mut parameters)?;
        Ok(parameters)
    }

    fn batch(&self, places: &[u32], random: &mut ChaCha8Rng) -> Result<Triples> {
        let rows: Vec<u32> = places.iter().map(|&p| self.rows[p as usize]).collect();
        self.triples(&rows, random)
    }

    fn prepare(&self, parameters: &mut Parameters, batch: &mut Triples, (seed, step): (u64, u64)) -> Result<()> {
        let rows = self.school.draw((seed, step), batch.users.len());
        if let (false, Some(inner)) = (rows.is_empty(), self.inner(&rows, &mut stream(seed, TAUGHT, step))?) {
            batch.lessons = self.school.lessons(&self.circuit, parameters, (seed, step), &inner)?;
            batch.inner = Some(inner);
        }
        Ok(())
    }

    fn told(&self, parameters: &Parameters) -> Result<Vec<(String, f64)>> {
        let [users, items, met] = self.some_pairs(TOLD);
        let pairs = TaskRows::Pairs { users: &users, items: &items, met: &met };
        let mut told = self.school.told(&self.circuit, parameters, pairs)?;
        told.extend(self.circuit.weighing(parameters, pairs)?);
        let [users, items, met] = self.some_pairs(JUDGED);
        let pairs = TaskRows::Pairs { users: &users, items: &items, met: &met };
        told.extend(self.pulls.told(&self.circuit, parameters, pairs, 1)?);
        Ok(told)
    }

    fn loss(&self, session: &mut Session<'_>, batch: &Triples, range: Range<usize>) -> Result<Loss> {
        let own = self.pulls.sum(session, |session, asked| self.parts(session, batch, range.clone(), asked))?;
        let Some(inner) = &batch.inner else { return Ok(own) };
        let whole = batch.weights.as_ref().map_or(batch.users.len() as f64, |w| w.iter().map(|&w| f64::from(w)).sum());
        let part = (range.start, range.end, batch.users.len());
        self.school.lower(&self.circuit, session, own, (&batch.lessons, inner.rows()), part, whole)
    }

    fn watch(&self, parameters: &Parameters, top: usize) -> Result<Predictions> {
        Ok(self.rank(parameters, Part::Validation, top, None)?.write())
    }
}

/// Pairs that teach policies: those that were met, then the negatives of each.
struct Inner {
    users: Vec<u32>,
    items: Vec<u32>,
    met: Vec<u32>,
    count: usize,
    negatives: usize,
    /// The scores, each at all pairs.
    targets: Vec<Target>,
    /// Of each term the score that it reads, its factor and its negatives.
    terms: Vec<(usize, f32, usize)>,
    weights: Option<Vec<f32>>,
}

impl Scored for Inner {
    fn rows(&self) -> TaskRows<'_> {
        TaskRows::Pairs { users: &self.users, items: &self.items, met: &self.met }
    }

    fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The loss of a pair that was met is its negatives' too.
    fn losses(&self, session: &Session<'_>, values: &[Var]) -> Result<Vec<f32>> {
        let softplus = |x: f32| if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() };
        let mut losses = vec![0.0; self.count];
        for &(score, factor, negatives) in &self.terms {
            let scores = session.values(values.get(score).ok_or_else(|| Error::bug("a score without a value"))?)?;
            let (met, others) = scores.split_at(self.count);
            let rows = losses.iter_mut().zip(met).zip(others.chunks_exact(self.negatives.max(1)));
            for ((loss, met), others) in rows {
                let sum: f32 = others[..negatives].iter().map(|other| softplus(other - met)).sum();
                *loss += factor * sum / negatives.max(1) as f32;
            }
        }
        for (loss, weight) in losses.iter_mut().zip(self.weights.iter().flatten()) {
            *loss *= weight;
        }
        let again = losses.iter().flat_map(|&loss| std::iter::repeat_n(loss, self.negatives));
        Ok(losses.iter().copied().chain(again).collect())
    }
}

impl Ranking<'_> {
    /// Returns users, items and rows of training pairs, at most so many, evenly over all.
    fn some_pairs(&self, at_most: usize) -> [Vec<u32>; 3] {
        let rows = self.rows.iter().step_by(self.rows.len().div_ceil(at_most).max(1)).map(|&row| row as usize);
        let training = &self.pairs.training;
        [&training.users, &training.items, &training.met].map(|all| rows.clone().map(|row| all[row]).collect())
    }

    /// Returns these training pairs as they teach policies; nothing where no term compares scores.
    fn inner(&self, rows: &[u32], random: &mut ChaCha8Rng) -> Result<Option<Inner>> {
        if self.terms.is_empty() || rows.is_empty() {
            return Ok(None);
        }
        let drawn = self.triples(rows, random)?;
        let (count, negatives) = (rows.len(), self.negatives);
        let again = |of: &[u32]| -> Vec<u32> {
            of.iter().copied().chain(of.iter().flat_map(|&x| std::iter::repeat_n(x, negatives))).collect()
        };
        let items: Vec<u32> = drawn.items.iter().chain(&drawn.others).copied().collect();
        let all = Arc::new((0..items.len() as u32).collect::<Vec<_>>());
        Ok(Some(Inner {
            users: again(&drawn.users),
            items,
            met: again(&drawn.met),
            count,
            negatives,
            targets: self.scores.iter().map(|&score| (all.clone(), score.clone())).collect(),
            terms: self.terms.iter().map(|term| (term.score, term.factor, term.negatives)).collect(),
            weights: drawn.weights,
        }))
    }

    /// Returns these training pairs with negatives drawn for each.
    fn triples(&self, rows: &[u32], random: &mut ChaCha8Rng) -> Result<Triples> {
        let rows: Vec<usize> = rows.iter().map(|&row| row as usize).collect();
        let training = &self.pairs.training;
        let users: Vec<u32> = rows.iter().map(|&row| training.users[row]).collect();
        let step: Vec<u32> = rows.iter().map(|&row| training.items[row]).collect();
        let from = match self.sampling {
            Sampling::Uniform => From::Candidates,
            Sampling::Popularity => From::Items(&training.items),
            Sampling::InBatch => From::Items(&step),
        };
        let mut others = Vec::with_capacity(rows.len() * self.negatives);
        for &user in &users {
            for _ in 0..self.negatives {
                others.push(self.pairs.negative(user, from, random)?);
            }
        }
        Ok(Triples {
            met: rows.iter().map(|&row| training.met[row]).collect(),
            weights: self.weights.as_ref().map(|w| rows.iter().map(|&row| w[row]).collect()),
            items: step,
            users,
            others,
            inner: None,
            lessons: Vec::new(),
        })
    }
}

fn wide(width: usize) -> Error {
    Error::new("E1031", say!("a score is one number, not {width}", "得分应为一个数，而不是 {width} 个"))
}
