//! How many channels the pictures or maps of a batch have.

use mmf_data::error::{Error, Result};
use mmf_data::stage::Batch;
use mmf_data::values::Values;

use super::each;

/// Returns the channels of the rows that are there, all of which must have as many; 1 where none is.
pub(super) fn channels(batch: &Batch) -> Result<usize> {
    let channels: Vec<usize> = match batch.values(0)? {
        Values::Maps(maps) => maps.iter().map(|m| m.channels).collect(),
        Values::Pictures(pictures) => pictures.iter().map(|p| p.channels).collect(),
        other => return Err(each::expected("maps", other)),
    };
    let mut there = channels.iter().enumerate().filter(|(at, _)| !batch.is_missing(*at)).map(|(_, &c)| c);
    let first = there.next().unwrap_or(1);
    match there.all(|c| c == first) {
        true => Ok(first),
        false => Err(Error::bug("pictures of a column differ in their channels")),
    }
}
