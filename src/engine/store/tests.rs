//! The store as a whole: real files, damage by hand, several writers, full and read-only disks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

fn trace(number: u64) -> Trace {
    Trace {
        outputs: BTreeMap::from([("out".to_owned(), Digest::of(&number.to_le_bytes()))]),
        rows: Vec::new(),
        meta: serde_json::json!({ "rows": number, "name": "多模态" }),
    }
}

fn key(number: u64) -> Digest {
    Hasher::new("test").u64(number).finish()
}

fn row_key(number: u64) -> RowKey {
    key(number).into()
}

fn batch(numbers: std::ops::Range<u64>) -> Vec<(RowKey, Row)> {
    let row = |n: u64| if n % 10 == 9 { Row::Skip(format!("no picture {n}")) } else { value(n) };
    numbers.map(|n| (row_key(n), row(n))).collect()
}

fn value(number: u64) -> Row {
    Row::Value(vec![number as u8; number as usize % 50].into())
}

fn shown(row: &Option<Row>) -> String {
    match row {
        None => "missing".into(),
        Some(Row::Value(value)) => format!("{:?}", &value[..]),
        Some(Row::Skip(reason)) => reason.clone(),
    }
}

fn assert_rows(set: &RowSet, numbers: std::ops::Range<u64>) {
    let keys: Vec<RowKey> = numbers.clone().map(row_key).collect();
    for ((number, found), (_, expected)) in numbers.clone().zip(set.get_many(&keys).unwrap()).zip(batch(numbers)) {
        assert_eq!(shown(&found), shown(&Some(expected)), "row {number}");
    }
}

fn segments(dir: &Path, stage: &Digest) -> Vec<PathBuf> {
    let folder = dir.join("rows").join(&stage.to_string()[..2]).join(stage.to_string());
    disk::files_in(&folder).into_iter().map(|(path, _)| path).collect()
}

fn temporary_files(dir: &Path) -> usize {
    fs::read_dir(dir.join("tmp")).unwrap().count()
}

fn blob_path(dir: &Path, digest: &Digest) -> PathBuf {
    dir.join("blobs").join(&digest.to_string()[..2]).join(digest.to_string())
}

#[test]
fn blobs_come_back_aligned_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let sizes = [0, 1, 63, 64, 65, 4096, 65_000, 65_536, 1_000_000];
    let contents: Vec<Vec<u8>> = sizes.iter().map(|size| (0..*size).map(|i| (i % 251) as u8).collect()).collect();
    let store = Store::open(dir.path()).unwrap();
    let digests: Vec<Digest> = contents.iter().map(|bytes| store.put(bytes).unwrap()).collect();
    assert_eq!(store.put(&contents[5]).unwrap(), digests[5]);
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    for (digest, bytes) in digests.iter().zip(&contents) {
        let blob = store.get(digest).unwrap();
        assert_eq!(&blob[..], &bytes[..]);
        assert_eq!(blob.as_ptr() as usize % 64, 0, "{} bytes", bytes.len());
        assert!(store.has(digest));
        assert_eq!(blob.as_f32s().is_some(), bytes.len() % 4 == 0);
    }
    assert!(store.get(&Digest::of(b"missing")).is_none() && !store.has(&Digest::of(b"missing")));
    assert_eq!((store.take_damage(), temporary_files(dir.path())), (vec![], 0));
}

#[test]
fn every_flipped_bit_of_a_blob_is_noticed_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let digest = store.put(b"some features").unwrap();
    let path = blob_path(dir.path(), &digest);
    let good = fs::read(&path).unwrap();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bad).unwrap();
        assert!(store.get(&digest).is_none(), "bit {bit}");
        assert!(!path.exists(), "bit {bit}");
        assert_eq!(store.take_damage()[0].entry, Entry::Blob);
        assert!(store.get(&digest).is_none() && store.take_damage().is_empty());
    }
    for length in 0..good.len() {
        fs::write(&path, &good[..length]).unwrap();
        assert!(store.get(&digest).is_none(), "length {length}");
        assert_eq!(store.take_damage().len(), 1);
    }
    store.put(b"some features").unwrap();
    assert_eq!(&store.get(&digest).unwrap()[..], b"some features");
}

