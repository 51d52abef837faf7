//! A long short-term memory over the steps of a sequence.

use mmf_data::network::Recurrent;
use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::one;
use crate::fuse::recurrent::{self, Cell, STATES, UNITS};

pub(crate) struct Lstm;

static SIGNATURE: Signature = Signature::new(Group::Fuse, "lstm", &["col<d, sequence[t, n]> -> col<d, vector[units]>"])
    .args(&[UNITS.spec(), STATES.spec()])
    .weights()
    .infer(|call| recurrent::states(call, 1))
    .cost("4 * units * units")
    .doc(
        "Reads the steps of a row in their order and keeps a state. With gates i, f, o = σ(Wx + Uh + b) and g = tanh(Wx + Uh + b): c ← f·c + i·g, h ← o·tanh(c), from zeros. Steps beyond a row's end are not read; an empty \
         sequence gives zeros. The weights start uniform within ±1 / √units.",
    )
    .reference("torch.nn.LSTM; Hochreiter and Schmidhuber 1997")
    .examples(&[Example::new(
        "The words of a text, one after the other.",
        "source notes = table(\"notes.csv\") { note: key, text: text(language = en) }\n\
             extract words = notes.text |> tokenize |> word2vec(dim = 16, min_count = 1)\n\
             fuse story = neural { words |> lstm(32) }",
        "col<notes, vector[32]>",
    )]);

impl Stage for Lstm {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let how = Recurrent { backwards: false, all: call.args.get(STATES) == "all" };
            recurrent::layer(network, one(inputs)?, Cell::Lstm, call.args.get(UNITS), how, ["w", "u", "b", "c"])
        })
    }
}
