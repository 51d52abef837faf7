//! Declared columns (guarantee 2): their types, as they are written.

use super::argument::Extra;
use super::resolve::did_you_mean;
use super::{Checker, Item, Scope};
use crate::args::{ColumnKind, ColumnSpec, PathTemplate, TimeFormat, Within};
use crate::diagnostic::{Diagnostic, Text};
use crate::say;
use crate::span::Span;
use crate::syntax::tree::{Block, Expr, ExprKind, LineKind, Template, TemplatePart, TypeExpr};
use crate::types::{Elem, Language, Type};

/// The types that a column may have, for suggestions.
const TYPES: [&str; 11] =
    ["int", "float", "bool", "category", "key", "ref", "time", "text", "image", "vector", "sequence"];

impl Checker<'_> {
    /// Reads the block of a source; refs become inputs (`extra`).
    pub(crate) fn declared_columns(
        &mut self,
        block: &Block,
        scope: &Scope,
        extra: &mut Extra,
    ) -> Option<Vec<ColumnSpec>> {
        let mut columns: Vec<ColumnSpec> = Vec::new();
        let mut places = Vec::new();
        let mut wrong = false;
        for line in &block.lines {
            let LineKind::Column { name, ty } = &line.kind else {
                let span = line.span;
                self.report(
                    Diagnostic::error("E0116", span, say!("a column has a name and a type", "列需要名称与类型"))
                        .help(say!("write `name: type`, as `film: key`", "请写 `名称: 类型`，如 `film: key`")),
                );
                wrong = true;
                continue;
            };
            if let Some((_, first)) = places.iter().find(|(n, _)| *n == name.text) {
                let text = &name.text;
                self.report(
                    Diagnostic::error(
                        "E0211",
                        name.span,
                        say!("the column `{text}` is declared twice", "列 `{text}` 声明了两次"),
                    )
                    .also(*first, say!("first here", "首次声明")),
                );
                wrong = true;
                continue;
            }
            places.push((name.text.clone(), name.span));
            match self.column_spec(&name.text, ty, scope, extra) {
                Some(spec) => columns.push(spec),
                None => wrong = true,
            }
        }
        if columns.iter().filter(|c| matches!(c.kind, ColumnKind::Key)).count() > 1 {
            let span = block.span;
            self.report(Diagnostic::error("E0211", span, say!("a table has one key", "一个表只有一个键")));
            wrong = true;
        }
        self.places = places;
        (!wrong).then_some(columns)
    }

    fn column_spec(&mut self, name: &str, ty: &TypeExpr, scope: &Scope, extra: &mut Extra) -> Option<ColumnSpec> {
        let mut header = None;
        let mut positional: Vec<&Expr> = Vec::new();
        let mut language = None;
        let mut root = None;
        for arg in ty.args.iter().flatten() {
            match arg.name.as_ref().map(|n| n.text.as_str()) {
                None => positional.push(&arg.value),
                Some("column") => match self.evaluate(&arg.value, scope) {
                    Item::Text(t) => header = t.plain(),
                    Item::Unknown => return None,
                    _ => return self.bad_type(arg.value.span, say!("a header is written in quotes", "表头须加引号")),
                },
                Some("language") => language = Some(&arg.value),
                Some("root") => match self.evaluate(&arg.value, scope) {
                    Item::Text(t) => root = t.plain(),
                    Item::Unknown => return None,
                    _ => return self.bad_type(arg.value.span, say!("a folder is written in quotes", "文件夹须加引号")),
                },
                Some(other) => {
                    let span = arg.name.as_ref().map_or(ty.span, |n| n.span);
                    let mut d = Diagnostic::error(
                        "E0105",
                        span,
                        say!("a column's type has no argument `{other}`", "列类型没有参数 `{other}`"),
                    );
                    if let Some(help) = did_you_mean(other, ["column", "language", "root"]) {
                        d = d.help(help);
                    }
                    self.report(d);
                    return None;
                }
            }
        }
        let language = match language {
            None => Language::Detect,
            Some(expr) => self.language(expr, scope)?,
        };
        let first = positional.first().copied();
        let kind = match ty.name.text.as_str() {
            "int" => ColumnKind::Int,
            "float" => ColumnKind::Float,
            "bool" => ColumnKind::Bool,
            "category" => ColumnKind::Category,
            "key" => match first {
                None => ColumnKind::Key,
                Some(target) => ColumnKind::KeyOf(self.ref_target(target, scope, extra)?),
            },
            "ref" => match first {
                Some(target) => ColumnKind::Ref(self.ref_target(target, scope, extra)?),
                None => {
                    return self.bad_type(
                        ty.span,
                        say!("a ref says where it leads: `ref(films)`", "引用须指明目标：`ref(films)`"),
                    );
                }
            },
            "time" => ColumnKind::Time(self.time_format(first, ty.span, scope)?),
            "text" => match first {
                Some(path) => ColumnKind::TextFile(language, self.path_template(path, root, scope)?),
                None => ColumnKind::Text(language),
            },
            "image" => match first {
                Some(path) => ColumnKind::Image(self.path_template(path, root, scope)?),
                None => {
                    let hole = format!("{{{name}}}");
                    return self.bad_type(
                        ty.span,
                        say!(
                            "a picture is a file a row: `image(\"folder/{hole}.jpg\")`",
                            "图片是每行一个文件：`image(\"文件夹/{hole}.jpg\")`"
                        ),
                    );
                }
            },
            "vector" => ColumnKind::Vector(self.size_at(ty, 0, scope)?),
            "sequence" => ColumnKind::Sequence(self.size_at(ty, 0, scope)?, self.size_at(ty, 1, scope)?),
            other => {
                let mut d = Diagnostic::error(
                    "E0116",
                    ty.name.span,
                    say!("`{other}` is no type of a column", "`{other}` 不是列的类型"),
                );
                d = match did_you_mean(other, TYPES) {
                    Some(help) => d.help(help),
                    None => d.note(say!(
                        "the types are int, float, bool, category, key, ref, time, text, image, vector, sequence",
                        "可用类型：int、float、bool、category、key、ref、time、text、image、vector、sequence"
                    )),
                };
                self.report(d);
                return None;
            }
        };
        if ty.missing && matches!(kind, ColumnKind::Key | ColumnKind::KeyOf(_)) {
            let word = &ty.name.text;
            self.report(
                Diagnostic::error(
                    "E0504",
                    ty.span,
                    say!("a key is never missing: it says which row this is", "键不能缺失：它指明这是哪一行"),
                )
                .help(say!("write `{word}` without the `?`", "请写 `{word}`，不加 `?`")),
            );
            return None;
        }
        let within = match &ty.within {
            None => None,
            Some(expr) => Some(self.within(expr, &kind, scope)?),
        };
        Some(ColumnSpec { name: name.into(), header, kind, missing: ty.missing, within })
    }

    fn bad_type<T>(&mut self, span: Span, message: Text) -> Option<T> {
        self.report(Diagnostic::error("E0116", span, message));
        None
    }

    fn language(&mut self, expr: &Expr, scope: &Scope) -> Option<Language> {
        let word = match &expr.kind {
            ExprKind::Name(n) => n.clone(),
            ExprKind::Text(t) => t.plain().unwrap_or_default(),
            _ => match self.evaluate(expr, scope) {
                Item::Text(t) => t.plain().unwrap_or_default(),
                _ => String::new(),
            },
        };
        match word.as_str() {
            "en" => Some(Language::English),
            "zh" => Some(Language::Chinese),
            "detect" => Some(Language::Detect),
            _ => {
                self.report(Diagnostic::error(
                    "E0110",
                    expr.span,
                    say!("`language` is one of `en`, `zh`, `detect`", "`language` 只能是 `en`、`zh`、`detect` 之一"),
                ));
                None
            }
        }
    }

    fn time_format(&mut self, expr: Option<&Expr>, span: Span, scope: &Scope) -> Option<TimeFormat> {
        let word = match expr.map(|e| &e.kind) {
            Some(ExprKind::Name(n)) => n.clone(),
            Some(_) => match self.evaluate(expr?, scope) {
                Item::Text(t) => return t.plain().map(TimeFormat::Pattern),
                _ => String::new(),
            },
            None => String::new(),
        };
        match word.as_str() {
            "unix" => Some(TimeFormat::Unix),
            "iso" => Some(TimeFormat::Iso),
            _ => self.bad_type(
                expr.map_or(span, |e| e.span),
                say!(
                    "a time says how it is written: `time(unix)`, `time(iso)` or `time(\"%d.%m.%Y\")`",
                    "时间须指明写法：`time(unix)`、`time(iso)` 或 `time(\"%d.%m.%Y\")`"
                ),
            ),
        }
    }

    fn path_template(&mut self, expr: &Expr, root: Option<String>, scope: &Scope) -> Option<PathTemplate> {
        let template: Template = match self.evaluate(expr, scope) {
            Item::Text(t) => t,
            Item::Unknown => return None,
            _ => return self.bad_type(expr.span, say!("a path is written in quotes", "路径须加引号")),
        };
        let mut texts = vec![String::new()];
        let mut headers = Vec::new();
        for part in template.parts {
            match part {
                TemplatePart::Text(t) => {
                    if let Some(last) = texts.last_mut() {
                        last.push_str(&t);
                    }
                }
                TemplatePart::Hole(name) => {
                    headers.push(name.text);
                    texts.push(String::new());
                }
            }
        }
        if headers.is_empty() {
            return self.bad_type(
                expr.span,
                say!(
                    "every row would have the same file: put a header in braces, as `{{film}}`",
                    "每一行都会是同一个文件：请用花括号写入表头，如 `{{film}}`"
                ),
            );
        }
        Some(PathTemplate { texts, headers, root })
    }

    /// Returns the size of that place; `Some(None)` is `_`, or one that was left out.
    fn size_at(&mut self, ty: &TypeExpr, place: usize, scope: &Scope) -> Option<Option<u64>> {
        match ty.sizes.get(place) {
            None | Some(None) => Some(None),
            Some(Some(expr)) => match self.evaluate(expr, scope) {
                Item::Number { integer: Some(n @ 1..), .. } => Some(Some(n as u64)),
                Item::Unknown => None,
                _ => {
                    self.bad_type(expr.span, say!("a size is a whole number of at least 1", "大小应为不小于 1 的整数"))
                }
            },
        }
    }

    /// Returns the number of the input that a ref names.
    fn ref_target(&mut self, expr: &Expr, scope: &Scope, extra: &mut Extra) -> Option<usize> {
        let node = match self.evaluate(expr, scope) {
            Item::Node(n) => n,
            Item::Unknown => return None,
            _ => {
                return self
                    .bad_type(expr.span, say!("a ref leads to a table, or to a category", "引用指向表或类别列"));
            }
        };
        let ok = match self.ty(node).clone() {
            Type::Unknown => return None,
            Type::Table(t) => {
                if !t.columns.iter().any(|(_, c)| c.elem == Elem::Key) {
                    let label = self.graph.dag[node].label.clone();
                    let place = self.graph.dag[node].span;
                    self.report(
                        Diagnostic::error(
                            "E0212",
                            expr.span,
                            say!(
                                "the rows of `{label}` have no key, so nobody can refer to them",
                                "`{label}` 的行没有键，因此无法引用"
                            ),
                        )
                        .also(place, say!("declared here", "在此声明"))
                        .help(say!("declare one of its columns as `key`", "请将其中一列声明为 `key`")),
                    );
                    return None;
                }
                true
            }
            Type::Column(c) => matches!(c.elem, Elem::Category(_)),
            _ => false,
        };
        if !ok {
            return self.bad_type(expr.span, say!("a ref leads to a table, or to a category", "引用指向表或类别列"));
        }
        extra.push((node, expr.span));
        Some(extra.len() - 1)
    }

    fn within(&mut self, expr: &Expr, kind: &ColumnKind, scope: &Scope) -> Option<Within> {
        match self.evaluate(expr, scope) {
            Item::Range { low, high } if matches!(kind, ColumnKind::Int | ColumnKind::Float) => {
                Some(Within::Range { low, high })
            }
            Item::List(items) => {
                let numbers = matches!(kind, ColumnKind::Int | ColumnKind::Float);
                let mut values = Vec::new();
                for (item, span) in items {
                    values.push(match item {
                        Item::Text(t) if !numbers => t.plain()?,
                        Item::Number { integer: Some(n), unit: None, .. } => n.to_string(),
                        Item::Number { value, unit: None, .. } => value.to_string(),
                        Item::Unknown => return None,
                        _ if numbers => return self.bad_type(span, say!("a value is a number", "取值应为数字")),
                        _ => return self.bad_type(span, say!("a value is a text or a number", "取值应为文本或数字")),
                    });
                }
                Some(Within::Values(values))
            }
            Item::Unknown => None,
            _ => self.bad_type(
                expr.span,
                say!(
                    "`in` takes a range of numbers, `1..=5`, or a list, `[\"a\", \"b\"]`",
                    "`in` 接受数值范围 `1..=5` 或列表 `[\"a\", \"b\"]`"
                ),
            ),
        }
    }
}
