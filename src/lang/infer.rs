//! What a stage's own `infer` function sees of a call, and may do.

use std::sync::Arc;

use crate::analysis::{Checker, Scope};
use crate::args::{Args, RowExpr};
use crate::diagnostic::{Diagnostic, Text};
use crate::graph::{Arrow, DomainKind, NodeId};
use crate::say;
use crate::signature::Signature;
use crate::span::Span;
use crate::types::{ColumnType, DomainId, Elem, Marks, Origin, Part, SplitType, TableType, Type};
use crate::world::{FileKind, Ports, WorldError};

/// Finds the type of a call where notation ends; `None` where a mistake was reported.
///
/// It runs after the inputs were read at the rows of the call, and the arguments were checked.
pub type Infer = fn(&mut Inference<'_, '_>) -> Option<Type>;

pub struct Inference<'a, 'w> {
    pub(crate) checker: &'a mut Checker<'w>,
    pub(crate) scope: &'a Scope,
    pub signature: &'static Signature,
    pub alternative: usize,
    /// The inputs, read at the rows of the call.
    pub inputs: Vec<NodeId>,
    pub input_spans: Vec<Span>,
    /// Arguments as checked; an `infer` may add what the body needs.
    pub args: Args,
    pub arg_spans: Vec<(String, Span)>,
    pub span: Span,
    /// What the inputs carry, joined.
    pub marks: Marks,
    /// Why the result may be missing: what the inputs say, joined.
    pub missing: std::collections::BTreeSet<Origin>,
    pub domain: Option<DomainId>,
    /// Set it where the call is another node (a reading along a ref).
    pub instead: Option<NodeId>,
}

impl Inference<'_, '_> {
    /// Returns the type of an input; `Unknown` where there is none.
    pub fn input(&self, i: usize) -> Type {
        self.inputs.get(i).map_or(Type::Unknown, |&n| self.checker.ty(n).clone())
    }

    /// Returns an input that is a column.
    pub fn column(&self, i: usize) -> Option<ColumnType> {
        match self.input(i) {
            Type::Column(c) => Some(c),
            _ => None,
        }
    }

    /// Returns the first input as a table; the whole, of a split.
    pub fn table(&self) -> Option<TableType> {
        match self.input(0) {
            Type::Table(t) => Some(t),
            Type::Split(s) => Some(s.table),
            _ => None,
        }
    }

    /// Returns where an argument stands; the call where it was not written.
    pub fn arg_span(&self, name: &str) -> Span {
        self.written(name).unwrap_or(self.span)
    }

    /// Returns where an argument was written.
    pub fn written(&self, name: &str) -> Option<Span> {
        self.arg_spans.iter().find(|(n, _)| n == name).map(|(_, s)| *s)
    }

