//! Specifications of the checker: Markdown documents under `tests/check`, one a guarantee; `document.rs` says how they
//! are written.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::Place;
use crate::document::{Program, documents, programs};

fn all() -> Vec<Program> {
    documents("tests/check").iter().flat_map(|(name, text)| programs(name, text)).collect()
}

#[test]
fn every_program_raises_what_its_lines_say() {
    let programs = all();
    let wrong: Vec<String> = programs.iter().flat_map(Program::verify).collect();
    assert!(wrong.is_empty(), "{} of {} programs:\n{}", wrong.len(), programs.len(), wrong.join("\n"));
}

/// The program that the README shows is sound, and formatted.
#[test]
fn the_readme_shows_a_sound_program() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let programs = programs("README.md", &text);
    assert!(!programs.is_empty());
    let wrong: Vec<String> = programs.iter().flat_map(Program::verify).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let place = Place::new();
    for program in programs {
        place.write("a.mmf", &program.text);
        place.mmf(&["fmt", "--check", "a.mmf"]).ends(0);
    }
}

#[test]
fn there_are_enough_programs() {
    let programs = all();
    let bad = programs.iter().filter(|p| p.codes().iter().any(|c| c.starts_with('E'))).count();
    let sound = programs.iter().filter(|p| p.expected().is_empty()).count();
    println!("{bad} wrong programs, {sound} sound ones");
    assert!(bad >= 170, "{bad} wrong programs");
    assert!(sound >= 45, "{sound} sound programs");
}

#[test]
fn every_code_is_specified_and_every_specified_code_is_known() {
    let raised: BTreeSet<String> = all().iter().flat_map(Program::codes).collect();
    let known: BTreeSet<String> = mmf_lang::codes::all().map(|(code, _)| code.to_string()).collect();
    let unknown: Vec<_> = raised.difference(&known).collect();
    assert!(unknown.is_empty(), "codes that `mmf_lang::codes` does not list: {unknown:?}");
    let unspecified: Vec<_> = known.difference(&raised).collect();
    assert!(unspecified.is_empty(), "codes that no specification raises: {unspecified:?}");
}

/// Pipelines that the language was designed by: these stay sayable.
#[test]
fn the_pipelines_of_the_design_are_sound() {
    let place = Place::new();
    for name in [
        "02-mlp",
        "03-films",
        "04-shop",
        "08-education",
        "09-vbpr",
        "10-lightgcn",
        "11-freedom",
        "12-amr",
        "13-bm3",
        "14-multitask",
        "15-missing-gan",
        "17-cold-start",
        "18-ready-features",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/language/{name}.mmf"));
        place.mmf(&["check", "--no-data", path.to_str().unwrap()]).ends(0);
    }
}
