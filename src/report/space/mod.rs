//! The space in which a train sees its rows, in two dimensions: a point a row, coloured by its label, its picture and words beside
//! it. Each point is a radio button, so that pointer, finger and arrow keys all work without a script.

pub(crate) mod pca;
pub(crate) mod tsne;

use std::collections::BTreeMap;
use std::path::Path;

use maud::{Markup, html};
use mmf_lang::say;

use super::looks::Looks;
use super::predicted::lines;
use super::record::TrainRecord;
use super::speech::Speech;

/// Points on the whole page at most.
const POINTS: usize = 2000;
/// Colours for classes; what has none of its own is grey.
const COLORS: usize = 10;
/// Steps in which a number is coloured.
const STEPS: usize = 5;

/// The points of a train.
#[derive(Debug, Default)]
pub(super) struct Space {
    train: String,
    /// `pca_1 (31.2 %)` and so on.
    axes: Vec<String>,
    points: Vec<Point>,
}

#[derive(Debug)]
struct Point {
    key: String,
    label: String,
    predicted: String,
    /// Along the principal axes, then on the map of neighbours.
    places: [f64; 4],
}

/// Reads the spaces of these trains, those that are there.
pub(super) fn read(folder: &Path, trains: &[TrainRecord]) -> Vec<Space> {
    let one = |train: &TrainRecord| {
        let path = folder.join("space").join(format!("{}.csv", super::file_name(&train.name)));
        let text = std::fs::read_to_string(path).ok()?;
        let mut points = Vec::new();
        let header = lines(&text, |line| {
            let number = |at: usize| line.get(at)?.parse::<f64>().ok().filter(|x| x.is_finite());
            let word = |at: usize| line.get(at).map(str::to_string);
            points.extend((|| {
                let places = [number(3)?, number(4)?, number(5)?, number(6)?];
                Some(Point { key: word(0)?, label: word(1)?, predicted: word(2)?, places })
            })());
        });
        let axes = header.iter().skip(3).map(str::to_string).collect();
        (!points.is_empty()).then(|| Space { train: train.name.clone(), axes, points })
    };
    let mut spaces: Vec<Space> = trains.iter().filter_map(one).collect();
    let most = (POINTS / spaces.len().max(1)).max(50);
    for space in &mut spaces {
        let count = space.points.len();
        if count > most {
            let mut at = 0;
            space.points.retain(|_| {
                at += 1;
                at * most / count > (at - 1) * most / count
            });
        }
    }
    spaces
}

/// How points are coloured, and in which order they are gone through.
struct Coloring {
    /// Words and the number of their colour, for the legend.
    legend: Vec<(String, usize)>,
    /// A colour a point.
    colors: Vec<usize>,
    /// Whether colours are steps of a number.
    steps: bool,
}

/// Returns the section about the spaces.
pub(super) fn section(s: Speech, spaces: &[Space], trains: &[TrainRecord], looks: &Looks) -> Markup {
    html! {
        section id="space" {
            h2 { (s.say(say!("The space they are told apart in", "特征空间"))) }
            @if spaces.is_empty() {
                p { (s.say(say!("No train of this run left its vectors.", "本次运行没有留下可显示的向量。"))) }
            } @else {
                p { (s.say(say!(
                    "What enters the last layer of each train, for rows of the measured part, in two dimensions: along the two axes in \
                     which they differ most (PCA), or so that neighbours stay neighbours (t-SNE; distances between heaps say nothing \
                     there). A few points far outside lie on the edge. Point at one, touch it, or go through them with the arrow keys.",
                    "各训练最后一层的输入在二维中的样子，取自被度量部分的行：沿差异最大的两个方向（PCA），或尽量让相邻者仍相邻（t-SNE，\
                     此时各簇之间的距离没有意义）。少数离得很远的点画在边上。可用指针、触摸或方向键逐点查看。"
                ))) }
            }
            @for (at, space) in spaces.iter().enumerate() {
                @let record = trains.iter().find(|t| t.name == space.train);
                (figure(s, at, space, record, looks))
            }
        }
    }
}

