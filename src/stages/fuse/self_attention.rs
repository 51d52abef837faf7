//! Steps of a sequence that look at each other.

use mmf_data::error::Result;
use mmf_data::network::{Init, Network, Op, Var};
use mmf_data::stage::{Body, JointCall, Stage};
use mmf_lang::args::{Arg, ArgValue, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Size, Type};

use crate::fuse::activation::one;
use crate::fuse::dense::linear;

pub(crate) struct SelfAttention;

pub(crate) const HEADS: Arg<usize> = Arg::int("heads")
    .default(Literal::Int(1))
    .range(1.0, 256.0)
    .doc("Parts that a step is cut into, each with weights of its own; they divide its count of numbers.");
pub(crate) const CAUSAL: Arg<bool> =
    Arg::bool("causal").default(Literal::Bool(false)).doc("Whether a step sees itself and earlier steps alone.");
pub(crate) const POSITIONS: Arg<String> = Arg::words("positions", &["none", "waves", "learned"])
    .default(Literal::Word("none"))
    .doc(
        "What is added to each step first, so that their order counts: nothing, sine and cosine waves, or a learned vector a \
         place (for sequences whose greatest length is known, as behind `history`).",
    );
/// Set by the checker: the greatest length, where it is known.
const STEPS: &str = "steps";

static SIGNATURE: Signature =
    Signature::new(Group::Fuse, "self_attention", &["col<d, sequence[t, n]> -> col<d, sequence[t, n]>"])
        .args(&[HEADS.spec(), CAUSAL.spec(), POSITIONS.spec()])
        .weights()
        .infer(steps)
        .cost("4 * n * n")
        .doc(
            "softmax(q·kᵀ / √m)·v over the steps of a row, with q, k, v linear in a step and m = n / heads; the heads joined, then \
             once more linear. Steps beyond a row's end are not looked at.",
        )
        .reference("torch.nn.MultiheadAttention; Vaswani et al. 2017")
        .examples(&[Example::new(
            "The words of a text, each in the light of the others.",
            "source notes = table(\"notes.csv\") { note: key, text: text(language = en) }\n\
             extract words = notes.text |> tokenize |> word2vec(dim = 16, min_count = 1)\n\
             fuse story = neural { words |> self_attention(heads = 2, positions = waves) |> mean }",
            "col<notes, vector[16]>",
        )]);

pub(crate) fn steps(call: &mut Inference<'_, '_>) -> Option<Type> {
    let Elem::Sequence(steps, width) = call.column(0)?.elem else { return call.out(Elem::Unknown) };
    divides(call, width)?;
    if call.args.find("positions").and_then(|v| v.as_text()) == Some("learned") {
        let Size::Known(t) = steps else {
            let span = call.arg_span("positions");
            return call.refuse(
                "E0302",
                span,
                say!(
                    "how many steps there are is not known, so no vector a place can be learned",
                    "步数未知，因此无法为每个位置学习一个向量"
                ),
                Some(say!("write `positions = waves`", "请写 `positions = waves`")),
            );
        };
        call.args.0.push((STEPS.into(), ArgValue::Int(i64::try_from(t).unwrap_or(i64::MAX))));
    }
    call.out(Elem::Sequence(steps, width))
}

/// Refuses heads that do not divide a step.
pub(crate) fn divides(call: &mut Inference<'_, '_>, width: Size) -> Option<()> {
    let heads = match call.args.find("heads") {
        Some(ArgValue::Int(n)) => u64::try_from(*n).unwrap_or(1).max(1),
        _ => 1,
    };
    if let Size::Known(n) = width
        && !n.is_multiple_of(heads)
    {
        let span = call.arg_span("heads");
        call.refuse(
            "E0302",
            span,
            say!("{heads} heads do not divide steps of {n} numbers", "{heads} 个头不能整除每步的 {n} 个数"),
            Some(say!("give `heads` a divisor of {n}", "请将 `heads` 设为 {n} 的约数")),
        );
        return None;
    }
    Some(())
}

impl Stage for SelfAttention {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let mut input = one(inputs)?.clone();
            positioned(network, &mut input, call)?;
            attend(network, &input, call.args.get(HEADS), call.args.get(CAUSAL))
        })
    }
}

/// Adds what `positions` says.
pub(crate) fn positioned(network: &mut dyn Network, input: &mut Var, call: &JointCall<'_>) -> Result<()> {
    let width = input.dims.last().copied().unwrap_or(1);
    match call.args.get(POSITIONS).as_str() {
        "waves" => *input = network.apply(Op::Positions, &[input], &[])?,
        "learned" => {
            let most = match call.args.find(STEPS) {
                Some(ArgValue::Int(n)) => usize::try_from(*n).unwrap_or(0),
                _ => 0,
            };
            let places = network.parameter("places", &[most, width], Init::Normal { deviation: 0.02 });
            *input = network.apply(Op::Positions, &[input], &[places])?;
        }
        _ => {}
    }
    Ok(())
}

/// Lets the steps of a sequence look at each other.
pub(crate) fn attend(network: &mut dyn Network, input: &Var, heads: usize, causal: bool) -> Result<Var> {
    let width = input.dims.last().copied().unwrap_or(1);
    let asked = linear(network, input, ["w", "b"], 3 * width)?;
    let seen = network.apply(Op::Attention { heads, causal }, &[&asked], &[])?;
    linear(network, &seen, ["w_out", "b_out"], width)
}
