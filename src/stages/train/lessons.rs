//! What a train teaches the policies in its network: gains on training rows that the task itself does not learn from.
//!
//! In each step some inner rows are scored twice, as they are read: once with the arms that are drawn for them, once with all inputs. The
//! difference of their losses, divided by the usual size of such differences, is the reward.

use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::network::{Init, Network, Var};
use mmf_data::plan::Edge;
use mmf_data::stage::{Context, Report};
use mmf_lang::args::Args;
use mmf_lang::say;
use mmf_tensor::{Loss, Parameters, Session};
use rand::RngExt;

use super::learn::{below, stream};
use super::network::{Chosen, Circuit, Meddling, Pass, Target, TaskRows};
use crate::fuse::policy::{INNER, NAME, Scores, algorithm, arms, mixed, state};

/// Inner rows of a step, at most.
const AT_MOST: usize = 256;
/// Inner rows by which policies are compared at the end, and rows whose weights are told.
const COMPARED: usize = 4096;
/// The share of a step in the usual size of gains.
const NEW: f32 = 0.02;
/// The place of that size among the weights, within the policy's.
const SIZE: &str = "size";
const PART: u64 = 9;

const CUT: u64 = 21;
const DRAWN: u64 = 22;

/// A policy in a network.
struct Pupil<'p> {
    node: usize,
    inputs: &'p [Edge],
    args: &'p Args,
    place: u64,
}

/// What a policy looked at, and what it made of it.
struct Looked {
    state: Vec<f32>,
    width: usize,
    scores: Scores,
}

/// The policies of a network, and the rows that tell gains.
pub(crate) struct School<'p> {
    pupils: Vec<Pupil<'p>>,
    /// Places of training rows, ascending.
    pub(crate) inner: Vec<u32>,
}

/// Arms that were drawn for rows of a policy, and what they gained.
pub(crate) struct Lesson {
    rows: Arc<Vec<u32>>,
    arms: Vec<u32>,
    gains: Vec<f32>,
}

/// Inner rows of a step as the train knows them.
pub(crate) trait Scored {
    fn rows(&self) -> TaskRows<'_>;
    fn targets(&self) -> &[Target];
    /// Returns the loss of each row of the targets, from values that were read.
    fn losses(&self, session: &Session<'_>, values: &[Var]) -> Result<Vec<f32>>;
}

impl<'p> School<'p> {
    /// Finds the policies of a network, and takes the inner rows out of the training rows where there are any. Of several policies the
    /// greatest share counts.
    pub(crate) fn of(circuit: &Circuit<'p>, places: &mut Vec<u32>, seed: u64) -> Self {
        let pupils: Vec<Pupil<'p>> = circuit
            .named(NAME)
            .into_iter()
            .map(|(node, inputs, args, place)| Pupil { node, inputs, args, place })
            .collect();
        let share = pupils.iter().map(|pupil| pupil.args.get(INNER)).fold(0.0, f64::max);
        let most = places.len().saturating_sub(1);
        let count =
            if share > 0.0 { ((share * places.len() as f64).round() as usize).clamp(most.min(1), most) } else { 0 };
        let mut random = stream(seed, CUT, 0);
        let mut inner = Vec::with_capacity(count);
        if count > 0 {
            // One by one, each of those left as likely.
            let (mut left, mut wanted) = (places.len(), count);
            places.retain(|&place| {
                let taken = below(&mut random, left) < wanted;
                left -= 1;
                if taken {
                    wanted -= 1;
                    inner.push(place);
                }
                !taken
            });
        }
        School { pupils, inner }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pupils.is_empty()
    }

    /// Draws the inner rows of a step of so many rows.
    pub(crate) fn draw(&self, (seed, step): (u64, u64), rows: usize) -> Vec<u32> {
        let mut random = stream(seed, DRAWN, step);
        let count = rows.min(AT_MOST).min(self.inner.len());
        (0..count).map(|_| self.inner[below(&mut random, self.inner.len())]).collect()
    }

    /// Makes what policies remember beside their own weights.
    pub(crate) fn make(&self, parameters: &mut Parameters) -> Result<()> {
        let mut session = Session::making(parameters);
        for pupil in &self.pupils {
            session.at(pupil.place, "policy");
            session.enter(PART, "gains");
            session.parameter(SIZE, &[1], Init::Zeros);
            session.leave();
        }
        session.check()
    }

