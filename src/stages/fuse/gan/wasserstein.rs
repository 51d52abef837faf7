//! The game for the earth mover's distance.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use super::objective::Objective;
use super::objective::line;

pub(crate) struct Wasserstein;

const PENALTY: Arg<f64> = Arg::float("penalty")
    .default(Literal::Float(10.0))
    .range(0.0, 1e6)
    .doc("How much a slope counts that is not 1; 0 leaves it free, for `spectral_norm`.");

pub(crate) static OBJECTIVE: Objective = Objective {
    real: |session, value, weights| line(session, value, (-1.0, 0.0), false, Some(weights)),
    made: |session, value| line(session, value, (1.0, 0.0), false, None),
    generator: |session, value| line(session, value, (-1.0, 0.0), false, None),
    penalty: |args| args.get(PENALTY),
    critic_steps: 5,
};

static SIGNATURE: Signature = Signature::new(Group::Fuse, "wasserstein", &["-> objective"])
    .args(&[PENALTY.spec()])
    .doc(
        "The discriminator, here a critic, lowers D(x̂) − D(x) + penalty · (|∇D| − 1)², with the slope taken at a random point between x and x̂ with \
         regard to what is judged; the generator lowers −D(x̂). The critic makes five steps for one of the generator. Its layers must treat \
         rows apart: no `batch_norm`.",
    )
    .reference("Arjovsky et al. 2017; Gulrajani et al. 2017, whose second derivative is here the central difference along the slope")
    .examples(&[Example::new(
        "A critic, whose slope is held near 1.",
        "source films = table(\"films.csv\") { film: key, look: vector[8]?, sound: vector[4]? }\n\
             fuse shared = gan(films.look, films.sound, loss = wasserstein, steps = 100)",
        "col<films, vector[12]>",
    )]);

impl Stage for Wasserstein {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}
