//! The notation of examples: values of rows, written out.
//!
//! | written | holds |
//! |---|---|
//! | `[1, _, 2.5]` | numbers, the second missing |
//! | `[true, false]` | bools |
//! | `["a b", "c"]` | texts; categories in a table |
//! | `category(["b", "a"])` | categories |
//! | `[["a", "b"], ["c"]]` | lists of words |
//! | `[[1, 2], _]` | vectors |
//! | `sequence([[[1, 2], [3, 4]], [[5, 6]]])` | sequences of vectors |
//! | `image([[0, 255]])`, `image([[[255, 0, 0]]])` | one picture, grey or in colours |
//! | `map([[0, 0.5]])` | one map |
//! | `table(user = ["a", "b"], age = [30, _])` | a table |
//! | `split(train = table(…), test = table(…))` | the parts of a split |

use std::fmt;
use std::sync::Arc;

use mmf_data::picture::Picture;
use mmf_data::table::{Column, Rows, Split, Table, Value};
use mmf_data::values::{Map, Sequences, Texts, TokenLists, Values, Vocabulary};
use mmf_lang::types::{ColumnType, Elem, Size, Type};

/// Values of rows; `None` is missing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Numbers(Vec<Option<f64>>),
    Bools(Vec<Option<bool>>),
    Texts(Vec<Option<String>>),
    Categories(Vec<Option<String>>),
    Tokens(Vec<Option<Vec<String>>>),
    Vectors(Vec<Option<Vec<f64>>>),
    Sequences(Vec<Option<Vec<Vec<f64>>>>),
    /// Height, width, channels.
    Picture([usize; 3], Vec<f64>),
    Map([usize; 3], Vec<f64>),
    Table(Vec<(String, Literal)>),
    Split(Vec<(String, Literal)>),
}

/// What is written, before it has a meaning.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Number(f64),
    Word(String),
    Text(String),
    List(Vec<Tree>),
    Call(String, Vec<(String, Tree)>),
}

/// Reads the literal at the start of a text; returns it and its length in bytes.
pub(super) fn read(text: &str) -> Result<(Literal, usize), String> {
    let mut reader = Reader { text, at: 0 };
    let tree = reader.tree()?;
    Ok((Literal::from(&tree)?, reader.at))
}

/// Reads a whole text as a literal.
pub(super) fn whole(text: &str) -> Result<Literal, String> {
    let (literal, length) = read(text.trim())?;
    if length == text.trim().len() { Ok(literal) } else { Err(format!("more stands behind a literal in `{text}`")) }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blank(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, mark: char) -> bool {
        self.blank();
        let is = self.rest().starts_with(mark);
        self.at += if is { mark.len_utf8() } else { 0 };
        is
    }

    fn word(&mut self, inside: impl Fn(char) -> bool) -> String {
        self.blank();
        let length = self.rest().find(|c| !inside(c)).unwrap_or(self.rest().len());
        let word = self.rest()[..length].to_string();
        self.at += length;
        word
    }

    fn tree(&mut self) -> Result<Tree, String> {
        self.blank();
        let fail = |what: &str, rest: &str| Err(format!("{what} at `{}`", rest.chars().take(20).collect::<String>()));
        match self.rest().chars().next() {
            Some('[') => {
                self.take('[');
                let mut list = Vec::new();
                while !self.take(']') {
                    list.push(self.tree()?);
                    if !self.take(',') && !self.rest().trim_start().starts_with(']') {
                        return fail("no `,` and no `]`", self.rest());
                    }
                }
                Ok(Tree::List(list))
            }
            Some('"') => {
                self.take('"');
                let Some(end) = self.rest().find('"') else { return fail("a text without end", self.rest()) };
                let text = self.rest()[..end].to_string();
                self.at += end + 1;
                Ok(Tree::Text(text))
            }
            Some(c) if c.is_ascii_digit() || c == '-' => {
                let word = self.word(|c| c.is_ascii_digit() || "-.e".contains(c));
                word.parse().map(Tree::Number).map_err(|_| format!("`{word}` is no number"))
            }
            Some(c) if c.is_alphabetic() || c == '_' => {
                let word = self.word(|c| c.is_alphanumeric() || c == '_');
                if !self.take('(') {
                    return Ok(Tree::Word(word));
                }
                let mut parts = Vec::new();
                while !self.take(')') {
                    let before = self.at;
                    let name = self.word(|c| c.is_alphanumeric() || c == '_');
                    let named = !name.is_empty() && self.take('=');
                    if !named {
                        self.at = before;
                    }
                    parts.push((if named { name } else { String::new() }, self.tree()?));
                    if !self.take(',') && !self.rest().trim_start().starts_with(')') {
                        return fail("no `,` and no `)`", self.rest());
                    }
                }
                Ok(Tree::Call(word, parts))
            }
            _ => fail("no value", self.rest()),
        }
    }
}

