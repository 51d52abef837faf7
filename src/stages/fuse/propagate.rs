//! `propagate`: values spread along the edges of a graph.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Op, Var};
use mmf_data::stage::{Body, JointCall, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{ColumnType, Elem, EndsType, Type};

/// Values spread along the edges of a graph.
pub(crate) struct Propagate;

pub(crate) const LAYERS: Arg<usize> =
    Arg::int("layers").default(Literal::Int(3)).range(0.0, 20.0).doc("How many edges far values spread.");
const COMBINE: Arg<String> = Arg::words("combine", &["mean", "last"])
    .default(Literal::Word("mean"))
    .doc("What comes out: the mean of the values before and after each layer, or those after the last.");
const DROP: Arg<f64> = Arg::share("drop_edges").default(Literal::Float(0.0)).range(0.0, 1.0).doc(
    "The share of edges that is left out in each step of the training, drawn anew; edges between rows of few edges stay more \
     often, as in FREEDOM.",
);

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "propagate",
    &["graph, col<a, vector[n]> -> col<a, vector[n]>", "graph, col<a, vector[n]>, col<b, vector[n]> -> ends"],
)
.args(&[LAYERS.spec(), COMBINE.spec(), DROP.spec()])
.placed()
.infer(ends)
.doc(
    "Each layer gives each row the sum of its neighbours' values, each times weight / √(degree · degree), degrees being the sums of \
     weights at both rows. It has no weights of its own. Between two ends edges lead both ways, and what comes out has a column for \
     each end, named as the graph's: `ids.user`. In a graph of one end a row is told by the rows that its edges lead to. All rows are \
     computed in every step, whatever the batch.",
)
.reference("LightGCN, He et al. 2020; `drop_edges` FREEDOM, Zhou and Shen 2023")
.examples(&[
    Example::new(
        "LightGCN: who met what, three edges far.",
        "source likes = table(\"likes.csv\") { user: category, film: category, at: time(unix) }\n\
         prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
         prepare known = graph(parts.train, user, film)\n\
         fuse ids = neural { propagate(known, embedding(known.user, 64), embedding(known.film, 64), layers = 3) }\n\
         train gcn = recommend(parts, user = user, item = film) {\n    \
         score = dot(ids.user, ids.film)\n    \
         loss  = bpr(l2 = 1e-4)\n\
         }",
        "train",
    ),
    Example::new(
        "What a film is, told by the films that look like it.",
        "source films = table(\"films.csv\") { film: key, look: vector[64] }\n\
         extract alike = films.look |> knn_graph(k = 10)\n\
         fuse item = neural { propagate(alike, embedding(films, 32), layers = 1, combine = last) }",
        "col<films, vector[32]>",
    ),
]);

fn ends(call: &mut Inference<'_, '_>) -> Option<Type> {
    let Type::Graph(graph) = call.input(0) else { return None };
    let (given, wanted) = (call.inputs.len() - 1, graph.ends.len());
    if given != wanted {
        let names = graph.ends.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let span = call.span;
        return call.refuse(
            "E0307",
            span,
            say!(
                "this graph has {wanted} ends ({names}), and {given} values are given",
                "该图有 {wanted} 端（{names}），却给出了 {given} 个值"
            ),
            Some(say!("give a value for each end, in their order", "请按顺序为每一端给出一个值")),
        );
    }
    let mut columns = Vec::new();
    for (at, (name, rows)) in graph.ends.iter().enumerate() {
        let span = call.input_spans.get(at + 1).copied().unwrap_or(call.span);
        call.read_input(at + 1, *rows, span)?;
        let width = call.column(at + 1)?.elem.as_vector()?;
        let mut marks = call.marks.clone();
        marks.joint = true;
        let column = ColumnType { domain: *rows, elem: Elem::Vector(width), missing: Default::default(), marks };
        columns.push((name.clone(), column));
    }
    match &mut columns[..] {
        [(_, only)] => Some(Type::Column(only.clone())),
        _ => {
            let domain = call.ends_of(graph.ends.iter().map(|(_, rows)| *rows).collect());
            Some(Type::Ends(EndsType { domain, columns }))
        }
    }
}

impl Stage for Propagate {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(run)
    }
}

fn run(call: &JointCall<'_>, network: &mut dyn Network, inputs: &[Var]) -> Result<Var> {
    let graph = call.graph.ok_or_else(|| Error::bug("`propagate` was given no graph"))?;
    let share = call.args.get(DROP);
    let over = match network.training() && share > 0.0 {
        true => graph.thinned(share, network.draws()),
        false => graph.whole().clone(),
    };
    let mut layer = match inputs {
        [only] => only.clone(),
        _ => network.join_rows(&inputs.iter().collect::<Vec<_>>())?,
    };
    let (layers, mean) = (call.args.get(LAYERS), call.args.get(COMBINE) == "mean");
    let mut sum = layer.clone();
    for _ in 0..layers {
        layer = network.propagate(&layer, &over)?;
        if mean {
            sum = network.apply(Op::Add, &[&sum, &layer], &[])?;
        }
    }
    match mean {
        true => network.apply(Op::Affine { factor: 1.0 / (layers + 1) as f32, offset: 0.0 }, &[&sum], &[]),
        false => Ok(layer),
    }
}
