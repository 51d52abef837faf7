//! `space/`: the vectors in which each train sees its rows, and where they lie in the plane.

use mmf_data::arrays::Arrays;
use mmf_data::error::{Error, Result};
use mmf_data::table::Split;
use mmf_engine::RunOutcome;
use mmf_lang::graph::Graph;
use mmf_lang::say;
use rayon::prelude::*;
use safetensors::tensor::{Dtype, TensorView, serialize};

use super::csv;
use super::predictions::{Keys, Predicted, item_names};
use crate::report::space::{pca, tsne};

/// The vectors of a train's rows, or of a recommender's items.
pub(super) struct Space {
    pub(super) train: String,
    /// Numbers of rows, or of items.
    pub(super) units: Vec<u32>,
    width: usize,
    numbers: Vec<f32>,
    /// By unit: its key, its label and what was guessed; of an item, the count of its training rows.
    names: Vec<[String; 3]>,
}

impl Space {
    /// Returns the space of a train, where its predictions hold one.
    pub(super) fn of(graph: &Graph, outcome: &RunOutcome<'_>, one: &Predicted) -> Result<Option<Space>> {
        if outcome.digest(one.node).is_none() {
            return Ok(None);
        }
        let (value, split) = (outcome.value(one.node)?, outcome.value(one.split_node)?);
        let arrays = value.state()?;
        if !arrays.has("space.values") {
            return Ok(None);
        }
        let units = arrays.u32s("space.units")?.to_vec();
        let width = arrays.i64s("space.width")?.first().map_or(0, |&w| usize::try_from(w).unwrap_or(0));
        let numbers = arrays.f32s("space.values")?.to_vec();
        if width == 0 || units.len().checked_mul(width) != Some(numbers.len()) {
            return Err(Error::bug("stored vectors do not fit together"));
        }
        let names = names(graph, one, arrays, split.split()?, &units)?;
        Ok(Some(Space { train: one.train.clone(), units, width, numbers, names }))
    }

    /// Returns the keys of the units.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|[key, ..]| key.as_str())
    }

    /// Returns the table of places: `key,label,predicted,pca_1,pca_2,tsne_1,tsne_2`.
    pub(super) fn table(&self) -> String {
        let plane = pca::project(&self.numbers, self.width);
        let map = tsne::embed(&self.numbers, self.width, &plane.points);
        let mut out = String::new();
        let share = |axis: usize| format!("pca_{} ({:.1} %)", axis + 1, plane.shares[axis] * 100.0);
        csv::line(&mut out, ["key", "label", "predicted", &share(0), &share(1), "tsne_1", "tsne_2"]);
        for ((names, flat), near) in self.names.iter().zip(&plane.points).zip(&map) {
            let [key, label, predicted] = names;
            let number = |x: f64| format!("{x:.4}");
            let places = [number(flat[0]), number(flat[1]), number(near[0]), number(near[1])];
            let [a, b, c, d] = &places;
            csv::line(&mut out, [key, label, predicted, a, b, c, d]);
        }
        out
    }

    /// Returns the vectors as a safetensors file: `vectors`, rows × width, in the order of the table.
    pub(super) fn vectors(&self) -> Result<Vec<u8>> {
        let bytes: Vec<u8> = self.numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let failed = |e: &dyn std::fmt::Display| {
            Error::new("E1050", say!("vectors cannot be written: {e}", "无法写出向量：{e}"))
        };
        let view = TensorView::new(Dtype::F32, vec![self.units.len(), self.width], &bytes).map_err(|e| failed(&e))?;
        serialize([("vectors", view)], None).map_err(|e| failed(&e))
    }
}

/// Returns the tables of all spaces, made on as many threads as the pool has.
pub(super) fn tables(spaces: &[Space], pool: &rayon::ThreadPool) -> Vec<String> {
    pool.install(|| spaces.par_iter().map(Space::table).collect())
}

fn names(graph: &Graph, one: &Predicted, arrays: &Arrays, split: &Split, units: &[u32]) -> Result<Vec<[String; 3]>> {
    let task = arrays.texts("task")?.first().unwrap_or_default();
    if task == "recommend" {
        let (items, counts) = (item_names(graph, one, split), arrays.u32s("space.counts")?);
        let count = |at: usize| counts.get(at).map(u32::to_string).unwrap_or_default();
        return Ok(units.iter().enumerate().map(|(at, &item)| [items.name(item), count(at), String::new()]).collect());
    }
    let keys = Keys::of(graph, one.split_node, &split.table);
    let all = arrays.u32s("units")?;
    let places: std::collections::BTreeMap<u32, usize> = all.iter().enumerate().map(|(at, &unit)| (unit, at)).collect();
    let said: Vec<[String; 2]> = if task == "classify" {
        super::predictions::guesses(arrays)?
    } else {
        let (label, predicted) = (arrays.f64s("label")?, arrays.f64s("predicted")?);
        label.iter().zip(predicted).map(|(l, p)| [l.to_string(), p.to_string()]).collect()
    };
    let name = |&unit: &u32| {
        let [label, predicted] = places.get(&unit).and_then(|&at| said.get(at)).cloned().unwrap_or_default();
        [keys.name(unit), label, predicted]
    };
    Ok(units.iter().map(name).collect())
}
