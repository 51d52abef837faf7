//! How far probabilities are from how often they come true.

use mmf_data::error::Result;
use mmf_data::stage::{Body, Measure, Predictions, Stage};
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

use crate::train::predictions::Classified;

pub(crate) struct CalibrationError;

const BINS: Arg<usize> =
    Arg::int("bins").default(Literal::Int(15)).range(1.0, 1000.0).doc("Count of ranges of equal length from 0 to 1.");

static SIGNATURE: Signature = Signature::new(Group::Metric, "calibration_error", &["predictions -> metric"])
    .tasks(&[Task::Classify])
    .args(&[BINS.spec()])
    .doc(
        "Rows are put into ranges of the probability of the guessed class. In each range: the mean probability less the share of right \
         guesses, without its sign; the mean over rows. Who is right in 8 of 10 cases of 80 % has 0.",
    )
    .reference("expected calibration error, Guo et al. 2017; torchmetrics, MulticlassCalibrationError of norm l1")
    .examples(&[Example::new(
        "Whether its probabilities can be taken at their word.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train liked = classify(parts, label = good) {\n    \
             output = films.look |> dense(16) |> relu |> dense(1) |> sigmoid\n\
             }\n\
             metric quality = liked on parts.test { calibration_error }",
        "metric",
    )]);

impl Stage for CalibrationError {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(measure)
    }
}

fn measure(args: &Args, from: &Predictions) -> Result<Measure> {
    let (bins, classified) = (args.get(BINS), Classified::read(from)?);
    let scores = classified.scores.chunks_exact(classified.classes.len().max(1));
    // The range, the probability of the guess, and whether it is right.
    let guessed: Vec<(usize, f64, bool)> = (classified.guesses().iter().zip(&classified.label).zip(scores))
        .map(|((&guess, &label), scores)| {
            let sure = f64::from(scores[guess as usize]);
            // What is wholly sure has a range of its own, as torchmetrics has it.
            ((sure * bins as f64).floor().clamp(0.0, bins as f64) as usize, sure, guess == label)
        })
        .collect();
    Ok(Box::new(move |places| {
        if places.is_empty() {
            return None;
        }
        let mut gaps = vec![0.0f64; bins + 1];
        for &place in places {
            let (bin, sure, right) = guessed[place as usize];
            gaps[bin] += sure - f64::from(u8::from(right));
        }
        Some(gaps.iter().map(|gap| gap.abs()).sum::<f64>() / places.len() as f64)
    }))
}
