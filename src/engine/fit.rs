//! Stages that learn: on training rows alone, missing ones left out; then applied to all rows, batch by batch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mmf_data::arrays::{Arrays, State};
use mmf_data::error::{Error, Result};
use mmf_data::stage::Body;
use mmf_data::table::{Column, Rows, Split, Table, Value};
use mmf_data::values::Values;
use mmf_lang::analysis::AGAIN;
use mmf_lang::args::{ArgValue, Args};
use mmf_lang::graph::{Fit, Node, NodeId, NodeKind};
use mmf_lang::types::{DomainId, Elem, Part, Type};

use crate::event::Event;
use crate::host::StepHost;
use crate::key;
use crate::layout::{domain, elem};
use crate::outline;
use crate::output::{Pending, Product};
use crate::region::{external_of, stream};
use crate::store::{Digest, Hasher, Trace};
use crate::stream::{Chain, Feed, Step};
use crate::work::{Facts, Work};

/// A stage call, taken apart.
pub(crate) struct Call<'w> {
    pub stage: &'static str,
    pub args: Args,
    pub body: Body,
    pub fit: Option<&'w Fit>,
    pub notation: &'static str,
    pub seed: u64,
}

pub(crate) fn call<'w>(work: &'w Work<'_>, node: &'w Node) -> Result<Call<'w>> {
    let NodeKind::Stage { stage, alternative, args, fit, .. } = &node.kind else {
        return Err(Error::bug("a stage was expected"));
    };
    let found = work.stage(stage)?;
    let signature = found.signature();
    Ok(Call {
        stage: signature.name,
        args: work.counted(node, args)?,
        body: found.body(*alternative),
        fit: fit.as_ref(),
        notation: signature.types.get(*alternative).copied().unwrap_or(""),
        seed: key::seed(repeated(work.seed(), args), signature.name, *alternative),
    })
}

/// Returns the seed of a train that was trained so many times before.
fn repeated(seed: u64, args: &Args) -> u64 {
    match args.find(AGAIN) {
        Some(ArgValue::Int(times)) => key::seed(seed, AGAIN, *times as usize),
        _ => seed,
    }
}

/// Returns the inputs that the stage itself reads: not those that only tell which rows to learn from.
fn own_inputs(work: &Work<'_>, node: &Node, fit: Option<&Fit>) -> Vec<NodeId> {
    let telling: BTreeSet<usize> = match fit {
        Some(Fit::Part { split, along, back }) => [*split].iter().chain(along).chain(back).copied().collect(),
        _ => BTreeSet::new(),
    };
    let inputs = node.inputs.iter().enumerate().filter(|(at, _)| !telling.contains(at)).map(|(_, &i)| i);
    inputs.filter(|&i| matches!(work.node(i).ty, Type::Column(_))).collect()
}

