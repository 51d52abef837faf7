//! The folder under a store: writing a file whole or not at all, the lock between processes, and what went wrong.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use mmf_data::error::{Error, Result};
use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use tempfile::NamedTempFile;

const FORMAT: &str = "mmf store 1\n";
const TEMPORARY: &str = "tmp";

/// How a store is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Reads what is there and writes nothing: what a run stores lives in memory until the store is dropped.
    pub read_only: bool,
    /// Bytes that may be written before the disk counts as full; `None` leaves that to the disk. For tests.
    pub room: Option<u64>,
}

/// What kind of entry was found damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    Blob,
    Trace,
    /// One row of a row set, or a stretch of a segment in which no row could be found.
    Row,
    /// The index at the end of a segment; its rows are found without it, so nothing is lost.
    Index,
    FileDigest,
    Checkpoint,
}

/// A damaged entry: it was removed, counts as absent, and is computed again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    pub entry: Entry,
    /// The file it stood in.
    pub path: PathBuf,
    /// How many bytes are unreadable; 0 where that is not known.
    pub bytes: u64,
}

impl Damage {
    /// Returns the warning for the user.
    pub fn text(&self) -> Text {
        let path = self.path.display();
        let (en, zh) = match self.entry {
            Entry::Blob => ("a stored result", "一项已存结果"),
            Entry::Trace => ("the note of a finished step", "一条已完成步骤的记录"),
            Entry::Row => ("a stored row", "一行已存数据"),
            Entry::Index => {
                return say!(
                    "the index of `{path}` was damaged; it was rebuilt and nothing is lost",
                    "`{path}` 的索引已损坏；已重建，没有丢失数据"
                );
            }
            Entry::FileDigest => ("a remembered file digest", "一条文件摘要记录"),
            Entry::Checkpoint => ("a checkpoint", "一个检查点"),
        };
        say!("{en} was damaged, in `{path}`; it is computed again", "{zh}已损坏（位于 `{path}`）；将重新计算")
    }
}

/// The folder of a store, and what every part of the store needs of it.
pub(super) struct Disk {
    root: PathBuf,
    pub(super) read_only: bool,
    room: Option<AtomicU64>,
    refused: AtomicU64,
    damage: Mutex<Vec<Damage>>,
    /// Locked, shared, as long as the store is open: whoever removes entries wants it alone.
    used: Option<File>,
}

impl Disk {
    /// Opens the folder, making it where needed.
    ///
    /// # Errors
    /// E1040 where it cannot be made or written, E1043 where its format is another.
    pub(super) fn open(root: &Path, options: Options) -> Result<Disk> {
        let mut disk = Disk {
            root: root.to_owned(),
            read_only: options.read_only,
            room: options.room.map(AtomicU64::new),
            refused: AtomicU64::new(0),
            damage: Mutex::new(Vec::new()),
            used: None,
        };
        let format = match fs::read(disk.path("format")) {
            Ok(format) => Some(format),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(cannot_open(root, &error)),
        };
        if format.as_ref().is_some_and(|format| format != FORMAT.as_bytes()) {
            return Err(other_format(root));
        }
        if disk.read_only {
            // A folder that cannot be locked cannot be cleaned by others either, so a refusal does no harm.
            disk.used = File::open(disk.path("used")).ok().filter(|file| file.try_lock_shared().is_ok());
            return Ok(disk);
        }
        let prepare = || -> io::Result<File> {
            for folder in ["blobs", "rows", "checkpoints", TEMPORARY] {
                fs::create_dir_all(disk.path(folder))?;
            }
            open_to_lock(&disk.path("lock"))?;
            open_to_lock(&disk.path("used"))
        };
        let used = prepare().map_err(|error| cannot_open(root, &error))?;
        if used.try_lock().is_ok() {
            // Alone here: what a killed process left half written belongs to nobody.
            disk.sweep();
            used.unlock().map_err(|error| cannot_open(root, &error))?;
        }
        shared(&used).map_err(|error| cannot_open(root, &error))?;
        disk.used = Some(used);
        if format.is_none() {
            disk.write_whole(&disk.path("format"), |out| out.write_all(FORMAT.as_bytes()))?;
        }
        Ok(disk)
    }

