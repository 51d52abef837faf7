//! Run-time values: flat buffers, one kind a column.

use std::sync::Arc;

use crate::arrays::{Array, Arrays};
use crate::error::{Error, Result};
use crate::paths::Paths;
use crate::picture::Picture;

/// The names of the rows of a domain, in its order: keys of a table, values of a category (those sorted).
#[derive(Debug, Default, PartialEq)]
pub struct Vocabulary {
    names: Texts,
    /// Places of the names in the order of the names.
    sorted: Vec<u32>,
}

impl Vocabulary {
    pub fn new(names: Texts) -> Self {
        let mut sorted: Vec<u32> = (0..names.len() as u32).collect();
        sorted.sort_by_key(|&i| names.get(i as usize));
        Vocabulary { names, sorted }
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub fn name(&self, code: u32) -> &str {
        self.names.get(code as usize)
    }

    pub fn names(&self) -> &Texts {
        &self.names
    }

    pub fn code(&self, name: &str) -> Option<u32> {
        let at = self.sorted.partition_point(|&i| self.names.get(i as usize) < name);
        self.sorted.get(at).copied().filter(|&i| self.names.get(i as usize) == name)
    }
}

/// Texts end to end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Texts {
    ends: Vec<usize>,
    bytes: String,
}

impl Texts {
    pub fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
    }

    pub fn get(&self, i: usize) -> &str {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.bytes[start..self.ends[i]]
    }

    pub fn first(&self) -> Option<&str> {
        (!self.is_empty()).then(|| self.get(0))
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the place of a text where the texts ascend.
    pub fn find(&self, text: &str) -> Option<usize> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = (from + to) / 2;
            if self.get(middle) < text { from = middle + 1 } else { to = middle }
        }
        (from < self.len() && self.get(from) == text).then_some(from)
    }

    /// Gives back what was kept for more: they are held as long as a run lasts.
    pub fn shrink(&mut self) {
        self.ends.shrink_to_fit();
        self.bytes.shrink_to_fit();
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        (0..self.len()).map(|i| self.get(i))
    }
}

impl<S: AsRef<str>> FromIterator<S> for Texts {
    fn from_iter<I: IntoIterator<Item = S>>(iter: I) -> Self {
        let mut texts = Texts::default();
        iter.into_iter().for_each(|t| texts.push(t.as_ref()));
        texts.shrink();
        texts
    }
}

impl<S: AsRef<str>> From<Vec<S>> for Texts {
    fn from(texts: Vec<S>) -> Texts {
        texts.into_iter().collect()
    }
}

/// Lists of words, a list a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenLists {
    /// Where each row's words end in `words`.
    pub ends: Vec<usize>,
    pub words: Texts,
}

impl TokenLists {
    pub fn push<S: AsRef<str>>(&mut self, words: impl IntoIterator<Item = S>) {
        words.into_iter().for_each(|w| self.words.push(w.as_ref()));
        self.ends.push(self.words.len());
    }

    pub fn row(&self, i: usize) -> impl Iterator<Item = &str> {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        (start..self.ends[i]).map(|k| self.words.get(k))
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// Numbers in place, row after row, channels together.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub numbers: Vec<f32>,
}

/// Sequences of vectors, each of its own length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequences {
    pub width: usize,
    /// Where each row's steps end, counted in steps.
    pub ends: Vec<usize>,
    pub numbers: Vec<f32>,
}

impl Sequences {
    /// Returns the steps of a row, end to end.
    pub fn row(&self, i: usize) -> &[f32] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.numbers[start * self.width..self.ends[i] * self.width]
    }

    /// Ends a row: its steps are what was added to `numbers` since the last one ended.
    pub fn end_row(&mut self) {
        self.ends.push(self.numbers.len() / self.width.max(1));
    }
}

/// The values of a column, in the order of its rows. A missing row holds any value of the kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    Int(Arc<Vec<i64>>),
    Float(Arc<Vec<f64>>),
    Bool(Arc<Vec<bool>>),
    /// Microseconds since 1970, UTC.
    Time(Arc<Vec<i64>>),
    /// Microseconds.
    Duration(Arc<Vec<i64>>),
    /// Keys, refs and categories: places in the vocabulary of the domain that they name.
    Code {
        codes: Arc<Vec<u32>>,
        names: Arc<Vocabulary>,
    },
    Text(Arc<Texts>),
    Tokens(Arc<TokenLists>),
    /// Pictures not yet read.
    Files(Paths),
    Pictures(Arc<Vec<Arc<Picture>>>),
    Maps(Arc<Vec<Arc<Map>>>),
    /// `rows × width` numbers.
    Vector {
        width: usize,
        numbers: Arc<Vec<f32>>,
    },
    Sequence(Arc<Sequences>),
}

