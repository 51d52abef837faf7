//! The declaration of a stage: all that is known of it before a run. Checker, engine, `--help` and docs read this alone.

use crate::args::ArgSpec;
use crate::infer::Infer;

/// Where a stage stands in the vocabulary, and in the docs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    Source,
    Prepare,
    Extract,
    Fuse,
    Train,
    Metric,
    Experiment,
}

impl Group {
    pub const ALL: [Group; 7] =
        [Group::Source, Group::Prepare, Group::Extract, Group::Fuse, Group::Train, Group::Metric, Group::Experiment];

    pub fn word(self) -> &'static str {
        match self {
            Group::Source => "source",
            Group::Prepare => "prepare",
            Group::Extract => "extract",
            Group::Fuse => "fuse",
            Group::Train => "train",
            Group::Metric => "metric",
            Group::Experiment => "experiment",
        }
    }
}

/// How a stage runs. The checker is told by the vocabulary, which reads it off the body that the engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyKind {
    /// Reads files.
    Source,
    /// Row by row, in batches; keyed a row.
    Rows,
    /// Learns from the training rows that reach it, then applies row by row.
    Fit,
    /// Table to table, nothing learned.
    Table,
    /// Learns from a table or the training part of a split, then applies to all of it.
    FitTable,
    /// Cuts a table into parts.
    Split,
    /// Rows of one domain to rows of another (`per`, `through`).
    Across,
    /// A part of a network, trained where it is used.
    Joint,
    /// Trains a network on a split.
    Train,
    /// Measures predictions.
    Metric,
    /// A whole column in, one of the same rows out.
    Whole,
    /// Compares predictions of several trains.
    Experiment,
    /// Configures the stage that holds it.
    Recipe,
    /// A size that the data tell.
    Size,
}

/// What a block behind a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockKind {
    /// `{ k = v }`: the arguments themselves.
    Settings,
    /// Declared columns.
    Columns,
    /// Local names, and a last line that is the value; it stands for the stage's input.
    Value,
}

/// What the numbers of a head mean, for guarantee 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Head {
    /// Any number.
    Number,
    /// Each is a probability of its own.
    Probability,
    /// Together they are the probabilities of classes.
    Distribution,
}

/// How far a metric can be trusted: where its 95 % interval comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interval {
    /// The percentiles over resamples of its units, with replacement.
    Bootstrap,
    /// 1.96 standard errors of the jackknife about the value, within 0 and 1: for shares that count distinct things. A
    /// resample with replacement repeats units and so reaches fewer of them than there are.
    Jackknife,
}

/// A runnable example. Tests check it, run it, and compare what it gives.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    pub about: &'static str,
    pub code: &'static str,
    pub gives: &'static str,
}

impl Example {
    pub const fn new(about: &'static str, code: &'static str, gives: &'static str) -> Self {
        Example { about, code, gives }
    }
}

