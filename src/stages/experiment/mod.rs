//! Stages of the group `experiment`, one file each; each is one line of the list.

mod ablate;
mod imputation;
mod muted;
mod paired;

use mmf_data::stage::Stage;

pub(crate) static ALL: &[&dyn Stage] = &[&ablate::Ablate, &muted::Muted, &imputation::Imputation];
