//! Looks at the pieces around a place: what stands before it, in which brackets, and in which line, argument or element.

use super::scan::{HOLE, Piece, PieceKind, RESERVED, goes_on, is_name, scan};
use std::ops::Range;

pub(crate) struct Look<'t> {
    pub(crate) text: &'t str,
    pub(crate) pieces: Vec<Piece>,
}

impl<'t> Look<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Look { text, pieces: scan(text) }
    }

    pub(crate) fn word(&self, index: usize) -> &'t str {
        self.pieces.get(index).map_or("", |p| p.of(self.text))
    }

    /// Returns the first piece of code that ends behind `at`.
    pub(crate) fn at(&self, at: usize) -> Option<usize> {
        (0..self.pieces.len()).find(|&i| self.pieces[i].end > at && self.pieces[i].is_code())
    }

    pub(crate) fn before(&self, index: usize) -> Option<usize> {
        (0..index.min(self.pieces.len())).rev().find(|&i| self.pieces[i].is_code())
    }

    pub(crate) fn after(&self, index: usize) -> Option<usize> {
        (index + 1..self.pieces.len()).find(|&i| self.pieces[i].is_code())
    }

    /// Returns whether a line ends between the piece before `index` and it.
    pub(crate) fn begins_line(&self, index: usize) -> bool {
        let before = self.before(index).map_or(0, |b| b + 1);
        self.pieces[before..index.min(self.pieces.len())].iter().any(|p| p.kind == PieceKind::LineEnd)
    }

    /// Returns the opening bracket that `index` stands in.
    pub(crate) fn frame(&self, index: usize) -> Option<usize> {
        let mut depth = 0usize;
        for i in (0..index.min(self.pieces.len())).rev() {
            match self.bracket(i) {
                -1 => depth += 1,
                1 if depth == 0 => return Some(i),
                1 => depth -= 1,
                _ => {}
            }
        }
        None
    }

    /// Returns 1 for an opening bracket, -1 for a closing one.
    fn bracket(&self, index: usize) -> i8 {
        if self.pieces[index].kind != PieceKind::Sign {
            return 0;
        }
        match self.word(index) {
            "(" | "[" | "{" => 1,
            ")" | "]" | "}" => -1,
            _ => 0,
        }
    }

    /// Returns whether the line end `index` ends a line, or the line goes on behind it.
    fn ends(&self, index: usize) -> bool {
        let goes = self.before(index).is_none_or(|b| goes_on(self.word(b)));
        let comes = self.after(index).is_none_or(|a| matches!(self.word(a), "|>" | ")" | "]" | "}"));
        !goes && !comes
    }

    /// Returns the pieces of the line, argument or element that `index` stands in, as a range of indices.
    pub(crate) fn unit(&self, index: usize) -> Range<usize> {
        let frame = self.frame(index);
        let lines = frame.is_none_or(|f| self.word(f) == "{");
        let cuts = |i: usize| match self.pieces[i].kind {
            PieceKind::LineEnd => lines && self.ends(i),
            PieceKind::Sign => matches!(self.word(i), "," | ";"),
            _ => false,
        };
        let mut start = index;
        let mut depth = 0usize;
        while start > frame.map_or(0, |f| f + 1) {
            match self.bracket(start - 1) {
                -1 => depth += 1,
                1 => depth = depth.saturating_sub(1),
                _ if depth == 0 && cuts(start - 1) => break,
                _ => {}
            }
            start -= 1;
        }
        while start < index && !self.pieces[start].is_code() {
            start += 1;
        }
        let mut end = index;
        let mut depth = 0usize;
        while end < self.pieces.len() {
            match self.bracket(end) {
                1 => depth += 1,
                -1 if depth == 0 => break,
                -1 => depth -= 1,
                _ if depth == 0 && cuts(end) => break,
                _ => {}
            }
            end += 1;
        }
        while end > start && !self.pieces[end - 1].is_code() {
            end -= 1;
        }
        start..end
    }

    /// Returns where the text of these pieces stands.
    pub(crate) fn bytes(&self, unit: Range<usize>) -> Range<usize> {
        match (self.pieces.get(unit.start), unit.end.checked_sub(1).and_then(|l| self.pieces.get(l))) {
            (Some(first), Some(last)) if unit.start < unit.end => first.start..last.end,
            (Some(first), _) => first.start..first.start,
            _ => self.text.len()..self.text.len(),
        }
    }

    /// Returns whether a value can end with this piece.
    pub(crate) fn ends_value(&self, index: usize) -> bool {
        match self.pieces[index].kind {
            PieceKind::Word => {
                let word = self.word(index);
                is_name(word) || matches!(word, "true" | "false") || word.starts_with(HOLE)
            }
            PieceKind::Number | PieceKind::Text { .. } => true,
            PieceKind::Sign => matches!(self.word(index), ")" | "]" | "}" | "?"),
            _ => false,
        }
    }

    /// Returns whether a value can begin with this piece.
    pub(crate) fn begins_value(&self, index: usize) -> bool {
        match self.pieces[index].kind {
            PieceKind::Word => {
                let word = self.word(index);
                !RESERVED.contains(&word) || matches!(word, "true" | "false" | "not")
            }
            PieceKind::Number | PieceKind::Text { .. } => true,
            PieceKind::Sign => matches!(self.word(index), "(" | "[" | "{"),
            _ => false,
        }
    }
}

/// Returns whether this is an operator between two values.
pub(crate) fn is_infix(word: &str) -> bool {
    matches!(word, "+" | "-" | "*" | "/" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "and" | "or" | "in")
}
