//! The 21 pipelines that the language must be able to say.

use crate::span::{FileId, place};
use crate::syntax::parser::parse;
use std::path::PathBuf;

/// Returns the name and the text of each pipeline, in order.
pub(super) fn pipelines() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/language");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "mmf"));
    files.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn all_pipelines_parse() {
    let pipelines = pipelines();
    assert_eq!(pipelines.len(), 21);
    for (name, text) in pipelines {
        let (file, errors) = parse(FileId(0), &text);
        for error in &errors {
            let at = place(&text, error.span.start as usize);
            println!("{name}:{}:{}: {} {}", at.line, at.column, error.code, error.message.en);
        }
        assert!(errors.is_empty(), "{name} has mistakes");
        assert!(
            file.declarations.iter().all(|d| !matches!(d.kind, crate::syntax::tree::DeclarationKind::Broken { .. }))
        );
        let words = ["use", "param", "def", "source", "prepare", "extract", "fuse", "train", "metric", "experiment"];
        let begins = |line: &&str| words.iter().any(|w| line.starts_with(&format!("{w} ")));
        assert_eq!(file.declarations.len(), text.lines().filter(begins).count(), "{name}");
    }
}
