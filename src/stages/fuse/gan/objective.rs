//! What a generator and a discriminator play for: one stage each, all of one form.
//!
//! D is the discriminator's value of a row, x a real one, x̂ one that was made. Each side lowers its own loss.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Op, Var};
use mmf_lang::args::{Args, Recipe};
use mmf_tensor::{Loss, Session};

use super::{hinge, least_squares, non_saturating, wasserstein};

/// The two losses of a game. Weights say how much each row counts; those of what is made are one.
pub(crate) struct Objective {
    /// Of the discriminator: the loss over real values, then that over made ones.
    pub(crate) real: fn(&mut Session<'_>, &Var, &[f32]) -> Result<Loss>,
    pub(crate) made: fn(&mut Session<'_>, &Var) -> Result<Loss>,
    /// Of the generator.
    pub(crate) generator: fn(&mut Session<'_>, &Var) -> Result<Loss>,
    /// How much a slope of the discriminator counts that is not 1.
    pub(crate) penalty: fn(&Args) -> f64,
    /// Steps of the discriminator for one of the generator.
    pub(crate) critic_steps: usize,
}

/// Returns the objective of a recipe.
pub(crate) fn of(recipe: &Recipe) -> Result<&'static Objective> {
    Ok(match recipe.stage.as_str() {
        "non_saturating" => &non_saturating::OBJECTIVE,
        "least_squares" => &least_squares::OBJECTIVE,
        "hinge" => &hinge::OBJECTIVE,
        "wasserstein" => &wasserstein::OBJECTIVE,
        other => return Err(Error::bug(format!("`{other}` is no objective"))),
    })
}

/// Returns `factor · D + offset`, or nothing of it below zero, as a loss.
pub(crate) fn line(
    session: &mut Session<'_>,
    value: &Var,
    (factor, offset): (f32, f32),
    hinged: bool,
    weights: Option<&[f32]>,
) -> Result<Loss> {
    let mut line = session.apply(Op::Affine { factor, offset }, &[value], &[])?;
    if hinged {
        line = session.apply(Op::Relu, &[&line], &[])?;
    }
    session.total(&line, weights)
}
