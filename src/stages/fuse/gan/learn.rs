//! The game: discriminators and generators in turns, their curves, and what is said where it goes wrong.
//!
//! Law: what comes out depends on the seed and the rows alone, never on threads, clocks, or how often it was interrupted.

use std::ops::Range;
use std::time::Instant;

use mmf_data::arrays::{Array, Arrays, State};
use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Op, Parameter, Var};
use mmf_data::stage::{Context, Report};
use mmf_data::table::Column;
use mmf_lang::args::{Args, Recipe};
use mmf_lang::say;
use mmf_tensor::{Loss, Optimizer, Parameters, Rule, Session, Slices, normals};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::objective::{self, Objective};
use super::penalty::penalty;
use super::spectral::Normed;
use super::{
    BATCH, CRITIC_OPTIMIZER, CRITIC_STEPS, DISCRIMINATOR, DRAWS, GENERATOR, LATENT, LOSS, OPTIMIZER, RECONSTRUCTION,
    SPECTRAL, STEPS,
};
use crate::fuse::layers::Layers;
use crate::train::learn::{BETWEEN_CHECKPOINTS, below, stream};
use crate::train::recipe::rule_of;

/// How often an input that is there is hidden from a generator that could read it.
const HIDDEN: f64 = 0.2;
/// Points of a curve.
const POINTS: usize = 100;
/// Rows by which a point is told.
const PROBE: usize = 512;
/// Below this share of the real deviation, what is made is all alike.
const ALIKE: f64 = 0.05;
/// A discriminator that is right this often has left its generator behind.
const RIGHT: f64 = 0.98;

/// What a generator is given, numbers a row: the other inputs, which of them are there, and random numbers.
pub(super) struct Given<'a> {
    pub(super) widths: &'a [usize],
    pub(super) latent: usize,
}

impl Given<'_> {
    /// Returns how many numbers tell of the other inputs.
    fn told(&self, of: usize) -> usize {
        let others: usize = self.widths.iter().enumerate().filter(|(at, _)| *at != of).map(|(_, width)| width).sum();
        others + self.widths.len() - 1
    }

    /// Appends what is told of a row: the inputs other than `of` that are there, zeros for those that are not; then which are.
    pub(super) fn tell<'r>(&self, of: usize, row: impl Fn(usize) -> Option<&'r [f32]>, into: &mut Vec<f32>) {
        let others = || (0..self.widths.len()).filter(|&at| at != of);
        for at in others() {
            match row(at) {
                Some(values) => into.extend_from_slice(values),
                None => into.extend(std::iter::repeat_n(0.0, self.widths[at])),
            }
        }
        into.extend(others().map(|at| f32::from(u8::from(row(at).is_some()))));
    }
}

/// The networks, and how they are named among their weights.
pub(super) struct Nets {
    generator: Layers,
    discriminator: Layers,
}

const MAKES: &str = "generator";

impl Nets {
    pub(super) fn of(args: &Args) -> Result<Nets> {
        Ok(Nets { generator: Layers::of(&args.get(GENERATOR))?, discriminator: Layers::of(&args.get(DISCRIMINATOR))? })
    }

    /// Makes an input from what is told of the others and random numbers.
    pub(super) fn make(&self, session: &mut Session<'_>, of: usize, given: &[&Var], width: usize) -> Result<Var> {
        let given = session.apply(Op::Concat, given, &[])?;
        session.at(2 * of as u64 + 1, &format!("{MAKES}-{of}"));
        self.generator.to(session, &given, width)
    }

    /// Judges an input beside what is told of the others.
    fn judge(&self, session: &mut Session<'_>, of: usize, input: &Var, told: &Var) -> Result<Var> {
        let given = session.apply(Op::Concat, &[input, told], &[])?;
        session.at(2 * of as u64 + 2, &format!("discriminator-{of}"));
        self.discriminator.to(session, &given, 1)
    }
}

struct Game<'a> {
    given: Given<'a>,
    nets: Nets,
    objective: &'static Objective,
    penalty: f32,
    reconstruction: f32,
    /// For each input its standardised values, zeros where it is missing.
    values: &'a [Vec<f32>],
    there: &'a [Vec<bool>],
    rows: usize,
}

