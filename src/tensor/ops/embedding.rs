//! `embedding`: rows of a table. Back: the gradients of the rows that were read, never one of the whole table.

use crate::kernels::rows;
use crate::ops::gather::within;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::{Error, Result};
use mmf_data::network::{Parameter, Var};

/// Returns the rows of `table` in the order of `index`.
pub(crate) fn embedding(session: &mut Session, table: Parameter, index: &[u32]) -> Result<Var> {
    let entry = session.parameters().entry(table)?;
    let (&[count, width], true) = (&entry.dims[..], entry.table) else {
        return Err(Error::bug(format!("`{}` is no table", entry.label)));
    };
    within("embedding", index, count)?;
    let y = rows::gather(read(&entry.value), width, index);
    let out = session.put(y, index.len(), vec![width], true)?;
    if session.records(true) {
        let index = index.to_vec();
        session.record(&out, move |back, gradient| {
            back.rows(table, index, gradient);
            Ok(())
        });
    }
    Ok(out)
}
