//! One batch of rows through a chain of row-wise stages: what is decoded or computed on the way is dropped as soon as
//! nothing reads it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mmf_data::error::{Error, Result};
use mmf_data::paths::Paths;
use mmf_data::picture::Picture;
use mmf_data::stage::{Batch, Input};
use mmf_data::table::Column;
use mmf_data::values::Values;
use mmf_lang::diagnostic::Text;
use mmf_lang::graph::NodeId;
use mmf_lang::say;
use mmf_lang::types::Elem;
use rayon::prelude::*;

use crate::gather;

/// Pictures that are opened together where no stage waits for them.
const TOGETHER: usize = 16;

/// Runs a stage's body on a batch.
pub(crate) type Run<'a> = Box<dyn Fn(&Batch) -> Result<Values> + Send + Sync + 'a>;

/// Opens what a stage's body reads.
pub(crate) type Open<'a> = Box<dyn Fn() -> Result<()> + Send + Sync + 'a>;

/// A stage of the chain.
pub(crate) struct Step<'a> {
    pub node: NodeId,
    pub title: String,
    pub stage: &'static str,
    pub run: Run<'a>,
    /// Opens what the body reads; called before the first batch.
    pub open: Option<Open<'a>>,
    /// Whether a row costs so much that batches are small.
    pub dear: bool,
    pub inputs: Vec<Feed>,
    /// For each input, whether the stage takes missing values.
    pub accepts: Vec<bool>,
    pub elem: Elem,
    pub calls: AtomicU64,
    pub rows: AtomicU64,
}

/// Where a step reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feed {
    External(usize),
    Step(usize),
}

/// A column that the chain reads, at the chain's rows.
pub(crate) struct External {
    pub node: NodeId,
    pub title: String,
    pub column: Column,
    /// A file that cannot be read is a missing value; else it stops the run.
    pub tolerant: bool,
    pub elem: Elem,
}

impl External {
    pub(crate) fn is_picture(&self) -> bool {
        matches!(self.column.values, Values::Files(_) | Values::Pictures(_) | Values::Maps(_))
    }

    /// Returns its files, where it holds pictures that are not yet read.
    pub(crate) fn files(&self) -> Option<&Paths> {
        if let Values::Files(files) = &self.column.values { Some(files) } else { None }
    }
}

/// A row that was left out, and why.
#[derive(Clone, Debug)]
pub(crate) struct Skip {
    /// Its place in the chain's rows.
    pub place: u32,
    pub external: usize,
    pub reason: Text,
}

/// Some rows of a batch: the places in it that have a value, ascending, and their values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub present: Vec<u32>,
    pub values: Option<Values>,
}

impl Cell {
    fn take(&self, places: &[u32]) -> Option<Values> {
        let values = self.values.as_ref()?;
        if places.len() == self.present.len() {
            return Some(values.clone());
        }
        let at: Vec<u32> = places.iter().filter_map(|p| self.present.binary_search(p).ok()).map(|i| i as u32).collect();
        Some(values.take(&at))
    }
}

pub(crate) struct Chain<'a> {
    pub steps: Vec<Step<'a>>,
    pub externals: Vec<External>,
    pub decode: fn(&[u8]) -> Result<Picture>,
}

