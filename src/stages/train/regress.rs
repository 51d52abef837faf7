//! Trains a network to guess a number.

use mmf_data::arrays::Arrays;
use mmf_data::error::Result;
use mmf_data::stage::{Body, Context, Predictions, Stage, Train, TrainCall};
use mmf_lang::args::{Arg, Args, Literal, Recipe};
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Part, Task};

use super::balance::Balance;
use super::recipe::{self, OPTIMIZER, REPEAT, STOP, WEIGHT};
use super::supervised::{self, Label, Length, Settings};
use super::trained::{self, joint};

pub(crate) struct Regress;

const LABEL: Arg<String> = Arg::column("label").doc("The number column to be guessed.");
const OUTPUT: Arg<()> = joint("output").doc("The network: it ends in `dense(1)`.");
const LOSS: Arg<Vec<(f64, Recipe)>> = recipe::loss("mse");
const EPOCHS: Arg<usize> =
    Arg::int("epochs").default(Literal::Int(10)).range(0.0, 1e6).doc("How often all training rows are gone through.");
const BATCH: Arg<usize> = Arg::int("batch").default(Literal::Int(32)).range(1.0, 1e6).doc("Rows of a step.");

static SIGNATURE: Signature = Signature::new(Group::Train, "regress", &["split -> train"])
    .version(3)
    .args(&[
        LABEL.spec(),
        OUTPUT.spec(),
        LOSS.spec(),
        OPTIMIZER.spec(),
        EPOCHS.spec(),
        BATCH.spec(),
        STOP.spec(),
        WEIGHT.spec(),
        REPEAT.spec(),
    ])
    .tasks(&[Task::Regress])
    .doc(
        "Trains a network on the training part to guess a number for each row. Without `stop` the last \
         epoch's weights are kept. Rows without a label do not count.",
    )
    .examples(&[Example::new(
        "How long is a film?",
        "source films = table(\"films.csv\") { film: key, look: vector[8], minutes: int }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train length = regress(parts, label = minutes) {\n    \
             output = films.look |> dense(16) |> relu |> dense(1)\n    \
             epochs = 20\n\
             }",
        "train",
    )]);

impl Stage for Regress {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Train(&Regress)
    }
}

impl Train for Regress {
    fn train(&self, context: &Context, args: &Args, call: &TrainCall) -> Result<Arrays> {
        let length = Length { epochs: args.get(EPOCHS), batch: args.get(BATCH) };
        supervised::train(context, args, call, (&[settings(args, call)?], Balance::Fixed(vec![1.0])), &length)
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
        supervised::predict(context, call, &[settings(args, call)?], trained, part)
    }
}

/// Returns what these arguments say of the task; also of one of several.
pub(crate) fn settings(args: &Args, call: &TrainCall) -> Result<Settings<'static>> {
    let column = args.get(LABEL);
    Ok(Settings {
        label: Label::Numbers(trained::numbers(call, &column)?),
        column,
        weight: args.get(WEIGHT),
        loss: args.get(LOSS),
        name: "mse",
    })
}
