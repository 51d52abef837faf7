//! Several writers at once, threads and processes, also killed ones.

use std::path::Path;
use std::process::Command;

use super::*;

pub(super) fn write_from(dir: &Path, writer: u64) {
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

pub(super) fn assert_written(dir: &Path, writers: std::ops::Range<u64>) {
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
        .args(["--exact", "store::tests::writers::child_writes", "--test-threads", "1"])
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
