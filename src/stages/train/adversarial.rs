//! A loss at the worst small change of a value, beside the loss itself.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct Adversarial;

pub(crate) const EPSILON: Arg<f64> =
    Arg::float("epsilon").default(Literal::Float(0.1)).range(0.0, 1e6).doc("How long the change of a row is.");
pub(crate) const WEIGHT: Arg<f64> = Arg::float("weight")
    .default(Literal::Float(1.0))
    .range(0.0, 1e6)
    .doc("How much the loss counts at the changed value.");

static SIGNATURE: Signature = Signature::new(Group::Train, "adversarial", &["loss, col<d, vector[n]> -> loss"])
    .args(&[EPSILON.spec(), WEIGHT.spec()])
    .doc(
        "loss(x) + weight · loss(x + Δ), with Δ = epsilon · g / |g| a row, g being the slope of the loss with regard to the value x at \
         that row: the change that raises the loss fastest. What is trained withstands small changes of x, be they noise or meant. x is a \
         value that the score or output reads, a feature or a value of the network; `l2` counts once.",
    )
    .reference("AMR, Tang et al. 2020; adversarial training of embeddings, He et al. 2018")
    .examples(&[Example::new(
        "AMR: what a film looks like may be a little wrong.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
         source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
         prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
         train amr = recommend(parts, user = user, item = film) {\n    \
         score = dot(embedding(user, 16), embedding(film, 16)) + dot(embedding(user, 16), films.look |> dense(16))\n    \
         loss  = bpr(negatives = 1) |> adversarial(films.look, epsilon = 0.1, weight = 1)\n\
         }",
        "train",
    )]);

impl Stage for Adversarial {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
