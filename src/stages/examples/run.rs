//! Runs the graph of an example: what the engine does, in the simplest words. Everything is whole and in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use mmf_data::network::Network;
use mmf_data::stage::{Batch, Body, Context, Input, JointCall, Quiet};
use mmf_data::table::{Column, Rows, Split, Table, Value};
use mmf_data::values::{Map, Sequences, Values};
use mmf_lang::args::{ArgValue, Args};
use mmf_lang::graph::{Fit, Graph, NodeId, NodeKind};
use mmf_lang::notation::{Notation, Pattern};
use mmf_lang::types::Part;
use mmf_tensor::{Parameters, Session};

use super::literal::Literal;
use crate::train::network::leaf::Leaf;

/// Evaluates a node. `tables` are the sources' rows, by path.
pub(super) fn run(graph: &Graph, id: NodeId, tables: &BTreeMap<String, Table>) -> Result<Value, String> {
    let node = graph.node(id);
    let inputs = node.inputs.iter().map(|&i| run(graph, i, tables)).collect::<Result<Vec<Value>, String>>()?;
    let context = Context { seed: 7, base: Path::new("."), host: &Quiet };
    let said = |error: mmf_data::error::Error| error.to_string();
    match &node.kind {
        NodeKind::Column(name) => {
            Ok(Value::Column(inputs[0].table().map_err(said)?.column(name).map_err(said)?.clone()))
        }
        NodeKind::Stage { stage: name, alternative, args, fit, .. } => {
            let stage = crate::find(name).ok_or("no such stage")?;
            let made = |literal: Result<Literal, String>| literal.is_ok_and(|l| l.maker() == Some(*name));
            if let [input @ Value::Column(_)] = &inputs[..]
                && made(Literal::of(input))
            {
                // It was written as what this stage makes.
                return Ok(input.clone());
            }
            match stage.body(*alternative) {
                Body::Source(_) => {
                    let path = match args.find("path") {
                        Some(ArgValue::List(paths)) => paths.first().and_then(ArgValue::as_text),
                        path => path.and_then(ArgValue::as_text),
                    };
                    let path = path.ok_or("a source without a path")?;
                    Ok(Value::Table(tables.get(path).ok_or("no such table")?.clone()))
                }
                Body::Rows(rows) => {
                    let batch = batch(&inputs)?;
                    let values = rows(&context, args, &batch).map_err(said)?;
                    Ok(Value::Column(column(name, *alternative, &inputs, &batch, values)?))
                }
                Body::Fit { fit: learn, apply } => {
                    let batch = batch(&inputs)?;
                    let present: Vec<u32> =
                        (0..batch.rows as u32).filter(|&at| !batch.is_missing(at as usize)).collect();
                    let training = inputs.iter().map(|v| v.column().map(|c| c.keep(&present)));
                    let training = training.collect::<mmf_data::error::Result<Vec<_>>>().map_err(said)?;
                    let state = learn(&context, args, &training).map_err(said)?;
                    let values = apply(&context, args, &state, &batch).map_err(said)?;
                    Ok(Value::Column(column(name, *alternative, &inputs, &batch, values)?))
                }
                Body::Whole(whole) => {
                    Ok(Value::Column(whole(&context, args, inputs[0].column().map_err(said)?).map_err(said)?))
                }
                Body::Table(table) => Ok(Value::Table(table(&context, args, &inputs).map_err(said)?)),
                Body::FitTable { fit: learn, apply } => {
                    let whole = inputs[0].table().map_err(said)?;
                    let training = match (fit, &inputs[0]) {
                        (Some(Fit::Part { .. }), Value::Split(split)) => {
                            let rows = split.part(Part::Train).ok_or("a split without a training part")?;
                            whole.restrict(rows).map_err(said)?
                        }
                        _ => whole.clone(),
                    };
                    let state = learn(&context, args, &training).map_err(said)?;
                    let table = apply(&context, args, &state, whole).map_err(said)?;
                    Ok(match &inputs[0] {
                        Value::Split(split) => {
                            let left =
                                |rows: &Rows| rows.ids().into_iter().filter(|&id| table.rows.place(id).is_some());
                            let part =
                                |(part, rows): &(Part, Rows)| (*part, Rows::some(rows.total, left(rows).collect()));
                            Value::Split(Split { parts: split.parts.iter().map(part).collect(), table })
                        }
                        _ => Value::Table(table),
                    })
                }
                Body::Split(split) => Ok(Value::Split(split(&context, args, &inputs).map_err(said)?)),
                Body::Joint(joint) => layer(joint, args, &inputs),
                _ => Err(format!("`{name}` runs in no short example; write a program")),
            }
        }
        other => Err(format!("{other:?} is in no short example; write a program")),
    }
}

