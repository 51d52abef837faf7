//! Leaks (guarantee 6): a value that a test row or a label has touched reaches no fit, no selection and no input.

use std::collections::BTreeSet;

use super::{Checker, Item};
use crate::diagnostic::{Diagnostic, Text};
use crate::graph::{Fit, NodeId, NodeKind};
use crate::say;
use crate::signature::BodyKind;
use crate::span::Span;
use crate::types::{ColumnType, DomainId, FitRows, Part, Past, SplitType, Type};

/// A way that training rows reach a stage's rows.
struct Candidate {
    split: NodeId,
    along: Vec<NodeId>,
    back: Vec<NodeId>,
}

type Plan = (Fit, BTreeSet<FitRows>, Vec<NodeId>);

impl Checker<'_> {
    /// Finds the rows that a fitted stage learns from (LANGUAGE T2).
    ///
    /// Gives the plan (its inputs counted from 0), what is learned from, and the inputs to add.
    pub(crate) fn fit_of(
        &mut self,
        kind: BodyKind,
        ids: &[NodeId],
        ty: &Type,
        explicit: Option<(Item, Span)>,
        place: Span,
        spans: &[Span],
    ) -> Option<Plan> {
        let first = ids.first().copied()?;
        if let (BodyKind::FitTable, Type::Split(s)) = (kind, self.ty(first).clone()) {
            let learned = FitRows::Part { split: s.split, part: Part::Train };
            return Some((Fit::Part { split: 0, along: vec![], back: vec![] }, [learned].into(), vec![first]));
        }
        let domain = match ty {
            Type::Column(c) => c.domain,
            Type::Table(t) => t.domain,
            _ => return Some((Fit::All, BTreeSet::new(), Vec::new())),
        };
        if let Some((split, part)) = self.split_of(domain) {
            if part == Part::Train {
                let learned = FitRows::Part { split, part };
                return Some((Fit::All, [learned].into(), Vec::new()));
            }
            let label = self.domain_name(domain);
            let there = spans.first().copied().unwrap_or(place);
            self.report(
                Diagnostic::error(
                    "E0603",
                    place,
                    say!(
                        "this learns from `{label}`, which is kept for measuring",
                        "此处从 `{label}` 学习，而它应留作评测"
                    ),
                )
                .also(there, say!("rows of `{label}`", "`{label}` 的行"))
                .help(say!(
                    "learn from the whole column: the training rows are found by themselves",
                    "请使用整列：训练行会自动找出"
                )),
            );
            return Some((Fit::All, BTreeSet::new(), Vec::new()));
        }
        if let Some((item, span)) = explicit {
            return self.explicit_fit(item, span, domain);
        }
        let candidates = self.candidates(domain);
        match candidates.len() {
            0 => Some((Fit::All, [FitRows::All(domain)].into(), Vec::new())),
            1 => Some(self.plan_fit(&candidates[0])),
            _ => {
                let mut d = Diagnostic::error(
                    "E0606",
                    place,
                    say!(
                        "two splits could be meant: whose training rows does this learn from?",
                        "有不止一个划分：应从哪个的训练行学习？"
                    ),
                );
                let mut first = None;
                for c in &candidates {
                    let (label, span) = (self.graph.dag[c.split].label.clone(), self.graph.dag[c.split].span);
                    first.get_or_insert(label.clone());
                    d = d.also(span, say!("`{label}` cuts rows that reach it", "`{label}` 划分了通向它的行"));
                }
                let label = first.unwrap_or_default();
                self.report(d.help(say!("say which: `fit = {label}.train`", "请指明：`fit = {label}.train`")));
                Some(self.plan_fit(&candidates[0]))
            }
        }
    }

    fn explicit_fit(&mut self, item: Item, span: Span, domain: DomainId) -> Option<Plan> {
        let node = match item {
            Item::Node(n) => n,
            Item::Unknown => return None,
            _ => {
                self.report(
                    Diagnostic::error("E0108", span, say!("`fit` names rows to learn from", "`fit` 指明学习所用的行"))
                        .help(say!("write `fit = parts.train`", "请写 `fit = parts.train`")),
                );
                return None;
            }
        };
        let weight = self.graph.dag[node].clone();
        match (&weight.kind, &weight.ty) {
            (NodeKind::Part(Part::Train), Type::Table(_)) => {
                let split = weight.inputs[0];
                match self.candidates(domain).into_iter().find(|c| self.same_split(c.split, split)) {
                    Some(c) => Some(self.plan_fit(&c)),
                    None => {
                        let (label, rows) = (weight.label.clone(), self.domain_name(domain));
                        self.report(Diagnostic::error(
                            "E0404",
                            span,
                            say!(
                                "no ref leads from `{label}` to rows of `{rows}`",
                                "没有引用从 `{label}` 通向 `{rows}` 的行"
                            ),
                        ));
                        None
                    }
                }
            }
            (NodeKind::Part(part), _) => {
                let word = part.word();
                let split = weight.inputs.first().map(|&n| self.graph.dag[n].label.clone()).unwrap_or_default();
                self.report(
                    Diagnostic::error(
                        "E0603",
                        span,
                        say!("a fit never learns from {word} rows", "拟合不能使用 {word} 部分的行"),
                    )
                    .help(say!("write `fit = {split}.train`", "请写 `fit = {split}.train`")),
                );
                Some((Fit::All, BTreeSet::new(), Vec::new()))
            }
            (_, Type::Table(t)) if self.candidates(domain).is_empty() && self.is_within(domain, t.domain) => {
                Some((Fit::All, [FitRows::All(domain)].into(), Vec::new()))
            }
            _ => {
                self.report(
                    Diagnostic::error(
                        "E0603",
                        span,
                        say!("a fit learns from the training part of a split", "拟合只能使用划分的训练部分"),
                    )
                    .help(say!("write `fit = parts.train`", "请写 `fit = parts.train`")),
                );
                Some((Fit::All, BTreeSet::new(), Vec::new()))
            }
        }
    }

    fn same_split(&self, a: NodeId, b: NodeId) -> bool {
        matches!((self.ty(a), self.ty(b)), (Type::Split(x), Type::Split(y)) if x.split == y.split)
    }

    fn plan_fit(&self, c: &Candidate) -> Plan {
        let Type::Split(s) = self.ty(c.split) else { return (Fit::All, BTreeSet::new(), Vec::new()) };
        let learned = FitRows::Part { split: s.split, part: Part::Train };
        let mut links = vec![c.split];
        let mut add = |nodes: &[NodeId]| {
            nodes
                .iter()
                .map(|&n| {
                    links.push(n);
                    links.len() - 1
                })
                .collect::<Vec<_>>()
        };
        let along = add(&c.along);
        let back = add(&c.back);
        (Fit::Part { split: 0, along, back }, [learned].into(), links)
    }

    /// Returns the splits whose rows are, contain as a part, or refer to these rows, or which these refer to.
    fn candidates(&self, domain: DomainId) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = Vec::new();
        for &node in &self.splits {
            let Type::Split(s) = self.ty(node) else { continue };
            if found.iter().any(|c| self.same_split(c.split, node)) {
                continue;
            }
            let table = s.table.domain;
            let nodes = |way: Vec<crate::graph::Arrow>| way.into_iter().filter_map(|a| a.node).collect::<Vec<_>>();
            let (along, back) = if self.graph.root(domain) == self.graph.root(table) {
                (Vec::new(), Vec::new())
            } else if let Some(way) = self.ways(table, self.graph.root(domain)).into_iter().next() {
                (nodes(way), Vec::new())
            } else if let Some(way) = self.ways(domain, self.graph.root(table)).into_iter().next() {
                (Vec::new(), nodes(way))
            } else {
                continue;
            };
            found.push(Candidate { split: node, along, back });
        }
        found
    }

    /// Returns the rows that a gathering over a domain learns from (rule 9): none where no split cuts it.
    pub(crate) fn learned_from(&self, domain: DomainId) -> BTreeSet<FitRows> {
        if let Some((split, part)) = self.split_of(domain) {
            return [FitRows::Part { split, part }].into();
        }
        let cut = self.splits.iter().any(|&n| match self.ty(n) {
            Type::Split(s) => self.graph.root(s.table.domain) == self.graph.root(domain),
            _ => false,
        });
        if cut { [FitRows::All(domain)].into() } else { BTreeSet::new() }
    }

    /// Refuses a split of rows that something has been fitted on already (T3).
    pub(crate) fn refuse_fitted_before(&mut self, table: NodeId, span: Span) {
        let Some(ty) = self.table_type(table).cloned() else { return };
        let root = self.graph.root(ty.domain);
        let hit = ty.marks.fits.iter().any(|f| matches!(f, FitRows::All(d) if self.graph.root(*d) == root));
        if !hit {
            return;
        }
        let place = self.fitted_above(table, self.here()).unwrap_or(self.graph.dag[table].span);
        self.report(
            Diagnostic::error(
                "E0601",
                place,
                say!("this learns from all rows, test rows among them", "此处从所有行学习，其中包括测试行"),
            )
            .also(span, say!("they are split only here", "划分在此之后才进行"))
            .help(say!(
                "put it behind the split: it then learns from the training part alone",
                "请移到划分之后：这样只从训练部分学习"
            )),
        );
    }

    fn fitted_above(&self, node: NodeId, within: Option<usize>) -> Option<Span> {
        let weight = &self.graph.dag[node];
        let (span, within) = self.use_in(node, within);
        if let NodeKind::Stage { body: BodyKind::FitTable, .. } = weight.kind {
            return Some(span);
        }
        weight.inputs.first().and_then(|&n| self.fitted_above(n, within))
    }

    /// Checks what reaches a train (rule 15): rows that were learned from, and the label.
    pub(crate) fn check_leaks(
        &mut self,
        split: &SplitType,
        outputs: &[(NodeId, Span)],
        label: Option<&(String, ColumnType)>,
    ) {
        for (node, place) in outputs {
            let Type::Column(c) = self.ty(*node).clone() else { continue };
            if let Some((name, label)) = label {
                // One error, however many columns they share: it stands where the last of them is read.
                let shared: Vec<_> = c.marks.columns.intersection(&label.marks.columns).cloned().collect();
                if let Some((at, column)) = shared
                    .iter()
                    .rev()
                    .map(|column| (self.reads(*node, column, self.here()).unwrap_or(*place), column))
                    .max_by_key(|(at, _)| (at.file, at.start))
                {
                    let text = column.to_string();
                    let mut d =
                        Diagnostic::error("E0602", at, say!("`{text}` gives the label away", "`{text}` 泄露了标签"))
                            .help(say!("leave it out of the inputs", "请将它从输入中去掉"));
                    if column.column != *name {
                        d = d.note(say!("the label `{name}` is made from `{text}`", "标签 `{name}` 由 `{text}` 得出"));
                    }
                    self.report(d);
                }
            }
            for fit in c.marks.fits.clone() {
                self.check_fit_mark(&fit, split, *node, *place);
            }
            for past in &c.marks.past {
                self.check_past(past, split);
            }
        }
    }

    fn check_fit_mark(&mut self, fit: &FitRows, split: &SplitType, node: NodeId, place: Span) {
        let root = self.graph.root(split.table.domain);
        let code = match fit {
            FitRows::Part { split: s, part: Part::Train } if *s == split.split => return,
            FitRows::Part { split: s, .. } if *s == split.split => "E0603",
            FitRows::Part { split: s, .. } => {
                let other = NodeId::new(*s as usize);
                let overlaps = match self.graph.dag.node_weight(other).map(|w| &w.ty) {
                    Some(Type::Split(o)) => self.graph.root(o.table.domain) == root,
                    _ => false,
                };
                if !overlaps {
                    return;
                }
                "E0604"
            }
            FitRows::All(d) if self.graph.root(*d) == root => "E0607",
            FitRows::All(_) => return,
        };
        let at = self.learns(node, fit, self.here()).unwrap_or(place);
        if code == "E0607" && self.reported.contains(&("E0601".to_string(), at)) {
            return;
        }
        let Text { en, zh } = self.fit_words(fit);
        let mine = self.graph.dag[NodeId::new(split.split as usize)].label.clone();
        let d = Diagnostic::error(code, at, say!("this has learned from {en}", "此处从{zh}学习过"))
            .also(place, say!("and is used to train on `{mine}.train`", "却用于在 `{mine}.train` 上训练"));
        let d = match code {
            "E0604" => d.note(say!(
                "two splits of the same rows: test rows of one are training rows of the other",
                "同一批行的两种划分：一方的测试行是另一方的训练行"
            )),
            _ => d.help(say!("take the training part: `{mine}.train`", "请使用训练部分：`{mine}.train`")),
        };
        self.report(d);
    }

    /// Checks that a history sees no row of a later part: that the split is in its order, or keeps each one's rows together (R6).
    fn check_past(&mut self, past: &Past, split: &SplitType) {
        if self.graph.root(past.domain) != self.graph.root(split.table.domain) {
            return;
        }
        let node = &self.graph.dag[NodeId::new(split.split as usize)];
        let (label, there) = (node.label.clone(), node.span);
        let NodeKind::Stage { args, .. } = &node.kind else { return };
        let columns = |name: &str| {
            let column = args.find(name).and_then(crate::args::ArgValue::as_text)?;
            split.table.column(column).map(|c| c.marks.columns.clone())
        };
        let in_order = columns("by").is_some_and(|by| by == past.order);
        let within = columns("per").is_none_or(|per| per == past.by);
        if (in_order && within) || columns("group").is_some_and(|group| group == past.by) {
            return;
        }
        let words = |columns: &BTreeSet<crate::types::SourceColumn>| {
            columns.iter().next().map_or_else(String::new, |c| c.column.clone())
        };
        let (by, order) = (words(&past.by), words(&past.order));
        let here = self.graph.dag[NodeId::new(past.node as usize)].span;
        self.report(
            Diagnostic::error(
                "E0609",
                here,
                say!(
                    "a training row's history may hold rows that `{label}` keeps for measuring",
                    "训练行的历史可能包含 `{label}` 留作评测的行"
                ),
            )
            .also(there, say!("this split is not in the history's order", "此划分与历史的顺序不一致"))
            .help(say!(
                "split in the same order: `split(per = {by}, by = {order}, …)`, or `split(by = {order}, …)`",
                "请按相同顺序划分：`split(per = {by}, by = {order}, …)` 或 `split(by = {order}, …)`"
            )),
        );
    }

    /// Returns the place where a source column is read, below a node.
    fn reads(&self, node: NodeId, column: &crate::types::SourceColumn, within: Option<usize>) -> Option<Span> {
        let weight = &self.graph.dag[node];
        let (span, within) = self.use_in(node, within);
        if let (NodeKind::Column(_), Type::Column(c)) = (&weight.kind, &weight.ty)
            && c.marks.columns.contains(column)
        {
            // A ref that was noted with its table was not written there.
            let table = weight.inputs.first().map(|&n| self.graph.dag[n].span);
            return (table != Some(span)).then_some(span);
        }
        weight.inputs.iter().find_map(|&n| match self.ty(n) {
            Type::Column(c) if c.marks.columns.contains(column) => self.reads(n, column, within),
            _ => None,
        })
    }

    /// Returns the place of the stage that learned from these rows, below a node.
    fn learns(&self, node: NodeId, fit: &FitRows, within: Option<usize>) -> Option<Span> {
        let weight = &self.graph.dag[node];
        let (span, within) = self.use_in(node, within);
        let below = weight.inputs.iter().copied().find(|&n| match self.ty(n) {
            Type::Column(c) => c.marks.fits.contains(fit),
            Type::Table(t) => t.marks.fits.contains(fit),
            Type::Split(s) => s.table.marks.fits.contains(fit),
            _ => false,
        });
        match below {
            Some(n) => self.learns(n, fit, within),
            None => Some(span),
        }
    }
}
