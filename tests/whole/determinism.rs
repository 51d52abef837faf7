//! The same file, data and seed: the same bytes, on any number of threads.

use std::path::Path;

use super::shell::{Place, copy, repository, results};

/// Runs a pipeline with fresh stores on 1, 2 and 4 threads.
pub(super) fn same_bytes(place: &Place, file: &str) {
    let found = ["1", "2", "4"].map(|threads| {
        let runs = format!("runs{threads}");
        let store = format!("store{threads}");
        place.mmf(&["run", file, "--threads", threads, "--store", &store, "--runs", &runs]).ends(0);
        let latest = place.path(&runs).join("latest");
        let mut found = results(&latest);
        for name in ["predictions.csv", "rankings.csv"] {
            found.extend(std::fs::read(latest.join(name)).ok().map(|bytes| (name.to_string(), bytes)));
        }
        found
    });
    for (at, (name, bytes)) in found[0].iter().enumerate() {
        for (other, threads) in found[1..].iter().zip([2, 4]) {
            assert!(other[at] == (name.clone(), bytes.clone()), "{name} of {file} differs on {threads} threads");
        }
    }
}

fn example(name: &str) {
    let place = Place::new();
    copy(&repository(&format!("examples/{name}")), &place.path(name));
    same_bytes(&place, &format!("{name}/{name}.mmf"));
}

#[test]
fn a_label_on_one_two_and_four_threads() {
    example("label");
}

#[test]
fn a_ranking_on_one_two_and_four_threads() {
    example("ranking");
}

#[test]
fn ready_features_on_one_two_and_four_threads() {
    example("features");
}

/// Each third row of the quickstart's set, two epochs.
#[test]
fn the_quickstart_on_one_two_and_four_threads() {
    let place = Place::new();
    let text = std::fs::read_to_string(repository("pipelines/quickstart.mmf")).unwrap();
    let table = std::fs::read_to_string(repository("pipelines/data/emoji/emoji.csv")).unwrap();
    let pictures = repository("pipelines/data/emoji");
    let rows: Vec<&str> = table.lines().enumerate().filter(|(at, _)| at % 3 == 0).map(|(_, line)| line).collect();
    place.write("emoji.csv", rows.join("\n") + "\n");
    let text = text.replace("epochs    = 40", "epochs    = 2").replace("data/emoji/emoji.csv", "emoji.csv");
    let text = text.replace("data/emoji/{image}", &format!("{}/{{image}}", shown(&pictures)));
    place.write("quickstart.mmf", text);
    same_bytes(&place, "quickstart.mmf");
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
