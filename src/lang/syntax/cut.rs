//! Cuts a file where declarations begin, so that a broken one hides no other.

use super::scan::{KEYWORDS, Piece, PieceKind, RESERVED, goes_on, is_name};
use std::ops::Range;

/// A stretch that begins where a declaration does, or should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) range: Range<usize>,
    /// Whether it begins with a keyword that a name follows.
    pub(crate) declares: bool,
}

/// Cuts `text` at each line that begins a declaration (its first word is a keyword, and a name follows), and at each line
/// that stands where only a declaration may. What comes before the first is comments and empty lines, and left out.
pub(crate) fn cut(text: &str, pieces: &[Piece]) -> Vec<Stretch> {
    let mut starts: Vec<(usize, bool)> = Vec::new();
    let mut open = Open::default();
    let mut last: Option<&str> = None;
    let mut line_start = true;
    for (i, piece) in pieces.iter().enumerate() {
        let word = piece.of(text);
        match piece.kind {
            PieceKind::LineEnd => line_start = true,
            PieceKind::Comment => {}
            _ => {
                if line_start {
                    if declares(text, &pieces[i..]) {
                        open.0.clear();
                        starts.push((piece.start, true));
                    } else if misspelt(text, &pieces[i..]) && unindented(text, piece.start) && !open.0.is_empty() {
                        open.0.clear();
                        starts.push((piece.start, false));
                    } else if open.0.is_empty()
                        && (starts.is_empty()
                            || !(last.is_some_and(goes_on) || matches!(word, "|>" | ")" | "]" | "}") || operator(word)))
                    {
                        starts.push((piece.start, false));
                    }
                }
                line_start = false;
                if !open.take(word) && word == "}" {
                    // The indented lines before were a block, whose `{` is missing.
                    while starts.len() > 1 && starts.last().is_some_and(|s| !s.1 && !unindented(text, s.0)) {
                        starts.pop();
                    }
                }
                last = Some(word);
            }
        }
    }
    let ends = starts.iter().skip(1).map(|s| s.0).chain([text.len()]);
    starts.iter().zip(ends).map(|(&(start, declares), end)| Stretch { range: start..end, declares }).collect()
}

/// The brackets that are open.
#[derive(Default)]
struct Open<'t>(Vec<&'t str>);

impl<'t> Open<'t> {
    /// Follows one piece; returns false where a closing bracket closes nothing. A `)` or `]` closes nothing outside the
    /// innermost `{`.
    fn take(&mut self, word: &'t str) -> bool {
        let opening = match word {
            "(" | "[" | "{" => {
                self.0.push(word);
                return true;
            }
            ")" => "(",
            "]" => "[",
            "}" => "{",
            _ => return true,
        };
        let found = self.0.iter().rposition(|o| *o == opening || *o == "{");
        match found.filter(|&position| self.0[position] == opening) {
            Some(position) => {
                self.0.truncate(position);
                true
            }
            None => false,
        }
    }
}

fn unindented(text: &str, at: usize) -> bool {
    at == 0 || text[..at].ends_with('\n')
}

/// Returns whether a line that begins so belongs to the declaration before it, though it may not stand there.
fn operator(word: &str) -> bool {
    matches!(word, "+" | "-" | "*" | "/" | "==" | "!=" | "<" | ">" | "<=" | ">=" | "and" | "or" | "in" | "&&" | "||")
}

/// Returns whether these pieces begin a declaration: a keyword, and on the same line a name (for `use`, a string). A
/// reserved word, where a name was meant, counts as one.
pub(crate) fn declares(text: &str, pieces: &[Piece]) -> bool {
    let [keyword, name, ..] = pieces else { return false };
    let (word, next) = (keyword.of(text), name.of(text));
    if !KEYWORDS.contains(&word) {
        return false;
    }
    if word == "use" {
        return matches!(name.kind, PieceKind::Text { .. });
    }
    let after = pieces.get(2).map_or("", |p| p.of(text));
    name.kind == PieceKind::Word && (is_name(next) || RESERVED.contains(&next) && matches!(after, "=" | ":"))
}

/// Returns whether these pieces look like a declaration whose keyword is misspelt: `word word =`.
pub(crate) fn misspelt(text: &str, pieces: &[Piece]) -> bool {
    let [word, name, sign, ..] = pieces else { return false };
    word.kind == PieceKind::Word
        && name.kind == PieceKind::Word
        && is_name(name.of(text))
        && is_name(word.of(text))
        && matches!(sign.of(text), "=" | ":" | "(")
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    fn starts(text: &str) -> Vec<(&str, bool)> {
        let stretches = cut(text, &scan(text));
        stretches.into_iter().map(|s| (text[s.range].lines().next().unwrap(), s.declares)).collect()
    }

    #[test]
    fn a_keyword_is_one_only_where_a_name_follows() {
        let text = "prepare a = b |> split(\n    train = 80%,\n    test = 20%)\n# c\nfuse c = a.train\n    |> f\n";
        assert_eq!(starts(text), [("prepare a = b |> split(", true), ("fuse c = a.train", true)]);
    }

    #[test]
    fn an_open_bracket_ends_where_the_next_declaration_begins() {
        let text = "source a = table(\"x\") {\n    b: key\nextrat c = d\nfuse e = f\nx = 3\n";
        assert_eq!(
            starts(text),
            [("source a = table(\"x\") {", true), ("extrat c = d", false), ("fuse e = f", true), ("x = 3", false)]
        );
    }
}
