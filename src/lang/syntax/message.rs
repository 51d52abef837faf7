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
    ("E0025", "a form of another language, as `'x'`, `//` or `:=`"),
    ("E0026", "a value is missing"),
    ("E0027", "a name is missing"),
    ("E0028", "a type is missing"),
    ("E0029", "what stands behind `|>` is no stage"),
    ("E0030", "a metric is not `metric NAME = TRAIN on PART { … }`"),
    ("E0031", "`not` behind an operator"),
    ("E0032", "columns and settings are mixed in one block"),
];

pub(crate) fn too_deep(span: Span) -> Diagnostic {
    let (brackets, signs) = (super::brackets::NESTING, super::express::DEPTH);
    Diagnostic::error("E0023", span, say!("this is nested too deep", "嵌套过深"))
        .note(say!(
            "{brackets} brackets within one another are the most, and {signs} operators or steps in one expression",
            "括号最多嵌套 {brackets} 层，一个表达式中最多有 {signs} 个运算符或步骤"
        ))
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
        .help(say!(
            "write `x in 1..=5`, or join two comparisons by `and`",
            "写成 `x in 1..=5`，或用 `and` 连接两个比较"
        ))
}

/// Returns a piece of the text, cut to what fits on a line.
fn short(written: &str) -> String {
    let line = written.lines().next().unwrap_or("");
    let mut kept: String = line.chars().take(24).collect();
    if kept.len() < written.len() {
        kept.push('…');
    }
    kept
}

pub(crate) fn strange(span: Span, c: char) -> Diagnostic {
    let shown = match c.is_control() {
        true => format!("U+{:04X}", u32::from(c)),
        false => c.to_string(),
    };
    Diagnostic::error("E0002", span, say!("the language does not use `{shown}`", "语言中没有 `{shown}` 这个字符"))
}

pub(crate) fn wide(span: Span, c: char, sign: &str) -> Diagnostic {
    let sign = if sign == " " { "a plain blank" } else { sign };
    let zh = if sign == "a plain blank" { "普通空格" } else { sign };
    Diagnostic::error("E0002", span, say!("`{c}` is not the sign that the language uses", "`{c}` 不是语言所用的符号"))
        .help(say!("write `{sign}`", "写成 `{zh}`"))
}

pub(crate) fn name_with_underscore(span: Span, rest: &str) -> Diagnostic {
    let error = Diagnostic::error("E0027", span, say!("a name begins with a letter", "名称要以字母开头"));
    if rest.is_empty() { error } else { error.help(say!("write `{rest}`", "写成 `{rest}`")) }
}

pub(crate) fn name_with_digit(span: Span, written: &str) -> Diagnostic {
    let written = short(written);
    Diagnostic::error(
        "E0027",
        span,
        say!("`{written}` is no name: names never begin with a digit", "`{written}` 不是名称：名称不能以数字开头"),
    )
}

pub(crate) fn open_string(span: Span) -> Diagnostic {
    Diagnostic::error("E0005", span, say!("this string is not closed", "字符串没有结束"))
        .help(say!("close it with `\"` on the same line", "在同一行用 `\"` 结束"))
}

pub(crate) fn quotes(span: Span, quote: char, inner: &str) -> Diagnostic {
    let inner = short(inner);
    Diagnostic::error(
        "E0025",
        span,
        say!("strings stand in double quotes, not in `{quote}`", "字符串用双引号，不用 `{quote}`"),
    )
    .help(say!("write `\"{inner}\"`", "写成 `\"{inner}\"`"))
}

pub(crate) fn escape(span: Span, written: &str) -> Diagnostic {
    Diagnostic::error("E0006", span, say!("`{written}` is no escape", "`{written}` 不是转义"))
        .help(say!("write `\\\\` for a backslash, or `/` in a path", "反斜杠写成 `\\\\`，路径里用 `/`"))
}

pub(crate) fn placeholder(span: Span, written: &str) -> Diagnostic {
    let written = short(written);
    let brace = if written.starts_with('}') { "}}" } else { "{{" };
    Diagnostic::error("E0006", span, say!("`{written}` is no placeholder", "`{written}` 不是占位符")).help(say!(
        "a placeholder is `{{header}}`; for a plain brace write `{brace}`",
        "占位符写成 `{{header}}`；花括号本身写成 `{brace}`"
    ))
}