impl Tree {
    fn list(&self) -> Result<&[Tree], String> {
        if let Tree::List(list) = self { Ok(list) } else { Err(format!("a list was expected, found {self:?}")) }
    }

    fn number(&self) -> Result<f64, String> {
        if let Tree::Number(x) = self { Ok(*x) } else { Err(format!("a number was expected, found {self:?}")) }
    }

    fn text(&self) -> Result<String, String> {
        if let Tree::Text(t) = self { Ok(t.clone()) } else { Err(format!("a text was expected, found {self:?}")) }
    }

    fn bool(&self) -> Result<bool, String> {
        match self {
            Tree::Word(w) if w == "true" => Ok(true),
            Tree::Word(w) if w == "false" => Ok(false),
            _ => Err(format!("true or false was expected, found {self:?}")),
        }
    }

    fn is_missing(&self) -> bool {
        matches!(self, Tree::Word(w) if w == "_")
    }
}

/// Reads each row, where it is not missing.
fn rows<T>(list: &[Tree], read: impl Fn(&Tree) -> Result<T, String>) -> Result<Vec<Option<T>>, String> {
    list.iter().map(|t| if t.is_missing() { Ok(None) } else { read(t).map(Some) }).collect()
}

fn all<T>(tree: &Tree, read: impl Fn(&Tree) -> Result<T, String>) -> Result<Vec<T>, String> {
    tree.list()?.iter().map(read).collect()
}

impl Literal {
    fn from(tree: &Tree) -> Result<Literal, String> {
        match tree {
            Tree::List(list) => {
                let first = list.iter().find(|t| !t.is_missing());
                Ok(match first {
                    Some(Tree::Number(_)) | None => Literal::Numbers(rows(list, Tree::number)?),
                    Some(Tree::Text(_)) => Literal::Texts(rows(list, Tree::text)?),
                    Some(Tree::Word(_)) => Literal::Bools(rows(list, Tree::bool)?),
                    Some(Tree::List(_)) => {
                        let mut cells = list.iter().filter_map(|t| t.list().ok()).flatten();
                        match cells.next() {
                            Some(Tree::Text(_)) => Literal::Tokens(rows(list, |t| all(t, Tree::text))?),
                            _ => Literal::Vectors(rows(list, |t| all(t, Tree::number))?),
                        }
                    }
                    Some(other) => return Err(format!("a row cannot be {other:?}")),
                })
            }
            Tree::Call(name, parts) => match (name.as_str(), &parts[..]) {
                ("table", parts) => {
                    let column = |(name, tree): &(String, Tree)| Ok((name.clone(), Literal::from(tree)?.in_table()));
                    Ok(Literal::Table(parts.iter().map(column).collect::<Result<_, String>>()?))
                }
                ("split", parts) => {
                    let part = |(name, tree): &(String, Tree)| Ok((name.clone(), Literal::from(tree)?));
                    Ok(Literal::Split(parts.iter().map(part).collect::<Result<_, String>>()?))
                }
                ("category", [(_, tree)]) => Ok(Literal::Categories(rows(tree.list()?, Tree::text)?)),
                ("sequence", [(_, tree)]) => {
                    Ok(Literal::Sequences(rows(tree.list()?, |t| all(t, |step| all(step, Tree::number)))?))
                }
                ("image", [(_, tree)]) => pixels(tree).map(|(size, numbers)| Literal::Picture(size, numbers)),
                ("map", [(_, tree)]) => pixels(tree).map(|(size, numbers)| Literal::Map(size, numbers)),
                _ => Err(format!("there is no literal `{name}`")),
            },
            other => Err(format!("{other:?} is no column and no table")),
        }
    }

