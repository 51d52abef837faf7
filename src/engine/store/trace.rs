//! What a finished step left: for its key, the digests of its outputs and a few facts. The engine looks here first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use mmf_data::error::{Error, Result};
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::disk::{Disk, Entry, guard};
use super::log::{Log, News, Place};

const NAME: &str = "traces.log";

/// What a finished step left.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The blobs that hold its outputs, by name.
    pub outputs: BTreeMap<String, Digest>,
    /// The row sets that its outputs need; cleaning keeps these as long as the trace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Digest>,
    /// Anything else worth keeping: counts, milliseconds.
    #[serde(default)]
    pub meta: serde_json::Value,
}

/// The traces of a store.
pub(super) struct Traces {
    disk: Arc<Disk>,
    state: Mutex<State>,
}

struct State {
    log: Log,
    /// Where the newest trace of each key stands. A payload is the key's 32 bytes, then the trace as JSON.
    places: HashMap<Digest, Place>,
    /// What a read-only store was given to keep.
    memory: HashMap<Digest, Trace>,
}

impl Traces {
    pub(super) fn open(disk: &Arc<Disk>) -> Result<Traces> {
        let (log, places) = Log::open(disk, NAME, Entry::Trace)?;
        let mut state = State { log, places: HashMap::with_capacity(places.len()), memory: HashMap::new() };
        state.take(News::all(places));
        Ok(Traces { disk: disk.clone(), state: Mutex::new(state) })
    }

    pub(super) fn record(&self, key: &Digest, trace: &Trace) -> Result<()> {
        let mut state = guard(&self.state);
        if self.disk.read_only {
            self.disk.refuse();
            state.memory.insert(*key, trace.clone());
            return Ok(());
        }
        let mut payload = key.as_bytes().to_vec();
        serde_json::to_writer(&mut payload, trace)
            .map_err(|error| Error::bug(format!("a trace is no JSON: {error}")))?;
        let news = state.log.append(&[payload], true)?;
        state.take(news);
        Ok(())
    }

    /// Returns the trace of `key`; where it is unknown, looks once whether another process wrote it meanwhile.
    pub(super) fn lookup(&self, key: &Digest) -> Option<Trace> {
        let mut state = guard(&self.state);
        if let Some(trace) = state.memory.get(key) {
            return Some(trace.clone());
        }
        if !state.places.contains_key(key) {
            let news = state.log.refresh().ok()?;
            state.take(news);
        }
        state.trace(key)
    }

    /// Returns all keys with their traces, in the order of the keys.
    pub(super) fn all(&self) -> Vec<(Digest, Trace)> {
        let state = guard(&self.state);
        let mut keys: Vec<Digest> = state.places.keys().copied().collect();
        keys.sort();
        keys.into_iter().filter_map(|key| Some((key, state.trace(&key)?))).collect()
    }

    /// Drops the traces whose keys `keep` refuses, and earlier ones of the same keys. The store must be open to nobody
    /// else.
    pub(super) fn retain(&self, keep: &dyn Fn(&Digest) -> bool) -> Result<()> {
        let mut state = guard(&self.state);
        let news = state.log.refresh()?;
        state.take(news);
        let mut kept: Vec<(&Digest, &Place)> = state.places.iter().filter(|(key, _)| keep(key)).collect();
        kept.sort_by_key(|(_, place)| place.start);
        let payloads: Vec<Vec<u8>> = kept.iter().map(|(_, place)| state.log.payload(place).to_vec()).collect();
        let places = state.log.rewrite(&payloads)?;
        state.take(News::all(places));
        Ok(())
    }

    /// Returns how many traces there are, and the bytes of their log.
    pub(super) fn usage(&self) -> (u64, u64) {
        let state = guard(&self.state);
        (state.places.len() as u64, state.log.size())
    }

    /// Forgets all after the files were removed.
    pub(super) fn forget(&self) {
        let mut state = guard(&self.state);
        state.log.forget();
        state.places.clear();
        state.memory.clear();
    }
}

impl State {
    fn take(&mut self, news: News) {
        if news.restarted {
            self.places.clear();
        }
        for place in news.places {
            if let Some(key) = Digest::first_of(self.log.payload(&place)) {
                self.places.insert(key, place);
            }
        }
    }

    fn trace(&self, key: &Digest) -> Option<Trace> {
        let payload = self.log.payload(self.places.get(key)?);
        serde_json::from_slice(&payload[Digest::LENGTH..]).ok()
    }
}
