//! What a table's columns probably are, found by trying: the sources' own readers say which types fit.

use mmf_lang::args::{ColumnKind, ColumnSpec, PathTemplate, TimeFormat, Within};
use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use mmf_lang::types::Language;
use mmf_lang::world::{ColumnScan, Scan, ScanFormat, ScanRequest, World, WorldError};
use mmf_stages::world::DiskWorld;

/// Cells that often stand for a missing value.
const MISSING: [&str; 10] = ["NA", "N/A", "NaN", "nan", "null", "NULL", "None", "none", "\\N", "-"];
/// Patterns of times that are tried beside ISO 8601 and Unix seconds.
const PATTERNS: [&str; 6] = ["%d-%b-%Y", "%Y/%m/%d", "%d.%m.%Y", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M", "%Y%m%d"];
/// Beginnings and ends of columns named in a row (`skill_0`, `skill_1` …) are one vector from so many on.
const FAMILY: usize = 4;

/// A table file, and how it is read.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Relative to the pipeline.
    pub(super) path: String,
    pub(super) separator: Option<char>,
    pub(super) missing: Vec<String>,
    pub(super) rows: u64,
    pub(super) whole: bool,
    pub(super) columns: Vec<Column>,
    /// Headers that cannot be read, and why.
    pub(super) left: Vec<(String, Text)>,
}

/// A column as guessed.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) header: String,
    pub(super) kind: Kind,
    /// Rows without a value.
    pub(super) holes: u64,
    /// Distinct values.
    pub(super) distinct: u64,
    /// Distinct values of a key or category, while there are not too many.
    pub(super) keys: Vec<String>,
    /// Whether no value comes twice.
    pub(super) unique: bool,
    pub(super) numeric: bool,
    /// Letters of a value, on average.
    pub(super) letters: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Int,
    Float,
    Bool,
    Category,
    Text(Language),
    Time(TimeFormat),
    Vector(u64),
}

/// Where the pipeline will lie, and the reader of its files.
pub(super) struct Place<'w> {
    pub(super) world: &'w DiskWorld,
    pub(super) base: String,
}

impl Place<'_> {
    /// Tries columns on a table.
    pub(super) fn scan(
        &self,
        table: &Table,
        columns: Vec<ColumnSpec>,
        keys: Vec<(usize, Vec<String>)>,
    ) -> Result<Scan, WorldError> {
        let keys = keys.into_iter().map(|(at, keys)| (at, std::sync::Arc::new(keys))).collect();
        let (separator, missing) = (table.separator, table.missing.clone());
        let request = ScanRequest {
            paths: vec![table.path.clone()],
            base: self.base.clone(),
            format: ScanFormat::Table { separator, header: true, missing, file: None },
            columns,
            keys,
        };
        self.world.scan(&request).map(|scan| (*scan).clone()).map_err(|(_, error)| error)
    }
}

pub(super) fn spec(header: &str, kind: ColumnKind) -> ColumnSpec {
    ColumnSpec { name: "x".into(), header: Some(header.to_string()), kind, missing: true, within: None }
}

/// Returns the template of a path with one header in it.
pub(super) fn template(before: &str, header: &str, after: &str) -> PathTemplate {
    PathTemplate { texts: vec![before.into(), after.into()], headers: vec![header.into()], root: None }
}

