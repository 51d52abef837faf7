//! What people carry over from other languages and keyboards, and what is wrong within one string or number: all that can
//! be told without the grammar, found before the grammar sees it.

use super::literal::{BadNumber, fault};
use super::message;
use super::scan::{HOLE, Piece, PieceKind, is_name};
use crate::diagnostic::Diagnostic;
use crate::span::{FileId, Span};
use std::ops::Range;
use unicode_ident::{is_xid_continue, is_xid_start};

/// What is written over a mistake, so that the rest can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patch {
    pub(crate) range: Range<usize>,
    pub(crate) with: String,
}

/// Finds the mistakes that single pieces show, and what to read instead; both in the order of the file.
pub(crate) fn find(file: FileId, text: &str, pieces: &[Piece]) -> (Vec<Patch>, Vec<Diagnostic>) {
    let mut found = Found { file, text, patches: Vec::new(), errors: Vec::new(), wide_line: usize::MAX };
    let mut line = 0;
    let mut skip = 0;
    for (i, piece) in pieces.iter().enumerate() {
        if i < skip {
            continue;
        }
        match piece.kind {
            PieceKind::LineEnd => line += 1,
            PieceKind::Text { closed, quote } => {
                let prefix = i
                    .checked_sub(1)
                    .map(|b| &pieces[b])
                    .filter(|b| b.kind == PieceKind::Word && b.end == piece.start && b.end - b.start <= 2);
                found.string(piece, closed, quote, prefix);
            }
            PieceKind::Number => skip = i + found.number(&pieces[i..], i.checked_sub(1).map(|b| &pieces[b])),
            PieceKind::Sign => found.sign(piece, pieces.get(i + 1), i.checked_sub(1).map(|b| &pieces[b])),
            PieceKind::Strange => found.strange(piece, line),
            PieceKind::Word => found.word(piece),
            PieceKind::Comment => {}
        }
    }
    (found.patches, found.errors)
}

struct Found<'t> {
    file: FileId,
    text: &'t str,
    patches: Vec<Patch>,
    errors: Vec<Diagnostic>,
    /// The line of the last wide sign: one line full of them is one mistake.
    wide_line: usize,
}

