//! Numbers with units and separators, as people write them.

use std::collections::BTreeMap;

use mmf_data::error::{Error, Result};
use mmf_lang::say;

/// Returns the half-wide form of a full-wide sign, and one form of dashes, apostrophes and blanks.
pub(super) fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '￥' => '¥',
        '￡' => '£',
        '\u{2212}' | '\u{2012}'..='\u{2015}' => '-',
        '\u{2018}' | '\u{2019}' => '\'',
        '。' => '.',
        '、' => ',',
        c if c.is_whitespace() => ' ',
        c => c,
    }
}

/// A unit: what it measures, and how many of the kind's own unit it is.
#[derive(Clone, Debug, PartialEq)]
struct Unit {
    /// The unit's own name where it is of no known kind.
    kind: String,
    size: f64,
}

/// What a cell says.
#[derive(Clone, Debug, PartialEq)]
struct Said<'t> {
    number: f64,
    unit: Option<(&'t str, Unit)>,
}

/// Kinds of units, each with its units' sizes; those with capitals come before the same letters without.
const UNITS: &[(&str, &[(&str, f64)])] = &[
    (
        "length",
        &[
            ("mm 毫米", 1e-3),
            ("cm 厘米", 1e-2),
            ("dm 分米", 1e-1),
            ("m meter meters metre metres 米", 1.0),
            ("km kilometer kilometers 公里 千米", 1e3),
            ("in inch inches \"", 0.0254),
            ("ft foot feet 英尺", 0.3048),
            ("yd yard yards", 0.9144),
            ("mi mile miles 英里", 1609.344),
            ("里", 500.0),
        ],
    ),
    (
        "mass",
        &[
            ("mg 毫克", 1e-6),
            ("g gram grams gr 克", 1e-3),
            ("kg kilo kilos kilogram kilograms 千克 公斤", 1.0),
            ("t ton tons tonne tonnes 吨", 1e3),
            ("oz ounce ounces 盎司", 0.028_349_523_125),
            ("lb lbs pound pounds 磅", 0.453_592_37),
            ("斤", 0.5),
        ],
    ),
    (
        "time",
        &[
            ("ms 毫秒", 1e-3),
            ("s sec secs second seconds 秒 秒钟", 1.0),
            ("min mins minute minutes 分 分钟", 60.0),
            ("h hr hrs hour hours 时 小时", 3600.0),
            ("d day days 天 日", 86_400.0),
        ],
    ),
    ("volume", &[("ml 毫升", 1e-3), ("cl", 1e-2), ("dl", 1e-1), ("l liter liters litre litres 升", 1.0)]),
    (
        "data",
        &[
            ("B byte bytes 字节", 1.0),
            ("KB kB", 1e3),
            ("MB", 1e6),
            ("GB", 1e9),
            ("TB", 1e12),
            ("KiB", 1024.0),
            ("MiB", 1_048_576.0),
            ("GiB", 1_073_741_824.0),
        ],
    ),
    ("rate", &[("Hz", 1.0), ("kHz", 1e3), ("MHz", 1e6), ("GHz", 1e9)]),
    ("dollars", &[("$ us$ usd dollar dollars 美元", 1.0)]),
    ("euros", &[("€ eur euro euros 欧元", 1.0)]),
    ("pounds", &[("£ gbp 英镑", 1.0)]),
    ("yuan", &[("¥ cny rmb yuan 元 人民币 块 块钱", 1.0)]),
    ("yen", &[("jpy yen 日元", 1.0)]),
    ("rupees", &[("₹ inr rs rs. rupees", 1.0)]),
    ("rubles", &[("₽ rub 卢布", 1.0)]),
];

