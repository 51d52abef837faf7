//! From declared columns to a table: keys of other sources, rows of another table (`key(items)`), holes and errors.
//! Shared by `table` and `numpy`.

use std::path::Path;
use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::paths::Paths;
use mmf_data::stage::{Context, Report};
use mmf_data::table::{Column, Rows, Table, Value};
use mmf_data::values::{Texts, Values, Vocabulary};
use mmf_lang::args::{ColumnKind, ColumnSpec};
use mmf_lang::say;
use mmf_lang::world::ColumnScan;

use super::column::Made;
use super::refuse::refuse;

/// Returns the keys that a `ref` or `key(…)` may name: those of its input, a table or a column of keys or categories.
pub(crate) fn keys(spec: &ColumnSpec, inputs: &[Value]) -> Result<Option<Arc<Vocabulary>>> {
    let (ColumnKind::Ref(at) | ColumnKind::KeyOf(at)) = &spec.kind else { return Ok(None) };
    let input = inputs.get(*at).ok_or_else(|| Error::bug("a ref has no input"))?;
    let found = match input {
        Value::Column(Column { values: Values::Code { names, .. }, .. }) => Some(names.clone()),
        Value::Table(table) => key_of(table),
        _ => None,
    };
    found.map(Some).ok_or_else(|| Error::bug(format!("what `{}` refers to has no keys", spec.name)))
}

/// Returns the names of a table's rows. A key's names are in the order of its rows: row 0 has code 0, and so on. A
/// category with another value in each row looks the same where the rows are sorted by it, so what is unsorted is taken first.
fn key_of(table: &Table) -> Option<Arc<Vocabulary>> {
    let keys = table.columns.iter().filter_map(|(_, column)| match &column.values {
        Values::Code { codes, names }
            if names.len() == table.rows.total && codes.iter().enumerate().all(|(at, &c)| table.rows.id(at) == c) =>
        {
            Some(names)
        }
        _ => None,
    });
    let keys: Vec<_> = keys.collect();
    keys.iter().find(|names| !names.names().iter().is_sorted()).or(keys.first()).map(|names| (*names).clone())
}

/// Puts the columns of `count` rows together. Paths of text files become their texts.
///
/// # Errors
/// `E1020` where a column is not as declared, `E1046` and `E1002` where a text file cannot be read.
pub(crate) fn assemble(
    context: &Context<'_>,
    path: &str,
    count: usize,
    columns: Vec<(&ColumnSpec, Made)>,
) -> Result<Table> {
    for (spec, made) in &columns {
        refuse(path, spec, &made.scan)?;
        tell(context, path, spec, &made.scan);
    }
    // `key(items)`: where in this file each row of the other table is.
    let mut rows = None;
    for (spec, made) in &columns {
        if let (ColumnKind::KeyOf(_), Values::Code { codes, names }) = (&spec.kind, &made.values) {
            let mut places = vec![None; names.len()];
            for (row, &code) in codes.iter().enumerate().filter(|(row, _)| !made.missing[*row]) {
                places[code as usize] = Some(row as u32);
            }
            rows = Some((places, names.clone()));
        }
    }
    let total = rows.as_ref().map_or(count, |(places, _)| places.len());
    let mut table = Table { rows: Rows::all(total), columns: Vec::with_capacity(columns.len()) };
    for (spec, made) in columns {
        let Made { mut values, mut missing, mut scan } = made;
        if let (ColumnKind::TextFile(..), Values::Files(files)) = (&spec.kind, &values) {
            // One that is not there is asked for all the same, so that the host knows of it when it comes.
            for (_, lost) in files.iter().enumerate().filter(|(row, _)| missing[*row] && files.has(*row)) {
                let _ = context.host.read(&context.base.join(lost));
            }
        }
        if let Some((places, names)) = &rows {
            if matches!(spec.kind, ColumnKind::KeyOf(_)) {
                values = Values::Code { codes: Arc::new((0..total as u32).collect()), names: names.clone() };
                missing = vec![false; total];
            } else {
                scan.uncovered = places.iter().filter(|p| p.is_none()).count() as u64;
                refuse(path, spec, &scan)?;
                missing = places.iter().map(|p| p.is_none_or(|p| missing[p as usize])).collect();
                values = spread(&values, places);
            }
        }
        if let (ColumnKind::TextFile(..), Values::Files(files)) = (&spec.kind, &values) {
            values = texts(context, spec, files, &mut missing)?;
        }
        table.columns.push((spec.name.clone(), Column::new(table.rows.clone(), values).with_missing(missing)));
    }
    Ok(table)
}