#[test]
fn traces_come_back_and_the_last_one_counts() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    for number in 0..50 {
        store.record(key(number), &trace(number)).unwrap();
    }
    store.record(key(3), &trace(33)).unwrap();
    assert_eq!(store.lookup(&key(3)), Some(trace(33)));
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.lookup(&key(3)), Some(trace(33)));
    assert_eq!(store.lookup(&key(49)), Some(trace(49)));
    assert_eq!(store.lookup(&key(50)), None);
    assert_eq!(store.traces().len(), 50);
    assert_eq!(store.take_damage(), []);
}

/// `kill -9` in the middle of an append, at every byte.
#[test]
fn a_torn_trace_costs_itself_alone() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("traces.log");
    let store = Store::open(dir.path()).unwrap();
    store.record(key(0), &trace(0)).unwrap();
    let whole = fs::metadata(&log).unwrap().len() as usize;
    store.record(key(1), &trace(1)).unwrap();
    drop(store);
    let bytes = fs::read(&log).unwrap();
    for length in whole..bytes.len() {
        fs::write(&log, &bytes[..length]).unwrap();
        // Found at opening: mended, reported once, and appended to.
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.take_damage().len(), usize::from(length > whole), "{length} bytes");
        assert_eq!((store.lookup(&key(0)), store.lookup(&key(1))), (Some(trace(0)), None));
        store.record(key(2), &trace(2)).unwrap();
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        assert_eq!((store.lookup(&key(0)), store.lookup(&key(2))), (Some(trace(0)), Some(trace(2))));
        assert_eq!(store.take_damage(), []);
        // Torn by another process while this one has the store open: appended to, and mended later.
        let mut torn = fs::read(&log).unwrap();
        torn.extend(&bytes[whole..length]);
        fs::write(&log, torn).unwrap();
        store.record(key(3), &trace(3)).unwrap();
        assert_eq!(store.lookup(&key(3)), Some(trace(3)));
        let other = Store::open(dir.path()).unwrap();
        for number in [0, 2, 3] {
            assert_eq!(other.lookup(&key(number)), Some(trace(number)), "{length} bytes");
            assert_eq!(store.lookup(&key(number)), Some(trace(number)), "{length} bytes");
        }
    }
}

#[test]
fn every_flipped_bit_of_a_trace_log_is_noticed_and_costs_one_record() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("traces.log");
    let store = Store::open(dir.path()).unwrap();
    for number in 0..3 {
        store.record(key(number), &trace(number)).unwrap();
    }
    drop(store);
    let good = fs::read(&log).unwrap();
    for bit in (0..good.len() * 8).step_by(3) {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(&log, bad).unwrap();
        let store = Store::open_with(dir.path(), Options { read_only: true, room: None }).unwrap();
        let found = (0..3).filter(|number| store.lookup(&key(*number)) == Some(trace(*number))).count();
        // A read-only store does not mend, and takes a bad end for one that is being written.
        assert_eq!(found, 2, "bit {bit}");
        let store = Store::open(dir.path()).unwrap();
        let damage = store.take_damage();
        assert_eq!((damage.len(), damage[0].entry), (1, Entry::Trace), "bit {bit}");
        assert_eq!(store.traces().len(), 2, "bit {bit}");
    }
}

