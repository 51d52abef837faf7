//! Named arrays: the one form in which anything that a stage makes is stored.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::error::{Error, Result};
use crate::values::Texts;

/// Numbers or texts in a row, with a shape that the owner knows.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    F32(Vec<f32>),
    F64(Vec<f64>),
    I64(Vec<i64>),
    U32(Vec<u32>),
    Bytes(Vec<u8>),
    Texts(Texts),
}

impl Array {
    pub fn len(&self) -> usize {
        match self {
            Array::F32(v) => v.len(),
            Array::F64(v) => v.len(),
            Array::I64(v) => v.len(),
            Array::U32(v) => v.len(),
            Array::Bytes(v) => v.len(),
            Array::Texts(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn tag(&self) -> u8 {
        match self {
            Array::F32(_) => 0,
            Array::F64(_) => 1,
            Array::I64(_) => 2,
            Array::U32(_) => 3,
            Array::Bytes(_) => 4,
            Array::Texts(_) => 5,
        }
    }

    /// Writes the payload of the stored form.
    pub fn write_items(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Array::F32(v) => put_numbers(out, v, f32::to_le_bytes),
            Array::F64(v) => put_numbers(out, v, f64::to_le_bytes),
            Array::I64(v) => put_numbers(out, v, i64::to_le_bytes),
            Array::U32(v) => put_numbers(out, v, u32::to_le_bytes),
            Array::Bytes(v) => out.write_all(v),
            Array::Texts(v) => v.iter().try_for_each(|t| put_bytes(out, t.as_bytes())),
        }
    }
}

/// Named arrays: a fitted stage's state, a stored column or table, weights, predictions.
///
/// The bytes depend on the content alone: names are in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrays(pub BTreeMap<String, Array>);

pub type State = Arrays;

macro_rules! accessors {
    ($($get:ident $variant:ident $type:ty;)*) => {$(
        /// Returns the array of that name and type; its absence is a mistake in mmf.
        pub fn $get(&self, name: &str) -> Result<&[$type]> {
            match self.0.get(name) {
                Some(Array::$variant(v)) => Ok(v),
                _ => Err(Error::bug(format!("a stored state has no {} named `{name}`", stringify!($variant)))),
            }
        }
    )*};
}

impl Arrays {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with(mut self, name: impl Into<String>, array: Array) -> Self {
        self.0.insert(name.into(), array);
        self
    }

    pub fn put(&mut self, name: impl Into<String>, array: Array) {
        self.0.insert(name.into(), array);
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    accessors! {
        f32s F32 f32;
        f64s F64 f64;
        i64s I64 i64;
        u32s U32 u32;
        bytes Bytes u8;
    }

    /// Returns the texts of that name; their absence is a mistake in mmf.
    pub fn texts(&self, name: &str) -> Result<&Texts> {
        match self.0.get(name) {
            Some(Array::Texts(texts)) => Ok(texts),
            _ => Err(Error::bug(format!("a stored state has no texts named `{name}`"))),
        }
    }

    /// Returns the stored form: magic, count, then name, tag, length and little-endian payload of each.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out).expect("memory takes what it is given");
        out
    }

    /// Writes the stored form.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_with(out, "", 0, &mut |_| Ok(()))
    }

    /// Writes the stored form with `count` items in the array of that `name`, whose payload `items` writes: an array that is
    /// never in memory whole.
    pub fn write_with(
        &self,
        out: &mut dyn Write,
        name: &str,
        count: usize,
        items: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        out.write_all(b"mmfa1\0\0\0")?;
        out.write_all(&(self.0.len() as u64).to_le_bytes())?;
        for (own, array) in &self.0 {
            put_bytes(out, own.as_bytes())?;
            out.write_all(&[array.tag()])?;
            if own == name {
                out.write_all(&(count as u64).to_le_bytes())?;
                items(out)?;
            } else {
                out.write_all(&(array.len() as u64).to_le_bytes())?;
                array.write_items(out)?;
            }
        }
        Ok(())
    }

    /// Reads the stored form; anything else is an error, never a panic.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(8)? != b"mmfa1\0\0\0" {
            return Err(broken());
        }
        let count = reader.length()?;
        let mut arrays = BTreeMap::new();
        for _ in 0..count {
            let name = reader.text()?.to_string();
            let tag = reader.take(1)?[0];
            let n = reader.length()?;
            let array = match tag {
                0 => Array::F32(reader.numbers(n, f32::from_le_bytes)?),
                1 => Array::F64(reader.numbers(n, f64::from_le_bytes)?),
                2 => Array::I64(reader.numbers(n, i64::from_le_bytes)?),
                3 => Array::U32(reader.numbers(n, u32::from_le_bytes)?),
                4 => Array::Bytes(reader.take(n)?.to_vec()),
                5 => Array::Texts(reader.texts(n)?),
                _ => return Err(broken()),
            };
            arrays.insert(name, array);
        }
        Ok(Arrays(arrays))
    }
}

