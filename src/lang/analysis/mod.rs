//! The checker: proves a file sound and gives the graph that the engine runs. One file an analysis.
//!
//! It never fails: a mistake is reported, and what depends on it becomes [`Type::Unknown`], which absorbs what follows,
//! so that one mistake gives one error.

mod alternatives;
mod argument;
mod argument_names;
mod argument_numbers;
mod argument_words;
mod call;
mod cells;
mod columns;
mod cost;
mod declare;
mod defs;
mod domains;
mod express;
mod given;
mod headless;
mod heads;
mod inputs;
mod leak;
mod measure;
mod missing;
mod node;
mod parts;
mod resolve;
mod row;
mod scope;
mod source;
mod tasks;
mod train;
mod types;
mod unused;
mod uses;
mod variants;

pub use variants::AGAIN;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::args::ArgValue;
use crate::diagnostic::{Diagnostic, Severity};
use crate::graph::{Domain, DomainKind, Graph, Node, NodeId, NodeKind};
use crate::signature::Vocabulary;
use crate::span::{Span, place};
use crate::types::{DomainId, Elem, Type};
use crate::world::World;

pub(crate) use resolve::Declared;
pub(crate) use scope::{Item, RowScope, Scope};

/// How to check.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Look at headers and cells of the data files.
    pub data: bool,
    /// `-p name=value`, as expressions.
    pub params: Vec<(String, String)>,
    /// Codes that are not raised: for the tests that show what each rule is worth.
    pub without: Vec<String>,
}

/// A file that took part.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub path: String,
    pub text: Arc<str>,
    /// Its folder, as the world knows it.
    pub base: String,
}

/// What a check found. The graph is there only where no error is.
#[derive(Debug)]
pub struct Checked {
    pub files: Vec<SourceFile>,
    /// In the order of the files, errors and warnings together.
    pub diagnostics: Vec<Diagnostic>,
    pub graph: Option<Graph>,
}

impl Checked {
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }
}

/// Checks the file at `path`, reached through `world`, against the stages of `vocabulary`.
///
/// Errors of reading the file itself are returned as they are; all else is in [`Checked`].
pub fn check(
    world: &dyn World,
    vocabulary: &Vocabulary,
    path: &str,
    options: &Options,
) -> Result<Checked, crate::world::WorldError> {
    let text = world.text("", path)?;
    let base = world.folder("", path);
    let mut checker = Checker::new(world, vocabulary, options);
    checker.load(path, text, base);
    checker.declare_all();
    checker.find_unused();
    checker.estimate_cost();
    Ok(checker.finish())
}

pub(crate) struct Checker<'w> {
    pub(crate) world: &'w dyn World,
    pub(crate) vocabulary: &'w Vocabulary,
    pub(crate) options: &'w Options,
    pub(crate) files: Vec<SourceFile>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) graph: Graph,
    pub(crate) declared: Vec<Declared>,
    /// First declaration of each name.
    pub(crate) names: BTreeMap<String, usize>,
    /// Equal nodes without weights are one.
    pub(crate) known: HashMap<String, NodeId>,
    /// The alternatives of the stages that were called.
    pub(crate) notations: HashMap<&'static str, std::rc::Rc<[crate::notation::Notation]>>,
    /// Where each node was written or named, for nodes that come more than once.
    pub(crate) uses: uses::Uses,
    /// Nodes of splits, in the order in which they were found.
    pub(crate) splits: Vec<NodeId>,
    /// Defs under way, so that recursion is seen.
    pub(crate) calling: Vec<String>,
    /// Sources whose data were looked at already.
    pub(crate) reported: BTreeSet<(String, Span)>,
    pub(crate) locals_unused: Vec<(String, Span)>,
    /// The declarations under way: name, doc, and number.
    pub(crate) current: Vec<(String, Option<String>, usize)>,
    /// Places of the columns that were declared last.
    pub(crate) places: Vec<(String, Span)>,
    /// What the new columns of the call under way hold.
    pub(crate) row_types: Vec<(String, Elem)>,
    /// How the inputs of values that are made of parts were written.
    pub(crate) part_names: HashMap<NodeId, Vec<BTreeSet<String>>>,
    /// The keys that each domain's rows have, where the data told them.
    pub(crate) keys: BTreeMap<DomainId, Arc<Vec<String>>>,
}

