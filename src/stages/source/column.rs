//! One declared column, made from cells: its values, and all that is wrong with them. The stage turns what is wrong
//! into an error, the checker's scan into diagnostics, so both always agree.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use mmf_data::paths;
use mmf_data::values::{Sequences, Texts, Values, Vocabulary};
use mmf_lang::args::{ColumnKind, ColumnSpec, Within};
use mmf_lang::world::ColumnScan;

use super::cell;
use super::files::{Folders, Paths};
use super::read::{Frame, matches};

/// How many lines and cells are shown of each kind of mistake.
const SHOWN: usize = 5;
/// Up to that many distinct values are listed for the checker's messages.
const LISTED: usize = 4096;
/// Up to that many keys are handed to the scans of other sources.
const KEYS: usize = 2_000_000;

/// A column as read. `values` has a value for every row; missing and wrong rows hold any.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) values: Values,
    pub(crate) missing: Vec<bool>,
    pub(crate) scan: ColumnScan,
}

/// What a column may look at beside its cells.
pub(crate) struct Around<'a> {
    pub(crate) folders: &'a mut Folders,
    /// For a `ref` or `key(…)`: the keys that it may name; `None` where they are not known (a scan).
    pub(crate) keys: Option<Arc<Vocabulary>>,
    /// The column that takes the files' names.
    pub(crate) file: Option<&'a str>,
    /// Whether the distinct values are listed.
    pub(crate) listing: bool,
}

/// Marks a finding; the first few are kept with their lines.
pub(crate) fn note(count: &mut u64, shown: &mut Vec<(u64, String)>, line: u64, cell: &str) {
    *count += 1;
    if shown.len() < SHOWN {
        shown.push((line, cell.chars().take(80).collect()));
    }
}

/// The headers that a column reads; none for the column of file names.
pub(crate) fn headers(spec: &ColumnSpec, file: Option<&str>) -> Vec<String> {
    match &spec.kind {
        ColumnKind::Image(template) | ColumnKind::TextFile(_, template) => template.headers.clone(),
        _ if file == Some(spec.name.as_str()) => Vec::new(),
        _ => vec![header(spec).to_string()],
    }
}

fn header(spec: &ColumnSpec) -> &str {
    spec.header.as_deref().unwrap_or(&spec.name)
}

/// Makes a column of a table's cells.
pub(crate) fn make(spec: &ColumnSpec, frame: &Frame, around: &mut Around<'_>) -> Made {
    let rows = frame.rows();
    let mut maker = Maker {
        frame,
        missing: vec![false; rows],
        scan: ColumnScan::default(),
        within: spec.within.as_ref(),
        listing: around.listing,
    };
    let values = match &spec.kind {
        ColumnKind::Image(template) | ColumnKind::TextFile(_, template) => match Paths::new(template, frame) {
            None => maker.absent(spec),
            Some(paths) => Values::Files(maker.files(&paths, around.folders)),
        },
        ColumnKind::Vector(width) => maker.vector(spec, *width),
        _ => {
            let names: Texts;
            let (texts, times) = if around.file == Some(spec.name.as_str()) {
                names = (0..rows).map(|r| stem(frame.file(r))).collect();
                (Some(&names), false)
            } else {
                let cells = frame.find(header(spec));
                (cells.map(|c| &c.texts), cells.is_some_and(|c| c.times))
            };
            match texts {
                None => maker.absent(spec),
                Some(texts) => maker.plain(&spec.kind, texts, times, around.keys.as_ref()),
            }
        }
    };
    maker.scan.holes = if maker.scan.absent { 0 } else { maker.missing.iter().filter(|&&m| m).count() as u64 };
    if !maker.scan.absent {
        let holes = maker.missing.iter().enumerate().filter(|(_, m)| **m).take(SHOWN);
        maker.scan.hole_lines = holes.map(|(row, _)| u64::from(frame.lines[row])).collect();
    }
    Made { values, missing: maker.missing, scan: maker.scan }
}