/// Tells what became a missing value although a cell was there.
fn tell(context: &Context<'_>, path: &str, spec: &ColumnSpec, scan: &ColumnScan) {
    let name = &spec.name;
    if let Some((line, file)) = scan.lost.first() {
        let count = scan.lost_count;
        context.host.report(Report::Note(say!(
            "{path}: {count} files of `{name}` are not there, the first on line {line}: {file}",
            "{path}：`{name}` 有 {count} 个文件不存在，第一个在第 {line} 行：{file}"
        )));
    }
    if let Some((line, cell)) = scan.unknown.first() {
        let count = scan.unknown_count;
        context.host.report(Report::Note(say!(
            "{path}: {count} cells of `{name}` name no row of the other table, the first on line {line}: `{cell}`",
            "{path}：`{name}` 有 {count} 个单元格引用了不存在的行，第一个在第 {line} 行：`{cell}`"
        )));
    }
}

/// Returns the values at these places; any value where there is none.
fn spread(values: &Values, places: &[Option<u32>]) -> Values {
    if !values.is_empty() {
        return values.take(&places.iter().map(|p| p.unwrap_or(0)).collect::<Vec<_>>());
    }
    let n = places.len();
    match values {
        Values::Int(_) => Values::Int(Arc::new(vec![0; n])),
        Values::Float(_) => Values::Float(Arc::new(vec![0.0; n])),
        Values::Bool(_) => Values::Bool(Arc::new(vec![false; n])),
        Values::Time(_) => Values::Time(Arc::new(vec![0; n])),
        Values::Code { names, .. } => Values::Code { codes: Arc::new(vec![0; n]), names: names.clone() },
        Values::Files(_) => Values::Files(Paths::none(n)),
        Values::Vector { width, .. } => Values::vector(*width, vec![0.0; width * n]),
        Values::Sequence(s) => {
            let empty = mmf_data::values::Sequences { width: s.width, ends: vec![0; n], numbers: Vec::new() };
            Values::Sequence(Arc::new(empty))
        }
        _ => Values::Text(Arc::new(std::iter::repeat_n("", n).collect())),
    }
}

/// Reads the texts; a file that cannot be read is a missing value behind `?`, and counted.
fn texts(context: &Context<'_>, spec: &ColumnSpec, files: &Paths, missing: &mut [bool]) -> Result<Values> {
    let mut texts = Texts::default();
    for (row, file) in files.iter().enumerate() {
        if missing[row] {
            texts.push("");
            continue;
        }
        match text(context, &file) {
            Ok(text) => {
                texts.push(&text);
                // An empty file is an empty cell.
                missing[row] = text.is_empty();
            }
            Err(error) if spec.missing => {
                texts.push("");
                missing[row] = true;
                let name = file.display().to_string();
                context.host.report(Report::Skipped { row: row as u64, name, reason: error.message });
            }
            Err(error) => return Err(error),
        }
        if missing[row] && !spec.missing {
            let (name, file) = (&spec.name, file.display());
            return Err(Error::new(
                "E1020",
                say!("the file {file} of `{name}` is empty", "`{name}` 的文件 {file} 是空的"),
            ));
        }
    }
    Ok(Values::Text(Arc::new(texts)))
}

fn text(context: &Context<'_>, file: &Path) -> Result<String> {
    let bytes = context.host.read(&context.base.join(file))?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(bytes);
    String::from_utf8(bytes).map_err(|_| {
        let file = file.display();
        Error::new("E1002", say!("{file} is not UTF-8; save it as UTF-8", "{file} 不是 UTF-8 编码；请存为 UTF-8"))
    })
}
