//! Numbers as shares of one: the head of several classes.

use mmf_data::network::Op;
use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Head, Signature};

use crate::fuse::activation;

pub(crate) struct Softmax;

static SIGNATURE: Signature = Signature::new(Group::Fuse, "softmax", &["col<d, vector[n]> -> col<d, vector[n]>"])
    .head(Head::Distribution)
    .doc("eˣ / Σ eˣ over the vector: `dense(k) |> softmax` ends a network that tells k classes apart.")
    .reference("torch.nn.Softmax")
    .examples(&[Example::new(
        "Equal numbers are equally probable.",
        "neural { [[1, 1], [0, 2]] |> softmax }",
        "[[0.5, 0.5], [0.11920, 0.88080]]",
    )]);

impl Stage for Softmax {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|_, network, inputs| activation::apply(network, Op::Softmax, inputs))
    }
}
