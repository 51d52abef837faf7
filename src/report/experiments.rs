//! Whether each modality helps: a sentence each, and all variants with their numbers.

use maud::{Markup, html};
use mmf_lang::diagnostic::Text;
use mmf_lang::say;

use super::record::{ExperimentRecord, VariantRecord};
use super::speech::Speech;
use super::words::{self, count, number};

/// Chances below it are taken as evidence.
const LEVEL: f64 = 0.05;

/// Returns what an experiment measured, in one line.
pub(crate) fn about(e: &ExperimentRecord) -> Text {
    let (train, metric, value, units, repeats) = (&e.train, &e.metric, number(e.value), count(e.units), e.repeats);
    let spread = match (repeats, e.deviation) {
        (2.., Some(deviation)) => format!(" ± {}", number(Some(deviation))),
        _ => String::new(),
    };
    let (times, zh) = if repeats == 1 { ("once", "1".to_string()) } else { ("times", repeats.to_string()) };
    let times = if repeats == 1 { times.to_string() } else { format!("{repeats} {times}") };
    let (of, of_zh) = if e.of_users { ("users", "用户") } else { ("rows", "行") };
    say!(
        "{train}, {metric} {value}{spread} over {units} {of}, each variant trained {times}",
        "{train}，{metric} 为 {value}{spread}，共 {units} 个{of_zh}，每个变体训练 {zh} 次"
    )
}

/// Returns a line for each modality: `picture: +0.3 % [−0.4, 1.0], p = 0.31: no evidence that it helps`.
pub(crate) fn lines(e: &ExperimentRecord) -> Vec<Text> {
    let without = e.variants.iter().filter(|v| v.how == "without");
    without.map(|v| line(v, &e.variants, e.repeats)).collect()
}

/// Tells whether a gain over a variant is sure: both must say so, the test over units, and the interval, in which trainings differ too.
fn sure(v: &VariantRecord, is: fn(f64) -> bool) -> bool {
    v.holm.is_some_and(|p| p < LEVEL) && v.low.is_some_and(is) && v.high.is_some_and(is)
}

/// Zeros may also make a network learn worse, or at another pace. What a modality says helps only where other values of the same kind, which
/// say nothing of a row, do not do as well.
fn line(v: &VariantRecord, all: &[VariantRecord], repeats: u64) -> Text {
    let share = |x: Option<f64>| match (x, v.value) {
        (Some(x), Some(value)) if value != 0.0 => Some(100.0 * x / value.abs()),
        _ => None,
    };
    let name = &v.modality;
    let (gain, range, zh_range) = match (share(v.gain), share(v.low), share(v.high)) {
        (Some(gain), Some(low), Some(high)) => {
            let range = format!("[{}, {}]", signed(low), signed(high));
            (format!("{} %", plus(gain)), range.clone(), range)
        }
        _ => (v.gain.map_or("–".into(), plus), String::new(), String::new()),
    };
    let p = words::chance(v.holm.unwrap_or(1.0));
    let fakes =
        all.iter().filter(|other| other.modality == *name && ["noise", "shuffled"].contains(&other.how.as_str()));
    let as_good = fakes.filter(|fake| !sure(fake, |x| x > 0.0)).map(|fake| fake.how.as_str()).next_back();
    let (en, zh) = match (sure(v, |x| x > 0.0), sure(v, |x| x < 0.0), as_good) {
        (true, _, None) => ("it helps", "有帮助"),
        (true, _, Some("noise")) => {
            ("no evidence that it helps: noise in its place does as well", "没有证据表明它有帮助：以噪声代替效果相同")
        }
        (true, _, Some(_)) => (
            "no evidence that it helps: with its rows exchanged it does as well",
            "没有证据表明它有帮助：打乱其行后效果相同",
        ),
        (_, true, _) => ("it harms", "有损害"),
        _ => ("no evidence that it helps", "没有证据表明它有帮助"),
    };
    let (once, zh_once) =
        if repeats == 1 { (", in this one training", "（仅就这一次训练而言）") } else { ("", "") };
    say!("{name}: {gain} {range}, {p}: {en}{once}", "{name}：{gain} {zh_range}，{p}：{zh}{zh_once}")
}

fn signed(x: f64) -> String {
    let rounded = format!("{:.1}", x.abs());
    if x < 0.0 && rounded != "0.0" { format!("−{rounded}") } else { rounded }
}

fn plus(x: f64) -> String {
    let text = signed(x);
    if text.starts_with('−') || text == "0.0" { text } else { format!("+{text}") }
}

fn how(s: Speech, word: &str) -> String {
    s.say(match word {
        "without" => say!("without it", "去掉"),
        "alone" => say!("it alone", "只留它"),
        "noise" => say!("noise in its place", "以噪声代替"),
        "shuffled" => say!("its rows exchanged", "打乱其行"),
        other => say!("{other}", "{other}"),
    })
}

