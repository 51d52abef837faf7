//! Trains one network for several tasks at once.

use mmf_data::arrays::Arrays;
use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Predictions, Stage, Train, TrainCall};
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args, Literal};
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Part;

use super::balance::Balance;
use super::recipe::{OPTIMIZER, REPEAT, STOP};
use super::supervised::{self, Length, Settings};
use super::{classify, regress};

pub(crate) struct Tasks;

const TASKS: Arg<()> = Arg::new("tasks", ArgKind::Heads, |_| ()).doc(
    "Under any name a `classify` or a `regress` without split, with its own `label`, `output`, `loss` and `weight`; what the network has \
     become for it is measured as `both.name`.",
);
const WEIGHTS: Arg<ArgValue> =
    Arg::new("weights", ArgKind::WordOrNumbers(&["equal", "uncertainty", "gradient_norm"]), |value| {
        value.cloned().unwrap_or(ArgValue::List(Vec::new()))
    })
    .default(Literal::Word("equal"))
    .range(0.0, 1e6)
    .doc(
        "How much each task's loss counts: a list of numbers in the order of the tasks; `equal`, all as much; `uncertainty`, by a learned \
         variance of each; `gradient_norm`, so that each pulls at the last shared layer as its pace asks.",
    );
const ALPHA: Arg<f64> = Arg::float("alpha")
    .default(Literal::Float(1.5))
    .range(0.0, 100.0)
    .doc("Of `gradient_norm`: how strongly a task that lags behind is pulled along.");
const PACE: Arg<f64> = Arg::float("pace")
    .default(Literal::Float(0.025))
    .range(0.0, 10.0)
    .doc("Of `gradient_norm`: the share by which a weight is turned in a step.");
const EPOCHS: Arg<usize> =
    Arg::int("epochs").default(Literal::Int(10)).range(0.0, 1e6).doc("How often all training rows are gone through.");
const BATCH: Arg<usize> = Arg::int("batch").default(Literal::Int(32)).range(1.0, 1e6).doc("Rows of a step.");

static SIGNATURE: Signature = Signature::new(Group::Train, "tasks", &["split -> train"])
    .version(2)
    .args(&[
        TASKS.spec(),
        WEIGHTS.spec(),
        ALPHA.spec(),
        PACE.spec(),
        OPTIMIZER.spec(),
        EPOCHS.spec(),
        BATCH.spec(),
        STOP.spec(),
        REPEAT.spec(),
    ])
    .doc(
        "Trains a network of several heads: what they share is learned from all. A row without a label of one task does not count for that \
         task, whose loss is a mean over its own rows of a step. `uncertainty` lowers Σ e⁻ˢ·L + s / 2 (half of L for numbers) with a learned \
         s a task; `gradient_norm` turns the weights so that the slopes of all tasks at the last layer that they share are of one length, \
         times (pace / mean pace)^alpha, where a task's pace is its loss by that of the first step. `stop` watches the first task that its \
         metric measures. No head may read another's label.",
    )
    .reference("Caruana 1997; Kendall et al. 2018 (uncertainty); Chen et al. 2018 (GradNorm)")
    .examples(&[Example::new(
        "Whether a film is good, and how long it is: one hidden layer for both.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], good: bool, minutes: int? }\n\
         prepare parts = films |> split(train = 80%, test = 20%)\n\
         fuse hidden = neural { films.look |> dense(16) |> relu }\n\
         train both = tasks(parts) {\n    \
         liked   = classify(label = good) { output = hidden |> dense(1) |> sigmoid }\n    \
         length  = regress(label = minutes) { output = hidden |> dense(1) }\n    \
         weights = uncertainty\n    \
         epochs  = 20\n\
         }\n\
         metric quality = both.liked on parts.test { accuracy }",
        "metric",
    )]);

impl Stage for Tasks {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Train(&Tasks)
    }
}

/// Returns what is said of each task.
fn settings(args: &Args, call: &TrainCall) -> Result<Vec<Settings<'static>>> {
    let Some(ArgValue::List(tasks)) = args.find(TASKS.name()) else { return Err(Error::bug("a train without tasks")) };
    tasks
        .iter()
        .map(|task| match task {
            ArgValue::Recipe(task) if task.stage == "classify" => classify::settings(&task.args, call),
            ArgValue::Recipe(task) if task.stage == "regress" => regress::settings(&task.args, call),
            _ => Err(Error::bug("a task of no kind")),
        })
        .collect()
}

impl Train for Tasks {
    fn train(&self, context: &Context, args: &Args, call: &TrainCall) -> Result<Arrays> {
        let tasks = settings(args, call)?;
        let balance = match args.get(WEIGHTS) {
            ArgValue::List(weights) => {
                Balance::Fixed(weights.iter().filter_map(ArgValue::as_f64).map(|x| x as f32).collect())
            }
            word => match word.as_text() {
                Some("uncertainty") => Balance::Uncertainty,
                Some("gradient_norm") => {
                    Balance::GradientNorm { alpha: args.get(ALPHA) as f32, rate: args.get(PACE) as f32 }
                }
                _ => Balance::Fixed(vec![1.0; tasks.len()]),
            },
        };
        let length = Length { epochs: args.get(EPOCHS), batch: args.get(BATCH) };
        supervised::train(context, args, call, (&tasks, balance), &length)
    }

    fn predict(
        &self,
        context: &Context,
        args: &Args,
        call: &TrainCall,
        trained: &Arrays,
        part: Part,
        _: usize,
    ) -> Result<Predictions> {
        supervised::predict(context, call, &settings(args, call)?, trained, part)
    }
}
