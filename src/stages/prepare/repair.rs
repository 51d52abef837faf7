//! `repair`: cells that were written by hand, read as what they are.

mod dates;
mod numbers;
mod spelling;

use mmf_data::arrays::State;
use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Report, Stage};
use mmf_data::table::{Column, Table, Value};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, ArgValue, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, SplitType, Type};

use super::expression::table;

/// Cells that were written by hand, read as what they are.
pub(crate) struct Repair;

const WHAT: Arg<String> = Arg::words("what", &["numbers", "dates", "spelling"]).doc(
    "`numbers`: `1,299.00 kg`, `3.5万元`, `€ 1.299,-`. `dates`: `5.3.2024`, `March 5, 2024 2:30 pm`, `2024年3月5日`. \
     `spelling`: values that differ in case, width, blanks and punctuation alone.",
);
const COLUMNS: Arg<Option<Vec<String>>> = Arg::some_columns("columns")
    .doc("The text or category columns to repair; left out, all categories, for `spelling` alone.");
const UNIT: Arg<Option<String>> = Arg::some_text("unit").doc(
    "For `numbers`: the unit of the result; others of its kind (`g` and `lb` for `kg`) are converted. Left out, all cells \
     must be in one unit.",
);
const DECIMAL: Arg<String> = Arg::words("decimal", &["point", "comma"]).default(Literal::Word("point")).doc(
    "For `numbers`: what a single sign before three digits is: with `point`, `1,234` is a thousand and more, with `comma` \
     it is one and a bit, and `1.234` the thousand.",
);
const FIRST: Arg<String> = Arg::words("first", &["day", "month"])
    .default(Literal::Word("day"))
    .doc("For `dates`: what stands first in `5/3/2024`, where both could be meant.");
const DISTANCE: Arg<usize> = Arg::int("distance").default(Literal::Int(0)).range(0.0, 3.0).doc(
    "For `spelling`: how many letters of a slip may be wrong, left out, added or swapped. A slip is five times as rare as \
     what it stands for, and has at least four letters for each wrong one.",
);

/// Columns that may have holes, for the body: the checker knows them from their types.
const HOLES: &str = "holes";

static SIGNATURE: Signature = Signature::new(
    Group::Prepare,
    "repair",
    &["table -> table", "table -> table", "table -> table", "split -> split"],
)
.by("what", &["numbers", "dates", "spelling", "spelling"])
.version(1)
.args(&[WHAT.spec(), COLUMNS.spec(), UNIT.spec(), DECIMAL.spec(), FIRST.spec(), DISTANCE.spec()])
.infer(repaired)
.doc(
    "Turns texts into numbers or times, or writes all values of a category as most training rows do. A cell that cannot be \
     read is missing, and counted, where its column is marked `?`; else it stops the run and is named. A share (`95%`) is \
     read as 0.95, a time without a zone as UTC, `¥` as yuan. Spelling is learned from training rows, so it comes after the \
     split; a value that they do not have stays as it is.",
)
.reference("dates as python-dateutil; the distance is that of optimal string alignment")
.examples(&[
    Example::new(
        "Separators of thousands, and a unit that all share.",
        "table(price = [\"1,299.50 kg\", \"2\", _]) |> repair(numbers, columns = [price])",
        "table(price = [1299.5, 2, _])",
    ),
    Example::new(
        "Units are converted to the one that is named.",
        "table(weight = [\"1.5 kg\", \"250g\", \"3斤\"]) |> repair(numbers, columns = [weight], unit = \"g\")",
        "table(weight = [1500, 250, 1500])",
    ),
    Example::new(
        "A day, a second, in microseconds since 1970.",
        "table(at = [\"2.1.1970\", \"1970-01-01 00:00:01\"]) |> repair(dates, columns = [at])",
        "table(at = [86400000000, 1000000])",
    ),
    Example::new(
        "As most write it.",
        "table(city = [\"New York\", \"new york\", \"New York\", \"Rome\"]) |> repair(spelling)",
        "table(city = [\"New York\", \"New York\", \"New York\", \"Rome\"])",
    ),
    Example::new(
        "Of a split, the training rows tell how it is written; a slip becomes what it stands for.",
        "table(at = [1, 2, 3, 4, 5, 6, 7], city = [\"Rome\", \"Rome\", \"Rome\", \"Rome\", \"Rome\", \"ROME\", \"Paris\"]) \
         |> split(by = at, test = 2) |> repair(spelling, [city])",
        "split(train = table(at = [1, 2, 3, 4, 5], city = [\"Rome\", \"Rome\", \"Rome\", \"Rome\", \"Rome\"]), \
         test = table(at = [6, 7], city = [\"Rome\", \"Paris\"]))",
    ),
]);