/// Some rows, all that is random about them drawn.
struct Batch {
    rows: usize,
    inputs: Vec<Side>,
}

/// What a batch holds for one input.
struct Side {
    told: Vec<f32>,
    noise: Vec<f32>,
    real: Vec<f32>,
    /// How much each row counts where the real is needed: in the mean one, nothing where it is missing.
    counts: Vec<f32>,
    /// Where between the real and the made the penalty is taken.
    between: Vec<f32>,
    /// What the generators make, once they have.
    made: Vec<f32>,
}

impl Game<'_> {
    fn batch(&self, rows: usize, random: &mut ChaCha8Rng) -> Batch {
        let places: Vec<usize> = (0..rows).map(|_| below(random, self.rows)).collect();
        let widths = self.given.widths;
        let row = |of: usize, place: usize| -> Option<&[f32]> {
            self.there[of][place].then(|| &self.values[of][place * widths[of]..][..widths[of]])
        };
        let inputs = (0..widths.len()).map(|of| {
            let mut side = Side {
                told: Vec::with_capacity(rows * self.given.told(of)),
                noise: Vec::with_capacity(rows * self.given.latent + 1),
                real: Vec::with_capacity(rows * widths[of]),
                counts: Vec::with_capacity(rows),
                between: (0..rows).map(|_| random.random::<f32>()).collect(),
                made: Vec::new(),
            };
            for &place in &places {
                let seen: Vec<bool> = widths.iter().map(|_| !random.random_bool(HIDDEN)).collect();
                self.given.tell(of, |at| row(at, place).filter(|_| seen[at]), &mut side.told);
                match row(of, place) {
                    Some(values) => side.real.extend_from_slice(values),
                    None => side.real.extend(std::iter::repeat_n(0.0, widths[of])),
                }
                side.counts.push(f32::from(u8::from(self.there[of][place])));
            }
            let known: f32 = side.counts.iter().sum();
            side.counts.iter_mut().for_each(|count| *count *= rows as f32 / known.max(1.0));
            side.noise = noise(random, rows * self.given.latent);
            side
        });
        Batch { rows, inputs: inputs.collect() }
    }

    /// Lets the generators make their inputs.
    fn fill(&self, parameters: &Parameters, batch: &mut Batch) -> Result<()> {
        let blocks = mmf_tensor::read(parameters, batch.rows, |session, range| {
            (0..batch.inputs.len())
                .map(|of| {
                    let made = self.made(session, of, &batch.inputs[of], range.clone())?;
                    Ok(session.values(&made)?.to_vec())
                })
                .collect::<Result<Vec<Vec<f32>>>>()
        })?;
        batch.inputs.iter_mut().for_each(|side| side.made.clear());
        for block in blocks {
            batch.inputs.iter_mut().zip(block).for_each(|(side, made)| side.made.extend(made));
        }
        Ok(())
    }

    fn told(&self, session: &mut Session<'_>, of: usize, side: &Side, range: &Range<usize>) -> Result<Var> {
        put(session, &side.told, self.given.told(of), range)
    }

    fn made(&self, session: &mut Session<'_>, of: usize, side: &Side, range: Range<usize>) -> Result<Var> {
        let told = self.told(session, of, side, &range)?;
        let noise = put(session, &side.noise, self.given.latent, &range)?;
        let given = if self.given.latent > 0 { vec![&told, &noise] } else { vec![&told] };
        self.nets.make(session, of, &given, self.given.widths[of])
    }

    /// Returns the discriminators' loss.
    fn judged(&self, session: &mut Session<'_>, batch: &Batch, range: Range<usize>) -> Result<Loss> {
        let mut losses = Vec::new();
        for (of, side) in batch.inputs.iter().enumerate() {
            let width = self.given.widths[of];
            let told = self.told(session, of, side, &range)?;
            let (made, real) = (put(session, &side.made, width, &range)?, put(session, &side.real, width, &range)?);
            let counts = &side.counts[range.clone()];
            let on_made = self.nets.judge(session, of, &made, &told)?;
            losses.push((self.objective.made)(session, &on_made)?);
            let on_real = self.nets.judge(session, of, &real, &told)?;
            losses.push((self.objective.real)(session, &on_real, counts)?);
            if self.penalty > 0.0 {
                let own = range.start * width..range.end * width;
                let mut points = side.real[own.clone()].to_vec();
                let rows = points.chunks_exact_mut(width).zip(side.made[own].chunks_exact(width));
                for ((real, made), share) in rows.zip(&side.between[range.clone()]) {
                    real.iter_mut().zip(made).for_each(|(x, made)| *x = share * *x + (1.0 - share) * made);
                }
                let value = |session: &mut Session<'_>, points: &Var| {
                    let told = self.told(session, of, side, &range)?;
                    self.nets.judge(session, of, points, &told)
                };
                losses.push(penalty(session, &points, width, counts, self.penalty, value)?);
            }
        }
        session.combine(&losses.iter().map(|loss| (loss, 1.0)).collect::<Vec<_>>())
    }

    /// Returns the generators' loss.
    fn played(&self, session: &mut Session<'_>, batch: &Batch, range: Range<usize>) -> Result<Loss> {
        let mut losses = Vec::new();
        for (of, side) in batch.inputs.iter().enumerate() {
            let width = self.given.widths[of];
            let made = self.made(session, of, side, range.clone())?;
            let told = self.told(session, of, side, &range)?;
            let value = self.nets.judge(session, of, &made, &told)?;
            losses.push(((self.objective.generator)(session, &value)?, 1.0));
            if self.reconstruction > 0.0 {
                let real = &side.real[range.start * width..range.end * width];
                let error = session.squared_error(&made, real, Some(&side.counts[range.clone()]))?;
                losses.push((error, self.reconstruction));
            }
        }
        session.combine(&losses.iter().map(|(loss, factor)| (loss, *factor)).collect::<Vec<_>>())
    }

    /// Returns how often the discriminators are right of a real and a made row side by side, and for each input the deviation of what
    /// is made as a share of the real one.
    fn probe(&self, parameters: &Parameters, batch: &mut Batch) -> Result<(f64, Vec<f64>)> {
        self.fill(parameters, batch)?;
        let (mut right, mut all) = (0.0, 0.0);
        let mut spreads = Vec::new();
        for (of, side) in batch.inputs.iter().enumerate() {
            let width = self.given.widths[of];
            let mut session = Session::reading(parameters);
            let range = 0..batch.rows;
            let told = self.told(&mut session, of, side, &range)?;
            let mut values = Vec::new();
            for numbers in [&side.real, &side.made] {
                let input = put(&mut session, numbers, width, &range)?;
                let value = self.nets.judge(&mut session, of, &input, &told)?;
                values.push(session.values(&value)?.to_vec());
            }
            let known = || side.counts.iter().map(|&count| count > 0.0);
            for ((real, made), known) in values[0].iter().zip(&values[1]).zip(known()) {
                if known {
                    right += if real > made { 1.0 } else { f64::from(u8::from(real == made)) / 2.0 };
                    all += 1.0;
                }
            }
            let (real, made) = (spread(&side.real, width, known()), spread(&side.made, width, known()));
            spreads.push(if real > 0.0 { (made / real).sqrt() } else { 1.0 });
        }
        Ok((if all > 0.0 { right / all } else { 0.5 }, spreads))
    }
}

