//! All products of numbers of several inputs.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Op, Var};
use mmf_data::stage::{Body, Stage};
use mmf_lang::infer::Inference;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Size, Type};

pub(crate) struct TensorFusion;

static SIGNATURE: Signature =
    Signature::new(Group::Fuse, "tensor_fusion", &["col<d, vector[n]>... -> col<d, vector[m]>"])
        .infer(sizes)
        .doc(
            "[x₁, 1] ⊗ [x₂, 1] ⊗ …: the inputs, and all products of a number of each; as wide as the widths, each plus one, \
             multiplied. A `dense` behind it learns which products count. `low_rank_fusion` does with far fewer numbers.",
        )
        .reference("Zadeh et al. 2017, tensor fusion network (TFN)")
        .examples(&[
            Example::new(
                "2 · 3, 2, 3 and 1.",
                "neural { tensor_fusion([[2]] |> relu, [[3]] |> relu) }",
                "[[6, 2, 3, 1]]",
            ),
            Example::new(
                "Colours and words of a film.",
                "source films = table(\"films.csv\") { film: key, look: vector[8], plot: vector[4] }\n\
                 fuse item = neural { tensor_fusion(films.look, films.plot) |> dense(16) }",
                "col<films, vector[16]>",
            ),
        ]);

fn sizes(call: &mut Inference<'_, '_>) -> Option<Type> {
    let longer = |size: Size| size.map(Size::Known(1), u64::checked_add);
    let width = (0..call.inputs.len())
        .filter_map(|i| call.column(i)?.elem.as_vector().map(longer))
        .reduce(|a, b| a.map(b, u64::checked_mul))?;
    call.out(Elem::Vector(width))
}

impl Stage for TensorFusion {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|_, network, inputs| {
            let mut product: Option<Var> = None;
            for input in inputs {
                let one = network.constant(input.rows, &[1], vec![1.0; input.rows])?;
                let longer = network.apply(Op::Concat, &[input, &one], &[])?;
                product = Some(match product {
                    None => longer,
                    Some(product) => outer(network, &product, &longer)?,
                });
            }
            product.ok_or_else(|| Error::bug("a fusion was given no input"))
        })
    }
}

/// Returns all products of a number of `a` and a number of `b`, row by row.
fn outer(network: &mut dyn Network, a: &Var, b: &Var) -> Result<Var> {
    let (rows, height, width) = (a.rows, a.width(), b.width());
    let index: Vec<u32> = (0..rows as u32).flat_map(|row| std::iter::repeat_n(row, height)).collect();
    let right = network.gather(b, &index)?;
    let left = network.view(a, rows * height, &[1])?;
    let product = network.apply(Op::Multiply, &[&left, &right], &[])?;
    network.view(&product, rows, &[height * width])
}
