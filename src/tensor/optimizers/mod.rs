//! Update rules. Dense weights are updated by dfdx's own kernels, under Adam by the same in blocks; tables by lazy ones that touch
//! only the rows of a step.

mod adam;
mod lazy;

use crate::gradients::Gradients;
use crate::kernels::elementwise;
use crate::parameters::Parameters;
use crate::value::{Buffer, Matrix, device_error, write};
use adam::Adam;
use dfdx::prelude::{Cpu, CpuError, Momentum, SgdConfig, Storage, WeightDecay};
use mmf_data::error::Result;
use rayon::prelude::*;

/// An update rule and its numbers. `g` is the gradient of the batch's mean loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// `w ← w − rate·g`. What a batch is, is the caller's: all rows at once for gradient descent proper.
    GradientDescent { rate: f64 },
    /// The same on small batches; `decay` adds `decay·w` to `g`.
    Sgd { rate: f64, decay: f64 },
    /// `v ← momentum·v + g`, `w ← w − rate·v`; with `nesterov`, `w ← w − rate·(g + momentum·v)`.
    Momentum { rate: f64, momentum: f64, nesterov: bool, decay: f64 },
    /// Adam (Kingma, Ba 2015); `decay` adds `decay·w` to `g`, as PyTorch's `Adam(weight_decay)`.
    Adam { rate: f64, betas: [f64; 2], epsilon: f64, decay: f64 },
    /// AdamW (Loshchilov, Hutter 2019): the decay, `rate·decay·w`, is taken from the weight itself.
    AdamW { rate: f64, betas: [f64; 2], epsilon: f64, decay: f64 },
}

impl Rule {
    /// Returns Adam with its usual numbers.
    pub fn adam(rate: f64) -> Self {
        Rule::Adam { rate, betas: [0.9, 0.999], epsilon: 1e-8, decay: 0.0 }
    }

    /// Returns the rule's name as it is kept beside its state.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Rule::GradientDescent { .. } => "gradient_descent",
            Rule::Sgd { .. } => "sgd",
            Rule::Momentum { .. } => "momentum",
            Rule::Adam { .. } => "adam",
            Rule::AdamW { .. } => "adam_w",
        }
    }

    /// Returns how many numbers are remembered for each number of a weight.
    pub(crate) fn moments(&self) -> usize {
        match self {
            Rule::GradientDescent { .. } | Rule::Sgd { .. } => 0,
            Rule::Momentum { .. } => 1,
            Rule::Adam { .. } | Rule::AdamW { .. } => 2,
        }
    }

    pub fn rate(&self) -> f64 {
        match *self {
            Rule::GradientDescent { rate }
            | Rule::Sgd { rate, .. }
            | Rule::Momentum { rate, .. }
            | Rule::Adam { rate, .. }
            | Rule::AdamW { rate, .. } => rate,
        }
    }
}

/// A rule with what it remembers of each weight.
///
/// **Tables** are updated lazily: a row that no input of the step read stays as it is, moments and decay included, as in PyTorch's
/// `SparseAdam`. The step number counts all steps that touched the table.
pub struct Optimizer {
    pub(crate) rule: Rule,
    pub(crate) device: Cpu,
    /// For each weight what is remembered; nothing before its first gradient.
    pub(crate) states: Vec<Option<State>>,
}

pub(crate) struct State {
    /// How many steps had a gradient for this weight.
    pub(crate) steps: i32,
    /// The velocity, or Adam's two moments. A dense weight under plain descent keeps one that is never read.
    pub(crate) moments: Vec<Buffer>,
}

/// A weight taken out of its place, to be updated beside others.
struct Job<'a> {
    weight: &'a mut Matrix,
    state: &'a mut State,
    gradient: Work<'a>,
}

