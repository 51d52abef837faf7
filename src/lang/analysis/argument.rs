//! Arguments: each against its declared kind, unit, words and range.

use super::call::Written;
use super::resolve::did_you_mean;
use super::{Checker, Item, Scope};
use crate::args::{ArgKind, ArgSpec, ArgValue, Args};
use crate::diagnostic::{Diagnostic, Text};
use crate::graph::NodeId;
use crate::say;
use crate::signature::Signature;
use crate::span::Span;
use crate::syntax::tree::{Expr, ExprKind, Name, Unit};
use crate::types::{Elem, RecipeKind, Type};

/// An argument's value may need columns of its own: they become inputs of the node.
pub(crate) type Extra = Vec<(NodeId, Span)>;

impl Checker<'_> {
    /// Checks the arguments of a call; `None` where a mistake was reported. `table` is what columns are looked up in.
    pub(crate) fn arguments(
        &mut self,
        signature: &'static Signature,
        named: &[(Name, Written<'_>)],
        table: Option<NodeId>,
        call_span: Span,
        scope: &Scope,
        extra: &mut Extra,
    ) -> (Option<Args>, Vec<(String, Span)>) {
        let mut values: Vec<(String, ArgValue)> = Vec::new();
        let mut spans = Vec::new();
        let (mut wrong, mut unknown) = (false, false);
        let mut open: Vec<(String, ArgValue)> = Vec::new();
        let open_spec = signature.args.iter().find(|a| matches!(a.kind, ArgKind::NewColumns | ArgKind::ColumnCounts));
        for (name, written) in named {
            spans.push((name.text.clone(), written.span()));
            match (signature.arg(&name.text).filter(|a| Some(a.name) != open_spec.map(|o| o.name)), open_spec) {
                (Some(spec), _) => match self.argument(spec, written, table, scope, extra) {
                    Some(value) => values.push((spec.name.into(), value)),
                    // What says nothing of the result's type may be wrong, and the rest is still checked.
                    None if spec.default.is_some() && silent(spec.kind) => {
                        values.extend(spec.default.map(|d| (spec.name.into(), ArgValue::from(d))));
                    }
                    None if spec.optional && silent(spec.kind) => {}
                    None => wrong = true,
                },
                (None, Some(spec)) => match self.open_argument(spec, name, written, table, scope, extra) {
                    Some(value) => open.push((name.text.clone(), value)),
                    None if spec.kind == ArgKind::ColumnCounts => unknown = true,
                    None => wrong = true,
                },
                (None, None) => {
                    self.unknown_argument(signature, name);
                    unknown = true;
                }
            }
        }
        if let Some(spec) = open_spec {
            if open.is_empty() && !wrong && !unknown {
                let stage = signature.name;
                self.report(Diagnostic::error(
                    "E0107",
                    call_span,
                    say!("`{stage}` needs at least one `name = …`", "`{stage}` 至少需要一个 `名称 = …`"),
                ));
                wrong = true;
            }
            values.push((spec.name.into(), ArgValue::Named(open)));
        }
        for spec in signature.args {
            let given = named.iter().any(|(n, _)| n.text == spec.name) || values.iter().any(|(n, _)| n == spec.name);
            match (given, spec.default) {
                (true, _) => {}
                (false, Some(default)) => values.push((spec.name.into(), ArgValue::from(default))),
                (false, None) if spec.optional || spec.kind == ArgKind::Declarations => {}
                // Most likely it is the one that was misspelt.
                (false, None) if unknown => wrong = true,
                (false, None) => {
                    let (stage, argument) = (signature.name, spec.name);
                    let doc = spec.doc;
                    self.report(
                        Diagnostic::error(
                            "E0107",
                            call_span,
                            say!("`{stage}` needs `{argument}`", "`{stage}` 缺少参数 `{argument}`"),
                        )
                        .note(say!("`{argument}`: {doc}", "`{argument}`：{doc}")),
                    );
                    wrong = true;
                }
            }
        }
        (if wrong { None } else { Some(Args(values)) }, spans)
    }

    /// Says the mistakes of arguments that need no input, where the inputs are broken already.
    pub(crate) fn arguments_without_table(
        &mut self,
        signature: &'static Signature,
        named: &[(Name, Written<'_>)],
        _call_span: Span,
        scope: &Scope,
    ) {
        let open = signature.args.iter().any(|a| matches!(a.kind, ArgKind::NewColumns | ArgKind::ColumnCounts));
        for (name, written) in named {
            match signature.arg(&name.text) {
                Some(spec) if plain(spec.kind) => {
                    self.argument(spec, written, None, scope, &mut Vec::new());
                }
                Some(_) => {}
                None if open || name.text == "fit" => {}
                None => self.unknown_argument(signature, name),
            }
        }
    }

    pub(crate) fn unknown_argument(&mut self, signature: &'static Signature, name: &Name) {
        let (stage, text) = (signature.name, &name.text);
        let mut d = Diagnostic::error(
            "E0105",
            name.span,
            say!("`{stage}` has no argument `{text}`", "`{stage}` 没有参数 `{text}`"),
        );
        match did_you_mean(text, signature.args.iter().map(|a| a.name)) {
            Some(help) => d = d.help(help),
            None if signature.args.is_empty() => {
                d = d.note(say!("it takes none", "它不接受任何参数"));
            }
            None => {
                let all = signature.args.iter().map(|a| format!("`{}`", a.name)).collect::<Vec<_>>().join(", ");
                d = d.note(say!("it takes {all}", "它接受 {all}"));
            }
        }
        self.report(d);
    }

    fn argument(
        &mut self,
        spec: &'static ArgSpec,
        written: &Written<'_>,
        table: Option<NodeId>,
        scope: &Scope,
        extra: &mut Extra,
    ) -> Option<ArgValue> {
        let expr = match written {
            Written::Cut(cut) => {
                let n = self.cut_value(cut, scope)?;
                return self.in_range(spec, n as f64, cut.span).then_some(ArgValue::Int(n));
            }
            Written::Expr(e) => *e,
        };
        // Only a network's value, a loss, and the ref along which one is read see the task's columns (N2).
        let plain;
        let sees = [ArgKind::Joint, ArgKind::Loss, ArgKind::Target, ArgKind::RefColumn].contains(&spec.kind);
        let scope = if sees || scope.row.is_none() {
            scope
        } else {
            plain = Scope { row: None, ..scope.clone() };
            &plain
        };
        match spec.kind {
            ArgKind::Int => self.number(spec, expr, scope, true),
            ArgKind::Float => self.number(spec, expr, scope, false),
            ArgKind::Share => self.number(spec, expr, scope, false),
            ArgKind::ShareOrCount => self.share_or_count(spec, expr, scope),
            ArgKind::Bool => match self.evaluate(expr, scope) {
                Item::Bool(b) => Some(ArgValue::Bool(b)),
                Item::Unknown => None,
                other => self.wrong_kind(spec, &other, expr.span, "`true` or `false`", "`true` 或 `false`"),
            },
            ArgKind::Text | ArgKind::Path => self.text(spec, expr, scope),
            ArgKind::Paths => match self.evaluate(expr, scope) {
                Item::List(items) => {
                    let mut paths = Vec::new();
                    for (item, span) in items {
                        match item {
                            Item::Text(t) if t.plain().is_some() => paths.push(ArgValue::Text(t.plain()?)),
                            Item::Unknown => return None,
                            other => return self.wrong_kind(spec, &other, span, "a path in quotes", "带引号的路径"),
                        }
                    }
                    Some(ArgValue::List(paths))
                }
                Item::Text(t) if t.plain().is_some() => Some(ArgValue::List(vec![ArgValue::Text(t.plain()?)])),
                Item::Unknown => None,
                other => self.wrong_kind(spec, &other, expr.span, "a path in quotes", "带引号的路径"),
            },
            ArgKind::Words(words) => self.word(spec, words, expr, scope),
            ArgKind::Sizes(count) => self.sizes(spec, count, expr, scope),
            ArgKind::Values => self.values(spec, expr, scope),
            ArgKind::Numbers => match self.evaluate(expr, scope) {
                Item::List(items) => {
                    let mut numbers = Vec::new();
                    for (item, span) in items {
                        match item {
                            Item::Number { value, unit: None, .. } => numbers.push(ArgValue::Float(value)),
                            Item::Unknown => return None,
                            other => return self.wrong_kind(spec, &other, span, "a number", "数字"),
                        }
                    }
                    Some(ArgValue::List(numbers))
                }
                Item::Unknown => None,
                other => self.wrong_kind(spec, &other, expr.span, "a list of numbers", "数字列表"),
            },
            ArgKind::Column => self.column_argument(spec, expr, table, scope).map(ArgValue::Column),
            ArgKind::Columns => {
                let items: Vec<&Expr> = match &expr.kind {
                    ExprKind::List(items) => items.iter().collect(),
                    _ => vec![expr],
                };
                let mut columns = Vec::new();
                let mut wrong = false;
                for item in items {
                    match self.column_argument(spec, item, table, scope) {
                        Some(c) => columns.push(ArgValue::Column(c)),
                        None => wrong = true,
                    }
                }
                (!wrong).then_some(ArgValue::List(columns))
            }
            ArgKind::Condition => {
                let table = table?;
                let (row, elem) = self.row_expr(expr, table, scope, extra)?;
                if !matches!(elem, Elem::Bool | Elem::Unknown) {
                    let found = elem.to_string();
                    self.report(
                        Diagnostic::error(
                            "E0305",
                            expr.span,
                            say!("a condition is needed, this is {found}", "此处需要条件，这里是 {found}"),
                        )
                        .help(say!("compare it: `… >= 4`", "请作比较：`… >= 4`")),
                    );
                    return None;
                }
                Some(ArgValue::Row(row))
            }
            ArgKind::Target | ArgKind::RefColumn => self.target(spec, expr, scope, extra),
            ArgKind::FitRows => None,
            ArgKind::Optimizer => self.recipe_argument(spec, expr, scope, RecipeKind::Optimizer),
            ArgKind::Stop => self.recipe_argument(spec, expr, scope, RecipeKind::Stop),
            ArgKind::Loss => match self.evaluate(expr, scope) {
                Item::Losses(list) => Some(ArgValue::Losses(list.into_iter().map(|(w, r, _)| (w, r)).collect())),
                Item::Recipe { recipe, kind: RecipeKind::Loss, .. } => Some(ArgValue::Losses(vec![(1.0, recipe)])),
                Item::Unknown => None,
                other => self.wrong_kind(spec, &other, expr.span, "a loss", "损失"),
            },
            ArgKind::Measure => self.measure_argument(expr, scope),
            ArgKind::Joint => match self.evaluate(expr, scope) {
                Item::Node(node) => {
                    extra.push((node, expr.span));
                    Some(ArgValue::Input(extra.len()))
                }
                Item::Unknown => None,
                other => self.wrong_kind(spec, &other, expr.span, "a network's value", "网络的值"),
            },
            ArgKind::Declarations | ArgKind::NewColumns | ArgKind::ColumnCounts => None,
        }
    }

    fn open_argument(
        &mut self,
        spec: &'static ArgSpec,
        name: &Name,
        written: &Written<'_>,
        table: Option<NodeId>,
        scope: &Scope,
        extra: &mut Extra,
    ) -> Option<ArgValue> {
        let Written::Expr(expr) = written else { return None };
        let table = table?;
        match spec.kind {
            ArgKind::NewColumns => {
                if let Some(t) = self.table_type(table)
                    && t.column(&name.text).is_some()
                {
                    let text = &name.text;
                    self.report(
                        Diagnostic::error(
                            "E0102",
                            name.span,
                            say!("the table has a column `{text}` already", "表中已有列 `{text}`"),
                        )
                        .help(say!("give the new one another name", "请为新列另取一个名字")),
                    );
                    return None;
                }
                let (row, elem) = self.row_expr(expr, table, scope, extra)?;
                self.row_types.push((name.text.clone(), elem));
                Some(ArgValue::Row(row))
            }
            _ => {
                if self.table_type(table).is_none_or(|t| t.column(&name.text).is_none()) {
                    self.no_column(table, &name.text, name.span);
                    return None;
                }
                self.number(spec, expr, scope, true)
            }
        }
    }

    /// Reports that a table has no such column.
    pub(crate) fn no_column(&mut self, table: NodeId, name: &str, span: Span) {
        let owner = self.graph.dag[table].label.clone();
        let place = self.graph.dag[table].span;
        let columns: Vec<String> =
            self.table_type(table).into_iter().flat_map(|t| t.columns.iter().map(|(n, _)| n.clone())).collect();
        let mut d =
            Diagnostic::error("E0206", span, say!("`{owner}` has no column `{name}`", "`{owner}` 没有列 `{name}`"))
                .also(place, say!("this table", "此表"));
        match did_you_mean(name, columns.iter().map(String::as_str)) {
            Some(help) => d = d.help(help),
            None if !columns.is_empty() && columns.len() <= 16 => {
                let all = columns.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
                d = d.note(say!("it has {all}", "它有 {all}"));
            }
            None => {}
        }
        self.report(d);
    }

    fn column_argument(
        &mut self,
        spec: &'static ArgSpec,
        expr: &Expr,
        table: Option<NodeId>,
        scope: &Scope,
    ) -> Option<String> {
        let name = match &expr.kind {
            ExprKind::Name(n) => {
                // A def's parameter stands for the column that was given.
                match scope.locals.iter().rev().find(|l| l.name == *n) {
                    Some(local) => {
                        local.used.set(true);
                        match &local.item {
                            Item::ColumnName(column, _) => column.clone(),
                            _ => n.clone(),
                        }
                    }
                    None => n.clone(),
                }
            }
            ExprKind::Text(t) => t.plain()?,
            ExprKind::Field { name, .. } => {
                let (argument, column) = (spec.name, &name.text);
                self.report(
                    Diagnostic::error(
                        "E0108",
                        expr.span,
                        say!(
                            "`{argument}` takes a column of the table that flows in, bare",
                            "`{argument}` 接受流入之表的列，直接写列名"
                        ),
                    )
                    .help(say!("write `{argument} = {column}`", "请写 `{argument} = {column}`")),
                );
                return None;
            }
            ExprKind::Broken => return None,
            _ => {
                let argument = spec.name;
                self.report(Diagnostic::error(
                    "E0108",
                    expr.span,
                    say!("`{argument}` takes a column's name", "`{argument}` 接受列名"),
                ));
                return None;
            }
        };
        // A source's columns stand in its block, which its own `infer` looks at.
        let Some(table) = table else { return Some(name) };
        if self.table_type(table).is_some_and(|t| t.column(&name).is_some()) {
            return Some(name);
        }
        if self.table_type(table).is_some() {
            self.no_column(table, &name, expr.span);
        }
        None
    }

    fn number(&mut self, spec: &'static ArgSpec, expr: &Expr, scope: &Scope, whole: bool) -> Option<ArgValue> {
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

    fn share_or_count(&mut self, spec: &'static ArgSpec, expr: &Expr, scope: &Scope) -> Option<ArgValue> {
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

    fn text(&mut self, spec: &'static ArgSpec, expr: &Expr, scope: &Scope) -> Option<ArgValue> {
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

    fn word(
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

    fn sizes(&mut self, spec: &'static ArgSpec, count: usize, expr: &Expr, scope: &Scope) -> Option<ArgValue> {
        let item = self.evaluate(expr, scope);
        let items = match item {
            Item::Unknown => return None,
            Item::List(items) => items,
            other => {
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

    fn values(&mut self, spec: &'static ArgSpec, expr: &Expr, scope: &Scope) -> Option<ArgValue> {
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

    /// A table, or a ref column that leads to one: an input of the node.
    fn target(&mut self, spec: &'static ArgSpec, expr: &Expr, scope: &Scope, extra: &mut Extra) -> Option<ArgValue> {
        match self.evaluate(expr, scope) {
            Item::Node(node) => {
                let ok = match self.ty(node) {
                    Type::Unknown => return None,
                    Type::Table(_) => spec.kind == ArgKind::Target,
                    Type::Column(c) => matches!(c.elem, Elem::Ref(_) | Elem::Category(_)),
                    _ => false,
                };
                if !ok {
                    let (argument, found) = (spec.name, self.describe(node));
                    self.report(Diagnostic::error(
                        "E0404",
                        expr.span,
                        say!(
                            "`{argument}` takes a column that leads to other rows (a ref or a category), this is {found}",
                            "`{argument}` 接受通向其他行的列（引用或类别），这里是 {found}"
                        ),
                    ));
                    return None;
                }
                extra.push((node, expr.span));
                Some(ArgValue::Input(extra.len()))
            }
            Item::Unknown => None,
            other => self.wrong_kind(spec, &other, expr.span, "a table or a ref column", "表或引用列"),
        }
    }

    fn recipe_argument(
        &mut self,
        spec: &'static ArgSpec,
        expr: &Expr,
        scope: &Scope,
        wanted: RecipeKind,
    ) -> Option<ArgValue> {
        match self.evaluate(expr, scope) {
            Item::Recipe { recipe, kind, .. } if kind == wanted => Some(ArgValue::Recipe(recipe)),
            Item::Unknown => None,
            other => {
                let word = Type::Recipe(wanted).word();
                let en = format!("an {word}").replace("an stop", "a stop");
                self.wrong_kind(spec, &other, expr.span, &en, super::types::chinese(word))
            }
        }
    }

    fn wrong_kind(&mut self, spec: &'static ArgSpec, found: &Item, span: Span, en: &str, zh: &str) -> Option<ArgValue> {
        let argument = spec.name;
        let Text { en: what, zh: found } = self.item_words(found);
        self.report(Diagnostic::error(
            "E0108",
            span,
            say!("`{argument}` takes {en}, this is {what}", "`{argument}` 接受{zh}，这里是{found}"),
        ));
        None
    }

    pub(crate) fn item_words(&self, item: &Item) -> Text {
        match item {
            Item::Unknown => say!("unknown", "未知"),
            Item::Node(n) => self.words_of(*n),
            Item::Number { unit: Some(u), .. } => {
                let unit = unit_word(*u);
                say!("a number of {unit}", "带单位 {unit} 的数")
            }
            Item::Number { integer: Some(_), .. } => say!("a whole number", "整数"),
            Item::Number { .. } => say!("a number", "小数"),
            Item::Bool(_) => say!("a truth value", "真假值"),
            Item::Text(_) => say!("a text", "文本"),
            Item::List(_) => say!("a list", "列表"),
            Item::Range { .. } => say!("a range", "范围"),
            Item::Recipe { recipe, .. } => {
                let stage = &recipe.stage;
                say!("`{stage}`", "`{stage}`")
            }
            Item::Losses(_) => say!("a sum of losses", "损失之和"),
            Item::ColumnName(..) => say!("a column's name", "列名"),
        }
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

/// Tells whether an argument says nothing of a result's type.
fn silent(kind: ArgKind) -> bool {
    matches!(kind, ArgKind::Bool | ArgKind::Float | ArgKind::Share | ArgKind::Optimizer | ArgKind::Stop | ArgKind::Loss)
}

/// Tells whether an argument needs neither table nor columns.
fn plain(kind: ArgKind) -> bool {
    matches!(
        kind,
        ArgKind::Int
            | ArgKind::Float
            | ArgKind::Bool
            | ArgKind::Share
            | ArgKind::Text
            | ArgKind::Words(_)
            | ArgKind::Sizes(_)
            | ArgKind::Optimizer
            | ArgKind::Stop
    )
}
