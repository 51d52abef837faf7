//! The loop of training: epochs of batches, curves, early stopping, checkpoints.
//!
//! Law: what comes out depends on the seed and the work alone, never on threads, clocks, or how often a run was interrupted.

use std::ops::Range;
use std::time::{Duration, Instant};

use mmf_data::arrays::{Array, Arrays};
use mmf_data::error::{Error, Result};
use mmf_data::stage::{Context, Predictions, Report};
use mmf_tensor::{Loss, Optimizer, Parameters, Rule, Session, Slices};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::recipe::Stop;

/// Checkpoints of short epochs are not closer than this.
pub(crate) const BETWEEN_CHECKPOINTS: Duration = Duration::from_secs(2);

/// How long and how a training goes.
pub(crate) struct Course {
    pub(crate) epochs: usize,
    /// Rows of a step.
    pub(crate) batch: usize,
    pub(crate) rule: Rule,
    pub(crate) stop: Option<Stop>,
}

/// What is trained: rows, a loss over some of them, and how well it does.
pub(crate) trait Work: Sync {
    /// What a batch needs beside the weights.
    type Batch: Sync;

    /// Returns the count of training rows.
    fn rows(&self) -> usize;

    /// Whether a step does much that is the same for any rows, so that its batch is not to be cut.
    fn is_whole(&self) -> bool {
        false
    }

    /// Makes the weights.
    fn make(&self, seed: u64) -> Result<Parameters>;

    /// Prepares the rows at these places, all random choices included.
    fn batch(&self, places: &[u32], random: &mut ChaCha8Rng) -> Result<Self::Batch>;

    /// Looks at a batch with the present weights before a step is made of it, and changes such as follow no gradient.
    fn prepare(&self, _: &mut Parameters, _: &mut Self::Batch, _: (u64, u64)) -> Result<()> {
        Ok(())
    }

    /// Returns what else is told of an epoch, by its name.
    fn told(&self, _: &Parameters) -> Result<Vec<(String, f64)>> {
        Ok(Vec::new())
    }

    /// Returns the loss over a range of the batch's rows.
    fn loss(&self, session: &mut Session<'_>, batch: &Self::Batch, range: Range<usize>) -> Result<Loss>;

    /// Returns predictions for the validation part.
    fn watch(&self, parameters: &Parameters, top: usize) -> Result<Predictions>;
}

/// What a training ends with.
pub(crate) struct Learned {
    pub(crate) parameters: Parameters,
    /// Epochs that were run.
    pub(crate) epochs: usize,
    /// The epoch whose weights are kept, from 1; 0 where nothing was trained.
    pub(crate) best: usize,
}

/// Where a training stands after an epoch.
struct State {
    parameters: Parameters,
    optimizer: Optimizer,
    epoch: usize,
    step: u64,
    /// The best value so far, its epoch and its weights.
    best: Option<(f64, usize, Parameters)>,
    /// The points told so far, for an interrupted training tells them again: curve, epoch and value.
    points: Vec<(String, usize, f64)>,
}

impl State {
    fn point(&mut self, curve: &str, value: f64) {
        self.points.push((curve.into(), self.epoch, value));
    }

