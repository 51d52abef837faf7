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

/// Reads an array. `bytes` may be only the beginning of a `.npy` file of `length` bytes.
///
/// # Errors
/// Says what is wrong; the caller names the file.
pub(crate) fn read(path: &str, bytes: &[u8], length: u64, wanted: &[&str]) -> Result<Array, Text> {
    if !path.to_ascii_lowercase().ends_with(".npz") {
        return array(bytes, length);
    }
    let broken = |e: std::io::Error| say!("is no sound `.npz` file: {e}", "不是完好的 `.npz` 文件：{e}");
    let mut archive = NpzArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut names: Vec<String> = archive.array_names().map(str::to_string).collect();
    names.sort();
    let name = match wanted.iter().find(|w| names.iter().any(|n| n == *w)) {
        Some(name) => name.to_string(),
        None if names.len() == 1 => names.remove(0),
        None => {
            let all = names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
            return Err(say!(
                "holds the arrays {all}; say which with `array = …`",
                "含有数组 {all}；请用 `array = …` 指明"
            ));
        }
    };
    let file = npyz::npz::file_name_from_array_name(&name);
    let mut unpacked = Vec::new();
    let entry = archive.zip_archive().by_name(&file);
    let mut entry = entry.map_err(|e| say!("is no sound `.npz` file: {e}", "不是完好的 `.npz` 文件：{e}"))?;
    entry.read_to_end(&mut unpacked).map_err(broken)?;
    array(&unpacked, unpacked.len() as u64)
}

fn array(bytes: &[u8], length: u64) -> Result<Array, Text> {
    let mut cursor = Cursor::new(bytes);
    let header = NpyHeader::from_reader(&mut cursor)
        .map_err(|e| say!("is no sound `.npy` file: {e}", "不是完好的 `.npy` 文件：{e}"))?;
    let data = &bytes[(cursor.position() as usize).min(bytes.len())..];
    let DType::Plain(kind) = header.dtype() else {
        return Err(say!("is an array of records; save one array of numbers", "是记录数组；请存为数值数组"));
    };
    let (letter, size) = (kind.type_char(), kind.size_field() as usize);
    let shape: Vec<usize> = header.shape().iter().map(|&n| usize::try_from(n).unwrap_or(usize::MAX)).collect();
    let claimed = shape.iter().try_fold(size, |product, &n| product.checked_mul(n));
    let here = length.saturating_sub(cursor.position());
    if claimed.is_none_or(|bytes| bytes as u64 > here) {
        let shape = shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
        return Err(say!(
            "is cut: its header says {shape} numbers, the file has {here} bytes for them",
            "不完整：文件头声明 {shape} 个数，而文件只有 {here} 字节"
        ));
    }
    if shape.is_empty() {
        return Err(say!("holds one number, no rows", "只有一个数，没有行"));
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
        _ => {
            let kind = kind.to_string();
            return Err(say!(
                "holds `{kind}`; only bools, whole numbers and floats of 16 to 64 bits are read",
                "元素类型为 `{kind}`；只能读取布尔、整数和 16 至 64 位浮点数"
            ));
        }
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
        read(name, &bytes, bytes.len() as u64, &[]).unwrap_err()
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
        assert!(fixture("truncated.npy").en.starts_with("is no sound `.npy` file"));
    }

    #[test]
    fn numbers_of_every_size_are_read() {
        let read = |bytes: &[u8]| array(bytes, bytes.len() as u64).unwrap();
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
        assert!(super::array(&cut, cut.len() as u64).is_err());
        assert_eq!(super::array(&cut, cut.len() as u64 + 8).unwrap().read(), 1);
    }

    #[test]
    fn an_archive_names_its_arrays() {
        let mut archive = npyz::zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, number) in [("a.npy", 1u8), ("b.npy", 2)] {
            archive.start_file(name, npyz::zip::write::FileOptions::default()).unwrap();
            archive.write_all(&npy("|u1", false, "1,", &[number])).unwrap();
        }
        let bytes = archive.finish().unwrap().into_inner();
        let read = |wanted: &[&str]| read("x.npz", &bytes, bytes.len() as u64, wanted);
        assert_eq!(read(&["x", "b"]).unwrap().numbers, Numbers::Int(vec![2]));
        assert_eq!(read(&["x"]).unwrap_err().en, "holds the arrays `a`, `b`; say which with `array = …`");
        assert!(super::read("x.npz", &bytes[..40], 40, &[]).is_err());
    }
}