#[test]
fn rows_come_back_with_their_skips() {
    let dir = tempfile::tempdir().unwrap();
    let stage = key(1000);
    let store = Store::open(dir.path()).unwrap();
    let set = store.rows(&stage).unwrap();
    set.append(&batch(0..100)).unwrap();
    set.append(&[]).unwrap();
    set.append(&batch(100..130)).unwrap();
    assert_rows(&set, 0..130);
    assert_eq!(segments(dir.path(), &stage).len(), 2);
    assert_eq!(shown(&set.get_many(&[row_key(130)]).unwrap()[0]), "missing");
    assert_eq!(store.rows(&key(1001)).unwrap().len(), 0);
    drop((set, store));
    let store = Store::open(dir.path()).unwrap();
    let set = store.rows(&stage).unwrap();
    assert_eq!(set.len(), 130);
    assert_rows(&set, 0..130);
    set.append(&[(row_key(9), value(19))]).unwrap();
    assert_eq!(shown(&set.get_many(&[row_key(9)]).unwrap()[0]), shown(&Some(value(19))));
    let set = Store::open(dir.path()).unwrap().rows(&stage).unwrap();
    assert_eq!(shown(&set.get_many(&[row_key(9)]).unwrap()[0]), shown(&Some(value(19))));
    assert_eq!(store.take_damage(), []);
}

#[test]
fn row_values_are_numbers_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let set = Store::open(dir.path()).unwrap().rows(&key(1)).unwrap();
    let numbers: Vec<f32> = (0..64).map(|i| i as f32 / 3.0).collect();
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    set.append(&[(row_key(0), Row::Value(vec![1, 2, 3].into())), (row_key(1), Row::Value(bytes.into()))]).unwrap();
    let Some(Row::Value(value)) = set.get_many(&[row_key(1)]).unwrap().remove(0) else { panic!("no value") };
    assert_eq!(value.as_ptr() as usize % 16, 0);
    assert_eq!(value.as_f32s().unwrap(), numbers);
}

#[test]
fn many_batches_become_few_segments() {
    let dir = tempfile::tempdir().unwrap();
    let stage = key(5);
    let store = Store::open(dir.path()).unwrap();
    let set = store.rows(&stage).unwrap();
    // Another process that holds the segments which are merged away.
    let other = Store::open(dir.path()).unwrap().rows(&stage).unwrap();
    for at in 0..200 {
        set.append(&batch(at * 5..at * 5 + 5)).unwrap();
        assert!(segments(dir.path(), &stage).len() <= 33);
        if at % 40 == 0 {
            assert_rows(&other, 0..at * 5 + 5);
        }
    }
    assert_eq!(set.segments(), segments(dir.path(), &stage).len());
    assert_rows(&set, 0..1000);
    assert_rows(&other, 0..1000);
    let again = Store::open(dir.path()).unwrap().rows(&stage).unwrap();
    assert_eq!(again.len(), 1000);
    assert_rows(&again, 0..1000);
    assert_eq!(store.take_damage(), []);
}

#[test]
fn every_flipped_bit_of_a_segment_is_noticed_and_costs_at_most_one_row() {
    let dir = tempfile::tempdir().unwrap();
    let stage = key(6);
    let keys: Vec<RowKey> = (6..10).map(row_key).collect();
    Store::open(dir.path()).unwrap().rows(&stage).unwrap().append(&batch(6..10)).unwrap();
    let path = segments(dir.path(), &stage).remove(0);
    let good = fs::read(&path).unwrap();
    let expected: Vec<String> = batch(6..10).into_iter().map(|(_, row)| shown(&Some(row))).collect();
    for bit in (0..good.len() * 8).step_by(5) {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        segments(dir.path(), &stage).into_iter().for_each(|path| fs::remove_file(path).unwrap());
        fs::write(&path, bad).unwrap();
        let store = Store::open(dir.path()).unwrap();
        let set = store.rows(&stage).unwrap();
        let found: Vec<String> = set.get_many(&keys).unwrap().iter().map(shown).collect();
        let lost: Vec<usize> = (0..4).filter(|at| found[*at] != expected[*at]).collect();
        let damage = store.take_damage();
        assert_eq!(damage.len(), 1, "bit {bit}");
        assert_eq!(lost.len(), usize::from(damage[0].entry == Entry::Row), "bit {bit}: {damage:?}");
        assert!(lost.iter().all(|at| found[*at] == "missing"), "bit {bit}");
        // Computed again and stored, it is whole, and nothing is reported twice.
        set.append(&batch(6..10)).unwrap();
        assert_rows(&set, 6..10);
        let store = Store::open(dir.path()).unwrap();
        assert_rows(&store.rows(&stage).unwrap(), 6..10);
        assert_eq!(store.take_damage(), [], "bit {bit}");
    }
}