fn figure(s: Speech, number: usize, space: &Space, record: Option<&TrainRecord>, looks: &Looks) -> Markup {
    let task = record.map(|r| r.task.as_str()).unwrap_or_default();
    let coloring = color(s, space, task);
    let source = record.and_then(|r| r.rows.as_deref());
    let places = percents(space);
    let mut order: Vec<usize> = (0..space.points.len()).collect();
    order.sort_by(|&a, &b| coloring.colors[a].cmp(&coloring.colors[b]).then(places[a][0].total_cmp(&places[b][0])));
    let (train, count) = (&space.train, space.points.len());
    let says = match task {
        "recommend" => s.say(say!(
            "{count} items of {train}, coloured by their count of training rows",
            "{train} 的 {count} 个物品，按训练行数着色"
        )),
        "regress" => {
            s.say(say!("{count} rows of {train}, coloured by their label", "{train} 的 {count} 行，按标签值着色"))
        }
        _ => s.say(say!("{count} rows of {train}, coloured by their class", "{train} 的 {count} 行，按类别着色")),
    };
    let group = format!("p{number}");
    html! {
        h3 { (train) }
        figure.space.ramp[coloring.steps] {
            figcaption { (says) }
            fieldset.choose {
                legend.hidden { (s.say(say!("Projection", "投影"))) }
                label { input.see-tsne type="radio" name=(format!("v{number}")) checked; "t-SNE" }
                label { input.see-pca type="radio" name=(format!("v{number}")); "PCA" }
                small.axes { (space.axes.iter().take(2).cloned().collect::<Vec<_>>().join(", ")) }
            }
            ul.legend { @for (words, color) in &coloring.legend { li { i class=(format!("swatch k{color}")) {} (words) } } }
            div.stage {
                div.plane role="radiogroup" aria-label=(says) {
                    @for (turn, &at) in order.iter().enumerate() {
                        @let (point, place) = (&space.points[at], &places[at]);
                        label.p {
                            input class=(format!("k{}", coloring.colors[at])) type="radio" name=(group)
                                style=(format!("--a:{:.1};--b:{:.1};--c:{:.1};--d:{:.1}", place[0], place[1], place[2], place[3]))
                                aria-label=(format!("{}: {}", point.key, point.label)) checked[turn == 0];
                            span.tip { (looks.card(source, &point.key, &says_of(s, point, task))) }
                        }
                    }
                }
            }
        }
        (table(s, space))
    }
}

fn says_of(s: Speech, point: &Point, task: &str) -> Markup {
    let (label, predicted) = (&point.label, &point.predicted);
    match task {
        "recommend" => html! { span { (s.say(say!("{label} training rows", "{label} 行训练数据"))) } },
        _ if label == predicted => html! { span.yes { "✓ " (label) } },
        "regress" => html! { span { (s.say(say!("{label}, guessed {predicted}", "{label}，预测为 {predicted}"))) } },
        _ => html! { span { (label) } " " span.no { (s.say(say!("✗ guessed {predicted}", "✗ 预测为 {predicted}"))) } },
    }
}

/// Returns places in percent of the drawn square, the second and fourth from above. A few points far outside lie on the edge, for
/// the others would be a heap.
fn percents(space: &Space) -> Vec<[f64; 4]> {
    let range = |axis: usize| {
        let mut all: Vec<f64> = space.points.iter().map(|p| p.places[axis]).collect();
        all.sort_by(f64::total_cmp);
        let at = |share: f64| all[((all.len() - 1) as f64 * share).round() as usize];
        let (low, high) = (at(0.02), at(0.98));
        let room = (high - low) * 0.3;
        (at(0.0).max(low - room), at(1.0).min(high + room))
    };
    // Both axes of a drawing have one scale, so that distances are true.
    let scale = |axes: [usize; 2]| {
        let ranges = axes.map(range);
        let widest = ranges.iter().map(|(l, h)| h - l).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        ranges.map(|(low, high)| (widest, (low + high) / 2.0))
    };
    let scales = [scale([0, 1]), scale([2, 3])];
    let place = |point: &Point| {
        let mut out = [50.0; 4];
        for (axis, out) in out.iter_mut().enumerate() {
            let (widest, middle) = scales[axis / 2][axis % 2];
            let way = ((point.places[axis] - middle) / widest * 94.0).clamp(-48.0, 48.0);
            *out += if axis % 2 == 0 { way } else { -way };
        }
        out
    };
    space.points.iter().map(place).collect()
}

