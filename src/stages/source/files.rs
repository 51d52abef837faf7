//! Paths that the cells of a row name, and whether their files are there: a folder is listed once, not asked a row.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use mmf_lang::args::PathTemplate;

use super::read::{Cells, Frame};

/// A template whose headers were found.
pub(crate) struct Paths<'a> {
    template: &'a PathTemplate,
    cells: Vec<&'a Cells>,
}

impl<'a> Paths<'a> {
    /// Returns `None` where a header of the template is absent.
    pub(crate) fn new(template: &'a PathTemplate, frame: &'a Frame) -> Option<Self> {
        let cells = template.headers.iter().map(|h| frame.find(h)).collect::<Option<_>>()?;
        Some(Paths { template, cells })
    }

    /// Returns the row's path, relative to the folder of the `.mmf` file; `None` where a cell in it is empty.
    pub(crate) fn path(&self, row: usize) -> Option<PathBuf> {
        let mut path = self.template.texts[0].clone();
        for (cells, text) in self.cells.iter().zip(&self.template.texts[1..]) {
            let cell = cells.texts.get(row);
            if cell.is_empty() {
                return None;
            }
            path.push_str(cell);
            path.push_str(text);
        }
        let path = PathBuf::from(path);
        Some(match &self.template.root {
            Some(root) => Path::new(root).join(path),
            None => path,
        })
    }
}

/// Folders as they were when first asked for.
#[derive(Debug)]
pub(crate) struct Folders {
    base: PathBuf,
    names: HashMap<PathBuf, HashSet<OsString>>,
}

impl Folders {
    pub(crate) fn new(base: &Path) -> Self {
        Folders { base: base.to_path_buf(), names: HashMap::new() }
    }

    /// Returns whether a file of that path, relative to the base, is there.
    pub(crate) fn has(&mut self, path: &Path) -> bool {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return false };
        if !self.names.contains_key(folder) {
            let listed = std::fs::read_dir(self.base.join(folder));
            let names = listed.into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
            self.names.insert(folder.to_path_buf(), names);
        }
        self.names[folder].contains(name)
    }
}
