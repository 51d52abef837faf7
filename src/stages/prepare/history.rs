//! `history`: what came before a row, as a sequence.

use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Var};
use mmf_data::past::Past;
use mmf_data::stage::{Body, Context, Crossing, JointCall, Recall, Stage};
use mmf_data::table::{Column, Value};
use mmf_data::values::{Sequences, Values};
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args, Literal};
use mmf_lang::diagnostic::Diagnostic;
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{ColumnType, Elem, Marks, Origin, Past as PastMark, Size, Type};

/// The earlier rows of the same one, as a sequence.
pub(crate) struct History;

const BY: Arg<()> = Arg::new("by", ArgKind::Inputs, |_| ())
    .doc("The ref or category column whose rows belong together: a user's ratings.");
const ORDER: Arg<()> = Arg::new("order", ArgKind::Inputs, |_| ())
    .doc("The time or number column that says which row was earlier; the split must be `by` the same.");
const LAST: Arg<usize> =
    Arg::int("last").default(Literal::Int(50)).range(1.0, 100_000.0).doc("Of longer pasts the latest rows, that many.");

static SIGNATURE: Signature = Signature::new(
    Group::Prepare,
    "history",
    &["col<d, vector[n]> -> col<d, sequence[last, n]>", "col<d, vector[n]> -> col<d, sequence[last, n]>"],
)
.version(1)
.args(&[BY.spec(), ORDER.spec(), LAST.spec()])
.placed()
.held_in_networks()
.infer(before)
.doc(
    "For each row, the values of the earlier rows with the same `by`, oldest first; rows of one moment do not see each other. \
     The first row of each one has no past, and is missing. Past answers are inputs, so a label may be read this way. In a \
     score of `recommend` a history belongs to the user: in training it is what came before the row, in a ranking all of the \
     user's rows of earlier parts. There it stands in the network (`neural`, `score`), as layers do.",
)
.reference("Kang and McAuley 2018, for the sequences of SASRec")
.examples(&[
    Example::new(
        "How well someone liked the films before.",
        "source films   = table(\"films.csv\") { film: key }\n\
         source ratings = table(\"ratings.csv\") { user: category, film: ref(films), rating: float, at: time(unix) }\n\
         extract so_far = ratings.rating |> history(by = ratings.user, order = ratings.at, last = 20) |> mean",
        "col<ratings, vector[1]>?",
    ),
    Example::new(
        "The next film, from those before.",
        "source films = table(\"films.csv\") { film: key }\n\
         source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
         prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
         fuse each = neural { embedding(films, 16) }\n\
         fuse before = neural {\n    \
         each |> history(by = likes.user, order = likes.at, last = 10) |> fill(zero) |> self_attention(causal = true) |> last\n\
         }\n\
         train next = recommend(parts, user = user, item = film) { score = dot(before, each) }",
        "train",
    ),
]);

/// A sequence at the rows of `by`, with holes of this stage's own.
fn before(call: &mut Inference<'_, '_>) -> Option<Type> {
    let (by_at, order_at) = (input(call, BY.name())?, input(call, ORDER.name())?);
    let (by, order) = (call.column(by_at)?, call.column(order_at)?);
    let (by_span, order_span) = (call.input_spans[by_at], call.input_spans[order_at]);
    let found = by.elem.to_string();
    if !matches!(by.elem, Elem::Ref(_) | Elem::Category(_)) {
        return call.refuse(
            "E0301",
            by_span,
            say!("`by` takes a ref or a category, this is {found}", "`by` 接受引用或类别，这里是 {found}"),
            Some(say!("name who the rows belong to: `by = ratings.user`", "请指明这些行属于谁：`by = ratings.user`")),
        );
    }
    let found = order.elem.to_string();
    if !(order.elem.is_number() || matches!(order.elem, Elem::Time | Elem::Duration)) {
        return call.refuse(
            "E0301",
            order_span,
            say!("`order` takes a time or a number, this is {found}", "`order` 接受时间或数值，这里是 {found}"),
            Some(say!("name when each row was: `order = ratings.at`", "请指明每行发生的时间：`order = ratings.at`")),
        );
    }
    for (column, span, name) in [(&by, by_span, BY.name()), (&order, order_span, ORDER.name())] {
        if !column.missing.is_empty() {
            return call.refuse(
                "E0504",
                span,
                say!(
                    "`{name}` may be missing, and decides which rows came before",
                    "`{name}` 可能缺失，而它决定哪些行在前"
                ),
                Some(say!("leave such rows out first: `… |> drop_missing`", "请先去掉这些行：`… |> drop_missing`")),
            );
        }
    }
    if !call.is_within(by.domain, order.domain) {
        return call.refuse_rows(by.domain, order.domain, order_span, by_span);
    }
    let place = call.input_spans[0];
    call.read_input(0, by.domain, place)?;
    let column = call.column(0)?;
    let width = column.elem.as_vector().unwrap_or(Size::Unknown);
    let last = call.args.get(LAST) as u64;
    let mut past = column.marks.past.clone();
    past.insert(PastMark {
        domain: by.domain,
        by: by.marks.columns.clone(),
        order: order.marks.columns.clone(),
        node: call.next_node(),
    });
    let mut fits = column.marks.fits.clone();
    fits.extend(by.marks.fits.iter().chain(&order.marks.fits).cloned());
    let marks = Marks { fits, past, joint: column.marks.joint, ..Marks::default() };
    let mut missing = column.missing.clone();
    missing.insert(Origin::Stage(call.next_node()));
    Some(Type::Column(ColumnType { domain: by.domain, elem: Elem::Sequence(Size::Known(last), width), missing, marks }))
}

