//! Comments: all are kept, and those that begin with `##` are given to what stands below them.

use super::scan::{Piece, PieceKind};
use super::tree::{Comment, CommentKind, Doc};
use crate::span::{FileId, Span};
use std::collections::BTreeMap;

/// The comments of a file.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) comments: Vec<Comment>,
    /// The `##` lines at the top, before an empty line.
    pub(crate) file: Option<Doc>,
    /// By the place of the code that begins the line directly below.
    pub(crate) below: BTreeMap<usize, Doc>,
}

pub(crate) fn notes(file: FileId, text: &str, pieces: &[Piece]) -> Notes {
    let mut notes = Notes::default();
    let mut open: Vec<(Span, &str)> = Vec::new();
    let mut top = true;
    let mut filled = false;
    for piece in pieces {
        match piece.kind {
            PieceKind::LineEnd if filled => filled = false,
            PieceKind::LineEnd => {
                close(&mut notes, &mut open, &mut top);
            }
            PieceKind::Comment => {
                let written = piece.of(text).trim_end();
                let span = Span::new(file, piece.start, piece.start + written.len());
                let kind = match (filled, written.starts_with("##") && !written.starts_with("###")) {
                    (true, _) => CommentKind::Trailing,
                    (false, true) => CommentKind::Doc,
                    (false, false) => CommentKind::Line,
                };
                match kind {
                    CommentKind::Doc => open.push((span, written)),
                    CommentKind::Line => {
                        open.clear();
                        top = false;
                    }
                    CommentKind::Trailing => {}
                }
                notes.comments.push(Comment { span, text: written.to_string(), kind });
                filled = true;
            }
            _ => {
                if !filled && let Some(doc) = doc(&open) {
                    notes.below.insert(piece.start, doc);
                }
                open.clear();
                top = false;
                filled = true;
            }
        }
    }
    close(&mut notes, &mut open, &mut top);
    notes
}

/// Ends a run of `##` lines with nothing below it: at the top of a file it is the file's.
fn close(notes: &mut Notes, open: &mut Vec<(Span, &str)>, top: &mut bool) {
    if let Some(doc) = doc(open) {
        if *top {
            notes.file = Some(doc);
        }
        *top = false;
    }
    open.clear();
}

fn doc(lines: &[(Span, &str)]) -> Option<Doc> {
    let (first, last) = (lines.first()?, lines.last()?);
    let texts: Vec<&str> = lines
        .iter()
        .map(|(_, line)| {
            let line = line.strip_prefix("##").unwrap_or(line);
            line.strip_prefix(' ').unwrap_or(line)
        })
        .collect();
    Some(Doc { span: first.0.to(last.0), text: texts.join("\n") })
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    fn read(text: &str) -> Notes {
        notes(FileId(0), text, &scan(text))
    }

    #[test]
    fn the_top_before_an_empty_line_is_the_files() {
        let notes = read("## Films.\n## Many.\n\n## A size.\nparam dim = 64 ## no doc\n# plain\nparam x = 1\n");
        assert_eq!(notes.file.unwrap().text, "Films.\nMany.");
        assert_eq!(notes.below.values().map(|d| d.text.as_str()).collect::<Vec<_>>(), ["A size."]);
        let kinds: Vec<CommentKind> = notes.comments.iter().map(|c| c.kind).collect();
        use CommentKind::*;
        assert_eq!(kinds, [Doc, Doc, Doc, Trailing, Line]);
    }

    #[test]
    fn without_an_empty_line_the_top_is_the_declarations() {
        let notes = read("## A size.\nparam dim = 64\n\n## Lost.\n\nparam x = 1");
        assert_eq!(notes.file, None);
        assert_eq!(notes.below.len(), 1);
    }
}