    /// In a table a text is a category.
    fn in_table(self) -> Literal {
        match self {
            Literal::Texts(texts) => Literal::Categories(texts),
            other => other,
        }
    }

    /// Returns the type that a source's block declares for such a column.
    pub(super) fn declared(&self) -> String {
        fn mark<T>(kind: impl fmt::Display, rows: &[Option<T>]) -> String {
            format!("{kind}{}", if rows.iter().any(Option::is_none) { "?" } else { "" })
        }
        match self {
            Literal::Numbers(rows) if rows.iter().flatten().all(|x| x.fract() == 0.0) => mark("int", rows),
            Literal::Numbers(rows) => mark("float", rows),
            Literal::Bools(rows) => mark("bool", rows),
            Literal::Texts(rows) => mark("text", rows),
            Literal::Tokens(rows) => mark("text", rows),
            Literal::Categories(rows) => mark("category", rows),
            Literal::Vectors(rows) => {
                let width = rows.iter().flatten().map(Vec::len).next().unwrap_or(0);
                mark(format!("vector[{width}]"), rows)
            }
            Literal::Sequences(rows) => {
                let steps = rows.iter().flatten().map(Vec::len).max().unwrap_or(0);
                let width = rows.iter().flatten().flatten().map(Vec::len).next().unwrap_or(0);
                mark(format!("sequence[{steps}, {width}]"), rows)
            }
            Literal::Picture(..) | Literal::Map(..) => "image(\"{name}.png\")".into(),
            Literal::Table(_) | Literal::Split(_) => String::new(),
        }
    }

