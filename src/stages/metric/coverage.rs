//! Share of all items that are recommended to anyone.

use mmf_data::error::Result;
use mmf_data::stage::{Body, Stage};
use mmf_data::stage::{Measure, Predictions};
use mmf_lang::args::{Arg, Args};
use mmf_lang::signature::{Example, Group, Interval, Signature};
use mmf_lang::types::Task;

use crate::metric::lists;

pub(crate) struct Coverage;

const K: Arg<usize> = Arg::int("k").range(1.0, 1e6).doc("Length of the ranking that counts.");

static SIGNATURE: Signature = Signature::new(Group::Metric, "coverage", &["predictions -> metric"])
    .tasks(&[Task::Recommend])
    .args(&[K.spec()])
    .version(2)
    .interval(Interval::Jackknife)
    .doc(
        "The share of all candidates that are among the first k of any user. Its interval is the jackknife's, for a \
         resample that repeats users shows fewer items.",
    )
    .reference("RecBole, recbole.evaluator.metrics.ItemCoverage, without its padding item")
    .examples(&[Example::new(
        "How many of all films are ever recommended.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             train taste = recommend(parts, user = user, item = film) {\n    \
             score = dot(embedding(user, 16), embedding(film, 16))\n\
             }\n\
             metric quality = taste on parts.test { coverage@20 }",
        "metric",
    )]);

impl Stage for Coverage {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(measure)
    }
}

fn measure(args: &Args, from: &Predictions) -> Result<Measure> {
    lists::measure(from, args.get(K), |shown, items| shown.len() as f64 / items as f64)
}
