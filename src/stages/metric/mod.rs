//! Stages of the group `metric`, one file each; each is one line of the list.

pub mod confusion;
mod lists;
mod ranking;

mod accuracy;
mod auc;
mod average_popularity;
mod calibration_error;
mod coverage;
mod f1;
mod gini;
mod hit_rate;
mod log_loss;
mod mae;
mod map;
mod mrr;
mod mse;
mod ndcg;
mod precision;
mod recall;
mod shannon_entropy;

#[cfg(test)]
mod tests;

use mmf_data::stage::Stage;

pub(crate) static ALL: &[&dyn Stage] = &[
    &accuracy::Accuracy,
    &precision::Precision,
    &recall::Recall,
    &f1::F1,
    &auc::Auc,
    &log_loss::LogLoss,
    &calibration_error::CalibrationError,
    &mse::Mse,
    &mae::Mae,
    &ndcg::Ndcg,
    &map::Map,
    &mrr::Mrr,
    &hit_rate::HitRate,
    &coverage::Coverage,
    &average_popularity::AveragePopularity,
    &shannon_entropy::ShannonEntropy,
    &gini::Gini,
];

/// Returns whether less of the metric is better.
pub(crate) fn lower_is_better(metric: &str) -> bool {
    matches!(metric, "log_loss" | "calibration_error" | "mse" | "mae" | "average_popularity" | "gini")
}

/// Returns whether the metric reads which items are first, and not only where the relevant ones are.
pub(crate) fn reads_lists(metric: &str) -> bool {
    matches!(metric, "coverage" | "average_popularity" | "shannon_entropy" | "gini")
}
