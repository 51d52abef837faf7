//! Conditions and new columns: expressions over the columns of one table, row by row.

use super::argument::Extra;
use super::{Checker, Item, Scope};
use crate::args::RowExpr;
use crate::diagnostic::Diagnostic;
use crate::graph::NodeId;
use crate::say;
use crate::span::Span;
use crate::syntax::tree::{BinaryOp, Expr, ExprKind, UnaryOp, Unit};
use crate::types::{Elem, Type};

impl Checker<'_> {
    /// Returns a row expression and what it gives; columns of other tables become inputs (`extra`).
    ///
    /// An `Input` is numbered from 1: the table itself is input 0.
    pub(crate) fn row_expr(
        &mut self,
        expr: &Expr,
        table: NodeId,
        scope: &Scope,
        extra: &mut Extra,
    ) -> Option<(RowExpr, Elem)> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Paren(inner) => self.row_expr(inner, table, scope, extra),
            ExprKind::Bool(b) => Some((RowExpr::Bool(*b), Elem::Bool)),
            ExprKind::Text(t) => match t.plain() {
                Some(text) => Some((RowExpr::Text(text), Elem::Text(crate::types::Language::Detect))),
                None => {
                    self.report(Diagnostic::error(
                        "E0306",
                        span,
                        say!("a text in a condition takes no placeholders", "条件中的文本不接受占位符"),
                    ));
                    None
                }
            },
            ExprKind::Name(name) => self.row_name(name, table, span, scope, extra),
            ExprKind::Field { .. } => match self.evaluate(expr, scope) {
                Item::Node(node) => self.row_column(node, table, span, extra),
                Item::Unknown => None,
                _ => self.row_misfit(span, "a column or a value", "列或值"),
            },
            ExprKind::Number(_) | ExprKind::Unary { op: UnaryOp::Negate, .. } => {
                if let ExprKind::Unary { operand, .. } = &expr.kind
                    && !matches!(operand.kind, ExprKind::Number(_))
                {
                    let (inner, elem) = self.row_expr(operand, table, scope, extra)?;
                    if !elem.is_number() {
                        return self.row_misfit(operand.span, "a number", "数字");
                    }
                    return Some((RowExpr::Negate(Box::new(inner)), elem));
                }
                let item = self.evaluate(expr, scope);
                self.row_value(item, span)
            }
            ExprKind::Unary { op: UnaryOp::Not, operand } => {
                let (inner, elem) = self.row_expr(operand, table, scope, extra)?;
                if !matches!(elem, Elem::Bool | Elem::Unknown) {
                    return self.row_misfit(operand.span, "a condition", "条件");
                }
                Some((RowExpr::Not(Box::new(inner)), Elem::Bool))
            }
            ExprKind::Call(call) if call.name.text == "missing" => {
                let args: Vec<&Expr> = call.args.iter().flatten().map(|a| &a.value).collect();
                let [inner] = args[..] else {
                    return self.row_misfit(span, "one column: `missing(x)`", "一列：`missing(x)`");
                };
                let (inner, _) = self.row_expr(inner, table, scope, extra)?;
                Some((RowExpr::Missing(Box::new(inner)), Elem::Bool))
            }
            ExprKind::In { operand, set } => self.row_in(operand, set, table, scope, extra),
            ExprKind::Binary { op, op_span, left, right } => {
                self.row_binary(*op, *op_span, left, right, table, scope, extra)
            }
            ExprKind::Broken => None,
            ExprKind::Call(_) | ExprKind::Pipe { .. } => {
                // Another table's stage, or a size: what it gives may be read here.
                match self.evaluate(expr, scope) {
                    Item::Node(node) => self.row_column(node, table, span, extra),
                    Item::Unknown => None,
                    item => self.row_value(item, span),
                }
            }
            _ => self.row_misfit(span, "a column, a value or a condition", "列、值或条件"),
        }
    }

    /// Returns why a row expression may be missing, and what it was computed from.
    pub(crate) fn row_marks(
        &self,
        expr: &RowExpr,
        table: &crate::types::TableType,
        inputs: &[NodeId],
    ) -> (std::collections::BTreeSet<crate::types::Origin>, crate::types::Marks) {
        let mut missing = std::collections::BTreeSet::new();
        let mut marks = crate::types::Marks::default();
        match expr {
            RowExpr::Column(name) => {
                if let Some(c) = table.column(name) {
                    missing.extend(c.missing.iter().cloned());
                    marks.join(&c.marks);
                }
            }
            RowExpr::Input(i) => {
                if let Some(Type::Column(c)) = inputs.get(*i).map(|n| self.ty(*n)) {
                    missing.extend(c.missing.iter().cloned());
                    marks.join(&c.marks);
                }
            }
            RowExpr::Missing(inner) => marks = self.row_marks(inner, table, inputs).1,
            RowExpr::Not(inner) | RowExpr::Negate(inner) => return self.row_marks(inner, table, inputs),
            RowExpr::InRange { operand, .. } | RowExpr::InList { operand, .. } => {
                return self.row_marks(operand, table, inputs);
            }
            RowExpr::Binary(_, left, right) => {
                for side in [left, right] {
                    let (m, k) = self.row_marks(side, table, inputs);
                    missing.extend(m);
                    marks.join(&k);
                }
            }
            _ => {}
        }
        (missing, marks)
    }

    fn row_misfit(&mut self, span: Span, en: &str, zh: &str) -> Option<(RowExpr, Elem)> {
        self.report(Diagnostic::error("E0306", span, say!("{en} is needed here", "此处需要{zh}")));
        None
    }

    fn row_name(
        &mut self,
        name: &str,
        table: NodeId,
        span: Span,
        scope: &Scope,
        extra: &mut Extra,
    ) -> Option<(RowExpr, Elem)> {
        let local = scope.locals.iter().rev().find(|l| l.name == name).cloned();
        if let Some(local) = &local {
            local.used.set(true);
            if let Item::ColumnName(column, _) = &local.item {
                return self.row_name(column, table, span, &Scope::of_file(scope.file), extra);
            }
        }
        let column = self.table_type(table).and_then(|t| t.column(name)).map(|c| c.elem.clone());
        let declared = self.names.get(name).copied();
        match (column, declared, local) {
            (Some(_), Some(index), _) => {
                let place = self.declared[index].tree.kind.name().map_or(span, |n| n.span);
                let owner = self.graph.dag[table].span;
                self.report(
                    Diagnostic::error(
                        "E0103",
                        span,
                        say!("`{name}` means two things here", "`{name}` 在此处有两种含义"),
                    )
                    .also(owner, say!("a column of this table", "此表的列"))
                    .also(place, say!("a declaration", "一个声明"))
                    .help(say!("rename one of them", "请重命名其中之一")),
                );
                None
            }
            (Some(elem), None, _) => Some((RowExpr::Column(name.into()), elem)),
            (None, Some(index), _) => {
                let item = self.demand(index, span);
                match item {
                    Item::Unknown => None,
                    Item::Node(node) if matches!(self.ty(node), Type::Column(_)) => {
                        self.row_column(node, table, span, extra)
                    }
                    Item::Node(node) => {
                        let found = self.describe(node);
                        self.report(Diagnostic::error(
                            "E0306",
                            span,
                            say!(
                                "a column or a value is needed here, this is {found}",
                                "此处需要列或值，这里是 {found}"
                            ),
                        ));
                        None
                    }
                    item => self.row_value(item, span),
                }
            }
            (None, None, Some(local)) => match local.item {
                Item::Node(node) => self.row_column(node, table, span, extra),
                item => self.row_value(item, span),
            },
            (None, None, None) => {
                self.no_column(table, name, span);
                None
            }
        }
    }

    fn row_value(&mut self, item: Item, span: Span) -> Option<(RowExpr, Elem)> {
        Some(match item {
            Item::Number { value, unit: Some(unit), .. } => match duration(value, unit) {
                Some(micros) => (RowExpr::Duration(micros), Elem::Duration),
                None => return self.row_misfit(span, "a number or a duration", "数字或时长"),
            },
            Item::Number { integer: Some(n), .. } => (RowExpr::Int(n), Elem::Int),
            Item::Number { value, .. } => (RowExpr::Float(value), Elem::Float),
            Item::Bool(b) => (RowExpr::Bool(b), Elem::Bool),
            Item::Text(t) => (RowExpr::Text(t.plain()?), Elem::Text(crate::types::Language::Detect)),
            Item::Unknown => return None,
            _ => return self.row_misfit(span, "a column or a value", "列或值"),
        })
    }

    /// Reads a column of another table at this table's rows.
    fn row_column(&mut self, node: NodeId, table: NodeId, span: Span, extra: &mut Extra) -> Option<(RowExpr, Elem)> {
        let Type::Column(column) = self.ty(node).clone() else {
            return self.row_misfit(span, "a column", "列");
        };
        if column.marks.joint {
            self.report(Diagnostic::error(
                "E0309",
                span,
                say!("a network that is not trained yet cannot decide about rows", "尚未训练的网络不能决定行的取舍"),
            ));
            return None;
        }
        let wanted = self.table_type(table)?.domain;
        let node = self.read_at(node, wanted, span)?;
        extra.push((node, span));
        Some((RowExpr::Input(extra.len()), column.elem))
    }

    fn row_in(
        &mut self,
        operand: &Expr,
        set: &Expr,
        table: NodeId,
        scope: &Scope,
        extra: &mut Extra,
    ) -> Option<(RowExpr, Elem)> {
        let (inner, elem) = self.row_expr(operand, table, scope, extra)?;
        let operand_box = Box::new(inner);
        match &set.kind {
            ExprKind::List(items) => {
                let mut values = Vec::new();
                for item in items {
                    let (value, kind) = self.row_expr(item, table, scope, extra)?;
                    if !comparable(&elem, &kind) {
                        let (a, b) = (elem.to_string(), kind.to_string());
                        self.report(Diagnostic::error(
                            "E0306",
                            item.span,
                            say!("{a} and {b} are never equal", "{a} 与 {b} 永不相等"),
                        ));
                        return None;
                    }
                    values.push(value);
                }
                Some((RowExpr::InList { operand: operand_box, values }, Elem::Bool))
            }
            _ => match self.evaluate(set, scope) {
                Item::Range { low, high } => {
                    if !elem.is_number() {
                        return self.row_misfit(operand.span, "a number", "数字");
                    }
                    Some((RowExpr::InRange { operand: operand_box, low, high }, Elem::Bool))
                }
                Item::Unknown => None,
                _ => self.row_misfit(set.span, "a range or a list", "范围或列表"),
            },
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn row_binary(
        &mut self,
        op: BinaryOp,
        op_span: Span,
        left: &Expr,
        right: &Expr,
        table: NodeId,
        scope: &Scope,
        extra: &mut Extra,
    ) -> Option<(RowExpr, Elem)> {
        let l = self.row_expr(left, table, scope, extra);
        let r = self.row_expr(right, table, scope, extra);
        let ((mut l, le), (mut r, re)) = (l?, r?);
        let symbol = op.symbol();
        match op {
            BinaryOp::And | BinaryOp::Or => {
                for (elem, place) in [(&le, left.span), (&re, right.span)] {
                    if !matches!(elem, Elem::Bool | Elem::Unknown) {
                        return self.row_misfit(place, "a condition", "条件");
                    }
                }
                Some((RowExpr::Binary(op, Box::new(l), Box::new(r)), Elem::Bool))
            }
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide => {
                let elem = match (&le, &re, op) {
                    (Elem::Unknown, _, _) | (_, Elem::Unknown, _) => Elem::Unknown,
                    (Elem::Time, Elem::Time, BinaryOp::Subtract) => Elem::Duration,
                    (Elem::Time, Elem::Duration, BinaryOp::Add | BinaryOp::Subtract) => Elem::Time,
                    (Elem::Duration, Elem::Duration, BinaryOp::Add | BinaryOp::Subtract) => Elem::Duration,
                    (a, b, BinaryOp::Divide) if a.is_number() && b.is_number() => Elem::Float,
                    (Elem::Int | Elem::Bool, Elem::Int | Elem::Bool, _) => Elem::Int,
                    (a, b, _) if a.is_number() && b.is_number() => Elem::Float,
                    (a, b, _) => {
                        let (a, b) = (a.to_string(), b.to_string());
                        self.report(
                            Diagnostic::error(
                                "E0306",
                                op_span,
                                say!("`{symbol}` does not work on {a} and {b}", "`{symbol}` 不能用于 {a} 与 {b}"),
                            )
                            .also(left.span, say!("{a}", "{a}"))
                            .also(right.span, say!("{b}", "{b}")),
                        );
                        return None;
                    }
                };
                Some((RowExpr::Binary(op, Box::new(l), Box::new(r)), elem))
            }
            _ => {
                for (value, other, place) in [(&mut l, &re, left.span), (&mut r, &le, right.span)] {
                    if let (RowExpr::Text(text), Elem::Time) = (&*value, other) {
                        match instant(text) {
                            Some(micros) => *value = RowExpr::Time(micros),
                            None => {
                                let text = text.clone();
                                self.report(
                                    Diagnostic::error("E0306", place, say!("`{text}` is no date", "`{text}` 不是日期"))
                                        .help(say!(
                                            "write \"2024-01-31\" or \"2024-01-31T18:00:00\"",
                                            "请写 \"2024-01-31\" 或 \"2024-01-31T18:00:00\""
                                        )),
                                );
                                return None;
                            }
                        }
                    }
                }
                let text_time = |v: &RowExpr, e: &Elem| matches!(v, RowExpr::Time(_)) && *e == Elem::Time;
                let ordered = !matches!(op, BinaryOp::Equal | BinaryOp::NotEqual);
                let fits = text_time(&l, &re) || text_time(&r, &le) || comparable(&le, &re);
                let orders = !ordered
                    || [&le, &re].iter().all(|e| e.is_number() || matches!(e, Elem::Time | Elem::Duration))
                    || text_time(&l, &re)
                    || text_time(&r, &le);
                if !fits || !orders {
                    let (a, b) = (le.to_string(), re.to_string());
                    let mut d = Diagnostic::error(
                        "E0306",
                        op_span,
                        say!("{a} and {b} cannot be compared by `{symbol}`", "{a} 与 {b} 不能用 `{symbol}` 比较"),
                    )
                    .also(left.span, say!("{a}", "{a}"))
                    .also(right.span, say!("{b}", "{b}"));
                    if matches!((&le, &re), (Elem::Category(_) | Elem::Key | Elem::Ref(_), Elem::Int | Elem::Float)) {
                        d = d.help(say!(
                            "keys and categories are texts: put the number in quotes",
                            "键与类别是文本：请给数字加引号"
                        ));
                    }
                    for (value, other) in [(&l, &re), (&r, &le)] {
                        if let (RowExpr::Text(text), true) = (value, other.is_number() && *other != Elem::Bool)
                            && text.parse::<f64>().is_ok_and(f64::is_finite)
                        {
                            d = d.help(say!("write the number without quotes: `{text}`", "数字不加引号：`{text}`"));
                        }
                    }
                    self.report(d);
                    return None;
                }
                Some((RowExpr::Binary(op, Box::new(l), Box::new(r)), Elem::Bool))
            }
        }
    }
}

/// Tells whether two elements can be equal.
fn comparable(a: &Elem, b: &Elem) -> bool {
    let word = |e: &Elem| matches!(e, Elem::Text(_) | Elem::Category(_) | Elem::Key | Elem::Ref(_));
    match (a, b) {
        (Elem::Unknown, _) | (_, Elem::Unknown) => true,
        (Elem::Bool, Elem::Bool) | (Elem::Time, Elem::Time) | (Elem::Duration, Elem::Duration) => true,
        (a, b) if a.is_number() && b.is_number() => *a != Elem::Bool && *b != Elem::Bool,
        (a, b) => word(a) && word(b),
    }
}

/// Returns a duration in microseconds.
pub(crate) fn duration(value: f64, unit: Unit) -> Option<i64> {
    let micros = match unit {
        Unit::Millisecond => 1e3,
        Unit::Second => 1e6,
        Unit::Minute => 60e6,
        Unit::Hour => 3600e6,
        Unit::Day => 86_400e6,
        Unit::Hertz | Unit::Kilohertz => return None,
    };
    Some((value * micros).round() as i64)
}

/// Reads `2024-01-31`, with or without `T18:00:00` and `Z`, as microseconds since 1970, UTC.
pub(crate) fn instant(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((d, t)) => (d, t.trim_end_matches('Z')),
        None => (text, "00:00:00"),
    };
    let numbers = |s: &str, by: char| -> Option<Vec<i64>> { s.split(by).map(|p| p.parse().ok()).collect() };
    let [year, month, day] = numbers(date, '-')?[..] else { return None };
    let clock = numbers(time, ':')?;
    let [hour, minute] = clock.get(..2)?[..] else { return None };
    let second = clock.get(2).copied().unwrap_or(0);
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) || clock.len() > 3 {
        return None;
    }
    if !((0..24).contains(&hour) && (0..60).contains(&minute) && (0..61).contains(&second)) {
        return None;
    }
    // Days since 1970 by the civil calendar (Howard Hinnant's algorithm).
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some((days * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::instant;

    #[test]
    fn dates_are_read_as_instants() {
        assert_eq!(instant("1970-01-01"), Some(0));
        assert_eq!(instant("2024-02-29T12:30:00Z"), Some(1_709_209_800_000_000));
        assert_eq!(instant("2023-02-29"), None);
        assert_eq!(instant("yesterday"), None);
    }
}
