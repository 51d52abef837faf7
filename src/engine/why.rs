//! What changed since the last run: for each declared name, what its result was made of.

use std::collections::{BTreeMap, BTreeSet};

use mmf_lang::diagnostic::Text;
use mmf_lang::graph::{NodeId, NodeKind};
use mmf_lang::say;
use serde::{Deserialize, Serialize};

use crate::key;
use crate::layout::{TaskKind, is_plan};
use crate::region;
use crate::store::{Digest, Hasher, Trace};
use crate::work::{Work, relative};

/// What a declared name's result was made of in a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    steps: Vec<Step>,
    /// Declared names that it reads, and their contents.
    inputs: Vec<(String, Option<Digest>)>,
    files: Vec<(String, Digest)>,
    seed: u64,
    kernel: String,
    /// The content of the result; `None` where it was not made.
    result: Option<Digest>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Step {
    stage: String,
    version: u32,
    args: Vec<(String, String)>,
}

/// Why a result has to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No earlier run of this file made it.
    New,
    /// Another chain of stages.
    Stages {
        was: String,
        now: String,
    },
    /// The stage itself computes something else than before.
    Version {
        stage: String,
        was: u32,
        now: u32,
    },
    Argument {
        stage: String,
        name: String,
        was: Option<String>,
        now: Option<String>,
    },
    /// A declared name that it reads has other contents.
    Input {
        name: String,
    },
    /// A declared name that it reads has to be made first.
    Upstream {
        name: String,
    },
    File {
        path: String,
    },
    /// Pictures that were never seen by its stages: the first one's file, and how many more.
    Pictures {
        path: String,
        more: u64,
    },
    Seed {
        was: u64,
        now: u64,
    },
    Kernel {
        was: String,
        now: String,
    },
    /// It was made from the same before, but is not in the store, or was damaged there.
    Missing,
}

impl Reason {
    pub fn text(&self) -> Text {
        match self {
            Reason::New => say!("it was never made", "尚未生成过"),
            Reason::Stages { was, now } => say!("its stages were {was}, now {now}", "阶段由 {was} 改为 {now}"),
            Reason::Version { stage, was, now } => {
                say!("`{stage}` is now version {now}, was {was}", "`{stage}` 的版本由 {was} 变为 {now}")
            }
            Reason::Argument { stage, name, was, now } => {
                let of = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".into());
                let (was, now) = (of(was), of(now));
                say!("`{name}` of `{stage}` changed from {was} to {now}", "`{stage}` 的 `{name}` 由 {was} 改为 {now}")
            }
            Reason::Input { name } => say!("`{name}` has other contents", "`{name}` 的内容有变"),
            Reason::Upstream { name } => say!("`{name}` has to be made first", "需要先生成 `{name}`"),
            Reason::File { path } => say!("the file `{path}` changed", "文件 `{path}` 有变"),
            Reason::Pictures { path, more: 0 } => {
                say!("the picture `{path}` is new or changed", "图片 `{path}` 是新增的或有变")
            }
            Reason::Pictures { path, more } => say!(
                "the picture `{path}` and {more} others are new or changed",
                "图片 `{path}` 及另外 {more} 张是新增的或有变"
            ),
            Reason::Seed { was, now } => say!("the seed changed from {was} to {now}", "种子由 {was} 改为 {now}"),
            Reason::Kernel { was, now } => {
                say!(
                    "this machine computes with {now}, it was made with {was}",
                    "本机使用 {now} 计算，原结果使用 {was}"
                )
            }
            Reason::Missing => say!("it is no longer in the store", "存储中已没有该结果"),
        }
    }
}

/// Returns what the last run of this pipeline noted, by declared name.
pub(crate) fn recorded(work: &Work<'_>) -> BTreeMap<String, Record> {
    let trace = work.store.lookup(&place(work));
    trace.and_then(|t| serde_json::from_value(t.meta).ok()).unwrap_or_default()
}

/// Notes what this run's results were made of. Names that were not reached keep what was noted of them.
pub(crate) fn record(work: &Work<'_>) {
    let mut records = recorded(work);
    let before = records.clone();
    let declared: BTreeSet<&String> = work.graph.names.iter().map(|(n, _)| n).collect();
    records.retain(|name, _| declared.contains(name));
    for (name, id) in &work.graph.names {
        let record = of(work, *id);
        if record.result.is_some() {
            records.insert(name.clone(), record);
        }
    }
    work.keep(place(work));
    if records != before
        && let Ok(meta) = serde_json::to_value(&records)
    {
        // Without it only `why` knows less.
        let _ = work.store.record(place(work), &Trace { meta, ..Trace::default() });
    }
}

fn place(work: &Work<'_>) -> Digest {
    Hasher::new("records").text(&work.options.pipeline).finish()
}

