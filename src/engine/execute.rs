//! One step: its key, its result in the store if it is there, and else its making.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Measure, Report, TrainCall};
use mmf_data::table::{Split, Value};
use mmf_lang::graph::{Fit, Node, NodeId, NodeKind};
use mmf_lang::say;
use mmf_lang::signature::BodyKind;
use mmf_lang::types::Part;

use crate::event::Event;
use crate::host::StepHost;
use crate::key;
use crate::layout::{Task, TaskKind, body, is_picture, may_miss};
use crate::outline::{self, Outline};
use crate::output::Product;
use crate::store::{Digest, Hasher, Trace};
use crate::work::{Facts, Settled, Told, Work};
use crate::{across, fit, measure, memory, network, region, source, work};

/// Returns the key of one of a task's results; `None` while an input is not known.
pub(crate) fn key(work: &Work<'_>, task: &Task, id: NodeId) -> Result<Option<Digest>> {
    if matches!(task.kind, TaskKind::Rows { .. }) {
        return region::column_key(work, task, id);
    }
    let node = work.node(id);
    let (stage, alternative, args, fit, kind) = match &node.kind {
        NodeKind::Stage { stage, alternative, args, fit, body, .. } => (stage, *alternative, args, fit, *body),
        NodeKind::Predict { part, top, head, .. } => {
            let train = *node.inputs.first().ok_or_else(|| Error::bug("predictions of nothing"))?;
            let (Some(trained), Some(network)) = (work.outline(train), network::digest(work, train)?) else {
                return Ok(None);
            };
            let mut hasher = Hasher::new("predict");
            hasher.digest(&trained.digest).digest(&network).text(part.word()).u64(*top as u64).u64(*head as u64);
            hasher.text(&work.options.kernel);
            let NodeKind::Stage { stage, alternative, .. } = &work.node(train).kind else {
                return Err(Error::bug("a train that is no stage"));
            };
            key::call(&mut hasher, work.stage(stage)?, *alternative, &network::arguments(work, train)?, work.lookup);
            return Ok(Some(hasher.finish()));
        }
        _ => return Err(Error::bug("a step without a stage")),
    };
    let found = work.stage(stage)?;
    let mut hasher = Hasher::new("node");
    key::call(&mut hasher, found, alternative, args, work.lookup);
    if SEEDED.contains(&kind) {
        hasher.u64(work.seed());
    }
    if kind == BodyKind::Train {
        hasher.text(&work.options.kernel);
        return Ok(network::feed(&mut hasher, work, id)?.map(|()| hasher.finish()));
    }
    hasher.list(node.inputs.len());
    for (at, &input) in node.inputs.iter().enumerate() {
        let Some(outline) = work.outline(input) else { return Ok(None) };
        // Of a split that tells what to learn from, only its rows count.
        let telling = kind == BodyKind::Fit && matches!(fit, Some(Fit::Part { split, .. }) if *split == at);
        match (telling.then_some(outline.which), outline.part(Part::Train).map(|p| p.which)) {
            (Some(Some(all)), Some(Some(training))) => hasher.digest(&all).digest(&training),
            _ => hasher.digest(&outline.digest),
        };
        // A picture that cannot be read is a missing value here, and an error there.
        if is_picture(work.node(input)) {
            hasher.flag(may_miss(work.node(input)));
        }
    }
    match fit {
        None | Some(Fit::All) => {
            hasher.none();
        }
        Some(Fit::Part { split, along, back }) => {
            hasher.u64(*split as u64);
            for links in [along, back] {
                hasher.list(links.len());
                links.iter().for_each(|&at| {
                    hasher.u64(at as u64);
                });
            }
        }
    }
    for (_, digest) in files(work, node)? {
        hasher.digest(&digest);
    }
    Ok(Some(hasher.finish()))
}

/// What draws random numbers.
const SEEDED: [BodyKind; 7] = [
    BodyKind::Fit,
    BodyKind::FitTable,
    BodyKind::Split,
    BodyKind::Train,
    BodyKind::Metric,
    BodyKind::Whole,
    BodyKind::Experiment,
];

/// Returns the files in a stage's arguments, with their contents' digests.
pub(crate) fn files(work: &Work<'_>, node: &Node) -> Result<Vec<(String, Digest)>> {
    let NodeKind::Stage { stage, args, base, .. } = &node.kind else { return Ok(Vec::new()) };
    let base = work.base(base);
    key::paths(args, work.stage(stage)?.signature().args)
        .into_iter()
        .map(|path| Ok((path.clone(), work.store.files().digest(&base.join(&path))?)))
        .collect()
}

