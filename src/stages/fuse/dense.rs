//! A layer in which every output sees every input.

use mmf_data::error::Result;
use mmf_data::network::{Activation, Init, Network, Op, Var};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::one;
use crate::fuse::steps::each_step;

pub(crate) struct Dense;

const UNITS: Arg<usize> = Arg::int("units").range(1.0, 1e6).doc("Count of outputs.");
const ACTIVATION: Arg<String> = Arg::words("activation", &["none", "relu", "tanh", "sigmoid"])
    .default(Literal::Word("none"))
    .doc("The function of the outputs; `dense(64) |> relu` says the same.");
const BIAS: Arg<bool> =
    Arg::bool("bias").default(Literal::Bool(true)).doc("Whether a learned number is added to each output.");

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "dense",
    &["col<d, vector[n]> -> col<d, vector[units]>", "col<d, sequence[t, n]> -> col<d, sequence[t, units]>"],
)
.args(&[UNITS.spec(), ACTIVATION.spec(), BIAS.spec()])
.weights()
.cost("n * units")
.doc("f(x·W + b), of a sequence step by step. The weights start uniform within ±1 / √n.")
.reference("torch.nn.Linear")
.examples(&[
    Example::new(
        "A hidden layer of 16.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             fuse hidden = neural { films.look |> dense(16) |> relu }",
        "col<films, vector[16]>",
    ),
    Example::new(
        "Step by step.",
        "source notes = table(\"notes.csv\") { note: key, text: text(language = en) }\n\
             extract words = notes.text |> tokenize |> word2vec(dim = 16, min_count = 1)\n\
             fuse story = neural { words |> dense(8) |> relu |> mean }",
        "col<notes, vector[8]>",
    ),
]);

impl Stage for Dense {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let units = call.args.get(UNITS);
            let activation = match call.args.get(ACTIVATION).as_str() {
                "relu" => Activation::Relu,
                "tanh" => Activation::Tanh,
                "sigmoid" => Activation::Sigmoid,
                _ => Activation::None,
            };
            layer(network, one(inputs)?, ("w", call.args.get(BIAS).then_some("b")), units, activation)
        })
    }
}

/// Tells whether a layer is `x·W`.
pub(crate) fn is_linear(args: &Args) -> bool {
    !args.get(BIAS) && args.get(ACTIVATION) == "none"
}

/// Returns `f(x·W + b)`, of a sequence step by step, with weights of these names.
pub(crate) fn layer(
    network: &mut dyn Network,
    input: &Var,
    (w, b): (&'static str, Option<&'static str>),
    units: usize,
    activation: Activation,
) -> Result<Var> {
    each_step(network, input, |network, x| {
        let init = Init::Uniform { fan_in: x.width() };
        let mut weights = vec![network.parameter(w, &[x.width(), units], init)];
        weights.extend(b.map(|b| network.parameter(b, &[units], init)));
        network.apply(Op::Dense(activation), &[x], &weights)
    })
}

/// Returns `x·W + b`, likewise.
pub(crate) fn linear(network: &mut dyn Network, input: &Var, [w, b]: [&'static str; 2], units: usize) -> Result<Var> {
    layer(network, input, (w, Some(b)), units, Activation::None)
}