/// The declaration of one stage.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    pub name: &'static str,
    pub group: Group,
    /// Types in mmf's own notation, one an alternative; told apart by the inputs alone, unless [`Signature::by`] says.
    ///
    /// Lower-case letters are variables: `d` a row domain, `h w c n t` sizes; an argument's name is a size too.
    /// Kinds of input: `table`, `split`, `col<d, T>` with `T` of `image[h, w, c] map[h, w, c] vector[n]
    /// sequence[t, n] text tokens number any`; `T?` takes missing values and gives them again. A trailing `...`
    /// repeats the input before it.
    pub types: &'static [&'static str],
    /// An argument whose word picks the alternative: the word's place in the list is the alternative's.
    pub by: Option<(&'static str, &'static [&'static str])>,
    pub args: &'static [ArgSpec],
    /// Enters the cache key: raise it when results change.
    pub version: u32,
    pub doc: &'static str,
    /// The formula or the reference that it agrees with.
    pub reference: &'static str,
    pub examples: &'static [Example],
    /// Multiplications a row, in the sizes of the notation, for the estimate of guarantee 8; empty is negligible.
    pub cost: &'static str,
    /// Where notation ends: finds the type of a call.
    pub infer: Option<Infer>,
    /// It has weights of its own, so it may only stand where a network is trained.
    pub weights: bool,
    /// Its `infer` finds the rows of a call, and reads the inputs at them.
    pub placed: bool,
    /// In a network its joint alternative is taken, also over what is ready before the training.
    pub held_in_networks: bool,
    /// It weighs its inputs against each other, and tells the weights to whoever trains it.
    pub weighs: bool,
    /// What an operator between a number and a column stands for: it takes `factor` and `offset`.
    pub linear: bool,
    /// A network by itself: it may be declared where no network is around.
    pub is_network: bool,
    /// It learns from rows too where some of its inputs are missing, as long as one is there.
    pub learns_from_gaps: bool,
    /// Its value is its inputs end to end: `value.input` reads one of them by the stage of that name, which takes the places
    /// `from` and `to`.
    pub parts: Option<&'static str>,
    /// Its joint alternative lets missing values by: where nothing is, it gives zeros, and they stay missing.
    pub lets_missing_by: bool,
    pub block: BlockKind,
    /// What its numbers mean, where it ends a network.
    pub head: Head,
    /// The operator that is written for it between vectors.
    pub operator: Option<crate::syntax::tree::BinaryOp>,
    /// Of a metric.
    pub interval: Interval,
    /// The tasks it serves (`classify`, `regress`, `recommend`), for losses and metrics; empty for all.
    pub tasks: &'static [crate::types::Task],
}

impl Signature {
    pub const fn new(group: Group, name: &'static str, types: &'static [&'static str]) -> Self {
        Signature {
            name,
            group,
            types,
            by: None,
            args: &[],
            version: 1,
            doc: "",
            reference: "",
            examples: &[],
            cost: "",
            infer: None,
            weights: false,
            placed: false,
            held_in_networks: false,
            weighs: false,
            linear: false,
            is_network: false,
            learns_from_gaps: false,
            parts: None,
            lets_missing_by: false,
            block: BlockKind::Settings,
            head: Head::Number,
            operator: None,
            interval: Interval::Bootstrap,
            tasks: &[],
        }
    }

    pub const fn by(mut self, argument: &'static str, words: &'static [&'static str]) -> Self {
        self.by = Some((argument, words));
        self
    }

    pub const fn args(mut self, args: &'static [ArgSpec]) -> Self {
        self.args = args;
        self
    }

    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    pub const fn reference(mut self, reference: &'static str) -> Self {
        self.reference = reference;
        self
    }

    pub const fn examples(mut self, examples: &'static [Example]) -> Self {
        self.examples = examples;
        self
    }

    pub const fn cost(mut self, cost: &'static str) -> Self {
        self.cost = cost;
        self
    }

    pub const fn infer(mut self, infer: Infer) -> Self {
        self.infer = Some(infer);
        self
    }

    pub const fn weights(mut self) -> Self {
        self.weights = true;
        self
    }

    pub const fn placed(mut self) -> Self {
        self.placed = true;
        self
    }

    pub const fn held_in_networks(mut self) -> Self {
        self.held_in_networks = true;
        self
    }

    pub const fn weighs(mut self) -> Self {
        self.weighs = true;
        self
    }

    pub const fn linear(mut self) -> Self {
        self.linear = true;
        self
    }

    pub const fn is_network(mut self) -> Self {
        self.is_network = true;
        self
    }

    pub const fn learns_from_gaps(mut self) -> Self {
        self.learns_from_gaps = true;
        self
    }

    pub const fn parts(mut self, stage: &'static str) -> Self {
        self.parts = Some(stage);
        self
    }

    pub const fn lets_missing_by(mut self) -> Self {
        self.lets_missing_by = true;
        self
    }

    pub const fn block(mut self, block: BlockKind) -> Self {
        self.block = block;
        self
    }

    pub const fn head(mut self, head: Head) -> Self {
        self.head = head;
        self
    }

    pub const fn operator(mut self, operator: crate::syntax::tree::BinaryOp) -> Self {
        self.operator = Some(operator);
        self
    }

    pub const fn interval(mut self, interval: Interval) -> Self {
        self.interval = interval;
        self
    }

    pub const fn tasks(mut self, tasks: &'static [crate::types::Task]) -> Self {
        self.tasks = tasks;
        self
    }

    pub fn arg(&self, name: &str) -> Option<&'static ArgSpec> {
        self.args.iter().find(|a| a.name == name)
    }
}

/// One entry of the vocabulary that the checker is given: a value, so that nothing here knows which stages exist.
#[derive(Clone, Debug)]
pub struct Entry {
    pub signature: &'static Signature,
    /// How each alternative runs, in the order of `signature.types`.
    pub kinds: Vec<BodyKind>,
}

/// The stages that a file may use.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    entries: Vec<Entry>,
}

impl Vocabulary {
    pub fn new(entries: Vec<Entry>) -> Self {
        Vocabulary { entries }
    }

    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.signature.name == name)
    }

    /// Returns the stage that an operator between vectors stands for.
    pub fn operator(&self, operator: crate::syntax::tree::BinaryOp) -> Option<&Entry> {
        self.entries.iter().find(|e| e.signature.operator == Some(operator))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }
}