/// Returns which input an argument is; says so where it was left out or names several.
fn input(call: &mut Inference<'_, '_>, name: &'static str) -> Option<usize> {
    match call.args.find(name).and_then(single) {
        Some(at) => Some(at),
        None => {
            let span = call.arg_span(name);
            call.report(Diagnostic::error("E0108", span, say!("`{name}` takes one column", "`{name}` 接受一列")));
            None
        }
    }
}

fn single(value: &ArgValue) -> Option<usize> {
    match value {
        ArgValue::Input(at) => Some(*at),
        ArgValue::List(list) => match &list[..] {
            [value] => single(value),
            _ => None,
        },
        _ => None,
    }
}

impl Stage for History {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == 0 { Body::Across(sequences) } else { Body::Recall { past: recall, joint: steps } }
    }
}

fn recall(args: &Args) -> Result<Recall> {
    let input = |name: &str| args.find(name).and_then(single).ok_or_else(|| Error::bug("a history lacks a column"));
    Ok(Recall { by: input(BY.name())?, order: input(ORDER.name())?, last: args.get(LAST) })
}

fn sequences(context: &Context<'_>, args: &Args, inputs: &[Value], _: &Crossing) -> Result<Column> {
    let recall = recall(args)?;
    let named = |at: usize| inputs.get(at).ok_or_else(|| Error::bug("a history lacks a column"))?.column();
    let by = named(recall.by)?;
    let column = inputs.first().ok_or_else(|| Error::bug("a history of nothing"))?.column()?.restrict(&by.rows)?;
    let (width, numbers) = column.values.as_vectors()?;
    let own = |at: usize| &numbers[at * width..][..width];
    let past = Past::new(by, named(recall.order)?, recall.last, Some(&column))?;
    let mut out = Sequences { width, ..Sequences::default() };
    let mut missing = Vec::with_capacity(by.len());
    for at in 0..by.len() {
        if at.is_multiple_of(65_536) {
            context.check()?;
            context.progress(at, by.len());
        }
        let before = out.numbers.len();
        let places = past.of(by.rows.id(at)).iter().filter_map(|&row| column.rows.place(row));
        for place in places.filter(|&place| !column.is_missing(place)) {
            out.numbers.extend_from_slice(own(place));
        }
        missing.push(out.numbers.len() == before);
        out.end_row();
    }
    Ok(Column::new(by.rows.clone(), Values::Sequence(Arc::new(out))).with_missing(missing))
}

/// In a network: the plan says which rows came before; here they become steps.
fn steps(call: &JointCall<'_>, network: &mut dyn Network, inputs: &[Var]) -> Result<Var> {
    let (Some(value), Some(steps)) = (inputs.first(), call.steps) else {
        return Err(Error::bug("a history in a network knows no past"));
    };
    let most = steps.lengths.iter().copied().max().unwrap_or(0).max(1);
    network.gather_steps(value, steps.places, steps.lengths, most as usize)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_data::table::Rows;
    use mmf_data::values::Vocabulary;

    use super::*;

    fn run(values: Values, missing: Vec<bool>, codes: &[u32], at: &[i64], last: i64) -> Column {
        let rows = Rows::all(codes.len());
        let names = Arc::new(Vocabulary::new(vec!["a", "b"].into()));
        let columns = [
            Column::new(rows.clone(), values).with_missing(missing),
            Column::new(rows.clone(), Values::Code { codes: Arc::new(codes.to_vec()), names }),
            Column::new(rows.clone(), Values::Time(Arc::new(at.to_vec()))),
        ];
        let args = Args(vec![
            ("by".into(), ArgValue::Input(1)),
            ("order".into(), ArgValue::Input(2)),
            ("last".into(), ArgValue::Int(last)),
        ]);
        let crossing = Crossing { to: Vec::new(), total: 0, rows };
        let context = Context { seed: 0, base: Path::new("."), host: &Quiet };
        sequences(&context, &args, &columns.map(Value::Column), &crossing).unwrap()
    }

    #[test]
    fn each_row_gets_what_came_before_it() {
        let values = Values::vector(2, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
        let missing = vec![false, false, true, false, false];
        let column = run(values, missing, &[0, 1, 0, 0, 0], &[10, 5, 20, 30, 40], 2);
        let Values::Sequence(sequences) = &column.values else { panic!("sequences") };
        let rows: Vec<&[f32]> = (0..5).map(|row| sequences.row(row)).collect();
        // The last two before row 4 are rows 2 and 3, and row 2 has no value.
        assert_eq!(rows, [&[][..], &[], &[1.0, 2.0], &[1.0, 2.0], &[7.0, 8.0]]);
        assert_eq!(column.missing.as_deref(), Some(&vec![true, true, false, false, false]));
    }

    #[test]
    fn rows_of_one_moment_stand_by_their_values_and_not_by_their_place() {
        let of = |values: Vec<i64>| run(Values::Int(values.into()), vec![false; 3], &[0, 0, 0], &[1, 1, 2], 9);
        assert_eq!(of(vec![5, 3, 4]).values, of(vec![3, 5, 4]).values);
    }
}
