//! The checker's window on the disk. It reads data with the readers of the sources, so that what `check` says of a
//! file is what a run would find.
//!
//! Files up to 64 MB are read whole; of longer ones the first 64 MB are a sample. What was found is kept in memory and,
//! where a folder is given, on disk, under a hash of the request, of the files' lengths and times, and of the times of
//! the folders whose files are named: an unchanged file costs its `stat`.

mod cache;
mod scan;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use mmf_lang::say;
use mmf_lang::world::{FileKind, Port, Ports, Scan, ScanRequest, World, WorldError};

use crate::extract::fault::Fault;
use crate::extract::{onnx, word_vectors};

/// Files on disk, as the checker needs them.
#[derive(Debug, Default)]
pub struct DiskWorld {
    /// A folder for what scans found; made when first needed.
    cache: Option<PathBuf>,
    scans: Mutex<HashMap<String, Arc<Scan>>>,
}

impl DiskWorld {
    /// Returns a world that keeps scans in memory only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a world that keeps scans in a folder too, which need not be there. What cannot be written is not kept.
    pub fn with_cache(folder: impl Into<PathBuf>) -> Self {
        DiskWorld { cache: Some(folder.into()), ..Self::default() }
    }
}

impl World for DiskWorld {
    fn text(&self, base: &str, path: &str) -> Result<Arc<str>, WorldError> {
        let bytes = read(&Path::new(base).join(path))?;
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Arc::from(text)),
            Err(e) => {
                let before = &bytes[..e.valid_up_to()];
                let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
                Err(WorldError::Broken(say!(
                    "is not UTF-8: line {line}; save it as UTF-8",
                    "不是 UTF-8 编码：第 {line} 行；请存为 UTF-8"
                )))
            }
        }
    }

    fn folder(&self, base: &str, path: &str) -> String {
        let path = Path::new(base).join(path);
        path.parent().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn scan(&self, request: &ScanRequest) -> Result<Arc<Scan>, (usize, WorldError)> {
        let stamp = cache::stamp(request)?;
        if let Some(key) = &stamp {
            let known = self.scans.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
            let known = known.or_else(|| cache::load(self.cache.as_deref()?, key).map(Arc::new));
            if let Some(scan) = known {
                self.scans.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), scan.clone());
                return Ok(scan);
            }
        }
        let scan = Arc::new(scan::scan(request)?);
        if let Some(key) = stamp {
            if let Some(folder) = &self.cache {
                cache::save(folder, &key, &scan);
            }
            self.scans.lock().unwrap_or_else(PoisonError::into_inner).insert(key, scan.clone());
        }
        Ok(scan)
    }

    fn ports(&self, base: &str, path: &str, kind: FileKind) -> Result<Arc<Ports>, WorldError> {
        let path = Path::new(base).join(path);
        match kind {
            FileKind::Vectors => {
                let width = word_vectors::width(&path).map_err(fault)?;
                let port = Port { name: String::new(), float: true, shape: vec![Some(width as u64)] };
                Ok(Arc::new(Ports { inputs: Vec::new(), outputs: vec![port] }))
            }
            FileKind::Model => onnx::ports(&path).map(Arc::new).map_err(fault),
            FileKind::Json => match onnx::is_json(&path) {
                Ok(true) => Ok(Arc::default()),
                Ok(false) => Err(WorldError::Broken(say!("it is no JSON", "它不是 JSON"))),
                Err(error) => Err(unreadable(&error)),
            },
        }
    }

    fn memory(&self) -> Option<u64> {
        memory()
    }
}

/// Reads a file whole.
fn read(path: &Path) -> Result<Vec<u8>, WorldError> {
    std::fs::read(path).map_err(|e| unreadable(&e))
}

fn fault(fault: Fault) -> WorldError {
    match fault {
        Fault::Unreadable(error) => unreadable(&error),
        Fault::Broken(why) => WorldError::Broken(why),
    }
}

fn unreadable(error: &std::io::Error) -> WorldError {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => WorldError::Missing,
        _ => WorldError::Broken(say!("cannot be read: {error}", "无法读取：{error}")),
    }
}

/// Returns what memory the machine has, in bytes: the least of its own and of the control group's limit.
fn memory() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let bytes = total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)?;
    let limit = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    Some(limit.map_or(bytes, |limit| limit.min(bytes)))
}

#[cfg(test)]
mod tests;