fn batch(inputs: &[Value]) -> Result<Batch, String> {
    let columns = inputs.iter().map(|v| v.column()).collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    let rows = columns.first().map_or(0, |c| c.len());
    let input = |c: &&Column| Input { values: c.values.clone(), missing: c.missing.clone() };
    Ok(Batch { rows, inputs: columns.iter().map(input).collect() })
}

/// Returns what a stage gave; a row with a missing input is missing, unless the stage's notation takes it.
fn column(name: &str, alternative: usize, inputs: &[Value], batch: &Batch, values: Values) -> Result<Column, String> {
    let signature = crate::find(name).ok_or("no such stage")?.signature();
    let notation = Notation::parse(signature.types[alternative])?;
    let takes = matches!(notation.input(0), Some(Pattern::Column { missing: true, .. }));
    if values.len() != batch.rows {
        return Err(format!("`{name}` was given {} rows and gave {}", batch.rows, values.len()));
    }
    let rows = inputs[0].column().map_err(|e| e.to_string())?.rows.clone();
    let missing = (0..batch.rows).map(|at| !takes && batch.is_missing(at)).collect();
    Ok(Column::new(rows, values).with_missing(missing))
}

type Layer =
    fn(&JointCall<'_>, &mut dyn Network, &[mmf_data::network::Var]) -> mmf_data::error::Result<mmf_data::network::Var>;

/// Runs a layer as a network that is not trained yet.
fn layer(joint: Layer, args: &Args, inputs: &[Value]) -> Result<Value, String> {
    let said = |error: mmf_data::error::Error| error.to_string();
    let mut parameters = Parameters::new(7);
    let mut session = Session::making(&mut parameters);
    let mut vars = Vec::new();
    let mut count = 0;
    for input in inputs {
        let column = input.column().map_err(said)?;
        count = column.len();
        let rows: Vec<u32> = (0..count as u32).collect();
        vars.push(Leaf::new(column).and_then(|leaf| leaf.read(&mut session, &rows)).map_err(said)?);
    }
    let rows: Vec<u32> = (0..count as u32).collect();
    let call = JointCall { args, rows: &rows, total: count, trained: None, steps: None, graph: None, chosen: None };
    let out = joint(&call, &mut session, &vars).map_err(said)?;
    session.check().map_err(said)?;
    if !session.parameters().is_empty() && session.parameters().all().any(|p| is_random(&session, p)) {
        return Err("its weights start at random; write a program".into());
    }
    Ok(Value::Column(Column::new(Rows::all(count), values(&session, &out).map_err(said)?)))
}

/// Returns the values of a network as a column holds them.
fn values(session: &Session<'_>, out: &mmf_data::network::Var) -> mmf_data::error::Result<Values> {
    let numbers = session.values(out)?;
    Ok(match out.dims[..] {
        [height, width, channels] => {
            let map = |numbers: &[f32]| Arc::new(Map { height, width, channels, numbers: numbers.to_vec() });
            Values::Maps(Arc::new(numbers.chunks_exact(out.width().max(1)).map(map).collect()))
        }
        [steps, width] => {
            let mut sequences = Sequences { width, ..Sequences::default() };
            for (row, numbers) in numbers.chunks_exact(out.width().max(1)).enumerate() {
                let length = session.lengths(out).map_or(steps, |lengths| lengths[row] as usize);
                sequences.numbers.extend_from_slice(&numbers[..length * width]);
                sequences.end_row();
            }
            Values::Sequence(Arc::new(sequences))
        }
        _ => Values::Vector { width: out.width(), numbers: Arc::new(numbers.to_vec()) },
    })
}

fn is_random(session: &Session<'_>, parameter: mmf_data::network::Parameter) -> bool {
    session.parameters().values(parameter).is_ok_and(|v| v.iter().any(|&x| x != 0.0 && x != 1.0))
}
