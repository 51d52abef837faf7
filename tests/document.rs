//! Programs in Markdown: the blocks of the specifications and of the pages of `mmf explain`.
//!
//! A line that must raise codes ends in `# error: [E0401]` (or `# warning: [W0901]`; several codes are separated by
//! blanks); every other line must be silent. `# type: col<films, vector[64]>` on a declaration's line states what the
//! checker must find. Behind ```` ```mmf ```` may stand, in this order:
//!
//! - `prelude films`: declarations for other programs of the document, which name them; no program itself;
//! - `file shared.mmf`: another file, which the programs that follow may `use`;
//! - `data`: the program is held to the files that ```` ```csv films.csv ```` blocks gave before; ```` ```txt keys.txt ````
//!   gives a file as it is, ```` ```npy looks.npy ```` an array, a row a line, of 32-bit floats;
//! - `set dim=128`: as `-p dim=128`; `memory 4096`: the bytes that the machine has;
//! - `using films parts`: the preludes that stand before the program.

use std::collections::BTreeMap;
use std::path::Path;

use mmf_lang::analysis::{Checked, Options, check};
use mmf_lang::span::place;
use mmf_lang::types::Type;

use crate::memory::Memory;
use crate::small::npy;

/// One program of a document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    /// Document and line, for messages.
    pub(crate) place: String,
    pub(crate) text: String,
    /// Other `.mmf` files.
    pub(crate) files: BTreeMap<String, String>,
    /// The data that it is held to.
    pub(crate) data: Option<BTreeMap<String, Vec<u8>>>,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) memory: Option<u64>,
}

/// Returns the Markdown files of a folder of the repository, by name.
pub(crate) fn documents(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|x| x == "md"))
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&p).unwrap()))
        .collect();
    found.sort();
    found
}

/// Returns the programs of a document.
pub(crate) fn programs(name: &str, text: &str) -> Vec<Program> {
    let mut found = Vec::new();
    let mut preludes: BTreeMap<String, String> = BTreeMap::new();
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut data: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut block: Option<(String, usize, String)> = None;
    for (i, line) in text.lines().enumerate() {
        match &mut block {
            None => {
                if let Some(info) = line.strip_prefix("```").filter(|i| !i.is_empty()) {
                    block = Some((info.trim().to_string(), i + 1, String::new()));
                }
            }
            Some((_, _, body)) if !line.starts_with("```") => {
                body.push_str(line);
                body.push('\n');
            }
            Some((info, start, body)) => {
                let place = format!("{name}:{start}");
                let mut words = info.split_whitespace();
                match (words.next(), words.clone().next()) {
                    (Some("csv" | "txt"), Some(path)) => drop(data.insert(path.into(), body.clone().into_bytes())),
                    (Some("npy"), Some(path)) => drop(data.insert(path.into(), array(body))),
                    (Some("mmf"), Some("prelude")) => {
                        drop(preludes.insert(words.nth(1).expect("a prelude has a name").into(), body.clone()));
                    }
                    (Some("mmf"), Some("file")) => {
                        drop(files.insert(words.nth(1).expect("a file has a name").into(), body.clone()));
                    }
                    (Some("mmf"), _) => {
                        let mut program = Program { place, files: files.clone(), ..Program::default() };
                        while let Some(word) = words.next() {
                            match word {
                                "data" => program.data = Some(data.clone()),
                                "set" => {
                                    let (n, v) = words.next().unwrap().split_once('=').unwrap();
                                    program.params.push((n.into(), v.into()));
                                }
                                "memory" => program.memory = Some(words.next().unwrap().parse().unwrap()),
                                "using" => {
                                    for prelude in words.by_ref() {
                                        let text = preludes.get(prelude);
                                        let text = text.unwrap_or_else(|| panic!("{name}:{start}: no `{prelude}`"));
                                        program.text.push_str(text);
                                    }
                                }
                                other => panic!("{name}:{start}: what is `{other}`?"),
                            }
                        }
                        program.text.push_str(body);
                        found.push(program);
                    }
                    _ => {}
                }
                block = None;
            }
        }
    }
    found
}