/// Words that multiply, the longest first.
const TIMES: &[(&str, f64)] = &[
    ("thousand", 1e3),
    ("million", 1e6),
    ("billion", 1e9),
    ("千万", 1e7),
    ("百万", 1e6),
    ("十亿", 1e9),
    ("mln", 1e6),
    ("bn", 1e9),
    ("k", 1e3),
    ("K", 1e3),
    ("M", 1e6),
    ("%", 1e-2),
    ("‰", 1e-3),
    ("百", 1e2),
    ("千", 1e3),
    ("万", 1e4),
    ("亿", 1e8),
];

/// Reads a column's cells: in the unit that is named, or else in the one that all share.
///
/// Fails with `E1024` where cells without a named unit are in different ones.
pub(super) fn read(column: &str, cells: &[Option<&str>], unit: Option<&str>, comma: bool) -> Result<Vec<Option<f64>>> {
    let narrowed: Vec<Option<String>> =
        cells.iter().map(|c| c.map(|text| text.chars().map(narrow).collect())).collect();
    let said: Vec<Option<Said>> = narrowed.iter().map(|c| c.as_ref().and_then(|text| say(text, comma))).collect();
    let Some(name) = unit else {
        let mut units: BTreeMap<&str, (&Unit, usize)> = BTreeMap::new();
        for (at, (name, unit)) in said.iter().enumerate().filter_map(|(at, s)| Some((at, s.as_ref()?.unit.as_ref()?))) {
            if !units.values().any(|(known, _)| *known == unit) {
                units.insert(name, (unit, at));
            }
        }
        let mut units: Vec<(&str, usize)> = units.into_iter().map(|(name, (_, at))| (name, at + 1)).collect();
        units.sort_by_key(|(_, row)| *row);
        if let [(one, first), (other, second), ..] = units[..] {
            return Err(Error::new(
                "E1024",
                say!(
                    "`{column}` is in more than one unit: `{one}` in row {first}, `{other}` in row {second}",
                    "`{column}` 的单位不一：第 {first} 行为 `{one}`，第 {second} 行为 `{other}`"
                ),
            )
            .help(say!("say which to convert to: `unit = \"{one}\"`", "请指明换算到哪个单位：`unit = \"{one}\"`")));
        }
        return Ok(said.into_iter().map(|s| s.map(|s| s.number)).collect());
    };
    let name: String = name.trim().chars().map(narrow).collect();
    let wanted = unit_of(&name);
    let convert = |said: Said| match said.unit {
        None => Some(said.number),
        Some((_, unit)) if unit.kind == wanted.kind && unit.size == wanted.size => Some(said.number),
        Some((_, unit)) => (unit.kind == wanted.kind).then_some(said.number * unit.size / wanted.size),
    };
    Ok(said.into_iter().map(|s| s.and_then(convert).filter(|x| x.is_finite())).collect())
}

fn unit_of(name: &str) -> Unit {
    let lower = name.to_lowercase();
    let find = |wanted: &str| {
        UNITS.iter().find_map(|(kind, units)| {
            let size = units.iter().find(|(names, _)| names.split(' ').any(|n| n == wanted))?.1;
            Some(Unit { kind: kind.to_string(), size })
        })
    };
    find(name).or_else(|| find(&lower)).unwrap_or(Unit { kind: lower, size: 1.0 })
}

