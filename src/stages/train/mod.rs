//! Stages of the group `train`, one file each; each is one line of the list.

pub(crate) mod predictions;

use mmf_data::stage::Stage;

pub(crate) static ALL: &[&dyn Stage] = &[];
