//! The joint stages beneath a train, taken out of the graph as the plan of one network.

mod weighing;

use std::collections::BTreeMap;
use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::graph::Graph as EndedGraph;
use mmf_data::past::Past;
use mmf_data::plan::{Edge, Link, Now, Plan, PlanDomain, PlanKind, PlanNode};
use mmf_data::stage::{Body, Given, TrainCall};
use mmf_data::table::{Rows, Split, Value};
use mmf_data::values::Values;
use mmf_lang::args::{ArgValue, Args};
use mmf_lang::graph::{DomainKind, Graph, Link as GraphLink, Node, NodeId, NodeKind};
use mmf_lang::types::{DomainId, Elem, Part, Type};

use crate::key::{self, Lookup};
use crate::layout::{domain, elem, is_plan};
use crate::region;
use crate::store::{Digest, Hasher};
use crate::work::Work;

pub use weighing::Weighing;
pub(crate) use weighing::weighings;

/// A network by its shape alone: nothing of its leaves and links is read yet.
struct Wiring {
    nodes: Vec<Wire>,
    /// Roots of the domains; the first is the task's.
    domains: Vec<DomainId>,
    outputs: Vec<(String, Way)>,
    /// Tables that arguments name, by argument; whether their rows are those of the split's source.
    tables: Vec<(String, NodeId, bool)>,
    /// Named joint stages: name and node.
    fields: Vec<(String, usize)>,
    by_node: BTreeMap<NodeId, usize>,
    /// Counts layers, which have random streams of their own.
    places: u64,
    lookup: Lookup,
}

struct Wire {
    node: NodeId,
    place: u64,
    domain: usize,
    /// `None` for a leaf.
    inputs: Option<Vec<Way>>,
    /// Of a history, what it reads the past by.
    past: Option<Before>,
}

/// The columns that say which rows came before.
#[derive(Clone, Copy)]
struct Before {
    by: NodeId,
    order: NodeId,
    last: usize,
}

#[derive(Clone)]
struct Way {
    node: usize,
    via: Vec<Turn>,
}

#[derive(Clone, Copy)]
enum Turn {
    User,
    Item,
    Occasion,
    Column(NodeId),
}

impl Wiring {
    fn new(graph: &Graph, train: NodeId, lookup: Lookup) -> Result<Wiring> {
        let node = graph.node(train);
        let NodeKind::Stage { args, .. } = &node.kind else { return Err(Error::bug("a train that is no stage")) };
        let mut wiring = Wiring {
            nodes: Vec::new(),
            domains: vec![task_domain(graph, train)?],
            outputs: Vec::new(),
            tables: Vec::new(),
            fields: Vec::new(),
            by_node: BTreeMap::new(),
            places: 0,
            lookup,
        };
        let mut named = Vec::new();
        for (name, value) in &args.0 {
            outputs(name, value, &mut named);
        }
        for (name, at) in named {
            let input = *node.inputs.get(at).ok_or_else(|| Error::bug("an argument names no input"))?;
            match graph.node(input).ty {
                Type::Column(_) => {
                    let way = wiring.way(graph, input)?;
                    wiring.outputs.push((name, way));
                }
                Type::Table(_) | Type::Split(_) => {
                    let root = |id: NodeId| domain(graph.node(id)).map(|d| graph.root(d));
                    let of_split = node.inputs.first().is_some_and(|&split| root(split) == root(input));
                    wiring.tables.push((name, input, of_split));
                }
                _ => {}
            }
        }
        Ok(wiring)
    }

