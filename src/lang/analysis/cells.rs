//! Declared columns against the cells of their files (guarantee 2).

use super::Checker;
use super::resolve::did_you_mean;
use crate::args::{ColumnKind, ColumnSpec, TimeFormat, Within};
use crate::diagnostic::{Diagnostic, Text};
use crate::say;
use crate::span::Span;
use crate::world::{ColumnScan, Scan, ScanFormat, ScanRequest};

impl Checker<'_> {
    /// Reports what the data say against a declared column; `false` where something is wrong.
    pub(super) fn hold_to_data(
        &mut self,
        spec: &ColumnSpec,
        found: &ColumnScan,
        scan: &Scan,
        request: &ScanRequest,
        place: Span,
    ) -> bool {
        let name = &spec.name;
        let file = request.paths.join(", ");
        let rows = scan.rows;
        if found.absent {
            let header = spec.header.clone().unwrap_or_else(|| name.clone());
            let mut d = Diagnostic::error(
                "E0202",
                place,
                say!("`{file}` has no column `{header}`", "`{file}` 中没有列 `{header}`"),
            );
            match did_you_mean(&header, scan.headers.iter().map(String::as_str)) {
                Some(help) => d = d.help(help),
                None if !scan.headers.is_empty() && scan.headers.len() <= 24 => {
                    let all = scan.headers.iter().map(|h| format!("`{h}`")).collect::<Vec<_>>().join(", ");
                    d = d.note(say!("its headers are {all}", "其表头为 {all}"));
                }
                None => {}
            }
            self.report(d);
            return false;
        }
        let at = |list: &[(u64, String)]| {
            list.iter().take(3).map(|(line, cell)| format!("{line}: `{cell}`")).collect::<Vec<_>>().join(", ")
        };
        let mut sound = true;
        if found.wrong_count > 0 {
            let (count, list) = (found.wrong_count, at(&found.wrong));
            let (cells, are) = if count == 1 { ("cell", "is") } else { ("cells", "are") };
            let kind = kind_word(&spec.kind);
            let mut d = Diagnostic::error(
                "E0203",
                place,
                say!("{count} {cells} of `{name}` {are} no {kind}", "`{name}` 有 {count} 个单元格不是 {kind}"),
            )
            .note(say!("in {file}, by line: {list}", "{file}，按行：{list}"));
            d.help = mend(spec, found, &request.format);
            self.report(d);
            sound = false;
        }
        if found.outside_count > 0 {
            let (count, list, within) = (found.outside_count, at(&found.outside), within_words(spec));
            let (cells, are) = if count == 1 { ("cell", "is") } else { ("cells", "are") };
            self.report(
                Diagnostic::error(
                    "E0205",
                    place,
                    say!(
                        "{count} {cells} of `{name}` {are} not in {within}",
                        "`{name}` 有 {count} 个单元格不在 {within} 之内"
                    ),
                )
                .note(say!("in {file}, by line: {list}", "{file}，按行：{list}")),
            );
            sound = false;
        }
        if found.twice_count > 0 {
            let (count, list) = (found.twice_count, at(&found.twice));
            let (keys, are) = if count == 1 { ("key", "is") } else { ("keys", "are") };
            self.report(
                Diagnostic::error(
                    "E0207",
                    place,
                    say!("{count} {keys} of `{name}` {are} there twice", "`{name}` 有 {count} 个键重复"),
                )
                .note(say!("in {file}, by line: {list}", "{file}，按行：{list}")),
            );
            sound = false;
        }
        if found.unknown_count > 0 && !spec.missing {
            let (count, list) = (found.unknown_count, at(&found.unknown));
            let (cells, name_no) = if count == 1 { ("cell", "names no") } else { ("cells", "name no") };
            self.report(
                Diagnostic::error(
                    "E0209",
                    place,
                    say!("{count} {cells} of `{name}` {name_no} row", "`{name}` 有 {count} 个单元格没有对应的行"),
                )
                .note(say!("in {file}, by line: {list}", "{file}，按行：{list}"))
                .help(match spec.kind {
                    ColumnKind::KeyOf(_) => say!(
                        "leave such lines out of {file}, or add the rows that they name to the other table",
                        "请从 {file} 中去掉这些行，或在另一个表中补上所指的行"
                    ),
                    _ => say!("mark the column `?` if such rows may stand alone", "若允许没有对应行，请将该列标为 `?`"),
                }),
            );
            sound = false;
        }
        let uncovered = request
            .columns
            .iter()
            .zip(&scan.columns)
            .find_map(|(c, f)| matches!(c.kind, ColumnKind::KeyOf(_)).then_some(f.uncovered))
            .unwrap_or(0);
        // Refs that name no row are told above, as what they are.
        let holes = found.holes.saturating_sub(found.unknown_count)
            + if matches!(spec.kind, ColumnKind::KeyOf(_)) { 0 } else { uncovered };
        if holes > 0 && !spec.missing {
            let sample = if scan.whole { "" } else { " of the sample" };
            let mut d = Diagnostic::error(
                "E0204",
                place,
                say!("`{name}` is missing in {holes} of {rows} rows", "`{name}` 在 {rows} 行中缺失 {holes} 行"),
            )
            .help(match spec.kind {
                ColumnKind::Key => say!(
                    "a key is never missing: write one into each row, or leave such rows out of the file",
                    "键不能缺失：请为每一行写上键，或从文件中去掉这些行"
                ),
                ColumnKind::KeyOf(_) => say!(
                    "a key is never missing: write which row each line is about, or leave such lines out of the file",
                    "键不能缺失：请写明每一行对应哪一行，或从文件中去掉这些行"
                ),
                _ => say!("mark it `?`, and say later what stands in for it", "请标为 `?`，并在之后说明如何填补"),
            });
            let files = found.lost.iter().take(3).map(|(l, p)| format!("{l}: `{p}`")).collect::<Vec<_>>().join(", ");
            if !files.is_empty() {
                d = d.note(say!("files that are not there, by line: {files}", "不存在的文件（按行）：{files}"));
            } else if !found.hole_lines.is_empty() {
                let lines = found.hole_lines.iter().take(5).map(u64::to_string).collect::<Vec<_>>().join(", ");
                d = d.note(say!(
                    "counted in {file}{sample}; first at line {lines}",
                    "统计自 {file}；首先出现在行 {lines}"
                ));
            } else if uncovered > 0 {
                d = d
                    .note(say!("{uncovered} rows have no line in {file}", "有 {uncovered} 行在 {file} 中没有对应记录"));
            }
            self.report(d);
            sound = false;
        }
        if let (ColumnKind::Vector(Some(n)), Some(&width)) = (&spec.kind, found.shape.first())
            && *n != width
        {
            self.report(
                Diagnostic::error(
                    "E0210",
                    place,
                    say!(
                        "a row of `{name}` has {width} numbers, not {n}",
                        "`{name}` 每行有 {width} 个数，而不是 {n} 个"
                    ),
                )
                .note(say!("counted in {file}", "统计自 {file}"))
                .help(say!("write `vector[{width}]`", "请写 `vector[{width}]`")),
            );
            sound = false;
        }
        sound
    }
}