    /// Tells the points of an epoch's curves.
    fn tell(&self, context: &Context, epoch: usize) {
        for (curve, _, value) in self.points.iter().filter(|(_, at, _)| *at == epoch) {
            context.host.report(Report::Curve { curve: curve.clone(), step: epoch as u64, value: *value });
        }
    }
}

/// Trains.
pub(crate) fn learn<W: Work>(context: &Context, course: &Course, work: &W) -> Result<Learned> {
    let rows = work.rows();
    let mut state = match restore(context, course) {
        Some(state) => {
            (1..=state.epoch).for_each(|epoch| state.tell(context, epoch));
            state
        }
        None => {
            let (parameters, optimizer) = (work.make(context.seed)?, Optimizer::new(course.rule));
            State { parameters, optimizer, epoch: 0, step: 0, best: None, points: Vec::new() }
        }
    };
    if state.parameters.is_empty() || rows == 0 {
        return Ok(Learned { parameters: state.parameters, epochs: 0, best: 0 });
    }
    let mut slices = Slices::new().whole(work.is_whole());
    let mut saved: Option<Instant> = None;
    let batches = rows.div_ceil(course.batch);
    while state.epoch < course.epochs && !is_over(course, &state) {
        let mut order: Vec<u32> = (0..rows as u32).collect();
        order.shuffle(&mut stream(context.seed, ORDER, state.epoch as u64));
        let (mut sum, mut weight) = (0.0, 0.0);
        for (number, places) in order.chunks(course.batch).enumerate() {
            context.check()?;
            let mut batch = work.batch(places, &mut stream(context.seed, CHOICES, state.step))?;
            let moment = (context.seed, state.step);
            work.prepare(&mut state.parameters, &mut batch, moment)?;
            let step = slices
                .step(&state.parameters, moment, places.len(), |session, range| work.loss(session, &batch, range))?;
            sum += step.loss * step.weight;
            weight += step.weight;
            state.optimizer.step(&mut state.parameters, step.gradients)?;
            state.step += 1;
            if number % 16 == 15 || number + 1 == batches {
                context.progress(state.epoch * batches + number + 1, course.epochs * batches);
            }
        }
        state.epoch += 1;
        state.point("loss", if weight > 0.0 { sum / weight } else { 0.0 });
        if let Some(stop) = &course.stop {
            let value = stop.measure(&work.watch(&state.parameters, stop.top)?)?;
            if let Some(value) = value {
                state.point(&stop.name, value);
                if state.best.as_ref().is_none_or(|(best, ..)| stop.is_better(value, *best)) {
                    state.best = Some((value, state.epoch, state.parameters.clone()));
                }
            }
        }
        for (curve, value) in work.told(&state.parameters)? {
            state.point(&curve, value);
        }
        state.tell(context, state.epoch);
        if saved.is_none_or(|at| at.elapsed() >= BETWEEN_CHECKPOINTS) {
            context.host.save_checkpoint(&save(&state)?);
            saved = Some(Instant::now());
        }
    }
    Ok(match state.best {
        Some((_, best, parameters)) => Learned { parameters, epochs: state.epoch, best },
        None => Learned { parameters: state.parameters, epochs: state.epoch, best: state.epoch },
    })
}

/// Tells whether the patience has run out. A metric that was never defined has no best, and stops nothing.
fn is_over(course: &Course, state: &State) -> bool {
    match (&course.stop, &state.best) {
        (Some(stop), Some((_, best, _))) => state.epoch - best >= stop.patience,
        _ => false,
    }
}

const ORDER: u64 = 1;
const CHOICES: u64 = 2;

/// Returns a stream of random numbers of its own for a purpose and a moment.
pub(crate) fn stream(seed: u64, purpose: u64, moment: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&purpose.to_le_bytes());
    key[16..24].copy_from_slice(&moment.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// Returns a number below `count`, each as likely.
pub(crate) fn below(random: &mut ChaCha8Rng, count: usize) -> usize {
    random.random_range(0..count as u64) as usize
}

fn save(state: &State) -> Result<Vec<u8>> {
    let mut arrays = Arrays::new()
        .with("weights", Array::Bytes(state.parameters.to_bytes()?))
        .with("optimizer", Array::Bytes(state.optimizer.to_bytes(&state.parameters)?))
        .with("epoch", Array::I64(vec![state.epoch as i64, state.step as i64]))
        .with("points.curves", Array::Texts(state.points.iter().map(|(curve, ..)| curve.as_str()).collect()))
        .with("points.epochs", Array::I64(state.points.iter().map(|(_, epoch, _)| *epoch as i64).collect()))
        .with("points.values", Array::F64(state.points.iter().map(|(.., value)| *value).collect()));
    if let Some((value, epoch, parameters)) = &state.best {
        arrays.put("best.value", Array::F64(vec![*value]));
        arrays.put("best.epoch", Array::I64(vec![*epoch as i64]));
        arrays.put("best.weights", Array::Bytes(parameters.to_bytes()?));
    }
    Ok(arrays.to_bytes())
}

/// Returns the state that an interrupted run has left. One that cannot be read is as none: the training then starts anew.
fn restore(context: &Context, course: &Course) -> Option<State> {
    read(&context.host.load_checkpoint()?, course).ok()
}

fn read(bytes: &[u8], course: &Course) -> Result<State> {
    let arrays = Arrays::from_bytes(bytes)?;
    let parameters = Parameters::from_bytes(arrays.bytes("weights")?)?;
    let optimizer = Optimizer::from_bytes(arrays.bytes("optimizer")?, course.rule, &parameters)?;
    let &[epoch, step] = arrays.i64s("epoch")? else { return Err(Error::bug("a checkpoint has no epoch")) };
    let best = if arrays.has("best.value") {
        let (value, epoch) = (arrays.f64s("best.value")?, arrays.i64s("best.epoch")?);
        let (Some(&value), Some(&epoch)) = (value.first(), epoch.first()) else {
            return Err(Error::bug("a checkpoint has no best epoch"));
        };
        Some((value, epoch as usize, Parameters::from_bytes(arrays.bytes("best.weights")?)?))
    } else {
        None
    };
    let (epochs, values) = (arrays.i64s("points.epochs")?, arrays.f64s("points.values")?);
    let points = arrays.texts("points.curves")?.iter().zip(epochs.iter().zip(values));
    let points = points.map(|(curve, (&epoch, &value))| (curve.to_string(), epoch as usize, value)).collect();
    Ok(State { parameters, optimizer, epoch: epoch as usize, step: step as u64, best, points })
}

impl Learned {
    /// Returns what is stored of a training.
    pub(crate) fn store(&self) -> Result<Arrays> {
        Ok(Arrays::new()
            .with("weights", Array::Bytes(self.parameters.to_bytes()?))
            .with("epochs", Array::I64(vec![self.epochs as i64]))
            .with("best", Array::I64(vec![self.best as i64])))
    }
}