fn put_bytes(out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(&(bytes.len() as u64).to_le_bytes())?;
    out.write_all(bytes)
}

/// Writes numbers in blocks: a writer costs more a call than a byte.
fn put_numbers<T: Copy, const N: usize>(out: &mut dyn Write, numbers: &[T], bytes: fn(T) -> [u8; N]) -> io::Result<()> {
    let mut block = Vec::with_capacity(N * numbers.len().min(1024));
    for part in numbers.chunks(1024) {
        block.clear();
        part.iter().for_each(|&x| block.extend_from_slice(&bytes(x)));
        out.write_all(&block)?;
    }
    Ok(())
}

fn broken() -> Error {
    Error::new(
        "E1048",
        mmf_lang::diagnostic::Text {
            en: "a stored result is not readable".into(), zh: "存储的结果无法读取".into()
        },
    )
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(n).filter(|&end| end <= self.bytes.len()).ok_or_else(broken)?;
        let slice = &self.bytes[self.at..end];
        self.at = end;
        Ok(slice)
    }

    fn length(&mut self) -> Result<usize> {
        let bytes: [u8; 8] = self.take(8)?.try_into().map_err(|_| broken())?;
        usize::try_from(u64::from_le_bytes(bytes)).map_err(|_| broken())
    }

    fn text(&mut self) -> Result<&'a str> {
        let n = self.length()?;
        std::str::from_utf8(self.take(n)?).map_err(|_| broken())
    }

    fn texts(&mut self, n: usize) -> Result<Texts> {
        let mut texts = Texts::default();
        for _ in 0..n {
            texts.push(self.text()?);
        }
        texts.shrink();
        Ok(texts)
    }

    fn numbers<T, const N: usize>(&mut self, n: usize, read: fn([u8; N]) -> T) -> Result<Vec<T>> {
        let bytes = self.take(n.checked_mul(N).ok_or_else(broken)?)?;
        Ok(bytes.chunks_exact(N).map(|c| read(c.try_into().expect("chunks are exact"))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_comes_back_and_what_is_cut_is_an_error() {
        let arrays = Arrays::new()
            .with("weights", Array::F32(vec![1.5, -2.0]))
            .with("names", Array::Texts(["电影", ""].iter().collect()))
            .with("counts", Array::U32(vec![7]));
        let bytes = arrays.to_bytes();
        assert_eq!(Arrays::from_bytes(&bytes).unwrap(), arrays);
        let mut long = Vec::new();
        let weights = Array::F32(vec![1.5, -2.0]);
        let held = arrays.clone().with("weights", Array::F32(Vec::new()));
        held.write_with(&mut long, "weights", 2, &mut |out| weights.write_items(out)).unwrap();
        assert_eq!(long, bytes);
        for end in 0..bytes.len() {
            assert!(Arrays::from_bytes(&bytes[..end]).is_err(), "{end} bytes of {}", bytes.len());
        }
    }
}
