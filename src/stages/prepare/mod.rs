//! Stages of the group `prepare`, one file each; each is one line of the list.

mod min_max;
mod one_hot;
mod scaling;
mod standardize;

mod expression;
mod split;
mod where_;

use mmf_data::stage::Stage;

pub(crate) static ALL: &[&dyn Stage] =
    &[&where_::Where, &split::Split, &min_max::MinMax, &standardize::Standardize, &one_hot::OneHot];