pub(crate) fn date(span: Span, written: &str) -> Diagnostic {
    Diagnostic::error("E0011", span, say!("a date stands in quotes", "日期要加引号"))
        .help(say!("write `\"{written}\"`", "写成 `\"{written}\"`"))
}

pub(crate) fn leading_zero(span: Span, written: &str) -> Diagnostic {
    let written = short(written);
    let bare = written.trim_start_matches('0');
    let bare = if bare.starts_with(|c: char| c.is_ascii_digit()) { bare } else { "0" };
    Diagnostic::error("E0011", span, say!("`{written}` has a leading zero", "`{written}` 有前导零")).help(say!(
        "write `{bare}`, or in quotes, `\"{written}\"`, where it is a date or a key",
        "写成 `{bare}`；日期或键要加引号：`\"{written}\"`"
    ))
}

pub(crate) fn unit(span: Span, written: &str, unit: &str) -> Diagnostic {
    let number = written.strip_suffix(unit).unwrap_or(written);
    let meant = match unit {
        "m" | "mins" | "minute" | "minutes" => "min",
        "sec" | "secs" | "second" | "seconds" | "S" => "s",
        "hour" | "hours" | "hr" | "hrs" | "H" => "h",
        "day" | "days" | "D" => "d",
        "fps" | "hz" | "HZ" | "rps" => "Hz",
        "khz" | "KHz" | "KHZ" | "k" | "K" => "kHz",
        "msec" | "millis" | "MS" | "Ms" => "ms",
        _ => "",
    };
    let error = Diagnostic::error("E0012", span, say!("`{unit}` is not a unit", "`{unit}` 不是单位"))
        .note(say!("the units are `ms s min h d Hz kHz`", "单位有 `ms s min h d Hz kHz`"));
    if meant.is_empty() { error } else { error.help(say!("write `{number}{meant}`", "写成 `{number}{meant}`")) }
}

pub(crate) fn no_number(span: Span, written: &str) -> Diagnostic {
    let written = short(written);
    Diagnostic::error("E0013", span, say!("`{written}` is not a number", "`{written}` 不是数字")).note(say!(
        "what begins with a digit is a number, as far as letters and digits run",
        "以数字开头的一串字母和数字都算作一个数"
    ))
}

pub(crate) fn word_for(span: Span, sign: &str, word: &str) -> Diagnostic {
    Diagnostic::error("E0018", span, say!("`{sign}` is written `{word}`", "`{sign}` 要写成 `{word}`"))
}

pub(crate) fn sign_for(span: Span, sign: &str, meant: &str) -> Diagnostic {
    Diagnostic::error("E0025", span, say!("the language has no `{sign}`", "语言中没有 `{sign}`"))
        .help(say!("write `{meant}`", "写成 `{meant}`"))
}

pub(crate) fn changing(span: Span, sign: &str) -> Diagnostic {
    Diagnostic::error(
        "E0025",
        span,
        say!("the language has no `{sign}`: no value changes", "语言中没有 `{sign}`：值不会改变"),
    )
    .help(say!("give the new value a name of its own", "给新值另取一个名称"))
}

pub(crate) fn no_operator(span: Span, sign: &str) -> Diagnostic {
    Diagnostic::error("E0022", span, say!("there is no operator `{sign}`", "没有 `{sign}` 这个运算符")).note(say!(
        "the operators are `+ - * / == != < <= > >= in and or not |>`",
        "运算符有 `+ - * / == != < <= > >= in and or not |>`"
    ))
}

pub(crate) fn comment(span: Span, sign: &str) -> Diagnostic {
    Diagnostic::error(
        "E0025",
        span,
        say!("a comment begins with `#`, not with `{sign}`", "注释以 `#` 开头，不用 `{sign}`"),
    )
}

pub(crate) fn ends_early(span: Span) -> Diagnostic {
    Diagnostic::error("E0001", span, say!("the declaration ends too early", "声明过早结束"))
}

pub(crate) fn unexpected(span: Span, word: &str, frame: Option<&str>) -> Diagnostic {
    let word = short(word);
    let error = Diagnostic::error("E0001", span, say!("`{word}` cannot stand here", "此处不能出现 `{word}`"));
    match frame {
        Some("(") => error.note(say!(
            "between `(` and `)` stand arguments, with commas between them",
            "`(` 与 `)` 之间是参数，以逗号分隔"
        )),
        Some("[") => error.note(say!(
            "between `[` and `]` stand values, with commas between them",
            "`[` 与 `]` 之间是值，以逗号分隔"
        )),
        Some(_) => error.note(say!(
            "a line of a block is `name: type`, `name = value` or a value",
            "块中的一行是 `name: type`、`name = value` 或一个值"
        )),
        None => error,
    }
}

