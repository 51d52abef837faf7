//! A kept output of a fused group on its way: what the store knows of its rows, what was computed, and all of it together.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mmf_data::error::{Error, Result};
use mmf_data::table::{Column, Rows, Value};
use mmf_data::values::Values;
use mmf_lang::diagnostic::Text;
use mmf_lang::graph::NodeId;
use mmf_lang::types::Elem;
use rayon::prelude::*;

use crate::column;
use crate::event::Words;
use crate::gather;
use crate::pictures::Pictures;
use crate::store::{Blob, Digest, Hasher, Row, RowKey, RowSet};
use crate::stream::{Cell, Chain, External, Skip};
use crate::work::{Told, Work, relative};

/// Stored rows that are in memory at a time.
const TOGETHER: usize = 64;

/// What a step gives.
pub(crate) enum Product {
    Value(Value),
    /// A column that was stored row by row, and is in memory only when someone reads it.
    Stored {
        blob: Digest,
        rows: u64,
        missing: u64,
    },
}

/// What a group gives for one kept output.
pub(crate) struct Output {
    pub node: NodeId,
    pub product: Product,
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
    held: Held,
    told: Vec<(u32, usize, Text)>,
    computed: u64,
    cached_rows: u64,
}

/// Where the finished rows are.
enum Held {
    /// In memory: places and their values.
    Pieces(Vec<(Vec<u32>, Values)>),
    /// In the store, one by one.
    Stored(Stored),
}

struct Stored {
    digest: Digest,
    set: RowSet,
    /// By place; shared by outputs of the same externals.
    keys: Arc<Vec<RowKey>>,
    /// The rows that have a value, by place.
    present: Vec<bool>,
}

/// What a portion gave.
pub(crate) struct Done {
    pub rows: Vec<u32>,
    pub outputs: Vec<usize>,
    pub cells: Vec<Cell>,
    pub skips: Vec<Skip>,
}

/// Puts a batch's results to the outputs, and notes what the store shall keep.
pub(crate) fn take(batch: Done, outputs: &mut [Pending], records: &mut [Vec<(RowKey, Row)>]) {
    for (&at, cell) in batch.outputs.iter().zip(batch.cells) {
        let output = &mut outputs[at];
        output.computed += batch.rows.len() as u64;
        let skipped = batch.skips.iter().filter(|s| output.externals.contains(&s.external));
        for skip in skipped {
            output.told.push((skip.place, skip.external, skip.reason.clone()));
            if let Held::Stored(stored) = &output.held {
                let reason = serde_json::to_string(&Words::from(skip.reason.clone())).unwrap_or_default();
                records[at].push((stored.keys[skip.place as usize], Row::Skip(reason)));
            }
        }
        let places: Vec<u32> = cell.present.iter().map(|&i| batch.rows[i as usize]).collect();
        let Some(values) = cell.values else { continue };
        match &mut output.held {
            Held::Pieces(pieces) => pieces.push((places, values)),
            Held::Stored(stored) => {
                for (i, place) in places.into_iter().map(|p| p as usize).enumerate() {
                    stored.present[place] = true;
                    let value = Blob::from(gather::encode(&values, i));
                    records[at].push((stored.keys[place], Row::Value(value)));
                }
            }
        }
    }
}

impl Pending {
    /// An output whose rows are kept in memory, or one by one in the set.
    pub(crate) fn new(
        node: NodeId,
        step: usize,
        externals: Vec<usize>,
        flag: Arc<AtomicBool>,
        set: Option<(Digest, RowSet)>,
    ) -> Pending {
        let held = match set {
            Some((digest, set)) => Held::Stored(Stored { digest, set, keys: Arc::default(), present: Vec::new() }),
            None => Held::Pieces(Vec::new()),
        };
        Pending { node, step, externals, flag, held, told: Vec::new(), computed: 0, cached_rows: 0 }
    }

    /// Says whether its rows are kept one by one.
    pub(crate) fn is_stored(&self) -> bool {
        matches!(self.held, Held::Stored(_))
    }

