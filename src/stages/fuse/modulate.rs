//! One input scaled and shifted as another says.

use mmf_data::network::Op;
use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::two;
use crate::fuse::dense::linear;

pub(crate) struct Modulate;

static SIGNATURE: Signature =
    Signature::new(Group::Fuse, "modulate", &["col<d, vector[n]>, col<d, vector[m]> -> col<d, vector[n]>"])
        .weights()
        .cost("2 * n * m")
        .doc("(W₁c + b₁) · x + W₂c + b₂, number by number: the second input, c, says how much of each number of the first counts.")
        .reference("Perez et al. 2018, feature-wise linear modulation (FiLM)")
        .examples(&[Example::new(
            "What a poster shows, in the light of the plot.",
            "source films = table(\"films.csv\") { film: key, look: vector[8], plot: vector[4] }\n\
             fuse item = neural { modulate(films.look |> dense(16) |> relu, films.plot) }",
            "col<films, vector[16]>",
        )]);

impl Stage for Modulate {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|_, network, inputs| {
            let [x, condition] = two(inputs)?;
            let scale = linear(network, condition, ["w1", "b1"], x.width())?;
            let shift = linear(network, condition, ["w2", "b2"], x.width())?;
            let scaled = network.apply(Op::Multiply, &[&scale, x], &[])?;
            network.apply(Op::Add, &[&scaled, &shift], &[])
        })
    }
}
