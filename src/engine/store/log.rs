//! An append-only file of small records, shared by processes and held in memory whole.
//!
//! Whoever appends holds the store's lock; whoever reads needs none, since a record that is not yet whole has no valid
//! check. What a killed process left torn stays behind as a stretch without records until the log is next opened, which
//! writes it anew.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use mmf_data::error::Result;

use super::digest::{Digest, Hasher};
use super::disk::{Disk, Entry};
use super::record::{self, ALIGN};

const KIND: u32 = 1;

/// Where a payload stands in [`Log::bytes`].
pub(super) type Place = Range<usize>;

pub(super) struct Log {
    disk: Arc<Disk>,
    path: PathBuf,
    salt: Digest,
    entry: Entry,
    /// The file up to the end of its last valid record, from `start` on.
    bytes: Vec<u8>,
    start: usize,
    /// Which file was read: it changes when another process writes the log anew.
    identity: Option<u128>,
}

/// What a reading brought.
pub(super) struct News {
    /// All earlier places are void: the log was written anew.
    pub(super) restarted: bool,
    /// The payloads that were not known before, in the order of their writing.
    pub(super) places: Vec<Place>,
    /// Stretches without a record, in bytes of the file.
    damaged: Vec<Range<u64>>,
}

impl News {
    /// Returns the news of a log that was read from its beginning.
    pub(super) fn all(places: Vec<Place>) -> News {
        News { restarted: true, places, damaged: Vec::new() }
    }
}

impl Log {
    /// Opens the log of this file name, mends it, and returns it with the places of all payloads.
    ///
    /// # Errors
    /// E1044 where the file is there and cannot be read.
    pub(super) fn open(disk: &Arc<Disk>, name: &str, entry: Entry) -> Result<(Log, Vec<Place>)> {
        let mut log = Log {
            disk: disk.clone(),
            path: disk.path(name),
            salt: Hasher::new("log").text(name).finish(),
            entry,
            bytes: Vec::new(),
            start: 0,
            identity: None,
        };
        let mut news = log.refresh()?;
        if news.damaged.is_empty() {
            return Ok((log, news.places));
        }
        if log.disk.read_only {
            // A stretch at the end may be what another process is writing at this moment.
            let end = log.size();
            news.damaged.retain(|stretch| stretch.start < end);
            log.report(&news.damaged);
            return Ok((log, news.places));
        }
        let lock = disk.lock()?;
        log.forget();
        let news = log.refresh()?;
        if !news.damaged.is_empty() {
            log.report(&news.damaged);
            let payloads: Vec<Vec<u8>> = news.places.iter().map(|place| log.payload(place).to_vec()).collect();
            // Where that fails, on a full disk, what could be read is used and the mending waits for the next time.
            let _ = log.replace(&payloads);
        }
        drop(lock);
        log.forget();
        let news = log.refresh()?;
        Ok((log, news.places))
    }

    /// Returns the payload at a place that this log gave, and that was not shed since.
    pub(super) fn payload(&self, place: &Place) -> &[u8] {
        &self.bytes[place.start - self.start..place.end - self.start]
    }

    /// Returns the size in bytes of what was read.
    pub(super) fn size(&self) -> u64 {
        (self.start + self.bytes.len()) as u64
    }

    /// Gives back the memory of what was read, for whoever needs the payloads no more.
    pub(super) fn shed(&mut self) {
        self.start += self.bytes.len();
        self.bytes = Vec::new();
    }

    /// Reads what was appended since, by this process or others.
    pub(super) fn refresh(&mut self) -> Result<News> {
        self.read_on().map_err(|error| self.disk.trouble(&self.path, &error))
    }

    /// Appends a record for each payload and returns the news, these included. A failed append leaves the log as it was.
    ///
    /// `durable` waits until the disk has it.
    pub(super) fn append(&mut self, payloads: &[Vec<u8>], durable: bool) -> Result<News> {
        let lock = self.disk.lock()?;
        self.write(payloads, durable).map_err(|error| self.disk.trouble(&self.path, &error))?;
        drop(lock);
        self.refresh()
    }

