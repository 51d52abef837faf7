//! The checked graph: what the engine plans and runs. A `petgraph` DAG, arrows from what is read to what reads it.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::{DiGraph, NodeIndex};

use crate::args::Args;
use crate::signature::BodyKind;
use crate::span::Span;
use crate::types::{DomainId, Part, SourceColumn, Task, Type};

pub type NodeId = NodeIndex<u32>;

/// A sound file, ready to be planned. Comments, names and order of the file are not in any node's identity.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Edge weights are places in [`Node::inputs`].
    pub dag: DiGraph<Node, usize, u32>,
    pub domains: Vec<Domain>,
    /// Declared names, in the order of the file.
    pub names: Vec<(String, NodeId)>,
    /// What a run has to make: metrics, trains, experiments; the leaves where there are none.
    pub sinks: Vec<NodeId>,
    /// What experiments have added: trains once more with something changed, and what they read and predict.
    pub variants: BTreeSet<NodeId>,
    /// For each metric of a train that is trained several times, the same metric of each further time.
    pub repeats: BTreeMap<NodeId, Vec<NodeId>>,
    /// `param seed`.
    pub seed: u64,
    pub params: Vec<(String, crate::args::ArgValue)>,
    /// The source's `##` docs by name, for errors about their files.
    pub docs: BTreeMap<String, String>,
}

/// A set of rows.
#[derive(Clone, Debug)]
pub struct Domain {
    /// The words for it: `films`, `parts.train`, `ratings.user`.
    pub name: String,
    pub kind: DomainKind,
    /// Count of rows where the data told it.
    pub rows: Option<u64>,
    /// Columns of its rows that lead to other domains.
    pub arrows: Vec<Arrow>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum DomainKind {
    /// A source's rows.
    Source,
    /// Some rows of another domain.
    Part(DomainId),
    /// The rows of the ends of a graph, one after the other.
    Ends(Vec<DomainId>),
    /// The values of a category column.
    Values { source: String, column: String },
    /// Pairs of a user and an item, met in rows of a split's table: what a recommender scores.
    Pairs {
        met: DomainId,
        /// The source columns that say who the user is.
        user: BTreeSet<SourceColumn>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Arrow {
    /// The column's name.
    pub column: String,
    pub to: DomainId,
    /// The node of the column at all rows of the domain; `None` for the ends of a pair.
    pub node: Option<NodeId>,
    pub missing: bool,
}

#[derive(Clone, Debug)]
pub struct Node {
    /// The declared name, where this is a declaration's value.
    pub name: Option<String>,
    /// A short text for people: `resize(224x224)`, `films.poster`.
    pub label: String,
    pub kind: NodeKind,
    pub inputs: Vec<NodeId>,
    pub ty: Type,
    pub span: Span,
    /// An untrained network is inside: the engine leaves it to the train that holds it.
    pub joint: bool,
    /// The rows of the node are those of this input; other columns are restricted to them.
    pub rows: Option<usize>,
}

#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A stage of the vocabulary. `base` is the folder of the file that it stands in.
    Stage { stage: &'static str, alternative: usize, body: BodyKind, args: Args, fit: Option<Fit>, base: String },
    /// A column of the table, split or part that is the input.
    Column(String),
    /// A part of the split that is the input: a table.
    Part(Part),
    /// An end of the graph that is the input: its rows; of a value at both ends, the column there.
    End(usize),
    /// What a joint stage became in the train that is the input.
    Field(String),
    /// Reads the first input along links, one after the other: to the rows of the first link.
    Read(Vec<Link>),
    /// One of the tasks of the train that is the input.
    Head(usize),
    /// The predictions of the train (the first input) for a part of the split (the second), with rankings that long; of the task of
    /// that number, where it has several.
    Predict { task: Task, part: Part, top: usize, head: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The ref or category column that is the input of that number.
    Input(usize),
    /// The user of a scored pair.
    User,
    /// The item of a scored pair.
    Item,
    /// The row that a scored pair was met in; in a ranking, its user now.
    Occasion,
}

/// Which rows a fitted stage learns from.
#[derive(Clone, Debug, PartialEq)]
pub enum Fit {
    /// All: no split reaches these rows, nothing is measured on them.
    All,
    /// The training part of the split that is the input of that number.
    Part {
        split: usize,
        /// Ref columns (inputs) that lead from the split's rows to the stage's rows; empty where they are the same.
        along: Vec<usize>,
        /// Ref columns (inputs) that lead from the stage's rows to the split's rows: children of training rows.
        back: Vec<usize>,
    },
}

impl Graph {
    /// Returns the words for a node: its declared name, else what it is.
    pub fn title(&self, id: NodeId) -> String {
        let node = self.node(id);
        node.name.clone().unwrap_or_else(|| node.label.clone())
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.dag[id]
    }

    /// Returns the domain that is no part of another.
    pub fn root(&self, mut id: DomainId) -> DomainId {
        while let DomainKind::Part(of) = self.domains[id.0 as usize].kind {
            id = of;
        }
        id
    }
}
