//! Stochastic gradient descent.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct Sgd;

pub(crate) const LR: Arg<f64> =
    Arg::float("lr").default(Literal::Float(1e-2)).range(1e-12, 1e3).doc("Learning rate: the length of a step.");
pub(crate) const MOMENTUM: Arg<f64> = Arg::float("momentum")
    .default(Literal::Float(0.0))
    .range(0.0, 0.999999)
    .doc("Share of the last step that goes into the next.");

static SIGNATURE: Signature = Signature::new(Group::Train, "sgd", &["-> optimizer"])
    .args(&[LR.spec(), MOMENTUM.spec()])
    .doc("v ← momentum·v + g, w ← w − lr·v, a step a batch.")
    .reference("torch.optim.SGD")
    .examples(&[Example::new(
        "A step a batch along the gradient.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train liked = classify(parts, label = good) {\n    \
             output    = films.look |> dense(16) |> relu |> dense(1) |> sigmoid\n    \
             optimizer = sgd(lr = 0.1)\n\
             }",
        "train",
    )]);

impl Stage for Sgd {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
