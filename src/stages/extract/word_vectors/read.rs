//! Files of word vectors, in the four forms that are in use, told apart by their content:
//!
//! - word2vec text, and fastText's `.vec`, which is the same: `count width`, then a word and its numbers a line;
//! - word2vec binary: the same first line, then a word, a blank and its numbers as 32-bit floats, little-endian;
//! - GloVe text: no first line.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use mmf_lang::say;

use crate::extract::fault::Fault;

/// Bytes of a word, at most; a longer one is none.
const LONGEST: usize = 4096;
/// Bytes of a line, at most.
const LINE: u64 = 1 << 20;
/// Numbers of a vector, at most.
const WIDEST: usize = 65_536;

/// The vectors of a file.
#[derive(Debug, Default)]
pub(crate) struct Vectors {
    pub(crate) width: usize,
    places: HashMap<Box<str>, u32>,
    pub(crate) numbers: Vec<f32>,
}

impl Vectors {
    /// Returns the number of a word's vector.
    pub(crate) fn place(&self, word: &str) -> Option<usize> {
        self.places.get(word).map(|&place| place as usize)
    }

    /// Takes a word's vector; of two the first counts, as in gensim.
    fn push(&mut self, word: &str, numbers: &[f32]) {
        let next = (self.numbers.len() / self.width) as u32;
        if !self.places.contains_key(word) {
            self.places.insert(word.into(), next);
            self.numbers.extend_from_slice(numbers);
        }
    }
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// With the count of words.
    Lines(u64),
    Binary(u64),
    /// Without a first line.
    Bare,
}

/// A file whose first line was looked at.
struct Head {
    form: Form,
    width: usize,
    reader: BufReader<File>,
}

/// Returns the width of a file's vectors.
pub(crate) fn width(path: &Path) -> Result<usize, Fault> {
    head(path).map(|head| head.width)
}

/// A vector that ends too early is a broken file.
fn torn(error: std::io::Error) -> Fault {
    match error.kind() {
        ErrorKind::UnexpectedEof => Fault::Broken(say!("it ends in the middle of a vector", "文件在一个向量中间结束")),
        _ => Fault::Unreadable(error),
    }
}

/// Reads a file whole; `check` is asked now and then whether to go on.
pub(crate) fn read<E: From<Fault>>(path: &Path, mut check: impl FnMut() -> Result<(), E>) -> Result<Vectors, E> {
    let Head { form, width, mut reader } = head(path)?;
    let mut vectors = Vectors { width, ..Vectors::default() };
    let mut numbers = vec![0.0; width];
    let mut line = String::new();
    match form {
        Form::Binary(count) => {
            skip_line(&mut reader).map_err(torn)?;
            for at in 0..count {
                if at % 4096 == 4095 {
                    check()?;
                }
                let word = binary_word(&mut reader, at, count)?;
                binary_numbers(&mut reader, &mut numbers, &word)?;
                vectors.push(&word, &numbers);
            }
            if !rest_is_blank(&mut reader).map_err(torn)? {
                return Err(more(count).into());
            }
        }
        Form::Lines(_) | Form::Bare => {
            let mut number = 0u64;
            let mut found = 0u64;
            if form != Form::Bare {
                skip_line(&mut reader).map_err(torn)?;
                number = 1;
            }
            loop {
                number += 1;
                if number.is_multiple_of(4096) {
                    check()?;
                }
                if !next_line(&mut reader, &mut line, number)? {
                    break;
                }
                if line.trim_ascii().is_empty() {
                    continue;
                }
                if let Form::Lines(count) = form
                    && found == count
                {
                    return Err(more(count).into());
                }
                let word = parse(&line, number, &mut numbers)?;
                vectors.push(word, &numbers);
                found += 1;
            }
            if let Form::Lines(count) = form
                && found < count
            {
                return Err(fewer(count, found).into());
            }
        }
    }
    Ok(vectors)
}

