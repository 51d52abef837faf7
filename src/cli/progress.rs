//! A run as it goes: bars on a terminal, plain lines elsewhere, JSON lines for programs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use mmf_engine::{Event, Words};
use mmf_lang::graph::Graph;
use mmf_lang::say;

use super::screen::{Screen, Style, Tongue};
use crate::report::words::{count, span};

/// How often a plain line tells of a step that is under way.
const EVERY: Duration = Duration::from_secs(10);

/// A reader of events that tells people, or programs, what goes on.
pub(crate) struct Progress {
    screen: Screen,
    bars: Option<MultiProgress>,
    state: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    total: u64,
    done: u64,
    stored: u64,
    main: Option<ProgressBar>,
    running: BTreeMap<String, Running>,
    /// Steps that only variants of experiments and further times of a train need: they are many, and are counted.
    variants: BTreeSet<String>,
    varied: Option<Varied>,
    /// Rows that were left out, by step and reason: how many, and the first one's name.
    skipped: BTreeMap<(String, Words), (u64, String)>,
}

/// Steps of variants that were done, and when a plain line last told of them.
struct Varied {
    steps: u64,
    told: Instant,
}

struct Running {
    bar: Option<ProgressBar>,
    begun: Instant,
    told: Instant,
}

impl Progress {
    /// Bars where stderr is a terminal and `bars` allows them, else lines.
    pub(crate) fn new(screen: &Screen, graph: &Graph, bars: bool) -> Progress {
        let bars = bars && !screen.is_json() && std::io::stderr().is_terminal();
        let shown = Shown { variants: variants(graph), ..Shown::default() };
        Progress { screen: *screen, bars: bars.then(MultiProgress::new), state: Mutex::new(shown) }
    }

