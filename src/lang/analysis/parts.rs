//! Parts of a value that is its inputs end to end: `shared.look`.

use std::collections::BTreeSet;

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

    /// Returns the names of what a value is made of, as declared and as written, each with its place.
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
        for (at, &input) in maker.inputs[..telling.unwrap_or(maker.inputs.len())].iter().enumerate() {
            let Type::Column(column) = self.ty(input) else { continue };
            let width = column.elem.as_vector().and_then(Size::known);
            let to = from.zip(width).map(|(from, width)| from + width);
            let declared = self.graph.dag[self.maker(input)].name.clone();
            let written = self.part_names.get(&self.maker(node)).and_then(|names| names.get(at));
            let names: BTreeSet<String> = written.into_iter().flatten().cloned().chain(declared).collect();
            parts.extend(names.into_iter().map(|name| (name, from.zip(to))));
            from = to;
        }
        parts
    }

    /// Notes how the inputs of a value are written that is made of parts: by a name, or by the last field of a path.
    pub(super) fn note_parts(&mut self, node: NodeId, spans: &[Span]) {
        let maker = self.maker(node);
        if !self.has_parts(maker) {
            return;
        }
        let word = |text: String| {
            let last = text.rsplit('.').next().unwrap_or_default().trim().to_string();
            let plain = last.chars().all(|c| c.is_alphanumeric() || c == '_') && !last.is_empty();
            plain.then_some(last)
        };
        let words: Vec<Option<String>> = spans.iter().map(|&span| word(self.source_text(span))).collect();
        let names = self.part_names.entry(maker).or_default();
        names.resize_with(words.len().max(names.len()), BTreeSet::new);
        words.into_iter().zip(names).for_each(|(word, names)| names.extend(word));
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