    /// Reports a mistake and gives no type.
    pub fn refuse(&mut self, code: &'static str, span: Span, message: Text, help: Option<Text>) -> Option<Type> {
        let mut diagnostic = Diagnostic::error(code, span, message);
        diagnostic.help = help;
        self.checker.report(diagnostic);
        None
    }

    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.checker.report(diagnostic);
    }

    /// Returns a column of the call's rows, marks and missing values of its inputs.
    pub fn out(&self, elem: Elem) -> Option<Type> {
        Some(Type::Column(ColumnType {
            domain: self.domain?,
            elem,
            missing: self.missing.clone(),
            marks: self.marks.clone(),
        }))
    }

    /// Returns the table with its columns at a new part of its rows.
    pub fn part_of(&mut self, table: &TableType) -> TableType {
        let rows = self.checker.domain(table.domain).rows;
        let domain = self.checker.new_domain(String::new(), DomainKind::Part(table.domain), rows);
        let columns = table.columns.iter().map(|(n, c)| (n.clone(), ColumnType { domain, ..c.clone() })).collect();
        TableType { domain, columns, marks: table.marks.clone() }
    }

    /// Returns a new domain for a part of a split.
    pub fn new_part(&mut self, of: DomainId) -> DomainId {
        self.checker.new_domain(String::new(), DomainKind::Part(of), None)
    }

    /// Returns the number that the node of this call will have: the identity of a split.
    pub fn next_node(&self) -> u32 {
        self.checker.graph.dag.node_count() as u32
    }

    /// Returns the column of the first input that an argument names.
    pub fn named_column(&self, argument: &str) -> Option<(String, ColumnType)> {
        let name = self.args.find(argument)?.as_text()?.to_string();
        let column = self.table()?.column(&name)?.clone();
        Some((name, column))
    }

    /// Returns the type of a new column: what its row expression gives.
    pub fn new_column(&self, name: &str, expr: &RowExpr, table: &TableType) -> Option<ColumnType> {
        let elem = self.checker.row_types.iter().find(|(n, _)| n == name)?.1.clone();
        let (missing, marks) = self.checker.row_marks(expr, table, &self.inputs);
        Some(ColumnType { domain: table.domain, elem, missing, marks })
    }

    /// Tells whether the rows of one domain are among those of another.
    pub fn is_within(&self, part: DomainId, whole: DomainId) -> bool {
        self.checker.is_within(part, whole)
    }

    /// Returns the domain that a domain is a part of, in the end.
    pub fn root(&self, domain: DomainId) -> DomainId {
        self.checker.graph.root(domain)
    }

    /// Reports that rows of `from` cannot be had where rows of `wanted` are: no way, or more than one.
    pub fn refuse_rows(&mut self, wanted: DomainId, from: DomainId, here: Span, there: Span) -> Option<Type> {
        let reach = self.checker.reach(wanted, from);
        self.checker.report_rows(wanted, from, &reach, here, there);
        None
    }

    pub fn domain_name(&self, id: DomainId) -> String {
        self.checker.domain_name(id)
    }

    /// Returns the count of rows of a domain, where the data told it.
    pub fn domain_rows(&self, id: DomainId) -> Option<u64> {
        self.checker.domain(id).rows
    }

    /// Returns the arrow that leaves the rows of input `i` by the column that input is.
    ///
    /// The input must be a bare column that holds a ref or a category.
    pub fn arrow_of(&self, i: usize) -> Option<Arrow> {
        self.checker.arrow_of(*self.inputs.get(i)?)
    }

    /// Returns the node of an input before it was read at the rows of a task.
    pub fn source_of(&self, i: usize) -> NodeId {
        let node = self.inputs[i];
        let weight = &self.checker.graph.dag[node];
        match weight.kind {
            crate::graph::NodeKind::Read(_) if weight.joint => weight.inputs[0],
            _ => node,
        }
    }

    /// Reads an input at the rows of `wanted`; `None` where there is no way, which is reported.
    pub fn read_input(&mut self, i: usize, wanted: DomainId, span: Span) -> Option<()> {
        self.inputs[i] = self.checker.read_at(*self.inputs.get(i)?, wanted, span)?;
        Some(())
    }

    /// Reads a node along one arrow, at the rows of `from`.
    pub fn read_along(&mut self, node: NodeId, from: DomainId, arrow: &Arrow) -> NodeId {
        self.checker.read_along(node, from, std::slice::from_ref(arrow), self.span)
    }

    /// Returns the type of a node.
    pub fn type_of(&self, node: NodeId) -> Type {
        self.checker.ty(node).clone()
    }

    /// Adds the node of this call with that type, to be read on by [`Inference::read_along`].
    pub fn node(&mut self, ty: Type) -> NodeId {
        let body = self.checker.body_kind(self.signature, self.alternative);
        self.checker.add_stage(
            self.signature,
            self.alternative,
            body,
            self.args.clone(),
            self.inputs.clone(),
            ty,
            self.span,
            None,
            self.scope.file,
            None,
        )
    }

    /// Puts an alternative of a stage of the vocabulary before an input: where a layer needs what is learned before it (the numbers
    /// of words, for `embedding`). `None` where a mistake was reported.
    pub fn before(&mut self, i: usize, stage: &str, alternative: usize, args: Args) -> Option<()> {
        let entry = self.checker.vocabulary.get(stage)?.clone();
        let output = self.checker.notations(entry.signature).get(alternative)?.clone();
        let kind = *entry.kinds.get(alternative)?;
        let input = (*self.inputs.get(i)?, self.input_spans.get(i).copied().unwrap_or(self.span));
        let made = self.checker.make(
            entry.signature,
            alternative,
            kind,
            &output,
            vec![input],
            1,
            args,
            Vec::new(),
            self.span,
            self.span,
            None,
            self.scope,
        )?;
        self.inputs[i] = made;
        Some(())
    }

    /// Returns the training part of the split that the task around works on, as a table.
    pub fn task_train(&mut self) -> Option<(NodeId, SplitType)> {
        let split = self.scope.row.as_ref()?.table;
        let Type::Split(ty) = self.checker.ty(split).clone() else { return None };
        Some((self.checker.part_node(split, Part::Train, self.span), ty))
    }

    /// Returns a column of a table node as a node.
    pub fn column_of(&mut self, table: NodeId, name: &str) -> NodeId {
        self.checker.column_node(table, name, self.span)
    }

    /// Looks at the data of a source and declares its columns; see `analysis/columns.rs`.
    pub fn source(&mut self, request: crate::world::ScanRequest) -> Option<Type> {
        let span = self.arg_span("path");
        self.checker.source_type(span, &mut self.args, &mut self.inputs, request)
    }

    /// Looks at the head of the file that an argument names. `None` where no file is to be looked at, or a mistake was reported;
    /// `origin` says where such a file comes from.
    pub fn ports(&mut self, argument: &str, kind: FileKind, origin: Text) -> Option<Arc<Ports>> {
        let path = self.args.find(argument)?.as_text()?.to_string();
        if !self.checker.options.data {
            return None;
        }
        let span = self.arg_span(argument);
        let error = match self.checker.world.ports(&self.base(), &path, kind) {
            Ok(ports) => return Some(ports),
            Err(WorldError::Missing) => {
                Diagnostic::error("E0201", span, say!("the file `{path}` is not there", "文件 `{path}` 不存在"))
                    .help(origin)
            }
            Err(WorldError::Broken(why)) => {
                let message = say!("the file `{path}` cannot be read as it is", "文件 `{path}` 无法读取");
                Diagnostic::error("E0208", span, message).note(why)
            }
        };
        self.checker.report(error);
        None
    }

    pub fn base(&self) -> String {
        self.checker.files[self.scope.file].base.clone()
    }

    /// Gives the rows that a value has learned from, for stages over a table that a split may cut (`per`).
    pub fn learned_from(&self, domain: DomainId) -> std::collections::BTreeSet<crate::types::FitRows> {
        self.checker.learned_from(domain)
    }

    /// Returns the columns that a train's network reads, each ready before the training.
    pub fn leaves(&self, train: NodeId) -> Vec<NodeId> {
        self.checker.leaves(train)
    }

    /// Returns whether a node is, or is made from, another.
    pub fn comes_from(&self, node: NodeId, other: NodeId) -> bool {
        self.checker.comes_from(node, other)
    }

    /// Returns the words for a node: its declared name, or what it is.
    pub fn label_of(&self, node: NodeId) -> String {
        self.checker.graph.dag[node].label.clone()
    }

    /// Returns the nodes that a node reads, and its stage with the arguments.
    pub fn made_of(&self, node: NodeId) -> (Vec<NodeId>, Option<(&'static str, Args)>) {
        let weight = &self.checker.graph.dag[node];
        let stage = match &weight.kind {
            crate::graph::NodeKind::Stage { stage, args, .. } => Some((*stage, args.clone())),
            _ => None,
        };
        (weight.inputs.clone(), stage)
    }

    /// Returns the train that a node is, or is one task of, and the number of that task.
    pub fn whole_train(&self, node: NodeId) -> (NodeId, Option<usize>) {
        match self.checker.graph.dag[node].kind {
            crate::graph::NodeKind::Head(at) => (self.checker.whole_train(node).0, Some(at)),
            _ => (node, None),
        }
    }

    /// Returns the train that predictions are of, and the number of the task.
    pub fn predicted_by(&self, node: NodeId) -> Option<(NodeId, usize)> {
        let weight = &self.checker.graph.dag[node];
        match weight.kind {
            crate::graph::NodeKind::Predict { head, .. } => Some((*weight.inputs.first()?, head)),
            _ => None,
        }
    }

    /// Adds a train once more, with other columns in the places of some that its network reads, and other starting weights where
    /// `repeat` is not 0.
    pub fn again(
        &mut self,
        train: NodeId,
        changed: &std::collections::BTreeMap<NodeId, NodeId>,
        repeat: usize,
        label: String,
    ) -> NodeId {
        self.checker.again(train, changed, repeat, label)
    }

    /// Returns what a train predicts where a metric measures another.
    pub fn predicted(&mut self, train: NodeId, like: NodeId) -> Option<NodeId> {
        self.checker.predicted(train, like)
    }

    /// Adds a stage over a column, whose type it keeps but that numbers are vectors.
    pub fn over(&mut self, node: NodeId, stage: &str, alternative: usize, args: Args, label: String) -> Option<NodeId> {
        self.checker.over(node, stage, alternative, args, label)
    }

    /// Returns the splits that cut these very rows: their nodes and numbers.
    pub fn splits_of(&self, domain: DomainId) -> Vec<(NodeId, u32)> {
        let root = self.root(domain);
        let cuts = |&node: &NodeId| match self.checker.ty(node) {
            Type::Split(split) if self.root(split.table.domain) == root => Some((node, split.split)),
            _ => None,
        };
        self.checker.splits.iter().filter_map(cuts).collect()
    }

    /// Returns the rows of several sets, one after the other.
    pub fn ends_of(&mut self, sets: Vec<DomainId>) -> DomainId {
        let counts: Option<Vec<u64>> = sets.iter().map(|&set| self.domain_rows(set)).collect();
        self.checker.new_domain(String::new(), DomainKind::Ends(sets), counts.map(|n| n.iter().sum()))
    }

    pub fn this_split(&self, domain: DomainId) -> Option<(u32, Part)> {
        self.checker.split_of(domain)
    }

    /// Returns the ways along refs from one domain to another.
    pub fn ways(&self, from: DomainId, to: DomainId) -> Vec<Vec<Arrow>> {
        self.checker.ways(from, to)
    }

    /// Returns the links of a way as inputs of this call, appended; for `per`.
    pub fn add_links(&mut self, way: &[Arrow]) -> Vec<usize> {
        let mut places = Vec::new();
        for arrow in way {
            if let Some(node) = arrow.node {
                self.inputs.push(node);
                places.push(self.inputs.len() - 1);
            }
        }
        places
    }
}
