//! Parts of a value that is its inputs end to end: `shared.look`.

use super::{Checker, Item};
use crate::args::{ArgValue, Args};
use crate::graph::{Fit, Node, NodeId, NodeKind};
use crate::span::Span;
use crate::types::{ColumnType, Elem, Size, Type};

/// Where a part begins and ends; unknown behind a width that only the run finds.
type Place = Option<(u64, u64)>;

impl Checker<'_> {
    /// Returns the node that makes a value, past all readings of it.
    fn maker(&self, mut node: NodeId) -> NodeId {
        while let (NodeKind::Read(_), Some(&input)) = (&self.graph.dag[node].kind, self.graph.dag[node].inputs.first())
        {
            node = input;
        }
        node
    }

    fn parts_stage(&self, node: NodeId) -> Option<&'static str> {
        match &self.graph.dag[self.maker(node)].kind {
            NodeKind::Stage { stage, .. } => self.vocabulary.get(stage)?.signature.parts,
            _ => None,
        }
    }

    pub(super) fn has_parts(&self, node: NodeId) -> bool {
        self.parts_stage(node).is_some()
    }

    /// Returns the declared names of what a value is made of, each with its place.
    pub(super) fn parts_of(&self, node: NodeId) -> Vec<(String, Place)> {
        let maker = &self.graph.dag[self.maker(node)];
        let telling = match &maker.kind {
            NodeKind::Stage { fit: Some(Fit::Part { split, along, back }), .. } => {
                [*split].iter().chain(along).chain(back).copied().min()
            }
            _ => None,
        };
        let mut from = Some(0);
        let mut parts = Vec::new();
        for &input in &maker.inputs[..telling.unwrap_or(maker.inputs.len())] {
            let Type::Column(column) = self.ty(input) else { continue };
            let width = column.elem.as_vector().and_then(Size::known);
            let to = from.zip(width).map(|(from, width)| from + width);
            if let Some(name) = &self.graph.dag[self.maker(input)].name {
                parts.push((name.clone(), from.zip(to)));
            }
            from = to;
        }
        parts
    }

    pub(super) fn part_of_value(&mut self, base: NodeId, (from, to): (u64, u64), name: &str, span: Span) -> Item {
        let Some(entry) = self.parts_stage(base).and_then(|stage| self.vocabulary.get(stage)) else {
            return Item::Unknown;
        };
        let (stage, body) = (entry.signature.name, entry.kinds[0]);
        let Type::Column(column) = self.ty(base).clone() else { return Item::Unknown };
        let place = [("from", from), ("to", to)].map(|(name, n)| (name.to_string(), ArgValue::Int(n as i64)));
        let kind =
            NodeKind::Stage { stage, alternative: 0, body, args: Args(place.to_vec()), fit: None, base: String::new() };
        let ty = Type::Column(ColumnType { elem: Elem::Vector(Size::Known(to - from)), ..column });
        let label = format!("{}.{name}", self.graph.dag[base].label);
        let node = Node { name: None, label, kind, inputs: vec![base], ty, span, joint: false, rows: Some(0) };
        Item::Node(self.add(node))
    }
}