impl Chain<'_> {
    /// Returns the cells of the wanted steps for these rows, in the order of `wanted`, and the rows whose files failed.
    pub(crate) fn evaluate(&self, rows: &[u32], wanted: &[usize]) -> Result<(Vec<Cell>, Vec<Skip>)> {
        let needed = self.needed(wanted);
        let mut reads = Reads::count(self, &needed, wanted);
        let mut skips = Vec::new();
        let mut externals: Vec<Option<Cell>> = vec![None; self.externals.len()];
        let mut cells: Vec<Option<Cell>> = vec![None; self.steps.len()];
        for (at, step) in self.steps.iter().enumerate().filter(|(at, _)| needed[*at]) {
            for feed in &step.inputs {
                if let Feed::External(e) = feed
                    && externals[*e].is_none()
                {
                    externals[*e] = Some(self.open(*e, rows, &mut skips)?);
                }
            }
            let inputs: Vec<&Cell> = step
                .inputs
                .iter()
                .map(|feed| match feed {
                    Feed::External(e) => externals[*e].as_ref(),
                    Feed::Step(s) => cells[*s].as_ref(),
                })
                .collect::<Option<_>>()
                .ok_or_else(|| Error::bug("a chain reads what it has dropped"))?;
            let elems: Vec<&Elem> = step
                .inputs
                .iter()
                .map(|feed| match feed {
                    Feed::External(e) => &self.externals[*e].elem,
                    Feed::Step(s) => &self.steps[*s].elem,
                })
                .collect();
            let cell = call(step, rows.len(), &inputs, &elems)?;
            cells[at] = Some(cell);
            for feed in &step.inputs {
                if reads.done(*feed) {
                    match feed {
                        Feed::External(e) => externals[*e] = None,
                        Feed::Step(s) => cells[*s] = None,
                    }
                }
            }
        }
        let out = wanted.iter().map(|&s| cells[s].clone().unwrap_or_default()).collect();
        Ok((out, skips))
    }

    /// Marks the steps that the wanted ones hang on.
    pub(crate) fn needed(&self, wanted: &[usize]) -> Vec<bool> {
        let mut needed = vec![false; self.steps.len()];
        wanted.iter().for_each(|&s| needed[s] = true);
        for at in (0..self.steps.len()).rev() {
            if needed[at] {
                for feed in &self.steps[at].inputs {
                    if let Feed::Step(s) = feed {
                        needed[*s] = true;
                    }
                }
            }
        }
        needed
    }

    /// Reads an external's pictures of these rows: hands each batch over, with its places in the external, and returns the
    /// rows whose files failed.
    pub(crate) fn open_all(&self, at: usize, rows: &[u32], visit: &(dyn Fn(Cell) + Sync)) -> Result<Vec<Skip>> {
        let open = |rows: &[u32]| {
            let mut skips = Vec::new();
            let mut cell = self.open(at, rows, &mut skips)?;
            cell.present.iter_mut().for_each(|i| *i = rows[*i as usize]);
            visit(cell);
            Ok(skips)
        };
        let skips: Vec<Vec<Skip>> = rows.par_chunks(TOGETHER).map(open).collect::<Result<_>>()?;
        Ok(skips.concat())
    }

    /// Cuts a batch out of a column; files are read and decoded here.
    fn open(&self, at: usize, rows: &[u32], skips: &mut Vec<Skip>) -> Result<Cell> {
        let external = &self.externals[at];
        let column = &external.column;
        let mut present: Vec<u32> =
            (0..rows.len() as u32).filter(|&i| !column.is_missing(rows[i as usize] as usize)).collect();
        let Some(files) = external.files() else {
            let places: Vec<u32> = present.iter().map(|&i| rows[i as usize]).collect();
            let values = (!places.is_empty()).then(|| column.values.take(&places));
            return Ok(Cell { present, values });
        };
        let mut pictures = Vec::with_capacity(present.len());
        let mut failed = Vec::new();
        for &i in &present {
            let place = rows[i as usize];
            let path = files.get(place as usize);
            let picture = std::fs::read(&path)
                .map_err(|error| {
                    let shown = path.display();
                    Error::new("E1046", say!("`{shown}` cannot be read: {error}", "无法读取 `{shown}`：{error}"))
                })
                .and_then(|bytes| (self.decode)(&bytes));
            match picture {
                Ok(picture) => pictures.push(Arc::new(picture)),
                Err(error) if error.cancelled => return Err(error),
                Err(error) if external.tolerant => {
                    failed.push(i);
                    skips.push(Skip { place, external: at, reason: error.message });
                }
                Err(error) => return Err(self.unreadable(external, place, &error.message)),
            }
        }
        present.retain(|i| !failed.contains(i));
        let values = (!present.is_empty()).then(|| Values::Pictures(Arc::new(pictures)));
        Ok(Cell { present, values })
    }

    /// The error for a file that cannot be used where none may be missing.
    pub(crate) fn unreadable(&self, external: &External, place: u32, reason: &Text) -> Error {
        let row = u64::from(external.column.rows.id(place as usize)) + 1;
        let title = &external.title;
        let file = external.files().map(|files| files.get(place as usize).display().to_string()).unwrap_or_default();
        let Text { en, zh } = reason;
        Error::new(
            "E1053",
            say!("row {row} of `{title}`: `{file}` is unusable: {en}", "`{title}` 第 {row} 行：`{file}` 不可用：{zh}"),
        )
        .help(say!(
            "mend the file, or mark the column `?` so that such rows count as missing",
            "请修复该文件，或将该列标为 `?`，使此类行视为缺失"
        ))
    }
}

