//! Training on rows with a label: what `classify`, `regress` and `tasks` share.

mod head;
mod inner;
mod label;

use std::ops::Range;
use std::sync::Arc;

use mmf_data::arrays::Arrays;
use mmf_data::error::{Error, Result};
use mmf_data::network::Var;
use mmf_data::plan::Edge;
use mmf_data::stage::{Context, Predictions, Report, TrainCall};
use mmf_lang::args::Args;
use mmf_lang::say;
use mmf_lang::types::{Part, Task};
use mmf_tensor::{Loss, Parameters, Session};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::balance::Balance;
use super::learn::{Course, Work, learn};
use super::lessons::{Lesson, School};
use super::network::{AT_ONCE, Circuit, Target, TaskRows};
use super::predictions::{Classified, Regressed};
use super::recipe::{self, Stop};
use super::space::Space;
use super::terms::{Asked, Terms, combined};
use super::trained;
use head::{Head, Labels, is_known};
use label::labelled;
pub(crate) use label::{Label, Settings, classes};

/// How long it is trained, as the arguments say.
pub(crate) struct Length {
    pub(crate) epochs: usize,
    pub(crate) batch: usize,
}

/// Trains and returns the weights and fields.
pub(crate) fn train(
    context: &Context,
    args: &Args,
    call: &TrainCall,
    (tasks, balance): (&[Settings<'_>], Balance),
    length: &Length,
) -> Result<Arrays> {
    let stop = Stop::of(args, call)?;
    let mut work = Rowwise::new(call, tasks, context.seed)?;
    work.warn(context)?;
    work.balance = balance;
    work.watched = stop.as_ref().map_or(0, |stop| work.served(&stop.metric_name));
    let (rule, whole) = recipe::rule(args)?;
    let batch = if whole { work.places.len().max(1) } else { length.batch };
    let course = Course { epochs: length.epochs, batch, rule, stop };
    let learned = learn(context, &course, &work)?;
    if !work.school.is_empty() {
        let inner = work.inner(work.school.compared());
        work.school.compare(context, &work.circuit, &learned.parameters, &inner)?;
    }
    let mut arrays = learned.store()?;
    trained::store_fields(&call.plan, &work.circuit, &learned.parameters, &mut arrays)?;
    Ok(arrays)
}

/// Predicts a part.
pub(crate) fn predict(
    context: &Context,
    call: &TrainCall,
    tasks: &[Settings<'_>],
    trained: &Arrays,
    part: Part,
) -> Result<Predictions> {
    let (work, parameters) = (Rowwise::new(call, tasks, context.seed)?, trained::weights(trained)?);
    work.predict(&parameters, call.head, part, true)
}

/// Training rows at which discriminators are asked after an epoch, at most.
const TOLD: usize = 256;

/// A training whose rows are those of the split's table.
struct Rowwise<'a> {
    call: &'a TrainCall,
    circuit: Circuit<'a>,
    heads: Vec<Head<'a>>,
    balance: Balance,
    /// The head that stopping watches.
    watched: usize,
    /// Places in the table of the training rows that a head learns from, ascending.
    places: Vec<u32>,
    /// The policies, and the training rows that teach them.
    school: School<'a>,
}

impl<'a> Rowwise<'a> {
    /// `seed` is that of the training, which decides the rows that teach policies.
    fn new(call: &'a TrainCall, tasks: &'a [Settings<'a>], seed: u64) -> Result<Self> {
        let mut circuit = Circuit::new(&call.plan)?;
        let mut heads = Vec::with_capacity(tasks.len());
        let mut places = Vec::new();
        for (number, settings) in tasks.iter().enumerate() {
            let prefix = if tasks.len() > 1 || circuit.output("output").is_err() {
                format!("tasks.{number}.")
            } else {
                String::new()
            };
            let output = circuit.output(&format!("{prefix}output"))?;
            let (pulls, others) = Terms::of(&settings.loss, &circuit, &prefix)?;
            others.iter().try_for_each(|(_, _, recipe)| recipe::is(recipe, settings.name))?;
            let factors = others.iter().map(|(number, factor, _)| (*number, *factor)).collect();
            let weights = settings.weight.as_ref().map(|column| trained::numbers(call, column)).transpose()?;
            let mut own = labelled(call, settings, Part::Train)?;
            if let Some(weights) = &weights {
                own.retain(|&place| weights[place as usize].is_finite());
            }
            places.extend(own);
            heads.push(Head { settings, output, factors, pulls, weights });
        }
        places.sort_unstable();
        places.dedup();
        // What only these rows lead to is not trained.
        let school = School::of(&circuit, &mut places, seed);
        let all: Vec<&Edge> = heads.iter().flat_map(Head::values).collect();
        circuit.know(TaskRows::Table(&ids(call, &places)), &all)?;
        let balance = Balance::Fixed(vec![1.0; heads.len()]);
        Ok(Rowwise { call, circuit, heads, balance, watched: 0, places, school })
    }

    /// Says which tasks nothing is learned for.
    fn warn(&self, context: &Context) -> Result<()> {
        for (number, head) in (1..).zip(&self.heads) {
            if self.heads.len() > 1 && labelled(self.call, head.settings, Part::Train)?.is_empty() {
                context.host.report(Report::Note(say!(
                    "task {number} has no label in the training rows: nothing is learned for it",
                    "第 {number} 个任务在训练行中没有标签：无从学习"
                )));
            }
        }
        Ok(())
    }

    /// Returns all values that the heads read, one head behind the other.
    fn values(&self) -> Vec<&'a Edge> {
        self.heads.iter().flat_map(Head::values).collect()
    }

    /// Returns the first head that a metric measures.
    fn served(&self, metric: &str) -> usize {
        let tasks = crate::find(metric).map_or(&[][..], |stage| stage.signature().tasks);
        let serves = |head: &Head<'_>| match head.settings.label {
            _ if tasks.is_empty() => true,
            Label::Classes { .. } => tasks.contains(&Task::Classify),
            Label::Numbers(_) => tasks.contains(&Task::Regress),
        };
        self.heads.iter().position(serves).unwrap_or(0)
    }

    /// Predicts a part; with `spaced`, what enters the last layer is kept too.
    fn predict(&self, parameters: &Parameters, head: usize, part: Part, spaced: bool) -> Result<Predictions> {
        let head = self.heads.get(head).ok_or_else(|| Error::bug("a train has no such task"))?;
        let places = labelled(self.call, head.settings, part)?;
        let units = ids(self.call, &places);
        let entrance = if spaced { self.circuit.entrance(head.output) } else { None };
        let settled = self.circuit.settled(parameters)?;
        let over = settled.as_ref().map(|plan| self.circuit.over(plan)).transpose()?;
        let circuit = over.as_ref().unwrap_or(&self.circuit);
        let outputs: Vec<&Edge> = std::iter::once(head.output).chain(&entrance).collect();
        let forward = |rows: &[u32]| -> Result<(Vec<f64>, usize, Vec<f32>)> {
            let mut session = Session::reading(parameters);
            let pass = circuit.forward(&mut session, TaskRows::Table(rows), &outputs)?;
            let (width, inner) = match pass.values.get(1) {
                Some(inner) => (inner.width(), session.values(inner)?.to_vec()),
                None => (0, Vec::new()),
            };
            Ok((head.read(&session, &pass.values[0])?, width, inner))
        };
        let mut space = Space::default();
        let mut numbers = Vec::new();
        // In rounds: what enters the last layer is wide, and only some of it is kept.
        for round in units.chunks(AT_ONCE * AT_ONCE) {
            let found: Vec<Result<_>> = round.par_chunks(AT_ONCE).map(&forward).collect();
            for block in found {
                let (own, width, inner) = block?;
                numbers.extend(own);
                space.take(units.len(), width, &inner);
            }
        }
        if numbers.iter().any(|x| !x.is_finite()) {
            return Err(not_finite());
        }
        let mut predictions = match &head.settings.label {
            Label::Classes { codes, names, positive } => Classified {
                units,
                label: places.iter().map(|&p| codes[p as usize]).collect(),
                scores: numbers.into_iter().map(|x| x as f32).collect(),
                classes: names.clone(),
                positive: *positive,
            }
            .write(),
            Label::Numbers(truth) => {
                Regressed { units, label: places.iter().map(|&p| truth[p as usize]).collect(), predicted: numbers }
                    .write()
            }
        };
        space.put(&mut predictions)?;
        Ok(predictions)
    }

    /// Returns the sum of one head's loss and of what it asks for at a value's worst change. `begun` is where the random choices stood
    /// before.
    fn of_head(
        &self,
        session: &mut Session<'_>,
        begun: u64,
        number: usize,
        values: &[Var],
        (batch, range): (&Examples, &Range<usize>),
    ) -> Result<Loss> {
        let (head, labels) = (&self.heads[number], &batch.labels[number]);
        let mut losses = head.losses(session, values, labels, range, &Asked { parts: None, shift: None })?;
        let rows = Arc::new(batch.rows[range.clone()].to_vec());
        losses.extend(head.pulls.worst(session, begun, |session, asked| {
            let pass =
                self.circuit.run_with(session, TaskRows::Table(&rows), &head.targets(&rows), asked.meddling())?;
            Ok((head.losses(session, &pass.values, labels, range, asked)?, pass))
        })?);
        combined(session, &losses)
    }

    /// Returns each head's loss over a range of the batch's rows.
    fn each(&self, session: &mut Session<'_>, batch: &Examples, range: &Range<usize>) -> Result<Vec<Loss>> {
        let rows = Arc::new(batch.rows[range.clone()].to_vec());
        let begun = session.choices();
        let targets: Vec<Target> = self.heads.iter().flat_map(|head| head.targets(&rows)).collect();
        let pass = self.circuit.run(session, TaskRows::Table(&rows), &targets)?;
        let mut values = &pass.values[..];
        (0..self.heads.len())
            .map(|number| {
                let (own, rest) = values.split_at(self.heads[number].values().count());
                values = rest;
                self.of_head(session, begun, number, own, (batch, range))
            })
            .collect()
    }
}

/// Some rows with what is known of them.
pub(crate) struct Examples {
    rows: Vec<u32>,
    /// Of each head.
    labels: Vec<Labels>,
    /// Rows that teach policies, and what they have taught.
    inner: Vec<u32>,
    lessons: Vec<Lesson>,
}

impl Work for Rowwise<'_> {
    type Batch = Examples;

    fn rows(&self) -> usize {
        self.places.len()
    }

    fn is_whole(&self) -> bool {
        self.circuit.is_whole()
    }

    fn make(&self, seed: u64) -> Result<Parameters> {
        let some = &self.places[..self.places.len().min(2)];
        let rows = ids(self.call, some);
        let rows = TaskRows::Table(&rows);
        let mut parameters = self.circuit.make(seed, rows, &self.values())?;
        self.heads.iter().try_for_each(|head| head.pulls.make(&mut parameters, &self.circuit, rows))?;
        self.balance.make(&mut parameters, self.heads.len())?;
        self.school.make(&mut parameters)?;
        Ok(parameters)
    }

    fn batch(&self, places: &[u32], _: &mut ChaCha8Rng) -> Result<Examples> {
        // Ascending rows need no gathering; which rows are in a batch is random, their order within is not.
        let mut places: Vec<u32> = places.iter().map(|&p| self.places[p as usize]).collect();
        places.sort_unstable();
        let several = self.heads.len() > 1;
        let labels = self.heads.iter().map(|head| {
            let known: Option<Vec<bool>> = several
                .then(|| {
                    let column = self.call.split.table.column(&head.settings.column)?;
                    Ok(places.iter().map(|&place| is_known(head, column, place as usize)).collect())
                })
                .transpose()?;
            Ok(head.labels(&places, known.as_deref()))
        });
        let labels = labels.collect::<Result<_>>()?;
        Ok(Examples { rows: ids(self.call, &places), labels, inner: Vec::new(), lessons: Vec::new() })
    }

    fn prepare(&self, parameters: &mut Parameters, batch: &mut Examples, moment: (u64, u64)) -> Result<()> {
        let rows = batch.rows.len();
        self.balance.learn(parameters, moment, self.heads.len(), |session| self.each(session, batch, &(0..rows)))?;
        if !self.school.inner.is_empty() {
            let inner = self.inner(self.school.draw(moment, batch.rows.len()));
            batch.lessons = self.school.lessons(&self.circuit, parameters, moment, &inner)?;
            batch.inner = inner.rows;
        }
        Ok(())
    }

    fn told(&self, parameters: &Parameters) -> Result<Vec<(String, f64)>> {
        let mut told = self.balance.told(parameters, self.heads.len())?;
        let rows = TaskRows::Table(&[]);
        told.extend(self.school.told(&self.circuit, parameters, rows)?);
        told.extend(self.circuit.weighing(parameters, rows)?);
        let some: Vec<u32> = self.places.iter().copied().step_by(self.places.len().div_ceil(TOLD).max(1)).collect();
        let (some, mut number) = (ids(self.call, &some), 1);
        for head in &self.heads {
            told.extend(head.pulls.told(&self.circuit, parameters, TaskRows::Table(&some), number)?);
            number += head.pulls.judges();
        }
        Ok(told)
    }

    fn loss(&self, session: &mut Session<'_>, batch: &Examples, range: Range<usize>) -> Result<Loss> {
        let each = self.each(session, batch, &range)?;
        let known: Vec<bool> = batch.labels.iter().map(Labels::is_any).collect();
        let own = self.balance.sum(session, each, (&self.kinds(), &known), range.len())?;
        if batch.lessons.is_empty() {
            return Ok(own);
        }
        let whole = match &batch.labels[..] {
            [Labels { weights: Some(weights), .. }] => weights.iter().map(|&w| f64::from(w)).sum(),
            _ => batch.rows.len() as f64,
        };
        let part = (range.start, range.end, batch.rows.len());
        let lessons = (&batch.lessons[..], TaskRows::Table(&batch.inner));
        self.school.lower(&self.circuit, session, own, lessons, part, whole)
    }

    fn watch(&self, parameters: &Parameters, _: usize) -> Result<Predictions> {
        self.predict(parameters, self.watched, Part::Validation, false)
    }
}

impl Rowwise<'_> {
    /// Returns of each head whether it guesses numbers.
    fn kinds(&self) -> Vec<bool> {
        self.heads.iter().map(|head| matches!(head.settings.label, Label::Numbers(_))).collect()
    }
}

/// Returns the numbers of the rows at these places of the table.
fn ids(call: &TrainCall, places: &[u32]) -> Vec<u32> {
    places.iter().map(|&place| call.split.table.rows.id(place as usize)).collect()
}

fn not_finite() -> Error {
    Error::new("E1030", say!("a prediction is not a finite number", "预测值不是有限的数"))
        .help(say!("a lower learning rate often mends this", "降低学习率通常可以解决"))
}