/// Fits a stage on columns and applies it to the node's rows.
pub(crate) fn columns(work: &Work<'_>, id: NodeId, host: &StepHost<'_, '_>) -> Result<Value> {
    let node = work.node(id);
    let call = call(work, node)?;
    let Body::Fit { fit, apply } = call.body else { return Err(Error::bug("a fitted stage without a fit")) };
    let inputs = own_inputs(work, node, call.fit);
    let deciding = node.rows.and_then(|at| node.inputs.get(at)).or(inputs.first());
    let rows = work.rows(*deciding.ok_or_else(|| Error::bug("a fitted stage without rows"))?)?;
    let whole = inputs.iter().map(|&i| work.column(i)?.restrict(&rows)).collect::<Result<Vec<_>>>()?;
    let learned = learned(work, node, call.fit, &rows)?;
    let gaps = work.stage(call.stage)?.signature().learns_from_gaps;
    let mut present: Vec<u32> = (0..rows.len() as u32)
        .filter(|&at| learned.as_ref().is_none_or(|l| l.contains(&rows.id(at as usize))))
        .filter(|&at| {
            let there = |column: &Column| !column.is_missing(at as usize);
            if gaps { whole.iter().any(there) } else { whole.iter().all(there) }
        })
        .collect();
    let externals = inputs.iter().map(|&i| external_of(work, i, &rows)).collect::<Result<Vec<_>>>()?;
    let opened = Chain { steps: Vec::new(), externals, decode: work.options.decode };
    // Pictures are too large to be learned from all at once: the stage reads them itself, but none that cannot be read.
    for at in (0..inputs.len()).filter(|&at| opened.externals[at].files().is_some()) {
        let broken = work.pool.install(|| opened.open_all(at, &present, &|_| ()))?;
        present.retain(|place| broken.iter().all(|skip| skip.place != *place));
    }
    let training: Vec<Column> = whole.iter().map(|c| c.keep(&present)).collect();
    let mut hasher = state_key(work, node, call.seed)?;
    for column in &training {
        hasher.digest(&outline::of_column(column, &work.pictures)?.digest);
    }
    let state = state(work, hasher.finish(), &call, training.first().map_or(0, Column::len), &|| {
        fit(&host.context(call.seed), &call.args, &training)
    })?;
    drop(training);
    let count = inputs.len();
    let step = Step {
        node: id,
        title: work.title(id),
        stage: call.stage,
        run: Box::new(|batch| apply(&host.context(call.seed), &call.args, &state, batch)),
        open: None,
        dear: false,
        inputs: (0..count).map(Feed::External).collect(),
        accepts: crate::stream::accepts(call.notation, count),
        elem: elem(node),
        calls: AtomicU64::new(0),
        rows: AtomicU64::new(0),
    };
    let chain = Chain { steps: vec![step], ..opened };
    let flag: Arc<AtomicBool> = Arc::default();
    let mut outputs = [Pending::new(id, 0, (0..count).collect(), flag, None)];
    work.pool.install(|| stream(work, &chain, &rows, &mut outputs, host))?;
    work.emit(Event::Computed {
        node: work.title(id),
        stage: call.stage.into(),
        calls: chain.steps[0].calls.load(Ordering::Relaxed),
        rows: chain.steps[0].rows.load(Ordering::Relaxed),
    });
    let [output] = outputs;
    match output.finish(work, &chain, &rows)?.product {
        Product::Value(value) => Ok(value),
        Product::Stored { .. } => Err(Error::bug("a fitted stage's rows are kept one by one")),
    }
}

/// Fits a stage on a table, or the training part of a split, and applies it to all rows.
pub(crate) fn table(work: &Work<'_>, id: NodeId, host: &StepHost<'_, '_>) -> Result<Value> {
    let node = work.node(id);
    let call = call(work, node)?;
    let Body::FitTable { fit, apply } = call.body else { return Err(Error::bug("a fitted stage without a fit")) };
    let input = work.value(*node.inputs.first().ok_or_else(|| Error::bug("a table stage without a table"))?)?;
    let training: Table = match (&input, call.fit) {
        (Value::Split(split), _) => {
            let rows = split.part(Part::Train).ok_or_else(|| Error::bug("a split without a training part"))?;
            split.table.restrict(rows)?
        }
        (_, Some(Fit::Part { .. })) => {
            let table = input.table()?;
            let learned = learned(work, node, call.fit, &table.rows)?;
            let places: Vec<u32> = (0..table.rows.len() as u32)
                .filter(|&at| learned.as_ref().is_none_or(|l| l.contains(&table.rows.id(at as usize))))
                .collect();
            table.keep(&places)
        }
        _ => input.table()?.clone(),
    };
    let mut hasher = state_key(work, node, call.seed)?;
    hasher.digest(&outline::of_table(&training, &work.pictures)?.digest);
    let state = state(work, hasher.finish(), &call, training.rows.len(), &|| {
        work.pool.install(|| fit(&host.context(call.seed), &call.args, &training))
    })?;
    let applied = work.pool.install(|| apply(&host.context(call.seed), &call.args, &state, input.table()?))?;
    work.emit(Event::Computed {
        node: work.title(id),
        stage: call.stage.into(),
        calls: 1,
        rows: applied.rows.len() as u64,
    });
    Ok(match input {
        Value::Split(split) => {
            let parts = split.parts.iter().map(|(part, rows)| (*part, both(rows, &applied.rows))).collect();
            Value::Split(Split { table: applied, parts })
        }
        _ => Value::Table(applied),
    })
}

/// Returns the rows that both have.
fn both(a: &Rows, b: &Rows) -> Rows {
    if b.ids.is_none() {
        return a.clone();
    }
    Rows::some(a.total, a.ids().into_iter().filter(|&id| b.place(id).is_some()).collect())
}

