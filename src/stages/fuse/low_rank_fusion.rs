//! Products of modalities, by factors of low rank.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Op, Steps, Var};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Size, Type};

use crate::fuse::dense::linear;

pub(crate) struct LowRankFusion;

const UNITS: Arg<usize> = Arg::int("units").range(1.0, 1e5).doc("Count of outputs.");
const RANK: Arg<usize> =
    Arg::int("rank").default(Literal::Int(4)).range(1.0, 256.0).doc("Products that are added up for an output.");

/// More inputs make products that vanish.
const MOST: usize = 8;
const NAMES: [[&str; 2]; MOST] =
    [["w1", "b1"], ["w2", "b2"], ["w3", "b3"], ["w4", "b4"], ["w5", "b5"], ["w6", "b6"], ["w7", "b7"], ["w8", "b8"]];

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "low_rank_fusion",
    &["col<d, vector[n]>... -> col<d, vector[units]>"],
)
.args(&[UNITS.spec(), RANK.spec()])
.weights()
.infer(few)
.cost("n * units * rank")
.doc(
    "Σᵣ Πₘ (Wₘᵣ xₘ + bₘᵣ), number by number, over the inputs m and r = 1 … rank: how modalities act together, as \
             `tensor_fusion` sees it, with few weights.",
)
.reference("Liu et al. 2018, low-rank multimodal fusion (LMF)")
.examples(&[Example::new(
    "Colours and words of a film.",
    "source films = table(\"films.csv\") { film: key, look: vector[8], plot: vector[4] }\n\
             fuse item = neural { low_rank_fusion(films.look, films.plot, units = 16, rank = 2) }",
    "col<films, vector[16]>",
)]);

fn few(call: &mut Inference<'_, '_>) -> Option<Type> {
    let count = call.inputs.len();
    if count > MOST {
        let said = say!(
            "`low_rank_fusion` takes {MOST} inputs at most, here are {count}",
            "`low_rank_fusion` 最多接受 {MOST} 个输入，这里有 {count} 个"
        );
        let help = say!("put some of them together with `concat`", "请用 `concat` 合并其中一些");
        return call.refuse("E0301", call.span, said, Some(help));
    }
    let units = call.args.get(UNITS) as u64;
    call.out(Elem::Vector(Size::Known(units)))
}

impl Stage for LowRankFusion {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| fuse(network, inputs, call.args.get(UNITS), call.args.get(RANK)))
    }
}

fn fuse(network: &mut dyn Network, inputs: &[Var], units: usize, rank: usize) -> Result<Var> {
    let mut product: Option<Var> = None;
    for (x, names) in inputs.iter().zip(NAMES) {
        let factor = linear(network, x, names, rank * units)?;
        product = Some(match product {
            None => factor,
            Some(product) => network.apply(Op::Multiply, &[&product, &factor], &[])?,
        });
    }
    let product = product.ok_or_else(|| Error::bug("a fusion was given no input"))?;
    let ranks = network.view(&product, product.rows, &[rank, units])?;
    network.apply(Op::Steps(Steps::Sum), &[&ranks], &[])
}
