//! The logistic function of each number: the head of two classes.

use mmf_data::network::Op;
use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Head, Signature};

use crate::fuse::activation;

pub(crate) struct Sigmoid;

static SIGNATURE: Signature = Signature::new(Group::Fuse, "sigmoid", activation::NUMBERS)
    .head(Head::Probability)
    .doc("1 / (1 + e⁻ˣ), number by number: `dense(1) |> sigmoid` ends a network that tells two classes apart.")
    .reference("torch.nn.Sigmoid")
    .examples(&[
        Example::new("Between 0 and 1.", "neural { [[0, 2]] |> sigmoid }", "[[0.5, 0.88080]]"),
        Example::new("Place by place.", "neural { map([[0, 2]]) |> sigmoid |> flatten }", "[[0.5, 0.88080]]"),
        Example::new("Step by step.", "neural { sequence([[[2], [-2]]]) |> sigmoid |> mean }", "[[0.5]]"),
    ]);

impl Stage for Sigmoid {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|_, network, inputs| activation::apply(network, Op::Sigmoid, inputs))
    }
}
