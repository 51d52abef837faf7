//! Rows that a stage has finished, keyed by their content, in packed segments: a paid-for row is never paid for twice.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use mmf_data::error::Result;

use super::blob::Blob;
use super::digest::Digest;
use super::disk::{Content, Disk, Entry, files_in};
use super::index::{Beginning, Index};
use super::record::ALIGN;
use super::segment::{self, SKIP, Segment, VALUE};

/// From so many segments on, the newest are written together.
const MANY: usize = 32;
/// After so many rows of a merge the memory of those read is given back.
const REST: usize = 1024;
/// A segment of this many bytes is left as it is.
const LARGE: u64 = 256 * 1024 * 1024;

/// The name of a row in a row set: the first 16 bytes of a digest of all that its value depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey(pub [u8; 16]);

impl RowKey {
    fn beginning(&self) -> Beginning {
        Beginning::from_le_bytes(*self.0.first_chunk().expect("a key is 16 bytes"))
    }
}

impl From<Digest> for RowKey {
    fn from(digest: Digest) -> RowKey {
        RowKey(*digest.as_bytes().first_chunk().expect("a digest is 32 bytes"))
    }
}

/// What is known of a row.
#[derive(Clone, Debug)]
pub enum Row {
    /// Its value. Read from the store, the first byte lies at a multiple of 16.
    Value(Blob),
    /// It could not be computed, for this reason; on unchanged content that is not tried again.
    Skip(String),
}

/// The rows of one stage with its arguments; cheap to clone, shared by threads.
#[derive(Clone)]
pub struct RowSet(Arc<Rows>);

pub(super) struct Rows {
    disk: Arc<Disk>,
    stage: Digest,
    folder: PathBuf,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    /// The segments; a removed one leaves its slot empty.
    slots: Vec<Option<Arc<Segment>>>,
    /// Slot of each row's newest record, and its offset there in steps of a record's alignment. The record holds the key.
    index: Index<(u32, u32)>,
    /// The largest id seen or given.
    last: u64,
}

impl RowSet {
    /// Opens the row set of `stage`, mending what is damaged.
    pub(super) fn open(disk: &Arc<Disk>, stage: &Digest) -> Result<RowSet> {
        let folder = folder(disk, stage);
        let rows = Rows { disk: disk.clone(), stage: *stage, folder, state: RwLock::new(State::default()) };
        let broken = rows.write().refresh(&rows)?;
        if !disk.read_only {
            // A store too full to be mended is still read.
            if !broken.is_empty() {
                let _ = rows.merge(|segments| segments.into_iter().filter(|s| broken.contains(&s.path)).collect());
            }
            // Several writers each see their own segments alone, so together they may have left more than one allows.
            if rows.read().count() > MANY {
                let _ = rows.merge(newest);
            }
        }
        Ok(RowSet(Arc::new(rows)))
    }

    /// Returns what is known of each row, in the order of `keys`. A damaged record is reported and counts as unknown.
    ///
    /// # Errors
    /// E1044 where the folder cannot be read.
    pub fn get_many(&self, keys: &[RowKey]) -> Result<Vec<Option<Row>>> {
        if self.0.read().misses(keys) {
            self.0.write().refresh(&self.0)?;
        }
        let state = self.0.read();
        let mut damaged = Vec::new();
        let rows = keys
            .iter()
            .map(|key| {
                let (segment, offset) = state.place(key)?;
                let Some((own, kind, range)) = segment.row(offset) else {
                    damaged.push((*key, offset, segment.clone()));
                    return None;
                };
                (own == *key).then(|| match kind {
                    VALUE => Row::Value(Blob::part(&segment.content, range)),
                    _ => Row::Skip(String::from_utf8_lossy(&segment.content[range]).into_owned()),
                })
            })
            .collect();
        drop(state);
        if !damaged.is_empty() {
            let mut state = self.0.write();
            for (key, offset, segment) in damaged {
                if state.place(&key).is_some_and(|(now, at)| at == offset && Arc::ptr_eq(now, &segment)) {
                    state.index.remove(key.beginning());
                    self.0.disk.report(Entry::Row, &segment.path, 0);
                }
            }
        }
        Ok(rows)
    }

