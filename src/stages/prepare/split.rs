//! `split`: a table's rows in a training, a validation and a test part.

mod content;
mod cut;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Report, Stage};
use mmf_data::table::{Column, Split as Parts, Table, Value};
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Part, SplitType, Type};

use self::content::{Contents, compare, written};
use self::cut::Amount;

/// A table's rows in parts.
pub(crate) struct Split;

const BY: Arg<Option<String>> =
    Arg::some_column("by").doc("The order: the last rows are test, those before them validation.");
const GROUP: Arg<Option<String>> = Arg::some_column("group")
    .doc("Rows with the same value of this column come into the same part; shares and counts are then of groups.");
const STRATIFY: Arg<Option<String>> =
    Arg::some_column("stratify").doc("Each part has the same shares of this column's values, as far as rows can.");
const PER: Arg<Option<String>> = Arg::some_column("per").doc("Splits the rows of each value of this column apart.");
const GIVEN: Arg<Option<String>> = Arg::some_column("given")
    .doc("A column that marks the parts: `train`, `validation` and `test` then say by which marks.");

const fn size(name: &'static str, doc: &'static str) -> Arg<Option<ArgValue>> {
    Arg::new(name, ArgKind::ShareOrCount, |v| v.cloned()).optional().doc(doc)
}

const TRAIN: Arg<Option<ArgValue>> = size("train", "A share, or marks of `given`; the rest where it is left out.");
const VALIDATION: Arg<Option<ArgValue>> =
    size("validation", "A share, a whole number of rows, or marks of `given`; none where it is left out.");
const TEST: Arg<Option<ArgValue>> =
    size("test", "A share, a whole number of rows, or marks of `given`; none where it is left out.");

static SIGNATURE: Signature = Signature::new(Group::Prepare, "split", &["table -> split"])
    .version(1)
    .args(&[
        BY.spec(),
        GROUP.spec(),
        STRATIFY.spec(),
        PER.spec(),
        GIVEN.spec(),
        TRAIN.spec(),
        VALIDATION.spec(),
        TEST.spec(),
    ])
    .doc(
        "Cuts rows into a training, a validation and a test part: at random, or in the order `by` a \
         column, the last being test. `group` keeps the rows of one value together, `stratify` and `per` \
         cut within the values of a column, `given` reads parts that a column marks; with it a share is \
         taken from the training rows. A row's place in the file never matters: chance and ties are \
         settled by the row's content. Shares round down and the rest is training; within `per`, a share \
         of less than one row counts as one while training keeps one, and counts leave training at least \
         one row.",
    )
    .infer(parts)
    .reference("shares and counts within `per` as RecBole 1.2.1 (Dataset.split_by_ratio, leave_one_out)")
    .examples(&[
        Example::new(
            "In the order of a column: the last row is test, the one before it validation.",
            "table(at = [3, 1, 2, 4]) |> split(by = at, validation = 1, test = 1)",
            "split(train = table(at = [1, 2]), validation = table(at = [3]), test = table(at = [4]))",
        ),
        Example::new(
            "Each user's last row is test.",
            "table(user = [\"a\", \"a\", \"b\", \"b\"], at = [2, 1, 3, 4]) |> split(per = user, by = at, \
             test = 1)",
            "split(train = table(user = [\"a\", \"b\"], at = [1, 3]), \
             test = table(user = [\"a\", \"b\"], at = [2, 4]))",
        ),
        Example::new(
            "Parts that a column marks.",
            "table(age = [30, 40, 50], part = [\"train\", \"test\", \"train\"]) |> split(given = part, \
             train = \"train\", test = \"test\")",
            "split(train = table(age = [30, 50], part = [\"train\", \"train\"]), \
             test = table(age = [40], part = [\"test\"]))",
        ),
    ]);

