//! A world in memory: files by name, and what a scan would find in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use mmf_lang::world::{Scan, ScanRequest, World, WorldError};

/// Texts of `.mmf` files by path. There are no data: specifications are checked with `data: false`.
#[derive(Default)]
pub struct Memory {
    pub texts: BTreeMap<String, String>,
    pub memory: Option<u64>,
}

impl Memory {
    pub fn with(path: &str, text: &str) -> Self {
        Memory { texts: [(path.to_string(), text.to_string())].into(), memory: None }
    }
}

impl World for Memory {
    fn text(&self, _: &str, path: &str) -> Result<Arc<str>, WorldError> {
        self.texts.get(path).map(|t| t.as_str().into()).ok_or(WorldError::Missing)
    }

    fn folder(&self, _: &str, _: &str) -> String {
        String::new()
    }

    fn scan(&self, _: &ScanRequest) -> Result<Arc<Scan>, (usize, WorldError)> {
        Err((0, WorldError::Missing))
    }

    fn memory(&self) -> Option<u64> {
        self.memory
    }
}
