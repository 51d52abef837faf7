//! What these tests share: folders of pictures and tables, the binary in them, and what it leaves.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

pub(super) use crate::cli::{Place, Ran, events, rows_of};

/// Two features of a picture, a price, and a column that nothing reads.
pub(super) const SHOP: &str = r#"source items = table("items.csv") {
    item:    key
    picture: image("pictures/{item}.ppm")?
    price:   float
    spare:   float
    liked:   bool
}

prepare parts = items |> split(train = 60%, validation = 20%, test = 20%)

extract colour = items.picture |> hsv_histogram(bins = 2x2x2)
extract edges  = items.picture |> gray |> canny(low = 50, high = 150) |> grid_density(2x2)

fuse look = concat(colour, edges) |> fill(mean) |> standardize

train taste = classify(parts, label = liked) {
    output    = concat(look, items.price) |> dense(4) |> relu |> dense(1) |> sigmoid
    optimizer = adam(lr = 1e-2)
    epochs    = 3
    batch     = 64
}

metric quality = taste on parts.test { accuracy }
"#;

/// Returns a folder with `shop.mmf`, its table, and a picture of `side` × `side` points for each item.
pub(super) fn shop(items: usize, side: usize) -> Place {
    let place = Place::new();
    place.write("shop.mmf", SHOP);
    place.write("items.csv", table(items));
    pictures(&place, "pictures", 0..items, side);
    place
}

/// Returns the table of so many items; `note` is no column of the file.
pub(super) fn table(items: usize) -> String {
    let row = |i: usize| format!("i{i},{},{i},n{i},{}\n", (i * 7 % 20) as f64 / 10.0, i.is_multiple_of(3));
    std::iter::once("item,price,spare,note,liked\n".to_string()).chain((0..items).map(row)).collect()
}

pub(super) fn pictures(place: &Place, folder: &str, items: Range<usize>, side: usize) {
    items.for_each(|i| place.write(&format!("{folder}/i{i}.ppm"), picture(side, i)));
}

/// Returns a picture that no other number gives.
pub(super) fn picture(side: usize, number: usize) -> Vec<u8> {
    let mut bytes = format!("P6\n{side} {side}\n255\n").into_bytes();
    for at in 0..side * side {
        let (x, y) = (at % side, at / side);
        let shade = if ((x + number) / 3).is_multiple_of(2) { 40 } else { 200 };
        bytes.extend([shade as u8, (y * 11 + number) as u8, (number >> 8) as u8 ^ x as u8]);
    }
    bytes[15] = number as u8;
    bytes[16] = (number >> 8) as u8;
    bytes
}

/// Runs a pipeline, and returns the events of its run folder, beside the file unless `--runs` says else.
#[track_caller]
pub(super) fn run(place: &Place, args: &[&str]) -> Vec<Value> {
    place.mmf(&[&["run"], args].concat()).ends(0);
    let beside = Path::new(args[0]).with_file_name("runs");
    let runs = args.iter().position(|a| *a == "--runs").map_or(beside, |at| args[at + 1].into());
    events(&place.path("").join(runs).join("latest"))
}

/// Returns the names of the stages whose bodies ran.
pub(super) fn stages(events: &[Value]) -> BTreeSet<&str> {
    events.iter().filter(|e| e["event"] == "computed").map(|e| e["stage"].as_str().unwrap()).collect()
}

/// Returns what a run is judged by: its metrics, and the weights by name.
pub(super) fn results(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = vec![("metrics.json".to_string(), std::fs::read(folder.join("metrics.json")).unwrap())];
    let mut names: Vec<PathBuf> = files(&folder.join("weights"));
    names.sort();
    let weights = names.into_iter().map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), p));
    found.extend(weights.map(|(name, path)| (name, std::fs::read(path).unwrap())));
    assert!(found.len() > 1, "a run without weights");
    found
}

/// Returns the metrics of a run by `name.metric`.
pub(super) fn metric(folder: &Path, name: &str) -> f64 {
    let text = std::fs::read_to_string(folder.join("metrics.json")).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let is = |m: &&Value| format!("{}.{}", m["name"].as_str().unwrap(), m["metric"].as_str().unwrap()) == name;
    all.iter().find(is).and_then(|m| m["value"].as_f64()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// Returns all files below a folder.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Copies a folder and all below it, stores and runs left out.
pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if entry.path().is_dir() {
            if name != ".mmf" && name != "runs" {
                copy(&entry.path(), &to.join(name));
            }
        } else {
            std::fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

/// Returns a path of the repository.
pub(super) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A run under way, heard line by line.
pub(super) struct Running {
    pub(super) child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(super) fn of(place: &Place, args: &[&str]) -> Running {
        let mut command = place.command();
        command.arg("run").args(args).args(["--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines }
    }

    /// Waits for an event.
    #[track_caller]
    pub(super) fn until(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        let mut told = Vec::new();
        for line in self.lines.by_ref() {
            let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if is(&event) {
                return event;
            }
            told.push(event);
        }
        panic!("it ended before: {told:?}");
    }

    /// Hears all that is left, and returns how it ended; `None` where a signal ended it.
    pub(super) fn end(mut self) -> (Vec<Value>, Option<i32>) {
        let told = self.lines.by_ref().map(|l| serde_json::from_str(&l.unwrap()).unwrap()).collect();
        (told, self.child.wait().unwrap().code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
