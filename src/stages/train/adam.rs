//! Steps of a length of their own for each weight.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct Adam;

pub(crate) const LR: Arg<f64> =
    Arg::float("lr").default(Literal::Float(1e-3)).range(1e-12, 1e3).doc("Learning rate: the length of a step.");
pub(crate) const BETA1: Arg<f64> = Arg::float("beta1")
    .default(Literal::Float(0.9))
    .range(0.0, 0.999999)
    .doc("How slowly the mean of the gradients changes.");
pub(crate) const BETA2: Arg<f64> = Arg::float("beta2")
    .default(Literal::Float(0.999))
    .range(0.0, 0.9999999)
    .doc("How slowly the mean of their squares changes.");
pub(crate) const EPSILON: Arg<f64> =
    Arg::float("epsilon").default(Literal::Float(1e-8)).range(1e-16, 1.0).doc("What is added to the divisor.");

static SIGNATURE: Signature = Signature::new(Group::Train, "adam", &["-> optimizer"])
    .args(&[LR.spec(), BETA1.spec(), BETA2.spec(), EPSILON.spec()])
    .doc(
        "m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², w ← w − lr·m̂ / (√v̂ + ε), both corrected for their \
         start. Rows of embeddings that a step does not read stay as they are.",
    )
    .reference("torch.optim.Adam, torch.optim.SparseAdam; Kingma, Ba 2015")
    .examples(&[Example::new(
        "A smaller step than by default.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train liked = classify(parts, label = good) {\n    \
             output    = films.look |> dense(16) |> relu |> dense(1) |> sigmoid\n    \
             optimizer = adam(lr = 3e-4)\n\
             }",
        "train",
    )]);

impl Stage for Adam {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
