//! A sum with one learned weight an input.

use mmf_data::network::{Activation, Init, Op};
use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::one;
use crate::fuse::attention::note;
use crate::fuse::stack::stack;

pub(crate) struct Weighted;

static SIGNATURE: Signature = Signature::new(Group::Fuse, "weighted", &["col<d, vector[n]>... -> col<d, vector[n]>"])
    .weights()
    .weighs()
    .cost("n")
    .doc(
        "Σ aᵢ·xᵢ with a = softmax(v), v learned, the same for all rows: late fusion, where the inputs are what each modality says by \
         itself. It begins with equal weights; the report shows them from epoch to epoch. `attention` weighs row by row.",
    )
    .reference("torch: (softmax(v) * stack(inputs, -1)).sum(-1)")
    .examples(&[Example::new(
        "Two opinions, one weight each.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], plot: vector[4] }\n\
         fuse item = neural { weighted(films.look |> dense(1), films.plot |> dense(1)) }",
        "col<films, vector[1]>",
    )]);

impl Stage for Weighted {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|_, network, inputs| {
            let rows = one(inputs)?.rows;
            let v = network.parameter("v", &[1, inputs.len()], Init::Zeros);
            let ones = network.constant(rows, &[1], vec![1.0; rows])?;
            let scores = network.apply(Op::Dense(Activation::None), &[&ones], &[v])?;
            note(network, &scores)?;
            let steps = stack(network, inputs)?;
            network.apply(Op::Attend, &[&scores, &steps], &[])
        })
    }
}
