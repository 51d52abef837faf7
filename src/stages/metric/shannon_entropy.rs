//! How evenly what is recommended spreads over the items that are.

use mmf_data::error::Result;
use mmf_data::stage::{Body, Stage};
use mmf_data::stage::{Measure, Predictions};
use mmf_lang::args::{Arg, Args};
use mmf_lang::signature::{Example, Group, Interval, Signature};
use mmf_lang::types::Task;

use crate::metric::lists;

pub(crate) struct ShannonEntropy;

const K: Arg<usize> = Arg::int("k").range(1.0, 1e6).doc("Length of the ranking that counts.");

static SIGNATURE: Signature = Signature::new(Group::Metric, "shannon_entropy", &["predictions -> metric"])
    .tasks(&[Task::Recommend])
    .args(&[K.spec()])
    .interval(Interval::Jackknife)
    .doc(
        "−Σ p·ln p over the items among the first k of any user, p being an item's share of all places, divided by the count of these \
         items, as RecBole does. Its interval is the jackknife's.",
    )
    .reference("RecBole, recbole.evaluator.metrics.ShannonEntropy")
    .examples(&[Example::new(
        "How diverse the lists of all users are together.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             train taste = recommend(parts, user = user, item = film) {\n    \
             score = dot(embedding(user, 16), embedding(film, 16))\n\
             }\n\
             metric quality = taste on parts.test { shannon_entropy@20 }",
        "metric",
    )]);

impl Stage for ShannonEntropy {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(measure)
    }
}

fn measure(args: &Args, from: &Predictions) -> Result<Measure> {
    lists::measure(from, args.get(K), |shown, _| {
        let all = shown.iter().map(|&times| f64::from(times)).sum::<f64>();
        let part = |&times: &u32| {
            let share = f64::from(times) / all;
            -share * share.ln()
        };
        shown.iter().map(part).sum::<f64>() / shown.len().max(1) as f64
    })
}
