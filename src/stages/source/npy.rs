//! Arrays of `.npy` and `.npz` files: headers by `npyz`, numbers by hand, so that a header that claims more than the
//! file holds is refused before any memory is asked for.

use std::io::{Cursor, Read};

use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use npyz::npz::NpzArchive;
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};

/// An array, its first axis the rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    /// As the header says it; `numbers` may hold fewer rows, where only the beginning of a file was read.
    pub(crate) shape: Vec<usize>,
    pub(crate) numbers: Numbers,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Numbers {
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Array {
    pub(crate) fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(0)
    }

    /// Returns how many numbers a row has.
    pub(crate) fn width(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// Returns how many rows were read.
    pub(crate) fn read(&self) -> usize {
        let count = match &self.numbers {
            Numbers::Bool(v) => v.len(),
            Numbers::Int(v) => v.len(),
            Numbers::Single(v) => v.len(),
            Numbers::Double(v) => v.len(),
        };
        count.checked_div(self.width()).unwrap_or(self.rows())
    }

    pub(crate) fn single(&self, at: usize) -> f32 {
        match &self.numbers {
            Numbers::Bool(v) => f32::from(u8::from(v[at])),
            Numbers::Int(v) => v[at] as f32,
            Numbers::Single(v) => v[at],
            Numbers::Double(v) => v[at] as f32,
        }
    }

    /// Returns a number in its shortest decimal form; empty where it is not a number.
    pub(crate) fn decimal(&self, at: usize) -> String {
        match &self.numbers {
            Numbers::Bool(v) => v[at].to_string(),
            Numbers::Int(v) => v[at].to_string(),
            Numbers::Single(v) if v[at].is_nan() => String::new(),
            Numbers::Single(v) => v[at].to_string(),
            Numbers::Double(v) if v[at].is_nan() => String::new(),
            Numbers::Double(v) => v[at].to_string(),
        }
    }
}

/// Reads an array: of an archive the one called `array`, else `own`, else its only one; any without `own`. `bytes` may be only the beginning of a
/// `.npy` file of `length` bytes.
///
/// # Errors
/// Says what is wrong, what was expected and how to mend it; the caller names the file.
pub(crate) fn read(
    path: &str,
    bytes: &[u8],
    length: u64,
    array: Option<&str>,
    own: Option<&str>,
) -> Result<Array, Text> {
    if !path.to_ascii_lowercase().ends_with(".npz") {
        return one(bytes, length);
    }
    if bytes.starts_with(MAGIC) {
        return Err(say!("is one array in an `.npy` file; name it so", "是单个数组，即 `.npy` 文件；请改用该扩展名"));
    }
    if !bytes.starts_with(b"PK") {
        let Text { en: found, zh: is } = beginning(bytes);
        return Err(say!(
            "is no `.npz` archive: it should begin with `PK`, {found}; save it with `numpy.savez`",
            "不是 `.npz` 归档：开头应为 `PK`，{is}；请用 `numpy.savez` 保存"
        ));
    }
    let broken = |e: std::io::Error| {
        say!(
            "is cut or damaged: the list of arrays at its end cannot be read ({e}); copy it again, or save it with `numpy.savez`",
            "不完整或已损坏：无法读取末尾的数组目录（{e}）；请重新复制，或用 `numpy.savez` 保存"
        )
    };
    let mut archive = NpzArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut names: Vec<String> = archive.array_names().map(str::to_string).collect();
    names.sort();
    let all = names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    let name = match (array, &names[..]) {
        (_, []) => {
            return Err(say!("holds no array; save them with `numpy.savez`", "不含数组；请用 `numpy.savez` 保存"));
        }
        (Some(array), _) if names.iter().any(|n| n == array) => array.to_string(),
        (Some(array), _) => {
            return Err(say!("has no array `{array}`; it holds {all}", "没有数组 `{array}`；其中有 {all}"));
        }
        (None, _) if names.iter().any(|n| Some(n.as_str()) == own) => own.unwrap_or_default().to_string(),
        (None, [first, rest @ ..]) if own.is_none() || rest.is_empty() => first.clone(),
        (None, _) => {
            return Err(say!(
                "holds the arrays {all}; say which with `array = …`",
                "含有数组 {all}；请用 `array = …` 指明"
            ));
        }
    };
    let inside = |text: Text| Text {
        en: format!("holds the array `{name}`, which {}", text.en),
        zh: format!("其中的数组 `{name}` {}", text.zh),
    };
    let damaged = |e: &dyn std::fmt::Display| {
        inside(say!(
            "is damaged ({e}); copy the file again, or save it with `numpy.savez`",
            "已损坏（{e}）；请重新复制该文件，或用 `numpy.savez` 保存"
        ))
    };
    let file = npyz::npz::file_name_from_array_name(&name);
    let mut unpacked = Vec::new();
    let mut entry = archive.zip_archive().by_name(&file).map_err(|e| damaged(&e))?;
    entry.read_to_end(&mut unpacked).map_err(|e| damaged(&e))?;
    one(&unpacked, unpacked.len() as u64).map_err(inside)
}

const MAGIC: &[u8] = b"\x93NUMPY";

/// Says how a file begins that should begin otherwise.
fn beginning(bytes: &[u8]) -> Text {
    if bytes.is_empty() {
        return say!("and it is empty", "而文件为空");
    }
    let start: String = bytes.iter().take(8).flat_map(|&b| std::ascii::escape_default(b)).map(char::from).collect();
    say!("and begins with `{start}`", "而实际开头为 `{start}`")
}

/// Reads a header, after a look at what makes most headers unreadable.
fn header(bytes: &[u8], cursor: &mut Cursor<&[u8]>) -> Result<NpyHeader, Text> {
    if bytes.starts_with(b"PK") {
        return Err(say!("is an archive of arrays; name it `.npz`", "是数组归档；请改用扩展名 `.npz`"));
    }
    if bytes.is_empty() || !bytes[..bytes.len().min(6)].starts_with(&MAGIC[..bytes.len().min(6)]) {
        let Text { en: found, zh: is } = beginning(bytes);
        return Err(say!(
            "is no array of NumPy: it should begin with `\\x93NUMPY`, {found}; save it with `numpy.save`",
            "不是 NumPy 数组：开头应为 `\\x93NUMPY`，{is}；请用 `numpy.save` 保存"
        ));
    }
    let (version, here) = (bytes.get(6).copied(), bytes.len());
    if let Some(version @ (0 | 4..)) = version {
        return Err(say!(
            "is of format {version}, and formats 1 to 3 are read; save it again with `numpy.save`",
            "为格式 {version}，而只能读取格式 1 至 3；请用 `numpy.save` 重新保存"
        ));
    }
    let (start, told) = match version {
        Some(1) => (10, bytes.get(8..10).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]])))),
        _ => (12, bytes.get(8..12).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
    };
    let end = start + told.map_or(1, |told| told as usize);
    let Some(text) = bytes.get(start..end).filter(|_| told.is_some()) else {
        return Err(say!(
            "is cut in its header: it goes on to byte {end}, and the file has {here}; copy it again, or save it with `numpy.save`",
            "在文件头处中断：文件头至第 {end} 字节，而文件只有 {here} 字节；请重新复制，或用 `numpy.save` 保存"
        ));
    };
    let text = String::from_utf8_lossy(text);
    if let Some(kind) = text.split("'descr':").nth(1).and_then(|rest| rest.trim_start().strip_prefix('\''))
        && let Some((kind, _)) = kind.split_once('\'')
        && !kind.trim_start_matches(['<', '>', '|', '=']).starts_with(['b', 'i', 'u', 'f'])
    {
        return Err(unread(kind));
    }
    NpyHeader::from_reader(cursor).map_err(|_| {
        let found: String = text.trim().chars().take(80).collect();
        say!(
            "has a header that cannot be read: expected is `{{'descr': '<f4', 'fortran_order': False, 'shape': (3, 8), }}`, \
             found `{found}`; save it again with `numpy.save`",
            "文件头无法读取：应形如 `{{'descr': '<f4', 'fortran_order': False, 'shape': (3, 8), }}`，实为 `{found}`；请用 \
             `numpy.save` 重新保存"
        )
    })
}

