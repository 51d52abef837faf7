//! Which items are like those that a user has met in the training rows.

use std::cmp::Ordering;
use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Var};
use mmf_data::stage::{Body, Context, Crossing, JointCall, Stage};
use mmf_data::table::{Column, Value};
use mmf_data::values::{Sequences, Values, Vocabulary};
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{ColumnType, Elem, FitRows, Marks, Part, Size, Type};
use rayon::prelude::*;

use crate::fuse::activation::two;

pub(crate) struct ItemKnn;

const K: Arg<usize> = Arg::int("k")
    .default(Literal::Int(100))
    .range(1.0, 1e6)
    .doc("How many items an item has that are like it: the nearest alone count.");
const SHRINK: Arg<f64> = Arg::float("shrink")
    .default(Literal::Float(0.0))
    .range(0.0, 1e9)
    .doc("Added to the denominator: the larger, the less the likeness counts of items that few users have met.");

/// The neighbours of items, the items of users, and the sums over what both have.
const NEAR: usize = 0;
const MET: usize = 1;
const SCORE: usize = 2;

/// Items whose neighbours are found at a time.
const BLOCK: usize = 256;
/// A float does not tell all numbers apart: each is held as two, its last bits and those before.
const BITS: u32 = 12;

static SIGNATURE: Signature = Signature::new(
    Group::Train,
    "item_knn",
    &[
        "col<d, category>, col<d, category> -> col<d, vector[1]>",
        "col<d, category>, col<d, category> -> col<d, vector[1]>",
        "col<d, category>, col<d, category> -> col<d, vector[1]>",
    ],
)
.args(&[K.spec(), SHRINK.spec()])
.infer(rows)
.doc(
    "For a user and an item the sum of the item's likeness to each item of the user's training rows: `score = item_knn(user, film)` \
     ranks by that, and trains nothing. Two items are alike as both / (√(users of the one · users of the other) + shrink), `both` \
     being the users who have met both; only the `k` items that are most like an item count, of equally like ones those whose names \
     come first. How often a user has met an item does not matter. The other way round, `item_knn(film, user)`, it is the users that \
     are alike.",
)
.reference("RecBole, recbole.model.general_recommender.ItemKNN; Aiolli 2013")
.examples(&[Example::new(
    "A baseline that knows each user, and trains nothing.",
    "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
     source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
     prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
     train near = recommend(parts, user = user, item = film) { score = item_knn(user, film, k = 20, shrink = 10) }",
    "train",
)]);

