//! What is right of each class: the metrics of one class, and their means.

use maud::{Markup, html};
use mmf_lang::say;
use mmf_stages::confusion::{Counts, Score, macro_mean, weighted_mean};

use super::predicted::Guess;
use super::speech::Speech;
use super::words::{count, number};

/// Returns a table of precision, recall, F1 and count of rows, a row a class. `classes` are ascending, and all that come in `rows`.
pub(super) fn table(s: Speech, rows: &[Guess], classes: &[&str]) -> Markup {
    let code = |class: &str| classes.binary_search(&class).ok().map(|at| at as u32);
    let pairs = rows.iter().filter_map(|row| Some((code(&row.label)?, code(&row.predicted)?)));
    let counts = Counts::of_classes(classes.len(), pairs);
    let scores: [Score; 3] = [Counts::precision, Counts::recall, Counts::f1];
    let all = count(counts.iter().map(|own| u64::from(own.truth)).sum());
    let means: [(String, Mean); 2] = [
        (s.say(say!("mean of the classes (macro)", "各类平均（macro）")), macro_mean),
        (s.say(say!("mean weighted by rows", "按行数加权平均")), weighted_mean),
    ];
    html! {
        div.scroll tabindex="0" role="region" aria-label=(s.say(say!("Classes", "类别"))) {
            table {
                thead { tr {
                    th { (s.say(say!("class", "类别"))) }
                    th.n { (s.say(say!("precision", "精确率"))) } th.n { (s.say(say!("recall", "召回率"))) }
                    th.n { "F1" } th.n { (s.say(say!("rows", "行数"))) }
                } }
                tbody {
                    @for (class, own) in classes.iter().zip(&counts) {
                        tr {
                            th scope="row" { (class) }
                            @for score in scores { td.n { (number(Some(score(*own)))) } }
                            td.n { (count(u64::from(own.truth))) }
                        }
                    }
                    @for (name, mean) in &means {
                        tr {
                            th scope="row" { (name) }
                            @for score in scores { td.n { (number(mean(&counts, score))) } }
                            td.n { (all) }
                        }
                    }
                }
            }
        }
    }
}

type Mean = fn(&[Counts], Score) -> Option<f64>;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// The cells are those of scikit-learn's `classification_report`, as a report writes numbers.
    #[test]
    fn the_table_is_scikit_learns() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sklearn/metrics.json");
        let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let case = &all["multiclass"];
        let words = |name: &str| -> Vec<String> {
            case[name].as_array().unwrap().iter().map(|code| format!("class {code}")).collect()
        };
        let rows: Vec<Guess> = words("truth")
            .into_iter()
            .zip(words("guess"))
            .map(|(label, predicted)| Guess { label, predicted, score: Some(1.0), ..Guess::default() })
            .collect();
        let classes = ["class 0", "class 1", "class 2", "class 3"];
        let page = table(Speech::default(), &rows, &classes).into_string();
        let text = page.replace("</th>", " ").replace("</td>", " ");
        let lines: Vec<String> = text
            .split("<tr>")
            .map(|row| row.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect())
            .collect();
        let report = &case["report"];
        for (line, of) in [
            ("class 0", "0"),
            ("class 1", "1"),
            ("class 2", "2"),
            ("class 3", "3"),
            ("mean of the classes (macro)", "macro avg"),
            ("mean weighted by rows", "weighted avg"),
        ] {
            let cells = ["precision", "recall", "f1-score"].map(|name| number(report[of][name].as_f64()));
            let wanted = format!("{line} {} {}", cells.join(" "), report[of]["support"].as_f64().unwrap());
            assert!(lines.iter().any(|found| found.trim() == wanted), "{wanted} is not in {lines:?}");
        }
    }
}
