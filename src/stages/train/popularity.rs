//! How often the training rows refer to each item.

use mmf_data::stage::{Body, Stage};
use mmf_data::table::Column;
use mmf_data::values::Values;
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{ColumnType, Elem, FitRows, Marks, Part, Size, Type};

pub(crate) struct Popularity;

static SIGNATURE: Signature = Signature::new(Group::Train, "popularity", &["col<d, category> -> col<d, vector[1]>"])
    .infer(rows)
    .doc(
        "For each value of a ref or category column the count of training rows that have it: `score = \
         popularity(film)` ranks by that, the same for all users, and trains nothing.",
    )
    .reference("RecBole, recbole.model.general_recommender.Pop")
    .examples(&[Example::new(
        "The yardstick of every recommender.",
        "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             train popular = recommend(parts, user = user, item = film) { score = popularity(film) }",
        "train",
    )]);

/// Counts over the training rows of the task around, for each row that the column leads to, read along it.
fn rows(call: &mut Inference<'_, '_>) -> Option<Type> {
    let column = call.column(0)?;
    let (Elem::Ref(to) | Elem::Category(to)) = column.elem else {
        let (span, found) = (call.span, column.elem.to_string());
        return call.refuse(
            "E0302",
            span,
            say!(
                "`popularity` counts a ref or a category, this is {found}",
                "`popularity` 统计引用或类别，这里是 {found}"
            ),
            None,
        );
    };
    let arrow = call.arrow_of(0)?;
    let Some((train, split)) = call.task_train() else {
        let span = call.span;
        return call.refuse(
            "E0302",
            span,
            say!(
                "`popularity` counts the training rows of the task around it, and here is none",
                "`popularity` 统计所在任务的训练行，而此处没有任务"
            ),
            Some(say!("write it in a train: `score = popularity(film)`", "请写在训练中：`score = popularity(film)`")),
        );
    };
    let source = call.column_of(train, &arrow.column);
    // The values, and the link that leads from their rows to the items.
    call.inputs = vec![source, source];
    let mut marks = Marks::default();
    marks.fits.insert(FitRows::Part { split: split.split, part: Part::Train });
    let elem = Elem::Vector(Size::Known(1));
    let counts = call.node(Type::Column(ColumnType { domain: to, elem, missing: Default::default(), marks }));
    call.instead = Some(call.read_along(counts, column.domain, &arrow));
    Some(Type::Unknown)
}

impl Stage for Popularity {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Across(|_, _, _, crossing| {
            let mut counts = vec![0u32; crossing.total];
            for count in crossing.to.iter().filter_map(|&to| (to != u32::MAX).then_some(to as usize)) {
                if let Some(count) = counts.get_mut(count) {
                    *count += 1;
                }
            }
            let rows = crossing.rows.ids();
            let numbers = rows.iter().map(|&row| counts.get(row as usize).map_or(0.0, |&n| n as f32)).collect();
            Ok(Column::new(crossing.rows.clone(), Values::vector(1, numbers)))
        })
    }
}
