//! Dates as people write them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::numbers::narrow;

/// A piece of a date: digits, letters in lower case, or another character (blanks count as one).
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Number(String),
    Word(String),
    Sign(char),
}

/// Returns microseconds since 1970, UTC; `None` where the text is no date, or not a whole one.
///
/// A year has four digits. A single date of 8 digits is year, month, day. Of two small numbers the day is the first, where
/// `day_first` says so and neither is larger than 12.
pub(super) fn read(text: &str, day_first: bool) -> Option<i64> {
    let pieces = pieces(text);
    let (mut numbers, mut month) = (Vec::new(), None);
    let (mut time, mut offset) = (None, 0i64);
    let mut at = 0;
    while at < pieces.len() {
        match &pieces[at] {
            Piece::Number(_) if time.is_none() && is_sign(&pieces, at + 1, ':') => {
                let (read, next) = clock(&pieces, at)?;
                time = Some(read);
                (offset, at) = zone(&pieces, next)?;
                continue;
            }
            Piece::Number(digits) => {
                numbers.push(digits.as_str());
                // 5th of March
                if matches!(pieces.get(at + 1), Some(Piece::Word(w)) if ["st", "nd", "rd", "th"].contains(&w.as_str()))
                {
                    at += 1;
                }
            }
            Piece::Word(word) if month.is_none() && name(MONTHS, word).is_some() => month = name(MONTHS, word),
            Piece::Word(word) if name(DAYS, word).is_some() || ["t", "of", "at"].contains(&word.as_str()) => {}
            Piece::Word(_) => return None,
            Piece::Sign(sign) if "-/., ".contains(*sign) => {}
            Piece::Sign(_) => return None,
        }
        at += 1;
    }
    let date = date(&numbers, month, day_first)?;
    let time = time.unwrap_or(NaiveTime::MIN);
    Some(NaiveDateTime::new(date, time).and_utc().timestamp_micros() - offset)
}

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Returns the number of a name, from 1: whole, or its first three letters or more.
fn name(names: &[&str], word: &str) -> Option<u32> {
    let found = names.iter().position(|name| word.len() >= 3 && name.starts_with(word));
    found.or((word == "sept").then_some(8).filter(|_| names.len() == 12)).map(|at| at as u32 + 1)
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for c in text.trim().chars().map(narrow) {
        // The marks of Chinese dates stand behind their numbers.
        let c = match c {
            '年' | '月' => '-',
            '日' | '号' => ' ',
            '时' | '点' | '分' => ':',
            '秒' => ' ',
            c if c.is_whitespace() => ' ',
            c => c,
        };
        match (pieces.last_mut(), c) {
            (Some(Piece::Number(digits)), c) if c.is_ascii_digit() => digits.push(c),
            (_, c) if c.is_ascii_digit() => pieces.push(Piece::Number(c.into())),
            (Some(Piece::Word(word)), c) if c.is_alphabetic() => word.extend(c.to_lowercase()),
            (_, c) if c.is_alphabetic() => pieces.push(Piece::Word(c.to_lowercase().collect())),
            (Some(Piece::Sign(' ')), ' ') => {}
            (_, c) => pieces.push(Piece::Sign(c)),
        }
    }
    // 14时30分: the last mark has nothing behind it.
    while matches!(pieces.last(), Some(Piece::Sign(':' | ' ' | '-')))
        && text.chars().any(|c| "日号时点分秒月".contains(c))
    {
        pieces.pop();
    }
    pieces
}

fn is_sign(pieces: &[Piece], at: usize, sign: char) -> bool {
    pieces.get(at) == Some(&Piece::Sign(sign))
}

fn number(pieces: &[Piece], at: usize, most: usize) -> Option<u32> {
    match pieces.get(at) {
        Some(Piece::Number(digits)) if digits.len() <= most => digits.parse().ok(),
        _ => None,
    }
}

/// Reads `14:30`, `14:30:09`, `14:30:09.25`, `2:30 pm`; returns the place behind.
fn clock(pieces: &[Piece], start: usize) -> Option<(NaiveTime, usize)> {
    let mut hour = number(pieces, start, 2)?;
    let minute = number(pieces, start + 2, 2)?;
    let mut at = start + 3;
    let (mut second, mut micro) = (0, 0);
    if is_sign(pieces, at, ':') {
        second = number(pieces, at + 1, 2)?;
        at += 2;
        if is_sign(pieces, at, '.')
            && let Some(Piece::Number(digits)) = pieces.get(at + 1)
        {
            let digits: String = digits.chars().chain("000000".chars()).take(6).collect();
            micro = digits.parse().ok()?;
            at += 2;
        }
    }
    let behind = at + usize::from(is_sign(pieces, at, ' '));
    if let Some(half) = half_of_day(pieces.get(behind)) {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + half;
        at = behind + 1;
    }
    Some((NaiveTime::from_hms_micro_opt(hour, minute, second, micro)?, at))
}