/// Returns the sum over places of the variance among the rows that are known.
fn spread(numbers: &[f32], width: usize, known: impl Iterator<Item = bool> + Clone) -> f64 {
    let count = known.clone().filter(|&known| known).count().max(1) as f64;
    (0..width)
        .map(|place| {
            let own = || numbers.iter().skip(place).step_by(width).zip(known.clone()).filter(|(_, known)| *known);
            let mean = own().map(|(&x, _)| f64::from(x)).sum::<f64>() / count;
            own().map(|(&x, _)| (f64::from(x) - mean).powi(2)).sum::<f64>() / count
        })
        .sum()
}

/// Puts the rows of a range in, `width` numbers each.
fn put(session: &mut Session<'_>, numbers: &[f32], width: usize, range: &Range<usize>) -> Result<Var> {
    session.constant(range.len(), &[width], numbers[range.start * width..range.end * width].to_vec())
}

/// Returns normal random numbers.
fn noise(random: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    let mut numbers = Vec::with_capacity(count + 1);
    while numbers.len() < count {
        let (a, b) = normals(random);
        numbers.extend([a as f32, b as f32]);
    }
    numbers.truncate(count);
    numbers
}

/// Where a game stands after a step of the generators.
struct Progress {
    parameters: Parameters,
    makers: Optimizer,
    judges: Optimizer,
    step: usize,
    /// The directions of normalised weights, one behind the other.
    directions: Vec<Vec<f32>>,
    /// Points of the curves: step, generators' loss, discriminators', how often they are right.
    points: Vec<[f64; 4]>,
    /// Sums since the last point: the losses and their counts.
    sums: [f64; 4],
}

