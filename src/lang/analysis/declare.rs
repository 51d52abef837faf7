//! Declarations: found on demand, in any order, without cycles; each keyword by what comes out.

use std::rc::Rc;

use super::resolve::State;
use super::{Checker, Item, Scope};
use crate::args::ArgValue;
use crate::diagnostic::Diagnostic;
use crate::graph::NodeKind;
use crate::say;
use crate::span::{FileId, Span};
use crate::syntax::tree::{Declaration, DeclarationKind, Expr, ExprKind, Keyword};
use crate::types::Type;

impl Checker<'_> {
    /// Finds the value of every declaration: params, sources and splits first, for fits ask which splits there are.
    pub(crate) fn declare_all(&mut self) {
        self.check_given_params();
        let order = |kind: &DeclarationKind| match kind {
            DeclarationKind::Param { .. } => 0,
            DeclarationKind::Bind { keyword: Keyword::Source, .. } => 1,
            DeclarationKind::Bind { keyword: Keyword::Prepare, value, .. } if mentions_split(value) => 2,
            DeclarationKind::Bind { keyword: Keyword::Prepare, .. } => 3,
            _ => 4,
        };
        let mut indices: Vec<usize> = (0..self.declared.len()).collect();
        indices.sort_by_key(|&i| (order(&self.declared[i].tree.kind), i));
        for index in indices {
            self.find(index, None);
        }
        let mut sinks = Vec::new();
        for index in 0..self.declared.len() {
            let tree = self.declared[index].tree.clone();
            let State::Done(Item::Node(node)) = self.declared[index].state else { continue };
            if let Some(name) = tree.kind.name() {
                if let Some(doc) = &tree.doc {
                    self.graph.docs.insert(name.text.clone(), doc.text.clone());
                }
                self.graph.names.push((name.text.clone(), node));
            }
            if matches!(self.ty(node), Type::Train(_) | Type::Experiment) && !self.graph.dag[node].joint {
                sinks.push(node);
            }
        }
        sinks.append(&mut self.graph.sinks);
        if sinks.is_empty() {
            sinks = self
                .graph
                .names
                .iter()
                .map(|(_, n)| *n)
                .filter(|&n| !self.graph.dag[n].joint && !matches!(self.ty(n), Type::Unknown))
                .filter(|&n| self.graph.dag.neighbors_directed(n, petgraph::Direction::Outgoing).next().is_none())
                .collect();
        }
        sinks.sort();
        sinks.dedup();
        self.graph.sinks = sinks;
    }

    fn check_given_params(&mut self) {
        let names: Vec<String> = self
            .declared
            .iter()
            .filter(|d| matches!(d.tree.kind, DeclarationKind::Param { .. }))
            .filter_map(|d| d.tree.kind.name().map(|n| n.text.clone()))
            .collect();
        for (name, _) in self.options.params.clone() {
            if !names.contains(&name) && name != "seed" {
                let mut d = Diagnostic::error(
                    "E0121",
                    Span::new(FileId(0), 0, 0),
                    say!("the file has no param `{name}` to set", "文件中没有可设置的参数 `{name}`"),
                );
                if let Some(help) = super::resolve::did_you_mean(&name, names.iter().map(String::as_str)) {
                    d = d.help(help);
                }
                self.report(d);
            } else if name == "seed" && !names.contains(&name) {
                let value = self.options.params.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone());
                if let Some(Ok(seed)) = value.map(|v| v.parse::<i64>()) {
                    self.graph.params.push((name, ArgValue::Int(seed)));
                }
            }
        }
    }

    /// Returns the value of a declaration that something uses.
    pub(crate) fn demand(&mut self, index: usize, user: Span) -> Item {
        self.declared[index].used = true;
        let item = self.find(index, Some(user));
        if let Item::Node(node) = item {
            self.note_use(node, user, Some(index));
        }
        item
    }

    fn find(&mut self, index: usize, user: Option<Span>) -> Item {
        match &self.declared[index].state {
            State::Done(item) => return item.clone(),
            State::UnderWay => {
                self.report_cycle(index, user);
                return Item::Unknown;
            }
            State::Waiting => {}
        }
        self.declared[index].state = State::UnderWay;
        let tree = self.declared[index].tree.clone();
        let name = tree.kind.name().map(|n| n.text.clone()).unwrap_or_default();
        self.current.push((name, tree.doc.as_ref().map(|d| d.text.clone()), index));
        let item = self.value_of(index, &tree);
        self.current.pop();
        // A cycle may have settled it already.
        if self.declared[index].state == State::UnderWay {
            self.declared[index].state = State::Done(item.clone());
        }
        item
    }

    fn report_cycle(&mut self, index: usize, user: Option<Span>) {
        let Some(name) = self.declared[index].tree.kind.name().cloned() else { return };
        let text = &name.text;
        let others: Vec<_> = self
            .declared
            .iter()
            .filter(|d| d.state == State::UnderWay)
            .filter_map(|d| d.tree.kind.name().cloned())
            .filter(|n| n.text != *text)
            .collect();
        let mut d =
            Diagnostic::error("E0111", name.span, say!("`{text}` is made from itself", "`{text}` 由它自身得出"));
        if let Some(user) = user {
            d = d.also(user, say!("used here, on the way to itself", "在此处用到，又回到自身"));
        }
        for other in others.iter().take(4) {
            let word = &other.text;
            d = d.also(other.span, say!("by way of `{word}`", "经由 `{word}`"));
        }
        self.report(d);
    }

    pub(crate) fn is_def(&self, name: &str) -> bool {
        self.names.get(name).is_some_and(|&i| matches!(self.declared[i].tree.kind, DeclarationKind::Def { .. }))
    }

    fn value_of(&mut self, index: usize, tree: &Rc<Declaration>) -> Item {
        let file = self.declared[index].file;
        let scope = Scope::of_file(file);
        match &tree.kind {
            DeclarationKind::Param { name, value } => self.param(&name.text, value, &scope),
            DeclarationKind::Bind { keyword, name, ty, value } => {
                let mut scope = scope;
                scope.network = false;
                let item = self.evaluate(value, &scope);
                let item = self.hold_to_keyword(*keyword, &name.text, item, value.span, name.span);
                if let (Some(ty), Item::Node(node)) = (ty, &item) {
                    self.hold_to_type(ty, *node, value.span, &scope);
                }
                item
            }
            DeclarationKind::Metric { subject, part, body, name } => {
                self.metric(&name.text, name.span, subject, part, body, &scope);
                Item::Unknown
            }
            DeclarationKind::Def { formals, .. } => {
                for formal in formals {
                    self.check_formal(formal);
                }
                Item::Unknown
            }
            DeclarationKind::Use { .. } | DeclarationKind::Broken { .. } => Item::Unknown,
        }
    }

    fn param(&mut self, name: &str, value: &Expr, scope: &Scope) -> Item {
        let given = self.options.params.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let item = match given {
            Some(text) => self.given_param(name, &text, value.span),
            None => match &value.kind {
                // A plain run takes the first choice, or the middle of a range.
                ExprKind::Call(call) if call.name.text == "one_of" => {
                    let items: Vec<Item> = call.args.iter().flatten().map(|a| self.evaluate(&a.value, scope)).collect();
                    items.into_iter().next().unwrap_or_else(|| {
                        self.report(Diagnostic::error(
                            "E0107",
                            value.span,
                            say!("`one_of` needs at least one choice", "`one_of` 至少需要一个选项"),
                        ));
                        Item::Unknown
                    })
                }
                ExprKind::Call(call) if ["range", "log_range"].contains(&call.name.text.as_str()) => {
                    let bounds: Vec<Item> =
                        call.args.iter().flatten().map(|a| self.evaluate(&a.value, scope)).collect();
                    match &bounds[..] {
                        [Item::Number { value: a, integer: i, .. }, Item::Number { value: b, integer: j, .. }] => {
                            let log = call.name.text == "log_range";
                            let middle = if log { (a * b).sqrt() } else { (a + b) / 2.0 };
                            match (i, j) {
                                (Some(i), Some(j)) if !log => Item::int((i + j) / 2),
                                _ => Item::Number { value: middle, integer: None, unit: None },
                            }
                        }
                        _ => {
                            self.report(Diagnostic::error(
                                "E0107",
                                value.span,
                                say!("a range of values needs two numbers", "取值范围需要两个数"),
                            ));
                            Item::Unknown
                        }
                    }
                }
                _ => self.evaluate(value, scope),
            },
        };
        let plain = match &item {
            Item::Number { integer: Some(i), .. } => Some(ArgValue::Int(*i)),
            Item::Number { value, .. } => Some(ArgValue::Float(*value)),
            Item::Bool(b) => Some(ArgValue::Bool(*b)),
            Item::Text(t) => t.plain().map(ArgValue::Text),
            Item::List(_) | Item::Range { .. } | Item::Unknown => None,
            _ => {
                self.report(Diagnostic::error(
                    "E0119",
                    value.span,
                    say!(
                        "a param is a number, a text, `true` or `false`, or a list",
                        "参数只能是数字、文本、`true`/`false` 或列表"
                    ),
                ));
                return Item::Unknown;
            }
        };
        if name == "seed" && !matches!(item, Item::Number { integer: Some(0..), .. } | Item::Unknown) {
            self.report(Diagnostic::error(
                "E0108",
                value.span,
                say!("the seed is a whole number, zero or more", "种子应为非负整数"),
            ));
        }
        if let Some(plain) = plain {
            self.graph.params.push((name.into(), plain));
        }
        item
    }

    fn given_param(&mut self, name: &str, text: &str, span: Span) -> Item {
        let source = format!("param p = {text}\n");
        let (tree, errors) = crate::syntax::parser::parse(FileId(u32::MAX), &source);
        let value = match (&tree.declarations[..], errors.is_empty()) {
            ([Declaration { kind: DeclarationKind::Param { value, .. }, .. }], true) => value.clone(),
            _ => {
                // A word without quotes is a text.
                let plain = crate::syntax::tree::TemplatePart::Text(text.to_string());
                return Item::Text(crate::syntax::tree::Template { parts: vec![plain] });
            }
        };
        match value.kind {
            ExprKind::Number(_)
            | ExprKind::Bool(_)
            | ExprKind::Text(_)
            | ExprKind::Size(_)
            | ExprKind::Unary { .. } => self.evaluate(&value, &Scope::default()),
            ExprKind::Name(word) => {
                Item::Text(crate::syntax::tree::Template { parts: vec![crate::syntax::tree::TemplatePart::Text(word)] })
            }
            _ => {
                self.report(Diagnostic::error(
                    "E0121",
                    span,
                    say!("`-p {name}={text}` is no value", "`-p {name}={text}` 不是一个值"),
                ));
                Item::Unknown
            }
        }
    }

    /// Holds a declaration to its keyword, by what comes out of it (N10), and names the node.
    fn hold_to_keyword(&mut self, keyword: Keyword, name: &str, item: Item, span: Span, name_span: Span) -> Item {
        let node = match item {
            Item::Node(node) => node,
            Item::Unknown => return Item::Unknown,
            _ => {
                let word = keyword.word();
                let mut d = Diagnostic::error(
                    "E0119",
                    span,
                    say!(
                        "`{word}` declares what flows: this is a plain value",
                        "`{word}` 声明的是数据流：这里却是一个普通值"
                    ),
                );
                d = d.help(say!("write `param {name} = …`", "请写 `param {name} = …`"));
                self.report(d);
                return Item::Unknown;
            }
        };
        let ty = self.ty(node).clone();
        let joint = matches!(&ty, Type::Column(c) if c.marks.joint);
        let fits = match (keyword, &ty) {
            (_, Type::Unknown) => true,
            (Keyword::Source, Type::Table(_)) => true,
            (Keyword::Prepare, Type::Table(_) | Type::Split(_)) => true,
            (Keyword::Prepare | Keyword::Extract | Keyword::Fuse, Type::Graph(_)) => true,
            (Keyword::Fuse, Type::Ends(_)) => true,
            (Keyword::Extract, Type::Column(_)) => !joint,
            (Keyword::Fuse, Type::Column(_)) => true,
            (Keyword::Train, Type::Train(_)) => true,
            (Keyword::Experiment, Type::Experiment) => true,
            _ => false,
        };
        if !fits {
            let right = match &ty {
                Type::Table(_) if matches!(self.graph.dag[node].kind, NodeKind::Stage { .. }) => "prepare",
                Type::Table(_) | Type::Split(_) | Type::Graph(_) => "prepare",
                Type::Ends(_) => "fuse",
                Type::Column(_) if joint => "fuse",
                Type::Column(_) => "extract",
                Type::Train(_) => "train",
                Type::Experiment => "experiment",
                _ => "",
            };
            let (word, found) = (keyword.word(), if joint { "network" } else { ty.word() });
            let found_zh = super::types::chinese(found);
            let mut d = Diagnostic::error(
                "E0119",
                name_span,
                say!(
                    "a {found} comes out of this, which `{word}` does not declare",
                    "这里得到的是{found_zh}，不能用 `{word}` 声明"
                ),
            );
            if !right.is_empty() {
                d = d.help(say!("write `{right} {name} = …`", "请写 `{right} {name} = …`"));
            }
            self.report(d);
            return Item::Unknown;
        }
        let weight = &mut self.graph.dag[node];
        if weight.name.is_none() && !matches!(weight.kind, NodeKind::Column(_) | NodeKind::Part(_) | NodeKind::End(_)) {
            weight.name = Some(name.to_string());
            weight.label = name.to_string();
        }
        self.rename_domain(node, name);
        Item::Node(node)
    }

    /// Gives the rows that a declaration makes its name.
    fn rename_domain(&mut self, node: crate::graph::NodeId, name: &str) {
        match self.ty(node).clone() {
            Type::Table(t) => {
                let fresh = self.graph.domains[t.domain.0 as usize].name.is_empty();
                if fresh {
                    self.graph.domains[t.domain.0 as usize].name = name.into();
                }
            }
            Type::Split(s) => {
                for (part, d) in s.parts {
                    self.graph.domains[d.0 as usize].name = format!("{name}.{}", part.word());
                }
            }
            _ => {}
        }
    }
}

/// Tells whether an expression calls `split` by what only a split takes: shares of parts.
fn mentions_split(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Pipe { input, stage } => {
            stage
                .args
                .iter()
                .flatten()
                .any(|a| a.name.as_ref().is_some_and(|n| ["train", "test"].contains(&n.text.as_str())))
                || mentions_split(input)
        }
        ExprKind::Call(call) => call
            .args
            .iter()
            .flatten()
            .any(|a| a.name.as_ref().is_some_and(|n| ["train", "test"].contains(&n.text.as_str()))),
        _ => false,
    }
}