#[test]
fn a_segment_cut_anywhere_gives_the_rows_before_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let stage = key(7);
    Store::open(dir.path()).unwrap().rows(&stage).unwrap().append(&batch(20..24)).unwrap();
    let path = segments(dir.path(), &stage).remove(0);
    let good = fs::read(&path).unwrap();
    let mut last = 0;
    for length in 0..good.len() {
        segments(dir.path(), &stage).into_iter().for_each(|path| fs::remove_file(path).unwrap());
        fs::write(&path, &good[..length]).unwrap();
        let store = Store::open(dir.path()).unwrap();
        let set = store.rows(&stage).unwrap();
        assert!(set.len() as u64 >= last && set.len() <= 4, "length {length}");
        last = set.len() as u64;
        assert_rows(&set, 20..20 + last);
        assert!(!store.take_damage().is_empty());
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.rows(&stage).unwrap().len() as u64, last);
        assert_eq!(store.take_damage(), [], "length {length}");
    }
    assert_eq!(last, 4);
}

fn write_from(dir: &Path, writer: u64) {
    let store = Store::open(dir).unwrap();
    let set = store.rows(&key(77)).unwrap();
    for at in 0..60 {
        let number = writer * 1000 + at;
        store.put(&number.to_le_bytes()).unwrap();
        store.record(key(number), &trace(number)).unwrap();
        set.append(&batch(number * 3..number * 3 + 3)).unwrap();
        store.save_checkpoint(&key(5), &number.to_le_bytes()).unwrap();
    }
}

fn assert_written(dir: &Path, writers: std::ops::Range<u64>) {
    let store = Store::open(dir).unwrap();
    let set = store.rows(&key(77)).unwrap();
    for writer in writers.clone() {
        for at in 0..60 {
            let number = writer * 1000 + at;
            let found = store.lookup(&key(number)).unwrap();
            assert_eq!(found, trace(number));
            assert_eq!(&store.get(&found.outputs["out"]).unwrap()[..], number.to_le_bytes());
            assert_rows(&set, number * 3..number * 3 + 3);
        }
    }
    assert_eq!(store.load_checkpoint(&key(5)).unwrap().len(), 8);
    assert_eq!(store.traces().len() as u64, 60 * (writers.end - writers.start));
    assert!(segments(dir, &key(77)).len() <= 40);
    assert_eq!((store.take_damage(), temporary_files(dir)), (vec![], 0));
}

#[test]
fn threads_with_a_store_each_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let dir = dir.path();
            scope.spawn(move || write_from(dir, writer));
        }
    });
    assert_written(dir.path(), 0..3);
}

#[test]
fn threads_that_share_a_store_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let store = &store;
            scope.spawn(move || {
                let set = store.rows(&key(1)).unwrap();
                for at in 0..30 {
                    let number = writer * 100 + at;
                    store.record(key(number), &trace(number)).unwrap();
                    set.append(&batch(number..number + 1)).unwrap();
                    assert_rows(&set, number..number + 1);
                }
            });
        }
    });
    assert_eq!(store.traces().len(), 120);
    assert_eq!(store.rows(&key(1)).unwrap().len(), 120);
}

