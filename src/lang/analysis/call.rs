//! Calls: a def, or a stage of the vocabulary with its inputs, arguments and block.

use std::collections::BTreeSet;

use super::resolve::did_you_mean;
use super::{Checker, Item, Scope};
use crate::args::{ArgKind, ArgSpec, ArgValue, Args, Recipe};
use crate::diagnostic::Diagnostic;
use crate::graph::{Fit, Node, NodeId, NodeKind};
use crate::infer::Inference;
use crate::notation::{Bindings, Misfit, Notation, Pattern, bind, build};
use crate::say;
use crate::signature::{BlockKind, BodyKind, Signature};
use crate::span::Span;
use crate::syntax::tree::{Block, Call, CutValue, DeclarationKind, Expr, ExprKind, LineKind, Name};
use crate::types::{ColumnType, DomainId, Marks, Origin, RecipeKind, TableType, Type};

/// What was written for one argument.
#[derive(Clone)]
pub(crate) enum Written<'e> {
    Expr(&'e Expr),
    /// `@20`
    Cut(&'e crate::syntax::tree::Cut),
}

impl Written<'_> {
    pub(crate) fn span(&self) -> Span {
        match self {
            Written::Expr(e) => e.span,
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
            return self.call_def(call, span, piped, scope);
        }
        let Some(entry) = self.vocabulary.get(name).cloned() else {
            return self.unknown_stage(call, piped.is_some(), scope);
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

    fn unknown_stage(&mut self, call: &Call, piped: bool, scope: &Scope) -> Item {
        let name = call.name.text.clone();
        let span = call.name.span;
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
            None if piped => d = d.note(say!("`mmf stages` lists them all", "`mmf stages` 列出全部阶段")),
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
        let notations: Vec<Notation> = signature.types.iter().filter_map(|t| Notation::parse(t).ok()).collect();
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
                        Some(spec) if !matches!(spec.kind, ArgKind::NewColumns | ArgKind::ColumnCounts) => {
                            let n = Name { text: spec.name.into(), span: arg.value.span };
                            named.push((n, Written::Expr(&arg.value)));
                        }
                        _ => {
                            let count = specs.len();
                            self.report(Diagnostic::error(
                                "E0112",
                                arg.value.span,
                                say!(
                                    "`{name}` takes at most {count} arguments without a name",
                                    "`{name}` 最多接受 {count} 个不带名称的参数"
                                ),
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

    fn settings<'e>(&mut self, block: &'e Block, stage: &str, named: &mut Vec<(Name, Written<'e>)>) {
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
        let (args, _) = self.arguments(signature, &parts.named, None, call.name.span, scope, &mut Vec::new());
        let makes = |what: &str| signature.types.iter().any(|t| t.ends_with(what));
        let kind = match () {
            () if makes("-> optimizer") => RecipeKind::Optimizer,
            () if makes("-> stop") => RecipeKind::Stop,
            () => RecipeKind::Loss,
        };
        match args {
            Some(args) => {
                Item::Recipe { recipe: Recipe { stage: signature.name.into(), args }, kind, tasks: signature.tasks }
            }
            None => Item::Unknown,
        }
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
                    Written::Cut(_) => None,
                }
            }
            _ => None,
        };
        if broken {
            // The arguments' own mistakes are still worth saying, where they need no input.
            self.arguments_without_table(signature, &named, call.name.span, scope);
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

    /// Chooses the alternative by the inputs, or by the argument that says.
    fn choose(
        &mut self,
        signature: &'static Signature,
        kinds: &[BodyKind],
        inputs: &[(NodeId, Span)],
        args: &Args,
        name_span: Span,
        scope: &Scope,
    ) -> Option<(usize, Notation)> {
        let name = signature.name;
        let notations: Vec<Notation> = signature.types.iter().filter_map(|t| Notation::parse(t).ok()).collect();
        if let Some((argument, words)) = signature.by {
            let word = args.find(argument).and_then(ArgValue::as_text).unwrap_or_default();
            // Of several alternatives of one word, the inputs choose.
            let takes = |i: &usize| {
                let kind = |(k, (n, _)): (usize, &(NodeId, Span))| {
                    let pattern = notations[*i].input(k)?;
                    let misfit = bind(pattern, self.ty(*n), args, &mut Bindings::default());
                    (misfit != Err(Misfit::Kind)).then_some(())
                };
                inputs.iter().enumerate().all(|input| kind(input).is_some())
            };
            let said: Vec<usize> = (0..words.len()).filter(|&i| words[i] == word).collect();
            let i = said.iter().copied().find(takes).or(said.first().copied()).unwrap_or(0);
            let notation = notations.get(i)?.clone();
            return self.fits(signature, &notation, inputs, args, name_span).then_some((i, notation));
        }
        let joint = inputs.iter().any(|(n, _)| self.untrained(*n));
        let matching: Vec<usize> = (0..notations.len())
            .filter(|&i| notations[i].takes(inputs.len()))
            .filter(|&i| {
                inputs.iter().enumerate().all(|(k, (n, _))| {
                    let Some(pattern) = notations[i].input(k) else { return false };
                    !matches!(bind(pattern, self.ty(*n), args, &mut Bindings::default()), Err(Misfit::Kind))
                })
            })
            .collect();
        let Some(&first) = matching.first() else {
            let nearest = notations.iter().find(|n| n.takes(inputs.len())).or(notations.first())?.clone();
            self.fits(signature, &nearest, inputs, args, name_span);
            return None;
        };
        let is_joint = |i: &&usize| kinds.get(**i) == Some(&BodyKind::Joint);
        let chosen = if joint {
            matching.iter().find(is_joint).copied()
        } else {
            matching.iter().find(|i| !is_joint(i)).copied().or(Some(first))
        };
        let Some(chosen) = chosen else {
            let place = inputs.iter().find(|(n, _)| self.untrained(*n)).map_or(name_span, |(_, s)| *s);
            self.report(
                Diagnostic::error(
                    "E0309",
                    place,
                    say!(
                        "`{name}` cannot stand behind a network that is not trained yet",
                        "`{name}` 不能接在尚未训练的网络之后"
                    ),
                )
                .here(say!("its weights are found inside the `train` that uses it", "其权重在使用它的 `train` 中得到"))
                .help(say!(
                    "put `{name}` before the first layer with weights",
                    "请将 `{name}` 放在第一个带权重的层之前"
                )),
            );
            return None;
        };
        if kinds.get(chosen) == Some(&BodyKind::Joint) && !scope.network {
            self.report(
                Diagnostic::error(
                    "E0303",
                    name_span,
                    say!(
                        "`{name}` is a part of a network, and no network stands here",
                        "`{name}` 是网络的一部分，而此处没有网络"
                    ),
                )
                .help(say!(
                    "put it in `fuse … = neural {{ … }}`, or in a score or an output",
                    "请放入 `fuse … = neural {{ … }}`，或放入 score、output 中"
                )),
            );
            return None;
        }
        let notation = notations[chosen].clone();
        self.fits(signature, &notation, inputs, args, name_span).then_some((chosen, notation))
    }

    /// Tells whether a network without weights of its time is inside.
    fn untrained(&self, node: NodeId) -> bool {
        matches!(self.ty(node), Type::Column(c) if c.marks.joint)
    }

    /// Checks the inputs against a notation, and reports where they do not fit.
    fn fits(
        &mut self,
        signature: &'static Signature,
        notation: &Notation,
        inputs: &[(NodeId, Span)],
        args: &Args,
        name_span: Span,
    ) -> bool {
        let name = signature.name;
        if !notation.takes(inputs.len()) {
            let (wanted, found) = (notation.inputs.len(), inputs.len());
            let mut d = Diagnostic::error(
                "E0307",
                name_span,
                say!("`{name}` takes {wanted} inputs, not {found}", "`{name}` 需要 {wanted} 个输入，而不是 {found} 个"),
            );
            if wanted > 0 && found == 0 {
                d = d.help(say!("let something flow into it: `x |> {name}`", "请让数据流入：`x |> {name}`"));
            }
            self.report(d);
            return false;
        }
        let mut bindings = Bindings::default();
        let mut places: Vec<(String, Span)> = Vec::new();
        for (k, (node, place)) in inputs.iter().enumerate() {
            let Some(pattern) = notation.input(k) else { continue };
            // Repeated inputs need not be of one size.
            let mut fresh = Bindings::default();
            let repeated = notation.repeats && k + 1 >= notation.inputs.len();
            let into = if repeated { &mut fresh } else { &mut bindings };
            match bind(pattern, self.ty(*node), args, into) {
                Ok(()) => places.push((format!("{pattern:?}"), *place)),
                Err(Misfit::Kind) => {
                    self.misfit(signature, *node, *place);
                    return false;
                }
                Err(Misfit::Size { before, here, .. }) => {
                    let mut d = Diagnostic::error(
                        "E0302",
                        *place,
                        say!("the sizes differ: {before} and {here}", "大小不同：{before} 与 {here}"),
                    )
                    .here(say!("{here} numbers wide", "宽度为 {here}"));
                    if let Some((_, other)) = inputs.first().filter(|(_, s)| s != place) {
                        d = d.also(*other, say!("{before} numbers wide", "宽度为 {before}"));
                    }
                    let help = match before.known() {
                        Some(n) => say!(
                            "bring it to the same size first: `… |> dense({n})` in a network",
                            "请先使两者大小相同：在网络中用 `… |> dense({n})`"
                        ),
                        None => say!("bring both to one size first", "请先使两者大小相同"),
                    };
                    self.report(d.help(help));
                    return false;
                }
            }
        }
        true
    }

    /// Reports that an input is of the wrong kind for a stage, with the stage that would mend it where one does.
    fn misfit(&mut self, signature: &'static Signature, node: NodeId, place: Span) {
        let name = signature.name;
        let found = self.describe(node);
        let wanted: Vec<String> = signature
            .types
            .iter()
            .filter_map(|t| Notation::parse(t).ok())
            .filter_map(|n| n.inputs.into_iter().next())
            .map(|p| pattern_words(&p))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let (en, zh) = (wanted.join(" or "), wanted.join(" 或 "));
        let mut d = Diagnostic::error(
            "E0301",
            place,
            say!("`{name}` takes {en}, this is {found}", "`{name}` 接受 {zh}，这里是 {found}"),
        )
        .here(say!("{found}", "{found}"));
        if let Some(bridge) = self.bridge(node, signature) {
            d = d.help(say!(
                "put a stage between: `… |> {bridge} |> {name}`",
                "请在中间加一个阶段：`… |> {bridge} |> {name}`"
            ));
        } else if matches!(self.ty(node), Type::Table(_) | Type::Split(_))
            && wanted.iter().all(|w| w != "a table" && w != "a split")
        {
            d = d.help(say!("name one of its columns: `table.column`", "请指明它的某一列：`表.列`"));
        }
        self.report(d);
    }

    /// Finds a stage that turns what is here into what is wanted, with no argument to give.
    fn bridge(&self, node: NodeId, wanted: &'static Signature) -> Option<&'static str> {
        let ty = self.ty(node).clone();
        if !matches!(ty, Type::Column(_)) {
            return None;
        }
        self.vocabulary.iter().map(|e| (e.signature, &e.kinds)).find_map(|(s, kinds)| {
            let free = s.args.iter().all(|a| a.optional || a.default.is_some());
            let rowwise = kinds.first() == Some(&BodyKind::Rows) || kinds.first() == Some(&BodyKind::Fit);
            if !free || !rowwise || s.infer.is_some() {
                return None;
            }
            let notation = Notation::parse(s.types.first()?).ok()?;
            if !notation.takes(1) || notation.repeats {
                return None;
            }
            let mut bindings = Bindings::default();
            let args = Args::default();
            bind(notation.input(0)?, &ty, &args, &mut bindings).ok()?;
            let Pattern::Column { elem, .. } = &notation.output else { return None };
            let Type::Column(column) = &ty else { return None };
            let elem = build(elem, &bindings, &args);
            if elem == column.elem {
                return None;
            }
            let out = Type::Column(ColumnType { elem, ..column.clone() });
            let fits =
                wanted.types.iter().filter_map(|t| Notation::parse(t).ok()).any(|n| {
                    n.input(0).is_some_and(|p| bind(p, &out, &Args::default(), &mut Bindings::default()).is_ok())
                });
            fits.then_some(s.name)
        })
    }

    /// Returns words for what a node gives: `image[_, _, 3]?`, `table`.
    pub(crate) fn describe(&self, node: NodeId) -> String {
        match self.ty(node) {
            Type::Column(c) => {
                let what = match &c.elem {
                    crate::types::Elem::Ref(d) => format!("ref({})", self.domain_name(*d)),
                    e => e.to_string(),
                };
                if c.missing.is_empty() { what } else { format!("{what}?") }
            }
            other => other.word().to_string(),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn make(
        &mut self,
        signature: &'static Signature,
        alternative: usize,
        kind: BodyKind,
        notation: &Notation,
        mut inputs: Vec<(NodeId, Span)>,
        flowing: usize,
        args: Args,
        arg_spans: Vec<(String, Span)>,
        span: Span,
        name_span: Span,
        explicit: Option<(Item, Span)>,
        scope: &Scope,
    ) -> Option<NodeId> {
        // Rows: all flowing columns at the finest one's.
        let rowwise = matches!(kind, BodyKind::Rows | BodyKind::Fit | BodyKind::Joint);
        let columns: Vec<DomainId> = inputs[..flowing]
            .iter()
            .filter_map(|(n, _)| match self.ty(*n) {
                Type::Column(c) => Some(c.domain),
                _ => None,
            })
            .collect();
        let mut domain = None;
        if rowwise && !columns.is_empty() {
            domain = Some(self.common_rows(&columns, &inputs[..flowing], scope)?);
        }
        // What is only read along the same refs can be computed before the reading: once for each distinct row.
        let lifted = if kind == BodyKind::Joint { self.lift(&inputs[..flowing]) } else { None };
        let way = lifted.map(|(inner, way, at)| {
            inputs.splice(..flowing, inner);
            domain.replace(at).map(|outer| (way, outer))
        });
        if let Some(d) = domain {
            for (node, place) in inputs.iter_mut().take(flowing) {
                *node = self.read_at(*node, d, *place)?;
            }
        }
        let mut marks = Marks::default();
        let mut missing: BTreeSet<Origin> = BTreeSet::new();
        for (node, _) in &inputs {
            if let Type::Column(c) = self.ty(*node) {
                marks.join(&c.marks);
            }
            if let Type::Table(t) = self.ty(*node) {
                marks.join(&t.marks);
            }
        }
        for (k, (node, _)) in inputs[..flowing].iter().enumerate() {
            let filled = matches!(notation.input(k), Some(Pattern::Column { missing: true, .. }));
            if let (Type::Column(c), false) = (self.ty(*node), filled) {
                missing.extend(c.missing.iter().cloned());
            }
        }
        if kind == BodyKind::Joint {
            self.refuse_missing(&inputs[..flowing], signature)?;
        }
        if notation.repeats && kind == BodyKind::Rows {
            self.hold_missing_together(&inputs[..flowing], signature)?;
        }
        if kind == BodyKind::Split
            && let Some((table, _)) = inputs.first()
        {
            self.refuse_fitted_before(*table, name_span);
        }
        let input_ids: Vec<NodeId> = inputs.iter().map(|(n, _)| *n).collect();
        let input_spans: Vec<Span> = inputs.iter().map(|(_, s)| *s).collect();
        let mut inference = Inference {
            checker: self,
            scope,
            signature,
            alternative,
            inputs: input_ids,
            input_spans: input_spans.clone(),
            args,
            arg_spans,
            span,
            marks: marks.clone(),
            missing: missing.clone(),
            domain,
            instead: None,
        };
        let ty = match signature.infer {
            Some(infer) => infer(&mut inference)?,
            None => {
                let mut bindings = Bindings { domain, ..Bindings::default() };
                for (k, node) in inference.inputs.iter().take(flowing).enumerate() {
                    if let Some(pattern) = notation.input(k) {
                        let _ = bind(pattern, inference.checker.ty(*node), &inference.args, &mut bindings);
                    }
                }
                output_type(&mut inference, &notation.output, &bindings)?
            }
        };
        let (mut args, mut ids, instead) = (inference.args, inference.inputs, inference.instead);
        if let Some(node) = instead {
            return Some(node);
        }
        let mut ty = ty;
        // A text's language is in its type; the body reads it as an argument.
        self.hand_over_language(signature, &ids, &mut args);
        let mut fit = None;
        if matches!(kind, BodyKind::Fit | BodyKind::FitTable) {
            let (plan, learned, links) = self.fit_of(kind, &ids, &ty, explicit, name_span, &input_spans)?;
            let offset = ids.len();
            ids.extend(links);
            fit = Some(shift(plan, offset));
            match &mut ty {
                Type::Column(c) => c.marks.fits.extend(learned),
                Type::Table(t) => {
                    t.marks.fits.extend(learned.iter().cloned());
                    for (_, c) in &mut t.columns {
                        c.marks.fits.extend(learned.iter().cloned());
                    }
                }
                Type::Split(s) => {
                    s.table.marks.fits.extend(learned.iter().cloned());
                    for (_, c) in &mut s.table.columns {
                        c.marks.fits.extend(learned.iter().cloned());
                    }
                }
                _ => {}
            }
        }
        if let Type::Column(c) = &mut ty {
            c.marks.joint |= kind == BodyKind::Joint;
        }
        let rows = domain.and_then(|d| {
            ids.iter().take(flowing).position(|n| matches!(self.ty(*n), Type::Column(c) if c.domain == d))
        });
        let rows = rows.or_else(|| if domain.is_some() { self.narrowest(&ids[..flowing]) } else { None });
        let node = self.add_stage(signature, alternative, kind, args, ids, ty, span, fit, scope.file, rows);
        if kind == BodyKind::Split && !self.splits.contains(&node) {
            self.splits.push(node);
        }
        if matches!(kind, BodyKind::Source | BodyKind::Table | BodyKind::FitTable) {
            let fresh = self.table_type(node).is_some_and(|t| self.domain(t.domain).arrows.is_empty());
            if fresh && matches!(self.ty(node), Type::Table(_)) {
                self.note_arrows(node);
            }
        }
        match way.flatten() {
            Some((way, outer)) => Some(self.read_along(node, outer, &way, span)),
            None => Some(node),
        }
    }

    /// Returns the input whose rows lie within all the others'.
    fn narrowest(&self, ids: &[NodeId]) -> Option<usize> {
        let domains: Vec<Option<DomainId>> = ids
            .iter()
            .map(|n| match self.ty(*n) {
                Type::Column(c) => Some(c.domain),
                _ => None,
            })
            .collect();
        (0..ids.len()).find(|&i| domains[i].is_some_and(|d| domains.iter().flatten().all(|&e| self.is_within(d, e))))
    }

    /// Finds the rows of a call: the finest input's, else the task's where one stands around.
    fn common_rows(&mut self, columns: &[DomainId], inputs: &[(NodeId, Span)], scope: &Scope) -> Option<DomainId> {
        if let Some(d) = self.finest(columns) {
            return Some(d);
        }
        if let Some(row) = &scope.row {
            let task = row.domain;
            if columns.iter().all(|&e| {
                matches!(
                    self.reach(task, e),
                    super::domains::Reach::Here | super::domains::Reach::Part | super::domains::Reach::Along(_)
                )
            }) {
                return Some(task);
            }
        }
        let spans: Vec<(DomainId, Span)> = inputs
            .iter()
            .filter_map(|(n, s)| match self.ty(*n) {
                Type::Column(c) => Some((c.domain, *s)),
                _ => None,
            })
            .collect();
        let (first, rest) = spans.split_first()?;
        let (other, place) = rest
            .iter()
            .copied()
            .find(|(d, _)| {
                !matches!(
                    self.reach(first.0, *d),
                    super::domains::Reach::Here | super::domains::Reach::Part | super::domains::Reach::Along(_)
                )
            })
            .or(rest.first().copied())?;
        let reach = self.reach(first.0, other);
        let reach = match reach {
            super::domains::Reach::Here | super::domains::Reach::Part | super::domains::Reach::Along(_) => {
                super::domains::Reach::Never
            }
            r => r,
        };
        self.report_rows(first.0, other, &reach, place, first.1);
        None
    }

    /// Where all joint inputs are read along the same refs, returns them before the reading, and the way.
    #[allow(clippy::type_complexity)]
    fn lift(&self, inputs: &[(NodeId, Span)]) -> Option<(Vec<(NodeId, Span)>, Vec<crate::graph::Arrow>, DomainId)> {
        let mut inner = Vec::new();
        let mut shared: Option<(Vec<NodeId>, Vec<crate::graph::Link>)> = None;
        let mut at = None;
        for (node, span) in inputs {
            let weight = &self.graph.dag[*node];
            let NodeKind::Read(links) = &weight.kind else { return None };
            let (value, along) = weight.inputs.split_first()?;
            let this = (along.to_vec(), links.clone());
            if *shared.get_or_insert_with(|| this.clone()) != this {
                return None;
            }
            let Type::Column(c) = self.ty(*value) else { return None };
            if *at.get_or_insert(c.domain) != c.domain {
                return None;
            }
            inner.push((*value, *span));
        }
        let (first, _) = inputs.first()?;
        let Type::Column(outer) = self.ty(*first) else { return None };
        let at = at?;
        let way = self.ways(outer.domain, at);
        // Only where the way can be told again from the rows alone; else the reading stays where it is.
        let [way] = &way[..] else { return None };
        Some((inner, way.clone(), at))
    }

    fn hand_over_language(&self, signature: &'static Signature, inputs: &[NodeId], args: &mut Args) {
        if signature.arg("language").is_none()
            || args.0.iter().any(|(n, v)| n == "language" && v.as_text() != Some("auto"))
        {
            return;
        }
        if let Some(Type::Column(ColumnType { elem: crate::types::Elem::Text(language), .. })) =
            inputs.first().map(|n| self.ty(*n))
        {
            let word = match language {
                crate::types::Language::Detect => "auto",
                other => other.word(),
            };
            args.0.retain(|(n, _)| n != "language");
            args.0.push(("language".into(), ArgValue::Word(word.into())));
        }
    }

    pub(crate) fn body_kind(&self, signature: &'static Signature, alternative: usize) -> BodyKind {
        self.vocabulary.get(signature.name).and_then(|e| e.kinds.get(alternative).copied()).unwrap_or(BodyKind::Rows)
    }

    #[allow(clippy::too_many_arguments)]
    pub(crate) fn add_stage(
        &mut self,
        signature: &'static Signature,
        alternative: usize,
        body: BodyKind,
        args: Args,
        inputs: Vec<NodeId>,
        ty: Type,
        span: Span,
        fit: Option<Fit>,
        file: usize,
        rows: Option<usize>,
    ) -> NodeId {
        let joint = body == BodyKind::Joint;
        let base = self.files[file].base.clone();
        let kind = NodeKind::Stage { stage: signature.name, alternative, body, args, fit, base };
        let label = signature.name.to_string();
        self.add(Node { name: None, label, kind, inputs, ty, span, joint, rows })
    }

    /// Applies the stage that an operator stands for.
    pub(crate) fn operate(
        &mut self,
        op: crate::syntax::tree::BinaryOp,
        op_span: Span,
        nodes: Vec<(NodeId, Span)>,
        span: Span,
        scope: &Scope,
    ) -> Item {
        if nodes.iter().any(|(n, _)| matches!(self.ty(*n), Type::Unknown)) {
            return Item::Unknown;
        }
        let Some(entry) = self.vocabulary.operator(op).cloned() else {
            let symbol = op.symbol();
            self.report(Diagnostic::error(
                "E0306",
                op_span,
                say!("`{symbol}` does not work on columns", "`{symbol}` 不能用于列"),
            ));
            return Item::Unknown;
        };
        let args = Args::default();
        let Some((alternative, notation)) = self.choose(entry.signature, &entry.kinds, &nodes, &args, op_span, scope)
        else {
            return Item::Unknown;
        };
        let kind = entry.kinds[alternative];
        self.make(entry.signature, alternative, kind, &notation, nodes, 2, args, Vec::new(), span, op_span, None, scope)
            .map_or(Item::Unknown, Item::Node)
    }

    fn call_def(&mut self, call: &Call, span: Span, piped: Option<(Item, Span)>, scope: &Scope) -> Item {
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
        let _ = span;
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

fn shift(fit: Fit, by: usize) -> Fit {
    match fit {
        Fit::All => Fit::All,
        Fit::Part { split, along, back } => Fit::Part {
            split: split + by,
            along: along.into_iter().map(|i| i + by).collect(),
            back: back.into_iter().map(|i| i + by).collect(),
        },
    }
}

/// Returns words for what a pattern takes.
fn pattern_words(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Table | Pattern::Part => "a table".into(),
        Pattern::Split => "a split".into(),
        Pattern::Other(word) => word.clone(),
        Pattern::Column { elem, .. } => match elem.name.as_str() {
            "any" => "a column".into(),
            "number" => "a number".into(),
            "vector" => "a vector".into(),
            "image" => "a picture (image)".into(),
            other => other.to_string(),
        },
    }
}

/// Returns the type that a notation's output says.
fn output_type(inference: &mut Inference<'_, '_>, output: &Pattern, bindings: &Bindings) -> Option<Type> {
    match output {
        Pattern::Column { elem, .. } => {
            let mut elem =
                if elem.name == "any" { inference.column(0)?.elem } else { build(elem, bindings, &inference.args) };
            // Words keep their text's language.
            if let (crate::types::Elem::Tokens(l), Some(c)) = (&mut elem, inference.column(0))
                && let crate::types::Elem::Text(language) = c.elem
            {
                *l = language;
            }
            inference.out(elem)
        }
        Pattern::Table => inference.table().map(Type::Table),
        Pattern::Part => {
            let table: TableType = inference.table()?;
            Some(Type::Table(inference.part_of(&table)))
        }
        Pattern::Split => match inference.input(0) {
            Type::Split(s) => Some(Type::Split(s)),
            _ => None,
        },
        Pattern::Other(_) => None,
    }
}