    /// Returns how a value is read: past all reads, to the node that has it.
    fn way(&mut self, graph: &Graph, mut id: NodeId) -> Result<Way> {
        let mut via = Vec::new();
        let mut names = Vec::new();
        loop {
            let node = graph.node(id);
            names.extend(node.name.clone());
            let NodeKind::Read(links) = &node.kind else { break };
            for link in links {
                via.push(match link {
                    GraphLink::User => Turn::User,
                    GraphLink::Item => Turn::Item,
                    GraphLink::Occasion => Turn::Occasion,
                    GraphLink::Input(at) => {
                        Turn::Column(*node.inputs.get(*at).ok_or_else(|| Error::bug("a link names no input"))?)
                    }
                });
            }
            id = *node.inputs.first().ok_or_else(|| Error::bug("a read of nothing"))?;
        }
        let at = self.add(graph, id)?;
        let paired = is_pairs(graph, self.domains[self.nodes[at].domain]);
        if is_plan(graph.node(id)) && !paired && !matches!(graph.node(id).ty, Type::Ends(_)) {
            for name in names {
                if !self.fields.iter().any(|(n, _)| *n == name) {
                    self.fields.push((name, at));
                }
            }
        }
        Ok(Way { node: at, via })
    }

    fn add(&mut self, graph: &Graph, id: NodeId) -> Result<usize> {
        if let Some(&at) = self.by_node.get(&id) {
            return Ok(at);
        }
        let node = graph.node(id);
        let root = domain(node).map(|d| graph.root(d)).ok_or_else(|| Error::bug("a network reads what has no rows"))?;
        let mut inputs = None;
        let mut place = 0;
        let mut past = None;
        if is_plan(node) {
            past = before(node, self.lookup)?;
            let read = if past.is_some() { &node.inputs[..1] } else { &node.inputs };
            let mut ways = Vec::new();
            for &input in read {
                if matches!(graph.node(input).ty, Type::Column(_) | Type::Ends(_)) {
                    ways.push(self.way(graph, input)?);
                }
            }
            self.places += 1;
            place = self.places;
            inputs = Some(ways);
        }
        let domain = self.domains.iter().position(|&d| d == root).unwrap_or_else(|| {
            self.domains.push(root);
            self.domains.len() - 1
        });
        self.nodes.push(Wire { node: id, place, domain, inputs, past });
        self.by_node.insert(id, self.nodes.len() - 1);
        Ok(self.nodes.len() - 1)
    }
}

/// Returns what a node reads the past by, where it does.
fn before(node: &Node, lookup: Lookup) -> Result<Option<Before>> {
    let NodeKind::Stage { stage, alternative, args, .. } = &node.kind else { return Ok(None) };
    let Some(Body::Recall { past, .. }) = lookup(stage).map(|stage| stage.body(*alternative)) else { return Ok(None) };
    let recall = past(args)?;
    let input = |at: usize| node.inputs.get(at).copied().ok_or_else(|| Error::bug("an argument names no input"));
    Ok(Some(Before { by: input(recall.by)?, order: input(recall.order)?, last: recall.last }))
}

/// Finds the inputs that arguments hold, with the names that a train knows them by.
fn outputs(name: &str, value: &ArgValue, into: &mut Vec<(String, usize)>) {
    match value {
        ArgValue::Input(at) => into.push((name.into(), *at)),
        ArgValue::Losses(losses) => {
            for (term, (_, recipe)) in losses.iter().enumerate() {
                for (own, value) in &recipe.args.0 {
                    outputs(&format!("{name}.{term}.{own}"), value, into);
                }
            }
        }
        // The tasks of one train, by their numbers.
        ArgValue::List(list) => {
            for (number, value) in list.iter().enumerate() {
                if let ArgValue::Recipe(task) = value {
                    for (own, value) in &task.args.0 {
                        outputs(&format!("{name}.{number}.{own}"), value, into);
                    }
                }
            }
        }
        _ => {}
    }
}

fn is_pairs(graph: &Graph, id: DomainId) -> bool {
    graph.domains.get(id.0 as usize).is_some_and(|d| matches!(d.kind, DomainKind::Pairs { .. }))
}

