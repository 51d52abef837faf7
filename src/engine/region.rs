//! Row-wise stages that hang together, run fused over the same rows, batch by batch, on all threads.
//!
//! Memory holds a few batches. Where pictures go in, each finished row is kept in the store by its content, so that ten new
//! pictures cost ten extractions, and moved or renamed files none; the columns are put together there. Other columns are in
//! memory once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Body, Context, Opened};
use mmf_data::table::{Column, Rows};
use mmf_lang::args::Args;
use mmf_lang::graph::{NodeId, NodeKind};
use mmf_lang::say;
use rayon::prelude::*;

use crate::event::Event;
use crate::execute;
use crate::gather;
use crate::host::StepHost;
use crate::key;
use crate::layout::{Task, elem, may_miss};
use crate::memory;
use crate::output::{Done, Output, Pending, join, row_key, skipped, take};
use crate::store::{Digest, Hasher, Row, RowKey};
use crate::stream::{Cell, Chain, External, Feed, Open, Run, Step};
use crate::work::{Work, guard};

/// Rows in a batch where no picture is.
const BATCH: usize = 1024;
/// Rows in a batch of pictures, at most.
const PICTURES: usize = 64;
/// Rows in a batch where a row is dear.
const DEAR: usize = 16;
/// Bytes of picture files in a batch, at most, but for one file.
const FILE_BYTES: u64 = 2 * 1024 * 1024;
/// Rows of pictures after which the finished ones are stored.
const WAVE: usize = 256;

/// The chain that leads to a node of a group: its digest, and the nodes outside of the group that it reads.
pub(crate) fn chain(work: &Work<'_>, task: &Task, node: NodeId) -> Result<(Digest, Vec<NodeId>)> {
    let mut externals = Vec::new();
    let mut known = BTreeMap::new();
    let digest = link(work, task, node, &mut externals, &mut known)?;
    Ok((digest, externals))
}

fn link(
    work: &Work<'_>,
    task: &Task,
    id: NodeId,
    externals: &mut Vec<NodeId>,
    known: &mut BTreeMap<NodeId, Digest>,
) -> Result<Digest> {
    if let Some(digest) = known.get(&id) {
        return Ok(*digest);
    }
    let mut hasher = Hasher::new("chain");
    call(&mut hasher, work, id)?;
    let inputs = columns(work, id);
    hasher.list(inputs.len());
    for input in inputs {
        if task.members.contains(&input) {
            hasher.digest(&link(work, task, input, externals, known)?);
        } else {
            let at = externals.iter().position(|&e| e == input).unwrap_or_else(|| {
                externals.push(input);
                externals.len() - 1
            });
            hasher.u64(at as u64);
        }
    }
    let digest = hasher.finish();
    known.insert(id, digest);
    Ok(digest)
}

/// Feeds what a row-wise call is apart from its inputs, with the contents of the files in its arguments.
fn call(hasher: &mut Hasher, work: &Work<'_>, id: NodeId) -> Result<()> {
    let node = work.node(id);
    let NodeKind::Stage { stage, alternative, args, .. } = &node.kind else {
        return Err(Error::bug("a group of row-wise stages holds something else"));
    };
    key::call(hasher, work.stage(stage)?, *alternative, &work.counted(node, args)?, work.lookup);
    for (_, digest) in execute::files(work, node)? {
        hasher.digest(&digest);
    }
    Ok(())
}

/// Returns the inputs of a row-wise node that are columns, by their twins.
fn columns(work: &Work<'_>, id: NodeId) -> Vec<NodeId> {
    let inputs = work.node(id).inputs.iter().map(|&i| work.layout.twin(i));
    inputs.filter(|&i| matches!(work.node(i).ty, mmf_lang::types::Type::Column(_))).collect()
}

/// Returns the key of a kept output as a whole column; `None` while an input is not known.
pub(crate) fn column_key(work: &Work<'_>, task: &Task, node: NodeId) -> Result<Option<Digest>> {
    let (chain, externals) = chain(work, task, node)?;
    let mut hasher = Hasher::new("column");
    hasher.digest(&chain).list(externals.len());
    for id in externals {
        let Some(outline) = work.outline(id) else { return Ok(None) };
        hasher.digest(&outline.digest).flag(may_miss(work.node(id)));
    }
    Ok(Some(hasher.finish()))
}

