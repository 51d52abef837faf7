//! The digests of the user's files, remembered by what `stat` tells, so that an unchanged folder is not read again.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mmf_data::error::{Error, Result};
use mmf_lang::say;
use rayon::prelude::*;

use super::digest::Digest;
use super::disk::{Disk, Entry, guard};
use super::index::{Beginning, Index};
use super::log::{Log, News};

const NAME: &str = "files.log";
/// A file changed this shortly before it was read may change again without a new time; its digest is not kept.
const RACY: Duration = Duration::from_secs(2);
const CHUNK: usize = 256 * 1024;

/// Files that are looked at together.
const TOGETHER: usize = 1024;

/// Length u64, modified i128 ns, changed i128 ns, inode u64; little-endian.
type Stat = [u8; 48];

/// The digests of files by path.
pub struct FileDigests {
    disk: Arc<Disk>,
    state: Mutex<State>,
    read: AtomicU64,
    racy: Duration,
}

struct State {
    log: Log,
    /// By the absolute path; path and stat by their hashes. A payload is the stat, the digest, the path.
    known: Index<(Beginning, Digest)>,
    /// What is known is in the log alone, until it is asked for.
    resting: bool,
}

impl FileDigests {
    pub(super) fn open(disk: &Arc<Disk>) -> Result<FileDigests> {
        let (mut log, mut places) = Log::open(disk, NAME, Entry::FileDigest)?;
        let mut known = Index::default();
        take(&log, News::all(places.clone()), &mut known);
        if !disk.read_only && places.len() > 64 && places.len() > 2 * known.len() {
            places = log.compact(|log, mut places| {
                let mut seen = std::collections::HashSet::new();
                places.reverse();
                places.retain(|place| seen.insert(log.payload(place)[80..].to_vec()));
                places.reverse();
                places
            })?;
            take(&log, News::all(places), &mut known);
        }
        log.shed();
        Ok(FileDigests {
            disk: disk.clone(),
            state: Mutex::new(State { log, known, resting: false }),
            read: AtomicU64::new(0),
            racy: RACY,
        })
    }

    /// Returns the digest of a file's content. Reads it only where its length, times or inode changed since the last
    /// time, or where it changed less than two seconds before it was last read.
    ///
    /// # Errors
    /// E1046 where it cannot be read or is no file, E1047 where it keeps changing while it is read.
    pub fn digest(&self, path: &Path) -> Result<Digest> {
        let (digest, news) = self.look(path)?;
        self.keep(news.into_iter().collect());
        Ok(digest)
    }

    /// Returns the digest of each file, as [`FileDigests::digest`] does, in the order of `paths` and on all threads.
    pub fn digest_many<P: AsRef<Path> + Sync>(&self, paths: &[P]) -> Vec<Result<Digest>> {
        let mut digests = Vec::with_capacity(paths.len());
        for paths in paths.chunks(TOGETHER) {
            let found: Vec<Result<_>> = paths.par_iter().map(|path| self.look(path.as_ref())).collect();
            let mut news = Vec::new();
            digests.extend(found.into_iter().map(|found| {
                found.map(|(digest, payload)| {
                    news.extend(payload);
                    digest
                })
            }));
            self.keep(news);
        }
        digests
    }

    /// Returns how many files were read, not just looked up, since the store was opened.
    pub fn files_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Returns how many digests are remembered, and the bytes of their log.
    pub(super) fn usage(&self) -> (u64, u64) {
        let state = self.state();
        (state.known.len() as u64, state.log.size())
    }

