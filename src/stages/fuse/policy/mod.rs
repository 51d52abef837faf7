//! `policy`: which of its inputs count in a row is an action, learned from what the task gains by it.
//!
//! An action is an arm: all inputs, one alone, or all but one. The task's gradient never reaches what chooses; the train that holds the
//! stage tells it gains on rows that the task does not learn from (`train/lessons.rs`).

pub(crate) mod actor_critic;
mod bandit;
pub(crate) mod epsilon_greedy;
mod gradient;
pub(crate) mod linucb;
pub(crate) mod reinforce;
#[cfg(test)]
mod tests;
pub(crate) mod thompson;

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Op, Var};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, ArgKind, Args, Literal, Recipe};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Type;
use mmf_tensor::{Loss, Parameters, Session};

use crate::fuse::concat::{join, widths};
use crate::train::recipe::recipe;

pub(crate) struct Policy;

/// The stage's name, by which a train finds it in its network.
pub(crate) const NAME: &str = "policy";

const ALGORITHM: Arg<Option<Recipe>> = Arg::new("algorithm", ArgKind::Recipe("algorithm"), recipe)
    .default(Literal::Recipe("reinforce"))
    .doc("How it learns which arm to pull.");
const NETWORK: Arg<Vec<Recipe>> = Arg::network("network")
    .default(Literal::Recipe("mlp"))
    .doc("The layers that look at the inputs, for `reinforce` and `actor_critic`; the bandits are linear in them.");
const ENTROPY: Arg<f64> = Arg::float("entropy").default(Literal::Float(0.01)).range(0.0, 100.0).doc(
    "How much the entropy of the choice counts beside the gain, for `reinforce` and `actor_critic`: it keeps them from settling too soon.",
);
pub(crate) const INNER: Arg<f64> = Arg::share("inner")
    .default(Literal::Float(0.1))
    .range(0.001, 0.9)
    .doc("The share of the training rows that tell gains, and that the task itself does not learn from.");

static SIGNATURE: Signature =
    Signature::new(Group::Fuse, "policy", &["col<d, vector[a]>, col<d, vector[b]>... -> col<d, vector[m]>"])
        .args(&[ALGORITHM.spec(), NETWORK.spec(), ENTROPY.spec(), INNER.spec()])
        .infer(weighed)
        .weights()
        .weighs()
        .is_network()
        .doc(
            "The inputs end to end, each times the weight that the policy gives it in that row. It looks at the inputs and pulls an arm: all \
             of them, one alone, or all but one. While learning, arms are drawn; afterwards an input's weight is the chance that the pulled arm \
             has it (of the bandits: whether the best arm has). In each step some inner training rows, from which the task's own gradient learns \
             nothing, are scored with the arms that are drawn for them and with all inputs; the reward of an arm is how much lower the task's \
             loss is with it, divided by the usual size of such gains. A row of another table gets the mean of the gains of all that read it. \
             The report shows the weights of the inputs from epoch to epoch, and what the policy is worth on the inner rows beside equal weights and the best fixed arm.",
        )
        .reference("Williams 1992 (REINFORCE); Konda and Tsitsiklis 2000 (actor-critic); Li et al. 2010 (LinUCB)")
        .examples(&[Example::new(
            "Some films are told by their look, others by their sound.",
            "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[4], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             fuse chosen = policy(films.look, films.sound) { algorithm = reinforce(baseline = moving_average), entropy = 0.01 }\n\
             train liked = classify(parts, label = good) { output = chosen |> dense(16) |> relu |> dense(1) |> sigmoid }",
            "train",
        )]);

/// As wide as the inputs together. Bandits have no layers and no entropy.
fn weighed(call: &mut Inference<'_, '_>) -> Option<Type> {
    let algorithm = call.args.get(ALGORITHM).map(|recipe| recipe.stage).unwrap_or_default();
    if !["reinforce", "actor_critic"].contains(&algorithm.as_str()) {
        for name in [NETWORK.name(), ENTROPY.name()] {
            if let Some(place) = call.written(name) {
                return call.refuse(
                    "E0105",
                    place,
                    say!("`{algorithm}` has no `{name}`", "`{algorithm}` 没有 `{name}`"),
                    Some(say!(
                        "leave `{name}` out; `reinforce` and `actor_critic` have one",
                        "请去掉 `{name}`；`reinforce` 与 `actor_critic` 才有"
                    )),
                );
            }
        }
    }
    widths(call)
}

/// Returns which inputs each arm has: all; each alone; all but each.
pub(crate) fn arms(inputs: usize) -> Vec<Vec<bool>> {
    let only = |keep: bool| (0..inputs).map(move |one| (0..inputs).map(|at| (at == one) == keep).collect());
    let mut arms = vec![vec![true; inputs]];
    arms.extend(only(true));
    if inputs > 2 {
        arms.extend(only(false));
    }
    arms
}