/// Runs a group for the outputs asked for; those whose flag is raised on the way are left out of what it gives.
pub(crate) fn run(
    work: &Work<'_>,
    task: &Task,
    heavy: bool,
    asked: &[(NodeId, Arc<AtomicBool>)],
    host: &StepHost<'_, '_>,
) -> Result<Vec<Output>> {
    let (chain, rows) = build(work, task, host)?;
    let mut outputs = Vec::new();
    for (node, flag) in asked {
        let (digest, externals) = self::chain(work, task, *node)?;
        let step =
            chain.steps.iter().position(|s| s.node == *node).ok_or_else(|| Error::bug("an output of no group"))?;
        let externals = externals
            .iter()
            .map(|e| chain.externals.iter().position(|x| x.node == *e))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::bug("a chain reads what is not there"))?;
        let set = if heavy { Some((digest, work.store.rows(&digest)?)) } else { None };
        outputs.push(Pending::new(*node, step, externals, flag.clone(), set));
    }
    work.pool.install(|| stream(work, &chain, &rows, &mut outputs, host))?;
    for step in chain.steps.iter().filter(|s| s.calls.load(Ordering::Relaxed) > 0) {
        work.emit(Event::Computed {
            node: step.title.clone(),
            stage: step.stage.into(),
            calls: step.calls.load(Ordering::Relaxed),
            rows: step.rows.load(Ordering::Relaxed),
        });
    }
    outputs
        .into_iter()
        .filter(|o| !o.flag.load(Ordering::Relaxed))
        .map(|output| output.finish(work, &chain, &rows))
        .collect()
}

/// Makes the chain of a group: the stages' bodies, and the columns that they read, at the group's rows.
fn build<'w>(work: &'w Work<'_>, task: &Task, host: &'w StepHost<'_, '_>) -> Result<(Chain<'w>, Rows)> {
    let rows = rows(work, task)?;
    let mut chain = Chain { steps: Vec::new(), externals: Vec::new(), decode: work.options.decode };
    for &id in &task.members {
        let node = work.node(id);
        let NodeKind::Stage { stage, alternative, args, .. } = &node.kind else {
            return Err(Error::bug("a group of row-wise stages holds something else"));
        };
        let found = work.stage(stage)?;
        let mut inputs = Vec::new();
        for input in columns(work, id) {
            let step = chain.steps.iter().position(|s: &Step<'_>| s.node == input);
            let external = chain.externals.iter().position(|e| e.node == input);
            inputs.push(match (step, external) {
                (Some(s), _) => Feed::Step(s),
                (None, Some(e)) => Feed::External(e),
                (None, None) => {
                    chain.externals.push(external_of(work, input, &rows)?);
                    Feed::External(chain.externals.len() - 1)
                }
            });
        }
        let signature = found.signature();
        let args = work.counted(node, args)?;
        let seed = key::seed(0, signature.name, *alternative);
        let (run, open, dear) = body(work, id, found.body(*alternative), args, seed, host)?;
        chain.steps.push(Step {
            node: id,
            title: work.title(id),
            stage: signature.name,
            run,
            open,
            dear,
            accepts: crate::stream::accepts(signature.types.get(*alternative).copied().unwrap_or(""), inputs.len()),
            inputs,
            elem: elem(node),
            calls: AtomicU64::new(0),
            rows: AtomicU64::new(0),
        });
    }
    Ok((chain, rows))
}

/// Returns how a row-wise stage is run, how what it reads is opened, and whether it is dear.
fn body<'w>(
    work: &'w Work<'_>,
    id: NodeId,
    body: Body,
    args: Args,
    seed: u64,
    host: &'w StepHost<'_, '_>,
) -> Result<(Run<'w>, Option<Open<'w>>, bool)> {
    let (open, rows, dear) = match body {
        Body::Rows(body) => {
            return Ok((Box::new(move |batch| body(&host.context(seed), &args, batch)), None, false));
        }
        Body::Opened { open, rows, dear } => (open, rows, dear),
        _ => return Err(Error::bug("a group of row-wise stages holds something else")),
    };
    let NodeKind::Stage { base, .. } = &work.node(id).kind else {
        return Err(Error::bug("a group of row-wise stages holds something else"));
    };
    let base = work.base(base);
    let mut hasher = Hasher::new("opened");
    call(&mut hasher, work, id)?;
    let key = hasher.finish();
    let opened: Arc<OnceLock<Opened>> = Arc::default();
    let (args, given) = (Arc::new(args), opened.clone());
    let run = {
        let args = args.clone();
        move |batch: &Batch| {
            let opened = opened.get().ok_or_else(|| Error::bug("a stage runs before its files are open"))?;
            rows(&host.context(seed), &args, opened, batch)
        }
    };
    let open = move || {
        if given.get().is_none() {
            let context = Context { base: &base, ..host.context(seed) };
            let _ = given.set(work.opened(key, || open(&context, &args))?);
        }
        Ok(())
    };
    Ok((Box::new(run), Some(Box::new(open)), dear))
}

