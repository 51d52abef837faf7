//! Numbers brought to mean 0 and variance 1 over the rows of a batch, then to a learned scale and offset.

use mmf_data::network::{Init, Op};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::one;

pub(crate) struct BatchNorm;

const EPSILON: Arg<f64> =
    Arg::float("epsilon").default(Literal::Float(1e-5)).range(1e-12, 1.0).doc("What is added to the variance.");
const MOMENTUM: Arg<f64> = Arg::share("momentum")
    .default(Literal::Float(0.1))
    .doc("Share of the newest batch in the mean and variance that are used when the network is read.");

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "batch_norm",
    &[
        "col<d, vector[n]> -> col<d, vector[n]>",
        "col<d, map[h, w, c]> -> col<d, map[h, w, c]>",
        "col<d, sequence[t, n]> -> col<d, sequence[t, n]>",
    ],
)
.args(&[EPSILON.spec(), MOMENTUM.spec()])
.weights()
.doc(
    "(x − mean) / √(variance + ε) · g + c for each number of a vector or step, or each channel of a map, with learned g (from 1) \
     and c (from 0). While learning, mean and variance are those of the batch; else those that ran along. They learn from \
     training rows alone.",
)
.reference("torch.nn.BatchNorm1d and 2d; Ioffe, Szegedy 2015")
.examples(&[
    Example::new(
        "Before anything is learned, the mean is 0 and the variance 1.",
        "neural { [[1, -2]] |> batch_norm }",
        "[[0.99999, -1.99999]]",
    ),
    Example::new("Of a map, channel by channel.", "neural { map([[1, 0]]) |> batch_norm |> flatten }", "[[0.99999, 0]]"),
    Example::new("Of a sequence, over its steps.", "neural { sequence([[[1], [3]]]) |> batch_norm |> mean }", "[[1.99999]]"),
]);

impl Stage for BatchNorm {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let input = one(inputs)?;
            let width = [input.dims.last().copied().unwrap_or(1)];
            let weights = [
                network.parameter("g", &width, Init::Ones),
                network.parameter("c", &width, Init::Zeros),
                network.state("mean", &width, Init::Zeros),
                network.state("variance", &width, Init::Ones),
            ];
            let op = Op::BatchNorm { epsilon: call.args.get(EPSILON) as f32, momentum: call.args.get(MOMENTUM) as f32 };
            network.apply(op, &[input], &weights)
        })
    }
}
