//! Cost (guarantee 8): what a run would have to hold, against the machine.

use super::Checker;
use crate::args::Args;
use crate::diagnostic::{Diagnostic, Text};
use crate::graph::{DomainKind, Node, NodeKind};
use crate::notation::{Bindings, Notation, Pattern, bind};
use crate::say;
use crate::signature::BodyKind;
use crate::types::{DomainId, Elem, Size, Type};

impl Checker<'_> {
    /// Returns the count of rows, of the whole where that of a part is not known.
    pub(crate) fn rows_of(&self, domain: DomainId) -> Option<u64> {
        let d = self.domain(domain);
        match (d.rows, &d.kind) {
            (Some(n), _) => Some(n),
            (None, DomainKind::Part(of)) => self.rows_of(*of),
            _ => None,
        }
    }

    /// Refuses what cannot fit into memory: columns that are held, tables of weights, and single rows.
    pub(crate) fn estimate_cost(&mut self) {
        let Some(memory) = self.world.memory() else { return };
        let mut found = Vec::new();
        for node in self.graph.dag.node_weights() {
            let NodeKind::Stage { body, stage, args, alternative, .. } = &node.kind else { continue };
            let Type::Column(c) = &node.ty else { continue };
            let Some((numbers, bytes)) = one_row(&c.elem) else { continue };
            let streams = matches!(c.elem, Elem::Image(_) | Elem::Map(_) | Elem::Codes(_));
            let signature = self.vocabulary.get(stage).map(|e| e.signature);
            let weights = match signature {
                Some(s) if s.weights => self.weights(node, s.types.get(*alternative).copied(), s.cost, args),
                _ => None,
            };
            // A table of weights has as many rows as its domain; a layer holds its weights and one row at a time.
            let table = signature.is_some_and(|s| s.weights && s.cost.is_empty() && s.infer.is_some());
            let held = match body {
                BodyKind::Rows | BodyKind::Fit | BodyKind::Across => !streams,
                BodyKind::Joint => table,
                _ => continue,
            };
            let rows = if held { self.rows_of(c.domain).unwrap_or(1) } else { 1 };
            let total = u128::from(rows) * u128::from(numbers) * u128::from(bytes);
            if let Some(count) = weights
                && u128::from(count) * 4 > u128::from(memory)
            {
                let words = say!("{count} weights", "{count} 个权重");
                found.push((node.span, words, u128::from(count) * 4));
            } else if total > u128::from(memory) {
                let words = match rows {
                    1 => say!("one row of {numbers} numbers", "一行 {numbers} 个数"),
                    _ => say!("{rows} rows of {numbers} numbers", "{rows} 行，每行 {numbers} 个数"),
                };
                found.push((node.span, words, total));
            }
        }
        for (span, Text { en, zh }, bytes) in found {
            let (needs, has) = (bytes_in_words(bytes), bytes_in_words(u128::from(memory)));
            self.report(
                Diagnostic::error(
                    "E0801",
                    span,
                    say!("this needs {needs}: {en}; the machine has {has}", "此处需要 {needs}：{zh}；本机只有 {has}"),
                )
                .help(say!("make it smaller, or keep fewer rows", "请减小维数，或保留更少的行")),
            );
        }
    }

    /// Returns the count of weights of a layer: its multiplications a row, in the sizes of its notation.
    fn weights(&self, node: &Node, notation: Option<&str>, cost: &str, args: &Args) -> Option<u64> {
        let notation = Notation::parse(notation?).ok()?;
        let mut bindings = Bindings::default();
        for (k, input) in node.inputs.iter().enumerate() {
            bind(notation.input(k)?, self.ty(*input), args, &mut bindings).ok()?;
        }
        let count = Notation::parse(&format!("-> col<d, vector[{cost}]>")).ok()?;
        let Pattern::Column { elem, .. } = count.output else { return None };
        elem.sizes.first()?.evaluate(&bindings, args).known()
    }
}

/// Returns how many numbers a row has, and the bytes of one.
fn one_row(elem: &Elem) -> Option<(u64, u64)> {
    let product = |sizes: &[Size]| sizes.iter().try_fold(1u64, |all, s| s.known().map(|n| all.saturating_mul(n)));
    match elem {
        Elem::Vector(n) => Some((n.known()?, 4)),
        Elem::Sequence(t, n) => Some((product(&[*t, *n])?, 4)),
        Elem::Image(sizes) => Some((product(sizes)?, 1)),
        Elem::Map(sizes) => Some((product(sizes)?, 4)),
        Elem::Codes([height, width, _]) => Some((product(&[*height, *width])?, 4)),
        _ => None,
    }
}

/// Returns bytes as people say them: `1.6 MiB`.
fn bytes_in_words(bytes: u128) -> String {
    const UNITS: [&str; 7] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 100.0 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}
