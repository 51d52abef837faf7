//! What inputs count, as a train tells it.

use mmf_tensor::{Parameters, Session};

use super::*;
use crate::train::network::{Circuit, TaskRows};

const ROWS: usize = 60;

/// A plan with two leaves of three numbers under a stage.
fn under(stage: &str) -> (Plan, [Vec<f32>; 2]) {
    let numbers = [5, 6].map(|salt| noise(ROWS * 3, salt).into_iter().map(|x| 4.0 * x - 2.0).collect::<Vec<f32>>());
    let mut plan = Building::new(&[ROWS]);
    let leaves: Vec<Edge> = numbers
        .iter()
        .map(|numbers| here(plan.leaf(0, Column::new(Rows::all(ROWS), Values::vector(3, numbers.clone())))))
        .collect();
    let stage = plan.stage(0, stage, Args::default(), leaves);
    // That of several inputs: `attention` also goes over steps.
    plan.last_form(stage);
    (plan.output("output", here(stage)), numbers)
}

/// Makes the weights of a plan, and sets what starts even to `v`.
fn made(circuit: &Circuit<'_>, v: &[f32]) -> Parameters {
    let rows: Vec<u32> = (0..ROWS as u32).collect();
    let mut parameters = circuit.make(3, TaskRows::Table(&rows), &[circuit.output("output").unwrap()]).unwrap();
    for parameter in parameters.all().collect::<Vec<_>>() {
        if parameters.values(parameter).unwrap().iter().all(|&x| x == 0.0) {
            parameters.set_values(parameter, v).unwrap();
        }
    }
    parameters
}

fn told(stage: &str, v: &[f32]) -> (Vec<f64>, Vec<Vec<f32>>, [Vec<f32>; 2]) {
    let (plan, numbers) = under(stage);
    let circuit = Circuit::new(&plan).unwrap();
    let parameters = made(&circuit, v);
    let found = circuit.weighing(&parameters, TaskRows::Table(&[])).unwrap();
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [format!("{stage} 1: input 1"), format!("{stage} 1: input 2")]);
    let weights = parameters.all().map(|p| parameters.values(p).unwrap().to_vec()).collect();
    (found.into_iter().map(|(_, weight)| weight).collect(), weights, numbers)
}

fn sigmoid(x: f32) -> f64 {
    1.0 / (1.0 + f64::from(-x).exp())
}

#[test]
fn a_weighted_sum_tells_its_softmax() {
    let (found, _, _) = told("weighted", &[1.0, -0.5]);
    assert!((found[0] - sigmoid(1.5)).abs() < 1e-6 && (found[1] - sigmoid(-1.5)).abs() < 1e-6, "{found:?}");
}

#[test]
fn attention_tells_the_mean_over_rows() {
    let (found, weights, numbers) = told("attention", &[0.0]);
    // v · tanh(W·x + b) of each input; W is 3 × 3, as its input is wide.
    let [w, b, v] = &weights[..] else { panic!("{}", weights.len()) };
    let score = |x: &[f32]| -> f32 {
        (0..3).map(|j| v[j] * (b[j] + (0..3).map(|i| x[i] * w[3 * i + j]).sum::<f32>()).tanh()).sum()
    };
    let rows = numbers[0].chunks_exact(3).zip(numbers[1].chunks_exact(3));
    let mean = rows.map(|(a, b)| sigmoid(score(a) - score(b))).sum::<f64>() / ROWS as f64;
    assert!((found[0] - mean).abs() < 1e-5 && (found[0] + found[1] - 1.0).abs() < 1e-6, "{found:?}, not {mean}");
    assert!((mean - 0.5).abs() > 1e-3);
}

#[test]
fn a_gate_tells_the_mean_of_what_it_lets_through() {
    let (found, weights, numbers) = told("gate", &[0.0]);
    let [.., w, b] = &weights[..] else { panic!("{}", weights.len()) };
    let rows = numbers[0].chunks_exact(3).zip(numbers[1].chunks_exact(3));
    let z = |(x, y): (&[f32], &[f32])| -> f64 {
        let both = [x, y].concat();
        (0..3).map(|j| sigmoid(b[j] + (0..6).map(|i| both[i] * w[3 * i + j]).sum::<f32>())).sum::<f64>() / 3.0
    };
    let mean = rows.map(z).sum::<f64>() / ROWS as f64;
    assert!((found[0] - mean).abs() < 1e-5 && (found[0] + found[1] - 1.0).abs() < 1e-6, "{found:?}, not {mean}");
}

#[test]
fn what_carries_the_label_comes_to_count_more_and_only_such_passes_ask() {
    let (plan, numbers) = under("weighted");
    let mut plan = Building(Plan { outputs: Vec::new(), ..plan });
    let z = plan.stage(0, "dense", args(&[("units", int(1))]), vec![here(2)]);
    let p = plan.stage(0, "sigmoid", Args::default(), vec![here(z)]);
    let labels: Vec<bool> = numbers[1].chunks_exact(3).map(|x| x[0] - x[2] > 0.0).collect();
    let y = Column::new(Rows::all(ROWS), Values::Bool(Arc::new(labels)));
    let call = call(split(vec![("y", y)], |_| Part::Train), plan.output("output", here(p)));
    let args = args(&[
        ("label", ArgValue::Column("y".into())),
        ("epochs", int(40)),
        ("optimizer", recipe("adam", &[("lr", ArgValue::Float(0.05))])),
    ]);
    let host = Listening::new(usize::MAX);
    train_on(&host, "classify", &args, &call).unwrap();
    let [first, second] = [1, 2].map(|input| host.curve(&format!("weighted 1: input {input}")));
    assert_eq!((first.len(), second.len()), (40, 40));
    assert!(second[39] > 0.7 && second[39] > second[0], "{second:?}");
    assert!(first.iter().zip(&second).all(|(a, b)| (a + b - 1.0).abs() < 1e-6));

    let circuit = Circuit::new(&call.plan).unwrap();
    let parameters = made(&circuit, &[0.0, 0.0]);
    let mut plain = Session::reading(&parameters);
    circuit.forward(&mut plain, TaskRows::Table(&[0, 1]), &[circuit.output("output").unwrap()]).unwrap();
    assert!(call.plan.nodes.iter().all(|node| plain.weighing(node.place).is_none()));
}