    /// Stores finished rows as one segment, whole or not at all, with one wait for the disk. A row stored before is
    /// replaced.
    ///
    /// # Errors
    /// E1041 where the disk is full, E1042 where it may not be written, E1044 for other troubles.
    pub fn append(&self, batch: &[(RowKey, Row)]) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let rows = &self.0;
        let id = rows.write().next_id();
        let path = rows.folder.join(segment::name(id));
        let records = batch.iter().map(|(key, row)| match row {
            Row::Value(value) => (*key, VALUE, &value[..]),
            Row::Skip(reason) => (*key, SKIP, reason.as_bytes()),
        });
        let trouble = |error: io::Error| rows.disk.trouble(&path, &error);
        let mut places = Vec::new();
        let segment = if rows.disk.read_only {
            rows.disk.refuse();
            let mut bytes = Vec::new();
            places = segment::write(&mut bytes, &rows.stage, &path, records).map_err(trouble)?;
            Segment::from_content(&rows.stage, &path, Content::Held(bytes))
        } else {
            rows.disk.write_whole(&path, |out| {
                places = segment::write(out, &rows.stage, &path, records)?;
                Ok(())
            })?;
            match Segment::written(&rows.stage, &path) {
                Ok(opened) => opened,
                // Another process has merged it already; the next look finds its rows there.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(trouble(error)),
            }
        };
        let mut state = rows.write();
        state.add(segment, places);
        let many = state.count() > MANY;
        drop(state);
        if many && !rows.disk.read_only {
            // The batch is safe already; a merge that fails for want of space is tried again with the next.
            let _ = rows.merge(newest);
        }
        Ok(())
    }

    /// Says whether the row was known when it was last looked for.
    pub fn knows(&self, key: &RowKey) -> bool {
        self.0.read().index.get(key.beginning()).is_some()
    }

    /// Gives back the memory of rows that were read.
    pub fn rest(&self) {
        self.0.read().slots.iter().flatten().for_each(|segment| segment.content.rest());
    }

    /// Returns how many rows are known, skipped ones included.
    pub fn len(&self) -> usize {
        self.0.read().index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many segments hold the rows.
    pub fn segments(&self) -> usize {
        self.0.read().count()
    }

    pub(super) fn shared(&self) -> &Arc<Rows> {
        &self.0
    }

    pub(super) fn from_shared(rows: Arc<Rows>) -> RowSet {
        RowSet(rows)
    }
}

impl Rows {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the segments that `choose` picks, of all from the oldest to the newest, as one, and removes them.
    fn merge(&self, choose: impl FnOnce(Vec<Arc<Segment>>) -> Vec<Arc<Segment>>) -> Result<()> {
        let mut state = self.write();
        let lock = self.disk.lock()?;
        state.refresh(self)?;
        let mut all: Vec<Arc<Segment>> = state.slots.iter().flatten().cloned().collect();
        all.sort_by(|a, b| (a.id, &a.path).cmp(&(b.id, &b.path)));
        let chosen = choose(all);
        let Some(id) = chosen.iter().map(|segment| segment.id).max() else { return Ok(()) };
        let slot_of = |segment: &Arc<Segment>| {
            state.slots.iter().position(|slot| slot.as_ref().is_some_and(|slot| Arc::ptr_eq(slot, segment)))
        };
        let order: HashMap<usize, usize> =
            chosen.iter().enumerate().filter_map(|(at, segment)| Some((slot_of(segment)?, at))).collect();
        let own = |slot: u32| order.get(&(slot as usize)).copied();
        let count = state.index.values().filter(|&(slot, _)| own(slot).is_some()).count();
        let mut places: Vec<(u32, u32)> = Vec::with_capacity(count);
        places.extend(state.index.values().filter_map(|(slot, offset)| Some((own(slot)? as u32, offset))));
        // In the order of writing, so that the merged bytes do not hang on the index.
        places.sort_unstable();
        let path = self.folder.join(segment::name(id));
        let mut passed = 0;
        let rows = places.iter().filter_map(|(at, offset)| {
            let (segment, offset) = (&chosen[*at as usize], bytes(*offset));
            passed += 1;
            if passed % REST == 0 {
                chosen.iter().for_each(|segment| segment.content.rest());
            }
            let row = segment.row(offset);
            if row.is_none() {
                self.disk.report(Entry::Row, &segment.path, 0);
            }
            row.map(|(key, kind, range)| (key, kind, &segment.content[range]))
        });
        let mut listed = Vec::new();
        self.disk.write_whole(&path, |out| {
            listed = segment::write(out, &self.stage, &path, rows)?;
            Ok(())
        })?;
        let merged = Segment::written(&self.stage, &path).map_err(|error| self.disk.trouble(&path, &error))?;
        for segment in &chosen {
            // What stays behind is read again next time, and merged again.
            let _ = std::fs::remove_file(&segment.path);
        }
        drop(lock);
        state.add(merged, listed);
        for slot in order.keys() {
            state.slots[*slot] = None;
        }
        let State { slots, index, .. } = &mut *state;
        index.retain(|(slot, _)| slots[slot as usize].is_some());
        Ok(())
    }
}