/// Does nothing by itself: other tests start this binary with the variable set.
#[test]
fn child_writes() {
    let Some(dir) = std::env::var_os("MMF_STORE_TEST_FOLDER") else { return };
    let writer = std::env::var("MMF_STORE_TEST_WRITER").unwrap().parse().unwrap();
    write_from(Path::new(&dir), writer);
}

fn child(dir: &Path, writer: u64) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::child_writes", "--test-threads", "1"])
        .env("MMF_STORE_TEST_FOLDER", dir)
        .env("MMF_STORE_TEST_WRITER", writer.to_string())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn processes_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut children = [child(dir.path(), 0), child(dir.path(), 1)];
    write_from(dir.path(), 2);
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_written(dir.path(), 0..3);
}

#[test]
fn a_killed_process_leaves_a_sound_store() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..8 {
        let mut child = child(dir.path(), 0);
        std::thread::sleep(std::time::Duration::from_millis(20 + round * 7));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(temporary_files(dir.path()), 0);
        for (_, trace) in store.traces() {
            assert!(store.get(&trace.outputs["out"]).is_some(), "a trace without its output");
        }
        assert!(store.take_damage().iter().all(|damage| damage.entry == Entry::Trace));
    }
    write_from(dir.path(), 0);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!((store.traces().len(), store.rows(&key(77)).unwrap().len()), (60, 180));
    assert_eq!(store.take_damage(), []);
}

#[test]
fn what_another_process_writes_is_found_without_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (Store::open(dir.path()).unwrap(), Store::open(dir.path()).unwrap());
    let (rows_one, rows_two) = (one.rows(&key(1)).unwrap(), two.rows(&key(1)).unwrap());
    assert_eq!(two.lookup(&key(1)), None);
    one.record(key(1), &trace(1)).unwrap();
    rows_one.append(&batch(0..20)).unwrap();
    assert_eq!(two.lookup(&key(1)), Some(trace(1)));
    assert_rows(&rows_two, 0..20);
}

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
fn a_checkpoint_is_the_last_whole_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert!(store.load_checkpoint(&key(1)).is_none());
    for step in 0..3u8 {
        store.save_checkpoint(&key(1), &[step; 100_000]).unwrap();
    }
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(&store.load_checkpoint(&key(1)).unwrap()[..], [2; 100_000]);
    let path = dir.path().join("checkpoints").join(key(1).to_string());
    let mut bad = fs::read(&path).unwrap();
    bad[5000] ^= 4;
    fs::write(&path, bad).unwrap();
    assert!(store.load_checkpoint(&key(1)).is_none());
    assert_eq!(store.take_damage()[0].entry, Entry::Checkpoint);
    store.save_checkpoint(&key(1), b"again").unwrap();
    store.drop_checkpoint(&key(1)).unwrap();
    store.drop_checkpoint(&key(1)).unwrap();
    assert!(store.load_checkpoint(&key(1)).is_none());
    assert_eq!(store.take_damage(), []);
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

/// A hundred thousand steps: opening must stay a matter of milliseconds. Run by hand with optimization:
/// `cargo test --release -p mmf-engine opening_is_fast -- --nocapture`.
#[test]
fn opening_is_fast() {
    let count = if cfg!(debug_assertions) { 2_000 } else { 100_000 };
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::open(dir.path(), Options::default()).unwrap());
    let (mut log, _) = log::Log::open(&disk, "traces.log", Entry::Trace).unwrap();
    let payload = |n| [key(n).as_bytes(), &serde_json::to_vec(&trace(n)).unwrap()[..]].concat();
    log.append(&(0..count).map(payload).collect::<Vec<_>>(), false).unwrap();
    drop(disk);
    let start = std::time::Instant::now();
    let store = Store::open(dir.path()).unwrap();
    let elapsed = start.elapsed();
    assert_eq!(store.lookup(&key(count - 1)), Some(trace(count - 1)));
    eprintln!("{count} traces opened in {elapsed:?}");
}
