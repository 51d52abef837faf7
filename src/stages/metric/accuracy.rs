//! Share of units whose class is guessed.

use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

use crate::metric::confusion::{self, Average, Counts};

pub(crate) struct Accuracy;

static SIGNATURE: Signature = Signature::new(Group::Metric, "accuracy", &["predictions -> metric"])
    .tasks(&[Task::Classify])
    .doc("The share of rows whose most probable class is the true one.")
    .reference("scikit-learn, metrics.accuracy_score")
    .examples(&[Example::new(
        "How many guesses are right.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train liked = classify(parts, label = good) {\n    \
             output = films.look |> dense(16) |> relu |> dense(1) |> sigmoid\n\
             }\n\
             metric quality = liked on parts.test { accuracy }",
        "metric",
    )]);

impl Stage for Accuracy {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(|_, from| confusion::measure(from, Average::Micro, Counts::recall))
    }
}
