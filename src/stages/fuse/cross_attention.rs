//! One input looks at the steps of another.

use mmf_data::error::Result;
use mmf_data::network::{Network, Op, Var};
use mmf_data::stage::{Body, Stage};
use mmf_lang::infer::Inference;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Type};

use crate::fuse::activation::two;
use crate::fuse::dense::linear;
use crate::fuse::self_attention::{HEADS, divides};

pub(crate) struct CrossAttention;

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "cross_attention",
    &[
        "col<d, sequence[t, n]>, col<d, sequence[s, m]> -> col<d, sequence[t, n]>",
        "col<d, vector[n]>, col<d, sequence[s, m]> -> col<d, vector[n]>",
    ],
)
.args(&[HEADS.spec()])
.weights()
.infer(divided)
.cost("2 * n * n + 2 * n * m")
.doc(
    "softmax(q·kᵀ / √m)·v, with q linear in the first input and k, v linear in the steps of the second: each step of the first (or its \
     one vector) takes from the second what it looks for. The heads joined, then once more linear. Steps beyond a row's end \
     are not looked at.",
)
.reference("torch.nn.MultiheadAttention with kdim and vdim; Vaswani et al. 2017")
.examples(&[
    Example::new(
        "What a picture says of the words of a text.",
        "source notes = table(\"notes.csv\") { note: key, text: text(language = en), look: vector[8] }\n\
         extract words = notes.text |> tokenize |> word2vec(dim = 16, min_count = 1)\n\
         fuse story = neural { cross_attention(notes.look, words, heads = 2) }",
        "col<notes, vector[8]>",
    ),
    Example::new(
        "The words, each in the light of the modalities.",
        "source notes = table(\"notes.csv\") { note: key, text: text(language = en), look: vector[8], sound: vector[8] }\n\
         extract words = notes.text |> tokenize |> word2vec(dim = 16, min_count = 1)\n\
         fuse story = neural { cross_attention(words, stack(notes.look, notes.sound)) |> mean }",
        "col<notes, vector[16]>",
    ),
]);

fn divided(call: &mut Inference<'_, '_>) -> Option<Type> {
    let elem = call.column(0)?.elem;
    let width = match elem {
        Elem::Sequence(_, width) => width,
        _ => elem.as_vector()?,
    };
    divides(call, width)?;
    call.out(match elem {
        Elem::Sequence(steps, width) => Elem::Sequence(steps, width),
        _ => Elem::Vector(width),
    })
}

impl Stage for CrossAttention {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == 0 {
            return Body::Joint(|call, network, inputs| look(network, two(inputs)?, call.args.get(HEADS), FIRST));
        }
        Body::Joint(|call, network, inputs| {
            let [x, context] = two(inputs)?;
            let one = network.view(x, x.rows, &[1, x.width()])?;
            let seen = look(network, [&one, context], call.args.get(HEADS), FIRST)?;
            network.view(&seen, x.rows, &[x.width()])
        })
    }
}

/// Names of weights: of the queries, keys, values and output.
pub(crate) type Names = [[&'static str; 2]; 4];

pub(crate) const FIRST: Names = [["w_q", "b_q"], ["w_k", "b_k"], ["w_v", "b_v"], ["w_out", "b_out"]];

/// Lets the steps of the first look at those of the second.
pub(crate) fn look(network: &mut dyn Network, [x, context]: [&Var; 2], heads: usize, names: Names) -> Result<Var> {
    let width = x.dims.last().copied().unwrap_or(1);
    let [q, k, v, out] = names;
    let queries = linear(network, x, q, width)?;
    let keys = linear(network, context, k, width)?;
    let values = linear(network, context, v, width)?;
    let seen = network.apply(Op::Attention { heads, causal: false }, &[&queries, &keys, &values], &[])?;
    linear(network, &seen, out, width)
}
