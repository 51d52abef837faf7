//! Contextual bandits: each arm's gain is linear in what is looked at, `θ = A⁻¹·b` with `A = I + Σ s·sᵀ` and `b = Σ gain·s` over the rows
//! that pulled it (ridge regression).
//!
//! `A⁻¹` follows each row by the formula of Sherman and Morrison; a linear algebra crate would solve anew each time.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Activation, Init, Network, Op, Var};
use mmf_tensor::{Loss, Parameters, Session, normals_from, place_within};

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
fn seen(row: &[f32]) -> impl Iterator<Item = f32> + '_ {
    let shrink = 1.0 / (row.len().max(1) as f32).sqrt();
    row.iter().map(move |x| x * shrink).chain([1.0])
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
        let rows = network.numbers(state)?.chunks_exact(width - 1).flat_map(seen).collect();
        let rows = network.constant(state.rows, &[width], rows)?;
        let squares = network.apply(Op::Dot, &[&rows, &rows], &[])?;
        let squares = network.numbers(&squares)?.to_vec();
        let mut scores = Scores { mean: vec![0.0; state.rows * arms], width: vec![0.0; state.rows * arms] };
        for arm in 0..arms {
            network.enter(arm as u64, &format!("arm-{arm}"));
            let inverse = network.parameter(INVERSE, &[width, width], Init::Zeros);
            let sum = network.parameter(SUM, &[width], Init::Zeros);
            network.leave();
            // (A⁻¹ − I)·s: with s it is what the width lacks, with b the mean.
            let along = network.apply(Op::Dense(Activation::None), &[&rows], &[inverse])?;
            let lacking = network.apply(Op::Dot, &[&along, &rows], &[])?;
            let sum = network.weights(sum)?.to_vec();
            let dot = |a: &[f32]| a.iter().zip(&sum).map(|(a, b)| a * b).sum::<f32>();
            let all = network.numbers(&rows)?.chunks_exact(width).zip(network.numbers(&along)?.chunks_exact(width));
            for (at, (own, along)) in all.enumerate() {
                scores.mean[at * arms + arm] = dot(own) + dot(along);
            }
            for (at, (lacks, square)) in network.numbers(&lacking)?.iter().zip(&squares).enumerate() {
                scores.width[at * arms + arm] = (square + lacks).max(0.0).sqrt();
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
                    let drawn = mean.iter().zip(width).map(|(m, w)| m + deviation * w * normals_from(random).0 as f32);
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
        let long = width + 1;
        let pulled: std::collections::BTreeSet<u32> = drawn.iter().copied().collect();
        for arm in pulled {
            let here = place_within(place, u64::from(arm));
            let odd = || Error::bug("a bandit without its sums");
            let (at, to) = parameters.named(here, INVERSE).zip(parameters.named(here, SUM)).ok_or_else(odd)?;
            let (mut inverse, mut sum) = (parameters.values(at)?.to_vec(), parameters.values(to)?.to_vec());
            let own = state.chunks_exact(width).zip(drawn.iter().zip(gains)).filter(|(_, (drawn, _))| **drawn == arm);
            for (row, (_, gain)) in own {
                let row: Vec<f32> = seen(row).collect();
                let along = product(&inverse, &row);
                let length = 1.0 + row.iter().zip(&along).map(|(a, b)| a * b).sum::<f32>();
                for (own, a) in inverse.chunks_exact_mut(long).zip(&along) {
                    own.iter_mut().zip(&along).for_each(|(x, b)| *x -= a * b / length);
                }
                sum.iter_mut().zip(&row).for_each(|(x, s)| *x += gain * s);
            }
            parameters.set_values(at, &inverse)?;
            parameters.set_values(to, &sum)?;
        }
        Ok(())
    }
}
