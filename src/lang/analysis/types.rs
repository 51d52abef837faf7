//! Declared types: of a declaration, and of a def's parameters.

use std::collections::BTreeMap;

use super::resolve::did_you_mean;
use super::{Checker, Item, Scope};
use crate::diagnostic::Diagnostic;
use crate::graph::NodeId;
use crate::say;
use crate::span::Span;
use crate::syntax::tree::{Expr, ExprKind, Formal, TypeExpr};
use crate::types::{Elem, Size, Type};

const PLAIN: [&str; 9] = ["int", "float", "bool", "text", "column", "table", "split", "graph", "col"];

/// The types of a column in a def's parameter.
const ELEMS: [&str; 15] = [
    "int", "float", "bool", "category", "key", "ref", "time", "duration", "text", "tokens", "image", "map", "vector",
    "sequence", "codes",
];

impl Checker<'_> {
    /// Holds what comes out of a declaration to the type that it states.
    pub(crate) fn hold_to_type(&mut self, ty: &TypeExpr, node: NodeId, place: Span, scope: &Scope) {
        let found = self.ty(node).clone();
        let wanted = ty.name.text.as_str();
        let describe = self.describe(node);
        let fits = match (&found, wanted) {
            (Type::Unknown, _) => return,
            (Type::Table(_), "table") | (Type::Split(_), "split") | (Type::Graph(_), "graph") => true,
            (Type::Train(_), "train") => true,
            (Type::Column(column), "col") => {
                let [rows, elem] = &ty.params[..] else {
                    self.report(Diagnostic::error(
                        "E0116",
                        ty.span,
                        say!(
                            "a column's type names its rows and its values: `col<films, vector[64]>`",
                            "列类型须写明行与值：`col<films, vector[64]>`"
                        ),
                    ));
                    return;
                };
                let domain = self.domain_name(column.domain);
                if rows.name.text != domain && !self.names_domain(&rows.name.text, column.domain) {
                    let stated = &rows.name.text;
                    self.report(
                        Diagnostic::error(
                            "E0304",
                            rows.span,
                            say!(
                                "the rows are those of `{domain}`, not of `{stated}`",
                                "行属于 `{domain}`，而不是 `{stated}`"
                            ),
                        )
                        .help(say!("write `col<{domain}, …>`", "请写 `col<{domain}, …>`")),
                    );
                    return;
                }
                let missing = !column.missing.is_empty();
                if missing != (elem.missing || ty.missing) {
                    let (en, zh) =
                        if missing { ("may be missing", "可能缺失") } else { ("is never missing", "不会缺失") };
                    self.report(Diagnostic::error(
                        "E0304",
                        elem.span,
                        say!("this says otherwise: the column {en}", "与声明不符：该列{zh}"),
                    ));
                    return;
                }
                self.elem_fits(elem, &column.elem, scope)
            }
            _ => false,
        };
        if !fits {
            self.report(
                Diagnostic::error(
                    "E0304",
                    ty.span,
                    say!(
                        "this says another type than what comes out: {describe}",
                        "声明的类型与实际得到的不同：{describe}"
                    ),
                )
                .also(place, say!("{describe}", "{describe}")),
            );
        }
    }

    fn names_domain(&self, name: &str, domain: crate::types::DomainId) -> bool {
        let Some(&index) = self.names.get(name) else { return false };
        match &self.declared[index].state {
            super::resolve::State::Done(Item::Node(n)) => self.table_type(*n).is_some_and(|t| t.domain == domain),
            _ => false,
        }
    }

    fn elem_fits(&mut self, stated: &TypeExpr, found: &Elem, scope: &Scope) -> bool {
        let sizes: Vec<Size> = stated
            .sizes
            .iter()
            .map(|s| match s {
                None => Size::Unknown,
                Some(e) => match self.evaluate(e, scope) {
                    Item::Number { integer: Some(n), .. } if n >= 0 => Size::Known(n as u64),
                    _ => Size::Unknown,
                },
            })
            .collect();
        let all = |here: &[Size]| sizes.iter().zip(here).all(|(a, b)| a.fits(*b)) && sizes.len() <= here.len();
        match (stated.name.text.as_str(), found) {
            (_, Elem::Unknown) => true,
            ("vector", e) => e.as_vector().is_some_and(|n| all(&[n])),
            ("image", Elem::Image(s)) | ("map", Elem::Map(s)) | ("codes", Elem::Codes(s)) => all(s),
            ("sequence", Elem::Sequence(t, n)) => all(&[*t, *n]),
            ("int", Elem::Int) | ("float", Elem::Float) | ("bool", Elem::Bool) | ("key", Elem::Key) => true,
            ("category", Elem::Category(_)) | ("ref", Elem::Ref(_)) | ("time", Elem::Time) => true,
            ("text", Elem::Text(_)) | ("tokens", Elem::Tokens(_)) | ("duration", Elem::Duration) => true,
            _ => false,
        }
    }

    /// Checks the type of a def's parameter: a longer unknown name is no variable.
    pub(crate) fn check_formal(&mut self, formal: &Formal) {
        let name = &formal.ty.name.text;
        if !PLAIN.contains(&name.as_str()) {
            let mut d = Diagnostic::error(
                "E0116",
                formal.ty.name.span,
                say!("`{name}` is no type of a parameter", "`{name}` 不是参数类型"),
            );
            if let Some(help) = did_you_mean(name, PLAIN) {
                d = d.help(help);
            } else {
                d = d.note(say!("a column's type is written `col<d, text>`", "列类型写作 `col<d, text>`"));
            }
            self.report(d);
            return;
        }
        if let [rows, elem] = &formal.ty.params[..] {
            let known = rows.name.text.chars().count() == 1 || self.names.contains_key(&rows.name.text);
            if !known {
                let text = rows.name.text.clone();
                let mut d =
                    Diagnostic::error("E0116", rows.span, say!("no rows are named `{text}`", "没有名为 `{text}` 的行"))
                        .note(say!("a single letter stands for any rows", "单个字母代表任意行"));
                let names: Vec<String> = self.names.keys().cloned().collect();
                if let Some(help) = did_you_mean(&text, names.iter().map(String::as_str)) {
                    d = d.help(help);
                }
                self.report(d);
            }
            let word = elem.name.text.as_str();
            if !ELEMS.contains(&word) && word.chars().count() > 1 {
                let mut d = Diagnostic::error("E0116", elem.span, say!("`{word}` is no type", "`{word}` 不是类型"));
                let all = ELEMS.join(", ");
                d = match did_you_mean(word, ELEMS) {
                    Some(help) => d.help(help),
                    None => d.note(say!(
                        "the types are {all}; a single letter stands for any",
                        "可用类型：{all}；单个字母代表任意类型"
                    )),
                };
                self.report(d);
            }
        }
    }

    /// Holds an argument of a def to its parameter's type; binds size variables.
    pub(crate) fn hold_argument(
        &mut self,
        formal: &Formal,
        item: &Item,
        span: Span,
        sizes: &mut BTreeMap<String, Size>,
    ) -> bool {
        let fits = match (formal.ty.name.text.as_str(), item) {
            (_, Item::Unknown) => return false,
            (word, _) if !PLAIN.contains(&word) => return false,
            ("int", Item::Number { integer, unit: None, value }) => integer.is_some() || value.is_nan(),
            ("float", Item::Number { unit: None, .. }) | ("bool", Item::Bool(_)) | ("text", Item::Text(_)) => true,
            ("column", Item::ColumnName(..)) => true,
            ("column", Item::Node(n)) => matches!(self.ty(*n), Type::Column(_)),
            ("table", Item::Node(n)) => matches!(self.ty(*n), Type::Table(_)),
            ("split", Item::Node(n)) => matches!(self.ty(*n), Type::Split(_)),
            ("graph", Item::Node(n)) => matches!(self.ty(*n), Type::Graph(_)),
            ("col", Item::Node(n)) => match self.ty(*n).clone() {
                Type::Column(c) => match &formal.ty.params[..] {
                    [_, elem] => self.bind_elem(elem, &c.elem, sizes),
                    _ => true,
                },
                _ => false,
            },
            _ => false,
        };
        if !fits {
            let parameter = &formal.name.text;
            let crate::diagnostic::Text { en, zh } = self.item_words(item);
            let wanted = type_words(&formal.ty);
            self.report(
                Diagnostic::error(
                    "E0120",
                    span,
                    say!("`{parameter}` takes {wanted}, this is {en}", "`{parameter}` 接受 {wanted}，这里是 {zh}"),
                )
                .also(formal.ty.span, say!("declared here", "在此声明")),
            );
        }
        fits
    }

    fn bind_elem(&mut self, stated: &TypeExpr, found: &Elem, sizes: &mut BTreeMap<String, Size>) -> bool {
        let here: Vec<Size> = match found {
            Elem::Vector(n) => vec![*n],
            Elem::Image(s) | Elem::Map(s) | Elem::Codes(s) => s.to_vec(),
            Elem::Sequence(t, n) => vec![*t, *n],
            e => e.as_vector().into_iter().collect(),
        };
        let plain = TypeExpr { sizes: Vec::new(), ..stated.clone() };
        let single = stated.name.text.chars().count() == 1;
        // A word that is no type was reported where it stands.
        if !single && !ELEMS.contains(&stated.name.text.as_str()) {
            return true;
        }
        if !single && !self.elem_fits(&plain, found, &Scope::default()) {
            return false;
        }
        for (size, here) in stated.sizes.iter().zip(here) {
            match size {
                Some(Expr { kind: ExprKind::Name(n), .. }) => {
                    let before = sizes.entry(n.clone()).or_insert(Size::Unknown);
                    if !before.fits(here) {
                        return false;
                    }
                    if *before == Size::Unknown {
                        *before = here;
                    }
                }
                Some(Expr { kind: ExprKind::Number(n), .. })
                    if !n.integer.is_some_and(|k| Size::Known(k as u64).fits(here)) =>
                {
                    return false;
                }
                _ => {}
            }
        }
        true
    }
}

