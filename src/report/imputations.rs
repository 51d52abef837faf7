//! How near ways of filling missing values come to the truth.

use maud::{Markup, html};
use mmf_lang::diagnostic::Text;
use mmf_lang::say;

use super::record::{ImputationRecord, WayRecord};
use super::speech::Speech;
use super::words::{chance, count, number};

/// Returns what was compared, in one line.
pub(crate) fn about(found: &ImputationRecord) -> Text {
    let (of, units) = (&found.of, count(found.units));
    say!(
        "{of}, filled where it was hidden ({units} rows): root mean squared error",
        "{of} 被隐藏之处（{units} 行）的填补：均方根误差"
    )
}

/// Returns a line for each way.
pub(crate) fn lines(found: &ImputationRecord) -> Vec<Text> {
    let first = found.ways.first();
    found.ways.iter().enumerate().map(|(at, way)| line(way, first.filter(|_| at > 0))).collect()
}

fn line(way: &WayRecord, first: Option<&WayRecord>) -> Text {
    let (name, error, low, high) = (&way.name, number(way.error), number(way.low), number(way.high));
    let percent = |x: Option<f64>| x.map_or("–".to_string(), |x| format!("{:.1} %", 100.0 * x).replace('-', "−"));
    let explained = percent(way.explained);
    let plain = say!(
        "{name}: {error} [{low}, {high}], {explained} of the variance told",
        "{name}：{error} [{low}, {high}]，解释方差 {explained}"
    );
    let Some(first) = first else { return plain };
    let (beside, p) = (&first.name, chance(way.p.unwrap_or(1.0)));
    let less = percent(way.error.zip(first.error).map(|(own, other)| own / other - 1.0));
    let Text { en, zh } = plain;
    say!("{en}; {less} beside {beside}, {p}", "{zh}；相对 {beside} 为 {less}，{p}")
}

/// Returns the section; nothing where nothing was filled.
pub(super) fn section(s: Speech, all: &[ImputationRecord]) -> Markup {
    html! {
        @if !all.is_empty() {
            section id="filling" {
                h2 { (s.say(say!("Filling what is missing", "填补缺失"))) }
                @for found in all {
                    h3 { (found.name) }
                    p { (s.say(about(found))) }
                    div.scroll tabindex="0" role="region" aria-label=(found.name) {
                        table {
                            thead { tr {
                                th { (s.say(say!("way", "方式"))) } th.n { (s.say(say!("error", "误差"))) }
                                th.n { (s.say(say!("low", "下限"))) } th.n { (s.say(say!("high", "上限"))) }
                                th.n { (s.say(say!("variance told", "解释方差"))) }
                                th.n { (s.say(say!("p, corrected", "校正后的 p"))) }
                            } }
                            tbody {
                                @for (at, way) in found.ways.iter().enumerate() {
                                    tr {
                                        td { (way.name) } td.n { strong { (number(way.error)) } }
                                        td.n { (number(way.low)) } td.n { (number(way.high)) }
                                        td.n { (number(way.explained)) }
                                        td.n { @if at == 0 { "–" } @else { (number(way.p)) } }
                                    }
                                }
                            }
                        }
                    }
                }
                p.quiet { (s.say(say!(
                    "Only rows count that were hidden from all that fills. The interval is the percentile bootstrap's over rows; p is that of \
                     being no other than the first way, by a paired permutation test over rows with Holm's correction.",
                    "只计对所有填补方式都隐藏的行。区间为对行重抽样的百分位自助法区间；p 为与第一种方式并无差别的概率，来自各行上的配对置换检验\
                     并作 Holm 校正。"
                ))) }
            }
        }
    }
}
