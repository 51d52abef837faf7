//! The contract of a stage: what it declares, and how it runs.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use mmf_lang::args::Args;
use mmf_lang::diagnostic::Text;
use mmf_lang::signature::{BodyKind, Signature};
use mmf_lang::types::Part;

use crate::arrays::{Arrays, State};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::network::{Network, Var};
use crate::plan::Plan;
use crate::table::{Column, Rows, Split, Table, Value};
use crate::values::Values;

/// A stage of the vocabulary: one file, one declaration, one body an alternative of its type.
pub trait Stage: Sync {
    fn signature(&self) -> &'static Signature;

    /// Returns how the alternative of that number runs.
    fn body(&self, alternative: usize) -> Body;
}

impl std::fmt::Debug for dyn Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.signature().name)
    }
}

/// One column of a batch: the values of some rows, and which of them are missing.
#[derive(Clone, Debug)]
pub struct Input {
    pub values: Values,
    pub missing: Option<Arc<Vec<bool>>>,
}

/// Some rows of every input of a stage. A row-wise stage may be handed any batch of any size, on any thread.
#[derive(Clone, Debug)]
pub struct Batch {
    pub rows: usize,
    pub inputs: Vec<Input>,
}

impl Batch {
    pub fn values(&self, input: usize) -> Result<&Values> {
        self.inputs.get(input).map(|i| &i.values).ok_or_else(|| Error::bug("a stage was given too few inputs"))
    }

    /// Returns whether any input of the row is missing. The engine drops such rows from what a stage gives,
    /// so a stage need not look, but must not stumble over their values.
    pub fn is_missing(&self, at: usize) -> bool {
        self.inputs.iter().any(|i| i.missing.as_ref().is_some_and(|m| m[at]))
    }
}

/// Predictions of one part, as metrics read them (arrays named in `stages/train`).
pub type Predictions = Arrays;

/// A metric, ready to be asked for any resample: the numbers are places of units; a unit may come more than once.
/// `None` where it is not defined (one class only, no row).
pub type Measure = Box<dyn Fn(&[u32]) -> Option<f64> + Send + Sync>;

/// A metric's body: ready to be asked, for these predictions.
pub type Metric = fn(&Args, &Predictions) -> Result<Measure>;

/// Finds a metric by its name.
pub type Measures = fn(&str) -> Option<Metric>;

/// What a row-wise stage opens once, before its first batch: a model, a list of words.
pub type Opened = Arc<dyn Any + Send + Sync>;

/// Returns what a stage opened, as the stage knows it.
pub fn opened<T: 'static>(opened: &Opened) -> Result<&T> {
    opened.downcast_ref().ok_or_else(|| Error::bug("a stage was given what another opened"))
}

/// How a stage runs. The engine runs what the stage is, so it cannot lie.
pub enum Body {
    /// Reads files and makes a table. Inputs are the tables that its refs name, in the order of `ColumnKind::Ref`.
    Source(fn(&Context, &Args, &[Value]) -> Result<Table>),
    /// A batch of rows in, their values out.
    Rows(fn(&Context, &Args, &Batch) -> Result<Values>),
    /// The same, with the files in its arguments opened first: at most once a run, and only where a row is computed. The key
    /// holds the content of these files.
    Opened {
        open: fn(&Context, &Args) -> Result<Opened>,
        rows: fn(&Context, &Args, &Opened, &Batch) -> Result<Values>,
        /// Whether a row costs so much that each is kept by its content.
        dear: bool,
    },
    /// Learns from columns that hold training rows only, missing rows left out; then applies by batch.
    Fit {
        fit: fn(&Context, &Args, &[Column]) -> Result<State>,
        apply: fn(&Context, &Args, &State, &Batch) -> Result<Values>,
    },
    /// A table in (then columns at its rows, for row expressions), a table out.
    Table(fn(&Context, &Args, &[Value]) -> Result<Table>),
    /// Learns from a table (the training part, of a split), then applies to all rows; may drop rows.
    FitTable {
        fit: fn(&Context, &Args, &Table) -> Result<State>,
        apply: fn(&Context, &Args, &State, &Table) -> Result<Table>,
    },
    Split(fn(&Context, &Args, &[Value]) -> Result<Split>),
    /// Columns and the links that lead across, in: a column of the other rows, out.
    Across(fn(&Context, &Args, &[Value], &Crossing) -> Result<Column>),
    Joint(fn(&JointCall<'_>, &mut dyn Network, &[Var]) -> Result<Var>),
    /// A part of a network that takes the rows before its own as steps.
    Recall {
        past: fn(&Args) -> Result<Recall>,
        joint: fn(&JointCall<'_>, &mut dyn Network, &[Var]) -> Result<Var>,
    },
    Train(&'static dyn Train),
    Metric(Metric),
    /// A whole column in, one of the same rows out.
    Whole(fn(&Context, &Args, &Column) -> Result<Column>),
    /// The predictions of several trains in, what they tell together out.
    Experiment(fn(&Context, &Args, &[Value]) -> Result<Arrays>),
    Recipe,
    /// A number of the data (`classes`).
    Size(fn(&Column) -> u64),
}

impl Body {
    pub fn kind(&self) -> BodyKind {
        match self {
            Body::Source(_) => BodyKind::Source,
            Body::Rows(_) | Body::Opened { .. } => BodyKind::Rows,
            Body::Fit { .. } => BodyKind::Fit,
            Body::Table(_) => BodyKind::Table,
            Body::FitTable { .. } => BodyKind::FitTable,
            Body::Split(_) => BodyKind::Split,
            Body::Across(_) => BodyKind::Across,
            Body::Joint(_) | Body::Recall { .. } => BodyKind::Joint,
            Body::Train(_) => BodyKind::Train,
            Body::Metric(_) => BodyKind::Metric,
            Body::Whole(_) => BodyKind::Whole,
            Body::Experiment(_) => BodyKind::Experiment,
            Body::Recipe => BodyKind::Recipe,
            Body::Size(_) => BodyKind::Size,
        }
    }
}

/// How rows of one domain lead to rows of another.
#[derive(Clone, Debug)]
pub struct Crossing {
    /// For each row of the first input: the number of the row that it leads to; `u32::MAX` where it leads nowhere.
    pub to: Vec<u32>,
    /// Count of rows of the domain that is led to.
    pub total: usize,
    /// The rows of the domain that is led to, where the result is wanted at a part of it.
    pub rows: Rows,
}

/// By which inputs a stage knows which rows came before, and how many of them count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recall {
    pub by: usize,
    pub order: usize,
    pub last: usize,
}

/// What a joint stage sees of its place in a step.
pub struct JointCall<'a> {
    pub args: &'a Args,
    /// The rows of its domain that this step needs, ascending.
    pub rows: &'a [u32],
    /// Count of rows of its domain.
    pub total: usize,
    /// For stages that embed a column of the task's rows: the values' vocabulary is the domain; else empty.
    pub trained: Option<&'a [bool]>,
    /// For stages that read what came before (`history`): how many steps each row has, and for each step, row after row, its place in
    /// the first input.
    pub steps: Option<Steps<'a>>,
    /// For stages that spread values along edges: the graph among their inputs.
    pub graph: Option<&'a Graph>,
    /// For stages that choose (`policy`): what each row is to choose; by themselves where nothing is said.
    pub chosen: Option<&'a [u32]>,
}

#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    pub lengths: &'a [u32],
    pub places: &'a [u32],
}

/// Trains and predicts. Plans hold the network; predictions are what metrics read.
pub trait Train: Sync {
    /// Returns the weights: safetensors under `weights`, and what else prediction needs.
    fn train(&self, context: &Context, args: &Args, call: &TrainCall) -> Result<Arrays>;

