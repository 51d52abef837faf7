//! Stores that cannot be written, disks that are full, and making room.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::writers::{assert_written, write_from};
use super::*;

#[test]
fn a_file_in_the_place_of_the_store_is_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    fs::write(&path, "not a folder").unwrap();
    let error = Store::open(&path).err().unwrap();
    assert_eq!(error.code, "E1040");
    assert!(error.message.en.contains(path.to_str().unwrap()) && error.help.is_some());
    assert!(Store::open_or_read_only(&path).is_err());
    let unwritable = Path::new("/proc/mmf");
    if Path::new("/proc/self").exists() {
        let (store, reason) = Store::open_or_read_only(unwritable).unwrap();
        assert_eq!(reason.unwrap().code, "E1040");
        assert!(store.is_read_only());
        assert!(store.get(&store.put(b"x").unwrap()).is_some());
    }
}

#[test]
fn another_format_is_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).unwrap());
    fs::write(dir.path().join("format"), "mmf store 2\n").unwrap();
    assert_eq!(Store::open_or_read_only(dir.path()).err().unwrap().code, "E1043");
}

#[test]
fn a_read_only_store_reads_and_keeps_the_rest_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let old = {
        let store = Store::open(dir.path()).unwrap();
        store.record(key(0), &trace(0)).unwrap();
        store.rows(&key(9)).unwrap().append(&batch(0..10)).unwrap();
        store.put(b"old").unwrap()
    };
    let before = listing(dir.path());
    let store = Store::open_with(dir.path(), Options { read_only: true, room: None }).unwrap();
    assert_eq!(&store.get(&old).unwrap()[..], b"old");
    assert_eq!(store.lookup(&key(0)), Some(trace(0)));
    assert_rows(&store.rows(&key(9)).unwrap(), 0..10);
    assert_eq!(store.refused(), 0);
    let new = store.put(b"new").unwrap();
    store.record(key(1), &trace(1)).unwrap();
    store.rows(&key(9)).unwrap().append(&batch(10..20)).unwrap();
    store.save_checkpoint(&key(2), b"state").unwrap();
    store.files().digest(&dir.path().join("format")).unwrap();
    assert!(store.refused() >= 4);
    assert_eq!(&store.get(&new).unwrap()[..], b"new");
    assert_eq!(store.lookup(&key(1)), Some(trace(1)));
    assert_rows(&store.rows(&key(9)).unwrap(), 0..20);
    assert_eq!(&store.load_checkpoint(&key(2)).unwrap()[..], b"state");
    store.drop_checkpoint(&key(2)).unwrap();
    assert_eq!(store.collect(&|_| true).unwrap_err().code, "E1042");
    assert_eq!(listing(dir.path()), before);
}

fn listing(dir: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = disk::files_in(dir);
    for folder in disk::folders_in(dir) {
        found.extend(listing(&folder));
    }
    found
}

/// Runs out of space after every number of bytes up to what the work needs.
#[test]
fn a_full_disk_is_an_error_and_loses_nothing_finished() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = Store::open(dir.path()).unwrap();
        store.record(key(0), &trace(0)).unwrap();
        store.rows(&key(9)).unwrap().append(&batch(0..10)).unwrap();
        store.save_checkpoint(&key(1), b"first").unwrap();
    }
    let before = listing(dir.path());
    for room in (0..400).step_by(7) {
        let store = Store::open_with(dir.path(), Options { read_only: false, room: Some(room) }).unwrap();
        let works: [&dyn Fn() -> Result<()>; 4] = [
            &|| store.put(&[7; 2000]).map(drop),
            &|| store.rows(&key(9))?.append(&batch(10..20)),
            &|| store.save_checkpoint(&key(1), &[8; 1000]),
            &|| store.record(key(1), &trace(1)),
        ];
        for work in works {
            match work() {
                Err(error) => {
                    assert_eq!(error.code, "E1041");
                    assert!(error.help.is_some());
                }
                Ok(()) => panic!("there was room for more than {room} bytes"),
            }
        }
        assert!(!store.has(&Digest::of(&[7; 2000])));
        assert_eq!(store.lookup(&key(0)), Some(trace(0)));
        assert_eq!(store.lookup(&key(1)), None);
        assert_rows(&store.rows(&key(9)).unwrap(), 0..10);
        assert_eq!(&store.load_checkpoint(&key(1)).unwrap()[..], b"first");
        assert_eq!(store.take_damage(), []);
        drop(store);
        assert_eq!(listing(dir.path()), before, "{room} bytes");
    }
    let fresh = tempfile::tempdir().unwrap();
    let full = Store::open_with(fresh.path(), Options { read_only: false, room: Some(0) });
    assert_eq!(full.err().unwrap().code, "E1041");
}

#[test]
fn cleaning_keeps_what_kept_traces_reach() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let (kept, dropped) = (store.put(&[1; 100]).unwrap(), store.put(&[2; 200_000]).unwrap());
    for (number, output, stage) in [(0, kept, 10), (1, dropped, 11)] {
        store.rows(&key(stage)).unwrap().append(&batch(0..10)).unwrap();
        let outputs = BTreeMap::from([("out".to_owned(), output)]);
        store.record(key(number), &Trace { outputs, rows: vec![key(stage)], ..Trace::default() }).unwrap();
        store.save_checkpoint(&key(number), b"state").unwrap();
    }
    store.rows(&key(12)).unwrap().append(&batch(0..10)).unwrap();
    let before = store.usage();
    assert_eq!((before.blobs, before.row_sets, before.traces, before.checkpoints), (2, 3, 2, 2));
    // The second trace goes; the third row set is of an unfinished step that the caller still wants.
    let freed = store.collect(&|asked| *asked == key(0) || *asked == key(12)).unwrap();
    let after = store.usage();
    assert_eq!((after.blobs, after.row_sets, after.traces, after.checkpoints), (1, 2, 1, 1));
    assert_eq!(before.bytes() - after.bytes(), freed);
    assert!(freed > 200_000);
    let store = Store::open(dir.path()).unwrap_or_else(|error| panic!("{error}"));
    assert!(store.get(&kept).is_some() && store.get(&dropped).is_none());
    assert_eq!(store.lookup(&key(1)), None);
    assert!(store.lookup(&key(0)).is_some());
    assert_rows(&store.rows(&key(10)).unwrap(), 0..10);
    assert_rows(&store.rows(&key(12)).unwrap(), 0..10);
    assert!(store.rows(&key(11)).unwrap().is_empty());
    assert!(store.load_checkpoint(&key(0)).is_some() && store.load_checkpoint(&key(1)).is_none());
    assert_eq!(store.take_damage(), []);
}

#[test]
fn cleaning_waits_for_nobody_and_clearing_leaves_a_usable_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    write_from(dir.path(), 0);
    let other = Store::open(dir.path()).unwrap();
    assert_eq!(store.collect(&|_| false).unwrap_err().code, "E1045");
    assert_eq!(store.clear().unwrap_err().code, "E1045");
    assert_eq!(other.traces().len(), 60);
    drop(other);
    // Written by others since this store was opened: all of it is seen.
    let bytes = listing(dir.path()).iter().map(|(_, bytes)| bytes).sum::<u64>() - "mmf store 1\n".len() as u64;
    assert_eq!(store.clear().unwrap(), bytes);
    assert_eq!(store.usage(), Usage::default());
    assert_eq!(store.lookup(&key(0)), None);
    write_from(dir.path(), 0);
    assert_written(dir.path(), 0..1);
}
