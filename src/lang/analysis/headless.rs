//! Networks that wait for their input (G18): `dense(64) |> relu` as an argument.

use super::{Checker, Item, Scope};
use crate::args::{ArgSpec, ArgValue, Recipe};
use crate::diagnostic::Diagnostic;
use crate::graph::{DomainKind, Node, NodeId, NodeKind};
use crate::say;
use crate::signature::BodyKind;
use crate::span::Span;
use crate::syntax::tree::{Call, Expr, ExprKind, Name};
use crate::types::{ColumnType, Elem, Marks, Size, Type};

impl Checker<'_> {
    /// Returns the layers of a network, from its input on. Its input is a vector whose width only the stage knows that takes it.
    pub(super) fn network(&mut self, spec: &'static ArgSpec, expr: &Expr, scope: &Scope) -> Option<ArgValue> {
        // The layers are tried on a stand-in for their input, which leaves nothing behind.
        let (graph, known, uses) = (self.graph.clone(), self.known.clone(), self.uses.clone());
        let domain = self.new_domain(String::new(), DomainKind::Source, None);
        let marks = Marks { joint: true, ..Marks::default() };
        let ty = ColumnType { domain, elem: Elem::Vector(Size::Unknown), missing: Default::default(), marks };
        let start = self.graph.dag.add_node(Node {
            name: None,
            label: "input".into(),
            kind: NodeKind::Field("input".into()),
            inputs: Vec::new(),
            ty: Type::Column(ty),
            span: expr.span,
            joint: true,
            rows: None,
        });
        let inner = Scope { network: true, row: None, ..scope.clone() };
        let before = self.diagnostics.len();
        let found = self.headless(spec, expr, start, &inner);
        // What reads a column besides has its rows, and the input has none yet.
        if self.diagnostics[before..].iter().any(|d| d.code.starts_with("E04")) {
            self.diagnostics.truncate(before);
            self.not_in_a_row(expr.span);
        }
        let layers = found.and_then(|end| self.layers(start, end, expr.span));
        (self.graph, self.known, self.uses) = (graph, known, uses);
        layers.map(ArgValue::List)
    }

    fn headless(&mut self, spec: &'static ArgSpec, expr: &Expr, start: NodeId, scope: &Scope) -> Option<NodeId> {
        let item = match &expr.kind {
            ExprKind::Paren(inner) => return self.headless(spec, inner, start, scope),
            ExprKind::Pipe { input, stage } => {
                let before = self.headless(spec, input, start, scope)?;
                let step = Span { start: stage.name.span.start, ..expr.span };
                self.call(stage, step, Some((Item::Node(before), input.span)), scope)
            }
            ExprKind::Call(call) => self.call(call, expr.span, Some((Item::Node(start), expr.span)), scope),
            ExprKind::Name(name) if self.vocabulary.get(name).is_some() || self.is_def(name) => {
                let name = Name { text: name.clone(), span: expr.span };
                let call = Call { name, cut: None, args: None, block: None };
                self.call(&call, expr.span, Some((Item::Node(start), expr.span)), scope)
            }
            ExprKind::Broken => return None,
            ExprKind::Name(name) if !self.names.contains_key(name) => {
                self.unknown_name(name, expr.span, scope);
                return None;
            }
            _ => self.evaluate(expr, scope),
        };
        match item {
            Item::Node(node) if matches!(self.ty(node), Type::Column(c) if c.marks.joint) => Some(node),
            Item::Unknown => None,
            Item::Node(node) if *self.ty(node) == Type::Unknown => None,
            other => {
                self.wrong_kind(
                    spec,
                    &other,
                    expr.span,
                    "layers, as `dense(64) |> relu`",
                    "层，如 `dense(64) |> relu`",
                );
                None
            }
        }
    }

    /// Returns the layers between two nodes, where each reads the one before alone.
    fn layers(&mut self, start: NodeId, end: NodeId, span: Span) -> Option<Vec<ArgValue>> {
        let mut layers = Vec::new();
        let mut at = end;
        while at != start {
            let node = &self.graph.dag[at];
            match (&node.kind, &node.inputs[..]) {
                (NodeKind::Stage { stage, args, body: BodyKind::Joint, .. }, [input]) => {
                    layers.push(ArgValue::Recipe(Recipe { stage: (*stage).into(), args: args.clone() }));
                    at = *input;
                }
                _ => {
                    self.not_in_a_row(span);
                    return None;
                }
            }
        }
        layers.reverse();
        let Type::Column(column) = self.ty(end).clone() else { return None };
        if column.elem.as_vector().is_none() {
            let found = column.elem.to_string();
            self.report(Diagnostic::error(
                "E0301",
                span,
                say!("these layers end in a vector, this is {found}", "这些层应以向量结尾，这里是 {found}"),
            ));
            return None;
        }
        Some(layers)
    }

    fn not_in_a_row(&mut self, span: Span) {
        self.report(
            Diagnostic::error(
                "E0108",
                span,
                say!(
                    "a network that waits for its input is one layer behind another, and reads nothing else",
                    "等待输入的网络须为一层接一层，且不读取其他值"
                ),
            )
            .help(say!("write `dense(64) |> relu |> dense(64)`", "请写 `dense(64) |> relu |> dense(64)`")),
        );
    }

    /// Returns whole numbers, as many as are written.
    pub(super) fn counts(&mut self, spec: &'static ArgSpec, list: &[&Expr], scope: &Scope) -> Option<ArgValue> {
        let mut counts = Vec::new();
        for expr in list {
            match self.evaluate(expr, scope) {
                Item::Number { integer: Some(n), unit: None, .. } => {
                    if !self.in_range(spec, n as f64, expr.span) {
                        return None;
                    }
                    counts.push(ArgValue::Int(n));
                }
                Item::Unknown => return None,
                other => return self.wrong_kind(spec, &other, expr.span, "whole numbers", "整数"),
            }
        }
        Some(ArgValue::List(counts))
    }
}
