//! Nodes: what a call of a stage becomes in the graph, its type and marks.

use std::collections::BTreeSet;

use super::{Checker, Item, Scope};
use crate::args::{ArgValue, Args};
use crate::diagnostic::Diagnostic;
use crate::graph::{Fit, Node, NodeId, NodeKind};
use crate::infer::Inference;
use crate::notation::{Bindings, Notation, Pattern, bind, build};
use crate::say;
use crate::signature::{BodyKind, Signature};
use crate::span::Span;
use crate::types::{ColumnType, DomainId, Marks, Origin, TableType, Type};

impl Checker<'_> {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn make(
        &mut self,
        signature: &'static Signature,
        alternative: usize,
        kind: BodyKind,
        notation: &Notation,
        mut inputs: Vec<(NodeId, Span)>,
        flowing: usize,
        args: Args,
        arg_spans: Vec<(String, Span)>,
        span: Span,
        name_span: Span,
        explicit: Option<(Item, Span)>,
        scope: &Scope,
    ) -> Option<NodeId> {
        // Rows: all flowing columns at the finest one's.
        let rowwise = matches!(kind, BodyKind::Rows | BodyKind::Fit | BodyKind::Joint) && !signature.placed;
        let columns: Vec<DomainId> = inputs[..flowing]
            .iter()
            .filter_map(|(n, _)| match self.ty(*n) {
                Type::Column(c) => Some(c.domain),
                _ => None,
            })
            .collect();
        let mut domain = None;
        if rowwise && !columns.is_empty() {
            domain = Some(self.common_rows(&columns, &inputs[..flowing], scope)?);
        }
        // What is only read along the same refs can be computed before the reading: once for each distinct row.
        let lifted = if kind == BodyKind::Joint && rowwise { self.lift(&inputs[..flowing]) } else { None };
        let way = lifted.map(|(inner, way, at)| {
            inputs.splice(..flowing, inner);
            domain.replace(at).map(|outer| (way, outer))
        });
        if let Some(d) = domain {
            for (node, place) in inputs.iter_mut().take(flowing) {
                *node = self.read_at(*node, d, *place)?;
            }
        }
        let mut marks = Marks::default();
        let mut missing: BTreeSet<Origin> = BTreeSet::new();
        for (node, _) in &inputs {
            if let Type::Column(c) = self.ty(*node) {
                marks.join(&c.marks);
            }
            if let Type::Table(t) = self.ty(*node) {
                marks.join(&t.marks);
            }
            if let Type::Graph(g) = self.ty(*node) {
                marks.join(&g.marks);
            }
        }
        for (k, (node, _)) in inputs[..flowing].iter().enumerate() {
            let filled = matches!(notation.input(k), Some(Pattern::Column { missing: true, .. }));
            if let (Type::Column(c), false) = (self.ty(*node), filled) {
                missing.extend(c.missing.iter().cloned());
            }
        }
        if kind == BodyKind::Joint && !signature.lets_missing_by {
            self.refuse_missing(&inputs[..flowing], signature)?;
        }
        if notation.repeats && kind == BodyKind::Rows {
            self.hold_missing_together(&inputs[..flowing], signature)?;
        }
        if kind == BodyKind::Split
            && let Some((table, _)) = inputs.first()
        {
            self.refuse_fitted_before(*table, name_span);
        }
        let input_ids: Vec<NodeId> = inputs.iter().map(|(n, _)| *n).collect();
        let input_spans: Vec<Span> = inputs.iter().map(|(_, s)| *s).collect();
        let mut inference = Inference {
            checker: self,
            scope,
            signature,
            alternative,
            inputs: input_ids,
            input_spans: input_spans.clone(),
            args,
            arg_spans,
            span,
            marks: marks.clone(),
            missing: missing.clone(),
            domain,
            instead: None,
        };
        let ty = match signature.infer {
            Some(infer) => infer(&mut inference)?,
            None => {
                let mut bindings = Bindings { domain, ..Bindings::default() };
                for (k, node) in inference.inputs.iter().take(flowing).enumerate() {
                    if let Some(pattern) = notation.input(k) {
                        let _ = bind(pattern, inference.checker.ty(*node), &inference.args, &mut bindings);
                    }
                }
                output_type(&mut inference, &notation.output, &bindings)?
            }
        };
        let (mut args, mut ids, instead) = (inference.args, inference.inputs, inference.instead);
        if let Some(node) = instead {
            return Some(node);
        }
        let mut ty = ty;
        // A text's language is in its type; the body reads it as an argument.
        self.hand_over_language(signature, &ids, &mut args);
        let mut fit = None;
        if matches!(kind, BodyKind::Fit | BodyKind::FitTable) {
            let (plan, learned, links) = self.fit_of(kind, &ids, &ty, explicit, name_span, &input_spans)?;
            let offset = ids.len();
            ids.extend(links);
            fit = Some(shift(plan, offset));
            match &mut ty {
                Type::Column(c) => c.marks.fits.extend(learned),
                Type::Table(t) => {
                    t.marks.fits.extend(learned.iter().cloned());
                    for (_, c) in &mut t.columns {
                        c.marks.fits.extend(learned.iter().cloned());
                    }
                }
                Type::Split(s) => {
                    s.table.marks.fits.extend(learned.iter().cloned());
                    for (_, c) in &mut s.table.columns {
                        c.marks.fits.extend(learned.iter().cloned());
                    }
                }
                _ => {}
            }
        }
        if let Type::Column(c) = &mut ty {
            c.marks.joint |= kind == BodyKind::Joint;
        }
        let rows = domain.and_then(|d| {
            ids.iter().take(flowing).position(|n| matches!(self.ty(*n), Type::Column(c) if c.domain == d))
        });
        let rows = rows.or_else(|| if domain.is_some() { self.narrowest(&ids[..flowing]) } else { None });
        let node = self.add_stage(signature, alternative, kind, args, ids, ty, span, fit, scope.file, rows);
        self.note_parts(node, &input_spans[..flowing]);
        if kind == BodyKind::Split && !self.splits.contains(&node) {
            self.splits.push(node);
        }
        if matches!(kind, BodyKind::Source | BodyKind::Table | BodyKind::FitTable) {
            let fresh = self.table_type(node).is_some_and(|t| self.domain(t.domain).arrows.is_empty());
            if fresh && matches!(self.ty(node), Type::Table(_)) {
                self.note_arrows(node);
            }
        }
        match way.flatten() {
            Some((way, outer)) => Some(self.read_along(node, outer, &way, span)),
            None => Some(node),
        }
    }

    pub(super) fn hand_over_language(&self, signature: &'static Signature, inputs: &[NodeId], args: &mut Args) {
        if signature.arg("language").is_none()
            || args.0.iter().any(|(n, v)| n == "language" && v.as_text() != Some("auto"))
        {
            return;
        }
        if let Some(Type::Column(ColumnType { elem: crate::types::Elem::Text(language), .. })) =
            inputs.first().map(|n| self.ty(*n))
        {
            let word = match language {
                crate::types::Language::Detect => "auto",
                other => other.word(),
            };
            args.0.retain(|(n, _)| n != "language");
            args.0.push(("language".into(), ArgValue::Word(word.into())));
        }
    }

    pub(crate) fn body_kind(&self, signature: &'static Signature, alternative: usize) -> BodyKind {
        self.vocabulary.get(signature.name).and_then(|e| e.kinds.get(alternative).copied()).unwrap_or(BodyKind::Rows)
    }

    #[allow(clippy::too_many_arguments)]
    pub(crate) fn add_stage(
        &mut self,
        signature: &'static Signature,
        alternative: usize,
        body: BodyKind,
        args: Args,
        inputs: Vec<NodeId>,
        ty: Type,
        span: Span,
        fit: Option<Fit>,
        file: usize,
        rows: Option<usize>,
    ) -> NodeId {
        let joint = body == BodyKind::Joint;
        let base = self.files[file].base.clone();
        let kind = NodeKind::Stage { stage: signature.name, alternative, body, args, fit, base };
        let label = signature.name.to_string();
        self.add(Node { name: None, label, kind, inputs, ty, span, joint, rows })
    }

    /// Applies the stage that an operator stands for.
    pub(crate) fn operate(
        &mut self,
        op: crate::syntax::tree::BinaryOp,
        op_span: Span,
        nodes: Vec<(NodeId, Span)>,
        span: Span,
        scope: &Scope,
    ) -> Item {
        if nodes.iter().any(|(n, _)| matches!(self.ty(*n), Type::Unknown)) {
            return Item::Unknown;
        }
        let Some(entry) = self.vocabulary.operator(op).cloned() else {
            let symbol = op.symbol();
            self.report(Diagnostic::error(
                "E0306",
                op_span,
                say!("`{symbol}` does not work on columns", "`{symbol}` 不能用于列"),
            ));
            return Item::Unknown;
        };
        let args = Args::default();
        let Some((alternative, notation)) = self.choose(entry.signature, &entry.kinds, &nodes, &args, op_span, scope)
        else {
            return Item::Unknown;
        };
        let kind = entry.kinds[alternative];
        self.make(entry.signature, alternative, kind, &notation, nodes, 2, args, Vec::new(), span, op_span, None, scope)
            .map_or(Item::Unknown, Item::Node)
    }
}

