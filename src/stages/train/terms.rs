//! Parts of a loss beside what the task itself lowers: those that compare two values of the network, and those that ask for the others
//! at a value's worst change.

use std::ops::Range;
use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::network::Var;
use mmf_data::plan::Edge;
use mmf_lang::args::{ArgValue, Args, Recipe};
use mmf_tensor::{Loss, Parameters, Session};

use super::network::{AT_ONCE, Circuit, Meddling, Pass, Shift, Target, TaskRows};
use super::{adversarial, adversarial_alignment, adversarial_presence, cosine_gap, info_nce};

type Compare = fn(&mut Session<'_>, &Args, &[Var], Option<&[f32]>) -> Result<Loss>;

/// Returns how many of its guesses a discriminator has right, and how many it makes.
type Right = fn(&mut Session<'_>, &Args, &[Var]) -> Result<(usize, usize)>;

/// What compares values, by the names of their stages; of those with a discriminator, how it does.
static COMPARE: [(&str, Compare, Option<Right>); 4] = [
    ("cosine_gap", cosine_gap::loss, None),
    ("info_nce", info_nce::loss, None),
    ("adversarial_alignment", adversarial_alignment::loss, Some(adversarial_alignment::right)),
    ("adversarial_presence", adversarial_presence::loss, Some(adversarial_presence::right)),
];

/// Parts of a loss have weights of their own behind those of all layers.
const PLACE: u64 = 1 << 40;

/// Parts of a loss, each with its number in it.
#[derive(Default)]
pub(crate) struct Terms<'p> {
    compared: Vec<Compared<'p>>,
    worst: Vec<Worst<'p>>,
}

struct Compared<'p> {
    number: usize,
    factor: f32,
    compare: Compare,
    right: Option<Right>,
    args: Args,
    values: Vec<&'p Edge>,
    /// Where its own weights stand.
    place: u64,
}

/// Parts of the loss once more, at the worst change of a value.
struct Worst<'p> {
    /// The parts, by their numbers.
    parts: Range<usize>,
    value: &'p Edge,
    epsilon: f32,
    weight: f32,
}

/// Which parts of a loss are asked for, and where.
pub(crate) struct Asked<'a> {
    /// By their numbers; `None` for all, and what large weights cost.
    pub(crate) parts: Option<Range<usize>>,
    /// A node of the plan, and what is added to its value.
    pub(crate) shift: Option<(usize, &'a Shift)>,
}

impl<'a> Asked<'a> {
    pub(crate) fn meddling(&self) -> Meddling<'a> {
        Meddling { shift: self.shift, ..Meddling::default() }
    }

    pub(crate) fn has(&self, number: usize) -> bool {
        self.parts.as_ref().is_none_or(|parts| parts.contains(&number))
    }
}

/// What the task itself lowers: its number in the loss, how much it counts, and what it is.
pub(crate) type Own = (usize, f32, Recipe);

/// Losses with their factors, and the pass that they were computed from.
pub(crate) type Found = (Vec<(Loss, f32)>, Pass);

impl<'p> Terms<'p> {
    /// Takes these parts out of a loss, and returns them and the others, each with its number in the loss. The plan knows the loss's values
    /// behind `prefix`.
    pub(crate) fn of(losses: &[(f64, Recipe)], circuit: &Circuit<'p>, prefix: &str) -> Result<(Terms<'p>, Vec<Own>)> {
        let (mut terms, mut others) = (Terms::default(), Vec::new());
        for (number, (factor, recipe)) in losses.iter().enumerate() {
            let (factor, args) = (*factor as f32, &recipe.args);
            let value = |place: usize| circuit.output(&format!("{prefix}loss.{number}.{place}"));
            if let Some((_, compare, right)) = COMPARE.iter().find(|(name, ..)| *name == recipe.stage) {
                let values = (0..).map_while(|place| value(place).ok()).collect();
                let place = PLACE + prefix.bytes().fold(number as u64, |at, byte| 64 * at + u64::from(byte % 64));
                let (compare, right) = (*compare, *right);
                terms.compared.push(Compared { number, factor, compare, right, args: args.clone(), values, place });
            } else if recipe.stage == "adversarial" {
                let Some(ArgValue::Int(over)) = args.find("over") else {
                    return Err(Error::bug("a part over nothing"));
                };
                let (epsilon, weight) = (args.get(adversarial::EPSILON) as f32, args.get(adversarial::WEIGHT) as f32);
                let parts = number.saturating_sub(*over as usize)..number;
                terms.worst.push(Worst { parts, value: value(0)?, epsilon, weight });
            } else {
                others.push((number, factor, recipe.clone()));
            }
        }
        Ok((terms, others))
    }

