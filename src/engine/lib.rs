//! The engine: runs a checked graph, keeps what it makes in a content-addressed store, and never makes it twice.
//!
//! Knows the language and the run-time values; names no stage. A run's results hang on the file, the data and the seed
//! alone, never on threads or on what is in the store.

mod across;
mod column;
mod event;
mod execute;
mod fit;
mod flight;
mod gather;
mod host;
mod key;
mod layout;
mod measure;
mod memory;
mod network;
mod outline;
mod output;
mod pictures;
mod plan;
mod region;
mod schedule;
mod source;
pub mod store;
mod stream;
mod watch;
mod why;
mod work;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use mmf_data::arrays::Arrays;
use mmf_data::error::{Error, Result};
use mmf_data::table::Value;
use mmf_lang::graph::{Graph, NodeId};
use mmf_lang::say;
use mmf_lang::span::Span;

pub use event::{Event, MetricResult, Sink, Words};
pub use key::Lookup;
pub use network::Weighing;
pub use plan::{Planned, State};
pub use watch::{Ending, Session, SharedSink};
pub use why::Reason;
pub use work::Options;

use store::{Digest, Store};
use work::{Ground, Work};

/// A step that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    pub node: NodeId,
    pub name: String,
    /// Its place in the file.
    pub span: Span,
    pub error: Error,
}

/// A declared name's result.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: String,
    pub node: NodeId,
    /// Of its content.
    pub digest: Digest,
    /// Its key in the store; `None` for what is cut out of another's result.
    pub key: Option<Digest>,
    pub rows: u64,
    pub missing: u64,
    pub cached: bool,
    /// The data files in its arguments, with their digests.
    pub files: Vec<(String, Digest)>,
}

/// How a run went, and what it made.
pub struct RunOutcome<'a> {
    work: Work<'a>,
    pub failures: Vec<Failure>,
    /// In the order of the file.
    pub metrics: Vec<MetricResult>,
    /// What each experiment found, by its name; the arrays are those of `mmf_data::ablation` or `mmf_data::imputation`.
    pub experiments: Vec<(String, Arrays)>,
    pub computed: u64,
    pub cached: u64,
    pub blocked: u64,
    /// Someone asked it to stop; what was finished is kept.
    pub stopped: bool,
}

impl RunOutcome<'_> {
    /// Returns a node's value, read now if it was not needed before.
    ///
    /// # Errors
    /// `E1099` where the run did not make it.
    pub fn value(&self, node: NodeId) -> Result<Value> {
        self.work.value(node)
    }

    /// Returns the digest of a node's content, where the run made it.
    pub fn digest(&self, node: NodeId) -> Option<Digest> {
        self.work.outline(node).map(|o| o.digest)
    }

    /// Returns the declared names whose results are there, in the order of the file.
    pub fn named(&self) -> Vec<Named> {
        let one = |(name, node): &(String, NodeId)| {
            let outline = self.work.outline(*node)?;
            let settled = self.work.settled(*node);
            Some(Named {
                name: name.clone(),
                node: *node,
                digest: outline.digest,
                key: settled.map(|s| s.key),
                rows: outline.rows,
                missing: outline.missing,
                cached: settled.is_none_or(|s| s.cached),
                files: settled.map(|s| s.files.clone()).unwrap_or_default(),
            })
        };
        self.work.graph.names.iter().filter_map(one).collect()
    }

    /// Returns what a train tells of stages in its network that weigh their inputs.
    pub fn weighings(&self, train: NodeId) -> Vec<Weighing> {
        network::weighings(&self.work, train)
    }

    /// Returns the keys of the store that this run used: what cleaning must keep for it.
    pub fn keys(&self) -> BTreeSet<Digest> {
        self.work.keys()
    }
}

/// Runs what the sinks need and the store does not have.
///
/// A failing step stops only those that need it; failures are in the outcome.
///
/// # Errors
/// `E1050` where no threads can be had.
pub fn run<'a>(
    graph: &'a Graph,
    lookup: Lookup,
    store: &'a Store,
    options: &'a Options,
    sink: Sink<'a>,
) -> Result<RunOutcome<'a>> {
    Ok(go(Work::new(graph, options, ground(lookup, store, options, sink)?)))
}

