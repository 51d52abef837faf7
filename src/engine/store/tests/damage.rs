//! Damage by hand, byte by byte and bit by bit: noticed, reported once, and dear to nobody else.

use std::fs;

use super::*;

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
    let mut bad = good;
    bad[70] ^= 1;
    fs::write(&path, bad).unwrap();
    store.put(b"some features").unwrap();
    assert_eq!(&store.get(&digest).unwrap()[..], b"some features");
    assert_eq!(store.take_damage().len(), 1);
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
