//! The game with a margin.

use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};

use super::objective::Objective;
use super::objective::line;

pub(crate) struct Hinge;

pub(crate) static OBJECTIVE: Objective = Objective {
    real: |session, value, weights| line(session, value, (-1.0, 1.0), true, Some(weights)),
    made: |session, value| line(session, value, (1.0, 1.0), true, None),
    generator: |session, value| line(session, value, (-1.0, 0.0), false, None),
    penalty: |_| 0.0,
    critic_steps: 1,
};

static SIGNATURE: Signature = Signature::new(Group::Fuse, "hinge", &["-> objective"])
    .doc("The discriminator lowers max(0, 1 − D(x)) + max(0, 1 + D(x̂)), the generator −D(x̂).")
    .reference("Lim and Ye 2017; Miyato et al. 2018")
    .examples(&[Example::new(
        "What is told apart with a margin teaches nothing more.",
        "source films = table(\"films.csv\") { film: key, look: vector[8]?, sound: vector[4]? }\n\
             fuse shared = gan(films.look, films.sound, loss = hinge, steps = 100)",
        "col<films, vector[12]>",
    )]);

impl Stage for Hinge {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
