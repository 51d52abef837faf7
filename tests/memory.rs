//! A world in memory: `.mmf` files by name. Data files stand in a folder of their own and are read as the binary would.

use std::collections::BTreeMap;
use std::sync::Arc;

use mmf_lang::world::{FileKind, Ports, Scan, ScanRequest, World, WorldError};
use mmf_stages::world::DiskWorld;
use tempfile::TempDir;

/// Texts of `.mmf` files by path, and data files.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) texts: BTreeMap<String, String>,
    /// The data files that were given; without, no file is there.
    pub(crate) data: Option<TempDir>,
    /// Memory of the machine in bytes.
    pub(crate) memory: Option<u64>,
}

impl Memory {
    /// Puts data files where scans find them.
    pub(crate) fn give(&mut self, files: &BTreeMap<String, Vec<u8>>) {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        self.data = Some(folder);
    }
}

impl World for Memory {
    fn text(&self, base: &str, path: &str) -> Result<Arc<str>, WorldError> {
        let full = if base.is_empty() { path.to_string() } else { format!("{base}/{path}") };
        self.texts.get(&full).map(|t| t.as_str().into()).ok_or(WorldError::Missing)
    }

    fn folder(&self, base: &str, path: &str) -> String {
        let full = if base.is_empty() { path.to_string() } else { format!("{base}/{path}") };
        full.rsplit_once('/').map(|(folder, _)| folder.to_string()).unwrap_or_default()
    }

    fn scan(&self, request: &ScanRequest) -> Result<Arc<Scan>, (usize, WorldError)> {
        let Some(data) = &self.data else { return Err((0, WorldError::Missing)) };
        let base = data.path().join(&request.base).to_string_lossy().into_owned();
        DiskWorld::new().scan(&ScanRequest { base, ..request.clone() })
    }

    fn ports(&self, base: &str, path: &str, kind: FileKind) -> Result<Arc<Ports>, WorldError> {
        let Some(data) = &self.data else { return Err(WorldError::Missing) };
        DiskWorld::new().ports(&data.path().join(base).to_string_lossy(), path, kind)
    }

    fn memory(&self) -> Option<u64> {
        self.memory
    }
}
