//! Mean average precision.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::Arg;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

use crate::metric::confusion::share;
use crate::metric::ranking::{self, User};

pub(crate) struct Map;

const K: Arg<Option<usize>> = Arg::some_int("k").range(1.0, 1e6).doc("Length of the ranking that counts.");

static SIGNATURE: Signature = Signature::new(Group::Metric, "map", &["predictions -> metric"])
    .tasks(&[Task::Recommend])
    .args(&[K.spec()])
    .doc(
        "Mean average precision: at each relevant item among the first k the share of relevant items up \
         to it, summed and divided by the count of relevant items, at most k; the mean over users. \
         Without a cut, over the whole ranking.",
    )
    .reference("RecBole, recbole.evaluator.metrics.MAP")
    .examples(&[Example::new(
        "Over the whole ranking.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             train taste = recommend(parts, user = user, item = film) {\n    \
             score = dot(embedding(user, 16), embedding(film, 16))\n\
             }\n\
             metric quality = taste on parts.test { map }",
        "metric",
    )]);

impl Stage for Map {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(|args, from| ranking::measure(from, args.get(K), score))
    }
}

fn score(user: &User<'_>) -> f64 {
    let sum: f64 = user.ranks.iter().enumerate().map(|(i, &rank)| (i + 1) as f64 / f64::from(rank)).sum();
    share(sum, user.relevant.min(user.k) as f64)
}
