//! Cuts a text into words, numbers, strings, signs and comments, whether it is sound or not. The grammar decides what is
//! sound; these pieces serve recovery, comments, messages and the formatter. Together with the blanks between them, the
//! pieces are the text.

use unicode_ident::{is_xid_continue, is_xid_start};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PieceKind {
    /// A name, a keyword or a reserved word; also `_x`, which is no name.
    Word,
    /// What begins with a digit, as far as letters and digits run.
    Number,
    /// With its quotes. `closed` is false where the line ends first.
    Text {
        closed: bool,
        quote: char,
    },
    Sign,
    /// Without its line end.
    Comment,
    LineEnd,
    /// A character that the language does not use.
    Strange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) kind: PieceKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Piece {
    pub(crate) fn of<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start..self.end]
    }

    /// Returns whether this is no comment and no line end.
    pub(crate) fn is_code(&self) -> bool {
        !matches!(self.kind, PieceKind::Comment | PieceKind::LineEnd)
    }
}

/// What the parser writes over a mistake that it has reported; `broken` in the grammar.
pub(crate) const HOLE: char = '\u{1}';

/// Longest first.
const SIGNS: &[&str] = &[
    "..=", "===", "!==", "|>", "==", "!=", "<=", ">=", "&&", "||", "..", "->", "=>", ":=", "+=", "-=", "*=", "/=",
    "**", "::", "(", ")", "[", "]", "{", "}", "<", ">", "=", "+", "-", "*", "/", ",", ";", ":", ".", "@", "%", "?",
    "|", "&", "!", "^", "~",
];

/// Cuts `text` into pieces, in order. Blanks (also a lone carriage return) are between them.
pub(crate) fn scan(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(text.len() / 4);
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, length) = match first {
            ' ' | '\t' | '\r' if !rest.starts_with("\r\n") => {
                at += 1;
                continue;
            }
            '\n' => (PieceKind::LineEnd, 1),
            '\r' => (PieceKind::LineEnd, 2),
            '#' => (PieceKind::Comment, line_length(rest)),
            '/' if rest.starts_with("//") => (PieceKind::Strange, line_length(rest)),
            '/' if rest.starts_with("/*") => {
                (PieceKind::Strange, rest.find("*/").map_or_else(|| line_length(rest), |end| end + 2))
            }
            '"' | '\'' | '“' | '”' | '`' => text_piece(rest, first),
            '0'..='9' => (PieceKind::Number, number_length(rest)),
            HOLE => (PieceKind::Word, rest.len() - rest.trim_start_matches(HOLE).len()),
            _ if is_xid_start(first) || first == '_' => {
                (PieceKind::Word, rest.find(|c| !is_xid_continue(c)).unwrap_or(rest.len()))
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (PieceKind::Sign, sign.len()),
                None => (PieceKind::Strange, first.len_utf8()),
            },
        };
        pieces.push(Piece { kind, start: at, end: at + length });
        at += length;
    }
    pieces
}

/// Returns the bytes up to the line end.
fn line_length(rest: &str) -> usize {
    let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
    line.strip_suffix('\r').unwrap_or(line).len()
}

fn text_piece(rest: &str, quote: char) -> (PieceKind, usize) {
    let closing = if quote == '“' { '”' } else { quote };
    let limit = line_length(rest);
    let mut escaped = false;
    for (i, c) in rest[..limit].char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == closing => return (PieceKind::Text { closed: true, quote }, i + c.len_utf8()),
            _ => {}
        }
    }
    (PieceKind::Text { closed: false, quote }, limit)
}

/// Returns the length of what begins with a digit: letters and digits, a `.` before a digit, a sign behind an exponent, and
/// a `%` at its end.
fn number_length(rest: &str) -> usize {
    let mut end = 0;
    let mut plain = true;
    let mut chars = rest.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let next = chars.peek().map(|&(_, n)| n);
        let takes = match c {
            '.' => next.is_some_and(|n| n.is_ascii_digit()),
            '+' | '-' => {
                let digits = rest[..end].strip_suffix(['e', 'E']);
                digits.is_some_and(|d| plain && d.ends_with(|d: char| d.is_ascii_digit()))
                    && next.is_some_and(|n| n.is_ascii_digit())
            }
            _ => is_xid_continue(c),
        };
        if !takes {
            break;
        }
        plain &= matches!(c, '0'..='9' | '.' | '_' | 'e' | 'E' | '+' | '-');
        end = i + c.len_utf8();
    }
    if rest[end..].starts_with('%') { end + 1 } else { end }
}

/// Returns whether `word` can stand as a name.
pub(crate) fn is_name(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(is_xid_start) && chars.all(is_xid_continue) && !RESERVED.contains(&word)
}

pub(crate) const RESERVED: [&str; 6] = ["and", "or", "not", "in", "true", "false"];

/// The words that begin a declaration.
pub(crate) const KEYWORDS: [&str; 10] =
    ["use", "param", "def", "source", "prepare", "extract", "fuse", "train", "metric", "experiment"];

/// Returns whether a line goes on behind this piece, by what it is (G6).
pub(crate) fn goes_on(piece: &str) -> bool {
    matches!(
        piece,
        "(" | "["
            | "{"
            | ","
            | "="
            | ":"
            | "|>"
            | "+"
            | "-"
            | "*"
            | "/"
            | "=="
            | "!="
            | "<"
            | "<="
            | ">"
            | ">="
            | "and"
            | "or"
            | "in"
            | "&&"
            | "||"
            | ":="
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<&str> {
        scan(text).iter().map(|p| p.of(text)).collect()
    }

    #[test]
    fn a_number_runs_as_far_as_letters_and_digits_do() {
        assert_eq!(
            pieces("224x224 1e-3 1..=5 0.5..=5 16kHz 80% 007 1x-3"),
            ["224x224", "1e-3", "1", "..=", "5", "0.5", "..=", "5", "16kHz", "80%", "007", "1x", "-", "3"]
        );
    }

    #[test]
    fn signs_are_as_long_as_they_can_be_and_comments_end_with_their_line() {
        assert_eq!(pieces("a|>b # c\r\n\"x\\\"y\" 'z'"), ["a", "|>", "b", "# c", "\r\n", "\"x\\\"y\"", "'z'"]);
        assert_eq!(pieces("\"open # text\nb"), ["\"open # text", "\n", "b"]);
    }

    #[test]
    fn names_are_unicode_and_six_words_are_reserved() {
        assert!(is_name("标题") && is_name("train") && is_name("x_1"));
        assert!(!is_name("_") && !is_name("in") && !is_name("3d") && !is_name(""));
    }
}
