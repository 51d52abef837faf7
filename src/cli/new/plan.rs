//! How tables belong together: which column names the rows, which lead to other tables, where the pictures are.

use std::collections::BTreeSet;
use std::path::Path;

use mmf_lang::args::ColumnKind;
use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use mmf_lang::types::Language;
use mmf_lang::world::{NumpyKeys, ScanFormat, ScanRequest, World};

use super::files::{Found, PICTURES, ending, relative};
use super::names::{name, stands_in_braces};
use super::table::{Column, Kind, Place, Table, guess, spec, template};
use crate::report::words::count;

/// A source to be declared.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) read: Read,
    pub(super) rows: u64,
    pub(super) lines: Vec<Line>,
    /// Headers that are left alone, and why.
    pub(super) left: Vec<(String, Text)>,
}

#[derive(Clone, Debug)]
pub(super) enum Read {
    Table {
        path: String,
        separator: Option<char>,
        missing: Vec<String>,
    },
    /// The path, and the file of its keys; without one they are the numbers of the rows.
    Numpy {
        path: String,
        keys: Option<String>,
    },
}

/// A column to be declared.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    /// Where that is not the name.
    pub(super) header: Option<String>,
    pub(super) ty: Type,
    pub(super) missing: bool,
    /// What was seen, for a comment.
    pub(super) seen: Option<Text>,
    pub(super) distinct: u64,
    pub(super) values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Key,
    /// Of the source of that number.
    KeyOf(usize),
    Ref(usize),
    Plain(Kind),
    Image(String),
    TextFile(Language, String),
}

/// Guesses all sources; files that cannot be read are told with the reason.
pub(super) fn plan(place: &Place<'_>, found: &Found, base: &Path) -> (Vec<Source>, Vec<(String, Text)>) {
    let (mut tables, mut unread): (Vec<Table>, Vec<(String, Text)>) = (Vec::new(), Vec::new());
    for path in &found.tables {
        let path = relative(path, base);
        match guess(place, &path) {
            Ok(table) if table.rows == 0 => unread.push((path, say!("it has no rows", "没有数据行"))),
            Ok(table) => tables.push(table),
            Err(mmf_lang::world::WorldError::Broken(why)) => unread.push((path, why)),
            Err(mmf_lang::world::WorldError::Missing) => unread.push((path, say!("is not there", "不存在"))),
        }
    }
    let mut taken = Vec::new();
    let names: Vec<String> = tables.iter().map(|t| name(&stem(&t.path), "rows", &mut taken)).collect();
    let keys: Vec<Option<usize>> = tables.iter().zip(&names).map(|(t, n)| key(t, n)).collect();
    let owners: Vec<Option<usize>> = (0..tables.len()).map(|at| owner(at, &tables, &names, &keys)).collect();
    // What leads must lead to a table with a key of its own.
    let own_key = |at: usize| keys[at].filter(|_| owners[at].is_none()).map(|k| &tables[at].columns[k]);
    let mut sources = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        let mut own = Vec::new();
        let mut lines = Vec::new();
        let uncovered = owners[at].is_some_and(|to| table.rows < tables[to].rows);
        for (number, column) in table.columns.iter().enumerate() {
            let leads =
                (0..tables.len()).find(|&to| to != at && own_key(to).is_some_and(|key| fits(column, &names[to], key)));
            let (ty, seen) = match (keys[at] == Some(number), owners[at], leads) {
                (true, Some(to), _) => {
                    let to_name = &names[to];
                    (Type::KeyOf(to), Some(say!("its rows are rows of {to_name}", "其行即 {to_name} 的行")))
                }
                (true, None, _) => (Type::Key, Some(say!("no value comes twice", "没有重复值"))),
                (false, _, Some(to)) => {
                    let to_name = &names[to];
                    (Type::Ref(to), Some(say!("every value is a key of {to_name}", "每个值都是 {to_name} 的键")))
                }
                _ => match picture(place, table, column, found, base) {
                    Some((path, lost)) => {
                        let lost_text = count(lost);
                        (
                            Type::Image(path),
                            (lost > 0).then(|| {
                                say!("{lost_text} of the files are not there", "其中 {lost_text} 个文件不存在")
                            }),
                        )
                    }
                    None => (Type::Plain(column.kind.clone()), seen(column)),
                },
            };
            let lost = matches!(&ty, Type::Image(_)) && seen.is_some();
            let missing = column.holes > 0 || lost || (uncovered && !matches!(ty, Type::KeyOf(_)));
            let own_name = name(&column.header, "column", &mut own);
            let header = (own_name != column.header && !matches!(ty, Type::Image(_))).then(|| column.header.clone());
            let holes = count(column.holes);
            let seen = if column.holes > 0 && !matches!(ty, Type::Image(_)) {
                Some(say!("{holes} missing", "{holes} 行缺失"))
            } else {
                seen
            };
            let values = column.keys.iter().take(60).cloned().collect();
            lines.push(Line { name: own_name, header, ty, missing, seen, distinct: column.distinct, values });
        }
        if let Some(key) = keys[at] {
            let known: Vec<String> = lines.iter().filter_map(folder).collect();
            lines.extend(by_key(place, table, &table.columns[key], found, base, (&known, &mut own)));
        }
        let read = Read::Table { path: table.path.clone(), separator: table.separator, missing: table.missing.clone() };
        sources.push(Source { name: names[at].clone(), read, rows: table.rows, lines, left: table.left.clone() });
    }
    for path in &found.arrays {
        let path = relative(path, base);
        match array(place, &path, base, &tables, &keys, &owners, &names) {
            Some((keys, lines, rows)) => {
                let name = name(&stem(&path), "features", &mut taken);
                sources.push(Source { name, read: Read::Numpy { path, keys }, rows, lines, left: Vec::new() });
            }
            None => unread.push((path, say!("is no array of numbers or vectors a row", "不是每行一个数或向量的数组"))),
        }
    }
    (sources, unread)
}