    /// Returns the stage that makes such a column, where no source has one.
    pub(super) fn maker(&self) -> Option<&'static str> {
        match self {
            Literal::Picture([.., 1], _) | Literal::Map(..) => Some("gray"),
            Literal::Tokens(_) => Some("tokenize"),
            _ => None,
        }
    }

    /// Returns the column that is written.
    pub(super) fn column(&self) -> Column {
        fn missing<T>(rows: &[Option<T>]) -> Vec<bool> {
            rows.iter().map(Option::is_none).collect()
        }
        fn cells<T, U: Default>(rows: &[Option<T>], make: impl Fn(&T) -> U) -> Arc<Vec<U>> {
            Arc::new(rows.iter().map(|r| r.as_ref().map(&make).unwrap_or_default()).collect())
        }
        let (values, missing) = match self {
            Literal::Numbers(rows) if self.declared().starts_with("int") => {
                (Values::Int(cells(rows, |x| *x as i64)), missing(rows))
            }
            Literal::Numbers(rows) => (Values::Float(cells(rows, |x| *x)), missing(rows)),
            Literal::Bools(rows) => (Values::Bool(cells(rows, |x| *x)), missing(rows)),
            Literal::Texts(rows) => {
                let texts: Texts = cells(rows, Clone::clone).iter().collect();
                (Values::Text(Arc::new(texts)), missing(rows))
            }
            Literal::Categories(rows) => {
                let mut names: Vec<String> = rows.iter().flatten().cloned().collect();
                names.sort();
                names.dedup();
                let names = Arc::new(Vocabulary::new(names.into()));
                let codes = cells(rows, |name| names.code(name).unwrap());
                (Values::Code { codes, names: names.clone() }, missing(rows))
            }
            Literal::Tokens(rows) => {
                let mut lists = TokenLists::default();
                rows.iter().for_each(|row| lists.push(row.iter().flatten()));
                (Values::Tokens(Arc::new(lists)), missing(rows))
            }
            Literal::Vectors(rows) => {
                let width = rows.iter().flatten().map(Vec::len).next().unwrap_or(0);
                let blank = vec![0.0; width];
                let numbers = rows.iter().flat_map(|r| r.as_ref().unwrap_or(&blank)).map(|&x| x as f32).collect();
                (Values::vector(width, numbers), missing(rows))
            }
            Literal::Sequences(rows) => {
                let width = rows.iter().flatten().flatten().map(Vec::len).next().unwrap_or(0);
                let mut out = Sequences { width, ..Sequences::default() };
                for row in rows {
                    out.numbers.extend(row.iter().flatten().flatten().map(|&x| x as f32));
                    out.end_row();
                }
                (Values::Sequence(Arc::new(out)), missing(rows))
            }
            Literal::Picture([height, width, channels], numbers) => {
                let (height, width, channels) = (*height, *width, *channels);
                let samples = numbers.iter().map(|&x| x as u8).collect();
                let picture = Picture { height, width, channels, samples };
                (Values::Pictures(Arc::new(vec![Arc::new(picture)])), vec![false])
            }
            Literal::Map([height, width, channels], numbers) => {
                let (height, width, channels) = (*height, *width, *channels);
                let map = Map { height, width, channels, numbers: numbers.iter().map(|&x| x as f32).collect() };
                (Values::Maps(Arc::new(vec![Arc::new(map)])), vec![false])
            }
            Literal::Table(_) | Literal::Split(_) => panic!("a table is no column"),
        };
        Column::new(Rows::all(values.len()), values).with_missing(missing)
    }

    /// Returns the columns of a table; a column's, by the name that it is given.
    pub(super) fn table(columns: &[(String, Literal)]) -> Table {
        let columns: Vec<(String, Column)> = columns.iter().map(|(n, l)| (n.clone(), l.column())).collect();
        Table { rows: columns.first().map_or(Rows::all(0), |(_, c)| c.rows.clone()), columns }
    }

    /// Returns how a value is written.
    pub(super) fn of(value: &Value) -> Result<Literal, String> {
        match value {
            Value::Column(column) => Literal::of_column(column),
            Value::Table(table) => Literal::of_table(table),
            Value::Split(Split { table, parts }) => {
                let part = |(part, rows): &(mmf_lang::types::Part, Rows)| {
                    let table = table.restrict(rows).map_err(|e| e.to_string())?;
                    Ok((part.word().to_string(), Literal::of_table(&table)?))
                };
                Ok(Literal::Split(parts.iter().map(part).collect::<Result<_, String>>()?))
            }
            other => Err(format!("{other:?} cannot be written")),
        }
    }

    fn of_table(table: &Table) -> Result<Literal, String> {
        let column = |(name, column): &(String, Column)| Ok((name.clone(), Literal::of_column(column)?.in_table()));
        Ok(Literal::Table(table.columns.iter().map(column).collect::<Result<_, String>>()?))
    }

    fn of_column(column: &Column) -> Result<Literal, String> {
        fn rows<T>(column: &Column, cell: impl Fn(usize) -> T) -> Vec<Option<T>> {
            (0..column.len()).map(|at| (!column.is_missing(at)).then(|| cell(at))).collect()
        }
        let wide = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
        Ok(match &column.values {
            Values::Int(v) | Values::Time(v) | Values::Duration(v) => Literal::Numbers(rows(column, |i| v[i] as f64)),
            Values::Float(v) => Literal::Numbers(rows(column, |i| v[i])),
            Values::Bool(v) => Literal::Bools(rows(column, |i| v[i])),
            Values::Code { codes, names } => Literal::Categories(rows(column, |i| names.name(codes[i]).to_string())),
            Values::Text(v) => Literal::Texts(rows(column, |i| v.get(i).to_string())),
            Values::Tokens(v) => Literal::Tokens(rows(column, |i| v.row(i).map(str::to_string).collect())),
            Values::Vector { width, numbers } => {
                Literal::Vectors(rows(column, |i| wide(&numbers[i * width..(i + 1) * width])))
            }
            Values::Sequence(v) => {
                Literal::Sequences(rows(column, |i| v.row(i).chunks_exact(v.width.max(1)).map(wide).collect()))
            }
            Values::Pictures(v) => match &v[..] {
                [p] => {
                    let numbers = p.samples.iter().map(|&x| f64::from(x)).collect();
                    Literal::Picture([p.height, p.width, p.channels], numbers)
                }
                _ => return Err("an example has one picture".into()),
            },
            Values::Maps(v) => match &v[..] {
                [m] => Literal::Map([m.height, m.width, m.channels], wide(&m.numbers)),
                _ => return Err("an example has one map".into()),
            },
            Values::Files(_) => return Err("files cannot be written".into()),
        })
    }

    /// Says where a result is not of the type that the checker promised.
    pub(super) fn fits(&self, ty: &Type) -> Result<(), String> {
        match (self, ty) {
            (Literal::Table(columns), Type::Table(table)) => {
                let (here, there): (Vec<_>, Vec<_>) =
                    (columns.iter().map(|(n, _)| n).collect(), table.columns.iter().map(|(n, _)| n).collect());
                if here != there {
                    return Err(format!("the columns are {here:?}, promised were {there:?}"));
                }
                columns.iter().zip(&table.columns).try_for_each(|((_, l), (_, c))| l.fits_column(c))
            }
            (Literal::Split(parts), Type::Split(split)) => {
                let (here, there): (Vec<_>, Vec<_>) = (
                    parts.iter().map(|(n, _)| n.as_str()).collect(),
                    split.parts.iter().map(|(p, _)| p.word()).collect(),
                );
                if here != there {
                    return Err(format!("the parts are {here:?}, promised were {there:?}"));
                }
                parts.iter().try_for_each(|(_, part)| part.fits(&Type::Table(split.table.clone())))
            }
            (column, Type::Column(c)) => column.fits_column(c),
            (_, ty) => Err(format!("promised was a {}", ty.word())),
        }
    }

    fn fits_column(&self, ty: &ColumnType) -> Result<(), String> {
        let promised = || Err(format!("promised was {}, found {self}", ty.elem));
        let size = |wanted: Size, found: usize| wanted.fits(Size::Known(found as u64));
        let sizes = |wanted: &[Size; 3], found: &[usize; 3]| wanted.iter().zip(found).all(|(w, f)| size(*w, *f));
        let fits = match (self, &ty.elem) {
            (Literal::Numbers(rows), Elem::Int) => rows.iter().flatten().all(|x| x.fract() == 0.0),
            (Literal::Numbers(_), Elem::Float | Elem::Time | Elem::Duration) => true,
            (Literal::Bools(_), Elem::Bool) | (Literal::Texts(_), Elem::Text(_)) => true,
            (Literal::Tokens(_), Elem::Tokens(_)) => true,
            (Literal::Categories(_), Elem::Category(_) | Elem::Ref(_) | Elem::Key) => true,
            (Literal::Vectors(rows), Elem::Vector(n)) => rows.iter().flatten().all(|row| size(*n, row.len())),
            (Literal::Sequences(rows), Elem::Sequence(_, n)) => {
                rows.iter().flatten().flatten().all(|step| size(*n, step.len()))
            }
            (Literal::Map([height, width, _], _), Elem::Codes([h, w, _])) => size(*h, *height) && size(*w, *width),
            (Literal::Picture(found, _), Elem::Image(wanted)) | (Literal::Map(found, _), Elem::Map(wanted)) => {
                sizes(wanted, found)
            }
            _ => false,
        };
        if !fits || (ty.missing.is_empty() && self.to_string().contains('_')) { promised() } else { Ok(()) }
    }
}

