//! Mean squared error: a metric, and the loss of that name.

use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Group, Signature};
use mmf_lang::types::Task;

use crate::metric::ranking;
use crate::train::predictions::Regressed;

pub(crate) struct Mse;

static SIGNATURE: Signature = Signature::new(Group::Metric, "mse", &["predictions -> metric", "-> loss"])
    .tasks(&[Task::Regress])
    .doc("The mean of (predicted − true)² over rows: as a metric, and as the loss that a training lowers.")
    .reference("scikit-learn, metrics.mean_squared_error");

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
