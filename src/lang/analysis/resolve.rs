//! Names: files, declarations, and what a name means where it is used.

use std::rc::Rc;
use std::sync::Arc;

use super::{Checker, Item, Scope};
use crate::diagnostic::Diagnostic;
use crate::graph::{NodeId, NodeKind};
use crate::say;
use crate::span::{FileId, Span};
use crate::syntax::parser::parse;
use crate::syntax::tree::{Declaration, DeclarationKind, Name};
use crate::types::{Part, Type};
use crate::world::WorldError;

/// A declaration and how far its check has come.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub(crate) file: usize,
    pub(crate) tree: Rc<Declaration>,
    pub(crate) state: State,
    pub(crate) used: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    Waiting,
    /// Its value is being found: who asks for it now has made a cycle.
    UnderWay,
    Done(Item),
}

impl Checker<'_> {
    /// Reads a file and those that it uses, and declares their names.
    pub(crate) fn load(&mut self, path: &str, text: Arc<str>, base: String) {
        let file = self.files.len();
        let (tree, errors) = parse(FileId(file as u32), &text);
        self.files.push(super::SourceFile { path: path.into(), text, base: base.clone() });
        for error in errors {
            self.report(error);
        }
        for declaration in tree.declarations {
            if let DeclarationKind::Use { path, path_span } = &declaration.kind {
                self.use_file(&base, path, *path_span);
                continue;
            }
            self.declare(file, declaration);
        }
    }

    fn use_file(&mut self, base: &str, path: &str, span: Span) {
        let full = if base.is_empty() { path.to_string() } else { format!("{base}/{path}") };
        if self.files.iter().any(|f| f.path == full) {
            return;
        }
        match self.world.text(base, path) {
            Ok(text) => {
                let folder = self.world.folder(base, path);
                self.load(&full, text, folder);
            }
            Err(error) => {
                let diagnostic =
                    Diagnostic::error("E0115", span, say!("the file `{path}` cannot be used", "无法使用文件 `{path}`"));
                self.report(match error {
                    WorldError::Missing => diagnostic.here(say!("no such file", "文件不存在")),
                    WorldError::Broken(why) => diagnostic.here(why),
                });
            }
        }
    }

    fn declare(&mut self, file: usize, declaration: Declaration) {
        let Some(Name { text: name, span }) = declaration.kind.name().cloned() else { return };
        let index = self.declared.len();
        if let Some(&first) = self.names.get(&name) {
            let other = self.declared[first].tree.kind.name().map_or(span, |n| n.span);
            self.report(
                Diagnostic::error("E0102", span, say!("`{name}` is declared twice", "`{name}` 声明了两次"))
                    .here(say!("again here", "再次声明"))
                    .also(other, say!("first here", "首次声明"))
                    .help(say!("give one of them another name", "请为其中之一换个名字")),
            );
        } else {
            self.names.insert(name, index);
        }
        self.declared.push(Declared { file, tree: Rc::new(declaration), state: State::Waiting, used: false });
    }

    /// Returns what a name means; reports where it means nothing or two things. `None` where it may be a stage.
    pub(crate) fn look_up(&mut self, name: &str, span: Span, scope: &Scope) -> Option<Item> {
        let mut meanings: Vec<(Meaning, Span)> = Vec::new();
        if let Some(local) = scope.locals.iter().rev().find(|l| l.name == name) {
            local.used.set(true);
            match &local.item {
                // A mistake was reported; what it is called besides adds nothing.
                Item::Unknown => return Some(Item::Unknown),
                // Where a task stands around, a def's parameter is the column that was given.
                Item::ColumnName(column, _) if scope.row.is_some() => {
                    let column = column.clone();
                    let bare = Scope { locals: Vec::new(), closed: true, ..scope.clone() };
                    return match self.look_up(&column, span, &bare) {
                        None => Some(self.unknown_name(&column, span, &bare)),
                        found => found,
                    };
                }
                item => meanings.push((Meaning::Local(item.clone()), local.span)),
            }
        }
        let mut shy = None;
        if let Some(row) = &scope.row {
            let table = row.table;
            let there = self.table_type(table).is_some_and(|t| t.column(name).is_some());
            let ranked = row.pair.as_ref().is_none_or(|(user, item)| user == name || item == name);
            if there && ranked {
                meanings.push((Meaning::Column, self.graph.dag[table].span));
            } else if there {
                shy = Some(table);
            }
        }
        if let Some(&index) = self.names.get(name) {
            let tree = self.declared[index].tree.clone();
            // A def of another file has its own names: those of whoever uses it do not reach in.
            let own = self.declared[index].file == scope.file || meanings.is_empty();
            if self.is_visible(index, scope) && (own || !scope.closed) {
                let place = tree.kind.name().map_or(span, |n| n.span);
                meanings.push((Meaning::Declaration(index), place));
            }
        }
        if let [first, second, ..] = &meanings[..] {
            let (one, two) = (first.0.words(), second.0.words());
            // One renaming mends every use.
            if !self.reported.insert((format!("E0103 {name}"), second.1)) {
                return Some(Item::Unknown);
            }
            self.report(
                Diagnostic::error("E0103", span, say!("`{name}` means two things here", "`{name}` 在此处有两种含义"))
                    .also(first.1, say!("{one}", "{one}"))
                    .also(second.1, say!("{two}", "{two}"))
                    .help(say!(
                        "rename one of them, or write the column with its table: `table.{name}`",
                        "请重命名其中之一，或写明列所属的表：`表名.{name}`"
                    )),
            );
            return Some(Item::Unknown);
        }
        match meanings.pop() {
            Some((Meaning::Local(item), _)) => Some(item),
            Some((Meaning::Column, _)) => Some(self.bare_column(name, span, scope)),
            Some((Meaning::Declaration(index), _)) => Some(self.demand(index, span)),
            None => shy.map(|_| {
                self.report(
                    Diagnostic::error(
                        "E0611",
                        span,
                        say!(
                            "`{name}` does not exist when ranking: it belongs to an interaction that has happened",
                            "排序时 `{name}` 不存在：它属于已发生的交互"
                        ),
                    )
                    .here(say!(
                        "a score sees only the user, the item, and what refs lead to from them",
                        "打分只能看到用户、物品及其引用可达的列"
                    )),
                );
                Item::Unknown
            }),
        }
    }

    /// Tells whether a declaration is seen from a place: a def sees no data.
    pub(crate) fn is_visible(&self, index: usize, scope: &Scope) -> bool {
        let kind = &self.declared[index].tree.kind;
        !scope.closed || matches!(kind, DeclarationKind::Param { .. } | DeclarationKind::Def { .. })
    }

    /// Returns the type of the table (or of the whole, for a split) that a node gives.
    pub(crate) fn table_type(&self, node: NodeId) -> Option<&crate::types::TableType> {
        match self.ty(node) {
            Type::Table(t) => Some(t),
            Type::Split(s) => Some(&s.table),
            _ => None,
        }
    }

    /// Reports an unknown name, with the nearest ones.
    pub(crate) fn unknown_name(&mut self, name: &str, span: Span, scope: &Scope) -> Item {
        let mut candidates: Vec<String> = scope.locals.iter().map(|l| l.name.clone()).collect();
        if let Some(row) = &scope.row {
            candidates
                .extend(self.table_type(row.table).into_iter().flat_map(|t| t.columns.iter().map(|(n, _)| n.clone())));
        }
        candidates
            .extend(self.names.iter().filter(|(_, index)| self.is_visible(**index, scope)).map(|(n, _)| n.clone()));
        // A recipe may stand bare: `loss = hinge`.
        let bare = self.vocabulary.iter().filter(|e| e.kinds.contains(&crate::signature::BodyKind::Recipe));
        candidates.extend(bare.map(|e| e.signature.name.to_string()));
        let mut diagnostic =
            Diagnostic::error("E0101", span, say!("nothing is named `{name}`", "没有名为 `{name}` 的声明"));
        if scope.row.is_none() && scope.locals.is_empty() && self.is_some_column(name) {
            diagnostic = diagnostic.note(say!(
                "`{name}` is a column: outside of a table's own stages write it with its table, `table.{name}`",
                "`{name}` 是列名：在表自身的处理之外，请写作 `表名.{name}`"
            ));
        }
        if scope.closed && self.names.contains_key(name) {
            diagnostic = diagnostic.note(say!(
                "a def sees its parameters, params and other defs, no data: give it as an argument",
                "def 只能看到其参数、param 与其他 def，看不到数据：请作为参数传入"
            ));
        } else if let Some(help) = did_you_mean(name, candidates.iter().map(String::as_str)) {
            diagnostic = diagnostic.help(help);
        }
        self.report(diagnostic);
        Item::Unknown
    }

    fn is_some_column(&self, name: &str) -> bool {
        self.graph.dag.node_weights().any(|n| match (&n.kind, &n.ty) {
            (NodeKind::Stage { .. }, Type::Table(t)) => t.column(name).is_some(),
            _ => false,
        })
    }

    /// Returns what `base.name` is.
    pub(crate) fn field(&mut self, base: NodeId, name: &Name, span: Span) -> Item {
        let ty = self.ty(base).clone();
        let (what, candidates): (&str, Vec<String>) = match &ty {
            Type::Unknown => return Item::Unknown,
            Type::Table(t) => {
                if t.column(&name.text).is_some() {
                    return Item::Node(self.column_node(base, &name.text, span));
                }
                ("column", t.columns.iter().map(|(n, _)| n.clone()).collect())
            }
            Type::Split(s) => {
                if let Some(part) = Part::ALL.into_iter().find(|p| p.word() == name.text) {
                    if s.part(part).is_some() {
                        return Item::Node(self.part_node(base, part, span));
                    }
                    let place = self.graph.dag[base].span;
                    let part = part.word();
                    self.report(
                        Diagnostic::error(
                            "E0113",
                            span,
                            say!("this split has no {part} part", "该划分没有 {part} 部分"),
                        )
                        .also(place, say!("split here", "在此划分"))
                        .help(say!("add `{part} = 10%` to the split", "请在划分中加上 `{part} = 10%`")),
                    );
                    return Item::Unknown;
                }
                ("part", s.parts.iter().map(|(p, _)| p.word().to_string()).collect())
            }
            Type::Graph(g) => {
                if let Some(at) = g.end(&name.text) {
                    return Item::Node(self.end_node(base, at, &name.text, Type::Rows(g.ends[at].1), span));
                }
                ("end", g.ends.iter().map(|(n, _)| n.clone()).collect())
            }
            Type::Ends(e) => {
                if let Some(at) = e.end(&name.text) {
                    let ty = Type::Column(e.columns[at].1.clone());
                    return Item::Node(self.end_node(base, at, &name.text, ty, span));
                }
                ("end", e.columns.iter().map(|(n, _)| n.clone()).collect())
            }
            Type::Train(t) if !t.sound => return Item::Unknown,
            Type::Train(t) => {
                if let Some(at) = t.heads.iter().position(|(n, _)| *n == name.text) {
                    let head = t.heads[at].1.clone();
                    return Item::Node(self.head_node(base, at, head, &name.text, span));
                }
                if let Some((_, column)) = t.fields.iter().find(|(n, _)| *n == name.text) {
                    let ty = Type::Column(column.clone());
                    return Item::Node(self.field_node(base, &name.text, ty, span));
                }
                ("field", t.fields.iter().map(|(n, _)| n).chain(t.heads.iter().map(|(n, _)| n)).cloned().collect())
            }
            Type::Column(_) if self.has_parts(base) => {
                let parts = self.parts_of(base);
                let named: Vec<_> = parts.iter().filter(|(part, _)| *part == name.text).collect();
                if named.len() > 1 {
                    let field = &name.text;
                    self.report(
                        Diagnostic::error(
                            "E0103",
                            name.span,
                            say!("two parts are called `{field}`", "有两个部分都叫 `{field}`"),
                        )
                        .help(say!("declare each by a name of its own", "请分别以不同的名字声明")),
                    );
                    return Item::Unknown;
                }
                match named.first() {
                    Some((_, Some(place))) => return self.part_of_value(base, *place, &name.text, span),
                    Some((_, None)) => {
                        let field = &name.text;
                        self.report(
                            Diagnostic::error(
                                "E0113",
                                name.span,
                                say!(
                                    "where `{field}` stands is not known before the run: something before it has no stated width",
                                    "运行之前不知道 `{field}` 的位置：其前有宽度未定的值"
                                ),
                            )
                            .help(say!("give the width, as `tf_idf(terms = 500)` does", "请写明宽度，如 `tf_idf(terms = 500)`")),
                        );
                        return Item::Unknown;
                    }
                    None => ("part", parts.into_iter().map(|(part, _)| part).collect()),
                }
            }
            other => {
                let word = other.word();
                let word_zh = super::types::chinese(word);
                let field = &name.text;
                let mut d = Diagnostic::error(
                    "E0113",
                    name.span,
                    say!("a {word} has no fields, so no `{field}`", "{word_zh}没有字段，因而没有 `{field}`"),
                );
                if let Type::Column(c) = other
                    && let crate::types::Elem::Ref(to) = c.elem
                {
                    let to = self.domain_name(to);
                    d = d.help(say!(
                        "what a ref leads to is written with its own table, `{to}.{field}`, and read along the ref",
                        "引用所指的列写作其所属表的列 `{to}.{field}`，会沿引用读取"
                    ));
                }
                self.report(d);
                return Item::Unknown;
            }
        };
        let (owner, place) = (self.graph.dag[base].label.clone(), self.graph.dag[base].span);
        let field = &name.text;
        let code = if what == "column" { "E0206" } else { "E0113" };
        let what_zh = super::types::chinese(what);
        let mut diagnostic = Diagnostic::error(
            code,
            name.span,
            say!("`{owner}` has no {what} `{field}`", "`{owner}` 没有名为 `{field}` 的{what_zh}"),
        )
        .also(place, say!("declared here", "在此声明"));
        if matches!(&ty, Type::Split(s) if s.table.column(field).is_some()) {
            diagnostic = diagnostic.note(say!(
                "a split has parts; a column is read off one of them: `{owner}.train.{field}`",
                "划分由若干部分组成；列须从某一部分读取：`{owner}.train.{field}`"
            ));
        }
        if let Some(help) = did_you_mean(field, candidates.iter().map(String::as_str)) {
            diagnostic = diagnostic.help(help);
        } else if candidates.len() <= 12 && !candidates.is_empty() {
            let all = candidates.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
            diagnostic = diagnostic.note(say!("it has {all}", "它有 {all}"));
        }
        self.report(diagnostic);
        Item::Unknown
    }
}

enum Meaning {
    Local(Item),
    Column,
    Declaration(usize),
}

impl Meaning {
    fn words(&self) -> &'static str {
        match self {
            Meaning::Local(_) => "a local name",
            Meaning::Column => "a column of this table",
            Meaning::Declaration(_) => "a declaration",
        }
    }
}

/// Returns a suggestion of at most three near names, the nearest first.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<crate::diagnostic::Text> {
    let mut near: Vec<(f64, &str)> = candidates
        .into_iter()
        .filter(|c| *c != name)
        .map(|c| (strsim::jaro_winkler(&name.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(score, c)| {
            let letters = name.chars().count();
            *score > 0.82 || (letters > 2 && strsim::damerau_levenshtein(name, c) <= 1 + letters / 5)
        })
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    near.dedup_by(|a, b| a.1 == b.1);
    near.truncate(3);
    let list = near.iter().map(|(_, c)| format!("`{c}`")).collect::<Vec<_>>();
    let en = match &list[..] {
        [] => return None,
        [one] => one.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    };
    let zh = list.join("、");
    Some(say!("did you mean {en}?", "您是否想写 {zh}？"))
}