impl Found<'_> {
    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, range.start, range.end)
    }

    fn patch(&mut self, range: Range<usize>, with: impl Into<String>) {
        self.patches.push(Patch { range, with: with.into() });
    }

    fn word(&mut self, piece: &Piece) {
        let word = piece.of(self.text);
        let span = self.span(piece.start..piece.end);
        if word.starts_with(HOLE) {
            self.errors.push(message::strange(span, HOLE));
            self.patch(piece.start..piece.end, " ");
        } else if word.starts_with('_') && word.len() > 1 {
            let rest = word.trim_start_matches('_');
            self.errors.push(message::name_with_underscore(span, rest));
            self.patch(piece.start..piece.end, if is_name(rest) { rest } else { "x" });
        }
    }

    fn string(&mut self, piece: &Piece, closed: bool, quote: char, prefix: Option<&Piece>) {
        let written = piece.of(self.text);
        let span = self.span(piece.start..piece.end);
        let prefixed = prefix.map(|prefix| {
            self.errors.push(message::prefix(self.span(prefix.start..prefix.end), prefix.of(self.text)));
            self.patch(prefix.start..prefix.end, " ");
        });
        if quote == '"' && closed {
            self.content(piece.start + 1, &written[1..written.len() - 1]);
        } else if quote == '"' {
            let end = piece.start + open_end(written);
            self.errors.push(message::open_string(self.span(piece.start..end)));
            self.content(piece.start + 1, &self.text[piece.start + 1..end]);
            self.patch(end..end, "\"");
        } else {
            let inner = &written[quote.len_utf8()..];
            let close = if quote == '“' { '”' } else { quote };
            let (inner, end) = match closed {
                true => (&inner[..inner.len() - close.len_utf8()], piece.end),
                false => (&inner[..open_end(inner)], piece.start + quote.len_utf8() + open_end(inner)),
            };
            if prefixed.is_none() {
                self.errors.push(message::quotes(span, quote, inner));
            }
            let sound: String = inner.chars().filter(|c| !matches!(c, '"' | '\\' | '{' | '}')).collect();
            self.patch(piece.start..end, format!("\"{sound}\""));
        }
    }

    /// Looks at what stands between the quotes: escapes and placeholders.
    fn content(&mut self, start: usize, inner: &str) {
        let mut rest = inner;
        while let Some(c) = rest.chars().next() {
            let at = start + inner.len() - rest.len();
            let length = match c {
                '\\' => match escape(rest) {
                    Ok(length) => length,
                    Err(length) => {
                        self.errors.push(message::escape(self.span(at..at + length), &rest[..length]));
                        self.patch(at..at + 1, "\\\\");
                        length
                    }
                },
                '{' if rest.starts_with("{{") => 2,
                '}' if rest.starts_with("}}") => 2,
                '{' => match rest.find('}') {
                    Some(end) if is_header(&rest[1..end]) => end + 1,
                    end => {
                        let end = end.filter(|&end| !rest[1..end].contains('{')).map_or(1, |end| end + 1);
                        self.errors.push(message::placeholder(self.span(at..at + end), &rest[..end]));
                        self.patch(at..at + end, "");
                        end
                    }
                },
                '}' => {
                    self.errors.push(message::placeholder(self.span(at..at + 1), "}"));
                    self.patch(at..at + 1, "}}");
                    1
                }
                _ => c.len_utf8(),
            };
            rest = &rest[length..];
        }
    }

    /// Looks at a number, or at three that are a date; returns how many pieces were looked at.
    fn number(&mut self, pieces: &[Piece], before: Option<&Piece>) -> usize {
        let piece = &pieces[0];
        let written = piece.of(self.text);
        let hole = HOLE.to_string();
        if let Some(end) = date(self.text, pieces) {
            let range = piece.start..end;
            self.errors.push(message::date(self.span(range.clone()), &self.text[range.clone()]));
            self.patch(range, hole);
            return 5;
        }
        let Some(fault) = fault(written) else { return 1 };
        let span = self.span(piece.start..piece.end);
        let names = pieces.get(1).is_some_and(|next| matches!(next.of(self.text), "=" | ":"))
            && before.is_none_or(|b| !matches!(b.of(self.text), "=" | ":" | ".."));
        if names {
            self.errors.push(message::name_with_digit(span, written));
            self.patch(piece.start..piece.start, "n");
            return 1;
        }
        self.errors.push(match fault {
            BadNumber::LeadingZero => message::leading_zero(span, written),
            BadNumber::Unit(unit) => message::unit(span, written, unit),
            BadNumber::Other => message::no_number(span, written),
        });
        self.patch(piece.start..piece.end, hole);
        1
    }

    fn sign(&mut self, piece: &Piece, next: Option<&Piece>, before: Option<&Piece>) {
        let sign = piece.of(self.text);
        let span = self.span(piece.start..piece.end);
        let (error, with) = match sign {
            "&&" | "&" => (message::word_for(span, sign, "and"), " and "),
            "||" => (message::word_for(span, sign, "or"), " or "),
            "!" if next.is_some_and(|n| n.kind != PieceKind::LineEnd) => {
                (message::word_for(span, sign, "not"), " not ")
            }
            "!" => (message::strange(span, '!'), " "),
            "|" => (message::sign_for(span, sign, "|>"), "|>"),
            "->" => (message::sign_for(span, sign, "|>"), "|>"),
            "===" => (message::sign_for(span, sign, "=="), "=="),
            "!==" => (message::sign_for(span, sign, "!="), "!="),
            ":=" | "=>" => (message::sign_for(span, sign, "="), "="),
            "::" => (message::sign_for(span, sign, "."), "."),
            "+=" | "-=" | "*=" | "/=" => (message::changing(span, sign), "="),
            "**" | "^" => {
                let left =
                    before.is_some_and(|b| b.kind != PieceKind::Sign || matches!(b.of(self.text), ")" | "]" | "}"));
                (message::no_operator(span, sign), if left { "*" } else { " " })
            }
            "~" => (message::strange(span, '~'), " "),
            _ => return,
        };
        self.errors.push(error);
        self.patch(piece.start..piece.end, with);
    }

    fn strange(&mut self, piece: &Piece, line: usize) {
        let written = piece.of(self.text);
        let span = self.span(piece.start..piece.end);
        if written.starts_with("//") || written.starts_with("/*") {
            self.errors.push(message::comment(self.span(piece.start..piece.start + 2), &written[..2]));
            self.patch(piece.start..piece.end, " ");
            return;
        }
        let c = written.chars().next().unwrap_or(' ');
        match narrow(c) {
            Some(sign) => {
                if self.wide_line != line {
                    self.errors.push(message::wide(span, c, sign));
                }
                self.wide_line = line;
                self.patch(piece.start..piece.end, sign);
            }
            None => {
                self.errors.push(message::strange(span, c));
                self.patch(piece.start..piece.end, " ");
            }
        }
    }
}

