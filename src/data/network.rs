//! What a joint stage may say of a network. The tensor room implements it; nothing here knows how.

use std::sync::Arc;

use crate::error::Result;
use crate::graph::Spread;

/// A value inside a network: `rows` rows of `dims` numbers each. Only the network that made it can read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Var {
    pub id: usize,
    pub rows: usize,
    /// The shape of one row; a number is `[1]`.
    pub dims: Vec<usize>,
}

impl Var {
    /// Returns the count of numbers in a row.
    pub fn width(&self) -> usize {
        self.dims.iter().product()
    }
}

/// A weight of a network, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parameter(pub usize);

/// How a weight starts. `fan_in` is the number of inputs that one output sums over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    Zeros,
    Ones,
    /// Uniform in ±1/√fan_in, as PyTorch's `Linear`.
    Uniform {
        fan_in: usize,
    },
    /// Normal with that deviation, as for tables of embeddings.
    Normal {
        deviation: f32,
    },
}

/// A window that is moved over a map: down and across, in places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    /// Zeros (of a maximum: nothing) added at each side.
    pub padding: [usize; 2],
}

impl Window {
    /// Returns how many places the window takes, down and across, over a map of `height × width`; nothing where it does not fit.
    pub fn places(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let along = |axis: usize| {
            let room = self.padding[axis].checked_mul(2)?.checked_add(size[axis])?.checked_sub(self.kernel[axis])?;
            (self.kernel[axis] > 0 && self.padding[axis] < self.kernel[axis]).then_some(())?;
            Some(room.checked_div(self.stride[axis])? + 1)
        };
        Some([along(0)?, along(1)?])
    }
}

/// How a recurrent layer reads its steps, and what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Recurrent {
    /// From a row's last step to its first.
    pub backwards: bool,
    /// All states, `[t, n]`, zero beyond a row's end; else the last one read, `[n]`.
    pub all: bool,
}

/// What of the steps of a sequence is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// Zero where a row has no step.
    Mean,
    Sum,
    /// Number by number; zero where a row has no step.
    Greatest,
    /// Zero where a row has no step.
    Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    None,
    Relu,
    Tanh,
    Sigmoid,
}

/// An operation on values. Shapes are `rows × width`; all inputs have equal rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// `f(x·W + b)`. Parameters: `W` (in × out) and, optionally, `b` (1 × out).
    Dense(Activation),
    Relu,
    Tanh,
    Sigmoid,
    /// Over the width.
    Softmax,
    /// Keeps a value with probability `1 - p` and divides it by that; the identity outside training.
    Dropout {
        p: f32,
    },
    /// `(x - mean) / √(variance + ε) · g + c` over the width. Parameters: `g`, `c` (1 × width).
    LayerNorm {
        epsilon: f32,
    },
    /// Joins widths.
    Concat,
    /// Elementwise; a width of 1 is stretched to the other's.
    Add,
    Subtract,
    Multiply,
    Divide,
    /// `x · factor + offset`.
    Affine {
        factor: f32,
        offset: f32,
    },
    /// The sum of products over the width: a width of 1.
    Dot,
    /// The gated multimodal unit of two inputs `a`, `b`: `z·tanh(a·W₁ + b₁) + (1−z)·tanh(b·W₂ + b₂)`, `z = σ([a, b]·W₃ + b₃)`.
    /// Parameters: `W₁ b₁ W₂ b₂ W₃ b₃`; all outputs have the inputs' common width.
    Gate,
    /// `[h, w, c]` to `[h', w', o]`: `Σ x·W` over a window. Parameters: `W` (kh × kw × c × o) and, optionally, `b` (1 × o).
    Conv(Window),
    /// `[h, w, c]` to `[h', w', c]`: the greatest of a window.
    MaxPool(Window),
    /// `[h, w, c]` to `[h', w', c]`: the mean of a window; padding counts as zeros.
    AveragePool(Window),
    /// `(x - mean) / √(variance + ε) · g + c` for each number of the last axis, over all rows and places of a batch in training
    /// (padding of sequences left out), else with the running mean and variance. Parameters: `g`, `c`, and two states of
    /// [`Network::state`], the running mean and variance; each 1 × width of the last axis. `momentum` is the share of the newest.
    BatchNorm {
        epsilon: f32,
        momentum: f32,
    },
    /// A sequence `[t, k]` through a long short-term memory. Parameters: `W` (k × 4n), `U` (n × 4n), `b` (1 × 4n); the gates stand
    /// in the order input, forget, cell, output.
    Lstm(Recurrent),
    /// A sequence `[t, k]` through gated recurrent units. Parameters: `W` (k × 3n), `U` (n × 3n), `b`, `c` (1 × 3n, `c` beside `U`);
    /// the gates stand in the order reset, update, new.
    Gru(Recurrent),
    /// Scaled dot-product attention of `heads` heads: queries `[t, n]`, keys `[s, n]`, values `[s, m]` give `[t, m]`; or one input
    /// `[t, 3n]`, queries, keys and values of a step side by side. Steps beyond a row's length are not looked at, and give zeros.
    /// `causal`: a step looks at itself and earlier ones alone.
    Attention {
        heads: usize,
        causal: bool,
    },
    /// Weighs the steps of a sequence: scores `[t]` (or `[t, 1]`) and values `[t, n]` give `Σ softmax(scores)·values`, `[n]`, over the
    /// steps within a row's length; zero where there is none.
    Attend,
    /// A sequence `[t, n]` plus its positions: rows of the parameter (s × n, s ≥ t), or waves (Vaswani et al. 2017) without one.
    Positions,
    /// A sequence `[t, n]` to `[n]`.
    Steps(Steps),
}

