//! Expressions outside of row conditions: what each gives.

use super::scope::Loss;
use super::{Checker, Item, Scope};
use crate::args::Recipe;
use crate::diagnostic::Diagnostic;
use crate::say;
use crate::span::Span;
use crate::syntax::tree::{BinaryOp, Block, Expr, ExprKind, LineKind, UnaryOp};

impl Checker<'_> {
    /// Returns what an expression gives; mistakes are reported and give [`Item::Unknown`].
    pub(crate) fn evaluate(&mut self, expr: &Expr, scope: &Scope) -> Item {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Number(n) => Item::Number { value: n.value, integer: n.integer, unit: n.unit },
            ExprKind::Bool(b) => Item::Bool(*b),
            ExprKind::Text(t) => Item::Text(t.clone()),
            ExprKind::Size(sizes) => Item::List(sizes.iter().map(|&n| (Item::int(n as i64), span)).collect()),
            ExprKind::List(items) => Item::List(items.iter().map(|e| (self.evaluate(e, scope), e.span)).collect()),
            ExprKind::Range { low, high } => self.evaluate_range(low.as_deref(), high.as_deref(), scope),
            ExprKind::Paren(inner) => self.evaluate(inner, scope),
            ExprKind::Broken => Item::Unknown,
            ExprKind::Name(name) => match self.look_up(name, span, scope) {
                Some(item) => item,
                None if self.vocabulary.get(name).is_some() || self.is_def(name) => {
                    let call = crate::syntax::tree::Call {
                        name: crate::syntax::tree::Name { text: name.clone(), span },
                        cut: None,
                        args: None,
                        block: None,
                    };
                    self.call(&call, span, None, scope)
                }
                None => self.unknown_name(name, span, scope),
            },
            ExprKind::Field { base, name, cut } => {
                if let Some(cut) = cut {
                    self.report(Diagnostic::error(
                        "E0308",
                        cut.span,
                        say!("`@` cuts a metric, and there is none here", "`@` 只用于指标，此处没有指标"),
                    ));
                    return Item::Unknown;
                }
                match self.evaluate(base, scope) {
                    Item::Node(node) => self.field(node, name, span),
                    Item::Unknown => Item::Unknown,
                    _ => {
                        let field = &name.text;
                        self.report(Diagnostic::error(
                            "E0113",
                            span,
                            say!("this has no fields, so no `{field}`", "它没有字段，因而没有 `{field}`"),
                        ));
                        Item::Unknown
                    }
                }
            }
            ExprKind::Call(call) => self.call(call, span, None, scope),
            ExprKind::Pipe { input, stage } => {
                let piped = self.evaluate(input, scope);
                // The step alone, not what flows into it.
                let step = Span { start: stage.name.span.start, ..span };
                self.call(stage, step, Some((piped, input.span)), scope)
            }
            ExprKind::Block(block) => self.value_block(block, scope),
            ExprKind::Unary { op: UnaryOp::Negate, operand } => match self.evaluate(operand, scope) {
                Item::Number { value, integer, unit } => {
                    Item::Number { value: -value, integer: integer.and_then(i64::checked_neg), unit }
                }
                Item::Unknown => Item::Unknown,
                _ => self.no_number(operand.span),
            },
            ExprKind::Binary { op, left, right, op_span } => {
                let (l, r) = (self.evaluate(left, scope), self.evaluate(right, scope));
                self.combine(*op, *op_span, (l, left.span), (r, right.span), span, scope)
            }
            ExprKind::Unary { op: UnaryOp::Not, .. } | ExprKind::In { .. } => self.condition_here(span),
        }
    }

    fn evaluate_range(&mut self, low: Option<&Expr>, high: Option<&Expr>, scope: &Scope) -> Item {
        let mut bound = |e: Option<&Expr>| -> Result<Option<f64>, ()> {
            match e {
                None => Ok(None),
                Some(e) => match self.evaluate(e, scope) {
                    Item::Number { value, .. } => Ok(Some(value)),
                    Item::Unknown => Err(()),
                    _ => {
                        self.no_number(e.span);
                        Err(())
                    }
                },
            }
        };
        match (bound(low), bound(high)) {
            (Ok(low), Ok(high)) => Item::Range { low, high },
            _ => Item::Unknown,
        }
    }

    fn no_number(&mut self, span: Span) -> Item {
        self.report(Diagnostic::error("E0306", span, say!("a number is needed here", "此处需要数字")));
        Item::Unknown
    }

    fn combine(
        &mut self,
        op: BinaryOp,
        op_span: Span,
        (left, left_span): (Item, Span),
        (right, right_span): (Item, Span),
        span: Span,
        scope: &Scope,
    ) -> Item {
        let arithmetic = matches!(op, BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide);
        match (left, right) {
            (Item::Unknown, _) | (_, Item::Unknown) => Item::Unknown,
            _ if !arithmetic => self.condition_here(span),
            (Item::Number { value: a, integer: i, unit: u }, Item::Number { value: b, integer: j, unit: v }) => {
                if u.is_some() || v.is_some() {
                    return self.no_number(if u.is_some() { left_span } else { right_span });
                }
                let value = match op {
                    BinaryOp::Add => a + b,
                    BinaryOp::Subtract => a - b,
                    BinaryOp::Multiply => a * b,
                    _ if b == 0.0 => {
                        self.report(Diagnostic::error("E0306", span, say!("this divides by zero", "此处除以零")));
                        return Item::Unknown;
                    }
                    _ => a / b,
                };
                let integer = match (i, j, op) {
                    (Some(i), Some(j), BinaryOp::Add) => i.checked_add(j),
                    (Some(i), Some(j), BinaryOp::Subtract) => i.checked_sub(j),
                    (Some(i), Some(j), BinaryOp::Multiply) => i.checked_mul(j),
                    (Some(i), Some(j), BinaryOp::Divide) if i % j == 0 => Some(i / j),
                    _ => None,
                };
                Item::Number { value, integer, unit: None }
            }
            (left, right) => {
                if let Some(losses) = combine_losses(op, &left, &right) {
                    return losses;
                }
                let nodes: Vec<_> = [(&left, left_span), (&right, right_span)]
                    .into_iter()
                    .filter_map(|(item, s)| if let Item::Node(n) = item { Some((*n, s)) } else { None })
                    .collect();
                if nodes.len() == 2 {
                    return self.operate(op, op_span, nodes, span, scope);
                }
                let scaled = match (&left, &right) {
                    (Item::Number { value, unit: None, .. }, Item::Node(n)) => {
                        Some((*n, right_span, linear(op, *value, true)))
                    }
                    (Item::Node(n), Item::Number { value, unit: None, .. }) => {
                        Some((*n, left_span, linear(op, *value, false)))
                    }
                    _ => None,
                };
                if let (BinaryOp::Divide, Item::Number { value: 0.0, .. }) = (op, &right) {
                    self.report(Diagnostic::error("E0306", span, say!("this divides by zero", "此处除以零")));
                    return Item::Unknown;
                }
                if let Some((node, place, Some(line))) = scaled {
                    return self.scale((node, place), line, op_span, span, scope);
                }
                let symbol = op.symbol();
                self.report(
                    Diagnostic::error(
                        "E0306",
                        span,
                        say!("`{symbol}` does not work on these two", "`{symbol}` 不能用于这两者"),
                    )
                    .note(say!(
                        "it works on numbers, on columns of vectors, and on losses with their weights; a number is not divided by a column",
                        "它用于数、向量列，以及带权重的损失；数不能除以列"
                    )),
                );
                Item::Unknown
            }
        }
    }

    /// Refuses a condition where no rows stand.
    fn condition_here(&mut self, span: Span) -> Item {
        self.report(
            Diagnostic::error(
                "E0305",
                span,
                say!("a condition can only stand in a table's stage", "条件只能用于表的处理之中"),
            )
            .help(say!("write it in `where(…)` or `with(name = …)`", "请写在 `where(…)` 或 `with(名称 = …)` 中")),
        );
        Item::Unknown
    }

    /// Returns the value of a block: local names, and a last line that is the value.
    pub(crate) fn value_block(&mut self, block: &Block, scope: &Scope) -> Item {
        let mut inner = scope.clone();
        let mut result = None;
        for (i, line) in block.lines.iter().enumerate() {
            match &line.kind {
                LineKind::Setting { name, value } => {
                    let item = self.evaluate(value, &inner);
                    let taken =
                        scope.locals.iter().chain(&inner.locals).find(|l| l.name == name.text).map(|l| l.span).or_else(
                            || {
                                let index = *self.names.get(&name.text)?;
                                let other = scope.closed && self.declared[index].file != scope.file;
                                if other || !self.is_visible(index, scope) {
                                    return None;
                                }
                                self.declared[index].tree.kind.name().map(|n| n.span)
                            },
                        );
                    if let Some(other) = taken {
                        let text = &name.text;
                        self.report(
                            Diagnostic::error(
                                "E0117",
                                name.span,
                                say!("`{text}` is taken already", "名称 `{text}` 已被使用"),
                            )
                            .also(other, say!("by this", "在此"))
                            .help(say!("give the local name another word", "请为局部名称另取一个名字")),
                        );
                        inner.with_local(&name.text, name.span, Item::Unknown).set(true);
                        continue;
                    }
                    inner.with_local(&name.text, name.span, item);
                }
                LineKind::Value(value) => {
                    if i + 1 < block.lines.len() {
                        self.report(
                            Diagnostic::error(
                                "E0310",
                                value.span,
                                say!("only the last line of a block is its value", "块中只有最后一行是它的值"),
                            )
                            .help(say!("give this line a name: `name = …`", "请为此行命名：`名称 = …`")),
                        );
                    }
                    result = Some(self.evaluate(value, &inner));
                }
                LineKind::Column { name, .. } => {
                    self.report(Diagnostic::error(
                        "E0310",
                        name.span,
                        say!("columns are declared in sources only", "列只能在数据源中声明"),
                    ));
                }
            }
        }
        for local in inner.locals.iter().skip(scope.locals.len()) {
            if !local.used.get() {
                self.locals_unused.push((local.name.clone(), local.span));
            }
        }
        if result.is_none() && block.lines.iter().any(|l| matches!(l.kind, LineKind::Column { .. })) {
            return Item::Unknown;
        }
        result.unwrap_or_else(|| {
            self.report(
                Diagnostic::error("E0310", block.span, say!("this block has no value", "此块没有值"))
                    .help(say!("end it with a line that is its value", "请以表示值的一行结尾")),
            );
            Item::Unknown
        })
    }
}