pub(crate) fn unclosed(span: Span, open: &str) -> Diagnostic {
    Diagnostic::error("E0008", span, say!("this `{open}` is not closed", "这个 `{open}` 没有闭合"))
}

pub(crate) fn closes_nothing(span: Span, close: &str) -> Diagnostic {
    Diagnostic::error("E0009", span, say!("this `{close}` closes nothing", "这个 `{close}` 没有与之对应的开括号"))
}

pub(crate) fn closes_other(span: Span, open: Span, close: &str, wanted: &str) -> Diagnostic {
    Diagnostic::error(
        "E0009",
        span,
        say!("`{close}` cannot close this: it takes `{wanted}`", "这里应以 `{wanted}` 闭合，而不是 `{close}`"),
    )
    .also(open, say!("opened here", "在此处打开"))
}

pub(crate) fn no_value(span: Span, sign: &str) -> Diagnostic {
    Diagnostic::error("E0026", span, say!("a value is missing behind `{sign}`", "`{sign}` 之后缺少值"))
}

pub(crate) fn no_stage(span: Span) -> Diagnostic {
    Diagnostic::error("E0029", span, say!("a stage is missing behind `|>`", "`|>` 之后缺少阶段"))
}

pub(crate) fn stage_wanted(span: Span, word: &str) -> Diagnostic {
    let word = short(word);
    Diagnostic::error(
        "E0029",
        span,
        say!("`{word}` is no stage: `|>` takes a stage on its right", "`{word}` 不是阶段：`|>` 的右边要是阶段"),
    )
}

pub(crate) fn no_type(span: Span) -> Diagnostic {
    Diagnostic::error("E0028", span, say!("a type is missing behind `:`", "`:` 之后缺少类型"))
}

pub(crate) fn untyped(span: Span, name: &str) -> Diagnostic {
    let name = short(name);
    Diagnostic::error("E0028", span, say!("the parameter `{name}` has no type", "参数 `{name}` 没有类型"))
        .help(say!("write `{name}: int`, `{name}: col<d, text>`, …", "写成 `{name}: int`、`{name}: col<d, text>` 等"))
}

pub(crate) fn typed_param(span: Span) -> Diagnostic {
    Diagnostic::error("E0001", span, say!("a param states no type: its value tells", "param 不写类型：由它的值决定"))
}

pub(crate) fn no_name(span: Span, sign: &str) -> Diagnostic {
    Diagnostic::error("E0027", span, say!("a name is missing behind `{sign}`", "`{sign}` 之后缺少名称"))
}

pub(crate) fn nameless(span: Span, keyword: &str) -> Diagnostic {
    let form = match keyword {
        "use" => "use \"FILE.mmf\"",
        "def" => "def NAME(…) = …",
        "metric" => "metric NAME = TRAIN on PART { … }",
        _ => "NAME = …",
    };
    let form = if form.starts_with('N') { format!("{keyword} {form}") } else { form.to_string() };
    Diagnostic::error("E0027", span, say!("a name is missing behind `{keyword}`", "`{keyword}` 之后缺少名称"))
        .help(say!("write `{form}`", "写成 `{form}`"))
}

pub(crate) fn no_name_behind(span: Span, keyword: &str) -> Diagnostic {
    Diagnostic::error("E0027", span, say!("behind `{keyword}` stands a name", "`{keyword}` 之后要是名称"))
        .note(say!("a name begins with a letter and stands without quotes", "名称以字母开头，不加引号"))
}

pub(crate) fn reserved(span: Span, word: &str) -> Diagnostic {
    Diagnostic::error(
        "E0024",
        span,
        say!("`{word}` is a word of the language and no name", "`{word}` 是语言的保留词，不能作名称"),
    )
    .note(say!("reserved are `and or not in true false` alone", "保留词只有 `and or not in true false`"))
}

pub(crate) fn operator_first(span: Span, sign: &str) -> Diagnostic {
    Diagnostic::error("E0015", span, say!("a line cannot begin with `{sign}`", "一行不能以 `{sign}` 开头"))
        .help(say!("put `{sign}` at the end of the line before", "把 `{sign}` 放到上一行的末尾"))
}

