//! The positive part of each number.

use mmf_data::network::Op;
use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation;

pub(crate) struct Relu;

static SIGNATURE: Signature = Signature::new(Group::Fuse, "relu", activation::NUMBERS)
    .doc("max(x, 0), number by number.")
    .reference("torch.nn.ReLU")
    .examples(&[
        Example::new("What is negative becomes 0.", "neural { [[-1, 0.5]] |> relu }", "[[0, 0.5]]"),
        Example::new("Place by place.", "neural { map([[-1, 0.5]]) |> relu |> flatten }", "[[0, 0.5]]"),
        Example::new("Step by step.", "neural { sequence([[[-1], [1]]]) |> relu |> mean }", "[[0.5]]"),
    ]);

impl Stage for Relu {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|_, network, inputs| activation::apply(network, Op::Relu, inputs))
    }
}
