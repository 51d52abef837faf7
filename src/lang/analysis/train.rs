//! Trains: the rows of the task, the network that it holds, and what becomes of it.

use std::collections::BTreeSet;

use super::argument::Extra;
use super::call::Written;
use super::{Checker, Item, RowScope, Scope};
use crate::args::{ArgKind, ArgValue, Args};
use crate::diagnostic::Diagnostic;
use crate::graph::{Arrow, DomainKind, Link, Node, NodeId, NodeKind};
use crate::say;
use crate::signature::{BodyKind, Entry, Signature};
use crate::span::Span;
use crate::syntax::tree::{Call, Expr, ExprKind, Name};
use crate::types::{ColumnType, DomainId, Elem, FitRows, Marks, Part, Size, SplitType, Task, TrainType, Type};

/// Values, and where they stand in the file.
pub(super) type Places = Vec<(NodeId, Span)>;

/// Returns how often a train is repeated. That is no part of what is trained: the first time is the same, however many follow.
pub(super) fn take_repeat(args: &mut Args) -> u64 {
    let repeat = match args.find("repeat") {
        Some(ArgValue::Int(times)) => u64::try_from(*times).unwrap_or(1),
        _ => 1,
    };
    args.0.retain(|(name, _)| name != "repeat");
    repeat
}

