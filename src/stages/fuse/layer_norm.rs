//! Vectors brought to mean 0 and variance 1, then to a learned scale and offset.

use mmf_data::network::{Init, Op};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::one;
use crate::fuse::steps::each_step;

pub(crate) struct LayerNorm;

const EPSILON: Arg<f64> =
    Arg::float("epsilon").default(Literal::Float(1e-5)).range(1e-12, 1.0).doc("What is added to the variance.");

static SIGNATURE: Signature = Signature::new(Group::Fuse, "layer_norm", &["col<d, vector[n]> -> col<d, vector[n]>", "col<d, sequence[t, n]> -> col<d, sequence[t, n]>"])
    .args(&[EPSILON.spec()])
    .weights()
    .doc("(x − mean) / √(variance + ε) · g + c over the vector, or each step of a sequence, with learned g (from 1) and c (from 0).")
    .reference("torch.nn.LayerNorm; Ba, Kiros, Hinton 2016")
    .examples(&[
        Example::new(
            "Mean 0 and deviation 1 within each row, before anything is learned.",
            "neural { [[1, 3, 5, 7]] |> layer_norm }",
            "[[-1.34164, -0.44721, 0.44721, 1.34164]]",
        ),
        Example::new(
            "Within each step.",
            "neural { sequence([[[1, 3, 5, 7], [2, 6, 10, 14]]]) |> layer_norm |> mean }",
            "[[-1.34164, -0.44721, 0.44721, 1.34164]]",
        ),
    ]);

impl Stage for LayerNorm {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let epsilon = call.args.get(EPSILON) as f32;
            each_step(network, one(inputs)?, |network, input| {
                let weights = [
                    network.parameter("g", &[input.width()], Init::Ones),
                    network.parameter("c", &[input.width()], Init::Zeros),
                ];
                network.apply(Op::LayerNorm { epsilon }, &[input], &weights)
            })
        })
    }
}
