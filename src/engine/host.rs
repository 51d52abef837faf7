//! What a stage is given of the world: cancellation, reports, files, checkpoints.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Context, Host, Report};
use mmf_lang::say;

use crate::event::Event;
use crate::store::Digest;
use crate::work::{Told, Work, guard};

/// Counts what a step works itself, on all threads together, and not what others do meanwhile on the threads that it waits
/// for.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn count<T>(&self, part: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = part();
        self.0.fetch_add(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
        done
    }

    /// Returns the milliseconds counted; `None` where nothing was.
    pub(crate) fn milliseconds(&self) -> Option<f64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&t| t > 0).map(|t| t as f64 / 1e6)
    }
}

/// The host of one step.
pub(crate) struct StepHost<'w, 'a> {
    work: &'w Work<'a>,
    node: String,
    key: Digest,
    pub base: PathBuf,
    flags: Vec<Arc<AtomicBool>>,
    told: Mutex<Vec<Told>>,
    pub clock: Clock,
    reads: Mutex<BTreeMap<PathBuf, Option<Digest>>>,
}

impl<'w, 'a> StepHost<'w, 'a> {
    pub(crate) fn new(
        work: &'w Work<'a>,
        node: String,
        key: Digest,
        base: PathBuf,
        flags: Vec<Arc<AtomicBool>>,
    ) -> Self {
        let (told, clock, reads) = (Mutex::default(), Clock::default(), Mutex::default());
        StepHost { work, node, key, base, flags, told, clock, reads }
    }

    pub(crate) fn context(&self, seed: u64) -> Context<'_> {
        Context { seed, base: &self.base, host: self }
    }

    /// Returns what the stage told: curves and notes in the order of telling, skipped rows by number.
    pub(crate) fn told(&self) -> Vec<Told> {
        let mut told = guard(&self.told).clone();
        told.sort_by_key(|t| match t {
            Told::Skipped { row, name, .. } => (1, *row, name.clone()),
            _ => (0, 0, String::new()),
        });
        told
    }

    pub(crate) fn reads(&self) -> Vec<(String, Option<Digest>)> {
        let reads = guard(&self.reads);
        reads.iter().map(|(path, digest)| (path.to_string_lossy().into_owned(), *digest)).collect()
    }
}

impl Host for StepHost<'_, '_> {
    fn cancelled(&self) -> bool {
        let all = !self.flags.is_empty() && self.flags.iter().all(|f| f.load(Ordering::Relaxed));
        all || self.work.options.stop.load(Ordering::Relaxed)
    }

    fn report(&self, report: Report) {
        let told = match report {
            Report::Progress { done, total } => {
                return self.work.emit(Event::Progress { node: self.node.clone(), done, total });
            }
            Report::Curve { curve, step, value } => Told::Curve { curve, step, value: value.to_bits() },
            Report::Skipped { row, name, reason } => Told::Skipped { row, name, reason: reason.into() },
            Report::Note(text) => Told::Note(text.into()),
        };
        self.work.tell(&self.node, &told);
        guard(&self.told).push(told);
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        // Stages give whole paths: their own, below `Context::base`.
        let kept = crate::work::relative(path, &self.base);
        match std::fs::read(path) {
            Ok(bytes) => {
                guard(&self.reads).insert(kept, Some(Digest::of(&bytes)));
                Ok(bytes)
            }
            Err(error) => {
                guard(&self.reads).insert(kept, None);
                let shown = path.display();
                Err(Error::new("E1046", say!("`{shown}` cannot be read: {error}", "无法读取 `{shown}`：{error}")))
            }
        }
    }

    fn load_checkpoint(&self) -> Option<Vec<u8>> {
        let found = self.work.store.load_checkpoint(&self.key).map(|b| b.to_vec());
        self.work.report_damage();
        found
    }

    fn save_checkpoint(&self, bytes: &[u8]) {
        if let Err(error) = self.work.store.save_checkpoint(&self.key, bytes) {
            // Training goes on; only resuming would begin anew.
            self.work.emit(Event::Warning { text: error.message.into() });
        }
    }
}
