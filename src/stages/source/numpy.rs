//! `numpy`: ready features from `.npy` and `.npz`, with the keys of their rows.

use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Stage};
use mmf_data::table::{Table, Value};
use mmf_data::values::{Sequences, Values};
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args, ColumnKind, ColumnSpec};
use mmf_lang::diagnostic::Text;
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{BlockKind, Example, Group, Signature};
use mmf_lang::types::Type;
use mmf_lang::world::{ColumnScan, NumpyKeys, ScanFormat, ScanRequest};

use super::assemble::{assemble, keys};
use super::column::{Around, Made, make, note};
use super::files::Folders;
use super::npy::{self, Array};
use super::read::{Cells, Frame};
use super::table::{COLUMNS, refused};

/// Ready features with the keys of their rows.
pub(crate) struct Numpy;

const PATH: Arg<String> = Arg::path("path").doc("The file: `.npy`, or `.npz`.");
const KEYS: Arg<String> = Arg::new("keys", ArgKind::Column, |v| {
    v.and_then(ArgValue::as_text).unwrap_or_default().to_string()
})
.doc(
    "What the rows are: `row_number` (the keys are \"0\", \"1\" and so on), or the path of a text file with a key a \
         line.",
);
const ARRAY: Arg<Option<String>> = Arg::some_text("array")
    .doc("The array of an `.npz`; the one called as the column, or the only one, where it is left out.");

static SIGNATURE: Signature = Signature::new(Group::Source, "numpy", &["-> table"])
    .version(1)
    .args(&[PATH.spec(), KEYS.spec(), ARRAY.spec(), COLUMNS.spec()])
    .doc(
        "Reads features that another program has made: an array with a row for each key. A column of type \
         `key` or `key(…)` takes the keys, the others the array: one axis is a number or a category a \
         row, two a vector, three a sequence. A row of nothing but NaN is a missing value.",
    )
    .reference("the NPY format 1.0 to 3.0 of NumPy; floats of 16, 32 and 64 bits, whole numbers, bools")
    .block(BlockKind::Columns)
    .infer(columns)
    .examples(&[
        Example::new(
            "Features by key: the text file has the key of each row of the array.",
            "source songs = table(\"songs.csv\") { song: key, seconds: int }\n\
             source sound = numpy(\"features.npy\", \
             keys = \"keys.txt\") { song: key(songs), sound: vector[8]? }",
            "table",
        ),
        Example::new(
            "The rows of an array of pictures, in order.",
            "source digits = numpy(\"pixels.npy\", keys = row_number) { row: key, look: vector[64] }",
            "table",
        ),
    ]);

/// The declared columns, after a look at the files.
fn columns(call: &mut Inference<'_, '_>) -> Option<Type> {
    let request = ScanRequest {
        paths: vec![call.args.get(PATH)],
        base: call.base(),
        format: ScanFormat::Numpy { keys: names(&call.args.get(KEYS)), array: call.args.get(ARRAY) },
        columns: Vec::new(),
        keys: Vec::new(),
    };
    call.source(request)
}

fn names(keys: &str) -> NumpyKeys {
    if keys == "row_number" { NumpyKeys::RowNumber } else { NumpyKeys::File(keys.to_string()) }
}

impl Stage for Numpy {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Source(run)
    }
}

fn run(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let (path, specs, array) = (args.get(PATH), args.get(COLUMNS), args.get(ARRAY));
    let bytes = context.host.read(&context.base.join(&path))?;
    let listed = match names(&args.get(KEYS)) {
        NumpyKeys::RowNumber => None,
        NumpyKeys::File(file) => {
            let bytes = context.host.read(&context.base.join(&file))?;
            Some(listed(&bytes).map_err(|text| refused(&file, &text))?)
        }
    };
    let length = bytes.len() as u64;
    let mut folders = Folders::new(context.base);
    let mut made = Vec::with_capacity(specs.len());
    let mut rows = 0;
    for spec in &specs {
        let found = array_of(&path, &bytes, length, spec, array.as_deref()).map_err(|text| refused(&path, &text))?;
        let frame = frame(&path, found.rows(), listed.as_deref()).map_err(|text| refused(&path, &text))?;
        rows = frame.rows();
        let mut around = Around { folders: &mut folders, keys: keys(spec, inputs)?, file: None, listing: false };
        made.push((spec, build(spec, &found, frame, &mut around)));
    }
    if specs.is_empty() {
        return Err(Error::bug("a source declares no column"));
    }
    assemble(context, &path, rows, made)
}

