//! The gated multimodal unit.

use mmf_data::network::{Init, Op};
use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::two;

pub(crate) struct Gate;

static SIGNATURE: Signature =
    Signature::new(Group::Fuse, "gate", &["col<d, vector[n]>, col<d, vector[n]> -> col<d, vector[n]>"])
        .weights()
        .cost("4 * n * n")
        .doc(
            "z·tanh(W₁a + b₁) + (1 − z)·tanh(W₂b + b₂) with z = σ(W₃[a, b] + b₃): learns how much to trust \
         each of two inputs.",
        )
        .reference("Arevalo et al. 2017, gated multimodal units")
        .examples(&[Example::new(
            "Colours and sound of a film, each trusted as far as it helps.",
            "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[4] }\n\
             fuse item = neural { gate(films.look |> dense(16), films.sound |> dense(16)) }",
            "col<films, vector[16]>",
        )]);

impl Stage for Gate {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|_, network, inputs| {
            let [a, b] = two(inputs)?;
            let n = a.width();
            let weights = [
                network.parameter("w1", &[n, n], Init::Uniform { fan_in: n }),
                network.parameter("b1", &[n], Init::Uniform { fan_in: n }),
                network.parameter("w2", &[n, n], Init::Uniform { fan_in: n }),
                network.parameter("b2", &[n], Init::Uniform { fan_in: n }),
                network.parameter("w3", &[2 * n, n], Init::Uniform { fan_in: 2 * n }),
                network.parameter("b3", &[n], Init::Uniform { fan_in: 2 * n }),
            ];
            network.apply(Op::Gate, &[a, b], &weights)
        })
    }
}
