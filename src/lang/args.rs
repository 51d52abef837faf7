//! Arguments: how a stage declares them, and the values that the checker hands to the engine.

use crate::types::{Language, Part};

/// A declared argument, read by checker, `--help`, formatter and docs.
#[derive(Clone, Copy, Debug)]
pub struct ArgSpec {
    pub name: &'static str,
    pub kind: ArgKind,
    /// In mmf's own notation; `None` and not `optional`: must be given.
    pub default: Option<Literal>,
    /// May be left out, and then is absent.
    pub optional: bool,
    /// Inclusive bounds for numbers.
    pub range: Option<(f64, f64)>,
    pub doc: &'static str,
}

/// What an argument takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ArgKind {
    Int,
    Float,
    Bool,
    /// A number from 0 to 1, mostly written with `%`.
    Share,
    /// A share, or a whole number of rows.
    ShareOrCount,
    Text,
    /// A path, relative to the file that it stands in.
    Path,
    /// A path, or a list of them.
    Paths,
    /// One of these words, bare or as a string.
    Words(&'static [&'static str]),
    /// `AxB…` or a list of integers, that many.
    Sizes(usize),
    /// A text, number or bool, or a list of such.
    Values,
    /// A number, or a list of them.
    Numbers,
    /// Whole numbers, as many as are written: `mlp(128, 64)`. It is the last argument without a name.
    Counts,
    /// A column of the piped table or split.
    Column,
    /// A list of columns.
    Columns,
    /// A list of columns of another table: bare names, which the stage's own `infer` looks up.
    OtherColumns,
    /// A table, or a ref column that leads to one.
    Target,
    /// A table, a part of one, or a split: its rows.
    Table,
    /// A column that holds a ref, wherever it is.
    RefColumn,
    /// A part of a split, or a table: the rows to fit on.
    FitRows,
    /// An expression over the columns of the piped table that gives a bool.
    Condition,
    /// Open: any new name, each with a row expression.
    NewColumns,
    /// Open: any column of the piped table, each with a whole number.
    ColumnCounts,
    /// The block of declared columns of a source.
    Declarations,
    /// A network's value, at the rows of the task.
    Joint,
    /// A column, or a list of columns: inputs of the node behind those that flow, which `infer` reads at its rows.
    Inputs,
    /// Layers that wait for their input: `dense(64) |> relu`; a list of recipes.
    Network,
    /// A recipe: an optimizer.
    Optimizer,
    /// A recipe of that kind: `objective`, `algorithm`.
    Recipe(&'static str),
    /// A recipe: a stop.
    Stop,
    /// A loss: a recipe, or a sum of recipes with weights.
    Loss,
    /// A metric's name, with its cut.
    Measure,
    /// Open: any new name, each with a train that lacks its split.
    Heads,
    /// One of these words, or a list of numbers.
    WordOrNumbers(&'static [&'static str]),
    /// A graph: an input of the node.
    Graph,
    /// A train: an input of the node.
    Train,
    /// A declared metric, `quality.ndcg@20`: an input of the node.
    Metric,
}

