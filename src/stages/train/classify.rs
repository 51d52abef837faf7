//! Trains a network to tell classes apart.

use mmf_data::arrays::Arrays;
use mmf_data::error::Result;
use mmf_data::stage::{Body, Context, Predictions, Stage, Train, TrainCall};
use mmf_lang::args::{Arg, Args, Literal, Recipe};
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Part, Task};

use super::balance::Balance;
use super::recipe::{self, OPTIMIZER, REPEAT, STOP, WEIGHT};
use super::supervised::{self, Length, Settings};
use super::trained::joint;

pub(crate) struct Classify;

const LABEL: Arg<String> = Arg::column("label").doc("The bool or category column to be guessed.");
const OUTPUT: Arg<()> = joint("output")
    .doc("The network: it ends in `dense(1) |> sigmoid` for two classes, in `dense(k) |> softmax` for k.");
const LOSS: Arg<Vec<(f64, Recipe)>> = recipe::loss("cross_entropy");
const EPOCHS: Arg<usize> =
    Arg::int("epochs").default(Literal::Int(10)).range(0.0, 1e6).doc("How often all training rows are gone through.");
const BATCH: Arg<usize> = Arg::int("batch").default(Literal::Int(32)).range(1.0, 1e6).doc("Rows of a step.");
const POSITIVE: Arg<Option<String>> = Arg::some_text("positive")
    .doc("The class that `precision`, `recall`, `f1` and `auc` of two classes speak of; unsaid, `true` or the later in order.");

static SIGNATURE: Signature = Signature::new(Group::Train, "classify", &["split -> train"])
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
        POSITIVE.spec(),
    ])
    .tasks(&[Task::Classify])
    .doc(
        "Trains a network on the training part to give each row the probabilities of its classes. Each \
         epoch goes through the rows in an order of its own, told by the seed. Without `stop` the last \
         epoch's weights are kept. Rows without a label do not count.",
    )
    .examples(&[
        Example::new(
            "Is a film good? One probability at the end.",
            "source films = table(\"films.csv\") { film: key, look: vector[8], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train liked = classify(parts, label = good) {\n    \
             output = films.look |> dense(16) |> relu |> dense(1) |> sigmoid\n    \
             epochs = 20\n\
             }",
            "train",
        ),
        Example::new(
            "Which of several genres: as many probabilities as there are.",
            "source films = table(\"films.csv\") { film: key, look: vector[8], genre: category }\n\
             prepare parts = films |> split(stratify = genre, train = 80%, validation = 10%, test = 10%)\n\
             train genre = classify(parts, label = genre) {\n    \
             output    = films.look |> dense(32) |> relu |> dense(classes(films.genre)) |> softmax\n    \
             optimizer = adam(lr = 1e-3)\n    \
             stop      = early(accuracy, patience = 5)\n\
             }",
            "train",
        ),
    ]);

impl Stage for Classify {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Train(&Classify)
    }
}

impl Train for Classify {
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
        label: supervised::classes(call, &column, args.get(POSITIVE).as_deref())?,
        column,
        weight: args.get(WEIGHT),
        loss: args.get(LOSS),
        name: "cross_entropy",
    })
}
