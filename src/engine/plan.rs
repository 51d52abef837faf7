//! What a run would do, and why: told from the store without running anything.

use mmf_lang::graph::NodeId;

use crate::layout::is_plan;
use crate::schedule;
use crate::why::{self, Reason};
use crate::work::Work;

/// Whether a declared name's result is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In the store.
    Cached,
    /// To be made; all that it reads is there.
    Stale,
    /// What it reads has to be made first; it may turn out that nothing changed.
    Waiting,
}

/// A declared name in a plan.
#[derive(Clone, Debug)]
pub struct Planned {
    pub name: String,
    pub node: NodeId,
    pub state: State,
    /// Empty where it is cached.
    pub reasons: Vec<Reason>,
}

/// Returns the declared names that the sinks need, in the order of the file. Parts of networks belong to their trains.
pub(crate) fn plan(work: &Work<'_>) -> Vec<Planned> {
    schedule::recall(work);
    let before = why::recorded(work);
    let needed: std::collections::BTreeSet<NodeId> = work.layout.order.iter().copied().collect();
    let named = work.graph.names.iter().filter(|(_, id)| needed.contains(id) && !is_plan(work.node(*id)));
    named
        .map(|(name, id)| {
            let state = state(work, *id);
            let reasons = if state == State::Cached { Vec::new() } else { why::reasons(work, before.get(name), *id) };
            Planned { name: name.clone(), node: *id, state, reasons }
        })
        .collect()
}

fn state(work: &Work<'_>, id: NodeId) -> State {
    if work.outline(id).is_some() {
        return State::Cached;
    }
    let Some(at) = work.layout.task_of(id) else { return State::Waiting };
    let task = &work.layout.tasks[at];
    let made = |at: usize| work.layout.tasks[at].outputs.iter().all(|&o| work.settled(o).is_some());
    match () {
        // An inner step of a fused chain, whose kept results are there.
        () if !task.outputs.contains(&work.layout.twin(id)) && made(at) => State::Cached,
        () if task.needs.iter().all(|&n| made(n)) => State::Stale,
        () => State::Waiting,
    }
}