/// A default, const-friendly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal {
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(&'static str),
    Word(&'static str),
    Sizes(&'static [i64]),
    /// A call without arguments: `adam`.
    Recipe(&'static str),
}

/// An argument as the checker understood it: nothing is left to look up but columns and inputs.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgValue {
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    Word(String),
    List(Vec<ArgValue>),
    Range {
        low: Option<f64>,
        high: Option<f64>,
    },
    /// A column of the piped table, by its name.
    Column(String),
    /// The input of that number of the node.
    Input(usize),
    Row(RowExpr),
    Named(Vec<(String, ArgValue)>),
    Recipe(Recipe),
    Columns(Vec<ColumnSpec>),
    /// `ndcg@20`.
    Measure {
        name: String,
        cut: Option<u64>,
    },
    /// A weighted sum of losses.
    Losses(Vec<(f64, Recipe)>),
}

/// A call that configures: `adam(lr = 1e-3)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    pub stage: String,
    pub args: Args,
}

/// A declared column of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSpec {
    pub name: String,
    /// The header (or headers, with `*`) that it reads, where that is not its name.
    pub header: Option<String>,
    pub kind: ColumnKind,
    pub missing: bool,
    /// Behind `in`.
    pub within: Option<Within>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Within {
    Range { low: Option<f64>, high: Option<f64> },
    Values(Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum ColumnKind {
    Int,
    Float,
    Bool,
    Category,
    /// The key of this source's own rows.
    Key,
    /// `key(items)`: rows are those of another source; the source's input of that number holds its keys.
    KeyOf(usize),
    /// `ref(films)`: the source's input of that number holds the keys.
    Ref(usize),
    Time(TimeFormat),
    Text(Language),
    /// A text in a file a row: the template of its path.
    TextFile(Language, PathTemplate),
    /// A picture in a file a row.
    Image(PathTemplate),
    Vector(Option<u64>),
    Sequence(Option<u64>, Option<u64>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum TimeFormat {
    /// Seconds since 1970, UTC.
    Unix,
    /// ISO 8601.
    Iso,
    /// strftime's letters.
    Pattern(String),
}

/// A path with the cells of its row in it. Holes name headers.
#[derive(Clone, Debug, PartialEq)]
pub struct PathTemplate {
    /// Text, then a header, then text …: `texts.len() == headers.len() + 1`.
    pub texts: Vec<String>,
    pub headers: Vec<String>,
    /// The folder that it is relative to, beside the `.mmf` file.
    pub root: Option<String>,
}

/// An expression over the columns of a table, row by row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowExpr {
    /// A column of the piped table.
    Column(String),
    /// The node's input of that number, a column at the table's rows.
    Input(usize),
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    /// Microseconds since 1970, UTC: a string beside a time was read so.
    Time(i64),
    /// Microseconds.
    Duration(i64),
    Missing(Box<RowExpr>),
    Not(Box<RowExpr>),
    Negate(Box<RowExpr>),
    Binary(crate::syntax::tree::BinaryOp, Box<RowExpr>, Box<RowExpr>),
    InRange {
        operand: Box<RowExpr>,
        low: Option<f64>,
        high: Option<f64>,
    },
    InList {
        operand: Box<RowExpr>,
        values: Vec<RowExpr>,
    },
}

/// The arguments of one node, in the order of the signature; defaults are filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args(pub Vec<(String, ArgValue)>);

impl Args {
    pub fn find(&self, name: &str) -> Option<&ArgValue> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Reads a declared argument.
    ///
    /// Panics only where the checker let a value of the wrong kind by, which its tests exclude.
    pub fn get<T>(&self, arg: Arg<T>) -> T {
        let value = self.find(arg.spec.name).cloned().or_else(|| arg.spec.default.map(ArgValue::from));
        (arg.read)(value.as_ref())
    }
}

impl From<Literal> for ArgValue {
    fn from(literal: Literal) -> Self {
        match literal {
            Literal::Int(n) => ArgValue::Int(n),
            Literal::Float(x) => ArgValue::Float(x),
            Literal::Bool(b) => ArgValue::Bool(b),
            Literal::Text(t) => ArgValue::Text(t.into()),
            Literal::Word(w) => ArgValue::Word(w.into()),
            Literal::Sizes(sizes) => ArgValue::List(sizes.iter().map(|&n| ArgValue::Int(n)).collect()),
            Literal::Recipe(name) => ArgValue::Recipe(Recipe { stage: name.into(), args: Args::default() }),
        }
    }
}

impl ArgValue {
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            ArgValue::Int(n) => Some(*n as f64),
            ArgValue::Float(x) => Some(*x),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            ArgValue::Text(t) | ArgValue::Word(t) | ArgValue::Column(t) => Some(t),
            _ => None,
        }
    }
}

/// A declared argument, and at the same time the typed key that reads it.
#[derive(Clone, Copy, Debug)]
pub struct Arg<T> {
    spec: ArgSpec,
    read: fn(Option<&ArgValue>) -> T,
}

const fn spec(name: &'static str, kind: ArgKind) -> ArgSpec {
    ArgSpec { name, kind, default: None, optional: false, range: None, doc: "" }
}

impl<T> Arg<T> {
    pub const fn new(name: &'static str, kind: ArgKind, read: fn(Option<&ArgValue>) -> T) -> Self {
        Arg { spec: spec(name, kind), read }
    }

    pub const fn default(mut self, value: Literal) -> Self {
        self.spec.default = Some(value);
        self
    }

    pub const fn optional(mut self) -> Self {
        self.spec.optional = true;
        self
    }

    pub const fn range(mut self, low: f64, high: f64) -> Self {
        self.spec.range = Some((low, high));
        self
    }

    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.spec.doc = doc;
        self
    }

    pub const fn spec(self) -> ArgSpec {
        self.spec
    }

    pub const fn name(self) -> &'static str {
        self.spec.name
    }
}

const CHECKED: &str = "the checker lets only values of the argument's kind by";

impl Arg<usize> {
    /// A whole number, zero or more. The checker holds it to the range, which has 0 as its lowest bound if none is given.
    pub const fn int(name: &'static str) -> Self {
        Arg::new(name, ArgKind::Int, |v| match v {
            Some(ArgValue::Int(n)) => usize::try_from(*n).expect(CHECKED),
            _ => panic!("{CHECKED}"),
        })
    }
}

impl Arg<Option<usize>> {
    /// A whole number that may be left out.
    pub const fn some_int(name: &'static str) -> Self {
        Arg::new(name, ArgKind::Int, |v| match v {
            Some(ArgValue::Int(n)) => Some(usize::try_from(*n).expect(CHECKED)),
            _ => None,
        })
        .optional()
    }
}

