//! How `fill(propagate)` finds values: they spread along the edges of a graph, and what is there stays as it is.

use mmf_data::error::{Error, Result};
use mmf_data::graph::{Graph, Sparse, edges};
use mmf_data::stage::{Context, Crossing};
use mmf_data::table::{Column, Value};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, ArgValue, Args};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::types::{ColumnType, Elem, FitRows, Part, Type};
use rayon::prelude::*;

use super::fill::ROUNDS;

/// Which end of the graph the column's rows are, and of how many; written by the check.
const END: Arg<usize> = Arg::int("end");
const ENDS: Arg<usize> = Arg::int("ends");

/// Rows that are told at a time.
const BLOCK: usize = 64;

/// The column at the rows of the graph's end that has them.
pub(super) fn ends(call: &mut Inference<'_, '_>) -> Option<Type> {
    let (column, Type::Graph(graph)) = (call.column(0)?, call.input(1)) else { return None };
    let (here, there) = (call.input_spans[0], call.input_spans[1]);
    let Some(end) = graph.ends.iter().position(|(_, rows)| call.is_within(*rows, column.domain)) else {
        return call.refuse_rows(graph.ends.first()?.1, column.domain, there, here);
    };
    let rows = graph.ends[end].1;
    if graph.ends.iter().filter(|(_, rows)| call.is_within(*rows, column.domain)).count() > 1 {
        return call.refuse(
            "E0404",
            there,
            say!(
                "both ends of this graph are rows of the column, and its values stand at one",
                "该图的两端都是此列的行，而其值只能位于一端"
            ),
            Some(say!("spread along a graph of one end: `knn_graph(…)`", "请沿只有一端的图传播：`knn_graph(…)`")),
        );
    }
    call.read_input(0, rows, here)?;
    let mut marks = call.marks.clone();
    for (node, split) in call.splits_of(rows) {
        marks.fits.insert(FitRows::Part { split, part: Part::Train });
        call.inputs.push(node);
    }
    for (argument, value) in [(END, end), (ENDS, graph.ends.len())] {
        call.args.0.push((argument.name().into(), ArgValue::Int(value as i64)));
    }
    let elem = Elem::Vector(column.elem.as_vector()?);
    Some(Type::Column(ColumnType { domain: rows, elem, missing: Default::default(), marks }))
}

pub(super) fn fill(context: &Context<'_>, args: &Args, inputs: &[Value], _: &Crossing) -> Result<Column> {
    let [column, graph, splits @ ..] = inputs else { return Err(Error::bug("`fill` was given no graph")) };
    let (column, edges) = (column.column()?, edges(graph.table()?)?);
    // Rows of the other end that have no edge tell nobody, so they need not be counted.
    let last = |of: fn(&(u32, u32, f32)) -> u32| edges.iter().map(|edge| of(edge) as usize + 1).max().unwrap_or(0);
    let (end, own) = (args.get(END), column.rows.total);
    let ends = match (args.get(ENDS), end) {
        (1, _) => vec![own],
        (_, 0) => vec![own, last(|edge| edge.1)],
        _ => vec![last(|edge| edge.0), own],
    };
    let first: usize = ends[..end].iter().sum();
    let graph = Graph::new(ends, edges)?;
    let along = &graph.whole().forward;

    let (width, numbers) = column.values.as_vectors()?;
    let total = graph.whole().rows;
    let mut state =
        State { width, numbers: vec![0.0; total * width], reached: vec![false; total], tells: vec![true; total] };
    for split in splits {
        let training = split.split()?.part(Part::Train).ok_or_else(|| Error::bug("a split has no train part"))?;
        for row in (0..own).filter(|&row| training.place(row as u32).is_none()) {
            state.tells[first + row] = false;
        }
    }
    for at in (0..column.len()).filter(|&at| !column.is_missing(at)) {
        state.put(first + column.rows.id(at) as usize, &numbers[at * width..][..width]);
    }
    let known = state.reached.clone();
    let open: Vec<usize> = (0..total).filter(|&row| !known[row]).collect();
    for round in 0..args.get(ROUNDS) {
        context.check()?;
        context.progress(round, args.get(ROUNDS));
        let told: Vec<(bool, Vec<f32>)> =
            open.par_chunks(BLOCK).flat_map_iter(|rows| rows.iter().map(|&row| state.told(along, row))).collect();
        for (&row, (reached, values)) in open.iter().zip(told) {
            if reached {
                state.put(row, &values);
            }
        }
    }
    let mean = state.mean(along, &known);
    let mut out = Vec::with_capacity(column.len() * width);
    for at in 0..column.len() {
        let row = first + column.rows.id(at) as usize;
        out.extend_from_slice(if state.reached[row] { state.row(row) } else { &mean });
    }
    Ok(Column::new(column.rows.clone(), Values::vector(width, out)))
}