/// Guesses the columns of a table.
pub(super) fn guess(place: &Place<'_>, path: &str) -> Result<Table, WorldError> {
    let mut table = Table {
        path: path.into(),
        separator: None,
        missing: Vec::new(),
        rows: 0,
        whole: true,
        columns: Vec::new(),
        left: Vec::new(),
    };
    let mut scan = place.scan(&table, Vec::new(), Vec::new())?;
    if let [only] = &scan.headers[..] {
        // Many programs separate by other letters than a comma.
        let other = [';', '\t', '|'].into_iter().find(|c| only.contains(*c));
        if other.is_some() {
            table.separator = other;
            scan = place.scan(&table, Vec::new(), Vec::new())?;
        }
    }
    (table.rows, table.whole) = (scan.rows, scan.whole);
    let mut headers: Vec<String> = Vec::new();
    for header in &scan.headers {
        let again = scan.headers.iter().filter(|h| *h == header).count() > 1;
        let listed = |table: &Table| table.left.iter().any(|(h, _)| h == header);
        if header.trim().is_empty() {
            if !listed(&table) {
                table
                    .left
                    .push((header.clone(), say!("a column without a header cannot be named", "没有表头的列无法引用")));
            }
        } else if again {
            if !listed(&table) {
                table.left.push((
                    header.clone(),
                    say!("several columns have this header: rename them to read them", "多列同名：请改名后再读"),
                ));
            }
        } else if header.contains('*') {
            table
                .left
                .push((header.clone(), say!("`*` in a header stands for any letters", "表头中的 `*` 代表任意字符")));
        } else {
            headers.push(header.clone());
        }
    }
    let families = families(&headers);
    let within = |header: &String| families.iter().any(|f| f.members.contains(header));
    let single: Vec<&String> = headers.iter().filter(|h| !within(h)).collect();
    let mut tried = try_all(place, &table, &single)?;
    let odd = |t: &Tried| t.float.wrong_count > 0 && t.float.wrong_count * 2 < table.rows;
    if tried.iter().any(odd) {
        let mut again = table.clone();
        again.missing =
            tried.iter().filter(|t| odd(t)).flat_map(|t| t.category.keys.iter().flatten()).cloned().collect();
        again.missing.retain(|cell| MISSING.contains(&cell.as_str()));
        again.missing.sort();
        again.missing.dedup();
        if !again.missing.is_empty() {
            let better = try_all(place, &again, &single)?;
            let mended = |(a, b): (&Tried, &Tried)| a.float.wrong_count > 0 && b.float.wrong_count == 0;
            if tried.iter().zip(&better).any(mended) {
                (table, tried) = (again, better);
            }
        }
    }
    for header in &headers {
        if let Some(at) = single.iter().position(|h| *h == header) {
            match column(header, &tried[at], &table) {
                Some(column) => table.columns.push(column),
                None => table.left.push((header.clone(), say!("no row has a value", "所有行均无值"))),
            }
        } else if let Some(family) = families.iter().find(|f| f.members.first() == Some(header)) {
            table.columns.extend(vector(place, &table, family)?);
        }
    }
    Ok(table)
}

/// Columns named in a row.
struct Family {
    /// `skill_*`
    pattern: String,
    members: Vec<String>,
}

fn families(headers: &[String]) -> Vec<Family> {
    let mut found: Vec<Family> = Vec::new();
    for header in headers {
        let stem = header.trim_end_matches(|c: char| c.is_ascii_digit());
        if stem.len() == header.len() || stem.is_empty() {
            continue;
        }
        let pattern = format!("{stem}*");
        match found.iter_mut().find(|f| f.pattern == pattern) {
            Some(family) => family.members.push(header.clone()),
            None => found.push(Family { pattern, members: vec![header.clone()] }),
        }
    }
    // The pattern must mean no other header.
    let means = |f: &Family| headers.iter().filter(|h| h.starts_with(f.pattern.trim_end_matches('*'))).count();
    found.retain(|f| f.members.len() >= FAMILY && means(f) == f.members.len());
    found
}

fn vector(place: &Place<'_>, table: &Table, family: &Family) -> Result<Vec<Column>, WorldError> {
    let scan = place.scan(table, vec![spec(&family.pattern, ColumnKind::Vector(None))], Vec::new())?;
    let sound = scan.columns.first().filter(|c| c.wrong_count == 0 && c.holes < table.rows);
    let Some(found) = sound else {
        // Not all numbers: each for itself.
        let members: Vec<&String> = family.members.iter().collect();
        let tried = try_all(place, table, &members)?;
        return Ok(members.iter().zip(&tried).filter_map(|(header, tried)| column(header, tried, table)).collect());
    };
    let width = family.members.len() as u64;
    let kind = Kind::Vector(width);
    let holes = found.holes;
    let header = family.pattern.clone();
    Ok(vec![Column { header, kind, holes, distinct: 0, keys: Vec::new(), unique: false, numeric: true, letters: 0 }])
}

/// What became of a header as each type.
struct Tried {
    category: ColumnScan,
    key: ColumnScan,
    int: ColumnScan,
    float: ColumnScan,
    bool: ColumnScan,
    /// Unix seconds between 1980 and 2100.
    unix: ColumnScan,
    iso: ColumnScan,
    patterns: Vec<ColumnScan>,
    vector: ColumnScan,
}

