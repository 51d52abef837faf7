//! Whole contents, each in a file named by its digest.
//!
//! ```text
//! "mmfblob1" 8 | length u64 | digest 32 | zeros 16 | payload
//! ```
//! The header is 64 bytes, so that a mapped payload begins at a multiple of 64 and can be read as numbers in place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use mmf_data::error::Result;

use super::digest::{Digest, Summed};
use super::disk::{Content, Disk, Entry, files_in, folders_in, guard};

const MAGIC: &[u8; 8] = b"mmfblob1";
const HEADER: usize = 64;
/// Below this many bytes a file is read, above it is mapped.
const MAP_FROM: u64 = 64 * 1024;

/// Bytes, mapped or in memory; cheap to clone. The first byte of a stored result lies at a multiple of 64, of a stored row
/// at one of 16.
#[derive(Clone)]
pub struct Blob {
    content: Arc<Content>,
    range: Range<usize>,
}

impl Blob {
    /// Returns a blob in memory, copied to an aligned place.
    pub fn from_slice(bytes: &[u8]) -> Blob {
        let (mut held, start) = aligned(bytes.len());
        held.resize(start, 0);
        held.extend(bytes);
        Blob { content: Arc::new(Content::Held(held)), range: start..start + bytes.len() }
    }

    /// Returns the bytes as little-endian numbers, in place, where their count and their place allow it.
    pub fn as_f32s(&self) -> Option<&[f32]> {
        bytemuck::try_cast_slice(self).ok().filter(|_| cfg!(target_endian = "little"))
    }

    pub(super) fn part(content: &Arc<Content>, range: Range<usize>) -> Blob {
        Blob { content: content.clone(), range }
    }
}

impl From<Vec<u8>> for Blob {
    /// Takes the bytes as they lie.
    fn from(bytes: Vec<u8>) -> Blob {
        let range = 0..bytes.len();
        Blob { content: Arc::new(Content::Held(bytes)), range }
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.content[self.range.clone()]
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob({} bytes)", self.len())
    }
}

/// The blobs of a store.
pub(super) struct Blobs {
    disk: Arc<Disk>,
    /// What a read-only store was given to keep.
    memory: Mutex<BTreeMap<Digest, Blob>>,
}

impl Blobs {
    pub(super) fn new(disk: Arc<Disk>) -> Blobs {
        Blobs { disk, memory: Mutex::new(BTreeMap::new()) }
    }

    pub(super) fn put(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        // Read whole, not just looked for: a damaged one is replaced now, while its content is at hand.
        if self.get(&digest).is_some() {
            return Ok(digest);
        }
        if self.disk.read_only {
            self.disk.refuse();
            guard(&self.memory).insert(digest, Blob::from_slice(bytes));
        } else {
            seal(&self.disk, &self.path(&digest), &digest, bytes)?;
        }
        Ok(digest)
    }

    /// Stores what `fill` writes, which needs never be in memory whole, and returns its digest.
    pub(super) fn put_with(&self, fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> Result<Digest> {
        let trouble = |error: io::Error| self.disk.trouble(&self.disk.path("blobs"), &error);
        if self.disk.read_only {
            let mut bytes = Vec::new();
            fill(&mut bytes).map_err(trouble)?;
            return self.put(&bytes);
        }
        let mut write = || -> io::Result<Digest> {
            let temporary = self.disk.temporary()?;
            let mut file = temporary.as_file();
            file.seek(SeekFrom::Start(HEADER as u64))?;
            let mut out = BufWriter::with_capacity(1 << 16, Summed::new(self.disk.limit(file)));
            fill(&mut out)?;
            let (digest, length) = out.into_inner().map_err(io::IntoInnerError::into_error)?.finish();
            if self.get(&digest).is_none() {
                file.rewind()?;
                self.disk.limit(file).write_all(&header(&digest, length))?;
                self.disk.settle(temporary, &self.path(&digest))?;
            }
            Ok(digest)
        };
        write().map_err(trouble)
    }

    pub(super) fn get(&self, digest: &Digest) -> Option<Blob> {
        if let Some(blob) = guard(&self.memory).get(digest) {
            return Some(blob.clone());
        }
        unseal(&self.disk, Entry::Blob, &self.path(digest), Some(digest))
    }

    /// Says whether a blob is there, from its header and length alone.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        if guard(&self.memory).contains_key(digest) {
            return true;
        }
        let Ok(mut file) = File::open(self.path(digest)) else { return false };
        let mut header = [0; HEADER];
        let Ok(length) = file.metadata().map(|meta| meta.len()) else { return false };
        file.read_exact(&mut header).is_ok() && header_of(&header, length) == Some(*digest)
    }

    /// Removes all blobs but `kept`, and returns the bytes freed.
    pub(super) fn retain(&self, kept: &BTreeSet<Digest>) -> u64 {
        let mut freed = 0;
        for (path, bytes) in self.files() {
            let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            if !name.is_some_and(|digest| kept.contains(&digest)) && fs::remove_file(&path).is_ok() {
                freed += bytes;
            }
        }
        freed
    }

    /// Returns the files with their lengths, headers included.
    pub(super) fn files(&self) -> Vec<(PathBuf, u64)> {
        folders_in(&self.disk.path("blobs")).iter().flat_map(|folder| files_in(folder)).collect()
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.disk.path("blobs").join(&name[..2]).join(&name)
    }
}

