//! What is declared and never used (guarantee 9): warnings.

use super::Checker;
use crate::diagnostic::{Diagnostic, Severity};
use crate::say;
use crate::syntax::tree::{DeclarationKind, Keyword};

impl Checker<'_> {
    /// Warns of unused names. A file with mistakes is left alone: what is used there cannot be told.
    pub(crate) fn find_unused(&mut self) {
        if self.diagnostics.iter().any(|d| d.severity == Severity::Error) {
            return;
        }
        let sinks = |kind: &DeclarationKind| {
            matches!(
                kind,
                DeclarationKind::Metric { .. }
                    | DeclarationKind::Bind { keyword: Keyword::Train | Keyword::Experiment, .. }
            )
        };
        let flows = |kind: &DeclarationKind| sinks(kind) || matches!(kind, DeclarationKind::Bind { .. });
        // A file of defs alone is for others to use.
        let own = |is: &dyn Fn(&DeclarationKind) -> bool| self.declared.iter().any(|d| d.file == 0 && is(&d.tree.kind));
        let shared = own(&|kind| matches!(kind, DeclarationKind::Def { .. })) && !own(&flows);
        let has_sinks = self.declared.iter().any(|d| sinks(&d.tree.kind));
        let mut found = Vec::new();
        for declared in self.declared.iter().filter(|d| d.file == 0 && !d.used) {
            let kind = &declared.tree.kind;
            let Some(name) = kind.name() else { continue };
            let warn = match kind {
                DeclarationKind::Param { .. } => name.text != "seed" && !shared,
                DeclarationKind::Def { .. } => !shared,
                // In a file without sinks the leaves are the results.
                DeclarationKind::Bind { .. } => has_sinks && !sinks(kind),
                _ => false,
            };
            if warn {
                found.push(name.clone());
            }
        }
        for name in found {
            let text = &name.text;
            self.report(
                Diagnostic::warning("W0901", name.span, say!("`{text}` is never used", "`{text}` 从未使用"))
                    .help(say!("remove it, or use it", "请删除，或加以使用")),
            );
        }
        for (text, span) in std::mem::take(&mut self.locals_unused) {
            if span.file.0 != 0 {
                continue;
            }
            self.report(
                Diagnostic::warning(
                    "W0902",
                    span,
                    say!("the local `{text}` is never used", "局部名称 `{text}` 从未使用"),
                )
                .help(say!("remove the line, or use it", "请删除该行，或加以使用")),
            );
        }
    }
}
