//! What a pipeline reads, found in its text, so that it is known of a file with mistakes too: every string that could be
//! a path. Folders are watched, not files, for many programs save by putting a new file in the place of the old.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use mmf_lang::analysis::Checked;

/// Files and folders whose changes matter.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    files: BTreeSet<PathBuf>,
    /// Folders below which every file matters: those of path templates.
    trees: BTreeSet<PathBuf>,
    /// What to watch, and whether with all folders below.
    folders: BTreeSet<(PathBuf, bool)>,
    /// The store and the run folders, which mmf writes itself.
    own: Vec<PathBuf>,
}

impl Inputs {
    /// Returns the inputs of a file, as far as they can be known from its text and that of the files it uses.
    pub(crate) fn of(file: &Path, checked: Option<&Checked>, own: &[PathBuf]) -> Inputs {
        let mut inputs = Inputs { own: own.iter().map(|p| whole(p)).collect(), ..Inputs::default() };
        inputs.file(file);
        match checked {
            Some(checked) => {
                for source in &checked.files {
                    let path = Path::new(&source.path);
                    let base = path.parent().map(Path::to_path_buf).unwrap_or_default();
                    let base = if source.base.is_empty() { base } else { PathBuf::from(&source.base) };
                    inputs.file(path);
                    inputs.text(&source.text, &base);
                }
            }
            None => {
                let base = file.parent().map(Path::to_path_buf).unwrap_or_default();
                inputs.text(&std::fs::read_to_string(file).unwrap_or_default(), &base);
            }
        }
        inputs
    }

    /// Returns the folders to watch, and whether with all folders below.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &(PathBuf, bool)> {
        self.folders.iter()
    }

    /// Says whether a change of that path matters.
    pub(crate) fn has(&self, path: &Path) -> bool {
        let path = whole(path);
        if self.own.iter().any(|own| path.starts_with(own)) {
            return false;
        }
        // A folder that was moved in or away brings or takes the files in it.
        self.files.iter().any(|f| f.starts_with(&path))
            || self.trees.iter().any(|t| path.starts_with(t) || t.starts_with(&path))
    }

    fn file(&mut self, path: &Path) {
        let path = whole(path);
        self.watch(path.parent().unwrap_or(&path), false);
        self.files.insert(path);
    }

    fn tree(&mut self, path: &Path) {
        let path = whole(path);
        self.watch(&path, true);
        self.trees.insert(path);
    }

    /// Watches a folder, or the nearest one above that is there.
    fn watch(&mut self, folder: &Path, deep: bool) {
        let there = folder.ancestors().find(|f| f.is_dir());
        let Some(there) = there else { return };
        self.folders.insert((there.to_path_buf(), deep && there == folder));
    }

    fn text(&mut self, text: &str, base: &Path) {
        for string in strings(text) {
            if string.is_empty() || string.len() > 1000 {
                continue;
            }
            match string.split_once('{') {
                // `posters/{film}.jpg`: all of `posters`.
                Some((before, _)) => {
                    let folder = before.rfind('/').map_or("", |at| &before[..at]);
                    self.tree(&base.join(folder));
                }
                None if string.contains(['/', '.', '\\']) => self.file(&base.join(string)),
                None => {}
            }
        }
    }
}

/// Returns the strings of a text, comments left out.
fn strings(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut begun: Option<usize> = None;
    let (mut comment, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match (c, begun) {
            ('\n', _) => (comment, begun, escaped) = (false, None, false),
            _ if comment => {}
            _ if escaped => escaped = false,
            ('\\', Some(_)) => escaped = true,
            ('"', Some(start)) => {
                found.push(&text[start..at]);
                begun = None;
            }
            ('"', None) => begun = Some(at + 1),
            ('#', None) => comment = true,
            _ => {}
        }
    }
    found
}

/// Returns a path from the root, without `.` and `..`; links in the part of it that exists are followed.
fn whole(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    // What is not there yet has its place all the same.
    let there = plain.ancestors().find_map(|a| Some((a.canonicalize().ok()?, plain.strip_prefix(a).ok()?)));
    match there {
        Some((there, rest)) if !rest.as_os_str().is_empty() => there.join(rest),
        Some((there, _)) => there,
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_and_comments_are_not() {
        let text = "source a = table(\"d/a.csv\") { # \"no\"\n  p: image(\"p/{x}.png\"), t: \"say \\\"x\\\"\" }";
        assert_eq!(strings(text), ["d/a.csv", "p/{x}.png", "say \\\"x\\\""]);
    }

    #[test]
    fn what_the_text_names_matters_and_the_store_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir(root.join("p")).unwrap();
        std::fs::write(root.join("a.mmf"), "source a = table(\"d/a.csv\") { p: image(\"p/{x}.png\") }").unwrap();
        let inputs = Inputs::of(&root.join("a.mmf"), None, &[root.join(".mmf"), root.join("runs")]);
        for path in ["a.mmf", "d/a.csv", "p/new.png", "d"] {
            assert!(inputs.has(&root.join(path)), "{path}");
        }
        for path in [".mmf/traces.log", "runs/latest", "b.mmf", "q/new.png"] {
            assert!(!inputs.has(&root.join(path)), "{path}");
        }
        let folders: Vec<_> = inputs.folders().cloned().collect();
        let root = root.canonicalize().unwrap();
        assert_eq!(folders, [(root.clone(), false), (root.join("p"), true)]);
    }
}