/// What rows have after some rounds.
struct State {
    width: usize,
    numbers: Vec<f32>,
    /// Whether a value has come to the row; else it has zeros.
    reached: Vec<bool>,
    /// Whether others may learn of the row's value.
    tells: Vec<bool>,
}

impl State {
    fn row(&self, row: usize) -> &[f32] {
        &self.numbers[row * self.width..][..self.width]
    }

    fn put(&mut self, row: usize, values: &[f32]) {
        self.numbers[row * self.width..][..self.width].copy_from_slice(values);
        self.reached[row] = true;
    }

    /// Returns the sum of a row's neighbours, and whether a value has come to one of them.
    fn told(&self, along: &Sparse, row: usize) -> (bool, Vec<f32>) {
        let mut sums = vec![0f64; self.width];
        let mut reached = false;
        for at in along.starts[row] as usize..along.starts[row + 1] as usize {
            let (neighbour, weight) = (along.columns[at] as usize, along.weights[at]);
            if weight != 0.0 && self.tells[neighbour] && self.reached[neighbour] {
                reached = true;
                let weight = f64::from(weight);
                sums.iter_mut().zip(self.row(neighbour)).for_each(|(sum, &x)| *sum += weight * f64::from(x));
            }
        }
        (reached, sums.iter().map(|&sum| sum as f32).collect())
    }

