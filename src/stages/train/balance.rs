//! How the losses of several tasks count in their sum: fixed, by the noise of each, or by how strongly each pulls at what they share.
//!
//! What is learned of that lies among the weights, so that checkpoints hold it.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Init, Network, Op, Parameter, Var};
use mmf_tensor::{Loss, Moment, Parameters, Session};

/// Where its numbers stand among the weights: behind all layers.
const PLACE: u64 = u64::MAX;
const LABEL: &str = "tasks";
/// The logarithms of the variances of `uncertainty`.
const VARIANCES: &str = "log_variances";
/// What `gradient_norm` has the losses count, and what they were at first.
const WEIGHTS: &str = "weights";
const FIRST: &str = "first_losses";

/// How several losses count.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Balance {
    /// As much as these numbers say; one for a single task.
    Fixed(Vec<f32>),
    Uncertainty,
    GradientNorm {
        alpha: f32,
        rate: f32,
    },
}

impl Balance {
    /// Makes the numbers that it learns.
    pub(crate) fn make(&self, parameters: &mut Parameters, tasks: usize) -> Result<()> {
        let mut session = Session::making(parameters);
        session.at(PLACE, LABEL);
        match self {
            Balance::Fixed(_) => {}
            Balance::Uncertainty => {
                session.parameter(VARIANCES, &[1, tasks], Init::Zeros);
            }
            Balance::GradientNorm { .. } => {
                session.parameter(WEIGHTS, &[1, tasks], Init::Ones);
                session.parameter(FIRST, &[1, tasks], Init::Zeros);
            }
        }
        session.check()
    }

