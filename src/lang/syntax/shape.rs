//! What the formatter knows of a sound file: for each piece the bracket and the item (declaration, line, argument, element)
//! it belongs to, and what the author has broken into several lines.

use super::scan::{Piece, PieceKind, RESERVED, goes_on, scan};
use super::tree::*;
use std::collections::BTreeSet;

pub(crate) struct Shape<'t> {
    pub(crate) text: &'t str,
    pub(crate) tokens: Vec<Token>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) items: Vec<Item>,
}

/// A piece of code or a comment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) piece: Piece,
    /// How many lines end between the token before and this.
    pub(crate) lines: usize,
    pub(crate) frame: usize,
    pub(crate) item: usize,
    /// Whether its item begins with it.
    pub(crate) first: bool,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Code,
    Comment,
    /// Between declarations or the lines of a block: a matter of style.
    Separator,
    /// A minus before a value.
    Negate,
    /// A `?` behind `in …`.
    Apart,
    Opens(usize),
    Closes(usize),
    Pipe,
}

#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// `(`, `[`, `{`, `<`; a blank for the file.
    pub(crate) open: char,
    /// Whether the author has broken it into lines.
    pub(crate) broken: bool,
    pub(crate) empty: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Whether the author has broken its pipe into lines.
    pub(crate) broken: bool,
    pub(crate) steps: usize,
}

/// Marks in a tree that the pieces alone do not show.
#[derive(Default)]
struct Marks {
    /// Stretches of types in which `<` and `>` are brackets.
    types: Vec<(usize, usize)>,
    /// Arguments and sizes within them, where they compare.
    values: Vec<(usize, usize)>,
    /// `?` behind `in …`.
    apart: BTreeSet<usize>,
}

impl Marks {
    fn angle(&self, at: usize) -> bool {
        let inside =
            |ranges: &[(usize, usize)]| ranges.iter().filter(|(s, e)| *s <= at && at < *e).map(|(s, _)| *s).max();
        match (inside(&self.types), inside(&self.values)) {
            (Some(ty), Some(value)) => ty >= value,
            (Some(_), None) => true,
            _ => false,
        }
    }

    fn ty(&mut self, ty: &TypeExpr) {
        if !ty.params.is_empty() || ty.span.end > ty.name.span.end {
            self.types.push((ty.span.start as usize, ty.span.end as usize));
        }
        ty.params.iter().for_each(|t| self.ty(t));
        let sizes = ty.sizes.iter().flatten();
        let args = ty.args.iter().flatten().map(|arg| &arg.value);
        for value in sizes.chain(args).chain(ty.within.as_deref()) {
            self.values.push((value.span.start as usize, value.span.end as usize));
            self.expr(value);
        }
        if ty.missing && ty.within.is_some() {
            self.apart.insert(ty.span.end as usize - 1);
        }
    }

    fn block(&mut self, block: &Block) {
        for line in &block.lines {
            match &line.kind {
                LineKind::Column { ty, .. } => self.ty(ty),
                LineKind::Setting { value, .. } | LineKind::Value(value) => self.expr(value),
            }
        }
    }

    fn call(&mut self, call: &Call) {
        call.args.iter().flatten().for_each(|arg| self.expr(&arg.value));
        call.block.iter().for_each(|block| self.block(block));
    }

    /// Types stand in blocks, which stand in calls or by themselves.
    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Field { base: inner, .. } | ExprKind::Paren(inner) => self.expr(inner),
            ExprKind::Unary { operand, .. } => self.expr(operand),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Pipe { input, stage } => {
                self.expr(input);
                self.call(stage);
            }
            ExprKind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::In { operand, set } => {
                self.expr(operand);
                self.expr(set);
            }
            ExprKind::List(items) => items.iter().for_each(|item| self.expr(item)),
            ExprKind::Block(block) => self.block(block),
            _ => {}
        }
    }

    fn file(file: &File) -> Marks {
        let mut marks = Marks::default();
        for declaration in &file.declarations {
            match &declaration.kind {
                DeclarationKind::Param { value, .. } => marks.expr(value),
                DeclarationKind::Def { formals, body, .. } => {
                    formals.iter().for_each(|f| marks.ty(&f.ty));
                    marks.expr(body);
                }
                DeclarationKind::Bind { ty, value, .. } => {
                    ty.iter().for_each(|t| marks.ty(t));
                    marks.expr(value);
                }
                DeclarationKind::Metric { body, .. } => marks.block(body),
                _ => {}
            }
        }
        marks
    }
}

