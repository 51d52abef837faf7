//! Layers over maps and sequences: values and gradients against PyTorch's, and against slopes.

use crate::cases::{INPUTS, Numbers, WEIGHTS, all, assert_close, fixture, indices, numbers};
use crate::differences::check;
use crate::reference::gradient;
use mmf_data::error::Result;
use mmf_data::network::{Activation, Init, Network, Op, Parameter, Recurrent, Steps, Var, Window};
use mmf_tensor::{Loss, Moment, Optimizer, Parameters, Rule, Session};
use serde_json::Value;

const TOLERANCE: f32 = 4e-6;
const STATES: [&str; 2] = ["s0", "s1"];

struct Layer {
    name: String,
    inputs: Vec<Numbers>,
    weights: Vec<Numbers>,
    states: Vec<Numbers>,
    upstream: Numbers,
    lengths: Option<Vec<u32>>,
    json: Value,
}

impl Layer {
    fn all() -> Vec<Self> {
        let layers = fixture("layers").into_iter().map(|json| Layer {
            name: json["name"].as_str().unwrap().to_owned(),
            inputs: all(&json["inputs"]),
            weights: all(&json["weights"]),
            states: json["before"].as_array().map_or(Vec::new(), |_| all(&json["before"])),
            upstream: numbers(&json["upstream"]),
            lengths: json["lengths"].as_array().map(|_| indices(&json["lengths"])),
            json,
        });
        layers.collect()
    }

    /// Returns how many inputs differ.
    fn distinct(&self) -> usize {
        if self.name.ends_with("itself") { 1 } else { 3 }
    }

    fn parameters(&self) -> Parameters {
        let mut parameters = Parameters::new(1);
        self.run(&mut Session::making(&mut parameters)).unwrap();
        let named = INPUTS.iter().zip(&self.inputs).take(self.distinct());
        let weights = WEIGHTS.iter().zip(&self.weights).chain(STATES.iter().zip(&self.states));
        for (name, numbers) in named.chain(weights) {
            parameters.set_values(parameters.find(name).unwrap(), &numbers.data).unwrap();
        }
        parameters
    }

    fn run(&self, session: &mut Session) -> Result<(Var, Loss)> {
        let mut inputs = Vec::new();
        for (name, numbers) in INPUTS.iter().zip(&self.inputs).take(self.distinct()) {
            let (rows, width) = (numbers.dims[0], numbers.dims[1..].iter().product());
            let table = session.table(name, rows, width, Init::Zeros);
            let flat = session.lookup(table, &(0..rows as u32).collect::<Vec<_>>())?;
            let mut x = session.view(&flat, rows, &numbers.dims[1..])?;
            if let Some(lengths) = &self.lengths {
                x = session.sequence(&x, lengths)?;
            }
            inputs.push(x);
        }
        let mut inputs: Vec<&Var> = inputs.iter().collect();
        if self.name.ends_with("itself") {
            inputs = vec![inputs[0]; 3];
        }
        let mut weights = Vec::new();
        for (name, w) in WEIGHTS.iter().zip(&self.weights) {
            weights.push(match &self.name[..] {
                "tokens" => session.table(name, w.dims[0], w.dims[1], Init::Zeros),
                _ => session.parameter(name, &w.dims, Init::Zeros),
            });
        }
        for (name, s) in STATES.iter().zip(&self.states) {
            weights.push(session.state(name, &s.dims, Init::Zeros));
        }
        let y = self.apply(session, &inputs, &weights)?;
        assert_eq!([&[y.rows][..], &y.dims].concat(), self.upstream.dims, "{}", self.name);
        let upstream = session.constant(y.rows, &y.dims, self.upstream.data.clone())?;
        let product = session.apply(Op::Multiply, &[&y, &upstream], &[])?;
        let loss = session.total(&product, None)?;
        Ok((y, loss))
    }

    fn apply(&self, session: &mut Session, inputs: &[&Var], weights: &[Parameter]) -> Result<Var> {
        let pair = |key: &str| -> [usize; 2] {
            let found = self.json[key].as_array().unwrap();
            [0, 1].map(|i| found[i].as_u64().unwrap() as usize)
        };
        let window = || Window { kernel: pair("kernel"), stride: pair("stride"), padding: pair("padding") };
        let flag = |key: &str| self.json[key].as_bool().unwrap();
        let how = || Recurrent { backwards: flag("backwards"), all: flag("all") };
        let op = match &self.name[..] {
            "conv" => Op::Conv(window()),
            "max_pool" => Op::MaxPool(window()),
            "avg_pool" => Op::AveragePool(window()),
            "batch_norm" => Op::BatchNorm { epsilon: 1e-5, momentum: 0.1 },
            "lstm" => Op::Lstm(how()),
            "gru" => Op::Gru(how()),
            "attention" | "attention side by side" | "attention of itself" => {
                let heads = self.json["heads"].as_u64().unwrap() as usize;
                Op::Attention { heads, causal: flag("causal") }
            }
            "attend" => Op::Attend,
            "positions" => Op::Positions,
            "steps mean" => Op::Steps(Steps::Mean),
            "steps sum" => Op::Steps(Steps::Sum),
            "steps greatest" => Op::Steps(Steps::Greatest),
            "steps last" => Op::Steps(Steps::Last),
            "tokens" => {
                let (index, steps) = (indices(&self.json["index"]), self.json["steps"].as_u64().unwrap() as usize);
                return session.lookup_steps(weights[0], &index, self.lengths.as_ref().unwrap(), steps);
            }
            "block" => return block(session, inputs[0], weights),
            other => panic!("the fixtures have a layer that no test knows: {other}"),
        };
        session.apply(op, inputs, weights)
    }
}

