//! Metrics: of which train, on which part, and whether they serve the task.

use super::call::Written;
use super::resolve::did_you_mean;
use super::{Checker, Item, Scope};
use crate::args::{ArgKind, ArgSpec, ArgValue, Args};
use crate::diagnostic::Diagnostic;
use crate::graph::{Node, NodeId, NodeKind};
use crate::say;
use crate::signature::{BodyKind, Signature};
use crate::span::Span;
use crate::syntax::tree::{Block, Call, DeclarationKind, Expr, ExprKind, LineKind, Name};
use crate::types::{Part, Task, Type};

impl Checker<'_> {
    pub(crate) fn metric(
        &mut self,
        name: &str,
        name_span: Span,
        subject: &Expr,
        part: &Expr,
        body: &Block,
        scope: &Scope,
    ) {
        let train = match self.evaluate(subject, scope) {
            Item::Node(n) => Some(n),
            _ => None,
        };
        let rows = match self.evaluate(part, scope) {
            Item::Node(n) => Some(n),
            _ => None,
        };
        let ty = train.map(|n| self.ty(n).clone());
        let task = match &ty {
            Some(Type::Train(t)) if !t.heads.is_empty() => {
                let (name, heads) = (self.source_text(subject.span), &t.heads);
                let all = heads.iter().map(|(head, _)| format!("`{name}.{head}`")).collect::<Vec<_>>().join(", ");
                self.report(
                    Diagnostic::error(
                        "E0119",
                        subject.span,
                        say!(
                            "`{name}` has several tasks, and a metric measures one",
                            "`{name}` 有多个任务，而指标只衡量其中一个"
                        ),
                    )
                    .help(say!("name it: {all}", "请指明：{all}")),
                );
                return;
            }
            Some(Type::Train(t)) => Some(t.task),
            Some(Type::Unknown) | None => None,
            Some(_) => {
                let found = train.map(|n| self.describe(n)).unwrap_or_default();
                self.report(Diagnostic::error(
                    "E0119",
                    subject.span,
                    say!("a metric measures a train, this is {found}", "指标衡量的是训练，这里是 {found}"),
                ));
                None
            }
        };
        let mut measures = Vec::new();
        for line in &body.lines {
            match &line.kind {
                LineKind::Value(e) => {
                    if let Some(m) = self.measure(e, task, scope) {
                        measures.push(m);
                    }
                }
                LineKind::Setting { name, .. } | LineKind::Column { name, .. } => {
                    let text = &name.text;
                    self.report(
                        Diagnostic::error(
                            "E0105",
                            name.span,
                            say!("a metric block is a list of metrics", "指标块是指标的列表"),
                        )
                        .help(say!(
                            "write `{text}(… = …)` for a metric with settings",
                            "带设置的指标写作 `{text}(… = …)`"
                        )),
                    );
                }
            }
        }
        if body.lines.is_empty() {
            self.report(Diagnostic::error(
                "E0107",
                name_span,
                say!("`{name}` lists no metric", "`{name}` 没有列出任何指标"),
            ));
        }
        let (Some(train), Some(Type::Train(t)), Some(rows)) = (train, ty, rows) else { return };
        let weight = self.graph.dag[rows].clone();
        let (part_word, split) = match (&weight.kind, weight.inputs.first()) {
            (NodeKind::Part(p), Some(&s)) => (*p, s),
            _ => {
                if !matches!(weight.ty, Type::Unknown) {
                    let label = self.graph.dag[NodeId::new(t.split.split as usize)].label.clone();
                    self.report(
                        Diagnostic::error(
                            "E0608",
                            part.span,
                            say!(
                                "a metric is measured on a part of the train's split",
                                "指标在训练所用划分的某一部分上衡量"
                            ),
                        )
                        .help(say!("write `on {label}.test`", "请写 `on {label}.test`")),
                    );
                }
                return;
            }
        };
        let same = matches!(self.ty(split), Type::Split(s) if s.split == t.split.split);
        if !same {
            let label = self.graph.dag[NodeId::new(t.split.split as usize)].label.clone();
            let there = self.graph.dag[train].span;
            let word = part_word.word();
            self.report(
                Diagnostic::error(
                    "E0608",
                    part.span,
                    say!("this part is of another split than the train's", "该部分属于另一个划分"),
                )
                .also(there, say!("trained on `{label}`", "在 `{label}` 上训练"))
                .help(say!("write `on {label}.{word}`", "请写 `on {label}.{word}`")),
            );
            return;
        }
        self.add_measures(name, (train, t.repeat), split, t.task, part_word, measures, body.span);
    }

    #[allow(clippy::too_many_arguments)]
    fn add_measures(
        &mut self,
        name: &str,
        (train, repeat): (NodeId, u64),
        split: NodeId,
        task: Task,
        part: Part,
        measures: Vec<(&'static Signature, Args, String, Span)>,
        span: Span,
    ) {
        let longest = measures
            .iter()
            .filter_map(|(_, a, ..)| match a.find("k") {
                Some(ArgValue::Int(k)) => usize::try_from(*k).ok(),
                _ => None,
            })
            .max()
            .unwrap_or(100);
        let label = format!("{} on {}", self.graph.dag[train].label, part.word());
        let (train, head) = self.whole_train(train);
        let kind = NodeKind::Predict { task, part, top: longest, head };
        let inputs = vec![train, split];
        let predict =
            self.add(Node { name: None, label, kind, inputs, ty: Type::Metric, span, joint: false, rows: None });
        let others = self.further(train, predict, repeat);
        for (signature, args, word, span) in measures {
            let full = format!("{name}.{word}");
            let kind = NodeKind::Stage {
                stage: signature.name,
                alternative: 0,
                body: BodyKind::Metric,
                args,
                fit: None,
                base: String::new(),
            };
            let node = self.add(Node {
                name: Some(full.clone()),
                label: full.clone(),
                kind,
                inputs: vec![predict],
                ty: Type::Metric,
                span,
                joint: false,
                rows: None,
            });
            // Listed twice in one block, it is one.
            if !self.graph.names.iter().any(|(name, id)| *id == node && *name == full) {
                self.graph.names.push((full.clone(), node));
            }
            self.graph.sinks.push(node);
            if self.graph.repeats.contains_key(&node) {
                continue;
            }
            let own = self.graph.dag[node].clone();
            let mut again = Vec::new();
            for &predict in &others {
                let label = format!("{full} ({})", again.len() + 2);
                again.push(self.put(Node { name: None, label, inputs: vec![predict], ..own.clone() }));
            }
            if !again.is_empty() {
                self.graph.sinks.extend(&again);
                self.graph.repeats.insert(node, again);
            }
        }
    }

    /// Returns what a train predicts in each of its further trainings.
    fn further(&mut self, train: NodeId, predict: NodeId, repeat: u64) -> Vec<NodeId> {
        let mut found = Vec::new();
        for time in 1..repeat {
            let label = format!("{} ({})", self.graph.dag[train].label, time + 1);
            let again = self.again(train, &std::collections::BTreeMap::new(), time as usize, label);
            let own = self.graph.dag[predict].clone();
            let NodeKind::Predict { part, .. } = own.kind else { continue };
            let label = format!("{} on {}", self.graph.dag[again].label, part.word());
            let inputs = std::iter::once(again).chain(own.inputs.iter().skip(1).copied()).collect();
            found.push(self.put(Node { name: None, label, inputs, ..own }));
        }
        found
    }

    /// Returns one metric of a list: its signature, arguments, and how it is written.
    fn measure(
        &mut self,
        expr: &Expr,
        task: Option<Task>,
        scope: &Scope,
    ) -> Option<(&'static Signature, Args, String, Span)> {
        let bare;
        let call = match &expr.kind {
            ExprKind::Name(n) => {
                bare = Call { name: Name { text: n.clone(), span: expr.span }, cut: None, args: None, block: None };
                &bare
            }
            ExprKind::Call(call) => call,
            ExprKind::Broken => return None,
            _ => {
                self.report(Diagnostic::error("E0104", expr.span, say!("a metric is needed here", "此处需要指标")));
                return None;
            }
        };
        let signature = self.measure_signature(call)?;
        let mut named: Vec<(Name, Written<'_>)> =
            call.args.iter().flatten().filter_map(|a| Some((a.name.clone()?, Written::Expr(&a.value)))).collect();
        for arg in call.args.iter().flatten().filter(|a| a.name.is_none()) {
            self.report(Diagnostic::error(
                "E0112",
                arg.value.span,
                say!("a metric's settings have names", "指标的设置需要名称"),
            ));
        }
        if let Some(cut) = &call.cut {
            named.push((Name { text: "k".into(), span: cut.span }, Written::Cut(cut)));
        }
        let has_k = named.iter().any(|(n, _)| n.text == "k");
        if let Some(task) = task
            && !self.serves(signature, task, has_k, expr.span)
        {
            return None;
        }
        if has_k && signature.arg("k").is_none() {
            return None;
        }
        // Of an unknown train it is not known whether it ranks.
        if task.is_none() && !has_k && signature.arg("k").is_some_and(|k| !k.optional) {
            return None;
        }
        let (args, _) = self.arguments(signature, &named, None, call.name.span, scope, &mut Vec::new());
        let args = args?;
        let cut = match args.find("k") {
            Some(ArgValue::Int(k)) => format!("@{k}"),
            _ => String::new(),
        };
        // What it was set to is a part of its name, so that one metric may be asked for in two ways.
        let set: Vec<String> = named
            .iter()
            .filter(|(n, _)| n.text != "k")
            .map(|(n, written)| format!("{} = {}", n.text, self.source_text(written.span())))
            .collect();
        let set = if set.is_empty() { set.concat() } else { format!("({})", set.join(", ")) };
        let word = format!("{}{cut}{set}", signature.name);
        Some((signature, args, word, expr.span))
    }

    fn measure_signature(&mut self, call: &Call) -> Option<&'static Signature> {
        let name = &call.name.text;
        let metrics: Vec<&'static Signature> =
            self.vocabulary.iter().filter(|e| e.kinds.contains(&BodyKind::Metric)).map(|e| e.signature).collect();
        if let Some(found) = metrics.iter().find(|s| s.name == *name) {
            return Some(found);
        }
        let mut d =
            Diagnostic::error("E0104", call.name.span, say!("there is no metric `{name}`", "没有名为 `{name}` 的指标"));
        if let Some(help) = did_you_mean(name, metrics.iter().map(|s| s.name)) {
            d = d.help(help);
        }
        self.report(d);
        None
    }

    /// Checks that a metric serves the task, with or without `@k` as it must be (rule 19).
    fn serves(&mut self, signature: &'static Signature, task: Task, has_k: bool, span: Span) -> bool {
        let (name, word) = (signature.name, task.word());
        if !signature.tasks.is_empty() && !signature.tasks.contains(&task) {
            let right: Vec<String> = self
                .vocabulary
                .iter()
                .filter(|e| e.kinds.contains(&BodyKind::Metric) && e.signature.tasks.contains(&task))
                .map(|e| format!("`{}`", e.signature.name))
                .collect();
            let list = right.join(", ");
            self.report(
                Diagnostic::error(
                    "E0703",
                    span,
                    say!("`{name}` does not measure `{word}`", "`{name}` 不能衡量 `{word}`"),
                )
                .note(say!("metrics for it: {list}", "适用的指标：{list}")),
            );
            return false;
        }
        let ranking = task == Task::Recommend;
        let spec = signature.arg("k");
        let needs = ranking && spec.is_some_and(|s| !s.optional || signature.tasks.len() > 1);
        if needs && !has_k {
            self.report(
                Diagnostic::error(
                    "E0704",
                    span,
                    say!(
                        "in a ranking `{name}` says how many items it looks at",
                        "在排序中 `{name}` 须说明考察多少个物品"
                    ),
                )
                .help(say!("write `{name}@20`", "请写 `{name}@20`")),
            );
            return false;
        }
        if has_k && (!ranking || spec.is_none()) {
            self.report(
                Diagnostic::error("E0704", span, say!("`{name}` has no `@k` here", "此处 `{name}` 没有 `@k`")).note(
                    say!("`@k` cuts a ranking, and `{word}` ranks nothing", "`@k` 用于截取排序，而 `{word}` 不排序"),
                ),
            );
            return false;
        }
        true
    }

    /// Returns the declared metric that an argument names: `quality.ndcg@20`.
    pub(crate) fn declared_metric(&mut self, spec: &'static ArgSpec, expr: &Expr) -> Option<NodeId> {
        let written = self.source_text(expr.span);
        let known = match &expr.kind {
            ExprKind::Field { base, .. } => match &base.kind {
                ExprKind::Name(name) => self.names.get(name).copied(),
                _ => None,
            },
            _ => None,
        };
        let index = known.filter(|&index| matches!(self.declared[index].tree.kind, DeclarationKind::Metric { .. }));
        let Some(index) = index else {
            let argument = spec.name;
            self.report(
                Diagnostic::error(
                    "E0108",
                    expr.span,
                    say!("`{argument}` takes a declared metric", "`{argument}` 接受已声明的指标"),
                )
                .help(say!(
                    "declare it, `metric quality = TRAIN on PART {{ ndcg@20 }}`, and write `quality.ndcg@20`",
                    "请先声明 `metric quality = 训练 on 部分 {{ ndcg@20 }}`，再写 `quality.ndcg@20`"
                )),
            );
            return None;
        };
        self.demand(index, expr.span);
        let wanted: String = written.split_whitespace().collect();
        let found = self.graph.names.iter().find(|(name, _)| *name == wanted);
        if let Some((_, node)) = found {
            return Some(*node);
        }
        let owner = wanted.split('.').next().unwrap_or_default().to_string() + ".";
        let others: Vec<String> =
            self.graph.names.iter().map(|(n, _)| n.clone()).filter(|n| n.starts_with(&owner)).collect();
        let mut d = Diagnostic::error(
            "E0113",
            expr.span,
            say!("no metric is declared as `{wanted}`", "没有声明为 `{wanted}` 的指标"),
        );
        if let Some(help) = did_you_mean(&wanted, others.iter().map(String::as_str)) {
            d = d.help(help);
        }
        // A broken metric has none.
        if !others.is_empty() {
            self.report(d);
        }
        None
    }

    /// Returns the metric that an argument names: `early(ndcg@20)`.
    pub(crate) fn measure_argument(&mut self, expr: &Expr, scope: &Scope) -> Option<ArgValue> {
        let (signature, args, ..) = self.measure(expr, scope.task, scope)?;
        let cut = match args.find("k") {
            Some(ArgValue::Int(k)) => u64::try_from(*k).ok(),
            _ => None,
        };
        let _ = ArgKind::Measure;
        Some(ArgValue::Measure { name: signature.name.into(), cut })
    }
}