fn more(count: u64) -> Fault {
    Fault::Broken(say!("its first line says {count} words, but more follow", "首行写明 {count} 个词，后面却还有更多"))
}

fn fewer(count: u64, found: u64) -> Fault {
    Fault::Broken(say!(
        "its first line says {count} words, but it ends after {found}: it was cut off",
        "首行写明 {count} 个词，文件却在第 {found} 个之后结束：文件不完整"
    ))
}

fn head(path: &Path) -> Result<Head, Fault> {
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(Fault::Unreadable)?);
    let start = reader.fill_buf().map_err(Fault::Unreadable)?;
    if start.is_empty() {
        return Err(say!("it is empty", "文件为空").into());
    }
    if start.starts_with(&[0x1f, 0x8b]) || start.starts_with(b"PK\x03\x04") || start.starts_with(b"BZh") {
        return Err(say!("it is packed; unpack it first", "文件是压缩包；请先解压").into());
    }
    if start.starts_with(&793_712_314u32.to_le_bytes()) {
        return Err(say!(
            "it is fastText's own binary form; the `.vec` file beside it has the vectors",
            "这是 fastText 自有的二进制格式；请使用同名的 `.vec` 文件"
        )
        .into());
    }
    let end = start.iter().position(|&b| b == b'\n').unwrap_or(start.len());
    let first = start[..end].to_vec();
    let after = start.get(end + 1..).unwrap_or_default().to_vec();
    let words: Vec<&[u8]> = first.trim_ascii().split(|b| *b == b' ' || *b == b'\t').collect();
    let whole = |word: &[u8]| std::str::from_utf8(word).ok()?.parse::<u64>().ok();
    if let [count, width] = words[..]
        && let (Some(count), Some(width)) = (whole(count), whole(width))
    {
        let width = usize::try_from(width).ok().filter(|w| (1..=WIDEST).contains(w));
        let Some(width) = width else {
            return Err(say!("its first line gives no width of a vector", "首行没有给出向量的宽度").into());
        };
        let form = if is_line(&after, width) { Form::Lines(count) } else { Form::Binary(count) };
        return Ok(Head { form, width, reader });
    }
    let Ok(line) = std::str::from_utf8(&first) else {
        return Err(say!(
            "it holds no word vectors: its first line is neither `count width` nor a word and its numbers, in UTF-8",
            "文件中没有词向量：首行既不是“词数 宽度”，也不是 UTF-8 的词及其数字"
        )
        .into());
    };
    // The word is what stands before the numbers; it may hold blanks.
    let width = fields(line).rev().take_while(|f| f.parse::<f32>().is_ok()).count();
    let width = width.min(fields(line).count().saturating_sub(1));
    if width == 0 || width > WIDEST {
        return Err(say!(
            "it holds no word vectors: its first line is neither `count width` nor a word and its numbers",
            "文件中没有词向量：首行既不是“词数 宽度”，也不是词及其数字"
        )
        .into());
    }
    Ok(Head { form: Form::Bare, width, reader })
}

/// The parts of a line between blanks. Other white space is part of a word.
fn fields(line: &str) -> impl DoubleEndedIterator<Item = &str> {
    line.trim_matches([' ', '\t', '\r', '\n']).split([' ', '\t'])
}

/// Says whether what follows the first line is a word and numbers as text.
fn is_line(after: &[u8], width: usize) -> bool {
    let end = after.iter().position(|&b| b == b'\n').unwrap_or(after.len());
    let whole = end < after.len();
    // Of a line longer than the buffer, the beginning tells.
    let Ok(line) = std::str::from_utf8(&after[..end]) else { return false };
    let numbers = fields(line).rev().skip(usize::from(!whole)).take_while(|f| f.parse::<f32>().is_ok()).count();
    line.trim_ascii().is_empty() && whole || numbers >= if whole { width.min(1) } else { 1 }
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    reader.take(LINE).read_until(b'\n', &mut Vec::new()).map(|_| ())
}

