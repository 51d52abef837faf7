//! Arguments: each against its declared kind, unit, words and range.

use super::argument_numbers::unit_word;
use super::call::Written;
use super::resolve::did_you_mean;
use super::{Checker, Item, Scope};
use crate::args::{ArgKind, ArgSpec, ArgValue, Args};
use crate::diagnostic::{Diagnostic, Text};
use crate::graph::NodeId;
use crate::say;
use crate::signature::Signature;
use crate::span::Span;
use crate::syntax::tree::{Expr, ExprKind, Name};
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
            let open_name = |a: &&ArgSpec| Some(a.name) == open_spec.map(|o| o.name) || a.kind == ArgKind::Heads;
            match (signature.arg(&name.text).filter(|a| !open_name(a)), open_spec) {
                (Some(spec), _) => match self.argument(spec, written, table, scope, extra) {
                    Some(value) => values.push((spec.name.into(), value)),
                    // What says nothing of the result's type may be wrong, and the rest is still checked.
                    None if spec.default.is_some() && silent(spec.kind) => {
                        values.extend(spec.default.map(|d| (spec.name.into(), ArgValue::from(d))));
                    }
                    None if spec.optional && silent(spec.kind) => {}
                    None => wrong = true,
                },
                (None, Some(spec)) => {
                    match self.open_argument(signature.name, spec, name, written, table, scope, extra) {
                        Some(value) => open.push((name.text.clone(), value)),
                        None if spec.kind == ArgKind::ColumnCounts => unknown = true,
                        None => wrong = true,
                    }
                }
                (None, None) => {
                    self.unknown_argument(signature, name, written);
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
                (false, None) if spec.optional || matches!(spec.kind, ArgKind::Declarations | ArgKind::Heads) => {}
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
        let tasks = signature.args.iter().any(|a| a.kind == ArgKind::Heads);
        for (name, written) in named {
            // What is a task is read beside a split alone.
            let is_task = tasks && matches!(written, Written::Expr(e) if matches!(e.kind, ExprKind::Call(_)));
            match signature.arg(&name.text) {
                None if is_task => {}
                Some(spec) if plain(spec.kind) => {
                    self.argument(spec, written, None, scope, &mut Vec::new());
                }
                Some(_) => {}
                None if open || name.text == "fit" => {}
                None => self.unknown_argument(signature, name, written),
            }
        }
    }

    pub(crate) fn unknown_argument(&mut self, signature: &'static Signature, name: &Name, written: &Written<'_>) {
        let (stage, text) = (signature.name, &name.text);
        let condition = signature.args.iter().any(|a| a.kind == ArgKind::Condition);
        if let (true, Written::Expr(value)) = (condition, written) {
            let value = self.source_text(value.span);
            self.report(
                Diagnostic::error(
                    "E0105",
                    name.span,
                    say!(
                        "`{stage}` has no argument `{text}`, and a comparison is written with `==`",
                        "`{stage}` 没有参数 `{text}`；比较须写作 `==`"
                    ),
                )
                .here(say!("one `=` gives an argument its value", "单个 `=` 是给参数赋值"))
                .help(say!("write `{stage}({text} == {value})`", "请写 `{stage}({text} == {value})`")),
            );
            return;
        }
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
                let written = signature.args.iter().filter(|a| a.kind != ArgKind::Heads);
                let all = written.map(|a| format!("`{}`", a.name)).collect::<Vec<_>>().join(", ");
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
            Written::Several(list) => return self.counts(spec, list, scope),
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
                Item::Number { value, unit: None, .. } => Some(ArgValue::List(vec![ArgValue::Float(value)])),
                Item::Unknown => None,
                other => self.wrong_kind(spec, &other, expr.span, "a number, or a list of numbers", "数字，或数字列表"),
            },
            ArgKind::Column => self.column_argument(spec, expr, table, scope).map(ArgValue::Column),
            ArgKind::Columns | ArgKind::OtherColumns => {
                let table = table.filter(|_| spec.kind == ArgKind::Columns);
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
            ArgKind::Table => self.table_argument(spec, expr, scope, extra),
            ArgKind::FitRows => None,
            ArgKind::Counts => match &expr.kind {
                ExprKind::List(list) => self.counts(spec, &list.iter().collect::<Vec<_>>(), scope),
                _ => self.counts(spec, &[expr], scope),
            },
            ArgKind::Network => self.network(spec, expr, scope),
            ArgKind::Recipe(kind) => self.recipe_argument(spec, expr, scope, RecipeKind::Other(kind)),
            ArgKind::Optimizer => self.recipe_argument(spec, expr, scope, RecipeKind::Optimizer),
            ArgKind::Stop => self.recipe_argument(spec, expr, scope, RecipeKind::Stop),
            ArgKind::Loss => self.loss_argument(spec, expr, scope, extra),
            ArgKind::Measure => self.measure_argument(expr, scope),
            ArgKind::Graph | ArgKind::Train => match self.evaluate(expr, scope) {
                Item::Node(node) => match (self.ty(node), spec.kind) {
                    (Type::Graph(_), ArgKind::Graph) | (Type::Train(_), ArgKind::Train) => {
                        extra.push((node, expr.span));
                        Some(ArgValue::Input(extra.len()))
                    }
                    (Type::Unknown, _) => None,
                    _ => self.wrong_node(spec, Item::Node(node), expr.span),
                },
                Item::Unknown => None,
                other => self.wrong_node(spec, other, expr.span),
            },
            ArgKind::Metric => {
                let node = self.declared_metric(spec, expr)?;
                extra.push((node, expr.span));
                Some(ArgValue::Input(extra.len()))
            }
            ArgKind::Inputs => {
                let items: Vec<&Expr> = match &expr.kind {
                    ExprKind::List(items) => items.iter().collect(),
                    _ => vec![expr],
                };
                let mut inputs = Vec::new();
                for item in items {
                    match self.evaluate(item, scope) {
                        Item::Node(node) if matches!(self.ty(node), Type::Column(_)) => {
                            extra.push((node, item.span));
                            inputs.push(ArgValue::Input(extra.len()));
                        }
                        Item::Node(node) if *self.ty(node) == Type::Unknown => return None,
                        Item::Unknown => return None,
                        other => return self.wrong_kind(spec, &other, item.span, "a column", "列"),
                    }
                }
                Some(ArgValue::List(inputs))
            }
            ArgKind::Joint => match self.evaluate(expr, scope) {
                Item::Node(node) => {
                    extra.push((node, expr.span));
                    Some(ArgValue::Input(extra.len()))
                }
                Item::Unknown => None,
                other => self.wrong_kind(spec, &other, expr.span, "a network's value", "网络的值"),
            },
            ArgKind::WordOrNumbers(words) => match &expr.kind {
                ExprKind::List(items) => {
                    let mut numbers = Vec::new();
                    for item in items {
                        match self.evaluate(item, scope) {
                            Item::Number { value, unit: None, .. } => {
                                if !self.in_range(spec, value, item.span) {
                                    return None;
                                }
                                numbers.push(ArgValue::Float(value));
                            }
                            Item::Unknown => return None,
                            other => return self.wrong_kind(spec, &other, item.span, "a number", "数字"),
                        }
                    }
                    Some(ArgValue::List(numbers))
                }
                _ => self.word(spec, words, expr, scope),
            },
            ArgKind::Declarations | ArgKind::NewColumns | ArgKind::ColumnCounts | ArgKind::Heads => None,
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn open_argument(
        &mut self,
        stage: &str,
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
                let column = self.table_type(table).and_then(|t| t.column(&name.text)).cloned();
                let Some(column) = column else {
                    self.no_column(table, &name.text, name.span);
                    return None;
                };
                self.column_count(stage, name, &column.elem, expr, scope)
            }
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

    /// Refuses what is neither a graph nor a train, where one of the two is wanted.
    fn wrong_node(&mut self, spec: &'static ArgSpec, found: Item, span: Span) -> Option<ArgValue> {
        let (en, zh) = if spec.kind == ArgKind::Graph { ("a graph", "图") } else { ("a train", "训练") };
        self.wrong_kind(spec, &found, span, en, zh)
    }

    pub(super) fn wrong_kind(
        &mut self,
        spec: &'static ArgSpec,
        found: &Item,
        span: Span,
        en: &str,
        zh: &str,
    ) -> Option<ArgValue> {
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
}

/// Tells whether an argument says nothing of a result's type.
fn silent(kind: ArgKind) -> bool {
    matches!(
        kind,
        ArgKind::Bool
            | ArgKind::Float
            | ArgKind::Share
            | ArgKind::Optimizer
            | ArgKind::Recipe(_)
            | ArgKind::Network
            | ArgKind::Stop
            | ArgKind::Loss
    )
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
            | ArgKind::Counts
            | ArgKind::Network
            | ArgKind::Recipe(_)
            | ArgKind::Optimizer
            | ArgKind::Stop
    )
}
