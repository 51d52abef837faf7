//! Stages of the group `prepare`, one file each; each is one line of the list.

mod min_max;
mod one_hot;
mod scaling;
mod standardize;

mod classes;
mod drop_missing;
mod expression;
mod fill_missing;
mod k_core;
mod per;
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
    &drop_missing::DropMissing,
    &fill_missing::FillMissing,
    &split::Split,
    &min_max::MinMax,
    &standardize::Standardize,
    &one_hot::OneHot,
    &per::Per,
    &through::Through,
    &classes::Classes,
];
