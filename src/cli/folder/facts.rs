//! `run.json`: what a run was made of, and how each step went.

use std::collections::{BTreeMap, BTreeSet};

use mmf_data::ablation::Ablation;
use mmf_data::imputation::Imputation;
use mmf_engine::{Event, RunOutcome, Weighing};
use mmf_lang::analysis::Checked;
use mmf_lang::graph::{Graph, NodeKind};
use mmf_lang::types::Type;

use super::{About, looks, predictions};
use crate::cli::clock;
use crate::cli::steps::{elem_text, steps, type_text};
use crate::report::record::{
    ArrowRecord, CoverageRecord, DataRecord, ExperimentRecord, FailureRecord, ImputationRecord, RunRecord, StepRecord,
    TrainRecord, WeighingRecord,
};

/// What the events say of a step, by its title.
#[derive(Default)]
struct Went {
    state: &'static str,
    rows: u64,
    milliseconds: f64,
}

/// Returns the record of a run; its id and predictions are for the folder to set.
pub(super) fn facts(
    about: &About,
    checked: &Checked,
    graph: &Graph,
    outcome: &RunOutcome<'_>,
    events: &str,
) -> RunRecord {
    let mut record = RunRecord {
        pipeline: about.file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        status: if outcome.stopped {
            "stopped".into()
        } else if outcome.failures.is_empty() {
            "done".into()
        } else {
            "failed".into()
        },
        began: clock::iso(about.began),
        seconds: about.clock.elapsed().as_secs_f64(),
        version: env!("CARGO_PKG_VERSION").into(),
        seed: graph.seed,
        params: about.params.iter().cloned().collect(),
        threads: about.threads,
        kernel: about.kernel.clone(),
        computed: outcome.computed,
        cached: outcome.cached,
        keys: outcome.keys().iter().map(ToString::to_string).collect(),
        ..RunRecord::default()
    };
    let base = checked.files.first().map(|f| f.base.clone()).unwrap_or_default();
    let mut data = BTreeSet::new();
    for named in outcome.named() {
        for (path, digest) in named.files {
            let path = if base.is_empty() { path } else { path.trim_start_matches(&format!("{base}/")).to_string() };
            data.insert(DataRecord { path, digest: digest.to_string() });
        }
    }
    record.data = data.into_iter().collect();
    for failure in &outcome.failures {
        record.failures.push(FailureRecord {
            name: failure.name.clone(),
            code: failure.error.code.into(),
            message: failure.error.message.en.clone(),
            message_zh: failure.error.message.zh.clone(),
        });
    }
    for node in graph.dag.node_weights() {
        if let NodeKind::Stage { stage, .. } = &node.kind {
            let version = mmf_stages::find(stage).map_or(0, |s| s.signature().version);
            record.stages.insert((*stage).to_string(), version);
        }
    }
    let went = went(events);
    for step in steps(graph) {
        // A chain's inner step has no name of its own, and what it did is told with the end of the chain.
        let found = step.names.iter().find_map(|name| went.get(name));
        let state = match found {
            Some(found) => found.state,
            None if step.names.is_empty() || step.joint => "within",
            None => "missed",
        };
        record.steps.push(StepRecord {
            id: step.id,
            names: step.names,
            call: step.call,
            group: step.group.into(),
            ty: step.ty,
            fit: step.fit,
            joint: step.joint,
            reads: step.reads.into_iter().map(|a| ArrowRecord { from: a.from, what: a.what, ty: a.ty }).collect(),
            state: state.into(),
            rows: found.map(|f| f.rows).filter(|&rows| rows > 0),
            milliseconds: found.map(|f| f.milliseconds),
        });
    }
    (record.experiments, record.imputations) = experiments(outcome);
    record.coverage = coverage(graph, outcome);
    record.trains = trains(graph, outcome);
    record
}

