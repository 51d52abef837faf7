//! A policy whose baseline is a second network.

use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};

pub(crate) struct ActorCritic;

static SIGNATURE: Signature = Signature::new(Group::Fuse, "actor_critic", &["-> algorithm"])
    .doc(
        "As `reinforce`, but what a gain is held against is told row by row by a second network of the same layers, the critic, which \
         lowers (told − gain)².",
    )
    .reference("Konda and Tsitsiklis 2000; Sutton and Barto 2018, chapter 13")
    .examples(&[Example::new(
        "A policy that learns so.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[4], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             fuse chosen = policy(films.look, films.sound, algorithm = actor_critic)\n\
             train liked = classify(parts, label = good) { output = chosen |> dense(1) |> sigmoid }",
        "train",
    )]);

impl Stage for ActorCritic {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
