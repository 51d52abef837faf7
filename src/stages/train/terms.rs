//! Parts of a loss that compare two values of the network, beside what the task itself lowers.

use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::network::Var;
use mmf_data::plan::Edge;
use mmf_lang::args::{Args, Recipe};
use mmf_tensor::{Loss, Session};

use super::network::{Circuit, Pass, Target};
use super::{cosine_gap, info_nce};

type Compare = fn(&mut Session<'_>, &Args, [&Var; 2], Option<&[f32]>) -> Result<Loss>;

/// What compares two values, by the names of their stages.
static COMPARE: [(&str, Compare); 2] = [("cosine_gap", cosine_gap::loss), ("info_nce", info_nce::loss)];

/// The parts of a loss that compare.
#[derive(Default)]
pub(crate) struct Terms<'p>(Vec<Term<'p>>);

struct Term<'p> {
    factor: f32,
    compare: Compare,
    args: Args,
    values: [&'p Edge; 2],
}

impl<'p> Terms<'p> {
    /// Takes the parts that compare out of a loss, and returns them and the others, each with its number in the loss.
    pub(crate) fn of(
        losses: &[(f64, Recipe)],
        circuit: &Circuit<'p>,
    ) -> Result<(Terms<'p>, Vec<(usize, f32, Recipe)>)> {
        let (mut terms, mut others) = (Vec::new(), Vec::new());
        for (number, (factor, recipe)) in losses.iter().enumerate() {
            let factor = *factor as f32;
            let Some((_, compare)) = COMPARE.iter().find(|(name, _)| *name == recipe.stage) else {
                others.push((number, factor, recipe.clone()));
                continue;
            };
            let value = |place: usize| circuit.output(&format!("loss.{number}.{place}"));
            let values = [value(0)?, value(1)?];
            terms.push(Term { factor, compare: *compare, args: recipe.args.clone(), values });
        }
        Ok((Terms(terms), others))
    }

    /// Returns all values that are compared.
    pub(crate) fn values(&self) -> impl Iterator<Item = &'p Edge> {
        self.0.iter().flat_map(|term| term.values)
    }

    /// Returns what has to be computed for the first rows of a step.
    pub(crate) fn targets(&self, rows: &Arc<Vec<u32>>) -> Vec<Target> {
        self.values().map(|edge| (rows.clone(), edge.clone())).collect()
    }

    /// Returns the losses with their factors; their values are the last that a pass has computed.
    pub(crate) fn losses(
        &self,
        session: &mut Session<'_>,
        pass: &Pass,
        weights: Option<&[f32]>,
    ) -> Result<Vec<(Loss, f32)>> {
        let first = pass.values.len().checked_sub(2 * self.0.len()).ok_or_else(|| Error::bug("a pass lacks values"))?;
        let pairs = pass.values[first..].chunks_exact(2);
        let loss = |(term, pair): (&Term<'_>, &[Var])| {
            Ok(((term.compare)(session, &term.args, [&pair[0], &pair[1]], weights)?, term.factor))
        };
        self.0.iter().zip(pairs).map(loss).collect()
    }
}
