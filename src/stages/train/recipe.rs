//! Recipes as a train reads them: the optimizer, the stop, the loss.

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Measure, Predictions, TrainCall};
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args, Literal, Recipe};
use mmf_tensor::Rule;

use super::{adam, adamw, early, gradient_descent, momentum, sgd};
use crate::metric;

pub(crate) const OPTIMIZER: Arg<Option<Recipe>> = Arg::new("optimizer", ArgKind::Optimizer, recipe)
    .default(Literal::Recipe("adam"))
    .doc("How weights follow their gradients.");
pub(crate) const STOP: Arg<Option<Recipe>> =
    Arg::new("stop", ArgKind::Stop, recipe).optional().doc("When to stop before the last epoch.");
pub(crate) const WEIGHT: Arg<Option<String>> =
    Arg::some_column("weight").doc("A number column: how much each training row counts.");

/// The checker takes it: a train knows nothing of its further times.
pub(crate) const REPEAT: Arg<usize> = Arg::int("repeat").default(Literal::Int(1)).range(1.0, 100.0).doc(
    "How often it is trained and measured, each time from other starting weights: its metrics are then mean ± standard deviation. Fields \
     and predictions are those of the first time.",
);

/// Declares a loss with that default.
pub(crate) const fn loss(default: &'static str) -> Arg<Vec<(f64, Recipe)>> {
    let read = |value: Option<&ArgValue>| match value {
        Some(ArgValue::Losses(losses)) => losses.clone(),
        Some(ArgValue::Recipe(recipe)) => vec![(1.0, recipe.clone())],
        _ => Vec::new(),
    };
    Arg::new("loss", ArgKind::Loss, read).default(Literal::Recipe(default)).doc("What the training lowers.")
}

/// Reads an argument that is one recipe.
pub(crate) fn recipe(value: Option<&ArgValue>) -> Option<Recipe> {
    match value {
        Some(ArgValue::Recipe(recipe)) => Some(recipe.clone()),
        _ => None,
    }
}

/// Refuses a loss of another name.
pub(crate) fn is(loss: &Recipe, name: &str) -> Result<()> {
    if loss.stage == name { Ok(()) } else { Err(Error::bug(format!("`{}` is no loss of this task", loss.stage))) }
}

/// Returns the update rule, and whether a step takes all training rows at once.
pub(crate) fn rule(args: &Args) -> Result<(Rule, bool)> {
    rule_of(&args.get(OPTIMIZER).ok_or_else(|| Error::bug("a train has no optimizer"))?)
}

/// Returns the update rule of an optimizer, and whether a step takes all training rows at once.
pub(crate) fn rule_of(recipe: &Recipe) -> Result<(Rule, bool)> {
    let of = &recipe.args;
    let momentum = |rate, momentum| match momentum {
        0.0 => Rule::Sgd { rate, decay: 0.0 },
        _ => Rule::Momentum { rate, momentum, nesterov: false, decay: 0.0 },
    };
    Ok(match recipe.stage.as_str() {
        "adam" => {
            let betas = [of.get(adam::BETA1), of.get(adam::BETA2)];
            (Rule::Adam { rate: of.get(adam::LR), betas, epsilon: of.get(adam::EPSILON), decay: 0.0 }, false)
        }
        "adamw" => {
            let betas = [of.get(adamw::BETA1), of.get(adamw::BETA2)];
            let decay = of.get(adamw::DECAY);
            (Rule::AdamW { rate: of.get(adamw::LR), betas, epsilon: of.get(adamw::EPSILON), decay }, false)
        }
        "sgd" => (momentum(of.get(sgd::LR), of.get(sgd::MOMENTUM)), false),
        "momentum" => (momentum(of.get(momentum::LR), of.get(momentum::MOMENTUM)), false),
        "gradient_descent" => (Rule::GradientDescent { rate: of.get(gradient_descent::LR) }, true),
        other => return Err(Error::bug(format!("`{other}` is no optimizer"))),
    })
}

/// When to stop: a metric of the validation part, and how long to wait for something better.
pub(crate) struct Stop {
    /// As people write it: `ndcg@20`.
    pub(crate) name: String,
    /// The metric without its cut.
    pub(crate) metric_name: String,
    pub(crate) patience: usize,
    /// The longest ranking that the metric reads.
    pub(crate) top: usize,
    lower: bool,
    args: Args,
    metric: fn(&Args, &Predictions) -> Result<Measure>,
}

impl Stop {
    pub(crate) fn of(args: &Args, call: &TrainCall) -> Result<Option<Stop>> {
        let Some(recipe) = args.get(STOP) else { return Ok(None) };
        let (metric, cut) = recipe.args.get(early::METRIC).ok_or_else(|| Error::bug("`early` has no metric"))?;
        let found = (call.measures)(&metric).ok_or_else(|| Error::bug(format!("`{metric}` is no metric")))?;
        let mut own = Args::default();
        if let Some(k) = cut {
            own.0.push(("k".into(), ArgValue::Int(k as i64)));
        }
        Ok(Some(Stop {
            name: cut.map_or(metric.clone(), |k| format!("{metric}@{k}")),
            metric_name: metric.clone(),
            patience: recipe.args.get(early::PATIENCE),
            top: if metric::reads_lists(&metric) { cut.unwrap_or(0) as usize } else { 0 },
            lower: metric::lower_is_better(&metric),
            args: own,
            metric: found,
        }))
    }

    /// Returns the metric over all units.
    pub(crate) fn measure(&self, predictions: &Predictions) -> Result<Option<f64>> {
        let units = predictions.u32s("units")?.len() as u32;
        Ok((self.metric)(&self.args, predictions)?(&(0..units).collect::<Vec<_>>()))
    }

    pub(crate) fn is_better(&self, value: f64, than: f64) -> bool {
        if self.lower { value < than } else { value > than }
    }
}
