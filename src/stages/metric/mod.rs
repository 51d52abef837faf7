//! Stages of the group `metric`, one file each; each is one line of the list.

use mmf_data::stage::Stage;

pub(crate) static ALL: &[&dyn Stage] = &[];
