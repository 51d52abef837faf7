//! What a joint stage may say of a network. The tensor room implements it; nothing here knows how.

use crate::error::Result;

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
}

/// A network under way: one forward pass over the rows of a step. Joint stages see nothing else.
pub trait Network {
    /// Returns the weight of that name at the present place, making it if this is the first pass.
    ///
    /// Its first values come from the seed, the place and the name here alone.
    fn parameter(&mut self, name: &'static str, dims: &[usize], init: Init) -> Parameter;

    /// Returns a table of `rows × width`, whose gradient is sparse.
    fn table(&mut self, name: &'static str, rows: usize, width: usize, init: Init) -> Parameter;

    /// Returns the rows of a table, in the order of `index`.
    fn lookup(&mut self, table: Parameter, index: &[u32]) -> Result<Var>;

    /// Returns the rows of a value, in the order of `index`; its gradient is added back to them.
    fn gather(&mut self, value: &Var, index: &[u32]) -> Result<Var>;

    /// Puts numbers in; no gradient flows to them. `data` has `rows × product(dims)` numbers.
    fn constant(&mut self, rows: usize, dims: &[usize], data: Vec<f32>) -> Result<Var>;

    /// Applies an operation. Shapes that do not fit are an error, never a panic.
    fn apply(&mut self, op: Op, inputs: &[&Var], parameters: &[Parameter]) -> Result<Var>;

    /// Tells whether the pass is for learning (dropout acts) or for reading.
    fn training(&self) -> bool;
}
