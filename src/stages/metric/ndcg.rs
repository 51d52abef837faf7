//! Discounted cumulative gain against the best possible.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::Arg;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

use crate::metric::confusion::share;
use crate::metric::ranking::{self, User};

pub(crate) struct Ndcg;

const K: Arg<usize> = Arg::int("k").range(1.0, 1e6).doc("Length of the ranking that counts.");

static SIGNATURE: Signature = Signature::new(Group::Metric, "ndcg", &["predictions -> metric"])
    .tasks(&[Task::Recommend])
    .args(&[K.spec()])
    .doc(
        "The discounted cumulative gain of the first k items, Σ 1 / log₂(rank + 1) over the relevant \
         ones, divided by that of the best ranking; the mean over users.",
    )
    .reference("RecBole, recbole.evaluator.metrics.NDCG; Järvelin and Kekäläinen 2002")
    .examples(&[Example::new(
        "Liked films near the top count more.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             train taste = recommend(parts, user = user, item = film) {\n    \
             score = dot(embedding(user, 16), embedding(film, 16))\n\
             }\n\
             metric quality = taste on parts.test { ndcg@20 }",
        "metric",
    )]);

impl Stage for Ndcg {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(|args, from| ranking::measure(from, Some(args.get(K)), score))
    }
}

fn score(user: &User<'_>) -> f64 {
    let gain = |rank: u32| 1.0 / (f64::from(rank) + 1.0).log2();
    let best: f64 = (1..=user.relevant.min(user.k) as u32).map(gain).sum();
    share(user.ranks.iter().map(|&rank| gain(rank)).sum(), best)
}
