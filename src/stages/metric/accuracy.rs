//! Share of units whose class is guessed.

use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Group, Signature};
use mmf_lang::types::Task;

use crate::metric::confusion::{self, Average};

pub(crate) struct Accuracy;

static SIGNATURE: Signature = Signature::new(Group::Metric, "accuracy", &["predictions -> metric"])
    .tasks(&[Task::Classify])
    .doc("The share of rows whose most probable class is the true one.")
    .reference("scikit-learn, metrics.accuracy_score");

impl Stage for Accuracy {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(|_, from| {
            confusion::measure(from, Average::Micro, |c| confusion::share(f64::from(c.both), f64::from(c.truth)))
        })
    }
}