    /// Returns all values that are compared.
    pub(crate) fn values(&self) -> impl Iterator<Item = &'p Edge> {
        self.compared.iter().flat_map(|term| term.values.iter().copied())
    }

    /// Returns what has to be computed for these rows, behind all else.
    pub(crate) fn targets(&self, rows: &Arc<Vec<u32>>) -> Vec<Target> {
        self.values().map(|edge| (rows.clone(), edge.clone())).collect()
    }

    /// Returns the losses of the parts that compare; their values are the last of these.
    pub(crate) fn compared(
        &self,
        session: &mut Session<'_>,
        values: &[Var],
        asked: &Asked<'_>,
        weights: Option<&[f32]>,
    ) -> Result<Vec<(Loss, f32)>> {
        let first = values.len().checked_sub(self.values().count()).ok_or_else(|| Error::bug("a pass lacks values"))?;
        let mut values = &values[first..];
        let mut losses = Vec::new();
        for term in &self.compared {
            let (own, rest) = values.split_at(term.values.len());
            values = rest;
            if asked.has(term.number) {
                session.at(term.place, "loss");
                losses.push(((term.compare)(session, &term.args, own, weights)?, term.factor));
            }
        }
        Ok(losses)
    }

    /// Returns of each discriminator its loss and the share of its guesses that are right, over some rows of the task. They are numbered
    /// from `number` on.
    pub(crate) fn told(
        &self,
        circuit: &Circuit<'_>,
        parameters: &Parameters,
        rows: TaskRows<'_>,
        number: usize,
    ) -> Result<Vec<(String, f64)>> {
        let mut told = Vec::new();
        let judges = self.compared.iter().filter_map(|term| Some((term, term.right?)));
        for (number, (term, right)) in (number..).zip(judges) {
            let (mut sum, mut weight, mut hits, mut all) = (0.0, 0.0, 0, 0);
            for block in rows.blocks(AT_ONCE) {
                let mut session = Session::reading(parameters);
                let pass = circuit.forward(&mut session, block, &term.values)?;
                session.at(term.place, "loss");
                let loss = (term.compare)(&mut session, &term.args, &pass.values, None)?;
                sum += f64::from(session.sum_of(&loss)?);
                weight += loss.weight;
                let (own, of) = right(&mut session, &term.args, &pass.values)?;
                (hits, all) = (hits + own, all + of);
            }
            if all > 0 && weight > 0.0 {
                told.push((format!("discriminator {number}: loss"), sum / weight));
                told.push((format!("discriminator {number}: accuracy"), hits as f64 / all as f64));
            }
        }
        Ok(told)
    }

    /// Returns how many discriminators there are.
    pub(crate) fn judges(&self) -> usize {
        self.compared.iter().filter(|term| term.right.is_some()).count()
    }

    /// Makes the weights that parts of a loss have themselves.
    pub(crate) fn make(&self, parameters: &mut Parameters, circuit: &Circuit<'_>, rows: TaskRows<'_>) -> Result<()> {
        let mut session = Session::making(parameters);
        let values: Vec<&Edge> = self.values().collect();
        let pass = circuit.forward(&mut session, rows, &values)?;
        self.compared(&mut session, &pass.values, &Asked { parts: None, shift: None }, None)?;
        session.check()
    }

    /// Returns the sum of a loss: its parts, and those that are asked for once more at a value's worst change.
    pub(crate) fn sum(
        &self,
        session: &mut Session<'_>,
        parts: impl Fn(&mut Session<'_>, &Asked<'_>) -> Result<Found>,
    ) -> Result<Loss> {
        let begun = session.choices();
        let (mut losses, _) = parts(session, &Asked { parts: None, shift: None })?;
        losses.extend(self.worst(session, begun, parts)?);
        combined(session, &losses)
    }

    /// Returns the parts that are asked for once more at a value's worst change. `begun` is where the random choices stood when the others
    /// were computed.
    pub(crate) fn worst(
        &self,
        session: &mut Session<'_>,
        begun: u64,
        parts: impl Fn(&mut Session<'_>, &Asked<'_>) -> Result<Found>,
    ) -> Result<Vec<(Loss, f32)>> {
        let mut losses = Vec::new();
        for worst in &self.worst {
            let (own, node) = (Some(worst.parts.clone()), worst.value.node);
            let mut scout = session.beside()?;
            scout.rewind(begun);
            let watched = Shift::Watched;
            let (found, pass) = parts(&mut scout, &Asked { parts: own.clone(), shift: Some((node, &watched)) })?;
            // Nothing of this slice reads the value.
            let Some(at) = pass.shift else { continue };
            let sum = combined(&mut scout, &found)?;
            let mut slope = scout.slope(&sum, &at)?;
            for row in slope.chunks_exact_mut(at.width().max(1)) {
                let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
                let factor = if length > 0.0 { worst.epsilon / length } else { 0.0 };
                row.iter_mut().for_each(|x| *x *= factor);
            }
            let shift = Shift::By(slope);
            // What is dropped in the other passes is dropped here: the slope is that of this very network.
            session.rewind(begun);
            let (found, _) = parts(session, &Asked { parts: own, shift: Some((node, &shift)) })?;
            losses.extend(found.into_iter().map(|(loss, factor)| (loss, factor * worst.weight)));
        }
        Ok(losses)
    }
}

/// Returns the sum of losses with their factors.
pub(crate) fn combined(session: &mut Session<'_>, losses: &[(Loss, f32)]) -> Result<Loss> {
    match losses {
        [(loss, 1.0)] => Ok(loss.clone()),
        _ => session.combine(&losses.iter().map(|(loss, factor)| (loss, *factor)).collect::<Vec<_>>()),
    }
}
