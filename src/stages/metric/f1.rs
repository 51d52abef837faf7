//! The harmonic mean of precision and recall.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::Arg;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

use crate::metric::confusion::{self, Average, Counts};

pub(crate) struct F1;

const AVERAGE: Arg<Option<String>> = Arg::some_words("average", &["macro", "micro"]).doc(
    "`macro` is the mean over the classes that occur, `micro` counts all decisions together; unsaid, it is the positive class of two and \
     `macro` of more.",
);

static SIGNATURE: Signature = Signature::new(Group::Metric, "f1", &["predictions -> metric"])
    .tasks(&[Task::Classify])
    .args(&[AVERAGE.spec()])
    .doc(
        "The harmonic mean of precision and recall, 2·both / (true + guessed): of the positive class \
         where there are two, else the mean over the classes that are in the truth or among the guesses. \
         0 of 0 is 0.",
    )
    .reference("scikit-learn, metrics.f1_score")
    .examples(&[Example::new(
        "Both classes count alike.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train liked = classify(parts, label = good) {\n    \
             output = films.look |> dense(16) |> relu |> dense(1) |> sigmoid\n\
             }\n\
             metric quality = liked on parts.test { f1(average = macro) }",
        "metric",
    )]);

impl Stage for F1 {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(|args, from| {
            let average = Average::of(args.get(AVERAGE).as_deref());
            confusion::measure(from, average, Counts::f1)
        })
    }
}
