//! The table of what was measured, and what experiments say.

use mmf_engine::MetricResult;
use mmf_lang::say;
use unicode_width::UnicodeWidthStr;

use super::screen::{Screen, Style};
use crate::report::record::{ExperimentRecord, ImputationRecord};
use crate::report::words::{count, number, spread};
use crate::report::{experiments, imputations};

/// Writes the metrics, a line each, with their 95 % intervals.
pub(crate) fn table(screen: &Screen, metrics: &[MetricResult]) {
    if metrics.is_empty() {
        return;
    }
    let heads = [
        say!("metric", "指标"),
        say!("train", "训练"),
        say!("part", "部分"),
        say!("value", "值"),
        say!("95% interval", "95% 区间"),
        say!("over", "单位数"),
    ];
    let mut lines = vec![heads.iter().map(|h| screen.pick(h).to_string()).collect::<Vec<_>>()];
    for m in metrics {
        let name = if m.name.is_empty() { m.metric.clone() } else { format!("{}.{}", m.name, m.metric) };
        let interval = match (m.low, m.high) {
            (Some(low), Some(high)) => format!("{} – {}", number(Some(low)), number(Some(high))),
            _ => "–".into(),
        };
        lines.push(vec![name, m.train.clone(), m.part.clone(), spread(m.value, m.deviation), interval, count(m.rows)]);
    }
    let widths: Vec<usize> =
        (0..heads.len()).map(|at| lines.iter().map(|l| l[at].width()).max().unwrap_or(0)).collect();
    for (at, line) in lines.iter().enumerate() {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                let blanks = " ".repeat(width - cell.width());
                if column >= 3 { format!("{blanks}{cell}") } else { format!("{cell}{blanks}") }
            })
            .collect();
        let line = cells.join("  ");
        let line = line.trim_end();
        screen.out(&if at == 0 { screen.style(true, Style::Bold, line) } else { line.to_string() });
    }
}

/// Writes what experiments found: a line about each, and one for each modality.
pub(crate) fn experiments(screen: &Screen, (ablations, fillings): (Vec<ExperimentRecord>, Vec<ImputationRecord>)) {
    let ablations = ablations.iter().map(|e| (&e.name, experiments::about(e), experiments::lines(e)));
    let fillings = fillings.iter().map(|e| (&e.name, imputations::about(e), imputations::lines(e)));
    for (name, about, lines) in ablations.chain(fillings) {
        screen.out(&screen.style(true, Style::Bold, &format!("{name}: {}", screen.pick(&about))));
        for line in lines {
            screen.out(&format!("  {}", screen.pick(&line)));
        }
    }
}
