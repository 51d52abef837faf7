//! The report: one page without network, made from a run folder alone.
pub(crate) mod record;

use std::path::Path;

/// Returns the page of a run folder.
///
/// # Errors
/// Where one of its files cannot be read.
pub(crate) fn page(folder: &Path) -> std::io::Result<String> {
    std::fs::read_to_string(folder.join("run.json"))
}
