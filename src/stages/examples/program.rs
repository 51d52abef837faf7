//! The two kinds of examples, and how each is held to what it gives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mmf_data::table::{Column, Rows, Table, Value};
use mmf_lang::analysis::{Checked, Options, check};
use mmf_lang::diagnostic::Severity;
use mmf_lang::graph::{Graph, NodeId, NodeKind};
use mmf_lang::signature::Example;
use mmf_lang::types::Type;
use mmf_lang::world::{Scan, ScanRequest, World, WorldError};

use super::literal::{self, Literal};
use super::run::run;

/// What was found of an example.
#[derive(Debug)]
pub(super) struct Found {
    /// What it gives, as the notation or the checker writes it.
    pub(super) gives: String,
    /// Whether it was run, not only checked.
    pub(super) ran: bool,
    /// The stages and alternatives that its graph has.
    pub(super) used: BTreeSet<(String, usize)>,
}

/// Holds an example to what it gives.
pub(super) fn verify(example: &Example) -> Result<Found, String> {
    let found = if is_program(example.code) { program(example.code)? } else { short(example.code)? };
    let wanted = if found.ran { literal::whole(example.gives)?.to_string() } else { example.gives.to_string() };
    if found.gives != wanted {
        return Err(format!("gives\n    {}\n  but says\n    {wanted}", found.gives));
    }
    Ok(found)
}

/// A whole file, which declares its sources.
fn is_program(code: &str) -> bool {
    code.lines().any(|line| line.starts_with("source "))
}

/// Checks a whole file; it gives the type of its last declaration.
fn program(code: &str) -> Result<Found, String> {
    let graph = sound(code)?;
    let formatted = mmf_lang::syntax::format::format(code).map_err(|_| "has mistakes of syntax")?;
    if formatted.trim_end() != code {
        return Err(format!("is not written as `mmf fmt` writes it:\n{formatted}"));
    }
    // The lines of a metric have no name of their own.
    let last = code.lines().rfind(|line| line.starts_with(char::is_alphabetic)).unwrap_or_default();
    let metric = || graph.dag.node_weights().map(|node| &node.ty).find(|ty| matches!(ty, Type::Metric));
    let named = || graph.names.last().map(|(_, node)| &graph.node(*node).ty);
    let ty = if last.starts_with("metric ") { metric() } else { named() };
    let ty = ty.ok_or("nothing is declared")?;
    let gives = match ty {
        Type::Column(c) => {
            let mark = if c.missing.is_empty() { "" } else { "?" };
            format!("col<{}, {}>{mark}", graph.domains[c.domain.0 as usize].name, c.elem)
        }
        other => other.word().to_string(),
    };
    Ok(Found { gives, ran: false, used: used(&graph) })
}

/// Runs an expression over literals: they become columns of a source, or sources, whose rows they are.
fn short(code: &str) -> Result<Found, String> {
    let (graph, node, tables) = prepared(code)?;
    let literal = Literal::of(&run(&graph, node, &tables)?)?;
    literal.fits(&graph.node(node).ty)?;
    Ok(Found { gives: literal.to_string(), ran: true, used: used(&graph) })
}

/// Runs an expression whose literals have lost all their rows; `None` for a whole file, and where a map is written, for
/// only its row tells it from what makes maps.
pub(super) fn without_rows(code: &str) -> Option<Result<Value, String>> {
    if is_program(code) || code.contains("map(") {
        return None;
    }
    let ran = prepared(code).and_then(|(graph, node, mut tables)| {
        tables.values_mut().for_each(|table| {
            let columns = std::mem::take(&mut table.columns);
            let empty = |column: Column| Column { rows: Rows::all(0), ..column.keep(&[]) };
            *table = Table { rows: Rows::all(0), columns: columns.into_iter().map(|(n, c)| (n, empty(c))).collect() };
        });
        run(&graph, node, &tables)
    });
    Some(ran)
}