    /// Returns the mean of the rows that have a value of their own and tell it to others; zeros where there are none.
    fn mean(&self, along: &Sparse, known: &[bool]) -> Vec<f32> {
        let mut telling = vec![false; known.len()];
        for (&neighbour, _) in along.columns.iter().zip(&along.weights).filter(|(_, weight)| **weight != 0.0) {
            let row = neighbour as usize;
            telling[row] = known[row] && self.tells[row];
        }
        let mut sums = vec![0f64; self.width];
        let mut count = 0u32;
        for row in (0..known.len()).filter(|&row| telling[row]) {
            count += 1;
            sums.iter_mut().zip(self.row(row)).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        sums.iter().map(|sum| (sum / f64::from(count.max(1))) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::graph::{Edge, table};
    use mmf_data::stage::Quiet;
    use mmf_data::table::{Rows, Split, Table};
    use serde_json::from_value;

    use super::*;
    use crate::extract::each::tests::fixture;

    fn filled(
        column: &Column,
        edges: &[Edge],
        (end, ends): (usize, usize),
        rounds: usize,
        splits: &[Split],
    ) -> Vec<f32> {
        let context = Context { seed: 1, base: Path::new("."), host: &Quiet };
        let args = [("end", end), ("ends", ends), ("rounds", rounds)];
        let args = Args(args.map(|(name, value)| (name.into(), ArgValue::Int(value as i64))).into());
        let mut inputs = vec![Value::Column(column.clone()), Value::Table(table(edges))];
        inputs.extend(splits.iter().cloned().map(Value::Split));
        let crossing = Crossing { to: Vec::new(), total: 0, rows: Rows::all(0) };
        let out = fill(&context, &args, &inputs, &crossing).unwrap();
        assert_eq!((&out.rows, out.count_missing()), (&column.rows, 0));
        out.values.as_vectors().unwrap().1.to_vec()
    }

    fn column(rows: &[[f32; 3]], missing: Vec<bool>) -> Column {
        Column::new(Rows::all(rows.len()), Values::vector(3, rows.concat())).with_missing(missing)
    }

    #[test]
    fn filled_rows_are_pytorch_geometrics() {
        let mut unreached = 0;
        for case in fixture("tables/filled.json")["propagated"].as_array().unwrap() {
            let read = |name: &str| case[name].clone();
            let (given, theirs): (Vec<[f32; 3]>, Vec<[f64; 3]>) =
                (from_value(read("given")).unwrap(), from_value(read("filled")).unwrap());
            let (missing, edges): (Vec<bool>, Vec<Edge>) =
                (from_value(read("missing")).unwrap(), from_value(read("edges")).unwrap());
            let ends: Vec<usize> = from_value(read("ends")).unwrap();
            let [end, rounds] = ["end", "rounds"].map(|name| case[name].as_u64().unwrap() as usize);
            let ours = filled(&column(&given, missing.clone()), &edges, (end, ends.len()), rounds, &[]);
            // Where no value came, theirs has zeros, and ours the mean of those that have an edge and a value.
            let met = |row: usize| edges.iter().any(|edge| [edge.0, edge.1][end] as usize == row);
            let telling: Vec<usize> = (0..given.len()).filter(|&row| !missing[row] && met(row)).collect();
            for (row, (ours, theirs)) in ours.chunks_exact(3).zip(&theirs).enumerate() {
                for (place, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                    let sum: f64 = telling.iter().map(|&row| f64::from(given[row][place])).sum();
                    let alone = missing[row] && *theirs == 0.0;
                    unreached += usize::from(alone);
                    let theirs = if alone { sum / telling.len() as f64 } else { *theirs };
                    assert!(
                        (f64::from(*ours) - theirs).abs() < 1e-6,
                        "{}, row {row}: {ours}, not {theirs}",
                        case["name"]
                    );
                }
            }
        }
        assert_eq!(unreached, 8 * 3);
    }

    /// A chain of four rows, the first of which is there; with its end in the test part nothing is told.
    #[test]
    fn rows_of_the_test_part_tell_nothing() {
        let edges = [(0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0), (2, 1, 1.0), (2, 3, 1.0), (3, 2, 1.0)];
        let rows = [[1.0; 3], [9.0; 3], [9.0; 3], [4.0; 3]];
        let given = column(&rows, vec![false, true, true, false]);
        let split = |test: Vec<u32>| Split {
            table: Table { rows: Rows::all(4), columns: Vec::new() },
            parts: vec![
                (Part::Train, Rows::some(4, (0..4).filter(|row| !test.contains(row)).collect())),
                (Part::Test, Rows::some(4, test)),
            ],
        };
        let told = |test: Vec<u32>| filled(&given, &edges, (0, 1), 20, &[split(test)]);
        let other = column(&[[1.0; 3], [9.0; 3], [9.0; 3], [-70.0; 3]], vec![false, true, true, false]);
        let changed = filled(&other, &edges, (0, 1), 20, &[split(vec![3])]);
        assert_eq!(told(vec![3])[..9], changed[..9]);
        assert_ne!(told(vec![])[..9], changed[..9]);
        // Nobody is left who tells: what is missing gets zeros, and what is there stays.
        assert_eq!(told(vec![0, 3]), [[1.0; 3], [0.0; 3], [0.0; 3], [4.0; 3]].concat());
    }

    #[test]
    fn a_part_of_the_rows_is_filled_at_its_own() {
        let part = Column::new(Rows::some(9, vec![2, 5, 7]), Values::vector(1, vec![4.0, 0.0, 6.0]))
            .with_missing(vec![false, true, false]);
        let edges = [(2, 5, 1.0), (5, 2, 1.0), (5, 7, 1.0), (7, 5, 1.0)];
        let root = 0.5f32.sqrt();
        let out = filled(&part, &edges, (0, 1), 3, &[]);
        assert!((out[1] - 10.0 * root).abs() < 1e-6, "{out:?}");
        assert_eq!((out[0], out[2]), (4.0, 6.0));
    }
}