/// The training rows of the task around tell both the items of each user and the neighbours of each item; their sums are found
/// where a user and an item are scored.
fn rows(call: &mut Inference<'_, '_>) -> Option<Type> {
    let columns = [call.column(0)?, call.column(1)?];
    let mut ends = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let (Elem::Ref(to) | Elem::Category(to)) = column.elem else {
            let (span, found) = (call.input_spans[at], column.elem.to_string());
            return call.refuse(
                "E0302",
                span,
                say!(
                    "`item_knn` takes a ref or a category, this is {found}",
                    "`item_knn` 接受引用或类别，这里是 {found}"
                ),
                Some(say!("name who and what: `item_knn(user, film)`", "请指明用户与物品：`item_knn(user, film)`")),
            );
        };
        ends.push(to);
    }
    let Some((train, split)) = call.task_train() else {
        let span = call.span;
        return call.refuse(
            "E0302",
            span,
            say!(
                "`item_knn` reads the training rows of the task around it, and here is none",
                "`item_knn` 读取所在任务的训练行，而此处没有任务"
            ),
            Some(say!(
                "write it in a train: `score = item_knn(user, film)`",
                "请写在训练中：`score = item_knn(user, film)`"
            )),
        );
    };
    let mut arrows = Vec::new();
    let mut met_in = Vec::new();
    for at in 0..2 {
        let arrow = call.arrow_of(at)?;
        let source = call.column_of(train, &arrow.column);
        let own = matches!(call.type_of(source), Type::Column(column) if column.elem == columns[at].elem);
        if !own || columns[at].domain != columns[0].domain {
            let span = call.input_spans[at];
            return call.refuse(
                "E0302",
                span,
                say!(
                    "`item_knn` reads two columns of the task's own rows, and this is none of them",
                    "`item_knn` 读取任务自身行的两列，而这不是其中之一"
                ),
                Some(say!(
                    "name the columns that the task has: `item_knn(user, film)`",
                    "请写任务所用的列：`item_knn(user, film)`"
                )),
            );
        }
        met_in.push(source);
        arrows.push(arrow);
    }
    let mut marks = Marks::default();
    marks.fits.insert(FitRows::Part { split: split.split, part: Part::Train });
    let args = std::mem::take(&mut call.args);
    let mut missing = std::collections::BTreeSet::new();
    let mut sides = Vec::new();
    for (end, alternative, width) in [(0, MET, 2), (1, NEAR, 3)] {
        // The values, and the link that leads from their rows to this end's.
        call.inputs = vec![met_in[1 - end], met_in[end]];
        call.alternative = alternative;
        call.args = if alternative == NEAR { args.clone() } else { Args::default() };
        let elem = Elem::Sequence(Size::Unknown, Size::Known(width));
        let column = ColumnType { domain: ends[end], elem, missing: Default::default(), marks: marks.clone() };
        let lists = call.node(Type::Column(column));
        let read = call.read_along(lists, columns[end].domain, &arrows[end]);
        if let Type::Column(column) = call.type_of(read) {
            missing.extend(column.missing);
        }
        sides.push(read);
    }
    call.inputs = sides;
    call.alternative = SCORE;
    call.args = Args::default();
    let marks = Marks { joint: true, ..marks };
    let elem = Elem::Vector(Size::Known(1));
    call.instead = Some(call.node(Type::Column(ColumnType { domain: columns[0].domain, elem, missing, marks })));
    Some(Type::Unknown)
}

impl Stage for ItemKnn {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        match alternative {
            NEAR => Body::Across(near),
            MET => Body::Across(met),
            _ => Body::Joint(score),
        }
    }
}

/// Who has met what: the codes of the values for each row that is led to, ascending and once each.
struct Lists {
    starts: Vec<usize>,
    values: Vec<u32>,
}

impl Lists {
    fn new(rows: usize, mut pairs: Vec<(u32, u32)>) -> Lists {
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = vec![0; rows + 1];
        pairs.iter().for_each(|(row, _)| starts[*row as usize + 1] += 1);
        (0..rows).for_each(|row| starts[row + 1] += starts[row]);
        Lists { starts, values: pairs.into_iter().map(|(_, value)| value).collect() }
    }

    fn of(&self, row: usize) -> &[u32] {
        &self.values[self.starts[row]..self.starts[row + 1]]
    }

    fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns for each value the rows that have it.
    fn turned(&self, values: usize) -> Lists {
        let rows = (0..self.rows()).flat_map(|row| self.of(row).iter().map(move |&value| (value, row as u32)));
        Lists::new(values, rows.collect())
    }
}

/// Returns the values of the first input for each row that the link leads to, and the names of these rows.
fn lists<'v>(inputs: &'v [Value], crossing: &Crossing) -> Result<(Lists, &'v Vocabulary)> {
    let [values, link] = inputs else { return Err(Error::bug("`item_knn` was given no two columns")) };
    let (values, link) = (values.column()?, link.column()?);
    let (Values::Code { codes, .. }, Values::Code { names, .. }) = (&values.values, &link.values) else {
        return Err(Error::bug("`item_knn` was given no refs"));
    };
    let pairs = crossing.to.iter().zip(codes.iter()).enumerate();
    let there = pairs.filter(|(at, (to, _))| (**to as usize) < crossing.total && !values.is_missing(*at));
    Ok((Lists::new(crossing.total, there.map(|(_, (&to, &value))| (to, value)).collect()), names))
}