    /// Looks at inner rows with the present weights: draws arms for them, and finds what these gain.
    pub(crate) fn lessons(
        &self,
        circuit: &Circuit<'_>,
        parameters: &mut Parameters,
        (seed, step): (u64, u64),
        inner: &dyn Scored,
    ) -> Result<Vec<Lesson>> {
        let nodes: Vec<usize> = self.pupils.iter().map(|pupil| pupil.node).collect();
        let reads = circuit.reads(inner.rows(), inner.targets(), &nodes)?;
        let mut random = stream(seed, DRAWN, step ^ (1 << 63));
        let (mut looks, mut drawn) = (Vec::new(), Vec::new());
        for (pupil, rows) in self.pupils.iter().zip(reads) {
            let looked = pupil.look(circuit, parameters, inner.rows(), &rows)?;
            let (algorithm, looking) = algorithm(pupil.args, pupil.inputs.len())?;
            let arms = algorithm.draw(&looked.scores, looking.arms, &mut || random.random());
            drawn.push(Chosen { node: pupil.node, rows, arms });
            looks.push(looked);
        }
        let all: Vec<Chosen> = drawn.iter().map(|c| Chosen { arms: vec![0; c.arms.len()], ..c.clone() }).collect();
        let losses = |chosen: &[Chosen]| self.losses(circuit, parameters, inner, chosen);
        let (with, without) = (losses(&drawn)?, losses(&all)?);
        let gains: Vec<f32> = without.iter().zip(&with).map(|(all, own)| all - own).collect();
        let credits = circuit.credit(inner.rows(), inner.targets(), &gains, &nodes)?;
        let mut lessons = Vec::new();
        for (((pupil, looked), chosen), credit) in self.pupils.iter().zip(&looks).zip(drawn).zip(credits) {
            let size = pupil.size(parameters, &credit)?;
            let gains: Vec<f32> = credit.iter().map(|gain| gain / size).collect();
            let (algorithm, _) = algorithm(pupil.args, pupil.inputs.len())?;
            algorithm.learn(parameters, pupil.place, (&looked.state, looked.width), (&chosen.arms, &gains))?;
            lessons.push(Lesson { rows: chosen.rows, arms: chosen.arms, gains });
        }
        Ok(lessons)
    }

    fn losses(
        &self,
        circuit: &Circuit<'_>,
        parameters: &Parameters,
        inner: &dyn Scored,
        chosen: &[Chosen],
    ) -> Result<Vec<f32>> {
        let mut session = Session::reading(parameters);
        let meddling = Meddling { chosen, ..Meddling::default() };
        let pass: Pass = circuit.run_with(&mut session, inner.rows(), inner.targets(), meddling)?;
        inner.losses(&session, &pass.values)
    }

