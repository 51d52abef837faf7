//! The game whose losses are squares.

use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};

use super::objective::Objective;

pub(crate) struct LeastSquares;

pub(crate) static OBJECTIVE: Objective = Objective {
    real: |session, value, weights| session.squared_error(value, &vec![1.0; value.rows], Some(weights)),
    made: |session, value| session.squared_error(value, &vec![0.0; value.rows], None),
    generator: |session, value| session.squared_error(value, &vec![1.0; value.rows], None),
    penalty: |_| 0.0,
    critic_steps: 1,
};

static SIGNATURE: Signature = Signature::new(Group::Fuse, "least_squares", &["-> objective"])
    .doc("The discriminator lowers (D(x) − 1)² + D(x̂)², the generator (D(x̂) − 1)².")
    .reference("Mao et al. 2017, whose losses are half of these")
    .examples(&[Example::new(
        "The discriminator tells 1 from 0.",
        "source films = table(\"films.csv\") { film: key, look: vector[8]?, sound: vector[4]? }\n\
             fuse shared = gan(films.look, films.sound, loss = least_squares, steps = 100)",
        "col<films, vector[12]>",
    )]);

impl Stage for LeastSquares {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