fn stem(path: &str) -> String {
    Path::new(path).file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn says(header: &str, words: &[&str]) -> bool {
    let lower = header.to_lowercase();
    let mut parts = lower.split(|c: char| !c.is_alphanumeric());
    parts.any(|part| words.contains(&part)) || words.iter().any(|w| !w.is_ascii() && lower.contains(w))
}

/// Words that any table may call its key.
const PLAIN: [&str; 9] = ["id", "key", "code", "index", "row", "no", "编号", "序号", "代码"];

fn singular(table: &str) -> String {
    let lower = table.to_lowercase();
    lower.strip_suffix("ies").map(|s| format!("{s}y")).unwrap_or_else(|| lower.trim_end_matches('s').to_string())
}

/// Returns the column that names a table's rows.
fn key(table: &Table, name: &str) -> Option<usize> {
    let score = |(at, column): (usize, &Column)| {
        let words = column.keys.iter().take(50).filter(|k| k.contains(char::is_whitespace)).count();
        let plain =
            matches!(column.kind, Kind::Int | Kind::Category | Kind::Text(_)) && column.letters <= 80 && words < 5;
        if !column.unique || !plain {
            return 0;
        }
        let lower = column.header.to_lowercase();
        let named = says(&column.header, &PLAIN)
            || says(&column.header, &["uuid", "guid", "isbn", "unified"])
            || lower.ends_with("id");
        let of_table = lower.contains(&singular(name)) || singular(name).contains(&lower);
        3 * u32::from(named) + 2 * u32::from(at == 0) + u32::from(!column.numeric) + u32::from(of_table)
    };
    let best = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, c)| (score((at, c)), at))
        .max_by_key(|&(s, at)| (s, std::cmp::Reverse(at)))?;
    (best.0 >= 2).then_some(best.1)
}

/// Returns whether all values of a column are keys of a table, and its name or values say that this is no chance.
fn fits(column: &Column, table: &str, key: &Column) -> bool {
    if !matches!(column.kind, Kind::Int | Kind::Category | Kind::Text(_)) || column.keys.is_empty() {
        return false;
    }
    let (own, other, one) = (column.header.to_lowercase(), key.header.to_lowercase(), singular(table));
    let same = own == other && (!PLAIN.contains(&other.as_str()) || !column.numeric);
    let near = one.chars().count() >= 2 && own.contains(&one);
    let telling = !column.numeric && column.distinct >= 5;
    if !(same || near || telling) {
        return false;
    }
    let keys: BTreeSet<&str> = key.keys.iter().map(String::as_str).collect();
    column.keys.iter().all(|value| keys.contains(value.as_str()))
}

