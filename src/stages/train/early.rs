//! Stops when the validation part gets no better.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, ArgKind, ArgValue, Literal};
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct Early;

pub(crate) const METRIC: Arg<Option<(String, Option<u64>)>> =
    Arg::new("metric", ArgKind::Measure, |value| match value {
        Some(ArgValue::Measure { name, cut }) => Some((name.clone(), *cut)),
        _ => None,
    })
    .doc("The metric of the validation part that is watched.");
pub(crate) const PATIENCE: Arg<usize> = Arg::int("patience")
    .default(Literal::Int(5))
    .range(1.0, 1e6)
    .doc("Count of epochs without a better value after which it stops.");

static SIGNATURE: Signature = Signature::new(Group::Train, "early", &["-> stop"])
    .args(&[METRIC.spec(), PATIENCE.spec()])
    .doc(
        "After each epoch, measures the validation part; stops when `patience` epochs in a row brought \
         nothing better, and keeps the weights of the best one.",
    )
    .reference("Prechelt 1998, early stopping")
    .examples(&[Example::new(
        "Stops after five epochs without a better loss on the validation part.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], good: bool }\n\
             prepare parts = films |> split(train = 80%, validation = 10%, test = 10%)\n\
             train liked = classify(parts, label = good) {\n    \
             output = films.look |> dense(16) |> relu |> dense(1) |> sigmoid\n    \
             epochs = 100\n    \
             stop   = early(log_loss, patience = 5)\n\
             }",
        "train",
    )]);

impl Stage for Early {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
