//! A value that does not tell what was missing, as a part of a loss.

use mmf_data::error::{Error, Result};
use mmf_data::network::Var;
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::Args;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_tensor::{Loss, Session};

use super::adversarial_alignment::{DISCRIMINATOR, REVERSE, judged};

pub(crate) struct AdversarialPresence;

static SIGNATURE: Signature =
    Signature::new(Group::Train, "adversarial_presence", &["col<d, vector[n]>, col<d, vector[m]> -> loss"])
        .args(&[DISCRIMINATOR.spec(), REVERSE.spec()])
        .doc(
            "A discriminator is given the first value and tells each number of the second, which is 1 where a modality is there and 0 where it \
             is not: the binary cross-entropy, the mean over the numbers and rows. It lowers that; what makes the value raises it, for its \
             gradient is turned round and multiplied by `reverse`. As a part of a loss it makes rows whose picture is missing like those that \
             have one.",
        )
        .reference("Ganin et al. 2016, domain-adversarial training (gradient reversal)")
        .examples(&[Example::new(
            "Whether a film has a poster cannot be told from what is made of it.",
            "source films = table(\"films.csv\") { film: key, look: vector[8]?, sound: vector[4], good: bool }\n\
             prepare known = films |> with(seen = not missing(look))\n\
             prepare parts = known |> split(train = 80%, test = 20%)\n\
             fuse item = neural { concat(films.look |> fill(zero), films.sound) |> dense(16) |> relu }\n\
             train liked = classify(parts, label = good) {\n    \
             output = item |> dense(1) |> sigmoid\n    \
             loss   = cross_entropy + 0.1 * adversarial_presence(item, known.seen, discriminator = mlp(8))\n\
             }",
            "train",
        )]);

impl Stage for AdversarialPresence {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}

/// Returns how often the discriminator is right of what is there, and how often it guesses.
pub(crate) fn right(session: &mut Session<'_>, args: &Args, values: &[Var]) -> Result<(usize, usize)> {
    let [value, there] = values else { return Err(Error::bug("a value and what is there were to be compared")) };
    let there = session.values(there)?.to_vec();
    let told = judged(session, args, value, there.len() / value.rows.max(1))?;
    let hits =
        session.values(&told)?.iter().zip(&there).filter(|(told, there)| (**told > 0.0) == (**there > 0.5)).count();
    Ok((hits, there.len()))
}

pub(crate) fn loss(session: &mut Session<'_>, args: &Args, values: &[Var], weights: Option<&[f32]>) -> Result<Loss> {
    let [value, there] = values else { return Err(Error::bug("a value and what is there were to be compared")) };
    let there = session.values(there)?.to_vec();
    if let Some(odd) = there.iter().find(|x| !(0.0..=1.0).contains(*x)) {
        return Err(Error::new(
            "E1038",
            say!(
                "`adversarial_presence` tells 0 from 1, and this is {odd}",
                "`adversarial_presence` 只区分 0 与 1，这里是 {odd}"
            ),
        )
        .help(say!(
            "give it what is there or not: `with(seen = not missing(look))`",
            "请给出是否存在：`with(seen = not missing(look))`"
        )));
    }
    let width = there.len() / value.rows.max(1);
    let told = judged(session, args, value, width)?;
    session.binary_cross_entropy_of_logits(&told, &there, weights)
}
