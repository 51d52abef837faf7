//! Types in mmf's own notation, as signatures write them, and how a call's inputs fit them.

use std::collections::BTreeMap;

use crate::args::{ArgValue, Args};
use crate::types::{DomainId, Elem, Size, Type};

/// One alternative of a signature, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Notation {
    pub inputs: Vec<Pattern>,
    /// The last input may come again, any number of times.
    pub repeats: bool,
    pub output: Pattern,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    Table,
    /// A part of the input table.
    Part,
    Split,
    Graph,
    /// A loss, or a sum of losses.
    Loss,
    /// A set of rows without columns: an end of a graph.
    Rows,
    Column {
        domain: String,
        elem: ElemPattern,
        missing: bool,
    },
    /// What has no place in the flow of values: `predictions`, `metric`, `recipe`, `train`.
    Other(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ElemPattern {
    pub name: String,
    pub sizes: Vec<SizePattern>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SizePattern {
    Number(u64),
    Any,
    /// A variable, or an argument; `bins.0` is a part of an argument.
    Name(String),
    Binary(char, Box<SizePattern>, Box<SizePattern>),
}

/// What the variables of a notation stand for in a call.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    pub domain: Option<DomainId>,
    pub sizes: BTreeMap<String, Size>,
}

impl Notation {
    /// Reads the notation. A mistake in it is a mistake in the vocabulary, which its tests exclude.
    pub fn parse(text: &str) -> Result<Notation, String> {
        let (inputs, output) = text.split_once("->").ok_or_else(|| format!("no `->` in `{text}`"))?;
        let inputs = inputs.trim();
        let (inputs, repeats) = match inputs.strip_suffix("...") {
            Some(rest) => (rest, true),
            None => (inputs, false),
        };
        let inputs =
            cut(inputs).into_iter().filter(|s| !s.is_empty()).map(Pattern::input).collect::<Result<Vec<_>, _>>()?;
        Ok(Notation { inputs, repeats, output: Pattern::parse(output.trim())? })
    }

    /// Returns the pattern of the input of that number.
    pub fn input(&self, i: usize) -> Option<&Pattern> {
        self.inputs.get(i).or_else(|| if self.repeats { self.inputs.last() } else { None })
    }

    pub fn takes(&self, count: usize) -> bool {
        count == self.inputs.len() || (self.repeats && count > self.inputs.len())
    }
}

/// Cuts at commas outside of brackets.
fn cut(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0i32, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '<' | '[' | '(' => depth += 1,
            '>' | ']' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

impl Pattern {
    fn input(text: &str) -> Result<Pattern, String> {
        if text == "loss" { Ok(Pattern::Loss) } else { Pattern::parse(text) }
    }

    fn parse(text: &str) -> Result<Pattern, String> {
        let Some(inside) = text.strip_prefix("col<").and_then(|t| t.strip_suffix('>')) else {
            return Ok(match text {
                "table" => Pattern::Table,
                "part" => Pattern::Part,
                "split" => Pattern::Split,
                "graph" => Pattern::Graph,
                "rows" => Pattern::Rows,
                "predictions" | "metric" | "recipe" | "train" | "size" | "optimizer" | "stop" | "loss"
                | "objective" | "algorithm" | "ends" | "experiment" => Pattern::Other(text.into()),
                _ => return Err(format!("`{text}` is no type")),
            });
        };
        let [domain, elem] = cut(inside)[..] else { return Err(format!("`{text}` needs a domain and a type")) };
        let (elem, missing) = match elem.strip_suffix('?') {
            Some(rest) => (rest, true),
            None => (elem, false),
        };
        Ok(Pattern::Column { domain: domain.into(), elem: ElemPattern::parse(elem)?, missing })
    }
}

impl ElemPattern {
    fn parse(text: &str) -> Result<ElemPattern, String> {
        let Some((name, sizes)) = text.split_once('[') else {
            return Ok(ElemPattern { name: text.into(), sizes: Vec::new() });
        };
        let sizes = sizes.strip_suffix(']').ok_or_else(|| format!("`{text}` is not closed"))?;
        Ok(ElemPattern { name: name.into(), sizes: cut(sizes).into_iter().map(SizePattern::parse).collect() })
    }

    /// Tells whether the element is of this kind; sizes are bound later.
    pub fn accepts(&self, elem: &Elem) -> bool {
        match (self.name.as_str(), elem) {
            ("any", _) | (_, Elem::Unknown) => true,
            ("vector", e) => e.as_vector().is_some(),
            ("number", e) => e.is_number(),
            // A picture where a map is wanted is x / 255.
            ("image", Elem::Image(_)) | ("map", Elem::Map(_) | Elem::Image(_)) | ("sequence", Elem::Sequence(..)) => {
                true
            }
            ("text", Elem::Text(_)) | ("tokens", Elem::Tokens(_)) | ("codes", Elem::Codes(_)) => true,
            ("category", Elem::Category(_) | Elem::Ref(_) | Elem::Key) => true,
            ("bool", Elem::Bool) | ("int", Elem::Int) | ("float", Elem::Float) => true,
            ("time", Elem::Time) | ("duration", Elem::Duration) => true,
            _ => false,
        }
    }
}

impl SizePattern {
    fn parse(text: &str) -> SizePattern {
        for operators in [&['+', '-'][..], &['*', '/'][..]] {
            if let Some(at) = text.rfind(operators) {
                let operator = text[at..].chars().next().expect("something was found");
                let left = Box::new(SizePattern::parse(&text[..at]));
                return SizePattern::Binary(operator, left, Box::new(SizePattern::parse(&text[at + 1..])));
            }
        }
        let text = text.trim();
        match text {
            "_" => SizePattern::Any,
            _ => text.parse().map_or_else(|_| SizePattern::Name(text.into()), SizePattern::Number),
        }
    }

    /// Returns the size under the bindings and arguments.
    pub fn evaluate(&self, bindings: &Bindings, args: &Args) -> Size {
        match self {
            SizePattern::Number(n) => Size::Known(*n),
            SizePattern::Any => Size::Unknown,
            SizePattern::Name(name) => {
                bindings.sizes.get(name).copied().or_else(|| argument(name, args)).unwrap_or(Size::Unknown)
            }
            SizePattern::Binary(operator, left, right) => {
                let (left, right) = (left.evaluate(bindings, args), right.evaluate(bindings, args));
                left.map(right, |a, b| match operator {
                    '+' => a.checked_add(b),
                    '-' => a.checked_sub(b),
                    '*' => a.checked_mul(b),
                    _ => a.checked_div(b),
                })
            }
        }
    }
}

fn argument(name: &str, args: &Args) -> Option<Size> {
    let (name, part) = match name.split_once('.') {
        Some((name, part)) => (name, part.parse::<usize>().ok()),
        None => (name, None),
    };
    let value = match (args.find(name)?, part) {
        (ArgValue::List(list), Some(i)) => list.get(i)?,
        (value, _) => value,
    };
    match value {
        ArgValue::Int(n) => Some(u64::try_from(*n).map_or(Size::Unknown, Size::Known)),
        _ => None,
    }
}

/// How an input does not fit.
#[derive(Clone, Debug, PartialEq)]
pub enum Misfit {
    Kind,
    /// The variable, what it was before, and what it is here.
    Size {
        variable: String,
        before: Size,
        here: Size,
    },
}

/// Binds the variables of a pattern to an input's type.
pub fn bind(pattern: &Pattern, ty: &Type, args: &Args, bindings: &mut Bindings) -> Result<(), Misfit> {
    match (pattern, ty) {
        (_, Type::Unknown) => Ok(()),
        (Pattern::Table, Type::Table(_))
        | (Pattern::Split, Type::Split(_))
        | (Pattern::Graph, Type::Graph(_))
        | (Pattern::Rows, Type::Rows(_)) => Ok(()),
        (Pattern::Column { elem, .. }, Type::Column(column)) => {
            if !elem.accepts(&column.elem) {
                return Err(Misfit::Kind);
            }
            let sizes: Vec<Size> = match (&column.elem, elem.name.as_str()) {
                (e, "vector") => vec![e.as_vector().unwrap_or(Size::Unknown)],
                (Elem::Image(s) | Elem::Map(s) | Elem::Codes(s), _) => s.to_vec(),
                (Elem::Sequence(t, n), _) => vec![*t, *n],
                _ => Vec::new(),
            };
            for (pattern, here) in elem.sizes.iter().zip(sizes) {
                match pattern {
                    SizePattern::Name(name) if argument(name, args).is_none() => {
                        let before = bindings.sizes.get(name).copied().unwrap_or(Size::Unknown);
                        if !before.fits(here) {
                            return Err(Misfit::Size { variable: name.clone(), before, here });
                        }
                        if before == Size::Unknown {
                            bindings.sizes.insert(name.clone(), here);
                        }
                    }
                    other => {
                        let wanted = other.evaluate(bindings, args);
                        if !wanted.fits(here) {
                            return Err(Misfit::Size { variable: elem.name.clone(), before: wanted, here });
                        }
                    }
                }
            }
            Ok(())
        }
        _ => Err(Misfit::Kind),
    }
}

/// Returns the element that a pattern gives.
pub fn build(pattern: &ElemPattern, bindings: &Bindings, args: &Args) -> Elem {
    let size = |i: usize| pattern.sizes.get(i).map_or(Size::Unknown, |s| s.evaluate(bindings, args));
    match pattern.name.as_str() {
        "int" => Elem::Int,
        "float" | "number" => Elem::Float,
        "bool" => Elem::Bool,
        "time" => Elem::Time,
        "duration" => Elem::Duration,
        "vector" => Elem::Vector(size(0)),
        "sequence" => Elem::Sequence(size(0), size(1)),
        "image" => Elem::Image([size(0), size(1), size(2)]),
        "map" => Elem::Map([size(0), size(1), size(2)]),
        "codes" => Elem::Codes([size(0), size(1), size(2)]),
        "tokens" => Elem::Tokens(crate::types::Language::Detect),
        "text" => Elem::Text(crate::types::Language::Detect),
        _ => Elem::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_are_read_and_bound() {
        let n = Notation::parse("col<d, map[h, w, c]> -> col<d, map[h / size, w / size, c * bins.1]>").unwrap();
        let args = Args(vec![
            ("size".into(), ArgValue::Int(2)),
            ("bins".into(), ArgValue::List(vec![ArgValue::Int(8), ArgValue::Int(4)])),
        ]);
        let sizes = [("h", 10), ("w", 6), ("c", 3)].map(|(k, v)| (k.to_string(), Size::Known(v))).into();
        let bindings = Bindings { sizes, ..Bindings::default() };
        let Pattern::Column { elem, .. } = &n.output else { panic!() };
        assert_eq!(build(elem, &bindings, &args).to_string(), "map[5, 3, 12]");
        let many = Notation::parse("col<d, vector[n]>... -> col<d, vector[_]>").unwrap();
        assert!(many.repeats && many.takes(3) && !many.takes(0));
        assert!(Notation::parse("col<d, text>").is_err());
    }
}