/// Returns the hour that a half of the day begins with.
fn half_of_day(piece: Option<&Piece>) -> Option<u32> {
    match piece {
        Some(Piece::Word(word)) if word == "am" => Some(0),
        Some(Piece::Word(word)) if word == "pm" => Some(12),
        _ => None,
    }
}

/// Reads a zone behind a time: `Z`, `UTC`, `+08:00`, `-0530`; returns microseconds east of UTC, and the place behind.
fn zone(pieces: &[Piece], at: usize) -> Option<(i64, usize)> {
    let start = at + usize::from(is_sign(pieces, at, ' '));
    match pieces.get(start) {
        Some(Piece::Word(word)) if ["z", "utc", "gmt"].contains(&word.as_str()) => Some((0, start + 1)),
        Some(Piece::Sign(sign @ ('+' | '-'))) => {
            let Some(Piece::Number(digits)) = pieces.get(start + 1) else { return None };
            let (hours, minutes, next): (u32, u32, usize) = match digits.len() {
                4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?, start + 2),
                1 | 2 if is_sign(pieces, start + 2, ':') => {
                    (digits.parse().ok()?, number(pieces, start + 3, 2)?, start + 4)
                }
                1 | 2 => (digits.parse().ok()?, 0, start + 2),
                _ => return None,
            };
            if hours > 14 || minutes > 59 {
                return None;
            }
            let east = i64::from(hours * 60 + minutes) * 60_000_000;
            Some((if *sign == '+' { east } else { -east }, next))
        }
        _ => Some((0, at)),
    }
}

fn date(numbers: &[&str], month: Option<u32>, day_first: bool) -> Option<NaiveDate> {
    let small = |digits: &str| if digits.len() <= 2 { digits.parse::<u32>().ok() } else { None };
    let year = |digits: &str| if digits.len() == 4 { digits.parse::<i32>().ok() } else { None };
    match (numbers, month) {
        ([whole], None) if whole.len() == 8 => {
            NaiveDate::from_ymd_opt(year(&whole[..4])?, small(&whole[4..6])?, small(&whole[6..])?)
        }
        ([a, b], Some(month)) => {
            let (year, day) = year(b).zip(small(a)).or_else(|| year(a).zip(small(b)))?;
            NaiveDate::from_ymd_opt(year, month, day)
        }
        ([a, b, c], None) if a.len() == 4 => NaiveDate::from_ymd_opt(year(a)?, small(b)?, small(c)?),
        ([a, b, c], None) => {
            let (a, b) = (small(a)?, small(b)?);
            let (day, month) = if day_first { (a, b) } else { (b, a) };
            let (day, month) = if month > 12 { (month, day) } else { (day, month) };
            NaiveDate::from_ymd_opt(year(c)?, month, day)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_dateutils() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/tables/dates.json");
        let stored: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let texts = stored["texts"].as_array().unwrap();
        assert_eq!(texts.len(), 22);
        for (at, text) in texts.iter().enumerate() {
            let text = text.as_str().unwrap();
            assert_eq!(read(text, true), stored["day"][at].as_i64(), "{text}");
            assert_eq!(read(text, false), stored["month"][at].as_i64(), "{text}");
        }
    }

    #[test]
    fn chinese_dates_are_read() {
        let day = 1_709_596_800_000_000;
        assert_eq!(read("2024年3月5日", true), Some(day));
        assert_eq!(read(" ２０２４年０３月０５号 ", true), Some(day));
        assert_eq!(read("2024年3月5日 14时30分", true), Some(day + 52_200_000_000));
        assert_eq!(read("2024年3月5日14:30:05", true), Some(day + 52_205_000_000));
        assert_eq!(read("Tuesday, 5th of March 2024", true), Some(day));
    }

    #[test]
    fn what_is_no_whole_date_is_not_guessed() {
        for text in [
            "",
            "soon",
            "2024",
            "2024-03",
            "5.3.24",
            "31.2.2024",
            "2024-13-01",
            "13/13/2024",
            "1709596800",
            "25:10 2024-03-05",
            "2024-03-05 13:30 pm",
            "2024-03-05 14:30 +99:00",
            "5 Foo 2024",
            "2024-03-05 2024-03-06",
            "--",
            "2024年",
            "1:2:3:4",
        ] {
            assert_eq!(read(text, true), None, "{text}");
        }
    }
}
