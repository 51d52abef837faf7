//! A kept output of a fused group on its way: what the store knows of its rows, what was computed, and all of it together.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mmf_data::error::Result;
use mmf_data::table::{Column, Rows};
use mmf_data::values::Values;
use mmf_lang::diagnostic::Text;
use mmf_lang::graph::NodeId;
use rayon::prelude::*;

use crate::event::Words;
use crate::gather;
use crate::store::{Blob, Digest, Hasher, Row, RowKey, RowSet};
use crate::stream::{Cell, Chain, Skip};
use crate::work::{Told, Work, relative};

/// What a group gives for one kept output.
pub(crate) struct Output {
    pub node: NodeId,
    pub column: Column,
    pub told: Vec<Told>,
    pub computed: u64,
    pub cached_rows: u64,
    pub row_set: Option<Digest>,
}

/// An output on its way.
pub(crate) struct Pending {
    pub node: NodeId,
    pub step: usize,
    /// The externals that it hangs on.
    pub externals: Vec<usize>,
    pub flag: Arc<AtomicBool>,
    /// The rows that are kept one by one.
    pub set: Option<(Digest, RowSet)>,
    pieces: Vec<(Vec<u32>, Values)>,
    told: Vec<(u32, usize, Text)>,
    computed: u64,
    cached_rows: u64,
}

/// What a portion gave.
pub(crate) struct Done {
    pub rows: Vec<u32>,
    pub outputs: Vec<usize>,
    pub cells: Vec<Cell>,
    pub skips: Vec<Skip>,
}

/// Puts a batch's results to the outputs, and notes what the store shall keep.
pub(crate) fn take(batch: Done, outputs: &mut [Pending], keys: &[Vec<RowKey>], records: &mut [Vec<(RowKey, Row)>]) {
    for (&at, cell) in batch.outputs.iter().zip(batch.cells) {
        let output = &mut outputs[at];
        output.computed += batch.rows.len() as u64;
        let skipped = batch.skips.iter().filter(|s| output.externals.contains(&s.external));
        for skip in skipped {
            output.told.push((skip.place, skip.external, skip.reason.clone()));
            if output.set.is_some() {
                let reason = serde_json::to_string(&Words::from(skip.reason.clone())).unwrap_or_default();
                records[at].push((keys[at][skip.place as usize], Row::Skip(reason)));
            }
        }
        let places: Vec<u32> = cell.present.iter().map(|&i| batch.rows[i as usize]).collect();
        let Some(values) = cell.values else { continue };
        if output.set.is_some() {
            for (i, &place) in places.iter().enumerate() {
                records[at].push((keys[at][place as usize], Row::Value(Blob::from(gather::encode(&values, i)))));
            }
        }
        output.pieces.push((places, values));
    }
}

impl Pending {
    pub(crate) fn new(
        node: NodeId,
        step: usize,
        externals: Vec<usize>,
        flag: Arc<AtomicBool>,
        set: Option<(Digest, RowSet)>,
    ) -> Pending {
        let (pieces, told) = (Vec::new(), Vec::new());
        Pending { node, step, externals, flag, set, pieces, told, computed: 0, cached_rows: 0 }
    }

