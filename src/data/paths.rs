//! Paths of files, a path a row: there may be a million, so they lie end to end, and the folder that they share stands once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::values::Texts;

/// A path a row; a row without one has an empty path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Paths {
    folder: Arc<PathBuf>,
    texts: Arc<Texts>,
}

impl Paths {
    /// Returns as many rows without a path.
    pub fn none(rows: usize) -> Self {
        Paths { folder: Arc::default(), texts: Arc::new(std::iter::repeat_n("", rows).collect()) }
    }

    pub fn len(&self) -> usize {
        self.texts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Tells whether the row has a path.
    pub fn has(&self, row: usize) -> bool {
        !self.texts.get(row).is_empty()
    }

    pub fn get(&self, row: usize) -> PathBuf {
        if self.has(row) { self.folder.join(self.texts.get(row)) } else { PathBuf::new() }
    }

    /// Returns the path of the row as it stands in the folder.
    pub fn text(&self, row: usize) -> &str {
        self.texts.get(row)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn iter(&self) -> impl Iterator<Item = PathBuf> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Returns the same paths, each as it is found from `folder`; their texts are shared.
    pub fn within(&self, folder: &Path) -> Paths {
        Paths { folder: Arc::new(folder.join(&*self.folder)), texts: self.texts.clone() }
    }

    /// Finds a path, as [`Paths::get`] returns it, among the places in `ordered`, which ascend by their texts; the first, where
    /// several have it.
    pub fn find(&self, ordered: &[u32], path: &Path) -> Option<u32> {
        let whole = path.as_os_str().as_encoded_bytes();
        let folder = self.folder.as_os_str().as_encoded_bytes();
        let within =
            whole.strip_prefix(folder).map(|rest| rest.strip_prefix(b"/").or(rest.strip_prefix(b"\\")).unwrap_or(rest));
        within.into_iter().chain([whole]).find_map(|text| {
            let at = ordered.partition_point(|&row| self.text(row as usize).as_bytes() < text);
            ordered.get(at).copied().filter(|&row| self.get(row as usize) == path)
        })
    }

    /// Returns the paths of these rows, in this order.
    pub fn take(&self, rows: &[u32]) -> Paths {
        let texts = rows.iter().map(|&row| self.texts.get(row as usize)).collect();
        Paths { folder: self.folder.clone(), texts: Arc::new(texts) }
    }
}

impl From<Texts> for Paths {
    fn from(texts: Texts) -> Paths {
        Paths { folder: Arc::default(), texts: Arc::new(texts) }
    }
}

impl<P: AsRef<Path>> FromIterator<P> for Paths {
    fn from_iter<I: IntoIterator<Item = P>>(paths: I) -> Self {
        let mut texts = Texts::default();
        paths.into_iter().for_each(|path| texts.push(&path.as_ref().to_string_lossy()));
        texts.shrink();
        Paths::from(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stand_in_their_folder_and_absent_ones_nowhere() {
        let paths: Paths = ["a/b.png", "", "/c.png"].iter().collect();
        let whole = paths.within(Path::new("/data")).within(Path::new("/home"));
        let found: Vec<PathBuf> = whole.iter().collect();
        assert_eq!(found, [PathBuf::from("/data/a/b.png"), PathBuf::new(), PathBuf::from("/c.png")]);
        assert_eq!((whole.has(0), whole.has(1)), (true, false));
        assert_eq!(whole.take(&[2, 0]).iter().collect::<Vec<_>>(), [found[2].clone(), found[0].clone()]);
        assert_eq!(Paths::none(2), ["", ""].iter().collect());
        for row in [0, 2] {
            assert_eq!(whole.find(&[1, 2, 0], &found[row]), Some(row as u32));
        }
        assert_eq!(whole.find(&[1, 2, 0], Path::new("/data/c.png")), None);
    }
}
