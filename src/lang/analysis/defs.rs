//! Calls of a `def`: its parameters bound to what is given, its body evaluated.

use super::resolve::did_you_mean;
use super::{Checker, Item, Scope};
use crate::diagnostic::Diagnostic;
use crate::say;
use crate::span::Span;
use crate::syntax::tree::{Call, CutValue, DeclarationKind, ExprKind};

impl Checker<'_> {
    pub(super) fn call_def(&mut self, call: &Call, piped: Option<(Item, Span)>, scope: &Scope) -> Item {
        let name = call.name.text.clone();
        let index = self.names[&name];
        self.declared[index].used = true;
        let tree = self.declared[index].tree.clone();
        let file = self.declared[index].file;
        let DeclarationKind::Def { formals, body, .. } = &tree.kind else { return Item::Unknown };
        if self.calling.contains(&name) {
            self.report(
                Diagnostic::error("E0118", call.name.span, say!("`{name}` calls itself", "`{name}` 调用了自身"))
                    .help(say!("a def cannot be recursive: write the steps out", "def 不能递归：请逐步写出")),
            );
            return Item::Unknown;
        }
        let mut given: Vec<Option<(Item, Span)>> = vec![None; formals.len()];
        let mut next = 0;
        let mut wrong = false;
        if let Some(p) = piped {
            if let Some(slot) = given.first_mut() {
                *slot = Some(p);
            }
            next = 1;
        }
        // Tables first: a bare column is a column of the one that is given in the same call.
        let column_at = |i: usize| formals.get(i).is_some_and(|f| f.ty.name.text == "column" && f.ty.params.is_empty());
        for arg in call.args.iter().flatten() {
            let at = match &arg.name {
                None => {
                    next += 1;
                    next - 1
                }
                Some(n) => match formals.iter().position(|f| f.name.text == n.text) {
                    Some(i) => i,
                    None => {
                        let text = &n.text;
                        let mut d = Diagnostic::error(
                            "E0105",
                            n.span,
                            say!("`{name}` has no parameter `{text}`", "`{name}` 没有参数 `{text}`"),
                        );
                        if let Some(help) = did_you_mean(text, formals.iter().map(|f| f.name.text.as_str())) {
                            d = d.help(help);
                        }
                        self.report(d);
                        wrong = true;
                        continue;
                    }
                },
            };
            if at >= given.len() {
                let count = formals.len();
                self.report(Diagnostic::error(
                    "E0112",
                    arg.value.span,
                    say!("`{name}` takes {count} arguments", "`{name}` 接受 {count} 个参数"),
                ));
                wrong = true;
                continue;
            }
            if given[at].is_some() {
                let text = formals[at].name.text.clone();
                self.report(Diagnostic::error(
                    "E0106",
                    arg.value.span,
                    say!("`{text}` is given twice", "`{text}` 给出了两次"),
                ));
                continue;
            }
            let item = match &arg.value.kind {
                ExprKind::Name(column) if column_at(at) => Item::ColumnName(column.clone(), arg.value.span),
                _ => self.evaluate(&arg.value, scope),
            };
            given[at] = Some((item, arg.value.span));
        }
        let mut inner =
            Scope { file, network: scope.network, closed: true, row: scope.row.clone(), ..Scope::default() };
        let mut sizes = std::collections::BTreeMap::new();
        for (i, formal) in formals.iter().enumerate() {
            let text = formal.name.text.clone();
            let (item, place) = match (given[i].take(), &formal.default) {
                (Some(given), _) => given,
                (None, Some(default)) => (self.evaluate(default, &Scope::of_file(file)), default.span),
                (None, None) => {
                    self.report(
                        Diagnostic::error(
                            "E0107",
                            call.name.span,
                            say!("`{name}` needs `{text}`", "`{name}` 缺少 `{text}`"),
                        )
                        .also(formal.name.span, say!("declared here", "在此声明")),
                    );
                    wrong = true;
                    continue;
                }
            };
            if !self.hold_argument(formal, &item, place, &mut sizes) {
                wrong = true;
            }
            inner.with_local(&text, formal.name.span, item);
        }
        if wrong {
            return Item::Unknown;
        }
        for (size, value) in sizes {
            if !inner.locals.iter().any(|l| l.name == size) {
                let item = match value {
                    crate::types::Size::Known(n) => Item::int(n as i64),
                    crate::types::Size::Unknown => Item::Number { value: f64::NAN, integer: None, unit: None },
                };
                inner.with_local(&size, call.name.span, item);
            }
        }
        inner.row = None;
        self.calling.push(name);
        let item = self.evaluate(body, &inner);
        self.calling.pop();
        item
    }

    /// Returns the value of `@k`.
    pub(crate) fn cut_value(&mut self, cut: &crate::syntax::tree::Cut, scope: &Scope) -> Option<i64> {
        match &cut.value {
            CutValue::Number(n) => Some(*n as i64),
            CutValue::Name(name) => match self.look_up(name, cut.span, scope) {
                Some(Item::Number { integer: Some(n), .. }) => Some(n),
                Some(Item::Unknown) => None,
                Some(_) => {
                    self.report(Diagnostic::error("E0108", cut.span, say!("`@` takes a whole number", "`@` 需要整数")));
                    None
                }
                None => {
                    self.unknown_name(name, cut.span, scope);
                    None
                }
            },
        }
    }
}
