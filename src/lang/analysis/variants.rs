//! Trains once more with something changed: for experiments.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use crate::args::{ArgValue, Args};
use crate::graph::{Node, NodeId, NodeKind};
use crate::signature::BodyKind;
use crate::types::Type;

/// The argument by which a train differs from itself: how many times it was trained before, each time from other weights.
pub const AGAIN: &str = "again";

impl Checker<'_> {
    /// Returns the columns that a train's network reads, each ready before the training.
    pub(crate) fn leaves(&self, train: NodeId) -> Vec<NodeId> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut stack: Vec<NodeId> = self.graph.dag[train].inputs.iter().skip(1).rev().copied().collect();
        while let Some(node) = stack.pop() {
            let weight = &self.graph.dag[node];
            if !seen.insert(node) || !matches!(weight.ty, Type::Column(_) | Type::Ends(_) | Type::Graph(_)) {
                continue;
            }
            match &weight.kind {
                // Behind the value stand the refs along which it is read.
                NodeKind::Read(_) => stack.extend(weight.inputs.first()),
                NodeKind::End(_) => stack.extend(&weight.inputs),
                // Neighbours are told by a column.
                NodeKind::Stage { .. } if matches!(weight.ty, Type::Graph(_)) => {
                    stack.extend(weight.inputs.iter().rev())
                }
                NodeKind::Stage { args, .. } if weight.joint => {
                    // What arguments name stands behind what flows.
                    let flowing = weight.inputs.len().saturating_sub(inputs_of(args).len());
                    stack.extend(weight.inputs[..flowing].iter().rev());
                }
                _ if weight.joint => {}
                _ => found.push(node),
            }
        }
        found
    }

    /// Returns whether a node is, or is made from, another.
    pub(crate) fn comes_from(&self, node: NodeId, other: NodeId) -> bool {
        let mut seen = BTreeSet::new();
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            if node == other {
                return true;
            }
            if seen.insert(node) {
                stack.extend(&self.graph.dag[node].inputs);
            }
        }
        false
    }

    /// Adds a train once more, with other columns in the places of some that its network reads.
    pub(crate) fn again(
        &mut self,
        train: NodeId,
        changed: &BTreeMap<NodeId, NodeId>,
        repeat: usize,
        label: String,
    ) -> NodeId {
        let mut done = BTreeMap::new();
        let mut node = self.graph.dag[train].clone();
        for input in node.inputs.iter_mut().skip(1) {
            *input = self.replaced(*input, changed, &mut done);
        }
        if let (NodeKind::Stage { args, .. }, true) = (&mut node.kind, repeat > 0) {
            args.0.push((AGAIN.into(), ArgValue::Int(repeat as i64)));
        }
        self.put(Node { name: None, label, ..node })
    }

    /// Adds what measures a train as a metric measures another.
    pub(crate) fn predicted(&mut self, train: NodeId, like: NodeId) -> Option<NodeId> {
        let measured = *self.graph.dag[like].inputs.first()?;
        let mut node = self.graph.dag[measured].clone();
        if node.inputs.first() == Some(&train) {
            return Some(measured);
        }
        let NodeKind::Predict { part, .. } = node.kind else { return None };
        *node.inputs.first_mut()? = train;
        let label = format!("{} on {}", self.graph.dag[train].label, part.word());
        Some(self.put(Node { name: None, label, ..node }))
    }

    /// Adds a stage over a column, whose type it keeps but that numbers are vectors.
    pub(crate) fn over(
        &mut self,
        node: NodeId,
        stage: &str,
        alternative: usize,
        args: Args,
        label: String,
    ) -> Option<NodeId> {
        let entry = self.vocabulary.get(stage)?;
        let (name, body) = (entry.signature.name, *entry.kinds.get(alternative)?);
        debug_assert_eq!(body, BodyKind::Whole);
        let Type::Column(mut column) = self.ty(node).clone() else { return None };
        if let Some(width) = column.elem.as_vector() {
            column.elem = crate::types::Elem::Vector(width);
        }
        let (ty, span) = (Type::Column(column), self.graph.dag[node].span);
        let kind = NodeKind::Stage { stage: name, alternative, body, args, fit: None, base: String::new() };
        Some(self.put(Node { name: None, label, kind, inputs: vec![node], ty, span, joint: false, rows: None }))
    }

    /// Returns a node with what is changed below it in its place.
    fn replaced(
        &mut self,
        node: NodeId,
        changed: &BTreeMap<NodeId, NodeId>,
        done: &mut BTreeMap<NodeId, NodeId>,
    ) -> NodeId {
        if let Some(&other) = changed.get(&node).or_else(|| done.get(&node)) {
            return other;
        }
        let weight = self.graph.dag[node].clone();
        let passes = weight.joint || matches!(weight.kind, NodeKind::Read(_)) || matches!(weight.ty, Type::Graph(_));
        let mut other = node;
        if passes {
            let inputs: Vec<NodeId> = weight.inputs.iter().map(|&input| self.replaced(input, changed, done)).collect();
            if inputs != weight.inputs {
                // A graph is a step of its own, and is told apart from the one that it is made after.
                let label = if weight.joint { weight.label.clone() } else { format!("{} (changed)", weight.label) };
                other = self.put(Node { name: None, label, inputs, ..weight });
            }
        }
        done.insert(node, other);
        other
    }

    /// Adds a node that experiments and repeats alone need.
    pub(super) fn put(&mut self, node: Node) -> NodeId {
        let id = self.insert(node);
        self.graph.variants.insert(id);
        id
    }
}

/// Returns the numbers of the inputs that arguments name.
fn inputs_of(args: &Args) -> BTreeSet<usize> {
    fn collect(value: &ArgValue, into: &mut BTreeSet<usize>) {
        match value {
            ArgValue::Input(at) => {
                into.insert(*at);
            }
            ArgValue::List(list) => list.iter().for_each(|value| collect(value, into)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    args.0.iter().for_each(|(_, value)| collect(value, &mut found));
    found
}
