//! A recurrent layer from the first step to the last, beside one from the last to the first.

use mmf_data::network::{Op, Recurrent};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::one;
use crate::fuse::recurrent::{self, Cell, STATES, UNITS};

pub(crate) struct Bidirectional;

const CELL: Arg<String> =
    Arg::words("cell", &["lstm", "gru"]).default(Literal::Word("lstm")).doc("The recurrent layer, as the stage says.");

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "bidirectional",
    &["col<d, sequence[t, n]> -> col<d, vector[2 * units]>"],
)
.args(&[UNITS.spec(), CELL.spec(), STATES.spec()])
.weights()
.infer(|call| recurrent::states(call, 2))
.cost("8 * units * units")
.doc(
    "Joins two recurrent layers of `units` each: one reads a row's steps from the first to the last, the other from \
             the last to the first. Each has weights of its own.",
)
.reference("torch.nn.LSTM(bidirectional = True); Schuster and Paliwal 1997")
.examples(&[Example::new(
    "The words of a text, from both ends.",
    "source notes = table(\"notes.csv\") { note: key, text: text(language = en) }\n\
             extract words = notes.text |> tokenize |> word2vec(dim = 16, min_count = 1)\n\
             fuse story = neural { words |> bidirectional(32, cell = gru) }",
    "col<notes, vector[64]>",
)]);

impl Stage for Bidirectional {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let input = one(inputs)?;
            let (units, all) = (call.args.get(UNITS), call.args.get(STATES) == "all");
            let cell = if call.args.get(CELL) == "gru" { Cell::Gru } else { Cell::Lstm };
            let ahead = Recurrent { backwards: false, all };
            let ahead = recurrent::layer(network, input, cell, units, ahead, ["w", "u", "b", "c"])?;
            let back = Recurrent { backwards: true, all };
            let back = recurrent::layer(network, input, cell, units, back, ["w_back", "u_back", "b_back", "c_back"])?;
            let [steps, _] = ahead.dims[..] else { return network.apply(Op::Concat, &[&ahead, &back], &[]) };
            // Step by step: `concat` joins vectors.
            let rows = ahead.rows;
            let flat = [network.view(&ahead, rows * steps, &[units])?, network.view(&back, rows * steps, &[units])?];
            let joined = network.apply(Op::Concat, &[&flat[0], &flat[1]], &[])?;
            let joined = network.view(&joined, rows, &[steps, 2 * units])?;
            match network.lengths(&ahead).map(<[u32]>::to_vec) {
                Some(lengths) => network.sequence(&joined, &lengths),
                None => Ok(joined),
            }
        })
    }
}
