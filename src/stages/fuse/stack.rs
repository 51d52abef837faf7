//! Vectors of one size as the steps of a sequence.

use mmf_data::error::Result;
use mmf_data::network::{Network, Var};
use mmf_data::stage::{Body, Stage};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Size, Type};

use crate::fuse::activation::one;
use crate::fuse::concat::join;

pub(crate) struct Stack;

static SIGNATURE: Signature =
    Signature::new(Group::Fuse, "stack", &["col<d, vector[n]>... -> col<d, sequence[t, n]>"])
        .infer(steps)
        .doc(
            "Makes each input a step of a sequence, in their order: the modalities of a row as its tokens, for `transformer`, \
             `cross_attention` and `attention`.",
        )
        .reference("torch.stack(dim = 1)")
        .examples(&[Example::new(
            "Two steps of two numbers.",
            "neural { stack([[1, 2]] |> relu, [[3, 4]] |> relu) }",
            "sequence([[[1, 2], [3, 4]]])",
        )]);

fn steps(call: &mut Inference<'_, '_>) -> Option<Type> {
    let width = call.column(0)?.elem.as_vector()?;
    for at in 1..call.inputs.len() {
        let other = call.column(at)?.elem.as_vector()?;
        if let (Size::Known(own), Size::Known(other)) = (width, other)
            && own != other
        {
            return call.refuse(
                "E0302",
                call.span,
                say!("the sizes differ: {own} and {other}", "大小不同：{own} 与 {other}"),
                Some(say!(
                    "bring them to the same size first: `… |> dense({own})`",
                    "请先使它们大小相同：`… |> dense({own})`"
                )),
            );
        }
    }
    let steps = Size::Known(call.inputs.len() as u64);
    call.out(Elem::Sequence(steps, width))
}

impl Stage for Stack {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|_, network, inputs| stack(network, inputs))
    }
}

pub(crate) fn stack(network: &mut dyn Network, inputs: &[Var]) -> Result<Var> {
    let first = one(inputs)?;
    let joined = join(network, inputs)?;
    network.view(&joined, joined.rows, &[inputs.len(), first.width()])
}
