//! `mmf explain`: the pages of `docs/explain`, compiled in.

mod page;

use clap::Args;
use mmf_lang::say;
use page::Part;

use super::exit::Exit;
use super::screen::{Screen, Style};
use super::trouble::Trouble;

/// A page for each code, in the order of the codes.
static PAGES: &[(&str, &str)] = &[
    ("E0001", include_str!("../../docs/explain/E0001.md")),
    ("E0002", include_str!("../../docs/explain/E0002.md")),
    ("E0003", include_str!("../../docs/explain/E0003.md")),
    ("E0004", include_str!("../../docs/explain/E0004.md")),
    ("E0005", include_str!("../../docs/explain/E0005.md")),
    ("E0006", include_str!("../../docs/explain/E0006.md")),
    ("E0007", include_str!("../../docs/explain/E0007.md")),
    ("E0008", include_str!("../../docs/explain/E0008.md")),
    ("E0009", include_str!("../../docs/explain/E0009.md")),
    ("E0010", include_str!("../../docs/explain/E0010.md")),
    ("E0011", include_str!("../../docs/explain/E0011.md")),
    ("E0012", include_str!("../../docs/explain/E0012.md")),
    ("E0013", include_str!("../../docs/explain/E0013.md")),
    ("E0014", include_str!("../../docs/explain/E0014.md")),
    ("E0015", include_str!("../../docs/explain/E0015.md")),
    ("E0016", include_str!("../../docs/explain/E0016.md")),
    ("E0017", include_str!("../../docs/explain/E0017.md")),
    ("E0018", include_str!("../../docs/explain/E0018.md")),
    ("E0019", include_str!("../../docs/explain/E0019.md")),
    ("E0020", include_str!("../../docs/explain/E0020.md")),
    ("E0021", include_str!("../../docs/explain/E0021.md")),
    ("E0022", include_str!("../../docs/explain/E0022.md")),
    ("E0023", include_str!("../../docs/explain/E0023.md")),
    ("E0024", include_str!("../../docs/explain/E0024.md")),
    ("E0025", include_str!("../../docs/explain/E0025.md")),
    ("E0026", include_str!("../../docs/explain/E0026.md")),
    ("E0027", include_str!("../../docs/explain/E0027.md")),
    ("E0028", include_str!("../../docs/explain/E0028.md")),
    ("E0029", include_str!("../../docs/explain/E0029.md")),
    ("E0030", include_str!("../../docs/explain/E0030.md")),
    ("E0031", include_str!("../../docs/explain/E0031.md")),
    ("E0032", include_str!("../../docs/explain/E0032.md")),
    ("E0101", include_str!("../../docs/explain/E0101.md")),
    ("E0102", include_str!("../../docs/explain/E0102.md")),
    ("E0103", include_str!("../../docs/explain/E0103.md")),
    ("E0104", include_str!("../../docs/explain/E0104.md")),
    ("E0105", include_str!("../../docs/explain/E0105.md")),
    ("E0106", include_str!("../../docs/explain/E0106.md")),
    ("E0107", include_str!("../../docs/explain/E0107.md")),
    ("E0108", include_str!("../../docs/explain/E0108.md")),
    ("E0109", include_str!("../../docs/explain/E0109.md")),
    ("E0110", include_str!("../../docs/explain/E0110.md")),
    ("E0111", include_str!("../../docs/explain/E0111.md")),
    ("E0112", include_str!("../../docs/explain/E0112.md")),
    ("E0113", include_str!("../../docs/explain/E0113.md")),
    ("E0114", include_str!("../../docs/explain/E0114.md")),
    ("E0115", include_str!("../../docs/explain/E0115.md")),
    ("E0116", include_str!("../../docs/explain/E0116.md")),
    ("E0117", include_str!("../../docs/explain/E0117.md")),
    ("E0118", include_str!("../../docs/explain/E0118.md")),
    ("E0119", include_str!("../../docs/explain/E0119.md")),
    ("E0120", include_str!("../../docs/explain/E0120.md")),
    ("E0121", include_str!("../../docs/explain/E0121.md")),
    ("E0201", include_str!("../../docs/explain/E0201.md")),
    ("E0202", include_str!("../../docs/explain/E0202.md")),
    ("E0203", include_str!("../../docs/explain/E0203.md")),
    ("E0204", include_str!("../../docs/explain/E0204.md")),
    ("E0205", include_str!("../../docs/explain/E0205.md")),
    ("E0206", include_str!("../../docs/explain/E0206.md")),
    ("E0207", include_str!("../../docs/explain/E0207.md")),
    ("E0208", include_str!("../../docs/explain/E0208.md")),
    ("E0209", include_str!("../../docs/explain/E0209.md")),
    ("E0210", include_str!("../../docs/explain/E0210.md")),
    ("E0211", include_str!("../../docs/explain/E0211.md")),
    ("E0212", include_str!("../../docs/explain/E0212.md")),
    ("E0213", include_str!("../../docs/explain/E0213.md")),
    ("E0301", include_str!("../../docs/explain/E0301.md")),
    ("E0302", include_str!("../../docs/explain/E0302.md")),
    ("E0303", include_str!("../../docs/explain/E0303.md")),
    ("E0304", include_str!("../../docs/explain/E0304.md")),
    ("E0305", include_str!("../../docs/explain/E0305.md")),
    ("E0306", include_str!("../../docs/explain/E0306.md")),
    ("E0307", include_str!("../../docs/explain/E0307.md")),
    ("E0308", include_str!("../../docs/explain/E0308.md")),
    ("E0309", include_str!("../../docs/explain/E0309.md")),
    ("E0310", include_str!("../../docs/explain/E0310.md")),
    ("E0401", include_str!("../../docs/explain/E0401.md")),
    ("E0402", include_str!("../../docs/explain/E0402.md")),
    ("E0403", include_str!("../../docs/explain/E0403.md")),
    ("E0404", include_str!("../../docs/explain/E0404.md")),
    ("E0501", include_str!("../../docs/explain/E0501.md")),
    ("E0502", include_str!("../../docs/explain/E0502.md")),
    ("E0503", include_str!("../../docs/explain/E0503.md")),
    ("E0504", include_str!("../../docs/explain/E0504.md")),
    ("E0601", include_str!("../../docs/explain/E0601.md")),
    ("E0602", include_str!("../../docs/explain/E0602.md")),
    ("E0603", include_str!("../../docs/explain/E0603.md")),
    ("E0604", include_str!("../../docs/explain/E0604.md")),
    ("E0605", include_str!("../../docs/explain/E0605.md")),
    ("E0606", include_str!("../../docs/explain/E0606.md")),
    ("E0607", include_str!("../../docs/explain/E0607.md")),
    ("E0608", include_str!("../../docs/explain/E0608.md")),
    ("E0609", include_str!("../../docs/explain/E0609.md")),
    ("E0611", include_str!("../../docs/explain/E0611.md")),
    ("E0701", include_str!("../../docs/explain/E0701.md")),
    ("E0702", include_str!("../../docs/explain/E0702.md")),
    ("E0703", include_str!("../../docs/explain/E0703.md")),
    ("E0704", include_str!("../../docs/explain/E0704.md")),
    ("E0705", include_str!("../../docs/explain/E0705.md")),
    ("E0706", include_str!("../../docs/explain/E0706.md")),
    ("E0707", include_str!("../../docs/explain/E0707.md")),
    ("E0708", include_str!("../../docs/explain/E0708.md")),
    ("E0801", include_str!("../../docs/explain/E0801.md")),
    ("E1000", include_str!("../../docs/explain/E1000.md")),
    ("E1002", include_str!("../../docs/explain/E1002.md")),
    ("E1011", include_str!("../../docs/explain/E1011.md")),
    ("E1012", include_str!("../../docs/explain/E1012.md")),
    ("E1013", include_str!("../../docs/explain/E1013.md")),
    ("E1020", include_str!("../../docs/explain/E1020.md")),
    ("E1021", include_str!("../../docs/explain/E1021.md")),
    ("E1022", include_str!("../../docs/explain/E1022.md")),
    ("E1023", include_str!("../../docs/explain/E1023.md")),
    ("E1024", include_str!("../../docs/explain/E1024.md")),
    ("E1030", include_str!("../../docs/explain/E1030.md")),
    ("E1031", include_str!("../../docs/explain/E1031.md")),
    ("E1032", include_str!("../../docs/explain/E1032.md")),
    ("E1033", include_str!("../../docs/explain/E1033.md")),
    ("E1034", include_str!("../../docs/explain/E1034.md")),
    ("E1036", include_str!("../../docs/explain/E1036.md")),
    ("E1037", include_str!("../../docs/explain/E1037.md")),
    ("E1038", include_str!("../../docs/explain/E1038.md")),
    ("E1040", include_str!("../../docs/explain/E1040.md")),
    ("E1041", include_str!("../../docs/explain/E1041.md")),
    ("E1042", include_str!("../../docs/explain/E1042.md")),
    ("E1043", include_str!("../../docs/explain/E1043.md")),
    ("E1044", include_str!("../../docs/explain/E1044.md")),
    ("E1045", include_str!("../../docs/explain/E1045.md")),
    ("E1046", include_str!("../../docs/explain/E1046.md")),
    ("E1047", include_str!("../../docs/explain/E1047.md")),
    ("E1048", include_str!("../../docs/explain/E1048.md")),
    ("E1050", include_str!("../../docs/explain/E1050.md")),
    ("E1051", include_str!("../../docs/explain/E1051.md")),
    ("E1052", include_str!("../../docs/explain/E1052.md")),
    ("E1053", include_str!("../../docs/explain/E1053.md")),
    ("E1054", include_str!("../../docs/explain/E1054.md")),
    ("E1060", include_str!("../../docs/explain/E1060.md")),
    ("E1061", include_str!("../../docs/explain/E1061.md")),
    ("E1062", include_str!("../../docs/explain/E1062.md")),
    ("E1063", include_str!("../../docs/explain/E1063.md")),
    ("E1099", include_str!("../../docs/explain/E1099.md")),
    ("W0901", include_str!("../../docs/explain/W0901.md")),
    ("W0902", include_str!("../../docs/explain/W0902.md")),
];