/// Returns the rows that a train's outputs live on: pairs, where it scores pairs; else those of its split.
fn task_domain(graph: &Graph, train: NodeId) -> Result<DomainId> {
    let mut stack = graph.node(train).inputs.clone();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(id) = stack.pop() {
        let node = graph.node(id);
        if !seen.insert(id) || !is_plan(node) {
            continue;
        }
        if let Some(d) = domain(node)
            && is_pairs(graph, d)
        {
            return Ok(d);
        }
        stack.extend(&node.inputs);
    }
    let split = graph.node(train).inputs.first().map(|&s| graph.node(s));
    split.and_then(domain).map(|d| graph.root(d)).ok_or_else(|| Error::bug("a train without a split"))
}

/// Returns the name by which a train keeps a field: its place in the network, so that a renaming changes no byte.
pub(crate) fn field(work: &Work<'_>, train: NodeId, name: &str) -> Option<String> {
    let wiring = Wiring::new(work.graph, train, work.lookup).ok()?;
    wiring.fields.iter().find(|(n, _)| n == name).map(|(_, at)| at.to_string())
}

/// Feeds all that a train works on: the shape of its network, and the contents of leaves and links. `None` while one of
/// them is not known.
pub(crate) fn feed(hasher: &mut Hasher, work: &Work<'_>, train: NodeId) -> Result<Option<()>> {
    let graph = work.graph;
    let wiring = Wiring::new(graph, train, work.lookup)?;
    let split = *graph.node(train).inputs.first().ok_or_else(|| Error::bug("a train without a split"))?;
    let Some(split) = work.outline(split) else { return Ok(None) };
    // Of the split, the columns that the train names, in each of its parts: they know their rows.
    let named = columns(&graph.node(train).kind);
    for table in std::iter::once(&split).chain(split.parts.iter().map(|(_, part)| part)) {
        hasher.list(named.len());
        for name in &named {
            let column = table.column(name).ok_or_else(|| Error::bug(format!("a split has no column `{name}`")))?;
            hasher.text(name).digest(&column.digest);
        }
    }
    hasher.list(wiring.tables.len());
    for (name, table, of_split) in &wiring.tables {
        let Some(table) = work.outline(*table) else { return Ok(None) };
        // Of the split's source the named columns tell, which know their rows; of others, which rows they are.
        hasher.text(name).u64(u64::from(*of_split));
        let columns: Vec<_> = named.iter().filter_map(|name| table.column(name)).collect();
        hasher.list(columns.len());
        columns.iter().for_each(|column| {
            hasher.digest(&column.digest);
        });
        match &table.which {
            Some(which) if !of_split => hasher.digest(which),
            _ => hasher.none(),
        };
    }
    hasher.list(wiring.nodes.len());
    for wire in &wiring.nodes {
        let node = work.node(wire.node);
        hasher.u64(wire.domain as u64).u64(wire.place);
        match (&wire.inputs, &node.kind) {
            (Some(inputs), NodeKind::End(end)) => {
                hasher.text("end").u64(*end as u64);
                for way in inputs {
                    if feed_way(hasher, work, way).is_none() {
                        return Ok(None);
                    }
                }
            }
            (Some(inputs), NodeKind::Stage { stage, alternative, args, .. }) => {
                key::call(hasher, work.stage(stage)?, *alternative, &work.counted(node, args)?, work.lookup);
                hasher.list(inputs.len());
                for way in inputs {
                    if feed_way(hasher, work, way).is_none() {
                        return Ok(None);
                    }
                }
                for &input in &node.inputs {
                    if let Type::Graph(_) = work.node(input).ty {
                        let Some(outline) = work.outline(input) else { return Ok(None) };
                        hasher.text("edges").digest(&outline.digest);
                    }
                }
                if let Some(Before { by, order, .. }) = wire.past {
                    let (Some(by), Some(order)) = (work.outline(by), work.outline(order)) else { return Ok(None) };
                    hasher.text("past").digest(&by.digest).digest(&order.digest);
                }
            }
            _ => {
                let Some(outline) = work.outline(wire.node) else { return Ok(None) };
                hasher.text("leaf").digest(&outline.digest);
            }
        }
    }
    hasher.list(wiring.outputs.len());
    for (name, way) in &wiring.outputs {
        hasher.text(name);
        if feed_way(hasher, work, way).is_none() {
            return Ok(None);
        }
    }
    let mut fields: Vec<usize> = wiring.fields.iter().map(|(_, at)| *at).collect();
    fields.sort_unstable();
    fields.dedup();
    hasher.list(fields.len());
    fields.iter().for_each(|&at| {
        hasher.u64(at as u64);
    });
    Ok(Some(()))
}