/// What the store says of a task's result.
pub(crate) enum Found {
    /// An input is not made yet.
    Unknown,
    /// It is to be made, under this key.
    Stale(Digest),
    /// It was taken up.
    Cached,
}

/// Takes a result up if the store has it whole.
pub(crate) fn find(work: &Work<'_>, task: &Task, id: NodeId) -> Result<Found> {
    if work.settled(id).is_some() {
        return Ok(Found::Cached);
    }
    let Some(key) = key(work, task, id)? else { return Ok(Found::Unknown) };
    let Some(trace) = work.store.lookup(&key) else { return Ok(Found::Stale(key)) };
    let Ok(facts) = serde_json::from_value::<Facts>(trace.meta) else { return Ok(Found::Stale(key)) };
    let Some(blob) = trace.outputs.get("value").copied().filter(|d| work.store.has(d)) else {
        work.report_damage();
        return Ok(Found::Stale(key));
    };
    let node = work.node(id);
    let mut settled =
        Settled { key, outline: facts.outline, blob, overlay: Vec::new(), cached: true, files: files(work, node)? };
    if body(node) == Some(BodyKind::Source) && !source::revisit(work, node, &facts.reads, &trace.outputs, &mut settled)?
    {
        return Ok(Found::Stale(key));
    }
    let title = work.title(id);
    let rows = settled.outline.rows;
    work.settle(id, settled, None);
    work.emit(Event::Cached { node: title.clone(), rows, milliseconds: facts.milliseconds });
    facts.told.iter().for_each(|told| work.tell(&title, told));
    Ok(Found::Cached)
}

/// A result just made.
pub(crate) struct Made {
    pub node: NodeId,
    pub product: Product,
    pub told: Vec<Told>,
    pub reads: Vec<(String, Option<Digest>)>,
    pub computed: u64,
    pub cached_rows: u64,
    pub row_set: Option<Digest>,
    /// What it took, where that is not the time that passed.
    pub milliseconds: Option<f64>,
}

/// Makes the results asked for, each with its key and the flag that stops it.
pub(crate) fn make(work: &Work<'_>, task: &Task, asked: &[(NodeId, Digest, Arc<AtomicBool>)]) -> Result<Vec<Made>> {
    let Some((first, key, _)) = asked.first() else { return Ok(Vec::new()) };
    let folder = match &work.node(*first).kind {
        NodeKind::Stage { base, .. } => work.base(base),
        _ => work.options.base.clone(),
    };
    let flags = asked.iter().map(|(_, _, flag)| flag.clone()).collect();
    let host = StepHost::new(work, work.title(*first), *key, folder, flags);
    if let TaskKind::Rows { heavy } = task.kind {
        let nodes: Vec<(NodeId, Arc<AtomicBool>)> = asked.iter().map(|(id, _, flag)| (*id, flag.clone())).collect();
        let outputs = region::run(work, task, heavy, &nodes, &host)?;
        return Ok(outputs
            .into_iter()
            .map(|o| Made {
                node: o.node,
                product: o.product,
                told: [host.told(), o.told].concat(),
                reads: Vec::new(),
                computed: o.computed,
                cached_rows: o.cached_rows,
                row_set: o.row_set,
                milliseconds: None,
            })
            .collect());
    }
    let value = single(work, *first, &host)?;
    let computed = rows(&value);
    // What the arguments name is in the key by its content; what others than sources read is in their inputs'.
    let named = files(work, work.node(*first))?;
    let is_source = body(work.node(*first)) == Some(BodyKind::Source);
    let reads = host.reads().into_iter().filter(|(path, _)| is_source && !named.iter().any(|(n, _)| n == path));
    let reads = reads.collect();
    let told = host.told();
    let product = Product::Value(value);
    let milliseconds = host.clock.milliseconds();
    Ok(vec![Made { node: *first, product, told, reads, computed, cached_rows: 0, row_set: None, milliseconds }])
}

fn rows(value: &Value) -> u64 {
    match value {
        Value::Column(c) => c.len() as u64,
        Value::Table(t) => t.rows.len() as u64,
        Value::Split(s) => s.table.rows.len() as u64,
        _ => 0,
    }
}