    /// Returns the weighted sum of the tasks' losses over `rows` rows. Of several, each is a sum whose mean over the batch is the task's;
    /// `numbers` says which of them guess numbers, `known` which have a label in the batch: only these pay for their variance.
    pub(crate) fn sum(
        &self,
        session: &mut Session<'_>,
        each: Vec<Loss>,
        (numbers, known): (&[bool], &[bool]),
        rows: usize,
    ) -> Result<Loss> {
        let fixed = |session: &mut Session<'_>, weights: &[f32]| -> Result<Loss> {
            let losses: Vec<(&Loss, f32)> = each.iter().zip(weights.iter().copied()).collect();
            Ok(Loss { weight: rows as f64, ..session.combine(&losses)? })
        };
        match self {
            Balance::Fixed(weights) => match (&each[..], &weights[..]) {
                ([one], [1.0]) => Ok(one.clone()),
                _ => fixed(session, weights),
            },
            Balance::GradientNorm { .. } => {
                let weights = learned(session.parameters(), WEIGHTS)?.1.to_vec();
                fixed(session, &weights)
            }
            Balance::Uncertainty => {
                session.at(PLACE, LABEL);
                let variances = session.parameter(VARIANCES, &[1, each.len()], Init::Zeros);
                let one = session.constant(1, &[1], vec![1.0])?;
                let all = session.apply(Op::Dense(mmf_data::network::Activation::None), &[&one], &[variances])?;
                let mut terms: Vec<Loss> = Vec::new();
                for (at, (loss, &number)) in each.iter().zip(numbers).enumerate() {
                    let mut only = vec![0.0; each.len()];
                    only[at] = 1.0;
                    let only = session.constant(1, &[each.len()], only)?;
                    let s = session.apply(Op::Dot, &[&all, &only], &[])?;
                    let precision = reciprocal_exponent(session, &s)?;
                    // Of a normal distribution half the square counts.
                    let factor = if number { 0.5 } else { 1.0 };
                    let precision = session.apply(Op::Affine { factor, offset: 0.0 }, &[&precision], &[])?;
                    let own = session.apply(Op::Multiply, &[&loss.sum, &precision], &[])?;
                    terms.push(Loss { sum: own, weight: rows as f64 });
                    if known[at] {
                        let sum = session.apply(Op::Affine { factor: 0.5 * rows as f32, offset: 0.0 }, &[&s], &[])?;
                        terms.push(Loss { sum, weight: rows as f64 });
                    }
                }
                session.combine(&terms.iter().map(|term| (term, 1.0)).collect::<Vec<_>>())
            }
        }
    }

    /// Learns from the losses of some rows what follows no gradient (Chen et al. 2018, equation 2, one step down its slope).
    pub(crate) fn learn(
        &self,
        parameters: &mut Parameters,
        (seed, step): (u64, u64),
        tasks: usize,
        each: impl Fn(&mut Session<'_>) -> Result<Vec<Loss>>,
    ) -> Result<()> {
        let Balance::GradientNorm { alpha, rate } = *self else { return Ok(()) };
        // A task without a label here has nothing to say.
        let (mut here, mut losses, mut slopes) = (Vec::new(), Vec::new(), Vec::new());
        for task in 0..tasks {
            let mut session = Session::training(parameters, Moment { seed, step, slice: 0 });
            let found = each(&mut session)?;
            let loss = found.get(task).ok_or_else(|| Error::bug("a task without a loss"))?;
            if loss.weight <= 0.0 {
                continue;
            }
            let factor = 1.0 / loss.weight;
            here.push(task);
            losses.push(session.sum_of(loss)? * factor as f32);
            slopes.push(session.backward(loss, factor as f32)?);
        }
        // What all share and that comes last: the layer that the tasks part behind.
        let mut shared: Option<(u64, Parameter)> = None;
        for parameter in parameters.all() {
            let reached = slopes.iter().all(|slopes| slopes.reaches(parameter));
            if let (true, &[_, _]) = (reached, parameters.dims(parameter)?) {
                let place = parameters.place(parameter)?;
                if shared.is_none_or(|(last, _)| place >= last) {
                    shared = Some((place, parameter));
                }
            }
        }
        let Some((_, shared)) = shared else { return Ok(()) };
        let lengths = slopes
            .iter_mut()
            .map(|slopes| Ok(slopes.whole(parameters, shared)?.iter().map(|g| g * g).sum::<f32>().sqrt()))
            .collect::<Result<Vec<f32>>>()?;
        let (first_at, first) = learned(parameters, FIRST)?;
        let mut first = first.to_vec();
        here.iter().zip(&losses).for_each(|(&at, loss)| {
            if first[at] == 0.0 {
                first[at] = *loss;
            }
        });
        let (weights_at, weights) = learned(parameters, WEIGHTS)?;
        let mut weights = weights.to_vec();
        let [own, begun] = [&weights, &first].map(|of| here.iter().map(|&at| of[at]).collect::<Vec<f32>>());
        let turned = balanced(&own, &lengths, &losses, &begun, alpha, rate);
        here.iter().zip(turned).for_each(|(&at, weight)| weights[at] = weight);
        parameters.set_values(first_at, &first)?;
        parameters.set_values(weights_at, &weights)
    }

    /// Returns what each task's loss is multiplied by.
    pub(crate) fn counts(&self, parameters: &Parameters, numbers: &[bool]) -> Result<Vec<f32>> {
        Ok(match self {
            Balance::Fixed(weights) => weights.clone(),
            Balance::GradientNorm { .. } => learned(parameters, WEIGHTS)?.1.to_vec(),
            Balance::Uncertainty => {
                let variances = learned(parameters, VARIANCES)?.1.iter().zip(numbers);
                variances.map(|(s, &number)| (-s).exp() * if number { 0.5 } else { 1.0 }).collect()
            }
        })
    }

    /// Returns how much each task counts.
    pub(crate) fn told(&self, parameters: &Parameters, tasks: usize) -> Result<Vec<(String, f64)>> {
        let weights: Vec<f64> = match self {
            Balance::Fixed(_) => return Ok(Vec::new()),
            Balance::Uncertainty => learned(parameters, VARIANCES)?.1.iter().map(|&s| f64::from(-s).exp()).collect(),
            Balance::GradientNorm { .. } => learned(parameters, WEIGHTS)?.1.iter().map(|&w| f64::from(w)).collect(),
        };
        Ok((1..=tasks).zip(weights).map(|(task, weight)| (format!("task {task}: weight"), weight)).collect())
    }
}

