//! What every expression is before anything runs: row domains, elements, sizes, and the marks that values carry.

use std::collections::BTreeSet;
use std::fmt;

/// A set of rows: a source's, a part of it, or the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainId(pub u32);

/// A size: known at check, or found by the run (`_`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    Known(u64),
    Unknown,
}

impl Size {
    pub fn known(self) -> Option<u64> {
        match self {
            Size::Known(n) => Some(n),
            Size::Unknown => None,
        }
    }

    /// Returns whether the two may be the same; `_` may be any.
    pub fn fits(self, other: Size) -> bool {
        match (self, other) {
            (Size::Known(a), Size::Known(b)) => a == b,
            _ => true,
        }
    }

    pub fn map(self, other: Size, f: impl Fn(u64, u64) -> Option<u64>) -> Size {
        match (self, other) {
            (Size::Known(a), Size::Known(b)) => f(a, b).map_or(Size::Unknown, Size::Known),
            _ => Size::Unknown,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Size::Known(n) => write!(f, "{n}"),
            Size::Unknown => f.write_str("_"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    English,
    Chinese,
    /// Decided a row.
    Detect,
}

impl Language {
    pub fn word(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
            Language::Detect => "detect",
        }
    }
}

/// What one row of a column holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Elem {
    Int,
    Float,
    Bool,
    /// A word of a closed set; the set is a domain, so a category is a ref to its values.
    Category(DomainId),
    /// Names its row.
    Key,
    /// Names a row of another table.
    Ref(DomainId),
    Time,
    Duration,
    Text(Language),
    Tokens(Language),
    /// A picture of 8-bit samples, height first.
    Image([Size; 3]),
    /// Numbers in place: height, width, channels.
    Map([Size; 3]),
    /// A code from 0 to below `n` a pixel: height, width, `n`.
    Codes([Size; 3]),
    Vector(Size),
    /// At most `t` steps of `n` numbers.
    Sequence(Size, Size),
    /// The mistake is reported already; fits everything.
    Unknown,
}

impl Elem {
    /// Returns the width as a vector, where the element can stand for one (T1: numbers are `vector[1]`).
    pub fn as_vector(&self) -> Option<Size> {
        match self {
            Elem::Int | Elem::Float | Elem::Bool => Some(Size::Known(1)),
            Elem::Vector(n) => Some(*n),
            Elem::Unknown => Some(Size::Unknown),
            _ => None,
        }
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Elem::Int | Elem::Float | Elem::Bool | Elem::Unknown)
    }
}

impl fmt::Display for Elem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Elem::Int => f.write_str("int"),
            Elem::Float => f.write_str("float"),
            Elem::Bool => f.write_str("bool"),
            Elem::Category(_) => f.write_str("category"),
            Elem::Key => f.write_str("key"),
            Elem::Ref(_) => f.write_str("ref"),
            Elem::Time => f.write_str("time"),
            Elem::Duration => f.write_str("duration"),
            Elem::Text(_) => f.write_str("text"),
            Elem::Tokens(_) => f.write_str("tokens"),
            Elem::Image([h, w, c]) => write!(f, "image[{h}, {w}, {c}]"),
            Elem::Map([h, w, c]) => write!(f, "map[{h}, {w}, {c}]"),
            Elem::Codes([h, w, n]) => write!(f, "codes[{h}, {w}, {n}]"),
            Elem::Vector(n) => write!(f, "vector[{n}]"),
            Elem::Sequence(t, n) => write!(f, "sequence[{t}, {n}]"),
            Elem::Unknown => f.write_str("?"),
        }
    }
}

/// Where a missing value comes from: a source column, or a stage that makes holes of its own (`per`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    Column(SourceColumn),
    /// The node that made the hole.
    Stage(u32),
}

/// A column of a source, by the names in the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceColumn {
    pub source: String,
    pub column: String,
}

impl fmt::Display for SourceColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.source, self.column)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Train,
    Validation,
    Test,
}

impl Part {
    pub const ALL: [Part; 3] = [Part::Train, Part::Validation, Part::Test];

    pub fn word(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Validation => "validation",
            Part::Test => "test",
        }
    }
}

/// Rows that a value has learned from: a part of a split (by its node), or a whole domain that no split reaches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FitRows {
    Part { split: u32, part: Part },
    All(DomainId),
}

/// What a value carries along (LANGUAGE 7, rule 13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// (a) the rows it has learned from.
    pub fits: BTreeSet<FitRows>,
    /// (b) the source columns it was computed from, row by row.
    pub columns: BTreeSet<SourceColumn>,
    /// (c) an untrained network is inside.
    pub joint: bool,
    /// The histories that it was computed from.
    pub past: BTreeSet<Past>,
}

