//! What a train is given beside its network: the tables that arguments name, and losses that read values of their own.

use super::argument::Extra;
use super::{Checker, Item, Scope};
use crate::args::{ArgSpec, ArgValue, Args, Recipe};
use crate::diagnostic::Diagnostic;
use crate::graph::Arrow;
use crate::say;
use crate::syntax::tree::Expr;
use crate::types::{Part, RecipeKind, SplitType, Type};

impl Checker<'_> {
    /// A table, a part of one, or a split: an input of the node.
    pub(super) fn table_argument(
        &mut self,
        spec: &'static ArgSpec,
        expr: &Expr,
        scope: &Scope,
        extra: &mut Extra,
    ) -> Option<ArgValue> {
        let node = match self.evaluate(expr, scope) {
            Item::Node(node) => node,
            Item::Unknown => return None,
            other => return self.wrong_kind(spec, &other, expr.span, "a table or a split", "表或划分"),
        };
        match self.ty(node) {
            Type::Table(_) | Type::Split(_) => {
                extra.push((node, expr.span));
                Some(ArgValue::Input(extra.len()))
            }
            Type::Unknown => None,
            _ => {
                let (argument, found) = (spec.name, self.describe(node));
                self.report(Diagnostic::error(
                    "E0404",
                    expr.span,
                    say!(
                        "`{argument}` takes a table, a part of one, or a split; this is {found}",
                        "`{argument}` 接受表、表的一部分或划分；这里是 {found}"
                    ),
                ));
                None
            }
        }
    }

    /// A loss, or a sum of losses with weights. The values that they read become inputs of the node.
    pub(super) fn loss_argument(
        &mut self,
        spec: &'static ArgSpec,
        expr: &Expr,
        scope: &Scope,
        extra: &mut Extra,
    ) -> Option<ArgValue> {
        let list = match self.evaluate(expr, scope) {
            Item::Losses(list) => list,
            Item::Recipe { recipe, kind: RecipeKind::Loss, inputs, .. } => vec![(1.0, recipe, inputs)],
            Item::Unknown => return None,
            other => return self.wrong_kind(spec, &other, expr.span, "a loss", "损失"),
        };
        let adopt = |(weight, mut recipe, inputs): (f64, Recipe, Extra)| {
            for (_, value) in &mut recipe.args.0 {
                if let ArgValue::Input(at) = value {
                    *at += extra.len();
                }
            }
            extra.extend(inputs);
            (weight, recipe)
        };
        Some(ArgValue::Losses(list.into_iter().map(adopt).collect()))
    }

    /// Checks that candidates are rows of what the items are, or rows of the split's table, whose items are meant.
    pub(super) fn check_candidates(&mut self, args: &Args, extra: &Extra, split: &SplitType, item: &Arrow) {
        let Some(ArgValue::Input(at)) = args.find("candidates") else { return };
        let Some(&(node, span)) = at.checked_sub(1).and_then(|at| extra.get(at)) else { return };
        let (Type::Table(table) | Type::Split(SplitType { table, .. })) = self.ty(node).clone() else { return };
        let root = self.graph.root(table.domain);
        if root == self.graph.root(item.to) {
            return;
        }
        if root != self.graph.root(split.table.domain) {
            let (items, found) = (self.domain(item.to).name.clone(), self.domain(root).name.clone());
            let column = item.column.clone();
            self.report(
                Diagnostic::error(
                    "E0404",
                    span,
                    say!(
                        "candidates are rows of `{items}`, these are rows of `{found}`",
                        "候选应为 `{items}` 的行，这里是 `{found}` 的行"
                    ),
                )
                .help(say!(
                    "give the table that `{column}` leads to, or a part of it",
                    "请给出 `{column}` 所通向的表或其一部分"
                )),
            );
        } else if table.column(&item.column).is_none() {
            self.no_column(node, &item.column, span);
        } else if let Some((_, part @ (Part::Validation | Part::Test))) = self.split_of(table.domain) {
            let word = part.word();
            self.report(
                Diagnostic::error(
                    "E0603",
                    span,
                    say!(
                        "negatives are drawn from the candidates, and these are those of the {word} rows",
                        "负样本取自候选，而这些候选来自 {word} 部分的行"
                    ),
                )
                .help(say!(
                    "leave `candidates` out: all items that the split's rows lead to are ranked",
                    "请去掉 `candidates`：默认对划分各行所引用的全部物品排序"
                )),
            );
        }
    }
}
