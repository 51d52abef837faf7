//! Values put together from pieces, taken apart by row, and hashed by row.

use std::sync::Arc;

use mmf_data::arrays::Arrays;
use mmf_data::error::{Error, Result};
use mmf_data::paths::Paths;
use mmf_data::picture::Picture;
use mmf_data::values::{Map, Sequences, Texts, TokenLists, Values, Vocabulary};
use mmf_lang::types::{Elem, Size};

use crate::store::Hasher;

/// Joins pieces of one kind end to end. Rows of unlike widths are an error.
pub(crate) fn join(pieces: &[Values]) -> Result<Values> {
    let rows = pieces.iter().map(Values::len).sum();
    macro_rules! flat {
        ($variant:ident) => {{
            let mut out = Vec::with_capacity(rows);
            for piece in pieces {
                let Values::$variant(v) = piece else { return Err(unlike(pieces)) };
                out.extend_from_slice(v);
            }
            Values::$variant(Arc::new(out))
        }};
    }
    let Some(first) = pieces.first() else { return Err(Error::bug("no piece of a column to join")) };
    if pieces.len() == 1 {
        return Ok(first.clone());
    }
    Ok(match first {
        Values::Int(_) => flat!(Int),
        Values::Float(_) => flat!(Float),
        Values::Bool(_) => flat!(Bool),
        Values::Time(_) => flat!(Time),
        Values::Duration(_) => flat!(Duration),
        Values::Files(_) => {
            let mut out = Vec::with_capacity(rows);
            for piece in pieces {
                let Values::Files(v) = piece else { return Err(unlike(pieces)) };
                out.extend(v.iter());
            }
            Values::Files(out.into_iter().collect())
        }
        Values::Pictures(_) => flat!(Pictures),
        Values::Maps(_) => flat!(Maps),
        Values::Code { names, .. } => {
            let mut out = Vec::with_capacity(rows);
            for piece in pieces {
                match piece {
                    Values::Code { codes, names: own } if Arc::ptr_eq(own, names) || own == names => {
                        out.extend_from_slice(codes)
                    }
                    _ => return Err(unlike(pieces)),
                }
            }
            Values::Code { codes: Arc::new(out), names: names.clone() }
        }
        Values::Text(_) => {
            let mut out = Texts::default();
            for piece in pieces {
                let Values::Text(v) = piece else { return Err(unlike(pieces)) };
                v.iter().for_each(|t| out.push(t));
            }
            Values::Text(Arc::new(out))
        }
        Values::Tokens(_) => {
            let mut out = TokenLists::default();
            for piece in pieces {
                let Values::Tokens(v) = piece else { return Err(unlike(pieces)) };
                (0..v.len()).for_each(|i| out.push(v.row(i)));
            }
            Values::Tokens(Arc::new(out))
        }
        Values::Vector { width, .. } => {
            let mut out = Vec::with_capacity(rows * width);
            for piece in pieces {
                match piece {
                    Values::Vector { width: own, numbers } if own == width => out.extend_from_slice(numbers),
                    _ => return Err(unlike(pieces)),
                }
            }
            Values::vector(*width, out)
        }
        Values::Sequence(sequence) => {
            let mut out = Sequences { width: sequence.width, ..Sequences::default() };
            for piece in pieces {
                let Values::Sequence(v) = piece else { return Err(unlike(pieces)) };
                if v.width != out.width {
                    return Err(unlike(pieces));
                }
                let start = out.ends.last().copied().unwrap_or(0);
                out.numbers.extend_from_slice(&v.numbers);
                out.ends.extend(v.ends.iter().map(|e| start + e));
            }
            Values::Sequence(Arc::new(out))
        }
    })
}

/// The error for pieces that do not fit together.
pub(crate) fn unlike(pieces: &[Values]) -> Error {
    let mut kinds: Vec<String> = pieces.iter().map(shape).collect();
    kinds.sort();
    kinds.dedup();
    Error::bug(format!("a stage gives its rows in unlike shapes: {}", kinds.join(", ")))
}

fn shape(values: &Values) -> String {
    match values {
        Values::Vector { width, .. } => format!("vector[{width}]"),
        Values::Sequence(s) => format!("sequence[_, {}]", s.width),
        other => other.kind().into(),
    }
}

