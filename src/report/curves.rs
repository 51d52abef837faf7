//! How training went: a small figure for each curve of each train, the epoch that was kept, and the numbers below.

use maud::{Markup, html};
use mmf_lang::say;

use super::read::Curve;
use super::record::TrainRecord;
use super::speech::Speech;
use super::words::{axis, number};

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 180.0;
/// Left, right, top and bottom of the drawn area.
const AREA: [f64; 4] = [46.0, 12.0, 10.0, 36.0];

/// Returns the section about training.
pub(super) fn section(s: Speech, curves: &[(String, Vec<Curve>)], trains: &[TrainRecord]) -> Markup {
    html! {
        section id="training" {
            h2 { (s.say(say!("Training", "训练过程"))) }
            @if curves.is_empty() {
                p { (s.say(say!("Nothing was trained epoch by epoch in this run.", "本次运行没有逐轮训练的内容。"))) }
            }
            @for (train, curves) in curves {
                @let record = trains.iter().find(|t| t.name == *train);
                @let kept = record.and_then(|t| t.kept).filter(|&kept| kept > 0);
                h3 { (train) }
                @if let (Some(kept), Some(epochs)) = (kept, record.and_then(|t| t.epochs)) {
                    p.quiet { (s.say(say!(
                        "Of {epochs} epochs the weights of epoch {kept} were kept; a line marks it.",
                        "共训练 {epochs} 轮，保留了第 {kept} 轮的权重，图中以竖线标出。"
                    ))) }
                }
                div.curves {
                    @for curve in curves { (figure(s, train, curve, kept, record.is_some())) }
                }
                (table(s, train, curves, kept, record.is_some()))
            }
        }
    }
}

fn figure(s: Speech, train: &str, curve: &Curve, kept: Option<u64>, trains: bool) -> Markup {
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
    let best = kept.and_then(|kept| finite().find(|p| p.0 == kept).copied());
    // Whole epochs only.
    let ticks = axis(first, last, 4).ticks.into_iter().filter(|t| *t >= first && *t <= last && t.fract() == 0.0);
    let (name, from, to) = (&curve.name, number(finite().next().map(|p| p.1)), number(end.map(|p| p.1)));
    let at_best = best.map_or_else(String::new, |(step, value)| {
        let value = number(Some(value));
        s.say(say!("; {value} at epoch {step}, which was kept", "；保留的第 {step} 轮为 {value}"))
    });
    // What is no train, a game, goes by steps; what a policy tells is of its inner rows.
    let by_steps = kept.is_none() && !trains;
    let on = match curve.name.as_str() {
        _ if by_steps || curve.name.contains(": ") => String::new(),
        "loss" => s.say(say!("on training rows", "训练行")),
        _ => s.say(say!("on the validation part", "验证部分")),
    };
    let time = if by_steps { s.say(say!("step", "步")) } else { s.say(say!("epoch", "轮次")) };
    let says = s.say(say!(
        "{name} of {train} by {time}: from {from} to {to}",
        "{train} 的 {name} 随{time}变化：从 {from} 到 {to}"
    ));
    html! {
        figure.curve {
            figcaption { (curve.name) " " small { (on) } }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label={ (says) (at_best) } {
                title { (says) (at_best) }
                @for &tick in &y.ticks {
                    line.grid x1=(left) x2=(WIDTH - right) y1=(place_y(tick)) y2=(place_y(tick)) {}
                    text x=(left - 6.0) y=(place_y(tick) + 4.0) text-anchor="end" { (y.label(tick)) }
                }
                @for tick in ticks {
                    text x=(place_x(tick)) y=(HEIGHT - bottom + 16.0) text-anchor="middle" { (tick) }
                }
                text x=((left + WIDTH - right) / 2.0) y=(HEIGHT - 4.0) text-anchor="middle" { (time) }
                @if let Some((step, _)) = best {
                    line.kept x1=(place_x(step as f64)) x2=(place_x(step as f64)) y1=(top) y2=(HEIGHT - bottom) {}
                }
                @if points.len() > 1 { polyline.path points=(points.join(" ")) {} }
                @if let Some((step, value)) = best.or(end) {
                    circle.value cx=(place_x(step as f64)) cy=(place_y(value)) r="3.5" {}
                }
            }
        }
    }
}

fn table(s: Speech, train: &str, curves: &[Curve], kept: Option<u64>, trains: bool) -> Markup {
    let mut steps: Vec<u64> = curves.iter().flat_map(|c| c.points.iter().map(|p| p.0)).collect();
    steps.sort_unstable();
    steps.dedup();
    let at = |curve: &Curve, step: u64| curve.points.iter().find(|p| p.0 == step).map(|p| p.1);
    html! {
        details {
            summary { (s.say(say!("The numbers of {train}", "{train} 的数据"))) }
            div.scroll tabindex="0" role="region" aria-label=(s.say(say!("Curves of {train}", "{train} 的曲线"))) {
                table {
                    thead { tr { th.n { @if trains { (s.say(say!("epoch", "轮次"))) } @else { (s.say(say!("step", "步"))) } } @for curve in curves { th.n { (curve.name) } } th {} } }
                    tbody {
                        @for step in steps {
                            tr {
                                td.n { (step) }
                                @for curve in curves { td.n { (number(at(curve, step))) } }
                                td { @if kept == Some(step) { "← " (s.say(say!("kept", "保留"))) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
