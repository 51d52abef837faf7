//! Runs that follow one another while a file is edited: a new graph takes over, and what both want goes on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use mmf_data::error::Result;
use mmf_lang::graph::Graph;

use crate::event::Event;
use crate::execute::{self, Found};
use crate::flight::Flights;
use crate::key::Lookup;
use crate::store::{Digest, Store};
use crate::work::{Ground, Options, Work};
use crate::{RunOutcome, go, pool, schedule};

/// Takes events of runs in the background.
pub type SharedSink = Arc<dyn Fn(&Event) + Send + Sync>;

/// Is given a run's outcome when it ends, unless a newer run took over.
pub type Ending = Box<dyn FnOnce(&RunOutcome<'_>) + Send>;

/// A store, a pool of threads, and the run under way.
pub struct Session {
    lookup: Lookup,
    store: Arc<Store>,
    pool: Arc<rayon::ThreadPool>,
    flights: Arc<Flights>,
    running: Vec<Running>,
}

struct Running {
    drain: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Session {
    /// # Errors
    /// `E1050` where no threads can be had.
    pub fn new(lookup: Lookup, store: Arc<Store>, threads: usize) -> Result<Session> {
        Ok(Session { lookup, store, pool: pool(threads)?, flights: Arc::default(), running: Vec::new() })
    }

    /// Begins a run of this graph. The run under way begins nothing new, and of what it is at, that is stopped which the
    /// new graph does not want; returns how many results that were. What it wants goes on, and is waited for.
    pub fn update(&mut self, graph: Arc<Graph>, options: Options, sink: SharedSink, ending: Ending) -> usize {
        self.running.retain(|r| !r.thread.is_finished());
        self.running.iter().for_each(|r| r.drain.store(true, Ordering::Relaxed));
        let wanted = self.wanted(&graph, &options);
        let stopped = self.flights.cancel_unless(&|key| wanted.contains(key));
        let drain: Arc<AtomicBool> = Arc::default();
        let (lookup, store, pool) = (self.lookup, self.store.clone(), self.pool.clone());
        let (flights, own) = (self.flights.clone(), drain.clone());
        let thread = std::thread::spawn(move || {
            let quieted = own.clone();
            // A run that was taken over says no more than what it finishes.
            let sink = move |event: &Event| {
                let last = matches!(event, Event::Done { .. } | Event::Metric(_) | Event::Failed { .. });
                if !(last && quieted.load(Ordering::Relaxed)) {
                    sink(event);
                }
            };
            let ground = Ground { lookup, store: &store, sink: &sink, flights, drain: own.clone(), pool };
            let outcome = go(Work::new(&graph, &options, ground));
            if !own.load(Ordering::Relaxed) {
                ending(&outcome);
            }
        });
        self.running.push(Running { drain, thread });
        stopped
    }

    /// Returns the keys of what a run of this graph would make now. What is being made has known inputs, so it is among
    /// them if it is still wanted.
    fn wanted(&self, graph: &Graph, options: &Options) -> BTreeSet<Digest> {
        let quiet = |_: &Event| {};
        let (flights, drain) = (Arc::default(), Arc::default());
        let (lookup, store, pool) = (self.lookup, &*self.store, self.pool.clone());
        let work = Work::new(graph, options, Ground { lookup, store, sink: &quiet, flights, drain, pool });
        schedule::recall(&work);
        let outputs = work.layout.tasks.iter().flat_map(|t| t.outputs.iter().map(move |&id| (t, id)));
        outputs
            .filter_map(|(task, id)| match execute::find(&work, task, id) {
                Ok(Found::Stale(key)) => Some(key),
                _ => None,
            })
            .collect()
    }

    /// Says whether a run is under way.
    pub fn is_running(&self) -> bool {
        self.running.iter().any(|r| !r.thread.is_finished())
    }

    /// Waits for the run under way.
    pub fn wait(&mut self) {
        for running in self.running.drain(..) {
            // A panic of a stage is caught within; one of the sink ends only its own run.
            let _ = running.thread.join();
        }
    }
}
