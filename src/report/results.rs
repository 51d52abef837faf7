//! What was measured: a dot with its interval for each value, on one scale a metric, and the numbers beside them.

use maud::{Markup, html};

use super::record::MetricResult;
use super::words::{Axis, axis, count, number};

/// Returns the section about results.
pub(super) fn section(metrics: &[MetricResult]) -> Markup {
    let mut kinds: Vec<&str> = Vec::new();
    for m in metrics {
        if !kinds.contains(&m.metric.as_str()) {
            kinds.push(&m.metric);
        }
    }
    html! {
        section id="results" {
            h2 { "Results" }
            @if metrics.is_empty() {
                p { "Nothing was measured in this run." }
            } @else {
                p { "Each dot is a value, each line its 95 % interval: the 2.5th to the 97.5th percentile over 1,000 resamples "
                    "of the units that were measured. Overlapping intervals are no test; they say how far a value can be trusted." }
                div.plots {
                    @for kind in kinds {
                        (plot(kind, &metrics.iter().filter(|m| m.metric == kind).collect::<Vec<_>>()))
                    }
                }
                @if metrics.iter().any(outside) {
                    p { "Where a value lies outside its interval, the metric counts distinct things: a resample repeats some units and "
                        "leaves others out, so it reaches fewer of them." }
                }
                (table(metrics))
            }
        }
    }
}

fn outside(m: &MetricResult) -> bool {
    matches!((m.value, m.low, m.high), (Some(value), Some(low), Some(high)) if value < low || value > high)
}

fn label(m: &MetricResult) -> String {
    if m.name.is_empty() { m.train.clone() } else { m.name.clone() }
}

fn plot(kind: &str, metrics: &[&MetricResult]) -> Markup {
    let numbers: Vec<f64> = metrics.iter().flat_map(|m| [m.value, m.low, m.high]).flatten().collect();
    let (low, high) = numbers.iter().fold((f64::MAX, f64::MIN), |(l, h), &x| (l.min(x), h.max(x)));
    let axis = if numbers.is_empty() { axis(0.0, 1.0, 4) } else { axis(low, high, 4) };
    html! {
        figure.dots {
            figcaption { (kind) }
            @for m in metrics {
                div.dot-row {
                    span.dot-label { (label(m)) small { " " (m.part) } }
                    (line(m, &axis))
                    span.dot-value { (number(m.value)) }
                }
            }
            div.dot-row aria-hidden="true" {
                span.dot-label {}
                svg.axis height="22" {
                    @for &tick in &axis.ticks {
                        text x=(percent(axis.at(tick))) y="14" text-anchor="middle" { (axis.label(tick)) }
                    }
                }
                span.dot-value {}
            }
        }
    }
}

/// Returns a value's dot and line; the text is for those who do not see it.
fn line(m: &MetricResult, axis: &Axis) -> Markup {
    let says = match (m.value, m.low, m.high) {
        (None, ..) => format!("{}: not defined", label(m)),
        (value, Some(low), Some(high)) => {
            format!("{}: {}, 95 % interval {} to {}", label(m), number(value), number(Some(low)), number(Some(high)))
        }
        (value, ..) => format!("{}: {}", label(m), number(value)),
    };
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

fn table(metrics: &[MetricResult]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="All metrics" {
            table {
                thead { tr {
                    th { "metric" } th { "of" } th { "train" } th { "part" }
                    th.n { "value" } th.n { "low" } th.n { "high" } th.n { "units" }
                } }
                tbody {
                    @for m in metrics {
                        tr {
                            td { (m.metric) } td { (m.name) } td { (m.train) } td { (m.part) }
                            td.n { strong { (number(m.value)) } } td.n { (number(m.low)) } td.n { (number(m.high)) }
                            td.n { (count(m.rows)) }
                        }
                    }
                }
            }
        }
    }
}
