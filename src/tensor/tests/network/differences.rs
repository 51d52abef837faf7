//! Gradients against central finite differences.

use crate::cases::{Case, fixture};
use mmf_data::error::Result;
use mmf_data::network::{Init, Network, Op, Parameter};
use mmf_tensor::{Loss, Moment, Parameters, Session};

const STEP: f32 = 4e-3;
const TOLERANCE: f64 = 1e-2;

/// Compares the gradients of all weights with the slopes of the loss, by their distance relative to their length.
pub(crate) fn check(name: &str, parameters: &Parameters, run: impl Fn(&mut Session) -> Result<Loss>) {
    let moment = Moment { seed: 5, step: 6, slice: 7 };
    let mut session = Session::training(parameters, moment);
    let loss = run(&mut session).unwrap();
    let mut gradients = session.backward(&loss, 1.0).unwrap();
    let value = |parameter: Parameter, at: usize, shift: f32| -> f64 {
        let mut moved = parameters.clone();
        let mut data = moved.values(parameter).unwrap().to_vec();
        data[at] += shift;
        moved.set_values(parameter, &data).unwrap();
        let mut session = Session::training(&moved, moment);
        let loss = run(&mut session).unwrap();
        f64::from(session.sum_of(&loss).unwrap())
    };
    for parameter in parameters.all() {
        if parameters.is_state(parameter).unwrap() {
            continue;
        }
        let count = parameters.values(parameter).unwrap().len();
        let ours = if parameters.is_table(parameter).unwrap() {
            let width = parameters.dims(parameter).unwrap()[1];
            let sparse = gradients.sparse(parameters, parameter).unwrap();
            let mut full = vec![0.0; count];
            for (row, data) in sparse.index.iter().zip(sparse.rows.chunks_exact(width)) {
                full[*row as usize * width..][..width].copy_from_slice(data);
            }
            full
        } else {
            gradients.dense(parameters, parameter).unwrap().unwrap().to_vec()
        };
        let (mut distance, mut length) = (0.0, 0.0);
        for (at, g) in ours.iter().enumerate() {
            let slope = (value(parameter, at, STEP) - value(parameter, at, -STEP)) / f64::from(2.0 * STEP);
            distance += (slope - f64::from(*g)).powi(2);
            length += f64::from(*g).powi(2);
        }
        let label = parameters.label(parameter).unwrap();
        let error = (distance / length.max(1e-12)).sqrt();
        assert!(error < TOLERANCE, "{name}, {label}: gradients are off by {error:.4} of their length");
    }
}

#[test]
fn gradients_of_operations_are_slopes() {
    for json in fixture("operations") {
        let case = Case::new(json);
        check(&case.name, &case.parameters(), |session| Ok(case.run(session)?.1));
    }
}

#[test]
fn gradients_of_losses_are_slopes() {
    let mut parameters = Parameters::new(4);
    let weights: Vec<f32> = (0..6).map(|i| 0.3 + i as f32 * 0.2).collect();
    for which in 0..6 {
        let run = |session: &mut Session| -> Result<Loss> {
            let init = Init::Normal { deviation: 1.0 };
            let (one, many) = (session.table("one", 18, 1, init), session.table("many", 6, 4, init));
            let positive = session.lookup(one, &[0, 1, 2, 3, 4, 5])?;
            let negative = session.lookup(one, &[6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17])?;
            let x = session.lookup(many, &[0, 1, 2, 3, 4, 5])?;
            let targets: Vec<f32> = (0..24).map(|i| (i % 3) as f32 * 0.5).collect();
            match which {
                0 => session.bpr(&positive, &negative, Some(&weights)),
                1 => session.cross_entropy_of_logits(&x, &[0, 1, 2, 3, 2, 1], Some(&weights)),
                2 => session.binary_cross_entropy_of_logits(&x, &targets, Some(&weights)),
                3 => session.squared_error(&x, &targets, Some(&weights)),
                4 => session.total(&x, Some(&weights)),
                _ => {
                    let a = session.squared_error(&x, &targets, None)?;
                    let b = session.bpr(&positive, &negative, None)?;
                    session.combine(&[(&a, 0.5), (&b, 2.0)])
                }
            }
        };
        if parameters.is_empty() {
            run(&mut Session::making(&mut parameters)).unwrap();
        }
        check(&format!("loss {which}"), &parameters, run);
    }
}

#[test]
fn gradients_through_dropout_and_a_shared_value_are_slopes() {
    let mut parameters = Parameters::new(4);
    let run = |session: &mut Session| -> Result<Loss> {
        session.at(3, "here");
        let table = session.table("x", 5, 8, Init::Normal { deviation: 1.0 });
        let x = session.lookup(table, &[0, 1, 2, 3, 4, 4, 0])?;
        let x = session.apply(Op::Dropout { p: 0.4 }, &[&x], &[])?;
        let twice = session.gather(&x, &[6, 5, 4, 3, 2, 1, 0])?;
        let both = session.apply(Op::Concat, &[&x, &twice, &x], &[])?;
        let square = session.apply(Op::Multiply, &[&both, &both], &[])?;
        session.total(&square, None)
    };
    run(&mut Session::making(&mut parameters)).unwrap();
    check("dropout", &parameters, run);
}

/// The check itself must be able to fail.
#[test]
#[should_panic(expected = "gradients are off")]
fn a_wrong_gradient_is_noticed() {
    let mut parameters = Parameters::new(4);
    let calls = std::cell::Cell::new(0);
    let run = |session: &mut Session| -> Result<Loss> {
        let table = session.table("x", 2, 3, Init::Normal { deviation: 1.0 });
        let x = session.lookup(table, &[0, 1])?;
        // The first two passes, of which the second gives the gradients, compute half of what the others do.
        calls.set(calls.get() + 1);
        let factor = if calls.get() <= 2 { 0.5 } else { 1.0 };
        let x = session.apply(Op::Affine { factor, offset: 0.0 }, &[&x], &[])?;
        session.total(&x, None)
    };
    run(&mut Session::making(&mut parameters)).unwrap();
    check("half", &parameters, run);
}
