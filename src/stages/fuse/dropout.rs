//! Numbers left out by chance while learning.

use mmf_data::network::Op;
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation;

pub(crate) struct Dropout;

const P: Arg<f64> =
    Arg::share("p").default(Literal::Float(0.5)).range(0.0, 0.99).doc("Probability that a number is left out.");

static SIGNATURE: Signature = Signature::new(Group::Fuse, "dropout", activation::NUMBERS)
    .args(&[P.spec()])
    .doc(
        "While learning, sets each number to 0 with probability p and divides the others by 1 − p; \
         otherwise changes nothing.",
    )
    .reference("torch.nn.Dropout; Srivastava et al. 2014")
    .examples(&[
        Example::new(
            "It acts while a train learns, not when it is read.",
            "neural { [[1, 2]] |> dropout(30%) }",
            "[[1, 2]]",
        ),
        Example::new("Place by place.", "neural { map([[1, 2]]) |> dropout |> flatten }", "[[1, 2]]"),
        Example::new("Step by step.", "neural { sequence([[[1], [3]]]) |> dropout |> mean }", "[[2]]"),
    ]);

impl Stage for Dropout {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            activation::apply(network, Op::Dropout { p: call.args.get(P) as f32 }, inputs)
        })
    }
}
