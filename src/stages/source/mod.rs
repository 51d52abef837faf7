//! Stages of the group `source`, one file each; each is one line of the list.

mod assemble;
pub(crate) mod cell;
pub(crate) mod column;
pub(crate) mod files;
pub(crate) mod npy;
pub(crate) mod numpy;
pub(crate) mod read;
mod refuse;
pub(crate) mod table;

use mmf_data::stage::Stage;

pub(crate) static ALL: &[&dyn Stage] = &[&table::TableSource, &numpy::Numpy];
