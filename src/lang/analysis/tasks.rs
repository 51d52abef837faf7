//! Several tasks over one network (LANGUAGE S8): each a head with a label of its own, trained together.

use super::argument::Extra;
use super::call::Written;
use super::resolve::did_you_mean;
use super::train::{Places, take_repeat};
use super::{Checker, Item, Scope};
use crate::args::{ArgKind, ArgValue, Args, Recipe};
use crate::diagnostic::Diagnostic;
use crate::graph::{Node, NodeId, NodeKind};
use crate::say;
use crate::signature::{BodyKind, Signature};
use crate::span::Span;
use crate::syntax::tree::{Call, Expr, ExprKind, Name};
use crate::types::{ColumnType, SplitType, Task, TrainType, Type};

/// What a train says once for all its heads.
const OF_ALL: [&str; 5] = ["optimizer", "epochs", "batch", "stop", "repeat"];

/// A head, checked.
struct Checked {
    name: String,
    recipe: Recipe,
    task: Task,
    label: Option<(String, ColumnType)>,
    /// The values that it reads, and where they stand.
    outputs: Places,
    span: Span,
}

impl Checker<'_> {
    pub(super) fn tasks(
        &mut self,
        signature: &'static Signature,
        call: &Call,
        (node, split): (NodeId, SplitType),
        named: Vec<(Name, Written<'_>)>,
        span: Span,
        scope: &Scope,
    ) -> Item {
        let name = signature.name;
        let (own, heads): (Vec<_>, Vec<_>) = named.into_iter().partition(|(n, written)| {
            let own = signature.arg(&n.text).is_some_and(|spec| spec.kind != ArgKind::Heads);
            own || head(written).is_none()
        });
        let plain = Scope { network: true, task: None, row: None, ..scope.clone() };
        let mut extra: Extra = Vec::new();
        let (mut args, spans) = self.arguments(signature, &own, Some(node), call.name.span, &plain, &mut extra);
        let mut found = Vec::new();
        let mut misspelt = 0;
        let mut sound = args.is_some();
        for (head_name, written) in &heads {
            let Some(call) = head(written) else { continue };
            let known = self.vocabulary.get(&call.name.text).is_some_and(|e| e.kinds.contains(&BodyKind::Train));
            // `optimiser = adam(…)` is a misspelt setting, no task.
            if !known && did_you_mean(&head_name.text, signature.args.iter().map(|a| a.name)).is_some() {
                self.unknown_argument(signature, head_name, written);
                (sound, misspelt) = (false, misspelt + 1);
                continue;
            }
            match self.head_of(head_name, call, (node, &split), written.span(), scope, &mut extra) {
                Some(checked) => found.push(checked),
                None => sound = false,
            }
        }
        if heads.is_empty() {
            self.report(
                Diagnostic::error("E0107", call.name.span, say!("`{name}` has no task", "`{name}` 没有任何任务")).help(
                    say!(
                        "give it one by a name: `click = classify(label = …) {{ output = … }}`",
                        "请以名称给出：`click = classify(label = …) {{ output = … }}`"
                    ),
                ),
            );
            sound = false;
        }
        let heads_of = |checked: &[Checked], ty: &dyn Fn(&Checked) -> TrainType| {
            checked.iter().map(|head| (head.name.clone(), ty(head))).collect::<Vec<_>>()
        };
        let task = found.first().map_or(Task::Classify, |head| head.task);
        let repeat = args.as_mut().map_or(1, take_repeat);
        // Whatever a head learns from is seen by the inputs of all.
        for head in &found {
            for other in &found {
                self.check_leaks(&split, &head.outputs, other.label.as_ref());
            }
        }
        if let Some(args) = &args {
            self.check_selection(args, &split, node, &spans);
            self.check_balance(args, &spans, heads.len() - misspelt);
            self.check_watched(args, &found, &spans);
        }
        let outputs: Places = found.iter().flat_map(|head| head.outputs.clone()).collect();
        let marks = self.trained_marks(&outputs, &split);
        let fields = if sound { self.fields(&outputs, &split) } else { Vec::new() };
        for head in &found {
            if let Some((field, _)) = fields.iter().find(|(field, _)| *field == head.name) {
                let said = say!(
                    "`{field}` is a task, and what the network calls a value",
                    "`{field}` 既是任务，又是网络中的值"
                );
                self.report(
                    Diagnostic::error("E0103", head.span, said)
                        .help(say!("give the task another name", "请为该任务另取一个名字")),
                );
                sound = false;
            }
        }
        let one = |head: &Checked, checker: &Self| TrainType {
            task: head.task,
            split: split.clone(),
            classes: checker.classes_of(head.label.as_ref()),
            repeat,
            sound,
            fields: fields.clone(),
            heads: Vec::new(),
            marks: marks.clone(),
        };
        let types = heads_of(&found, &|head| one(head, self));
        let Some((_, first)) = types.first().cloned() else {
            return self.unsound_train(name, task, node, split, span);
        };
        let ty = Type::Train(Box::new(TrainType { heads: types, ..first }));
        let mut args = args.unwrap_or_default();
        // Names tell people; the tasks are known by their numbers.
        args.0.push((
            signature.args.iter().find(|a| a.kind == ArgKind::Heads).map_or("", |a| a.name).into(),
            ArgValue::List(found.into_iter().map(|head| ArgValue::Recipe(head.recipe)).collect()),
        ));
        let ids = std::iter::once(node).chain(extra.iter().map(|(n, _)| *n)).collect();
        let label = name.to_string();
        if !sound {
            // Never run: the file has a mistake.
            let kind = NodeKind::Field(name.into());
            let node = Node { name: None, label, kind, inputs: vec![node], ty, span, joint: false, rows: None };
            return Item::Node(self.graph.dag.add_node(node));
        }
        let base = self.files[scope.file].base.clone();
        let kind = NodeKind::Stage { stage: name, alternative: 0, body: BodyKind::Train, args, fit: None, base };
        Item::Node(self.add(Node { name: None, label, kind, inputs: ids, ty, span, joint: false, rows: None }))
    }

    /// Checks one head: a train that lacks its split, and all that the whole says once.
    fn head_of(
        &mut self,
        name: &Name,
        call: &Call,
        (node, split): (NodeId, &SplitType),
        span: Span,
        scope: &Scope,
        extra: &mut Extra,
    ) -> Option<Checked> {
        let text = &call.name.text;
        let trains = self.vocabulary.get(text).filter(|entry| entry.kinds.contains(&BodyKind::Train));
        let Some(signature) = trains.map(|entry| entry.signature) else {
            self.not_a_task(call.name.span, text);
            return None;
        };
        let task = signature.tasks.first().copied()?;
        if task == Task::Recommend || signature.args.iter().any(|a| a.kind == ArgKind::Heads) {
            self.not_a_task(call.name.span, text);
            return None;
        }
        let mut named: Vec<(Name, Written<'_>)> = Vec::new();
        for arg in call.args.iter().flatten() {
            match &arg.name {
                Some(n) => named.push((n.clone(), Written::Expr(&arg.value))),
                None => {
                    self.report(
                        Diagnostic::error(
                            "E0112",
                            arg.value.span,
                            say!("a task of several has no split of its own", "多任务中的任务没有自己的划分"),
                        )
                        .help(say!(
                            "all are trained on the one that is given first",
                            "全部任务都在最前面给出的划分上训练"
                        )),
                    );
                    return None;
                }
            }
        }
        if let Some(block) = &call.block {
            self.settings(block, text, &mut named);
        }
        if let Some((n, _)) = named.iter().find(|(n, _)| OF_ALL.contains(&n.text.as_str())) {
            let argument = &n.text;
            self.report(
                Diagnostic::error(
                    "E0105",
                    n.span,
                    say!("`{argument}` is said once for all tasks", "`{argument}` 对所有任务只说一次"),
                )
                .help(say!("write it beside the tasks", "请写在各任务之外")),
            );
            return None;
        }
        let inner = self.task_scope(task, node, split, &named, call.name.span, scope)?;
        let before = extra.len();
        let (args, spans) = self.arguments(signature, &named, Some(node), call.name.span, &inner, extra);
        let mut args = args?;
        args.0.retain(|(name, _)| !OF_ALL.contains(&name.as_str()));
        let wanted = inner.row.as_ref()?.domain;
        let (outputs, ends) = self.read_values(signature, &args, extra, before, wanted)?;
        let label = self.check_label(task, true, &args, split, &spans, call.name.span);
        self.check_weight(&args, split, &spans, call.name.span);
        self.check_losses(task, &named, &args);
        self.check_changed(&args, extra, &ends);
        ends.iter().for_each(|output| self.check_heads(task, &[*output], label.as_ref()));
        let recipe = Recipe { stage: signature.name.into(), args };
        Some(Checked { name: name.text.clone(), recipe, task, label, outputs, span })
    }

    fn not_a_task(&mut self, span: Span, found: &str) {
        let mut diagnostic = Diagnostic::error(
            "E0119",
            span,
            say!(
                "one of several tasks is a `classify` or a `regress`, this is `{found}`",
                "多任务中的任务应为 `classify` 或 `regress`，这里是 `{found}`"
            ),
        );
        if let Some(help) = did_you_mean(found, ["classify", "regress"]) {
            diagnostic = diagnostic.help(help);
        }
        self.report(diagnostic);
    }

    /// Checks that fixed weights are as many as the tasks.
    fn check_balance(&mut self, args: &Args, spans: &[(String, Span)], heads: usize) {
        for (name, value) in &args.0 {
            let (ArgValue::List(list), Some((_, place))) = (value, spans.iter().find(|(n, _)| n == name)) else {
                continue;
            };
            let found = list.len();
            if found != heads {
                self.report(Diagnostic::error(
                    "E0108",
                    *place,
                    say!(
                        "{heads} tasks have {heads} weights, not {found}",
                        "{heads} 个任务应有 {heads} 个权重，而不是 {found} 个"
                    ),
                ));
            }
        }
    }

    /// Checks that what chooses among epochs measures one of the tasks.
    fn check_watched(&mut self, args: &Args, heads: &[Checked], spans: &[(String, Span)]) {
        let Some(ArgValue::Recipe(stop)) = args.find("stop") else { return };
        let measured = stop.args.0.iter().find_map(|(_, value)| match value {
            ArgValue::Measure { name, .. } => Some(name.clone()),
            _ => None,
        });
        let (Some(metric), Some((_, place))) = (measured, spans.iter().find(|(n, _)| n == "stop")) else { return };
        let serves = self.vocabulary.get(&metric).map_or(&[][..], |entry| entry.signature.tasks);
        if !serves.is_empty() && !heads.iter().any(|head| serves.contains(&head.task)) && !heads.is_empty() {
            self.report(
                Diagnostic::error(
                    "E0703",
                    *place,
                    say!("`{metric}` measures none of the tasks", "`{metric}` 不能衡量其中任何任务"),
                )
                .also(heads[0].span, say!("the first of them", "其中第一个")),
            );
        }
    }

    /// Returns one of several tasks as a train.
    pub(super) fn head_node(&mut self, train: NodeId, at: usize, ty: TrainType, name: &str, span: Span) -> NodeId {
        let label = format!("{}.{name}", self.graph.dag[train].label);
        let ty = Type::Train(Box::new(ty));
        let kind = NodeKind::Head(at);
        self.add(Node { name: None, label, kind, inputs: vec![train], ty, span, joint: false, rows: None })
    }

    /// Returns the train that a node is, or is a task of, and the number of the task.
    pub(crate) fn whole_train(&self, node: NodeId) -> (NodeId, usize) {
        match (&self.graph.dag[node].kind, self.graph.dag[node].inputs.first()) {
            (NodeKind::Head(at), Some(&train)) => (train, *at),
            _ => (node, 0),
        }
    }
}

fn head<'e>(written: &Written<'e>) -> Option<&'e Call> {
    match written {
        Written::Expr(Expr { kind: ExprKind::Call(call), .. }) => Some(call),
        _ => None,
    }
}
