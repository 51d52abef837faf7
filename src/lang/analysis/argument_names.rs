//! Arguments that name something: a column of the piped table, a table, a ref that leads to one.

use super::argument::Extra;
use super::resolve::did_you_mean;
use super::{Checker, Item, Scope};
use crate::args::{ArgKind, ArgSpec, ArgValue};
use crate::diagnostic::Diagnostic;
use crate::graph::NodeId;
use crate::say;
use crate::span::Span;
use crate::syntax::tree::{Expr, ExprKind};
use crate::types::{Elem, Type};

impl Checker<'_> {
    /// Reports that a table has no such column.
    pub(crate) fn no_column(&mut self, table: NodeId, name: &str, span: Span) {
        let owner = self.graph.dag[table].label.clone();
        let place = self.graph.dag[table].span;
        let columns: Vec<String> =
            self.table_type(table).into_iter().flat_map(|t| t.columns.iter().map(|(n, _)| n.clone())).collect();
        let mut d =
            Diagnostic::error("E0206", span, say!("`{owner}` has no column `{name}`", "`{owner}` 没有列 `{name}`"))
                .also(place, say!("this table", "此表"));
        match did_you_mean(name, columns.iter().map(String::as_str)) {
            Some(help) => d = d.help(help),
            None if !columns.is_empty() && columns.len() <= 16 => {
                let all = columns.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
                d = d.note(say!("it has {all}", "它有 {all}"));
            }
            None => {}
        }
        self.report(d);
    }

    pub(super) fn column_argument(
        &mut self,
        spec: &'static ArgSpec,
        expr: &Expr,
        table: Option<NodeId>,
        scope: &Scope,
    ) -> Option<String> {
        let name = match &expr.kind {
            ExprKind::Name(n) => {
                // A def's parameter stands for the column that was given.
                match scope.locals.iter().rev().find(|l| l.name == *n) {
                    Some(local) => {
                        local.used.set(true);
                        match &local.item {
                            Item::ColumnName(column, _) => column.clone(),
                            _ => n.clone(),
                        }
                    }
                    None => n.clone(),
                }
            }
            ExprKind::Text(t) => t.plain()?,
            ExprKind::Field { name, .. } => {
                let (argument, column) = (spec.name, &name.text);
                self.report(
                    Diagnostic::error(
                        "E0108",
                        expr.span,
                        say!(
                            "`{argument}` takes a column of the table that flows in, bare",
                            "`{argument}` 接受流入之表的列，直接写列名"
                        ),
                    )
                    .help(say!("write `{argument} = {column}`", "请写 `{argument} = {column}`")),
                );
                return None;
            }
            ExprKind::Broken => return None,
            _ => {
                let argument = spec.name;
                self.report(Diagnostic::error(
                    "E0108",
                    expr.span,
                    say!("`{argument}` takes a column's name", "`{argument}` 接受列名"),
                ));
                return None;
            }
        };
        // A source's columns stand in its block, which its own `infer` looks at.
        let Some(table) = table else { return Some(name) };
        if self.table_type(table).is_some_and(|t| t.column(&name).is_some()) {
            return Some(name);
        }
        if self.table_type(table).is_some() {
            self.no_column(table, &name, expr.span);
        }
        None
    }

    /// A table, or a ref column that leads to one: an input of the node.
    pub(super) fn target(
        &mut self,
        spec: &'static ArgSpec,
        expr: &Expr,
        scope: &Scope,
        extra: &mut Extra,
    ) -> Option<ArgValue> {
        match self.evaluate(expr, scope) {
            Item::Node(node) => {
                let ok = match self.ty(node) {
                    Type::Unknown => return None,
                    Type::Table(_) => spec.kind == ArgKind::Target,
                    Type::Column(c) => matches!(c.elem, Elem::Ref(_) | Elem::Category(_)),
                    _ => false,
                };
                if !ok {
                    let (argument, found) = (spec.name, self.describe(node));
                    self.report(Diagnostic::error(
                        "E0404",
                        expr.span,
                        say!(
                            "`{argument}` takes a column that leads to other rows (a ref or a category), this is {found}",
                            "`{argument}` 接受通向其他行的列（引用或类别），这里是 {found}"
                        ),
                    ));
                    return None;
                }
                extra.push((node, expr.span));
                Some(ArgValue::Input(extra.len()))
            }
            Item::Unknown => None,
            other => self.wrong_kind(spec, &other, expr.span, "a table or a ref column", "表或引用列"),
        }
    }
}
