//! Layers of which a row chooses.

use mmf_data::network::{Activation, Op};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::concat::join;
use crate::fuse::dense::{layer, linear};

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
        .reference("Jacobs et al. 1991, adaptive mixtures of local experts (MoE)")
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
            let x = join(network, inputs)?;
            let scores = linear(network, &x, ["v", "c"], experts)?;
            let made = layer(network, &x, ("w", Some("b")), experts * units, Activation::Relu)?;
            let made = network.view(&made, x.rows, &[experts, units])?;
            network.apply(Op::Attend, &[&scores, &made], &[])
        })
    }
}