/// A network under way: one forward pass over the rows of a step. Joint stages see nothing else.
pub trait Network {
    /// Returns the weight of that name at the present place, making it if this is the first pass.
    ///
    /// Its first values come from the seed, the place and the name here alone.
    fn parameter(&mut self, name: &'static str, dims: &[usize], init: Init) -> Parameter;

    /// Moves to a place within the present one, where weights and random numbers are others; [`Network::leave`] goes back. Places within
    /// such a place are not told apart from each other's.
    fn enter(&mut self, part: u64, label: &str);

    fn leave(&mut self);

    /// Returns a weight's numbers.
    fn weights(&self, parameter: Parameter) -> Result<&[f32]>;

    /// Returns a table of `rows × width`, whose gradient is sparse.
    fn table(&mut self, name: &'static str, rows: usize, width: usize, init: Init) -> Parameter;

    /// Returns the rows of a table, in the order of `index`.
    fn lookup(&mut self, table: Parameter, index: &[u32]) -> Result<Var>;

    /// Returns the rows of a value, in the order of `index`; its gradient is added back to them.
    fn gather(&mut self, value: &Var, index: &[u32]) -> Result<Var>;

    /// Puts numbers in; no gradient flows to them. `data` has `rows × product(dims)` numbers.
    fn constant(&mut self, rows: usize, dims: &[usize], data: Vec<f32>) -> Result<Var>;

    /// Returns numbers that are kept with the weights but not trained, as running statistics are.
    fn state(&mut self, name: &'static str, dims: &[usize], init: Init) -> Parameter;

    /// Returns the same numbers in another shape: `rows × product(dims)` stay as many. A sequence stays one where its rows and steps
    /// do.
    fn view(&mut self, value: &Var, rows: usize, dims: &[usize]) -> Result<Var>;

    /// Makes `[t, …]` a sequence whose rows have these lengths, at most `t`; steps beyond are padding.
    fn sequence(&mut self, value: &Var, lengths: &[u32]) -> Result<Var>;

    /// Returns the numbers of a value, row by row.
    fn numbers(&self, value: &Var) -> Result<&[f32]>;

    /// Returns the lengths of a sequence's rows; nothing where the value is none, and all steps count.
    fn lengths(&self, value: &Var) -> Option<&[u32]>;

    /// Returns rows of a table as sequences `[steps, width]`: `index` holds those of all rows end to end, `lengths` says how many
    /// are each row's. Padding is zero.
    fn lookup_steps(&mut self, table: Parameter, index: &[u32], lengths: &[u32], steps: usize) -> Result<Var>;

    /// Returns rows of a value as sequences `[steps, width]`, as [`Network::lookup_steps`] does those of a table; their gradients are
    /// added back.
    fn gather_steps(&mut self, value: &Var, index: &[u32], lengths: &[u32], steps: usize) -> Result<Var>;

    /// Returns the rows of values one after the other; they are of one shape.
    fn join_rows(&mut self, values: &[&Var]) -> Result<Var>;

    /// Spreads the rows of a value along the edges of a graph: each row is the weighted sum of its neighbours'.
    fn propagate(&mut self, value: &Var, over: &Arc<Spread>) -> Result<Var>;

    /// Returns random numbers from 0 to below 1, of this place and step alone.
    fn draws(&mut self) -> Box<dyn Iterator<Item = f64>>;

    /// Applies an operation. Shapes that do not fit are an error, never a panic.
    fn apply(&mut self, op: Op, inputs: &[&Var], parameters: &[Parameter]) -> Result<Var>;

    /// Tells whether the pass is there to learn how stages weigh their inputs.
    fn asks_for_weights(&self) -> bool {
        false
    }

    /// Notes how a stage weighs its inputs, rows × inputs, where the pass asks for it.
    fn weighs(&mut self, _weights: &Var) {}

    /// Tells whether the pass is for learning (dropout acts) or for reading.
    fn training(&self) -> bool;
}
