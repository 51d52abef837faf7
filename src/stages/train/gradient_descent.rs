//! Descent along the gradient of all training rows.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct GradientDescent;

pub(crate) const LR: Arg<f64> =
    Arg::float("lr").default(Literal::Float(0.1)).range(1e-12, 1e3).doc("Learning rate: the length of a step.");

static SIGNATURE: Signature = Signature::new(Group::Train, "gradient_descent", &["-> optimizer"])
    .args(&[LR.spec()])
    .doc("w ← w − lr·g, with g over all training rows at once: an epoch is one step, and `batch` does not count.")
    .reference("Cauchy 1847")
    .examples(&[Example::new(
        "Two hundred steps over all rows.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], minutes: int }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train length = regress(parts, label = minutes) {\n    \
             output    = films.look |> dense(16) |> relu |> dense(1)\n    \
             optimizer = gradient_descent(lr = 0.1)\n    \
             epochs    = 200\n\
             }",
        "train",
    )]);

impl Stage for GradientDescent {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
