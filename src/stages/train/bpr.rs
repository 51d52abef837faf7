//! Bayesian personalised ranking.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, ArgKind, Literal};
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

pub(crate) struct Bpr;

pub(crate) const NEGATIVES: Arg<usize> = Arg::int("negatives")
    .default(Literal::Int(1))
    .range(1.0, 1000.0)
    .doc("Count of items the user has not, drawn for each item that the user has.");
pub(crate) const L2: Arg<f64> =
    Arg::float("l2").default(Literal::Float(0.0)).range(0.0, 10.0).doc("How much large weights cost.");

pub(crate) const SCORE: Arg<bool> = Arg::new("score", ArgKind::Joint, |value| value.is_some())
    .optional()
    .doc("Another score than the train's, a number for a user and an item: a further task for what both read.");

static SIGNATURE: Signature = Signature::new(Group::Train, "bpr", &["-> loss"])
    .args(&[NEGATIVES.spec(), L2.spec(), SCORE.spec()])
    .tasks(&[Task::Recommend])
    .doc(
        "−ln σ(score of a user's item − score of one the user has not), the mean over negatives and rows; \
         plus l2 · |e|² of the embedding rows that the step reads, per row. The terms of a sum share their \
         negatives: each takes the first of those that are drawn. Items are ranked by the train's score alone.",
    )
    .reference("Rendle et al. 2009; with further scores the loss of FREEDOM, Zhou and Shen 2023")
    .examples(&[
        Example::new(
            "Four films that the user has not, for each that the user has.",
            "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             train taste = recommend(parts, user = user, item = film) {\n    \
             score = dot(embedding(user, 16), embedding(film, 16))\n    \
             loss  = bpr(negatives = 4, l2 = 1e-4)\n\
             }",
            "train",
        ),
        Example::new(
            "What a film looks like learns to tell by itself what a user likes, at a tenth of the weight.",
            "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source users = table(\"users.csv\") { user: key }\n\
             source likes = table(\"likes.csv\") { user: ref(users), film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             fuse who  = neural { embedding(users, 16) }\n\
             fuse seen = neural { films.look |> dense(16) }\n\
             train taste = recommend(parts, user = user, item = film) {\n    \
             score = dot(who, embedding(film, 16) + seen)\n    \
             loss  = bpr(negatives = 4) + 0.1 * bpr(score = dot(who, seen))\n\
             }",
            "train",
        ),
    ]);

impl Stage for Bpr {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
