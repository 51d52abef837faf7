//! Values that a discriminator cannot tell apart, as a part of a loss: domain-adversarial training.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Op, Var};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Args, Literal, Recipe};
use mmf_lang::signature::{Example, Group, Signature};
use mmf_tensor::{Loss, Session};

use crate::fuse::layers::Layers;

pub(crate) struct AdversarialAlignment;

pub(crate) const DISCRIMINATOR: Arg<Vec<Recipe>> = Arg::network("discriminator")
    .default(Literal::Recipe("mlp"))
    .doc("The layers of the discriminator; a linear one follows.");
pub(crate) const REVERSE: Arg<f64> = Arg::float("reverse")
    .default(Literal::Float(1.0))
    .range(0.0, 1e3)
    .doc("How strongly the values flee what the discriminator learns; 0: it only watches.");

static SIGNATURE: Signature = Signature::new(
    Group::Train,
    "adversarial_alignment",
    &["col<d, vector[n]>, col<d, vector[n]>... -> loss"],
)
.args(&[DISCRIMINATOR.spec(), REVERSE.spec()])
.doc(
    "A discriminator is given one of the values of a row and tells which of them it is: −ln of the probability of the right one, the mean \
     over the values and rows. It lowers that; what makes the values raises it, for their gradient is turned round and multiplied by \
     `reverse`. As a part of a loss it brings modalities to one distribution; where the discriminator knows nothing more, it is ln k of k \
     values. The optimizer is the train's.",
)
.reference("Ganin et al. 2016, domain-adversarial training (gradient reversal)")
.examples(&[Example::new(
    "A film as it looks and as it sounds: which is which cannot be told.",
    "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[4], good: bool }\n\
     prepare parts = films |> split(train = 80%, test = 20%)\n\
     fuse seen  = neural { films.look |> dense(16) }\n\
     fuse heard = neural { films.sound |> dense(16) }\n\
     train liked = classify(parts, label = good) {\n    \
     output = concat(seen, heard) |> dense(1) |> sigmoid\n    \
     loss   = cross_entropy + 0.1 * adversarial_alignment(seen, heard, discriminator = mlp(16))\n\
     }",
    "train",
)]);

impl Stage for AdversarialAlignment {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}

/// Returns the same numbers, whose gradient flows back times `−factor`.
pub(crate) fn reversed(session: &mut Session<'_>, value: &Var, factor: f32) -> Result<Var> {
    let still = session.values(value)?.to_vec();
    let turned = session.apply(Op::Affine { factor: -factor, offset: 0.0 }, &[value], &[])?;
    // Taken from itself it is nothing but its slope.
    let same = session.values(&turned)?.to_vec();
    let same = session.constant(value.rows, &value.dims, same)?;
    let slope = session.apply(Op::Subtract, &[&turned, &same], &[])?;
    let still = session.constant(value.rows, &value.dims, still)?;
    session.apply(Op::Add, &[&slope, &still], &[])
}

/// Returns what the discriminator makes of a value, so many numbers a row.
pub(crate) fn judged(session: &mut Session<'_>, args: &Args, value: &Var, outputs: usize) -> Result<Var> {
    let turned = reversed(session, value, args.get(REVERSE) as f32)?;
    Layers::of(&args.get(DISCRIMINATOR))?.to(session, &turned, outputs)
}

/// Returns how many values the discriminator takes for what they are, and how many there are.
pub(crate) fn right(session: &mut Session<'_>, args: &Args, values: &[Var]) -> Result<(usize, usize)> {
    let rows = values.first().map_or(0, |value| value.rows);
    let joined = session.join_rows(&values.iter().collect::<Vec<_>>())?;
    let told = judged(session, args, &joined, values.len())?;
    let guesses = session.values(&told)?.chunks_exact(values.len());
    let best = |row: &[f32]| (0..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best });
    let hits = guesses.enumerate().filter(|(at, row)| best(row) == at / rows.max(1)).count();
    Ok((hits, joined.rows))
}

pub(crate) fn loss(session: &mut Session<'_>, args: &Args, values: &[Var], weights: Option<&[f32]>) -> Result<Loss> {
    let rows = values.first().ok_or_else(|| Error::bug("values were to be compared"))?.rows;
    let joined = session.join_rows(&values.iter().collect::<Vec<_>>())?;
    let told = judged(session, args, &joined, values.len())?;
    let which: Vec<u32> = (0..values.len() as u32).flat_map(|value| std::iter::repeat_n(value, rows)).collect();
    let weights: Option<Vec<f32>> = weights.map(|weights| weights.repeat(values.len()));
    let sum = session.cross_entropy_of_logits(&told, &which, weights.as_deref())?;
    let mean = session.combine(&[(&sum, 1.0 / values.len() as f32)])?;
    Ok(Loss { weight: sum.weight / values.len() as f64, ..mean })
}