impl Checker<'_> {
    /// Applies the stage that an operator between a number and a column stands for.
    pub(crate) fn scale(
        &mut self,
        node: (NodeId, Span),
        (factor, offset): (f64, f64),
        op_span: Span,
        span: Span,
        scope: &Scope,
    ) -> Item {
        if matches!(self.ty(node.0), Type::Unknown) {
            return Item::Unknown;
        }
        let Some(entry) = self.vocabulary.iter().find(|e| e.signature.linear).cloned() else { return Item::Unknown };
        let args = [("factor", factor), ("offset", offset)].map(|(name, x)| (name.to_string(), ArgValue::Float(x)));
        let args = Args(args.to_vec());
        let nodes = vec![node];
        let Some((alternative, notation)) = self.choose(entry.signature, &entry.kinds, &nodes, &args, op_span, scope)
        else {
            return Item::Unknown;
        };
        let kind = entry.kinds[alternative];
        self.make(entry.signature, alternative, kind, &notation, nodes, 1, args, Vec::new(), span, op_span, None, scope)
            .map_or(Item::Unknown, Item::Node)
    }
}

fn shift(fit: Fit, by: usize) -> Fit {
    match fit {
        Fit::All => Fit::All,
        Fit::Part { split, along, back } => Fit::Part {
            split: split + by,
            along: along.into_iter().map(|i| i + by).collect(),
            back: back.into_iter().map(|i| i + by).collect(),
        },
    }
}

/// Returns the type that a notation's output says.
fn output_type(inference: &mut Inference<'_, '_>, output: &Pattern, bindings: &Bindings) -> Option<Type> {
    match output {
        Pattern::Column { elem, .. } => {
            let mut elem =
                if elem.name == "any" { inference.column(0)?.elem } else { build(elem, bindings, &inference.args) };
            // Words keep their text's language.
            if let (crate::types::Elem::Tokens(l), Some(c)) = (&mut elem, inference.column(0))
                && let crate::types::Elem::Text(language) = c.elem
            {
                *l = language;
            }
            inference.out(elem)
        }
        Pattern::Table => inference.table().map(Type::Table),
        Pattern::Part => {
            let table: TableType = inference.table()?;
            Some(Type::Table(inference.part_of(&table)))
        }
        Pattern::Split => match inference.input(0) {
            Type::Split(s) => Some(Type::Split(s)),
            _ => None,
        },
        Pattern::Graph | Pattern::Rows | Pattern::Loss | Pattern::Other(_) => None,
    }
}
