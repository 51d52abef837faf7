//! `mmf explain`: the pages of `docs/explain`, compiled in.

use clap::Args;
use mmf_lang::say;

use super::exit::Exit;
use super::screen::{Screen, Style};
use super::trouble::Trouble;

/// A page for each code, in the order of the codes.
static PAGES: &[(&str, &str)] = &[
    ("E0101", include_str!("../../docs/explain/E0101.md")),
    ("E0401", include_str!("../../docs/explain/E0401.md")),
    ("E0501", include_str!("../../docs/explain/E0501.md")),
];

/// Teach a code: what it means, a pipeline that raises it, and one that does not
#[derive(Debug, Args)]
#[command(
    after_help = "The first two digits of a code are the guarantee: 00 syntax, 01 names and arguments, 02 data, 03 shapes,
04 row identity, 05 missing values, 06 leakage, 07 heads and metrics, 08 cost, 09 unused, 10 what only a run
can find.

Examples:
  mmf explain E0401
  mmf explain                    the codes that have a page"
)]
pub(crate) struct Explain {
    /// The code, as in error[E0401]
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub(crate) fn explain(verb: &Explain, screen: &Screen) -> Result<Exit, Trouble> {
    let Some(code) = &verb.code else {
        for (code, page) in PAGES {
            let title = page.lines().next().and_then(|l| l.split_once(": ")).map_or("", |(_, title)| title);
            if screen.is_json() {
                screen.out(&serde_json::json!({ "code": code, "title": title }).to_string());
            } else {
                screen.out(&format!("{}  {title}", screen.style(true, Style::Cyan, code)));
            }
        }
        return Ok(Exit::Sound);
    };
    let wanted = normal(code);
    let Some((code, page)) = PAGES.iter().find(|(known, _)| *known == wanted) else {
        return Err(unknown(code, &wanted));
    };
    if screen.is_json() {
        screen.out(&serde_json::json!({ "code": code, "page": page }).to_string());
        return Ok(Exit::Sound);
    }
    let mut program = false;
    for line in page.trim_end().lines() {
        if line.starts_with("```") {
            program = !program;
        } else if program {
            let (text, mark) = line.split_once("# error").map_or((line, None), |(text, mark)| (text, Some(mark)));
            let mark = mark.map(|m| screen.style(true, Style::Red, &format!("# error{m}"))).unwrap_or_default();
            screen.out(format!("    {text}{mark}").trim_end());
        } else if let Some(title) = line.strip_prefix("# ") {
            screen.out(&screen.style(true, Style::Bold, title));
        } else {
            wrap(line, 100).iter().for_each(|l| screen.out(l));
        }
    }
    Ok(Exit::Sound)
}

/// Returns the code as it is listed: `e401`, `401` and `error[E0401]` mean `E0401`.
fn normal(code: &str) -> String {
    let code = code.trim().trim_start_matches("error").trim_start_matches("warning");
    let code = code.trim_matches(['[', ']']).to_uppercase();
    let letter = code.chars().next().filter(char::is_ascii_alphabetic);
    let digits = code.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return code;
    }
    format!("{}{digits:0>4}", letter.unwrap_or('E'))
}

fn unknown(code: &str, wanted: &str) -> Trouble {
    // The same guarantee, else the same number with another letter.
    let same = |known: &str| known.len() == wanted.len() && wanted.is_ascii() && known[1..3] == wanted[1..3];
    let near: Vec<&str> = PAGES.iter().map(|(known, _)| *known).filter(|known| same(known)).collect();
    let listed = if near.is_empty() { PAGES.iter().map(|(known, _)| *known).collect() } else { near };
    let (en, zh) = (listed.join(", "), listed.join("、"));
    Trouble::usage(say!("there is no page about `{code}`", "没有关于 `{code}` 的说明"))
        .help(Some(say!("there are pages about {en}", "已有说明的代码：{zh}")))
}

/// Breaks a paragraph into lines of at most `width` columns.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && unicode_width::UnicodeWidthStr::width(line.as_str()) + word.len() >= width {
            lines.push(word.to_string());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every page that is written is listed, and names its code.
    #[test]
    fn the_list_is_that_of_the_folder() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/explain");
        let mut written: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.extension().is_some_and(|x| x == "md"))
            .map(|p| p.file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        written.sort();
        let listed: Vec<&str> = PAGES.iter().map(|(code, _)| *code).collect();
        assert_eq!(listed, written);
        for (code, page) in PAGES {
            assert!(page.starts_with(&format!("# {code}: ")), "{code}");
        }
    }

    #[test]
    fn a_code_may_be_written_as_it_is_met() {
        for written in ["E0401", "e401", "401", "error[E0401]", "[E0401]"] {
            assert_eq!(normal(written), "E0401");
        }
        assert_eq!(normal("w901"), "W0901");
        assert_eq!(normal("nonsense"), "NONSENSE");
    }
}