/// Reads the next line, without its end; false at the end of the file.
fn next_line(reader: &mut impl BufRead, line: &mut String, number: u64) -> Result<bool, Fault> {
    let mut bytes = std::mem::take(line).into_bytes();
    bytes.clear();
    let read = reader.take(LINE).read_until(b'\n', &mut bytes).map_err(torn)?;
    match String::from_utf8(bytes) {
        Ok(text) => *line = text,
        Err(_) => return Err(say!("line {number} is not UTF-8", "第 {number} 行不是 UTF-8 编码").into()),
    }
    Ok(read > 0)
}

/// Reads a line into the numbers, and returns its word.
fn parse<'a>(line: &'a str, number: u64, numbers: &mut [f32]) -> Result<&'a str, Fault> {
    let width = numbers.len();
    let mut rest = line.trim_matches([' ', '\t', '\r', '\n']);
    for at in (0..width).rev() {
        let Some(cut) = rest.rfind([' ', '\t']) else {
            let found = width - 1 - at;
            return Err(say!(
                "line {number} has {found} numbers, not {width}",
                "第 {number} 行有 {found} 个数字，应为 {width} 个"
            )
            .into());
        };
        let field = &rest[cut + 1..];
        numbers[at] = match field.parse::<f32>() {
            Ok(x) if x.is_finite() => x,
            Ok(_) => {
                return Err(
                    say!("`{field}` in line {number} is not finite", "第 {number} 行的 `{field}` 不是有限数").into()
                );
            }
            Err(_) => {
                let found = width - 1 - at;
                return Err(say!(
                    "line {number} has {found} numbers behind `{field}`, not {width}",
                    "第 {number} 行在 `{field}` 之后有 {found} 个数字，应为 {width} 个"
                )
                .into());
            }
        };
        rest = &rest[..cut];
    }
    // A word may hold blanks; one that ends in a number is a line with too many.
    if let Some(cut) = rest.rfind([' ', '\t'])
        && rest[cut + 1..].parse::<f32>().is_ok()
    {
        return Err(say!("line {number} has more than {width} numbers", "第 {number} 行的数字多于 {width} 个").into());
    }
    Ok(rest)
}

fn binary_word(reader: &mut impl BufRead, at: u64, count: u64) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    reader.take(LONGEST as u64).read_until(b' ', &mut bytes).map_err(torn)?;
    if bytes.pop() != Some(b' ') {
        let number = at + 1;
        return Err(if bytes.len() + 1 >= LONGEST {
            say!("word {number} has no end", "第 {number} 个词没有结尾").into()
        } else {
            fewer(count, at)
        });
    }
    // Some writers end each vector with a line's end.
    let skip = bytes.iter().take_while(|&&b| b == b'\n').count();
    let number = at + 1;
    String::from_utf8(bytes.split_off(skip))
        .map_err(|_| say!("word {number} is not UTF-8", "第 {number} 个词不是 UTF-8 编码").into())
}

fn binary_numbers(reader: &mut impl Read, numbers: &mut [f32], word: &str) -> Result<(), Fault> {
    for number in numbers {
        let mut bytes = [0; 4];
        reader.read_exact(&mut bytes).map_err(torn)?;
        *number = f32::from_le_bytes(bytes);
        if !number.is_finite() {
            return Err(say!("a number of `{word}` is not finite", "`{word}` 的一个数不是有限数").into());
        }
    }
    Ok(())
}

fn rest_is_blank(reader: &mut impl BufRead) -> std::io::Result<bool> {
    loop {
        let rest = reader.fill_buf()?;
        if rest.is_empty() {
            return Ok(true);
        }
        if rest.iter().any(|b| !b.is_ascii_whitespace()) {
            return Ok(false);
        }
        let length = rest.len();
        reader.consume(length);
    }
}
