//! What a graph is to the engine: tasks in order, each a step of its own or a group of row-wise stages that run fused.
//!
//! Columns, parts, fields and reads are no tasks: they are cut out of what others made. Neither are joint stages: the train
//! that holds them runs them.

use std::collections::{BTreeMap, BTreeSet};

use mmf_lang::graph::{Graph, Node, NodeId, NodeKind};
use mmf_lang::signature::BodyKind;
use mmf_lang::types::{DomainId, Elem, Type};

#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// Its nodes, inputs first.
    pub members: Vec<NodeId>,
    /// The nodes whose results are kept.
    pub outputs: Vec<NodeId>,
    /// Tasks that must be done before.
    pub needs: Vec<usize>,
    pub kind: TaskKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskKind {
    Single,
    /// Row-wise stages, fused. Where pictures go in, or a stage is dear (`heavy`), finished rows are kept one by one.
    Rows {
        heavy: bool,
    },
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// Every node that the sinks need, inputs first.
    pub order: Vec<NodeId>,
    /// For each node the one that computes the same thing, itself mostly.
    twins: Vec<NodeId>,
    /// Inputs first.
    pub tasks: Vec<Task>,
    task_of: BTreeMap<NodeId, usize>,
    /// Nodes that others than their own task read.
    read: BTreeSet<NodeId>,
}

impl Layout {
    pub(crate) fn new(graph: &Graph) -> Layout {
        let order = reach(graph);
        let twins = twins(graph, &order);
        let mut layout = Layout { order, twins, ..Layout::default() };
        layout.cut(graph);
        layout
    }

    pub(crate) fn twin(&self, node: NodeId) -> NodeId {
        self.twins[node.index()]
    }

    pub(crate) fn task_of(&self, node: NodeId) -> Option<usize> {
        self.task_of.get(&self.twin(node)).copied()
    }

    /// Says whether a run reads the node's result after it was made.
    pub(crate) fn is_read(&self, node: NodeId) -> bool {
        self.read.contains(&self.twin(node))
    }

    /// Has the rows of groups kept one by one where a member is dear.
    pub(crate) fn weigh(&mut self, dear: impl Fn(NodeId) -> bool) {
        for task in &mut self.tasks {
            if let TaskKind::Rows { heavy } = &mut task.kind {
                *heavy |= task.members.iter().any(|&member| dear(member));
            }
        }
    }

    /// Cuts the nodes into tasks: groups of row-wise nodes on one level, where a level ends at everything that is kept.
    fn cut(&mut self, graph: &Graph) {
        let mut readers: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        for &id in &self.order {
            for &input in &graph.node(id).inputs {
                readers.entry(self.twin(input)).or_default().push(id);
            }
        }
        let sinks: BTreeSet<NodeId> = graph.sinks.iter().map(|&s| self.twin(s)).collect();
        let named: BTreeSet<NodeId> = graph.names.iter().map(|(_, id)| self.twin(*id)).collect();
        let same_rows = |a: NodeId, b: NodeId| domain(graph.node(a)) == domain(graph.node(b));
        let edge = |id: NodeId| {
            let node = graph.node(id);
            let small = !is_picture(node);
            let outside = |reader: &NodeId| !is_rows(graph.node(*reader)) || !same_rows(id, *reader);
            sinks.contains(&id)
                || (small && (named.contains(&id) || node.inputs.iter().any(|&i| is_picture(graph.node(i)))))
                || readers.get(&id).is_some_and(|r| r.iter().any(outside))
        };
        let order: Vec<NodeId> = self.order.iter().copied().filter(|&id| self.twin(id) == id).collect();
        let place: BTreeMap<NodeId, usize> = order.iter().enumerate().map(|(i, &id)| (id, i)).collect();
        let mut level: BTreeMap<NodeId, usize> = BTreeMap::new();
        let mut group = Groups((0..order.len()).collect());
        let mut shared: BTreeMap<(NodeId, usize, Option<DomainId>), usize> = BTreeMap::new();
        for &id in &order {
            let node = graph.node(id);
            let rows = is_rows(node);
            let step = usize::from(is_task(node));
            let fused = |input: NodeId| rows && is_rows(graph.node(input)) && same_rows(id, input) && !edge(input);
            let mut own = 0;
            for input in self.inputs(graph, id) {
                let above = level.get(&input).copied().unwrap_or(0);
                own = own.max(if fused(input) { above } else { above + step });
            }
            level.insert(id, own);
            if !rows {
                continue;
            }
            for input in self.inputs(graph, id) {
                if fused(input) && level[&input] == own {
                    group.join(place[&id], place[&input]);
                } else if is_picture(graph.node(input)) {
                    let first = *shared.entry((input, own, domain(node))).or_insert(place[&id]);
                    group.join(place[&id], first);
                }
            }
        }
        let mut tasks: BTreeMap<(usize, usize), Vec<NodeId>> = BTreeMap::new();
        for &id in order.iter().filter(|&&id| is_task(graph.node(id))) {
            tasks.entry((level[&id], group.of(place[&id]))).or_default().push(id);
        }
        for members in tasks.into_values() {
            let inside: BTreeSet<NodeId> = members.iter().copied().collect();
            members.iter().for_each(|&m| {
                self.task_of.insert(m, self.tasks.len());
            });
            let mut task = Task { members, outputs: Vec::new(), needs: Vec::new(), kind: TaskKind::Single };
            if is_rows(graph.node(task.members[0])) {
                let outside = |&input: &NodeId| !inside.contains(&self.twin(input));
                let mut fed = task.members.iter().flat_map(|&m| graph.node(m).inputs.iter());
                let heavy = fed.any(|input| outside(input) && is_picture(graph.node(*input)));
                task.kind = TaskKind::Rows { heavy };
                let read_outside = |m: &NodeId| {
                    readers.get(m).is_some_and(|r| r.iter().any(|reader| !inside.contains(&self.twin(*reader))))
                };
                task.outputs = task.members.iter().copied().filter(|m| edge(*m) || read_outside(m)).collect();
            } else {
                task.outputs = task.members.clone();
            }
            self.tasks.push(task);
        }
        for &reader in &self.order {
            for input in self.inputs(graph, reader) {
                let own = self.task_of.get(&self.twin(reader));
                if own.is_none() || own != self.task_of.get(&input) {
                    self.read.insert(input);
                }
            }
        }
        for at in 0..self.tasks.len() {
            let mut needs = BTreeSet::new();
            for &member in &self.tasks[at].members {
                self.needs(graph, member, &mut needs);
            }
            needs.remove(&at);
            self.tasks[at].needs = needs.into_iter().collect();
        }
    }