/// Reads a cell; `None` where it holds no number, or more than one.
fn say(text: &str, comma: bool) -> Option<Said<'_>> {
    let mut text = text.trim();
    let mut sign = 1.0;
    // (1,200): as bookkeepers write what is owed.
    if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        (text, sign) = (inner.trim(), -1.0);
    }
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let start = if text[..start].ends_with(['.', ',']) { start - 1 } else { start };
    let (mut before, rest) = text.split_at(start);
    before = before.trim_start_matches(['~', '≈', '约']).trim();
    for (mark, factor) in [('-', -1.0), ('+', 1.0)] {
        // Before or behind the currency: -$5, $-5.
        if let Some(other) = before.strip_prefix(mark).or_else(|| before.strip_suffix(mark)) {
            (before, sign) = (other.trim(), sign * factor);
            break;
        }
    }
    let (digits, rest) = rest.split_at(length(rest));
    // `€ 1.299,-`: the sign before the cents that are not there tells as much.
    let comma = (comma || rest.starts_with(",-")) && !rest.starts_with(".-");
    let mut number = plain(digits.trim(), comma)?;
    let (power, rest) = exponent(rest);
    number *= 10f64.powi(power);
    let mut rest = rest.trim().trim_start_matches(",-").trim_start_matches(".-").trim();
    if let Some((word, times)) = TIMES.iter().find(|(word, _)| multiplies(rest, word)) {
        number *= times;
        rest = rest[word.len()..].trim();
    }
    let rest = rest.trim_end_matches('.');
    if rest.chars().any(|c| c.is_ascii_digit()) {
        return None;
    }
    let unit = match (before, rest) {
        ("", "") => None,
        (one, "") | ("", one) => Some((one, unit_of(one))),
        _ => return None,
    };
    let odd = |c: char| !(c.is_alphabetic() || "$€£¥₹₽\" '/.²³°µ".contains(c));
    if unit.as_ref().is_some_and(|(name, _)| name.chars().any(odd)) {
        return None;
    }
    let number = sign * number;
    number.is_finite().then_some(Said { number, unit })
}

