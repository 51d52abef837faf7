//! The loss of classes.

use mmf_data::stage::{Body, Stage};

use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

pub(crate) struct CrossEntropy;

static SIGNATURE: Signature = Signature::new(Group::Train, "cross_entropy", &["-> loss"])
    .tasks(&[Task::Classify])
    .doc(
        "−ln p of the true class, the mean over rows; after a `sigmoid` the binary form, −y·ln p − (1 − \
         y)·ln(1 − p). Computed from what the head was applied to, so it is exact however sure the \
         network is.",
    )
    .reference("torch.nn.CrossEntropyLoss, torch.nn.BCEWithLogitsLoss")
    .examples(&[Example::new(
        "The loss of every classifier; it may be left out.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train liked = classify(parts, label = good) {\n    \
             output = films.look |> dense(16) |> relu |> dense(1) |> sigmoid\n    \
             loss   = cross_entropy\n\
             }",
        "train",
    )]);

impl Stage for CrossEntropy {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
