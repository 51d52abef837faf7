//! What the text of a cell means, by the type of its column.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use mmf_lang::args::TimeFormat;

/// Reads a whole number; `5.0` is one, since many programs write whole numbers with holes so.
pub(crate) fn int(cell: &str) -> Option<i64> {
    let cell = cell.trim();
    if let Ok(n) = cell.parse() {
        return Some(n);
    }
    let x = float(cell)?;
    // 2⁵³: beyond it not every whole number is a float.
    (x.fract() == 0.0 && x.abs() <= 9_007_199_254_740_992.0).then_some(x as i64)
}

/// Reads a finite number.
pub(crate) fn float(cell: &str) -> Option<f64> {
    cell.trim().parse().ok().filter(|x: &f64| x.is_finite())
}

/// Reads 0/1, yes/no, true/false, in any case.
pub(crate) fn bool(cell: &str) -> Option<bool> {
    let cell = cell.trim();
    let is = |words: [&str; 4]| words.iter().any(|w| cell.eq_ignore_ascii_case(w));
    if is(["1", "yes", "true", "1.0"]) {
        Some(true)
    } else if is(["0", "no", "false", "0.0"]) {
        Some(false)
    } else {
        None
    }
}

/// Reads a time as microseconds since 1970, UTC. What names no zone is UTC.
pub(crate) fn time(cell: &str, format: &TimeFormat) -> Option<i64> {
    let cell = cell.trim();
    match format {
        TimeFormat::Unix => match cell.parse::<i64>() {
            Ok(seconds) => seconds.checked_mul(1_000_000),
            Err(_) => {
                let micros = (float(cell)? * 1e6).round();
                (micros.abs() < 9.0e18).then_some(micros as i64)
            }
        },
        TimeFormat::Iso => iso(cell),
        TimeFormat::Pattern(pattern) => parse(cell, pattern),
    }
}

fn iso(cell: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(cell) {
        return Some(time.timestamp_micros());
    }
    [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d",
        "%Y-%m-%d %H:%M:%S%.f%#z",
        "%Y-%m-%dT%H:%M:%S%.f%#z",
    ]
    .iter()
    .find_map(|pattern| parse(cell, pattern))
}

fn parse(cell: &str, pattern: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_str(cell, pattern) {
        return Some(time.timestamp_micros());
    }
    if let Ok(time) = NaiveDateTime::parse_from_str(cell, pattern) {
        return Some(time.and_utc().timestamp_micros());
    }
    let date = NaiveDate::parse_from_str(cell, pattern).ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
}

/// Reads finite numbers between blanks, commas, semicolons or brackets, and adds them; returns how many there were.
pub(crate) fn numbers(cell: &str, into: &mut Vec<f32>) -> Option<usize> {
    let before = into.len();
    let apart = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '[' | ']' | '(' | ')');
    for part in cell.split(apart).filter(|p| !p.is_empty()) {
        match part.parse::<f32>() {
            Ok(x) if x.is_finite() => into.push(x),
            _ => {
                into.truncate(before);
                return None;
            }
        }
    }
    Some(into.len() - before)
}

/// Reads a list of lists of numbers, all equally long, as JSON: the steps of a sequence.
pub(crate) fn steps(cell: &str) -> Option<Vec<Vec<f32>>> {
    let steps: Vec<Vec<f32>> = serde_json::from_str(cell).ok()?;
    let width = steps.first().map_or(0, Vec::len);
    steps.iter().all(|s| s.len() == width && s.iter().all(|x| x.is_finite())).then_some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite() {
        assert_eq!(
            [int("5"), int(" -5.0 "), int("5.5"), int("many"), int("1e30")],
            [Some(5), Some(-5), None, None, None]
        );
        assert_eq!([float("1e3"), float("NaN"), float("inf"), float("1e999")], [Some(1000.0), None, None, None]);
        assert_eq!([bool("Yes"), bool("FALSE"), bool("2")], [Some(true), Some(false), None]);
    }

    #[test]
    fn times_are_microseconds_in_utc() {
        // date -u -d '2022-01-01 12:30:00' +%s
        let noon = 1_641_040_200_000_000;
        assert_eq!(time("1641040200", &TimeFormat::Unix), Some(noon));
        assert_eq!(time("1641040200.5", &TimeFormat::Unix), Some(noon + 500_000));
        for cell in [
            "2022-01-01T12:30:00Z",
            "2022-01-01 12:30",
            "2022-01-01T13:30:00+01:00",
            "2022-01-01 12:30:00.000",
            "2022-01-01 13:30:00+01",
        ] {
            assert_eq!(time(cell, &TimeFormat::Iso), Some(noon), "{cell}");
        }
        let pattern = TimeFormat::Pattern("%d.%m.%Y".into());
        assert_eq!(time("01.01.2022", &pattern), Some(1_640_995_200_000_000));
        assert_eq!(time("2022-01-01", &pattern), None);
        assert_eq!(time("x", &TimeFormat::Pattern("%Q%".into())), None);
    }

    #[test]
    fn vectors_are_read_in_every_common_dress() {
        for cell in ["[1, 2.5, -3]", "1 2.5 -3", "1;2.5;-3", "(1,2.5,-3)"] {
            let mut into = Vec::new();
            assert_eq!(numbers(cell, &mut into), Some(3), "{cell}");
            assert_eq!(into, [1.0, 2.5, -3.0]);
        }
        assert_eq!(numbers("1 x", &mut Vec::new()), None);
        assert_eq!(steps("[[1,2],[3,4]]"), Some(vec![vec![1.0, 2.0], vec![3.0, 4.0]]));
        assert_eq!(steps("[[1,2],[3]]"), None);
    }
}