fn try_all(place: &Place<'_>, table: &Table, headers: &[&String]) -> Result<Vec<Tried>, WorldError> {
    let mut columns = Vec::new();
    for header in headers {
        let mut add = |kind| columns.push(spec(header, kind));
        add(ColumnKind::Category);
        add(ColumnKind::Key);
        add(ColumnKind::Int);
        add(ColumnKind::Float);
        add(ColumnKind::Bool);
        add(ColumnKind::Int);
        add(ColumnKind::Time(TimeFormat::Iso));
        add(ColumnKind::Vector(None));
        PATTERNS.iter().for_each(|p| add(ColumnKind::Time(TimeFormat::Pattern((*p).into()))));
        let seconds = columns.len() - PATTERNS.len() - 3;
        columns[seconds].within = Some(Within::Range { low: Some(315_532_800.0), high: Some(4_102_444_800.0) });
    }
    let scan = place.scan(table, columns, Vec::new())?;
    let each = 8 + PATTERNS.len();
    Ok(scan
        .columns
        .chunks_exact(each)
        .map(|c| Tried {
            category: c[0].clone(),
            key: c[1].clone(),
            int: c[2].clone(),
            float: c[3].clone(),
            bool: c[4].clone(),
            unix: c[5].clone(),
            iso: c[6].clone(),
            vector: c[7].clone(),
            patterns: c[8..].to_vec(),
        })
        .collect())
}

/// Returns the likeliest type; `None` where no row has a value.
fn column(header: &str, tried: &Tried, table: &Table) -> Option<Column> {
    let holes = tried.category.holes;
    let present = table.rows.saturating_sub(holes);
    if present == 0 {
        return None;
    }
    let distinct = tried.category.distinct;
    let keys = tried.category.keys.clone().unwrap_or_default();
    let letters = keys.iter().map(|k| k.chars().count()).sum::<usize>().checked_div(keys.len()).unwrap_or(0);
    let fits = |scan: &ColumnScan| scan.wrong_count == 0;
    let lower = header.to_lowercase();
    let says = |words: &[&str]| {
        words.iter().any(|w| {
            lower.split(|c: char| !c.is_alphanumeric()).any(|part| part == *w) || (!w.is_ascii() && lower.contains(w))
        })
    };
    let of_time = says(&["time", "timestamp", "date", "at", "ts", "when", "时间", "日期"])
        || lower.ends_with("time")
        || lower.ends_with("date");
    let of_class = says(&[
        "label", "class", "kind", "type", "category", "genre", "cluster", "group", "digit", "target", "标签", "类别",
        "分类", "类型",
    ]);
    let pattern = PATTERNS.iter().zip(&tried.patterns).find(|(_, scan)| fits(scan)).map(|(p, _)| *p);
    let kind = if fits(&tried.int) && fits(&tried.unix) && tried.unix.outside_count == 0 && of_time {
        Kind::Time(TimeFormat::Unix)
    } else if fits(&tried.bool) && distinct == 2 {
        Kind::Bool
    } else if let Some(pattern) = pattern.filter(|_| !fits(&tried.float) || of_time) {
        Kind::Time(TimeFormat::Pattern(pattern.into()))
    } else if fits(&tried.int) {
        if of_class && distinct * 5 <= present && distinct <= 200 { Kind::Category } else { Kind::Int }
    } else if fits(&tried.float) {
        Kind::Float
    } else if fits(&tried.iso) {
        Kind::Time(TimeFormat::Iso)
    } else if let Some(width) = tried.vector.shape.first().copied().filter(|&w| w > 1 && fits(&tried.vector)) {
        Kind::Vector(width)
    } else if distinct * 2 <= present && (letters <= 40 || of_class) {
        Kind::Category
    } else {
        Kind::Text(language(&keys))
    };
    Some(Column {
        header: header.to_string(),
        kind,
        holes,
        distinct,
        unique: tried.key.twice_count == 0 && holes == 0 && table.rows > 1,
        numeric: fits(&tried.float),
        keys,
        letters,
    })
}

/// Returns in which language values are written.
fn language(values: &[String]) -> Language {
    let chinese = |text: &&String| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    let count = values.iter().take(2000).filter(chinese).count();
    match (count, values.len().min(2000)) {
        (0, _) => Language::English,
        (count, all) if count * 10 >= all * 9 => Language::Chinese,
        _ => Language::Detect,
    }
}
