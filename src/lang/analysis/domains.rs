//! Row identity (guarantee 4): which rows a value has, and how rows of one domain lead to another's.

use super::{Checker, Item};
use crate::diagnostic::{Diagnostic, Text};
use crate::graph::{Arrow, DomainKind, Link, Node, NodeId, NodeKind};
use crate::say;
use crate::span::Span;
use crate::types::{ColumnType, DomainId, Elem, FitRows, Part, TableType, Type};

/// How a column of one domain can be read at another.
pub(crate) enum Reach {
    Here,
    /// The wanted rows are some of its rows.
    Part,
    Along(Vec<Arrow>),
    /// Two ways or more.
    Many(Vec<Vec<Arrow>>),
    /// The rows that the wanted pairs were met in.
    Occasion,
    /// It has only some of the wanted rows.
    Whole,
    Never,
}

impl Checker<'_> {
    /// Tells whether `part` is `whole`, or some of its rows.
    pub(crate) fn is_within(&self, mut part: DomainId, whole: DomainId) -> bool {
        loop {
            if part == whole {
                return true;
            }
            match self.domain(part).kind {
                DomainKind::Part(of) => part = of,
                _ => return false,
            }
        }
    }

    /// Returns the arrows that leave a domain: its own, else those of what it is a part of.
    pub(crate) fn arrows(&self, mut domain: DomainId) -> Vec<Arrow> {
        loop {
            let here = self.domain(domain);
            match (here.arrows.is_empty(), &here.kind) {
                (true, DomainKind::Part(of)) => domain = *of,
                _ => return here.arrows.clone(),
            }
        }
    }

    /// Returns the ways along arrows from one domain to another, without going in circles.
    pub(crate) fn ways(&self, from: DomainId, to: DomainId) -> Vec<Vec<Arrow>> {
        let mut found = Vec::new();
        let mut way = Vec::new();
        self.walk(from, to, &mut vec![self.graph.root(from)], &mut way, &mut found);
        found
    }

    fn walk(
        &self,
        from: DomainId,
        to: DomainId,
        seen: &mut Vec<DomainId>,
        way: &mut Vec<Arrow>,
        found: &mut Vec<Vec<Arrow>>,
    ) {
        if found.len() > 8 || way.len() > 6 {
            return;
        }
        for arrow in self.arrows(from) {
            let next = arrow.to;
            way.push(arrow);
            if next == to {
                found.push(way.clone());
            } else if !seen.contains(&next) {
                seen.push(next);
                self.walk(next, to, seen, way, found);
                seen.pop();
            }
            way.pop();
        }
    }

    pub(crate) fn reach(&self, wanted: DomainId, from: DomainId) -> Reach {
        if wanted == from {
            return Reach::Here;
        }
        if self.is_within(wanted, from) {
            return Reach::Part;
        }
        let mut ways = self.ways(wanted, from);
        match ways.len() {
            0 if self.met(wanted).is_some_and(|met| self.is_within(met, from)) => Reach::Occasion,
            0 if self.graph.root(wanted) == self.graph.root(from) => Reach::Whole,
            0 if !self.ways(wanted, self.graph.root(from)).is_empty() => Reach::Whole,
            0 => Reach::Never,
            1 => Reach::Along(ways.remove(0)),
            _ => Reach::Many(ways),
        }
    }

    /// Returns the column `name` of a table as a node.
    pub(crate) fn column_node(&mut self, table: NodeId, name: &str, span: Span) -> NodeId {
        let column = self.table_type(table).and_then(|t| t.column(name)).cloned();
        let label = format!("{}.{name}", self.graph.dag[table].label);
        let ty = column.map_or(Type::Unknown, Type::Column);
        let kind = NodeKind::Column(name.into());
        self.add(Node { name: None, label, kind, inputs: vec![table], ty, span, joint: false, rows: None })
    }

    /// Returns a part of a split as a node: a table of the part's rows.
    pub(crate) fn part_node(&mut self, split: NodeId, part: Part, span: Span) -> NodeId {
        let Type::Split(s) = self.ty(split).clone() else { return split };
        let Some(domain) = s.part(part) else { return split };
        let label = format!("{}.{}", self.graph.dag[split].label, part.word());
        let columns = s.table.columns.iter().map(|(n, c)| (n.clone(), ColumnType { domain, ..c.clone() })).collect();
        let ty = Type::Table(TableType { domain, columns, marks: s.table.marks.clone() });
        let kind = NodeKind::Part(part);
        self.add(Node { name: None, label, kind, inputs: vec![split], ty, span, joint: false, rows: None })
    }

    /// Returns an end of a graph, or what a network has made there.
    pub(crate) fn end_node(&mut self, of: NodeId, at: usize, name: &str, ty: Type, span: Span) -> NodeId {
        let label = format!("{}.{name}", self.graph.dag[of].label);
        let joint = self.graph.dag[of].joint;
        self.add(Node { name: None, label, kind: NodeKind::End(at), inputs: vec![of], ty, span, joint, rows: None })
    }

    pub(crate) fn field_node(&mut self, train: NodeId, name: &str, ty: Type, span: Span) -> NodeId {
        let label = format!("{}.{name}", self.graph.dag[train].label);
        let kind = NodeKind::Field(name.into());
        self.add(Node { name: None, label, kind, inputs: vec![train], ty, span, joint: false, rows: None })
    }

    /// Notes the arrows that leave a domain: the refs and categories among its table's columns.
    pub(crate) fn note_arrows(&mut self, table: NodeId) {
        let Some(ty) = self.table_type(table).cloned() else { return };
        let span = self.graph.dag[table].span;
        let mut arrows = Vec::new();
        for (name, column) in &ty.columns {
            if let Elem::Ref(to) | Elem::Category(to) = column.elem {
                let node = self.column_node(table, name, span);
                arrows.push(Arrow { column: name.clone(), to, node: Some(node), missing: !column.missing.is_empty() });
            }
        }
        self.graph.domains[ty.domain.0 as usize].arrows = arrows;
    }

    /// Returns the node read at the wanted rows. A restriction to a part needs no node: its reader restricts.
    pub(crate) fn read_at(&mut self, node: NodeId, wanted: DomainId, span: Span) -> Option<NodeId> {
        let Type::Column(column) = self.ty(node).clone() else { return Some(node) };
        match self.reach(wanted, column.domain) {
            Reach::Here | Reach::Part => Some(node),
            Reach::Along(way) => Some(self.read_along(node, wanted, &way, span)),
            Reach::Occasion if self.of_the_user(&column, wanted) && self.graph.dag[node].joint => {
                let ty = Type::Column(ColumnType { domain: wanted, ..column });
                let label = self.graph.dag[node].label.clone();
                let kind = NodeKind::Read(vec![Link::Occasion]);
                Some(self.add(Node { name: None, label, kind, inputs: vec![node], ty, span, joint: true, rows: None }))
            }
            Reach::Occasion if !column.marks.past.is_empty() => {
                self.refuse_occasion(node, &column, wanted, span);
                None
            }
            other => {
                self.report_rows(wanted, column.domain, &other, span, span);
                None
            }
        }
    }

    /// Returns the rows that pairs were met in.
    fn met(&self, pairs: DomainId) -> Option<DomainId> {
        match self.domain(pairs).kind {
            DomainKind::Pairs { met, .. } => Some(met),
            _ => None,
        }
    }

    /// Tells whether a column of the rows that pairs were met in is the user's alone: it comes through histories of the user.
    fn of_the_user(&self, column: &ColumnType, pairs: DomainId) -> bool {
        let DomainKind::Pairs { user, .. } = &self.domain(pairs).kind else { return false };
        let past = &column.marks.past;
        column.marks.columns.is_empty() && !past.is_empty() && past.iter().all(|past| past.by == *user)
    }

    /// Refuses what hangs on a history, and is not known when users are ranked.
    fn refuse_occasion(&mut self, node: NodeId, column: &ColumnType, pairs: DomainId, span: Span) {
        let user = self.domain(pairs).arrows.first().map(|a| a.column.clone()).unwrap_or_default();
        let d = Diagnostic::error(
            "E0611",
            span,
            say!("this is not known when users are ranked", "为用户排序时并不知道此值"),
        );
        let other = column
            .marks
            .past
            .iter()
            .find(|past| !matches!(&self.domain(pairs).kind, DomainKind::Pairs { user, .. } if past.by == *user));
        let d = if let Some(other) = other {
            let by = other.by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let there = self.graph.dag[NodeId::new(other.node as usize)].span;
            d.also(there, say!("a history by `{by}`", "按 `{by}` 的历史")).help(say!(
                "in a score, a history belongs to the user: `by = … .{user}`",
                "打分中的历史属于用户：`by = … .{user}`"
            ))
        } else if let Some(read) = column.marks.columns.first() {
            d.here(say!(
                "it also reads `{read}`, which a ranked pair has not",
                "它还读取了 `{read}`，而待排序的配对没有该值"
            ))
            .help(say!(
                "leave `{read}` out; what refs lead to from user and item can be read in the score itself",
                "请去掉 `{read}`；由用户和物品经引用可达的列可直接在打分中读取"
            ))
        } else {
            let there = self.graph.dag[node].span;
            d.also(there, say!("it was computed before the training, row by row", "它在训练前已逐行算出")).help(say!(
                "write the history in the network: `fuse … = neural {{ … |> history(…) }}`",
                "请将 history 写入网络：`fuse … = neural {{ … |> history(…) }}`"
            ))
        };
        self.report(d);
    }

    /// Returns the node read along arrows, at the rows that the first one leaves from.
    pub(crate) fn read_along(&mut self, node: NodeId, from: DomainId, way: &[Arrow], span: Span) -> NodeId {
        let Type::Column(column) = self.ty(node).clone() else { return node };
        let mut inputs = vec![node];
        let mut links = Vec::new();
        let mut ty = column;
        let mut joint = self.graph.dag[node].joint;
        for (step, arrow) in way.iter().enumerate() {
            match arrow.node {
                Some(link) => {
                    inputs.push(link);
                    links.push(Link::Input(inputs.len() - 1));
                    if let Type::Column(c) = self.ty(link).clone() {
                        if step == 0 {
                            ty.domain = c.domain;
                        }
                        ty.missing.extend(c.missing.iter().cloned());
                        ty.marks.join(&c.marks);
                    }
                }
                None => {
                    // An end of a pair: `from` is the pairs' domain.
                    let first = self.domain(from).arrows.first() == Some(arrow);
                    links.push(if first { Link::User } else { Link::Item });
                    if step == 0 {
                        ty.domain = from;
                    }
                    joint = true;
                }
            }
        }
        let label = self.graph.dag[node].label.clone();
        let kind = NodeKind::Read(links);
        ty.marks.joint |= joint && self.graph.dag[node].joint;
        self.add(Node { name: None, label, kind, inputs, ty: Type::Column(ty), span, joint, rows: None })
    }

    /// Returns the domain among these from which all others are reached; `None` if there is none.
    pub(crate) fn finest(&self, domains: &[DomainId]) -> Option<DomainId> {
        domains
            .iter()
            .copied()
            .find(|&d| domains.iter().all(|&e| matches!(self.reach(d, e), Reach::Here | Reach::Part | Reach::Along(_))))
            .or_else(|| {
                // Two ways somewhere: still the finest, and the reading reports which ref to name.
                domains.iter().copied().find(|&d| {
                    domains.iter().all(|&e| {
                        matches!(self.reach(d, e), Reach::Here | Reach::Part | Reach::Along(_) | Reach::Many(_))
                    })
                })
            })
    }

    /// Returns a part's column, as it is written there, as one of the whole table: `films.look` for `parts.train.look`.
    fn in_the_whole(&self, part: DomainId, place: Span) -> Option<String> {
        let text = self.source_text(place);
        let (_, column) = text.rsplit_once('.')?;
        let root = self.graph.root(part);
        let name = self.domain_name(root);
        let (_, node) = self.declared.iter().find_map(|d| match (&d.state, d.tree.kind.name()) {
            (super::resolve::State::Done(Item::Node(n)), Some(known)) if known.text == name => Some((known, *n)),
            _ => None,
        })?;
        let table = self.table_type(node)?;
        (table.domain == root && table.column(column).is_some()).then(|| format!("{name}.{column}"))
    }

    /// Reports that rows of `from` cannot be read where rows of `wanted` are.
    pub(crate) fn report_rows(&mut self, wanted: DomainId, from: DomainId, reach: &Reach, here: Span, there: Span) {
        let (w, f) = (self.domain_name(wanted), self.domain_name(from));
        let pairs = self.met(wanted).is_some();
        let diagnostic = match reach {
            Reach::Many(ways) => {
                let refs: Vec<String> = ways
                    .iter()
                    .map(|way| way.iter().map(|a| a.column.as_str()).collect::<Vec<_>>().join("."))
                    .collect();
                let list = refs.iter().map(|r| format!("`{r}`")).collect::<Vec<_>>().join(", ");
                let first = refs.first().cloned().unwrap_or_default();
                let owner = if pairs { String::new() } else { format!("{w}.") };
                Diagnostic::error(
                    "E0402",
                    here,
                    say!("two ways lead from `{w}` to `{f}`", "从 `{w}` 到 `{f}` 有不止一条路径"),
                )
                .here(say!("a row of `{f}`, by {list}", "`{f}` 的行，可经 {list}"))
                .help(say!(
                    "name the ref: `… |> through({owner}{first})`",
                    "请指明引用：`… |> through({owner}{first})`"
                ))
            }
            Reach::Whole => {
                let d = Diagnostic::error(
                    "E0403",
                    here,
                    say!("`{f}` has only some of the rows that `{w}` needs", "`{f}` 只包含 `{w}` 所需的部分行"),
                )
                .here(say!("rows of `{f}`, which are a part", "`{f}` 的行，只是一部分"))
                .note(say!("a part never stands for its whole", "部分不能代替整体"));
                let root = self.domain_name(self.graph.root(from));
                match self.in_the_whole(from, here) {
                    Some(whole) => {
                        d.help(say!("read the whole table's column: `{whole}`", "请读取整表的列：`{whole}`"))
                    }
                    None => d.help(say!(
                        "compute it from columns of `{root}`, the whole table",
                        "请由整表 `{root}` 的列计算得出"
                    )),
                }
            }
            _ => {
                let mut d =
                    Diagnostic::error("E0401", here, say!("these columns have different rows", "这些列的行不同"))
                        .here(say!("a row of `{f}`", "`{f}` 的一行"));
                if there != here {
                    d = d.also(there, say!("a row of `{w}`", "`{w}` 的一行"));
                }
                if pairs {
                    d = d.note(say!(
                        "a score sees the user, the item, and what refs lead to from them",
                        "打分只能看到用户、物品及其引用可达的列"
                    ));
                } else if !self.ways(from, wanted).is_empty() {
                    let way = self.ways(from, wanted).remove(0);
                    let last = way.last().map(|a| a.column.clone()).unwrap_or_default();
                    d = d.help(say!(
                        "many rows of `{f}` lead to one of `{w}`: gather them with `… |> per({w}, mean)`, by `{last}`",
                        "`{f}` 的多行对应 `{w}` 的一行：请用 `… |> per({w}, mean)`（经 `{last}`）汇总"
                    ));
                } else {
                    d = d.note(say!(
                        "no ref leads from `{w}` to `{f}`; declare one in the source: `…: ref({f})`",
                        "没有引用从 `{w}` 通向 `{f}`；请在数据源中声明：`…: ref({f})`"
                    ));
                }
                d
            }
        };
        self.report(diagnostic);
    }

    /// Returns the split whose part a domain is, or lies in.
    pub(crate) fn split_of(&self, domain: DomainId) -> Option<(u32, Part)> {
        self.splits.iter().find_map(|&node| {
            let Type::Split(s) = self.ty(node) else { return None };
            s.parts.iter().find(|(_, d)| self.is_within(domain, *d)).map(|(p, _)| (s.split, *p))
        })
    }

    /// Returns words for rows that something has learned from.
    pub(crate) fn fit_words(&self, rows: &FitRows) -> Text {
        match rows {
            FitRows::All(d) => {
                let name = self.domain_name(*d);
                say!("all rows of `{name}`", "`{name}` 的所有行")
            }
            FitRows::Part { split, part } => {
                let (label, word) = (&self.graph.dag[NodeId::new(*split as usize)].label, part.word());
                say!("`{label}.{word}`", "`{label}.{word}`")
            }
        }
    }
}
