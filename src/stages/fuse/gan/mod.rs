//! `gan`: each input made from the others by a generator that a discriminator holds to what is real.

mod apply;
pub(crate) mod hinge;
mod learn;
pub(crate) mod least_squares;
pub(crate) mod non_saturating;
mod objective;
mod penalty;
mod spectral;
#[cfg(test)]
mod tests;
pub(crate) mod wasserstein;

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, ArgKind, Literal, Recipe};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Type;

use crate::fuse::concat::widths;
use crate::train::recipe;

pub(crate) struct Gan;

const LATENT: Arg<usize> = Arg::int("latent")
    .default(Literal::Int(16))
    .range(0.0, 4096.0)
    .doc("How many random numbers a generator is given beside the other inputs.");
const GENERATOR: Arg<Vec<Recipe>> = Arg::network("generator")
    .default(Literal::Recipe("mlp"))
    .doc("The layers of each generator; a linear one to the width of its input follows.");
const DISCRIMINATOR: Arg<Vec<Recipe>> = Arg::network("discriminator")
    .default(Literal::Recipe("mlp"))
    .doc("The layers of each discriminator; a linear one to one number follows.");
const LOSS: Arg<Option<Recipe>> =
    one_recipe("loss", ArgKind::Recipe("objective"), "non_saturating").doc("What the two play for.");
const RECONSTRUCTION: Arg<f64> = Arg::float("reconstruction")
    .default(Literal::Float(10.0))
    .range(0.0, 1e6)
    .doc("How much the squared error of what is made counts in the generator's loss, where the real is there.");
const ENRICH: Arg<f64> = Arg::share("enrich")
    .default(Literal::Float(0.2))
    .doc("Where an input is there, the share that is replaced by what the others make of it.");
const SPECTRAL: Arg<bool> = Arg::bool("spectral_norm")
    .default(Literal::Bool(false))
    .doc("Whether the discriminator's weights are divided by their greatest singular value.");
const STEPS: Arg<usize> = Arg::int("steps").default(Literal::Int(2000)).range(1.0, 1e7).doc("Steps of the generators.");
const BATCH: Arg<usize> = Arg::int("batch").default(Literal::Int(64)).range(1.0, 1e6).doc("Rows of a step.");
const CRITIC_STEPS: Arg<Option<usize>> = Arg::some_int("critic_steps")
    .range(1.0, 100.0)
    .doc("Steps of the discriminators for one of the generators; unsaid, 5 for `wasserstein`, else 1.");
const OPTIMIZER: Arg<Option<Recipe>> =
    one_recipe("optimizer", ArgKind::Optimizer, "adam").doc("How the generators' weights follow their gradients.");
const CRITIC_OPTIMIZER: Arg<Option<Recipe>> =
    one_recipe("critic_optimizer", ArgKind::Optimizer, "adam").doc("How the discriminators' weights follow theirs.");
const DRAWS: Arg<usize> = Arg::int("draws")
    .default(Literal::Int(8))
    .range(1.0, 1000.0)
    .doc("Of how many drawings of the random numbers the mean is taken when a row is made.");

const fn one_recipe(name: &'static str, kind: ArgKind, default: &'static str) -> Arg<Option<Recipe>> {
    Arg::new(name, kind, recipe::recipe).default(Literal::Recipe(default))
}

static SIGNATURE: Signature =
    Signature::new(Group::Fuse, "gan", &["col<d, vector[a]?>, col<d, vector[b]?>... -> col<d, vector[m]>"])
        .args(&[
            LATENT.spec(),
            GENERATOR.spec(),
            DISCRIMINATOR.spec(),
            LOSS.spec(),
            RECONSTRUCTION.spec(),
            ENRICH.spec(),
            SPECTRAL.spec(),
            STEPS.spec(),
            BATCH.spec(),
            CRITIC_STEPS.spec(),
            OPTIMIZER.spec(),
            CRITIC_OPTIMIZER.spec(),
            DRAWS.spec(),
        ])
        .infer(checked)
        .learns_from_gaps()
        .parts("slice")
        .doc(
            "The inputs end to end, those that a row lacks made from the others, those that it has enriched. For each input a generator makes \
             it from the other inputs, which of them are there, and `latent` random numbers; a discriminator is given the same and tells what \
             was made from what is real. Both learn in turns, on training rows alone, as far as their inputs are there; one in five of those is \
             hidden from the generator, so that it learns to do without. The generator's loss is the objective's, plus `reconstruction` times the \
             squared error. Numbers are standardised inside. A row without any input gets what is made from nothing, near the mean. It is a \
             policy for missing values of its own; `shared.look` is the filled input that was declared as `look`. The report shows both losses \
             and how often a discriminator is right, and warns where a generator makes all rows alike.",
        )
        .reference(
            "Goodfellow et al. 2014; Mirza and Osindero 2014 (conditional); Pathak et al. 2016 (with reconstruction); Yoon et al. 2018 (for \
             missing values)",
        )
        .examples(&[Example::new(
            "Films whose poster or sound is missing.",
            "source films = table(\"films.csv\") { film: key, look: vector[8]?, sound: vector[4]? }\n\
             fuse shared = gan(films.look, films.sound) {\n    \
             generator     = mlp(32)\n    \
             discriminator = dense(32) |> relu\n    \
             steps         = 100\n\
             }",
            "col<films, vector[12]>",
        )]);

/// As wide as the inputs together.
fn checked(call: &mut Inference<'_, '_>) -> Option<Type> {
    let has = |layers: &[Recipe], stage: &str| layers.iter().any(|layer| layer.stage == stage);
    let penal = call.args.get(LOSS).is_some_and(|loss| loss.stage == "wasserstein");
    if penal && has(&call.args.get(DISCRIMINATOR), "batch_norm") {
        let place = call.arg_span(DISCRIMINATOR.name());
        return call.refuse(
            "E0108",
            place,
            say!(
                "the critic of `wasserstein` judges each row by itself, and `batch_norm` mixes the rows of a batch",
                "`wasserstein` 的判别网络须逐行判断，而 `batch_norm` 会混合一批中的各行"
            ),
            Some(say!("use `layer_norm`, or another loss", "请改用 `layer_norm`，或换一种损失")),
        );
    }
    for (at, &place) in call.input_spans.clone().iter().enumerate() {
        if call.column(at).is_some_and(|column| column.marks.joint) {
            return call.refuse(
                "E0309",
                place,
                say!(
                    "`gan` is trained before the network, so it cannot stand behind one",
                    "`gan` 在网络之前训练，因而不能接在网络之后"
                ),
                None,
            );
        }
    }
    widths(call)
}

impl Stage for Gan {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Fit { fit: learn::fit, apply: apply::apply }
    }
}
