//! `through`: names the ref along which a column is read.

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Crossing, Stage};
use mmf_data::table::{Column, Value};
use mmf_lang::args::{Arg, ArgKind, Args};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Type;

/// Names the ref along which a column is read.
pub(crate) struct Through;

const LINK: Arg<()> =
    Arg::new("link", ArgKind::RefColumn, |_| ()).doc("The ref column that leads from the wanted rows to the column's.");

static SIGNATURE: Signature = Signature::new(Group::Prepare, "through", &["col<e, any> -> col<d, any>"])
    .version(1)
    .args(&[LINK.spec()])
    .infer(along)
    .doc("Reads a column along the named ref, where two or more lead to its rows: `person |> through(user)`.")
    .examples(&[Example::new(
        "Who is followed, not who follows.",
        "source people  = table(\"people.csv\") { person: key, look: vector[8] }\n\
             source follows = table(\"follows.csv\") { from: ref(people), to: ref(people) }\n\
             extract idol = people.look |> through(follows.to)",
        "col<follows, vector[8]>",
    )]);

/// The column at the rows of the ref; missing where the ref or the value is.
fn along(call: &mut Inference<'_, '_>) -> Option<Type> {
    let column = call.column(0)?;
    let arrow = call.arrow_of(1)?;
    let link = call.column(1)?;
    if arrow.to != column.domain {
        let span = call.arg_span(LINK.name());
        let (name, found, wanted) = (arrow.column.clone(), call.domain_name(arrow.to), call.domain_name(column.domain));
        return call.refuse(
            "E0404",
            span,
            say!("`{name}` leads to `{found}`, not to `{wanted}`", "`{name}` 通向 `{found}`，而不是 `{wanted}`"),
            None,
        );
    }
    let node = call.inputs[0];
    call.instead = Some(call.read_along(node, link.domain, &arrow));
    Some(Type::Unknown)
}

impl Stage for Through {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Across(run)
    }
}

/// `to` has for each wanted row the number of the column's row.
fn run(_: &Context<'_>, _: &Args, inputs: &[Value], crossing: &Crossing) -> Result<Column> {
    let column = inputs.first().ok_or_else(|| Error::bug("`through` was given no column"))?.column()?;
    if crossing.to.len() != crossing.rows.len() {
        return Err(Error::bug("a crossing has not as many ways as rows"));
    }
    let places: Vec<Option<usize>> = crossing.to.iter().map(|&to| column.rows.place(to)).collect();
    let missing: Vec<bool> = places.iter().map(|p| p.is_none_or(|p| column.is_missing(p))).collect();
    if column.is_empty() && !places.is_empty() {
        return Err(Error::bug("a ref leads to a column without rows"));
    }
    let at: Vec<u32> = places.iter().map(|p| p.unwrap_or(0) as u32).collect();
    Ok(Column::new(crossing.rows.clone(), column.values.take(&at)).with_missing(missing))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_data::table::Rows;
    use mmf_data::values::Values;

    use super::*;

    #[test]
    fn each_row_gets_what_it_leads_to() {
        let column = Column::new(Rows::some(9, vec![4, 7]), Values::Int(vec![40, 70].into()));
        let crossing = Crossing { to: vec![7, 4, u32::MAX, 7], total: 9, rows: Rows::all(4) };
        let context = Context { seed: 0, base: Path::new("."), host: &Quiet };
        let read = run(&context, &Args::default(), &[Value::Column(column)], &crossing).unwrap();
        assert_eq!(read.keep(&[0, 1, 3]).values, Values::Int(vec![70, 40, 70].into()));
        assert_eq!(read.missing.as_deref(), Some(&vec![false, false, true, false]));
    }
}