/// Teach a code: what it means, a pipeline that raises it, and one that does not
#[derive(Debug, Args)]
#[command(
    after_help = "The first two digits of a code are the guarantee: 00 syntax, 01 names and arguments, 02 data, 03 shapes,
04 row identity, 05 missing values, 06 leakage, 07 heads and metrics, 08 cost, 09 unused, 10 what only a run
can find.

Examples:
  mmf explain E0401
  mmf explain --lang zh E0401    the page in Chinese
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
            let title = page::title(page, screen.tongue);
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
        let page = page::markdown(code, page, screen.tongue);
        screen.out(&serde_json::json!({ "code": code, "page": page }).to_string());
        return Ok(Exit::Sound);
    }
    for (i, part) in page::parts(page).iter().enumerate() {
        if i > 0 {
            screen.out("");
        }
        match part {
            Part::Title(title) => screen.out(&screen.style(true, Style::Bold, &page::head(code, title, screen.tongue))),
            Part::Paragraph(words) => page::wrap(words.pick(screen.tongue), 100).iter().for_each(|l| screen.out(l)),
            Part::Block(info, lines) => {
                // A file that the programs read is shown with its name.
                if let Some((_, name)) = info.split_once(' ').filter(|(kind, _)| ["csv", "txt", "npy"].contains(kind)) {
                    screen.out(&format!("{}:", screen.style(true, Style::Cyan, name)));
                }
                lines.iter().for_each(|line| program(line, screen));
            }
        }
    }
    Ok(Exit::Sound)
}

