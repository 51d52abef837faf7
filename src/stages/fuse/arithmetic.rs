//! `+ - * /` between vectors and numbers.

use mmf_data::error::{Error, Result};
use mmf_data::network::Op;
use mmf_data::stage::{Batch, Body, Stage};
use mmf_data::values::Values;
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::syntax::tree::BinaryOp;
use mmf_lang::types::{Elem, Size, Type};

use crate::fuse::activation::two;

pub(crate) struct Add;
pub(crate) struct Subtract;
pub(crate) struct Multiply;
pub(crate) struct Divide;

/// As values of rows, and as a part of a network.
const TYPES: &[&str] = &[
    "col<d, vector[n]>, col<d, vector[m]> -> col<d, vector[_]>",
    "col<d, vector[n]>, col<d, vector[m]> -> col<d, vector[_]>",
];

/// Within a network also step by step, and place by place: what a layer gives, added to what it was given.
const SUMS: &[&str] = &[
    TYPES[0],
    TYPES[1],
    "col<d, sequence[t, n]>, col<d, sequence[t, n]> -> col<d, sequence[t, n]>",
    "col<d, map[h, w, c]>, col<d, map[h, w, c]> -> col<d, map[h, w, c]>",
];

static ADD: Signature = Signature::new(Group::Fuse, "add", SUMS)
    .operator(BinaryOp::Add)
    .infer(widths)
    .doc("a + b, number by number; a single number is added to all of the other side.")
    .examples(&[
        Example::new("Two vectors.", "[[1, 2], [3, 4]] + [[10, 20], [30, 40]]", "[[11, 22], [33, 44]]"),
        Example::new("A number and a vector.", "[1, 2] + [[10, 20], [30, 40]]", "[[11, 21], [32, 42]]"),
        Example::new(
            "Step by step, within a network.",
            "neural { (sequence([[[1], [2]]]) |> relu) + sequence([[[1], [2]]]) |> mean }",
            "[[3]]",
        ),
        Example::new(
            "Place by place, within a network.",
            "neural { (map([[1, -2]]) |> relu) + (map([[1, -2]]) |> tanh) |> flatten }",
            "[[1.76159, -0.96403]]",
        ),
    ]);

static SUBTRACT: Signature = Signature::new(Group::Fuse, "subtract", TYPES)
    .operator(BinaryOp::Subtract)
    .infer(widths)
    .doc("a − b, number by number; a single number stands against all of the other side.")
    .examples(&[Example::new("Two vectors.", "[[10, 20]] - [[1, 2]]", "[[9, 18]]")]);

static MULTIPLY: Signature = Signature::new(Group::Fuse, "multiply", TYPES)
    .operator(BinaryOp::Multiply)
    .infer(widths)
    .doc("a · b, number by number; a single number multiplies all of the other side.")
    .examples(&[Example::new("A vector times a number.", "[[1, 2], [3, 4]] * [2, 10]", "[[2, 4], [30, 40]]")]);

static DIVIDE: Signature = Signature::new(Group::Fuse, "divide", TYPES)
    .operator(BinaryOp::Divide)
    .infer(widths)
    .doc("a / b, number by number; a single number stands against all of the other side. A division by zero stops the run.")
    .examples(&[Example::new("A vector by a number.", "[[1, 2], [30, 40]] / [2, 10]", "[[0.5, 1], [3, 4]]")]);

/// Equal widths, or one side a single number.
fn widths(call: &mut Inference<'_, '_>) -> Option<Type> {
    let (left, right) = (call.column(0)?.elem, call.column(1)?.elem);
    let (Some(a), Some(b)) = (left.as_vector(), right.as_vector()) else { return call.out(left) };
    let one = Size::Known(1);
    let width = match (a, b) {
        _ if a == one => b,
        _ if b == one || a.fits(b) => {
            if a == Size::Unknown && b != one {
                b
            } else {
                a
            }
        }
        _ => {
            let span = call.input_spans[1];
            return call.refuse(
                "E0302",
                span,
                say!("the sizes differ: {a} and {b}", "大小不同：{a} 与 {b}"),
                Some(say!(
                    "bring both to one size, with `dense` in a network; a single number goes with any",
                    "请先使两者大小相同，例如在网络中用 `dense`；单个数可与任意大小运算"
                )),
            );
        }
    };
    call.out(Elem::Vector(width))
}

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
    Error::new("E1021", say!("a number is divided by zero", "除数为零"))
        .help(say!("fill or drop the rows whose divisor is 0 first", "请先填补或去掉除数为 0 的行"))
}
