//! Arguments that are texts, words of a list, or plain values.

use super::resolve::did_you_mean;
use super::{Checker, Item, Scope};
use crate::args::{ArgSpec, ArgValue};
use crate::diagnostic::Diagnostic;
use crate::say;
use crate::syntax::tree::{Expr, ExprKind};

impl Checker<'_> {
    pub(super) fn text(&mut self, spec: &'static ArgSpec, expr: &Expr, scope: &Scope) -> Option<ArgValue> {
        match self.evaluate(expr, scope) {
            Item::Text(t) => match t.plain() {
                Some(text) => Some(ArgValue::Text(text)),
                None => {
                    let argument = spec.name;
                    self.report(
                        Diagnostic::error(
                            "E0108",
                            expr.span,
                            say!("`{argument}` takes no placeholders", "`{argument}` 不接受占位符"),
                        )
                        .help(say!("a brace itself is written `{{{{`", "花括号本身写作 `{{{{`")),
                    );
                    None
                }
            },
            Item::Unknown => None,
            other => self.wrong_kind(spec, &other, expr.span, "a text in quotes", "带引号的文本"),
        }
    }

    pub(super) fn word(
        &mut self,
        spec: &'static ArgSpec,
        words: &'static [&'static str],
        expr: &Expr,
        scope: &Scope,
    ) -> Option<ArgValue> {
        let written = match &expr.kind {
            ExprKind::Name(n) if words.contains(&n.as_str()) => n.clone(),
            // A name that is no such word may be a text param (N3).
            ExprKind::Name(n) if self.names.contains_key(n) || scope.locals.iter().any(|l| l.name == *n) => {
                match self.evaluate(expr, scope) {
                    Item::Text(t) => t.plain()?,
                    Item::Unknown => return None,
                    _ => n.clone(),
                }
            }
            ExprKind::Name(n) => n.clone(),
            ExprKind::Text(t) => t.plain()?,
            ExprKind::Broken => return None,
            _ => String::new(),
        };
        if words.contains(&written.as_str()) {
            return Some(ArgValue::Word(written));
        }
        let argument = spec.name;
        let all = words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
        let mut d = Diagnostic::error(
            "E0110",
            expr.span,
            say!("`{argument}` is one of {all}", "`{argument}` 只能是 {all} 之一"),
        );
        if let Some(help) = did_you_mean(&written, words.iter().copied()) {
            d = d.help(help);
        }
        self.report(d);
        None
    }

    pub(super) fn values(&mut self, spec: &'static ArgSpec, expr: &Expr, scope: &Scope) -> Option<ArgValue> {
        fn one(item: &Item) -> Option<ArgValue> {
            Some(match item {
                Item::Number { integer: Some(n), unit: None, .. } => ArgValue::Int(*n),
                Item::Number { value, unit: None, .. } => ArgValue::Float(*value),
                Item::Bool(b) => ArgValue::Bool(*b),
                Item::Text(t) => ArgValue::Text(t.plain()?),
                Item::List(items) => ArgValue::List(items.iter().map(|(i, _)| one(i)).collect::<Option<_>>()?),
                _ => return None,
            })
        }
        match self.evaluate(expr, scope) {
            Item::Unknown => None,
            item => match one(&item) {
                Some(value) => Some(value),
                None => self.wrong_kind(spec, &item, expr.span, "a text, a number or a list", "文本、数字或列表"),
            },
        }
    }
}