    /// Returns the path of an entry below the store's folder.
    pub(super) fn path(&self, entry: impl AsRef<Path>) -> PathBuf {
        self.root.join(entry)
    }

    /// Waits until no other process or thread writes. It is taken last, after any lock in memory, and never twice.
    pub(super) fn lock(&self) -> Result<Guard> {
        let path = self.path("lock");
        let lock = || -> io::Result<File> {
            // A lock belongs to its open file, so each holder opens one of its own: threads then exclude each other too.
            let file = open_to_lock(&path)?;
            match file.lock() {
                Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
                _ => Ok(file),
            }
        };
        lock().map(Guard).map_err(|error| self.trouble(&path, &error))
    }

    /// Runs `work` while no other process has the store open.
    ///
    /// # Errors
    /// E1042 where this store is read only, E1045 where another process uses it.
    pub(super) fn alone<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let Some(used) = self.used.as_ref().filter(|_| !self.read_only) else {
            return Err(read_only(&self.root));
        };
        let trouble = |error: io::Error| self.trouble(&self.path("used"), &error);
        used.unlock().map_err(trouble)?;
        let result = match used.try_lock() {
            Ok(()) => work(),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => work(),
            Err(TryLockError::Error(error)) => Err(trouble(error)),
            Err(TryLockError::WouldBlock) => {
                let root = self.root.display();
                Err(Error::new(
                    "E1045",
                    say!("another run is using the store `{root}`", "另一次运行正在使用存储 `{root}`"),
                )
                .help(say!(
                    "wait for it, or stop it (`mmf watch` holds the store too), then try again",
                    "等它结束或将其停止（`mmf watch` 也会占用存储），然后重试"
                )))
            }
        };
        // Errors here leave the store usable; only a cleaning beside us would no longer wait for us.
        let _ = used.unlock();
        let _ = shared(used);
        result
    }

    /// Writes a file so that at any moment there is the old one, or none, or the whole new one, also after a power cut.
    pub(super) fn write_whole(&self, target: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        let write = || -> io::Result<()> {
            let temporary = self.temporary()?;
            let mut out = BufWriter::with_capacity(1 << 16, self.limit(temporary.as_file()));
            fill(&mut out)?;
            out.flush()?;
            drop(out);
            self.settle(temporary, target)
        };
        write().map_err(|error| self.trouble(target, &error))
    }

    /// Returns a file that goes when it is dropped, unless [`Disk::settle`] gives it its place.
    pub(super) fn temporary(&self) -> io::Result<NamedTempFile> {
        let folder = self.path(TEMPORARY);
        fs::create_dir_all(&folder)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(&folder)
    }

    /// Puts a written file to its place, once the disk has it.
    pub(super) fn settle(&self, temporary: NamedTempFile, target: &Path) -> io::Result<()> {
        temporary.as_file().sync_all()?;
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        temporary.persist(target).map_err(|error| error.error)?;
        Ok(())
    }

    /// Wraps `file` so that no more is written than the store has room for.
    pub(super) fn limit<'a>(&'a self, file: &'a File) -> Limited<'a> {
        Limited { file, room: self.room.as_ref() }
    }

    /// Removes what interrupted writes left behind, and returns the bytes freed.
    pub(super) fn sweep(&self) -> u64 {
        let mut freed = 0;
        for (path, bytes) in files_in(&self.path(TEMPORARY)) {
            freed += if fs::remove_file(path).is_ok() { bytes } else { 0 };
        }
        freed
    }

    pub(super) fn report(&self, entry: Entry, path: &Path, bytes: u64) {
        guard(&self.damage).push(Damage { entry, path: path.to_owned(), bytes });
    }

    pub(super) fn take_damage(&self) -> Vec<Damage> {
        std::mem::take(&mut *guard(&self.damage))
    }

    /// Counts a write that a read-only store did not make.
    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Returns what to tell the user about a failed write or read of `path`. An error of whoever gave the bytes stays what it
    /// is.
    pub(super) fn trouble(&self, path: &Path, error: &io::Error) -> Error {
        if let Some(own) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            return own.clone();
        }
        let shown = path.display();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::new(
                "E1041",
                say!("the disk is full: `{shown}` could not be written", "磁盘已满：无法写入 `{shown}`"),
            )
            .help(say!(
                "free some space (`mmf clean` removes what no kept run needs) and run again: what was finished is kept",
                "请腾出空间（`mmf clean` 会删除保留的运行不再需要的结果）后重新运行：已完成的部分都会保留"
            )),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => read_only(path),
            _ => Error::new(
                "E1044",
                say!("the store's `{shown}` could not be used: {error}", "无法使用存储中的 `{shown}`：{error}"),
            ),
        }
    }
}