/// How often each value is still read; wanted ones are never dropped.
struct Reads {
    externals: Vec<usize>,
    steps: Vec<usize>,
}

impl Reads {
    fn count(chain: &Chain<'_>, needed: &[bool], wanted: &[usize]) -> Reads {
        let mut reads = Reads { externals: vec![0; chain.externals.len()], steps: vec![0; chain.steps.len()] };
        for step in chain.steps.iter().zip(needed).filter(|(_, n)| **n).map(|(s, _)| s) {
            for feed in &step.inputs {
                *reads.of(*feed) += 1;
            }
        }
        wanted.iter().for_each(|&s| reads.steps[s] += 1);
        reads
    }

    fn of(&mut self, feed: Feed) -> &mut usize {
        match feed {
            Feed::External(e) => &mut self.externals[e],
            Feed::Step(s) => &mut self.steps[s],
        }
    }

    fn done(&mut self, feed: Feed) -> bool {
        let left = self.of(feed);
        *left = left.saturating_sub(1);
        *left == 0
    }
}

/// Calls a stage on the rows that have all that it needs.
fn call(step: &Step<'_>, rows: usize, inputs: &[&Cell], elems: &[&Elem]) -> Result<Cell> {
    let accepts = |at: usize| step.accepts.get(at).copied().unwrap_or(false);
    let present: Vec<u32> = (0..rows as u32)
        .filter(|row| {
            inputs.iter().enumerate().all(|(at, cell)| accepts(at) || cell.present.binary_search(row).is_ok())
        })
        .collect();
    if present.is_empty() {
        return Ok(Cell::default());
    }
    let mut batch = Batch { rows: present.len(), inputs: Vec::with_capacity(inputs.len()) };
    for (at, cell) in inputs.iter().enumerate() {
        let here: Vec<u32> =
            (0..present.len() as u32).filter(|&i| cell.present.binary_search(&present[i as usize]).is_ok()).collect();
        let places: Vec<u32> = here.iter().map(|&i| present[i as usize]).collect();
        let values = cell.take(&places).filter(|_| !places.is_empty());
        let whole = gather::spread(values.as_ref(), &here, present.len(), elems[at])?;
        let missing = (here.len() < present.len()).then(|| {
            let mut mask = vec![true; present.len()];
            here.iter().for_each(|&i| mask[i as usize] = false);
            Arc::new(mask)
        });
        batch.inputs.push(Input { values: whole, missing });
    }
    let values = (step.run)(&batch)?;
    step.calls.fetch_add(1, Ordering::Relaxed);
    step.rows.fetch_add(batch.rows as u64, Ordering::Relaxed);
    if values.len() != batch.rows {
        let (stage, given, asked) = (step.stage, values.len(), batch.rows);
        return Err(Error::bug(format!("`{stage}` gave {given} rows for {asked}")));
    }
    Ok(Cell { present, values: Some(values) })
}

/// Says for each input of an alternative whether it takes missing values: `T?` in its notation.
pub(crate) fn accepts(notation: &str, inputs: usize) -> Vec<bool> {
    let before = notation.split("->").next().unwrap_or("");
    let mut pieces = vec![String::new()];
    let mut depth = 0i32;
    for c in before.chars() {
        match c {
            '<' | '[' | '(' => depth += 1,
            '>' | ']' | ')' => depth -= 1,
            ',' if depth == 0 => {
                pieces.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
    }
    // A piece with `...` stands for all that follow.
    let piece = |at: usize| pieces.get(at).or(pieces.last()).is_some_and(|p| p.contains('?'));
    (0..inputs).map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn a_question_mark_in_the_notation_takes_missing_values() {
        assert_eq!(accepts("col<d, vector[n]?> -> col<d, vector[n]>", 1), [true]);
        assert_eq!(accepts("col<d, image[h, w, 3]>, col<d, any?> -> col<d, bool>", 2), [false, true]);
        assert_eq!(accepts("col<d, vector[n]?>... -> col<d, vector[n]>", 3), [true; 3]);
        assert_eq!(accepts("col<d, text> -> col<d, tokens?>", 1), [false]);
    }
}
