//! Points by two numbers.

use maud::{Markup, html};
use mmf_lang::say;

use super::speech::Speech;
use super::words::axis;

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 300.0;
/// Left, right, top and bottom of the drawn area.
const AREA: [f64; 4] = [56.0, 12.0, 10.0, 40.0];
/// Points that are drawn at most.
const POINTS: usize = 1000;

/// Returns of how many rows each is drawn.
pub(super) fn step(rows: usize) -> usize {
    rows.div_ceil(POINTS).max(1)
}

/// Returns a drawing of guesses over true numbers, with the line on which both are the same.
pub(super) fn drawing(s: Speech, pairs: &[(f64, f64)], says: &str) -> Markup {
    let finite: Vec<&(f64, f64)> = pairs.iter().filter(|(a, b)| a.is_finite() && b.is_finite()).collect();
    let all = finite.iter().flat_map(|(a, b)| [*a, *b]);
    let (low, high) = all.fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(x), h.max(x)));
    let both = if low > high { axis(0.0, 1.0, 4) } else { axis(low, high, 4) };
    let [left, right, top, bottom] = AREA;
    let x = |value: f64| left + both.at(value) * (WIDTH - left - right);
    let y = |value: f64| top + (1.0 - both.at(value)) * (HEIGHT - top - bottom);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(says) {
            @for &tick in &both.ticks {
                line.grid x1=(left) x2=(WIDTH - right) y1=(y(tick)) y2=(y(tick)) {}
                text x=(left - 6.0) y=(y(tick) + 4.0) text-anchor="end" { (both.label(tick)) }
                text x=(x(tick)) y=(HEIGHT - bottom + 16.0) text-anchor="middle" { (both.label(tick)) }
            }
            line.kept x1=(x(both.low)) y1=(y(both.low)) x2=(x(both.high)) y2=(y(both.high)) {}
            @for (truth, guess) in finite {
                circle.dot-point cx=(format!("{:.1}", x(*truth))) cy=(format!("{:.1}", y(*guess))) r="2.5" {}
            }
            text x=((left + WIDTH - right) / 2.0) y=(HEIGHT - 4.0) text-anchor="middle" { (s.say(say!("true", "真实值"))) }
        }
    }
}
