//! Values and gradients against PyTorch's.

use crate::cases::{Case, INPUTS, WEIGHTS, all, assert_close, fixture, floats, indices, numbers};
use mmf_data::error::Result;
use mmf_data::graph::Graph;
use mmf_data::network::{Init, Network, Op, Var};
use mmf_tensor::{Gradients, Loss, Moment, Parameters, Session};

const TOLERANCE: f32 = 2e-6;

/// Returns the gradient of a weight, dense or of a table, as a full matrix.
pub(crate) fn gradient(gradients: &mut Gradients, parameters: &Parameters, name: &str) -> Vec<f32> {
    gradients.whole(parameters, parameters.find(name).unwrap()).unwrap()
}

#[test]
fn operations_agree_with_pytorch() {
    let cases = fixture("operations");
    assert!(cases.len() > 30);
    for json in cases {
        let case = Case::new(json);
        let parameters = case.parameters();
        let mut session = Session::training(&parameters, Moment::default());
        let (y, loss) = case.run(&mut session).unwrap();
        assert_close(
            &format!("{}, value", case.name),
            session.values(&y).unwrap(),
            &numbers(&case.json["value"]).data,
            TOLERANCE,
        );
        let mut gradients = session.backward(&loss, 1.0).unwrap();
        let twice = case.name.ends_with("itself");
        let inputs = all(&case.json["input_gradients"]);
        for (name, expected) in INPUTS.iter().zip(&inputs).take(if twice { 1 } else { 3 }) {
            let what = format!("{}, gradient of {name}", case.name);
            assert_close(&what, &gradient(&mut gradients, &parameters, name), &expected.data, TOLERANCE);
        }
        for (name, expected) in WEIGHTS.iter().zip(all(&case.json["weight_gradients"])) {
            let what = format!("{}, gradient of {name}", case.name);
            assert_close(&what, &gradient(&mut gradients, &parameters, name), &expected.data, TOLERANCE);
        }
    }
}

#[test]
fn sums_along_graphs_agree_with_pytorch() {
    for json in fixture("graphs") {
        let (name, inputs) = (json["name"].as_str().unwrap(), all(&json["inputs"]));
        let ends = indices(&json["ends"]).into_iter().map(|n| n as usize).collect();
        let edge = |e: &serde_json::Value| {
            let number = |at: usize| e[at].as_f64().unwrap();
            (number(0) as u32, number(1) as u32, number(2) as f32)
        };
        let graph = Graph::new(ends, json["edges"].as_array().unwrap().iter().map(edge).collect()).unwrap();
        let upstream = numbers(&json["upstream"]);
        let run = |session: &mut Session| -> Result<(Var, Loss)> {
            let mut x = Vec::new();
            for (name, numbers) in INPUTS.iter().zip(&inputs) {
                let table = session.table(name, numbers.dims[0], numbers.dims[1], Init::Zeros);
                x.push(session.lookup(table, &(0..numbers.dims[0] as u32).collect::<Vec<_>>())?);
            }
            let mut sums = vec![session.join_rows(&x.iter().collect::<Vec<_>>())?];
            for _ in 0..json["layers"].as_u64().unwrap() {
                sums.push(session.propagate(&sums[sums.len() - 1].clone(), graph.whole())?);
            }
            let mut y = sums[sums.len() - 1].clone();
            if json["combine"] == "mean" {
                y = sums[0].clone();
                for layer in &sums[1..] {
                    y = session.apply(Op::Add, &[&y, layer], &[])?;
                }
                let factor = 1.0 / sums.len() as f32;
                y = session.apply(Op::Affine { factor, offset: 0.0 }, &[&y], &[])?;
            }
            let upstream = session.constant(upstream.dims[0], &[upstream.dims[1]], upstream.data.clone())?;
            let product = session.apply(Op::Multiply, &[&y, &upstream], &[])?;
            Ok((y, session.total(&product, None)?))
        };
        let mut parameters = Parameters::new(1);
        run(&mut Session::making(&mut parameters)).unwrap();
        for (name, numbers) in INPUTS.iter().zip(&inputs) {
            parameters.set_values(parameters.find(name).unwrap(), &numbers.data).unwrap();
        }
        let mut session = Session::training(&parameters, Moment::default());
        let (y, loss) = run(&mut session).unwrap();
        assert_close(name, session.values(&y).unwrap(), &numbers(&json["value"]).data, TOLERANCE);
        let mut gradients = session.backward(&loss, 1.0).unwrap();
        for (input, expected) in INPUTS.iter().zip(all(&json["input_gradients"])) {
            let what = format!("{name}, gradient of {input}");
            assert_close(&what, &gradient(&mut gradients, &parameters, input), &expected.data, TOLERANCE);
        }
    }
}