fn feed_way(hasher: &mut Hasher, work: &Work<'_>, way: &Way) -> Option<()> {
    hasher.u64(way.node as u64).list(way.via.len());
    for turn in &way.via {
        match turn {
            Turn::User => hasher.text("user"),
            Turn::Item => hasher.text("item"),
            Turn::Occasion => hasher.text("occasion"),
            Turn::Column(id) => hasher.digest(&work.outline(*id)?.digest),
        };
    }
    Some(())
}

/// Returns the digest of all that a train works on, beside its own arguments.
pub(crate) fn digest(work: &Work<'_>, train: NodeId) -> Result<Option<Digest>> {
    let mut hasher = Hasher::new("network");
    Ok(feed(&mut hasher, work, train)?.map(|()| hasher.finish()))
}

/// Returns the columns of its split that a train names, in order; it is given no others.
fn columns(train: &NodeKind) -> Vec<String> {
    fn collect(value: &ArgValue, into: &mut Vec<String>) {
        match value {
            ArgValue::Column(name) => into.push(name.clone()),
            ArgValue::List(list) => list.iter().for_each(|v| collect(v, into)),
            ArgValue::Recipe(task) => task.args.0.iter().for_each(|(_, v)| collect(v, into)),
            _ => {}
        }
    }
    let NodeKind::Stage { args, .. } = train else { return Vec::new() };
    let mut named = Vec::new();
    args.0.iter().for_each(|(_, value)| collect(value, &mut named));
    named.sort();
    named.dedup();
    named
}