/// What an algorithm thinks of the arms, rows × arms.
pub(crate) struct Scores {
    /// The chance of each arm, or the gain that is expected of it.
    pub(crate) mean: Vec<f32>,
    /// Of expected gains, how uncertain each is.
    pub(crate) width: Vec<f32>,
}

/// A way of choosing arms and of learning from what they gave.
pub(crate) trait Algorithm: Sync {
    /// Looks at rows; makes the weights that it needs.
    fn look(&self, from: &Looking<'_>, network: &mut dyn Network, state: &Var) -> Result<Scores>;

    /// Draws an arm for each row, of so many; `random` gives numbers from 0 to below 1.
    fn draw(&self, scores: &Scores, arms: usize, random: &mut dyn FnMut() -> f64) -> Vec<u32>;

    /// Returns the share of each arm in what rows are read with.
    fn settle(&self, scores: &Scores, arms: usize) -> Vec<f32>;

    /// Returns what is to be lowered for arms and the gains that they gave.
    fn lower(
        &self,
        from: &Looking<'_>,
        session: &mut Session<'_>,
        state: &Var,
        lesson: (&[u32], &[f32]),
    ) -> Result<Vec<(Loss, f32)>>;

    /// Learns what follows no gradient; `state` is rows × width.
    fn learn(&self, _: &mut Parameters, _: u64, _: (&[f32], usize), _: (&[u32], &[f32])) -> Result<()> {
        Ok(())
    }
}

/// What a policy was asked for.
pub(crate) struct Looking<'a> {
    pub(crate) args: &'a Args,
    /// The algorithm's own arguments.
    pub(crate) own: Args,
    pub(crate) arms: usize,
}

/// Returns the algorithm, and what it was asked for.
pub(crate) fn algorithm(args: &Args, inputs: usize) -> Result<(Box<dyn Algorithm>, Looking<'_>)> {
    let recipe = args.get(ALGORITHM).ok_or_else(|| Error::bug("a policy without an algorithm"))?;
    let found: Box<dyn Algorithm> = match recipe.stage.as_str() {
        "reinforce" => Box::new(gradient::Gradient { critic: false }),
        "actor_critic" => Box::new(gradient::Gradient { critic: true }),
        "epsilon_greedy" => Box::new(bandit::Bandit::EpsilonGreedy(recipe.args.get(epsilon_greedy::EPSILON))),
        "linucb" => Box::new(bandit::Bandit::LinUcb(recipe.args.get(linucb::ALPHA) as f32)),
        "thompson" => Box::new(bandit::Bandit::Thompson(recipe.args.get(thompson::DEVIATION) as f32)),
        other => return Err(Error::bug(format!("`{other}` is no algorithm"))),
    };
    Ok((found, Looking { args, own: recipe.args, arms: arms(inputs).len() }))
}

/// Returns what the policy looks at: the inputs end to end, through which no gradient flows.
pub(crate) fn state(network: &mut dyn Network, inputs: &[Var]) -> Result<Var> {
    let joined = join(network, inputs)?;
    let numbers = network.numbers(&joined)?.to_vec();
    network.constant(joined.rows, &joined.dims, numbers)
}

/// Returns the weights of all inputs, rows × inputs, that follow from the arms' shares.
pub(crate) fn mixed(shares: &[f32], inputs: usize) -> Vec<f32> {
    let arms = arms(inputs);
    let weight = |row: &[f32], input: usize| row.iter().zip(&arms).filter(|(_, arm)| arm[input]).map(|(x, _)| x).sum();
    shares
        .chunks_exact(arms.len())
        .flat_map(|row| (0..inputs).map(|input| weight(row, input)).collect::<Vec<f32>>())
        .collect()
}

/// Returns the share 1 of the arm that each row has drawn.
pub(crate) fn only(drawn: &[u32], arms: usize) -> Vec<f32> {
    let mut shares = vec![0.0; drawn.len() * arms];
    drawn.iter().enumerate().for_each(|(row, &arm)| shares[row * arms + arm as usize] = 1.0);
    shares
}

impl Stage for Policy {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let count = inputs.len();
            let (algorithm, looking) = algorithm(call.args, count)?;
            let shares = match call.chosen {
                Some(chosen) => only(chosen, looking.arms),
                None => {
                    let state = state(network, inputs)?;
                    let scores = algorithm.look(&looking, network, &state)?;
                    if network.training() {
                        let mut draws = network.draws();
                        let mut random = || draws.next().unwrap_or(0.0);
                        only(&algorithm.draw(&scores, looking.arms, &mut random), looking.arms)
                    } else {
                        algorithm.settle(&scores, looking.arms)
                    }
                }
            };
            let weights = mixed(&shares, count);
            let mut weighted = Vec::with_capacity(count);
            for (at, input) in inputs.iter().enumerate() {
                let own = weights.iter().skip(at).step_by(count).copied().collect();
                let own = network.constant(input.rows, &[1], own)?;
                weighted.push(network.apply(Op::Multiply, &[&own, input], &[])?);
            }
            join(network, &weighted)
        })
    }
}