/// The parts that are asked for, each some of the table's rows.
fn parts(call: &mut Inference<'_, '_>) -> Option<Type> {
    let table = call.table()?;
    for argument in [BY.name(), GROUP.name(), STRATIFY.name(), PER.name(), GIVEN.name()] {
        if let Some((name, column)) = call.named_column(argument)
            && !column.missing.is_empty()
        {
            let span = call.arg_span(argument);
            return call.refuse(
                "E0504",
                span,
                say!(
                    "`{name}` may be missing, and a row without it has no part",
                    "`{name}` 可能缺失，缺失的行无法归入任何部分"
                ),
                Some(say!("leave such rows out before: `… |> drop_missing`", "请先去掉这些行：`… |> drop_missing`")),
            );
        }
    }
    if call.args.has(GROUP.name()) && (call.args.has(STRATIFY.name()) || call.args.has(PER.name())) {
        let span = call.arg_span(GROUP.name());
        return call.refuse(
            "E0708",
            span,
            say!("`group` does not go with `stratify` or `per`", "`group` 不能与 `stratify` 或 `per` 同用"),
            None,
        );
    }
    for argument in [TRAIN.name(), VALIDATION.name(), TEST.name()] {
        let number = matches!(call.args.find(argument), None | Some(ArgValue::Float(_) | ArgValue::Int(_)));
        if !number && !call.args.has(GIVEN.name()) {
            let span = call.arg_span(argument);
            return call.refuse(
                "E0708",
                span,
                say!(
                    "`{argument}` names marks, and no column has them",
                    "`{argument}` 给出了标记，但没有指明带标记的列"
                ),
                Some(say!("say which column marks the parts: `given = …`", "请指明标记各部分的列：`given = …`")),
            );
        }
    }
    let share = |name: &str| match call.args.find(name) {
        Some(ArgValue::Float(x)) => Some(*x),
        Some(ArgValue::Int(1)) if name == TRAIN.name() => Some(1.0),
        Some(_) => None,
        None => Some(0.0),
    };
    if let (Some(train), Some(validation), Some(test)) =
        (share(TRAIN.name()), share(VALIDATION.name()), share(TEST.name()))
    {
        let total = train + validation + test;
        let wrong = if call.args.has(TRAIN.name()) { (total - 1.0).abs() > 1e-9 } else { total >= 1.0 };
        if wrong {
            let percent = (total * 1000.0).round() / 10.0;
            let span = call.span;
            return call.refuse(
                "E0708",
                span,
                say!("the parts sum to {percent} %, not to 100 %", "各部分之和为 {percent} %，而不是 100 %"),
                Some(say!(
                    "write `train = 80%, validation = 10%, test = 10%`",
                    "请写 `train = 80%, validation = 10%, test = 10%`"
                )),
            );
        }
    }
    let mut parts = vec![(Part::Train, call.new_part(table.domain))];
    for (part, argument) in [(Part::Validation, VALIDATION.name()), (Part::Test, TEST.name())] {
        if call.args.has(argument) {
            parts.push((part, call.new_part(table.domain)));
        }
    }
    if parts.len() == 1 {
        let span = call.span;
        return call.refuse(
            "E0708",
            span,
            say!("a split keeps rows for measuring, and this keeps none", "划分须留出用于评测的行，这里没有留出"),
            Some(say!("write `train = 80%, test = 20%`", "请写 `train = 80%, test = 20%`")),
        );
    }
    Some(Type::Split(SplitType { split: call.next_node(), table, parts }))
}

impl Stage for Split {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Split(run)
    }
}