/// Reads all that a train works on.
pub(crate) fn call(work: &Work<'_>, train: NodeId) -> Result<TrainCall> {
    let graph = work.graph;
    let wiring = Wiring::new(graph, train, work.lookup)?;
    let inputs = &graph.node(train).inputs;
    let mut split = work.value(*inputs.first().ok_or_else(|| Error::bug("a train without a split"))?)?.split()?.clone();
    let named = columns(&graph.node(train).kind);
    split.table.columns.retain(|(name, _)| named.contains(name));
    let mut totals: BTreeMap<DomainId, usize> = BTreeMap::new();
    let mut maps: BTreeMap<NodeId, Arc<Vec<u32>>> = BTreeMap::new();
    let mut plan = Plan::default();
    let ways = wiring.outputs.iter().map(|(_, w)| w).chain(wiring.nodes.iter().flat_map(|w| w.inputs.iter().flatten()));
    let links: std::collections::BTreeSet<NodeId> = ways
        .flat_map(|way| &way.via)
        .filter_map(|turn| match turn {
            Turn::Column(id) => Some(*id),
            _ => None,
        })
        .collect();
    for id in links {
        let map = map(work, id, &mut totals)?;
        maps.entry(id).or_insert(map);
    }
    let mut kinds = Vec::new();
    let mut now: Vec<Option<Now>> = vec![None; wiring.domains.len()];
    for wire in &wiring.nodes {
        let node = work.node(wire.node);
        kinds.push(match (&wire.inputs, &node.kind) {
            (Some(inputs), NodeKind::Stage { stage, alternative, args, .. }) => {
                for &input in &node.inputs {
                    if let Type::Table(t) = &work.node(input).ty {
                        totals.insert(graph.root(t.domain), work.value(input)?.table()?.rows.total);
                    }
                }
                let mut inputs: Vec<Edge> = inputs.iter().map(|way| edge(way, &maps)).collect();
                if let (Some(before), Some(input), Some(way)) = (wire.past, inputs.first_mut(), wired(wire)) {
                    let (past, known) = past(work, &wiring, (before, way), &split)?;
                    tell(work, before.by, &work.column(before.by)?, &mut totals);
                    now[wire.domain] = known;
                    input.via.insert(0, Link::Past(past));
                }
                PlanKind::Stage {
                    stage: work.stage(stage)?,
                    alternative: *alternative,
                    args: work.counted(node, args)?,
                    inputs,
                    graph: None,
                }
            }
            (Some(inputs), NodeKind::End(_)) => {
                let way = inputs.first().ok_or_else(|| Error::bug("an end of nothing"))?;
                PlanKind::End(edge(way, &maps))
            }
            _ => {
                let column = region::decoded(work, wire.node)?;
                tell(work, wire.node, &column, &mut totals);
                PlanKind::Leaf(column)
            }
        });
    }
    for arrow in crate::layout::counted(graph, train) {
        let column = work.column(arrow)?;
        tell(work, arrow, &column, &mut totals);
    }
    let mut tables = Vec::new();
    for (name, id, of_split) in &wiring.tables {
        let mut table = work.value(*id)?.table()?.clone();
        table.columns.retain(|(column, _)| named.contains(column));
        if let Some(own) = domain(work.node(*id)) {
            totals.entry(graph.root(own)).or_insert(table.rows.total);
        }
        tables.push((name.clone(), Given { table, of_split: *of_split }));
    }
    for (wire, kind) in wiring.nodes.iter().zip(kinds) {
        let label = work.node(wire.node).label.clone();
        plan.nodes.push(PlanNode { place: wire.place, domain: wire.domain, kind, label });
    }
    let count = |root: DomainId| {
        let known = graph.domains.get(root.0 as usize).and_then(|d| d.rows).map(|n| n as usize);
        totals.get(&root).copied().or(known)
    };
    for (at, root) in wiring.domains.iter().enumerate() {
        let total = match graph.domains.get(root.0 as usize).map(|d| &d.kind) {
            _ if at == 0 => Some(split.table.rows.total),
            Some(DomainKind::Ends(ends)) => ends.iter().map(|&end| count(graph.root(end))).sum(),
            _ => count(*root),
        };
        let total = total.ok_or_else(|| Error::bug("a network lives on rows that nobody counted"))?;
        plan.domains.push(PlanDomain { total, now: now[at] });
    }
    for (at, wire) in wiring.nodes.iter().enumerate() {
        let node = work.node(wire.node);
        let ends = |id: NodeId| match &work.node(id).ty {
            Type::Graph(of) => Some(of.ends.iter().map(|(_, end)| count(graph.root(*end))).collect::<Option<Vec<_>>>()),
            _ => None,
        };
        match &mut plan.nodes[at].kind {
            PlanKind::Stage { graph: own, .. } => {
                let Some((id, ends)) = node.inputs.iter().find_map(|&id| Some((id, ends(id)?))) else { continue };
                let ends = ends.ok_or_else(|| Error::bug("a graph over rows that nobody counted"))?;
                *own = Some(Arc::new(EndedGraph::new(ends, mmf_data::graph::edges(work.value(id)?.table()?)?)?));
            }
            PlanKind::End(edge) => {
                let NodeKind::End(end) = node.kind else { continue };
                let Some(DomainKind::Ends(ends)) =
                    wiring.nodes.get(edge.node).map(|w| &graph.domains[wiring.domains[w.domain].0 as usize].kind)
                else {
                    continue;
                };
                let before: Option<usize> = ends[..end].iter().map(|&end| count(graph.root(end))).sum();
                let before = before.ok_or_else(|| Error::bug("an end of rows that nobody counted"))?;
                edge.via.insert(0, Link::Shift(before as u32));
            }
            PlanKind::Leaf(_) => {}
        }
    }
    plan.outputs = wiring.outputs.iter().map(|(name, way)| (name.clone(), edge(way, &maps))).collect();
    let mut fields: Vec<usize> = wiring.fields.iter().map(|(_, at)| *at).collect();
    fields.sort_unstable();
    fields.dedup();
    plan.fields = fields.into_iter().map(|at| (at.to_string(), at)).collect();
    Ok(TrainCall { split, plan, tables, head: 0, measures: work.options.measures })
}

