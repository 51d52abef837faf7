//! Share of all items that are recommended to anyone.

use mmf_data::error::Result;
use mmf_data::stage::{Body, Stage};
use mmf_data::stage::{Measure, Predictions};
use mmf_lang::args::{Arg, Args};
use mmf_lang::signature::{Example, Group, Interval, Signature};
use mmf_lang::types::Task;

use crate::train::predictions::Ranked;

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
    let k = args.get(K);
    let ranked = Ranked::read(from)?;
    // Items are numbered afresh, so that a resample marks places of a short list.
    let mut numbers: Vec<u32> = ranked.top.values.iter().map(|&(item, _)| item).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let lists: Vec<Vec<u32>> = (0..ranked.users.len())
        .map(|user| ranked.top.get(user).iter().take(k))
        .map(|list| list.map(|(item, _)| numbers.partition_point(|n| n < item) as u32).collect())
        .collect();
    let (count, items) = (numbers.len(), ranked.items);
    Ok(Box::new(move |places| {
        if places.is_empty() || items == 0 {
            return None;
        }
        let mut shown = vec![false; count];
        places.iter().flat_map(|&place| &lists[place as usize]).for_each(|&item| shown[item as usize] = true);
        Some(shown.iter().filter(|&&x| x).count() as f64 / items as f64)
    }))
}
