//! The store as a whole, in real files: what goes in comes out, also after reopening.

mod damage;
mod limits;
mod writers;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

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

/// Opening looks at where the notes are, not at what is in them: of two thousand only the one that is asked for is read.
#[test]
fn opening_reads_no_note_that_nobody_asks_for() {
    let count = 2_000;
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::open(dir.path(), Options::default()).unwrap());
    let (mut log, _) = log::Log::open(&disk, "traces.log", Entry::Trace).unwrap();
    let note = |n| if n == 7 { serde_json::to_vec(&trace(n)).unwrap() } else { b"no JSON".to_vec() };
    let payload = |n| [key(n).as_bytes(), &note(n)[..]].concat();
    log.append(&(0..count).map(payload).collect::<Vec<_>>(), false).unwrap();
    drop(disk);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.traces.usage(), (count, fs::metadata(dir.path().join("traces.log")).unwrap().len()));
    assert_eq!((store.lookup(&key(7)), store.lookup(&key(8))), (Some(trace(7)), None));
}

/// Opening a row set reads the index at the end of each segment, and no row.
#[test]
fn opening_reads_no_row() {
    let dir = tempfile::tempdir().unwrap();
    let stage = key(3);
    let store = Store::open(dir.path()).unwrap();
    store.rows(&stage).unwrap().append(&[(row_key(1), value(40)), (row_key(2), value(45))]).unwrap();
    drop(store);
    let path = &segments(dir.path(), &stage)[0];
    let mut bytes = fs::read(path).unwrap();
    bytes[record::HEADER + 20] ^= 1;
    fs::write(path, bytes).unwrap();
    let store = Store::open(dir.path()).unwrap();
    let set = store.rows(&stage).unwrap();
    assert_eq!((set.len(), store.take_damage()), (2, vec![]));
    assert_eq!(shown(&set.get_many(&[row_key(1)]).unwrap()[0]), "missing");
    assert_eq!(store.take_damage().len(), 1);
}

/// What is written bit by bit is stored as what is written at once, and an error of whoever gives the bytes is told as it is.
#[test]
fn a_blob_may_be_written_bit_by_bit() {
    for read_only in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        drop(Store::open(dir.path()).unwrap());
        let store = Store::open_with(dir.path(), Options { read_only, room: None }).unwrap();
        let bytes: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
        let mut fill = |out: &mut dyn Write| bytes.chunks(7).try_for_each(|some| out.write_all(some));
        let digest = store.put_with(&mut fill).unwrap();
        assert_eq!((digest, store.put_with(&mut fill).unwrap()), (Digest::of(&bytes), digest));
        assert!(store.has(&digest) && store.get(&digest).unwrap()[..] == bytes[..]);
        let mut broken = |out: &mut dyn Write| {
            out.write_all(&bytes)?;
            Err(std::io::Error::other(Error::cancelled()))
        };
        assert!(store.put_with(&mut broken).unwrap_err().cancelled);
        assert_eq!((store.take_damage(), temporary_files(dir.path())), (vec![], 0));
    }
}