fn wired(wire: &Wire) -> Option<&Way> {
    wire.inputs.as_ref()?.first()
}

/// Returns which rows came before which; where pairs are ranked, also before each user's now.
fn past(
    work: &Work<'_>,
    wiring: &Wiring,
    (before, way): (Before, &Way),
    split: &Split,
) -> Result<(Arc<Past>, Option<Now>)> {
    let (by, order) = (work.column(before.by)?, work.column(before.order)?);
    // Rows of one moment stand in the order of what they lead to, or of the numbers that are read; never of their places.
    let along = way.via.iter().find_map(|turn| match turn {
        Turn::Column(id) => Some(*id),
        _ => None,
    });
    let told = match along {
        Some(id) => Some(id),
        None => wiring.nodes[way.node].inputs.is_none().then_some(wiring.nodes[way.node].node),
    };
    let told = told.map(|id| work.column(id)).transpose()?;
    let mut past = Past::new(&by, &order, before.last, told.as_ref())?;
    if !is_pairs(work.graph, wiring.domains[0]) {
        return Ok((Arc::new(past), None));
    }
    let mut now = |part: Part| {
        let parts = |earlier: bool| -> Vec<&Rows> {
            split.parts.iter().filter(|(p, _)| (*p < part) == earlier).map(|(_, rows)| rows).collect()
        };
        past.now(&parts(true), &parts(false))
    };
    let (validation, test) = (now(Part::Validation), now(Part::Test));
    let now = Now { validation, test, occasions: past.occasions() };
    Ok((Arc::new(past), Some(now)))
}

/// Notes the counts of rows that a column tells: of its own rows, and of those that it names.
fn tell(work: &Work<'_>, id: NodeId, column: &mmf_data::table::Column, totals: &mut BTreeMap<DomainId, usize>) {
    let node = work.node(id);
    if let Some(own) = domain(node) {
        totals.entry(work.graph.root(own)).or_insert(column.rows.total);
    }
    if let (Elem::Ref(to) | Elem::Category(to), Values::Code { names, .. }) = (elem(node), &column.values) {
        totals.entry(work.graph.root(to)).or_insert(names.len());
    }
}

/// Returns where a ref leads, by the number of the row.
fn map(work: &Work<'_>, id: NodeId, totals: &mut BTreeMap<DomainId, usize>) -> Result<Arc<Vec<u32>>> {
    let Value::Column(column) = work.value(id)? else { return Err(Error::bug("a link is no column")) };
    tell(work, id, &column, totals);
    let Values::Code { codes, .. } = &column.values else { return Err(Error::bug("a link is no ref")) };
    let mut to = vec![u32::MAX; column.rows.total];
    for (place, &code) in codes.iter().enumerate().filter(|(p, _)| !column.is_missing(*p)) {
        to[column.rows.id(place) as usize] = code;
    }
    Ok(Arc::new(to))
}

fn edge(way: &Way, maps: &BTreeMap<NodeId, Arc<Vec<u32>>>) -> Edge {
    let via = way.via.iter().filter_map(|turn| match turn {
        Turn::User => Some(Link::User),
        Turn::Item => Some(Link::Item),
        Turn::Occasion => Some(Link::Occasion),
        Turn::Column(id) => maps.get(id).cloned().map(Link::Map),
    });
    Edge { node: way.node, via: via.collect() }
}

/// Returns a train's arguments as its body takes them.
pub(crate) fn arguments(work: &Work<'_>, train: NodeId) -> Result<Args> {
    let node = work.node(train);
    match &node.kind {
        NodeKind::Stage { args, .. } => work.counted(node, args),
        _ => Err(Error::bug("a train that is no stage")),
    }
}