/// Returns the sign that is meant by one of another keyboard.
fn narrow(c: char) -> Option<&'static str> {
    Some(match c {
        '，' | '、' => ",",
        '；' => ";",
        '：' => ":",
        '（' => "(",
        '）' => ")",
        '【' | '［' => "[",
        '】' | '］' => "]",
        '｛' => "{",
        '｝' => "}",
        '＝' => "=",
        '＋' => "+",
        '－' | '−' | '–' | '—' => "-",
        '＊' | '×' => "*",
        '／' | '÷' => "/",
        '＜' => "<",
        '＞' => ">",
        '≤' => "<=",
        '≥' => ">=",
        '≠' => "!=",
        '｜' => "|",
        '＠' => "@",
        '％' => "%",
        '？' => "?",
        '。' | '．' => ".",
        '…' => "..",
        '\u{3000}' | '\u{a0}' | '\u{feff}' | '\u{200b}' => " ",
        _ => return None,
    })
}

/// Returns the length of the escape at the start, or of what is none.
fn escape(rest: &str) -> Result<usize, usize> {
    match rest[1..].chars().next() {
        Some('n' | 't' | 'r' | '"' | '\\') => Ok(2),
        Some('u') => {
            let digits = rest.strip_prefix("\\u{").and_then(|r| r.split_once('}')).map(|(digits, _)| digits);
            match digits {
                Some(d) if (1..=6).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_hexdigit()) => Ok(d.len() + 4),
                _ => Err(2),
            }
        }
        Some(other) => Err(1 + other.len_utf8()),
        None => Err(1),
    }
}

fn is_header(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| is_xid_start(c) || c == '_') && chars.all(is_xid_continue)
}

/// Guesses where an open string should have ended: before the brackets and commas at the end of its line, and before what
/// looks like a comment.
fn open_end(written: &str) -> usize {
    let line = written.find(" #").map_or(written, |i| &written[..i]);
    let end = line.trim_end_matches([' ', '\t', ')', ']', '{', '}', ',', '?', '\\']).len();
    // A placeholder's brace belongs to the string.
    let inner = &line[..end];
    let open = inner.matches('{').count().saturating_sub(inner.matches('}').count());
    let closing = line[end..].bytes().take_while(|b| *b == b'}').count();
    (end + open.min(closing)).max(written.chars().next().map_or(0, char::len_utf8))
}

/// Returns where a date without quotes ends: `2022-01-01`, without blanks.
fn date(text: &str, pieces: &[Piece]) -> Option<usize> {
    let [year, first, month, second, day, ..] = pieces else { return None };
    let numbers = [year, month, day].map(|p| p.of(text));
    let dashes = first.of(text) == "-" && second.of(text) == "-";
    let touching = pieces[..5].windows(2).all(|pair| pair[0].end == pair[1].start);
    let digits = numbers.iter().all(|n| n.bytes().all(|b| b.is_ascii_digit()));
    let lengths = numbers[0].len() == 4 && numbers[1].len() <= 2 && numbers[2].len() <= 2;
    (dashes && touching && digits && lengths).then_some(day.end)
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    fn read(text: &str) -> (String, Vec<&'static str>) {
        let (patches, errors) = find(FileId(0), text, &scan(text));
        let mut mended = text.to_string();
        for patch in patches.iter().rev() {
            mended.replace_range(patch.range.clone(), &patch.with);
        }
        (mended, errors.iter().map(|e| e.code).collect())
    }

    #[test]
    fn other_languages_are_read_as_what_was_meant() {
        assert_eq!(read("a && !b"), ("a  and   not b".into(), vec!["E0018", "E0018"]));
        assert_eq!(read("f('x') // why"), ("f(\"x\")  ".into(), vec!["E0025", "E0025"]));
        assert_eq!(read("concat（a，b）"), ("concat(a,b)".into(), vec!["E0002"]));
        assert_eq!(read("at >= 2022-01-01"), ("at >= \u{1}".into(), vec!["E0011"]));
        assert_eq!(read("\"C:\\data{}\""), ("\"C:\\\\data\"".into(), vec!["E0006", "E0006"]));
    }

    #[test]
    fn an_open_string_ends_before_the_brackets_behind_it() {
        assert_eq!(read("table(\"a.csv) {").0, "table(\"a.csv\") {");
        assert_eq!(read("image(\"p/{film})?").0, "image(\"p/{film}\")?");
        assert_eq!(read("f(\"x # y").0, "f(\"x\" # y");
        assert_eq!(read("\"").0, "\"\"");
    }
}