    /// Takes what the store knows, and returns the rows' keys and the rows that are to be computed.
    pub(crate) fn recall(&mut self, chain: &Chain<'_>, rows: usize) -> Result<(Vec<RowKey>, Vec<u32>)> {
        let all = 0..rows as u32;
        let needed = chain.needed(&[self.step]);
        let takes = |at: usize| {
            let step = &chain.steps[at];
            step.inputs.iter().enumerate().any(|(i, _)| step.accepts.get(i).copied().unwrap_or(false))
        };
        let lenient = (0..chain.steps.len()).any(|at| needed[at] && takes(at));
        let hollow =
            |row: u32| !lenient && self.externals.iter().any(|&e| chain.externals[e].column.is_missing(row as usize));
        let Some((_, set)) = self.set.clone() else {
            return Ok((Vec::new(), all.filter(|&row| !hollow(row)).collect()));
        };
        let keys: Vec<RowKey> = (0..rows).into_par_iter().map(|row| self.row_key(chain, row)).collect();
        let open: Vec<u32> = all.filter(|&row| !hollow(row)).collect();
        let asked: Vec<RowKey> = open.iter().map(|&row| keys[row as usize]).collect();
        let found = set.get_many(&asked)?;
        let read: Vec<Option<Known>> = found
            .into_par_iter()
            .map(|row| match row? {
                Row::Value(blob) => gather::decode(&blob).ok().map(Known::Value),
                Row::Skip(reason) => serde_json::from_str::<Words>(&reason).ok().map(|w| Known::Skip(w.into())),
            })
            .collect();
        let mut missing = Vec::new();
        let (mut places, mut values) = (Vec::new(), Vec::new());
        for (&row, known) in open.iter().zip(read) {
            match known {
                Some(Known::Value(value)) => {
                    places.push(row);
                    values.push(value);
                    self.cached_rows += 1;
                }
                Some(Known::Skip(reason)) => {
                    let file = self.externals.iter().copied().find(|&e| chain.externals[e].files.is_some());
                    let external = file.or(self.externals.first().copied()).unwrap_or(0);
                    if !chain.externals[external].tolerant {
                        return Err(chain.unreadable(&chain.externals[external], row, &reason));
                    }
                    self.told.push((row, external, reason));
                    self.cached_rows += 1;
                }
                None => missing.push(row),
            }
        }
        if !values.is_empty() {
            self.pieces.push((places, gather::join(&values)?));
        }
        Ok((keys, missing))
    }

    /// Returns the key of a row: the contents of all that goes into it.
    fn row_key(&self, chain: &Chain<'_>, row: usize) -> RowKey {
        let mut hasher = Hasher::new("row");
        for &e in &self.externals {
            let external = &chain.externals[e];
            match &external.files {
                _ if external.column.is_missing(row) => {
                    hasher.none();
                }
                Some(files) => match &files[row] {
                    Some(digest) => {
                        hasher.digest(digest);
                    }
                    None => {
                        hasher.none();
                    }
                },
                None => gather::hash(&mut hasher, &external.column.values, row),
            }
        }
        RowKey::from(hasher.finish())
    }

    /// Puts the pieces together, in the order of the rows.
    pub(crate) fn finish(self, work: &Work<'_>, chain: &Chain<'_>, rows: &Rows) -> Result<Output> {
        let elem = &chain.steps[self.step].elem;
        let mut at = vec![u32::MAX; rows.len()];
        let mut count = 0u32;
        let mut pieces = Vec::with_capacity(self.pieces.len());
        for (places, values) in self.pieces {
            for place in places {
                at[place as usize] = count;
                count += 1;
            }
            pieces.push(values);
        }
        let present: Vec<u32> = (0..rows.len() as u32).filter(|&i| at[i as usize] != u32::MAX).collect();
        let order: Vec<u32> = present.iter().map(|&i| at[i as usize]).collect();
        let joined = if pieces.is_empty() { None } else { Some(gather::join(&pieces)?.take(&order)) };
        drop(pieces);
        let values = if rows.is_empty() {
            gather::blank(joined.as_ref(), elem).take(&[])
        } else {
            gather::spread(joined.as_ref(), &present, rows.len(), elem)?
        };
        let missing = at.iter().map(|&i| i == u32::MAX).collect();
        let mut told: Vec<Told> = self
            .told
            .into_iter()
            .map(|(place, e, reason)| {
                let external = &chain.externals[e];
                let name = match &external.column.values {
                    Values::Files(files) => relative(&files[place as usize], &work.options.base).display().to_string(),
                    _ => external.title.clone(),
                };
                Told::Skipped { row: u64::from(rows.id(place as usize)), name, reason: reason.into() }
            })
            .collect();
        told.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        Ok(Output {
            node: self.node,
            column: Column::new(rows.clone(), values).with_missing(missing),
            told,
            computed: self.computed,
            cached_rows: self.cached_rows,
            row_set: self.set.map(|(digest, _)| digest),
        })
    }
}

enum Known {
    Value(Values),
    Skip(Text),
}