/// Reads the shape of a sound file.
pub(crate) fn shape<'t>(text: &'t str, file: &File) -> Shape<'t> {
    let marks = Marks::file(file);
    let pieces = split_angles(text, scan(text), &marks);
    let mut shape = Shape {
        text,
        tokens: Vec::with_capacity(pieces.len()),
        frames: vec![Frame { open: ' ', broken: true, empty: true }],
        items: Vec::new(),
    };
    // The open frames, with the item each is in; none where the next piece begins one.
    let mut open: Vec<(usize, Option<usize>)> = vec![(0, None)];
    let mut lines = 0;
    let mut last: Option<Token> = None;
    for (i, piece) in pieces.iter().enumerate() {
        let word = piece.of(text);
        if piece.kind == PieceKind::LineEnd {
            lines += 1;
            for (frame, _) in &open {
                shape.frames[*frame].broken = true;
            }
            let next = pieces[i..].iter().find(|p| p.is_code()).map_or("", |p| p.of(text));
            let goes = last.is_some_and(|l| !matches!(l.role, Role::Closes(_)) && goes_on(l.piece.of(text)));
            if let Some((frame, item)) = open.last_mut()
                && matches!(shape.frames[*frame].open, ' ' | '{')
                && !goes
                && !matches!(next, "|>" | ")" | "]" | "}")
            {
                *item = None;
            }
            continue;
        }
        let comment = piece.kind == PieceKind::Comment;
        let angle = matches!(word, "<" | ">") && marks.angle(piece.start);
        let closes = piece.kind == PieceKind::Sign && matches!(word, ")" | "]" | "}") || angle && word == ">";
        let &(frame, item) = open.last().expect("the file's frame is never closed");
        let separates = match shape.frames[frame].open {
            ' ' | '{' => piece.kind == PieceKind::Sign && matches!(word, "," | ";"),
            _ => false,
        };
        let comma = word == "," && piece.kind == PieceKind::Sign;
        let mut token = Token { piece: *piece, lines, frame, item: 0, first: false, role: Role::Code };
        lines = 0;
        if comment {
            token.role = Role::Comment;
        } else if closes && open.len() > 1 {
            token.role = Role::Closes(frame);
            open.pop();
            let &(outer, item) = open.last().expect("the file's frame is never closed");
            (token.frame, token.item) = (outer, item.unwrap_or(0));
        } else if separates {
            token.role = Role::Separator;
            token.item = item.unwrap_or(0);
            if let Some((_, item)) = open.last_mut() {
                *item = None;
            }
        } else {
            shape.frames[frame].empty = false;
            token.first = item.is_none() && !comma;
            token.item = item.filter(|_| !comma).unwrap_or(shape.items.len());
            if token.item == shape.items.len() {
                shape.items.push(Item { broken: false, steps: 0 });
            }
            // Behind a comma the next item begins.
            if let Some((_, item)) = open.last_mut() {
                *item = (!comma).then_some(token.item);
            }
            token.role = match word {
                "?" if marks.apart.contains(&piece.start) => Role::Apart,
                "|>" => Role::Pipe,
                "-" if piece.kind == PieceKind::Sign && !last.is_some_and(|l| ends_value(text, &l)) => Role::Negate,
                "(" | "[" | "{" | "<" if piece.kind == PieceKind::Sign && (word != "<" || angle) => {
                    let open_frame = shape.frames.len();
                    shape.frames.push(Frame { open: word.chars().next().unwrap_or(' '), broken: false, empty: true });
                    open.push((open_frame, None));
                    Role::Opens(open_frame)
                }
                _ => Role::Code,
            };
            if token.role == Role::Pipe {
                shape.items[token.item].steps += 1;
                shape.items[token.item].broken |=
                    token.lines > 0 || shape.tokens.last().is_some_and(|t| t.role == Role::Comment);
            }
            if let Some(pipe) = last.filter(|l| l.role == Role::Pipe)
                && (token.lines > 0 || shape.tokens.last().is_some_and(|t| t.role == Role::Comment))
            {
                shape.items[pipe.item].broken = true;
            }
        }
        if !comment {
            last = Some(token);
        }
        shape.tokens.push(token);
    }
    shape
}

/// Returns whether a value can end with this token, so that a minus behind it subtracts.
fn ends_value(text: &str, token: &Token) -> bool {
    match token.piece.kind {
        PieceKind::Word => {
            let word = token.piece.of(text);
            !RESERVED.contains(&word) || matches!(word, "true" | "false")
        }
        PieceKind::Number | PieceKind::Text { .. } => true,
        _ => matches!(token.role, Role::Closes(_)),
    }
}

/// Cuts `>=` in two where its `>` closes the parameters of a type.
fn split_angles(text: &str, pieces: Vec<Piece>, marks: &Marks) -> Vec<Piece> {
    let mut split = Vec::with_capacity(pieces.len());
    for piece in pieces {
        if piece.of(text) == ">=" && marks.angle(piece.start) {
            split.push(Piece { end: piece.start + 1, ..piece });
            split.push(Piece { start: piece.start + 1, ..piece });
        } else {
            split.push(piece);
        }
    }
    split
}
