//! Two sequences that look at each other.

use mmf_data::network::{Op, Steps};
use mmf_data::stage::{Body, Stage};
use mmf_lang::infer::Inference;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Type};

use crate::fuse::activation::two;
use crate::fuse::cross_attention::{FIRST, Names, look};
use crate::fuse::self_attention::{HEADS, divides};

pub(crate) struct CoAttention;

const SECOND: Names = [
    ["second_w_q", "second_b_q"],
    ["second_w_k", "second_b_k"],
    ["second_w_v", "second_b_v"],
    ["second_w_out", "second_b_out"],
];

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "co_attention",
    &["col<d, sequence[t, n]>, col<d, sequence[s, m]> -> col<d, vector[n + m]>"],
)
.args(&[HEADS.spec()])
.weights()
.infer(divided)
.cost("3 * n * n + 3 * m * m + 2 * n * m")
.doc(
    "The mean of what the first sequence takes from the second, beside the mean of what the second takes from the first, each by \
     `cross_attention`. A row without a step gives zeros.",
)
.reference("Lu et al. 2019 (ViLBERT), a co-attention layer without its feed-forward part")
.examples(&[Example::new(
    "Words and modalities.",
    "source notes = table(\"notes.csv\") { note: key, text: text(language = en), look: vector[8], sound: vector[8] }\n\
     extract words = notes.text |> tokenize |> word2vec(dim = 16, min_count = 1)\n\
     fuse story = neural { co_attention(words, stack(notes.look, notes.sound), heads = 2) }",
    "col<notes, vector[24]>",
)]);

fn divided(call: &mut Inference<'_, '_>) -> Option<Type> {
    let mut total = None;
    for at in 0..2 {
        let Elem::Sequence(_, width) = call.column(at)?.elem else { return call.out(Elem::Unknown) };
        divides(call, width)?;
        total = Some(total.map_or(width, |all: mmf_lang::types::Size| all.map(width, u64::checked_add)));
    }
    call.out(Elem::Vector(total?))
}

impl Stage for CoAttention {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let [a, b] = two(inputs)?;
            let heads = call.args.get(HEADS);
            let first = look(network, [a, b], heads, FIRST)?;
            let second = look(network, [b, a], heads, SECOND)?;
            let first = network.apply(Op::Steps(Steps::Mean), &[&first], &[])?;
            let second = network.apply(Op::Steps(Steps::Mean), &[&second], &[])?;
            network.apply(Op::Concat, &[&first, &second], &[])
        })
    }
}