/// Makes the result of a step of its own.
fn single(work: &Work<'_>, id: NodeId, host: &StepHost<'_, '_>) -> Result<Value> {
    let node = work.node(id);
    if let NodeKind::Predict { part, top, head, .. } = &node.kind {
        let train = *node.inputs.first().ok_or_else(|| Error::bug("predictions of nothing"))?;
        let inner = fit::call(work, work.node(train))?;
        let Body::Train(body) = inner.body else { return Err(Error::bug("predictions of what is no train")) };
        let call = TrainCall { head: *head, ..network::call(work, train)? };
        let trained = work.value(train)?;
        let context = host.context(inner.seed);
        let trained = trained.state()?;
        let made = work.pool.install(|| body.predict(&context, &inner.args, &call, trained, *part, *top))?;
        count(work, id, inner.stage, made.u32s("units").map_or(0, <[u32]>::len));
        return Ok(Value::State(made));
    }
    let call = fit::call(work, node)?;
    let inputs = || node.inputs.iter().map(|&i| work.value(i)).collect::<Result<Vec<Value>>>();
    let context = host.context(call.seed);
    let value = match call.body {
        Body::Fit { .. } => return fit::columns(work, id, host),
        Body::FitTable { .. } => return fit::table(work, id, host),
        Body::Source(body) => {
            let inputs = inputs()?;
            Value::Table(work.pool.install(|| body(&context, &call.args, &inputs))?)
        }
        Body::Table(body) => {
            let inputs = aligned(inputs()?)?;
            Value::Table(work.pool.install(|| body(&context, &call.args, &inputs))?)
        }
        Body::Split(body) => {
            let inputs = aligned(inputs()?)?;
            let split = work.pool.install(|| body(&context, &call.args, &inputs))?;
            Value::Split(sound(split)?)
        }
        Body::Across(body) => {
            let inputs = inputs()?;
            let crossing = across::crossing(work, node, &call.args, &inputs)?;
            Value::Column(work.pool.install(|| body(&context, &call.args, &inputs, &crossing))?)
        }
        Body::Train(body) => {
            let plan = network::call(work, id)?;
            Value::State(work.pool.install(|| body.train(&context, &call.args, &plan))?)
        }
        Body::Metric(body) => {
            let predictions = work.value(*node.inputs.first().ok_or_else(|| Error::bug("a metric of nothing"))?)?;
            let predictions = predictions.state()?;
            let seed = work.seed();
            let stop = || mmf_data::stage::Host::cancelled(host);
            work.pool.install(|| {
                let clock = host.clock.clone();
                let measure = clock.count(|| body(&call.args, predictions))?;
                let measure: Measure = Box::new(move |units| clock.count(|| measure(units)));
                let units = predictions.u32s("units")?.len();
                let interval = work.stage(call.stage)?.signature().interval;
                let found = measure::measured(interval, &measure, units, seed, &stop)?;
                if found.f64s("value")?.is_empty() {
                    let text = say!("not defined on these {units} rows", "在这 {units} 行上没有定义");
                    mmf_data::stage::Host::report(host, Report::Note(text));
                }
                Ok(Value::State(found))
            })?
        }
        Body::Whole(body) => {
            let column = work.column(*node.inputs.first().ok_or_else(|| Error::bug("a stage over nothing"))?)?;
            Value::Column(work.pool.install(|| body(&context, &call.args, &column))?)
        }
        Body::Experiment(body) => {
            let inputs = inputs()?;
            Value::State(work.pool.install(|| body(&context, &call.args, &inputs))?)
        }
        Body::Size(body) => {
            Value::Count(body(&work.column(*node.inputs.first().ok_or_else(|| Error::bug("a size of nothing"))?)?))
        }
        Body::Rows(_) | Body::Opened { .. } | Body::Joint(_) | Body::Recall { .. } | Body::Recipe => {
            return Err(Error::bug(format!("`{}` is no step", call.stage)));
        }
    };
    count(work, id, call.stage, rows(&value) as usize);
    Ok(value)
}

fn count(work: &Work<'_>, id: NodeId, stage: &str, rows: usize) {
    work.emit(Event::Computed { node: work.title(id), stage: stage.into(), calls: 1, rows: rows as u64 });
}

