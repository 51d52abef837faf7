//! Stages of the group `train`, one file each; each is one line of the list.

pub(crate) mod predictions;

mod balance;
pub(crate) mod learn;
mod lessons;
pub(crate) mod network;
pub(crate) mod recipe;
mod space;
mod supervised;
mod terms;
mod trained;

mod adam;
mod adamw;
mod adversarial;
mod adversarial_alignment;
mod adversarial_presence;
mod bpr;
mod classify;
mod cosine_gap;
mod cross_entropy;
mod early;
mod gradient_descent;
mod info_nce;
pub(crate) mod item_knn;
mod momentum;
mod popularity;
mod recommend;
mod regress;
mod sgd;
mod tasks;

#[cfg(test)]
mod tests;

use mmf_data::stage::Stage;

pub(crate) static ALL: &[&dyn Stage] = &[
    &classify::Classify,
    &regress::Regress,
    &tasks::Tasks,
    &recommend::Recommend,
    &popularity::Popularity,
    &item_knn::ItemKnn,
    &cross_entropy::CrossEntropy,
    &bpr::Bpr,
    &cosine_gap::CosineGap,
    &info_nce::InfoNce,
    &adversarial_alignment::AdversarialAlignment,
    &adversarial_presence::AdversarialPresence,
    &adversarial::Adversarial,
    &adam::Adam,
    &adamw::Adamw,
    &sgd::Sgd,
    &momentum::Momentum,
    &gradient_descent::GradientDescent,
    &early::Early,
];
