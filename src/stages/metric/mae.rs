//! Mean absolute error.

use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

use crate::metric::ranking;
use crate::train::predictions::Regressed;

pub(crate) struct Mae;

static SIGNATURE: Signature = Signature::new(Group::Metric, "mae", &["predictions -> metric"])
    .tasks(&[Task::Regress])
    .doc("The mean of |predicted − true| over rows.")
    .reference("scikit-learn, metrics.mean_absolute_error")
    .examples(&[Example::new(
        "By how many minutes it errs.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], minutes: int }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train length = regress(parts, label = minutes) {\n    \
             output = films.look |> dense(16) |> relu |> dense(1)\n\
             }\n\
             metric quality = length on parts.test { mae }",
        "metric",
    )]);

impl Stage for Mae {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(|_, from| {
            let r = Regressed::read(from)?;
            Ok(ranking::mean(r.label.iter().zip(&r.predicted).map(|(y, x)| (x - y).abs()).collect()))
        })
    }
}