fn run(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Parts> {
    let table = super::expression::table(inputs)?;
    let asked =
        [(Part::Train, args.get(TRAIN)), (Part::Validation, args.get(VALIDATION)), (Part::Test, args.get(TEST))];
    if table.rows.is_empty() {
        return Err(Error::new("E1023", say!("the table has no rows to split", "该表没有可划分的行")));
    }
    if args.get(GROUP).is_some() && (args.get(STRATIFY).is_some() || args.get(PER).is_some()) {
        return Err(Error::new(
            "E1023",
            say!("`group` does not go with `stratify` or `per`", "`group` 不能与 `stratify` 或 `per` 同用"),
        ));
    }
    let rows = table.rows.len() as u32;
    let mut places: BTreeMap<Part, Vec<u32>> = BTreeMap::new();
    let given = args.get(GIVEN);
    if let Some(given) = &given {
        places = marked(table.column(given)?, given, &asked)?;
    } else {
        places.insert(Part::Train, (0..rows).collect());
    }
    let amount = |part: Part| asked.iter().find(|(p, _)| *p == part).and_then(|(_, v)| Amount::read(v.as_ref()));
    let cut_from = |part: Part| amount(part).filter(|_| !places.contains_key(&part) || part == Part::Train);
    let (validation, test) = (cut_from(Part::Validation), cut_from(Part::Test));
    if validation.is_some() || test.is_some() {
        let train = places.remove(&Part::Train).unwrap_or_default();
        let cutter = Cutter::new(context.seed, table, args)?;
        let sizes = [validation.unwrap_or(Amount::Count(0)), test.unwrap_or(Amount::Count(0))];
        let [train, val, tst] = cutter.cut(&train, sizes)?;
        places.insert(Part::Train, train);
        if validation.is_some() {
            places.insert(Part::Validation, val);
        }
        if test.is_some() {
            places.insert(Part::Test, tst);
        }
    }
    let mut parts = Vec::new();
    for (part, mut at) in places {
        at.sort_unstable();
        if at.is_empty() {
            let word = part.word();
            if part == Part::Train {
                return Err(Error::new(
                    "E1023",
                    say!("the split leaves no row for the part `{word}`", "划分后 `{word}` 部分没有行"),
                ));
            }
            context.host.report(Report::Note(say!(
                "the part `{word}` has no row: its share of {rows} rows is less than one",
                "`{word}` 部分没有行：{rows} 行中它的份额不足一行"
            )));
        }
        parts.push((part, table.rows.keep(&at)));
    }
    Ok(Parts { table: table.clone(), parts })
}

/// Returns the rows by their marks. Rows with no such mark are in no part, or in training where that has no marks.
fn marked(column: &Column, name: &str, asked: &[(Part, Option<ArgValue>)]) -> Result<BTreeMap<Part, Vec<u32>>> {
    let mut marks: BTreeMap<String, Part> = BTreeMap::new();
    let mut places = BTreeMap::new();
    for (part, value) in asked {
        let Some(value) = value else { continue };
        // Numbers beside `given` are marks only in a list or as a text: `1` alone is a count.
        if Amount::read(Some(value)).is_none() {
            places.insert(*part, Vec::new());
            for mark in crate::source::table::texts(Some(value)) {
                if let Some(other) = marks.insert(mark.clone(), *part).filter(|other| other != part) {
                    let (a, b) = (other.word(), part.word());
                    return Err(Error::new(
                        "E1023",
                        say!("the mark `{mark}` is both `{a}` and `{b}`", "标记 `{mark}` 同属 `{a}` 和 `{b}`"),
                    ));
                }
            }
        }
    }
    let rest = !places.contains_key(&Part::Train);
    let mut seen: BTreeMap<String, ()> = BTreeMap::new();
    for at in 0..column.len() {
        if column.is_missing(at) {
            continue;
        }
        let mark = written(&column.values, at)?;
        match marks.get(&mark) {
            Some(part) => places.entry(*part).or_default().push(at as u32),
            None if rest => places.entry(Part::Train).or_default().push(at as u32),
            None => {}
        }
        if seen.len() < 1000 {
            seen.insert(mark, ());
        }
    }
    for (mark, part) in &marks {
        if !seen.contains_key(mark) && seen.len() < 1000 {
            let part = part.word();
            let there = seen.keys().take(8).map(|m| format!("`{m}`")).collect::<Vec<_>>().join(", ");
            return Err(Error::new(
                "E1023",
                say!(
                    "no row is marked `{mark}` in `{name}` (for `{part}`)",
                    "`{name}` 中没有标记为 `{mark}` 的行（用于 `{part}`）"
                ),
            )
            .help(say!("the marks there are {there}", "现有的标记有 {there}")));
        }
    }
    Ok(places)
}

/// Cuts rows as the arguments say.
struct Cutter<'a> {
    contents: Contents<'a>,
    by: Option<&'a Column>,
    group: Option<&'a Column>,
    stratify: Option<&'a Column>,
    per: Option<&'a Column>,
}

