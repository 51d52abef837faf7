//! The game of the first adversarial networks, with the generator's loss that does not saturate.

use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};

use super::objective::Objective;

pub(crate) struct NonSaturating;

pub(crate) static OBJECTIVE: Objective = Objective {
    real: |session, value, weights| {
        session.binary_cross_entropy_of_logits(value, &vec![1.0; value.rows], Some(weights))
    },
    made: |session, value| session.binary_cross_entropy_of_logits(value, &vec![0.0; value.rows], None),
    generator: |session, value| session.binary_cross_entropy_of_logits(value, &vec![1.0; value.rows], None),
    penalty: |_| 0.0,
    critic_steps: 1,
};

static SIGNATURE: Signature = Signature::new(Group::Fuse, "non_saturating", &["-> objective"])
    .doc("The discriminator lowers −ln σ(D(x)) − ln(1 − σ(D(x̂))), the generator −ln σ(D(x̂)).")
    .reference("Goodfellow et al. 2014")
    .examples(&[Example::new(
        "The discriminator tells probabilities.",
        "source films = table(\"films.csv\") { film: key, look: vector[8]?, sound: vector[4]? }\n\
             fuse shared = gan(films.look, films.sound, loss = non_saturating, steps = 100)",
        "col<films, vector[12]>",
    )]);

impl Stage for NonSaturating {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