    /// Writes the log anew with these payloads alone, and returns their places.
    ///
    /// What others appended since the last reading is lost, so the store must be open to nobody else.
    pub(super) fn rewrite(&mut self, payloads: &[Vec<u8>]) -> Result<Vec<Place>> {
        let lock = self.disk.lock()?;
        self.replace(payloads)?;
        drop(lock);
        self.forget();
        Ok(self.refresh()?.places)
    }

    /// Writes the log anew with the payloads that `choose` picks among all, read under the lock.
    pub(super) fn compact(&mut self, choose: impl FnOnce(&Log, Vec<Place>) -> Vec<Place>) -> Result<Vec<Place>> {
        let lock = self.disk.lock()?;
        self.forget();
        let places = self.refresh()?.places;
        let payloads: Vec<Vec<u8>> = choose(self, places).iter().map(|place| self.payload(place).to_vec()).collect();
        self.replace(&payloads)?;
        drop(lock);
        self.forget();
        Ok(self.refresh()?.places)
    }

    /// Drops what was read; the next reading begins anew.
    pub(super) fn forget(&mut self) {
        self.bytes.clear();
        self.start = 0;
        self.identity = None;
    }

    fn read_on(&mut self) -> io::Result<News> {
        let mut news = News { restarted: false, places: Vec::new(), damaged: Vec::new() };
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                news.restarted = self.identity.is_some();
                self.forget();
                return Ok(news);
            }
            Err(error) => return Err(error),
        };
        let meta = file.metadata()?;
        let identity = identity(&meta);
        if self.identity != Some(identity) || meta.len() < self.size() {
            news.restarted = self.identity.is_some();
            self.forget();
            self.identity = Some(identity);
        }
        let base = self.size();
        if meta.len() == base {
            return Ok(news);
        }
        file.seek(SeekFrom::Start(base))?;
        let known = self.bytes.len();
        file.read_to_end(&mut self.bytes)?;
        let mut end = base as usize;
        news.damaged = record::scan(&self.bytes[known..], base, &self.salt, &mut |record| {
            let start = record.offset as usize + record::HEADER;
            news.places.push(start..start + record.payload.len());
            end = record.end as usize;
        });
        self.bytes.truncate(end - self.start);
        Ok(news)
    }

    fn write(&self, payloads: &[Vec<u8>], durable: bool) -> io::Result<()> {
        let file = File::options().create(true).append(true).open(&self.path)?;
        let before = file.metadata()?.len();
        let start = before.next_multiple_of(ALIGN as u64);
        let mut out = vec![0; (start - before) as usize];
        let mut offset = start;
        for payload in payloads {
            offset += record::encode(&mut out, &self.salt, offset, KIND, &[payload]);
        }
        let written = self.disk.limit(&file).write_all(&out).and_then(|()| match durable {
            true => file.sync_data(),
            false => Ok(()),
        });
        if written.is_err() {
            // A full disk: take the half record back. Readers would pass over it all the same.
            let _ = file.set_len(before);
        }
        written
    }

    fn replace(&self, payloads: &[Vec<u8>]) -> Result<()> {
        let mut out = Vec::new();
        for payload in payloads {
            let offset = out.len() as u64;
            record::encode(&mut out, &self.salt, offset, KIND, &[payload]);
        }
        self.disk.write_whole(&self.path, |file| file.write_all(&out))
    }

    fn report(&self, damaged: &[Range<u64>]) {
        for stretch in damaged {
            self.disk.report(self.entry, &self.path, stretch.end - stretch.start);
        }
    }
}

#[cfg(unix)]
fn identity(meta: &fs::Metadata) -> u128 {
    use std::os::unix::fs::MetadataExt;
    (u128::from(meta.dev()) << 64) | u128::from(meta.ino())
}

#[cfg(not(unix))]
fn identity(meta: &fs::Metadata) -> u128 {
    let created = meta.created().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    created.map_or(0, |age| age.as_nanos())
}
