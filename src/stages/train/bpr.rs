//! Bayesian personalised ranking.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

pub(crate) struct Bpr;

pub(crate) const NEGATIVES: Arg<usize> = Arg::int("negatives")
    .default(Literal::Int(1))
    .range(1.0, 1000.0)
    .doc("Count of items the user has not, drawn for each item that the user has.");
pub(crate) const L2: Arg<f64> =
    Arg::float("l2").default(Literal::Float(0.0)).range(0.0, 10.0).doc("How much large weights cost.");

static SIGNATURE: Signature = Signature::new(Group::Train, "bpr", &["-> loss"])
    .args(&[NEGATIVES.spec(), L2.spec()])
    .tasks(&[Task::Recommend])
    .doc(
        "−ln σ(score of a user's item − score of one the user has not), the mean over negatives and rows; \
         plus l2 · |e|² of the embedding rows that the step reads, per row.",
    )
    .reference("Rendle et al. 2009")
    .examples(&[Example::new(
        "Four films that the user has not, for each that the user has.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             train taste = recommend(parts, user = user, item = film) {\n    \
             score = dot(embedding(user, 16), embedding(film, 16))\n    \
             loss  = bpr(negatives = 4, l2 = 1e-4)\n\
             }",
        "train",
    )]);

impl Stage for Bpr {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
