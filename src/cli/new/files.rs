//! Which files there are: tables, arrays, and folders of pictures and texts.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use mmf_lang::say;

use crate::cli::trouble::Trouble;

/// Endings of tables, arrays, pictures and texts.
const TABLES: [&str; 7] = ["csv", "tsv", "tab", "txt", "jsonl", "ndjson", "parquet"];
pub(super) const PICTURES: [&str; 9] = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "ppm"];
/// How deep folders are searched, and how many tables are taken.
const DEPTH: usize = 3;
const MOST: usize = 40;

/// What was found, in the order of the names.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) tables: Vec<PathBuf>,
    pub(super) arrays: Vec<PathBuf>,
    /// Folders with files whose stems may be keys, and the endings of those files.
    pub(super) folders: BTreeMap<PathBuf, BTreeMap<String, usize>>,
}

/// Searches files and folders.
pub(super) fn search(inputs: &[PathBuf]) -> Result<Found, Trouble> {
    let mut found = Found::default();
    for input in inputs {
        let shown = input.display();
        if input.is_dir() {
            below(input, 0, &mut found);
        } else if !input.exists() {
            return Err(Trouble::usage(say!("there is no file `{shown}`", "文件 `{shown}` 不存在")));
        } else if !take(input, &mut found) {
            return Err(Trouble::usage(say!("`{shown}` is no table and no array", "`{shown}` 既不是表格也不是数组"))
                .help(Some(say!(
                    "CSV, TSV, JSON lines, Parquet and .npy are read, by their endings",
                    "按扩展名读取 CSV、TSV、JSON lines、Parquet 和 .npy"
                ))));
        } else if let Some(folder) = input.parent() {
            // Pictures are often in a folder beside their table.
            around(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }, &mut found);
        }
    }
    found.tables.truncate(MOST);
    found.arrays.truncate(MOST);
    if found.tables.is_empty() && found.arrays.is_empty() {
        let shown = inputs.first().map(|p| p.display().to_string()).unwrap_or_default();
        return Err(Trouble::usage(say!("there is no table and no array in `{shown}`", "`{shown}` 中没有表格或数组")));
    }
    Ok(found)
}

pub(super) fn ending(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

fn take(path: &Path, found: &mut Found) -> bool {
    let ending = ending(path);
    let list = match ending.as_str() {
        "npy" => &mut found.arrays,
        e if TABLES.contains(&e) => &mut found.tables,
        _ => return false,
    };
    if !list.contains(&path.to_path_buf()) {
        list.push(path.to_path_buf());
    }
    true
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.retain(|p| p.file_name().is_some_and(|n| !n.to_string_lossy().starts_with('.')));
    paths.sort();
    paths
}

fn below(folder: &Path, depth: usize, found: &mut Found) {
    if folder.join("run.json").is_file() {
        return;
    }
    note(folder, found);
    for path in entries(folder) {
        if path.is_dir() {
            if depth < DEPTH {
                below(&path, depth + 1, found);
            }
        } else if ending(&path) != "txt" {
            // Texts are rarely tables, unless they are named.
            take(&path, found);
        }
    }
}

fn around(folder: &Path, found: &mut Found) {
    note(folder, found);
    entries(folder).iter().filter(|p| p.is_dir()).for_each(|p| note(p, found));
}

/// Notes which endings the files of a folder have.
fn note(folder: &Path, found: &mut Found) {
    let mut endings: BTreeMap<String, usize> = BTreeMap::new();
    for path in entries(folder) {
        let ending = ending(&path);
        if PICTURES.contains(&ending.as_str()) || ending == "txt" {
            // As written: paths tell apart `.JPG` and `.jpg`.
            let written = path.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
            *endings.entry(written).or_default() += 1;
        }
    }
    found.folders.insert(folder.to_path_buf(), endings);
}

/// Returns a path as it is written in a file that lies in `base`, with `/` between its parts.
pub(super) fn relative(path: &Path, base: &Path) -> String {
    let whole = |p: &Path| {
        let p = if p.as_os_str().is_empty() { Path::new(".") } else { p };
        p.canonicalize().or_else(|_| std::path::absolute(p)).unwrap_or_else(|_| p.to_path_buf())
    };
    let (path, base) = (whole(path), whole(base));
    let (there, here): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (path.components().collect(), base.components().collect());
    let common = there.iter().zip(&here).take_while(|(a, b)| a == b).count();
    if common == 0 {
        return path.to_string_lossy().into_owned();
    }
    let up = std::iter::repeat_n("..".to_string(), here.len() - common);
    let down = there[common..].iter().map(|c| c.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    if parts.is_empty() { ".".into() } else { parts.join("/") }
}
