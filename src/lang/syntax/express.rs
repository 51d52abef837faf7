//! From what the grammar has matched to the tree: expressions, with the precedence of their operators.

use super::build::{Builder, normal};
use super::literal;
use super::message;
use super::parser::Rule;
use super::tree::*;
use crate::span::Span;
use pest::iterators::Pair;

/// How deep a tree may be, brackets and chains of operators together.
pub(crate) const DEPTH: usize = 1000;

/// One part of an expression in the order of the text.
enum Part {
    Operand { not: Option<Span>, value: Expr },
    Infix(BinaryOp, Span),
    In(Expr),
    Step(Call, Span),
}

pub(crate) fn expr(builder: &mut Builder, pair: Pair<Rule>, depth: usize) -> Expr {
    let whole = builder.span(&pair);
    let inner = pair.into_inner();
    let links = inner.len();
    if depth + links > DEPTH {
        builder.errors.push(message::too_deep(whole));
        return Expr { span: whole, kind: ExprKind::Broken };
    }
    let depth = depth + links;
    let mut parts = Vec::with_capacity(links);
    for part in inner {
        match part.as_rule() {
            Rule::operand => parts.push(operand(builder, part, depth)),
            Rule::infix => parts.push(Part::Infix(binary(part.as_str().trim_end()), builder.span(&part))),
            Rule::set => parts.push(Part::In(set(builder, part, depth))),
            Rule::stage | Rule::broken => {
                let span = builder.span(&part);
                let call = stage(builder, part, depth);
                parts.push(Part::Step(call, span));
            }
            _ => {}
        }
    }
    Climb { builder, parts: parts.into_iter().peekable() }.pipe()
}

pub(crate) fn expr_or_range(builder: &mut Builder, pair: Pair<Rule>, depth: usize) -> Expr {
    if pair.as_rule() == Rule::range { range(builder, pair) } else { expr(builder, pair, depth) }
}

fn binary(sign: &str) -> BinaryOp {
    match sign {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Subtract,
        "*" => BinaryOp::Multiply,
        "/" => BinaryOp::Divide,
        "==" => BinaryOp::Equal,
        "!=" => BinaryOp::NotEqual,
        "<" => BinaryOp::Less,
        "<=" => BinaryOp::LessEqual,
        ">" => BinaryOp::Greater,
        ">=" => BinaryOp::GreaterEqual,
        "and" => BinaryOp::And,
        _ => BinaryOp::Or,
    }
}

/// How tightly an operator binds.
fn level(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        BinaryOp::Add | BinaryOp::Subtract => 5,
        BinaryOp::Multiply | BinaryOp::Divide => 6,
        _ => COMPARE,
    }
}

const NOT: u8 = 3;
const COMPARE: u8 = 4;

/// Gives each operator what it binds.
struct Climb<'b, 'w, I: Iterator<Item = Part>> {
    builder: &'b mut Builder<'w>,
    parts: std::iter::Peekable<I>,
}

impl<I: Iterator<Item = Part>> Climb<'_, '_, I> {
    fn pipe(mut self) -> Expr {
        let first = self.operand();
        let mut value = self.operators(first, 0);
        let mut piped = false;
        let mut said = false;
        while let Some(part) = self.parts.next() {
            match part {
                Part::Step(stage, span) => {
                    let span = value.span.to(span);
                    let broken = stage.name.text.is_empty();
                    let pipe = ExprKind::Pipe { input: Box::new(value), stage };
                    value = Expr { span, kind: if broken { ExprKind::Broken } else { pipe } };
                    piped = true;
                }
                // Only behind a pipe is an operator left over.
                Part::Infix(op, op_span) => {
                    if piped && !said {
                        self.builder.errors.push(message::operator_behind_pipe(value.span, op_span, op.symbol()));
                        said = true;
                    }
                    let right = self.operand();
                    let right = self.operators(right, level(op) + 1);
                    value = combine(value, op, op_span, right);
                    value = self.operators(value, 0);
                }
                Part::In(set) => {
                    if piped && !said {
                        self.builder.errors.push(message::operator_behind_pipe(value.span, set.span, "in"));
                        said = true;
                    }
                    value = within(value, set);
                    value = self.operators(value, 0);
                }
                Part::Operand { .. } => {}
            }
        }
        value
    }

    fn operand(&mut self) -> Expr {
        match self.parts.next() {
            Some(Part::Operand { not: None, value }) => value,
            Some(Part::Operand { not: Some(not), value }) => {
                let value = self.operators(value, NOT);
                let span = not.to(value.span);
                Expr { span, kind: ExprKind::Unary { op: UnaryOp::Not, operand: Box::new(value) } }
            }
            _ => unreachable!("the grammar has an operand at the start and behind each operator"),
        }
    }

    /// Takes the operators that bind at least as tightly as `least`.
    fn operators(&mut self, first: Expr, least: u8) -> Expr {
        let mut left = first;
        let mut compared: Option<Span> = None;
        loop {
            let op = match self.parts.peek() {
                Some(Part::Infix(op, _)) if level(*op) >= least => Some(*op),
                Some(Part::In(_)) if COMPARE >= least => None,
                _ => return left,
            };
            let compares = op.is_none_or(|op| level(op) == COMPARE);
            match self.parts.next() {
                Some(Part::Infix(op, op_span)) => {
                    if let Some(Part::Operand { not: Some(not), .. }) = self.parts.peek()
                        && level(op) > NOT
                    {
                        let not = *not;
                        self.builder.errors.push(message::not_behind(not, op.symbol()));
                    }
                    let right = self.operand();
                    let right = self.operators(right, level(op) + 1);
                    if let (true, Some(before)) = (compares, compared) {
                        self.builder.errors.push(message::chained(before, op_span));
                        left = Expr { span: left.span.to(right.span), kind: ExprKind::Broken };
                    } else {
                        left = combine(left, op, op_span, right);
                    }
                    compared = compares.then_some(op_span);
                }
                Some(Part::In(set)) => {
                    if let Some(before) = compared {
                        self.builder.errors.push(message::chained(before, set.span));
                    }
                    compared = Some(set.span);
                    left = within(left, set);
                }
                _ => return left,
            }
        }
    }
}

