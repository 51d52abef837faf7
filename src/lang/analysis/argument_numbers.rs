//! Arguments that are numbers: counts, shares and sizes, with their ranges and units.

use super::{Checker, Item, Scope};
use crate::args::{ArgKind, ArgSpec, ArgValue};
use crate::diagnostic::{Diagnostic, Text};
use crate::say;
use crate::span::Span;
use crate::syntax::tree::{Expr, Name, Unit};
use crate::types::Elem;

impl Checker<'_> {
    pub(super) fn number(
        &mut self,
        spec: &'static ArgSpec,
        expr: &Expr,
        scope: &Scope,
        whole: bool,
    ) -> Option<ArgValue> {
        match self.evaluate(expr, scope) {
            Item::Unknown => None,
            Item::Number { unit: Some(unit), .. } => {
                let (argument, unit) = (spec.name, unit_word(unit));
                self.report(Diagnostic::error(
                    "E0114",
                    expr.span,
                    say!("`{argument}` has no unit, so no `{unit}`", "`{argument}` 没有单位，不能写 `{unit}`"),
                ));
                None
            }
            // A size that only the data tell.
            Item::Number { value, .. } if value.is_nan() => Some(ArgValue::Word("_".into())),
            Item::Number { integer: Some(n), .. } => {
                if !self.in_range(spec, n as f64, expr.span) {
                    return None;
                }
                Some(if whole { ArgValue::Int(n) } else { ArgValue::Float(n as f64) })
            }
            Item::Number { value, .. } if !whole => {
                self.in_range(spec, value, expr.span).then_some(ArgValue::Float(value))
            }
            other => {
                let (en, zh) = if whole { ("a whole number", "整数") } else { ("a number", "数字") };
                self.wrong_kind(spec, &other, expr.span, en, zh)
            }
        }
    }

    /// Returns how many rows each value of a column must have: `k_core(user = 5)`.
    pub(super) fn column_count(
        &mut self,
        stage: &str,
        name: &Name,
        column: &Elem,
        expr: &Expr,
        scope: &Scope,
    ) -> Option<ArgValue> {
        let text = &name.text;
        let valued = !matches!(
            column,
            Elem::Vector(_) | Elem::Sequence(..) | Elem::Image(_) | Elem::Map(_) | Elem::Codes(_) | Elem::Tokens(_)
        );
        if !valued {
            let found = column.to_string();
            self.report(
                Diagnostic::error(
                    "E0301",
                    name.span,
                    say!(
                        "`{stage}` counts the rows of each value, and `{text}` is {found}",
                        "`{stage}` 统计每个取值的行数，而 `{text}` 是 {found}"
                    ),
                )
                .help(say!("name a ref, a category or another plain column", "请指明引用、类别或其他普通列")),
            );
            return None;
        }
        match self.evaluate(expr, scope) {
            Item::Unknown => None,
            Item::Number { integer: Some(n @ 0..), unit: None, .. } => Some(ArgValue::Int(n)),
            // A size that only the data tell.
            Item::Number { value, unit: None, .. } if value.is_nan() => Some(ArgValue::Word("_".into())),
            other => {
                let Text { en, zh } = match other {
                    Item::Number { value, unit: None, .. } => say!("{value}", "{value}"),
                    other => self.item_words(&other),
                };
                self.report(
                    Diagnostic::error(
                        "E0108",
                        expr.span,
                        say!(
                            "`{stage}` takes the fewest rows that a value of `{text}` must have, a whole number; this is {en}",
                            "`{stage}` 需要 `{text}` 的每个取值至少应有的行数（整数），这里是{zh}"
                        ),
                    )
                    .help(say!("write `{text} = 5`", "请写 `{text} = 5`")),
                );
                None
            }
        }
    }

    pub(super) fn share_or_count(&mut self, spec: &'static ArgSpec, expr: &Expr, scope: &Scope) -> Option<ArgValue> {
        match self.evaluate(expr, scope) {
            Item::Unknown => None,
            Item::Number { integer: Some(n), unit: None, .. } if n >= 0 => Some(ArgValue::Int(n)),
            Item::Number { value, integer: None, unit: None } if (0.0..=1.0).contains(&value) => {
                Some(ArgValue::Float(value))
            }
            Item::Number { .. } => {
                let argument = spec.name;
                self.report(
                    Diagnostic::error(
                        "E0109",
                        expr.span,
                        say!(
                            "`{argument}` is a share from 0 % to 100 %, or a count of rows",
                            "`{argument}` 是 0 % 到 100 % 的比例，或行数"
                        ),
                    )
                    .help(say!("write `{argument} = 80%`", "请写 `{argument} = 80%`")),
                );
                None
            }
            Item::Text(t) if t.plain().is_some() => t.plain().map(ArgValue::Text),
            Item::List(items) => {
                let texts: Option<Vec<ArgValue>> = items
                    .iter()
                    .map(|(i, _)| match i {
                        Item::Text(t) => t.plain().map(ArgValue::Text),
                        Item::Number { integer: Some(n), .. } => Some(ArgValue::Text(n.to_string())),
                        _ => None,
                    })
                    .collect();
                texts.map(ArgValue::List)
            }
            other => self.wrong_kind(spec, &other, expr.span, "a share, a count or a mark", "比例、行数或标记"),
        }
    }

    pub(super) fn sizes(
        &mut self,
        spec: &'static ArgSpec,
        count: usize,
        expr: &Expr,
        scope: &Scope,
    ) -> Option<ArgValue> {
        let item = self.evaluate(expr, scope);
        let items = match item {
            Item::Unknown => return None,
            Item::List(items) => items,
            other => {
                if let Item::Number { integer: Some(n @ 1..), unit: None, .. } = other {
                    let (argument, sizes) = (spec.name, vec![n.to_string(); count].join("x"));
                    self.report(
                        Diagnostic::error(
                            "E0108",
                            expr.span,
                            say!(
                                "`{argument}` takes {count} sizes, this is one",
                                "`{argument}` 需要 {count} 个大小，这里只有一个"
                            ),
                        )
                        .help(say!("write `{sizes}`", "请写 `{sizes}`")),
                    );
                    return None;
                }
                let example = vec!["8"; count].join("x");
                return self.wrong_kind(
                    spec,
                    &other,
                    expr.span,
                    &format!("{count} sizes, as `{example}`"),
                    &format!("{count} 个大小，如 `{example}`"),
                );
            }
        };
        if items.len() != count {
            let (argument, found) = (spec.name, items.len());
            self.report(Diagnostic::error(
                "E0108",
                expr.span,
                say!(
                    "`{argument}` has {count} sizes, not {found}",
                    "`{argument}` 需要 {count} 个大小，而不是 {found} 个"
                ),
            ));
            return None;
        }
        let mut sizes = Vec::new();
        for (item, span) in items {
            match item {
                Item::Number { integer: Some(n), unit: None, .. } if n >= 1 => {
                    if !self.in_range(spec, n as f64, span) {
                        return None;
                    }
                    sizes.push(ArgValue::Int(n));
                }
                Item::Unknown => return None,
                other => return self.wrong_kind(spec, &other, span, "a size of at least 1", "至少为 1 的大小"),
            }
        }
        Some(ArgValue::List(sizes))
    }

    /// Checks a number against the declared range, and reports where it lies outside.
    pub(crate) fn in_range(&mut self, spec: &'static ArgSpec, value: f64, span: Span) -> bool {
        let (low, high) = spec.range.unwrap_or(match spec.kind {
            ArgKind::Int | ArgKind::Sizes(_) => (0.0, f64::INFINITY),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        });
        if (low..=high).contains(&value) {
            return true;
        }
        let (argument, allowed) = (spec.name, range_words(low, high));
        self.report(Diagnostic::error(
            "E0109",
            span,
            say!("`{argument}` lies in {allowed}, this is {value}", "`{argument}` 应在 {allowed} 之内，这里是 {value}"),
        ));
        false
    }
}

/// Returns a number as people write it: `1e-12`.
fn short(x: f64) -> String {
    if x != 0.0 && x.abs() < 1e-3 { format!("{x:e}") } else { x.to_string() }
}

fn range_words(low: f64, high: f64) -> String {
    match (low.is_finite(), high.is_finite()) {
        (true, true) => format!("{}..={}", short(low), short(high)),
        (true, false) => format!("{}..", short(low)),
        (false, true) => format!("..={}", short(high)),
        (false, false) => "..".into(),
    }
}

pub(crate) fn unit_word(unit: Unit) -> &'static str {
    match unit {
        Unit::Millisecond => "ms",
        Unit::Second => "s",
        Unit::Minute => "min",
        Unit::Hour => "h",
        Unit::Day => "d",
        Unit::Hertz => "Hz",
        Unit::Kilohertz => "kHz",
    }
}
