//! Stages of the group `metric`, one file each; each is one line of the list.

mod confusion;
mod ranking;

mod accuracy;
mod auc;
mod coverage;
mod f1;
mod hit_rate;
mod log_loss;
mod mae;
mod map;
mod mrr;
mod mse;
mod ndcg;
mod precision;
mod recall;

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
    &mse::Mse,
    &mae::Mae,
    &ndcg::Ndcg,
    &map::Map,
    &mrr::Mrr,
    &hit_rate::HitRate,
    &coverage::Coverage,
];

/// Returns whether less of the metric is better.
pub(crate) fn lower_is_better(metric: &str) -> bool {
    matches!(metric, "log_loss" | "mse" | "mae")
}
