//! Mean negative logarithm of the true class's probability.

use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

use crate::metric::ranking;
use crate::train::predictions::Classified;

pub(crate) struct LogLoss;

static SIGNATURE: Signature = Signature::new(Group::Metric, "log_loss", &["predictions -> metric"])
    .tasks(&[Task::Classify])
    .doc("The mean of −ln p over rows, p the probability of the true class, held within 2.2e-16 of 0 and 1.")
    .reference("scikit-learn, metrics.log_loss")
    .examples(&[Example::new(
        "How sure it is of what is true.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train liked = classify(parts, label = good) {\n    \
             output = films.look |> dense(16) |> relu |> dense(1) |> sigmoid\n\
             }\n\
             metric quality = liked on parts.test { log_loss }",
        "metric",
    )]);

impl Stage for LogLoss {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(|_, from| {
            let classified = Classified::read(from)?;
            let scores = classified.scores.chunks_exact(classified.classes.len().max(1));
            let losses = classified.label.iter().zip(scores).map(|(&class, scores)| {
                // Probabilities of 32 bits need not sum to 1.
                let sum: f64 = scores.iter().map(|&s| f64::from(s)).sum();
                -(f64::from(scores[class as usize]) / sum).clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
            });
            Ok(ranking::mean(losses.collect()))
        })
    }
}
