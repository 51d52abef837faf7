//! `classes`: how many values a column has; a size.

use std::collections::BTreeSet;

use mmf_data::stage::{Body, Stage};
use mmf_data::table::Column;
use mmf_data::values::Values;
use mmf_lang::signature::{Example, Group, Signature};

/// How many values a column has.
pub(crate) struct Classes;

static SIGNATURE: Signature = Signature::new(Group::Prepare, "classes", &["col<d, any> -> size"]).version(1).doc(
    "How many values a column has, as a size: `dense(classes(turns.intent))`. For a category behind `in [ … ]` they \
         are those of the list; a bool has two.",
)
    .examples(&[
        Example::new(
            "As many outputs as there are genres.",
            "source films = table(\"films.csv\") { film: key, look: vector[8], genre: category in [\"crime\", \"drama\", \"war\"] }\n\
             fuse genre = neural { films.look |> dense(classes(films.genre)) |> softmax }",
            "col<films, vector[3]>",
        ),
    ]);

impl Stage for Classes {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Size(count)
    }
}

fn count(column: &Column) -> u64 {
    let here = |at: &usize| !column.is_missing(*at);
    let all = 0..column.len();
    let count = match &column.values {
        Values::Code { names, .. } => names.len(),
        Values::Bool(_) => 2,
        Values::Int(v) | Values::Time(v) | Values::Duration(v) => {
            all.filter(here).map(|at| v[at]).collect::<BTreeSet<_>>().len()
        }
        Values::Float(v) => all.filter(here).map(|at| v[at].to_bits()).collect::<BTreeSet<_>>().len(),
        Values::Text(v) => all.filter(here).map(|at| v.get(at)).collect::<BTreeSet<_>>().len(),
        _ => 0,
    };
    count as u64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mmf_data::table::Rows;
    use mmf_data::values::Vocabulary;

    use super::*;

    #[test]
    fn values_are_counted() {
        let count = |values: Values| count(&Column::new(Rows::all(values.len()), values));
        assert_eq!(count(Values::Int(vec![3, 3, 5].into())), 2);
        assert_eq!(count(Values::Bool(vec![true].into())), 2);
        let names = Arc::new(Vocabulary::new(vec!["a", "b", "c"].into()));
        assert_eq!(count(Values::Code { codes: vec![0, 0].into(), names }), 3);
        let holes = Column::new(Rows::all(2), Values::Int(vec![1, 2].into())).with_missing(vec![true, false]);
        assert_eq!(super::count(&holes), 1);
    }
}