fn combine(left: Expr, op: BinaryOp, op_span: Span, right: Expr) -> Expr {
    let span = left.span.to(right.span);
    Expr { span, kind: ExprKind::Binary { op, op_span, left: Box::new(left), right: Box::new(right) } }
}

fn within(operand: Expr, set: Expr) -> Expr {
    let span = operand.span.to(set.span);
    Expr { span, kind: ExprKind::In { operand: Box::new(operand), set: Box::new(set) } }
}

fn operand(builder: &mut Builder, pair: Pair<Rule>, depth: usize) -> Part {
    let fields = pair.clone().into_inner().filter(|p| p.as_rule() == Rule::field).count();
    if depth + fields > DEPTH {
        let span = builder.span(&pair);
        builder.errors.push(message::too_deep(span));
        return Part::Operand { not: None, value: Expr { span, kind: ExprKind::Broken } };
    }
    let (mut not, mut minus, mut value) = (None, None, None::<Expr>);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::not_word => not = Some(builder.span(&part)),
            Rule::minus => minus = Some(builder.span(&part)),
            Rule::field => value = value.map(|base| field(builder, base, part)),
            _ => value = Some(primary(builder, part, depth + fields + 1)),
        }
    }
    let mut value = value.expect("an operand has a value");
    if let Some(minus) = minus {
        let span = minus.to(value.span);
        value = Expr { span, kind: ExprKind::Unary { op: UnaryOp::Negate, operand: Box::new(value) } };
    }
    Part::Operand { not, value }
}

pub(crate) fn field(builder: &mut Builder, base: Expr, pair: Pair<Rule>) -> Expr {
    let span = base.span.to(builder.span(&pair));
    let mut parts = pair.into_inner();
    let name = builder.name(parts.next().expect("a field has a name"));
    let cut = parts.next().map(|p| cut(builder, p));
    Expr { span, kind: ExprKind::Field { base: Box::new(base), name, cut } }
}

fn primary(builder: &mut Builder, pair: Pair<Rule>, depth: usize) -> Expr {
    let span = builder.span(&pair);
    let kind = match pair.as_rule() {
        Rule::size => literal::size(builder, pair),
        Rule::number => literal::number(builder, pair),
        Rule::string => ExprKind::Text(literal::template(builder, pair)),
        Rule::boolean => ExprKind::Bool(pair.as_str() == "true"),
        Rule::list => ExprKind::List(pair.into_inner().map(|p| expr(builder, p, depth)).collect()),
        Rule::paren => {
            let inner = pair.into_inner().next().expect("parentheses hold an expression");
            ExprKind::Paren(Box::new(expr(builder, inner, depth)))
        }
        Rule::block => ExprKind::Block(builder.block(pair, depth)),
        Rule::stage => {
            let call = stage(builder, pair, depth);
            match call {
                Call { name, cut: None, args: None, block: None } => ExprKind::Name(name.text),
                call => ExprKind::Call(call),
            }
        }
        _ => ExprKind::Broken,
    };
    Expr { span, kind }
}

/// Reads a stage; a broken one has an empty name.
fn stage(builder: &mut Builder, pair: Pair<Rule>, depth: usize) -> Call {
    let span = builder.span(&pair);
    let mut call = Call { name: Name { text: String::new(), span }, cut: None, args: None, block: None };
    if pair.as_rule() == Rule::broken {
        return call;
    }
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::name => call.name = builder.name(part),
            Rule::cut => call.cut = Some(cut(builder, part)),
            Rule::args => call.args = Some(builder.args(part, depth)),
            Rule::block => call.block = Some(builder.block(part, depth)),
            _ => {}
        }
    }
    call
}

fn cut(builder: &mut Builder, pair: Pair<Rule>) -> Cut {
    let span = builder.span(&pair);
    let value = pair.into_inner().next().expect("`@` has a value");
    let value = match value.as_rule() {
        Rule::integer => CutValue::Number(literal::whole(builder, &value)),
        _ => CutValue::Name(normal(value.as_str())),
    };
    Cut { span, value }
}

pub(crate) fn set(builder: &mut Builder, pair: Pair<Rule>, depth: usize) -> Expr {
    let inner = pair.into_inner().next().expect("a set is a range or a list");
    if inner.as_rule() == Rule::range { range(builder, inner) } else { primary(builder, inner, depth) }
}

fn range(builder: &mut Builder, pair: Pair<Rule>) -> Expr {
    let span = builder.span(&pair);
    let upwards = pair.as_str().starts_with("..=");
    let mut bounds = pair.into_inner().map(|p| Box::new(signed(builder, p)));
    let first = bounds.next();
    let (low, high) = if upwards { (None, first) } else { (first, bounds.next()) };
    Expr { span, kind: ExprKind::Range { low, high } }
}

/// Reads a bound of a range or a default: a literal, with a minus or without.
pub(crate) fn signed(builder: &mut Builder, pair: Pair<Rule>) -> Expr {
    let span = builder.span(&pair);
    let mut negative = false;
    let mut value = Expr { span, kind: ExprKind::Broken };
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::minus => negative = true,
            _ => value = primary(builder, part, 0),
        }
    }
    match negative {
        true => Expr { span, kind: ExprKind::Unary { op: UnaryOp::Negate, operand: Box::new(value) } },
        false => value,
    }
}
