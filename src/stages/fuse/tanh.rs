//! The hyperbolic tangent of each number.

use mmf_data::network::Op;
use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation;

pub(crate) struct Tanh;

static SIGNATURE: Signature = Signature::new(Group::Fuse, "tanh", activation::NUMBERS)
    .doc("tanh x, number by number.")
    .reference("torch.nn.Tanh")
    .examples(&[
        Example::new("Between -1 and 1.", "neural { [[0, 1]] |> tanh }", "[[0, 0.76159]]"),
        Example::new("Place by place.", "neural { map([[0, 1]]) |> tanh |> flatten }", "[[0, 0.76159]]"),
        Example::new("Step by step.", "neural { sequence([[[1], [-1]]]) |> tanh |> mean }", "[[0]]"),
    ]);

impl Stage for Tanh {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|_, network, inputs| activation::apply(network, Op::Tanh, inputs))
    }
}