    /// Gives back the memory of what is known; the log is read again when it is asked for.
    pub(crate) fn rest(&self) {
        let mut state = guard(&self.state);
        // Where nothing can be written, memory is all there is.
        if !self.disk.read_only {
            state.known.clear();
            state.resting = true;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = guard(&self.state);
        if state.resting {
            let State { log, known, resting } = &mut *state;
            *resting = false;
            log.forget();
            // What cannot be read is looked at anew, which is no error.
            if let Ok(news) = log.refresh() {
                take(log, news, known);
                log.shed();
            }
        }
        state
    }

    /// Forgets all after the files were removed.
    pub(super) fn forget(&self) {
        let mut state = guard(&self.state);
        state.log.forget();
        state.known.clear();
    }

    #[cfg(test)]
    pub(super) fn set_racy(&mut self, racy: Duration) {
        self.racy = racy;
    }

    /// Returns a file's digest, and the payload to keep where it was read and is settled.
    fn look(&self, path: &Path) -> Result<(Digest, Option<Vec<u8>>)> {
        let unreadable = |error: io::Error| {
            let shown = path.display();
            Error::new("E1046", say!("`{shown}` cannot be read: {error}", "无法读取 `{shown}`：{error}"))
        };
        let name = std::path::absolute(path).map_err(unreadable)?.as_os_str().as_encoded_bytes().to_vec();
        let meta = fs::metadata(path).map_err(unreadable)?;
        if !meta.is_file() {
            return Err(unreadable(io::ErrorKind::IsADirectory.into()));
        }
        let stat = stat(&meta);
        if let Some((known, digest)) = self.state().known.get(beginning(&name))
            && known == beginning(&stat)
        {
            return Ok((digest, None));
        }
        self.read.fetch_add(1, Ordering::Relaxed);
        for _ in 0..3 {
            let now = SystemTime::now();
            let mut file = File::open(path).map_err(unreadable)?;
            let before = file.metadata().map_err(unreadable)?;
            let digest = hash(&mut file).map_err(unreadable)?;
            let after = fs::metadata(path).map_err(unreadable)?;
            let stat = self::stat(&before);
            if stat != self::stat(&after) {
                continue;
            }
            let payload = (!self.is_racy(&stat, now)).then(|| [&stat[..], digest.as_bytes(), &name].concat());
            return Ok((digest, payload));
        }
        let shown = path.display();
        Err(Error::new("E1047", say!("`{shown}` keeps changing while it is read", "`{shown}` 在读取时不断变化"))
            .help(say!("run again when nothing writes to it", "请在没有程序写入它时重新运行")))
    }

    /// Remembers what was read. Where the store cannot, the files are read again next time, which is no error.
    fn keep(&self, payloads: Vec<Vec<u8>>) {
        if payloads.is_empty() {
            return;
        }
        let mut state = self.state();
        let state = &mut *state;
        for payload in &payloads {
            if let Some((name, entry)) = parse(payload) {
                state.known.insert(name, entry);
            }
        }
        if self.disk.read_only {
            return self.disk.refuse();
        }
        match state.log.append(&payloads, false) {
            Ok(news) => {
                take(&state.log, news, &mut state.known);
                state.log.shed();
            }
            Err(_) => self.disk.refuse(),
        }
    }

    /// Says whether a file was changed so shortly before `now` that another change could leave the same times.
    fn is_racy(&self, stat: &Stat, now: SystemTime) -> bool {
        let now = nanoseconds(now);
        let near = |time: i128| (now - time).unsigned_abs() < self.racy.as_nanos();
        let modified = i128::from_le_bytes(*stat[8..].first_chunk().expect("a stat is 48 bytes"));
        let changed = i128::from_le_bytes(*stat[24..].first_chunk().expect("a stat is 48 bytes"));
        near(modified) || near(changed) || changed > now
    }
}

fn take(log: &Log, news: News, known: &mut Index<(Beginning, Digest)>) {
    if news.restarted {
        known.clear();
    }
    for place in news.places {
        if let Some((name, entry)) = parse(log.payload(&place)) {
            known.insert(name, entry);
        }
    }
}

fn parse(payload: &[u8]) -> Option<(Beginning, (Beginning, Digest))> {
    let (stat, rest) = payload.split_first_chunk::<48>()?;
    let (digest, name) = rest.split_first_chunk::<32>()?;
    Some((beginning(name), (beginning(stat), Digest::from_bytes(*digest))))
}

fn beginning(bytes: &[u8]) -> Beginning {
    Digest::of(bytes).beginning()
}

/// Reads in chunks, not by mapping: a mapped file that its user shortens would kill the process.
fn hash(file: &mut File) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(Digest::from_bytes(*hasher.finalize().as_bytes())),
            Ok(length) => hasher.update(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
    }
}

fn stat(meta: &fs::Metadata) -> Stat {
    let modified = meta.modified().map(nanoseconds).unwrap_or(0);
    #[cfg(unix)]
    let (changed, inode) = {
        use std::os::unix::fs::MetadataExt;
        (i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec()), meta.ino())
    };
    #[cfg(not(unix))]
    let (changed, inode) = (modified, 0u64);
    let mut stat = [0; 48];
    stat[..8].copy_from_slice(&meta.len().to_le_bytes());
    stat[8..24].copy_from_slice(&modified.to_le_bytes());
    stat[24..40].copy_from_slice(&changed.to_le_bytes());
    stat[40..].copy_from_slice(&inode.to_le_bytes());
    stat
}