const CURVES: [&str; 3] = ["generator", "discriminator", "accuracy"];
const BATCHES: u64 = 11;
const READING: u64 = 12;
const PROBING: u64 = 13;

pub(super) fn fit(context: &Context, args: &Args, columns: &[Column]) -> Result<State> {
    let (values, scales) = standardised(columns)?;
    let widths: Vec<usize> = scales.iter().map(|(means, _)| means.len()).collect();
    let there: Vec<Vec<bool>> =
        columns.iter().map(|column| (0..column.len()).map(|at| !column.is_missing(at)).collect()).collect();
    let loss = args.get(LOSS).ok_or_else(|| Error::bug("a game without a loss"))?;
    let objective = objective::of(&loss)?;
    let game = Game {
        given: Given { widths: &widths, latent: args.get(LATENT) },
        nets: Nets::of(args)?,
        objective,
        penalty: (objective.penalty)(&loss.args) as f32,
        reconstruction: args.get(RECONSTRUCTION) as f32,
        values: &values,
        there: &there,
        rows: columns.first().map_or(0, Column::len),
    };
    let learned = play(context, args, &game)?;
    let draws = noise(&mut stream(context.seed, READING, 0), args.get(DRAWS) * game.given.latent);
    let (means, deviations): (Vec<_>, Vec<_>) = scales.into_iter().unzip();
    Ok(State::new()
        .with("weights", Array::Bytes(learned.to_bytes()?))
        .with("widths", Array::I64(widths.iter().map(|&width| width as i64).collect()))
        .with("means", Array::F32(means.concat()))
        .with("deviations", Array::F32(deviations.concat()))
        .with("draws", Array::F32(draws)))
}

/// A mean and a deviation for each place.
type Scale = (Vec<f32>, Vec<f32>);

/// Returns each column's values with mean 0 and deviation 1, zeros where it is missing, and what it was scaled by.
fn standardised(columns: &[Column]) -> Result<(Vec<Vec<f32>>, Vec<Scale>)> {
    let mut found = (Vec::new(), Vec::new());
    for (number, column) in (1..).zip(columns) {
        let (width, numbers) = column.values.as_vectors()?;
        let known = || (0..column.len()).filter(|&at| !column.is_missing(at));
        let count = known().count();
        if count == 0 {
            return Err(Error::new(
                "E1022",
                say!("input {number} has no value in the training rows", "第 {number} 个输入在训练行中没有值"),
            )
            .help(say!(
                "leave it out, or split otherwise: a generator learns from what is there",
                "请去掉它，或更换划分：生成网络从已有的值学习"
            )));
        }
        let sum = |place: usize, f: &dyn Fn(f64) -> f64| {
            known().map(|at| f(f64::from(numbers[at * width + place]))).sum::<f64>() / count as f64
        };
        let means: Vec<f64> = (0..width).map(|place| sum(place, &|x| x)).collect();
        let deviation = |place: usize| sum(place, &|x| (x - means[place]).powi(2)).sqrt();
        let deviations: Vec<f64> = (0..width).map(deviation).map(|d| if d > 0.0 { d } else { 1.0 }).collect();
        let mut scaled = vec![0.0; column.len() * width];
        for at in known() {
            let places = at * width..(at + 1) * width;
            for ((to, &x), (mean, deviation)) in
                scaled[places.clone()].iter_mut().zip(&numbers[places]).zip(means.iter().zip(&deviations))
            {
                *to = ((f64::from(x) - mean) / deviation) as f32;
            }
        }
        let narrow = |numbers: Vec<f64>| numbers.into_iter().map(|x| x as f32).collect();
        found.0.push(scaled);
        found.1.push((narrow(means), narrow(deviations)));
    }
    Ok(found)
}