/// Returns the rows that a group lives on.
fn rows(work: &Work<'_>, task: &Task) -> Result<Rows> {
    let decides = |id: &NodeId| {
        let node = work.node(*id);
        let input = work.layout.twin(*node.inputs.get(node.rows?)?);
        (!task.members.contains(&input)).then_some(input)
    };
    let deciding = task.members.iter().find_map(decides).ok_or_else(|| Error::bug("a row-wise stage without rows"))?;
    work.rows(deciding)
}

/// Returns the pictures of a kept output that the store does not know, where it knows others: files that changed or are
/// new.
pub(crate) fn unknown(work: &Work<'_>, task: &Task, node: NodeId) -> Result<Vec<PathBuf>> {
    let (digest, externals) = chain(work, task, node)?;
    let set = work.store.rows(&digest)?;
    if set.is_empty() {
        return Ok(Vec::new());
    }
    let rows = rows(work, task)?;
    let externals = externals.iter().map(|&e| external_of(work, e, &rows)).collect::<Result<Vec<_>>>()?;
    let all: Vec<&External> = externals.iter().collect();
    let Some((pictures, files)) = externals.iter().find_map(|e| Some((e, e.files()?))) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for row in (0..rows.len()).filter(|&row| !pictures.column.is_missing(row)) {
        if !set.knows(&row_key(&all, &work.pictures, row)?) {
            found.push(files.get(row));
        }
    }
    Ok(found)
}

/// Returns a column with its pictures read, for a reader that is no row-wise stage. One that cannot be read is missing, where
/// that is allowed.
pub(crate) fn decoded(work: &Work<'_>, id: NodeId) -> Result<Column> {
    let column = work.column(id)?;
    let external = external_of(work, id, &column.rows)?;
    if external.files().is_none() {
        return Ok(column);
    }
    let (rows, elem) = (column.rows, external.elem.clone());
    let chain = Chain { steps: Vec::new(), externals: vec![external], decode: work.options.decode };
    let places: Vec<u32> = (0..rows.len() as u32).collect();
    let pieces = Mutex::new(Vec::new());
    let take = |cell: Cell| guard(&pieces).extend(cell.values.map(|values| (cell.present, values)));
    for skip in work.pool.install(|| chain.open_all(0, &places, &take))? {
        work.tell(&work.title(id), &skipped(work, &chain.externals[0], skip.place, skip.reason));
    }
    join(std::mem::take(&mut *guard(&pieces)), &rows, &elem)
}

/// Returns a column at these rows, ready to be read by a chain.
pub(crate) fn external_of(work: &Work<'_>, id: NodeId, rows: &Rows) -> Result<External> {
    let node = work.node(id);
    let column = work.column(id)?.restrict(rows)?;
    Ok(External { node: id, title: work.title(id), column, tolerant: may_miss(node), elem: elem(node) })
}

/// Rows that go through the chain together, for the same outputs.
struct Portion {
    rows: Vec<u32>,
    outputs: Vec<usize>,
}