fn met(context: &Context<'_>, _: &Args, inputs: &[Value], crossing: &Crossing) -> Result<Column> {
    context.check()?;
    let (lists, _) = lists(inputs, crossing)?;
    let numbers = lists.values.iter().flat_map(|&value| halves(value)).collect();
    let sequences = Sequences { width: 2, ends: lists.starts[1..].to_vec(), numbers };
    Ok(Column::new(crossing.rows.clone(), Values::Sequence(Arc::new(sequences))))
}

fn near(context: &Context<'_>, args: &Args, inputs: &[Value], crossing: &Crossing) -> Result<Column> {
    let (users, names) = lists(inputs, crossing)?;
    let people = users.values.iter().map(|&user| user as usize + 1).max().unwrap_or(0);
    let items = users.turned(people);
    let (k, shrink) = (args.get(K), args.get(SHRINK));
    let all: Vec<u32> = (0..users.rows() as u32).collect();
    let of_block = |block: &[u32]| -> Result<Vec<Vec<(u32, f32)>>> {
        context.check()?;
        let mut together = vec![0u32; users.rows()];
        Ok(block.iter().map(|&item| nearest(item, (&users, &items), (k, shrink), names, &mut together)).collect())
    };
    let found: Vec<Vec<Vec<(u32, f32)>>> = all.par_chunks(BLOCK).map(of_block).collect::<Result<_>>()?;
    let mut sequences = Sequences { width: 3, ..Sequences::default() };
    for own in found.iter().flatten() {
        for &(other, likeness) in own {
            sequences.numbers.extend(halves(other));
            sequences.numbers.push(likeness);
        }
        sequences.end_row();
    }
    Ok(Column::new(crossing.rows.clone(), Values::Sequence(Arc::new(sequences))))
}

/// Returns the items that are most like one, ascending by number. `together` is zero before and after.
fn nearest(
    item: u32,
    (users, items): (&Lists, &Lists),
    (k, shrink): (usize, f64),
    names: &Vocabulary,
    together: &mut [u32],
) -> Vec<(u32, f32)> {
    let mut others = Vec::new();
    for &user in users.of(item as usize) {
        for &other in items.of(user as usize).iter().filter(|&&other| other != item) {
            if together[other as usize] == 0 {
                others.push(other);
            }
            together[other as usize] += 1;
        }
    }
    let count = |item: u32| users.of(item as usize).len() as f64;
    let mut near: Vec<(u32, f64)> = Vec::with_capacity(others.len());
    for other in others {
        let both = f64::from(std::mem::take(&mut together[other as usize]));
        near.push((other, both / ((count(item) * count(other)).sqrt() + shrink)));
    }
    let order = |a: &(u32, f64), b: &(u32, f64)| match b.1.total_cmp(&a.1) {
        Ordering::Equal => names.name(a.0).cmp(names.name(b.0)),
        unequal => unequal,
    };
    if near.len() > k {
        near.select_nth_unstable_by(k - 1, order);
        near.truncate(k);
    }
    near.sort_unstable_by_key(|(other, _)| *other);
    near.into_iter().map(|(other, likeness)| (other, likeness as f32)).collect()
}

/// Returns a number as the lists hold it.
fn halves(number: u32) -> [f32; 2] {
    [(number >> BITS) as f32, (number & ((1 << BITS) - 1)) as f32]
}

/// Returns the members of a row's list: their numbers, ascending, and what each counts. Whoever is met counts 1.
fn members(list: &[f32], width: usize) -> impl Iterator<Item = (u32, f32)> {
    list.chunks_exact(width.max(2)).map(|member| {
        let number = ((member[0] as u32) << BITS).wrapping_add(member[1] as u32);
        (number, member.get(2).copied().unwrap_or(1.0))
    })
}

/// The lists of a network's rows.
struct Side<'n> {
    numbers: &'n [f32],
    lengths: Option<&'n [u32]>,
    steps: usize,
    width: usize,
}

