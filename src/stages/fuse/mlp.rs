//! Layers in which every output sees every input, one behind the other.

use mmf_data::network::Activation;
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Size, Type};

use crate::fuse::activation::one;
use crate::fuse::dense::layer;

pub(crate) struct Mlp;

const UNITS: Arg<Vec<usize>> = Arg::counts("units")
    .default(Literal::Sizes(&[64]))
    .range(1.0, 1e6)
    .doc("The count of outputs of each layer, from the first on.");

static SIGNATURE: Signature = Signature::new(Group::Fuse, "mlp", &["col<d, vector[n]> -> col<d, vector[m]>"])
    .args(&[UNITS.spec()])
    .infer(last)
    .weights()
    .doc(
        "`dense(units) |> relu` for each of the counts: `mlp(128, 64)` is `dense(128) |> relu |> dense(64) |> relu`. Where a network is \
         wanted that waits for its input, as the generator of a `gan`, it stands without one.",
    )
    .reference("torch.nn.Sequential of Linear and ReLU")
    .examples(&[Example::new(
        "Two hidden layers.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             fuse hidden = neural { films.look |> mlp(32, 16) }",
        "col<films, vector[16]>",
    )]);

fn last(call: &mut Inference<'_, '_>) -> Option<Type> {
    let (units, place) = (call.args.get(UNITS), call.arg_span(UNITS.name()));
    let most = NAMES.len();
    let Some(width) = units.last().filter(|_| units.len() <= most) else {
        return call.refuse(
            "E0109",
            place,
            say!("`mlp` has 1 to {most} layers", "`mlp` 有 1 到 {most} 层"),
            Some(say!("put two behind each other: `mlp(…) |> mlp(…)`", "请接成两个：`mlp(…) |> mlp(…)`")),
        );
    };
    let width = *width;
    call.out(Elem::Vector(Size::Known(width as u64)))
}

/// Names of the weights: a network tells weights of one place apart by them.
const NAMES: [(&str, &str); 8] =
    [("w1", "b1"), ("w2", "b2"), ("w3", "b3"), ("w4", "b4"), ("w5", "b5"), ("w6", "b6"), ("w7", "b7"), ("w8", "b8")];

impl Stage for Mlp {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let mut value = one(inputs)?.clone();
            for (units, (w, b)) in call.args.get(UNITS).into_iter().zip(NAMES) {
                value = layer(network, &value, (w, Some(b)), units, Activation::Relu)?;
            }
            Ok(value)
        })
    }
}