/// Returns height, width, channels and samples.
fn pixels(tree: &Tree) -> Result<([usize; 3], Vec<f64>), String> {
    let lines = tree.list()?;
    let width = lines.first().map_or(Ok(0), |line| line.list().map(<[Tree]>::len))?;
    let (mut numbers, mut channels) = (Vec::new(), 1);
    for pixel in lines.iter().map(Tree::list).collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        match pixel {
            Tree::List(samples) => {
                channels = samples.len();
                numbers.extend(all(pixel, Tree::number)?);
            }
            _ => numbers.push(pixel.number()?),
        }
    }
    if numbers.len() != lines.len() * width * channels {
        return Err("the lines of a picture are not equally long".into());
    }
    Ok(([lines.len(), width, channels], numbers))
}

/// Writes a literal, numbers rounded to five digits.
impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T>(rows: impl IntoIterator<Item = T>, write: impl Fn(T) -> String) -> String {
            format!("[{}]", rows.into_iter().map(write).collect::<Vec<_>>().join(", "))
        }
        fn holes<T>(rows: &[Option<T>], write: impl Fn(&T) -> String) -> String {
            list(rows, |row| row.as_ref().map_or("_".into(), &write))
        }
        let text = |t: &String| format!("\"{t}\"");
        let vector = |v: &Vec<f64>| list(v, |x| number(*x));
        let lines = |[_, width, channels]: &[usize; 3], numbers: &[f64]| {
            list(numbers.chunks((width * channels).max(1)), |line| {
                list(line.chunks(*channels), |p| if p.len() == 1 { number(p[0]) } else { list(p, |x| number(*x)) })
            })
        };
        let parts = |parts: &[(String, Literal)]| {
            let write = |(name, part): &(String, Literal)| match part {
                Literal::Categories(rows) => format!("{name} = {}", holes(rows, text)),
                _ => format!("{name} = {part}"),
            };
            parts.iter().map(write).collect::<Vec<_>>().join(", ")
        };
        f.write_str(&match self {
            Literal::Numbers(rows) => holes(rows, |x| number(*x)),
            Literal::Bools(rows) => holes(rows, bool::to_string),
            Literal::Texts(rows) => holes(rows, text),
            Literal::Categories(rows) => format!("category({})", holes(rows, text)),
            Literal::Tokens(rows) => holes(rows, |words| list(words, text)),
            Literal::Vectors(rows) => holes(rows, vector),
            Literal::Sequences(rows) => format!("sequence({})", holes(rows, |steps| list(steps, vector))),
            Literal::Picture(size, numbers) => format!("image({})", lines(size, numbers)),
            Literal::Map(size, numbers) => format!("map({})", lines(size, numbers)),
            Literal::Table(columns) => format!("table({})", parts(columns)),
            Literal::Split(of) => format!("split({})", parts(of)),
        })
    }
}

fn number(x: f64) -> String {
    let text = format!("{x:.5}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_made_and_written() {
        for text in [
            "[1, _, -2.5]",
            "[true, false]",
            "[\"a b\", _]",
            "category([\"b\", \"a\"])",
            "[[\"a\", \"b\"], [\"c\"], []]",
            "[[1, 2], _]",
            "sequence([[[1, 2], [3, 4]], [[5, 6]]])",
            "image([[0, 255], [9, 8]])",
            "image([[[255, 0, 0], [1, 2, 3]]])",
            "map([[0, 0.5]])",
        ] {
            let literal = whole(text).unwrap();
            assert_eq!(literal.to_string(), text);
            assert_eq!(Literal::of_column(&literal.column()).unwrap().to_string(), text);
        }
        let table = "table(user = [\"a\", \"b\"], age = [30, _])";
        assert_eq!(whole(table).unwrap().to_string(), table);
        for wrong in ["[1, \"a\"]", "[1 2]", "[\"a", "table", "picture([[1]])", "image([[1, 2], [3]])", "[1] x"] {
            assert!(whole(wrong).is_err(), "{wrong}");
        }
        assert_eq!(number(0.000004), "0");
    }
}
