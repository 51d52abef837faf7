//! How popular what is recommended is: the less, the more it is news.

use mmf_data::error::Result;
use mmf_data::stage::{Body, Stage};
use mmf_data::stage::{Measure, Predictions};
use mmf_lang::args::{Arg, Args};
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

use crate::metric::ranking::mean;
use crate::train::predictions::Ranked;

pub(crate) struct AveragePopularity;

const K: Arg<usize> = Arg::int("k").range(1.0, 1e6).doc("Length of the ranking that counts.");

static SIGNATURE: Signature = Signature::new(Group::Metric, "average_popularity", &["predictions -> metric"])
    .tasks(&[Task::Recommend])
    .args(&[K.spec()])
    .doc(
        "The mean count of training rows of the first k items, the mean over users. Novelty: the less, the more is recommended that not \
         all know already.",
    )
    .reference("RecBole, recbole.evaluator.metrics.AveragePopularity")
    .examples(&[Example::new(
        "How well known what is recommended is.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             train taste = recommend(parts, user = user, item = film) {\n    \
             score = dot(embedding(user, 16), embedding(film, 16))\n\
             }\n\
             metric quality = taste on parts.test { average_popularity@20 }",
        "metric",
    )]);

impl Stage for AveragePopularity {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(measure)
    }
}

fn measure(args: &Args, from: &Predictions) -> Result<Measure> {
    let (k, ranked) = (args.get(K), Ranked::read(from)?);
    let start = |user: usize| if user == 0 { 0 } else { ranked.top.ends[user - 1] };
    let value = |user: usize| {
        let own = &ranked.counts[start(user)..ranked.top.ends[user]];
        let first = &own[..k.min(own.len())];
        first.iter().map(|&count| f64::from(count)).sum::<f64>() / first.len().max(1) as f64
    };
    Ok(mean((0..ranked.users.len()).map(value).collect()))
}
