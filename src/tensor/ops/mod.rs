//! Operations on values, one file each: the values forward, and the way back recorded on dfdx's tape.
//!
//! Every one checks its shapes first, since neither dfdx nor the kernels do without a panic.

pub(crate) mod activation;
pub(crate) mod affine;
pub(crate) mod arithmetic;
pub(crate) mod attend;
pub(crate) mod attention;
pub(crate) mod batch_norm;
pub(crate) mod concat;
pub(crate) mod conv;
pub(crate) mod dense;
pub(crate) mod dot;
pub(crate) mod dropout;
pub(crate) mod embedding;
pub(crate) mod gate;
pub(crate) mod gather;
pub(crate) mod layer_norm;
pub(crate) mod pool;
pub(crate) mod positions;
pub(crate) mod propagate;
pub(crate) mod recurrent;
pub(crate) mod softmax;
pub(crate) mod steps;
pub(crate) mod view;

use crate::flow::Weight;
use crate::parameters::Kind;
use crate::session::Session;
use crate::value;
use arithmetic::Arithmetic;
use mmf_data::error::{Error, Result};
use mmf_data::network::{Activation, Op, Parameter, Var};
use mmf_lang::say;

/// Applies an operation of the contract.
pub(crate) fn apply(session: &mut Session, op: Op, inputs: &[&Var], parameters: &[Parameter]) -> Result<Var> {
    let out = run(session, op, inputs, parameters)?;
    if keeps_steps(op) {
        for x in inputs {
            let lengths = session.node(x)?.lengths.clone();
            if lengths.is_some() && x.rows == out.rows && x.dims == out.dims {
                session.set_lengths(&out, lengths);
            }
        }
    }
    Ok(out)
}

/// Tells whether an operation treats each number or step by itself, so that a sequence stays one.
fn keeps_steps(op: Op) -> bool {
    let each = matches!(op, Op::Relu | Op::Tanh | Op::Sigmoid | Op::Dropout { .. } | Op::Affine { .. });
    let pairs = matches!(op, Op::Add | Op::Subtract | Op::Multiply | Op::Divide);
    each || pairs || matches!(op, Op::BatchNorm { .. } | Op::Positions)
}

fn run(session: &mut Session, op: Op, inputs: &[&Var], parameters: &[Parameter]) -> Result<Var> {
    match op {
        Op::Dense(activation) => dense::dense(session, activation, one("dense", inputs)?, parameters),
        Op::Relu => activation::activation(session, Activation::Relu, one("relu", inputs)?),
        Op::Tanh => activation::activation(session, Activation::Tanh, one("tanh", inputs)?),
        Op::Sigmoid => activation::activation(session, Activation::Sigmoid, one("sigmoid", inputs)?),
        Op::Softmax => softmax::softmax(session, one("softmax", inputs)?),
        Op::Dropout { p } => dropout::dropout(session, p, one("dropout", inputs)?),
        Op::LayerNorm { epsilon } => {
            layer_norm::layer_norm(session, epsilon, one("layer_norm", inputs)?, given("layer_norm", parameters)?)
        }
        Op::Concat => concat::concat(session, inputs),
        Op::Add => arithmetic::arithmetic(session, Arithmetic::Add, two("+", inputs)?),
        Op::Subtract => arithmetic::arithmetic(session, Arithmetic::Subtract, two("-", inputs)?),
        Op::Multiply => arithmetic::arithmetic(session, Arithmetic::Multiply, two("*", inputs)?),
        Op::Divide => arithmetic::arithmetic(session, Arithmetic::Divide, two("/", inputs)?),
        Op::Affine { factor, offset } => affine::affine(session, factor, offset, one("affine", inputs)?),
        Op::Dot => dot::dot(session, two("dot", inputs)?),
        Op::Gate => gate::gate(session, two("gate", inputs)?, given("gate", parameters)?),
        Op::Conv(window) => conv::conv(session, window, one("conv", inputs)?, parameters),
        Op::MaxPool(window) => pool::greatest(session, window, one("max_pool", inputs)?),
        Op::AveragePool(window) => pool::average(session, window, one("avg_pool", inputs)?),
        Op::BatchNorm { epsilon, momentum } => {
            let parameters = given("batch_norm", parameters)?;
            batch_norm::batch_norm(session, (epsilon, momentum), one("batch_norm", inputs)?, parameters)
        }
        Op::Lstm(how) => recurrent::lstm::lstm(session, how, one("lstm", inputs)?, given("lstm", parameters)?),
        Op::Gru(how) => recurrent::gru::gru(session, how, one("gru", inputs)?, given("gru", parameters)?),
        Op::Attention { heads, causal } => attention::attention(session, (heads, causal), inputs),
        Op::Attend => attend::attend(session, two("attention", inputs)?),
        Op::Positions => positions::positions(session, one("positions", inputs)?, parameters),
        Op::Steps(steps) => steps::steps(session, steps, one("steps", inputs)?),
    }
}

