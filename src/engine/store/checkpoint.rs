//! Checkpoints of unfinished training: a slot a key, each save whole or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use mmf_data::error::Result;

use super::blob::{Blob, seal, unseal};
use super::digest::Digest;
use super::disk::{Disk, Entry, files_in, guard};

/// The checkpoints of a store.
pub(super) struct Checkpoints {
    disk: Arc<Disk>,
    /// What a read-only store was given to keep.
    memory: Mutex<BTreeMap<Digest, Blob>>,
}

impl Checkpoints {
    pub(super) fn new(disk: Arc<Disk>) -> Checkpoints {
        Checkpoints { disk, memory: Mutex::new(BTreeMap::new()) }
    }

    /// Replaces the checkpoint of `key`; until the new one is whole the old one stands.
    pub(super) fn save(&self, key: &Digest, bytes: &[u8]) -> Result<()> {
        if self.disk.read_only {
            self.disk.refuse();
            guard(&self.memory).insert(*key, Blob::from_slice(bytes));
            return Ok(());
        }
        seal(&self.disk, &self.path(key), &Digest::of(bytes), bytes)
    }

    pub(super) fn load(&self, key: &Digest) -> Option<Blob> {
        if let Some(blob) = guard(&self.memory).get(key) {
            return Some(blob.clone());
        }
        unseal(&self.disk, Entry::Checkpoint, &self.path(key), None)
    }

    /// Removes the checkpoint of `key`, if there is one.
    pub(super) fn drop(&self, key: &Digest) -> Result<()> {
        guard(&self.memory).remove(key);
        if self.disk.read_only {
            return Ok(());
        }
        let path = self.path(key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.disk.trouble(&path, &error)),
            _ => Ok(()),
        }
    }

    /// Removes the checkpoints whose keys `keep` refuses, and returns the bytes freed.
    pub(super) fn retain(&self, keep: &dyn Fn(&Digest) -> bool) -> u64 {
        let mut freed = 0;
        for (path, bytes) in self.files() {
            let key = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            if !key.is_some_and(|key| keep(&key)) && fs::remove_file(&path).is_ok() {
                freed += bytes;
            }
        }
        freed
    }

    pub(super) fn files(&self) -> Vec<(PathBuf, u64)> {
        files_in(&self.disk.path("checkpoints"))
    }

    fn path(&self, key: &Digest) -> PathBuf {
        self.disk.path("checkpoints").join(key.to_string())
    }
}
