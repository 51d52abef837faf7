//! Stochastic gradient descent.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Group, Signature};

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
    .reference("torch.optim.SGD");

impl Stage for Sgd {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
