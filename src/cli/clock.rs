//! Times and names as they stand in paths and files.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns `20260301T120102Z`.
pub(crate) fn compact(time: SystemTime) -> String {
    iso(time).replace(['-', ':'], "")
}

/// Returns `2026-03-01T12:01:02Z`.
pub(crate) fn iso(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Returns year, month and day of a count of days since 1970-01-01 (Hinnant, «chrono-compatible low-level date algorithms»).
fn date(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// `date -u -d @1772366462` and two more.
    #[test]
    fn times_are_those_of_date() {
        let at = |s| iso(UNIX_EPOCH + Duration::from_secs(s));
        assert_eq!(at(1_772_366_462), "2026-03-01T12:01:02Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(compact(UNIX_EPOCH + Duration::from_secs(1_772_366_462)), "20260301T120102Z");
    }
}