#[cfg(test)]
mod tests {
    use mmf_lang::args::ArgValue;
    use mmf_tensor::{Moment, Parameters};

    use super::*;

    fn asked(reverse: f64) -> Args {
        let dense = Recipe { stage: "dense".into(), args: Args(vec![("units".into(), ArgValue::Int(5))]) };
        let tanh = Recipe { stage: "tanh".into(), args: Args::default() };
        let layers = ArgValue::List(vec![ArgValue::Recipe(dense), ArgValue::Recipe(tanh)]);
        Args(vec![("discriminator".into(), layers), ("reverse".into(), ArgValue::Float(reverse))])
    }

    const ROWS: usize = 4;
    const WIDTH: usize = 3;

    fn numbers(salt: usize) -> Vec<f32> {
        (0..ROWS * WIDTH).map(|at| (((at + salt) * 7919 % 97) as f32 / 97.0 - 0.5) * 3.0).collect()
    }

    fn run(parameters: &Parameters, reverse: f64, first: &[f32]) -> (f32, Vec<f32>, Vec<Vec<f32>>) {
        let pass = || {
            let mut session = Session::training(parameters, Moment::default());
            session.at(5, "loss");
            let x = session.watched(ROWS, &[WIDTH], first.to_vec()).unwrap();
            let y = session.constant(ROWS, &[WIDTH], numbers(50)).unwrap();
            let loss = loss(&mut session, &asked(reverse), &[x.clone(), y], Some(&[1.0, 0.5, 2.0, 1.0])).unwrap();
            (session, x, loss)
        };
        let (session, x, loss) = pass();
        assert_eq!(loss.weight, 4.5);
        let value = session.sum_of(&loss).unwrap();
        let slope = session.slope(&loss, &x).unwrap();
        let (session, _, loss) = pass();
        let mut found = session.backward(&loss, 1.0).unwrap();
        let weights = parameters.all().map(|p| found.whole(parameters, p).unwrap()).collect();
        (value, slope, weights)
    }

    /// The discriminator's slopes are those of the loss; the values' are turned round and as strong as was said.
    #[test]
    fn what_makes_the_values_raises_what_the_discriminator_lowers() {
        let mut parameters = Parameters::new(3);
        let mut making = Session::making(&mut parameters);
        making.at(5, "loss");
        let some = making.constant(ROWS, &[WIDTH], numbers(1)).unwrap();
        loss(&mut making, &asked(1.0), &[some.clone(), some], None).unwrap();
        drop(making);
        let first = numbers(1);
        let (value, slope, weights) = run(&parameters, 1.0, &first);
        let (same, twice, likewise) = run(&parameters, 2.0, &first);
        assert_eq!((value, &weights), (same, &likewise));
        assert!(slope.iter().zip(&twice).all(|(a, b)| (2.0 * a - b).abs() < 1e-6));
        assert!(run(&parameters, 0.0, &first).1.iter().all(|x| *x == 0.0));
        // Against finite differences, turned round.
        for at in 0..first.len() {
            let moved = |by: f32| {
                let mut moved = first.clone();
                moved[at] += by;
                run(&parameters, 1.0, &moved).0
            };
            let wanted = (moved(-1e-2) - moved(1e-2)) / 2e-2;
            assert!((slope[at] - wanted).abs() < 5e-3, "{} not {wanted}", slope[at]);
        }
        for (parameter, slopes) in parameters.clone().all().zip(&weights) {
            let own = parameters.values(parameter).unwrap().to_vec();
            for at in 0..own.len() {
                let mut moved = |by: f32| {
                    let mut values = own.clone();
                    values[at] += by;
                    parameters.set_values(parameter, &values).unwrap();
                    let value = run(&parameters, 1.0, &first).0;
                    parameters.set_values(parameter, &own).unwrap();
                    value
                };
                let wanted = (moved(1e-2) - moved(-1e-2)) / 2e-2;
                assert!((slopes[at] - wanted).abs() < 5e-3, "{} not {wanted}", slopes[at]);
            }
        }
    }
}
