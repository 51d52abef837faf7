//! One step: its key, its result in the store if it is there, and else its making.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Crossing};
use mmf_data::table::{Column, Rows, Split, Table, Value};
use mmf_data::values::Values;
use mmf_lang::args::{ArgValue, Args};
use mmf_lang::graph::{Fit, Node, NodeId, NodeKind};
use mmf_lang::say;
use mmf_lang::signature::BodyKind;
use mmf_lang::types::Type;

use crate::event::Event;
use crate::host::StepHost;
use crate::key;
use crate::layout::{Task, TaskKind, body, domain};
use crate::outline::{self, Outline};
use crate::store::{Digest, Hasher, Trace};
use crate::work::{Facts, Settled, Told, Work, relative};
use crate::{fit, measure, network, region};

/// Returns the key of one of a task's results; `None` while an input is not known.
pub(crate) fn key(work: &Work<'_>, task: &Task, id: NodeId) -> Result<Option<Digest>> {
    if matches!(task.kind, TaskKind::Rows { .. }) {
        return region::column_key(work, task, id);
    }
    let node = work.node(id);
    let (stage, alternative, args, fit, kind) = match &node.kind {
        NodeKind::Stage { stage, alternative, args, fit, body, .. } => (stage, *alternative, args, fit, *body),
        NodeKind::Predict { part, top, .. } => {
            let train = *node.inputs.first().ok_or_else(|| Error::bug("predictions of nothing"))?;
            let (Some(trained), Some(network)) = (work.outline(train), network::digest(work, train)?) else {
                return Ok(None);
            };
            let mut hasher = Hasher::new("predict");
            hasher.digest(&trained.digest).digest(&network).text(part.word()).u64(*top as u64);
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
    if matches!(kind, BodyKind::Fit | BodyKind::FitTable | BodyKind::Split | BodyKind::Train | BodyKind::Metric) {
        hasher.u64(work.seed());
    }
    if kind == BodyKind::Train {
        hasher.text(&work.options.kernel);
        return Ok(network::feed(&mut hasher, work, id)?.map(|()| hasher.finish()));
    }
    hasher.list(node.inputs.len());
    for &input in &node.inputs {
        let Some(outline) = work.outline(input) else { return Ok(None) };
        hasher.digest(&outline.digest);
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
    if body(node) == Some(BodyKind::Source) && !revisit(work, node, &facts.reads, &trace.outputs, &mut settled)? {
        return Ok(Found::Stale(key));
    }
    let title = work.title(id);
    let rows = settled.outline.rows;
    work.settle(id, settled, None);
    work.emit(Event::Cached { node: title.clone(), rows, milliseconds: facts.milliseconds });
    facts.told.iter().for_each(|told| work.tell(&title, told));
    Ok(Found::Cached)
}

/// Looks whether the files that a source read, or listed, are as they were; takes up what the listed ones contain today.
fn revisit(
    work: &Work<'_>,
    node: &Node,
    reads: &[(String, Option<Digest>)],
    outputs: &BTreeMap<String, Digest>,
    settled: &mut Settled,
) -> Result<bool> {
    let NodeKind::Stage { base, .. } = &node.kind else { return Ok(true) };
    let base = work.base(base);
    let paths: Vec<_> = reads.iter().map(|(path, _)| base.join(path)).collect();
    let now = work.store.files().digest_many(&paths);
    if reads.iter().zip(now).any(|((_, was), now)| *was != now.ok()) {
        return Ok(false);
    }
    let mut overlay = Vec::new();
    for (name, digest) in outputs {
        let Some(column) = name.strip_prefix("files.") else { continue };
        let Some(blob) = work.store.get(digest) else {
            work.report_damage();
            return Ok(false);
        };
        let value = Value::from_arrays(&mmf_data::arrays::Arrays::from_bytes(&blob)?)?;
        overlay.push((column.to_string(), value.column()?.clone()));
    }
    let overlay = today(work, node, &base, overlay)?;
    settled.outline = with_files(work, settled.outline.clone(), &overlay)?;
    settled.overlay = overlay;
    Ok(true)
}

/// Returns columns of files with the paths made whole and the absent ones missing. A file that is absent from a column
/// without `?` is an error that names it.
fn today(work: &Work<'_>, node: &Node, base: &Path, columns: Vec<(String, Column)>) -> Result<Vec<(String, Column)>> {
    let mut out = Vec::new();
    for (name, column) in columns {
        let (column, lost) = work.pictures.settle(&column, base, work.store)?;
        let allowed = match &node.ty {
            Type::Table(t) => t.column(&name).is_none_or(|c| !c.missing.is_empty()),
            _ => true,
        };
        if let (false, Some(first)) = (allowed, lost.first()) {
            let (row, path, count) = (first.place + 1, first.path.display(), lost.len());
            return Err(Error::new(
                "E1052",
                say!(
                    "row {row} of `{name}`: there is no file `{path}` ({count} such rows)",
                    "`{name}` 第 {row} 行：没有文件 `{path}`（共 {count} 行）"
                ),
            )
            .help(say!("bring the files, or mark the column `?`", "请补上文件，或将该列标为 `?`")));
        }
        out.push((name, column));
    }
    Ok(out)
}

/// Returns a table's outline with its columns of files as they are today.
fn with_files(work: &Work<'_>, mut outline: Outline, overlay: &[(String, Column)]) -> Result<Outline> {
    for (name, column) in overlay {
        let own = outline::of_column(column, &work.pictures)?;
        if let Some((_, slot)) = outline.columns.iter_mut().find(|(n, _)| n == name) {
            *slot = own;
        }
    }
    outline.digest = outline::table_digest(outline.rows, &outline.columns);
    Ok(outline)
}

/// A result just made.
pub(crate) struct Made {
    pub node: NodeId,
    pub value: Value,
    pub told: Vec<Told>,
    pub reads: Vec<(String, Option<Digest>)>,
    pub computed: u64,
    pub cached_rows: u64,
    pub row_set: Option<Digest>,
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
                value: Value::Column(o.column),
                told: [host.told(), o.told].concat(),
                reads: Vec::new(),
                computed: o.computed,
                cached_rows: o.cached_rows,
                row_set: o.row_set,
            })
            .collect());
    }
    let value = single(work, *first, &host)?;
    let computed = rows(&value);
    let (told, reads) = (host.told(), host.reads());
    Ok(vec![Made { node: *first, value, told, reads, computed, cached_rows: 0, row_set: None }])
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
    if let NodeKind::Predict { part, top, .. } = &node.kind {
        let train = *node.inputs.first().ok_or_else(|| Error::bug("predictions of nothing"))?;
        let inner = fit::call(work, work.node(train))?;
        let Body::Train(body) = inner.body else { return Err(Error::bug("predictions of what is no train")) };
        let call = network::call(work, train)?;
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
            let crossing = crossing(work, node, &call.args, &inputs)?;
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
                let measure = body(&call.args, predictions)?;
                let units = predictions.u32s("units")?.len();
                measure::bootstrap(&measure, units, seed, &stop).map(Value::State)
            })?
        }
        Body::Size(body) => {
            Value::Count(body(&work.column(*node.inputs.first().ok_or_else(|| Error::bug("a size of nothing"))?)?))
        }
        Body::Rows(_) | Body::Joint(_) | Body::Recipe => {
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

/// Returns the way across for a stage that gathers rows of one domain at those of another.
///
/// The ref columns among the inputs, one after the other, lead from the first input's rows to the wanted ones. Where the
/// first input is what is led to (`through`), the ways start at the rows of the first ref.
fn crossing(work: &Work<'_>, node: &Node, args: &Args, inputs: &[Value]) -> Result<Crossing> {
    let held: Vec<usize> = args
        .0
        .iter()
        .flat_map(|(_, value)| match value {
            ArgValue::Input(at) => vec![*at],
            ArgValue::List(list) => {
                list.iter().filter_map(|v| if let ArgValue::Input(at) = v { Some(*at) } else { None }).collect()
            }
            _ => Vec::new(),
        })
        .collect();
    let is_link = |at: usize| matches!(inputs.get(at), Some(Value::Column(Column { values: Values::Code { .. }, .. })));
    let mut links: Vec<usize> = held.into_iter().filter(|&at| at > 0 && is_link(at)).collect();
    if links.is_empty() {
        links = (1..inputs.len()).filter(|&at| is_link(at)).collect();
    }
    let first = inputs.first().ok_or_else(|| Error::bug("nothing to gather"))?;
    let own = match first {
        Value::Column(c) => c.rows.clone(),
        other => other.table()?.rows.clone(),
    };
    let root = |id: NodeId| domain(work.node(id)).map(|d| work.graph.root(d));
    let start = match links.first() {
        Some(&at) if root(node.inputs[at]) != root(node.inputs[0]) => inputs[at].column()?.rows.clone(),
        _ => own,
    };
    let mut to: Vec<u32> = start.ids();
    let mut total = start.total;
    for at in links {
        let column = inputs[at].column()?;
        let Values::Code { codes, names } = &column.values else { continue };
        total = names.len();
        for row in &mut to {
            let place = column.rows.place(*row).filter(|&p| !column.is_missing(p));
            *row = place.map_or(u32::MAX, |p| codes[p]);
        }
    }
    let table = inputs.iter().skip(1).find_map(|v| v.table().ok());
    let rows = table.map_or_else(|| Rows::all(total), |t| t.rows.clone());
    let rows = if node_starts_here(work, node) { start } else { rows };
    Ok(Crossing { to, total, rows })
}

fn root_of(work: &Work<'_>, node: &Node) -> Option<mmf_lang::types::DomainId> {
    domain(node).map(|d| work.graph.root(d))
}

/// Says whether a crossing's result lives where its first ref starts.
fn node_starts_here(work: &Work<'_>, node: &Node) -> bool {
    let first = node.inputs.first().and_then(|&i| root_of(work, work.node(i)));
    let link = node.inputs.get(1).and_then(|&i| root_of(work, work.node(i)));
    link != first && link == root_of(work, node)
}

/// Stores a result and takes it up; returns its count of rows.
pub(crate) fn keep(work: &Work<'_>, key: Digest, made: Made, milliseconds: f64) -> Result<u64> {
    let Made { node: id, mut value, told, reads, row_set, .. } = made;
    let node = work.node(id);
    let mut outputs = BTreeMap::new();
    let mut overlay = Vec::new();
    let base = match &node.kind {
        NodeKind::Stage { base, .. } => work.base(base),
        _ => work.options.base.clone(),
    };
    let source = body(node) == Some(BodyKind::Source);
    if let (true, Value::Table(table)) = (source, &mut value) {
        overlay = list_files(work, node, table, &base, &mut outputs)?;
    }
    let outline = if source && !overlay.is_empty() {
        let Value::Table(table) = &value else { return Err(Error::bug("a source that gives no table")) };
        let mut today = table.clone();
        put_files(&mut today, &overlay);
        outline::of(&Value::Table(today), &work.pictures)?
    } else {
        outline::of(&value, &work.pictures)?
    };
    let stored = if source { value.clone() } else { work.pictures.portable(&value)? };
    let blob = work.store.put(&stored.to_arrays().to_bytes())?;
    outputs.insert("value".into(), blob);
    let rows = outline.rows;
    let facts = Facts { outline: outline.clone(), told, milliseconds, reads };
    let meta = serde_json::to_value(facts).map_err(|e| Error::bug(e.to_string()))?;
    work.store.record(key, &Trace { outputs, rows: row_set.into_iter().collect(), meta })?;
    if let Value::Table(table) = &mut value {
        put_files(table, &overlay);
    }
    let settled = Settled { key, outline, blob, overlay, cached: false, files: files(work, node)? };
    work.settle(id, settled, Some(value));
    Ok(rows)
}

/// Notes a source's columns of files apart, with paths relative to its folder, and returns them as they are today.
fn list_files(
    work: &Work<'_>,
    node: &Node,
    table: &mut Table,
    base: &Path,
    outputs: &mut BTreeMap<String, Digest>,
) -> Result<Vec<(String, Column)>> {
    let mut listed = Vec::new();
    for (name, column) in &mut table.columns {
        let Values::Files(files) = &column.values else { continue };
        let kept = files.iter().map(|f| relative(f, base)).collect();
        *column = Column { values: Values::Files(Arc::new(kept)), ..column.clone() };
        outputs.insert(format!("files.{name}"), work.store.put(&Value::Column(column.clone()).to_arrays().to_bytes())?);
        listed.push((name.clone(), column.clone()));
    }
    today(work, node, base, listed)
}

fn put_files(table: &mut Table, overlay: &[(String, Column)]) {
    for (name, column) in &mut table.columns {
        if let Some((_, today)) = overlay.iter().find(|(n, _)| n == name) {
            *column = today.clone();
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
    let mut value = made.value.clone();
    let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
    let rows = keep(work, key, made, milliseconds)?;
    if let (Value::Table(table), Some(settled)) = (&mut value, work.settled(id)) {
        put_files(table, &settled.overlay);
    }
    work.emit(Event::Finished { node, rows, computed, cached_rows, milliseconds });
    Ok(value)
}
