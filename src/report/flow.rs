//! What flowed where: the declared steps, drawn in layers from left to right, with types, times and what came from the
//! store; and the same as a table.
//!
//! A chain without a name is drawn as the declaration that it ends in; the metrics of one declaration are one box.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use mmf_lang::say;

use super::record::StepRecord;
use super::speech::Speech;
use super::words::{count, span};

const BOX: [f64; 2] = [176.0, 62.0];
const GAP: [f64; 2] = [56.0, 18.0];

/// A declared step with the chain that leads to it.
struct Flow {
    name: String,
    group: String,
    /// `gray |> canny(low = 100) |> grid_density(cells = 7x7)`.
    chain: String,
    ty: String,
    fits: Vec<String>,
    state: String,
    rows: Option<u64>,
    milliseconds: Option<f64>,
    /// Other flows by number, and the words on the arrow.
    reads: Vec<(usize, String)>,
}

/// Returns the section about the graph.
pub(super) fn section(s: Speech, steps: &[StepRecord]) -> Markup {
    let flows = flows(steps);
    let most = flows.iter().filter_map(|f| f.milliseconds).fold(1.0, f64::max);
    html! {
        section id="graph" {
            h2 { (s.say(say!("What flowed where", "数据流"))) }
            p { (s.say(say!(
                "Arrows lead from what is read to what reads it. Each box says what it gives and how long it took; a dashed one came \
                 from the store, with the time it once took.",
                "箭头从被读取者指向读取者。每个方框写有其输出类型和用时；虚线框取自存储，所示为当初的用时。"
            ))) }
            div.scroll.drawing tabindex="0" role="region" aria-label=(s.say(say!("The graph of the pipeline", "流水线图"))) { (drawing(s, &flows)) }
            div.scroll tabindex="0" role="region" aria-label=(s.say(say!("The steps of the pipeline", "流水线的步骤"))) {
                table {
                    thead { tr {
                        th { (s.say(say!("step", "步骤"))) } th { (s.say(say!("made by", "由何而来"))) }
                        th { (s.say(say!("gives", "输出"))) } th.n { (s.say(say!("rows", "行数"))) }
                        th { (s.say(say!("fitted on", "拟合于"))) } th { (s.say(say!("came from", "来自"))) }
                        th.n { (s.say(say!("time", "用时"))) } th {}
                    } }
                    tbody {
                        @for flow in &flows {
                            tr {
                                td { strong { (flow.name) } br; small { (flow.group) } }
                                td.by { code { (flow.chain) } }
                                td.ty { code { (flow.ty) } }
                                td.n { (flow.rows.map(count).unwrap_or_default()) }
                                td { (flow.fits.join("; ")) }
                                td { (came(s, &flow.state)) }
                                td.n { (flow.milliseconds.map(span).unwrap_or_default()) }
                                td.bar-cell aria-hidden="true" { @if let Some(ms) = flow.milliseconds {
                                    div.bar.stored[flow.state == "cached"] style=(format!("width:{:.1}%", ms / most * 100.0)) {}
                                } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn came(s: Speech, state: &str) -> String {
    s.say(match state {
        "computed" => say!("this run", "本次运行"),
        "partly" => say!("this run, in part", "部分来自本次运行"),
        "cached" => say!("the store", "存储"),
        "failed" => say!("failed", "失败"),
        "within" => say!("within its train", "所属训练之内"),
        _ => say!("not made", "未生成"),
    })
}

/// Returns the name that a step is drawn under: the metrics of one declaration share one.
fn title(step: &StepRecord) -> Option<String> {
    let name = step.names.first()?;
    if step.group == "metric" {
        return Some(name.split('.').next().unwrap_or(name).to_string());
    }
    Some(step.names.join(", "))
}

fn flows(steps: &[StepRecord]) -> Vec<Flow> {
    let by_id: BTreeMap<usize, &StepRecord> = steps.iter().map(|s| (s.id, s)).collect();
    let mut flows: Vec<Flow> = Vec::new();
    let mut place: BTreeMap<usize, usize> = BTreeMap::new();
    for step in steps {
        let Some(name) = title(step) else { continue };
        let (mut chain, mut fits, mut reads) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        walk(step, &by_id, &place, &mut chain, &mut fits, &mut reads, &mut BTreeSet::new());
        reads.reverse();
        if step.group == "metric"
            && let Some(at) = flows.iter().position(|f| f.group == "metric" && f.name == name)
        {
            let flow = &mut flows[at];
            flow.chain = format!("{}, {}", flow.chain, metric(step));
            flow.milliseconds = flow.milliseconds.zip(step.milliseconds).map(|(a, b)| a + b).or(flow.milliseconds);
            if flow.state == "cached" {
                flow.state.clone_from(&step.state);
            }
            place.insert(step.id, at);
            continue;
        }
        let chain =
            if step.group == "metric" { metric(step) } else { chain.into_values().collect::<Vec<_>>().join(" |> ") };
        place.insert(step.id, flows.len());
        flows.push(Flow {
            name,
            group: step.group.clone(),
            chain,
            ty: step.ty.clone(),
            fits: fits.into_values().collect::<BTreeSet<_>>().into_iter().collect(),
            state: step.state.clone(),
            rows: step.rows,
            milliseconds: step.milliseconds,
            reads,
        });
    }
    flows
}

fn metric(step: &StepRecord) -> String {
    step.names.first().and_then(|n| n.split_once('.')).map_or_else(|| step.call.clone(), |(_, m)| m.to_string())
}

/// Collects a step's unnamed forerunners, what they were fitted on, and the flows that they read.
fn walk(
    step: &StepRecord,
    by_id: &BTreeMap<usize, &StepRecord>,
    place: &BTreeMap<usize, usize>,
    chain: &mut BTreeMap<usize, String>,
    fits: &mut BTreeMap<usize, String>,
    reads: &mut Vec<(usize, String)>,
    seen: &mut BTreeSet<usize>,
) {
    if !seen.insert(step.id) {
        return;
    }
    chain.insert(step.id, step.call.clone());
    if let Some(rows) = &step.fit {
        fits.insert(step.id, rows.clone());
    }
    for arrow in step.reads.iter().rev() {
        let Some(from) = by_id.get(&arrow.from) else { continue };
        match place.get(&arrow.from) {
            Some(&at) if !from.names.is_empty() => {
                if let Some(known) = reads.iter_mut().find(|(flow, _)| *flow == at) {
                    if !arrow.what.is_empty() && !known.1.split(", ").any(|w| w == arrow.what) {
                        known.1 = if known.1.is_empty() {
                            arrow.what.clone()
                        } else {
                            format!("{}, {}", arrow.what, known.1)
                        };
                    }
                } else {
                    reads.push((at, arrow.what.clone()));
                }
            }
            _ => walk(from, by_id, place, chain, fits, reads, seen),
        }
    }
}

/// Returns the place of each flow: its layer, and its number in it.
fn layers(flows: &[Flow]) -> Vec<(usize, usize)> {
    let mut layer = vec![0usize; flows.len()];
    for (at, flow) in flows.iter().enumerate() {
        layer[at] =
            flow.reads.iter().filter(|(from, _)| *from < at).map(|(from, _)| layer[*from] + 1).max().unwrap_or(0);
    }
    let deepest = layer.iter().copied().max().unwrap_or(0);
    let mut order: Vec<Vec<usize>> =
        (0..=deepest).map(|l| (0..flows.len()).filter(|&f| layer[f] == l).collect()).collect();
    let mut row = vec![0.0f64; flows.len()];
    // A few sweeps that put each box near the mean of its neighbours, from left to right and back.
    for sweep in 0..6 {
        let levels: Vec<usize> = if sweep % 2 == 0 { (0..=deepest).collect() } else { (0..=deepest).rev().collect() };
        for level in levels {
            let mean = |f: usize, row: &[f64]| -> f64 {
                let before = flows[f].reads.iter().map(|(from, _)| *from);
                let after = (0..flows.len()).filter(|&g| flows[g].reads.iter().any(|(from, _)| *from == f));
                let near: Vec<f64> =
                    if sweep % 2 == 0 { before.map(|n| row[n]).collect() } else { after.map(|n| row[n]).collect() };
                if near.is_empty() { row[f] } else { near.iter().sum::<f64>() / near.len() as f64 }
            };
            let mut keyed: Vec<(f64, usize)> = order[level].iter().map(|&f| (mean(f, &row), f)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            order[level] = keyed.into_iter().map(|(_, f)| f).collect();
            let half = (order[level].len() as f64 - 1.0) / 2.0;
            for (at, &f) in order[level].iter().enumerate() {
                row[f] = at as f64 - half;
            }
        }
    }
    let mut places = vec![(0, 0); flows.len()];
    for (level, flows) in order.iter().enumerate() {
        for (at, &f) in flows.iter().enumerate() {
            places[f] = (level, at);
        }
    }
    places
}

fn drawing(s: Speech, flows: &[Flow]) -> Markup {
    let places = layers(flows);
    let columns = places.iter().map(|p| p.0 + 1).max().unwrap_or(1);
    let tall = |level: usize| places.iter().filter(|p| p.0 == level).count();
    let rows = (0..columns).map(tall).max().unwrap_or(1);
    let [wide, high] = BOX;
    let width = columns as f64 * (wide + GAP[0]) - GAP[0] + 4.0;
    let height = rows as f64 * (high + GAP[1]) - GAP[1] + 4.0;
    let corner = |f: usize| {
        let (level, at) = places[f];
        let own = tall(level) as f64 * (high + GAP[1]) - GAP[1];
        (2.0 + level as f64 * (wide + GAP[0]), (height - own) / 2.0 + at as f64 * (high + GAP[1]))
    };
    html! {
        svg width=(format!("{width:.0}")) height=(format!("{height:.0}")) role="img" aria-label=(s.say(say!("Boxes and arrows; the table below says the same", "方框与箭头；下表内容相同"))) {
            @for (at, flow) in flows.iter().enumerate() {
                @for (from, what) in &flow.reads {
                    (arrow(corner(*from), corner(at), &flows[*from].name, what))
                }
            }
            @for (at, flow) in flows.iter().enumerate() {
                @let (x, y) = corner(at);
                g.step.stored[flow.state == "cached"].failed[flow.state == "failed"] transform=(format!("translate({x:.0} {y:.0})")) {
                    title { (flow.name) ": " (flow.chain) " gives " (flow.ty) }
                    rect class=(format!("box {}", flow.group)) width=(wide) height=(high) rx="6" {}
                    rect class=(format!("edge {}", flow.group)) width="4" height=(high) rx="2" {}
                    text.name x="12" y="19" { (short(&flow.name, 22)) }
                    text.ty x="12" y="36" { (short(&flow.ty, 27)) }
                    text.ty x="12" y="52" { (below(s, flow)) }
                }
            }
        }
    }
}

fn below(s: Speech, flow: &Flow) -> String {
    match (flow.milliseconds.map(span), flow.state.as_str()) {
        (Some(time), "cached") => s.say(say!("stored ({time})", "来自存储（{time}）")),
        (Some(time), state) if state != "failed" => time,
        (_, state) => came(s, state),
    }
}

fn arrow(from: (f64, f64), to: (f64, f64), name: &str, what: &str) -> Markup {
    let [wide, high] = BOX;
    let (x1, y1) = (from.0 + wide, from.1 + high / 2.0);
    let (x2, y2) = (to.0, to.1 + high / 2.0);
    let bend = ((x2 - x1) / 2.0).clamp(20.0, 60.0);
    let (c1, c2) = (x1 + bend, x2 - bend);
    let says = if what.is_empty() { name.to_string() } else { format!("{name}.{what}") };
    html! {
        path.arrow d=(format!("M{x1:.0} {y1:.0}C{c1:.0} {y1:.0} {c2:.0} {y2:.0} {x2:.0} {y2:.0}")) { title { (says) } }
        path.head d=(format!("M{x2:.0} {y2:.0}l-6 -3.5v7z")) {}
    }
}

/// Returns a text of at most so many letters.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}
