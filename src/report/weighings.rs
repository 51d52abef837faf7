//! How much each input counts in the stages that weigh their inputs: from epoch to epoch, and side by side at the end.

use maud::{Markup, html};
use mmf_lang::say;

use super::curves::{Plane, ends};
use super::read::Curve;
use super::record::{TrainRecord, WeighingRecord};
use super::speech::Speech;
use super::words::axis;

/// The shares of a stage's inputs by epoch: what each weighs, of what all weigh. A policy's weights are chances and do not sum to 1; so
/// they can stand beside those of a softmax.
pub(super) struct Shares<'a> {
    record: &'a WeighingRecord,
    /// A curve for each input.
    inputs: Vec<Curve>,
}

/// Returns what a train tells of the stages that weigh their inputs.
pub(super) fn shares<'a>(train: &'a TrainRecord, curves: &[Curve]) -> Vec<Shares<'a>> {
    let of = |record: &'a WeighingRecord| {
        let own = |input: usize| curves.iter().find(|curve| curve.name == name(record, input));
        let weights: Vec<&Curve> = (0..record.inputs.len()).map(own).collect::<Option<_>>()?;
        let at = |curve: &Curve, step: u64| curve.points.iter().find(|point| point.0 == step).map(|point| point.1);
        let share = |curve: &&Curve| {
            let points = curve.points.iter().map(|&(step, weight)| {
                let all: f64 = weights.iter().filter_map(|curve| at(curve, step)).sum();
                (step, if all > 0.0 { weight / all } else { 0.0 })
            });
            Curve { name: curve.name.clone(), points: points.collect() }
        };
        Some(Shares { record, inputs: weights.iter().map(share).collect() })
    };
    train.weighings.iter().filter_map(of).collect()
}

fn name(record: &WeighingRecord, input: usize) -> String {
    format!("{}: input {}", record.curves, input + 1)
}

impl Shares<'_> {
    /// Tells whether a curve is shown with these.
    pub(super) fn has(&self, curve: &Curve) -> bool {
        self.inputs.iter().any(|own| own.name == curve.name)
    }

    fn equal(&self) -> f64 {
        1.0 / self.inputs.len().max(1) as f64
    }

    /// Returns the share of each input at the epoch that was kept, or the last.
    fn settled(&self, kept: Option<u64>) -> Vec<(&str, f64)> {
        let share = |curve: &Curve| at(curve, kept).map_or(0.0, |point| point.1);
        self.record.inputs.iter().zip(&self.inputs).map(|(input, curve)| (input.as_str(), share(curve))).collect()
    }

    pub(super) fn figure(&self, s: Speech, kept: Option<u64>) -> Markup {
        let high =
            self.inputs.iter().flat_map(|curve| &curve.points).fold(self.equal(), |high, point| high.max(point.1));
        let plane = Plane::new(self.inputs.first().and_then(ends), axis(0.0, high, 3));
        let (stage, equal) = (&self.record.name, percent(self.equal()));
        let settled: Vec<String> =
            self.settled(kept).iter().map(|(input, share)| format!("{input} {}", percent(*share))).collect();
        let settled = settled.join(", ");
        let says = s.say(say!(
            "How much each input counts in {stage} by epoch; equal shares are {equal}. At the end: {settled}",
            "{stage} 中各输入所占比重随轮次的变化；均等时为 {equal}。最终：{settled}"
        ));
        html! {
            figure.curve {
                figcaption { (stage) " " small { (s.say(say!("shares of its inputs", "各输入所占比重"))) } }
                svg viewBox=(Plane::size()) role="img" aria-label=(says) {
                    title { (says) }
                    (plane.axes(&s.say(say!("epoch", "轮次")), kept))
                    (plane.level(self.equal()))
                    @for (number, curve) in self.inputs.iter().enumerate() {
                        (plane.line(&curve.points, &format!("stroke:var(--k{})", number % 11)))
                        @if let Some((step, share)) = at(curve, kept) {
                            (plane.dot(step, share, &format!("fill:var(--k{})", number % 11)))
                        }
                    }
                }
                ul.legend {
                    @for (number, input) in self.record.inputs.iter().enumerate() {
                        li { i class=(format!("swatch k{}", number % 11)) {} (input) }
                    }
                    li { i.dashed {} (s.say(say!("equal", "均等"))) }
                }
            }
        }
    }
}

