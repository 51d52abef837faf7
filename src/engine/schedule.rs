//! Ready steps side by side: a failing one stops those that need it, the others finish.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex};
use std::time::Instant;

use mmf_data::error::{Error, Result};
use mmf_lang::graph::NodeId;
use mmf_lang::signature::BodyKind;

use crate::event::Event;
use crate::execute::{self, Found};
use crate::layout::{Task, body};
use crate::store::Digest;
use crate::work::{Work, guard, milliseconds};

/// How a run went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub failures: Vec<(NodeId, Error)>,
    /// Results that were made, came from the store, and were not made for want of another.
    pub computed: u64,
    pub cached: u64,
    pub blocked: u64,
    pub stopped: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Done,
    /// It failed, was stopped, or needs one that did.
    Lost,
}

struct Board {
    states: Vec<State>,
    failures: Vec<(usize, NodeId, Error)>,
    computed: u64,
}

/// Takes up whatever is in the store, in order, as far as that is known. Errors are left to the run, which meets them again.
pub(crate) fn recall(work: &Work<'_>) -> Vec<bool> {
    let mut done = vec![false; work.layout.tasks.len()];
    for (at, task) in work.layout.tasks.iter().enumerate() {
        if task.needs.iter().all(|&n| done[n]) {
            let mut whole = true;
            for &id in &task.outputs {
                whole &= matches!(execute::find(work, task, id), Ok(Found::Cached));
            }
            done[at] = whole;
        }
    }
    done
}

/// Runs what is not done.
pub(crate) fn run(work: &Work<'_>, done: Vec<bool>) -> Tally {
    let tasks = &work.layout.tasks;
    let states: Vec<State> = done.iter().map(|&d| if d { State::Done } else { State::Waiting }).collect();
    let left = states.iter().filter(|s| **s == State::Waiting).count();
    let board = Mutex::new(Board { states, failures: Vec::new(), computed: 0 });
    let news = Condvar::new();
    if left > 0 {
        std::thread::scope(|scope| {
            for _ in 0..work.options.threads.clamp(1, left) {
                scope.spawn(|| labour(work, &board, &news));
            }
        });
    }
    let board = board.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut failures = board.failures;
    failures.sort_by_key(|(task, ..)| *task);
    let outputs = |of: &dyn Fn(usize) -> bool| -> u64 {
        tasks.iter().enumerate().filter(|(at, _)| of(*at)).map(|(_, t)| t.outputs.len() as u64).sum()
    };
    let failed: BTreeSet<usize> = failures.iter().map(|(at, ..)| *at).collect();
    let all = outputs(&|at| board.states[at] == State::Done);
    Tally {
        computed: board.computed,
        cached: all.saturating_sub(board.computed),
        blocked: outputs(&|at| board.states[at] != State::Done && !failed.contains(&at)),
        stopped: stopping(work),
        failures: failures.into_iter().map(|(_, id, error)| (id, error)).collect(),
    }
}

fn stopping(work: &Work<'_>) -> bool {
    work.options.stop.load(Ordering::Relaxed) || work.drain.load(Ordering::Relaxed)
}

/// Takes ready tasks, the first in order first, until none can become ready any more.
fn labour(work: &Work<'_>, board: &Mutex<Board>, news: &Condvar) {
    let tasks = &work.layout.tasks;
    let mut held = guard(board);
    loop {
        for (at, task) in tasks.iter().enumerate() {
            if held.states[at] == State::Waiting && task.needs.iter().any(|&n| held.states[n] == State::Lost) {
                held.states[at] = State::Lost;
            }
        }
        if stopping(work) {
            return;
        }
        let ready = (0..tasks.len()).find(|&at| {
            held.states[at] == State::Waiting && tasks[at].needs.iter().all(|&n| held.states[n] == State::Done)
        });
        let Some(at) = ready else {
            if !held.states.contains(&State::Running) {
                news.notify_all();
                return;
            }
            held = news.wait(held).unwrap_or_else(std::sync::PoisonError::into_inner);
            continue;
        };
        held.states[at] = State::Running;
        drop(held);
        let result = catch_unwind(AssertUnwindSafe(|| step(work, &tasks[at])))
            .unwrap_or_else(|_| Err(Error::bug("a stage panicked; its message stands above")));
        held = guard(board);
        match result {
            Ok(computed) => {
                held.states[at] = State::Done;
                held.computed += computed;
            }
            Err(error) => {
                held.states[at] = State::Lost;
                if !error.cancelled && !work.drain.load(Ordering::Relaxed) {
                    let node = tasks[at].outputs[0];
                    work.emit(Event::failed(&work.title(node), &error));
                    held.failures.push((at, node, error));
                }
            }
        }
        news.notify_all();
    }
}

/// Does a task, and returns how many results it made.
fn step(work: &Work<'_>, task: &Task) -> Result<u64> {
    loop {
        let asked = stale(work, task)?;
        if asked.is_empty() {
            return Ok(0);
        }
        let keys: Vec<Digest> = asked.iter().map(|(_, key)| *key).collect();
        let Some(flight) = work.flights.claim(&keys, &|| stopping(work)) else {
            if stopping(work) {
                return Err(Error::cancelled());
            }
            continue;
        };
        if stopping(work) {
            return Err(Error::cancelled());
        }
        // Whoever made some of them may have finished between the look and the claim.
        let still = stale(work, task)?;
        let asked: Vec<_> = asked
            .into_iter()
            .zip(&flight.flags)
            .filter(|((id, _), _)| still.iter().any(|(s, _)| s == id))
            .map(|((id, key), flag)| (id, key, flag.clone()))
            .collect();
        for (id, ..) in &asked {
            work.emit(Event::Started { node: work.title(*id) });
        }
        let begun = Instant::now();
        let made = execute::make(work, task, &asked)?;
        let passed = milliseconds(begun);
        let whole = made.len() == asked.len();
        let mut count = 0;
        for made in made {
            let Some((id, key, _)) = asked.iter().find(|(id, ..)| *id == made.node) else { continue };
            let (computed, cached_rows) = (made.computed, made.cached_rows);
            let milliseconds = made.milliseconds.unwrap_or(passed);
            let told = made.told.clone();
            let rows = execute::keep(work, *key, made, milliseconds)?;
            let node = work.title(*id);
            told.iter().for_each(|t| work.tell_skips(&node, t));
            if body(work.node(*id)) == Some(BodyKind::Train) {
                // A checkpoint that stays is only space lost.
                let _ = work.store.drop_checkpoint(key);
            }
            count += 1;
            work.emit(Event::Finished { node, rows, computed, cached_rows, milliseconds });
        }
        work.report_damage();
        return if whole { Ok(count) } else { Err(Error::cancelled()) };
    }
}

fn stale(work: &Work<'_>, task: &Task) -> Result<Vec<(NodeId, Digest)>> {
    let mut asked = Vec::new();
    for &id in &task.outputs {
        match execute::find(work, task, id)? {
            Found::Cached => {}
            Found::Stale(key) => asked.push((id, key)),
            Found::Unknown => return Err(Error::bug("a step was begun before its inputs were there")),
        }
    }
    Ok(asked)
}