/// The lock between processes, until it is dropped.
pub(super) struct Guard(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

/// A file on a disk that is full after so many bytes.
pub(super) struct Limited<'a> {
    file: &'a File,
    room: Option<&'a AtomicU64>,
}

impl Write for Limited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(room) = self.room else { return self.file.write(bytes) };
        let left = usize::try_from(room.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        if left == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = self.file.write(&bytes[..bytes.len().min(left)])?;
        room.fetch_sub(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Bytes of a stored file, mapped or in memory.
pub(super) enum Content {
    Mapped(memmap2::Mmap),
    Held(Vec<u8>),
}

impl Content {
    /// Maps a file of the store.
    pub(super) fn map(file: &File) -> io::Result<Content> {
        // SAFETY: a mapping is sound while nobody changes or shortens its file. The files mapped here are written under
        // another name, renamed when whole, never opened for writing again, and at most unlinked, which leaves the
        // mapping intact. Logs, which do grow, are read instead.
        let map = unsafe { memmap2::Mmap::map(file)? };
        Ok(Content::Mapped(map))
    }

    /// Gives the memory of pages that were read back; they are read again from the file when someone asks.
    pub(super) fn rest(&self) {
        #[cfg(unix)]
        if let Content::Mapped(map) = self {
            // SAFETY: the mapping is of a file that nobody changes, and is never written, so no content can be lost.
            let _ = unsafe { map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
        }
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Content::Mapped(map) => map,
            Content::Held(bytes) => bytes,
        }
    }
}

/// Locks `mutex`; what a panicked thread left is used as it is, since the store's states are valid between any two steps.
pub(super) fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Returns the files directly in `folder` with their lengths, in the order of their names; none where it is missing.
pub(super) fn files_in(folder: &Path) -> Vec<(PathBuf, u64)> {
    entries(folder, |meta| meta.is_file())
}

/// Returns the folders directly in `folder`, in the order of their names.
pub(super) fn folders_in(folder: &Path) -> Vec<PathBuf> {
    entries(folder, |meta| meta.is_dir()).into_iter().map(|(path, _)| path).collect()
}

fn entries(folder: &Path, wanted: impl Fn(&fs::Metadata) -> bool) -> Vec<(PathBuf, u64)> {
    let Ok(listing) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<(PathBuf, u64)> = listing
        .flatten()
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok().filter(&wanted)?.len())))
        .collect();
    found.sort();
    found
}

fn open_to_lock(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}

fn shared(file: &File) -> io::Result<()> {
    match file.lock_shared() {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(()),
    }
}

fn cannot_open(root: &Path, error: &io::Error) -> Error {
    let shown = root.display();
    Error::new("E1040", say!("the store `{shown}` cannot be opened: {error}", "无法打开存储 `{shown}`：{error}")).help(
        say!(
            "make `{shown}` a folder that you may write, or choose another place for the store",
            "请让 `{shown}` 成为您可以写入的文件夹，或为存储另选位置"
        ),
    )
}

fn read_only(path: &Path) -> Error {
    let shown = path.display();
    Error::new("E1042", say!("`{shown}` may not be written", "不允许写入 `{shown}`")).help(say!(
        "give yourself the right to write there, or choose another place for the store",
        "请取得该处的写入权限，或为存储另选位置"
    ))
}

fn other_format(root: &Path) -> Error {
    let shown = root.display();
    Error::new(
        "E1043",
        say!(
            "the store `{shown}` was made by another version of mmf, or its file `format` is damaged",
            "存储 `{shown}` 由其他版本的 mmf 创建，或其 `format` 文件已损坏"
        ),
    )
    .help(say!(
        "remove the folder `{shown}` and run again: everything in it can be computed again",
        "删除文件夹 `{shown}` 后重新运行：其中的一切都可以重新计算"
    ))
}
