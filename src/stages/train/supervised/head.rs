//! One task: what it guesses, and what it lowers.

use std::ops::Range;
use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::network::Var;
use mmf_data::plan::Edge;
use mmf_data::table::Column;
use mmf_lang::say;
use mmf_tensor::{Loss, Session};

use super::label::{Label, Settings};
use crate::train::network::Target;
use crate::train::terms::{Asked, Terms};

/// One task: what it guesses, and what it lowers.
pub(super) struct Head<'a> {
    pub(super) settings: &'a Settings<'a>,
    pub(super) output: &'a Edge,
    /// How much the losses count that read the label, by their numbers.
    pub(super) factors: Vec<(usize, f32)>,
    /// The parts of the loss that compare two values, or ask for the worst.
    pub(super) pulls: Terms<'a>,
    /// How much each row of the table counts.
    pub(super) weights: Option<Vec<f64>>,
}

impl<'a> Head<'a> {
    /// Returns all values that it reads.
    pub(super) fn values(&self) -> impl Iterator<Item = &'a Edge> + '_ {
        std::iter::once(self.output).chain(self.pulls.values())
    }

    pub(super) fn targets(&self, rows: &Arc<Vec<u32>>) -> Vec<Target> {
        self.values().map(|edge| (rows.clone(), edge.clone())).collect()
    }

    /// Returns the parts of its loss; `values` are those that it reads.
    pub(super) fn losses(
        &self,
        session: &mut Session<'_>,
        values: &[Var],
        labels: &Labels,
        range: &Range<usize>,
        asked: &Asked<'_>,
    ) -> Result<Vec<(Loss, f32)>> {
        let output = values.first().ok_or_else(|| Error::bug("a task without an output"))?;
        let weights = labels.weights.as_ref().map(|w| &w[range.clone()]);
        let loss = match &self.settings.label {
            Label::Numbers(_) => {
                one_wide(output, "regress")?;
                session.squared_error(output, &labels.numbers[range.clone()], weights)?
            }
            Label::Classes { names, .. } if output.width() == 1 && names.len() == 2 => {
                session.binary_cross_entropy(output, &labels.numbers[range.clone()], weights)?
            }
            Label::Classes { names, .. } => {
                if output.width() != names.len() {
                    return Err(misfit(output.width(), names.len()));
                }
                session.cross_entropy(output, &labels.classes[range.clone()], weights)?
            }
        };
        let factor: f32 = self.factors.iter().filter(|(number, _)| asked.has(*number)).map(|(_, factor)| factor).sum();
        let mut losses = vec![(loss, factor)];
        losses.extend(self.pulls.compared(session, values, asked, weights)?);
        Ok(losses)
    }

    /// Returns what is known of these places of the table. Of several tasks, rows without a label count nothing and the others more, so
    /// that each task's loss is a mean over its own rows.
    pub(super) fn labels(&self, places: &[u32], known: Option<&[bool]>) -> Labels {
        let (classes, numbers) = match &self.settings.label {
            Label::Classes { codes, names, .. } => {
                let classes: Vec<u32> = places.iter().map(|&p| codes[p as usize].min(names.len() as u32 - 1)).collect();
                let numbers = classes.iter().map(|&c| if c == 1 { 1.0 } else { 0.0 }).collect();
                (classes, numbers)
            }
            Label::Numbers(truth) => {
                let finite = |x: f64| if x.is_finite() { x as f32 } else { 0.0 };
                (Vec::new(), places.iter().map(|&p| finite(truth[p as usize])).collect())
            }
        };
        let count = |&p: &u32| self.weights.as_ref().map_or(1.0, |w| w[p as usize]);
        let weights = match known {
            None => self.weights.as_ref().map(|_| places.iter().map(|p| count(p) as f32).collect()),
            Some(known) => {
                let counts = places.iter().zip(known).map(|(p, &known)| if known { count(p) } else { 0.0 });
                let sum: f64 = counts.clone().sum();
                let factor = if sum > 0.0 { places.len() as f64 / sum } else { 0.0 };
                Some(counts.map(|x| (x * factor) as f32).collect())
            }
        };
        Labels { classes, numbers, weights }
    }
}

impl Head<'_> {
    /// Returns probabilities of all classes, or numbers. Probabilities are told from what was before the head, in 64 bits.
    pub(super) fn read(&self, session: &Session<'_>, output: &Var) -> Result<Vec<f64>> {
        let plain =
            |var: &Var| -> Result<Vec<f64>> { Ok(session.values(var)?.iter().map(|&x| f64::from(x)).collect()) };
        let Label::Classes { names, .. } = &self.settings.label else {
            one_wide(output, "regress")?;
            return plain(output);
        };
        let before = session.before(output)?;
        if output.width() == 1 && names.len() == 2 {
            return Ok(match before {
                Some(logits) => {
                    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
                    plain(&logits)?.into_iter().flat_map(|z| [sigmoid(-z), sigmoid(z)]).collect()
                }
                None => plain(output)?.into_iter().flat_map(|p| [1.0 - p, p]).collect(),
            });
        }
        if output.width() != names.len() {
            return Err(misfit(output.width(), names.len()));
        }
        let Some(logits) = before else { return plain(output) };
        let mut out = plain(&logits)?;
        for row in out.chunks_exact_mut(names.len().max(1)) {
            let greatest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.iter_mut().for_each(|z| *z = (*z - greatest).exp());
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|p| *p /= sum);
        }
        Ok(out)
    }
}

impl Head<'_> {
    /// Returns the loss of a row that was read, as much as it counts.
    pub(super) fn loss(&self, read: &[f64], place: usize) -> f32 {
        let loss = match &self.settings.label {
            Label::Numbers(truth) => (read[0] - truth[place]).powi(2),
            Label::Classes { codes, .. } => -read[codes[place] as usize].max(1e-12).ln(),
        };
        let factor: f32 = self.factors.iter().map(|(_, factor)| factor).sum();
        let weight = self.weights.as_ref().map_or(1.0, |weights| weights[place]);
        (loss * weight) as f32 * factor
    }
}

/// What one head knows of the rows.
pub(super) struct Labels {
    classes: Vec<u32>,
    numbers: Vec<f32>,
    pub(super) weights: Option<Vec<f32>>,
}

impl Labels {
    /// Returns whether any row counts.
    pub(super) fn is_any(&self) -> bool {
        self.weights.as_ref().is_none_or(|weights| weights.iter().any(|&w| w > 0.0))
    }
}

/// Returns whether the row at that place of the table has a label, and counts.
pub(super) fn is_known(head: &Head<'_>, column: &Column, place: usize) -> bool {
    let counts = head.weights.as_ref().is_none_or(|weights| weights[place].is_finite());
    counts && !column.is_missing(place) && head.settings.knows(place)
}

fn one_wide(output: &Var, task: &str) -> Result<()> {
    let width = output.width();
    if width == 1 {
        return Ok(());
    }
    Err(Error::new(
        "E1031",
        say!("`{task}` needs one number a row, not {width}", "`{task}` 每行需要一个数，而不是 {width} 个"),
    ))
}

fn misfit(width: usize, classes: usize) -> Error {
    Error::new(
        "E1031",
        say!(
            "the output is {width} wide, but the label has {classes} classes",
            "输出宽度为 {width}，但标签有 {classes} 个类别"
        ),
    )
}