/// An array of what is no number.
fn unread(kind: &str) -> Text {
    let (en, zh) = match kind.trim_start_matches(['<', '>', '|', '=']).chars().next() {
        Some('O') => (" (Python objects)", "（Python 对象）"),
        Some('U' | 'S' | 'a') => (" (text)", "（文本）"),
        Some('c') => (" (complex numbers)", "（复数）"),
        Some('M' | 'm') => (" (times)", "（时间）"),
        _ => ("", ""),
    };
    say!(
        "holds `{kind}`{en}; only bools, whole numbers and floats of 16 to 64 bits are read; convert it with \
         `array.astype(\"float32\")`",
        "元素类型为 `{kind}`{zh}；只能读取布尔、整数和 16 至 64 位浮点数；请用 `array.astype(\"float32\")` 转换"
    )
}

fn one(bytes: &[u8], length: u64) -> Result<Array, Text> {
    let mut cursor = Cursor::new(bytes);
    let header = header(bytes, &mut cursor)?;
    let data = &bytes[(cursor.position() as usize).min(bytes.len())..];
    let DType::Plain(kind) = header.dtype() else {
        return Err(say!(
            "is an array of records, expected is one of numbers; save a single field with `numpy.save`",
            "是记录数组，而需要数值数组；请用 `numpy.save` 保存单个字段"
        ));
    };
    let (letter, size) = (kind.type_char(), kind.size_field() as usize);
    let shape: Vec<usize> = header.shape().iter().map(|&n| usize::try_from(n).unwrap_or(usize::MAX)).collect();
    let claimed = shape.iter().try_fold(size, |product, &n| product.checked_mul(n));
    let here = length.saturating_sub(cursor.position());
    if claimed.is_none_or(|bytes| bytes as u64 > here) {
        let shape = shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
        let size = claimed.map_or(Text::default(), |needed| say!(" ({needed} bytes)", "（{needed} 字节）"));
        let Text { en: size, zh: needed } = size;
        return Err(say!(
            "is cut: its header says {shape} numbers{size}, the file has {here} bytes for them; copy it again, or save it \
             with `numpy.save`",
            "不完整：文件头声明 {shape} 个数{needed}，而文件只有 {here} 字节；请重新复制，或用 `numpy.save` 保存"
        ));
    }
    if shape.is_empty() {
        return Err(say!(
            "holds a single number, expected are rows; save an array with one axis or more",
            "只有一个数，而需要多行；请保存至少一维的数组"
        ));
    }
    let width: usize = shape.iter().skip(1).product();
    let rows = (data.len() / (size * width).max(1)).min(shape[0]);
    if header.order() == Order::Fortran && rows < shape[0] {
        return Err(say!(
            "is stored by columns and larger than 64 MB; save it by rows (`numpy.ascontiguousarray`)",
            "按列存储且超过 64 MB；请按行存储（`numpy.ascontiguousarray`）"
        ));
    }
    let data = &data[..rows * width * size];
    let big = kind.endianness() == Endianness::Big;
    let numbers = match (letter, size) {
        (TypeChar::Bool, 1) => Numbers::Bool(data.iter().map(|&b| b != 0).collect()),
        (TypeChar::Int, 1) => Numbers::Int(data.iter().map(|&b| i64::from(b as i8)).collect()),
        (TypeChar::Uint, 1) => Numbers::Int(data.iter().map(|&b| i64::from(b)).collect()),
        (TypeChar::Int, 2) => Numbers::Int(items(data, big, |b| i64::from(i16::from_le_bytes(b)))),
        (TypeChar::Uint, 2) => Numbers::Int(items(data, big, |b| i64::from(u16::from_le_bytes(b)))),
        (TypeChar::Int, 4) => Numbers::Int(items(data, big, |b| i64::from(i32::from_le_bytes(b)))),
        (TypeChar::Uint, 4) => Numbers::Int(items(data, big, |b| i64::from(u32::from_le_bytes(b)))),
        (TypeChar::Int, 8) => Numbers::Int(items(data, big, i64::from_le_bytes)),
        (TypeChar::Uint, 8) => {
            let wide = items(data, big, u64::from_le_bytes);
            if wide.iter().any(|&n| i64::try_from(n).is_err()) {
                return Err(say!("holds whole numbers beyond 63 bits", "含有超出 63 位的整数"));
            }
            Numbers::Int(wide.into_iter().map(|n| n as i64).collect())
        }
        (TypeChar::Float, 2) => Numbers::Single(items(data, big, |b| half(u16::from_le_bytes(b)))),
        (TypeChar::Float, 4) => Numbers::Single(items(data, big, f32::from_le_bytes)),
        (TypeChar::Float, 8) => Numbers::Double(items(data, big, f64::from_le_bytes)),
        _ => return Err(unread(&kind.to_string())),
    };
    let numbers = if header.order() == Order::Fortran && shape.len() > 1 {
        match numbers {
            Numbers::Bool(v) => Numbers::Bool(by_rows(&v, &shape)),
            Numbers::Int(v) => Numbers::Int(by_rows(&v, &shape)),
            Numbers::Single(v) => Numbers::Single(by_rows(&v, &shape)),
            Numbers::Double(v) => Numbers::Double(by_rows(&v, &shape)),
        }
    } else {
        numbers
    };
    Ok(Array { shape, numbers })
}

