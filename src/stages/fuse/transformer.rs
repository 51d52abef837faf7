//! A block of a transformer.

use mmf_data::error::Result;
use mmf_data::network::{Init, Network, Op, Var};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::one;
use crate::fuse::dense::linear;
use crate::fuse::self_attention::{CAUSAL, HEADS, POSITIONS, attend, positioned, steps};
use crate::fuse::steps::each_step;

pub(crate) struct Transformer;

const HIDDEN: Arg<Option<usize>> = Arg::some_int("hidden")
    .range(1.0, 1e6)
    .doc("Units of the hidden layer between; left out: four times as many as a step has numbers.");
const DROPOUT: Arg<f64> = Arg::share("dropout")
    .default(Literal::Float(0.0))
    .range(0.0, 0.99)
    .doc("Probability that a number of either part is left out before it is added, while learning.");

static SIGNATURE: Signature =
    Signature::new(Group::Fuse, "transformer", &["col<d, sequence[t, n]> -> col<d, sequence[t, n]>"])
        .args(&[HEADS.spec(), HIDDEN.spec(), DROPOUT.spec(), CAUSAL.spec(), POSITIONS.spec()])
        .weights()
        .infer(steps)
        .cost("12 * n * n")
        .doc(
            "y = norm(x + self_attention(x)), then norm(y + W₂·relu(W₁y + b₁) + b₂), step by step. Several stand behind each other; \
             `mean` or `attention` makes one vector of the steps.",
        )
        .reference("torch.nn.TransformerEncoderLayer; Vaswani et al. 2017")
        .examples(&[Example::new(
            "The modalities of a film as tokens; a learned vector a place tells which is which.",
            "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[8], plot: vector[8] }\n\
             fuse item = neural {\n    \
             stack(films.look, films.sound, films.plot)\n        \
             |> transformer(heads = 2, positions = learned)\n        \
             |> transformer(heads = 2)\n        \
             |> mean\n\
             }",
            "col<films, vector[8]>",
        )]);

impl Stage for Transformer {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let mut x = one(inputs)?.clone();
            positioned(network, &mut x, call)?;
            let width = x.dims.last().copied().unwrap_or(1);
            let p = call.args.get(DROPOUT) as f32;
            let seen = attend(network, &x, call.args.get(HEADS), call.args.get(CAUSAL))?;
            let y = added(network, &x, &seen, p, ["g1", "c1"])?;
            let hidden = linear(network, &y, ["w_in", "b_in"], call.args.get(HIDDEN).unwrap_or(4 * width))?;
            let hidden = network.apply(Op::Relu, &[&hidden], &[])?;
            let made = linear(network, &hidden, ["w_back", "b_back"], width)?;
            added(network, &y, &made, p, ["g2", "c2"])
        })
    }
}

/// Returns `norm(x + part)`.
fn added(network: &mut dyn Network, x: &Var, part: &Var, p: f32, names: [&'static str; 2]) -> Result<Var> {
    let part = network.apply(Op::Dropout { p }, &[part], &[])?;
    let sum = network.apply(Op::Add, &[x, &part], &[])?;
    each_step(network, &sum, |network, sum| {
        let [g, c] = names;
        let weights =
            [network.parameter(g, &[sum.width()], Init::Ones), network.parameter(c, &[sum.width()], Init::Zeros)];
        network.apply(Op::LayerNorm { epsilon: 1e-5 }, &[sum], &weights)
    })
}