/// Returns one value that stands where none is: zeros, nothing. `like` tells the kind; without it the type does.
pub(crate) fn blank(like: Option<&Values>, elem: &Elem) -> Values {
    let known = |size: &Size| size.known().unwrap_or(1).max(1) as usize;
    match like {
        Some(Values::Int(_)) => Values::Int(Arc::new(vec![0])),
        Some(Values::Float(_)) => Values::Float(Arc::new(vec![0.0])),
        Some(Values::Bool(_)) => Values::Bool(Arc::new(vec![false])),
        Some(Values::Time(_)) => Values::Time(Arc::new(vec![0])),
        Some(Values::Duration(_)) => Values::Duration(Arc::new(vec![0])),
        Some(Values::Code { names, .. }) => Values::Code { codes: Arc::new(vec![0]), names: names.clone() },
        Some(Values::Text(_)) => Values::Text(Arc::new([""].iter().collect())),
        Some(Values::Tokens(_)) => Values::Tokens(Arc::new(empty_tokens())),
        Some(Values::Files(_)) => Values::Files(Paths::none(1)),
        Some(Values::Pictures(_)) => Values::Pictures(Arc::new(vec![Arc::new(empty_picture())])),
        Some(Values::Maps(_)) => Values::Maps(Arc::new(vec![Arc::new(empty_map())])),
        Some(Values::Vector { width, .. }) => Values::vector(*width, vec![0.0; *width]),
        Some(Values::Sequence(s)) => empty_sequence(s.width),
        None => match elem {
            Elem::Int => Values::Int(Arc::new(vec![0])),
            Elem::Float => Values::Float(Arc::new(vec![0.0])),
            Elem::Bool => Values::Bool(Arc::new(vec![false])),
            Elem::Time => Values::Time(Arc::new(vec![0])),
            Elem::Duration => Values::Duration(Arc::new(vec![0])),
            Elem::Category(_) | Elem::Key | Elem::Ref(_) => {
                Values::Code { codes: Arc::new(vec![0]), names: Arc::new(Vocabulary::default()) }
            }
            Elem::Text(_) => Values::Text(Arc::new([""].iter().collect())),
            Elem::Tokens(_) => Values::Tokens(Arc::new(empty_tokens())),
            Elem::Image(_) => Values::Pictures(Arc::new(vec![Arc::new(empty_picture())])),
            Elem::Map(_) | Elem::Codes(_) => Values::Maps(Arc::new(vec![Arc::new(empty_map())])),
            Elem::Vector(n) => Values::vector(known(n), vec![0.0; known(n)]),
            Elem::Sequence(_, n) => empty_sequence(known(n)),
            Elem::Unknown => Values::vector(1, vec![0.0]),
        },
    }
}

fn empty_tokens() -> TokenLists {
    let mut lists = TokenLists::default();
    lists.push(std::iter::empty::<&str>());
    lists
}

fn empty_picture() -> Picture {
    Picture { height: 0, width: 0, channels: 1, samples: Vec::new() }
}

fn empty_map() -> Map {
    Map { height: 0, width: 0, channels: 1, numbers: Vec::new() }
}

fn empty_sequence(width: usize) -> Values {
    Values::Sequence(Arc::new(Sequences { width, ends: vec![0], numbers: Vec::new() }))
}

/// Returns values for `rows` places from those that are `present`, blanks elsewhere.
pub(crate) fn spread(values: Option<&Values>, present: &[u32], rows: usize, elem: &Elem) -> Result<Values> {
    if present.len() == rows
        && let Some(values) = values
    {
        return Ok(values.clone());
    }
    let filler = blank(values, elem);
    let mut pieces: Vec<Values> = values.filter(|v| !v.is_empty()).cloned().into_iter().collect();
    let filling = present.len() as u32;
    pieces.push(filler);
    let mut at = vec![filling; rows];
    present.iter().enumerate().for_each(|(i, &place)| at[place as usize] = i as u32);
    Ok(join(&pieces)?.take(&at))
}

/// Returns the bytes of one row.
pub(crate) fn encode(values: &Values, at: usize) -> Vec<u8> {
    let mut arrays = Arrays::new();
    values.take(&[at as u32]).store("", &mut arrays);
    arrays.to_bytes()
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(bytes: &[u8]) -> Result<Values> {
    Values::load("", &Arrays::from_bytes(bytes)?)
}

/// Feeds one row's value; files are fed by whoever knows their contents.
pub(crate) fn hash(hasher: &mut Hasher, values: &Values, at: usize) {
    match values {
        Values::Code { codes, names } => {
            hasher.text("code");
            let code = codes[at];
            if (code as usize) < names.len() {
                hasher.text(names.name(code))
            } else {
                hasher.none()
            };
        }
        other => {
            hasher.bytes(&encode(other, at));
        }
    }
}

/// Returns the place of the first row that holds a number that is not finite.
pub(crate) fn not_finite(values: &Values) -> Option<usize> {
    let bad = |x: &f32| !x.is_finite();
    match values {
        Values::Float(v) => v.iter().position(|x| !x.is_finite()),
        Values::Vector { width, numbers } => numbers.iter().position(bad).map(|i| i / (*width).max(1)),
        Values::Maps(maps) => maps.iter().position(|m| m.numbers.iter().any(bad)),
        Values::Sequence(s) => {
            let step = s.numbers.iter().position(bad)? / s.width.max(1);
            Some(s.ends.partition_point(|&end| end <= step))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_and_unlike_widths_are_an_error() {
        let a = Values::vector(2, vec![1.0, 2.0]);
        let b = Values::vector(2, vec![3.0, 4.0, 5.0, 6.0]);
        assert_eq!(join(&[a.clone(), b]).unwrap(), Values::vector(2, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        assert!(join(&[a, Values::vector(3, vec![0.0; 3])]).is_err());
    }

    #[test]
    fn spreading_leaves_blanks_where_nothing_is() {
        let values = Values::Text(Arc::new(["a", "b"].iter().collect()));
        let spread = spread(Some(&values), &[1, 3], 4, &Elem::Unknown).unwrap();
        assert_eq!(spread, Values::Text(Arc::new(["", "a", "", "b"].iter().collect())));
    }

    #[test]
    fn sequences_join_with_their_ends() {
        let piece =
            |ends: Vec<usize>, numbers: Vec<f32>| Values::Sequence(Arc::new(Sequences { width: 1, ends, numbers }));
        let joined = join(&[piece(vec![1, 1], vec![5.0]), piece(vec![2], vec![6.0, f32::NAN])]).unwrap();
        let Values::Sequence(s) = &joined else { panic!("a sequence") };
        assert_eq!((s.row(0), s.row(1), s.row(2).len()), (&[5.0f32][..], &[][..], 2));
        assert_eq!(not_finite(&joined), Some(2));
        assert_eq!(decode(&encode(&joined, 0)).unwrap(), piece(vec![1], vec![5.0]));
    }
}