pub(crate) fn minus_first(span: Span) -> Diagnostic {
    Diagnostic::error("E0015", span, say!("a line of a block cannot begin with `-`", "块中的一行不能以 `-` 开头"))
        .help(say!("put it in parentheses: `(-x)`", "加上括号：`(-x)`"))
}

pub(crate) fn touches(span: Span, before: &str, sign: &str) -> Diagnostic {
    let before = short(before);
    Diagnostic::error(
        "E0014",
        span,
        say!("no blank may stand between `{before}` and `{sign}`", "`{before}` 与 `{sign}` 之间不能有空格"),
    )
    .help(say!("write `{before}{sign}`", "写成 `{before}{sign}`"))
}

pub(crate) fn no_index(span: Span) -> Diagnostic {
    Diagnostic::error("E0022", span, say!("a value has no `[…]`: there is no indexing", "值之后没有 `[…]`：没有下标"))
}

pub(crate) fn half_open(span: Span) -> Diagnostic {
    Diagnostic::error("E0020", span, say!("a range includes both its ends", "区间包含两端"))
        .help(say!("write `a..=b`, or `a..` without an end", "写成 `a..=b`，或不写上限：`a..`"))
}

pub(crate) fn bounds(span: Span) -> Diagnostic {
    Diagnostic::error("E0020", span, say!("the bounds of a range are numbers", "区间的两端是数字"))
}

pub(crate) fn equals(span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0007",
        span,
        say!("a declaration gives its value by `=`, not `==`", "声明用 `=` 给出值，不用 `==`"),
    )
}

pub(crate) fn no_equals(span: Span, name: &str) -> Diagnostic {
    let name = short(name);
    Diagnostic::error("E0007", span, say!("a `=` is missing behind `{name}`", "`{name}` 之后缺少 `=`"))
}

pub(crate) fn compares(span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0019",
        span,
        say!("`=` gives a name a value; it does not compare", "`=` 用来给名称赋值，不用来比较"),
    )
    .help(say!("write `==`", "写成 `==`"))
}

pub(crate) fn colon(span: Span) -> Diagnostic {
    Diagnostic::error("E0021", span, say!("`:` states a type; a value is given by `=`", "`:` 说明类型；给出值用 `=`"))
        .help(say!("write `name = value`", "写成 `name = value`"))
}

pub(crate) fn map(span: Span) -> Diagnostic {
    Diagnostic::error("E0021", span, say!("there are no maps of keys to values", "没有键值映射"))
        .help(say!("write `name = value`, the name without quotes", "写成 `name = value`，名称不加引号"))
}

pub(crate) fn prefix(span: Span, prefix: &str) -> Diagnostic {
    Diagnostic::error(
        "E0025",
        span,
        say!("a string has no prefix: write it without `{prefix}`", "字符串没有前缀：去掉 `{prefix}`"),
    )
    .note(say!("`{{name}}` in a string is the cell under that header", "字符串中的 `{{name}}` 是该表头下的单元格"))
}

pub(crate) fn no_sign(span: Span, name: &str, sign: &str) -> Diagnostic {
    let name = short(name);
    Diagnostic::error("E0010", span, say!("a `{sign}` is missing behind `{name}`", "`{name}` 之后缺少 `{sign}`"))
}

pub(crate) fn no_comma(span: Span, next: &str) -> Diagnostic {
    let next = short(next);
    Diagnostic::error("E0010", span, say!("a comma is missing before `{next}`", "`{next}` 之前缺少逗号"))
}

pub(crate) fn second(span: Span, word: &str) -> Diagnostic {
    let word = short(word);
    Diagnostic::error(
        "E0001",
        span,
        say!("the declaration is complete before `{word}`", "声明到 `{word}` 之前已经完整"),
    )
    .help(say!("begin a new line, or join the two by `|>` or an operator", "另起一行，或用 `|>` 或运算符连接两者"))
}

pub(crate) fn metric(span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0030",
        span,
        say!("a metric says which train it measures, and on which part", "metric 要写明衡量哪个 train、在哪个部分上"),
    )
    .help(say!("write `metric NAME = TRAIN on PARTS.test {{ … }}`", "写成 `metric NAME = TRAIN on PARTS.test {{ … }}`"))
}