impl<'a> Cutter<'a> {
    fn new(seed: u64, table: &'a Table, args: &Args) -> Result<Self> {
        let column = |arg: Arg<Option<String>>| args.get(arg).map(|name| table.column(&name)).transpose();
        let cutter = Cutter {
            contents: Contents::new(seed, table),
            by: column(BY)?,
            group: column(GROUP)?,
            stratify: column(STRATIFY)?,
            per: column(PER)?,
        };
        for column in [cutter.by, cutter.group, cutter.stratify, cutter.per].into_iter().flatten() {
            if column.missing.is_some() {
                return Err(Error::bug("a split reads a column with missing values"));
            }
        }
        Ok(cutter)
    }

    /// Returns the training, validation and test rows among these.
    fn cut(&self, rows: &[u32], sizes: [Amount; 2]) -> Result<[Vec<u32>; 3]> {
        if let Some(group) = self.group {
            return self.groups(group, rows, sizes);
        }
        let mut out = [Vec::new(), Vec::new(), Vec::new()];
        let mut put = |ordered: &[u32], [train, validation, _]: [usize; 3]| {
            out[0].extend_from_slice(&ordered[..train]);
            out[1].extend_from_slice(&ordered[train..train + validation]);
            out[2].extend_from_slice(&ordered[train + validation..]);
        };
        match (self.per, self.stratify) {
            (None, None) => put(&self.order(rows), cut::whole(rows.len(), sizes)),
            (Some(per), None) => {
                for rows in self.apart(per, rows)? {
                    put(&self.order(&rows), cut::per(rows.len(), sizes));
                }
            }
            (None, Some(stratify)) => {
                let strata = self.apart(stratify, rows)?;
                let counts: Vec<usize> = strata.iter().map(Vec::len).collect();
                for (rows, cut) in strata.iter().zip(cut::strata(&counts, sizes)) {
                    put(&self.order(rows), cut);
                }
            }
            (Some(_), Some(_)) => {
                return Err(Error::new(
                    "E1023",
                    say!("`per` does not go with `stratify`", "`per` 不能与 `stratify` 同用"),
                ));
            }
        }
        Ok(out)
    }

    /// Returns the rows of each value of a column, in the order of the values.
    fn apart(&self, column: &Column, rows: &[u32]) -> Result<Vec<Vec<u32>>> {
        let mut sorted = rows.to_vec();
        sorted.sort_by(|&a, &b| compare(&column.values, a, b));
        Ok(sorted.chunk_by(|&a, &b| compare(&column.values, a, b) == Ordering::Equal).map(<[u32]>::to_vec).collect())
    }

    /// Returns the rows in the order `by` says, ties by content; by chance without.
    fn order(&self, rows: &[u32]) -> Vec<u32> {
        let mut sorted = rows.to_vec();
        match self.by {
            Some(by) => sorted.sort_by(|&a, &b| {
                compare(&by.values, a, b).then_with(|| self.contents.content(a).cmp(&self.contents.content(b)))
            }),
            None => sorted.sort_by_cached_key(|&row| self.contents.chance(row)),
        }
        sorted
    }

    /// Cuts whole groups: in the order of their first row `by` the order, ties by the value; by chance without.
    fn groups(&self, group: &Column, rows: &[u32], sizes: [Amount; 2]) -> Result<[Vec<u32>; 3]> {
        let mut groups = self.apart(group, rows)?;
        match self.by {
            Some(by) => {
                let first = |rows: &Vec<u32>| {
                    rows.iter().copied().min_by(|&a, &b| compare(&by.values, a, b)).expect("a group has a row")
                };
                // The sort is stable, and groups came in the order of their values.
                groups.sort_by(|a, b| compare(&by.values, first(a), first(b)));
            }
            None => groups.sort_by_cached_key(|rows| self.contents.chance_of(&group.values, rows[0])),
        }
        let [train, validation, _] = cut::whole(groups.len(), sizes);
        Ok([
            groups[..train].concat(),
            groups[train..train + validation].concat(),
            groups[train + validation..].concat(),
        ])
    }
}

#[cfg(test)]
mod tests;
