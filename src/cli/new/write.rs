//! The pipeline as text: its sources, and an experiment where one suggests itself. The formatter of the language lays it out.

use mmf_lang::args::TimeFormat;
use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use mmf_lang::types::Language;

use super::names::quoted;
use super::plan::{Line, Read, Source, Type};
use super::table::Kind;
use crate::report::Speech;
use crate::report::words::count;

/// Returns the declarations of the sources, with what was seen as comments.
pub(super) fn sources(s: Speech, all: &[Source], unread: &[(String, Text)]) -> String {
    let mut out = String::new();
    for (path, why) in unread {
        let why = (&why.en, &why.zh);
        let (en, zh) = why;
        out.push_str(&comment(&s.say(say!("Left out: {path}, which {en}.", "未采用：{path}，{zh}。"))));
    }
    if !unread.is_empty() {
        out.push('\n');
    }
    for source in all {
        let rows = count(source.rows);
        out.push_str(&comment(&s.say(say!("{rows} rows.", "{rows} 行。"))));
        out.push_str(&format!("source {} = {} {{\n", source.name, call(&source.read)));
        for line in &source.lines {
            let seen = line.seen.clone().map(|seen| format!("  # {}", plain(&s.say(seen)))).unwrap_or_default();
            out.push_str(&format!("    {}: {}{seen}\n", line.name, ty(line, all)));
        }
        for (header, why) in &source.left {
            let why = s.say(why.clone());
            out.push_str(&format!(
                "    {}",
                comment(&s.say(say!("left out: `{header}`, {why}", "未采用：`{header}`，{why}")))
            ));
        }
        out.push_str("}\n\n");
    }
    out
}

/// Returns a line of comment.
pub(super) fn comment(text: &str) -> String {
    format!("# {}\n", plain(text))
}

/// Returns a text on one line.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn call(read: &Read) -> String {
    match read {
        Read::Table { path, separator, missing } => {
            let mut args = vec![quoted(path)];
            args.extend(separator.map(|c| format!("separator = {}", quoted(&c.to_string()))));
            if !missing.is_empty() {
                let cells: Vec<String> = missing.iter().map(|m| quoted(m)).collect();
                args.push(format!("missing = [{}]", cells.join(", ")));
            }
            format!("table({})", args.join(", "))
        }
        Read::Numpy { path, keys } => {
            let keys = keys.as_ref().map_or("row_number".to_string(), |file| quoted(file));
            format!("numpy({}, keys = {keys})", quoted(path))
        }
    }
}

fn ty(line: &Line, all: &[Source]) -> String {
    let mut args: Vec<String> = Vec::new();
    let word = match &line.ty {
        Type::Key => "key",
        Type::KeyOf(to) => {
            args.push(all[*to].name.clone());
            "key"
        }
        Type::Ref(to) => {
            args.push(all[*to].name.clone());
            "ref"
        }
        Type::Image(path) => {
            args.push(format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"")));
            "image"
        }
        Type::TextFile(language, path) => {
            args.push(format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"")));
            args.push(format!("language = {}", word(*language)));
            "text"
        }
        Type::Plain(kind) => match kind {
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Bool => "bool",
            Kind::Category => "category",
            Kind::Vector(_) => "vector",
            Kind::Text(language) => {
                args.push(format!("language = {}", word(*language)));
                "text"
            }
            Kind::Time(format) => {
                args.push(match format {
                    TimeFormat::Unix => "unix".into(),
                    TimeFormat::Iso => "iso".into(),
                    TimeFormat::Pattern(pattern) => quoted(pattern),
                });
                "time"
            }
        },
    };
    args.extend(line.header.as_ref().map(|header| format!("column = {}", quoted(header))));
    let size = match &line.ty {
        Type::Plain(Kind::Vector(width)) => format!("[{width}]"),
        _ => String::new(),
    };
    let args = if args.is_empty() { String::new() } else { format!("({})", args.join(", ")) };
    format!("{word}{size}{args}{}", if line.missing { "?" } else { "" })
}

fn word(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::Chinese => "zh",
        Language::Detect => "detect",
    }
}