/// Returns whether a word that multiplies stands first: `3.5k`, `3.5 k€`, `12万元`, but not `3 km` or `5 kg`.
fn multiplies(rest: &str, word: &str) -> bool {
    let Some(behind) = rest.strip_prefix(word) else { return false };
    let is_latin = word.chars().all(|c| c.is_ascii_alphabetic());
    !(is_latin && behind.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// Returns how far a number reaches: digits, and separators between digits.
fn length(text: &str) -> usize {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let digit = |at: usize| chars.get(at).is_some_and(|(_, c)| c.is_ascii_digit());
    let mut at = 0;
    while let Some(&(place, c)) = chars.get(at) {
        let inside = match c {
            c if c.is_ascii_digit() => true,
            '.' | ',' | '\'' | '_' => digit(at + 1),
            // A blank is a separator only before a group of three.
            ' ' => at > 0 && digit(at + 1) && digit(at + 2) && digit(at + 3) && !digit(at + 4),
            _ => false,
        };
        if !inside {
            return place;
        }
        at += 1;
    }
    text.len()
}

/// Reads `e5`, `E-3` behind a number.
fn exponent(rest: &str) -> (i32, &str) {
    let Some(behind) = rest.strip_prefix(['e', 'E']) else { return (0, rest) };
    let end = behind.char_indices().find(|(at, c)| !(c.is_ascii_digit() || (*at == 0 && "+-".contains(*c))));
    let (power, behind) = behind.split_at(end.map_or(behind.len(), |(at, _)| at));
    power.parse().map_or((0, rest), |power| (power, behind))
}

/// Reads digits and separators.
fn plain(digits: &str, comma: bool) -> Option<f64> {
    let count = |sign: char| digits.matches(sign).count();
    let (points, commas) = (count('.'), count(','));
    // The sign before the fraction: of both, the one that comes last and once; of one, by its place.
    let decimal = match (points, commas) {
        (0, 0) => None,
        (_, 1) if points > 0 && digits.rfind(',') > digits.rfind('.') => Some(','),
        (1, _) if commas > 0 && digits.rfind('.') > digits.rfind(',') => Some('.'),
        (1, 0) => (!comma || !is_grouped(digits, '.')).then_some('.'),
        (0, 1) => (comma || !is_grouped(digits, ',')).then_some(','),
        _ => None,
    };
    let (whole, fraction) = match decimal.and_then(|sign| digits.split_once(sign)) {
        Some((whole, fraction)) => (whole, fraction),
        None => (digits, ""),
    };
    let separators: Vec<char> = whole.chars().filter(|c| !c.is_ascii_digit()).collect();
    if let Some(&sign) = separators.first()
        && (separators.iter().any(|s| *s != sign) || !is_grouped(whole, sign))
    {
        return None;
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    if !fraction.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    format!("0{whole}.{fraction}0").parse().ok()
}

/// Returns whether a sign cuts digits into groups of three, the first of one to three and no zero.
fn is_grouped(digits: &str, sign: char) -> bool {
    let mut groups = digits.split(sign);
    let first = groups.next().unwrap_or_default();
    (1..=3).contains(&first.len()) && first.starts_with(|c: char| c != '0') && groups.all(|group| group.len() == 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str, comma: bool) -> Option<f64> {
        read("x", &[Some(text)], None, comma).unwrap()[0]
    }

    #[test]
    fn separators_and_signs_are_told_apart() {
        for (text, number) in [
            ("1299", 1299.0),
            ("1,299", 1299.0),
            ("1,299.50", 1299.5),
            ("1.299,50", 1299.5),
            ("1 299,5", 1299.5),
            ("1\u{a0}299\u{a0}000", 1_299_000.0),
            ("1'299.5", 1299.5),
            ("1_000", 1000.0),
            ("12,5", 12.5),
            ("0,125", 0.125),
            ("1.234", 1.234),
            ("1.234.567", 1_234_567.0),
            (".5", 0.5),
            ("-3", -3.0),
            ("−3.5", -3.5),
            ("(1,200)", -1200.0),
            ("1e5", 1e5),
            ("2.5E-3 kg", 0.0025),
            ("１２３．５", 123.5),
            ("007", 7.0),
        ] {
            assert_eq!(one(text, false), Some(number), "{text}");
        }
        assert_eq!((one("1.234", true), one("1,234", true), one("1,5", true)), (Some(1234.0), Some(1.234), Some(1.5)));
    }

    #[test]
    fn units_and_words_that_multiply_are_read() {
        for (text, number) in [
            ("$1,299", 1299.0),
            ("-$5", -5.0),
            ("US$ 5", 5.0),
            ("€ 1.299,-", 1299.0),
            ("3.5万元", 35_000.0),
            ("￥1.2亿", 1.2e8),
            ("12k", 12_000.0),
            ("1.5M", 1.5e6),
            ("2 million", 2e6),
            ("95%", 0.95),
            ("5 m", 5.0),
            ("5 km/h", 5.0),
            ("约3斤", 3.0),
            ("3 kg.", 3.0),
        ] {
            assert!((one(text, false).unwrap() - number).abs() < 1e-9 * number.abs(), "{text}");
        }
        let cells = ["1.5 kg", "250 g", "2 lb", "3斤", "4", "5 km"].map(Some);
        let found = read("x", &cells, Some("g"), false).unwrap();
        for (found, expected) in found.iter().zip([1500.0, 250.0, 907.18474, 1500.0, 4.0]) {
            assert!((found.unwrap() - expected).abs() < 1e-9 * expected, "{found:?}");
        }
        assert_eq!(found[5], None);
    }

    #[test]
    fn what_is_no_number_is_not_guessed() {
        for text in
            ["", "n/a", "abc", "1-2", "3 x 4", "12:30", "1,23,456", "1.2.3", "5 kg 3 g", "$5 kg", "#5", "1,2345.6"]
        {
            assert_eq!(one(text, false), None, "{text}");
        }
    }

    #[test]
    fn cells_in_different_units_are_refused() {
        let error = read("weight", &[Some("1 kg"), None, Some("2 kilos"), Some("5 g")], None, false).unwrap_err();
        let message = "`weight` is in more than one unit: `kg` in row 1, `g` in row 4";
        assert_eq!((error.code, error.message.en.as_str()), ("E1024", message));
        assert_eq!(
            read("w", &[Some("1 kg"), Some("2 KG"), Some("3")], None, false).unwrap(),
            [1.0, 2.0, 3.0].map(Some)
        );
    }
}
