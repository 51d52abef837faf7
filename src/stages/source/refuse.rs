//! What a run says of a column that is not as declared. `check` finds most of it before; files may change since.

use mmf_data::error::{Error, Result};
use mmf_lang::args::{ColumnKind, ColumnSpec, Within};
use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use mmf_lang::world::ColumnScan;

/// Returns an error where a column is not what it is declared to be. `path` names the file or files.
///
/// # Errors
/// `E1020`, naming file, column, the first cell and its line, and how many more there are.
pub(crate) fn refuse(path: &str, spec: &ColumnSpec, scan: &ColumnScan) -> Result<()> {
    let name = &spec.name;
    let error = |text: Text, then: Text, last: Text| {
        let text = Text { en: text.en + &then.en + &last.en, zh: text.zh + &then.zh + &last.zh };
        Err(Error::new("E1020", text))
    };
    if scan.absent {
        let header = header(spec);
        return error(
            say!("{path} has no column {header}", "{path} 没有列 {header}"),
            Text::default(),
            Text::default(),
        );
    }
    if let (ColumnKind::Vector(Some(n)), Some(width)) = (&spec.kind, scan.shape.first())
        && n != width
        && scan.wrong_count == 0
    {
        return error(
            say!(
                "{path}: a row of `{name}` has {width} numbers, not {n}",
                "{path}：`{name}` 每行有 {width} 个数，而不是 {n} 个"
            ),
            Text::default(),
            Text::default(),
        );
    }
    if let Some((line, cell)) = scan.wrong.first() {
        let (kind, more) = (kind(spec), more(scan.wrong_count));
        return error(
            say!(
                "{path}, line {line}: `{cell}` in `{name}` is not ",
                "{path} 第 {line} 行：`{name}` 中的 `{cell}` 不是"
            ),
            kind,
            more,
        );
    }
    if let Some((line, cell)) = scan.outside.first() {
        let (within, more) = (within(spec), more(scan.outside_count));
        return error(
            say!(
                "{path}, line {line}: `{cell}` in `{name}` is not in {within}",
                "{path} 第 {line} 行：`{name}` 中的 `{cell}` 不在 {within} 之内"
            ),
            more,
            Text::default(),
        );
    }
    if let Some((line, cell)) = scan.twice.first() {
        let more = more(scan.twice_count);
        return error(
            say!(
                "{path}, line {line}: the key `{cell}` of `{name}` comes a second time",
                "{path} 第 {line} 行：`{name}` 的键 `{cell}` 重复出现",
            ),
            more,
            Text::default(),
        );
    }
    if spec.missing && !matches!(spec.kind, ColumnKind::KeyOf(_)) {
        return Ok(());
    }
    if let Some((line, cell)) = scan.unknown.first() {
        let more = more(scan.unknown_count);
        return error(
            say!(
                "{path}, line {line}: `{name}` names `{cell}`, which is no row of the other table",
                "{path} 第 {line} 行：`{name}` 引用了 `{cell}`，另一个表没有这一行",
            ),
            more,
            Text::default(),
        );
    }
    if let Some((line, file)) = scan.lost.first() {
        let more = more(scan.lost_count);
        return error(
            say!(
                "{path}, line {line}: the file {file} of `{name}` is not there",
                "{path} 第 {line} 行：`{name}` 的文件 {file} 不存在",
            ),
            more,
            Text::default(),
        );
    }
    let holes = scan.holes + if matches!(spec.kind, ColumnKind::KeyOf(_)) { 0 } else { scan.uncovered };
    if holes > 0 {
        let lines = scan.hole_lines.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        let place = if lines.is_empty() {
            Text::default()
        } else {
            say!(", first on line {lines}", "，最先在第 {lines} 行")
        };
        return error(
            say!("{path}: `{name}` is missing in {holes} rows", "{path}：`{name}` 在 {holes} 行中缺失"),
            place,
            Text::default(),
        )
        .map_err(|e| {
            e.help(say!(
                "close the type of `{name}` with `?` if values may be missing",
                "如果允许缺失值，请在 `{name}` 的类型后加 `?`"
            ))
        });
    }
    Ok(())
}

fn more(count: u64) -> Text {
    match count {
        0 | 1 => Text::default(),
        n => {
            let n = n - 1;
            say!(" (and {n} more)", "（另有 {n} 处）")
        }
    }
}

fn header(spec: &ColumnSpec) -> String {
    match &spec.kind {
        ColumnKind::Image(template) | ColumnKind::TextFile(_, template) => template.headers.join(", "),
        _ => format!("`{}`", spec.header.as_deref().unwrap_or(&spec.name)),
    }
}

fn within(spec: &ColumnSpec) -> String {
    match &spec.within {
        Some(Within::Range { low, high }) => {
            let side = |x: &Option<f64>| x.map_or(String::new(), |x| x.to_string());
            format!("{}..{}{}", side(low), if high.is_some() { "=" } else { "" }, side(high))
        }
        Some(Within::Values(values)) => format!("[{}]", values.join(", ")),
        None => String::new(),
    }
}

fn kind(spec: &ColumnSpec) -> Text {
    match &spec.kind {
        ColumnKind::Int => say!("a whole number", "整数"),
        ColumnKind::Float => say!("a finite number", "有限的数"),
        ColumnKind::Bool => say!("0 or 1, yes or no, true or false", " 0/1、yes/no 或 true/false"),
        ColumnKind::Time(_) => say!("a time of the declared form", "所声明格式的时间"),
        ColumnKind::Vector(Some(n)) => say!("a vector of {n} numbers", " {n} 个数的向量"),
        ColumnKind::Vector(None) => say!("a vector as long as the first", "与首行等长的向量"),
        ColumnKind::Sequence(..) => say!("a list of equally long lists of numbers", "等长数列的列表"),
        _ => say!("of the declared type", "所声明的类型"),
    }
}
