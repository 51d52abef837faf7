//! The arm that is best by a drawing.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct Thompson;

pub(crate) const DEVIATION: Arg<f64> =
    Arg::float("deviation").default(Literal::Float(0.5)).range(0.0, 100.0).doc("How widely gains are drawn.");

static SIGNATURE: Signature = Signature::new(Group::Fuse, "thompson", &["-> algorithm"])
    .args(&[DEVIATION.spec()])
    .doc(
        "Pulls the arm that is best where each arm's gain is drawn from a normal distribution about θᵀs with deviation · √(sᵀA⁻¹s), as of a drawn θ.",
    )
    .reference("Agrawal and Goyal 2013")
    .examples(&[Example::new(
        "A policy that learns so.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[4], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             fuse chosen = policy(films.look, films.sound, algorithm = thompson(deviation = 1))\n\
             train liked = classify(parts, label = good) { output = chosen |> dense(1) |> sigmoid }",
        "train",
    )]);

impl Stage for Thompson {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
