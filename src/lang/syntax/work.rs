//! The text of some declarations while it is being mended: each byte knows where it came from, so that places in a mended
//! text can be said in the user's.

use crate::span::{FileId, Span};
use std::ops::Range;

pub(crate) struct Work {
    pub(crate) file: FileId,
    pub(crate) text: String,
    /// For each byte of `text`, and its end, where it came from; empty while nothing has been mended.
    origin: Vec<usize>,
    /// Where `text` begins in the file.
    base: usize,
}

impl Work {
    pub(crate) fn new(file: FileId, text: &str, range: Range<usize>) -> Self {
        Work { file, text: text[range.clone()].to_string(), origin: Vec::new(), base: range.start }
    }

    /// Puts `with` in the place of `range`; what is put in comes from the beginning of the range.
    pub(crate) fn replace(&mut self, range: Range<usize>, with: &str) {
        if self.origin.is_empty() {
            self.origin = (self.base..=self.base + self.text.len()).collect();
        }
        let from = self.origin[range.start];
        self.text.replace_range(range.clone(), with);
        self.origin.splice(range, std::iter::repeat_n(from, with.len()));
    }

    pub(crate) fn insert(&mut self, at: usize, with: &str) {
        self.replace(at..at, with);
    }

    /// Returns the place in the file of the byte `at` of the mended text.
    pub(crate) fn place(&self, at: usize) -> usize {
        if self.origin.is_empty() { self.base + at } else { self.origin[at] }
    }

    /// Returns the span in the file of a stretch of the mended text.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, self.place(range.start), self.place(range.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_mended_text_are_places_in_the_file() {
        let mut work = Work::new(FileId(0), "xx a && b yy", 3..9);
        assert_eq!(work.text, "a && b");
        work.replace(2..4, "and");
        assert_eq!(work.text, "a and b");
        assert_eq!((work.place(0), work.place(2), work.place(5), work.place(6), work.place(7)), (3, 5, 7, 8, 9));
        work.insert(7, ")");
        assert_eq!((work.place(7), work.place(8)), (9, 9));
    }
}
