//! Lays the tokens of a sound file out in rows: where lines break, how far they are indented, which blanks stand between.

use super::scan::{PieceKind, RESERVED};
use super::shape::{Role, Shape, Token};

const INDENT: usize = 4;

/// A line of the formatted file, before its parts are aligned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) indent: usize,
    pub(crate) text: String,
    pub(crate) comment: Option<String>,
    /// Whether an empty line stands before it.
    pub(crate) apart: bool,
    /// What it can be aligned by: rows side by side with the same key, at this byte of `text`.
    pub(crate) mark: Option<(String, usize)>,
    /// Whether the item that begins with it also ends with it.
    pub(crate) whole: bool,
    /// The tokens in it.
    pub(crate) tokens: std::ops::Range<usize>,
}

/// A frame while it is laid out.
struct Open {
    frame: usize,
    /// The indent of its items.
    inner: usize,
    /// The indent of the row that opened it.
    outer: usize,
    /// The indent and the index of the row in which its last item began.
    item: usize,
    row: usize,
    items: usize,
}

struct Layout<'s, 't> {
    shape: &'s Shape<'t>,
    rows: Vec<Row>,
    open: Vec<Open>,
    /// Comments on lines of their own, until the indent of what follows is known.
    waiting: Vec<(String, bool)>,
    /// Whether the row must end, as a comment stands at its end.
    ended: bool,
}

pub(crate) fn layout(shape: &Shape) -> Vec<Row> {
    let mut layout = Layout {
        shape,
        rows: Vec::new(),
        open: vec![Open { frame: 0, inner: 0, outer: 0, item: 0, row: 0, items: 0 }],
        waiting: Vec::new(),
        ended: false,
    };
    let mut last: Option<usize> = None;
    for (i, token) in shape.tokens.iter().enumerate() {
        match token.role {
            Role::Comment => layout.comment(i, token, last),
            Role::Separator => {}
            _ if shape.idle_comma(i) => {}
            _ => {
                layout.code(i, token, last);
                last = Some(i);
            }
        }
    }
    layout.flush(0);
    layout.rows
}

impl Layout<'_, '_> {
    fn comment(&mut self, index: usize, token: &Token, last: Option<usize>) {
        let text = token.piece.of(self.shape.text).trim_end().to_string();
        let behind = token.lines == 0 && index > 0 && self.waiting.is_empty() && !self.ended;
        if let Some(row) = self.rows.last_mut().filter(|_| behind) {
            row.comment = Some(text);
            self.ended = true;
            return;
        }
        let opened = last.is_some_and(|l| index == l + 1 && matches!(self.shape.tokens[l].role, Role::Opens(_)));
        self.waiting.push((text, token.lines > 1 && !opened && index > 0));
        self.ended = true;
    }

    /// Sets down the comments that wait, before a row of this indent.
    fn flush(&mut self, indent: usize) {
        for (text, apart) in std::mem::take(&mut self.waiting) {
            self.rows.push(Row { indent, apart, comment: Some(text), ..Row::default() });
        }
    }

    fn code(&mut self, index: usize, token: &Token, last: Option<usize>) {
        let closing = match token.role {
            Role::Closes(_) => self.open.pop(),
            _ => None,
        };
        let breaks = last.is_none() || self.ended || self.breaks(index, token, last);
        if breaks {
            self.start(index, token, closing.as_ref());
        }
        let current = self.rows.len().saturating_sub(1);
        let indent = self.rows[current].indent;
        // The comma between the lines of a block that stays on one line.
        let open = self.open.last_mut().expect("the file's frame stays open");
        if token.first {
            if !breaks && open.items > 0 && self.shape.frames[open.frame].open == '{' {
                self.rows[current].text.push(',');
            }
            open.items += 1;
            (open.item, open.row) = (indent, current);
            self.rows[current].whole |= breaks;
        }
        let written = token.piece.of(self.shape.text);
        let row = &mut self.rows[current];
        if !breaks && last.is_some_and(|l| self.shape.spaced(l, index)) {
            row.text.push(' ');
        }
        // Where this row can be aligned with its neighbours.
        let start = row.tokens.start;
        if let (Some(key), true) = (self.shape.key(start, index), row.mark.is_none()) {
            row.mark = Some((key, row.text.len()));
        }
        row.text.push_str(written);
        row.tokens.end = index + 1;
        if let Role::Opens(frame) = token.role {
            let inner = indent + INDENT;
            self.open.push(Open { frame, inner, outer: indent, item: inner, row: current, items: 0 });
        }
    }