/// Returns the array that lines of numbers are, in NumPy's format.
fn array(text: &str) -> Vec<u8> {
    let rows: Vec<Vec<f32>> = text
        .lines()
        .map(|line| line.split([',', ' ']).filter(|n| !n.is_empty()).map(|n| n.parse().unwrap()).collect())
        .collect();
    npy(rows.len(), rows.first().map_or(0, Vec::len), rows.into_iter().flatten())
}

/// A file and a line of it.
type Line = (String, usize);

impl Program {
    /// Returns the codes that each line must raise.
    pub(crate) fn expected(&self) -> BTreeMap<Line, Vec<String>> {
        let mut lines = BTreeMap::new();
        let texts = self.files.iter().map(|(n, t)| (n.as_str(), t.as_str())).chain([("main.mmf", self.text.as_str())]);
        for (file, text) in texts {
            for (i, line) in text.lines().enumerate() {
                for mark in ["# error: [", "# warning: ["] {
                    if let Some((_, rest)) = line.split_once(mark) {
                        let codes = rest.split(']').next().unwrap_or_default();
                        let at = lines.entry((file.to_string(), i + 1)).or_insert_with(Vec::new);
                        at.extend(codes.split_whitespace().map(str::to_string));
                    }
                }
            }
        }
        // A file that is not used raises nothing.
        let used = |file: &String| file == "main.mmf" || self.text.contains(&format!("use \"{file}\""));
        lines.retain(|(file, _), _: &mut Vec<String>| used(file));
        lines
    }

    pub(crate) fn codes(&self) -> Vec<String> {
        self.expected().into_values().flatten().collect()
    }

    pub(crate) fn check(&self) -> Checked {
        let mut world = Memory { memory: self.memory, ..Memory::default() };
        world.texts = self.files.clone();
        world.texts.insert("main.mmf".into(), self.text.clone());
        if let Some(data) = &self.data {
            world.give(data);
        }
        let options = Options { data: self.data.is_some(), params: self.params.clone(), ..Options::default() };
        check(&world, &mmf_stages::vocabulary(), "main.mmf", &options).unwrap()
    }

    /// Returns what is wrong with a program's check; empty where it is as stated.
    pub(crate) fn verify(&self) -> Vec<String> {
        let checked = match std::panic::catch_unwind(|| self.check()) {
            Ok(checked) => checked,
            Err(_) => return vec![format!("{}: the check panicked", self.place)],
        };
        let mut found: BTreeMap<Line, Vec<String>> = BTreeMap::new();
        let mut messages = Vec::new();
        for d in &checked.diagnostics {
            let file = &checked.files[d.span.file.0 as usize];
            let at = place(&file.text, d.span.start as usize);
            found.entry((file.path.clone(), at.line)).or_default().push(d.code.to_string());
            let help = d.help.as_ref().map(|h| format!(" (help: {})", h.en)).unwrap_or_default();
            messages.push(format!("    {}:{}:{} {} {}{help}", file.path, at.line, at.column, d.code, d.message.en));
        }
        let mut wanted = self.expected();
        found.values_mut().chain(wanted.values_mut()).for_each(|codes| codes.sort());
        let mut wrong = Vec::new();
        if found != wanted {
            let messages = messages.join("\n");
            wrong.push(format!("{}: wanted {wanted:?}, found {found:?}\n{messages}", self.place));
        }
        wrong.extend(self.wrong_types(&checked));
        wrong
    }

    fn wrong_types(&self, checked: &Checked) -> Vec<String> {
        let Some(graph) = &checked.graph else { return Vec::new() };
        let mut wrong = Vec::new();
        for line in self.text.lines() {
            let Some((code, stated)) = line.split_once("# type: ") else { continue };
            let name = code.split(['=', ':']).next().and_then(|d| d.split_whitespace().nth(1)).unwrap_or_default();
            let Some((_, node)) = graph.names.iter().find(|(n, _)| n == name) else {
                wrong.push(format!("{}: `{name}` has no type", self.place));
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
                wrong.push(format!("{}: `{name}` is {is}, stated {}", self.place, stated.trim()));
            }
        }
        wrong
    }
}
