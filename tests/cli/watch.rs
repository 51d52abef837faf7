//! `watch`: saves of every kind, and what runs after them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::{ITEMS, Place};

/// A watch under way.
pub(crate) struct Watch {
    child: Child,
    lines: Receiver<serde_json::Value>,
}

impl Watch {
    fn of(place: &Place) -> Watch {
        Watch::of_file(place, "items.mmf")
    }

    pub(crate) fn of_file(place: &Place, file: &str) -> Watch {
        let mut command = place.command();
        command.args(["watch", file, "--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if tell.send(serde_json::from_str(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        Watch { child, lines }
    }

    /// Returns what is told until it waits again.
    #[track_caller]
    pub(crate) fn until_it_waits(&self) -> Vec<serde_json::Value> {
        let mut told = Vec::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|e| panic!("{e}: {told:?}"));
            if line["event"] == "waiting" {
                return told;
            }
            told.push(line);
        }
    }

    /// Says that nothing is told for a while.
    #[track_caller]
    fn is_quiet(&self) {
        if let Ok(line) = self.lines.recv_timeout(Duration::from_millis(1500)) {
            panic!("{line}");
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rows(told: &[serde_json::Value], stage: &str) -> u64 {
    super::rows_of(told, stage)
}

#[test]
fn a_save_runs_what_it_made_stale() {
    let place = Place::with_items();
    let watch = Watch::of(&place);
    assert_eq!(rows(&watch.until_it_waits(), "hsv_histogram"), 20);
    watch.is_quiet();
    // A burst of saves, the last of which counts.
    for epochs in 4..8 {
        place.write("items.mmf", ITEMS.replace("epochs    = 3", &format!("epochs    = {epochs}")));
    }
    let told = watch.until_it_waits();
    assert_eq!(rows(&told, "hsv_histogram"), 0);
    let points = told.iter().filter(|e| e["event"] == "curve" && e["curve"] == "loss").count();
    assert_eq!(points, 7, "{told:?}");
    watch.is_quiet();
}

#[test]
fn a_save_by_rename_is_a_save() {
    let place = Place::with_items();
    let watch = Watch::of(&place);
    watch.until_it_waits();
    place.write(".items.mmf.swp", ITEMS.replace("bins = 2x2x2", "bins = 3x2x2"));
    std::fs::rename(place.path(".items.mmf.swp"), place.path("items.mmf")).unwrap();
    assert_eq!(rows(&watch.until_it_waits(), "hsv_histogram"), 20);
    place.write("new.csv", place.read("items.csv").replace("i3,", "i3,1"));
    std::fs::rename(place.path("new.csv"), place.path("items.csv")).unwrap();
    let told = watch.until_it_waits();
    assert_eq!(rows(&told, "hsv_histogram"), 0);
    assert_eq!(rows(&told, "table"), 20);
}

#[test]
fn an_added_and_a_removed_picture_are_seen() {
    let place = Place::with_items();
    std::fs::remove_file(place.path("pictures/i5.ppm")).unwrap();
    let watch = Watch::of(&place);
    assert_eq!(rows(&watch.until_it_waits(), "hsv_histogram"), 19);
    place.picture("pictures/i5.ppm", [9, 8, 7]);
    assert_eq!(rows(&watch.until_it_waits(), "hsv_histogram"), 1);
    std::fs::remove_file(place.path("pictures/i6.ppm")).unwrap();
    let told = watch.until_it_waits();
    assert_eq!(rows(&told, "hsv_histogram"), 0);
    assert!(told.iter().any(|e| e["event"] == "metric"), "{told:?}");
}

#[test]
fn a_mistake_is_shown_and_waited_for() {
    let place = Place::with_items();
    let watch = Watch::of(&place);
    watch.until_it_waits();
    place.write("items.mmf", ITEMS.replace("fill(zero)", "fil(zero)"));
    let told = watch.until_it_waits();
    assert!(told.iter().any(|l| l["code"] == "E0102" || l["severity"] == "error"), "{told:?}");
    place.write("items.mmf", ITEMS);
    let told = watch.until_it_waits();
    assert!(told.iter().any(|e| e["event"] == "metric"), "{told:?}");
    // A table that is not there, and then is.
    std::fs::rename(place.path("items.csv"), place.path("away.csv")).unwrap();
    assert!(watch.until_it_waits().iter().any(|l| l["severity"] == "error"));
    std::fs::rename(place.path("away.csv"), place.path("items.csv")).unwrap();
    assert!(watch.until_it_waits().iter().any(|e| e["event"] == "metric"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it() {
    let place = Place::with_items();
    let mut watch = Watch::of(&place);
    watch.until_it_waits();
    let id = watch.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
}

/// Edges of many pictures, slow enough to be interrupted.
fn slow(place: &Place) -> String {
    let mut table = String::from("id,price,liked\n");
    for i in 0..120 {
        table.push_str(&format!("s{i},{},{}\n", i % 9, i % 2 == 0));
        place.picture(&format!("pictures/s{i}.ppm"), [(i % 250) as u8, (i / 2) as u8, 7]);
    }
    place.write("items.csv", table);
    let text = ITEMS.replace(
        "hsv_histogram(bins = 2x2x2)",
        "resize(600x600) |> gray |> canny(low = 9, high = 20) |> grid_density(2x2)",
    );
    place.write("items.mmf", &text);
    text
}

impl Watch {
    /// Waits until a step has begun.
    #[track_caller]
    fn until_it_starts(&self, node: &str) -> Vec<serde_json::Value> {
        let mut told = Vec::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|e| panic!("{e}: {told:?}"));
            let starts = line["event"] == "started" && line["node"] == node;
            told.push(line);
            if starts {
                return told;
            }
        }
    }
}

#[test]
fn a_change_of_epochs_cancels_no_extraction() {
    let place = Place::with_items();
    let text = slow(&place);
    let watch = Watch::of(&place);
    let mut told = watch.until_it_starts("grid_density");
    place.write("items.mmf", text.replace("epochs    = 3", "epochs    = 4"));
    told.extend(watch.until_it_waits());
    assert!(told.iter().any(|e| e["event"] == "changed"), "{told:?}");
    assert!(told.iter().all(|e| e["event"] != "cancelled"), "{told:?}");
    assert_eq!(rows(&told, "canny"), 120);
    assert_eq!(told.iter().filter(|e| e["event"] == "curve" && e["curve"] == "loss").count(), 4);
}

#[test]
fn what_is_no_longer_wanted_is_cancelled() {
    let place = Place::with_items();
    let text = slow(&place);
    let watch = Watch::of(&place);
    let mut told = watch.until_it_starts("grid_density");
    place.write("items.mmf", text.replace("high = 20", "high = 30"));
    told.extend(watch.until_it_waits());
    assert!(told.iter().any(|e| e["event"] == "cancelled"), "{told:?}");
    assert!(rows(&told, "canny") < 240, "{told:?}");
    assert_eq!(told.iter().filter(|e| e["event"] == "metric").count(), 1);
}
