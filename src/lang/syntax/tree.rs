//! The syntax tree: what a file says, with the place of every part. Comments are kept beside it.

use crate::span::{FileId, Span};

/// A parsed file. Broken declarations are kept as far as they could be read, so that their names stay declared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    pub id: FileId,
    /// The `##` lines at the top, before an empty line.
    pub doc: Option<Doc>,
    pub declarations: Vec<Declaration>,
    /// Every comment, doc comments included, in the order of the file.
    pub comments: Vec<Comment>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    pub span: Span,
    /// With its `#`, without the line end.
    pub text: String,
    pub kind: CommentKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentKind {
    /// `#` on a line of its own.
    Line,
    /// `#` or `##` behind code.
    Trailing,
    /// `##` on a line of its own.
    Doc,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Doc {
    pub span: Span,
    /// The lines without `##` and one blank, joined by line ends.
    pub text: String,
}

/// A name as written, in NFC.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    pub text: String,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    pub doc: Option<Doc>,
    pub span: Span,
    pub kind: DeclarationKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum DeclarationKind {
    Use {
        path: String,
        path_span: Span,
    },
    Param {
        name: Name,
        value: Expr,
    },
    Def {
        name: Name,
        formals: Vec<Formal>,
        body: Expr,
    },
    /// `source prepare extract fuse train experiment`.
    Bind {
        keyword: Keyword,
        name: Name,
        ty: Option<TypeExpr>,
        value: Expr,
    },
    /// `metric NAME = PATH on PATH { … }`. `subject` and `part` are names or fields.
    Metric {
        name: Name,
        subject: Expr,
        part: Expr,
        body: Block,
    },
    /// A declaration that could not be read but whose name is known (its error is reported already).
    Broken {
        keyword: Option<Keyword>,
        name: Name,
    },
}

impl DeclarationKind {
    /// Returns the declared name; `use` declares none.
    pub fn name(&self) -> Option<&Name> {
        match self {
            DeclarationKind::Use { .. } => None,
            DeclarationKind::Param { name, .. }
            | DeclarationKind::Def { name, .. }
            | DeclarationKind::Bind { name, .. }
            | DeclarationKind::Metric { name, .. }
            | DeclarationKind::Broken { name, .. } => Some(name),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Keyword {
    Source,
    Prepare,
    Extract,
    Fuse,
    Train,
    Experiment,
}

impl Keyword {
    pub const ALL: [Keyword; 6] =
        [Keyword::Source, Keyword::Prepare, Keyword::Extract, Keyword::Fuse, Keyword::Train, Keyword::Experiment];

    pub fn word(self) -> &'static str {
        match self {
            Keyword::Source => "source",
            Keyword::Prepare => "prepare",
            Keyword::Extract => "extract",
            Keyword::Fuse => "fuse",
            Keyword::Train => "train",
            Keyword::Experiment => "experiment",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Formal {
    pub name: Name,
    pub ty: TypeExpr,
    pub default: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub span: Span,
    pub kind: ExprKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Number(Number),
    /// `224x224`: the list of its numbers, as `[224, 224]` is.
    Size(Vec<u64>),
    Text(Template),
    Bool(bool),
    /// A bare name without arguments: a reference or a stage, the checker knows.
    Name(String),
    /// `taste.item`, `quality.ndcg@20`.
    Field {
        base: Box<Expr>,
        name: Name,
        cut: Option<Cut>,
    },
    /// `name(args) { block }`, `name@k`, `name { block }`: at least one of cut, args, block is there.
    Call(Call),
    /// `x |> stage`. The right side is a call, which may have neither arguments nor block.
    Pipe {
        input: Box<Expr>,
        stage: Call,
    },
    Unary {
        op: UnaryOp,
        operand: Box<Expr>,
    },
    Binary {
        op: BinaryOp,
        op_span: Span,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `x in 1..=5`, `x in ["a", "b"]`; `set` is a range or a list.
    In {
        operand: Box<Expr>,
        set: Box<Expr>,
    },
    /// `a..=b`, `a..`, `..=b`; at least one bound is there.
    Range {
        low: Option<Box<Expr>>,
        high: Option<Box<Expr>>,
    },
    List(Vec<Expr>),
    Block(Block),
    /// `( … )`, kept for the formatter; means what is inside.
    Paren(Box<Expr>),
    /// Could not be read; the error is reported already.
    Broken,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// With `%` applied: `80%` is 0.8.
    pub value: f64,
    /// Set where it was written as a plain integer that fits.
    pub integer: Option<i64>,
    pub unit: Option<Unit>,
    pub percent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Hertz,
    Kilohertz,
}

/// A string, cut at its placeholders.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub parts: Vec<TemplatePart>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TemplatePart {
    Text(String),
    /// `{name}`: the header whose cell stands here.
    Hole(Name),
}

impl Template {
    /// Returns the text if there is no placeholder in it.
    pub fn plain(&self) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                TemplatePart::Text(t) => text.push_str(t),
                TemplatePart::Hole(_) => return None,
            }
        }
        Some(text)
    }
}

/// `@20` or `@top`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    pub span: Span,
    pub value: CutValue,
}

#[derive(Clone, Debug, PartialEq)]
pub enum CutValue {
    Number(u64),
    Name(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub name: Name,
    pub cut: Option<Cut>,
    /// `None` where no parentheses were written.
    pub args: Option<Vec<Arg>>,
    pub block: Option<Block>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    pub name: Option<Name>,
    pub value: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub span: Span,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub doc: Option<Doc>,
    pub span: Span,
    pub kind: LineKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LineKind {
    /// `film: key`
    Column { name: Name, ty: TypeExpr },
    /// `epochs = 50`
    Setting { name: Name, value: Expr },
    /// `gate(a, b)`
    Value(Expr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    Negate,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
}

impl BinaryOp {
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::Less => "<",
            BinaryOp::LessEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterEqual => ">=",
            BinaryOp::And => "and",
            BinaryOp::Or => "or",
        }
    }
}

/// A type as written: `col<d, vector[100]>?`, `float in 0..=5 ?`, `image("data/{film}.jpg")?`.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    pub span: Span,
    /// Empty where the type could not be read; the error is reported already.
    pub name: Name,
    /// `<…>`
    pub params: Vec<TypeExpr>,
    /// `[…]`; `None` is `_`.
    pub sizes: Vec<Option<Expr>>,
    /// `(…)`; `None` where no parentheses were written.
    pub args: Option<Vec<Arg>>,
    /// Behind `in`: a range or a list.
    pub within: Option<Box<Expr>>,
    /// `?`: may be missing.
    pub missing: bool,
}