/// Returns the table whose rows a table's rows are, where its key is another's.
fn owner(at: usize, tables: &[Table], names: &[String], keys: &[Option<usize>]) -> Option<usize> {
    let own = &tables[at].columns[keys[at]?];
    (0..tables.len()).find(|&to| {
        let Some(key) = keys[to].map(|k| &tables[to].columns[k]) else { return false };
        // Of two with the same keys the first has them.
        let before = key.distinct > own.distinct || (key.distinct == own.distinct && to < at);
        to != at && before && fits(own, &names[to], key)
    })
}

fn seen(column: &Column) -> Option<Text> {
    match column.kind {
        Kind::Category => {
            let distinct = count(column.distinct);
            let first = column.keys.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
            let first: String = first.chars().take(50).collect();
            let first = first.replace('\n', " ");
            Some(if column.keys.len() > 4 {
                say!("{distinct} values: {first} …", "{distinct} 个值：{first} …")
            } else {
                say!("{first}", "{first}")
            })
        }
        _ => None,
    }
}

/// Returns the path of a row's picture and how many are not there, where a column's cells name picture files.
fn picture(place: &Place<'_>, table: &Table, column: &Column, found: &Found, base: &Path) -> Option<(String, u64)> {
    let path_like = |v: &&String| PICTURES.contains(&ending(Path::new(v.as_str())).as_str());
    let seen = column.keys.iter().take(200);
    let all = seen.len();
    if all == 0 || !stands_in_braces(&column.header) || seen.filter(path_like).count() * 5 < all * 4 {
        return None;
    }
    // The cells are paths from the table's folder, from the pipeline's, or names in some folder.
    let beside = table.path.rsplit_once('/').map(|(folder, _)| folder.to_string()).unwrap_or_default();
    let folders = found.folders.iter().filter(|(_, endings)| !endings.is_empty()).map(|(f, _)| relative(f, base));
    let mut places: Vec<String> = [beside, String::new()].into_iter().chain(folders).collect();
    places.dedup();
    best(
        place,
        table,
        &column.header,
        places.iter().map(|f| (prefix(f), String::new())),
        ColumnKind::Image,
        |before, _| format!("{before}{{{}}}", column.header),
    )
}

fn prefix(folder: &str) -> String {
    match folder {
        "" | "." => String::new(),
        folder if folder.ends_with('/') => folder.into(),
        folder => format!("{folder}/"),
    }
}

/// Tries paths `before{header}after`; returns the one that finds most files, if it finds half of them.
fn best(
    place: &Place<'_>,
    table: &Table,
    header: &str,
    tries: impl Iterator<Item = (String, String)>,
    kind: impl Fn(mmf_lang::args::PathTemplate) -> ColumnKind,
    write: impl Fn(&str, &str) -> String,
) -> Option<(String, u64)> {
    let mut best: Option<(u64, String, u64)> = None;
    for (before, after) in tries {
        let spec = spec(header, kind(template(&before, header, &after)));
        let Ok(scan) = place.scan(table, vec![spec], Vec::new()) else { continue };
        let lost = scan.columns.first().map_or(u64::MAX, |c| c.lost_count);
        let there = scan.columns.first().map_or(0, |c| table.rows.saturating_sub(c.holes));
        if there * 2 >= table.rows && best.as_ref().is_none_or(|(most, ..)| there > *most) {
            let escape = |text: &str| text.replace('{', "{{").replace('}', "}}");
            best = Some((there, write(&escape(&before), &escape(&after)), lost));
        }
    }
    best.map(|(_, path, lost)| (path, lost))
}

