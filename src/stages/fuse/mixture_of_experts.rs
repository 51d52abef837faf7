//! Layers of which a row chooses.

use mmf_data::network::{Activation, Init, Op, Var};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::one;
use crate::fuse::self_attention::linear;

pub(crate) struct MixtureOfExperts;

const UNITS: Arg<usize> = Arg::int("units").range(1.0, 1e5).doc("Count of outputs.");
const EXPERTS: Arg<usize> =
    Arg::int("experts").default(Literal::Int(4)).range(2.0, 1024.0).doc("Count of layers to choose from.");

static SIGNATURE: Signature =
    Signature::new(Group::Fuse, "mixture_of_experts", &["col<d, vector[n]>... -> col<d, vector[units]>"])
        .args(&[UNITS.spec(), EXPERTS.spec()])
        .weights()
        .cost("n * units * experts")
        .doc(
            "Σᵢ aᵢ·relu(Wᵢx + bᵢ) with a = softmax(Vx + c) and x the inputs end to end: each row is given to the experts that suit it, \
             all of which are computed.",
        )
        .reference("Jacobs et al. 1991, adaptive mixtures of local experts")
        .examples(&[Example::new(
            "Films that need their poster and films that need their plot.",
            "source films = table(\"films.csv\") { film: key, look: vector[8], plot: vector[4] }\n\
             fuse item = neural { mixture_of_experts(films.look, films.plot, units = 16, experts = 2) }",
            "col<films, vector[16]>",
        )]);

impl Stage for MixtureOfExperts {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let (units, experts) = (call.args.get(UNITS), call.args.get(EXPERTS));
            let all: Vec<&Var> = inputs.iter().collect();
            let x = if inputs.len() == 1 { one(inputs)?.clone() } else { network.apply(Op::Concat, &all, &[])? };
            let scores = linear(network, &x, ["v", "c"], experts)?;
            let init = Init::Uniform { fan_in: x.width() };
            let weights = [
                network.parameter("w", &[x.width(), experts * units], init),
                network.parameter("b", &[experts * units], init),
            ];
            let made = network.apply(Op::Dense(Activation::Relu), &[&x], &weights)?;
            let made = network.view(&made, x.rows, &[experts, units])?;
            network.apply(Op::Attend, &[&scores, &made], &[])
        })
    }
}