/// Plays the game to its end and returns the weights.
fn play(context: &Context, args: &Args, game: &Game<'_>) -> Result<Parameters> {
    let rule = |recipe: Option<Recipe>| -> Result<Rule> {
        Ok(rule_of(&recipe.ok_or_else(|| Error::bug("a game without an optimizer"))?)?.0)
    };
    let rules = [rule(args.get(OPTIMIZER))?, rule(args.get(CRITIC_OPTIMIZER))?];
    let steps = args.get(STEPS);
    let batch = args.get(BATCH).min(game.rows.max(1));
    let turns = args.get(CRITIC_STEPS).unwrap_or(game.objective.critic_steps);
    let mut now = match context.host.load_checkpoint().and_then(|bytes| Progress::read(&bytes, rules).ok()) {
        Some(now) => {
            now.points.iter().for_each(|point| tell(context, point));
            now
        }
        None => Progress::begin(game, context.seed, rules)?,
    };
    let makes: Vec<bool> = now
        .parameters
        .all()
        .map(|parameter| Ok(now.parameters.label(parameter)?.starts_with(MAKES)))
        .collect::<Result<_>>()?;
    let of_makers = |parameter: Parameter| makes.get(parameter.0) == Some(&true);
    let mut normed = Vec::new();
    if args.get(SPECTRAL) {
        for parameter in now.parameters.all().filter(|&p| !of_makers(p)) {
            let known = now.directions.get(normed.len()).map(Vec::as_slice);
            normed.extend(Normed::new(&now.parameters, parameter, known)?);
        }
    }
    let mut probe = game.batch(PROBE.min(game.rows), &mut stream(context.seed, PROBING, 0));
    let mut slices = Slices::new();
    let mut saved: Option<Instant> = None;
    let every = steps.div_ceil(POINTS);
    let mut spreads = Vec::new();
    while now.step < steps {
        context.check()?;
        for turn in 0..=turns {
            let moment = (now.step * (turns + 1) + turn) as u64;
            let mut rows = game.batch(batch, &mut stream(context.seed, BATCHES, moment));
            let mut used = now.parameters.clone();
            normed.iter().try_for_each(|normed| normed.divide(&mut used))?;
            let at = (context.seed, moment);
            if turn < turns {
                game.fill(&used, &mut rows)?;
                let step = slices.step(&used, at, rows.rows, |session, range| game.judged(session, &rows, range))?;
                now.sums[2] += step.loss;
                now.sums[3] += 1.0;
                step.gradients.keep(|parameter| !of_makers(parameter));
                normed.iter().try_for_each(|normed| normed.back(&used, step.gradients))?;
                now.judges.step(&mut now.parameters, step.gradients)?;
                normed.iter_mut().try_for_each(|normed| normed.turn(&now.parameters))?;
            } else {
                let step = slices.step(&used, at, rows.rows, |session, range| game.played(session, &rows, range))?;
                now.sums[0] += step.loss;
                now.sums[1] += 1.0;
                step.gradients.keep(of_makers);
                now.makers.step(&mut now.parameters, step.gradients)?;
            }
        }
        now.step += 1;
        if now.step % every == 0 || now.step == steps {
            let mut used = now.parameters.clone();
            normed.iter().try_for_each(|normed| normed.divide(&mut used))?;
            let (right, found) = game.probe(&used, &mut probe)?;
            spreads = found;
            let [made, makes, judged, judges] = now.sums;
            now.points.push([now.step as f64, made / makes.max(1.0), judged / judges.max(1.0), right]);
            now.sums = [0.0; 4];
            tell(context, &now.points[now.points.len() - 1]);
        }
        if now.step % 16 == 0 || now.step == steps {
            context.progress(now.step, steps);
        }
        if saved.is_none_or(|at| at.elapsed() >= BETWEEN_CHECKPOINTS) {
            now.directions = normed.iter().map(Normed::state).collect();
            context.host.save_checkpoint(&now.write()?);
            saved = Some(Instant::now());
        }
    }
    warn(context, &now.points, &spreads);
    Ok(now.parameters)
}

