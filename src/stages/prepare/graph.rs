//! `graph`: who met what, as edges.

use mmf_data::error::{Error, Result};
use mmf_data::graph::table;
use mmf_data::stage::{Body, Context, Stage};
use mmf_data::table::{Column, Table, Value};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, Args};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, GraphType, Type};

/// Who met what, as edges.
pub(crate) struct Graph;

const FROM: Arg<String> = Arg::column("from").doc("The ref or category column of the first end.");
const TO: Arg<String> = Arg::column("to").doc("The ref or category column of the second end.");

static SIGNATURE: Signature = Signature::new(Group::Prepare, "graph", &["table -> graph"])
    .args(&[FROM.spec(), TO.spec()])
    .infer(ends)
    .doc(
        "An edge between what each row's two columns name; rows that name the same two are one edge. Its ends have the columns' \
         names (`from` and `to` mean them too), and are all that the columns may name, with an edge or without. It learns from the rows: of a split take \
         `parts.train`.",
    )
    .reference("the user–item graph of LightGCN, He et al. 2020")
    .examples(&[Example::new(
        "The films that each user has met in the training rows.",
        "source likes = table(\"likes.csv\") { user: category, film: category }\n\
         prepare parts = likes |> split(train = 80%, test = 20%)\n\
         prepare known = graph(parts.train, user, film)",
        "graph",
    )]);

fn ends(call: &mut Inference<'_, '_>) -> Option<Type> {
    let table = call.table()?;
    let mut marks = table.marks.clone();
    let mut ends = Vec::new();
    for argument in [FROM.name(), TO.name()] {
        let (name, column) = call.named_column(argument)?;
        let span = call.arg_span(argument);
        let (Elem::Ref(to) | Elem::Category(to)) = column.elem else {
            let found = column.elem.to_string();
            return call.refuse(
                "E0404",
                span,
                say!(
                    "an edge leads to what a ref or a category names, this is {found}",
                    "边应通向引用或类别所指的对象，这里是 {found}"
                ),
                Some(say!("declare `{name}` as `category`, or as a `ref`", "请将 `{name}` 声明为 `category` 或 `ref`")),
            );
        };
        if !column.missing.is_empty() {
            return call.refuse(
                "E0504",
                span,
                say!("`{name}` may be missing, and an edge has two ends", "`{name}` 可能缺失，而边须有两端"),
                Some(say!("drop its rows first: `drop_missing({name})`", "请先去掉这些行：`drop_missing({name})`")),
            );
        }
        marks.join(&column.marks);
        ends.push((name, to));
    }
    if ends[0].0 == ends[1].0 {
        let (name, span) = (ends[0].0.clone(), call.arg_span(TO.name()));
        return call.refuse("E0108", span, say!("both ends are `{name}`", "两端都是 `{name}`"), None);
    }
    let learned = call.learned_from(table.domain);
    if !learned.is_empty() {
        // What many rows say together is learned, not read row by row.
        marks.columns.clear();
    }
    marks.fits.extend(learned);
    Some(Type::Graph(GraphType { ends, marks }))
}

impl Stage for Graph {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Table(run)
    }
}

fn run(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    context.check()?;
    let rows = inputs.first().ok_or_else(|| Error::bug("`graph` was given no table"))?.table()?;
    let (from, to) = (rows.column(&args.get(FROM))?, rows.column(&args.get(TO))?);
    let ways = codes(from)?.iter().zip(codes(to)?.iter()).enumerate();
    let there = ways.filter(|(at, _)| !from.is_missing(*at) && !to.is_missing(*at));
    let mut edges: Vec<(u32, u32, f32)> = there.map(|(_, (&a, &b))| (a, b, 1.0)).collect();
    edges.sort_unstable_by_key(|&(a, b, _)| (a, b));
    edges.dedup();
    Ok(table(&edges))
}

fn codes(column: &Column) -> Result<&[u32]> {
    match &column.values {
        Values::Code { codes, .. } => Ok(codes),
        other => Err(Error::bug(format!("an edge leads to {}", other.kind()))),
    }
}
