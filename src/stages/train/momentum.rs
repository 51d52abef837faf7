//! Gradient descent that keeps its direction.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct Momentum;

pub(crate) const LR: Arg<f64> =
    Arg::float("lr").default(Literal::Float(1e-2)).range(1e-12, 1e3).doc("Learning rate: the length of a step.");
pub(crate) const MOMENTUM: Arg<f64> = Arg::float("momentum")
    .default(Literal::Float(0.9))
    .range(0.0, 0.999999)
    .doc("Share of the last step that goes into the next.");

static SIGNATURE: Signature = Signature::new(Group::Train, "momentum", &["-> optimizer"])
    .args(&[LR.spec(), MOMENTUM.spec()])
    .doc("v ← momentum·v + g, w ← w − lr·v, a step a batch.")
    .reference("torch.optim.SGD; Polyak 1964")
    .examples(&[Example::new(
        "Steps that keep nine tenths of the last one.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train liked = classify(parts, label = good) {\n    \
             output    = films.look |> dense(16) |> relu |> dense(1) |> sigmoid\n    \
             optimizer = momentum(lr = 0.01, momentum = 0.9)\n\
             }",
        "train",
    )]);

impl Stage for Momentum {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