    /// Adds what policies lower to a train's own loss of a part of a step: by the part's share of the lessons. `whole` is the sum of
    /// all the step's weights.
    pub(crate) fn lower(
        &self,
        circuit: &Circuit<'_>,
        session: &mut Session<'_>,
        own: Loss,
        (lessons, rows): (&[Lesson], TaskRows<'_>),
        (from, to, of): (usize, usize, usize),
        whole: f64,
    ) -> Result<Loss> {
        let mut losses = vec![(own, 1.0)];
        for (pupil, lesson) in self.pupils.iter().zip(lessons) {
            let count = lesson.rows.len();
            let share = count * from / of.max(1)..count * to / of.max(1);
            if share.is_empty() {
                continue;
            }
            let part = Arc::new(lesson.rows[share.clone()].to_vec());
            let pass = circuit.run(session, rows, &pupil.at(&part))?;
            let (algorithm, looking) = algorithm(pupil.args, pupil.inputs.len())?;
            session.at(pupil.place, "policy");
            let state = state(session, &pass.values)?;
            let lesson = (&lesson.arms[share.clone()], &lesson.gains[share]);
            let found = algorithm.lower(&looking, session, &state, lesson)?;
            losses.extend(found.into_iter().map(|(loss, factor)| (loss, factor * (whole / count as f64) as f32)));
        }
        // The task's own loss is told, so what policies lower counts by its slope alone.
        let mut sum = 0.0;
        for (loss, factor) in &losses[1..] {
            sum += session.sum_of(loss)? * factor;
        }
        if losses.len() > 1 {
            let rest = session.constant(1, &[1], vec![-sum])?;
            losses.push((Loss { sum: rest, weight: 1.0 }, 1.0));
        }
        session.combine(&losses.iter().map(|(loss, factor)| (loss, *factor)).collect::<Vec<_>>())
    }

    /// Returns the mean weight of each input of each policy, over some of the rows that it may be asked for.
    pub(crate) fn told(
        &self,
        circuit: &Circuit<'_>,
        parameters: &Parameters,
        task: TaskRows<'_>,
    ) -> Result<Vec<(String, f64)>> {
        let mut told = Vec::new();
        for (policy, pupil) in (1..).zip(&self.pupils) {
            let inputs = pupil.inputs.len();
            let some = circuit.some(pupil.node, task, COMPARED);
            let means = circuit.mean_weights(&some, inputs, |rows| {
                let looked = pupil.look(circuit, parameters, task, &Arc::new(rows.to_vec()))?;
                let (algorithm, looking) = algorithm(pupil.args, inputs)?;
                Ok(mixed(&algorithm.settle(&looked.scores, looking.arms), inputs))
            })?;
            // Numbers, for names are in no stored result.
            told.extend((1..).zip(means).map(|(input, mean)| (format!("policy {policy}: input {input}"), mean)));
        }
        Ok(told)
    }

    /// Says what the policies are worth on inner rows beside all inputs and the best fixed arm.
    pub(crate) fn compare(
        &self,
        context: &Context,
        circuit: &Circuit<'_>,
        parameters: &Parameters,
        inner: &dyn Scored,
    ) -> Result<()> {
        let mean = |losses: Vec<f32>| losses.iter().map(|&x| f64::from(x)).sum::<f64>() / losses.len().max(1) as f64;
        if self.inner.is_empty() {
            context.host.report(Report::Note(say!(
                "there is no inner row to tell gains: the policy was not trained",
                "没有可用于衡量收益的内部行：策略未经训练"
            )));
            return Ok(());
        }
        let own = mean(self.losses(circuit, parameters, inner, &[])?);
        let nodes: Vec<usize> = self.pupils.iter().map(|pupil| pupil.node).collect();
        let reads = circuit.reads(inner.rows(), inner.targets(), &nodes)?;
        for (number, (pupil, rows)) in (1..).zip(self.pupils.iter().zip(reads)) {
            // The other policies choose by themselves.
            let fixed = |arm: usize| -> Result<f64> {
                let chosen = Chosen { node: pupil.node, rows: rows.clone(), arms: vec![arm as u32; rows.len()] };
                Ok(mean(self.losses(circuit, parameters, inner, &[chosen])?))
            };
            let arms = arms(pupil.inputs.len());
            let fixed = (0..arms.len()).map(fixed).collect::<Result<Vec<_>>>()?;
            let best = (0..fixed.len()).fold(0, |best, arm| if fixed[arm] < fixed[best] { arm } else { best });
            let (all, least) = (fixed[0], fixed[best]);
            let numbers =
                (1..).zip(&arms[best]).filter(|(_, has)| **has).map(|(number, _): (usize, _)| number.to_string());
            let which = numbers.collect::<Vec<_>>().join(" + ");
            let (who, zh_who) = match self.pupils.len() {
                1 => (String::new(), String::new()),
                _ => (format!("policy {number}: "), format!("第 {number} 个策略：")),
            };
            context.host.report(Report::Note(say!(
                "{who}on the inner rows the loss is {own:.4} with the policy's weights, {all:.4} with equal ones, {least:.4} with the best fixed \
                 ones (of input {which})",
                "{zh_who}在内部行上，使用策略的权重时损失为 {own:.4}，等权重时为 {all:.4}，最佳固定权重（输入 {which}）时为 {least:.4}"
            )));
        }
        Ok(())
    }

    /// Returns the inner rows by which policies are compared.
    pub(crate) fn compared(&self) -> Vec<u32> {
        self.inner.iter().copied().step_by(self.inner.len().div_ceil(COMPARED).max(1)).collect()
    }
}

impl Pupil<'_> {
    /// Returns its inputs at rows of its own.
    fn at(&self, rows: &Arc<Vec<u32>>) -> Vec<Target> {
        self.inputs.iter().map(|edge| (rows.clone(), edge.clone())).collect()
    }

    /// Looks at rows with the present weights.
    fn look(
        &self,
        circuit: &Circuit<'_>,
        parameters: &Parameters,
        task: TaskRows<'_>,
        rows: &Arc<Vec<u32>>,
    ) -> Result<Looked> {
        let mut session = Session::reading(parameters);
        let pass = circuit.run(&mut session, task, &self.at(rows))?;
        let (algorithm, looking) = algorithm(self.args, self.inputs.len())?;
        session.at(self.place, "policy");
        let state = state(&mut session, &pass.values)?;
        let scores = algorithm.look(&looking, &mut session, &state)?;
        Ok(Looked { state: session.values(&state)?.to_vec(), width: state.width(), scores })
    }

    /// Returns the usual size of gains, and lets it follow these.
    fn size(&self, parameters: &mut Parameters, gains: &[f32]) -> Result<f32> {
        let place = mmf_tensor::place_within(self.place, PART);
        let size = parameters.named(place, SIZE).ok_or_else(|| Error::bug("a policy without a size of its gains"))?;
        let square = gains.iter().map(|g| g * g).sum::<f32>() / gains.len().max(1) as f32;
        let before = parameters.values(size)?.first().copied().unwrap_or(0.0);
        let now = if before == 0.0 { square } else { before + NEW * (square - before) };
        parameters.set_values(size, &[now])?;
        Ok(now.sqrt().max(1e-12))
    }
}
