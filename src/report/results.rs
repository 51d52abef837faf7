//! What was measured: a dot with its interval for each value, on one scale a metric, and the numbers beside them.

use maud::{Markup, html};
use mmf_lang::say;

use super::record::MetricResult;
use super::speech::Speech;
use super::words::{Axis, axis, count, number, spread};

/// Returns the section about results.
pub(super) fn section(s: Speech, metrics: &[MetricResult]) -> Markup {
    let mut kinds: Vec<&str> = Vec::new();
    for m in metrics {
        if !kinds.contains(&m.metric.as_str()) {
            kinds.push(&m.metric);
        }
    }
    html! {
        section id="results" {
            h2 { (s.say(say!("Results", "结果"))) }
            @if metrics.is_empty() {
                p { (s.say(say!("Nothing was measured in this run.", "本次运行没有度量。"))) }
            } @else {
                p { (s.say(say!(
                    "Each dot is a value, each line its 95 % interval: the 2.5th to the 97.5th percentile over 1,000 resamples of the \
                     units that were measured. Overlapping intervals are no test; they say how far a value can be trusted.",
                    "每个点为度量值，每条线为其 95 % 区间：对被度量的单位重抽样 1,000 次，取第 2.5 到第 97.5 百分位。区间重叠并不是检验，\
                     它只说明数值可以信到什么程度。"
                ))) }
                div.plots {
                    @for kind in kinds {
                        (plot(s, kind, &metrics.iter().filter(|m| m.metric == kind).collect::<Vec<_>>()))
                    }
                }
                @if metrics.iter().any(|m| m.metric.starts_with("coverage")) {
                    p { "The interval of coverage is 1.96 standard errors of the jackknife: a resample repeats some units and leaves "
                        "others out, so it would reach fewer items." }
                }
                @if metrics.iter().any(|m| m.deviation.is_some()) {
                    p { (s.say(say!(
                        "Where a train was trained several times, the value is the mean with its standard deviation; the interval is the \
                         mean of theirs.",
                        "多次训练者，数值为均值与标准差，区间为各次区间的均值。"
                    ))) }
                }
                (table(s, metrics))
            }
        }
    }
}

fn label(m: &MetricResult) -> String {
    if m.name.is_empty() { m.train.clone() } else { m.name.clone() }
}

fn plot(s: Speech, kind: &str, metrics: &[&MetricResult]) -> Markup {
    let numbers: Vec<f64> = metrics.iter().flat_map(|m| [m.value, m.low, m.high]).flatten().collect();
    let (low, high) = numbers.iter().fold((f64::MAX, f64::MIN), |(l, h), &x| (l.min(x), h.max(x)));
    let axis = if numbers.is_empty() { axis(0.0, 1.0, 4) } else { axis(low, high, 4) };
    html! {
        figure.dots {
            figcaption { (kind) }
            @for m in metrics {
                div.dot-row {
                    span.dot-label { (label(m)) small { " " (s.part(&m.part)) } }
                    (line(s, m, &axis))
                    span.dot-value { (spread(m.value, m.deviation)) }
                }
            }
            div.dot-row aria-hidden="true" {
                span.dot-label {}
                svg.axis height="22" {
                    @for (at, &tick) in axis.ticks.iter().enumerate() {
                        text.odd[at % 2 == 1 && axis.ticks.len() > 3] x=(percent(axis.at(tick))) y="14" text-anchor="middle" {
                            (axis.label(tick))
                        }
                    }
                }
                span.dot-value {}
            }
        }
    }
}

/// Returns a value's dot and line; the text is for those who do not see it.
fn line(s: Speech, m: &MetricResult, axis: &Axis) -> Markup {
    let (name, value, low, high) = (label(m), number(m.value), number(m.low), number(m.high));
    let says = s.say(match (m.value, m.low, m.high) {
        (None, ..) => say!("{name}: not defined", "{name}：无定义"),
        (_, Some(_), Some(_)) => {
            say!("{name}: {value}, 95 % interval {low} to {high}", "{name}：{value}，95 % 区间 {low} 到 {high}")
        }
        _ => say!("{name}: {value}", "{name}：{value}"),
    });
    html! {
        svg.dot height="24" role="img" aria-label=(says) {
            title { (says) }
            @for &tick in &axis.ticks {
                line.grid x1=(percent(axis.at(tick))) x2=(percent(axis.at(tick))) y1="0" y2="24" {}
            }
            @if let (Some(low), Some(high)) = (m.low, m.high) {
                line.interval x1=(percent(axis.at(low))) x2=(percent(axis.at(high))) y1="12" y2="12" {}
            }
            @if let Some(value) = m.value {
                circle.value cx=(percent(axis.at(value))) cy="12" r="5" {}
            }
        }
    }
}

/// Returns a place as a percentage of the width; a margin keeps dots and labels at the ends whole.
fn percent(at: f64) -> String {
    format!("{:.2}%", 5.0 + at * 90.0)
}

fn table(s: Speech, metrics: &[MetricResult]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(s.say(say!("All metrics", "全部度量"))) {
            table {
                thead { tr {
                    th { (s.say(say!("metric", "度量"))) } th { (s.say(say!("of", "名称"))) }
                    th { (s.say(say!("train", "训练"))) } th { (s.say(say!("part", "部分"))) }
                    th.n { (s.say(say!("value", "数值"))) } th.n { (s.say(say!("low", "下限"))) }
                    th.n { (s.say(say!("high", "上限"))) } th.n { (s.say(say!("units", "单位数"))) }
                } }
                tbody {
                    @for m in metrics {
                        tr {
                            td { (m.metric) } td { (m.name) } td { (m.train) } td { (s.part(&m.part)) }
                            td.n { strong { (spread(m.value, m.deviation)) } } td.n { (number(m.low)) } td.n { (number(m.high)) }
                            td.n { (count(m.rows)) }
                        }
                    }
                }
            }
        }
    }
}
