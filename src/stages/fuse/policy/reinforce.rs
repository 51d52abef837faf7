//! A policy that follows the gradient of its gain.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct Reinforce;

pub(crate) const BASELINE: Arg<String> = Arg::words("baseline", &["moving_average", "none"])
    .default(Literal::Word("moving_average"))
    .doc("What gains are held against: the moving average of gains, or nothing.");

static SIGNATURE: Signature = Signature::new(Group::Fuse, "reinforce", &["-> algorithm"])
    .args(&[BASELINE.spec()])
    .doc(
        "Raises the chance of an arm by how much more it gained than the baseline: θ ← θ + lr · (gain − baseline) · ∇ ln π(arm). The train's optimizer takes the steps.",
    )
    .reference("Williams 1992")
    .examples(&[Example::new(
        "A policy that learns so.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[4], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             fuse chosen = policy(films.look, films.sound, algorithm = reinforce(baseline = none))\n\
             train liked = classify(parts, label = good) { output = chosen |> dense(1) |> sigmoid }",
        "train",
    )]);

impl Stage for Reinforce {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