/// Returns what a number beside a column does to it: factor and offset; nothing where that is no line.
fn linear(op: BinaryOp, number: f64, first: bool) -> Option<(f64, f64)> {
    match (op, first) {
        (BinaryOp::Add, _) => Some((1.0, number)),
        (BinaryOp::Multiply, _) => Some((number, 0.0)),
        (BinaryOp::Subtract, false) => Some((1.0, -number)),
        (BinaryOp::Subtract, true) => Some((-1.0, number)),
        (BinaryOp::Divide, false) if number != 0.0 => Some((1.0 / number, 0.0)),
        _ => None,
    }
}

/// In a part of a loss that changes others: how many of those before it.
pub(super) const OVER: &str = "over";

pub(super) fn losses(item: &Item) -> Option<Vec<Loss>> {
    match item {
        Item::Losses(l) => Some(l.clone()),
        Item::Recipe { recipe, kind: crate::types::RecipeKind::Loss, inputs, .. } => {
            Some(vec![(1.0, recipe.clone(), inputs.clone())])
        }
        _ => None,
    }
}

/// Returns the sum or the weighted loss, where both sides allow it.
fn combine_losses(op: BinaryOp, left: &Item, right: &Item) -> Option<Item> {
    // What is about other terms grows with them.
    let times = |weight: f64, recipe: &Recipe| if recipe.args.has(OVER) { 1.0 } else { weight };
    let scale =
        |weight: f64, list: Vec<Loss>| list.into_iter().map(|(w, r, t)| (w * times(weight, &r), r, t)).collect();
    match (op, losses(left), losses(right), left, right) {
        (BinaryOp::Add, Some(mut a), Some(b), ..) => {
            a.extend(b);
            Some(Item::Losses(a))
        }
        (BinaryOp::Multiply, None, Some(b), Item::Number { value, unit: None, .. }, _) => {
            Some(Item::Losses(scale(*value, b)))
        }
        (BinaryOp::Multiply, Some(a), None, _, Item::Number { value, unit: None, .. }) => {
            Some(Item::Losses(scale(*value, a)))
        }
        _ => None,
    }
}
