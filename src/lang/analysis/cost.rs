//! Cost (guarantee 8): what a run would have to hold, against the machine.

use super::Checker;
use crate::diagnostic::Diagnostic;
use crate::graph::{DomainKind, NodeKind};
use crate::say;
use crate::signature::BodyKind;
use crate::types::{DomainId, Elem, Type};

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

    /// Refuses what cannot fit into memory: numbers of columns that are held, and tables of weights.
    pub(crate) fn estimate_cost(&mut self) {
        let Some(memory) = self.world.memory() else { return };
        let mut found = Vec::new();
        for node in self.graph.dag.node_weights() {
            let NodeKind::Stage { body, .. } = &node.kind else { continue };
            let Type::Column(c) = &node.ty else { continue };
            if !matches!(body, BodyKind::Rows | BodyKind::Fit | BodyKind::Joint | BodyKind::Across) {
                continue;
            }
            let numbers = match &c.elem {
                Elem::Vector(n) => n.known(),
                Elem::Sequence(t, n) => t.known().zip(n.known()).and_then(|(t, n)| t.checked_mul(n)),
                _ => None,
            };
            let rows = if *body == BodyKind::Joint && node.inputs.iter().any(|&i| self.graph.dag[i].joint) {
                Some(1)
            } else {
                self.rows_of(c.domain)
            };
            let (Some(numbers), Some(rows)) = (numbers, rows) else { continue };
            let bytes = u128::from(numbers) * u128::from(rows) * 4;
            if bytes > u128::from(memory) {
                found.push((node.span, rows, numbers, bytes));
            }
        }
        for (span, rows, numbers, bytes) in found {
            let (gib, have) = (bytes / (1 << 30), memory / (1 << 30));
            self.report(
                Diagnostic::error(
                    "E0801",
                    span,
                    say!(
                        "this needs {gib} GiB: {rows} rows of {numbers} numbers; the machine has {have} GiB",
                        "此处需要 {gib} GiB：{rows} 行，每行 {numbers} 个数；本机只有 {have} GiB"
                    ),
                )
                .help(say!("make it smaller, or keep fewer rows", "请减小维数，或保留更少的行")),
            );
        }
    }
}
