//! The best arm so far, now and then any.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct EpsilonGreedy;

pub(crate) const EPSILON: Arg<f64> = Arg::share("epsilon").default(Literal::Float(0.1)).doc("The chance of any arm.");

static SIGNATURE: Signature = Signature::new(Group::Fuse, "epsilon_greedy", &["-> algorithm"])
    .args(&[EPSILON.spec()])
    .doc(
        "Pulls the arm of the greatest expected gain, linear in the inputs (ridge regression), and with chance epsilon any.",
    )
    .reference("Sutton and Barto 2018, chapter 2")
    .examples(&[Example::new(
        "A policy that learns so.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[4], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             fuse chosen = policy(films.look, films.sound, algorithm = epsilon_greedy(epsilon = 20%))\n\
             train liked = classify(parts, label = good) { output = chosen |> dense(1) |> sigmoid }",
        "train",
    )]);

impl Stage for EpsilonGreedy {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