/// Returns nanoseconds since 1970, negative before.
fn nanoseconds(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(error) => -(error.duration().as_nanos() as i128),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::Store;
    use super::*;

    fn open(dir: &Path, racy: Duration) -> Store {
        let mut store = Store::open(&dir.join("store")).unwrap();
        store.files.set_racy(racy);
        store
    }

    #[test]
    fn an_unchanged_file_is_read_once_also_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = (0..20).map(|i| dir.path().join(format!("{i}.txt"))).collect();
        for path in &paths {
            fs::write(path, path.as_os_str().as_encoded_bytes()).unwrap();
        }
        let store = open(dir.path(), Duration::ZERO);
        let digests: Vec<Digest> = store.files().digest_many(&paths).into_iter().map(Result::unwrap).collect();
        assert_eq!(digests[3], Digest::of(paths[3].as_os_str().as_encoded_bytes()));
        assert_eq!(store.files().files_read(), 20);
        assert_eq!(store.files().digest(&paths[3]).unwrap(), digests[3]);
        assert_eq!(store.files().files_read(), 20);
        drop(store);
        let store = open(dir.path(), Duration::ZERO);
        let again: Vec<Digest> = store.files().digest_many(&paths).into_iter().map(Result::unwrap).collect();
        assert_eq!((&again, store.files().files_read()), (&digests, 0));
        store.files().rest();
        let rested: Vec<Digest> = store.files().digest_many(&paths).into_iter().map(Result::unwrap).collect();
        assert_eq!((rested, store.files().files_read()), (digests, 0));
        fs::write(&paths[7], "other").unwrap();
        assert_eq!(store.files().digest(&paths[7]).unwrap(), Digest::of(b"other"));
        assert_eq!(store.files().files_read(), 1);
    }

    /// As git's racily clean entries: same length, same modification time, other content.
    #[test]
    fn a_file_changed_just_now_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        fs::write(&path, "one").unwrap();
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        let store = open(dir.path(), RACY);
        assert_eq!(store.files().digest(&path).unwrap(), Digest::of(b"one"));
        fs::write(&path, "two").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        assert_eq!(store.files().digest(&path).unwrap(), Digest::of(b"two"));
        assert_eq!(store.files().digest(&path).unwrap(), Digest::of(b"two"));
        assert_eq!(store.files().files_read(), 3);
    }

    #[test]
    fn racy_is_near_in_either_direction() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), RACY);
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        let at = |modified: i128, changed: i128| {
            let mut stat = [0; 48];
            stat[8..24].copy_from_slice(&(modified * 1_000_000_000).to_le_bytes());
            stat[24..40].copy_from_slice(&(changed * 1_000_000_000).to_le_bytes());
            store.files().is_racy(&stat, now)
        };
        assert!(!at(900, 900) && !at(5000, 900));
        assert!(at(999, 900) && at(900, 999) && at(1001, 900) && at(900, 5000));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_harms_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let good = dir.path().join("good");
        fs::write(&good, "x").unwrap();
        let store = open(dir.path(), Duration::ZERO);
        let found = store.files().digest_many(&[dir.path().join("missing"), good, dir.path().to_owned()]);
        assert_eq!(found[0].as_ref().unwrap_err().code, "E1046");
        assert_eq!(found[1].as_ref().unwrap(), &Digest::of(b"x"));
        assert_eq!(found[2].as_ref().unwrap_err().code, "E1046");
    }

    #[test]
    fn the_log_of_a_churning_file_stays_small() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        let store = open(dir.path(), Duration::ZERO);
        for i in 0..200 {
            fs::write(&path, "x".repeat(i)).unwrap();
            store.files().digest(&path).unwrap();
        }
        let before = store.files().usage().1;
        drop(store);
        let store = open(dir.path(), Duration::ZERO);
        assert!(store.files().usage().1 * 100 < before);
        assert_eq!(store.files().digest(&path).unwrap(), Digest::of("x".repeat(199).as_bytes()));
        assert_eq!(store.files().files_read(), 0);
    }
}
