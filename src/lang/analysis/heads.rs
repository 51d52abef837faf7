//! Heads (guarantee 7): what ends a network fits the label, its type and the task.

use super::Checker;
use crate::diagnostic::Diagnostic;
use crate::graph::{NodeId, NodeKind};
use crate::say;
use crate::signature::Head;
use crate::span::Span;
use crate::types::{ColumnType, Elem, Size, Task, Type};

impl Checker<'_> {
    pub(crate) fn check_heads(&mut self, task: Task, outputs: &[(NodeId, Span)], label: Option<&(String, ColumnType)>) {
        let Some((node, place)) = outputs.first().copied() else { return };
        let Type::Column(column) = self.ty(node).clone() else { return };
        let Some(width) = column.elem.as_vector() else {
            let found = column.elem.to_string();
            self.report(Diagnostic::error(
                "E0701",
                place,
                say!("a network ends in a vector, this is {found}", "网络应以向量结尾，这里是 {found}"),
            ));
            return;
        };
        let head = self.head(node);
        let one = Size::Known(1);
        match (task, label.map(|(_, c)| &c.elem)) {
            (Task::Recommend, _) if width.fits(one) => {}
            (Task::Recommend, _) => {
                self.report(
                    Diagnostic::error(
                        "E0701",
                        place,
                        say!("a score is one number a pair, this is {width} wide", "打分是每对一个数，这里宽 {width}"),
                    )
                    .help(say!("end it with `dot(…)` or `|> dense(1)`", "请以 `dot(…)` 或 `|> dense(1)` 结尾")),
                );
            }
            (Task::Regress, Some(_)) => {
                if !width.fits(one) {
                    self.report(
                        Diagnostic::error(
                            "E0701",
                            place,
                            say!(
                                "a prediction is one number a row, this is {width} wide",
                                "预测是每行一个数，这里宽 {width}"
                            ),
                        )
                        .help(say!("end it with `|> dense(1)`", "请以 `|> dense(1)` 结尾")),
                    );
                } else if head == Head::Distribution {
                    self.report(
                        Diagnostic::error("E0701", place, say!("a number is no distribution", "数值不是概率分布"))
                            .help(say!("leave the `softmax` out", "请去掉 `softmax`")),
                    );
                }
            }
            (Task::Classify, Some(Elem::Bool)) if head == Head::Probability && width.fits(one) => {}
            (Task::Classify, Some(Elem::Bool)) => {
                self.report(
                    Diagnostic::error(
                        "E0701",
                        place,
                        say!("a bool label needs one probability a row", "bool 标签需要每行一个概率"),
                    )
                    .help(say!("end it with `|> dense(1) |> sigmoid`", "请以 `|> dense(1) |> sigmoid` 结尾")),
                );
            }
            (Task::Classify, Some(Elem::Category(d))) => {
                let classes = self.domain(*d).rows.map_or(Size::Unknown, Size::Known);
                let words = self.domain_name(*d);
                if head != Head::Distribution {
                    self.report(
                        Diagnostic::error(
                            "E0701",
                            place,
                            say!("a category needs a probability for each class", "类别标签需要每一类的概率"),
                        )
                        .help(say!(
                            "end it with `|> dense(classes({words})) |> softmax`",
                            "请以 `|> dense(classes({words})) |> softmax` 结尾"
                        )),
                    );
                } else if !width.fits(classes) {
                    self.report(
                        Diagnostic::error(
                            "E0706",
                            place,
                            say!(
                                "`{words}` has {classes} classes, the output has {width}",
                                "`{words}` 有 {classes} 类，而输出有 {width} 个"
                            ),
                        )
                        .help(say!("write `dense(classes({words}))`", "请写 `dense(classes({words}))`")),
                    );
                }
            }
            _ => {}
        }
    }

    /// Returns what the numbers of a node mean: by the stage that made them.
    fn head(&self, node: NodeId) -> Head {
        let weight = &self.graph.dag[node];
        match &weight.kind {
            NodeKind::Stage { stage, .. } => self.vocabulary.get(stage).map_or(Head::Number, |e| e.signature.head),
            NodeKind::Read(_) => weight.inputs.first().map_or(Head::Number, |&n| self.head(n)),
            _ => Head::Number,
        }
    }
}
