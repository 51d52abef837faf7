//! The laws of the house (`docs/architecture.md`), held on its source text.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|x| x == "rs") {
            found.push(path);
        }
    }
}

/// Returns the lines of a room that are code: no comments, no tests.
fn code(room: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    sources(&root().join("src").join(room), &mut files);
    let mut lines = Vec::new();
    for file in files {
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        if name.contains("/tests/") || name.ends_with("tests.rs") || name.contains("/examples/") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (i, line) in body.lines().enumerate() {
            if !line.trim_start().starts_with("//") {
                lines.push((format!("{name}:{}", i + 1), line.to_string()));
            }
        }
    }
    lines
}

fn forbid(room: &str, words: &[&str]) {
    let found: Vec<String> = code(room)
        .into_iter()
        .filter(|(_, line)| words.iter().any(|w| line.contains(w)))
        .map(|(place, line)| format!("{place}: {}", line.trim()))
        .collect();
    assert!(found.is_empty(), "in {room}:\n{}", found.join("\n"));
}

fn dependencies(room: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("src").join(room).join("Cargo.toml")).unwrap();
    let block = text.split("[dependencies]").nth(1).unwrap_or_default();
    let block = block.split("\n[").next().unwrap_or_default();
    block.lines().filter_map(|l| l.split(['.', ' ', '=']).next()).map(str::to_string).collect()
}

#[test]
fn arrows_between_rooms_point_one_way() {
    let rooms = [
        ("lang", vec![]),
        ("data", vec!["mmf-lang"]),
        ("tensor", vec!["mmf-lang", "mmf-data"]),
        ("engine", vec!["mmf-lang", "mmf-data"]),
        ("stages", vec!["mmf-lang", "mmf-data", "mmf-tensor"]),
    ];
    for (room, may) in rooms {
        for dependency in dependencies(room).iter().filter(|d| d.starts_with("mmf-")) {
            assert!(may.contains(&dependency.as_str()), "{room} knows {dependency}");
        }
    }
}

#[test]
fn heavy_libraries_stay_in_their_rooms() {
    for (library, rooms) in
        [("dfdx", vec!["tensor"]), ("polars", vec!["stages"]), ("rten", vec!["stages"]), ("notify", vec![])]
    {
        for room in ["lang", "data", "tensor", "engine", "stages"] {
            let has = dependencies(room).iter().any(|d| d == library);
            assert!(!has || rooms.contains(&room), "{room} names {library}");
        }
    }
}

#[test]
fn the_language_touches_no_disk_no_clock_and_no_thread() {
    forbid("lang", &["std::fs", "std::time", "std::thread", "std::env", "std::process", "std::net"]);
}

#[test]
fn only_the_binary_prints() {
    for room in ["lang", "data", "tensor", "engine", "stages"] {
        forbid(room, &["println!(", "eprintln!(", "print!(", "dbg!("]);
    }
}

#[test]
fn the_engine_and_the_language_name_no_stage() {
    let names: Vec<&str> = mmf_stages::all().map(|s| s.signature().name).collect();
    // Words that are a stage's name and something else as well: tasks, parts of speech, built-in types.
    let common = [
        "classify",
        "regress",
        "recommend",
        "split",
        "graph",
        "table",
        "where",
        "with",
        "select",
        "mean",
        "sum",
        "map",
        "through",
        "add",
        "per",
        "fill",
    ];
    for room in ["engine", "lang"] {
        let found: Vec<String> = code(room)
            .into_iter()
            .filter(|(place, _)| !place.contains("/syntax/"))
            .filter(|(_, line)| {
                !line.contains("say!(")
                    && names.iter().any(|n| !common.contains(n) && line.contains(&format!("\"{n}\"")))
            })
            .map(|(place, line)| format!("{place}: {}", line.trim()))
            .collect();
        assert!(found.is_empty(), "{room} names stages:\n{}", found.join("\n"));
    }
}

#[test]
fn every_file_of_a_stage_is_listed() {
    // A file that declares a signature must have its stage in the vocabulary.
    let mut files = Vec::new();
    sources(&root().join("src/stages"), &mut files);
    let names: Vec<&str> = mmf_stages::all().map(|s| s.signature().name).collect();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for part in text.split("Signature::new(").skip(1) {
            let Some(name) = part.split('"').nth(1) else { continue };
            assert!(names.contains(&name), "{}: `{name}` is in no list", file.display());
        }
    }
}

#[test]
fn the_vocabulary_is_well_declared() {
    let mut seen = std::collections::BTreeSet::new();
    for stage in mmf_stages::all() {
        let s = stage.signature();
        assert!(seen.insert(s.name), "`{}` is there twice", s.name);
        assert!(!s.doc.is_empty(), "`{}` has no doc", s.name);
        assert!(!s.types.is_empty(), "`{}` has no type", s.name);
        for ty in s.types {
            mmf_lang::notation::Notation::parse(ty).unwrap_or_else(|e| panic!("`{}`: {e}", s.name));
        }
        for arg in s.args {
            assert!(!arg.doc.is_empty(), "`{}` of `{}` has no doc", arg.name, s.name);
        }
    }
}