    /// Returns the inputs by their twins, with what a train needs beside them.
    fn inputs(&self, graph: &Graph, id: NodeId) -> Vec<NodeId> {
        let extra = if is_train(graph.node(id)) { counted(graph, id) } else { Vec::new() };
        graph.node(id).inputs.iter().chain(&extra).map(|&i| self.twin(i)).collect()
    }

    fn needs(&self, graph: &Graph, id: NodeId, into: &mut BTreeSet<usize>) {
        let mut stack = self.inputs(graph, id);
        let mut seen = BTreeSet::new();
        while let Some(input) = stack.pop() {
            if !seen.insert(input) {
                continue;
            }
            match self.task_of.get(&input) {
                Some(&task) => {
                    into.insert(task);
                }
                None => stack.extend(self.inputs(graph, input)),
            }
        }
    }
}

/// Sets of numbers that are joined, each named by its smallest.
struct Groups(Vec<usize>);

impl Groups {
    fn of(&self, mut at: usize) -> usize {
        while self.0[at] != at {
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.of(a), self.of(b));
        self.0[a.max(b)] = a.min(b);
    }
}

pub(crate) fn domain(node: &Node) -> Option<DomainId> {
    match &node.ty {
        Type::Column(c) => Some(c.domain),
        Type::Table(t) => Some(t.domain),
        Type::Split(s) => Some(s.table.domain),
        Type::Rows(rows) => Some(*rows),
        Type::Ends(ends) => Some(ends.domain),
        _ => None,
    }
}

pub(crate) fn elem(node: &Node) -> Elem {
    match &node.ty {
        Type::Column(c) => c.elem.clone(),
        _ => Elem::Unknown,
    }
}

/// Says whether values may be missing in the column.
pub(crate) fn may_miss(node: &Node) -> bool {
    matches!(&node.ty, Type::Column(c) if !c.missing.is_empty())
}

pub(crate) fn is_picture(node: &Node) -> bool {
    matches!(&node.ty, Type::Column(c) if matches!(c.elem, Elem::Image(_) | Elem::Map(_) | Elem::Codes(_)))
}

pub(crate) fn body(node: &Node) -> Option<BodyKind> {
    match &node.kind {
        NodeKind::Stage { body, .. } => Some(*body),
        _ => None,
    }
}

pub(crate) fn is_rows(node: &Node) -> bool {
    !node.joint && body(node) == Some(BodyKind::Rows)
}

