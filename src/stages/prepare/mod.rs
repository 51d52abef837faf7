//! Stages of the group `prepare`, one file each; each is one line of the list.

mod min_max;
mod one_hot;
mod scaling;
mod standardize;

mod classes;
mod deduplicate;
mod drop_missing;
mod drop_outliers;
mod expression;
mod fill_missing;
mod graph;
mod history;
mod join;
mod k_core;
mod per;
mod repair;
mod select;
mod split;
mod through;
mod where_;
mod with;

use mmf_data::stage::Stage;

pub(crate) static ALL: &[&dyn Stage] = &[
    &where_::Where,
    &with::With,
    &select::Select,
    &k_core::KCore,
    &join::Join,
    &deduplicate::Deduplicate,
    &repair::Repair,
    &drop_missing::DropMissing,
    &drop_outliers::DropOutliers,
    &fill_missing::FillMissing,
    &split::Split,
    &min_max::MinMax,
    &standardize::Standardize,
    &one_hot::OneHot,
    &per::Per,
    &through::Through,
    &history::History,
    &graph::Graph,
    &classes::Classes,
];