/// What a history reads: earlier rows of the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Past {
    /// The rows.
    pub domain: DomainId,
    /// The source columns that say whose rows they are.
    pub by: BTreeSet<SourceColumn>,
    /// The source columns that say which row was earlier.
    pub order: BTreeSet<SourceColumn>,
    /// The node of the history.
    pub node: u32,
}

impl Marks {
    pub fn join(&mut self, other: &Marks) {
        self.fits.extend(other.fits.iter().cloned());
        self.columns.extend(other.columns.iter().cloned());
        self.joint |= other.joint;
        self.past.extend(other.past.iter().cloned());
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnType {
    pub domain: DomainId,
    pub elem: Elem,
    /// Why a value may be missing; empty where none is (`?` otherwise).
    pub missing: BTreeSet<Origin>,
    pub marks: Marks,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableType {
    pub domain: DomainId,
    pub columns: Vec<(String, ColumnType)>,
    /// What a table stage upstream has learned from.
    pub marks: Marks,
}

impl TableType {
    pub fn column(&self, name: &str) -> Option<&ColumnType> {
        self.columns.iter().find(|(n, _)| n == name).map(|(_, c)| c)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitType {
    /// The node that split; fitted table stages after it keep it.
    pub split: u32,
    /// The columns of the whole, at the whole's domain.
    pub table: TableType,
    pub parts: Vec<(Part, DomainId)>,
}

impl SplitType {
    pub fn part(&self, part: Part) -> Option<DomainId> {
        self.parts.iter().find(|(p, _)| *p == part).map(|(_, d)| *d)
    }
}

/// Edges between the rows of one set, or of two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphType {
    /// The sets of rows, by name.
    pub ends: Vec<(String, DomainId)>,
    pub marks: Marks,
}

/// Returns which of these ends a name means: by its own name, or as `from` and `to`, for a `def` whose columns have other names.
fn end<T>(ends: &[(String, T)], name: &str) -> Option<usize> {
    let other = match (name, ends.len()) {
        ("from", 2) => Some(0),
        ("to", 2) => Some(1),
        _ => None,
    };
    ends.iter().position(|(own, _)| own == name).or(other)
}

impl GraphType {
    pub fn end(&self, name: &str) -> Option<usize> {
        end(&self.ends, name)
    }
}

impl EndsType {
    pub fn end(&self, name: &str) -> Option<usize> {
        end(&self.columns, name)
    }
}

/// A network's values at both ends of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndsType {
    /// The rows of the first end, then those of the second.
    pub domain: DomainId,
    pub columns: Vec<(String, ColumnType)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    Classify,
    Regress,
    Recommend,
}

impl Task {
    pub fn word(self) -> &'static str {
        match self {
            Task::Classify => "classify",
            Task::Regress => "regress",
            Task::Recommend => "recommend",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainType {
    pub task: Task,
    /// The node of the split that it was trained on.
    pub split: SplitType,
    /// Count of classes for `classify`: 2 for a `bool`.
    pub classes: Size,
    /// How often it is trained and measured, each time from other starting weights.
    pub repeat: u64,
    /// Whether the network is sound; else its fields are not known.
    pub sound: bool,
    /// What the joint stages became here: name and type.
    pub fields: Vec<(String, ColumnType)>,
    /// Of a train of several tasks: what each of them is, by its name; the rest then speaks of the first.
    pub heads: Vec<(String, TrainType)>,
    pub marks: Marks,
}

/// A recipe: what a call makes that flows nowhere but configures the stage that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecipeKind {
    Optimizer,
    Stop,
    Loss,
    /// What other stages take, by its word: `objective`, `algorithm`.
    Other(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A mistake above; absorbs what follows.
    Unknown,
    Table(TableType),
    Split(SplitType),
    Column(ColumnType),
    Graph(GraphType),
    /// An end of a graph: a set of rows without columns.
    Rows(DomainId),
    Ends(EndsType),
    Train(Box<TrainType>),
    Metric,
    Experiment,
    Recipe(RecipeKind),
}

impl Type {
    pub fn word(&self) -> &'static str {
        match self {
            Type::Unknown => "unknown",
            Type::Table(_) => "table",
            Type::Split(_) => "split",
            Type::Column(_) => "column",
            Type::Graph(_) => "graph",
            Type::Rows(_) => "set of rows",
            Type::Ends(_) => "pair of columns",
            Type::Train(_) => "train",
            Type::Metric => "metric",
            Type::Experiment => "experiment",
            Type::Recipe(RecipeKind::Optimizer) => "optimizer",
            Type::Recipe(RecipeKind::Stop) => "stop",
            Type::Recipe(RecipeKind::Loss) => "loss",
            Type::Recipe(RecipeKind::Other(word)) => word,
        }
    }
}
