//! From what the grammar has matched to the tree: declarations, blocks and types.

use super::express;
use super::literal;
use super::message;
use super::parser::Rule;
use super::tree::*;
use super::work::Work;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use pest::iterators::{Pair, Pairs};
use std::collections::BTreeMap;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

pub(crate) struct Builder<'w> {
    pub(crate) work: &'w Work,
    pub(crate) docs: &'w BTreeMap<usize, Doc>,
    pub(crate) errors: &'w mut Vec<Diagnostic>,
}

/// Returns the parts of `pair` that say something.
pub(crate) fn parts<'i>(pair: Pair<'i, Rule>) -> impl Iterator<Item = Pair<'i, Rule>> {
    pair.into_inner().filter(|p| !matches!(p.as_rule(), Rule::equals | Rule::colon))
}

/// Returns `text` in Unicode's normal form C, in which names are compared.
pub(crate) fn normal(text: &str) -> String {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text.to_string(),
        _ => text.nfc().collect(),
    }
}

impl Builder<'_> {
    pub(crate) fn file(&mut self, pairs: Pairs<Rule>) -> Vec<Declaration> {
        let file = pairs.into_iter().next().expect("the grammar's first rule is a file");
        file.into_inner().filter(|p| p.as_rule() == Rule::declaration).map(|p| self.declaration(p)).collect()
    }

    /// Returns where `pair` stands in the file, without the blanks behind it.
    pub(crate) fn span(&self, pair: &Pair<Rule>) -> Span {
        let start = pair.as_span().start();
        self.work.span(start..start + pair.as_str().trim_end_matches([' ', '\t', '\r']).len())
    }

    pub(crate) fn name(&self, pair: Pair<Rule>) -> Name {
        Name { text: normal(pair.as_str()), span: self.span(&pair) }
    }

    fn doc(&self, span: Span) -> Option<Doc> {
        self.docs.get(&(span.start as usize)).cloned()
    }

    fn declaration(&mut self, pair: Pair<Rule>) -> Declaration {
        let span = self.span(&pair);
        let inner = pair.into_inner().next().expect("a declaration is one of five");
        let rule = inner.as_rule();
        let mut parts = parts(inner);
        let word = parts.next().expect("a declaration begins with its keyword");
        let kind = match rule {
            Rule::r#use => {
                let path = parts.next().expect("`use` has a string");
                let path_span = self.span(&path);
                let template = literal::template(self, path);
                let path = template.plain().unwrap_or_else(|| {
                    self.errors.push(message::use_placeholder(path_span));
                    literal::written(&template)
                });
                DeclarationKind::Use { path, path_span }
            }
            Rule::param => {
                let name = self.next_name(&mut parts);
                DeclarationKind::Param { name, value: self.next_expr(&mut parts) }
            }
            Rule::def => {
                let name = self.next_name(&mut parts);
                let formals = parts.next().expect("a `def` has parameters").into_inner();
                let formals = formals.filter_map(|p| self.formal(p)).collect();
                DeclarationKind::Def { name, formals, body: self.next_expr(&mut parts) }
            }
            Rule::bind => {
                let keyword = Keyword::ALL.into_iter().find(|k| k.word() == word.as_str());
                let keyword = keyword.expect("the grammar's keywords are the tree's");
                let name = self.next_name(&mut parts);
                let mut next = parts.next().expect("a declaration has a value");
                let mut ty = None;
                if next.as_rule() == Rule::r#type {
                    ty = Some(self.ty(next));
                    next = parts.next().expect("a declaration has a value");
                }
                DeclarationKind::Bind { keyword, name, ty, value: express::expr(self, next, 0) }
            }
            _ => {
                let name = self.next_name(&mut parts);
                let subject = self.path(parts.next().expect("a metric has a subject"));
                let part = parts.find(|p| p.as_rule() == Rule::path).expect("a metric has a part");
                let part = self.path(part);
                let body = self.block(parts.next().expect("a metric has a block"), 0);
                DeclarationKind::Metric { name, subject, part, body }
            }
        };
        Declaration { doc: self.doc(span), span, kind }
    }

    fn next_name<'i>(&self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> Name {
        self.name(parts.next().expect("the grammar has a name here"))
    }

    fn next_expr<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> Expr {
        express::expr(self, parts.next().expect("the grammar has an expression here"), 0)
    }

    /// Reads a parameter of a `def`; a broken one is left out.
    fn formal(&mut self, pair: Pair<Rule>) -> Option<Formal> {
        let mut parts = parts(pair);
        let name = parts.next().filter(|p| p.as_rule() == Rule::name)?;
        let name = self.name(name);
        let ty = self.ty(parts.next().expect("a parameter has a type"));
        let default = parts.next().map(|p| express::signed(self, p));
        Some(Formal { name, ty, default })
    }

    fn path(&mut self, pair: Pair<Rule>) -> Expr {
        let mut parts = parts(pair);
        let first = parts.next().expect("a path has a name");
        let span = self.span(&first);
        let kind = match first.as_rule() {
            Rule::broken => ExprKind::Broken,
            _ => ExprKind::Name(normal(first.as_str())),
        };
        parts.fold(Expr { span, kind }, |base, field| express::field(self, base, field))
    }

    pub(crate) fn block(&mut self, pair: Pair<Rule>, depth: usize) -> Block {
        let span = self.span(&pair);
        let lines: Vec<Line> = pair.into_inner().map(|p| self.line(p, depth)).collect();
        // Where other lines are settings or values, a single `:` was meant as a `=`.
        let columns = lines.iter().filter(|l| matches!(l.kind, LineKind::Column { .. })).count();
        let inside = |e: &Diagnostic| span.start <= e.span.start && e.span.start < span.end;
        if 0 < columns && columns < lines.len() && !self.errors.iter().any(inside) {
            let minority = columns * 2 <= lines.len();
            let odd = |l: &&Line| matches!(l.kind, LineKind::Column { .. }) == minority;
            if let Some(line) = lines.iter().find(odd) {
                self.errors.push(message::mixed(line.span, span, minority));
            }
        }
        Block { span, lines }
    }

    fn line(&mut self, pair: Pair<Rule>, depth: usize) -> Line {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut parts = parts(pair);
        let kind = match rule {
            Rule::column => {
                let name = self.next_name(&mut parts);
                LineKind::Column { name, ty: self.ty(parts.next().expect("a column has a type")) }
            }
            Rule::setting => {
                let name = self.next_name(&mut parts);
                let value = parts.next().expect("a setting has a value");
                LineKind::Setting { name, value: express::expr_or_range(self, value, depth) }
            }
            _ => LineKind::Value(express::expr(self, parts.next().expect("a line has a value"), depth)),
        };
        Line { doc: self.doc(span), span, kind }
    }

    pub(crate) fn args(&mut self, pair: Pair<Rule>, depth: usize) -> Vec<Arg> {
        let arg = |p: Pair<Rule>| {
            let mut parts = parts(p);
            let mut value = parts.next().expect("an argument has a value");
            let mut name = None;
            if value.as_rule() == Rule::name {
                name = Some(self.name(value));
                value = parts.next().expect("a named argument has a value");
            }
            Arg { name, value: express::expr_or_range(self, value, depth) }
        };
        pair.into_inner().map(arg).collect()
    }

    fn ty(&mut self, pair: Pair<Rule>) -> TypeExpr {
        let span = self.span(&pair);
        let mut ty = TypeExpr {
            span,
            name: Name { text: String::new(), span },
            params: Vec::new(),
            sizes: Vec::new(),
            args: None,
            within: None,
            missing: false,
        };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => ty.name = self.name(part),
                Rule::params => ty.params = part.into_inner().map(|p| self.ty(p)).collect(),
                Rule::sizes => ty.sizes = part.into_inner().map(|p| self.size(p)).collect(),
                Rule::args => ty.args = Some(self.args(part, 0)),
                Rule::within => {
                    let set = part.into_inner().find(|p| p.as_rule() == Rule::set).expect("`in` has a set");
                    ty.within = Some(Box::new(express::set(self, set, 0)));
                }
                Rule::missing => ty.missing = true,
                _ => {}
            }
        }
        ty
    }

    fn size(&mut self, pair: Pair<Rule>) -> Option<Expr> {
        let size = pair.into_inner().next().expect("a size is `_` or an expression");
        (size.as_rule() == Rule::expr).then(|| express::expr(self, size, 0))
    }
}
