//! Mean reciprocal rank.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::Arg;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

use crate::metric::ranking::{self, User};

pub(crate) struct Mrr;

const K: Arg<Option<usize>> = Arg::some_int("k").range(1.0, 1e6).doc("Length of the ranking that counts.");

static SIGNATURE: Signature = Signature::new(Group::Metric, "mrr", &["predictions -> metric"])
    .tasks(&[Task::Recommend])
    .args(&[K.spec()])
    .doc(
        "Mean reciprocal rank: 1 / rank of the first relevant item, 0 where none is among the first k; \
         the mean over users. Without a cut, over the whole ranking.",
    )
    .reference("RecBole, recbole.evaluator.metrics.MRR")
    .examples(&[Example::new(
        "How far down the first liked film stands.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             train taste = recommend(parts, user = user, item = film) {\n    \
             score = dot(embedding(user, 16), embedding(film, 16))\n\
             }\n\
             metric quality = taste on parts.test { mrr }",
        "metric",
    )]);

impl Stage for Mrr {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(|args, from| ranking::measure(from, args.get(K), score))
    }
}

fn score(user: &User<'_>) -> f64 {
    user.ranks.first().map_or(0.0, |&rank| 1.0 / f64::from(rank))
}
