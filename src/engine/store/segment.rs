//! One file of rows: records, their index, and where the index begins. Written once, then only read or removed.
//!
//! ```text
//! record: kind value or skip, payload: key 16, value or UTF-8 reason
//! …
//! record: kind index, payload: for each row key 16, offset u64
//! trailer: offset of the index u64, "mmfindex"
//! ```

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::digest::{Digest, Hasher};
use super::disk::{Content, Disk, Entry};
use super::record;
use super::rows::RowKey;

pub(super) const VALUE: u32 = 1;
pub(super) const SKIP: u32 = 2;
const INDEX: u32 = 3;
const TRAILER: usize = 16;
const MAGIC: &[u8; 8] = b"mmfindex";

/// A segment that is open for reading; it holds no file handle.
pub(super) struct Segment {
    pub(super) path: PathBuf,
    /// Later segments have larger ones; where two hold a key, the later one is right.
    pub(super) id: u64,
    pub(super) content: Arc<Content>,
    salt: Digest,
}

/// The rows of a segment in the order of writing, and whether its index had to be rebuilt.
pub(super) struct Listing {
    pub(super) rows: Vec<(RowKey, u64)>,
    pub(super) rebuilt: bool,
}

impl Segment {
    /// Opens a segment. A damaged index is reported and rebuilt by reading all records; stretches where there is none are
    /// reported too.
    pub(super) fn open(disk: &Disk, stage: &Digest, path: &Path) -> io::Result<(Segment, Listing)> {
        let segment = Segment::written(stage, path)?;
        let listing = match segment.index() {
            Some(rows) => Listing { rows, rebuilt: false },
            None => segment.rebuild(disk),
        };
        segment.content.rest();
        Ok((segment, listing))
    }

    /// Opens a segment whose rows are known, for it was just written.
    pub(super) fn written(stage: &Digest, path: &Path) -> io::Result<Segment> {
        let file = File::open(path)?;
        let content = if file.metadata()?.len() == 0 { Content::Held(Vec::new()) } else { Content::map(&file)? };
        Ok(Segment::from_content(stage, path, content))
    }

    /// Takes a segment that is in memory.
    pub(super) fn from_content(stage: &Digest, path: &Path, content: Content) -> Segment {
        Segment { path: path.to_owned(), id: id(path), content: Arc::new(content), salt: salt(stage, path) }
    }

    /// Returns the key and the kind of the row at `offset` and where its value stands, or `None` where the record is damaged.
    pub(super) fn row(&self, offset: u64) -> Option<(RowKey, u32, Range<usize>)> {
        let record = record::read(&self.content, 0, usize::try_from(offset).ok()?, &self.salt)?;
        let start = record.offset as usize + record::HEADER;
        let key = RowKey(*record.payload.first_chunk()?);
        let range = start + key.0.len()..start + record.payload.len();
        matches!(record.kind, VALUE | SKIP).then_some((key, record.kind, range))
    }

    fn index(&self) -> Option<Vec<(RowKey, u64)>> {
        let (records, trailer) = self.content.split_last_chunk::<TRAILER>()?;
        let start = usize::try_from(u64::from_le_bytes(*trailer.first_chunk()?)).ok()?;
        if trailer[8..] != *MAGIC || start % record::ALIGN != 0 {
            return None;
        }
        let record = record::read(records, 0, start, &self.salt)?;
        if record.kind != INDEX || record.end != records.len() as u64 {
            return None;
        }
        let (entries, rest) = record.payload.as_chunks::<24>();
        rest.is_empty().then(|| entries.iter().filter_map(entry).collect())
    }

    fn rebuild(&self, disk: &Disk) -> Listing {
        let mut rows = Vec::new();
        // From here on lies what is no row: the index, its trailer, or what is left of them.
        let mut rows_end = 0;
        let mut damaged = record::scan(&self.content, 0, &self.salt, &mut |record| match record.kind {
            VALUE | SKIP => {
                if let Some(key) = record.payload.first_chunk() {
                    rows.push((RowKey(*key), record.offset));
                }
                rows_end = record.end;
            }
            _ => {}
        });
        damaged.retain(|stretch| stretch.start < rows_end);
        for stretch in damaged {
            disk.report(Entry::Row, &self.path, stretch.end - stretch.start);
        }
        disk.report(Entry::Index, &self.path, self.content.len() as u64 - rows_end);
        Listing { rows, rebuilt: true }
    }
}

/// Writes the rows as a segment that will stand at `path`, and returns where each of them is.
pub(super) fn write<'a>(
    out: &mut dyn Write,
    stage: &Digest,
    path: &Path,
    rows: impl Iterator<Item = (RowKey, u32, &'a [u8])>,
) -> io::Result<Vec<(RowKey, u64)>> {
    let salt = salt(stage, path);
    let (mut offset, mut places, mut buffer) = (0u64, Vec::new(), Vec::new());
    for (key, kind, value) in rows {
        buffer.clear();
        places.push((key, offset));
        offset += record::encode(&mut buffer, &salt, offset, kind, &[&key.0, value]);
        out.write_all(&buffer)?;
    }
    record::write(out, &salt, offset, (INDEX, 24 * places.len()), &|piece| {
        let mut entry = [0; 24];
        for (key, offset) in &places {
            entry[..16].copy_from_slice(&key.0);
            entry[16..].copy_from_slice(&offset.to_le_bytes());
            piece(&entry);
        }
    })?;
    out.write_all(&offset.to_le_bytes())?;
    out.write_all(MAGIC)?;
    Ok(places)
}

/// Returns a file name for a segment that no other process will choose.
pub(super) fn name(id: u64) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut hasher = Hasher::new("segment");
    hasher.u64(u64::from(std::process::id())).u64(COUNT.fetch_add(1, Ordering::Relaxed)).u64(now());
    format!("{id:016x}-{}.rows", hasher.finish().short())
}

/// Returns microseconds since 1970.
pub(super) fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_micros() as u64)
}

/// Says whether a file in a row set's folder is a segment.
pub(super) fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rows")
}

fn id(path: &Path) -> u64 {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

fn salt(stage: &Digest, path: &Path) -> Digest {
    let name = path.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
    Hasher::new("rows").digest(stage).bytes(name).finish()
}

fn entry(bytes: &[u8; 24]) -> Option<(RowKey, u64)> {
    let (key, offset) = bytes.split_first_chunk::<16>()?;
    Some((RowKey(*key), u64::from_le_bytes(*offset.first_chunk()?)))
}