    /// Returns whether a row begins with this token.
    fn breaks(&self, index: usize, token: &Token, last: Option<usize>) -> bool {
        let Some(last) = last.map(|l| &self.shape.tokens[l]) else { return true };
        let frames = &self.shape.frames;
        // The author's line ends, also beyond a separator that is not written.
        let between = self.shape.tokens[..index].iter().rev().take_while(|t| t.role == Role::Separator);
        let lines = token.lines + between.map(|t| t.lines).sum::<usize>();
        match token.role {
            Role::Closes(frame) => match frames[frame].open {
                '{' => frames[frame].broken && !frames[frame].empty,
                _ => lines > 0 && !frames[frame].empty,
            },
            Role::Pipe => self.shape.items[token.item].broken,
            _ if last.role == Role::Pipe => false,
            _ => match frames[token.frame].open {
                ' ' => token.first || lines > 0 && self.keeps(last),
                '{' => token.first && frames[token.frame].broken || lines > 0 && self.keeps(last),
                _ => lines > 0 && token.piece.of(self.shape.text) != "," && self.keeps(last),
            },
        }
    }

    /// Returns whether the author's line end behind this token is kept.
    fn keeps(&self, last: &Token) -> bool {
        !matches!(last.piece.of(self.shape.text), "=" | ":" | "{") || last.piece.kind != PieceKind::Sign
    }

    fn start(&mut self, index: usize, token: &Token, closing: Option<&Open>) {
        let open = self.open.last().expect("the file's frame stays open");
        let indent = match closing {
            Some(closed) => closed.outer,
            None if token.first => open.inner,
            None if self.shape.begins_item(index) => open.inner,
            None => open.item + INDENT,
        };
        let before = match closing {
            Some(closed) => closed.inner,
            None => indent,
        };
        // What goes on in another row is not whole.
        let inside = if token.first { 1 } else { 0 };
        for open in &self.open[..self.open.len() - inside] {
            if let Some(row) = self.rows.get_mut(open.row) {
                row.whole = false;
            }
        }
        let commented = !self.waiting.is_empty();
        self.flush(before);
        let opened = !commented
            && index > 0
            && matches!(self.shape.tokens[index - 1].role, Role::Opens(_))
            && self.shape.tokens[index - 1].role != Role::Comment;
        let apart = token.lines > 1 && index > 0 && !opened && closing.is_none();
        self.rows.push(Row { indent, apart, tokens: index..index, ..Row::default() });
        self.ended = false;
    }
}

impl Shape<'_> {
    fn word(&self, index: usize) -> &str {
        self.tokens[index].piece.of(self.text)
    }

    /// Returns whether an argument or element begins with the token, though a comma before it may be missing.
    fn begins_item(&self, index: usize) -> bool {
        self.tokens[..index].iter().rfind(|t| t.role != Role::Comment).is_none_or(|t| {
            matches!(t.role, Role::Opens(_)) || t.piece.of(self.text) == "," && t.piece.kind == PieceKind::Sign
        })
    }

    /// Returns whether this is a comma before a closing bracket on the same line: it says nothing, and is not written.
    fn idle_comma(&self, index: usize) -> bool {
        self.word(index) == ","
            && self.tokens[index].piece.kind == PieceKind::Sign
            && self.tokens.get(index + 1).is_some_and(|next| matches!(next.role, Role::Closes(_)) && next.lines == 0)
    }

    /// Returns what the row that begins with the token `start` is aligned by, if its mark stands before the token `index`.
    fn key(&self, start: usize, index: usize) -> Option<String> {
        let first = &self.tokens[start];
        if !first.first || index == start || self.tokens[index].item != first.item {
            return None;
        }
        let sign = |i: usize| self.tokens[i].piece.kind == PieceKind::Sign;
        match self.frames[first.frame].open {
            ' ' if self.word(index) == "=" && sign(index) && self.word(start) != "def" => {
                Some(self.word(start).to_string())
            }
            '{' if index == start + 1 && self.word(index) == "=" && sign(index) => Some("=".to_string()),
            '{' if index == start + 2 && self.word(index - 1) == ":" && sign(index - 1) => Some(":".to_string()),
            _ => None,
        }
    }

    /// Returns whether a blank stands between two tokens of a row.
    fn spaced(&self, left: usize, right: usize) -> bool {
        let (l, r) = (&self.tokens[left], &self.tokens[right]);
        let (left, right) = (self.word(left), self.word(right));
        let name = l.piece.kind == PieceKind::Word && !RESERVED.contains(&left);
        let number = |t: &Token| t.piece.kind == PieceKind::Number;
        match (l.role, r.role) {
            (Role::Opens(frame), Role::Closes(_)) if self.frames[frame].open == '{' => false,
            (Role::Opens(frame), _) => self.frames[frame].open == '{',
            (_, Role::Closes(frame)) => self.frames[frame].open == '{',
            (Role::Negate, _) => false,
            (_, Role::Apart) => true,
            (_, Role::Opens(frame)) => match self.frames[frame].open {
                '{' => true,
                '<' => false,
                _ => !(name || matches!(l.role, Role::Closes(f) if matches!(self.frames[f].open, ']' | '[' | '<'))),
            },
            _ if l.piece.kind == PieceKind::Sign && matches!(left, "." | "@" | "..=") => false,
            _ if r.piece.kind == PieceKind::Sign && matches!(right, "." | "@" | "," | ":" | "?") => false,
            _ if matches!(right, ".." | "..=") => !number(l),
            _ => true,
        }
    }
}
