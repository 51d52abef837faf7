//! `knn_graph`: each row's nearest rows, as edges.

use mmf_data::error::{Error, Result};
use mmf_data::graph::{Edge, table};
use mmf_data::stage::{Body, Context, Stage};
use mmf_data::table::{Column, Table, Value};
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{GraphType, Part, Type};
use mmf_tensor::inner_products;
use rayon::prelude::*;

/// Each row's nearest rows, as edges.
pub(crate) struct KnnGraph;

const K: Arg<usize> = Arg::int("k").default(Literal::Int(10)).range(1.0, 10_000.0).doc("Edges of a row.");
const OWN: Arg<bool> = Arg::bool("own")
    .default(Literal::Bool(false))
    .doc("Whether a row counts among its own nearest, as in MMRec's LATTICE and FREEDOM.");

/// Rows compared with all others at a time.
const BLOCK: usize = 256;

static SIGNATURE: Signature = Signature::new(Group::Extract, "knn_graph", &["col<d, vector[n]?> -> graph"])
    .args(&[K.spec(), OWN.spec()])
    .cost("n")
    .infer(ends)
    .doc(
        "From each row an edge of weight 1 to each of the k rows whose vectors have the greatest cosine with its own; its one end is \
         `rows`. Rows that are missing, or all zero, have no edges. It learns nothing from interactions, so all rows take part; \
         where these rows themselves are split, edges lead to training rows alone.",
    )
    .reference("LATTICE, Zhang et al. 2021")
    .examples(&[Example::new(
        "The ten films that look most like each.",
        "source films = table(\"films.csv\") { film: key, look: vector[64] }\n\
         extract alike = films.look |> knn_graph(k = 10)",
        "graph",
    )]);

fn ends(call: &mut Inference<'_, '_>) -> Option<Type> {
    let column = call.column(0)?;
    let mut marks = column.marks;
    for (node, split) in call.splits_of(column.domain) {
        marks.fits.insert(mmf_lang::types::FitRows::Part { split, part: Part::Train });
        call.inputs.push(node);
    }
    Some(Type::Graph(GraphType { ends: vec![("rows".into(), column.domain)], marks }))
}

impl Stage for KnnGraph {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Table(run)
    }
}

fn run(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let Some((first, splits)) = inputs.split_first() else { return Err(Error::bug("`knn_graph` was given nothing")) };
    let column = first.column()?;
    let (rows, width, units) = units(column)?;
    // The rows that edges may lead to, by their place among `rows`.
    let mut told: Vec<u32> = (0..rows.len() as u32).collect();
    for split in splits {
        let split = split.split()?;
        let training = split.part(Part::Train).ok_or_else(|| Error::bug("a split has no train part"))?;
        told.retain(|&place| training.place(rows[place as usize]).is_some());
    }
    let others: Vec<f32> = told.iter().flat_map(|&p| &units[p as usize * width..][..width]).copied().collect();
    let (k, own) = (args.get(K), args.get(OWN));
    let blocks: Vec<&[f32]> = units.chunks(BLOCK * width.max(1)).collect();
    let near = |(block, own_units): (usize, &&[f32])| -> Result<Vec<Edge>> {
        context.check()?;
        let count = own_units.len() / width.max(1);
        let products = inner_products(own_units, &others, width);
        let mut edges = Vec::with_capacity(count * k);
        for (at, cosines) in products.chunks_exact(told.len().max(1)).enumerate() {
            let place = (block * BLOCK + at) as u32;
            let mut nearest: Vec<u32> = (0..told.len() as u32).filter(|&o| own || told[o as usize] != place).collect();
            let order = |a: &u32, b: &u32| cosines[*b as usize].total_cmp(&cosines[*a as usize]).then(a.cmp(b));
            if nearest.len() > k {
                nearest.select_nth_unstable_by(k - 1, order);
                nearest.truncate(k);
            }
            nearest.sort_unstable();
            edges.extend(nearest.iter().map(|&o| (rows[place as usize], rows[told[o as usize] as usize], 1.0)));
        }
        Ok(edges)
    };
    let found: Vec<Vec<Edge>> = blocks.par_iter().enumerate().map(near).collect::<Result<_>>()?;
    Ok(table(&found.concat()))
}

/// Returns the rows that have a vector, its length, and the vectors at length one.
fn units(column: &Column) -> Result<(Vec<u32>, usize, Vec<f32>)> {
    let (width, numbers) = column.values.as_vectors()?;
    let (mut rows, mut units) = (Vec::new(), Vec::new());
    for at in (0..column.len()).filter(|&at| !column.is_missing(at)) {
        let own = &numbers[at * width..][..width];
        let length = own.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        if length > 0.0 && length.is_finite() {
            rows.push(column.rows.id(at));
            units.extend(own.iter().map(|&x| (f64::from(x) / length) as f32));
        }
    }
    Ok((rows, width, units))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::graph::edges;
    use mmf_data::stage::Quiet;
    use mmf_data::table::{Rows, Split};
    use mmf_data::values::Values;
    use mmf_lang::args::ArgValue;

    use super::*;

    fn found(inputs: &[Value], k: i64, own: bool) -> Vec<(u32, u32)> {
        let context = Context { seed: 1, base: Path::new("."), host: &Quiet };
        let args = Args(vec![("k".into(), ArgValue::Int(k)), ("own".into(), ArgValue::Bool(own))]);
        edges(&run(&context, &args, inputs).unwrap()).unwrap().into_iter().map(|(a, b, _)| (a, b)).collect()
    }

    /// Directions 0°, 10°, 100°, 95°, nothing, 5°.
    fn looks() -> Column {
        let at = |degrees: f32| [3.0 * degrees.to_radians().cos(), 3.0 * degrees.to_radians().sin()];
        let mut numbers = [at(0.0), at(10.0), at(100.0), at(95.0)].concat();
        numbers.extend([0.0, 0.0]);
        numbers.extend(at(5.0));
        Column::new(Rows::all(6), Values::vector(2, numbers))
    }

    #[test]
    fn edges_lead_to_the_nearest_by_angle() {
        let all = found(&[Value::Column(looks())], 1, false);
        assert_eq!(all, [(0, 5), (1, 5), (2, 3), (3, 2), (5, 0)]);
        assert_eq!(found(&[Value::Column(looks())], 2, true)[..2], [(0, 0), (0, 5)]);
        assert_eq!(found(&[Value::Column(looks())], 90, false).len(), 20);
    }

    #[test]
    fn missing_rows_have_no_edges_and_split_rows_lead_to_training_rows() {
        let column = looks().with_missing(vec![false, false, false, false, false, true]);
        assert_eq!(found(&[Value::Column(column)], 1, false), [(0, 1), (1, 0), (2, 3), (3, 2)]);
        let table = Table { rows: Rows::all(6), columns: Vec::new() };
        let parts = vec![(Part::Train, Rows::some(6, vec![0, 2])), (Part::Test, Rows::some(6, vec![1, 3, 4, 5]))];
        let split = Value::Split(Split { table, parts });
        let led = found(&[Value::Column(looks()), split], 1, false);
        assert_eq!(led, [(0, 2), (1, 0), (2, 0), (3, 2), (5, 0)]);
    }
}