/// Says that shapes do not fit an operation.
pub(crate) fn misfit(op: &str, en: &str, zh: &str) -> Error {
    Error::new("E1031", say!("`{op}` cannot be computed: {en}", "无法计算 `{op}`：{zh}"))
}

fn one<'a>(op: &str, inputs: &[&'a Var]) -> Result<&'a Var> {
    match inputs {
        [x] => Ok(x),
        _ => Err(Error::bug(format!("`{op}` takes one input, not {}", inputs.len()))),
    }
}

/// Returns two inputs of equal rows.
fn two<'a>(op: &str, inputs: &[&'a Var]) -> Result<[&'a Var; 2]> {
    let [a, b] = inputs else {
        return Err(Error::bug(format!("`{op}` takes two inputs, not {}", inputs.len())));
    };
    equal_rows(op, a, b)?;
    Ok([a, b])
}

pub(crate) fn equal_rows(op: &str, a: &Var, b: &Var) -> Result<()> {
    if a.rows == b.rows {
        return Ok(());
    }
    let (a, b) = (a.rows, b.rows);
    Err(misfit(op, &format!("its inputs have {a} and {b} rows"), &format!("输入分别有 {a} 行和 {b} 行")))
}

fn given<const N: usize>(op: &str, parameters: &[Parameter]) -> Result<[Parameter; N]> {
    parameters.try_into().map_err(|_| Error::bug(format!("`{op}` takes {N} weights, not {}", parameters.len())))
}

/// Returns a weight of `rows × width`; a single row may also be written `[width]`, and rows in several dimensions.
pub(crate) fn sized(session: &Session, op: &str, parameter: Parameter, rows: usize, width: usize) -> Result<Weight> {
    let weight = session.weight(parameter)?;
    let dims = session.parameters().dims(parameter)?;
    if session.parameters().entry(parameter)?.kind != Kind::Dense {
        return Err(Error::bug(format!("`{op}` is given a table or a state as a weight")));
    }
    let has = dims.split_last().map_or((0, 0), |(width, rows)| (rows.iter().product(), *width));
    if has != (rows, width) {
        return Err(misfit(
            op,
            &format!("it wants a weight of {rows}×{width}, but this one has {dims:?}"),
            &format!("需要 {rows}×{width} 的权重，而此权重为 {dims:?}"),
        ));
    }
    debug_assert_eq!(value::read(&weight.value).len(), rows * width);
    Ok(weight)
}

/// Returns the steps of a sequence and the width of one: its dims are `[t, …]`.
pub(crate) fn steps_of(op: &str, x: &Var) -> Result<(usize, usize)> {
    match *x.dims {
        [steps, ref rest @ ..] if !rest.is_empty() => Ok((steps, rest.iter().product())),
        _ => Err(misfit(
            op,
            &format!("its input is no sequence, a row has the sizes {:?}", x.dims),
            &format!("输入不是序列，每行的大小为 {:?}", x.dims),
        )),
    }
}

/// Returns height, width and channels of a map.
pub(crate) fn map_of(op: &str, x: &Var) -> Result<[usize; 3]> {
    match *x.dims {
        [height, width, channels] => Ok([height, width, channels]),
        _ => Err(misfit(
            op,
            &format!("its input is no map, a row has the sizes {:?}", x.dims),
            &format!("输入不是图，每行的大小为 {:?}", x.dims),
        )),
    }
}