    /// Keeps finished rows, where they are kept one by one.
    pub(crate) fn keep(&self, records: &[(RowKey, Row)]) -> Result<()> {
        match &self.held {
            Held::Stored(stored) => stored.set.append(records),
            Held::Pieces(_) => Ok(()),
        }
    }

    /// Looks up what the store knows, and returns the rows that are to be computed. `keys` are those of the outputs so far,
    /// by their externals.
    pub(crate) fn recall(
        &mut self,
        chain: &Chain<'_>,
        rows: usize,
        pictures: &Pictures,
        keys: &mut Vec<(Vec<usize>, Arc<Vec<RowKey>>)>,
    ) -> Result<Vec<u32>> {
        let needed = chain.needed(&[self.step]);
        let takes = |at: usize| {
            let step = &chain.steps[at];
            step.inputs.iter().enumerate().any(|(i, _)| step.accepts.get(i).copied().unwrap_or(false))
        };
        let lenient = (0..chain.steps.len()).any(|at| needed[at] && takes(at));
        let hollow =
            |row: u32| !lenient && self.externals.iter().any(|&e| chain.externals[e].column.is_missing(row as usize));
        let open: Vec<u32> = (0..rows as u32).filter(|&row| !hollow(row)).collect();
        let Held::Stored(stored) = &mut self.held else { return Ok(open) };
        stored.present = vec![false; rows];
        stored.keys = match keys.iter().find(|(externals, _)| *externals == self.externals) {
            Some((_, keys)) => keys.clone(),
            None => {
                let externals: Vec<&External> = self.externals.iter().map(|&e| &chain.externals[e]).collect();
                let key = |row| row_key(&externals, pictures, row);
                let own = Arc::new((0..rows).into_par_iter().map(key).collect::<Result<Vec<RowKey>>>()?);
                keys.push((self.externals.clone(), own.clone()));
                own
            }
        };
        let mut missing = Vec::new();
        for open in open.chunks(TOGETHER) {
            for (&row, known) in open.iter().zip(stored.look(open)?) {
                match known {
                    Some(Known::Value) => {
                        stored.present[row as usize] = true;
                        self.cached_rows += 1;
                    }
                    Some(Known::Skip(reason)) => {
                        let file = self.externals.iter().copied().find(|&e| chain.externals[e].files().is_some());
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
        }
        Ok(missing)
    }

    /// Puts all rows together, in their order.
    pub(crate) fn finish(self, work: &Work<'_>, chain: &Chain<'_>, rows: &Rows) -> Result<Output> {
        let elem = &chain.steps[self.step].elem;
        let row_set = if let Held::Stored(stored) = &self.held { Some(stored.digest) } else { None };
        let product = match self.held {
            Held::Pieces(pieces) => Product::Value(Value::Column(join(pieces, rows, elem)?)),
            Held::Stored(stored) => stored.column(work, rows, elem)?,
        };
        let mut told: Vec<Told> =
            self.told.into_iter().map(|(place, e, reason)| skipped(work, &chain.externals[e], place, reason)).collect();
        told.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        let Pending { node, computed, cached_rows, .. } = self;
        Ok(Output { node, product, told, computed, cached_rows, row_set })
    }
}

/// What the store knows of a row.
enum Known {
    Value,
    Skip(Text),
}

impl Stored {
    /// Returns what the store knows of some rows.
    fn look(&self, places: &[u32]) -> Result<Vec<Option<Known>>> {
        let keys: Vec<RowKey> = places.iter().map(|&place| self.keys[place as usize]).collect();
        let known = |row: Option<Row>| match row? {
            Row::Value(blob) => gather::decode(&blob).ok().map(|_| Known::Value),
            Row::Skip(reason) => serde_json::from_str::<Words>(&reason).ok().map(|w| Known::Skip(w.into())),
        };
        let found = self.set.get_many(&keys)?.into_par_iter().map(known).collect();
        self.set.rest();
        Ok(found)
    }

    /// Returns the values of some rows that are there.
    fn values(&self, places: &[u32]) -> Result<Vec<Values>> {
        let keys: Vec<RowKey> = places.iter().map(|&place| self.keys[place as usize]).collect();
        let value = |row| match row {
            Some(Row::Value(blob)) => gather::decode(&blob),
            _ => Err(Error::new(
                "E1048",
                mmf_lang::say!(
                    "a row was lost from the store while it was in use; run again",
                    "存储中的一行在使用时丢失；请重新运行"
                ),
            )),
        };
        let found = self.set.get_many(&keys)?.into_iter().map(value).collect();
        self.set.rest();
        found
    }

    /// Stores all rows as one column.
    fn column(self, work: &Work<'_>, rows: &Rows, elem: &Elem) -> Result<Product> {
        let first = self.present.iter().position(|&here| here);
        let like = match first {
            Some(place) => self.values(&[place as u32])?.remove(0),
            None => gather::blank(None, elem),
        };
        let like = like.take(&[]);
        let pieces = |visit: &mut dyn FnMut(&Values) -> Result<()>| {
            for (at, present) in self.present.chunks(TOGETHER).enumerate() {
                let here: Vec<u32> = (0..present.len() as u32).filter(|&i| present[i as usize]).collect();
                let places: Vec<u32> = here.iter().map(|i| (at * TOGETHER) as u32 + i).collect();
                let values = if here.is_empty() { like.clone() } else { gather::join(&self.values(&places)?)? };
                visit(&gather::spread(Some(&values), &here, present.len(), elem)?)?;
            }
            Ok(())
        };
        let missing: Vec<bool> = self.present.iter().map(|here| !here).collect();
        let hollow = column::hollow(rows, like.clone(), missing);
        let missing = hollow.count_missing() as u64;
        let blob = work.store.put_with(&mut |out| column::write(hollow.clone(), &pieces, out))?;
        Ok(Product::Stored { blob, rows: rows.len() as u64, missing })
    }
}

/// Returns the key of a row: the contents of all that goes into it.
pub(crate) fn row_key(externals: &[&External], pictures: &Pictures, row: usize) -> Result<RowKey> {
    let mut hasher = Hasher::new("row");
    for external in externals {
        match external.files() {
            _ if external.column.is_missing(row) => {
                hasher.none();
            }
            Some(files) => {
                hasher.digest(&pictures.digest(&files.get(row))?);
            }
            None => gather::hash(&mut hasher, &external.column.values, row),
        }
    }
    Ok(RowKey::from(hasher.finish()))
}

/// Tells of a row that was left out.
pub(crate) fn skipped(work: &Work<'_>, external: &External, place: u32, reason: Text) -> Told {
    let name = match external.files() {
        Some(files) => relative(&files.get(place as usize), &work.options.base).display().to_string(),
        None => external.title.clone(),
    };
    Told::Skipped { row: u64::from(external.column.rows.id(place as usize)), name, reason: reason.into() }
}

/// Joins pieces to a column, in the order of its rows.
pub(crate) fn join(pieces: Vec<(Vec<u32>, Values)>, rows: &Rows, elem: &Elem) -> Result<Column> {
    let mut at = vec![u32::MAX; rows.len()];
    let mut count = 0u32;
    let mut values = Vec::with_capacity(pieces.len());
    for (places, piece) in pieces {
        for place in places {
            at[place as usize] = count;
            count += 1;
        }
        values.push(piece);
    }
    let present: Vec<u32> = (0..rows.len() as u32).filter(|&i| at[i as usize] != u32::MAX).collect();
    let order: Vec<u32> = present.iter().map(|&i| at[i as usize]).collect();
    let joined = if values.is_empty() { None } else { Some(gather::join(&values)?) };
    drop(values);
    let joined = joined.map(|joined| if order.is_sorted() { joined } else { joined.take(&order) });
    let values = if rows.is_empty() {
        gather::blank(joined.as_ref(), elem).take(&[])
    } else {
        gather::spread(joined.as_ref(), &present, rows.len(), elem)?
    };
    Ok(Column::new(rows.clone(), values).with_missing(at.iter().map(|&i| i == u32::MAX).collect()))
}
