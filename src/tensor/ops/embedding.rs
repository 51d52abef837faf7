//! `embedding`: rows of a table. Back: the gradients of the rows that were read, never one of the whole table.

use crate::kernels::rows;
use crate::ops::gather::{all_steps, within};
use crate::parameters::Kind;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::{Error, Result};
use mmf_data::network::{Parameter, Var};

/// Returns the rows of `table` in the order of `index`.
pub(crate) fn embedding(session: &mut Session, table: Parameter, index: &[u32]) -> Result<Var> {
    let (count, width) = sizes(session, table)?;
    within("embedding", index, count)?;
    let entry = session.parameters().entry(table)?;
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

/// Returns sequences of rows of `table`, `[steps, width]`: `index` holds those of all rows end to end, `lengths` how many are each
/// row's. Steps beyond a row's length are zero.
pub(crate) fn embedding_of_steps(
    session: &mut Session,
    table: Parameter,
    index: &[u32],
    lengths: &[u32],
    steps: usize,
) -> Result<Var> {
    let (count, width) = sizes(session, table)?;
    all_steps("embedding", (index, count), lengths, steps)?;
    let y = rows::spread(read(&session.parameters().entry(table)?.value), width, index, (lengths, steps));
    let out = session.put(y, lengths.len(), vec![steps, width], true)?;
    session.set_lengths(&out, Some(lengths.into()));
    if session.records(true) {
        let (index, lengths) = (index.to_vec(), lengths.to_vec());
        session.record(&out, move |back, gradient| {
            let mut rows = back.buffer(index.len() * width);
            rows::join(&gradient, width, (&lengths, steps), &mut rows);
            back.spare(gradient);
            back.rows(table, index, rows);
            Ok(())
        });
    }
    Ok(out)
}

/// Returns rows and width of a table.
fn sizes(session: &Session, table: Parameter) -> Result<(usize, usize)> {
    let entry = session.parameters().entry(table)?;
    match (&entry.dims[..], entry.kind) {
        (&[count, width], Kind::Table) => Ok((count, width)),
        _ => Err(Error::bug(format!("`{}` is no table", entry.label))),
    }
}
