//! `+ - * /` between vectors and numbers.

use mmf_data::error::{Error, Result};
use mmf_data::network::Op;
use mmf_data::stage::{Batch, Body, Stage};
use mmf_data::values::Values;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::syntax::tree::BinaryOp;

use crate::fuse::activation::two;

pub(crate) struct Add;
pub(crate) struct Subtract;
pub(crate) struct Multiply;
pub(crate) struct Divide;

/// As values of rows, and as a part of a network.
const TYPES: &[&str] = &[
    "col<d, vector[n]>, col<d, vector[n]> -> col<d, vector[n]>",
    "col<d, vector[n]>, col<d, vector[n]> -> col<d, vector[n]>",
];

// infer: sizes are equal, or one side is `vector[1]` and the result has the other's; the second alternative where an input is joint.
static ADD: Signature = Signature::new(Group::Fuse, "add", TYPES)
    .operator(BinaryOp::Add)
    .doc("a + b, number by number; a single number is added to all of the other side.")
    .examples(&[
        Example::new("Two vectors.", "[[1, 2], [3, 4]] + [[10, 20], [30, 40]]", "[[11, 22], [33, 44]]"),
        Example::new("A number and a vector.", "[1, 2] + [[10, 20], [30, 40]]", "[[11, 21], [32, 42]]"),
    ]);

// infer: as `add`.
static SUBTRACT: Signature = Signature::new(Group::Fuse, "subtract", TYPES)
    .operator(BinaryOp::Subtract)
    .doc("a − b, number by number; a single number stands against all of the other side.")
    .examples(&[Example::new("Two vectors.", "[[10, 20]] - [[1, 2]]", "[[9, 18]]")]);

// infer: as `add`.
static MULTIPLY: Signature = Signature::new(Group::Fuse, "multiply", TYPES)
    .operator(BinaryOp::Multiply)
    .doc("a · b, number by number; a single number multiplies all of the other side.")
    .examples(&[Example::new("A vector times a number.", "[[1, 2], [3, 4]] * [2, 10]", "[[2, 4], [30, 40]]")]);

// infer: as `add`.
static DIVIDE: Signature = Signature::new(Group::Fuse, "divide", TYPES)
    .operator(BinaryOp::Divide)
    .doc("a / b, number by number; a single number stands against all of the other side. A division by zero stops the run.")
    .examples(&[Example::new("A vector by a number.", "[[1, 2], [30, 40]] / [2, 10]", "[[0.5, 1], [3, 4]]")]);

macro_rules! stage {
    ($stage:ident, $signature:ident, $rows:expr) => {
        impl Stage for $stage {
            fn signature(&self) -> &'static Signature {
                &$signature
            }

            fn body(&self, alternative: usize) -> Body {
                match alternative {
                    0 => Body::Rows(|_, _, batch| rows(batch, $rows)),
                    _ => Body::Joint(|_, network, inputs| network.apply(Op::$stage, &two(inputs)?, &[])),
                }
            }
        }
    };
}

stage!(Add, ADD, |a, b| Ok(a + b));
stage!(Subtract, SUBTRACT, |a, b| Ok(a - b));
stage!(Multiply, MULTIPLY, |a, b| Ok(a * b));
stage!(Divide, DIVIDE, |a, b| if b == 0.0 { Err(by_zero()) } else { Ok(a / b) });

fn rows(batch: &Batch, operation: fn(f32, f32) -> Result<f32>) -> Result<Values> {
    let (a_width, a) = batch.values(0)?.as_vectors()?;
    let (b_width, b) = batch.values(1)?.as_vectors()?;
    if a_width != b_width && a_width != 1 && b_width != 1 {
        return Err(Error::new(
            "E1031",
            say!(
                "the sides of an operator are {a_width} and {b_width} wide",
                "运算符两侧的宽度分别为 {a_width} 和 {b_width}"
            ),
        ));
    }
    let width = a_width.max(b_width);
    let mut out = Vec::with_capacity(batch.rows * width);
    for row in 0..batch.rows {
        let missing = batch.is_missing(row);
        for i in 0..width {
            let x = a[row * a_width + if a_width == 1 { 0 } else { i }];
            let y = b[row * b_width + if b_width == 1 { 0 } else { i }];
            out.push(if missing { 0.0 } else { operation(x, y)? });
        }
    }
    Ok(Values::vector(width, out))
}

fn by_zero() -> Error {
    Error::new("E1035", say!("a number is divided by zero", "除数为零"))
        .help(say!("fill or drop the rows whose divisor is 0 first", "请先填补或去掉除数为 0 的行"))
}