/// The input, with the repaired columns of their new type.
fn repaired(call: &mut Inference<'_, '_>) -> Option<Type> {
    let (what, chosen) = (call.args.get(WHAT), call.args.get(COLUMNS));
    let mut table = call.table()?;
    if chosen.is_none() && what != "spelling" {
        let span = call.span;
        return call.refuse(
            "E0107",
            span,
            say!("`repair` needs `columns` for {what}", "修复 {what} 时，`repair` 需要 `columns`"),
            Some(say!("name them: `columns = [ … ]`", "请指明：`columns = [ … ]`")),
        );
    }
    let (mut holes, mut names) = (Vec::new(), Vec::new());
    for (name, column) in &mut table.columns {
        let can = matches!(column.elem, Elem::Text(_) | Elem::Category(_) | Elem::Unknown);
        match chosen.as_ref().map(|names| names.contains(name)) {
            Some(true) if !can => {
                let (span, found) = (call.arg_span(COLUMNS.name()), column.elem.to_string());
                return call.refuse(
                    "E0301",
                    span,
                    say!(
                        "`repair` reads texts and categories, `{name}` is {found}",
                        "`repair` 处理文本和类别，`{name}` 是 {found}"
                    ),
                    None,
                );
            }
            Some(true) => {}
            Some(false) => continue,
            None if !matches!(column.elem, Elem::Category(_)) => continue,
            None => {}
        }
        names.push(ArgValue::Column(name.clone()));
        if !column.missing.is_empty() {
            holes.push(ArgValue::Text(name.clone()));
        }
        match what.as_str() {
            "numbers" => column.elem = Elem::Float,
            "dates" => column.elem = Elem::Time,
            _ => {}
        }
    }
    call.args.0.retain(|(name, _)| name != COLUMNS.name());
    call.args.0.push((COLUMNS.name().into(), ArgValue::List(names)));
    call.args.0.push((HOLES.into(), ArgValue::List(holes)));
    Some(match call.input(0) {
        Type::Split(split) => Type::Split(SplitType { table, ..split }),
        _ => Type::Table(table),
    })
}

impl Stage for Repair {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        match alternative {
            0 => Body::Table(read_numbers),
            1 => Body::Table(read_dates),
            _ => Body::FitTable { fit, apply },
        }
    }
}

fn read_numbers(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let (unit, comma) = (args.get(UNIT), args.get(DECIMAL) == "comma");
    read(context, args, inputs, |name, column| {
        let words: Vec<Option<&str>> = (0..column.len()).map(|at| word(column, at)).collect::<Result<_>>()?;
        let numbers = numbers::read(name, &words, unit.as_deref(), comma)?;
        Ok(numbers.into_iter().map(|x| x.map(Cell::Number)).collect())
    })
}

fn read_dates(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let day_first = args.get(FIRST) == "day";
    read(context, args, inputs, |_, column| {
        (0..column.len())
            .map(|at| Ok(word(column, at)?.and_then(|text| dates::read(text, day_first)).map(Cell::Time)))
            .collect()
    })
}

/// What became of a cell.
enum Cell {
    Number(f64),
    Time(i64),
}

