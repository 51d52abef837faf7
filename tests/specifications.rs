//! Specifications of the checker: Markdown documents under `tests/check`, one a guarantee.
//!
//! Each `mmf` block is a program. A line that must raise codes ends in `# error: [E0401]` (or `# warning: [W0901]`;
//! several codes are separated by blanks); every other line must be silent. A block that needs declarations which are
//! not its point names them: ```` ```mmf using films ```` puts the block ```` ```mmf prelude films ```` before it.
//! `# type: col<films, vector[64]>` on a declaration's line states what the checker must find.

use std::collections::BTreeMap;
use std::path::Path;

use mmf_lang::analysis::{Options, check};
use mmf_lang::span::place;
use mmf_lang::types::Type;

use crate::memory::Memory;

/// One program of a document.
struct Program {
    /// Document and line, for messages.
    place: String,
    text: String,
}

fn documents() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|x| x == "md"))
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&p).unwrap()))
        .collect();
    found.sort();
    found
}

fn programs() -> Vec<Program> {
    let mut found = Vec::new();
    for (name, text) in documents() {
        let mut preludes: BTreeMap<String, String> = BTreeMap::new();
        let mut block: Option<(String, usize, String)> = None;
        for (i, line) in text.lines().enumerate() {
            match &mut block {
                None => {
                    if let Some(info) = line.strip_prefix("```mmf") {
                        block = Some((info.trim().to_string(), i + 1, String::new()));
                    }
                }
                Some((info, start, body)) => {
                    if line.starts_with("```") {
                        if let Some(prelude) = info.strip_prefix("prelude ") {
                            preludes.insert(prelude.to_string(), body.clone());
                        } else {
                            let before: String = info
                                .strip_prefix("using ")
                                .into_iter()
                                .flat_map(|names| names.split_whitespace())
                                .map(|n| preludes.get(n).unwrap_or_else(|| panic!("{name}: no prelude {n}")).as_str())
                                .collect();
                            found.push(Program { place: format!("{name}:{start}"), text: format!("{before}{body}") });
                        }
                        block = None;
                    } else {
                        body.push_str(line);
                        body.push('\n');
                    }
                }
            }
        }
    }
    found
}

/// Returns the codes that each line must raise.
fn expected(text: &str) -> BTreeMap<usize, Vec<String>> {
    let mut lines = BTreeMap::new();
    for (i, line) in text.lines().enumerate() {
        for mark in ["# error: [", "# warning: ["] {
            if let Some((_, rest)) = line.split_once(mark) {
                let codes = rest.split(']').next().unwrap_or_default();
                lines.entry(i + 1).or_insert_with(Vec::new).extend(codes.split_whitespace().map(str::to_string));
            }
        }
    }
    lines
}

/// Returns what is wrong with a program's check; empty where it is as stated.
fn verify(program: &Program) -> Vec<String> {
    let world = Memory::with("main.mmf", &program.text);
    let vocabulary = mmf_stages::vocabulary();
    let checked = check(&world, &vocabulary, "main.mmf", &Options::default()).unwrap();
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut messages = Vec::new();
    for d in &checked.diagnostics {
        let at = place(&program.text, d.span.start as usize);
        found.entry(at.line).or_default().push(d.code.to_string());
        messages.push(format!("    {}:{} {} {}", at.line, at.column, d.code, d.message.en));
    }
    let mut wanted = expected(&program.text);
    found.values_mut().chain(wanted.values_mut()).for_each(|codes| codes.sort());
    let mut wrong = Vec::new();
    if found != wanted {
        wrong.push(format!("{}: wanted {wanted:?}, found {found:?}\n{}", program.place, messages.join("\n")));
    }
    if let Some(graph) = &checked.graph {
        for line in program.text.lines() {
            let Some((code, stated)) = line.split_once("# type: ") else { continue };
            let name = code.split(['=', ':']).next().and_then(|d| d.split_whitespace().nth(1)).unwrap_or_default();
            let Some((_, node)) = graph.names.iter().find(|(n, _)| n == name) else {
                wrong.push(format!("{}: `{name}` has no type", program.place));
                continue;
            };
            let is = match &graph.node(*node).ty {
                Type::Column(c) => format!(
                    "col<{}, {}>{}",
                    graph.domains[c.domain.0 as usize].name,
                    c.elem,
                    if c.missing.is_empty() { "" } else { "?" }
                ),
                other => other.word().to_string(),
            };
            if is != stated.trim() {
                wrong.push(format!("{}: `{name}` is {is}, stated {}", program.place, stated.trim()));
            }
        }
    }
    wrong
}

#[test]
fn every_program_raises_what_its_lines_say() {
    let programs = programs();
    let wrong: Vec<String> = programs.iter().flat_map(verify).collect();
    assert!(wrong.is_empty(), "{} of {} programs:\n{}", wrong.len(), programs.len(), wrong.join("\n"));
}

#[test]
fn there_are_enough_programs() {
    let programs = programs();
    let bad = programs.iter().filter(|p| expected(&p.text).values().flatten().any(|c| c.starts_with('E'))).count();
    let sound = programs.iter().filter(|p| expected(&p.text).is_empty()).count();
    assert!(bad >= 150, "{bad} wrong programs");
    assert!(sound >= 40, "{sound} sound programs");
}