/// Returns the section about experiments; nothing where there are none.
pub(super) fn section(s: Speech, experiments: &[ExperimentRecord]) -> Markup {
    html! {
        @if !experiments.is_empty() {
            section id="experiments" {
                h2 { (s.say(say!("Does it help?", "有帮助吗？"))) }
                @for e in experiments {
                    h3 { (e.name) }
                    p { (s.say(about(e))) }
                    ul { @for line in lines(e) { li { (s.say(line)) } } }
                    (table(s, e))
                    p.quiet { (s.say(test(e))) }
                }
                p.quiet { (s.say(say!(
                    "The gain is how much better the whole is than the variant on the same rows or users, in the metric's own numbers; the \
                     last p is after Holm's correction for the count of modalities. In every variant the network has as many weights. A \
                     modality helps where that p is below 0.05 and the interval lies above 0, without it, with noise in its place and with its                      rows exchanged.",
                    "增益指完整模型在同样的行或用户上比该变体好多少，以指标自身的数值表示；最后一列为按模态个数作 Holm 校正之后的 p。各变体网络的\
                     权重个数相同。去掉它、以噪声代替、打乱其行三种变体均满足校正后的 p 小于 0.05 且区间在 0 以上者为有帮助。"
                ))) }
            }
        }
    }
}

/// Returns how gains were compared.
fn test(e: &ExperimentRecord) -> Text {
    if e.paired {
        return say!(
            "The interval is the percentile bootstrap's over trainings and units, p that of a paired permutation test over units (signs \
             are drawn), the effect the gain over its standard deviation among units.",
            "区间为对训练与单位重抽样的百分位自助法区间，p 来自各单位上的配对置换检验（随机取符号），效应量为增益除以其在各单位间的标准差。"
        );
    }
    say!(
        "Units have no values of their own in this metric: the interval is that of resamples (of a count of distinct things, the \
         jackknife's), p the chance of one beyond nothing.",
        "该指标没有逐单位的值：区间来自重抽样（对去重计数者为刀切法），p 为其越过零的概率。"
    )
}

fn table(s: Speech, e: &ExperimentRecord) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(e.name) {
            table {
                thead { tr {
                    th { (s.say(say!("modality", "模态"))) } th { (s.say(say!("variant", "变体"))) }
                    th.n { (s.say(say!("value", "数值"))) } th.n { (s.say(say!("deviation", "标准差"))) }
                    th.n { (s.say(say!("gain of the whole", "完整模型的增益"))) } th.n { (s.say(say!("low", "下限"))) }
                    th.n { (s.say(say!("high", "上限"))) } th.n { (s.say(say!("effect", "效应量"))) }
                    th.n { "p" } th.n { (s.say(say!("p, corrected", "校正后的 p"))) }
                } }
                tbody {
                    tr {
                        td { (s.say(say!("all", "全部"))) } td { (s.say(say!("the whole", "完整模型"))) }
                        td.n { strong { (number(e.value)) } } td.n { (number(e.deviation)) }
                        @for _ in 0..6 { td.n { "–" } }
                    }
                    @for v in &e.variants {
                        tr {
                            td { (v.modality) } td { (how(s, &v.how)) }
                            td.n { strong { (number(v.value)) } } td.n { (number(v.deviation)) }
                            td.n { (number(v.gain)) } td.n { (number(v.low)) } td.n { (number(v.high)) }
                            td.n { (number(v.effect)) } td.n { (number(v.p)) } td.n { (number(v.holm)) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_and_whether_that_is_evidence() {
        let variant = |gain: f64, p: f64| VariantRecord {
            modality: "画面".into(),
            how: "without".into(),
            value: Some(0.5),
            gain: Some(gain),
            low: Some(gain - 0.01),
            high: Some(gain + 0.01),
            holm: Some(p),
            ..VariantRecord::default()
        };
        let said = |gain, p| line(&variant(gain, p), &[], 3).en;
        assert_eq!(said(0.0015, 0.31), "画面: +0.3 % [−1.7, 2.3], p = 0.31: no evidence that it helps");
        assert_eq!(said(0.05, 0.0002), "画面: +10.0 % [8.0, 12.0], p < 0.001: it helps");
        assert_eq!(said(-0.05, 0.012), "画面: −10.0 % [−12.0, −8.0], p = 0.012: it harms");
        assert_eq!(said(0.0, 1.0), "画面: 0.0 % [−2.0, 2.0], p = 1.00: no evidence that it helps");
        assert_eq!(line(&variant(0.05, 0.2), &[], 3).zh, "画面：+10.0 % [8.0, 12.0]，p = 0.20：没有证据表明它有帮助");
        // Zeros in its place do worse, but so does nothing else that says nothing.
        let other = |how: &str, gain, p| VariantRecord { how: how.into(), ..variant(gain, p) };
        let fakes = |noise, shuffled| [other("noise", 0.05, noise), other("shuffled", 0.05, shuffled)];
        let said = |fakes: &[VariantRecord]| line(&variant(0.05, 0.001), fakes, 3).en;
        assert!(said(&fakes(0.01, 0.01)).ends_with(": it helps"));
        assert!(
            said(&fakes(0.01, 0.3)).ends_with("no evidence that it helps: with its rows exchanged it does as well")
        );
        assert!(said(&fakes(0.3, 0.01)).ends_with("no evidence that it helps: noise in its place does as well"));
        let elsewhere = VariantRecord { modality: "声音".into(), ..other("noise", 0.0, 1.0) };
        assert!(said(&[elsewhere]).ends_with(": it helps"));
    }
}
