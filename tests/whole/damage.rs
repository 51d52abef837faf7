//! Stores that are damaged, full, or cannot be written.

use std::path::{Path, PathBuf};

use super::shell::{SHOP, copy, files, picture, results, rows_of, run, shop};

const RUN: [&str; 5] = ["shop.mmf", "--store", "store", "--runs", "runs"];

/// Each file of a store in turn is flipped, cut, emptied and removed: the run ends well, in the same bytes, and says what
/// it found.
#[test]
fn a_store_damaged_by_hand_is_made_again() {
    let place = shop(30, 8);
    run(&place, &RUN);
    let wanted = results(&place.path("runs/latest"));
    let whole = place.path("whole");
    copy(&place.path("store"), &whole);
    let names: Vec<PathBuf> = files(&whole).iter().map(|f| f.strip_prefix(&whole).unwrap().to_path_buf()).collect();
    assert!(names.len() > 12, "{names:?}");
    let mut found = 0;
    for name in names {
        for (how, change) in DAMAGES {
            std::fs::remove_dir_all(place.path("store")).unwrap();
            copy(&whole, &place.path("store"));
            damage(&place.path("store").join(&name), change);
            let shown = format!("{how}: {}", name.display());
            let ran = place.mmf(&[&["run"], &RUN[..]].concat());
            // Which version wrote the store is not to be guessed; the mend is said.
            if name == Path::new("format") && how != "removed" {
                assert_eq!(ran.code(), 3, "{shown}");
                assert!(ran.err().contains("error[E1043]") && ran.err().contains("remove the folder"), "{}", ran.err());
                continue;
            }
            assert_eq!(ran.code(), 0, "{shown}\n{}", ran.err());
            assert!(results(&place.path("runs/latest")) == wanted, "{shown}");
            // What this run had no need of is found by one that has.
            if name.starts_with("blobs") && how != "removed" && !ran.err().contains("all 11 steps are in the store") {
                assert!(ran.err().contains("damaged"), "{shown}\n{}", ran.err());
                assert!(ran.err().contains("computed again"), "{shown}\n{}", ran.err());
                found += 1;
            }
            // It is mended by that.
            let again = place.mmf(&[&["run"], &RUN[..]].concat()).ends(0);
            assert!(again.err().contains("steps are in the store") && !again.err().contains("damaged"), "{shown}");
        }
    }
    assert!(found > 12, "only {found} damages were told of");
}

/// Rows are read where their column is made again: damaged ones are made again, the others are not.
#[test]
fn damaged_rows_are_made_again() {
    for (how, change) in DAMAGES {
        let place = shop(30, 8);
        run(&place, &RUN);
        for file in files(&place.path("store/rows")) {
            damage(&file, change);
        }
        place.write("pictures/i3.ppm", picture(8, 500));
        let ran = place.mmf(&[&["run"], &RUN[..]].concat()).ends(0);
        if how != "removed" {
            assert!(ran.err().contains("damaged"), "{how}: {}", ran.err());
        }
        let damaged = results(&place.path("runs/latest"));
        run(&place, &["shop.mmf", "--store", "fresh", "--runs", "runs"]);
        assert!(damaged == results(&place.path("runs/latest")), "{how}");
    }
}

/// Everything but the version at once.
#[test]
fn a_store_that_is_damaged_all_over() {
    let place = shop(30, 8);
    run(&place, &RUN);
    let wanted = results(&place.path("runs/latest"));
    for (how, change) in DAMAGES {
        for file in files(&place.path("store")).iter().filter(|f| !f.ends_with("format")) {
            damage(file, change);
        }
        run(&place, &RUN);
        assert!(results(&place.path("runs/latest")) == wanted, "{how}");
    }
}

type Change = fn(Vec<u8>) -> Option<Vec<u8>>;

const DAMAGES: [(&str, Change); 4] = [
    ("flipped", |bytes| Some(bytes.iter().enumerate().map(|(i, b)| if i % 7 == 0 { b ^ 0x55 } else { *b }).collect())),
    ("cut", |bytes| Some(bytes[..bytes.len() / 2].to_vec())),
    ("emptied", |_| Some(Vec::new())),
    ("removed", |_| None),
];

fn damage(path: &Path, change: Change) {
    match change(std::fs::read(path).unwrap()) {
        Some(bytes) => std::fs::write(path, bytes).unwrap(),
        None => std::fs::remove_file(path).unwrap(),
    }
}