fn items<T, const N: usize>(data: &[u8], big: bool, read: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.chunks_exact(N)
        .map(|chunk| {
            let mut bytes: [u8; N] = chunk.try_into().expect("chunks are exact");
            if big {
                bytes.reverse();
            }
            read(bytes)
        })
        .collect()
}

/// Returns a half-precision number (IEEE 754 binary16) as a single one.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f32::from(bits & 0x3FF));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

/// Brings an array that is stored with the first axis fastest to rows.
fn by_rows<T: Copy>(numbers: &[T], shape: &[usize]) -> Vec<T> {
    let mut out = Vec::with_capacity(numbers.len());
    let mut at = vec![0; shape.len()];
    for _ in 0..numbers.len() {
        let place = at.iter().zip(shape).rev().fold(0, |place, (i, n)| place * n + i);
        out.push(numbers[place]);
        for axis in (0..shape.len()).rev() {
            at[axis] += 1;
            if at[axis] < shape[axis] {
                break;
            }
            at[axis] = 0;
        }
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use super::*;

    fn fixture(name: &str) -> Text {
        let path = format!("{}/../../tests/fixtures/bad/{name}", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        read(name, &bytes, bytes.len() as u64, None, Some("x")).unwrap_err()
    }

    /// Returns an array as numpy writes it (format 1.0).
    pub(crate) fn npy(kind: &str, order: bool, shape: &str, data: &[u8]) -> Vec<u8> {
        let order = if order { "True" } else { "False" };
        let mut header = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({shape}), }}");
        while (header.len() + 11) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn what_a_header_claims_is_held_against_the_file() {
        assert!(fixture("huge-shape.npy").en.starts_with("is cut: its header says 1000000000x1000000000 numbers"));
        let cut = fixture("truncated.npy").en;
        assert!(cut.starts_with("is cut"), "{cut}");
    }

    #[test]
    fn numbers_of_every_size_are_read() {
        let read = |bytes: &[u8]| one(bytes, bytes.len() as u64).unwrap();
        let halves: Vec<u8> = [0x3C00u16, 0xC000, 0x0001, 0x3555].iter().flat_map(|b| b.to_le_bytes()).collect();
        let array = read(&npy("<f2", false, "2, 2", &halves));
        assert_eq!(array.shape, [2, 2]);
        // numpy.array([0x3C00, 0xC000, 1, 0x3555], 'u2').view('f2').astype('f4')
        assert_eq!(array.numbers, Numbers::Single(vec![1.0, -2.0, 5.9604645e-8, 0.333_251_95]));
        let big: Vec<u8> = [1i32, -2].iter().flat_map(|n| n.to_be_bytes()).collect();
        assert_eq!(read(&npy(">i4", false, "2,", &big)).numbers, Numbers::Int(vec![1, -2]));
        let columns: Vec<u8> = [1u8, 4, 2, 5, 3, 6].to_vec();
        assert_eq!(read(&npy("|u1", true, "2, 3", &columns)).numbers, Numbers::Int(vec![1, 2, 3, 4, 5, 6]));
        let cut = npy("<f4", false, "3, 1", &1f32.to_le_bytes());
        assert!(one(&cut, cut.len() as u64).is_err());
        assert_eq!(one(&cut, cut.len() as u64 + 8).unwrap().read(), 1);
    }

    #[test]
    fn an_archive_names_its_arrays() {
        let mut archive = npyz::zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, number) in [("a.npy", 1u8), ("b.npy", 2)] {
            archive.start_file(name, npyz::zip::write::FileOptions::default()).unwrap();
            archive.write_all(&npy("|u1", false, "1,", &[number])).unwrap();
        }
        let bytes = archive.finish().unwrap().into_inner();
        let read = |array, own| read("x.npz", &bytes, bytes.len() as u64, array, Some(own));
        assert_eq!(read(None, "b").unwrap().numbers, Numbers::Int(vec![2]));
        assert_eq!(read(Some("a"), "b").unwrap().numbers, Numbers::Int(vec![1]));
        assert_eq!(read(None, "x").unwrap_err().en, "holds the arrays `a`, `b`; say which with `array = …`");
        assert_eq!(read(Some("x"), "b").unwrap_err().en, "has no array `x`; it holds `a`, `b`");
        assert!(super::read("x.npz", &bytes, bytes.len() as u64, None, None).is_ok(), "keys ask for any");
        for end in 0..bytes.len() {
            assert!(super::read("x.npz", &bytes[..end], end as u64, None, Some("a")).is_err(), "cut at {end}");
        }
    }

    /// What is wrong, what was expected, and how to mend it, in both languages.
    #[test]
    fn every_wrong_file_is_told_what_is_wrong_with_it() {
        let whole = npy("<f4", false, "2, 3", &[0; 24]);
        let with = |at: usize, byte: u8| {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            bytes
        };
        let header = |text: &str| {
            let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
            bytes.extend((text.len() as u16).to_le_bytes());
            bytes.extend(text.as_bytes());
            bytes
        };
        let zipped = |content: &[u8]| {
            let mut archive = npyz::zip::ZipWriter::new(Cursor::new(Vec::new()));
            archive.start_file("a.npy", npyz::zip::write::FileOptions::default()).unwrap();
            archive.write_all(content).unwrap();
            archive.finish().unwrap().into_inner()
        };
        let cases: Vec<(&str, Vec<u8>, &str)> = vec![
            ("x.npy", vec![], "is no array of NumPy: it should begin with `\\x93NUMPY`, and it is empty; save it"),
            (
                "x.npy",
                b"1,2\n3,4\n".to_vec(),
                "should begin with `\\x93NUMPY`, and begins with `1,2\\n3,4\\n`; save it",
            ),
            ("x.npy", zipped(&whole), "is an archive of arrays; name it `.npz`"),
            ("x.npy", with(6, 9), "is of format 9, and formats 1 to 3 are read; save it again with"),
            ("x.npy", whole[..7].to_vec(), "is cut in its header: it goes on to byte 11, and the file has 7; copy it"),
            (
                "x.npy",
                whole[..90].to_vec(),
                "is cut in its header: it goes on to byte 128, and the file has 90; copy it",
            ),
            ("x.npy", whole[..140].to_vec(), "is cut: its header says 2x3 numbers (24 bytes), the file has 12 bytes"),
            ("x.npy", header("{'descr': '<f4', 'shape'"), "found `{'descr': '<f4', 'shape'`; save it again with"),
            (
                "x.npy",
                header("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }"),
                "holds `|O` (Python objects); only",
            ),
            ("x.npy", npy("<U5", false, "1,", &[0; 20]), "holds `<U5` (text); only bools, whole numbers and floats"),
            ("x.npy", npy("<c8", false, "1,", &[0; 8]), "holds `<c8` (complex numbers); only"),
            ("x.npy", npy("<f4", false, "", &[0; 4]), "holds a single number, expected are rows; save"),
            ("x.npz", whole.clone(), "is one array in an `.npy` file; name it so"),
            (
                "x.npz",
                b"hello".to_vec(),
                "is no `.npz` archive: it should begin with `PK`, and begins with `hello`; save",
            ),
            ("x.npz", zipped(&whole)[..60].to_vec(), "is cut or damaged: the list of arrays at its end cannot be read"),
            ("x.npz", zipped(&whole[..140]), "holds the array `a`, which is cut: its header says 2x3 numbers"),
            ("x.npz", zipped(b"text"), "holds the array `a`, which is no array of NumPy"),
        ];
        for (path, bytes, expected) in cases {
            let found = read(path, &bytes, bytes.len() as u64, None, Some("a")).unwrap_err();
            assert!(found.en.contains(expected), "{found:?}\n  lacks {expected}");
            assert!(found.zh.contains(['请', '：']) && !found.zh.is_empty(), "{found:?}");
        }
        // No cut and no changed byte of a header panics.
        for at in 0..140 {
            let _ = one(&whole[..at], at as u64);
            for byte in [0, 1, 39, 40, 57, 255] {
                let _ = one(&with(at, byte), whole.len() as u64);
            }
        }
    }
}