/// Cells that people write where a value is missing.
const HOLES: [&str; 16] =
    ["NA", "N/A", "na", "n/a", "nan", "NaN", "null", "NULL", "None", "none", "-", "--", "?", "\\N", "无", "未知"];

/// Returns what mends cells that are not of the declared type, where one can be sure.
fn mend(spec: &ColumnSpec, found: &ColumnScan, format: &ScanFormat) -> Option<Text> {
    let cells: Vec<&str> = found.wrong.iter().map(|(_, cell)| cell.as_str()).collect();
    let (first, name) = (*cells.first()?, &spec.name);
    let number = |cell: &&str| cell.parse::<f64>().is_ok_and(f64::is_finite);
    if matches!(format, ScanFormat::Table { .. }) && HOLES.contains(&first) && cells.iter().all(|c| c == &first) {
        return Some(say!(
            "if `{first}` stands for a missing value, write `missing = \"{first}\"` behind the path, and mark `{name}` `?`",
            "若 `{first}` 表示缺失值，请在路径之后写 `missing = \"{first}\"`，并将 `{name}` 标为 `?`"
        ));
    }
    match &spec.kind {
        ColumnKind::Int if cells.iter().all(number) => Some(say!("write `{name}: float`", "请写 `{name}: float`")),
        ColumnKind::Time(TimeFormat::Iso) if cells.iter().all(number) => Some(say!(
            "write `{name}: time(unix)` for seconds since 1970",
            "自 1970 年起的秒数请写 `{name}: time(unix)`"
        )),
        ColumnKind::Time(TimeFormat::Iso) => Some(say!(
            "`time(iso)` reads `2024-01-31` or `2024-01-31T18:00:00`; another form is told, `time(\"%d.%m.%Y\")` reads `31.01.2024`",
            "`time(iso)` 读取 `2024-01-31` 或 `2024-01-31T18:00:00`；其他写法须说明，如 `time(\"%d.%m.%Y\")` 读取 `31.01.2024`"
        )),
        ColumnKind::Time(TimeFormat::Unix) => Some(say!(
            "`time(unix)` reads seconds since 1970; dates are read by `time(iso)`, `2024-01-31`",
            "`time(unix)` 读取自 1970 年起的秒数；日期 `2024-01-31` 用 `time(iso)` 读取"
        )),
        _ => None,
    }
}

/// Returns what stands behind `in`.
fn within_words(spec: &ColumnSpec) -> String {
    match &spec.within {
        Some(Within::Range { low, high }) => {
            let bound = |x: &Option<f64>| x.map_or(String::new(), |x| x.to_string());
            format!("`{}..{}{}`", bound(low), if high.is_some() { "=" } else { "" }, bound(high))
        }
        Some(Within::Values(values)) if values.len() <= 8 => {
            let list = values.iter().map(|v| format!("\"{v}\"")).collect::<Vec<_>>().join(", ");
            format!("`[{list}]`")
        }
        _ => "`in`".into(),
    }
}

fn kind_word(kind: &ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Int => "int",
        ColumnKind::Float => "float",
        ColumnKind::Bool => "bool",
        ColumnKind::Category => "category",
        ColumnKind::Key | ColumnKind::KeyOf(_) => "key",
        ColumnKind::Ref(_) => "ref",
        ColumnKind::Time(_) => "time",
        ColumnKind::Text(_) | ColumnKind::TextFile(..) => "text",
        ColumnKind::Image(_) => "image",
        ColumnKind::Vector(_) => "vector",
        ColumnKind::Sequence(..) => "sequence",
    }
}
