//! Numbers and times as people read them.

/// Returns how likely something is by chance: `p = 0.31`.
pub(crate) fn chance(p: f64) -> String {
    match p {
        p if p < 0.001 => "p < 0.001".into(),
        p if p < 0.1 => format!("p = {p:.3}"),
        p => format!("p = {p:.2}"),
    }
}

/// Returns a time a person can take in: `35 ms`, `2.4 s`, `3 min 20 s`.
pub(crate) fn span(milliseconds: f64) -> String {
    let seconds = milliseconds / 1e3;
    match seconds {
        s if s < 0.9995 => format!("{milliseconds:.0} ms"),
        s if s < 59.95 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{} min {} s", s as u64 / 60, s as u64 % 60),
        s => format!("{} h {} min", s as u64 / 3600, s as u64 / 60 % 60),
    }
}

/// Returns a whole number with its thousands apart: `1,682`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns a number as results are shown: four decimals, fewer before large ones; `–` where there is none.
pub(crate) fn number(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(x) if x.abs() >= 1000.0 => format!("{x:.1}"),
        Some(x) if x != 0.0 && x.abs() < 0.001 => format!("{x:.2e}"),
        Some(x) => format!("{x:.4}"),
    }
}

/// Returns a number with its standard deviation, where there is one.
pub(crate) fn spread(value: Option<f64>, deviation: Option<f64>) -> String {
    match deviation {
        Some(_) => format!("{} ± {}", number(value), number(deviation)),
        None => number(value),
    }
}

/// Returns an axis for numbers from `low` to `high`: its ends and its ticks, at 1, 2 or 5 times a power of ten.
pub(crate) fn axis(low: f64, high: f64, ticks: usize) -> Axis {
    let (low, high) = if low < high { (low, high) } else { (low - 0.5, high + 0.5) };
    let rough = (high - low) / ticks.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|&s| s >= rough * 0.999).unwrap_or(rough);
    let (first, last) = ((low / step).floor(), (high / step).ceil());
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let ticks = (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
    Axis { low: first * step, high: last * step, ticks, decimals }
}

/// A scale with round numbers on it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) ticks: Vec<f64>,
    decimals: usize,
}

impl Axis {
    /// Returns where a number lies, from 0 to 1.
    pub(crate) fn at(&self, x: f64) -> f64 {
        ((x - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    pub(crate) fn label(&self, tick: f64) -> String {
        let text = format!("{tick:.*}", self.decimals);
        if text.trim_start_matches(['-', '0', '.']).is_empty() { "0".into() } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_apart_by_thousands() {
        assert_eq!([count(0), count(999), count(1682), count(1_234_567)], ["0", "999", "1,682", "1,234,567"]);
        assert_eq!([span(35.4), span(2400.0), span(200e3)], ["35 ms", "2.4 s", "3 min 20 s"]);
        assert_eq!([number(Some(0.5)), number(Some(12345.6)), number(None)], ["0.5000", "12345.6", "–"]);
    }

    #[test]
    fn an_axis_has_round_ticks_and_holds_its_numbers() {
        let axis = axis(0.27, 0.91, 5);
        assert_eq!(axis.ticks.iter().map(|&t| axis.label(t)).collect::<Vec<_>>(), ["0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert!(axis.low <= 0.27 && axis.high >= 0.91);
        assert_eq!(super::axis(3.0, 3.0, 2).ticks, [2.5, 3.0, 3.5]);
    }
}
