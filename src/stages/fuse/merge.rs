//! `merge`: graphs over the same rows as one.

use std::collections::BTreeMap;

use mmf_data::error::Result;
use mmf_data::graph::{edges, table};
use mmf_data::stage::{Body, Context, Stage};
use mmf_data::table::{Table, Value};
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{GraphType, Type};

/// Graphs over the same rows as one.
pub(crate) struct Merge;

const WEIGHTS: Arg<Option<Vec<f64>>> = Arg::new("weights", ArgKind::Numbers, numbers)
    .optional()
    .doc("How much each graph counts, one number a graph; unsaid, all alike and 1 together.");

fn numbers(value: Option<&ArgValue>) -> Option<Vec<f64>> {
    let ArgValue::List(list) = value? else { return None };
    let number = |value: &ArgValue| match value {
        ArgValue::Float(x) => Some(*x),
        ArgValue::Int(n) => Some(*n as f64),
        _ => None,
    };
    list.iter().map(number).collect()
}

static SIGNATURE: Signature = Signature::new(Group::Fuse, "merge", &["graph... -> graph"])
    .args(&[WEIGHTS.spec()])
    .infer(ends)
    .doc("The edges of all graphs; where several have the same edge, its weights, each times its graph's, are added.")
    .reference("the item–item graph of FREEDOM, Zhou and Shen 2023")
    .examples(&[Example::new(
        "Films that look alike, and a little those whose plots are alike.",
        "source films = table(\"films.csv\") { film: key, look: vector[64], plot: vector[100] }\n\
         fuse alike = merge(films.look |> knn_graph, films.plot |> knn_graph, weights = [0.9, 0.1])",
        "graph",
    )]);

fn ends(call: &mut Inference<'_, '_>) -> Option<Type> {
    let Type::Graph(GraphType { ends, .. }) = call.input(0) else { return None };
    for at in 1..call.inputs.len() {
        let Type::Graph(other) = call.input(at) else { return None };
        let rows = |ends: &[(String, mmf_lang::types::DomainId)]| ends.iter().map(|(_, d)| *d).collect::<Vec<_>>();
        if rows(&other.ends) != rows(&ends) {
            let words = |ends: &[(String, mmf_lang::types::DomainId)]| {
                let names: Vec<String> = ends.iter().map(|(_, d)| format!("`{}`", call.domain_name(*d))).collect();
                names.join(", ")
            };
            let (first, here, span) = (words(&ends), words(&other.ends), call.input_spans[at]);
            return call.refuse(
                "E0401",
                span,
                say!(
                    "this graph is over the rows of {here}, the first over those of {first}",
                    "此图建立在 {here} 的行上，而第一个图建立在 {first} 的行上"
                ),
                None,
            );
        }
    }
    if let Some(weights) = call.args.get(WEIGHTS) {
        let (count, graphs, span) = (weights.len(), call.inputs.len(), call.arg_span(WEIGHTS.name()));
        if count != graphs {
            return call.refuse(
                "E0302",
                span,
                say!("{graphs} graphs have {count} weights", "{graphs} 个图却有 {count} 个权重"),
                None,
            );
        }
        if weights.iter().any(|w| !(0.0..=1e9).contains(w)) {
            return call.refuse("E0109", span, say!("no weight is below 0", "权重不能小于 0"), None);
        }
    }
    Some(Type::Graph(GraphType { ends, marks: call.marks.clone() }))
}

impl Stage for Merge {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Table(run)
    }
}

fn run(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    context.check()?;
    let weights = args.get(WEIGHTS).unwrap_or_else(|| vec![1.0 / inputs.len().max(1) as f64; inputs.len()]);
    let mut sums: BTreeMap<(u32, u32), f64> = BTreeMap::new();
    for (graph, weight) in inputs.iter().zip(weights).filter(|(_, weight)| *weight > 0.0) {
        for (from, to, own) in edges(graph.table()?)? {
            *sums.entry((from, to)).or_default() += weight * f64::from(own);
        }
    }
    Ok(table(&sums.into_iter().map(|((from, to), weight)| (from, to, weight as f32)).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;

    use super::*;

    #[test]
    fn weights_of_one_edge_are_added() {
        let graphs = [table(&[(0, 1, 1.0), (1, 2, 1.0)]), table(&[(0, 1, 1.0), (2, 0, 1.0)])].map(Value::Table);
        let context = Context { seed: 1, base: Path::new("."), host: &Quiet };
        let merged = |args: Args| edges(&run(&context, &args, &graphs).unwrap()).unwrap();
        assert_eq!(merged(Args::default()), [(0, 1, 1.0), (1, 2, 0.5), (2, 0, 0.5)]);
        let list = |weights: [f64; 2]| ArgValue::List(weights.map(ArgValue::Float).to_vec());
        let args = |weights| Args(vec![("weights".into(), list(weights))]);
        assert_eq!(merged(args([0.25, 0.5])), [(0, 1, 0.75), (1, 2, 0.25), (2, 0, 0.5)]);
        assert_eq!(merged(args([1.0, 0.0])).len(), 2);
    }
}
