//! Area under the receiver operating characteristic.

use mmf_data::error::Result;
use mmf_data::stage::{Body, Stage};
use mmf_data::stage::{Measure, Predictions};
use mmf_lang::args::Args;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

use crate::metric::ranking::{self, User};
use crate::train::predictions::{self, Classified};

pub(crate) struct Auc;

static SIGNATURE: Signature = Signature::new(Group::Metric, "auc", &["predictions -> metric"])
    .tasks(&[Task::Classify, Task::Recommend])
    .doc(
        "The probability that a row of the positive class has a higher score than one of the other, equal \
         scores counting half; of more than two classes, the mean of each against the rest, over the \
         classes that are in the truth. Not defined where there is one class only. Of a ranking, the share of a user's other candidates \
         that stand below a relevant one, the mean over the relevant ones and then over users; equal scores rank worst. Who has no \
         relevant candidate counts 0.",
    )
    .reference("scikit-learn, metrics.roc_auc_score, multi_class=ovr; of rankings cornac.metrics.AUC")
    .examples(&[Example::new(
        "How well good films are told from others, whatever the threshold.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train liked = classify(parts, label = good) {\n    \
             output = films.look |> dense(16) |> relu |> dense(1) |> sigmoid\n\
             }\n\
             metric quality = liked on parts.test { auc }",
        "metric",
    ), Example::new(
        "How far up the films stand that were liked later, over whole rankings.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
         source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
         prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
         train taste = recommend(parts, user = user, item = film) {\n    \
         score = dot(embedding(user, 16), embedding(film, 16))\n\
         }\n\
         metric quality = taste on parts.test { auc }",
        "metric",
    )]);

impl Stage for Auc {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(|args, from| match predictions::task(from)? {
            Task::Recommend => ranking::measure(from, None, above),
            _ => measure(args, from),
        })
    }
}

/// Returns the share of pairs of a relevant candidate and another that are in order.
fn above(user: &User<'_>) -> f64 {
    let (relevant, others) = (user.ranks.len(), user.k.saturating_sub(user.ranks.len()));
    let wrong: usize = user.ranks.iter().enumerate().map(|(before, &rank)| rank as usize - 1 - before).sum();
    match (relevant, others) {
        (0, _) => 0.0,
        (_, 0) => 1.0,
        _ => 1.0 - wrong as f64 / (relevant * others) as f64,
    }
}

fn measure(_: &Args, from: &Predictions) -> Result<Measure> {
    let classified = Classified::read(from)?;
    let k = classified.classes.len();
    let classes = if k == 2 { vec![classified.positive] } else { (0..k as u32).collect() };
    let curves: Vec<Curve> = classes.into_iter().map(|class| Curve::new(&classified, class)).collect();
    let units = classified.units.len();
    Ok(Box::new(move |places| {
        let mut times = vec![0u32; units];
        places.iter().for_each(|&place| times[place as usize] += 1);
        let values: Vec<f64> = curves.iter().filter_map(|curve| curve.area(&times)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }))
}

/// One class against the rest: units by falling score.
struct Curve {
    /// The place of each unit, whether it is of the class, and whether its score is that of the unit before.
    order: Vec<(u32, bool, bool)>,
}

impl Curve {
    fn new(from: &Classified, class: u32) -> Self {
        let score = |place: u32| from.scores[place as usize * from.classes.len() + class as usize];
        let mut places: Vec<u32> = (0..from.units.len() as u32).collect();
        places.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
        let mut last = None;
        let order = places
            .into_iter()
            .map(|place| {
                let tied = last == Some(score(place));
                last = Some(score(place));
                (place, from.label[place as usize] == class, tied)
            })
            .collect();
        Curve { order }
    }

    /// Returns the area where each unit counts that many times.
    fn area(&self, times: &[u32]) -> Option<f64> {
        let (mut yes, mut no) = (0u64, 0u64);
        // Pairs that are in order, counted twice; those of the present group of equal scores wait.
        let (mut pairs, mut group_yes, mut group_no) = (0u128, 0u64, 0u64);
        for &(place, of_class, tied) in &self.order {
            if !tied {
                pairs += u128::from(group_no) * u128::from(2 * yes + group_yes);
                yes += std::mem::take(&mut group_yes);
                no += std::mem::take(&mut group_no);
            }
            let count = u64::from(times[place as usize]);
            if of_class {
                group_yes += count;
            } else {
                group_no += count;
            }
        }
        pairs += u128::from(group_no) * u128::from(2 * yes + group_yes);
        yes += group_yes;
        no += group_no;
        (yes > 0 && no > 0).then(|| pairs as f64 / 2.0 / (yes as f64 * no as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ranking_is_told_by_pairs_that_are_in_order() {
        let of = |ranks: &[u32], k| above(&User { ranks, relevant: 9, k });
        // Of five candidates the first and the fourth: one stands above none of three, two of three stand above the other.
        assert!((of(&[1, 4], 5) - 4.0 / 6.0).abs() < 1e-12);
        assert_eq!([of(&[1, 2], 9), of(&[8, 9], 9), of(&[], 9), of(&[1, 2], 2)], [1.0, 0.0, 0.0, 1.0]);
    }
}