/// Restricts the columns after a table to the table's rows.
fn aligned(inputs: Vec<Value>) -> Result<Vec<Value>> {
    let rows = match inputs.first() {
        Some(first @ (Value::Table(_) | Value::Split(_))) => first.table()?.rows.clone(),
        _ => return Ok(inputs),
    };
    inputs
        .into_iter()
        .map(|value| match value {
            Value::Column(c) if c.rows != rows => Ok(Value::Column(c.restrict(&rows)?)),
            other => Ok(other),
        })
        .collect()
}

/// Checks that no row is in two parts and all are of the table.
fn sound(split: Split) -> Result<Split> {
    let mut seen = std::collections::BTreeSet::new();
    for (_, rows) in &split.parts {
        for at in 0..rows.len() {
            if split.table.rows.place(rows.id(at)).is_none() || !seen.insert(rows.id(at)) {
                return Err(Error::bug("a split's parts are no parts of its rows"));
            }
        }
    }
    Ok(split)
}

/// Stores a result and takes it up; returns its count of rows.
pub(crate) fn keep(work: &Work<'_>, key: Digest, made: Made, milliseconds: f64) -> Result<u64> {
    let Made { node: id, product, told, reads, row_set, .. } = made;
    let node = work.node(id);
    let mut outputs = BTreeMap::new();
    let mut overlay = Vec::new();
    let (blob, outline, value) = match product {
        Product::Stored { blob, rows, missing } => (blob, Outline { missing, ..Outline::leaf(blob, rows) }, None),
        Product::Value(mut value) => {
            let is_source = body(node) == Some(BodyKind::Source);
            if let (true, Value::Table(table)) = (is_source, &mut value) {
                overlay = source::list_files(work, node, table, &mut outputs)?;
            }
            let blob = put(work, &value, is_source)?;
            if let Value::Table(table) = &mut value {
                source::put_files(table, &overlay);
            }
            if is_source {
                memory::give_back();
            }
            (blob, outline::of(&value, blob, &work.pictures)?, Some(value))
        }
    };
    outputs.insert("value".into(), blob);
    let rows = outline.rows;
    let facts = Facts { outline: outline.clone(), told, milliseconds, reads };
    let meta = serde_json::to_value(facts).map_err(|e| Error::bug(e.to_string()))?;
    work.store.record(key, &Trace { outputs, rows: row_set.into_iter().collect(), meta })?;
    let settled = Settled { key, outline, blob, overlay, cached: false, files: files(work, node)? };
    work.settle(id, settled, value.filter(|_| work.layout.is_read(id)));
    Ok(rows)
}

/// Stores a value. That of a source holds paths, which are its own; others hold the digests of the files.
fn put(work: &Work<'_>, value: &Value, is_source: bool) -> Result<Digest> {
    match value {
        Value::Column(column) => work.store.put_with(&mut |out| work.pictures.write_column(column, out)),
        _ => {
            let stored = if is_source { value.clone() } else { work.pictures.portable(value)? };
            work.store.put_with(&mut |out| stored.to_arrays().write(out))
        }
    }
}

/// Makes a result whose stored bytes were damaged, and stores it anew.
pub(crate) fn again(work: &Work<'_>, id: NodeId) -> Result<Value> {
    let at = work.layout.task_of(id).ok_or_else(|| Error::bug("a lost result of no step"))?;
    let task = &work.layout.tasks[at];
    let key = key(work, task, id)?.ok_or_else(|| Error::bug("a lost result without inputs"))?;
    let begun = Instant::now();
    let mut made = make(work, task, &[(id, key, Arc::default())])?;
    let made = made.pop().ok_or_else(Error::cancelled)?;
    let node = work.title(id);
    let (computed, cached_rows) = (made.computed, made.cached_rows);
    let held = if let Product::Value(value) = &made.product { Some(value.clone()) } else { None };
    let milliseconds = made.milliseconds.unwrap_or_else(|| work::milliseconds(begun));
    let rows = keep(work, key, made, milliseconds)?;
    work.emit(Event::Finished { node, rows, computed, cached_rows, milliseconds });
    let settled = work.settled(id).ok_or_else(|| Error::bug("a lost result that was never settled"))?;
    let Some(mut value) = held else {
        return work.load(settled)?.ok_or_else(|| Error::bug("a result that was lost again"));
    };
    if let Value::Table(table) = &mut value {
        source::put_files(table, &settled.overlay);
    }
    Ok(value)
}