/// Returns the weights after a step towards slopes that are as long as each task's pace asks; their sum stays.
fn balanced(weights: &[f32], lengths: &[f32], losses: &[f32], first: &[f32], alpha: f32, rate: f32) -> Vec<f32> {
    let count = weights.len() as f32;
    let norms: Vec<f32> = weights.iter().zip(lengths).map(|(w, length)| w * length).collect();
    let mean = norms.iter().sum::<f32>() / count;
    let pace: Vec<f32> =
        losses.iter().zip(first).map(|(now, first)| if *first > 0.0 { now / first } else { 1.0 }).collect();
    let usual = (pace.iter().sum::<f32>() / count).max(f32::MIN_POSITIVE);
    // By the sign of the slope and in their logarithms, so that tasks may be thousands of times apart.
    let turned = |at: usize| {
        let target = mean * (pace[at] / usual).powf(alpha);
        let sign = if norms[at] == target { 0.0 } else { (norms[at] - target).signum() };
        weights[at] * (-rate * sign).exp()
    };
    let mut out: Vec<f32> = (0..weights.len()).map(turned).collect();
    let (before, sum): (f32, f32) = (weights.iter().sum(), out.iter().sum());
    out.iter_mut().for_each(|w| *w *= before / sum);
    out
}

fn learned<'p>(parameters: &'p Parameters, name: &str) -> Result<(Parameter, &'p [f32])> {
    let parameter = parameters.find(&format!("{LABEL}/{name}"));
    let parameter = parameter.ok_or_else(|| Error::bug(format!("the weights lack `{name}`")))?;
    Ok((parameter, parameters.values(parameter)?))
}

/// Returns `e⁻ˢ`, as `σ(−s) / σ(s)`.
fn reciprocal_exponent(session: &mut Session<'_>, s: &Var) -> Result<Var> {
    let minus = session.apply(Op::Affine { factor: -1.0, offset: 0.0 }, &[s], &[])?;
    let (up, down) = (session.apply(Op::Sigmoid, &[&minus], &[])?, session.apply(Op::Sigmoid, &[s], &[])?);
    session.apply(Op::Divide, &[&up, &down], &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::each::tests::fixture;

    fn floats(json: &serde_json::Value) -> Vec<f32> {
        json.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
    }

    /// Kendall's sum and its slopes, with regard to losses and variances.
    #[test]
    fn sums_by_uncertainty_are_pytorchs() {
        for case in fixture("tensor/tasks.json")["uncertainty"].as_array().unwrap() {
            let (losses, variances) = (floats(&case["losses"]), floats(&case["variances"]));
            let numbers: Vec<bool> = case["numbers"].as_array().unwrap().iter().map(|x| x.as_bool().unwrap()).collect();
            let mut parameters = Parameters::new(1);
            Balance::Uncertainty.make(&mut parameters, losses.len()).unwrap();
            let at = learned(&parameters, VARIANCES).unwrap().0;
            parameters.set_values(at, &variances).unwrap();
            let run = |of: Option<usize>| {
                let mut session = Session::training(&parameters, Moment::default());
                let sums: Vec<Var> = losses.iter().map(|&x| session.watched(1, &[1], vec![x]).unwrap()).collect();
                let each = sums.iter().map(|sum| Loss { sum: sum.clone(), weight: 1.0 }).collect();
                let known = vec![true; numbers.len()];
                let sum = Balance::Uncertainty.sum(&mut session, each, (&numbers, &known), 1).unwrap();
                let value = session.sum_of(&sum).unwrap();
                let slope = match of {
                    Some(of) => session.slope(&sum, &sums[of]).unwrap(),
                    None => session.backward(&sum, 1.0).unwrap().whole(&parameters, at).unwrap(),
                };
                (value, slope)
            };
            let near = |a: f32, b: f32| (a - b).abs() < 1e-4 * b.abs().max(1.0);
            let (value, slopes) = run(None);
            assert!(near(value, case["value"].as_f64().unwrap() as f32), "{value}");
            assert!(slopes.iter().zip(floats(&case["of_variances"])).all(|(a, b)| near(*a, b)), "{slopes:?}");
            for (at, wanted) in floats(&case["of_losses"]).into_iter().enumerate() {
                assert!(near(run(Some(at)).1[0], wanted));
            }
        }
    }

    /// One step of GradNorm, as its first authors' rule is written with PyTorch's own slopes.
    #[test]
    fn a_step_by_gradient_norms_is_that_of_the_paper() {
        for case in fixture("tensor/tasks.json")["gradient_norm"].as_array().unwrap() {
            let of = |name: &str| floats(&case[name]);
            let number = |name: &str| case[name].as_f64().unwrap() as f32;
            let found =
                balanced(&of("weights"), &of("lengths"), &of("losses"), &of("first"), number("alpha"), number("rate"));
            for (a, b) in found.iter().zip(of("after")) {
                assert!((a - b).abs() < 1e-5, "{found:?}");
            }
        }
    }
}