/// Writes a line of a program, its mark in red.
fn program(line: &str, screen: &Screen) {
    let (text, mark) = line.split_once("# error").map_or((line, None), |(text, mark)| (text, Some(mark)));
    let mark = mark.map(|m| screen.style(true, Style::Red, &format!("# error{m}"))).unwrap_or_default();
    screen.out(format!("    {text}{mark}").trim_end());
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

    /// Behind each English title and paragraph of a page stands its Chinese; programs stand once.
    #[test]
    fn every_page_is_in_both_languages() {
        let han = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        let mut wrong = Vec::new();
        for (code, page) in PAGES {
            for part in page::parts(page) {
                let (Part::Title(words) | Part::Paragraph(words)) = part else { continue };
                if words.zh.is_empty() {
                    wrong.push(format!("{code}: no `> …` in Chinese below `{}`", words.en));
                } else if words.en.is_empty() {
                    wrong.push(format!("{code}: nothing in English above `{}`", words.zh));
                } else if !han(&words.zh) || han(&words.en) {
                    wrong.push(format!("{code}: `{}` / `{}`", words.en, words.zh));
                } else if words.en.ends_with(['.', ':', ')']) != words.zh.ends_with(['。', '：', '）']) {
                    wrong.push(format!("{code}: `{}` ends otherwise than `{}`", words.zh, words.en));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
