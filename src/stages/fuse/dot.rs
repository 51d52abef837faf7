//! The inner product of two vectors.

use mmf_data::network::Op;
use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::two;

pub(crate) struct Dot;

static SIGNATURE: Signature =
    Signature::new(Group::Fuse, "dot", &["col<d, vector[n]>, col<d, vector[n]> -> col<d, vector[1]>"])
        .cost("n")
        .doc("Σ a·b over two vectors of equal length: how well they agree, as in factorised recommenders.")
        .reference("torch.linalg.vecdot; Koren, Bell, Volinsky 2009")
        .examples(&[Example::new("1 · 3 + 2 · 4.", "neural { dot([[1, 2]], [[3, 4]]) }", "[[11]]")]);

impl Stage for Dot {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|_, network, inputs| network.apply(Op::Dot, &two(inputs)?, &[]))
    }
}
