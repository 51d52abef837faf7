//! Calls: a def, or a stage of the vocabulary with its inputs, arguments and block.

use super::argument::Extra;
use super::express::{OVER, losses};
use super::resolve::did_you_mean;
use super::scope::Loss;
use super::{Checker, Item, Scope};
use crate::args::{ArgKind, ArgSpec, ArgValue, Args, Recipe};
use crate::diagnostic::{Diagnostic, Text};
use crate::graph::NodeId;
use crate::notation::{Notation, Pattern};
use crate::say;
use crate::signature::{BlockKind, BodyKind, Group, Signature};
use crate::span::Span;
use crate::syntax::tree::{Block, Call, Expr, LineKind, Name};
use crate::types::{ColumnType, RecipeKind, Type};

/// What was written for one argument.
#[derive(Clone)]
pub(crate) enum Written<'e> {
    Expr(&'e Expr),
    /// Of an argument that takes as many as are written.
    Several(Vec<&'e Expr>),
    /// `@20`
    Cut(&'e crate::syntax::tree::Cut),
}

impl Written<'_> {
    pub(crate) fn span(&self) -> Span {
        match self {
            Written::Expr(e) => e.span,
            Written::Several(list) => {
                let (first, last) = (list.first().map_or(Span::default(), |e| e.span), list.last());
                Span { end: last.map_or(first.end, |e| e.span.end), ..first }
            }
            Written::Cut(c) => c.span,
        }
    }
}

/// A call's parts, told apart.
struct Parts<'e> {
    inputs: Vec<(Item, Span)>,
    named: Vec<(Name, Written<'e>)>,
    columns: Option<&'e Block>,
}

impl Checker<'_> {
    /// Returns what a call gives. `piped` is what stands before `|>`.
    pub(crate) fn call(&mut self, call: &Call, span: Span, piped: Option<(Item, Span)>, scope: &Scope) -> Item {
        let name = &call.name.text;
        if self.is_def(name) {
            return self.call_def(call, piped, scope);
        }
        let Some(entry) = self.vocabulary.get(name).cloned() else {
            return self.unknown_stage(call, scope);
        };
        let signature = entry.signature;
        let Some(parts) = self.tell_apart(call, signature, piped, scope) else { return Item::Unknown };
        // A name may be a metric too (`mse`), which stands in metric blocks alone.
        if entry.kinds.contains(&BodyKind::Recipe) {
            return self.recipe(signature, call, parts, scope);
        }
        if entry.kinds.contains(&BodyKind::Size) {
            return self.size_of(parts, call.name.span);
        }
        if signature.block == BlockKind::Value {
            return parts.inputs.into_iter().next().map_or(Item::Unknown, |(item, _)| item);
        }
        if entry.kinds.contains(&BodyKind::Train) {
            return self.train(signature, call, parts.inputs, parts.named, span, scope);
        }
        if entry.kinds.contains(&BodyKind::Metric) {
            self.report(Diagnostic::error("E0119", span, say!("`{name}` is a metric", "`{name}` 是指标")).help(say!(
                "declare it: `metric … = TRAIN on PART {{ {name} }}`",
                "请声明：`metric … = 训练 on 部分 {{ {name} }}`"
            )));
            return Item::Unknown;
        }
        self.stage(signature, &entry.kinds, call, parts, span, scope)
    }

    fn unknown_stage(&mut self, call: &Call, scope: &Scope) -> Item {
        let name = call.name.text.clone();
        let span = call.name.span;
        let twice = |d: &&super::Declared| d.tree.kind.name().is_some_and(|n| n.text == name);
        if self.declared.iter().filter(twice).count() > 1 {
            // That was told at the second of them, which may be the one that is meant.
            return Item::Unknown;
        }
        let known = self.names.contains_key(&name) || scope.locals.iter().any(|l| l.name == name);
        if known {
            self.report(
                Diagnostic::error("E0104", span, say!("`{name}` is no stage", "`{name}` 不是处理阶段"))
                    .here(say!("it is declared as a value, and takes no input", "它被声明为值，不接受输入")),
            );
            return Item::Unknown;
        }
        let mut d =
            Diagnostic::error("E0104", span, say!("there is no stage `{name}`", "没有名为 `{name}` 的处理阶段"));
        let stages: Vec<&str> = self.vocabulary.iter().map(|e| e.signature.name).collect();
        let defs: Vec<String> = self.names.keys().filter(|n| self.is_def(n)).cloned().collect();
        match did_you_mean(&name, stages.into_iter().chain(defs.iter().map(String::as_str))) {
            Some(help) => d = d.help(help),
            None => d = d.note(say!("`mmf stages` lists them all", "`mmf stages` 列出全部阶段")),
        }
        self.report(d);
        Item::Unknown
    }

    /// Tells inputs from arguments: the piped value and the first positional ones are inputs, as many as the types take.
    fn tell_apart<'e>(
        &mut self,
        call: &'e Call,
        signature: &'static Signature,
        piped: Option<(Item, Span)>,
        scope: &Scope,
    ) -> Option<Parts<'e>> {
        let notations = self.notations(signature);
        let most = notations.iter().map(|n| if n.repeats { usize::MAX } else { n.inputs.len() }).max().unwrap_or(0);
        let most = if signature.block == BlockKind::Value { 1 } else { most };
        let flows = notations.iter().all(|n| !n.inputs.iter().any(|p| matches!(p, Pattern::Other(_))));
        let most = if flows { most } else { 0 };
        let name = call.name.text.clone();
        let mut inputs = Vec::new();
        if let Some(p) = piped {
            if most == 0 {
                self.report(Diagnostic::error(
                    "E0307",
                    p.1,
                    say!(
                        "`{name}` takes no input, so nothing can flow into it",
                        "`{name}` 不接受输入，无法接在管道之后"
                    ),
                ));
                return None;
            }
            inputs.push(p);
        }
        let mut named: Vec<(Name, Written)> = Vec::new();
        let specs: Vec<&'static ArgSpec> = signature.args.iter().collect();
        let mut next = 0;
        for arg in call.args.iter().flatten() {
            match &arg.name {
                Some(n) => named.push((n.clone(), Written::Expr(&arg.value))),
                None if inputs.len() < most => {
                    let item = self.evaluate_input(&arg.value, scope);
                    inputs.push((item, arg.value.span));
                }
                None => {
                    match specs.get(next) {
                        Some(spec) if spec.kind == ArgKind::Counts => {
                            match named.iter_mut().find(|(n, _)| n.text == spec.name) {
                                Some((_, Written::Several(list))) => list.push(&arg.value),
                                _ => {
                                    let n = Name { text: spec.name.into(), span: arg.value.span };
                                    named.push((n, Written::Several(vec![&arg.value])));
                                }
                            }
                            continue;
                        }
                        Some(spec) if !matches!(spec.kind, ArgKind::NewColumns | ArgKind::ColumnCounts) => {
                            let n = Name { text: spec.name.into(), span: arg.value.span };
                            named.push((n, Written::Expr(&arg.value)));
                        }
                        _ => {
                            let count = match specs.len() {
                                0 => say!("no arguments", "不接受参数"),
                                1 => say!("at most 1 argument without a name", "最多接受 1 个不带名称的参数"),
                                n => say!("at most {n} arguments without a name", "最多接受 {n} 个不带名称的参数"),
                            };
                            let Text { en, zh } = count;
                            self.report(Diagnostic::error(
                                "E0112",
                                arg.value.span,
                                say!("`{name}` takes {en}", "`{name}` {zh}"),
                            ));
                        }
                    }
                    next += 1;
                }
            }
        }
        if let Some(cut) = &call.cut {
            named.push((Name { text: "k".into(), span: cut.span }, Written::Cut(cut)));
        }
        let mut columns = None;
        match (&call.block, signature.block) {
            (None, _) => {}
            (Some(block), BlockKind::Columns) => columns = Some(block),
            (Some(block), BlockKind::Value) => {
                let mut inner = scope.clone();
                inner.network = true;
                inputs.push((self.value_block(block, &inner), block.span));
            }
            (Some(block), BlockKind::Settings) => self.settings(block, &name, &mut named),
        }
        let mut seen: Vec<(String, Span)> = Vec::new();
        named.retain(|(n, _)| match seen.iter().find(|(s, _)| *s == n.text).cloned() {
            Some((text, first)) => {
                self.report(
                    Diagnostic::error("E0106", n.span, say!("`{text}` is given twice", "`{text}` 给出了两次"))
                        .here(say!("again here", "再次给出"))
                        .also(first, say!("first here", "首次给出")),
                );
                false
            }
            None => {
                seen.push((n.text.clone(), n.span));
                true
            }
        });
        Some(Parts { inputs, named, columns })
    }

    /// Evaluates an input; inside a network scope a block may stand for it.
    fn evaluate_input(&mut self, expr: &Expr, scope: &Scope) -> Item {
        self.evaluate(expr, scope)
    }

    pub(super) fn settings<'e>(&mut self, block: &'e Block, stage: &str, named: &mut Vec<(Name, Written<'e>)>) {
        for line in &block.lines {
            match &line.kind {
                LineKind::Setting { name, value } => named.push((name.clone(), Written::Expr(value))),
                LineKind::Value(value) => {
                    self.report(
                        Diagnostic::error(
                            "E0105",
                            value.span,
                            say!("settings of `{stage}` have names", "`{stage}` 的设置需要名称"),
                        )
                        .help(say!("write `name = value`", "请写 `名称 = 值`")),
                    );
                }
                LineKind::Column { name, .. } => {
                    let text = &name.text;
                    self.report(
                        Diagnostic::error(
                            "E0105",
                            name.span,
                            say!("`{stage}` declares no columns", "`{stage}` 不声明列"),
                        )
                        .help(say!("a setting is written `{text} = …`", "设置应写作 `{text} = …`")),
                    );
                }
            }
        }
    }

    fn recipe(&mut self, signature: &'static Signature, call: &Call, parts: Parts<'_>, scope: &Scope) -> Item {
        let mut inputs = Vec::new();
        let (args, _) = self.arguments(signature, &parts.named, None, call.name.span, scope, &mut inputs);
        let made = signature.types.iter().filter_map(|t| Some(t.split_once("->")?.1.trim()));
        let kind = match made.into_iter().find(|made| *made != "metric") {
            Some("optimizer") => RecipeKind::Optimizer,
            Some("stop") => RecipeKind::Stop,
            Some("loss") | None => RecipeKind::Loss,
            Some(other) => RecipeKind::Other(other),
        };
        let is_recipe = |n: &&Notation| matches!(&n.output, Pattern::Other(word) if word != "metric");
        let Some(mut notation) = self.notations(signature).iter().find(is_recipe).cloned() else {
            return Item::Unknown;
        };
        let mut given = parts.inputs;
        let mut inner = None;
        if notation.inputs.first() == Some(&Pattern::Loss) {
            notation.inputs.remove(0);
            inner = match self.inner_loss(signature, call, &mut given) {
                Some(losses) => Some(losses),
                None => return Item::Unknown,
            };
        }
        let flowing = self.flowing(signature, &notation, call, given);
        match (args, flowing) {
            (Some(mut args), Some(flowing)) => {
                for (place, input) in flowing.into_iter().enumerate() {
                    inputs.push(input);
                    args.0.push((place.to_string(), ArgValue::Input(inputs.len())));
                }
                let Some(mut losses) = inner else {
                    let recipe = Recipe { stage: signature.name.into(), args };
                    return Item::Recipe { recipe, kind, inputs };
                };
                // It stands behind the terms that it is about.
                args.0.push((OVER.into(), ArgValue::Int(losses.len() as i64)));
                losses.push((1.0, Recipe { stage: signature.name.into(), args }, inputs));
                Item::Losses(losses)
            }
            _ => Item::Unknown,
        }
    }

    /// Returns the loss that flows into another.
    fn inner_loss(
        &mut self,
        signature: &'static Signature,
        call: &Call,
        given: &mut Vec<(Item, Span)>,
    ) -> Option<Vec<Loss>> {
        let name = signature.name;
        let (place, found) = match given.is_empty() {
            true => (call.name.span, None),
            false => {
                let (item, place) = given.remove(0);
                if item == Item::Unknown {
                    return None;
                }
                if let Some(losses) = losses(&item) {
                    if losses.iter().all(|(_, recipe, _)| !recipe.args.has(OVER)) {
                        return Some(losses);
                    }
                    let said = say!(
                        "this loss is asked for at a change already; `{name}` stands behind a plain one",
                        "该损失已在某一变化处再次计算；`{name}` 应接在普通损失之后"
                    );
                    self.report(Diagnostic::error("E0301", place, said).help(say!(
                        "write a sum: `(… |> {name}(a)) + (… |> {name}(b))`",
                        "请写成和：`(… |> {name}(a)) + (… |> {name}(b))`"
                    )));
                    return None;
                }
                (place, Some(self.item_words(&item)))
            }
        };
        let said = match found {
            Some(Text { en, zh }) => {
                say!("`{name}` stands behind a loss, this is {en}", "`{name}` 应接在损失之后，这里是{zh}")
            }
            None => say!("`{name}` stands behind a loss", "`{name}` 应接在损失之后"),
        };
        self.report(
            Diagnostic::error("E0301", place, said)
                .help(say!("write `loss = … |> {name}(…)`", "请写 `loss = … |> {name}(…)`")),
        );
        None
    }

    /// Returns the values that a loss compares, as its notation has them.
    fn flowing(
        &mut self,
        signature: &'static Signature,
        notation: &Notation,
        call: &Call,
        given: Vec<(Item, Span)>,
    ) -> Option<Extra> {
        let mut inputs = Vec::new();
        for (item, place) in given {
            match item {
                Item::Node(node) if *self.ty(node) != Type::Unknown => inputs.push((node, place)),
                Item::Node(_) | Item::Unknown => return None,
                other => {
                    let (name, Text { en, zh }) = (signature.name, self.item_words(&other));
                    self.report(Diagnostic::error(
                        "E0301",
                        place,
                        say!("`{name}` takes values of a network, this is {en}", "`{name}` 接受网络的值，这里是{zh}"),
                    ));
                    return None;
                }
            }
        }
        let fits = self.fits(signature, notation, &inputs, &Args::default(), call.name.span);
        (fits && self.refuse_missing(&inputs, signature).is_some()).then_some(inputs)
    }

    /// Returns the count of distinct values of a column, where the data told it.
    fn size_of(&mut self, parts: Parts<'_>, span: Span) -> Item {
        let Some((item, place)) = parts.inputs.into_iter().next() else {
            self.report(Diagnostic::error(
                "E0307",
                span,
                say!("a column is needed: `classes(table.column)`", "需要一列：`classes(表.列)`"),
            ));
            return Item::Unknown;
        };
        let Item::Node(node) = item else { return Item::Unknown };
        match self.ty(node).clone() {
            Type::Column(ColumnType { elem: crate::types::Elem::Bool, .. }) => Item::int(2),
            Type::Column(ColumnType { elem: crate::types::Elem::Category(d) | crate::types::Elem::Ref(d), .. }) => {
                match self.domain(d).rows {
                    Some(n) => Item::int(n as i64),
                    None => Item::Number { value: f64::NAN, integer: None, unit: None },
                }
            }
            Type::Unknown => Item::Unknown,
            other => {
                let word = match &other {
                    Type::Column(c) => c.elem.to_string(),
                    t => t.word().to_string(),
                };
                self.report(Diagnostic::error(
                    "E0301",
                    place,
                    say!("a category has classes; this is {word}", "只有类别列有类别数；这里是 {word}"),
                ));
                Item::Unknown
            }
        }
    }

    fn stage(
        &mut self,
        signature: &'static Signature,
        kinds: &[BodyKind],
        call: &Call,
        parts: Parts<'_>,
        span: Span,
        scope: &Scope,
    ) -> Item {
        let name = signature.name;
        let mut broken = false;
        let mut inputs: Vec<(NodeId, Span)> = Vec::new();
        for (item, place) in &parts.inputs {
            match item {
                Item::Node(node) if !matches!(self.ty(*node), Type::Unknown) => inputs.push((*node, *place)),
                Item::Unknown | Item::Node(_) => broken = true,
                _ => {
                    self.report(
                        Diagnostic::error(
                            "E0301",
                            *place,
                            say!(
                                "`{name}` takes columns or tables here, this is a plain value",
                                "`{name}` 在此接受列或表，这里却是普通值"
                            ),
                        )
                        .help(say!("name the argument if you meant a setting", "若是设置，请写出参数名")),
                    );
                    broken = true;
                }
            }
        }
        let table = inputs.first().map(|(n, _)| *n).filter(|n| self.table_type(*n).is_some());
        self.row_types.clear();
        let mut extra = Vec::new();
        let fit_name = parts.named.iter().position(|(n, _)| n.text == "fit");
        let fitted = kinds.iter().any(|k| matches!(k, BodyKind::Fit | BodyKind::FitTable));
        let mut named = parts.named.clone();
        let explicit = match fit_name {
            Some(at) if fitted && signature.arg("fit").is_none() => {
                let (_, written) = named.remove(at);
                match written {
                    Written::Expr(e) => Some((self.evaluate(e, scope), e.span)),
                    Written::Cut(_) | Written::Several(_) => None,
                }
            }
            _ => None,
        };
        if broken {
            // The arguments' own mistakes are still worth saying, where they need no input.
            self.arguments_without_table(signature, &named, call.name.span, scope);
            return Item::Unknown;
        }
        let of_rows = |a: &ArgSpec| {
            matches!(a.kind, ArgKind::Condition | ArgKind::NewColumns | ArgKind::ColumnCounts | ArgKind::Column)
        };
        if table.is_none() && signature.group != Group::Source && signature.args.iter().any(of_rows) {
            // Its arguments are columns of a table, and none flows in.
            let notation = signature.types.first().and_then(|t| Notation::parse(t).ok());
            if let Some(notation) = notation {
                self.fits(signature, &notation, &inputs, &Args::default(), call.name.span);
            }
            return Item::Unknown;
        }
        let (args, arg_spans) = self.arguments(signature, &named, table, call.name.span, scope, &mut extra);
        let Some(mut args) = args else { return Item::Unknown };
        if let Some(block) = parts.columns {
            match self.declared_columns(block, scope, &mut extra) {
                Some(columns) => args.0.push(("columns".into(), ArgValue::Columns(columns))),
                None => return Item::Unknown,
            }
        } else if signature.block == BlockKind::Columns {
            self.report(
                Diagnostic::error("E0107", span, say!("`{name}` needs its columns", "`{name}` 需要声明列"))
                    .help(say!("add a block: `{name}(…) {{ id: key, … }}`", "请添加块：`{name}(…) {{ id: key, … }}`")),
            );
            return Item::Unknown;
        }
        let Some((alternative, output)) = self.choose(signature, kinds, &inputs, &args, call.name.span, scope) else {
            return Item::Unknown;
        };
        let kind = kinds.get(alternative).copied().unwrap_or(BodyKind::Rows);
        // The columns that arguments read are inputs of their own, behind the flowing ones.
        let inputs_count = inputs.len();
        inputs.extend(extra);
        let made = self.make(
            signature,
            alternative,
            kind,
            &output,
            inputs,
            inputs_count,
            args,
            arg_spans,
            span,
            call.name.span,
            explicit,
            scope,
        );
        made.map_or(Item::Unknown, Item::Node)
    }
}