impl State {
    fn place(&self, key: &RowKey) -> Option<(&Arc<Segment>, u64)> {
        let (slot, offset) = self.index.get(key.beginning())?;
        Some((self.slots[slot as usize].as_ref()?, bytes(offset)))
    }

    fn count(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    fn misses(&self, keys: &[RowKey]) -> bool {
        keys.iter().any(|key| self.index.get(key.beginning()).is_none())
    }

    fn next_id(&mut self) -> u64 {
        self.last = segment::now().max(self.last + 1);
        self.last
    }

    /// Takes up a segment's rows, except where a later segment has them.
    fn add(&mut self, segment: Segment, rows: Vec<(RowKey, u64)>) {
        self.last = self.last.max(segment.id);
        let (slot, id) = (self.slots.len() as u32, segment.id);
        // First the slot: a segment may hold a key twice, where two rows have the same content.
        self.slots.push(Some(Arc::new(segment)));
        for (key, offset) in rows {
            let later = self.place(&key).is_some_and(|(now, _)| now.id > id);
            if let (false, Ok(steps)) = (later, u32::try_from(offset / ALIGN as u64)) {
                self.index.insert(key.beginning(), (slot, steps));
            }
        }
    }

    /// Makes the segments those that are in the folder, and returns the paths of the ones without a sound index.
    fn refresh(&mut self, rows: &Rows) -> Result<BTreeSet<PathBuf>> {
        let mut broken = BTreeSet::new();
        // A segment may go between the listing and the opening: then the listing is taken anew.
        'listing: for _ in 0..16 {
            let paths: Vec<PathBuf> =
                files_in(&rows.folder).into_iter().map(|(path, _)| path).filter(|p| segment::is_segment(p)).collect();
            let listed: HashSet<&Path> = paths.iter().map(PathBuf::as_path).collect();
            let gone = |segment: &Segment| {
                matches!(*segment.content, Content::Mapped(_)) && !listed.contains(segment.path.as_path())
            };
            if self.slots.iter().flatten().any(|segment| gone(segment)) {
                // Merged by someone: forget all mapped ones, and read what is there now.
                let memory: Vec<bool> = self
                    .slots
                    .iter()
                    .map(|s| s.as_ref().is_some_and(|s| matches!(*s.content, Content::Held(_))))
                    .collect();
                self.index.retain(|(slot, _)| memory[slot as usize]);
                for (slot, memory) in self.slots.iter_mut().zip(memory) {
                    slot.take_if(|_| !memory);
                }
            }
            let known: HashSet<PathBuf> = self.slots.iter().flatten().map(|segment| segment.path.clone()).collect();
            for path in paths.iter().filter(|path| !known.contains(*path)) {
                match Segment::open(&rows.disk, &rows.stage, path) {
                    Ok((segment, listing)) => {
                        if listing.rebuilt {
                            broken.insert(path.clone());
                        }
                        self.add(segment, listing.rows);
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue 'listing,
                    Err(error) => return Err(rows.disk.trouble(path, &error)),
                }
            }
            return Ok(broken);
        }
        Ok(broken)
    }
}

fn bytes(steps: u32) -> u64 {
    u64::from(steps) * ALIGN as u64
}

/// Picks the newest segments: half of the allowed number, and older ones as long as they are not much larger than what
/// was picked. Each row is so written a logarithmic number of times.
fn newest(all: Vec<Arc<Segment>>) -> Vec<Arc<Segment>> {
    let mut bytes = 0;
    let mut count = 0;
    for segment in all.iter().rev() {
        let length = segment.content.len() as u64;
        if length > LARGE || (count >= MANY / 2 && length > 2 * bytes) {
            break;
        }
        bytes += length;
        count += 1;
    }
    if count < 2 { Vec::new() } else { all[all.len() - count..].to_vec() }
}

/// Returns the folder of a stage's row set.
pub(super) fn folder(disk: &Disk, stage: &Digest) -> PathBuf {
    let name = stage.to_string();
    disk.path("rows").join(&name[..2]).join(name)
}
