//! Share of users for whom anything relevant is found.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::Arg;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

use crate::metric::ranking::{self, User};

pub(crate) struct HitRate;

const K: Arg<usize> = Arg::int("k").range(1.0, 1e6).doc("Length of the ranking that counts.");

static SIGNATURE: Signature = Signature::new(Group::Metric, "hit_rate", &["predictions -> metric"])
    .tasks(&[Task::Recommend])
    .args(&[K.spec()])
    .doc("The share of users with a relevant item among the first k.")
    .reference("RecBole, recbole.evaluator.metrics.Hit")
    .examples(&[Example::new(
        "How many users like one of twenty.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             train taste = recommend(parts, user = user, item = film) {\n    \
             score = dot(embedding(user, 16), embedding(film, 16))\n\
             }\n\
             metric quality = taste on parts.test { hit_rate@20 }",
        "metric",
    )]);

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
