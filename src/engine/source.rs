//! Sources: what they read is looked at again, and the files that they list are what they are today.

use std::collections::BTreeMap;
use std::path::Path;

use mmf_data::arrays::Arrays;
use mmf_data::error::{Error, Result};
use mmf_data::table::{Column, Table, Value};
use mmf_data::values::Values;
use mmf_lang::graph::{Node, NodeKind};
use mmf_lang::say;
use mmf_lang::types::Type;

use crate::outline::{self, Outline};
use crate::store::Digest;
use crate::work::{Settled, Work, relative};

/// Looks whether the files that a source read, or listed, are as they were; takes up what the listed ones contain today.
pub(crate) fn revisit(
    work: &Work<'_>,
    node: &Node,
    reads: &[(String, Option<Digest>)],
    outputs: &BTreeMap<String, Digest>,
    settled: &mut Settled,
) -> Result<bool> {
    let NodeKind::Stage { base, .. } = &node.kind else { return Ok(true) };
    let base = work.base(base);
    let paths: Vec<_> = reads.iter().map(|(path, _)| base.join(path)).collect();
    let now = work.store.files().digest_many(&paths);
    if reads.iter().zip(now).any(|((_, was), now)| *was != now.ok()) {
        return Ok(false);
    }
    let mut overlay = Vec::new();
    for (name, digest) in outputs {
        let Some(column) = name.strip_prefix("files.") else { continue };
        let Some(blob) = work.store.get(digest) else {
            work.report_damage();
            return Ok(false);
        };
        let value = Value::from_arrays(&Arrays::from_bytes(&blob)?)?;
        overlay.push((column.to_string(), value.column()?.clone()));
    }
    let overlay = today(work, node, &base, overlay)?;
    settled.outline = with_files(work, settled.outline.clone(), &overlay)?;
    settled.overlay = overlay;
    Ok(true)
}

/// Returns columns of files with the paths made whole and the absent ones missing. A file that is absent from a column
/// without `?` is an error that names it.
fn today(work: &Work<'_>, node: &Node, base: &Path, columns: Vec<(String, Column)>) -> Result<Vec<(String, Column)>> {
    let mut out = Vec::new();
    for (name, column) in columns {
        let (column, lost) = work.pictures.settle(&column, base, work.store)?;
        let allowed = match &node.ty {
            Type::Table(t) => t.column(&name).is_none_or(|c| !c.missing.is_empty()),
            _ => true,
        };
        if let (false, Some(first)) = (allowed, lost.first()) {
            let (row, path, count) = (first.place + 1, first.path.display(), lost.len());
            return Err(Error::new(
                "E1052",
                say!(
                    "row {row} of `{name}`: there is no file `{path}` ({count} such rows)",
                    "`{name}` 第 {row} 行：没有文件 `{path}`（共 {count} 行）"
                ),
            )
            .help(say!("bring the files, or mark the column `?`", "请补上文件，或将该列标为 `?`")));
        }
        out.push((name, column));
    }
    Ok(out)
}

/// Returns a table's outline with its columns of files as they are today.
fn with_files(work: &Work<'_>, mut outline: Outline, overlay: &[(String, Column)]) -> Result<Outline> {
    for (name, column) in overlay {
        let own = outline::of_column(column, &work.pictures)?;
        if let Some((_, slot)) = outline.columns.iter_mut().find(|(n, _)| n == name) {
            *slot = own;
        }
    }
    outline.digest = outline::table_digest(outline.rows, &outline.columns);
    Ok(outline)
}

/// Notes a source's columns of files apart, with paths relative to its folder, and returns them as they are today.
pub(crate) fn list_files(
    work: &Work<'_>,
    node: &Node,
    table: &mut Table,
    outputs: &mut BTreeMap<String, Digest>,
) -> Result<Vec<(String, Column)>> {
    let NodeKind::Stage { base, .. } = &node.kind else { return Ok(Vec::new()) };
    let base = work.base(base);
    let mut listed = Vec::new();
    for (name, column) in &mut table.columns {
        let Values::Files(files) = &column.values else { continue };
        let kept = files.iter().map(|file| relative(&file, &base)).collect();
        *column = Column { values: Values::Files(kept), ..column.clone() };
        outputs.insert(format!("files.{name}"), work.store.put(&Value::Column(column.clone()).to_arrays().to_bytes())?);
        listed.push((name.clone(), column.clone()));
    }
    today(work, node, &base, listed)
}

pub(crate) fn put_files(table: &mut Table, overlay: &[(String, Column)]) {
    for (name, column) in &mut table.columns {
        if let Some((_, today)) = overlay.iter().find(|(n, _)| n == name) {
            *column = today.clone();
        }
    }
}
