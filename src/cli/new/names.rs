//! Names for what files call otherwise.

use mmf_lang::span::FileId;
use mmf_lang::syntax::parser::parse;

/// Returns whether a text can stand as a name.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || !c.is_ascii()) && {
        let (file, errors) = parse(FileId(0), &format!("param {text} = 1"));
        errors.is_empty() && file.declarations.first().and_then(|d| d.kind.name()).is_some_and(|n| n.text == text)
    }
}

/// Returns a name near to a text, which is not among those `taken`, and takes it.
pub(super) fn name(text: &str, other: &str, taken: &mut Vec<String>) -> String {
    let letters = |c: char| if c.is_alphanumeric() { c } else { '_' };
    let plain: String = text.trim().chars().map(letters).collect();
    let mut words: Vec<&str> = plain.split('_').filter(|w| !w.is_empty()).collect();
    let joined = if is_name(text) { text.to_string() } else { words.join("_").to_lowercase() };
    words.insert(0, other);
    let near = [joined.clone(), format!("{joined}_"), words.join("_").to_lowercase(), other.to_string()];
    let near = near.into_iter().find(|n| is_name(n)).unwrap_or_else(|| other.to_string());
    let numbered = (2..).map(|n| format!("{near}_{n}"));
    let free = std::iter::once(near.clone()).chain(numbered).find(|n| !taken.contains(n)).unwrap_or(near);
    taken.push(free.clone());
    free
}

/// Returns a string as the language writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '{' | '}' => out.extend([c, c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Returns whether a header can stand in the braces of a path.
pub(super) fn stands_in_braces(header: &str) -> bool {
    is_name(header) || is_name(&format!("x{header}")) && header.starts_with('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_gets_a_name_of_its_own() {
        let mut taken = Vec::new();
        let headers = ["price", "Item Id", "价格", "3d", "in", "", "item id", "a\"b", "π!"];
        let names: Vec<String> = headers.iter().map(|h| name(h, "column", &mut taken)).collect();
        assert_eq!(names, ["price", "item_id", "价格", "column_3d", "in_", "column", "item_id_2", "a_b", "π"]);
        assert!(names.iter().all(|n| is_name(n)));
    }

    #[test]
    fn strings_are_written_so_that_they_are_read() {
        assert_eq!(quoted("a{b}\"\\"), r#""a{{b}}\"\\""#);
    }
}