/// Returns what a run would do, without running anything.
///
/// # Errors
/// `E1050` where no threads can be had.
pub fn plan(graph: &Graph, lookup: Lookup, store: &Store, options: &Options) -> Result<Vec<Planned>> {
    let quiet = |_: &Event| {};
    Ok(plan::plan(&Work::new(graph, options, ground(lookup, store, options, &quiet)?)))
}

/// Returns whether a declared name's result is there, and why not; `None` where the sinks do not need it.
///
/// # Errors
/// `E1050` where no threads can be had.
pub fn why(graph: &Graph, lookup: Lookup, store: &Store, options: &Options, name: &str) -> Result<Option<Planned>> {
    Ok(plan(graph, lookup, store, options)?.into_iter().find(|p| p.name == name))
}

fn ground<'a>(lookup: Lookup, store: &'a Store, options: &Options, sink: Sink<'a>) -> Result<Ground<'a>> {
    let pool = pool(options.threads)?;
    let (flights, drain): (_, Arc<AtomicBool>) = (Arc::default(), Arc::default());
    Ok(Ground { lookup, store, sink, flights, drain, pool })
}

fn pool(threads: usize) -> Result<Arc<rayon::ThreadPool>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
    pool.map(Arc::new)
        .map_err(|error| Error::new("E1050", say!("threads cannot be started: {error}", "无法启动线程：{error}")))
}

/// Returns a metric once for each declaration that asks for it.
fn by_each_name(graph: &Graph, id: NodeId, found: MetricResult) -> Vec<MetricResult> {
    let named = graph.names.iter().filter(|(_, node)| *node == id).filter_map(|(full, _)| full.split_once('.'));
    let mut all: Vec<MetricResult> = named
        .map(|(name, metric)| MetricResult { name: name.into(), metric: metric.into(), ..found.clone() })
        .collect();
    if all.is_empty() {
        all.push(found);
    }
    all
}

fn go(work: Work<'_>) -> RunOutcome<'_> {
    let begun = Instant::now();
    let refused = work.store.refused();
    let done = schedule::recall(&work);
    let count = |of: &[bool], all: bool| -> u64 {
        let tasks = work.layout.tasks.iter().zip(of).filter(|(_, done)| all || **done);
        tasks.map(|(t, _)| t.outputs.len() as u64).sum()
    };
    work.emit(Event::Planned { nodes: count(&done, true), cached: count(&done, false) });
    let tally = schedule::run(&work, done);
    why::record(&work);
    work.report_damage();
    let mut metrics = Vec::new();
    let measured = |id: &NodeId| layout::body(work.node(*id)) == Some(mmf_lang::signature::BodyKind::Metric);
    for &id in work.graph.sinks.iter().filter(|id| measured(id) && !work.graph.variants.contains(id)) {
        if work.settled(id).is_some()
            && let Ok(Some(found)) = work.metric_of_all(id)
        {
            // Two declarations may ask for one measurement: each is told by its own name.
            for metric in by_each_name(work.graph, id, found) {
                work.emit(Event::Metric(metric.clone()));
                metrics.push(metric);
            }
        }
    }
    let mut experiments = Vec::new();
    let is_experiment = |id: &NodeId| layout::body(work.node(*id)) == Some(mmf_lang::signature::BodyKind::Experiment);
    for &id in work.graph.sinks.iter().filter(|id| is_experiment(id)) {
        if work.settled(id).is_some()
            && let Ok(value) = work.value(id)
            && let Ok(found) = value.state()
        {
            experiments.push((work.title(id), found.clone()));
        }
    }
    let lost = work.store.refused() - refused;
    if lost > 0 {
        let text = say!(
            "the store cannot be written: {lost} results were not stored, the next run makes them again",
            "存储不可写：{lost} 项结果未存储，下次运行将重新生成"
        );
        work.emit(Event::Warning { text: text.into() });
    }
    work.emit(Event::Done {
        computed: tally.computed,
        cached: tally.cached,
        failed: tally.failures.len() as u64,
        blocked: tally.blocked,
        stopped: tally.stopped,
        milliseconds: work::milliseconds(begun),
    });
    let failures = tally
        .failures
        .into_iter()
        .map(|(node, error)| Failure { node, name: work.title(node), span: work.node(node).span, error })
        .collect();
    let (computed, cached, blocked, stopped) = (tally.computed, tally.cached, tally.blocked, tally.stopped);
    RunOutcome { work, failures, metrics, experiments, computed, cached, blocked, stopped }
}
