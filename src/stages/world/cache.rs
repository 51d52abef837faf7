//! What scans found, kept by all that it depends on.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mmf_lang::args::{ColumnKind, PathTemplate};
use mmf_lang::world::{NumpyKeys, Scan, ScanFormat, ScanRequest, WorldError};

/// Raise it when scans find something else in the same files.
const VERSION: &str = "scan 1";
/// A file changed so lately may change again without its time telling.
const FRESH: Duration = Duration::from_secs(2);

/// Returns the key of a scan; `None` where a file is too fresh to be known by its time.
///
/// # Errors
/// Names the path of the request that is not there.
pub(super) fn stamp(request: &ScanRequest) -> Result<Option<String>, (usize, WorldError)> {
    let base = Path::new(&request.base);
    let mut hash = blake3::Hasher::new();
    hash.update(VERSION.as_bytes());
    hash.update(std::path::absolute(base).unwrap_or_default().to_string_lossy().as_bytes());
    hash.update(format!("{:?} {:?} {:?}", request.paths, request.format, request.columns).as_bytes());
    for (column, keys) in &request.keys {
        hash.update(format!("{column} {}", keys.len()).as_bytes());
        keys.iter().for_each(|key| _ = hash.update(key.as_bytes()).update(&[0]));
    }
    let mut settled = true;
    for (i, path) in request.paths.iter().enumerate() {
        settled &= file(&base.join(path), &mut hash).map_err(|e| (i, e))?;
    }
    if let ScanFormat::Numpy { keys: NumpyKeys::File(path), .. } = &request.format {
        settled &= file(&base.join(path), &mut hash).map_err(|e| (request.paths.len(), e))?;
    }
    for column in &request.columns {
        if let ColumnKind::Image(template) | ColumnKind::TextFile(_, template) = &column.kind {
            let (folder, depth) = root(template);
            settled &= folders(&base.join(folder), depth, &mut hash);
        }
    }
    Ok(settled.then(|| hash.finalize().to_hex().to_string()))
}

fn file(path: &Path, hash: &mut blake3::Hasher) -> Result<bool, WorldError> {
    let known = std::fs::metadata(path).map_err(|e| super::unreadable(&e))?;
    if known.is_dir() {
        return Err(WorldError::Broken(mmf_lang::say!("is a folder", "是文件夹")));
    }
    hash.update(&known.len().to_le_bytes());
    Ok(time(&known, hash))
}

/// Hashes when a file or folder last changed; returns whether that is long enough ago.
fn time(known: &std::fs::Metadata, hash: &mut blake3::Hasher) -> bool {
    let Ok(time) = known.modified() else { return false };
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    hash.update(&since.as_nanos().to_le_bytes());
    SystemTime::now().duration_since(time).is_ok_and(|age| age > FRESH)
}

/// Returns the folder above the first cell of a template, and how many levels of folders the cells make.
fn root(template: &PathTemplate) -> (PathBuf, usize) {
    let first = &template.texts[0];
    let folder = first.rsplit_once('/').map_or("", |(folder, _)| folder);
    let depth = template.texts[1..].iter().map(|text| text.matches('/').count()).sum();
    (Path::new(template.root.as_deref().unwrap_or("")).join(folder), depth)
}

/// Hashes the times of folders down to a depth: they change with every file that comes or goes.
fn folders(folder: &Path, depth: usize, hash: &mut blake3::Hasher) -> bool {
    let Ok(known) = std::fs::metadata(folder) else {
        hash.update(b"none");
        return true;
    };
    let mut settled = time(&known, hash);
    if depth > 0 {
        let mut inner: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        inner.sort();
        for path in inner.iter().filter(|path| path.is_dir()) {
            hash.update(path.to_string_lossy().as_bytes());
            settled &= folders(path, depth - 1, hash);
        }
    }
    settled
}

/// Returns what was kept; what cannot be read was not kept.
pub(super) fn load(folder: &Path, key: &str) -> Option<Scan> {
    let bytes = std::fs::read(folder.join(format!("{key}.json"))).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Keeps a scan, whole or not at all. A folder that cannot be written costs only time.
pub(super) fn save(folder: &Path, key: &str, scan: &Scan) {
    let Ok(bytes) = serde_json::to_vec(scan) else { return };
    let new = folder.join(format!("{key}.{}.new", std::process::id()));
    let kept = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&new, bytes))
        .and_then(|()| std::fs::rename(&new, folder.join(format!("{key}.json"))));
    if kept.is_err() {
        _ = std::fs::remove_file(&new);
    }
}