impl Arg<f64> {
    pub const fn float(name: &'static str) -> Self {
        Arg::new(name, ArgKind::Float, |v| v.and_then(ArgValue::as_f64).expect(CHECKED))
    }

    /// A share from 0 to 1.
    pub const fn share(name: &'static str) -> Self {
        Arg::new(name, ArgKind::Share, |v| v.and_then(ArgValue::as_f64).expect(CHECKED)).range(0.0, 1.0)
    }
}

impl Arg<bool> {
    pub const fn bool(name: &'static str) -> Self {
        Arg::new(name, ArgKind::Bool, |v| matches!(v, Some(ArgValue::Bool(true))))
    }
}

impl Arg<String> {
    /// One of these words.
    pub const fn words(name: &'static str, words: &'static [&'static str]) -> Self {
        Arg::new(name, ArgKind::Words(words), |v| v.and_then(ArgValue::as_text).expect(CHECKED).to_string())
    }

    pub const fn text(name: &'static str) -> Self {
        Arg::new(name, ArgKind::Text, |v| v.and_then(ArgValue::as_text).expect(CHECKED).to_string())
    }

    /// A path, relative to the file that it stands in.
    pub const fn path(name: &'static str) -> Self {
        Arg::new(name, ArgKind::Path, |v| v.and_then(ArgValue::as_text).expect(CHECKED).to_string())
    }

    /// A column of the piped table.
    pub const fn column(name: &'static str) -> Self {
        Arg::new(name, ArgKind::Column, |v| v.and_then(ArgValue::as_text).expect(CHECKED).to_string())
    }
}

impl Arg<Option<String>> {
    /// A column of the piped table that may be left out.
    pub const fn some_column(name: &'static str) -> Self {
        Arg::new(name, ArgKind::Column, |v| v.and_then(ArgValue::as_text).map(str::to_string)).optional()
    }

    pub const fn some_words(name: &'static str, words: &'static [&'static str]) -> Self {
        Arg::new(name, ArgKind::Words(words), |v| v.and_then(ArgValue::as_text).map(str::to_string)).optional()
    }

    /// A path that may be left out.
    pub const fn some_path(name: &'static str) -> Self {
        Arg::new(name, ArgKind::Path, |v| v.and_then(ArgValue::as_text).map(str::to_string)).optional()
    }

    pub const fn some_text(name: &'static str) -> Self {
        Arg::new(name, ArgKind::Text, |v| v.and_then(ArgValue::as_text).map(str::to_string)).optional()
    }
}

impl Arg<Option<Vec<String>>> {
    /// A list of columns that may be left out.
    pub const fn some_columns(name: &'static str) -> Self {
        Arg::new(name, ArgKind::Columns, |v| match v {
            Some(ArgValue::List(list)) => Some(list.iter().filter_map(ArgValue::as_text).map(str::to_string).collect()),
            Some(one) => one.as_text().map(|t| vec![t.to_string()]),
            None => None,
        })
        .optional()
    }
}

impl Arg<Vec<Recipe>> {
    /// Layers that wait for their input.
    pub const fn network(name: &'static str) -> Self {
        Arg::new(name, ArgKind::Network, |v| match v {
            Some(ArgValue::List(list)) => {
                let layer = |v: &ArgValue| if let ArgValue::Recipe(layer) = v { Some(layer.clone()) } else { None };
                list.iter().filter_map(layer).collect()
            }
            Some(ArgValue::Recipe(layer)) => vec![layer.clone()],
            _ => Vec::new(),
        })
    }
}

impl Arg<Option<Vec<usize>>> {
    /// `2x2`, that may be left out.
    pub const fn some_sizes(name: &'static str, count: usize) -> Self {
        Arg::new(name, ArgKind::Sizes(count), |v| match v {
            Some(ArgValue::List(list)) => {
                let number = |v: &ArgValue| if let ArgValue::Int(n) = v { usize::try_from(*n).ok() } else { None };
                Some(list.iter().map(number).collect::<Option<_>>().expect(CHECKED))
            }
            _ => None,
        })
        .optional()
    }
}

impl Arg<Vec<usize>> {
    /// `128, 64`: as many whole numbers as are written.
    pub const fn counts(name: &'static str) -> Self {
        Arg { spec: spec(name, ArgKind::Counts), ..Arg::sizes(name, 0) }
    }

    /// `8x4x4`: `count` whole numbers.
    pub const fn sizes(name: &'static str, count: usize) -> Self {
        Arg::new(name, ArgKind::Sizes(count), |v| match v {
            Some(ArgValue::List(list)) => list
                .iter()
                .map(|n| match n {
                    ArgValue::Int(n) => usize::try_from(*n).expect(CHECKED),
                    _ => panic!("{CHECKED}"),
                })
                .collect(),
            _ => panic!("{CHECKED}"),
        })
    }
}

/// Returns a part by its word.
pub fn part(word: &str) -> Option<Part> {
    Part::ALL.into_iter().find(|p| p.word() == word)
}
