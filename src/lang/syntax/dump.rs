//! What a file means, written out without places: two files that say the same have the same dump.

use super::tree::*;
use std::fmt::Write;

/// Writes the declarations of a file, without spans; a list that was written as a size, parentheses and empty arguments are
/// told apart, as the formatter must keep them.
pub fn dump(file: &File) -> String {
    let mut out = String::new();
    if let Some(doc) = &file.doc {
        line(&mut out, 0, &format!("doc {:?}", doc.text));
    }
    for declaration in &file.declarations {
        doc(&mut out, 0, &declaration.doc);
        let head = match &declaration.kind {
            DeclarationKind::Use { path, .. } => format!("use {path:?}"),
            DeclarationKind::Param { name, value } => format!("param {} = {}", name.text, expr(value)),
            DeclarationKind::Def { name, formals, body } => {
                let formal = |f: &Formal| {
                    let default = f.default.as_ref().map_or(String::new(), |d| format!(" = {}", expr(d)));
                    format!("{}: {}{default}", f.name.text, ty(&f.ty))
                };
                let formals: Vec<String> = formals.iter().map(formal).collect();
                format!("def {}({}) = {}", name.text, formals.join(", "), expr(body))
            }
            DeclarationKind::Bind { keyword, name, ty: stated, value } => {
                let stated = stated.as_ref().map_or(String::new(), |t| format!(": {}", ty(t)));
                format!("{} {}{stated} = {}", keyword.word(), name.text, expr(value))
            }
            DeclarationKind::Metric { name, subject, part, body } => {
                format!("metric {} = {} on {} {}", name.text, expr(subject), expr(part), block(body))
            }
            DeclarationKind::Broken { keyword, name } => format!("broken {keyword:?} {}", name.text),
        };
        line(&mut out, 0, &head);
    }
    out
}

fn line(out: &mut String, indent: usize, text: &str) {
    let _ = writeln!(out, "{}{text}", "    ".repeat(indent));
}

fn doc(out: &mut String, indent: usize, doc: &Option<Doc>) {
    if let Some(doc) = doc {
        line(out, indent, &format!("doc {:?}", doc.text));
    }
}

fn list<T>(items: &[T], one: impl Fn(&T) -> String) -> String {
    items.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Writes an expression with all its operators in parentheses.
pub(crate) fn expr(value: &Expr) -> String {
    match &value.kind {
        ExprKind::Number(n) => {
            let unit = n.unit.map_or(String::new(), |unit| format!("{unit:?}"));
            let integer = n.integer.map_or(String::new(), |i| format!("i{i}"));
            format!("{:?}{unit}{integer}{}", n.value, if n.percent { "%" } else { "" })
        }
        ExprKind::Size(sides) => format!("size[{}]", list(sides, u64::to_string)),
        ExprKind::Text(template) => {
            let part = |part: &TemplatePart| match part {
                TemplatePart::Text(text) => format!("{text:?}"),
                TemplatePart::Hole(name) => format!("hole {}", name.text),
            };
            format!("text[{}]", list(&template.parts, part))
        }
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Field { base, name, cut: at } => format!("{}.{}{}", expr(base), name.text, cut(at)),
        ExprKind::Call(stage) => call(stage),
        ExprKind::Pipe { input, stage } => format!("({} |> {})", expr(input), call(stage)),
        ExprKind::Unary { op: UnaryOp::Negate, operand } => format!("(-{})", expr(operand)),
        ExprKind::Unary { op: UnaryOp::Not, operand } => format!("(not {})", expr(operand)),
        ExprKind::Binary { op, left, right, .. } => format!("({} {} {})", expr(left), op.symbol(), expr(right)),
        ExprKind::In { operand, set } => format!("({} in {})", expr(operand), expr(set)),
        ExprKind::Range { low, high } => {
            let bound = |b: &Option<Box<Expr>>| b.as_ref().map_or(String::new(), |b| expr(b));
            format!("range({}..{})", bound(low), bound(high))
        }
        ExprKind::List(items) => format!("[{}]", list(items, expr)),
        ExprKind::Block(body) => block(body),
        ExprKind::Paren(inner) => format!("paren({})", expr(inner)),
        ExprKind::Broken => "broken".to_string(),
    }
}

fn call(stage: &Call) -> String {
    let args = stage.args.as_ref().map_or(String::new(), |a| format!("({})", list(a, arg)));
    let block = stage.block.as_ref().map_or(String::new(), |b| format!(" {}", block(b)));
    format!("{}{}{args}{block}", stage.name.text, cut(&stage.cut))
}

fn arg(arg: &Arg) -> String {
    let name = arg.name.as_ref().map_or(String::new(), |name| format!("{} = ", name.text));
    format!("{name}{}", expr(&arg.value))
}

fn cut(cut: &Option<Cut>) -> String {
    match cut.as_ref().map(|cut| &cut.value) {
        None => String::new(),
        Some(CutValue::Number(n)) => format!("@{n}"),
        Some(CutValue::Name(name)) => format!("@{name}"),
    }
}

fn block(block: &Block) -> String {
    let one = |line: &Line| {
        let doc = line.doc.as_ref().map_or(String::new(), |doc| format!("doc {:?} ", doc.text));
        match &line.kind {
            LineKind::Column { name, ty: stated } => format!("{doc}{}: {}", name.text, ty(stated)),
            LineKind::Setting { name, value } => format!("{doc}{} = {}", name.text, expr(value)),
            LineKind::Value(value) => format!("{doc}{}", expr(value)),
        }
    };
    format!("{{ {} }}", list(&block.lines, one))
}

fn ty(stated: &TypeExpr) -> String {
    let params = match stated.params.is_empty() {
        true => String::new(),
        false => format!("<{}>", list(&stated.params, ty)),
    };
    let size = |size: &Option<Expr>| size.as_ref().map_or("_".to_string(), expr);
    let sizes = match stated.sizes.is_empty() {
        true => String::new(),
        false => format!("[{}]", list(&stated.sizes, size)),
    };
    let args = stated.args.as_ref().map_or(String::new(), |a| format!("({})", list(a, arg)));
    let within = stated.within.as_ref().map_or(String::new(), |w| format!(" in {}", expr(w)));
    format!("{}{params}{sizes}{args}{within}{}", stated.name.text, if stated.missing { "?" } else { "" })
}