    /// Returns the predictions for a part; `top` is the longest ranking that is asked for.
    fn predict(
        &self,
        context: &Context,
        args: &Args,
        call: &TrainCall,
        trained: &Arrays,
        part: Part,
        top: usize,
    ) -> Result<Predictions>;

    /// Returns whether predictions of that task are rankings.
    fn ranks(&self) -> bool {
        false
    }
}

/// All that a train works on.
#[derive(Clone, Debug)]
pub struct TrainCall {
    pub split: Split,
    /// The network: its outputs are named by the arguments that hold them (`score`, `output`).
    pub plan: Plan,
    /// The tables that arguments name.
    pub tables: Vec<(String, Given)>,
    /// Of a train of several tasks, which of them is predicted.
    pub head: usize,
    /// Metrics by name, for early stopping.
    pub measures: Measures,
}

/// A table that an argument of a train names: its rows, and of its columns those that the train names.
#[derive(Clone, Debug)]
pub struct Given {
    pub table: Table,
    /// Whether these are rows of the split's source, be they in the split or not.
    pub of_split: bool,
}

/// What a stage may tell while it runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    Progress {
        done: u64,
        total: u64,
    },
    /// A point of a curve: `loss`, `ndcg@20`, at an epoch.
    Curve {
        curve: String,
        step: u64,
        value: f64,
    },
    /// A row that was left out: its number, and why.
    Skipped {
        row: u64,
        name: String,
        reason: Text,
    },
    /// Something worth knowing.
    Note(Text),
}

/// What a stage may use of the world.
pub trait Host: Sync {
    fn cancelled(&self) -> bool;
    fn report(&self, report: Report);
    /// Returns a file's bytes; the error names the path.
    fn read(&self, path: &Path) -> Result<Vec<u8>>;
    /// Returns what was saved last for this very node, if it was interrupted.
    fn load_checkpoint(&self) -> Option<Vec<u8>>;
    /// Keeps what an interrupted run can go on from.
    fn save_checkpoint(&self, bytes: &[u8]);
}

/// What a stage is given beside its arguments and inputs.
pub struct Context<'a> {
    /// From the file's seed and the node's key: the same for the same content.
    pub seed: u64,
    /// Folder that the paths in its arguments are relative to.
    pub base: &'a Path,
    pub host: &'a dyn Host,
}

impl Context<'_> {
    /// Returns an error if the run was asked to stop. Call it between batches.
    pub fn check(&self) -> Result<()> {
        if self.host.cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }

    pub fn progress(&self, done: usize, total: usize) {
        self.host.report(Report::Progress { done: done as u64, total: total as u64 });
    }
}

/// A host for tests and examples: no cancellation, the disk, no checkpoints, reports thrown away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Host for Quiet {
    fn cancelled(&self) -> bool {
        false
    }

    fn report(&self, _: Report) {}

    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        std::fs::read(path).map_err(|e| {
            let path = path.display();
            Error::new("E1046", mmf_lang::say!("cannot read {path}: {e}", "无法读取 {path}：{e}"))
        })
    }

    fn load_checkpoint(&self) -> Option<Vec<u8>> {
        None
    }

    fn save_checkpoint(&self, _: &[u8]) {}
}
