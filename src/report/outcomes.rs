//! What was guessed: of classes a table of confusions, of numbers how far they are off, of rankings what was recommended; and of
//! each the best and the worst, with their pictures.

use std::collections::BTreeMap;
use std::ops::Range;

use maud::{Markup, html};
use mmf_lang::say;

use super::looks::Looks;
use super::predicted::{Guess, Guesses, Place, Rankings};
use super::record::TrainRecord;
use super::samples;
use super::speech::Speech;
use super::words::{count, number};

/// More classes than these are shown by their confusions alone.
const CLASSES: usize = 24;
/// Confusions that are listed.
const LISTED: usize = 20;

/// What the section is made from.
pub(super) struct Outcomes<'r> {
    pub(super) speech: Speech,
    pub(super) guesses: &'r [Guesses],
    pub(super) rankings: &'r [Rankings],
    pub(super) trains: &'r [TrainRecord],
    pub(super) looks: &'r Looks,
}

impl Outcomes<'_> {
    /// Returns the section about predictions.
    pub(super) fn section(&self) -> Markup {
        let s = self.speech;
        html! {
            section id="predictions" {
                h2 { (s.say(say!("Predictions", "预测结果"))) }
                @if self.guesses.is_empty() && self.rankings.is_empty() {
                    p { (s.say(say!("Nothing was predicted in this run.", "本次运行没有预测结果。"))) }
                }
                @for own in self.guesses {
                    h3 { (own.train) " " small { (s.part(&own.part)) } }
                    @if own.rows.iter().any(|r| r.score.is_some()) { (self.classes(own)) } @else { (self.numbers(own)) }
                    (self.samples(own))
                }
                @for own in self.rankings { (self.ranked(own)) }
            }
        }
    }

    fn source(&self, train: &str) -> Option<&str> {
        self.trains.iter().find(|t| t.name == train)?.rows.as_deref()
    }

    /// Returns the table of confusions, a row a true class and a column a guessed one, and what is right of each class.
    fn classes(&self, own: &Guesses) -> Markup {
        let s = self.speech;
        let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        let mut classes: Vec<&str> = Vec::new();
        for row in &own.rows {
            *counts.entry((&row.label, &row.predicted)).or_default() += 1;
            classes.extend([row.label.as_str(), row.predicted.as_str()]);
        }
        classes.sort_unstable();
        classes.dedup();
        let each = super::classes::table(s, &own.rows, &classes);
        if classes.len() > CLASSES {
            let of_each = s.say(say!("Precision, recall and F1 of each class", "各类别的精确率、召回率与 F1"));
            return html! { (self.confused(&counts)) details { summary { (of_each) } (each) } };
        }
        let at = |label: &str, guess: &str| counts.get(&(label, guess)).copied().unwrap_or(0);
        let truly = |label: &str| classes.iter().map(|g| at(label, g)).sum::<u64>();
        let guessed = |guess: &str| classes.iter().map(|l| at(l, guess)).sum::<u64>();
        let share = |part: u64, of: u64| {
            if of == 0 { "–".to_string() } else { format!("{:.0} %", part as f64 / of as f64 * 100.0) }
        };
        html! {
            p.quiet { (s.say(say!(
                "Each row is a true class, each column what was guessed; the stronger the colour, the larger the share of the row.",
                "每行为真实类别，每列为预测类别；颜色越浓，占该行的比例越大。"
            ))) }
            div.scroll tabindex="0" role="region" aria-label=(s.say(say!("Confusions", "混淆矩阵"))) {
                table.matrix {
                    thead { tr {
                        th { (s.say(say!("true ↓ guessed →", "真实 ↓ 预测 →"))) }
                        @for class in &classes { th.up scope="col" { span { (class) } } }
                        th.n { (s.say(say!("rows", "行数"))) } th.n { (s.say(say!("found", "召回"))) }
                    } }
                    tbody {
                        @for label in &classes {
                            @let whole = truly(label);
                            tr {
                                th scope="row" { (label) }
                                @for guess in &classes {
                                    @let here = at(label, guess);
                                    @let deep = (here as f64 / whole.max(1) as f64 * 100.0).round();
                                    td.cell.deep[deep > 55.0].right[label == guess && here > 0] style=(format!("--d:{deep}%")) {
                                        @if here > 0 { (count(here)) } @else { "·" }
                                    }
                                }
                                td.n { (count(whole)) } td.n { (share(at(label, label), whole)) }
                            }
                        }
                        tr {
                            th scope="row" { (s.say(say!("right of the guesses", "精确率"))) }
                            @for class in &classes { td.n { (share(at(class, class), guessed(class))) } }
                            td.n { (count(own.rows.len() as u64)) }
                            td.n { (share(classes.iter().map(|c| at(c, c)).sum(), own.rows.len() as u64)) }
                        }
                    }
                }
            }
            (each)
        }
    }

    /// Returns what was confused most, where a table of all classes would be too large.
    fn confused(&self, counts: &BTreeMap<(&str, &str), u64>) -> Markup {
        let s = self.speech;
        let mut wrong: Vec<(&(&str, &str), &u64)> = counts.iter().filter(|((l, g), _)| l != g).collect();
        wrong.sort_by_key(|(pair, n)| (std::cmp::Reverse(**n), **pair));
        html! {
            p.quiet { (s.say(say!("What was confused most:", "最常见的混淆："))) }
            div.scroll tabindex="0" role="region" aria-label=(s.say(say!("Confusions", "混淆"))) {
                table {
                    thead { tr {
                        th { (s.say(say!("true class", "真实类别"))) } th { (s.say(say!("guessed", "预测类别"))) }
                        th.n { (s.say(say!("rows", "行数"))) }
                    } }
                    tbody {
                        @for ((label, guess), n) in wrong.into_iter().take(LISTED) {
                            tr { td { (label) } td { (guess) } td.n { (count(*n)) } }
                        }
                    }
                }
            }
        }
    }

    /// Returns how far guessed numbers are off: points by truth and guess, and the distances below which shares of the rows lie.
    fn numbers(&self, own: &Guesses) -> Markup {
        let s = self.speech;
        let drawn: Vec<&Guess> = own.rows.iter().step_by(super::scatter::step(own.rows.len())).collect();
        let pairs: Vec<(f64, f64)> =
            drawn.iter().filter_map(|r| Some((r.label.parse().ok()?, r.predicted.parse().ok()?))).collect();
        let mut off: Vec<f64> = own.rows.iter().filter_map(Guess::distance).collect();
        off.sort_by(f64::total_cmp);
        if off.is_empty() {
            return html! {};
        }
        let below = |share: f64| off[((off.len() as f64 * share).ceil() as usize).clamp(1, off.len()) - 1];
        let says = s.say(say!("Guessed numbers against the true ones", "预测值与真实值"));
        html! {
            figure.scatter {
                figcaption { (says) }
                (super::scatter::drawing(s, &pairs, &says))
            }
            div.scroll tabindex="0" role="region" aria-label=(s.say(say!("Distances", "误差"))) {
                table {
                    thead { tr {
                        th { (s.say(say!("share of the rows", "行的比例"))) }
                        th.n { (s.say(say!("off by at most", "误差不超过"))) }
                    } }
                    tbody {
                        @for share in [0.25, 0.5, 0.75, 0.9, 1.0] {
                            tr { td { (format!("{:.0} %", share * 100.0)) } td.n { (number(Some(below(share)))) } }
                        }
                    }
                }
            }
            details {
                @let train = &own.train;
                summary { (s.say(say!("The numbers of {train}", "{train} 的数据"))) }
                div.scroll.tall tabindex="0" role="region" aria-label=(says) {
                    table {
                        thead { tr {
                            th { (s.say(say!("row", "行"))) } th.n { (s.say(say!("true", "真实值"))) }
                            th.n { (s.say(say!("guessed", "预测"))) }
                        } }
                        tbody {
                            @for row in drawn {
                                tr {
                                    td { (row.key) } td.n { (number(row.label.parse().ok())) }
                                    td.n { (number(row.predicted.parse().ok())) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn samples(&self, own: &Guesses) -> Markup {
        let s = self.speech;
        let found = samples::guesses(&own.rows);
        let classes = own.rows.iter().any(|r| r.score.is_some());
        let (best, worst) = if classes {
            (
                s.say(say!("Right, and sure of it", "最有把握的正确预测")),
                s.say(say!("Wrong, and sure of it", "最有把握的错误预测")),
            )
        } else {
            (s.say(say!("Nearest", "误差最小")), s.say(say!("Farthest", "误差最大")))
        };
        html! {
            div.samples {
                @for (title, places) in [(best, found.best), (worst, found.worst)] {
                    div {
                        h4 { (title) }
                        @if places.is_empty() { p { (s.say(say!("None.", "无。"))) } }
                        ul.cards { @for at in places { li { (self.guess(own, at)) } } }
                    }
                }
            }
        }
    }

    fn guess(&self, own: &Guesses, at: usize) -> Markup {
        let (s, row) = (self.speech, &own.rows[at]);
        let (label, guess) = (&row.label, &row.predicted);
        let says = match row.score {
            Some(score) if label == guess => html! { span.yes { "✓ " (label) } " " small { (format!("{score:.3}")) } },
            Some(score) => html! {
                span.no { "✗ " (guess) } " " small { (format!("{score:.3}")) } " "
                span { (s.say(say!("is {label}", "应为 {label}"))) }
            },
            None => {
                let (label, guess) = (number(label.parse().ok()), number(guess.parse().ok()));
                html! { span { (s.say(say!("{guess}, truly {label}", "{guess}，实为 {label}"))) } }
            }
        };
        self.looks.card(self.source(&own.train), &row.key, &says)
    }

    fn ranked(&self, own: &Rankings) -> Markup {
        let s = self.speech;
        let found = samples::rankings(&own.rows);
        let users: std::collections::BTreeSet<&str> = own.rows.iter().map(|r| &*r.user).collect();
        let longest = own.rows.iter().map(|r| r.rank).max().unwrap_or(0);
        let users = count(users.len() as u64);
        let (best, worst) = (
            s.say(say!("Users for whom it found most", "命中最多的用户")),
            s.say(say!("Users for whom it found nothing in the first ten", "前十名中没有命中的用户")),
        );
        html! {
            h3 { (own.train) }
            p.quiet { (s.say(say!(
                "{users} users, the first {longest} items of each ranking are in rankings.csv. A tick marks what the user really had.",
                "共 {users} 位用户，每位的前 {longest} 个物品见 rankings.csv。打勾的是用户确实有过的物品。"
            ))) }
            @for (title, lists) in [(best, found.best), (worst, found.worst)] {
                @if !lists.is_empty() {
                    h4 { (title) }
                    @for list in lists { (self.list(own, list)) }
                }
            }
            (self.often(own, &found.often))
        }
    }

    fn list(&self, own: &Rankings, list: Range<usize>) -> Markup {
        let (s, source) = (self.speech, self.source(&own.train));
        let user = own.rows.get(list.start).map(|r| &*r.user).unwrap_or_default();
        html! {
            details.list open[self.looks.picture(source, &own.rows[list.start].item).is_some()] {
                summary { (s.say(say!("user {user}", "用户 {user}"))) }
                ol.row {
                    @for place in list.map(|at| &own.rows[at]) {
                        li.hit[place.held_out] title=[self.looks.texts(source, &place.item).first()] {
                            @if let Some(picture) = self.looks.picture(source, &place.item) { (picture) }
                            span { @if place.held_out { "✓ " } (place.item) }
                        }
                    }
                }
            }
        }
    }

    fn often(&self, own: &Rankings, places: &[usize]) -> Markup {
        let (s, source) = (self.speech, self.source(&own.train));
        let within = |row: &&Place, item: &str| row.item == item && row.rank <= 10;
        let numbers = |item: &str| {
            let rows = own.rows.iter().filter(|row| within(row, item));
            rows.fold((0u64, 0u64), |(all, hits), row| (all + 1, hits + u64::from(row.held_out)))
        };
        html! {
            h4 { (s.say(say!("Recommended most often", "最常推荐的物品"))) }
            div.scroll tabindex="0" role="region" aria-label=(s.say(say!("Recommended most often", "最常推荐的物品"))) {
                table {
                    thead { tr {
                        th { (s.say(say!("item", "物品"))) } th.n { (s.say(say!("users with it in the first ten", "前十中有它的用户"))) }
                        th.n { (s.say(say!("of them who had it", "其中确实有过的"))) }
                    } }
                    tbody {
                        @for &at in places {
                            @let item = own.rows[at].item.as_str();
                            @let (all, hits) = numbers(item);
                            tr {
                                td { div.card { (self.looks.card(source, item, &html! {})) } }
                                td.n { (count(all)) } td.n { (count(hits)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