    pub(crate) fn take(&self, event: &Event) {
        if self.screen.is_json() {
            if let Ok(line) = serde_json::to_string(event) {
                self.screen.out(&line);
            }
            return;
        }
        let mut shown = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Planned { nodes, cached } => self.planned(&mut shown, *nodes, *cached),
            Event::Started { node } => self.started(&mut shown, node),
            Event::Progress { node, done, total } => self.progress(&mut shown, node, *done, *total),
            // What a stage's inputs count is for the report: the loss and the watched metric stay.
            Event::Curve { curve, .. } if curve.contains(": ") => {}
            Event::Curve { node, curve, step, value } => {
                if let Some(Running { bar: Some(bar), .. }) = shown.running.get(node) {
                    bar.set_message(format!("{curve} {value:.4} ({step})"));
                }
            }
            Event::Finished { node, rows, cached_rows, milliseconds, .. } => {
                self.finished(&mut shown, node, *rows, *cached_rows, *milliseconds);
            }
            Event::Skipped { node, name, reason, .. } => {
                let entry = shown.skipped.entry((node.clone(), reason.clone())).or_insert((0, name.clone()));
                entry.0 += 1;
            }
            Event::Note { node, text } => self.say(&format!("  {node}: {}", self.words(text))),
            Event::Warning { text } | Event::Damage { text } => {
                let word = self.screen.pick(&say!("warning", "警告")).to_string();
                self.say(&format!(
                    "{} {}",
                    self.screen.style(false, Style::Yellow, &format!("{word}:")),
                    self.words(text)
                ));
            }
            Event::Failed { node, .. } => {
                if let Some(Running { bar: Some(bar), .. }) = shown.running.remove(node) {
                    bar.finish_and_clear();
                }
            }
            Event::Done { .. } => self.done(&mut shown),
            Event::Cached { .. } | Event::Computed { .. } | Event::Metric(_) => {}
        }
    }

    fn words<'w>(&self, words: &'w Words) -> &'w str {
        match self.screen.tongue {
            Tongue::En => &words.en,
            Tongue::Zh => &words.zh,
        }
    }

    /// Writes a line, above the bars where there are any.
    fn say(&self, line: &str) {
        match &self.bars {
            Some(bars) => {
                let _ = bars.println(line);
            }
            None => self.screen.tell(line),
        }
    }

    fn planned(&self, shown: &mut Shown, nodes: u64, cached: u64) {
        (shown.total, shown.done, shown.stored) = (nodes, cached, cached);
        let left = nodes.saturating_sub(cached);
        let text = match (cached, left) {
            (_, 0) => say!("all {nodes} steps are in the store", "全部 {nodes} 步均已在存储中"),
            (0, _) => say!("{nodes} steps to run", "共 {nodes} 步待运行"),
            _ => say!(
                "{nodes} steps: {cached} from the store, {left} to run",
                "共 {nodes} 步：{cached} 步取自存储，{left} 步待运行"
            ),
        };
        self.say(&self.screen.style(false, Style::Dim, self.screen.pick(&text)));
        if let (Some(bars), true) = (&self.bars, left > 0) {
            let bar = bars.add(ProgressBar::new(nodes));
            bar.set_style(style("{bar:24.green} {pos}/{len} {elapsed} {msg}"));
            bar.set_position(cached);
            bar.enable_steady_tick(Duration::from_millis(200));
            shown.main = Some(bar);
        }
    }

    fn started(&self, shown: &mut Shown, node: &str) {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = match &shown.main {
                Some(main) => bars.insert_before(main, ProgressBar::new_spinner()),
                None => bars.add(ProgressBar::new_spinner()),
            };
            bar.set_style(style("  {spinner} {prefix} {elapsed} {msg}"));
            bar.set_prefix(node.to_string());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let now = Instant::now();
        shown.running.insert(node.to_string(), Running { bar, begun: now, told: now });
    }

    fn progress(&self, shown: &mut Shown, node: &str, done: u64, total: u64) {
        let Some(running) = shown.running.get_mut(node) else { return };
        if let Some(bar) = &running.bar {
            if bar.length() != Some(total) {
                bar.set_length(total);
                bar.set_style(style("  {spinner} {prefix} {bar:16.cyan} {human_pos}/{human_len}, {eta} left {msg}"));
            }
            bar.set_position(done);
        } else if running.told.elapsed() >= EVERY && done < total {
            running.told = Instant::now();
            let left = running.begun.elapsed().as_secs_f64() * 1e3 / done.max(1) as f64 * (total - done) as f64;
            let (done, total, left) = (count(done), count(total), span(left));
            let text = say!("  {node}: {done} of {total}, {left} left", "  {node}：{done} / {total}，剩余 {left}");
            self.say(self.screen.pick(&text));
        }
    }

    fn finished(&self, shown: &mut Shown, node: &str, rows: u64, stored: u64, milliseconds: f64) {
        if let Some(Running { bar: Some(bar), .. }) = shown.running.remove(node) {
            bar.finish_and_clear();
        }
        shown.done += 1;
        if let Some(main) = &shown.main {
            main.set_position(shown.done);
        }
        if shown.variants.contains(node) {
            let (done, total) = (count(shown.done), count(shown.total));
            let varied = shown.varied.get_or_insert_with(|| Varied { steps: 0, told: Instant::now() });
            varied.steps += 1;
            if self.bars.is_none() && varied.told.elapsed() >= EVERY {
                varied.told = Instant::now();
                let text = say!(
                    "  experiments and repeats: {done} of {total} steps are done",
                    "  实验与重复训练：已完成 {done} / {total} 步"
                );
                self.say(self.screen.pick(&text));
            }
            return;
        }
        let took = span(milliseconds);
        let rows = match (rows, stored) {
            (0, _) => say!("", ""),
            (_, 0) => {
                let rows = count(rows);
                say!("{rows} rows, ", "{rows} 行，")
            }
            _ => {
                let (rows, stored) = (count(rows), count(stored));
                say!("{rows} rows ({stored} from the store), ", "{rows} 行（{stored} 行取自存储），")
            }
        };
        let sign = self.screen.style(false, Style::Green, "✓");
        self.say(&format!("  {sign} {node}: {}{took}", self.screen.pick(&rows)));
    }

    fn done(&self, shown: &mut Shown) {
        for (_, running) in std::mem::take(&mut shown.running) {
            if let Some(bar) = running.bar {
                bar.finish_and_clear();
            }
        }
        if let Some(main) = shown.main.take() {
            main.finish_and_clear();
        }
        if let Some(Varied { steps, .. }) = shown.varied.take() {
            let (steps, s) = (count(steps), if steps == 1 { "" } else { "s" });
            let sign = self.screen.style(false, Style::Green, "✓");
            let text = say!("{steps} step{s} for experiments and repeats", "实验与重复训练共 {steps} 步");
            self.say(&format!("  {sign} {}", self.screen.pick(&text)));
        }
        for ((node, reason), (rows, first)) in std::mem::take(&mut shown.skipped) {
            let reason = self.words(&reason);
            let (rows, s) = (count(rows), if rows == 1 { "" } else { "s" });
            let like = if first.is_empty() { String::new() } else { format!(" ({first})") };
            let text =
                say!("  {node}: {rows} row{s} left out{like}: {reason}", "  {node}：略去 {rows} 行{like}：{reason}");
            self.say(self.screen.pick(&text));
        }
    }
}

/// Returns the titles of steps that only experiments need.
fn variants(graph: &Graph) -> BTreeSet<String> {
    let (variants, others): (Vec<_>, Vec<_>) = graph.dag.node_indices().partition(|id| graph.variants.contains(id));
    let others: BTreeSet<String> = others.into_iter().map(|id| graph.title(id)).collect();
    variants.into_iter().map(|id| graph.title(id)).filter(|title| !others.contains(title)).collect()
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
