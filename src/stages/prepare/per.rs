//! `per`: what the rows that lead to a row say of it.

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Crossing, Stage};
use mmf_data::table::{Column, Value};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, ArgKind, Args};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{ColumnType, Elem, Origin, Type};

/// What the rows that lead to a row say of it.
pub(crate) struct Per;

const TARGET: Arg<()> = Arg::new("target", ArgKind::Target, |_| ())
    .doc("The table to which one ref leads; the ref column where several do.");
const HOW: Arg<String> = Arg::words("how", &["mean", "sum", "count", "max", "min"])
    .doc("What is made of a row's values, place by place for vectors. `count` takes columns of any type.");

static SIGNATURE: Signature = Signature::new(Group::Prepare, "per", &["col<d, any> -> col<e, any>"])
    .version(1)
    .args(&[TARGET.spec(), HOW.spec()])
    .infer(gathered)
    .doc(
        "Goes back along a ref: for each row of the other table, the values of the rows that lead to it become one. \
         Missing values are passed over; where no value leads, the result is missing, also for `count`.",
    )
    .examples(&[
        Example::new(
            "The mean rating of each film; a film without one is missing.",
            "source films   = table(\"films.csv\") { film: key }\n\
             source ratings = table(\"ratings.csv\") { film: ref(films), rating: float }\n\
             extract loved = ratings.rating |> per(films, mean)",
            "col<films, float>?",
        ),
        Example::new(
            "Where two refs lead to the same table, one is named.",
            "source people  = table(\"people.csv\") { person: key }\n\
             source follows = table(\"follows.csv\") { from: ref(people), to: ref(people) }\n\
             extract followers = follows.from |> per(follows.to, count)",
            "col<people, int>?",
        ),
    ]);

/// A column of the rows that the target names, with holes of this stage's own.
fn gathered(call: &mut Inference<'_, '_>) -> Option<Type> {
    let column = call.column(0)?;
    let (here, there) = (call.input_spans[0], call.arg_span(TARGET.name()));
    let to = match call.input(1) {
        Type::Table(table) => {
            let ways = call.ways(column.domain, table.domain);
            let [way] = &ways[..] else { return call.refuse_rows(column.domain, table.domain, there, here) };
            let way = way.clone();
            call.add_links(&way);
            table.domain
        }
        Type::Column(link) => {
            let (Elem::Ref(to) | Elem::Category(to)) = link.elem else { return None };
            if !call.is_within(column.domain, call.root(link.domain)) {
                return call.refuse_rows(column.domain, link.domain, there, here);
            }
            to
        }
        _ => return None,
    };
    let how = call.args.get(HOW);
    let elem = match (how.as_str(), &column.elem) {
        ("count", _) => Elem::Int,
        (_, Elem::Vector(n)) => Elem::Vector(*n),
        (_, elem) if elem.is_number() => Elem::Float,
        (_, elem) => {
            let found = elem.to_string();
            return call.refuse(
                "E0301",
                here,
                say!("`per` takes the {how} of numbers, this is {found}", "`per` 只能对数值求 {how}，这里是 {found}"),
                Some(say!("`count` takes columns of any type", "`count` 接受任何类型的列")),
            );
        }
    };
    let mut marks = column.marks.clone();
    let learned = call.learned_from(column.domain);
    if !learned.is_empty() {
        // What is gathered from training rows is learned, not read row by row.
        marks.columns.clear();
    }
    marks.fits.extend(learned);
    let missing = [Origin::Stage(call.next_node())].into();
    Some(Type::Column(ColumnType { domain: to, elem, missing, marks }))
}

impl Stage for Per {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Across(run)
    }
}