#[test]
fn a_file_in_the_place_of_the_store_or_of_the_runs() {
    let place = shop(20, 8);
    place.write("taken", "a file");
    let err = place.mmf(&["run", "shop.mmf", "--store", "taken"]).ends(3).err();
    assert!(err.contains("error[E1040]: the store `taken` cannot be opened"), "{err}");
    assert!(err.contains("choose another place for the store"), "{err}");
    let err = place.mmf(&["run", "shop.mmf", "--runs", "taken"]).ends(3).err();
    assert!(err.contains("`taken") && err.contains("`--runs DIR` puts run folders elsewhere"), "{err}");
    assert_eq!(place.read("taken"), "a file");
}

/// A store that cannot be written is read; the run goes through, and says that nothing is kept.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_store_is_read() {
    let place = shop(20, 8);
    let ran = place.mmf(&["run", "shop.mmf", "--store", "/proc/mmf"]).ends(0);
    assert!(ran.err().contains("`/proc/mmf`") && ran.err().contains("results are not stored"), "{}", ran.err());
    let fresh = results(&place.path("runs/latest"));
    run(&place, &RUN);
    assert!(results(&place.path("runs/latest")) == fresh);
    let Some(_mounted) = Mounted::bind_read_only(&place.path("store")) else {
        println!("skipped in part: nothing can be mounted here");
        return;
    };
    let ran = place.mmf(&[&["run"], &RUN[..]].concat()).ends(0);
    assert!(ran.err().contains("results are not stored") && ran.err().contains("are in the store"), "{}", ran.err());
    place.write("shop.mmf", SHOP.replace("epochs    = 3", "epochs    = 4"));
    let ran = place.mmf(&[&["run"], &RUN[..]].concat()).ends(0);
    assert!(ran.err().contains("were not stored, the next run makes them again"), "{}", ran.err());
    assert_eq!(rows_of(&super::shell::events(&place.path("runs/latest")), "canny"), 0);
}

/// No room on the disk of the store: an error that names it; with room again, what was finished is there.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_the_run_and_loses_nothing() {
    let place = shop(600, 8);
    let run_it = [&["run"], &RUN[..]].concat();
    std::fs::create_dir(place.path("store")).unwrap();
    let Some(mounted) = Mounted::small(&place.path("store")) else {
        println!("skipped: nothing can be mounted here");
        return;
    };
    let err = place.mmf(&run_it).ends(3).err();
    assert!(err.contains("error[E1041]") && err.contains("full"), "{err}");
    assert!(mounted.grow());
    let told = run(&place, &RUN);
    assert!(rows_of(&told, "hsv_histogram") < 600, "{told:?}");
    let wanted = results(&place.path("runs/latest"));
    run(&place, &["shop.mmf", "--store", "fresh", "--runs", "runs"]);
    assert!(results(&place.path("runs/latest")) == wanted);
}

/// No file may grow beyond 4 KiB: as a full disk, wherever one cannot be made.
#[cfg(target_os = "linux")]
#[test]
fn files_that_cannot_grow_stop_the_run_and_lose_nothing() {
    let place = shop(600, 8);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_mmf"), "run"]);
    command.args(RUN).current_dir(place.path("")).env("LC_ALL", "C");
    let ended = command.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains("error[E10") && said.contains("store/"), "{said}");
    run(&place, &RUN);
    let wanted = results(&place.path("runs/latest"));
    run(&place, &["shop.mmf", "--store", "fresh", "--runs", "runs"]);
    assert!(results(&place.path("runs/latest")) == wanted);
}

/// Something mounted, until it is dropped. Only root may; `None` for others.
#[cfg(target_os = "linux")]
struct Mounted(PathBuf);

#[cfg(target_os = "linux")]
impl Mounted {
    fn mount(args: &[&str], path: &Path) -> bool {
        let done = std::process::Command::new("mount").args(args).arg(path).output();
        done.is_ok_and(|d| d.status.success())
    }

    /// A file system with little room.
    fn small(path: &Path) -> Option<Mounted> {
        Mounted::mount(&["-t", "tmpfs", "-o", "size=380k", "tmpfs"], path).then(|| Mounted(path.to_path_buf()))
    }

    fn grow(&self) -> bool {
        Mounted::mount(&["-o", "remount,size=64m"], &self.0)
    }

    fn bind_read_only(path: &Path) -> Option<Mounted> {
        let mounted = Mounted::mount(&["--bind", path.to_str()?], path).then(|| Mounted(path.to_path_buf()))?;
        Mounted::mount(&["-o", "remount,bind,ro"], path).then_some(mounted)
    }
}

#[cfg(target_os = "linux")]
impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).output();
    }
}
