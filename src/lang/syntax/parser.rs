//! From text to tree. Never fails: what could not be read is left out or broken, and said once.

use super::build::Builder;
use super::cut::cut;
use super::notes::notes;
use super::recover::{self, Strays};
use super::scan::scan;
use super::tree::{Declaration, DeclarationKind, File};
use super::work::Work;
use super::{brackets, foreign, mend};
use crate::diagnostic::Diagnostic;
use crate::span::FileId;
use pest::Parser;

/// The grammar, in `grammar/mmf.pest`.
#[derive(pest_derive::Parser)]
#[grammar = "../../grammar/mmf.pest"]
pub(crate) struct Grammar;

/// The most mistakes that are looked for in one declaration; a file of another kind should not be read to its end.
const MISTAKES: usize = 100;

/// Parses a file and reports all its mistakes, in the order of the file. A byte-order mark at the start and line ends of
/// both kinds are accepted. Broken declarations keep their name.
pub fn parse(id: FileId, text: &str) -> (File, Vec<Diagnostic>) {
    let mut errors = Vec::new();
    // A mark is three bytes; so are the blanks that stand for it, and all places stay true.
    let unmarked;
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => {
            unmarked = format!("   {rest}");
            unmarked.as_str()
        }
        None => text,
    };
    let pieces = scan(text);
    let notes = notes(id, text, &pieces);
    let (patches, mut found) = foreign::find(id, text, &pieces);
    errors.append(&mut found);

    let mut declarations = Vec::new();
    let mut strays = Strays::default();
    let mut next_patch = patches.iter().peekable();
    for stretch in cut(text, &pieces) {
        let mut work = Work::new(id, text, stretch.range.clone());
        let mut inside = Vec::new();
        while let Some(patch) = next_patch.next_if(|p| p.range.start < stretch.range.end) {
            if patch.range.start >= stretch.range.start {
                inside.push(patch);
            }
        }
        for patch in inside.iter().rev() {
            let at = patch.range.start - stretch.range.start..patch.range.end - stretch.range.start;
            work.replace(at, &patch.with);
        }
        if stretch.declares {
            strays.end();
            read(work, &notes.below, &mut declarations, &mut errors);
            continue;
        }
        if let Some(broken) = recover::begin(&mut work, &mut strays, &mut errors) {
            let mut others = Vec::new();
            read(work, &notes.below, &mut others, &mut errors);
            declarations.push(broken);
            declarations.extend(others.into_iter().skip(1));
        }
    }
    errors.sort_by_key(|e| (e.span.start, e.span.end));
    recover::thin(text, &strays, &mut errors);
    (File { id, doc: notes.file, declarations, comments: notes.comments }, errors)
}

/// Reads declarations from `work`, mending it mistake by mistake.
fn read(
    mut work: Work,
    docs: &std::collections::BTreeMap<usize, super::tree::Doc>,
    declarations: &mut Vec<Declaration>,
    errors: &mut Vec<Diagnostic>,
) {
    if let Err(error) = brackets::close(&mut work, errors) {
        errors.push(error);
        declarations.extend(broken(&work));
        return;
    }
    let mut mender = mend::Mender::default();
    for _ in 0..MISTAKES {
        match Grammar::parse(Rule::file, &work.text) {
            Ok(pairs) => {
                let mut builder = Builder { work: &work, docs, errors };
                declarations.extend(builder.file(pairs));
                return;
            }
            Err(error) => {
                let at = match error.location {
                    pest::error::InputLocation::Pos(at) => at,
                    pest::error::InputLocation::Span((at, _)) => at,
                };
                if !mender.mend(&mut work, at, errors) {
                    break;
                }
            }
        }
    }
    declarations.extend(broken(&work));
}

/// Returns what is left of a declaration that could not be read: its name.
fn broken(work: &Work) -> Option<Declaration> {
    let (keyword, name) = recover::head(work)?;
    let span = work.span(0..work.text.trim_end().len());
    Some(Declaration { doc: None, span, kind: DeclarationKind::Broken { keyword, name } })
}