/// Takes rows from the store, computes the others, and collects all of them in the outputs.
pub(crate) fn stream(
    work: &Work<'_>,
    chain: &Chain<'_>,
    rows: &Rows,
    outputs: &mut [Pending],
    host: &StepHost<'_, '_>,
) -> Result<()> {
    let mut keys = Vec::new();
    let mut missing: Vec<Vec<u32>> = Vec::new();
    for output in outputs.iter_mut() {
        missing.push(output.recall(chain, rows.len(), &work.pictures, &mut keys)?);
    }
    drop(keys);
    work.report_damage();
    // Rows that go to the same outputs are computed together.
    let mut wanted: BTreeMap<Vec<usize>, Vec<u32>> = BTreeMap::new();
    for row in 0..rows.len() as u32 {
        let to: Vec<usize> = (0..missing.len()).filter(|&at| missing[at].binary_search(&row).is_ok()).collect();
        if !to.is_empty() {
            wanted.entry(to).or_default().push(row);
        }
    }
    drop(missing);
    let heavy = outputs.iter().any(Pending::is_stored);
    let batches: Vec<Portion> = wanted.into_iter().flat_map(|(outputs, rows)| cut(chain, &outputs, &rows)).collect();
    let total: usize = batches.iter().map(|b| b.rows.len()).sum();
    open(chain, outputs, &batches)?;
    if heavy && batches.len() > 1 {
        // What reads files is done, for now.
        work.store.files().rest();
        memory::give_back();
    }
    let mut done = 0;
    let mut begin = 0;
    while begin < batches.len() {
        let mut end = begin;
        let mut held = 0;
        let wave = if heavy { WAVE } else { usize::MAX };
        while end < batches.len() && (held < wave) && end - begin < 64 {
            held += batches[end].rows.len();
            end += 1;
        }
        let cancelled: Vec<bool> = outputs.iter().map(|o| o.flag.load(Ordering::Relaxed)).collect();
        let stopped = || mmf_data::stage::Host::cancelled(host);
        if stopped() {
            return Err(Error::cancelled());
        }
        let results: Vec<Result<Option<Done>>> = batches[begin..end]
            .par_iter()
            .map(|batch| {
                if stopped() {
                    return Ok(None);
                }
                let active: Vec<usize> = batch.outputs.iter().copied().filter(|&o| !cancelled[o]).collect();
                let steps: Vec<usize> = active.iter().map(|&o| outputs[o].step).collect();
                let (cells, skips) = chain.evaluate(&batch.rows, &steps)?;
                finite(chain, rows, &batch.rows, &steps, &cells)?;
                Ok(Some(Done { rows: batch.rows.clone(), outputs: active, cells, skips }))
            })
            .collect();
        let mut failed = None;
        let mut records: Vec<Vec<(RowKey, Row)>> = outputs.iter().map(|_| Vec::new()).collect();
        for result in results {
            match result {
                Ok(Some(batch)) => {
                    done += batch.rows.len();
                    take(batch, outputs, &mut records);
                }
                Ok(None) => failed = failed.or_else(|| Some(Error::cancelled())),
                Err(error) => failed = failed.filter(|e: &Error| !e.cancelled).or(Some(error)),
            }
        }
        // What is finished is kept, also where another batch failed.
        for (output, records) in outputs.iter().zip(&records) {
            output.keep(records)?;
        }
        if let Some(error) = failed {
            return Err(error);
        }
        host.context(0).progress(done, total);
        begin = end;
    }
    Ok(())
}

/// Opens what the stages read that these batches go through.
fn open(chain: &Chain<'_>, outputs: &[Pending], batches: &[Portion]) -> Result<()> {
    let mut wanted: Vec<usize> = batches.iter().flat_map(|b| b.outputs.iter().map(|&o| outputs[o].step)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let needed = chain.needed(&wanted);
    let steps = chain.steps.iter().zip(needed).filter(|(_, needed)| *needed);
    let opens: Vec<&Open<'_>> = steps.filter_map(|(step, _)| step.open.as_ref()).collect();
    if opens.is_empty() {
        return Ok(());
    }
    // On a thread that is not of the pool: one of the pool takes up other work while it waits, which may open the same.
    let all = || opens.iter().try_for_each(|open| open());
    let joined = std::thread::scope(|scope| scope.spawn(all).join());
    joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Cuts rows into batches.
fn cut(chain: &Chain<'_>, outputs: &[usize], rows: &[u32]) -> Vec<Portion> {
    let pictures = chain.externals.iter().any(External::is_picture);
    let size = |row: u32| -> u64 {
        let of = |e: &External| match e.files() {
            Some(files) if !e.column.is_missing(row as usize) => {
                std::fs::metadata(files.get(row as usize)).map_or(0, |m| m.len())
            }
            _ => 0,
        };
        chain.externals.iter().map(of).sum()
    };
    let dear = chain.steps.iter().any(|step| step.dear);
    let most = if dear {
        DEAR
    } else if pictures {
        PICTURES
    } else {
        BATCH
    };
    let mut batches = Vec::new();
    let mut current: Vec<u32> = Vec::new();
    let mut bytes = 0;
    for &row in rows {
        let own = if pictures { size(row) } else { 0 };
        if current.len() == most || (!current.is_empty() && bytes + own > FILE_BYTES) {
            batches.push(Portion { rows: std::mem::take(&mut current), outputs: outputs.to_vec() });
            bytes = 0;
        }
        bytes += own;
        current.push(row);
    }
    if !current.is_empty() {
        batches.push(Portion { rows: current, outputs: outputs.to_vec() });
    }
    batches
}

fn finite(chain: &Chain<'_>, rows: &Rows, batch: &[u32], steps: &[usize], cells: &[Cell]) -> Result<()> {
    for (&step, cell) in steps.iter().zip(cells) {
        if let Some(at) = cell.values.as_ref().and_then(gather::not_finite) {
            let place = batch[cell.present[at] as usize];
            return Err(infinite(chain.steps[step].stage, u64::from(rows.id(place as usize)) + 1));
        }
    }
    Ok(())
}

/// The error for a number that is no number.
pub(crate) fn infinite(stage: &str, row: u64) -> Error {
    Error::new(
        "E1054",
        say!("`{stage}` gives a number that is not finite, in row {row}", "`{stage}` 在第 {row} 行给出了非有限的数"),
    )
}
