//! How training went: a small figure for each curve of each train, the epoch that was kept, and the numbers below.

use maud::{Markup, html};
use mmf_lang::say;

use super::read::Curve;
use super::record::TrainRecord;
use super::speech::Speech;
use super::weighings;
use super::words::{Axis, axis, number};

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
            (weighings::table(s, curves, trains))
            @for (train, curves) in curves {
                @let record = trains.iter().find(|t| t.name == *train);
                @let weighings = record.map_or(Vec::new(), |record| weighings::shares(record, curves));
                @let kept = record.and_then(|t| t.kept).filter(|&kept| kept > 0);
                h3 { (train) }
                @if let (Some(kept), Some(epochs)) = (kept, record.and_then(|t| t.epochs)) {
                    p.quiet { (s.say(say!(
                        "Of {epochs} epochs the weights of epoch {kept} were kept; a line marks it.",
                        "共训练 {epochs} 轮，保留了第 {kept} 轮的权重，图中以竖线标出。"
                    ))) }
                }
                div.curves {
                    @for curve in curves.iter().filter(|curve| !weighings.iter().any(|own| own.has(curve))) {
                        (figure(s, train, curve, kept, record.is_some()))
                    }
                    @for own in &weighings { (own.figure(s, kept)) }
                }
                (table(s, train, curves, kept, record.is_some()))
            }
        }
    }
}

/// Where steps and values lie in a figure.
pub(super) struct Plane {
    first: f64,
    last: f64,
    y: Axis,
}

impl Plane {
    /// `steps` are the first and the last.
    pub(super) fn new(steps: Option<(u64, u64)>, y: Axis) -> Self {
        let (first, last) = steps.map_or((0.0, 1.0), |(first, last)| (first as f64, last as f64));
        Plane { first, last, y }
    }

    fn x(&self, step: f64) -> f64 {
        let [left, right, ..] = AREA;
        left + (step - self.first) / (self.last - self.first).max(1.0) * (WIDTH - left - right)
    }

    fn y(&self, value: f64) -> f64 {
        let [.., top, bottom] = AREA;
        top + (1.0 - self.y.at(value)) * (HEIGHT - top - bottom)
    }

    /// Draws the axes with what goes along the lower one, and the epoch that was kept.
    pub(super) fn axes(&self, along: &str, kept: Option<u64>) -> Markup {
        let [left, right, top, bottom] = AREA;
        // Whole epochs only.
        let within = |t: &f64| *t >= self.first && *t <= self.last && t.fract() == 0.0;
        let ticks = axis(self.first, self.last, 4).ticks.into_iter().filter(within);
        html! {
            @for &tick in &self.y.ticks {
                line.grid x1=(left) x2=(WIDTH - right) y1=(self.y(tick)) y2=(self.y(tick)) {}
                text x=(left - 6.0) y=(self.y(tick) + 4.0) text-anchor="end" { (self.y.label(tick)) }
            }
            @for tick in ticks {
                text x=(self.x(tick)) y=(HEIGHT - bottom + 16.0) text-anchor="middle" { (tick) }
            }
            text x=((left + WIDTH - right) / 2.0) y=(HEIGHT - 4.0) text-anchor="middle" { (along) }
            @if let Some(kept) = kept {
                line.kept x1=(self.x(kept as f64)) x2=(self.x(kept as f64)) y1=(top) y2=(HEIGHT - bottom) {}
            }
        }
    }

    /// Draws a line through points, those that are numbers.
    pub(super) fn line(&self, points: &[(u64, f64)], style: &str) -> Markup {
        let finite = points.iter().filter(|(_, value)| value.is_finite());
        let places: Vec<String> =
            finite.map(|&(step, value)| format!("{:.1},{:.1}", self.x(step as f64), self.y(value))).collect();
        html! { @if places.len() > 1 { polyline.path style=[Some(style).filter(|s| !s.is_empty())] points=(places.join(" ")) {} } }
    }

    pub(super) fn dot(&self, step: u64, value: f64, style: &str) -> Markup {
        let style = Some(style).filter(|s| !s.is_empty());
        html! { circle.value style=[style] cx=(self.x(step as f64)) cy=(self.y(value)) r="3.5" {} }
    }

    /// Draws a level from side to side.
    pub(super) fn level(&self, value: f64) -> Markup {
        let [left, right, ..] = AREA;
        html! { line.level x1=(left) x2=(WIDTH - right) y1=(self.y(value)) y2=(self.y(value)) {} }
    }

    pub(super) fn size() -> String {
        format!("0 0 {WIDTH} {HEIGHT}")
    }
}

/// Returns the first and the last step of a curve.
pub(super) fn ends(curve: &Curve) -> Option<(u64, u64)> {
    curve.points.first().zip(curve.points.last()).map(|(first, last)| (first.0, last.0))
}

fn figure(s: Speech, train: &str, curve: &Curve, kept: Option<u64>, trains: bool) -> Markup {
    let finite = || curve.points.iter().filter(|(_, v)| v.is_finite());
    let (low, high) = finite().fold((f64::MAX, f64::MIN), |(l, h), &(_, v)| (l.min(v), h.max(v)));
    let y = if low > high { axis(0.0, 1.0, 3) } else { axis(low, high, 3) };
    let plane = Plane::new(ends(curve), y);
    let end = finite().next_back().copied();
    let best = kept.and_then(|kept| finite().find(|p| p.0 == kept).copied());
    let (name, from, to) = (&curve.name, number(finite().next().map(|p| p.1)), number(end.map(|p| p.1)));
    let at_best = best.map_or_else(String::new, |(step, value)| {
        let value = number(Some(value));
        s.say(say!("; {value} at epoch {step}, which was kept", "；保留的第 {step} 轮为 {value}"))
    });
    // What is no train, a game, goes by steps.
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
            svg viewBox=(Plane::size()) role="img" aria-label={ (says) (at_best) } {
                title { (says) (at_best) }
                (plane.axes(&time, best.map(|(step, _)| step)))
                (plane.line(&curve.points, ""))
                @if let Some((step, value)) = best.or(end) { (plane.dot(step, value, "")) }
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
