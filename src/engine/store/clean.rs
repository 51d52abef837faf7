//! How much a store holds, and how it is made smaller.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use mmf_data::error::Result;

use super::digest::Digest;
use super::disk::{files_in, folders_in, guard};
use super::{Store, rows};

/// What a store holds on disk. Bytes are of files, headers included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub blobs: u64,
    pub blob_bytes: u64,
    pub row_sets: u64,
    pub row_segments: u64,
    pub row_bytes: u64,
    pub traces: u64,
    pub trace_bytes: u64,
    pub file_digests: u64,
    pub file_bytes: u64,
    pub checkpoints: u64,
    pub checkpoint_bytes: u64,
}

impl Usage {
    /// Returns the bytes of all kinds together.
    pub fn bytes(&self) -> u64 {
        self.blob_bytes + self.row_bytes + self.trace_bytes + self.file_bytes + self.checkpoint_bytes
    }
}

impl Store {
    /// Counts what the store holds.
    pub fn usage(&self) -> Usage {
        let blobs = self.blobs.files();
        let sets = self.row_folders();
        let segments: Vec<(PathBuf, u64)> = sets.iter().flat_map(|folder| files_in(folder)).collect();
        let checkpoints = self.checkpoints.files();
        let bytes = |files: &[(PathBuf, u64)]| files.iter().map(|(_, bytes)| bytes).sum();
        let (traces, trace_bytes) = self.traces.usage();
        let (file_digests, file_bytes) = self.files.usage();
        Usage {
            blobs: blobs.len() as u64,
            blob_bytes: bytes(&blobs),
            row_sets: sets.len() as u64,
            row_segments: segments.len() as u64,
            row_bytes: bytes(&segments),
            traces,
            trace_bytes,
            file_digests,
            file_bytes,
            checkpoints: checkpoints.len() as u64,
            checkpoint_bytes: bytes(&checkpoints),
        }
    }

    /// Removes what no kept trace needs, and returns the bytes freed.
    ///
    /// `keep` is asked for the key of each trace, checkpoint and row set. A blob or row set that a kept trace names is kept
    /// too; so an unfinished extraction keeps its rows only if `keep` says so of its row set. Killed in the middle, it
    /// leaves what a second call removes, and no trace without its outputs. No run may be going on in this process.
    ///
    /// # Errors
    /// E1042 where the store is read only, E1045 where another process has it open.
    pub fn collect(&self, keep: &dyn Fn(&Digest) -> bool) -> Result<u64> {
        self.disk.alone(|| {
            let before = self.traces.usage().1;
            self.traces.retain(keep)?;
            let mut freed = before.saturating_sub(self.traces.usage().1);
            let (mut blobs, mut sets) = (BTreeSet::new(), BTreeSet::new());
            for (_, trace) in self.traces.all() {
                blobs.extend(trace.outputs.into_values());
                sets.extend(trace.rows.iter().map(|stage| rows::folder(&self.disk, stage)));
            }
            freed += self.blobs.retain(&blobs);
            for folder in self.row_folders() {
                let name = folder.file_name().and_then(|name| name.to_str());
                let stage = name.and_then(|name| name.parse().ok());
                if !sets.contains(&folder) && !stage.is_some_and(|stage| keep(&stage)) {
                    freed += remove_folder(&folder);
                }
            }
            guard(&self.rows).clear();
            Ok(freed + self.checkpoints.retain(keep) + self.disk.sweep())
        })
    }

    /// Removes everything, and returns the bytes freed.
    ///
    /// # Errors
    /// As [`Store::collect`].
    pub fn clear(&self) -> Result<u64> {
        self.disk.alone(|| {
            // Traces first: an entry that is left over is garbage, a trace without its outputs would be a lie.
            let mut freed = 0;
            for log in ["traces.log", "files.log"] {
                let path = self.disk.path(log);
                let bytes = fs::metadata(&path).map_or(0, |meta| meta.len());
                freed += if fs::remove_file(&path).is_ok() { bytes } else { 0 };
            }
            self.traces.forget();
            self.files.forget();
            guard(&self.rows).clear();
            freed += self.blobs.retain(&BTreeSet::new());
            freed += self.row_folders().iter().map(|folder| remove_folder(folder)).sum::<u64>();
            Ok(freed + self.checkpoints.retain(&|_| false) + self.disk.sweep())
        })
    }

    fn row_folders(&self) -> Vec<PathBuf> {
        folders_in(&self.disk.path("rows")).iter().flat_map(|folder| folders_in(folder)).collect()
    }
}

/// Removes a folder of files, and returns the bytes of those that are gone.
fn remove_folder(folder: &std::path::Path) -> u64 {
    let mut freed = 0;
    for (path, bytes) in files_in(folder) {
        freed += if fs::remove_file(path).is_ok() { bytes } else { 0 };
    }
    // Left over only where something in it could not be removed.
    let _ = fs::remove_dir(folder);
    freed
}