pub(crate) fn is_train(node: &Node) -> bool {
    body(node) == Some(BodyKind::Train)
}

/// Says whether a node is cut out of what another made.
pub(crate) fn is_derived(node: &Node) -> bool {
    matches!(
        node.kind,
        NodeKind::Column(_)
            | NodeKind::Part(_)
            | NodeKind::End(_)
            | NodeKind::Field(_)
            | NodeKind::Read(_)
            | NodeKind::Head(_)
    )
}

pub(crate) fn is_task(node: &Node) -> bool {
    !is_derived(node) && !is_plan(node)
}

/// Says whether a node is a part of a network, for the train that holds it to run.
pub(crate) fn is_plan(node: &Node) -> bool {
    !is_train(node) && (node.joint || body(node) == Some(BodyKind::Joint))
}

/// Returns every node that the sinks need, inputs first.
fn reach(graph: &Graph) -> Vec<NodeId> {
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    for &sink in &graph.sinks {
        let mut stack = vec![(sink, false)];
        while let Some((id, done)) = stack.pop() {
            if done {
                order.push(id);
                continue;
            }
            if !seen.insert(id) {
                continue;
            }
            stack.push((id, true));
            let node = graph.node(id);
            let extra = if is_train(node) { counted(graph, id) } else { Vec::new() };
            stack.extend(node.inputs.iter().chain(&extra).rev().map(|&input| (input, false)));
        }
    }
    order
}

/// Returns the columns that tell how many rows a domain of a train's network has, where nothing that it reads does.
pub(crate) fn counted(graph: &Graph, train: NodeId) -> Vec<NodeId> {
    let mut stack = graph.node(train).inputs.clone();
    let mut seen = BTreeSet::new();
    let mut wanted = BTreeSet::new();
    let mut told = BTreeSet::new();
    while let Some(id) = stack.pop() {
        if !seen.insert(id) {
            continue;
        }
        let node = graph.node(id);
        let root = domain(node).map(|d| graph.root(d));
        if let Type::Graph(of) = &node.ty {
            wanted.extend(of.ends.iter().map(|(_, end)| graph.root(*end)));
        }
        if is_plan(node) || matches!(node.ty, Type::Rows(_)) {
            wanted.extend(root);
            stack.extend(&node.inputs);
        } else {
            told.extend(root);
            if let Elem::Ref(to) | Elem::Category(to) = elem(node) {
                told.insert(graph.root(to));
            }
            if matches!(node.kind, NodeKind::Read(_)) {
                stack.extend(&node.inputs);
            }
        }
    }
    let arrow = |to: DomainId| {
        graph.domains.iter().flat_map(|d| &d.arrows).filter(|a| graph.root(a.to) == to).find_map(|a| a.node)
    };
    wanted.difference(&told).filter_map(|&root| arrow(root)).collect()
}

/// Finds columns that are the same computation on the same inputs. Parts of networks are never shared: two calls are two.
fn twins(graph: &Graph, order: &[NodeId]) -> Vec<NodeId> {
    let mut twins: Vec<NodeId> = graph.dag.node_indices().collect();
    let mut found: BTreeMap<(Vec<NodeId>, String), Vec<NodeId>> = BTreeMap::new();
    for &id in order {
        let node = graph.node(id);
        if is_plan(node) || !matches!(node.ty, Type::Column(_)) {
            continue;
        }
        let inputs: Vec<NodeId> = node.inputs.iter().map(|i| twins[i.index()]).collect();
        let kind = match &node.kind {
            NodeKind::Stage { stage, .. } => (*stage).to_string(),
            NodeKind::Column(name) => format!(".{name}"),
            _ => continue,
        };
        let others = found.entry((inputs, kind)).or_default();
        match others.iter().find(|&&other| alike(node, graph.node(other))) {
            Some(&other) => twins[id.index()] = other,
            None => others.push(id),
        }
    }
    twins
}

fn alike(a: &Node, b: &Node) -> bool {
    let kinds = match (&a.kind, &b.kind) {
        (
            NodeKind::Stage { alternative, args, fit, base, .. },
            NodeKind::Stage { alternative: other, args: other_args, fit: other_fit, base: other_base, .. },
        ) => alternative == other && args == other_args && fit == other_fit && base == other_base,
        (NodeKind::Column(_), NodeKind::Column(_)) => true,
        _ => false,
    };
    kinds && domain(a) == domain(b) && elem(a) == elem(b) && may_miss(a) == may_miss(b) && a.rows == b.rows
}