enum Work<'a> {
    Dense(&'a mut Buffer, Buffer),
    Table(&'a [crate::gradients::SparseRows], f32),
}

impl Optimizer {
    pub fn new(rule: Rule) -> Self {
        Optimizer { rule, device: Cpu::default(), states: Vec::new() }
    }

    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Changes the learning rate, as a schedule does between steps.
    pub fn set_rate(&mut self, new: f64) {
        match &mut self.rule {
            Rule::GradientDescent { rate }
            | Rule::Sgd { rate, .. }
            | Rule::Momentum { rate, .. }
            | Rule::Adam { rate, .. }
            | Rule::AdamW { rate, .. } => *rate = new,
        }
    }

    /// Updates all weights that have a gradient, and lets running statistics follow what the step has seen.
    pub fn step(&mut self, parameters: &mut Parameters, gradients: &mut Gradients) -> Result<()> {
        self.states.resize_with(parameters.len().max(self.states.len()), || None);
        let rule = self.rule;
        let mut taken = Vec::new();
        for (i, entry) in parameters.entries.iter().enumerate() {
            let dense = gradients.written.get(i).copied().unwrap_or(false);
            if dense {
                // Two buffers of one map cannot be lent at once, so they are taken out and put back below.
                let empty = self.device.try_alloc_len(0).map_err(device_error)?;
                let lent = gradients.dense.get_or_alloc_mut(&entry.value).map_err(device_error)?;
                taken.push((i, Some(std::mem::replace(lent, empty))));
            } else if gradients.sparse.get(i).is_some_and(|chunks| !chunks.is_empty()) {
                taken.push((i, None));
            }
            if dense || taken.last().is_some_and(|(last, _)| *last == i) {
                self.prepare(i, entry.dims.iter().product(), dense)?;
            }
        }

        let mut weights = parameters.entries.iter_mut().enumerate();
        let mut states = self.states.iter_mut().enumerate();
        let mut jobs = Vec::with_capacity(taken.len());
        for (i, dense) in &mut taken {
            let weight = weights.find(|(at, _)| at == i).map(|(_, entry)| &mut entry.value);
            let state = states.find(|(at, _)| at == i).and_then(|(_, state)| state.as_mut());
            if let (Some(weight), Some(state)) = (weight, state) {
                let gradient = match dense {
                    Some(buffer) => {
                        let empty = self.device.try_alloc_len(0).map_err(device_error)?;
                        Work::Dense(buffer, empty)
                    }
                    None => Work::Table(&gradients.sparse[*i], gradients.scale),
                };
                jobs.push(Job { weight, state, gradient });
            }
        }
        let done: Vec<std::result::Result<(), CpuError>> = jobs.into_par_iter().map(|job| update(rule, job)).collect();
        for result in done {
            result.map_err(device_error)?;
        }
        for moved in &gradients.moved {
            if let Some(entry) = parameters.entries.get_mut(moved.state.0) {
                elementwise::follow(write(&mut entry.value), &moved.seen, moved.share);
            }
        }
        for (i, buffer) in taken {
            if let Some(buffer) = buffer {
                let value = &parameters.entries[i].value;
                *gradients.dense.get_or_alloc_mut(value).map_err(device_error)? = buffer;
            }
        }
        Ok(())
    }

    /// Makes the state of a weight where it has none.
    fn prepare(&mut self, i: usize, count: usize, dense: bool) -> Result<()> {
        if self.states[i].is_none() {
            let kept = self.rule.moments().max(usize::from(dense));
            let moments = (0..kept).map(|_| self.device.try_alloc_len(count).map_err(device_error));
            self.states[i] = Some(State { steps: 0, moments: moments.collect::<Result<_>>()? });
        }
        Ok(())
    }
}

/// Updates one weight.
fn update(rule: Rule, job: Job) -> std::result::Result<(), CpuError> {
    let Job { weight, state, gradient } = job;
    state.steps += 1;
    match gradient {
        Work::Dense(gradient, mut empty) => {
            let (one, rest) = state.moments.split_at_mut(1);
            let first = one.first_mut().unwrap_or(&mut empty);
            dense(rule, state.steps, weight, first, rest.first_mut(), gradient)
        }
        Work::Table(chunks, scale) => {
            let width = dfdx::prelude::HasShape::shape(weight).1;
            let moments = state.moments.iter_mut().map(|moment| &mut moment[..]).collect();
            lazy::update(rule, state.steps, write(weight), width, moments, chunks, scale);
            Ok(())
        }
    }
}

/// Updates a dense weight: by dfdx's kernels, or as they do.
fn dense(
    rule: Rule,
    steps: i32,
    weight: &mut Matrix,
    first: &mut Buffer,
    second: Option<&mut Buffer>,
    gradient: &Buffer,
) -> std::result::Result<(), CpuError> {
    let l2 = |decay: f64| (decay != 0.0).then_some(WeightDecay::L2(decay));
    let sgd = |lr, momentum, decay| SgdConfig { lr, momentum, weight_decay: l2(decay) };
    match (rule, second) {
        (Rule::GradientDescent { rate }, _) => sgd(rate, None, 0.0).try_update(weight, first, gradient),
        (Rule::Sgd { rate, decay }, _) => sgd(rate, None, decay).try_update(weight, first, gradient),
        (Rule::Momentum { rate, momentum, nesterov, decay }, _) => {
            let kind = if nesterov { Momentum::Nesterov(momentum) } else { Momentum::Classic(momentum) };
            sgd(rate, Some(kind), decay).try_update(weight, first, gradient)
        }
        (Rule::Adam { rate, betas, epsilon, decay }, Some(second)) => {
            let adam = Adam { rate, betas, epsilon, decay, decoupled: 0.0 };
            adam::update(adam, steps, write(weight), [first, second], gradient);
            Ok(())
        }
        (Rule::AdamW { rate, betas, epsilon, decay }, Some(second)) => {
            let adam = Adam { rate, betas, epsilon, decay: 0.0, decoupled: decay };
            adam::update(adam, steps, write(weight), [first, second], gradient);
            Ok(())
        }
        (Rule::Adam { .. } | Rule::AdamW { .. }, None) => unreachable!("Adam's state has two moments"),
    }
}