/// Returns the graph of an expression, the node of its result, and the rows of its sources.
fn prepared(code: &str) -> Result<(Graph, NodeId, BTreeMap<String, Table>), String> {
    let (code, literals) = replace(code)?;
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let mut text = String::new();
    let mut declare = |name: &str, columns: &[(String, Literal)]| {
        let block: Vec<String> = columns.iter().map(|(n, l)| format!("    {n}: {}", l.declared())).collect();
        text += &format!("source {name} = table(\"{name}.csv\") {{\n{}\n}}\n", block.join("\n"));
        tables.insert(format!("{name}.csv"), Literal::table(columns));
    };
    let mut plain = Vec::new();
    let mut of_tables = false;
    for (name, literal) in literals {
        match literal {
            Literal::Table(columns) => {
                declare(&name, &columns);
                of_tables = true;
            }
            column => plain.push((name, column)),
        }
    }
    if !plain.is_empty() {
        declare("given", &plain);
    }
    let keyword = if of_tables {
        "prepare"
    } else if code.contains("neural {") {
        "fuse"
    } else {
        "extract"
    };
    text += &format!("{keyword} result = {code}\n");
    let graph = sound(&text)?;
    let node = graph.names.iter().find(|(n, _)| n == "result").map(|(_, node)| *node).ok_or("there is no result")?;
    Ok((graph, node, tables))
}

/// Puts names in the place of literals.
fn replace(code: &str) -> Result<(String, Vec<(String, Literal)>), String> {
    let (mut out, mut found, mut at) = (String::new(), Vec::new(), 0);
    while let Some(c) = code[at..].chars().next() {
        let before = out.trim_end();
        // Lists are arguments behind `=` and `in`, and where they name columns.
        let argument = before.ends_with('=') || before.ends_with(" in");
        let inside = code[at..].trim_start_matches('[').chars().next().unwrap_or(' ');
        let list = c == '[' && (inside.is_ascii_digit() || "-\"_".contains(inside) || code[at..].starts_with("[true"));
        let fresh = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_') || before.len() < out.len();
        let call = fresh
            && ["image(", "map(", "sequence(", "category(", "table("].iter().any(|word| code[at..].starts_with(word));
        if !argument && (list || call) {
            let (literal, length) = literal::read(&code[at..])?;
            let is_table = matches!(literal, Literal::Table(_));
            let name = match (is_table, found.len()) {
                (true, n) => format!("given{n}"),
                (false, n) => char::from(b'a' + n as u8).to_string(),
            };
            out += &if is_table { name.clone() } else { format!("given.{name}") };
            if let Some(maker) = literal.maker() {
                out += &format!(" |> {maker}");
            }
            found.push((name, literal));
            at += length;
        } else {
            out.push(c);
            at += c.len_utf8();
        }
    }
    Ok((out, found))
}

/// Returns the graph of a file without errors.
fn sound(text: &str) -> Result<Graph, String> {
    let options = Options { data: false, ..Options::default() };
    let checked = check(&OneFile(text.into()), &crate::vocabulary(), "main.mmf", &options);
    let Checked { diagnostics, graph, .. } = checked.map_err(|e| format!("{e:?}"))?;
    let errors: Vec<String> = diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| format!("{}: {} (`{}`)", d.code, d.message.en, &text[d.span.start as usize..d.span.end as usize]))
        .collect();
    match graph {
        Some(graph) if errors.is_empty() => Ok(graph),
        _ => Err(format!("is not sound:\n    {}\n  {text}", errors.join("\n    "))),
    }
}

fn used(graph: &Graph) -> BTreeSet<(String, usize)> {
    let stages = graph.dag.node_weights().filter_map(|node| match &node.kind {
        NodeKind::Stage { stage, alternative, .. } => Some((stage.to_string(), *alternative)),
        _ => None,
    });
    stages.collect()
}

/// A world with one file and no data.
struct OneFile(Arc<str>);

impl World for OneFile {
    fn text(&self, _: &str, path: &str) -> Result<Arc<str>, WorldError> {
        if path == "main.mmf" { Ok(self.0.clone()) } else { Err(WorldError::Missing) }
    }

    fn folder(&self, _: &str, _: &str) -> String {
        String::new()
    }

    fn scan(&self, _: &ScanRequest) -> Result<Arc<Scan>, (usize, WorldError)> {
        Err((0, WorldError::Missing))
    }
}