/// Returns the folder in which a column's pictures are.
fn folder(line: &Line) -> Option<String> {
    let Type::Image(path) = &line.ty else { return None };
    // The cells may name the folder themselves.
    let first = line.values.first().map(String::as_str).unwrap_or_default();
    let whole = format!("{}{first}", path.split('{').next().unwrap_or_default());
    Some(whole.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/")))
}

/// Returns columns of pictures and texts whose files are called as the keys: most files of a folder, and none that is read already.
fn by_key(
    place: &Place<'_>,
    table: &Table,
    key: &Column,
    found: &Found,
    base: &Path,
    (known, taken): (&[String], &mut Vec<String>),
) -> Vec<Line> {
    if !stands_in_braces(&key.header) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for (folder, endings) in &found.folders {
        let Some((ending, files)) = endings.iter().max_by_key(|(_, n)| **n) else { continue };
        let before = prefix(&relative(folder, base));
        if known.contains(&before) {
            continue;
        }
        let text = ending == "txt";
        let kind = |template| {
            if text { ColumnKind::TextFile(Language::Detect, template) } else { ColumnKind::Image(template) }
        };
        let tries = std::iter::once((before, format!(".{ending}")));
        let written =
            best(place, table, &key.header, tries, kind, |before, after| format!("{before}{{{}}}{after}", key.header));
        let Some((path, lost)) = written else { continue };
        // Numbers may name the files of another table by chance, but not most of them.
        if table.rows.saturating_sub(lost) * 5 < *files as u64 * 4 {
            continue;
        }
        let other = if text { "text" } else { "picture" };
        let lost_text = count(lost);
        lines.push(Line {
            name: name(other, other, taken),
            header: None,
            ty: if text { Type::TextFile(Language::Detect, path) } else { Type::Image(path) },
            missing: lost > 0,
            seen: (lost > 0).then(|| say!("{lost_text} of the files are not there", "其中 {lost_text} 个文件不存在")),
            distinct: 0,
            values: Vec::new(),
        });
    }
    lines
}

/// Returns the file of an array's keys, its columns and its count of rows.
fn array(
    place: &Place<'_>,
    path: &str,
    base: &Path,
    tables: &[Table],
    keys: &[Option<usize>],
    owners: &[Option<usize>],
    names: &[String],
) -> Option<(Option<String>, Vec<Line>, u64)> {
    let scan = |keys: NumpyKeys, columns| {
        let format = ScanFormat::Numpy { keys, array: None };
        let request =
            ScanRequest { paths: vec![path.into()], base: place.base.clone(), format, columns, keys: Vec::new() };
        place.world.scan(&request).ok()
    };
    let shape = scan(NumpyKeys::RowNumber, vec![spec("", ColumnKind::Vector(None))])?;
    let found = shape.columns.first()?;
    let (rows, width) = (shape.rows, found.shape.clone());
    let kind = match width[..] {
        [] | [1] => Kind::Float,
        [width] if found.wrong_count == 0 => Kind::Vector(width),
        _ => return None,
    };
    // A text file beside it with a line for each row names them.
    let (folder, stem) = (Path::new(path).parent().unwrap_or(Path::new("")), stem(path));
    let beside =
        ["keys.txt".to_string(), format!("{stem}.txt"), format!("{stem}_keys.txt"), format!("{stem}.keys.txt")];
    let listed = beside.into_iter().map(|f| folder.join(f)).find(|f| {
        let text = std::fs::read_to_string(base.join(f)).unwrap_or_default();
        text.lines().filter(|l| !l.trim().is_empty()).count() as u64 == rows
    });
    let keys_file = listed.map(|f| f.to_string_lossy().replace('\\', "/"));
    let own: Vec<String> = match &keys_file {
        Some(file) => std::fs::read_to_string(base.join(file)).ok()?.lines().map(|l| l.trim().to_string()).collect(),
        None => (0..rows).map(|n| n.to_string()).collect(),
    };
    let owner = (0..tables.len()).find(|&at| {
        let Some(key) = keys[at].filter(|_| owners[at].is_none()).map(|k| &tables[at].columns[k]) else { return false };
        let known: BTreeSet<&str> = key.keys.iter().map(String::as_str).collect();
        own.iter().all(|k| known.contains(k.as_str())) && (keys_file.is_some() || known.len() as u64 == rows)
    });
    let covered = owner.is_none_or(|at| tables[at].rows == rows);
    let mut taken = Vec::new();
    let line = |name: String, ty: Type, seen: Option<Text>, missing: bool| Line {
        name,
        header: None,
        ty,
        missing,
        seen,
        distinct: 0,
        values: Vec::new(),
    };
    let key = match owner {
        Some(at) => {
            let to = &names[at];
            line(
                name("row", "row", &mut taken),
                Type::KeyOf(at),
                Some(say!("its rows are rows of {to}", "其行即 {to} 的行")),
                false,
            )
        }
        None => line(name("row", "row", &mut taken), Type::Key, None, false),
    };
    let holes = count(found.holes);
    let seen = (found.holes > 0).then(|| say!("{holes} missing", "{holes} 行缺失"));
    let value = line(name(&stem, "features", &mut taken), Type::Plain(kind), seen, found.holes > 0 || !covered);
    Some((keys_file, vec![key, value], rows))
}
