//! Graphs between the rows of one set or of two: their edges, and the matrix that spreads values along them.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::table::{Column, Rows, Table};
use crate::values::Values;

/// An edge: where it begins and ends, by the numbers of rows, and its weight.
pub type Edge = (u32, u32, f32);

/// Returns edges as a table, as stages give them: `from`, `to`, `weight`.
pub fn table(edges: &[Edge]) -> Table {
    let rows = Rows::all(edges.len());
    let column = |values| Column::new(rows.clone(), values);
    let numbers = |of: fn(&Edge) -> u32| Values::Int(edges.iter().map(|e| i64::from(of(e))).collect::<Vec<_>>().into());
    let weights: Vec<f64> = edges.iter().map(|e| f64::from(e.2)).collect();
    let columns = vec![
        ("from".to_string(), column(numbers(|e| e.0))),
        ("to".to_string(), column(numbers(|e| e.1))),
        ("weight".to_string(), column(Values::Float(weights.into()))),
    ];
    Table { rows, columns }
}

/// Returns the edges that a table holds.
pub fn edges(table: &Table) -> Result<Vec<Edge>> {
    let numbers = |name: &str| match &table.column(name)?.values {
        Values::Int(numbers) => Ok(numbers.clone()),
        other => Err(Error::bug(format!("edges lead to {}", other.kind()))),
    };
    let (from, to) = (numbers("from")?, numbers("to")?);
    let Values::Float(weights) = &table.column("weight")?.values else { return Err(Error::bug("edges weigh nothing")) };
    Ok(from.iter().zip(to.iter()).zip(weights.iter()).map(|((&a, &b), &w)| (a as u32, b as u32, w as f32)).collect())
}

/// A graph, ready to spread values. With two ends its rows are those of the first, then those of the second.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Count of rows of each end.
    pub ends: Vec<usize>,
    edges: Vec<Edge>,
    /// Along all edges.
    whole: Arc<Spread>,
}

impl Graph {
    /// # Errors
    /// A bug where an edge leads to no row.
    pub fn new(ends: Vec<usize>, edges: Vec<Edge>) -> Result<Graph> {
        let (first, last) = (ends.first().copied().unwrap_or(0), ends.last().copied().unwrap_or(0));
        if edges.iter().any(|&(a, b, _)| a as usize >= first || b as usize >= last) {
            return Err(Error::bug("an edge leads to no row"));
        }
        let whole = Arc::new(Spread::new(&ends, &edges));
        Ok(Graph { ends, edges, whole })
    }

    /// Returns the matrix of all edges.
    pub fn whole(&self) -> &Arc<Spread> {
        &self.whole
    }

    /// Returns the matrix of all but a share of the edges, weighed anew. Those stay whose `draw` (from 0 to 1, one an edge) is the
    /// smallest for its weight between rows of few edges: kept without replacement, with a chance that falls with the degrees of
    /// both rows, as FREEDOM draws them (Efraimidis and Spirakis 2006).
    pub fn thinned(&self, share: f64, draws: impl Iterator<Item = f64>) -> Arc<Spread> {
        let keep = self.edges.len() - (self.edges.len() as f64 * share).round() as usize;
        let degrees = degrees(&self.ends, &self.edges);
        let second = self.second();
        let mut keys: Vec<(f64, u32)> = (0..)
            .zip(&self.edges)
            .zip(draws)
            .map(|((at, &(a, b, w)), draw)| {
                let norm = normal(w, degrees[a as usize], degrees[second + b as usize]);
                (-draw.max(f64::MIN_POSITIVE).ln() / f64::from(norm), at)
            })
            .collect();
        if keep > 0 && keep < keys.len() {
            keys.select_nth_unstable_by(keep - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        let mut kept: Vec<u32> = keys.into_iter().take(keep).map(|(_, at)| at).collect();
        kept.sort_unstable();
        let edges: Vec<Edge> = kept.into_iter().map(|at| self.edges[at as usize]).collect();
        Arc::new(Spread::new(&self.ends, &edges))
    }

    /// Returns, of all rows of the ends one after the other, those that have a part in what these rows are told over so many edges:
    /// they themselves, and whoever tells them.
    pub fn telling(&self, rows: &[u32], edges: usize) -> Vec<bool> {
        let mut telling = vec![false; self.whole.rows];
        let mut fresh: Vec<u32> = rows.to_vec();
        rows.iter().for_each(|&row| telling[row as usize] = true);
        let Sparse { starts, columns, weights } = &self.whole.forward;
        for _ in 0..edges {
            let mut next = Vec::new();
            for row in fresh {
                let own = starts[row as usize] as usize..starts[row as usize + 1] as usize;
                for at in own.filter(|&at| weights[at] != 0.0) {
                    if !std::mem::replace(&mut telling[columns[at] as usize], true) {
                        next.push(columns[at]);
                    }
                }
            }
            fresh = next;
        }
        telling
    }

    /// Returns where the rows begin that edges lead to.
    fn second(&self) -> usize {
        if self.ends.len() > 1 { self.ends[0] } else { 0 }
    }
}

/// A matrix that spreads values along edges, `A / √(degree · degree)`, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Count of rows, and of columns.
    pub rows: usize,
    pub forward: Sparse,
    /// The same, turned; `None` where it is its own.
    pub turned: Option<Sparse>,
}

/// A sparse matrix: for each row from `starts[row]` to `starts[row + 1]` the columns and weights, ascending.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Sparse {
    pub starts: Vec<u32>,
    pub columns: Vec<u32>,
    pub weights: Vec<f32>,
}

