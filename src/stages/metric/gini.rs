//! How unequally candidates are recommended.

use mmf_data::error::Result;
use mmf_data::stage::{Body, Stage};
use mmf_data::stage::{Measure, Predictions};
use mmf_lang::args::{Arg, Args};
use mmf_lang::signature::{Example, Group, Interval, Signature};
use mmf_lang::types::Task;

use crate::metric::lists;

pub(crate) struct Gini;

const K: Arg<usize> = Arg::int("k").range(1.0, 1e6).doc("Length of the ranking that counts.");

static SIGNATURE: Signature = Signature::new(Group::Metric, "gini", &["predictions -> metric"])
    .tasks(&[Task::Recommend])
    .args(&[K.spec()])
    .interval(Interval::Jackknife)
    .doc(
        "Σ (2i − n − 1)·xᵢ / (n·Σ x) over all n candidates by how often each is among the first k of any user, the least first: 0 where \
         all are shown alike, near 1 where few take all places. Its interval is the jackknife's.",
    )
    .reference("RecBole, recbole.evaluator.metrics.GiniIndex, without its padding item")
    .examples(&[Example::new(
        "Whether a few films take all the places.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             train taste = recommend(parts, user = user, item = film) {\n    \
             score = dot(embedding(user, 16), embedding(film, 16))\n\
             }\n\
             metric quality = taste on parts.test { gini@20 }",
        "metric",
    )]);

impl Stage for Gini {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(measure)
    }
}

fn measure(args: &Args, from: &Predictions) -> Result<Measure> {
    lists::measure(from, args.get(K), |shown, candidates| {
        shown.sort_unstable();
        let (n, before) = (candidates as f64, (candidates - shown.len().min(candidates)) as f64);
        let all = shown.iter().map(|&times| f64::from(times)).sum::<f64>();
        let place = |(at, &times): (usize, &u32)| (2.0 * (before + at as f64 + 1.0) - n - 1.0) * f64::from(times);
        shown.iter().enumerate().map(place).sum::<f64>() / all.max(1.0) / n
    })
}