/// Returns the Chinese for a word of the checker: `table`, `part`.
pub(crate) fn chinese(word: &str) -> &str {
    match word {
        "table" => "表",
        "split" => "划分",
        "column" => "列",
        "train" => "训练",
        "metric" => "指标",
        "optimizer" => "优化器",
        "stop" => "停止条件",
        "loss" => "损失",
        "objective" => "目标",
        "algorithm" => "算法",
        "network" => "网络",
        "part" => "部分",
        "field" => "字段",
        "graph" => "图",
        "experiment" => "实验",
        "end" => "端",
        "set of rows" => "行的集合",
        "pair of columns" => "一对列",
        other => other,
    }
}

/// Returns a type as it is written.
pub(crate) fn type_words(ty: &TypeExpr) -> String {
    let mut text = ty.name.text.clone();
    if !ty.params.is_empty() {
        let inner = ty.params.iter().map(type_words).collect::<Vec<_>>().join(", ");
        text.push_str(&format!("<{inner}>"));
    }
    if !ty.sizes.is_empty() {
        let sizes = ty
            .sizes
            .iter()
            .map(|s| match s.as_ref().map(|e| &e.kind) {
                Some(ExprKind::Name(n)) => n.clone(),
                Some(ExprKind::Number(n)) => n.value.to_string(),
                _ => "_".into(),
            })
            .collect::<Vec<_>>()
            .join(", ");
        text.push_str(&format!("[{sizes}]"));
    }
    if ty.missing {
        text.push('?');
    }
    text
}
