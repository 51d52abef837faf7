//! From what the grammar has matched to the tree: numbers, sizes and strings.

use super::build::{Builder, normal};
use super::message;
use super::parser::Rule;
use super::tree::*;
use pest::iterators::Pair;

const UNITS: [(&str, Unit); 7] = [
    ("ms", Unit::Millisecond),
    ("min", Unit::Minute),
    ("kHz", Unit::Kilohertz),
    ("Hz", Unit::Hertz),
    ("s", Unit::Second),
    ("h", Unit::Hour),
    ("d", Unit::Day),
];

pub(crate) fn number(builder: &mut Builder, pair: Pair<Rule>) -> ExprKind {
    let written = pair.as_str();
    let percent = written.ends_with('%');
    let unit = UNITS.iter().find(|(word, _)| written.ends_with(word));
    let digits = unit.map_or(written, |(word, _)| &written[..written.len() - word.len()]);
    let digits = digits.trim_end_matches('%').replace('_', "");
    // Read in one step, so that `33.3%` is the same number as `0.333`.
    let value: f64 = match (percent, digits.contains(['e', 'E'])) {
        (true, false) => format!("{digits}e-2").parse(),
        _ => digits.parse(),
    }
    .unwrap_or(f64::INFINITY);
    let value = if percent && digits.contains(['e', 'E']) { value / 100.0 } else { value };
    if !value.is_finite() {
        builder.errors.push(message::too_large(builder.span(&pair)));
        return ExprKind::Broken;
    }
    let integer = if percent { None } else { digits.parse::<i64>().ok() };
    ExprKind::Number(Number { value, integer, unit: unit.map(|(_, unit)| *unit), percent })
}

pub(crate) fn size(builder: &mut Builder, pair: Pair<Rule>) -> ExprKind {
    let sides: Result<Vec<u64>, _> =
        pair.as_str().split('x').map(|side| side.replace('_', "").parse::<u64>()).collect();
    match sides {
        Ok(sides) => ExprKind::Size(sides),
        Err(_) => {
            builder.errors.push(message::too_large(builder.span(&pair)));
            ExprKind::Broken
        }
    }
}

/// Reads an integer; one that does not fit is reported and taken for 1.
pub(crate) fn whole(builder: &mut Builder, pair: &Pair<Rule>) -> u64 {
    pair.as_str().replace('_', "").parse().unwrap_or_else(|_| {
        builder.errors.push(message::too_large(builder.span(pair)));
        1
    })
}

/// Reads a string; neighbouring text is one part, and an empty string has no parts.
pub(crate) fn template(builder: &mut Builder, pair: Pair<Rule>) -> Template {
    let mut parts = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::hole => {
                let header = part.into_inner().next().expect("a placeholder has a name");
                parts.push(TemplatePart::Hole(Name { text: normal(header.as_str()), span: builder.span(&header) }));
            }
            _ => parts.push(TemplatePart::Text(unescape(part.as_str()))),
        }
    }
    Template { parts }
}

/// Returns a string as it was written, for the few places that take no placeholder and yet got one.
pub(crate) fn written(template: &Template) -> String {
    let part = |part: &TemplatePart| match part {
        TemplatePart::Text(text) => text.clone(),
        TemplatePart::Hole(name) => format!("{{{}}}", name.text),
    };
    template.parts.iter().map(part).collect()
}

fn unescape(written: &str) -> String {
    let mut text = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(c) = rest.chars().next() {
        let (character, length) = match c {
            '{' | '}' => (c, 2),
            '\\' => match rest[1..].chars().next() {
                Some('n') => ('\n', 2),
                Some('t') => ('\t', 2),
                Some('r') => ('\r', 2),
                Some('u') => {
                    let code = rest[3..].split('}').next().unwrap_or("");
                    let code = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
                    (code.unwrap_or(char::REPLACEMENT_CHARACTER), rest.find('}').map_or(rest.len(), |i| i + 1))
                }
                Some(other) => (other, 1 + other.len_utf8()),
                None => ('\\', 1),
            },
            _ => (c, c.len_utf8()),
        };
        text.push(character);
        rest = &rest[length..];
    }
    text
}

/// What is wrong with a piece that begins with a digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadNumber<'t> {
    LeadingZero,
    Unit(&'t str),
    Other,
}

/// Returns what is wrong with a number as written; `None` if it is one, or a size.
pub(crate) fn fault(written: &str) -> Option<BadNumber<'_>> {
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let integer = |s: &str| -> Option<usize> {
        let end = s.bytes().take_while(|b| b.is_ascii_digit() || *b == b'_').count();
        (end > 0 && !s[..end].ends_with('_') && !s[..end].contains("__")).then_some(end)
    };
    let Some(first) = integer(written) else { return Some(BadNumber::Other) };
    if first > 1 && written.starts_with('0') {
        return Some(BadNumber::LeadingZero);
    }
    let mut rest = &written[first..];
    // A size.
    let mut sides = rest;
    while let Some(side) = sides.strip_prefix('x') {
        let Some(length) = integer(side) else { break };
        if length > 1 && side.starts_with('0') {
            return Some(BadNumber::LeadingZero);
        }
        sides = &side[length..];
    }
    if sides.is_empty() {
        return None;
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = &fraction[digits(fraction)..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        match digits(unsigned) {
            0 => {}
            length => rest = &unsigned[length..],
        }
    }
    match rest {
        "" | "%" => None,
        _ if UNITS.iter().any(|(word, _)| *word == rest) => None,
        _ if rest.chars().all(char::is_alphabetic) => Some(BadNumber::Unit(rest)),
        _ => Some(BadNumber::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_what_only_begins_like_one() {
        for good in
            ["0", "10", "10_000", "1.5", "1e-3", "1.5e3ms", "224x224", "7x7x3", "80%", "16kHz", "0.5", "0s", "30d"]
        {
            assert_eq!(fault(good), None, "{good}");
        }
        assert_eq!(fault("007"), Some(BadNumber::LeadingZero));
        assert_eq!(fault("3x07"), Some(BadNumber::LeadingZero));
        assert_eq!(fault("5m"), Some(BadNumber::Unit("m")));
        assert_eq!(fault("25fps"), Some(BadNumber::Unit("fps")));
        assert_eq!(fault("3x"), Some(BadNumber::Unit("x")));
        assert_eq!(fault("1.2.3"), Some(BadNumber::Other));
        assert_eq!(fault("1_"), Some(BadNumber::Other));
        assert_eq!(fault("5ms2"), Some(BadNumber::Other));
    }

    #[test]
    fn escapes_and_braces_are_undone() {
        assert_eq!(unescape("a\\tb\\n\\\"\\\\{{x}}\\u{6807}"), "a\tb\n\"\\{x}标");
    }
}
