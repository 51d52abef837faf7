//! A weighted sum, its weights found from what is summed.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Activation, Network, Op, Var};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::Arg;
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::one;
use crate::fuse::dense::layer;
use crate::fuse::stack::stack;

pub(crate) struct Attention;

const UNITS: Arg<Option<usize>> =
    Arg::some_int("units").range(1.0, 1e5).doc("Rows of W. Left out: as many as an input has numbers.");

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "attention",
    &["col<d, sequence[t, n]> -> col<d, vector[n]>", "col<d, vector[n]>... -> col<d, vector[n]>"],
)
.args(&[UNITS.spec()])
.weights()
.weighs()
.cost("n * n")
.doc(
    "Σ aᵢ·xᵢ with a = softmax(vᵀ tanh(W·xᵢ + b)): learns which inputs of a row to look at, or which steps of a sequence. All \
     are of one size, and share W, b and v. An empty sequence gives zeros. Of several inputs the report shows the weights, the mean over rows, \
     from epoch to epoch.",
)
.reference("Bahdanau, Cho, Bengio 2015, without a query; Yang et al. 2016")
.examples(&[
    Example::new(
        "The modalities of a film, each looked at as far as it helps.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[4] }\n\
             fuse item = neural { attention(films.look |> dense(16), films.sound |> dense(16)) }",
        "col<films, vector[16]>",
    ),
    Example::new(
        "The words of a text.",
        "source notes = table(\"notes.csv\") { note: key, text: text(language = en) }\n\
             extract words = notes.text |> tokenize |> word2vec(dim = 16, min_count = 1)\n\
             fuse story = neural { words |> attention }",
        "col<notes, vector[16]>",
    ),
]);

impl Stage for Attention {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == 0 {
            return Body::Joint(|call, network, inputs| {
                let steps = one(inputs)?;
                let scores = scores(network, steps, call.args.get(UNITS))?;
                network.apply(Op::Attend, &[&scores, steps], &[])
            });
        }
        Body::Joint(|call, network, inputs| {
            let steps = stack(network, inputs)?;
            let scores = scores(network, &steps, call.args.get(UNITS))?;
            note(network, &scores)?;
            network.apply(Op::Attend, &[&scores, &steps], &[])
        })
    }
}

/// Notes that inputs are weighed by the softmax of these scores.
pub(crate) fn note(network: &mut dyn Network, scores: &Var) -> Result<()> {
    if network.asks_for_weights() {
        let weights = network.apply(Op::Softmax, &[scores], &[])?;
        network.weighs(&weights);
    }
    Ok(())
}

/// Returns the scores of the steps of `[t, n]`.
fn scores(network: &mut dyn Network, steps: &Var, units: Option<usize>) -> Result<Var> {
    let [count, width] = steps.dims[..] else { return Err(Error::bug("attention over what has no steps")) };
    let units = units.unwrap_or(width);
    let lengths = network.lengths(steps).map(<[u32]>::to_vec);
    let flat = network.view(steps, steps.rows * count, &[width])?;
    let hidden = layer(network, &flat, ("w", Some("b")), units, Activation::Tanh)?;
    let scores = layer(network, &hidden, ("v", None), 1, Activation::None)?;
    let scores = network.view(&scores, steps.rows, &[count])?;
    match lengths {
        Some(lengths) => network.sequence(&scores, &lengths),
        None => Ok(scores),
    }
}
