//! What is said about mistakes of syntax: one function a kind, English and Chinese side by side.

use crate::diagnostic::Diagnostic;
use crate::say;
use crate::span::Span;

/// The codes of syntax, with what each means in one line.
pub static CODES: &[(&str, &str)] = &[
    ("E0001", "something stands where it cannot"),
    ("E0002", "a character that the language does not use"),
    ("E0003", "a declaration begins with an unknown keyword"),
    ("E0004", "a line that stands alone and declares nothing"),
    ("E0005", "a string is not closed on its line"),
    ("E0006", "a string holds an unknown escape, or a brace that is no placeholder"),
    ("E0007", "a `=` is missing"),
    ("E0008", "a bracket is not closed"),
    ("E0009", "a closing bracket closes nothing"),
    ("E0010", "a comma, or the sign behind a name, is missing"),
    ("E0011", "a number has a leading zero, or is a date without quotes"),
    ("E0012", "a unit that is not one of `ms s min h d Hz kHz`"),
    ("E0013", "what begins with a digit is no number, or too large a one"),
    ("E0014", "a blank before `(`, `[`, `@` or `%`, which touch what they belong to"),
    ("E0015", "a line begins with an operator"),
    ("E0016", "comparisons are chained"),
    ("E0017", "an operator stands behind a pipe"),
    ("E0018", "`&&`, `||` or `!` for `and`, `or`, `not`"),
    ("E0019", "`=` where two values are compared"),
    ("E0020", "a range that is not `a..=b`, `a..` or `..=b`"),
    ("E0021", "`:` where a setting or an argument is given with `=`"),
    ("E0022", "an operator that does not exist, as modulo or power"),
    ("E0023", "brackets or operators are nested too deep"),
    ("E0024", "a reserved word is used as a name"),
    ("E0025", "a form of another language"),
    ("E0026", "a value is missing"),
    ("E0027", "a name is missing"),
    ("E0028", "a type is missing"),
    ("E0029", "what stands behind `|>` is no stage"),
    ("E0030", "a metric is not `metric NAME = TRAIN on PART { … }`"),
    ("E0031", "`not` behind an operator"),
    ("E0032", "columns and settings are mixed in one block"),
];

pub(crate) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error("E0023", span, say!("this is nested too deep", "嵌套过深"))
        .help(say!("give its parts names of their own", "把其中的部分另行命名"))
}

pub(crate) fn too_large(span: Span) -> Diagnostic {
    Diagnostic::error("E0013", span, say!("this number is too large", "数字过大"))
}

pub(crate) fn operator_behind_pipe(pipe: Span, op: Span, sign: &str) -> Diagnostic {
    Diagnostic::error(
        "E0017",
        op,
        say!("`{sign}` cannot follow a pipe: `|>` binds loosest", "`{sign}` 不能跟在管道之后：`|>` 结合最松"),
    )
    .also(pipe, say!("this pipe", "这个管道"))
    .help(say!("put the pipe in parentheses: `(x |> f) {sign} …`", "给管道加上括号：`(x |> f) {sign} …`"))
}

pub(crate) fn not_behind(not: Span, sign: &str) -> Diagnostic {
    Diagnostic::error("E0031", not, say!("`not` cannot follow `{sign}`", "`not` 不能跟在 `{sign}` 之后"))
        .help(say!("put it in parentheses: `(not …)`", "加上括号：`(not …)`"))
}

pub(crate) fn chained(first: Span, second: Span) -> Diagnostic {
    Diagnostic::error("E0016", second, say!("comparisons cannot be chained", "比较不能连写"))
        .also(first, say!("the first comparison", "第一个比较"))
        .help(say!("write `x in 1..=5`, or join two comparisons by `and`", "写成 `x in 1..=5`，或用 `and` 连接两个比较"))
}
