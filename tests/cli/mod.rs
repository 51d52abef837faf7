//! The real binary, end to end.

mod check;
mod completions;
mod folder;
mod new;
mod report;
mod run;
pub(crate) mod watch;
mod words;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder for one test.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// Twenty items with a picture, a price and a label.
pub(crate) const ITEMS: &str = r#"source items = table("items.csv") {
    id:      key
    picture: image("pictures/{id}.ppm")?
    price:   float
    liked:   bool
}

prepare parts = items |> split(train = 60%, validation = 20%, test = 20%)

extract colour = items.picture |> hsv_histogram(bins = 2x2x2) |> fill(zero)

train taste = classify(parts, label = liked) {
    output    = concat(colour, items.price) |> dense(1) |> sigmoid
    optimizer = adam(lr = 1e-2)
    epochs    = 3
}

metric quality = taste on parts.test { accuracy }
"#;

impl Place {
    pub(crate) fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with `items.mmf`, its table and its pictures.
    pub(crate) fn with_items() -> Place {
        let place = Place::new();
        place.write("items.mmf", ITEMS);
        let mut table = String::from("id,price,liked\n");
        for i in 0..20 {
            table.push_str(&format!("i{i},{},{}\n", (i * 7 % 20) as f64 / 10.0, i % 2 == 0));
            place.picture(&format!("pictures/i{i}.ppm"), [(i * 12) as u8, 90, 200]);
        }
        place.write("items.csv", &table);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Writes a picture of 4 × 4 equal points.
    pub(crate) fn picture(&self, name: &str, colour: [u8; 3]) {
        let mut bytes = b"P6\n4 4\n255\n".to_vec();
        bytes.extend(colour.iter().cycle().take(48));
        self.write(name, bytes);
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Returns a command in the folder, in English and without colour.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mmf"));
        command.current_dir(self.folder.path());
        for name in ["LC_ALL", "LC_MESSAGES", "LANG", "NO_COLOR"] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn mmf(&self, args: &[&str]) -> Ran {
        Ran(self.command().args(args).output().unwrap())
    }
}

/// What a command gave.
pub(crate) struct Ran(Output);

impl Ran {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// Returns stdout as JSON lines.
    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        self.out().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Ran {
        assert_eq!(self.code(), code, "stdout:\n{}\nstderr:\n{}", self.out(), self.err());
        self
    }
}

/// Returns the events of a run folder.
pub(crate) fn events(folder: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// Returns for how many rows a stage's body ran.
pub(crate) fn rows_of(events: &[serde_json::Value], stage: &str) -> u64 {
    let of = events.iter().filter(|e| e["event"] == "computed" && e["stage"] == stage);
    of.map(|e| e["rows"].as_u64().unwrap()).sum()
}