/// Returns what the experiments found.
pub(crate) fn experiments(outcome: &RunOutcome<'_>) -> (Vec<ExperimentRecord>, Vec<ImputationRecord>) {
    let (mut ablations, mut imputations) = (Vec::new(), Vec::new());
    for (name, found) in &outcome.experiments {
        if Imputation::is(found) {
            imputations.extend(Imputation::from_arrays(found).ok().map(|found| ImputationRecord::new(name, &found)));
        } else {
            ablations.extend(Ablation::from_arrays(found).ok().map(|found| ExperimentRecord::new(name, &found)));
        }
    }
    (ablations, imputations)
}

/// Returns what the report says of each train beside its metrics.
fn trains(graph: &Graph, outcome: &RunOutcome<'_>) -> Vec<TrainRecord> {
    let pictured = predictions::pictured(graph);
    let one = |(name, id, task): (String, _, String)| {
        let state = outcome.digest(id).and_then(|_| outcome.value(id).ok());
        let number = |key: &str| {
            let state = state.as_ref()?.state().ok()?;
            state.i64s(key).ok()?.first().and_then(|&n| u64::try_from(n).ok())
        };
        let (epochs, kept) = (number("epochs"), number("best"));
        let shown = pictured.iter().find(|p| p.train == name);
        TrainRecord {
            task,
            part: shown.map(|p| p.part.word().to_string()).unwrap_or_default(),
            rows: shown.and_then(|p| looks::name(graph, p)),
            epochs,
            kept,
            weighings: outcome.weighings(id).into_iter().map(weighing).collect(),
            name,
        }
    };
    // What has several tasks stands before each of them.
    let mut all = Vec::new();
    for (name, id) in predictions::trains(graph) {
        let ty = &graph.node(id).ty;
        all.push((name.clone(), id, type_text(graph, ty)));
        if let Type::Train(train) = ty {
            let heads = train.heads.iter();
            all.extend(heads.map(|(head, ty)| (format!("{name}.{head}"), id, ty.task.word().to_string())));
        }
    }
    all.into_iter().map(one).collect()
}

fn weighing(Weighing { curves, name, inputs }: Weighing) -> WeighingRecord {
    WeighingRecord { curves, name, inputs }
}

fn went(events: &str) -> BTreeMap<String, Went> {
    let mut went: BTreeMap<String, Went> = BTreeMap::new();
    for line in events.lines() {
        match serde_json::from_str(line) {
            Ok(Event::Finished { node, rows, computed, cached_rows, milliseconds }) => {
                let state = if cached_rows > 0 && computed > 0 { "partly" } else { "computed" };
                went.insert(node, Went { state, rows, milliseconds });
            }
            Ok(Event::Cached { node, rows, milliseconds }) => {
                went.entry(node).or_insert(Went { state: "cached", rows, milliseconds });
            }
            Ok(Event::Failed { node, .. }) => {
                went.insert(node, Went { state: "failed", ..Went::default() });
            }
            _ => {}
        }
    }
    went
}

/// Counts for each column of each source how many rows have a value.
fn coverage(graph: &Graph, outcome: &RunOutcome<'_>) -> Vec<CoverageRecord> {
    let mut found = Vec::new();
    for (name, id) in &graph.names {
        let node = graph.node(*id);
        let NodeKind::Stage { stage, .. } = &node.kind else { continue };
        let source = mmf_stages::find(stage).is_some_and(|s| s.signature().group == mmf_lang::signature::Group::Source);
        let Type::Table(ty) = &node.ty else { continue };
        if !source || outcome.digest(*id).is_none() {
            continue;
        }
        let Ok(value) = outcome.value(*id) else { continue };
        let Ok(table) = value.table() else { continue };
        for (column, values) in &table.columns {
            let Some(elem) = ty.column(column).map(|c| elem_text(graph, &c.elem)) else { continue };
            let rows = values.len() as u64;
            let present = rows - values.count_missing() as u64;
            found.push(CoverageRecord { source: name.clone(), column: column.clone(), ty: elem, rows, present });
        }
    }
    found
}