impl<'n> Side<'n> {
    fn of(network: &'n dyn Network, side: &Var) -> Result<Side<'n>> {
        let [steps, width] = side.dims[..] else { return Err(Error::bug("`item_knn` reads lists")) };
        Ok(Side { numbers: network.numbers(side)?, lengths: network.lengths(side), steps, width })
    }

    fn members(&self, row: usize) -> impl Iterator<Item = (u32, f32)> {
        let count = self.lengths.map_or(self.steps, |lengths| lengths[row] as usize);
        members(&self.numbers[row * self.steps * self.width..][..count * self.width], self.width)
    }
}

fn score(_: &JointCall<'_>, network: &mut dyn Network, inputs: &[Var]) -> Result<Var> {
    let [met, near] = two(inputs)?;
    let rows = met.rows;
    let (met, near) = (Side::of(network, met)?, Side::of(network, near)?);
    let sums = (0..rows).map(|row| shared(met.members(row), near.members(row))).collect();
    network.constant(rows, &[1], sums)
}

/// Returns the sum over those that both lists have, in the order of their numbers.
fn shared(a: impl Iterator<Item = (u32, f32)>, b: impl Iterator<Item = (u32, f32)>) -> f32 {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    let mut sum = 0.0;
    while let (Some(&(x, of_x)), Some(&(y, of_y))) = (a.peek(), b.peek()) {
        match x.cmp(&y) {
            Ordering::Less => a.next(),
            Ordering::Greater => b.next(),
            Ordering::Equal => {
                sum += of_x * of_y;
                b.next();
                a.next()
            }
        };
    }
    sum
}

/// Scores of all items for one user after another, by the lists of both.
pub(crate) struct Sums {
    /// The members of each user's list.
    users: Vec<Vec<(u32, f32)>>,
    /// The members of the items' lists, each with the place of its item, in the order of numbers.
    items: Vec<(u32, u32, f32)>,
}

impl Sums {
    /// `users` and `items` are lists, and the rows of those that are ranked.
    pub(crate) fn new(users: (&Sequences, &[usize]), items: (&Sequences, &[usize])) -> Sums {
        let of = |sequences: &Sequences, row: usize| -> Vec<(u32, f32)> {
            members(sequences.row(row), sequences.width).collect()
        };
        let mut turned: Vec<(u32, u32, f32)> = Vec::new();
        for (place, &row) in (0..).zip(items.1) {
            turned.extend(of(items.0, row).into_iter().map(|(number, counts)| (number, place, counts)));
        }
        turned.sort_unstable_by_key(|&(number, place, _)| (number, place));
        Sums { users: users.1.iter().map(|&row| of(users.0, row)).collect(), items: turned }
    }

