//! The arm that may be best.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct LinUcb;

pub(crate) const ALPHA: Arg<f64> =
    Arg::float("alpha").default(Literal::Float(0.5)).range(0.0, 100.0).doc("How much what is uncertain is tried.");

static SIGNATURE: Signature = Signature::new(Group::Fuse, "linucb", &["-> algorithm"])
    .args(&[ALPHA.spec()])
    .doc(
        "Pulls the arm of the greatest θᵀs + alpha · √(sᵀA⁻¹s), with θ = A⁻¹b by ridge regression of its gains on the inputs s.",
    )
    .reference("Li et al. 2010, algorithm 1 (disjoint models)")
    .examples(&[Example::new(
        "A policy that learns so.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[4], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             fuse chosen = policy(films.look, films.sound, algorithm = linucb(alpha = 1))\n\
             train liked = classify(parts, label = good) { output = chosen |> dense(1) |> sigmoid }",
        "train",
    )]);

impl Stage for LinUcb {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
