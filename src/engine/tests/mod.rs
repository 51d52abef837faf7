//! The engine over toy stages and graphs built by hand.

mod build;
mod cache;
mod fits;
mod opened;
mod rows;
mod schedule;
mod toys;
mod trains;
mod watch;

use std::path::Path;
use std::sync::Mutex;

use crate::store::Store;
use crate::work::guard;
use crate::{Event, Options, RunOutcome};
use build::Build;

/// A folder with a store and a file of data.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) options: Options,
}

/// What a run left for a test to look at.
pub(crate) struct Ran {
    pub(crate) events: Vec<Event>,
    /// Digests of the declared names' results.
    pub(crate) digests: Vec<(String, crate::store::Digest)>,
    pub(crate) failures: Vec<(String, String)>,
    pub(crate) metrics: Vec<crate::MetricResult>,
    pub(crate) computed: u64,
    pub(crate) blocked: u64,
    pub(crate) stopped: bool,
}

impl Place {
    pub(crate) fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { decode: toys::decode, ..Options::new(folder.path()) };
        Place { folder, options }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.path().join("store")).unwrap()
    }

    pub(crate) fn run(&self, build: &Build) -> Ran {
        self.look(build, |_| ()).0
    }

    /// Runs, and lets a test look at the outcome.
    pub(crate) fn look<T>(&self, build: &Build, look: impl FnOnce(&RunOutcome<'_>) -> T) -> (Ran, T) {
        let events = Mutex::new(Vec::new());
        let sink = |event: &Event| guard(&events).push(event.clone());
        let store = self.store();
        let outcome = crate::run(&build.graph, toys::find, &store, &self.options, &sink).unwrap();
        let seen = look(&outcome);
        let ran = Ran {
            digests: outcome.named().into_iter().map(|n| (n.name, n.digest)).collect(),
            failures: outcome.failures.iter().map(|f| (f.name.clone(), f.error.to_string())).collect(),
            metrics: outcome.metrics.clone(),
            computed: outcome.computed,
            blocked: outcome.blocked,
            stopped: outcome.stopped,
            events: Vec::new(),
        };
        drop(outcome);
        (Ran { events: events.into_inner().unwrap(), ..ran }, seen)
    }
}

impl Ran {
    /// Returns how many rows a stage's body was given.
    pub(crate) fn rows(&self, stage: &str) -> u64 {
        self.computed_by(stage).map(|(_, rows)| rows).sum()
    }

    pub(crate) fn calls(&self, stage: &str) -> u64 {
        self.computed_by(stage).map(|(calls, _)| calls).sum()
    }

    fn computed_by(&self, wanted: &str) -> impl Iterator<Item = (u64, u64)> {
        self.events.iter().filter_map(move |e| match e {
            Event::Computed { stage, calls, rows, .. } if stage == wanted => Some((*calls, *rows)),
            _ => None,
        })
    }

    pub(crate) fn bodies(&self) -> usize {
        self.events.iter().filter(|e| matches!(e, Event::Computed { .. })).count()
    }

    pub(crate) fn digest(&self, name: &str) -> crate::store::Digest {
        self.digests.iter().find(|(n, _)| n == name).unwrap().1
    }
}