/// Returns what a declared name's result is made of now, as far as that is known.
fn of(work: &Work<'_>, id: NodeId) -> Record {
    let mut record = Record {
        seed: work.seed(),
        kernel: work.options.kernel.clone(),
        result: work.outline(id).map(|o| o.digest),
        ..Record::default()
    };
    let mut seen = BTreeSet::new();
    let mut stack = vec![id];
    while let Some(at) = stack.pop() {
        if !seen.insert(at) {
            continue;
        }
        let node = work.node(at);
        if at != id
            && let (Some(name), false) = (&node.name, is_plan(node))
        {
            record.inputs.push((name.clone(), work.outline(at).map(|o| o.digest)));
            continue;
        }
        // Of a named table, the column that is read.
        if let (NodeKind::Column(column), Some(&table)) = (&node.kind, node.inputs.first())
            && let (Some(name), false) = (&work.node(table).name, table == id)
        {
            record.inputs.push((format!("{name}.{column}"), work.outline(at).map(|o| o.digest)));
            continue;
        }
        if let NodeKind::Stage { stage, args, .. } = &node.kind {
            let version = (work.lookup)(stage).map_or(0, |s| s.signature().version);
            let args = args.0.iter().map(|(n, v)| (n.clone(), key::show(v))).collect();
            record.steps.push(Step { stage: (*stage).into(), version, args });
            if let Some(settled) = work.settled(at) {
                record.files.extend(settled.files.iter().cloned());
            }
        }
        stack.extend(node.inputs.iter().rev());
    }
    record
}

/// Returns why a declared name's result has to be made, by what was noted of it.
pub(crate) fn reasons(work: &Work<'_>, before: Option<&Record>, id: NodeId) -> Vec<Reason> {
    let Some(before) = before else { return vec![Reason::New] };
    let now = of(work, id);
    let mut reasons = Vec::new();
    let chain = |record: &Record| {
        let stages: Vec<&str> = record.steps.iter().rev().map(|s| s.stage.as_str()).collect();
        format!("`{}`", stages.join(" |> "))
    };
    if before.steps.len() != now.steps.len() || before.steps.iter().zip(&now.steps).any(|(a, b)| a.stage != b.stage) {
        reasons.push(Reason::Stages { was: chain(before), now: chain(&now) });
    } else {
        for (was, now) in before.steps.iter().zip(&now.steps) {
            compare(was, now, &mut reasons);
        }
    }
    for (at, (name, digest)) in now.inputs.iter().enumerate() {
        match (digest, before.inputs.get(at).and_then(|(_, d)| *d)) {
            (None, _) => reasons.push(Reason::Upstream { name: name.clone() }),
            (Some(now), Some(was)) if *now != was => reasons.push(Reason::Input { name: name.clone() }),
            _ => {}
        }
    }
    reasons.extend(pictures(work, id));
    for (path, digest) in files(work, id) {
        if before.files.iter().any(|(p, d)| *p == path && *d != digest) {
            reasons.push(Reason::File { path });
        }
    }
    if before.seed != now.seed {
        reasons.push(Reason::Seed { was: before.seed, now: now.seed });
    }
    if before.kernel != now.kernel {
        reasons.push(Reason::Kernel { was: before.kernel.clone(), now: now.kernel });
    }
    if reasons.is_empty() {
        reasons.push(Reason::Missing);
    }
    reasons
}

/// Returns the pictures that have to go through the stages of a kept output.
fn pictures(work: &Work<'_>, id: NodeId) -> Option<Reason> {
    let id = work.layout.twin(id);
    let task = &work.layout.tasks[work.layout.task_of(id)?];
    let ready =
        task.needs.iter().all(|&need| work.layout.tasks[need].outputs.iter().all(|&o| work.settled(o).is_some()));
    if task.kind != (TaskKind::Rows { heavy: true }) || !task.outputs.contains(&id) || !ready {
        return None;
    }
    let found = region::unknown(work, task, id).ok()?;
    let path = relative(found.first()?, &work.options.base).display().to_string();
    Some(Reason::Pictures { path, more: found.len() as u64 - 1 })
}

fn compare(was: &Step, now: &Step, reasons: &mut Vec<Reason>) {
    let stage = now.stage.clone();
    if was.version != now.version {
        reasons.push(Reason::Version { stage: stage.clone(), was: was.version, now: now.version });
    }
    let find = |args: &[(String, String)], name: &str| args.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let names: BTreeSet<&String> = was.args.iter().chain(&now.args).map(|(n, _)| n).collect();
    for name in names {
        let (old, new) = (find(&was.args, name), find(&now.args, name));
        if old != new {
            reasons.push(Reason::Argument { stage: stage.clone(), name: name.clone(), was: old, now: new });
        }
    }
}

/// Returns the files in the arguments of the stages that a declared name is made of, as they are now.
fn files(work: &Work<'_>, id: NodeId) -> Vec<(String, Digest)> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut stack = vec![id];
    while let Some(at) = stack.pop() {
        let node = work.node(at);
        if !seen.insert(at) || (at != id && node.name.is_some() && !is_plan(node)) {
            continue;
        }
        found.extend(crate::execute::files(work, node).unwrap_or_default());
        stack.extend(node.inputs.iter().rev());
    }
    found
}