fn color(s: Speech, space: &Space, task: &str) -> Coloring {
    if task == "classify" {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        space.points.iter().for_each(|p| *counts.entry(&p.label).or_default() += 1);
        let mut largest: Vec<(&str, usize)> = counts.iter().map(|(l, n)| (*l, *n)).collect();
        largest.sort_by_key(|&(label, n)| (std::cmp::Reverse(n), label));
        let mut own: Vec<&str> = largest.iter().take(COLORS).map(|(label, _)| *label).collect();
        own.sort_unstable();
        let find = |label: &str| own.iter().position(|l| *l == label).unwrap_or(COLORS);
        let mut legend: Vec<(String, usize)> = own.iter().enumerate().map(|(at, l)| (l.to_string(), at)).collect();
        if largest.len() > COLORS {
            let rest = largest.len() - COLORS;
            legend.push((s.say(say!("{rest} smaller classes", "其余 {rest} 类")), COLORS));
        }
        let colors = space.points.iter().map(|p| find(&p.label)).collect();
        return Coloring { legend, colors, steps: false };
    }
    let numbers: Vec<f64> = space.points.iter().map(|p| p.label.parse().unwrap_or(0.0)).collect();
    let mut sorted = numbers.clone();
    sorted.sort_by(f64::total_cmp);
    // Each step holds a fifth of the points, equal numbers in one step.
    let bound = |step: usize| sorted[(sorted.len() * step / STEPS).min(sorted.len() - 1)];
    let step = |x: f64| (1..STEPS).filter(|&step| x >= bound(step)).count();
    let colors: Vec<usize> = numbers.iter().map(|&x| step(x)).collect();
    let legend = (0..STEPS).filter_map(|own| {
        let within = || numbers.iter().zip(&colors).filter(|(_, c)| **c == own).map(|(x, _)| *x);
        let (low, high) = within().fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(x), h.max(x)));
        let words = if low == high { format!("{low}") } else { format!("{low} – {high}") };
        (low <= high).then_some((words, own))
    });
    Coloring { legend: legend.collect(), colors, steps: true }
}

fn table(s: Speech, space: &Space) -> Markup {
    let train = &space.train;
    html! {
        details {
            summary { (s.say(say!("The numbers of {train}", "{train} 的数据"))) }
            div.scroll.tall tabindex="0" role="region" aria-label=(s.say(say!("Places of {train}", "{train} 的坐标"))) {
                table {
                    thead { tr {
                        th { (s.say(say!("row", "行"))) } th { (s.say(say!("label", "标签"))) }
                        th { (s.say(say!("guessed", "预测"))) }
                        @for axis in &space.axes { th.n { (axis) } }
                    } }
                    tbody {
                        @for point in &space.points {
                            tr {
                                td { (point.key) } td { (point.label) } td { (point.predicted) }
                                @for place in point.places { td.n { (format!("{place:.2}")) } }
                            }
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

    fn space(labels: &[&str]) -> Space {
        let point = |(at, label): (usize, &&str)| Point {
            key: at.to_string(),
            label: label.to_string(),
            predicted: String::new(),
            places: [at as f64, 0.0, 0.0, at as f64],
        };
        Space { train: "t".into(), axes: Vec::new(), points: labels.iter().enumerate().map(point).collect() }
    }

    #[test]
    fn numbers_are_coloured_in_steps_and_classes_by_size() {
        let steps = color(Speech::English, &space(&["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]), "regress");
        assert_eq!(steps.colors, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
        assert_eq!(steps.legend[0].0, "1 – 2");
        assert_eq!(color(Speech::English, &space(&["3", "3", "3"]), "recommend").colors, [4, 4, 4]);
        let many: Vec<String> = (0..12).flat_map(|i| vec![format!("c{i:02}"); 13 - i]).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let classes = color(Speech::English, &space(&many), "classify");
        assert_eq!(classes.legend.last().unwrap(), &("2 smaller classes".to_string(), COLORS));
        assert_eq!(*classes.colors.last().unwrap(), COLORS);
    }

    #[test]
    fn places_keep_their_shape() {
        let places = percents(&space(&["a", "b", "c"]));
        assert_eq!(places, [[3.0, 50.0, 50.0, 97.0], [50.0, 50.0, 50.0, 50.0], [97.0, 50.0, 50.0, 3.0]]);
    }
}