/// Tells a point of each curve.
fn tell(context: &Context, point: &[f64; 4]) {
    for (curve, &value) in CURVES.iter().zip(&point[1..]) {
        context.host.report(Report::Curve { curve: (*curve).into(), step: point[0] as u64, value });
    }
}

/// Says where a game has gone wrong, and by what that is seen.
pub(super) fn warn(context: &Context, points: &[[f64; 4]], spreads: &[f64]) {
    for (number, spread) in (1..).zip(spreads).filter(|(_, spread)| **spread < ALIKE) {
        let share = 100.0 * spread;
        context.host.report(Report::Note(say!(
            "what is made of input {number} hardly differs from row to row: its deviation is {share:.1} % of the real one; the other inputs \
             tell nothing of it, or its generator has collapsed",
            "第 {number} 个输入的生成值各行几乎相同：其标准差只有真实值的 {share:.1} %；要么其他输入与它无关，要么生成网络已经坍缩"
        )));
    }
    let last = &points[points.len() - points.len().div_ceil(4)..];
    let right = last.iter().map(|point| point[3]).sum::<f64>() / last.len().max(1) as f64;
    if right > RIGHT {
        let share = 100.0 * right;
        context.host.report(Report::Note(say!(
            "in the last quarter the discriminators told {share:.1} % of made rows from real ones: the generators learn little from them",
            "在最后四分之一的步骤中，判别网络能分辨 {share:.1} % 的生成行：生成网络从中学到的很少"
        )));
    }
}

impl Progress {
    fn begin(game: &Game<'_>, seed: u64, rules: [Rule; 2]) -> Result<Self> {
        let mut parameters = Parameters::new(seed);
        let rows = game.batch(2, &mut stream(seed, PROBING, 1));
        let mut session = Session::making(&mut parameters);
        for (of, side) in rows.inputs.iter().enumerate() {
            let made = game.made(&mut session, of, side, 0..2)?;
            let told = game.told(&mut session, of, side, &(0..2))?;
            game.nets.judge(&mut session, of, &made, &told)?;
        }
        session.check()?;
        drop(session);
        let [makers, judges] = rules.map(Optimizer::new);
        Ok(Progress { parameters, makers, judges, step: 0, directions: Vec::new(), points: Vec::new(), sums: [0.0; 4] })
    }

    fn write(&self) -> Result<Vec<u8>> {
        let lengths = self.directions.iter().map(|direction| direction.len() as i64).collect();
        Ok(Arrays::new()
            .with("weights", Array::Bytes(self.parameters.to_bytes()?))
            .with("makers", Array::Bytes(self.makers.to_bytes(&self.parameters)?))
            .with("judges", Array::Bytes(self.judges.to_bytes(&self.parameters)?))
            .with("step", Array::I64(vec![self.step as i64]))
            .with("directions", Array::F32(self.directions.concat()))
            .with("directions.lengths", Array::I64(lengths))
            .with("points", Array::F64(self.points.concat()))
            .with("sums", Array::F64(self.sums.to_vec()))
            .to_bytes())
    }

    fn read(bytes: &[u8], [makers, judges]: [Rule; 2]) -> Result<Self> {
        let arrays = Arrays::from_bytes(bytes)?;
        let parameters = Parameters::from_bytes(arrays.bytes("weights")?)?;
        let mut rest = arrays.f32s("directions")?;
        let mut directions = Vec::new();
        for &length in arrays.i64s("directions.lengths")? {
            let (own, others) = rest.split_at_checked(length as usize).ok_or_else(odd)?;
            directions.push(own.to_vec());
            rest = others;
        }
        Ok(Progress {
            makers: Optimizer::from_bytes(arrays.bytes("makers")?, makers, &parameters)?,
            judges: Optimizer::from_bytes(arrays.bytes("judges")?, judges, &parameters)?,
            step: arrays.i64s("step")?.first().copied().ok_or_else(odd)? as usize,
            directions,
            points: arrays.f64s("points")?.as_chunks().0.to_vec(),
            sums: arrays.f64s("sums")?.try_into().map_err(|_| odd())?,
            parameters,
        })
    }
}

fn odd() -> Error {
    Error::bug("a checkpoint of a game does not fit together")
}