/// Reads the columns; `read` gives nothing for a cell that is missing or cannot be read.
fn read(
    context: &Context<'_>,
    args: &Args,
    inputs: &[Value],
    read: impl Fn(&str, &Column) -> Result<Vec<Option<Cell>>>,
) -> Result<Table> {
    let mut table = table(inputs)?.clone();
    let names = args.get(COLUMNS).unwrap_or_default();
    for (name, column) in table.columns.iter_mut().filter(|(name, _)| names.contains(name)) {
        context.check()?;
        let cells = read(name, column)?;
        let unread: Vec<usize> =
            (0..column.len()).filter(|&at| cells[at].is_none() && !column.is_missing(at)).collect();
        if let Some(&at) = unread.first() {
            let (row, text) = (column.rows.id(at) + 1, word(column, at)?.unwrap_or_default().to_string());
            if !may_miss(args, name) {
                let what =
                    if args.get(WHAT) == "dates" { say!("a date", "日期") } else { say!("a number", "数字") };
                let (en, zh) = (what.en, what.zh);
                return Err(Error::new(
                    "E1024",
                    say!(
                        "`{name}` of row {row} cannot be read as {en}: `{text}`",
                        "第 {row} 行的 `{name}` 不能读作{zh}：`{text}`"
                    ),
                )
                .help(say!(
                    "mark the column `?` in its source: such cells are missing then",
                    "请在数据源中将该列标记为 `?`：这样的值将视为缺失"
                )));
            }
            let (count, rows) = (unread.len(), column.len());
            context.host.report(Report::Note(say!(
                "`{name}` cannot be read in {count} of {rows} rows, which are missing now; the first is `{text}` in row {row}",
                "`{name}` 在 {rows} 行中有 {count} 行无法读取，视为缺失；首个为第 {row} 行的 `{text}`"
            )));
        }
        let missing = cells.iter().map(Option::is_none).collect();
        let values = if args.get(WHAT) == "dates" {
            let time = |cell: &Option<Cell>| if let Some(Cell::Time(time)) = cell { *time } else { 0 };
            Values::Time(cells.iter().map(time).collect::<Vec<_>>().into())
        } else {
            let number = |cell: &Option<Cell>| if let Some(Cell::Number(x)) = cell { *x } else { 0.0 };
            Values::Float(cells.iter().map(number).collect::<Vec<_>>().into())
        };
        *column = Column::new(column.rows.clone(), values).with_missing(missing);
    }
    Ok(table)
}

/// Returns whether the checker lets the column have holes.
fn may_miss(args: &Args, name: &str) -> bool {
    matches!(args.find(HOLES), Some(ArgValue::List(list)) if list.iter().any(|n| n.as_text() == Some(name)))
}

/// Returns what is written in a cell; `None` where it is missing.
fn word(column: &Column, at: usize) -> Result<Option<&str>> {
    if column.is_missing(at) {
        return Ok(None);
    }
    match &column.values {
        Values::Text(texts) => Ok(Some(texts.get(at))),
        Values::Code { codes, names } => Ok(((codes[at] as usize) < names.len()).then(|| names.name(codes[at]))),
        other => Err(Error::bug(format!("a column of {} holds no words", other.kind()))),
    }
}

fn fit(context: &Context<'_>, args: &Args, table: &Table) -> Result<State> {
    let (mut state, names) = (State::new(), args.get(COLUMNS).unwrap_or_default());
    for (name, column) in table.columns.iter().filter(|(name, _)| names.contains(name)) {
        context.check()?;
        let words: Vec<&str> =
            (0..column.len()).map(|at| word(column, at)).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        spelling::learn(context, name, &words, args.get(DISTANCE), &mut state)?;
    }
    Ok(state)
}

fn apply(context: &Context<'_>, args: &Args, state: &State, table: &Table) -> Result<Table> {
    let (mut table, names) = (table.clone(), args.get(COLUMNS).unwrap_or_default());
    for (name, column) in table.columns.iter_mut().filter(|(name, _)| names.contains(name)) {
        context.check()?;
        let (values, changed) = spelling::write(name, column, state)?;
        if changed > 0 {
            let rows = column.len();
            context.host.report(Report::Note(say!(
                "`{name}` is written in another way in {changed} of {rows} rows",
                "`{name}` 在 {rows} 行中有 {changed} 行改用统一的写法"
            )));
        }
        column.values = values;
    }
    Ok(table)
}