impl Checker<'_> {
    pub(crate) fn train(
        &mut self,
        signature: &'static Signature,
        call: &Call,
        inputs: Vec<(Item, Span)>,
        named: Vec<(Name, Written<'_>)>,
        span: Span,
        scope: &Scope,
    ) -> Item {
        let name = signature.name;
        let several = signature.args.iter().any(|a| a.kind == ArgKind::Heads);
        let task = signature.tasks.first().copied().unwrap_or(Task::Classify);
        let Some((item, place)) = inputs.into_iter().next() else {
            self.report(
                Diagnostic::error("E0307", call.name.span, say!("`{name}` trains on a split", "`{name}` 在划分上训练"))
                    .help(say!("give it one: `{name}(parts, …)`", "请给出一个：`{name}(parts, …)`")),
            );
            return Item::Unknown;
        };
        let node = match item {
            Item::Node(n) => n,
            Item::Unknown => {
                self.arguments_without_table(signature, &named, call.name.span, scope);
                return Item::Unknown;
            }
            _ => {
                self.not_a_split(name, place, "a plain value".into());
                return Item::Unknown;
            }
        };
        let split = match self.ty(node).clone() {
            Type::Split(s) => s,
            Type::Unknown => {
                self.arguments_without_table(signature, &named, call.name.span, scope);
                return Item::Unknown;
            }
            _ => {
                let found = self.describe(node);
                self.not_a_split(name, place, found);
                return Item::Unknown;
            }
        };
        if several {
            return self.tasks(signature, call, (node, split), named, span, scope);
        }
        let Some(inner) = self.task_scope(task, node, &split, &named, call.name.span, scope) else {
            return Item::Unknown;
        };
        let mut extra: Extra = Vec::new();
        let (args, spans) = self.arguments(signature, &named, Some(node), call.name.span, &inner, &mut extra);
        let Some(mut args) = args else { return self.unsound_train(name, task, node, split, span) };
        let repeat = take_repeat(&mut args);
        let Some(row) = &inner.row else { return Item::Unknown };
        let wanted = row.domain;
        if let Some(item) = self.domain(wanted).arrows.get(1).cloned().filter(|_| task == Task::Recommend) {
            self.check_candidates(&args, &extra, &split, &item);
        }
        let Some((outputs, ends)) = self.read_values(signature, &args, &mut extra, 0, wanted) else {
            return self.unsound_train(name, task, node, split, span);
        };
        let label = self.check_label(task, false, &args, &split, &spans, call.name.span);
        self.check_weight(&args, &split, &spans, call.name.span);
        self.check_losses(task, &named, &args);
        self.check_changed(&args, &extra, &ends);
        ends.iter().for_each(|output| self.check_heads(task, &[*output], label.as_ref()));
        self.check_selection(&args, &split, node, &spans);
        self.check_leaks(&split, &outputs, label.as_ref());
        let classes = self.classes_of(label.as_ref());
        let marks = self.trained_marks(&outputs, &split);
        let fields = self.fields(&outputs, &split);
        let heads = Vec::new();
        let ty = Type::Train(Box::new(TrainType { task, split, classes, repeat, sound: true, fields, heads, marks }));
        let mut ids = vec![node];
        ids.extend(extra.iter().map(|(n, _)| *n));
        let base = self.files[scope.file].base.clone();
        let kind = NodeKind::Stage { stage: name, alternative: 0, body: BodyKind::Train, args, fit: None, base };
        let label = name.to_string();
        Item::Node(self.add(Node { name: None, label, kind, inputs: ids, ty, span, joint: false, rows: None }))
    }

    /// Reads the values that the arguments of a train, or of one of its tasks, have put behind `before` others at the rows of the task.
    /// Returns those that are columns, and of these what it guesses by.
    pub(super) fn read_values(
        &mut self,
        signature: &'static Signature,
        args: &Args,
        extra: &mut Extra,
        before: usize,
        wanted: DomainId,
    ) -> Option<(Places, Places)> {
        let heads = self.heads_among(signature, args);
        let (mut outputs, mut ends) = (Vec::new(), Vec::new());
        for (at, (value, place)) in extra.iter_mut().enumerate().skip(before) {
            let read = self.read_at(*value, wanted, *place)?;
            *value = read;
            if let Type::Column(_) = self.ty(read) {
                outputs.push((read, *place));
                if heads.contains(&(at + 1)) {
                    ends.push((read, *place));
                }
            }
        }
        self.refuse_missing(&outputs, signature)?;
        Some((outputs, ends))
    }

    /// Returns what is to be known of values that a train makes of these: it has learned from the split's training rows.
    pub(super) fn trained_marks(&self, outputs: &[(NodeId, Span)], split: &SplitType) -> Marks {
        let mut marks = Marks::default();
        for (node, _) in outputs {
            if let Type::Column(column) = self.ty(*node) {
                marks.join(&column.marks);
            }
        }
        marks.joint = false;
        marks.fits.insert(FitRows::Part { split: split.split, part: Part::Train });
        marks
    }

    /// Returns the count of classes of a label; unknown of one that has none.
    pub(super) fn classes_of(&self, label: Option<&(String, ColumnType)>) -> Size {
        match label.map(|(_, c)| &c.elem) {
            Some(Elem::Bool) => Size::Known(2),
            Some(Elem::Category(d) | Elem::Ref(d)) => self.domain(*d).rows.map_or(Size::Unknown, Size::Known),
            _ => Size::Unknown,
        }
    }

    /// Returns a train whose network is wrong, so that its metrics are still checked against its task and split.
    pub(super) fn unsound_train(&mut self, name: &str, task: Task, split: NodeId, ty: SplitType, span: Span) -> Item {
        let (classes, fields, heads, marks) = (Size::Unknown, Vec::new(), Vec::new(), Marks::default());
        let ty = TrainType { task, split: ty, classes, repeat: 1, sound: false, fields, heads, marks };
        let ty = Type::Train(Box::new(ty));
        let kind = NodeKind::Field(name.into());
        let label = name.to_string();
        // Never run: the file has a mistake.
        let node = Node { name: None, label, kind, inputs: vec![split], ty, span, joint: false, rows: None };
        Item::Node(self.graph.dag.add_node(node))
    }

    fn not_a_split(&mut self, name: &str, span: Span, found: String) {
        self.report(
            Diagnostic::error(
                "E0301",
                span,
                say!("`{name}` trains on a split, this is {found}", "`{name}` 在划分上训练，这里是 {found}"),
            )
            .help(say!(
                "split it first: `prepare parts = … |> split(train = 80%, validation = 10%, test = 10%)`",
                "请先划分：`prepare parts = … |> split(train = 80%, validation = 10%, test = 10%)`"
            )),
        );
    }

    /// Returns the scope of scores, outputs and losses.
    pub(super) fn task_scope(
        &mut self,
        task: Task,
        node: NodeId,
        split: &SplitType,
        named: &[(Name, Written<'_>)],
        span: Span,
        scope: &Scope,
    ) -> Option<Scope> {
        let mut inner = Scope { network: true, task: Some(task), ..scope.clone() };
        if task != Task::Recommend {
            let domain = split.table.domain;
            inner.row = Some(RowScope { table: node, domain, pair: None });
            return Some(inner);
        }
        let user = self.end("user", node, split, named, span, scope)?;
        let item = self.end("item", node, split, named, span, scope)?;
        let name = format!("pairs of {} and {}", user.column, item.column);
        let named = split.table.column(&user.column).map(|c| c.marks.columns.clone()).unwrap_or_default();
        let pair = self.new_domain(name, DomainKind::Pairs { met: split.table.domain, user: named }, None);
        inner.row =
            Some(RowScope { table: node, domain: pair, pair: Some((user.column.clone(), item.column.clone())) });
        self.graph.domains[pair.0 as usize].arrows = vec![user, item];
        Some(inner)
    }

    /// Returns the arrow of one end of a pair: `user = …` or `item = …`.
    fn end(
        &mut self,
        which: &'static str,
        node: NodeId,
        split: &SplitType,
        named: &[(Name, Written<'_>)],
        span: Span,
        scope: &Scope,
    ) -> Option<Arrow> {
        let expr = named.iter().find(|(n, _)| n.text == which).map(|(_, w)| w.clone());
        let Some(Written::Expr(expr)) = expr else {
            self.report(
                Diagnostic::error("E0107", span, say!("`recommend` needs `{which}`", "`recommend` 缺少 `{which}`"))
                    .help(say!("name the column: `{which} = …`", "请指明列：`{which} = …`")),
            );
            return None;
        };
        let name = self.bare_name(expr, scope)?;
        let Some(column) = split.table.column(&name).cloned() else {
            self.no_column(node, &name, expr.span);
            return None;
        };
        let (Elem::Ref(to) | Elem::Category(to)) = column.elem else {
            let found = column.elem.to_string();
            self.report(
                Diagnostic::error(
                    "E0707",
                    expr.span,
                    say!(
                        "`{which}` is a ref or a category, this is {found}",
                        "`{which}` 应为引用或类别，这里是 {found}"
                    ),
                )
                .help(say!("declare the column as `category`, or as a `ref`", "请将该列声明为 `category` 或 `ref`")),
            );
            return None;
        };
        if !column.missing.is_empty() {
            self.report_missing("E0504", expr.span, &column, &name);
            return None;
        }
        Some(Arrow { column: name, to, node: None, missing: false })
    }

    /// Returns the column's name that an expression is; a def's parameter stands for the column that was given.
    fn bare_name(&mut self, expr: &Expr, scope: &Scope) -> Option<String> {
        match &expr.kind {
            ExprKind::Name(n) => match scope.locals.iter().rev().find(|l| l.name == *n) {
                Some(local) => {
                    local.used.set(true);
                    match &local.item {
                        Item::ColumnName(c, _) => Some(c.clone()),
                        _ => Some(n.clone()),
                    }
                }
                None => Some(n.clone()),
            },
            ExprKind::Text(t) => t.plain(),
            _ => {
                self.report(Diagnostic::error(
                    "E0108",
                    expr.span,
                    say!("a column of the split is named bare", "划分的列应直接写列名"),
                ));
                None
            }
        }
    }

    /// Returns what a bare column is in a score, an output or a loss.
    pub(crate) fn bare_column(&mut self, name: &str, span: Span, scope: &Scope) -> Item {
        let Some(row) = scope.row.clone() else { return Item::Unknown };
        let column = self.column_node(row.table, name, span);
        let Some((user, _)) = &row.pair else { return Item::Node(column) };
        let Type::Column(ty) = self.ty(column).clone() else { return Item::Unknown };
        let link = if name == user { Link::User } else { Link::Item };
        let ty = Type::Column(ColumnType { domain: row.domain, ..ty });
        let kind = NodeKind::Read(vec![link]);
        let label = name.to_string();
        let node = Node { name: None, label, kind, inputs: vec![column], ty, span, joint: true, rows: None };
        // One for each train: pairs of two trains are different rows.
        let id = self.graph.dag.add_node(node);
        self.graph.dag.add_edge(column, id, 0);
        Item::Node(id)
    }

    /// Returns the arrow that a column is: from its rows to what it names.
    pub(crate) fn arrow_of(&self, node: NodeId) -> Option<Arrow> {
        let Type::Column(c) = self.ty(node) else { return None };
        let (Elem::Ref(to) | Elem::Category(to)) = c.elem else { return None };
        let weight = &self.graph.dag[node];
        if let NodeKind::Read(links) = &weight.kind
            && let [end @ (Link::User | Link::Item)] = links[..]
        {
            let at = usize::from(end == Link::Item);
            return self.domain(c.domain).arrows.get(at).cloned();
        }
        let column = match &weight.kind {
            NodeKind::Column(name) => name.clone(),
            _ => weight.label.clone(),
        };
        Some(Arrow { column, to, node: Some(node), missing: !c.missing.is_empty() })
    }

    /// Returns the label's name and type; its mistakes are reported.
    pub(super) fn check_label(
        &mut self,
        task: Task,
        sparse: bool,
        args: &Args,
        split: &SplitType,
        spans: &[(String, Span)],
        span: Span,
    ) -> Option<(String, ColumnType)> {
        if task == Task::Recommend {
            return None;
        }
        let name = args.find("label")?.as_text()?.to_string();
        let place = spans.iter().find(|(n, _)| n == "label").map_or(span, |(_, s)| *s);
        let column = split.table.column(&name)?.clone();
        let fits = match task {
            Task::Classify => matches!(column.elem, Elem::Bool | Elem::Category(_) | Elem::Unknown),
            _ => column.elem.is_number(),
        };
        if !fits {
            let (found, word) = (column.elem.to_string(), task.word());
            let (en, zh) = if task == Task::Classify {
                ("a bool or a category", "bool 或类别")
            } else {
                ("a number", "数字")
            };
            let mut d = Diagnostic::error(
                "E0705",
                place,
                say!("`{word}` learns {en}, this is {found}", "`{word}` 学习{zh}，这里是 {found}"),
            );
            if task == Task::Classify && column.elem.is_number() {
                d = d.help(say!(
                    "declare it as `category`, or make a condition of it: `with(like = {name} >= 4)`",
                    "请声明为 `category`，或由它得出条件：`with(like = {name} >= 4)`"
                ));
            }
            self.report(d);
            return None;
        }
        // Of several tasks, rows without a label just do not count for theirs.
        if !column.missing.is_empty() && !sparse {
            self.report_missing("E0503", place, &column, &name);
            return None;
        }
        Some((name, column))
    }

    /// Checks the column that says how much each row counts.
    pub(super) fn check_weight(&mut self, args: &Args, split: &SplitType, spans: &[(String, Span)], span: Span) {
        let Some(name) = args.find("weight").and_then(ArgValue::as_text) else { return };
        let Some(column) = split.table.column(name).cloned() else { return };
        let place = spans.iter().find(|(n, _)| n == "weight").map_or(span, |(_, s)| *s);
        if !column.elem.is_number() {
            let found = column.elem.to_string();
            self.report(Diagnostic::error(
                "E0108",
                place,
                say!("`weight` takes a column of numbers, this is {found}", "`weight` 接受数字列，这里是 {found}"),
            ));
        } else if !column.missing.is_empty() {
            self.report_missing("E0504", place, &column, name);
        }
    }

    /// Returns what the joint stages below these outputs became: declared names of vectors with their types, trained.
    pub(super) fn fields(&self, outputs: &[(NodeId, Span)], split: &SplitType) -> Vec<(String, ColumnType)> {
        let mut fields = Vec::new();
        let mut seen = BTreeSet::new();
        let mut stack: Vec<NodeId> = outputs.iter().map(|(n, _)| *n).collect();
        while let Some(node) = stack.pop() {
            if !seen.insert(node) || !self.graph.dag[node].joint {
                continue;
            }
            let weight = &self.graph.dag[node];
            if let (Some(name), Type::Column(c)) = (&weight.name, &weight.ty)
                && c.elem.as_vector().is_some()
            {
                let mut marks = c.marks.clone();
                marks.joint = false;
                marks.fits.insert(FitRows::Part { split: split.split, part: Part::Train });
                fields.push((name.clone(), ColumnType { marks, ..c.clone() }));
            }
            stack.extend(weight.inputs.iter().copied());
        }
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        fields.dedup_by(|a, b| a.0 == b.0);
        fields
    }

    /// Returns the numbers of the inputs that the task's head must be: the values that arguments name, not those that losses compare.
    pub(super) fn heads_among(&self, signature: &'static Signature, args: &Args) -> BTreeSet<usize> {
        let mut heads = BTreeSet::new();
        let mut note = |signature: &'static Signature, args: &Args| {
            for (name, value) in &args.0 {
                if let (ArgValue::Input(at), true) = (value, signature.arg(name).is_some()) {
                    heads.insert(*at);
                }
            }
        };
        note(signature, args);
        if let Some(ArgValue::Losses(losses)) = args.find("loss") {
            for (_, recipe) in losses {
                if let Some(entry) = self.vocabulary.get(&recipe.stage) {
                    note(entry.signature, &recipe.args);
                }
            }
        }
        heads
    }

    /// Checks that a value that a loss changes is one that the train's values read.
    pub(super) fn check_changed(&mut self, args: &Args, extra: &Extra, ends: &[(NodeId, Span)]) {
        let Some(ArgValue::Losses(list)) = args.find("loss") else { return };
        let mut below = BTreeSet::new();
        let mut stack: Vec<NodeId> = ends.iter().map(|(node, _)| *node).collect();
        while let Some(node) = stack.pop() {
            // What was computed before the network is read as it is, whatever it was made from.
            let about = &self.graph.dag[node];
            if below.insert(node) && (about.joint || matches!(about.kind, NodeKind::Read(_))) {
                stack.extend(&about.inputs);
            }
        }
        for (_, recipe) in list.iter().filter(|(_, recipe)| recipe.args.has(super::express::OVER)) {
            let Some(ArgValue::Input(at)) = recipe.args.find("0") else { continue };
            let Some(&(mut node, place)) = at.checked_sub(1).and_then(|at| extra.get(at)) else { continue };
            while let NodeKind::Read(_) = self.graph.dag[node].kind {
                node = self.graph.dag[node].inputs[0];
            }
            if !below.contains(&node) {
                let stage = &recipe.stage;
                let said = say!(
                    "no score or output reads this value, so `{stage}` would change nothing",
                    "没有打分或输出读取此值，因此 `{stage}` 不起作用"
                );
                self.report(
                    Diagnostic::error("E0702", place, said).help(say!(
                        "name the value by the name that the network reads",
                        "请写网络所读取的那个值的名称"
                    )),
                );
            }
        }
    }

    /// Checks that losses serve the task, and that one of them reads the label.
    pub(super) fn check_losses(&mut self, task: Task, named: &[(Name, Written<'_>)], args: &Args) {
        let Some(ArgValue::Losses(list)) = args.find("loss") else { return };
        let Some(place) = named.iter().find(|(n, _)| n.text == "loss").map(|(_, w)| w.span()) else { return };
        let tasks = |stage: &str| self.vocabulary.get(stage).map_or(&[][..], |entry| entry.signature.tasks);
        let others = list.iter().filter(|(_, r)| !tasks(&r.stage).is_empty() && !tasks(&r.stage).contains(&task));
        let others: Vec<String> = others.map(|(_, recipe)| recipe.stage.clone()).collect();
        let right = || {
            let serves = |e: &&Entry| e.kinds.contains(&BodyKind::Recipe) && e.signature.tasks.contains(&task);
            self.vocabulary
                .iter()
                .filter(serves)
                .map(|e| format!("`{}`", e.signature.name))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let help = right();
        // What ranks may learn from pulls alone; a head that nothing pulls at guesses.
        let read = task == Task::Recommend || list.iter().any(|(_, recipe)| tasks(&recipe.stage).contains(&task));
        let word = task.word();
        let mut found: Vec<Diagnostic> = others
            .iter()
            .map(|loss| {
                let said = say!("the loss `{loss}` does not serve `{word}`", "损失 `{loss}` 不适用于 `{word}`");
                Diagnostic::error("E0702", place, said)
            })
            .collect();
        if found.is_empty() && !read {
            let said = say!("no term of this loss reads the label", "该损失中没有任何一项读取标签");
            found.push(Diagnostic::error("E0702", place, said));
        }
        for diagnostic in found {
            self.report(diagnostic.help(say!("losses for it: {help}", "适用的损失：{help}")));
        }
    }

    /// Checks that what chooses among epochs has a validation part to read.
    pub(super) fn check_selection(&mut self, args: &Args, split: &SplitType, node: NodeId, spans: &[(String, Span)]) {
        if !args.has("stop") || split.part(Part::Validation).is_some() {
            return;
        }
        let place = spans.iter().find(|(n, _)| n == "stop").map(|(_, s)| *s);
        let there = self.graph.dag[node].span;
        if let Some(place) = place {
            self.report(
                Diagnostic::error(
                    "E0605",
                    place,
                    say!(
                        "early stopping reads the validation part, and this split has none",
                        "提前停止需读取验证部分，而该划分没有"
                    ),
                )
                .also(there, say!("split here", "在此划分"))
                .help(say!("add `validation = 10%` to the split", "请在划分中加上 `validation = 10%`")),
            );
        }
    }
}
