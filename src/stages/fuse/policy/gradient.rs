//! Policies that follow the gradient of the gain: `∇ Σ ln π(arm) · (gain − baseline)`, a network's softmax over the arms being π.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Init, Network, Op, Var};
use mmf_tensor::{Loss, Parameters, Session};

use super::{Algorithm, ENTROPY, Looking, NETWORK, Scores, reinforce};
use crate::fuse::layers::Layers;

pub(crate) struct Gradient {
    /// Whether a second network tells what gain a row is good for; else the mean of gains does, or nothing.
    pub(crate) critic: bool,
}

/// The share of a new gain in the moving average.
const NEW: f32 = 0.02;
/// Parts of the place: what acts, and what criticises.
const ACTOR: u64 = 1;
const CRITIC: u64 = 2;
/// The name of the moving average among the weights.
const BASELINE: &str = "baseline";

/// Runs the layers, then a linear one from zeros: at first all arms are alike.
fn head(looking: &Looking<'_>, network: &mut dyn Network, part: u64, state: &Var, outputs: usize) -> Result<Var> {
    network.enter(part, if part == ACTOR { "actor" } else { "critic" });
    let found = (|| {
        let inner = Layers::of(&looking.args.get(NETWORK))?.through(network, state)?;
        let weights = [
            network.parameter("w", &[inner.width(), outputs], Init::Zeros),
            network.parameter("b", &[outputs], Init::Zeros),
        ];
        network.apply(Op::Dense(mmf_data::network::Activation::None), &[&inner], &weights)
    })();
    network.leave();
    found
}

fn chances(looking: &Looking<'_>, network: &mut dyn Network, state: &Var) -> Result<Var> {
    let logits = head(looking, network, ACTOR, state, looking.arms)?;
    network.apply(Op::Softmax, &[&logits], &[])
}

impl Algorithm for Gradient {
    fn look(&self, looking: &Looking<'_>, network: &mut dyn Network, state: &Var) -> Result<Scores> {
        let chances = chances(looking, network, state)?;
        if self.critic {
            head(looking, network, CRITIC, state, 1)?;
        } else {
            network.parameter(BASELINE, &[1], Init::Zeros);
        }
        Ok(Scores { mean: network.numbers(&chances)?.to_vec(), width: Vec::new() })
    }

    fn draw(&self, scores: &Scores, arms: usize, random: &mut dyn FnMut() -> f64) -> Vec<u32> {
        let one = |row: &[f32]| {
            let mut left = random() * row.iter().map(|&x| f64::from(x)).sum::<f64>();
            let arm = row.iter().position(|&chance| {
                left -= f64::from(chance);
                left < 0.0
            });
            arm.unwrap_or(arms - 1) as u32
        };
        scores.mean.chunks_exact(arms).map(one).collect()
    }

    fn settle(&self, scores: &Scores, _: usize) -> Vec<f32> {
        scores.mean.clone()
    }

    fn lower(
        &self,
        looking: &Looking<'_>,
        session: &mut Session<'_>,
        state: &Var,
        (drawn, gains): (&[u32], &[f32]),
    ) -> Result<Vec<(Loss, f32)>> {
        let mut losses = Vec::new();
        let expected: Vec<f32> = if self.critic {
            let told = head(looking, session, CRITIC, state, 1)?;
            let expected = session.values(&told)?.to_vec();
            losses.push((session.squared_error(&told, gains, None)?, 1.0));
            expected
        } else {
            let baseline = session.parameter(BASELINE, &[1], Init::Zeros);
            let mean = session.parameters().values(baseline)?.first().copied().unwrap_or(0.0);
            vec![if looking.own.get(reinforce::BASELINE) == "moving_average" { mean } else { 0.0 }; gains.len()]
        };
        let advantages: Vec<f32> = gains.iter().zip(&expected).map(|(gain, expected)| gain - expected).collect();
        let chances = chances(looking, session, state)?;
        losses.push((session.cross_entropy(&chances, drawn, Some(&advantages))?, 1.0));
        // The slope of Σ p·ln p is ln p times that of p, up to what sums to nothing.
        let entropy = looking.args.get(ENTROPY) as f32;
        let logarithms: Vec<f32> = session.values(&chances)?.iter().map(|p| p.max(1e-12).ln()).collect();
        let logarithms = session.constant(chances.rows, &chances.dims, logarithms)?;
        let products = session.apply(Op::Multiply, &[&chances, &logarithms], &[])?;
        losses.push((session.total(&products, None)?, entropy));
        Ok(losses)
    }

    fn learn(
        &self,
        parameters: &mut Parameters,
        place: u64,
        _: (&[f32], usize),
        (_, gains): (&[u32], &[f32]),
    ) -> Result<()> {
        if self.critic || gains.is_empty() {
            return Ok(());
        }
        let mean = gains.iter().sum::<f32>() / gains.len() as f32;
        let baseline = parameters.named(place, BASELINE).ok_or_else(|| Error::bug("a policy without a baseline"))?;
        let before = parameters.values(baseline)?.first().copied().unwrap_or(0.0);
        parameters.set_values(baseline, &[before + NEW * (mean - before)])
    }
}
