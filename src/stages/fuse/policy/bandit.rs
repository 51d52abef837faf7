//! Contextual bandits: each arm's gain is linear in what is looked at, `θ = A⁻¹·b` with `A = I + Σ s·sᵀ` and `b = Σ gain·s` over the rows
//! that pulled it (ridge regression).
//!
//! `A⁻¹` follows each row by the formula of Sherman and Morrison; a linear algebra crate would solve anew each time.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Init, Network, Var};
use mmf_tensor::{Loss, Parameters, Session};

use super::{Algorithm, Looking, Scores};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bandit {
    /// The best arm, but any with that chance.
    EpsilonGreedy(f64),
    /// The arm whose gain may be best: mean plus so many deviations.
    LinUcb(f32),
    /// The arm that is best by gains drawn with that deviation.
    Thompson(f32),
}

/// The names of `A⁻¹ − I` and `b` among the weights: both begin with zeros.
const INVERSE: &str = "inverse";
const SUM: &str = "sum";

/// Returns a row as it is learned from: of a length that does not hang on its width, with a 1 at the end.
fn seen(row: &[f32]) -> Vec<f32> {
    let shrink = 1.0 / (row.len().max(1) as f32).sqrt();
    row.iter().map(|x| x * shrink).chain([1.0]).collect()
}

/// Returns the row of a matrix times a vector, `I` added to the matrix.
fn product(matrix: &[f32], vector: &[f32]) -> Vec<f32> {
    let rows = matrix.chunks_exact(vector.len()).enumerate();
    rows.map(|(at, row)| vector[at] + row.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>()).collect()
}

impl Bandit {
    fn best(row: &[f32]) -> usize {
        (0..row.len()).fold(0, |best, arm| if row[arm] > row[best] { arm } else { best })
    }
}

impl Algorithm for Bandit {
    fn look(&self, looking: &Looking<'_>, network: &mut dyn Network, state: &Var) -> Result<Scores> {
        let (arms, width) = (looking.arms, state.width() + 1);
        let inverse = network.parameter(INVERSE, &[arms * width, width], Init::Zeros);
        let sum = network.parameter(SUM, &[arms, width], Init::Zeros);
        let (inverse, sum) = (network.weights(inverse)?.to_vec(), network.weights(sum)?.to_vec());
        let rows: Vec<Vec<f32>> = network.numbers(state)?.chunks_exact(width - 1).map(seen).collect();
        let mut scores = Scores { mean: vec![0.0; rows.len() * arms], width: vec![0.0; rows.len() * arms] };
        for arm in 0..arms {
            let inverse = &inverse[arm * width * width..][..width * width];
            let theta = product(inverse, &sum[arm * width..][..width]);
            for (at, row) in rows.iter().enumerate() {
                let dot = |other: &[f32]| row.iter().zip(other).map(|(a, b)| a * b).sum::<f32>();
                scores.mean[at * arms + arm] = dot(&theta);
                if !matches!(self, Bandit::EpsilonGreedy(_)) {
                    scores.width[at * arms + arm] = dot(&product(inverse, row)).max(0.0).sqrt();
                }
            }
        }
        Ok(scores)
    }

    fn draw(&self, scores: &Scores, arms: usize, random: &mut dyn FnMut() -> f64) -> Vec<u32> {
        let rows = scores.mean.chunks_exact(arms).zip(scores.width.chunks_exact(arms));
        rows.map(|(mean, width)| {
            let pulled = match *self {
                Bandit::EpsilonGreedy(epsilon) => {
                    if random() < epsilon {
                        ((random() * arms as f64) as usize).min(arms - 1)
                    } else {
                        Bandit::best(mean)
                    }
                }
                Bandit::LinUcb(alpha) => {
                    Bandit::best(&mean.iter().zip(width).map(|(m, w)| m + alpha * w).collect::<Vec<_>>())
                }
                Bandit::Thompson(deviation) => {
                    let mut normal = || {
                        let radius = (-2.0 * (1.0 - random()).ln()).sqrt();
                        (radius * (2.0 * std::f64::consts::PI * random()).cos()) as f32
                    };
                    let drawn = mean.iter().zip(width).map(|(m, w)| m + deviation * w * normal());
                    Bandit::best(&drawn.collect::<Vec<_>>())
                }
            };
            pulled as u32
        })
        .collect()
    }

    fn settle(&self, scores: &Scores, arms: usize) -> Vec<f32> {
        let best: Vec<u32> = scores.mean.chunks_exact(arms).map(|row| Bandit::best(row) as u32).collect();
        super::only(&best, arms)
    }

    fn lower(&self, _: &Looking<'_>, _: &mut Session<'_>, _: &Var, _: (&[u32], &[f32])) -> Result<Vec<(Loss, f32)>> {
        Ok(Vec::new())
    }

    fn learn(
        &self,
        parameters: &mut Parameters,
        place: u64,
        (state, width): (&[f32], usize),
        (drawn, gains): (&[u32], &[f32]),
    ) -> Result<()> {
        let odd = || Error::bug("a bandit without its sums");
        let (at, to) = parameters.named(place, INVERSE).zip(parameters.named(place, SUM)).ok_or_else(odd)?;
        let (mut inverse, mut sum) = (parameters.values(at)?.to_vec(), parameters.values(to)?.to_vec());
        let long = width + 1;
        for ((row, &arm), gain) in state.chunks_exact(width).zip(drawn).zip(gains) {
            let row = seen(row);
            let inverse = &mut inverse[arm as usize * long * long..][..long * long];
            let along = product(inverse, &row);
            let length = 1.0 + row.iter().zip(&along).map(|(a, b)| a * b).sum::<f32>();
            for (i, own) in inverse.chunks_exact_mut(long).enumerate() {
                own.iter_mut().zip(&along).for_each(|(x, other)| *x -= along[i] * other / length);
            }
            let sum = &mut sum[arm as usize * long..][..long];
            sum.iter_mut().zip(&row).for_each(|(x, s)| *x += gain * s);
        }
        parameters.set_values(at, &inverse)?;
        parameters.set_values(to, &sum)
    }
}