impl Values {
    pub fn len(&self) -> usize {
        match self {
            Values::Int(v) => v.len(),
            Values::Float(v) => v.len(),
            Values::Bool(v) => v.len(),
            Values::Time(v) | Values::Duration(v) => v.len(),
            Values::Code { codes, .. } => codes.len(),
            Values::Text(v) => v.len(),
            Values::Tokens(v) => v.len(),
            Values::Files(v) => v.len(),
            Values::Pictures(v) => v.len(),
            Values::Maps(v) => v.len(),
            Values::Vector { width, numbers } => numbers.len().checked_div(*width).unwrap_or(0),
            Values::Sequence(v) => v.ends.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn vector(width: usize, numbers: Vec<f32>) -> Self {
        Values::Vector { width, numbers: Arc::new(numbers) }
    }

    /// Returns the values at these places, in this order.
    pub fn take(&self, at: &[u32]) -> Values {
        fn pick<T: Clone>(v: &[T], at: &[u32]) -> Arc<Vec<T>> {
            Arc::new(at.iter().map(|&i| v[i as usize].clone()).collect())
        }
        match self {
            Values::Int(v) => Values::Int(pick(v, at)),
            Values::Float(v) => Values::Float(pick(v, at)),
            Values::Bool(v) => Values::Bool(pick(v, at)),
            Values::Time(v) => Values::Time(pick(v, at)),
            Values::Duration(v) => Values::Duration(pick(v, at)),
            Values::Code { codes, names } => Values::Code { codes: pick(codes, at), names: names.clone() },
            Values::Text(v) => Values::Text(Arc::new(at.iter().map(|&i| v.get(i as usize)).collect())),
            Values::Tokens(v) => {
                let mut lists = TokenLists::default();
                at.iter().for_each(|&i| lists.push(v.row(i as usize)));
                Values::Tokens(Arc::new(lists))
            }
            Values::Files(v) => Values::Files(v.take(at)),
            Values::Pictures(v) => Values::Pictures(pick(v, at)),
            Values::Maps(v) => Values::Maps(pick(v, at)),
            Values::Vector { width, numbers } => {
                let mut out = Vec::with_capacity(at.len() * width);
                at.iter().for_each(|&i| out.extend_from_slice(&numbers[i as usize * width..(i as usize + 1) * width]));
                Values::vector(*width, out)
            }
            Values::Sequence(v) => {
                let mut out = Sequences { width: v.width, ..Sequences::default() };
                for &i in at {
                    out.numbers.extend_from_slice(v.row(i as usize));
                    out.end_row();
                }
                Values::Sequence(Arc::new(out))
            }
        }
    }

    /// Returns the values as `rows × width` numbers (T1: int, float and bool are one number wide).
    pub fn as_vectors(&self) -> Result<(usize, Arc<Vec<f32>>)> {
        Ok(match self {
            Values::Int(v) => (1, Arc::new(v.iter().map(|&x| x as f32).collect())),
            Values::Float(v) => (1, Arc::new(v.iter().map(|&x| x as f32).collect())),
            Values::Bool(v) => (1, Arc::new(v.iter().map(|&x| f32::from(u8::from(x))).collect())),
            Values::Vector { width, numbers } => (*width, numbers.clone()),
            _ => return Err(Error::bug(format!("a vector was expected, found {}", self.kind()))),
        })
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Values::Int(_) => "int",
            Values::Float(_) => "float",
            Values::Bool(_) => "bool",
            Values::Time(_) => "time",
            Values::Duration(_) => "duration",
            Values::Code { .. } => "code",
            Values::Text(_) => "text",
            Values::Tokens(_) => "tokens",
            Values::Files(_) => "files",
            Values::Pictures(_) => "pictures",
            Values::Maps(_) => "maps",
            Values::Vector { .. } => "vector",
            Values::Sequence(_) => "sequence",
        }
    }

    /// Puts the values into named arrays under `prefix`.
    pub fn store(&self, prefix: &str, into: &mut Arrays) {
        let mut put = |name: &str, array| into.put(format!("{prefix}{name}"), array);
        put("kind", Array::Texts([self.kind()].iter().collect()));
        match self {
            Values::Int(v) | Values::Time(v) | Values::Duration(v) => put("values", Array::I64(v.to_vec())),
            Values::Float(v) => put("values", Array::F64(v.to_vec())),
            Values::Bool(v) => put("values", Array::Bytes(v.iter().map(|&b| u8::from(b)).collect())),
            Values::Code { codes, names } => {
                put("values", Array::U32(codes.to_vec()));
                put("names", Array::Texts(names.names().clone()));
            }
            Values::Text(v) => put("values", Array::Texts(Texts::clone(v))),
            Values::Tokens(v) => {
                put("values", Array::Texts(v.words.clone()));
                put("ends", Array::I64(v.ends.iter().map(|&e| e as i64).collect()));
            }
            Values::Files(v) => {
                put("values", Array::Texts(v.iter().map(|path| path.to_string_lossy().into_owned()).collect()))
            }
            Values::Pictures(v) => {
                put(
                    "shape",
                    Array::U32(v.iter().flat_map(|p| [p.height, p.width, p.channels]).map(|n| n as u32).collect()),
                );
                put("values", Array::Bytes(v.iter().flat_map(|p| p.samples.iter().copied()).collect()));
            }
            Values::Maps(v) => {
                put(
                    "shape",
                    Array::U32(v.iter().flat_map(|p| [p.height, p.width, p.channels]).map(|n| n as u32).collect()),
                );
                put("values", Array::F32(v.iter().flat_map(|p| p.numbers.iter().copied()).collect()));
            }
            Values::Vector { width, numbers } => {
                put("shape", Array::U32(vec![*width as u32]));
                put("values", Array::F32(numbers.to_vec()));
            }
            Values::Sequence(v) => {
                put("shape", Array::U32(vec![v.width as u32]));
                put("ends", Array::I64(v.ends.iter().map(|&e| e as i64).collect()));
                put("values", Array::F32(v.numbers.clone()));
            }
        }
    }

    /// Reads what [`Values::store`] put.
    pub fn load(prefix: &str, from: &Arrays) -> Result<Values> {
        let name = |name: &str| format!("{prefix}{name}");
        let values = name("values");
        let shape = || from.u32s(&name("shape"));
        let ends = || -> Result<Vec<usize>> { Ok(from.i64s(&name("ends"))?.iter().map(|&e| e as usize).collect()) };
        let kind = from.texts(&name("kind"))?.first().unwrap_or_default();
        let odd = || Error::bug(format!("stored values of kind `{kind}` do not fit"));
        Ok(match kind {
            "int" => Values::Int(Arc::new(from.i64s(&values)?.to_vec())),
            "time" => Values::Time(Arc::new(from.i64s(&values)?.to_vec())),
            "duration" => Values::Duration(Arc::new(from.i64s(&values)?.to_vec())),
            "float" => Values::Float(Arc::new(from.f64s(&values)?.to_vec())),
            "bool" => Values::Bool(Arc::new(from.bytes(&values)?.iter().map(|&b| b != 0).collect())),
            "code" => Values::Code {
                codes: Arc::new(from.u32s(&values)?.to_vec()),
                names: Arc::new(Vocabulary::new(from.texts(&name("names"))?.clone())),
            },
            "text" => Values::Text(Arc::new(from.texts(&values)?.clone())),
            "tokens" => Values::Tokens(Arc::new(TokenLists { ends: ends()?, words: from.texts(&values)?.clone() })),
            "files" => Values::Files(from.texts(&values)?.iter().collect()),
            "pictures" => {
                let mut rest = from.bytes(&values)?;
                let mut pictures = Vec::new();
                for s in shape()?.chunks_exact(3) {
                    let [height, width, channels] = [s[0] as usize, s[1] as usize, s[2] as usize];
                    let (samples, after) = rest.split_at_checked(height * width * channels).ok_or_else(odd)?;
                    rest = after;
                    pictures.push(Arc::new(Picture { height, width, channels, samples: samples.to_vec() }));
                }
                Values::Pictures(Arc::new(pictures))
            }
            "maps" => {
                let mut rest = from.f32s(&values)?;
                let mut maps = Vec::new();
                for s in shape()?.chunks_exact(3) {
                    let [height, width, channels] = [s[0] as usize, s[1] as usize, s[2] as usize];
                    let (numbers, after) = rest.split_at_checked(height * width * channels).ok_or_else(odd)?;
                    rest = after;
                    maps.push(Arc::new(Map { height, width, channels, numbers: numbers.to_vec() }));
                }
                Values::Maps(Arc::new(maps))
            }
            "vector" => Values::vector(*shape()?.first().ok_or_else(odd)? as usize, from.f32s(&values)?.to_vec()),
            "sequence" => Values::Sequence(Arc::new(Sequences {
                width: *shape()?.first().ok_or_else(odd)? as usize,
                ends: ends()?,
                numbers: from.f32s(&values)?.to_vec(),
            })),
            _ => return Err(odd()),
        })
    }
}