/// A block of a transformer, its dense layers and norms step by step, and the mean of its steps.
fn block(session: &mut Session, x: &Var, w: &[Parameter]) -> Result<Var> {
    let [steps, n] = x.dims[..] else { panic!("a sequence") };
    let lengths = session.lengths(x).unwrap().to_vec();
    let norm = Op::LayerNorm { epsilon: 1e-5 };
    let dense = Op::Dense(Activation::None);
    let flat = session.view(x, x.rows * steps, &[n])?;
    let h = session.apply(norm, &[&flat], &w[..2])?;
    let h = session.apply(dense, &[&h], &w[2..4])?;
    let h = session.view(&h, x.rows, &[steps, 3 * n])?;
    let h = session.sequence(&h, &lengths)?;
    let h = session.apply(Op::Attention { heads: 2, causal: true }, &[&h], &[])?;
    let h = session.view(&h, x.rows * steps, &[n])?;
    let h = session.apply(dense, &[&h], &w[4..6])?;
    let flat = session.apply(Op::Add, &[&flat, &h], &[])?;
    let h = session.apply(norm, &[&flat], &w[6..8])?;
    let h = session.apply(Op::Dense(Activation::Relu), &[&h], &w[8..10])?;
    let h = session.apply(dense, &[&h], &w[10..12])?;
    let flat = session.apply(Op::Add, &[&flat, &h], &[])?;
    let y = session.view(&flat, x.rows, &[steps, n])?;
    let y = session.sequence(&y, &lengths)?;
    session.apply(Op::Steps(Steps::Mean), &[&y], &[])
}

#[test]
fn layers_agree_with_pytorch() {
    let layers = Layer::all();
    assert!(layers.len() > 40);
    for layer in layers {
        let name = &layer.name;
        let mut parameters = layer.parameters();
        let mut session = Session::training(&parameters, Moment::default());
        let (y, loss) = layer.run(&mut session).unwrap();
        let value = numbers(&layer.json["value"]).data;
        assert_close(&format!("{name}, value"), session.values(&y).unwrap(), &value, TOLERANCE);
        let mut gradients = session.backward(&loss, 1.0).unwrap();
        let inputs = all(&layer.json["input_gradients"]);
        let weights = all(&layer.json["weight_gradients"]);
        let wanted = INPUTS.iter().zip(&inputs).take(layer.distinct()).chain(WEIGHTS.iter().zip(&weights));
        for (of, expected) in wanted {
            let what = format!("{name}, gradient of {of}");
            assert_close(&what, &gradient(&mut gradients, &parameters, of), &expected.data, TOLERANCE);
        }
        Optimizer::new(Rule::Sgd { rate: 0.0, decay: 0.0 }).step(&mut parameters, &mut gradients).unwrap();
        for (state, expected) in STATES.iter().zip(all(&layer.json["states"])) {
            let ours = parameters.values(parameters.find(state).unwrap()).unwrap();
            assert_close(&format!("{name}, {state}"), ours, &expected.data, TOLERANCE);
        }
    }
}

#[test]
fn gradients_of_layers_are_slopes() {
    for layer in Layer::all() {
        check(&layer.name, &layer.parameters(), |session| Ok(layer.run(session)?.1));
    }
}

#[test]
fn steps_of_a_value_are_those_of_its_table() {
    // Rows of a table that were looked up before, and the table itself.
    let (index, lengths, steps) = ([4u32, 1, 1, 0, 3], [2u32, 0, 3], 4);
    let run = |looked_up: bool| {
        let mut parameters = Parameters::new(5);
        let pass = |session: &mut Session| -> Result<(Var, Loss)> {
            let table = session.table("t", 5, 3, Init::Normal { deviation: 1.0 });
            let x = if looked_up {
                let rows = session.lookup(table, &[3, 1, 0, 4])?;
                session.gather_steps(&rows, &[3, 1, 1, 2, 0], &lengths, steps)?
            } else {
                session.lookup_steps(table, &index, &lengths, steps)?
            };
            let scale: Vec<f32> = (0..36).map(|i| (i as f32 * 0.7).sin()).collect();
            let scale = session.constant(3, &[steps, 3], scale)?;
            let product = session.apply(Op::Multiply, &[&x, &scale], &[])?;
            let loss = session.total(&product, None)?;
            Ok((x, loss))
        };
        pass(&mut Session::making(&mut parameters)).unwrap();
        let mut session = Session::training(&parameters, Moment::default());
        let (x, loss) = pass(&mut session).unwrap();
        let values = session.values(&x).unwrap().to_vec();
        assert_eq!(session.lengths(&x).unwrap(), lengths);
        let mut gradients = session.backward(&loss, 1.0).unwrap();
        (values, gradient(&mut gradients, &parameters, "t"))
    };
    assert_eq!(run(true), run(false));
}