pub(crate) fn unknown_keyword(span: Span, word: &str, meant: Option<&str>, near: bool) -> Diagnostic {
    let word = short(word);
    let error = Diagnostic::error("E0003", span, say!("`{word}` begins no declaration", "`{word}` 不是声明的关键词"));
    match meant {
        Some(meant) if near => error.help(say!("did you mean `{meant}`?", "是否想写 `{meant}`？")),
        Some("use") => error.help(say!("write `use \"FILE.mmf\"`", "写成 `use \"FILE.mmf\"`")),
        Some(meant) => error.help(say!("write `{meant}`", "写成 `{meant}`")),
        None => error.note(keywords()),
    }
}

fn keywords() -> crate::diagnostic::Text {
    say!(
        "declarations begin with `use param def source prepare extract fuse train metric experiment`",
        "声明以 `use param def source prepare extract fuse train metric experiment` 开头"
    )
}

pub(crate) fn no_keyword(span: Span, name: &str, literal: bool) -> Diagnostic {
    let name = short(name);
    let error = Diagnostic::error(
        "E0004",
        span,
        say!(
            "`{name}` is given a value, but no keyword says what it is",
            "给 `{name}` 赋了值，但没有关键词说明它是什么"
        ),
    );
    match literal {
        true => error.help(say!("write `param {name} = …`", "写成 `param {name} = …`")),
        false => error.note(keywords()),
    }
}

pub(crate) fn stray(span: Span) -> Diagnostic {
    Diagnostic::error("E0004", span, say!("this declares nothing", "这里没有声明任何东西")).note(keywords())
}

pub(crate) fn use_placeholder(span: Span) -> Diagnostic {
    Diagnostic::error("E0006", span, say!("the path behind `use` has no placeholders", "`use` 的路径中没有占位符"))
}

pub(crate) fn use_path(span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0026",
        span,
        say!("behind `use` stands a file's path in quotes", "`use` 之后是加引号的文件路径"),
    )
    .help(say!("write `use \"FILE.mmf\"`", "写成 `use \"FILE.mmf\"`"))
}

pub(crate) fn mixed(span: Span, block: Span, column: bool) -> Diagnostic {
    let error = match column {
        true => say!("this line states a type among lines that give values", "这一行说明类型，而块中其他行给出值"),
        false => say!("this line gives a value among lines that state types", "这一行给出值，而块中其他行说明类型"),
    };
    let error = Diagnostic::error("E0032", span, error).also(block, say!("in this block", "在这个块中"));
    match column {
        true => error.help(say!("write `name = value`", "写成 `name = value`")),
        false => error.help(say!("write `name: type`", "写成 `name: type`")),
    }
}

pub(crate) fn question(span: Span) -> Diagnostic {
    Diagnostic::error("E0001", span, say!("`?` stands once, at the end of a type", "`?` 只在类型末尾出现一次"))
}

pub(crate) fn lone_comma(span: Span) -> Diagnostic {
    Diagnostic::error("E0026", span, say!("nothing stands before this comma", "这个逗号之前没有内容"))
}

pub(crate) fn default(span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0001",
        span,
        say!(
            "a parameter's default is a number, a string, `true` or `false`",
            "参数的默认值是数字、字符串、`true` 或 `false`"
        ),
    )
}

pub(crate) fn list_wanted(span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0001",
        span,
        say!("a comma cannot stand here: a declaration has one value", "此处不能出现逗号：一个声明只有一个值"),
    )
    .help(say!("write a list as `[a, b]`", "列表写成 `[a, b]`"))
}

pub(crate) fn in_set(span: Span) -> Diagnostic {
    Diagnostic::error("E0020", span, say!("behind `in` stands a range or a list", "`in` 之后是区间或列表"))
        .help(say!("write `in 1..=5`, or `in [\"a\", \"b\"]`", "写成 `in 1..=5` 或 `in [\"a\", \"b\"]`"))
}

pub(crate) fn no_open(span: Span) -> Diagnostic {
    Diagnostic::error("E0008", span, say!("a `{{` is missing at the end of this line", "这一行末尾缺少 `{{`"))
}

pub(crate) fn two_names(span: Span, first: &str) -> Diagnostic {
    let first = short(first);
    Diagnostic::error("E0001", span, say!("one name too many stands here", "这里多了一个名称"))
        .help(say!("take out `{first}`, if it is not the name", "如果 `{first}` 不是名称，请去掉它"))
}

pub(crate) fn no_name_before(span: Span, sign: &str) -> Diagnostic {
    Diagnostic::error("E0027", span, say!("a name is missing before `{sign}`", "`{sign}` 之前缺少名称"))
}
