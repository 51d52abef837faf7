//! Reads the fixtures that `make_tensor_fixtures.py` and `tensor_layers.py` have written, and builds their operations.

use mmf_data::error::Result;
use mmf_data::network::{Activation, Init, Network, Op, Parameter, Var};
use mmf_tensor::{Loss, Parameters, Session};
use serde_json::Value;

pub(crate) const INPUTS: [&str; 3] = ["x0", "x1", "x2"];
pub(crate) const WEIGHTS: [&str; 12] = ["w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9", "w10", "w11"];

/// A matrix of a fixture.
#[derive(Clone)]
pub(crate) struct Numbers {
    pub dims: Vec<usize>,
    pub data: Vec<f32>,
}

pub(crate) fn fixture(name: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/fixtures/tensor/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn floats(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

pub(crate) fn indices(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as u32).collect()
}

pub(crate) fn numbers(value: &Value) -> Numbers {
    let dims = value["dims"].as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as usize).collect();
    Numbers { dims, data: floats(&value["data"]) }
}

pub(crate) fn all(value: &Value) -> Vec<Numbers> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

/// An operation of the fixtures, its inputs as tables, so that gradients reach them.
pub(crate) struct Case {
    pub name: String,
    pub inputs: Vec<Numbers>,
    pub weights: Vec<Numbers>,
    pub upstream: Numbers,
    pub json: Value,
}

impl Case {
    pub(crate) fn new(json: Value) -> Self {
        Case {
            name: json["name"].as_str().unwrap().to_owned(),
            inputs: all(&json["inputs"]),
            weights: all(&json["weights"]),
            upstream: numbers(&json["upstream"]),
            json,
        }
    }

    /// Returns the weights of a first pass, set to the fixture's numbers.
    pub(crate) fn parameters(&self) -> Parameters {
        let mut parameters = Parameters::new(1);
        let mut session = Session::making(&mut parameters);
        self.run(&mut session).unwrap();
        drop(session);
        let twice = self.name.ends_with("itself");
        for (name, numbers) in INPUTS.iter().zip(&self.inputs).take(if twice { 1 } else { 3 }) {
            parameters.set_values(parameters.find(name).unwrap(), &numbers.data).unwrap();
        }
        for (name, numbers) in WEIGHTS.iter().zip(&self.weights) {
            parameters.set_values(parameters.find(name).unwrap(), &numbers.data).unwrap();
        }
        parameters
    }

    /// Computes the operation, and the sum of its result times the fixture's `upstream`.
    pub(crate) fn run(&self, session: &mut Session) -> Result<(Var, Loss)> {
        let mut inputs = Vec::new();
        for (name, numbers) in INPUTS.iter().zip(&self.inputs) {
            let table = session.table(name, numbers.dims[0], numbers.dims[1], Init::Zeros);
            let rows: Vec<u32> = (0..numbers.dims[0] as u32).collect();
            inputs.push(session.lookup(table, &rows)?);
        }
        let mut inputs: Vec<&Var> = inputs.iter().collect();
        if self.name.ends_with("itself") {
            inputs[1] = inputs[0];
        }
        let weights: Vec<Parameter> = if self.name == "embedding" {
            let dims = &self.weights[0].dims;
            vec![session.table(WEIGHTS[0], dims[0], dims[1], Init::Zeros)]
        } else {
            let dense = WEIGHTS.iter().zip(&self.weights);
            dense.map(|(name, w)| session.parameter(name, &w.dims, Init::Zeros)).collect()
        };
        let y = self.apply(session, &inputs, &weights)?;
        let upstream = session.constant(self.upstream.dims[0], &[self.upstream.dims[1]], self.upstream.data.clone())?;
        let product = session.apply(Op::Multiply, &[&y, &upstream], &[])?;
        let loss = session.total(&product, None)?;
        Ok((y, loss))
    }

    fn apply(&self, session: &mut Session, inputs: &[&Var], weights: &[Parameter]) -> Result<Var> {
        let number = |key: &str| self.json[key].as_f64().unwrap() as f32;
        let op = match self.name.split(' ').next().unwrap() {
            "dense" => Op::Dense(match self.name.as_str() {
                "dense relu" | "dense without bias" => Activation::Relu,
                "dense tanh" => Activation::Tanh,
                "dense sigmoid" => Activation::Sigmoid,
                _ => Activation::None,
            }),
            "relu" => Op::Relu,
            "tanh" => Op::Tanh,
            "sigmoid" => Op::Sigmoid,
            "softmax" => {
                let scaled = session.apply(Op::Affine { factor: number("factor"), offset: 0.0 }, inputs, &[])?;
                return session.apply(Op::Softmax, &[&scaled], &[]);
            }
            "layer_norm" => Op::LayerNorm { epsilon: 1e-5 },
            "concat" => Op::Concat,
            "add" => Op::Add,
            "subtract" => Op::Subtract,
            "multiply" => Op::Multiply,
            "divide" => Op::Divide,
            "affine" => Op::Affine { factor: number("factor"), offset: number("offset") },
            "dot" => Op::Dot,
            "gate" => Op::Gate,
            "gather" => return session.gather(inputs[0], &indices(&self.json["index"])),
            "embedding" => return session.lookup(weights[0], &indices(&self.json["index"])),
            other => panic!("the fixtures have an operation that no test knows: {other}"),
        };
        session.apply(op, inputs, weights)
    }
}

/// Asserts that numbers agree to `tolerance`, relative to the greatest of them or absolutely below 1.
pub(crate) fn assert_close(what: &str, ours: &[f32], theirs: &[f32], tolerance: f32) {
    assert_eq!(ours.len(), theirs.len(), "{what}: other counts");
    let scale = theirs.iter().fold(1.0f32, |a, b| a.max(b.abs()));
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{what}, number {i}: {a}, but PyTorch has {b}");
    }
}