fn state_key(work: &Work<'_>, node: &Node, seed: u64) -> Result<Hasher> {
    let NodeKind::Stage { stage, alternative, args, .. } = &node.kind else {
        return Err(Error::bug("a stage was expected"));
    };
    let mut hasher = Hasher::new("state");
    key::call(&mut hasher, work.stage(stage)?, *alternative, &work.counted(node, args)?, work.lookup);
    hasher.u64(seed);
    Ok(hasher)
}

/// Returns what was learned from these rows before, or learns and keeps it.
fn state(
    work: &Work<'_>,
    key: Digest,
    call: &Call<'_>,
    rows: usize,
    learn: &(dyn Fn() -> Result<State> + Sync),
) -> Result<State> {
    work.keep(key);
    if let Some(trace) = work.store.lookup(&key)
        && let Some(digest) = trace.outputs.get("state")
        && let Some(blob) = work.store.get(digest)
    {
        return Arrays::from_bytes(&blob);
    }
    let learned = work.pool.install(learn)?;
    work.emit(Event::Computed {
        node: format!("{} (fit)", call.stage),
        stage: call.stage.into(),
        calls: 1,
        rows: rows as u64,
    });
    let digest = work.store.put(&learned.to_bytes())?;
    let facts = Facts {
        outline: outline::Outline::leaf(digest, rows as u64),
        told: Vec::new(),
        milliseconds: 0.0,
        reads: Vec::new(),
    };
    let meta = serde_json::to_value(facts).map_err(|e| Error::bug(e.to_string()))?;
    work.store.record(key, &Trace { outputs: BTreeMap::from([("state".into(), digest)]), rows: Vec::new(), meta })?;
    Ok(learned)
}

/// Returns the rows to learn from, of those that the stage's rows are numbered among; `None` for all.
///
/// From the split's training rows it follows refs: forward to the rows that they name, backward to the rows that name
/// them. Several refs give the union; refs that lead on from one another are followed to the end.
fn learned(work: &Work<'_>, node: &Node, fit: Option<&Fit>, rows: &Rows) -> Result<Option<BTreeSet<u32>>> {
    let Some(Fit::Part { split, along, back }) = fit else { return Ok(None) };
    let input = |at: usize| node.inputs.get(at).copied().ok_or_else(|| Error::bug("a fit names no input"));
    let split_node = input(*split)?;
    let value = work.value(split_node)?;
    let training = value.split()?.part(Part::Train).ok_or_else(|| Error::bug("a split without a training part"))?.ids();
    let training: BTreeSet<u32> = training.into_iter().collect();
    if along.is_empty() && back.is_empty() {
        return Ok(Some(training));
    }
    let root = |d: DomainId| work.graph.root(d);
    let start = domain(work.node(split_node)).map(root).ok_or_else(|| Error::bug("a split without rows"))?;
    let mut reached: BTreeMap<DomainId, BTreeSet<u32>> = BTreeMap::from([(start, training)]);
    let links = along.iter().map(|&at| (at, true)).chain(back.iter().map(|&at| (at, false)));
    let links = links
        .map(|(at, forward)| {
            let id = input(at)?;
            let from = domain(work.node(id)).map(root).ok_or_else(|| Error::bug("a ref without rows"))?;
            let to = match elem(work.node(id)) {
                Elem::Ref(d) | Elem::Category(d) => root(d),
                _ => return Err(Error::bug("a fit follows a column that is no ref")),
            };
            Ok((work.column(id)?, from, to, forward))
        })
        .collect::<Result<Vec<_>>>()?;
    for _ in 0..links.len() {
        for (column, from, to, forward) in &links {
            let Values::Code { codes, .. } = &column.values else { return Err(Error::bug("a ref without codes")) };
            let (known, next) = if *forward { (from, to) } else { (to, from) };
            let Some(known) = reached.get(known).cloned() else { continue };
            let next = reached.entry(*next).or_default();
            for (place, &code) in codes.iter().enumerate().filter(|(p, _)| !column.is_missing(*p)) {
                let row = column.rows.id(place);
                let (known_row, next_row) = if *forward { (row, code) } else { (code, row) };
                if known.contains(&known_row) && next_row != u32::MAX {
                    next.insert(next_row);
                }
            }
        }
    }
    let own = domain(node).map(root).ok_or_else(|| Error::bug("a fitted stage without rows"))?;
    debug_assert!(rows.total >= rows.len());
    Ok(Some(reached.remove(&own).unwrap_or_default()))
}