fn run(context: &Context<'_>, args: &Args, inputs: &[Value], crossing: &Crossing) -> Result<Column> {
    let column = inputs.first().ok_or_else(|| Error::bug("`per` was given no column"))?.column()?;
    if crossing.to.len() != column.len() {
        return Err(Error::bug("a crossing has not as many rows as its column"));
    }
    context.check()?;
    let how = args.get(HOW);
    // The row of each place that counts, and where it leads.
    let ways: Vec<(usize, usize)> = (0..column.len())
        .filter(|&at| !column.is_missing(at) && (crossing.to[at] as usize) < crossing.total)
        .map(|at| (at, crossing.to[at] as usize))
        .collect();
    let mut counts = vec![0u64; crossing.total];
    ways.iter().for_each(|&(_, to)| counts[to] += 1);
    let rows = &crossing.rows;
    let missing: Vec<bool> = (0..rows.len()).map(|at| counts[rows.id(at) as usize] == 0).collect();
    let values = if how == "count" {
        Values::Int((0..rows.len()).map(|at| counts[rows.id(at) as usize] as i64).collect::<Vec<_>>().into())
    } else {
        let (width, number): (usize, Box<dyn Fn(usize, usize) -> f64 + '_>) = match &column.values {
            Values::Int(v) => (1, Box::new(move |at, _| v[at] as f64)),
            Values::Float(v) => (1, Box::new(move |at, _| v[at])),
            Values::Bool(v) => (1, Box::new(move |at, _| f64::from(u8::from(v[at])))),
            Values::Vector { width, numbers } => (*width, Box::new(move |at, k| f64::from(numbers[at * width + k]))),
            other => return Err(Error::bug(format!("`per` cannot take the {how} of a column of {}", other.kind()))),
        };
        let gathered = gather(&how, width, &number, &ways, &counts);
        let row = |at: usize| rows.id(at) as usize * width;
        match &column.values {
            Values::Vector { .. } => {
                let numbers = (0..rows.len()).flat_map(|at| &gathered[row(at)..row(at) + width]).map(|&x| x as f32);
                Values::vector(width, numbers.collect())
            }
            _ => Values::Float((0..rows.len()).map(|at| gathered[row(at)]).collect::<Vec<_>>().into()),
        }
    };
    Ok(Column::new(rows.clone(), values).with_missing(missing))
}

/// Returns `total × width` numbers; zero where nothing leads.
fn gather(
    how: &str,
    width: usize,
    number: &dyn Fn(usize, usize) -> f64,
    ways: &[(usize, usize)],
    counts: &[u64],
) -> Vec<f64> {
    let mut out = vec![0.0; counts.len() * width];
    let mut seen = vec![false; counts.len()];
    for &(at, to) in ways {
        for (k, cell) in out[to * width..(to + 1) * width].iter_mut().enumerate() {
            let x = number(at, k);
            *cell = match how {
                _ if !seen[to] => x,
                "max" => cell.max(x),
                "min" => cell.min(x),
                _ => *cell + x,
            };
        }
        seen[to] = true;
    }
    if how == "mean" {
        for (to, &count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
            out[to * width..(to + 1) * width].iter_mut().for_each(|x| *x /= count as f64);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_data::table::Rows;
    use mmf_lang::args::ArgValue;

    use super::*;

    fn per(how: &str, values: Values, to: &[u32], rows: Rows) -> Column {
        let column = Column::new(Rows::all(values.len()), values);
        let args = Args(vec![("how".into(), ArgValue::Word(how.into()))]);
        let context = Context { seed: 0, base: Path::new("."), host: &Quiet };
        let crossing = Crossing { to: to.to_vec(), total: rows.total, rows };
        run(&context, &args, &[Value::Column(column)], &crossing).unwrap()
    }

    #[test]
    fn values_meet_where_they_lead() {
        let to = [2, 0, 2, u32::MAX];
        let of = |how| per(how, Values::Int(vec![3, 5, -7, 9].into()), &to, Rows::all(3));
        for (how, numbers) in
            [("mean", [5.0, 0.0, -2.0]), ("sum", [5.0, 0.0, -4.0]), ("max", [5.0, 0.0, 3.0]), ("min", [5.0, 0.0, -7.0])]
        {
            let result = of(how);
            assert_eq!(result.values, Values::Float(numbers.to_vec().into()), "{how}");
            assert_eq!(result.missing.as_deref(), Some(&vec![false, true, false]), "{how}");
        }
        assert_eq!(of("count").values, Values::Int(vec![1, 0, 2].into()));
        let vectors = Values::vector(2, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        let part = per("mean", vectors, &to, Rows::some(3, vec![2]));
        assert_eq!((part.values, part.missing), (Values::vector(2, vec![3.0, 4.0]), None));
    }
}