/// Reads the keys: one a line, none empty.
pub(crate) fn listed(bytes: &[u8]) -> std::result::Result<Vec<String>, Text> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes)
        .map_err(|_| say!("is not UTF-8; save it as UTF-8", "不是 UTF-8 编码；请存为 UTF-8"))?;
    let keys: Vec<String> = text.lines().map(str::to_string).collect();
    if let Some(at) = keys.iter().position(String::is_empty) {
        let line = at + 1;
        return Err(say!("has no key on line {line}", "第 {line} 行没有键"));
    }
    Ok(keys)
}

/// Returns the array that a column reads; any, for a column of keys.
pub(crate) fn array_of(
    path: &str,
    bytes: &[u8],
    length: u64,
    spec: &ColumnSpec,
    array: Option<&str>,
) -> std::result::Result<Array, Text> {
    let is_key = matches!(spec.kind, ColumnKind::Key | ColumnKind::KeyOf(_));
    let own = Some(spec.header.as_deref().unwrap_or(&spec.name)).filter(|_| !is_key);
    npy::read(path, bytes, length, array, own)
}

/// Returns the keys as cells, so that they are read as those of a table are. Rows count from 0, as in NumPy.
pub(crate) fn frame(path: &str, rows: usize, listed: Option<&[String]>) -> std::result::Result<Frame, Text> {
    if let Some(listed) = listed
        && listed.len() != rows
    {
        let keys = listed.len();
        return Err(say!("has {rows} rows, but there are {keys} keys", "有 {rows} 行，而键有 {keys} 个"));
    }
    let texts = match listed {
        Some(listed) => listed.iter().collect(),
        None => (0..rows).map(|row| row.to_string()).collect(),
    };
    Ok(Frame {
        headers: Vec::new(),
        columns: vec![Cells { header: String::new(), texts, times: false }],
        lines: (0..rows as u32).collect(),
        files: vec![(path.to_string(), 0)],
    })
}

/// Makes a column of an array, or of the keys in `frame`.
pub(crate) fn build(spec: &ColumnSpec, array: &Array, mut frame: Frame, around: &mut Around<'_>) -> Made {
    let plain = ColumnSpec { header: Some(String::new()), ..spec.clone() };
    let read = array.read().min(array.rows());
    match &spec.kind {
        ColumnKind::Key | ColumnKind::KeyOf(_) => make(&plain, &frame, around),
        ColumnKind::Vector(_) if array.shape.len() <= 2 => vectors(array, read),
        ColumnKind::Sequence(..) if array.shape.len() == 3 => sequences(array, read),
        ColumnKind::Vector(_) | ColumnKind::Sequence(..) | ColumnKind::Image(_) | ColumnKind::TextFile(..) => {
            shapeless(array)
        }
        _ if array.shape.len() == 1 => {
            frame.columns[0].texts = (0..read).map(|at| array.decimal(at)).collect();
            frame.lines.truncate(read);
            make(&plain, &frame, around)
        }
        _ => shapeless(array),
    }
}

/// A column whose type the array cannot be.
fn shapeless(array: &Array) -> Made {
    let rows = array.rows();
    let shape = array.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let scan = ColumnScan {
        wrong: vec![(0, format!("an array of {shape}"))],
        wrong_count: 1,
        shape: array.shape.iter().skip(1).map(|&n| n as u64).collect(),
        ..ColumnScan::default()
    };
    Made { values: Values::Bool(Arc::new(vec![false; rows])), missing: vec![false; rows], scan }
}

/// Marks rows of nothing but NaN as missing, and any other number that is not finite as wrong.
fn look(array: &Array, read: usize) -> (Vec<f32>, Vec<bool>, ColumnScan) {
    let width = array.width();
    let mut numbers: Vec<f32> = (0..read * width).map(|at| array.single(at)).collect();
    let (mut missing, mut scan) = (vec![false; read], ColumnScan::default());
    for (row, missing) in missing.iter_mut().enumerate() {
        let cells = &mut numbers[row * width..(row + 1) * width];
        if cells.iter().all(|x| x.is_finite()) {
            continue;
        }
        if cells.iter().all(|x| x.is_nan()) {
            *missing = true;
            cells.fill(0.0);
            scan.holes += 1;
            if scan.hole_lines.len() < 5 {
                scan.hole_lines.push(row as u64);
            }
        } else {
            let odd = cells.iter().find(|x| !x.is_finite()).map(f32::to_string).unwrap_or_default();
            note(&mut scan.wrong_count, &mut scan.wrong, row as u64, &odd);
        }
    }
    (numbers, missing, scan)
}

fn vectors(array: &Array, read: usize) -> Made {
    let (numbers, missing, mut scan) = look(array, read);
    scan.shape = vec![array.width() as u64];
    Made { values: Values::vector(array.width(), numbers), missing, scan }
}

