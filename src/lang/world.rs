//! The checker's window on files. The binary gives it the disk, tests and the language server give it memory.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::args::ColumnSpec;

/// Why a file could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldError {
    /// Nothing is there.
    Missing,
    /// It is there, but not readable as what was asked for: the reason in English and Chinese.
    Broken(crate::diagnostic::Text),
}

/// What to look for in a data file.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanRequest {
    /// Paths as written, relative to `base`.
    pub paths: Vec<String>,
    /// The folder of the `.mmf` file that names them, as the world knows it.
    pub base: String,
    pub format: ScanFormat,
    pub columns: Vec<ColumnSpec>,
    /// For `ref(…)` and `key(…)` columns, by their place in `columns`: the keys that they may name, where those are
    /// known (`ColumnScan::keys` of the other source's column). Unknown keys are then counted.
    pub keys: Vec<(usize, Arc<Vec<String>>)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ScanFormat {
    /// CSV, TSV, JSON lines or Parquet, by the file's ending; `separator` and `header` as the source says; `file` is
    /// the column that takes the files' names.
    Table { separator: Option<char>, header: bool, missing: Vec<String>, file: Option<String> },
    /// `.npy` or `.npz` with its keys.
    Numpy { keys: NumpyKeys, array: Option<String> },
}

#[derive(Clone, Debug, PartialEq)]
pub enum NumpyKeys {
    RowNumber,
    /// A text file with a key a line.
    File(String),
}

/// What was found in a source's files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// The headers, in order.
    pub headers: Vec<String>,
    pub rows: u64,
    /// Whether all rows were read; else a sample was, and counts are of that.
    pub whole: bool,
    /// In the order of the request's columns.
    pub columns: Vec<ColumnScan>,
}

/// What was found in one declared column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnScan {
    /// No such header.
    pub absent: bool,
    /// Missing values: empty cells, files that are not there.
    pub holes: u64,
    /// The lines of the first few holes.
    pub hole_lines: Vec<u64>,
    /// The first few cells that are not of the type: line (from 1, with the header) and the cell.
    pub wrong: Vec<(u64, String)>,
    pub wrong_count: u64,
    /// Cells outside `in`.
    pub outside: Vec<(u64, String)>,
    pub outside_count: u64,
    /// Distinct values of a category or key, sorted, while they are at most 4,096.
    pub values: Option<Vec<String>>,
    pub distinct: u64,
    /// All distinct values of a category (sorted) or key (in the order of the rows), while they are at most 2 million:
    /// what a `ref` to this column may name.
    pub keys: Option<Vec<String>>,
    /// Keys that occur twice: the line of the second, and the key.
    pub twice: Vec<(u64, String)>,
    pub twice_count: u64,
    /// The first few cells of a `ref` or `key(…)` that name no row, where the request says which there are.
    pub unknown: Vec<(u64, String)>,
    pub unknown_count: u64,
    /// For `key(…)`: how many of the other source's rows no line names; they are holes of every other column.
    pub uncovered: u64,
    /// Shape of a row, for arrays and for headers with `*`.
    pub shape: Vec<u64>,
    /// The first few files that are not there: line and path.
    pub lost: Vec<(u64, String)>,
    pub lost_count: u64,
}

/// What kind of file a stage opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A network, as ONNX.
    Model,
    /// Words, each with its vector.
    Vectors,
    /// JSON, of which only its being there is told.
    Json,
}

/// What goes into a file's network, and what comes out; of words, their vector is what comes out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ports {
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
}

/// A named array.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Port {
    pub name: String,
    /// Whether it holds 32-bit floats; else it holds whole numbers, or what no stage reads.
    pub float: bool,
    /// `None` for a side that is not fixed.
    pub shape: Vec<Option<u64>>,
}

/// Files, as the checker needs them.
pub trait World {
    /// Returns the text of an `.mmf` file; `base` is the folder of the file that names it.
    fn text(&self, base: &str, path: &str) -> Result<Arc<str>, WorldError>;

    /// Returns the folder of a file, to be a `base`.
    fn folder(&self, base: &str, path: &str) -> String;

    /// Returns what the data files hold; the index says which path of the request failed; behind the last is the file of
    /// the keys.
    fn scan(&self, request: &ScanRequest) -> Result<Arc<Scan>, (usize, WorldError)>;

    /// Returns what goes into a file and comes out; `base` is the folder of the file that names it.
    fn ports(&self, _base: &str, _path: &str, _kind: FileKind) -> Result<Arc<Ports>, WorldError> {
        Err(WorldError::Missing)
    }

    /// Returns memory of the machine in bytes, for guarantee 8; `None` where there is no machine.
    fn memory(&self) -> Option<u64> {
        None
    }
}