impl<'w> Checker<'w> {
    fn new(world: &'w dyn World, vocabulary: &'w Vocabulary, options: &'w Options) -> Self {
        Checker {
            world,
            vocabulary,
            options,
            files: Vec::new(),
            diagnostics: Vec::new(),
            graph: Graph::default(),
            declared: Vec::new(),
            names: BTreeMap::new(),
            known: HashMap::new(),
            notations: HashMap::new(),
            uses: uses::Uses::default(),
            splits: Vec::new(),
            calling: Vec::new(),
            reported: BTreeSet::new(),
            locals_unused: Vec::new(),
            current: Vec::new(),
            places: Vec::new(),
            row_types: Vec::new(),
            part_names: HashMap::new(),
            keys: BTreeMap::new(),
        }
    }

    /// Reports a mistake, once for a place and code.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        if self.options.without.iter().any(|code| code == diagnostic.code) {
            return;
        }
        if self.reported.insert((diagnostic.code.to_string(), diagnostic.span)) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Returns the words of the file at a place, for an edit that one can paste.
    pub(crate) fn source_text(&self, span: Span) -> String {
        let text = self.files.get(span.file.0 as usize).map_or("", |f| &f.text);
        text.get(span.start as usize..span.end as usize).unwrap_or_default().to_string()
    }

    pub(crate) fn ty(&self, node: NodeId) -> &Type {
        &self.graph.dag[node].ty
    }

    pub(crate) fn domain(&self, id: DomainId) -> &Domain {
        &self.graph.domains[id.0 as usize]
    }

    pub(crate) fn domain_name(&self, id: DomainId) -> String {
        self.domain(id).name.clone()
    }

    pub(crate) fn new_domain(&mut self, name: String, kind: DomainKind, rows: Option<u64>) -> DomainId {
        self.graph.domains.push(Domain { name, kind, rows, arrows: Vec::new() });
        DomainId(self.graph.domains.len() as u32 - 1)
    }

    /// Adds a node, or returns the one that does the same. A joint node is always new: text is weights.
    pub(crate) fn add(&mut self, node: Node) -> NodeId {
        let joint_stage = node.joint && matches!(node.kind, NodeKind::Stage { .. });
        // The pairs of two trains are read along the same links, and are not the same rows.
        let rows = match (&node.kind, &node.ty) {
            (NodeKind::Read(_), Type::Column(column)) => Some(column.domain),
            _ => None,
        };
        let key = format!("{:?}|{:?}|{rows:?}", node.kind, node.inputs);
        if !joint_stage && let Some(&id) = self.known.get(&key) {
            self.note_use(id, node.span, None);
            return id;
        }
        let span = node.span;
        let id = self.insert(node);
        self.note_use(id, span, None);
        if !joint_stage {
            self.known.insert(key, id);
        }
        id
    }

    /// Puts a node into the graph, behind its inputs.
    pub(crate) fn insert(&mut self, node: Node) -> NodeId {
        let inputs = node.inputs.clone();
        let id = self.graph.dag.add_node(node);
        for (place, input) in inputs.into_iter().enumerate() {
            self.graph.dag.add_edge(input, id, place);
        }
        id
    }

    /// Drops what follows from a mistake of syntax: on its line, or around it.
    fn drop_what_follows(&mut self) {
        let line = |span: &Span, files: &[SourceFile]| {
            let text = files.get(span.file.0 as usize).map_or("", |f| &f.text);
            (span.file, place(text, span.start as usize).line)
        };
        let syntax: Vec<(Span, _)> = self
            .diagnostics
            .iter()
            .filter(|d| d.code.starts_with("E00"))
            .map(|d| (d.span, line(&d.span, &self.files)))
            .collect();
        if syntax.is_empty() {
            return;
        }
        let files = &self.files;
        self.diagnostics.retain(|d| {
            d.code.starts_with("E00")
                || !syntax.iter().any(|(span, at)| {
                    let around = d.span.file == span.file && d.span.start <= span.start && span.end <= d.span.end;
                    around || *at == line(&d.span, files)
                })
        });
    }

    fn finish(mut self) -> Checked {
        self.drop_what_follows();
        self.diagnostics.sort_by_key(|d| (d.span.file, d.span.start, d.span.end, d.code));
        let sound = self.diagnostics.iter().all(|d| d.severity != Severity::Error);
        let graph = sound.then(|| {
            self.graph.params.sort_by(|a, b| a.0.cmp(&b.0));
            if let Some((_, ArgValue::Int(seed))) = self.graph.params.iter().find(|(n, _)| n == "seed") {
                self.graph.seed = *seed as u64;
            }
            std::mem::take(&mut self.graph)
        });
        Checked { files: self.files, diagnostics: self.diagnostics, graph }
    }
}