/// Returns the point of the epoch that was kept, or the last.
fn at(curve: &Curve, kept: Option<u64>) -> Option<(u64, f64)> {
    let kept = kept.and_then(|kept| curve.points.iter().find(|point| point.0 == kept));
    kept.or(curve.points.last()).copied()
}

/// Returns what each input counts in all trains beside equal shares; nothing where no stage weighs.
pub(super) fn table(s: Speech, curves: &[(String, Vec<Curve>)], trains: &[TrainRecord]) -> Markup {
    let mut rows: Vec<(&str, Option<u64>, Shares)> = Vec::new();
    for train in trains {
        let Some((_, own)) = curves.iter().find(|(name, _)| *name == train.name) else { continue };
        rows.extend(shares(train, own).into_iter().map(|own| (train.name.as_str(), train.kept, own)));
    }
    let mut inputs: Vec<&str> = Vec::new();
    for input in rows.iter().flat_map(|(_, _, own)| &own.record.inputs) {
        if !inputs.contains(&input.as_str()) {
            inputs.push(input);
        }
    }
    html! {
        @if !rows.is_empty() {
            h3 { (s.say(say!("What each input counts", "各输入的比重"))) }
            p.quiet { (s.say(say!(
                "What an input weighs, of what all weigh: the mean over some hundred rows, whatever their part, at the epoch that was kept. Each \
                 line is a stage that learned weights, beside equal ones.",
                "某一输入的权重占全部权重的比例：取所保留轮次，对数百行（不论属于哪一部分）求平均。每行为一个学到权重的环节，最后与均等权重对照。"
            ))) }
            div.scroll tabindex="0" role="region" aria-label=(s.say(say!("What each input counts", "各输入的比重"))) {
                table {
                    thead { tr {
                        th { (s.say(say!("stage", "环节"))) }
                        th { (s.say(say!("train", "训练"))) }
                        @for input in &inputs { th.n { (input) } }
                        th.n { (s.say(say!("equal", "均等"))) }
                    } }
                    tbody {
                        @for (train, kept, own) in &rows {
                            @let settled = own.settled(*kept);
                            tr {
                                td { (own.record.name) }
                                td { (train) }
                                @for input in &inputs {
                                    td.n { (settled.iter().find(|(name, _)| name == input).map_or("–".into(), |(_, share)| percent(*share))) }
                                }
                                td.n { (percent(own.equal())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_a_policy_and_of_a_softmax_stand_side_by_side() {
        let record = |curves: &str, name: &str| WeighingRecord {
            curves: curves.into(),
            name: name.into(),
            inputs: vec!["look".into(), "words".into()],
        };
        let curve = |name: &str, points: [f64; 2]| Curve { name: name.into(), points: (1..).zip(points).collect() };
        let train = |name: &str, weighing: WeighingRecord| TrainRecord {
            name: name.into(),
            kept: Some(2),
            weighings: vec![weighing],
            ..TrainRecord::default()
        };
        let trains =
            [train("by_reward", record("policy 1", "reward")), train("by_gate", record("attention 1", "learned"))];
        let curves = [
            (
                "by_reward".to_string(),
                vec![
                    curve("loss", [0.5, 0.4]),
                    curve("policy 1: input 1", [1.0, 0.9]),
                    curve("policy 1: input 2", [1.0, 0.3]),
                ],
            ),
            (
                "by_gate".to_string(),
                vec![curve("attention 1: input 1", [0.5, 0.6]), curve("attention 1: input 2", [0.5, 0.4])],
            ),
        ];
        let own = shares(&trains[0], &curves[0].1);
        assert!(own[0].has(&curves[0].1[1]) && !own[0].has(&curves[0].1[0]));
        assert_eq!(own[0].inputs[0].points.iter().map(|p| percent(p.1)).collect::<Vec<_>>(), ["50.0 %", "75.0 %"]);
        let page = table(Speech::English, &curves, &trains).into_string();
        let cells: Vec<&str> = page.split("<td").skip(1).filter_map(|cell| cell.split(['>', '<']).nth(1)).collect();
        assert_eq!(
            cells,
            ["reward", "by_reward", "75.0 %", "25.0 %", "50.0 %", "learned", "by_gate", "60.0 %", "40.0 %", "50.0 %"]
        );
        // What an older record does not name is shown as any curve.
        assert!(shares(&TrainRecord::default(), &curves[0].1).is_empty());
    }
}
