//! Whole fusion stages against PyTorch: values, and gradients of inputs and weights.

use std::collections::BTreeMap;

use mmf_data::error::Result;
use mmf_data::network::{Init, Network, Op, Var};
use mmf_data::stage::{Body, JointCall};
use mmf_lang::args::{ArgValue, Args};
use mmf_tensor::{Gradients, Loss, Moment, Parameters, Session};
use serde_json::Value;

use crate::extract::each::tests::fixture;

const TOLERANCE: f32 = 5e-6;
const INPUTS: [&str; 3] = ["x0", "x1", "x2"];

struct Numbers {
    dims: Vec<usize>,
    data: Vec<f32>,
}

fn numbers(value: &Value) -> Numbers {
    Numbers {
        dims: value["dims"].as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as usize).collect(),
        data: value["data"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect(),
    }
}

fn all(value: &Value) -> Vec<Numbers> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

/// Returns the numbers of the steps that are there, row by row; of all, where there are no lengths.
fn real(x: &Numbers, lengths: Option<&[u32]>) -> Vec<f32> {
    let Some(lengths) = lengths else { return x.data.clone() };
    let (steps, width) = (x.dims[1], x.dims[2]);
    let row = |(row, &length): (usize, &u32)| x.data[row * steps * width..][..length as usize * width].to_vec();
    lengths.iter().enumerate().flat_map(row).collect()
}

struct Case {
    json: Value,
    args: Args,
    inputs: Vec<Numbers>,
    lengths: Vec<Option<Vec<u32>>>,
}

impl Case {
    fn new(json: Value) -> Case {
        let arg = |value: &Value| match value {
            Value::Bool(b) => ArgValue::Bool(*b),
            value => ArgValue::Int(value.as_i64().unwrap()),
        };
        let args = json["args"].as_object().unwrap().iter().map(|(name, value)| (name.clone(), arg(value))).collect();
        let length = |value: &Value| -> Option<Vec<u32>> { serde_json::from_value(value.clone()).unwrap() };
        Case {
            args: Args(args),
            inputs: all(&json["inputs"]),
            lengths: json["lengths"].as_array().unwrap().iter().map(length).collect(),
            json,
        }
    }

    /// Runs the stage; its inputs are tables, so that gradients reach them. Returns the result, without what is padding, and the
    /// sum of its products with the fixture's `upstream`.
    fn run(&self, session: &mut Session<'_>) -> Result<(Vec<f32>, Loss)> {
        let mut inputs = Vec::new();
        for ((name, x), lengths) in INPUTS.iter().zip(&self.inputs).zip(&self.lengths) {
            let width = *x.dims.last().unwrap();
            let rows = real(x, lengths.as_deref()).len() / width;
            let table = session.table(name, rows, width, Init::Zeros);
            let index: Vec<u32> = (0..rows as u32).collect();
            inputs.push(match (lengths, &x.dims[..]) {
                (Some(lengths), _) => session.lookup_steps(table, &index, lengths, x.dims[1])?,
                (None, [rows, steps, width]) => {
                    let flat = session.lookup(table, &index)?;
                    session.view(&flat, *rows, &[*steps, *width])?
                }
                _ => session.lookup(table, &index)?,
            });
        }
        let stage = crate::find(self.json["stage"].as_str().unwrap()).unwrap();
        let Body::Joint(joint) = stage.body(self.json["alternative"].as_u64().unwrap() as usize) else { panic!() };
        let rows: Vec<u32> = (0..inputs[0].rows as u32).collect();
        let call = JointCall {
            args: &self.args,
            rows: &rows,
            total: rows.len(),
            trained: None,
            steps: None,
            graph: None,
            chosen: None,
        };
        let y = joint(&call, session, &inputs)?;
        let lengths = session.lengths(&y).map(<[u32]>::to_vec);
        let expected = numbers(&self.json["value"]);
        assert_eq!([&[y.rows][..], &y.dims].concat(), expected.dims, "{}", self.json["stage"]);
        let made = Numbers { dims: expected.dims, data: session.values(&y)?.to_vec() };
        let loss = self.against_upstream(session, &y, lengths.as_deref())?;
        Ok((real(&made, lengths.as_deref()), loss))
    }

    fn against_upstream(&self, session: &mut Session<'_>, y: &Var, lengths: Option<&[u32]>) -> Result<Loss> {
        let mut upstream = numbers(&self.json["upstream"]);
        if let Some(lengths) = lengths {
            let (steps, width) = (upstream.dims[1], upstream.dims[2]);
            for (row, &length) in lengths.iter().enumerate() {
                upstream.data[(row * steps + length as usize) * width..(row + 1) * steps * width].fill(0.0);
            }
        }
        let upstream = session.constant(y.rows, &[y.width()], upstream.data)?;
        let flat = session.view(y, y.rows, &[y.width()])?;
        let product = session.apply(Op::Multiply, &[&flat, &upstream], &[])?;
        session.total(&product, None)
    }
}

fn close(what: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let scale = theirs.iter().fold(1.0f32, |scale, x| scale.max(x.abs()));
    for (at, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= TOLERANCE * scale, "{what}, {at}: {a}, not {b}");
    }
}

fn gradient(gradients: &mut Gradients, parameters: &Parameters, name: &str) -> Vec<f32> {
    gradients.whole(parameters, parameters.find(name).unwrap()).unwrap()
}

#[test]
fn fusion_stages_agree_with_pytorch() {
    let cases = fixture("tensor/fusion.json");
    let mut seen = BTreeMap::new();
    for json in cases.as_array().unwrap() {
        let case = Case::new(json.clone());
        let name = json["stage"].as_str().unwrap();
        *seen.entry(name).or_insert(0) += 1;
        let mut parameters = Parameters::new(1);
        let mut session = Session::making(&mut parameters);
        case.run(&mut session).unwrap();
        drop(session);
        for ((input, x), lengths) in INPUTS.iter().zip(&case.inputs).zip(&case.lengths) {
            parameters.set_values(parameters.find(input).unwrap(), &real(x, lengths.as_deref())).unwrap();
        }
        let weights = json["weights"].as_object().unwrap();
        assert_eq!(parameters.all().count(), weights.len() + case.inputs.len(), "{name}: weights by count");
        for (weight, x) in weights {
            parameters.set_values(parameters.find(weight).unwrap(), &numbers(x).data).unwrap();
        }
        let mut session = Session::training(&parameters, Moment::default());
        let (made, loss) = case.run(&mut session).unwrap();
        let expected = numbers(&json["value"]);
        let lengths = if expected.dims.len() == 3 { case.lengths[0].as_deref() } else { None };
        close(&format!("{name}, value"), &made, &real(&expected, lengths));
        let mut gradients = session.backward(&loss, 1.0).unwrap();
        for ((input, x), lengths) in INPUTS.iter().zip(all(&json["input_gradients"])).zip(&case.lengths) {
            let what = format!("{name}, gradient of {input}");
            close(&what, &gradient(&mut gradients, &parameters, input), &real(&x, lengths.as_deref()));
        }
        for (weight, x) in json["weight_gradients"].as_object().unwrap() {
            let what = format!("{name}, gradient of {weight}");
            close(&what, &gradient(&mut gradients, &parameters, weight), &numbers(x).data);
        }
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
}
