//! The content-addressed store: results, rows, traces, file digests and checkpoints, each whole or not at all.
//!
//! Knows bytes and digests; must not know stages, types or pipelines. Everything is checked when it is read: a damaged
//! entry is reported, removed, and counts as absent, so that it is computed again. Several processes may share a store;
//! readers need no lock.
//!
//! ```text
//! format              the version of all this
//! lock, used          locks: of who writes a log or merges segments; of who has the store open
//! traces.log          key → outputs and facts of a finished step
//! files.log           path → stat and digest of a user's file
//! blobs/ab/abcd…      whole contents
//! rows/ab/abcd…/*.rows  the rows of one stage, in segments
//! checkpoints/abcd…   unfinished training
//! tmp/                what is being written
//! ```

mod blob;
mod checkpoint;
mod clean;
mod digest;
mod disk;
mod files;
mod index;
mod log;
mod record;
mod rows;
mod segment;
mod trace;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use mmf_data::error::{Error, Result};

pub use blob::Blob;
pub use clean::Usage;
pub(crate) use digest::Summed;
pub use digest::{Digest, Hasher};
pub use disk::{Damage, Entry, Options};
pub use files::FileDigests;
pub use rows::{Row, RowKey, RowSet};
pub use trace::Trace;

use blob::Blobs;
use checkpoint::Checkpoints;
use disk::{Disk, guard};
use rows::Rows;
use trace::Traces;

/// A store in a folder; shared by threads as it is.
pub struct Store {
    disk: Arc<Disk>,
    blobs: Blobs,
    traces: Traces,
    files: FileDigests,
    checkpoints: Checkpoints,
    rows: Mutex<HashMap<Digest, Weak<Rows>>>,
    /// The row sets of a read-only store, which hold what it was given to keep.
    held: Mutex<Vec<RowSet>>,
}

impl Store {
    /// Opens the store in `folder`, making it where it is missing.
    ///
    /// # Errors
    /// E1040 where the folder cannot be made or written, E1041 where the disk is full, E1043 where it has another format,
    /// E1044 where it cannot be read.
    pub fn open(folder: &Path) -> Result<Store> {
        Store::open_with(folder, Options::default())
    }

    /// Opens the store in `folder` as `options` say. See [`Store::open`].
    pub fn open_with(folder: &Path, options: Options) -> Result<Store> {
        let disk = Arc::new(Disk::open(folder, options)?);
        Ok(Store {
            blobs: Blobs::new(disk.clone()),
            traces: Traces::open(&disk)?,
            files: FileDigests::open(&disk)?,
            checkpoints: Checkpoints::new(disk.clone()),
            rows: Mutex::new(HashMap::new()),
            held: Mutex::new(Vec::new()),
            disk,
        })
    }

    /// Opens the store, or, where it cannot be written, opens it read only and returns the reason beside it.
    ///
    /// A read-only store finds what is there, keeps in memory what it is given, and counts that in [`Store::refused`]: a
    /// run goes through, but its results are not stored.
    ///
    /// # Errors
    /// As [`Store::open`], where not even reading is possible.
    pub fn open_or_read_only(folder: &Path) -> Result<(Store, Option<Error>)> {
        let reason = match Store::open(folder) {
            Ok(store) => return Ok((store, None)),
            Err(reason) if matches!(reason.code, "E1040" | "E1041" | "E1042") => reason,
            Err(reason) => return Err(reason),
        };
        match Store::open_with(folder, Options { read_only: true, room: None }) {
            Ok(store) => Ok((store, Some(reason))),
            Err(_) => Err(reason),
        }
    }

    pub fn is_read_only(&self) -> bool {
        self.disk.read_only
    }

    /// Returns how many writes were not made, because the store is read only or a digest could not be remembered.
    pub fn refused(&self) -> u64 {
        self.disk.refused()
    }

    /// Returns the damaged entries found since the last call, in the order of finding.
    pub fn take_damage(&self) -> Vec<Damage> {
        self.disk.take_damage()
    }

    /// Stores `bytes` and returns their digest; bytes that are there already are not written again.
    ///
    /// # Errors
    /// E1041 where the disk is full, E1042 where it may not be written, E1044 for other troubles.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest> {
        self.blobs.put(bytes)
    }

    /// Stores what `fill` writes and returns its digest. It is never in memory whole, but where the store is read only.
    ///
    /// # Errors
    /// As [`Store::put`]; an [`Error`] inside of `fill`'s own is returned as it is.
    pub fn put_with(&self, fill: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>) -> Result<Digest> {
        self.blobs.put_with(fill)
    }

    /// Returns the bytes of this digest, or `None` where they are missing or damaged.
    pub fn get(&self, digest: &Digest) -> Option<Blob> {
        self.blobs.get(digest)
    }

    /// Says whether the bytes of this digest are there, without reading them.
    pub fn has(&self, digest: &Digest) -> bool {
        self.blobs.has(digest)
    }

    /// Notes what the step of `key` left, replacing an earlier note. Its outputs should be stored before.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn record(&self, key: Digest, trace: &Trace) -> Result<()> {
        self.traces.record(&key, trace)
    }

    /// Returns what the step of `key` left, by this process or any other. Whether its outputs are still there is for
    /// [`Store::has`] to say.
    pub fn lookup(&self, key: &Digest) -> Option<Trace> {
        self.traces.lookup(key)
    }

    /// Returns all traces, in the order of their keys.
    pub fn traces(&self) -> Vec<(Digest, Trace)> {
        self.traces.all()
    }

    /// Opens the finished rows of a stage with its arguments; those who ask for one key share one set.
    ///
    /// # Errors
    /// E1044 where they cannot be read.
    pub fn rows(&self, stage: &Digest) -> Result<RowSet> {
        let mut open = guard(&self.rows);
        if let Some(rows) = open.get(stage).and_then(Weak::upgrade) {
            return Ok(RowSet::from_shared(rows));
        }
        let set = RowSet::open(&self.disk, stage)?;
        if self.disk.read_only {
            // Its rows in memory live as long as the store.
            guard(&self.held).push(set.clone());
        }
        open.insert(*stage, Arc::downgrade(set.shared()));
        Ok(set)
    }

    /// Returns the remembered digests of the user's files.
    pub fn files(&self) -> &FileDigests {
        &self.files
    }

    /// Saves the state of unfinished training, replacing an earlier one.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn save_checkpoint(&self, key: &Digest, bytes: &[u8]) -> Result<()> {
        self.checkpoints.save(key, bytes)
    }

    /// Returns the last whole checkpoint of `key`, or `None` where there is none or it is damaged.
    pub fn load_checkpoint(&self, key: &Digest) -> Option<Blob> {
        self.checkpoints.load(key)
    }

    /// Removes the checkpoint of `key`, if there is one.
    ///
    /// # Errors
    /// E1042 and E1044 where it cannot be removed.
    pub fn drop_checkpoint(&self, key: &Digest) -> Result<()> {
        self.checkpoints.drop(key)
    }
}