#[test]
fn losses_agree_with_pytorch() {
    for json in fixture("losses").into_iter().chain(fixture("pairs")) {
        let name = json["name"].as_str().unwrap();
        let inputs = all(&json["inputs"]);
        let weights = json["row_weights"].is_array().then(|| floats(&json["row_weights"]));
        let weights = weights.as_deref();
        let targets = || floats(&json["targets"]);
        // Each loss from what is before the last function, and from its result: the same numbers.
        for before in [true, false] {
            if !before && !["cross_entropy", "binary_cross_entropy"].contains(&name) {
                continue;
            }
            let run = |session: &mut Session| -> Result<Loss> {
                let mut x: Vec<Var> = Vec::new();
                for (name, numbers) in INPUTS.iter().zip(&inputs) {
                    let table = session.table(name, numbers.dims[0], numbers.dims[1], Init::Zeros);
                    let rows: Vec<u32> = (0..numbers.dims[0] as u32).collect();
                    x.push(session.lookup(table, &rows)?);
                }
                match (name, before) {
                    ("cross_entropy", true) => {
                        session.cross_entropy_of_logits(&x[0], &indices(&json["classes"]), weights)
                    }
                    ("cross_entropy", false) => {
                        let p = session.apply(Op::Softmax, &[&x[0]], &[])?;
                        assert_eq!(session.before(&p)?, Some(x[0].clone()));
                        session.cross_entropy(&p, &indices(&json["classes"]), weights)
                    }
                    ("binary_cross_entropy", true) => {
                        session.binary_cross_entropy_of_logits(&x[0], &targets(), weights)
                    }
                    ("binary_cross_entropy", false) => {
                        let p = session.apply(Op::Sigmoid, &[&x[0]], &[])?;
                        session.binary_cross_entropy(&p, &targets(), weights)
                    }
                    ("squared_error", _) => session.squared_error(&x[0], &targets(), weights),
                    ("cosine_gap", _) => session.cosine_gap(&x[0], &x[1], weights),
                    ("info_nce", _) => {
                        let temperature = json["temperature"].as_f64().unwrap() as f32;
                        session.info_nce((&x[0], &x[1]), temperature, json["symmetric"] == true, weights)
                    }
                    ("bpr", _) => session.bpr(&x[0], &x[1], weights),
                    _ => panic!("the fixtures have a loss that no test knows: {name}"),
                }
            };
            let mut parameters = Parameters::new(1);
            run(&mut Session::making(&mut parameters)).unwrap();
            for (name, numbers) in INPUTS.iter().zip(&inputs) {
                parameters.set_values(parameters.find(name).unwrap(), &numbers.data).unwrap();
            }
            let mut session = Session::training(&parameters, Moment::default());
            let loss = run(&mut session).unwrap();
            let value = json["value"].as_f64().unwrap() as f32;
            assert_close(name, &[session.sum_of(&loss).unwrap()], &[value], TOLERANCE);
            let total = weights.map_or(inputs[0].dims[0] as f64, |w| w.iter().map(|&w| f64::from(w)).sum());
            assert!((loss.weight - total).abs() < 1e-9);
            let mut gradients = session.backward(&loss, 1.0).unwrap();
            for (input, expected) in INPUTS.iter().zip(all(&json["gradients"])) {
                let what = format!("{name}, gradient of {input}");
                assert_close(&what, &gradient(&mut gradients, &parameters, input), &expected.data, TOLERANCE);
            }
        }
    }
}

#[test]
fn losses_of_plain_probabilities_agree_with_those_before_the_softmax() {
    let mut parameters = Parameters::new(3);
    let run = |session: &mut Session, plain: bool| -> Result<(Loss, Loss)> {
        let table = session.table("x", 4, 3, Init::Normal { deviation: 1.0 });
        let x = session.lookup(table, &[0, 1, 2, 3])?;
        let mut p = session.apply(Op::Softmax, &[&x], &[])?;
        let mut q = session.apply(Op::Sigmoid, &[&x], &[])?;
        if plain {
            // Picking rows hides where they come from.
            p = session.gather(&p, &[0, 1, 2, 3])?;
            q = session.gather(&q, &[0, 1, 2, 3])?;
        }
        let targets: Vec<f32> = (0..12).map(|i| (i % 2) as f32).collect();
        Ok((session.cross_entropy(&p, &[2, 1, 0, 1], None)?, session.binary_cross_entropy(&q, &targets, None)?))
    };
    run(&mut Session::making(&mut parameters), true).unwrap();
    let mut found = Vec::new();
    for plain in [true, false] {
        let mut session = Session::training(&parameters, Moment::default());
        let (a, b) = run(&mut session, plain).unwrap();
        let both = session.combine(&[(&a, 1.0), (&b, 0.5)]).unwrap();
        let mut gradients = session.backward(&both, 1.0).unwrap();
        found.push(gradient(&mut gradients, &parameters, "x"));
    }
    assert_close("gradients", &found[0], &found[1], 1e-5);
}
