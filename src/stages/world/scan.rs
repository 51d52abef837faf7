//! What data files hold, found by the readers of the sources.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use mmf_data::values::Vocabulary;
use mmf_lang::args::ColumnKind;
use mmf_lang::world::{NumpyKeys, Scan, ScanFormat, ScanRequest, WorldError};

use crate::source::column::{Around, make};
use crate::source::files::Folders;
use crate::source::read::Frame;
use crate::source::{numpy, table};

/// Files up to this many bytes are read whole.
const WHOLE: u64 = 64 << 20;

/// Scans the files of a request; the number says which path failed.
pub(super) fn scan(request: &ScanRequest) -> Result<Scan, (usize, WorldError)> {
    let base = Path::new(&request.base);
    let mut folders = Folders::new(base);
    let vocabularies: Vec<(usize, Arc<Vocabulary>)> =
        request.keys.iter().map(|(column, keys)| (*column, Arc::new(Vocabulary::new(keys.iter().collect())))).collect();
    let keys = |column: usize| vocabularies.iter().find(|(c, _)| *c == column).map(|(_, v)| v.clone());
    match &request.format {
        ScanFormat::Table { separator, header, missing, file } => {
            let format = table::format(*separator, *header, missing.clone(), &request.columns, file.as_deref());
            let wanted = table::wanted(&request.columns, file.as_deref());
            let (mut frame, mut whole) = (None::<Frame>, true);
            for (i, path) in request.paths.iter().enumerate() {
                let all = path.to_ascii_lowercase().ends_with(".parquet");
                let (bytes, length) = beginning(&base.join(path), all).map_err(|e| (i, e))?;
                let cut = (bytes.len() as u64) < length;
                whole &= !cut;
                table::stack(&mut frame, path, &bytes, cut, &format, &wanted)
                    .map_err(|text| (i, WorldError::Broken(text)))?;
            }
            let frame = frame.unwrap_or_default();
            let mut scan = Scan { rows: frame.rows() as u64, whole, ..Scan::default() };
            for (i, spec) in request.columns.iter().enumerate() {
                let mut around = Around { folders: &mut folders, keys: keys(i), file: file.as_deref(), listing: true };
                scan.columns.push(settle(make(spec, &frame, &mut around).scan, whole, &spec.kind));
            }
            scan.headers = frame.headers;
            Ok(scan)
        }
        ScanFormat::Numpy { keys: listed, array } => {
            let path = request.paths.first().map_or("", String::as_str);
            let packed = path.to_ascii_lowercase().ends_with(".npz");
            let (bytes, length) = beginning(&base.join(path), packed).map_err(|e| (0, e))?;
            let broken = |text| (0, WorldError::Broken(text));
            let listed = match listed {
                NumpyKeys::RowNumber => None,
                NumpyKeys::File(file) => {
                    // Behind the paths of the request.
                    let (bytes, _) = beginning(&base.join(file), true).map_err(|e| (request.paths.len(), e))?;
                    let listed = numpy::listed(&bytes).map_err(|text| {
                        let prefix = |said: String| format!("`{file}` {said}");
                        broken(mmf_lang::diagnostic::Text { en: prefix(text.en), zh: prefix(text.zh) })
                    });
                    Some(listed?)
                }
            };
            let mut scan = Scan { whole: true, ..Scan::default() };
            for (i, spec) in request.columns.iter().enumerate() {
                let found = numpy::array_of(path, &bytes, length, spec, array.as_deref()).map_err(broken)?;
                let frame = numpy::frame(path, found.rows(), listed.as_deref()).map_err(broken)?;
                // Shapes and keys are known whole; only the numbers of a long file are a sample.
                scan.rows = found.rows() as u64;
                let mut around = Around { folders: &mut folders, keys: keys(i), file: None, listing: true };
                scan.columns.push(numpy::build(spec, &found, frame, &mut around).scan);
            }
            Ok(scan)
        }
    }
}

/// Takes back what a sample cannot know: a value that it lacks may come later.
fn settle(mut scan: mmf_lang::world::ColumnScan, whole: bool, kind: &ColumnKind) -> mmf_lang::world::ColumnScan {
    if !whole {
        scan.keys = None;
        scan.uncovered = 0;
        if matches!(kind, ColumnKind::Category | ColumnKind::Key) {
            scan.values = None;
        }
    }
    scan
}

/// Returns a file, or its first 64 MB, and its length.
fn beginning(path: &Path, all: bool) -> Result<(Vec<u8>, u64), WorldError> {
    let error = |e: std::io::Error| super::unreadable(&e);
    let file = File::open(path).map_err(error)?;
    let length = file.metadata().map_err(error)?.len();
    let limit = if all { u64::MAX } else { WHOLE };
    let mut bytes = Vec::with_capacity(length.min(limit) as usize);
    file.take(limit).read_to_end(&mut bytes).map_err(error)?;
    let length = length.max(bytes.len() as u64);
    Ok((bytes, length))
}
