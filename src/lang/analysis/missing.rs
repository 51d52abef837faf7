//! Missing values (guarantee 5): no network takes them without a written policy.

use std::collections::BTreeSet;

use super::Checker;
use crate::diagnostic::Diagnostic;
use crate::graph::NodeId;
use crate::say;
use crate::signature::Signature;
use crate::span::Span;
use crate::types::{ColumnType, Origin, Type};

impl Checker<'_> {
    /// Returns words for where a missing value comes from.
    pub(crate) fn origins(&self, missing: &BTreeSet<Origin>) -> String {
        missing
            .iter()
            .map(|o| match o {
                Origin::Column(c) => format!("`{c}`"),
                Origin::Stage(n) => {
                    let node = NodeId::new(*n as usize);
                    match self.graph.dag.node_weight(node) {
                        Some(w) => format!("`{}`", w.label),
                        None => "a stage".into(),
                    }
                }
            })
            .collect::<Vec<_>>()
            .join(", ")
    }

    pub(crate) fn report_missing(&mut self, code: &'static str, span: Span, column: &ColumnType, what: &str) {
        let origins = self.origins(&column.missing);
        let d = Diagnostic::error(
            code,
            span,
            say!("`{what}` may be missing, and nothing says what then", "`{what}` 可能缺失，却没有说明如何处理"),
        )
        .note(say!("missing where {origins} is", "随 {origins} 缺失"))
        .help(say!(
            "leave such rows out before the split: `… |> drop_missing`",
            "请在划分前去掉这些行：`… |> drop_missing`"
        ));
        self.report(d);
    }

    /// Refuses inputs of a network that may be missing; `None` where one was.
    pub(crate) fn refuse_missing(&mut self, inputs: &[(NodeId, Span)], signature: &'static Signature) -> Option<()> {
        let name = signature.name;
        let mut fine = true;
        for (node, place) in inputs {
            let Type::Column(c) = self.ty(*node).clone() else { continue };
            if c.missing.is_empty() || self.options.without.iter().any(|w| w == "E0501") {
                continue;
            }
            fine = false;
            let origins = self.origins(&c.missing);
            let help = if c.elem.as_vector().is_some() {
                say!(
                    "say what stands in for it: `… |> fill(zero)` or `… |> fill(mean)`",
                    "请说明如何填补：`… |> fill(zero)` 或 `… |> fill(mean)`"
                )
            } else {
                say!(
                    "leave such rows out before the split: `… |> drop_missing`",
                    "请在划分前去掉这些行：`… |> drop_missing`"
                )
            };
            self.report(
                Diagnostic::error(
                    "E0501",
                    *place,
                    say!(
                        "`{name}` takes no missing values, and this may be missing",
                        "`{name}` 不接受缺失值，而此处可能缺失"
                    ),
                )
                .here(say!("missing where {origins} is", "随 {origins} 缺失"))
                .help(help),
            );
        }
        fine.then_some(())
    }

    /// Holds the inputs of a fusion to be missing together or not at all (rule 8).
    pub(crate) fn hold_missing_together(
        &mut self,
        inputs: &[(NodeId, Span)],
        signature: &'static Signature,
    ) -> Option<()> {
        let name = signature.name;
        let columns: Vec<(ColumnType, Span)> = inputs
            .iter()
            .filter_map(|(n, s)| match self.ty(*n) {
                Type::Column(c) => Some((c.clone(), *s)),
                _ => None,
            })
            .collect();
        let (first, rest) = columns.split_first()?;
        if self.options.without.iter().any(|w| w == "E0502") {
            return Some(());
        }
        for (other, place) in rest {
            if other.missing == first.0.missing {
                continue;
            }
            let words = |c: &ColumnType, checker: &Self| {
                if c.missing.is_empty() {
                    ("never missing".to_string(), "不会缺失".to_string())
                } else {
                    let o = checker.origins(&c.missing);
                    (format!("missing where {o} is"), format!("随 {o} 缺失"))
                }
            };
            let ((a_en, a_zh), (b_en, b_zh)) = (words(other, self), words(&first.0, self));
            self.report(
                Diagnostic::error(
                    "E0502",
                    *place,
                    say!("the inputs of `{name}` are missing for different reasons", "`{name}` 的输入因不同原因缺失"),
                )
                .here(say!("{a_en}", "{a_zh}"))
                .also(first.1, say!("{b_en}", "{b_zh}"))
                .help(say!(
                    "fill each before: `{name}(a |> fill(mean), b |> fill(zero))`",
                    "请先分别填补：`{name}(a |> fill(mean), b |> fill(zero))`"
                )),
            );
            return None;
        }
        Some(())
    }
}