impl Spread {
    /// Between two ends an edge leads both ways; within one set it leads from the row that is told to the row that tells.
    fn new(ends: &[usize], edges: &[Edge]) -> Spread {
        let rows = ends.iter().sum();
        let degrees = degrees(ends, edges);
        let second = if ends.len() > 1 { ends[0] as u32 } else { 0 };
        let weighed = edges.iter().map(|&(a, b, w)| {
            let b = second + b;
            (a, b, normal(w, degrees[a as usize], degrees[b as usize]))
        });
        if ends.len() > 1 {
            let both = weighed.flat_map(|(a, b, w)| [(a, b, w), (b, a, w)]).collect();
            return Spread { rows, forward: Sparse::new(rows, both), turned: None };
        }
        let own: Vec<Edge> = weighed.collect();
        let turned = own.iter().map(|&(a, b, w)| (b, a, w)).collect();
        Spread { rows, forward: Sparse::new(rows, own), turned: Some(Sparse::new(rows, turned)) }
    }

    /// Returns the matrix of the way back.
    pub fn back(&self) -> &Sparse {
        self.turned.as_ref().unwrap_or(&self.forward)
    }
}

impl Sparse {
    fn new(rows: usize, mut entries: Vec<Edge>) -> Sparse {
        entries.sort_unstable_by_key(|&(a, b, _)| (a, b));
        let mut starts = vec![0u32; rows + 1];
        entries.iter().for_each(|e| starts[e.0 as usize + 1] += 1);
        (0..rows).for_each(|row| starts[row + 1] += starts[row]);
        let (columns, weights) = entries.into_iter().map(|(_, column, weight)| (column, weight)).unzip();
        Sparse { starts, columns, weights }
    }
}

/// Returns the sum of weights at each row: of the edges that begin there, between two ends also of those that end there.
fn degrees(ends: &[usize], edges: &[Edge]) -> Vec<f64> {
    let mut degrees = vec![0.0; ends.iter().sum()];
    for &(a, b, w) in edges {
        degrees[a as usize] += f64::from(w);
        if ends.len() > 1 {
            degrees[ends[0] + b as usize] += f64::from(w);
        }
    }
    degrees
}

/// Returns an edge's weight over the root of both degrees; a row without an edge of its own tells nothing.
fn normal(weight: f32, a: f64, b: f64) -> f32 {
    if a > 0.0 && b > 0.0 { (f64::from(weight) / (a * b).sqrt()) as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_ends_values_flow_both_ways() {
        let graph = Graph::new(vec![2, 3], vec![(0, 0, 1.0), (0, 2, 1.0), (1, 2, 1.0)]).unwrap();
        let whole = graph.whole();
        assert_eq!((whole.rows, whole.turned.is_none()), (5, true));
        assert_eq!(whole.forward.starts, [0, 2, 3, 4, 4, 6]);
        assert_eq!(whole.forward.columns, [2, 4, 4, 0, 0, 1]);
        let root = |x: f64| (1.0 / x.sqrt()) as f32;
        assert_eq!(whole.forward.weights, [root(2.0), root(4.0), root(2.0), root(2.0), root(4.0), root(2.0)]);
        // User 1 has met item 2, whom user 0 has met too, who has met item 0; item 1 tells nobody.
        assert_eq!(graph.telling(&[1], 1), [false, true, false, false, true]);
        assert_eq!(graph.telling(&[1], 2), [true, true, false, false, true]);
        assert_eq!(graph.telling(&[1], 9), [true, true, true, false, true]);
        assert!(Graph::new(vec![2, 3], vec![(0, 3, 1.0)]).is_err());
    }

    #[test]
    fn within_one_set_the_matrix_is_turned_for_the_way_back() {
        let edges = vec![(0, 1, 0.5), (1, 2, 1.0), (1, 0, 1.0)];
        let graph = Graph::new(vec![3], edges.clone()).unwrap();
        assert_eq!(graph.whole().forward.columns, [1, 0, 2]);
        assert_eq!(graph.whole().back().columns, [1, 0, 1]);
        // Row 2 has no edge of its own.
        assert_eq!(graph.whole().forward.weights, [(0.5f64 / 1.0f64.sqrt()) as f32, 1.0, 0.0]);
        assert_eq!(super::edges(&table(&edges)).unwrap(), edges);
    }

    #[test]
    fn a_share_of_edges_is_left_out() {
        let edges: Vec<Edge> = (0..100).flat_map(|i| [(i, 0, 1.0), (i, 1 + i, 1.0)]).collect();
        let graph = Graph::new(vec![100, 101], edges).unwrap();
        let mut state = 7u64;
        let mut draws = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        let mut own = 0;
        for _ in 0..50 {
            let thin = graph.thinned(0.5, std::iter::repeat_with(&mut draws));
            assert_eq!(thin.forward.columns.len(), 200);
            own += thin.forward.columns.iter().filter(|&&c| c > 100).count();
        }
        // An edge to what all have met is ten times less likely to stay than one that is a row's own.
        assert!((3800..4900).contains(&own), "{own} of 5000");
        assert_eq!(graph.thinned(0.0, std::iter::repeat(0.5)), *graph.whole());
    }
}
