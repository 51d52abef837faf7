//! Mean squared error: a metric, and the loss of that name.

use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

use crate::metric::ranking;
use crate::train::predictions::Regressed;

pub(crate) struct Mse;

static SIGNATURE: Signature = Signature::new(Group::Metric, "mse", &["predictions -> metric", "-> loss"])
    .tasks(&[Task::Regress])
    .doc("The mean of (predicted − true)² over rows: as a metric, and as the loss that a training lowers.")
    .reference("scikit-learn, metrics.mean_squared_error")
    .examples(&[Example::new(
        "As a metric, and as the loss.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], minutes: int }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train length = regress(parts, label = minutes) {\n    \
             output = films.look |> dense(16) |> relu |> dense(1)\n    \
             loss   = mse\n\
             }\n\
             metric quality = length on parts.test { mse }",
        "metric",
    )]);

impl Stage for Mse {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == 1 {
            return Body::Recipe;
        }
        Body::Metric(|_, from| {
            let r = Regressed::read(from)?;
            Ok(ranking::mean(r.label.iter().zip(&r.predicted).map(|(y, x)| (x - y) * (x - y)).collect()))
        })
    }
}