/// Writes `bytes` under a header that tells their digest.
pub(super) fn seal(disk: &Disk, path: &Path, digest: &Digest, bytes: &[u8]) -> Result<()> {
    disk.write_whole(path, |out| {
        out.write_all(&header(digest, bytes.len() as u64))?;
        out.write_all(bytes)
    })
}

fn header(digest: &Digest, length: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&length.to_le_bytes());
    header[16..48].copy_from_slice(digest.as_bytes());
    header
}

/// Reads what [`seal`] wrote. A damaged file is reported, removed, and counts as absent; so does one that holds another
/// digest than the `expected`.
pub(super) fn unseal(disk: &Disk, entry: Entry, path: &Path, expected: Option<&Digest>) -> Option<Blob> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(_) => {
            disk.report(entry, path, 0);
            return None;
        }
    };
    let length = file.metadata().map(|meta| meta.len()).unwrap_or(0);
    let blob = load(&file, length).ok().filter(|blob| {
        let header: Option<&[u8; HEADER]> = blob.content[..blob.range.start].last_chunk();
        let told = header.and_then(|header| header_of(header, length));
        told.is_some_and(|told| expected.is_none_or(|expected| *expected == told) && told == Digest::of(blob))
    });
    if blob.is_none() {
        disk.report(entry, path, length);
        if !disk.read_only {
            // Where even that fails, the next write of the same content replaces the file.
            let _ = fs::remove_file(path);
        }
    }
    blob
}

/// Returns the digest that a header tells, where it is a header of a file of `length` bytes.
fn header_of(header: &[u8; HEADER], length: u64) -> Option<Digest> {
    let payload = u64::from_le_bytes(*header[8..].first_chunk()?);
    let sound =
        header.starts_with(MAGIC) && header[48..] == [0; 16] && payload.checked_add(HEADER as u64) == Some(length);
    Digest::first_of(&header[16..]).filter(|_| sound)
}

fn load(file: &File, length: u64) -> io::Result<Blob> {
    if length < HEADER as u64 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if length >= MAP_FROM {
        let content = Content::map(file)?;
        let range = HEADER..content.len();
        return Ok(Blob { content: Arc::new(content), range });
    }
    let (mut held, start) = aligned(length as usize);
    held.resize(start, 0);
    file.take(length).read_to_end(&mut held)?;
    let range = start + HEADER..held.len().max(start + HEADER);
    if held.len() < range.end {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Blob { content: Arc::new(Content::Held(held)), range })
}

/// Returns an empty vector that will hold `length` bytes without moving, and where in it a multiple of 64 lies.
fn aligned(length: usize) -> (Vec<u8>, usize) {
    // One more than needed for the slack: `read_to_end` then sees the end of the file without growing.
    let held: Vec<u8> = Vec::with_capacity(length + 2 * HEADER + 1);
    let start = held.as_ptr().align_offset(HEADER);
    (held, start)
}