/// Returns a file's name without folder and ending.
fn stem(path: &str) -> String {
    PathBuf::from(path).file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

struct Maker<'a> {
    frame: &'a Frame,
    missing: Vec<bool>,
    scan: ColumnScan,
    within: Option<&'a Within>,
    listing: bool,
}

impl Maker<'_> {
    fn line(&self, row: usize) -> u64 {
        u64::from(self.frame.lines[row])
    }

    fn wrong(&mut self, row: usize, cell: &str) {
        let line = self.line(row);
        note(&mut self.scan.wrong_count, &mut self.scan.wrong, line, cell);
    }

    /// Notes a cell that `in` does not allow.
    fn hold(&mut self, row: usize, number: Option<f64>, cell: &str) {
        let inside = match self.within {
            None => true,
            Some(Within::Range { low, high }) => {
                number.is_none_or(|x| low.is_none_or(|l| l <= x) && high.is_none_or(|h| x <= h))
            }
            Some(Within::Values(values)) => {
                values.iter().any(|v| v == cell || number.is_some_and(|x| cell::float(v).is_some_and(|v| v == x)))
            }
        };
        if !inside {
            let line = self.line(row);
            note(&mut self.scan.outside_count, &mut self.scan.outside, line, cell);
        }
    }

    fn absent(&mut self, spec: &ColumnSpec) -> Values {
        self.scan.absent = true;
        self.missing.fill(true);
        let empty: Texts = std::iter::repeat_n("", self.missing.len()).collect();
        let mut blind = Maker {
            frame: self.frame,
            missing: self.missing.clone(),
            scan: ColumnScan::default(),
            within: None,
            listing: false,
        };
        match &spec.kind {
            ColumnKind::Image(_) | ColumnKind::TextFile(..) => Values::Files(paths::Paths::none(self.missing.len())),
            ColumnKind::Vector(width) => {
                let width = width.unwrap_or(1) as usize;
                Values::vector(width, vec![0.0; width * self.missing.len()])
            }
            kind => blind.plain(kind, &empty, false, None),
        }
    }

    /// Reads each cell with `read`; `number` gives what `in` compares.
    fn each<T: Default + Clone>(
        &mut self,
        texts: &Texts,
        read: impl Fn(&str) -> Option<T>,
        number: impl Fn(&T) -> Option<f64>,
    ) -> Arc<Vec<T>> {
        let mut values = vec![T::default(); texts.len()];
        for (row, value) in values.iter_mut().enumerate() {
            let cell = texts.get(row);
            if cell.is_empty() {
                self.missing[row] = true;
                continue;
            }
            match read(cell) {
                None => self.wrong(row, cell),
                Some(read) => {
                    if self.within.is_some() {
                        self.hold(row, number(&read), cell);
                    }
                    *value = read;
                }
            }
        }
        Arc::new(values)
    }

    fn plain(&mut self, kind: &ColumnKind, texts: &Texts, times: bool, keys: Option<&Arc<Vocabulary>>) -> Values {
        match kind {
            ColumnKind::Int => Values::Int(self.each(texts, cell::int, |n| Some(*n as f64))),
            ColumnKind::Float => Values::Float(self.each(texts, cell::float, |x| Some(*x))),
            ColumnKind::Bool => Values::Bool(self.each(texts, cell::bool, |b| Some(f64::from(u8::from(*b))))),
            ColumnKind::Time(format) => {
                let format = if times { &mmf_lang::args::TimeFormat::Iso } else { format };
                Values::Time(self.each(texts, |c| cell::time(c, format), |t| Some(*t as f64 / 1e6)))
            }
            ColumnKind::Text(_) => {
                for row in 0..texts.len() {
                    let cell = texts.get(row);
                    self.missing[row] = cell.is_empty();
                    if !cell.is_empty() && self.within.is_some() {
                        self.hold(row, None, cell);
                    }
                }
                Values::Text(Arc::new(texts.clone()))
            }
            ColumnKind::Key => self.key(texts),
            ColumnKind::Category => self.category(texts),
            ColumnKind::Ref(_) | ColumnKind::KeyOf(_) => match keys {
                None => {
                    let values = self.category(texts);
                    self.scan.keys = None;
                    values
                }
                Some(keys) => self.reference(texts, keys, matches!(kind, ColumnKind::KeyOf(_))),
            },
            ColumnKind::Sequence(steps, width) => self.sequence(texts, *steps, *width),
            ColumnKind::Vector(_) | ColumnKind::Image(_) | ColumnKind::TextFile(..) => {
                unreachable!("made elsewhere")
            }
        }
    }

    /// The names are in the order of the rows; the second row of a key has the first one's code.
    fn key(&mut self, texts: &Texts) -> Values {
        let mut places: HashMap<&str, u32> = HashMap::with_capacity(texts.len());
        let mut names = Texts::default();
        let mut codes = Vec::with_capacity(texts.len());
        for row in 0..texts.len() {
            let cell = texts.get(row);
            self.missing[row] = cell.is_empty();
            if cell.is_empty() {
                codes.push(0);
                continue;
            }
            if self.within.is_some() {
                self.hold(row, None, cell);
            }
            if let Some(&code) = places.get(cell) {
                let line = self.line(row);
                note(&mut self.scan.twice_count, &mut self.scan.twice, line, cell);
                codes.push(code);
            } else {
                places.insert(cell, names.len() as u32);
                codes.push(names.len() as u32);
                names.push(cell);
            }
        }
        names.shrink();
        self.list(&names);
        Values::Code { codes: Arc::new(codes), names: Arc::new(Vocabulary::new(names)) }
    }

    /// The names are sorted. Behind `in [ … ]` they are those of the list, so that the count of classes is the list's.
    fn category(&mut self, texts: &Texts) -> Values {
        let mut found: HashMap<&str, u32> = HashMap::new();
        for row in 0..texts.len() {
            let cell = texts.get(row);
            self.missing[row] = cell.is_empty();
            if !cell.is_empty() {
                found.insert(cell, 0);
                if self.within.is_some() {
                    self.hold(row, cell::float(cell), cell);
                }
            }
        }
        if let Some(Within::Values(values)) = self.within {
            values.iter().for_each(|v| _ = found.insert(v, 0));
        }
        let mut names: Vec<&str> = found.keys().copied().collect();
        names.sort_unstable();
        let names = Texts::from(names);
        for (code, name) in names.iter().enumerate() {
            if let Some(place) = found.get_mut(name) {
                *place = code as u32;
            }
        }
        let codes = texts.iter().map(|cell| found.get(cell).copied().unwrap_or(0)).collect();
        self.list(&names);
        Values::Code { codes: Arc::new(codes), names: Arc::new(Vocabulary::new(names)) }
    }

    /// Lists the names for the checker; a run needs them not.
    fn list(&mut self, names: &Texts) {
        self.scan.distinct = names.len() as u64;
        if !self.listing {
            return;
        }
        let all = || names.iter().map(str::to_string).collect::<Vec<_>>();
        self.scan.values = (names.len() <= LISTED).then(|| {
            let mut values = all();
            values.sort();
            values
        });
        self.scan.keys = (names.len() <= KEYS).then(all);
    }

    fn reference(&mut self, texts: &Texts, keys: &Arc<Vocabulary>, once: bool) -> Values {
        let places: HashMap<&str, u32> = keys.names().iter().zip(0..).collect();
        let mut seen = vec![false; keys.len()];
        let mut codes = vec![0; texts.len()];
        for (row, slot) in codes.iter_mut().enumerate() {
            let cell = texts.get(row);
            if cell.is_empty() {
                self.missing[row] = true;
                continue;
            }
            let line = self.line(row);
            let Some(&code) = places.get(cell) else {
                note(&mut self.scan.unknown_count, &mut self.scan.unknown, line, cell);
                self.missing[row] = true;
                continue;
            };
            if once && seen[code as usize] {
                note(&mut self.scan.twice_count, &mut self.scan.twice, line, cell);
            }
            seen[code as usize] = true;
            *slot = code;
        }
        self.scan.distinct = seen.iter().filter(|&&s| s).count() as u64;
        if once {
            self.scan.uncovered = keys.len() as u64 - self.scan.distinct;
        }
        Values::Code { codes: Arc::new(codes), names: keys.clone() }
    }

    fn files(&mut self, paths: &Paths<'_>, folders: &mut Folders) -> paths::Paths {
        let mut files = Texts::default();
        for row in 0..self.missing.len() {
            let path = paths.path(row).unwrap_or_default();
            self.missing[row] = path.as_os_str().is_empty();
            if !self.missing[row] && !folders.has(&path) {
                self.missing[row] = true;
                let line = self.line(row);
                note(&mut self.scan.lost_count, &mut self.scan.lost, line, &path.to_string_lossy());
            }
            files.push(&path.to_string_lossy());
        }
        files.shrink();
        paths::Paths::from(files)
    }

    fn vector(&mut self, spec: &ColumnSpec, width: Option<u64>) -> Values {
        let found: Vec<&Texts> =
            self.frame.columns.iter().filter(|c| matches(header(spec), &c.header)).map(|c| &c.texts).collect();
        let rows = self.missing.len();
        if found.is_empty() {
            return self.absent(spec);
        }
        // One header: each cell is a list of numbers. Several: each is one number, and a row with some of them is wrong.
        let wide = header(spec).contains('*');
        let mut numbers = Vec::new();
        // Where the declaration says another width than the data have, the caller says so once, not a row.
        let mut shape = wide.then_some(found.len());
        for row in 0..rows {
            let before = numbers.len();
            if found.iter().all(|t| t.get(row).is_empty()) {
                self.missing[row] = true;
                numbers.resize(before + shape.unwrap_or(0), 0.0);
                continue;
            }
            let read = found.iter().try_fold(0, |sum, t| {
                let count = cell::numbers(t.get(row), &mut numbers)?;
                (!wide || count == 1).then_some(sum + count)
            });
            // The first list tells the width of all.
            let expected = match (shape, read) {
                (None, Some(count)) if count > 0 => {
                    shape = Some(count);
                    numbers.splice(0..0, vec![0.0; count * row]);
                    count
                }
                (shape, _) => shape.unwrap_or(0),
            };
            if read != Some(expected) || expected == 0 {
                let cell = if wide {
                    found.iter().map(|t| t.get(row)).collect::<Vec<_>>().join(" ")
                } else {
                    found[0].get(row).to_string()
                };
                self.wrong(row, &cell);
            }
            numbers.resize((row + 1) * shape.unwrap_or(0), 0.0);
        }
        let width = shape.or(width.map(|w| w as usize)).unwrap_or(1);
        numbers.resize(width * rows, 0.0);
        self.scan.shape = vec![width as u64];
        Values::vector(width, numbers)
    }

    fn sequence(&mut self, texts: &Texts, most: Option<u64>, width: Option<u64>) -> Values {
        let mut found = Sequences { width: width.unwrap_or(0) as usize, ..Sequences::default() };
        let mut longest = 0;
        for row in 0..texts.len() {
            let cell = texts.get(row);
            self.missing[row] = cell.is_empty();
            if !cell.is_empty() {
                let steps = cell::steps(cell).filter(|s| most.is_none_or(|most| s.len() as u64 <= most));
                let steps = steps.filter(|s| match s.first() {
                    None => true,
                    Some(step) if found.width == 0 => {
                        found.width = step.len();
                        true
                    }
                    Some(step) => step.len() == found.width,
                });
                match steps {
                    None => self.wrong(row, cell),
                    Some(steps) => {
                        longest = longest.max(steps.len());
                        steps.iter().for_each(|s| found.numbers.extend_from_slice(s));
                    }
                }
            }
            found.end_row();
        }
        found.width = found.width.max(1);
        self.scan.shape = vec![longest as u64, found.width as u64];
        Values::Sequence(Arc::new(found))
    }
}