    /// Adds the user's sums, times a sign, to the scores of all items. They are added in the order of the network's own sums.
    pub(crate) fn add(&self, user: usize, sign: f32, out: &mut [f32]) {
        for &(number, counts) in &self.users[user] {
            let first = self.items.partition_point(|member| member.0 < number);
            for &(_, place, others) in self.items[first..].iter().take_while(|member| member.0 == number) {
                out[place as usize] += sign * (counts * others);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_data::table::Rows;
    use mmf_data::values::Texts;
    use mmf_lang::args::ArgValue;
    use serde_json::from_value;

    use super::*;
    use crate::extract::each::tests::fixture;

    fn column(codes: Vec<u32>, count: usize, name: impl Fn(usize) -> String) -> Column {
        let mut names = Texts::default();
        (0..count).for_each(|code| names.push(&name(code)));
        let rows = Rows::all(codes.len());
        Column::new(rows, Values::Code { codes: Arc::new(codes), names: Arc::new(Vocabulary::new(names)) })
    }

    type Across = fn(&Context<'_>, &Args, &[Value], &Crossing) -> Result<Column>;

    fn across(body: Across, (k, shrink): (i64, f64), values: &Column, link: &Column) -> Arc<Sequences> {
        let context = Context { seed: 1, base: Path::new("."), host: &Quiet };
        let args = Args(vec![("k".into(), ArgValue::Int(k)), ("shrink".into(), ArgValue::Float(shrink))]);
        let Values::Code { codes, names } = &link.values else { panic!() };
        let crossing = Crossing { to: codes.to_vec(), total: names.len(), rows: Rows::all(names.len()) };
        let inputs = [values, link].map(|column| Value::Column(column.clone()));
        match body(&context, &args, &inputs, &crossing).unwrap().values {
            Values::Sequence(sequences) => sequences,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn scores_are_recboles() {
        let all = fixture("ranking/item_knn.json");
        let mut met_pairs: Vec<(u32, u32)> = from_value(all["met"].clone()).unwrap();
        // A pair that is met twice counts once, and the order of rows tells nothing.
        met_pairs.extend_from_within(3..9);
        met_pairs.reverse();
        let [users, items] = ["users", "items"].map(|name| all[name].as_u64().unwrap() as usize);
        let (who, what) = met_pairs.into_iter().unzip();
        let who = column(who, users, |code| format!("u{code}"));
        let what = column(what, items, |code| format!("i{code}"));
        let places = |count: usize| (0..count).collect::<Vec<_>>();
        let cases = all["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 6);
        for case in cases {
            let settings = (case["k"].as_i64().unwrap(), case["shrink"].as_f64().unwrap());
            let theirs: Vec<Vec<f32>> = from_value(case["scores"].clone()).unwrap();
            let (by_item, what_case) = (case["method"] == "item", format!("{} {settings:?}", case["method"]));
            // The lists of users and of items; neighbours are those of items, or of users.
            let of_users = across(if by_item { met } else { near }, settings, &what, &who);
            let of_items = across(if by_item { near } else { met }, settings, &who, &what);
            let sums = Sums::new((&of_users, &places(users)), (&of_items, &places(items)));
            assert_eq!(theirs.len(), users);
            for (user, theirs) in theirs.iter().enumerate() {
                let mut scores = vec![0.0; items];
                sums.add(user, 1.0, &mut scores);
                for (item, score) in scores.iter().enumerate() {
                    let wanted = theirs[item];
                    assert!(
                        (score - wanted).abs() < 1e-5 * wanted.max(1.0),
                        "{what_case}, {user}, {item}: {score}, not {wanted}"
                    );
                    let [a, b] = [(&of_users, user), (&of_items, item)].map(|(of, row)| members(of.row(row), of.width));
                    assert_eq!(shared(a, b).to_bits(), score.to_bits());
                }
            }
        }
    }

    /// Of equally like items those come first whose names do, wherever they stand in the file.
    #[test]
    fn the_order_of_the_file_tells_nothing() {
        let found = |name: fn(usize) -> String| {
            let who = column(vec![0, 0, 0, 1, 1, 1], 2, |code| code.to_string());
            let what = column(vec![0, 1, 2, 0, 1, 2], 3, name);
            let near = across(near, (1, 0.0), &who, &what);
            (0..3).map(|row| name(near.row(row)[1] as usize)).collect::<Vec<_>>()
        };
        assert_eq!(found(|code| ["a", "b", "c"][code].into()), ["b", "a", "a"]);
        assert_eq!(found(|code| ["c", "b", "a"][code].into()), ["a", "a", "b"]);
    }

    #[test]
    fn large_numbers_are_told_apart() {
        let list = |numbers: &[u32]| numbers.iter().flat_map(|&number| halves(number)).collect::<Vec<_>>();
        let (a, b) = (list(&[7, 16_777_217, 4_000_000_001]), list(&[16_777_216, 16_777_217, 4_000_000_001]));
        assert_eq!(shared(members(&a, 2), members(&b, 2)), 2.0);
        // What an experiment has muted is in no order, and ends all the same.
        assert_eq!(shared(members(&[f32::NAN, -1e9, 3.0, 2.0], 2), members(&[f32::INFINITY; 6], 3)), 0.0);
    }
}
