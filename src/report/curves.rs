//! How training went: a small figure for each curve of each train, and the numbers below.

use maud::{Markup, html};

use super::read::Curve;
use super::words::{axis, number};

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 180.0;
/// Left, right, top and bottom of the drawn area.
const AREA: [f64; 4] = [46.0, 12.0, 10.0, 36.0];

/// Returns the section about training.
pub(super) fn section(curves: &[(String, Vec<Curve>)]) -> Markup {
    html! {
        section id="training" {
            h2 { "Training" }
            @if curves.is_empty() {
                p { "Nothing was trained epoch by epoch in this run." }
            }
            @for (train, curves) in curves {
                h3 { (train) }
                div.curves {
                    @for curve in curves { (figure(train, curve)) }
                }
                (table(train, curves))
            }
        }
    }
}

fn figure(train: &str, curve: &Curve) -> Markup {
    let finite = || curve.points.iter().filter(|(_, v)| v.is_finite());
    let (low, high) = finite().fold((f64::MAX, f64::MIN), |(l, h), &(_, v)| (l.min(v), h.max(v)));
    let (first, last) = match (curve.points.first(), curve.points.last()) {
        (Some(&(first, _)), Some(&(last, _))) => (first as f64, last as f64),
        _ => (0.0, 1.0),
    };
    let y = if low > high { axis(0.0, 1.0, 3) } else { axis(low, high, 3) };
    let span = (last - first).max(1.0);
    let [left, right, top, bottom] = AREA;
    let place_x = |step: f64| left + (step - first) / span * (WIDTH - left - right);
    let place_y = |value: f64| top + (1.0 - y.at(value)) * (HEIGHT - top - bottom);
    let points: Vec<String> =
        finite().map(|&(step, value)| format!("{:.1},{:.1}", place_x(step as f64), place_y(value))).collect();
    let end = finite().next_back().copied();
    // Whole epochs only.
    let ticks = axis(first, last, 4).ticks.into_iter().filter(|t| *t >= first && *t <= last && t.fract() == 0.0);
    let says = format!(
        "{} of {train} by epoch: from {} to {}",
        curve.name,
        number(finite().next().map(|p| p.1)),
        number(end.map(|p| p.1))
    );
    html! {
        figure.curve {
            figcaption { (curve.name) small { (if curve.name == "loss" { " on training rows" } else { " on the validation part" }) } }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(says) {
                title { (says) }
                @for &tick in &y.ticks {
                    line.grid x1=(left) x2=(WIDTH - right) y1=(place_y(tick)) y2=(place_y(tick)) {}
                    text x=(left - 6.0) y=(place_y(tick) + 4.0) text-anchor="end" { (y.label(tick)) }
                }
                @for tick in ticks {
                    text x=(place_x(tick)) y=(HEIGHT - bottom + 16.0) text-anchor="middle" { (tick) }
                }
                text x=((left + WIDTH - right) / 2.0) y=(HEIGHT - 4.0) text-anchor="middle" { "epoch" }
                @if points.len() > 1 { polyline.path points=(points.join(" ")) {} }
                @if let Some((step, value)) = end {
                    circle.value cx=(place_x(step as f64)) cy=(place_y(value)) r="3.5" {}
                }
            }
        }
    }
}

fn table(train: &str, curves: &[Curve]) -> Markup {
    let mut steps: Vec<u64> = curves.iter().flat_map(|c| c.points.iter().map(|p| p.0)).collect();
    steps.sort_unstable();
    steps.dedup();
    let at = |curve: &Curve, step: u64| curve.points.iter().find(|p| p.0 == step).map(|p| p.1);
    html! {
        details {
            summary { "The numbers of " (train) }
            div.scroll tabindex="0" role="region" aria-label=(format!("Curves of {train}")) {
                table {
                    thead { tr { th.n { "epoch" } @for curve in curves { th.n { (curve.name) } } } }
                    tbody {
                        @for step in steps {
                            tr { td.n { (step) } @for curve in curves { td.n { (number(at(curve, step))) } } }
                        }
                    }
                }
            }
        }
    }
}
