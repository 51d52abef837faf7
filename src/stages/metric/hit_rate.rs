//! Share of users for whom anything relevant is found.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::Arg;
use mmf_lang::signature::{Group, Signature};
use mmf_lang::types::Task;

use crate::metric::ranking::{self, User};

pub(crate) struct HitRate;

const K: Arg<usize> = Arg::int("k").range(1.0, 1e6).doc("Length of the ranking that counts.");

static SIGNATURE: Signature = Signature::new(Group::Metric, "hit_rate", &["predictions -> metric"])
    .tasks(&[Task::Recommend])
    .args(&[K.spec()])
    .doc("The share of users with a relevant item among the first k.")
    .reference("RecBole, recbole.evaluator.metrics.Hit");

impl Stage for HitRate {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(|args, from| ranking::measure(from, Some(args.get(K)), score))
    }
}

fn score(user: &User<'_>) -> f64 {
    if user.ranks.is_empty() { 0.0 } else { 1.0 }
}
