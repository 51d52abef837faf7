//! Ctrl-C and `kill -9` in the middle: what was finished is kept, and the next run ends in the same bytes.

use std::process::Command;

use super::shell::{Place, Running, SHOP, copy, events, repository, results, rows_of, run, shop};

/// How a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stop {
    CtrlC,
    Kill,
}

impl Stop {
    /// Stops a run, and looks at how it ended.
    fn stop(self, running: Running) {
        let signal = if self == Stop::CtrlC { "-INT" } else { "-KILL" };
        let id = running.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let (told, code) = running.end();
        match self {
            Stop::CtrlC => {
                assert_eq!(code, Some(3), "{told:?}");
                assert!(told.iter().any(|e| e["event"] == "done" && e["stopped"] == true), "{told:?}");
                assert!(told.iter().all(|e| e["event"] != "metric"), "{told:?}");
            }
            Stop::Kill => assert_eq!(code, None, "{told:?}"),
        }
    }
}

/// Returns what a run with a store of its own gives.
fn undisturbed(place: &Place, file: &str) -> Vec<(String, Vec<u8>)> {
    run(place, &[file, "--store", "fresh", "--runs", "fresh-runs"]);
    results(&place.path("fresh-runs/latest"))
}

/// Pictures that take a while.
fn slow_shop(items: usize) -> Place {
    let place = shop(items, 8);
    place.write("shop.mmf", SHOP.replace("items.picture |>", "items.picture |> resize(160x160) |>"));
    place
}

fn in_extraction(stop: Stop) {
    let place = slow_shop(1_200);
    let mut running = Running::of(&place, &["shop.mmf", "--store", "store"]);
    // Rows are kept before progress is told.
    let at = running.until(|e| e["event"] == "progress" && e["total"] == 1_200);
    let done = at["done"].as_u64().unwrap();
    assert!(done < 1_200, "it is too quick to be stopped");
    stop.stop(running);
    let told = run(&place, &["shop.mmf", "--store", "store"]);
    let made = rows_of(&told, "hsv_histogram");
    assert!(made > 0 && made <= 1_200 - done, "{made} rows were made after {done} of 1,200");
    assert!(results(&place.path("runs/latest")) == undisturbed(&place, "shop.mmf"));
}

#[test]
fn ctrl_c_in_the_middle_of_extraction() {
    in_extraction(Stop::CtrlC);
}

#[test]
fn kill_in_the_middle_of_extraction() {
    in_extraction(Stop::Kill);
}

/// Stops a training after two epochs, twice, and then lets it end.
fn in_training(place: &Place, file: &str, train: &str, epochs: usize, stop: Stop) {
    let args = [file, "--store", "store", "--runs", "runs"];
    let is_curve = |e: &serde_json::Value| e["event"] == "curve" && e["node"] == train && e["curve"] == "loss";
    for step in [2, 4] {
        let mut running = Running::of(place, &args);
        running.until(|e| is_curve(e) && e["step"].as_u64().unwrap() >= step);
        stop.stop(running);
    }
    let mut running = Running::of(place, &args);
    let first = running.until(|e| e["event"] == "progress" && e["node"] == train);
    let batches = first["total"].as_u64().unwrap() / epochs as u64;
    assert!(first["done"].as_u64().unwrap() > batches, "it began anew: {first}");
    let (_, code) = running.end();
    assert_eq!(code, Some(0));
    let latest = place.path("runs/latest");
    assert!(results(&latest) == undisturbed(place, file));
    // Nor is a point of its curves lost.
    let points = |folder: &str| -> Vec<(u64, f64)> {
        let told = events(&place.path(folder).join("latest"));
        let of = told.iter().filter(|e| is_curve(e));
        of.map(|e| (e["step"].as_u64().unwrap(), e["value"].as_f64().unwrap())).collect()
    };
    assert_eq!(points("runs"), points("fresh-runs"));
}

fn long_training(stop: Stop) {
    let place = shop(150, 8);
    place
        .write("shop.mmf", SHOP.replace("epochs    = 3", "epochs    = 300").replace("batch     = 64", "batch     = 4"));
    in_training(&place, "shop.mmf", "taste", 300, stop);
}

#[test]
fn ctrl_c_in_the_middle_of_training() {
    long_training(Stop::CtrlC);
}

#[test]
fn kill_in_the_middle_of_training() {
    long_training(Stop::Kill);
}

/// A ranking draws negatives, and keeps its best weights.
#[test]
fn kill_in_the_middle_of_a_ranking() {
    let place = Place::new();
    copy(&repository("examples/ranking"), &place.path(""));
    in_training(&place, "ranking.mmf", "taste", 30, Stop::Kill);
}

/// A run that was stopped names itself so, and `latest` is still a whole run.
#[test]
fn a_stopped_run_measures_nothing() {
    let place = slow_shop(600);
    let mut running = Running::of(&place, &["shop.mmf"]);
    running.until(|e| e["event"] == "progress");
    Stop::CtrlC.stop(running);
    assert_eq!(place.read("runs/latest/metrics.json").trim(), "[]");
    let record: serde_json::Value = serde_json::from_str(&place.read("runs/latest/run.json")).unwrap();
    assert_eq!(record["status"], "stopped");
}