fn sequences(array: &Array, read: usize) -> Made {
    let (numbers, missing, mut scan) = look(array, read);
    let (steps, width) = (array.shape[1], array.shape[2]);
    scan.shape = vec![steps as u64, width as u64];
    let ends = (1..=read).map(|row| row * steps).collect();
    Made { values: Values::Sequence(Arc::new(Sequences { width, ends, numbers })), missing, scan }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;

    use super::super::npy::tests::npy;
    use super::*;

    fn spec(name: &str, kind: ColumnKind, missing: bool) -> ColumnSpec {
        ColumnSpec { name: name.into(), header: None, kind, missing, within: None }
    }

    fn load(base: &Path, file: &str, keys: &str, specs: Vec<ColumnSpec>, inputs: &[Value]) -> Result<Table> {
        let args = Args(vec![
            ("path".into(), ArgValue::Text(file.into())),
            ("keys".into(), ArgValue::Column(keys.into())),
            ("columns".into(), ArgValue::Columns(specs)),
        ]);
        run(&Context { seed: 0, base, host: &Quiet }, &args, inputs)
    }

    fn floats(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
    }

    #[test]
    fn features_are_joined_by_key() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::write(at.join("x.npy"), npy("<f4", false, "2, 2", &floats(&[1.0, 2.0, 3.0, 4.0]))).unwrap();
        std::fs::write(at.join("y.npy"), npy("|i1", false, "3,", &[7, 3, 7])).unwrap();
        std::fs::write(at.join("keys.txt"), "2\r\n0\n").unwrap();
        let own = load(
            at,
            "y.npy",
            "row_number",
            vec![spec("row", ColumnKind::Key, false), spec("digit", ColumnKind::Category, false)],
            &[],
        )
        .unwrap();
        let Values::Code { codes, names } = &own.column("digit").unwrap().values else { panic!() };
        assert_eq!((codes.as_slice(), names.names().iter().collect::<Vec<_>>()), (&[1, 0, 1][..], vec!["3", "7"]));

        let looks = |missing| {
            let specs =
                vec![spec("row", ColumnKind::KeyOf(0), false), spec("look", ColumnKind::Vector(Some(2)), missing)];
            load(at, "x.npy", "keys.txt", specs, &[Value::Table(own.clone())])
        };
        let look = looks(true).unwrap().column("look").unwrap().clone();
        assert_eq!(look.missing.as_deref(), Some(&vec![false, true, false]));
        assert_eq!(look.keep(&[0, 2]).values, Values::vector(2, vec![3.0, 4.0, 1.0, 2.0]));
        assert_eq!(looks(false).unwrap_err().message.en, "x.npy: `look` is missing in 1 rows");
        std::fs::write(at.join("keys.txt"), "2\n").unwrap();
        assert_eq!(looks(true).unwrap_err().message.en, "x.npy: has 2 rows, but there are 1 keys");
    }

    #[test]
    fn wrong_shapes_and_odd_numbers_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let odd = [1.0, f32::INFINITY, f32::NAN, f32::NAN];
        std::fs::write(at.join("x.npy"), npy("<f4", false, "2, 2", &floats(&odd))).unwrap();
        let load = |kind, missing| load(at, "x.npy", "row_number", vec![spec("x", kind, missing)], &[]);
        let said = |kind| load(kind, true).unwrap_err().message.en;
        assert_eq!(said(ColumnKind::Vector(Some(2))), "x.npy, line 0: `inf` in `x` is not a vector of 2 numbers");
        assert_eq!(said(ColumnKind::Float), "x.npy, line 0: `an array of 2x2` in `x` is not a finite number");
        std::fs::write(at.join("x.npy"), npy("<f4", false, "2, 2", &floats(&[1.0, 2.0, f32::NAN, f32::NAN]))).unwrap();
        assert_eq!(load(ColumnKind::Vector(None), true).unwrap().columns[0].1.count_missing(), 1);
        assert!(said(ColumnKind::Vector(Some(3))).contains("a row of `x` has 2 numbers, not 3"));
        std::fs::write(at.join("s.npy"), npy("<f4", false, "1, 2, 2", &floats(&[1.0, 2.0, 3.0, 4.0]))).unwrap();
        let table = super::tests::load(
            at,
            "s.npy",
            "row_number",
            vec![spec("s", ColumnKind::Sequence(None, None), false)],
            &[],
        );
        let Values::Sequence(s) = &table.unwrap().columns[0].1.values else { panic!() };
        assert_eq!((s.width, s.row(0)), (2, &[1.0, 2.0, 3.0, 4.0][..]));
    }
}
