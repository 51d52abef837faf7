//! Three steps of each update rule against PyTorch's.

use crate::cases::{assert_close, fixture, indices, numbers};
use mmf_data::network::{Activation, Init, Network, Op};
use mmf_tensor::{Moment, Optimizer, Parameters, Rule, Session};
use serde_json::Value;

fn rule(json: &Value) -> Rule {
    let number = |key: &str| json[key].as_f64().unwrap();
    let (rate, betas, epsilon) = (number("rate"), [0.9, 0.999], 1e-8);
    match json["name"].as_str().unwrap() {
        "gradient_descent" => Rule::GradientDescent { rate },
        "sgd" => Rule::Sgd { rate, decay: number("decay") },
        name @ ("momentum" | "nesterov") => {
            let nesterov = name == "nesterov";
            Rule::Momentum { rate, momentum: number("momentum"), nesterov, decay: number("decay") }
        }
        "adam" => Rule::Adam { rate, betas, epsilon, decay: number("decay") },
        "adam_w" => Rule::AdamW { rate, betas, epsilon, decay: number("decay") },
        other => panic!("the fixtures have a rule that no test knows: {other}"),
    }
}

#[test]
fn rules_agree_with_pytorch() {
    for json in fixture("optimizers") {
        let name = json["name"].as_str().unwrap();
        let start = numbers(&json["start"]);
        let (rows, width) = (start.dims[0], start.dims[1]);
        let table = json["table"].as_bool().unwrap();
        let mut parameters = Parameters::new(1);
        let mut session = Session::making(&mut parameters);
        let w = if table {
            session.table("w", rows, width, Init::Zeros)
        } else {
            session.parameter("w", &[rows, width], Init::Zeros)
        };
        drop(session);
        parameters.set_values(w, &start.data).unwrap();
        let mut optimizer = Optimizer::new(rule(&json));
        for (i, step) in json["steps"].as_array().unwrap().iter().enumerate() {
            let given = numbers(&step["gradient"]);
            let mut session = Session::training(&parameters, Moment::default());
            // `Σ w·given` has the gradient that is given.
            let value = if table {
                session.lookup(w, &indices(&step["index"])).unwrap()
            } else {
                let one = (0..rows * rows).map(|i| if i % (rows + 1) == 0 { 1.0 } else { 0.0 }).collect();
                let one = session.constant(rows, &[rows], one).unwrap();
                session.apply(Op::Dense(Activation::None), &[&one], &[w]).unwrap()
            };
            let given = session.constant(given.dims[0], &[width], given.data).unwrap();
            let product = session.apply(Op::Multiply, &[&value, &given], &[]).unwrap();
            let loss = session.total(&product, None).unwrap();
            let mut gradients = session.backward(&loss, 1.0).unwrap();
            optimizer.step(&mut parameters, &mut gradients).unwrap();
            // Saved and read back between any two steps, it goes on as if it had not been.
            let saved = optimizer.to_bytes(&parameters).unwrap();
            optimizer = Optimizer::from_bytes(&saved, optimizer.rule(), &parameters).unwrap();
            let what = format!("{name} (table: {table}), step {}", i + 1);
            assert_close(&what, parameters.values(w).unwrap(), &numbers(&step["weight"]).data, 1e-6);
        }
    }
}

#[test]
fn rows_that_no_input_read_stay_as_they_are() {
    let mut parameters = Parameters::new(1);
    let w = Session::making(&mut parameters).table("w", 50, 4, Init::Normal { deviation: 1.0 });
    let before = parameters.values(w).unwrap().to_vec();
    let mut optimizer = Optimizer::new(Rule::AdamW { rate: 0.1, betas: [0.9, 0.999], epsilon: 1e-8, decay: 0.5 });
    for _ in 0..3 {
        let mut session = Session::training(&parameters, Moment::default());
        let x = session.lookup(w, &[7, 30, 7]).unwrap();
        let loss = session.total(&x, None).unwrap();
        let mut gradients = session.backward(&loss, 1.0).unwrap();
        optimizer.step(&mut parameters, &mut gradients).unwrap();
    }
    let after = parameters.values(w).unwrap();
    for row in 0..50 {
        let same = before[row * 4..][..4] == after[row * 4..][..4];
        assert_eq!(same, row != 7 && row != 30, "row {row}");
    }
}
