//! A page, read in one language.
//!
//! The title, each paragraph and `Instead:` stand in English and, as a quotation below, in Chinese; programs and data
//! stand once and belong to both.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::cli::screen::Tongue;

/// One part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part<'p> {
    Title(Words),
    Paragraph(Words),
    /// A program or a file: what stands behind the fence, and the lines.
    Block(&'p str, Vec<&'p str>),
}

/// The same in both languages; empty where a language has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) en: String,
    pub(super) zh: String,
}

impl Words {
    /// Returns the words in a language; what stands in one language alone is given in that.
    pub(super) fn pick(&self, tongue: Tongue) -> &str {
        match tongue {
            Tongue::En => &self.en,
            Tongue::Zh if self.zh.is_empty() => &self.en,
            Tongue::Zh => &self.zh,
        }
    }
}

/// Reads a page. The title is without its code.
pub(super) fn parts(page: &str) -> Vec<Part<'_>> {
    let mut parts: Vec<Part> = Vec::new();
    // Whether the line before belongs to the same paragraph.
    let mut goes_on = false;
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            parts.push(Part::Block(info, lines.by_ref().take_while(|l| !l.starts_with("```")).collect()));
        } else if let Some(title) = line.strip_prefix("# ") {
            let en = title.split_once(": ").map_or(title, |(_, title)| title).to_string();
            parts.push(Part::Title(Words { en, zh: String::new() }));
        } else if let Some(zh) = line.strip_prefix("> ") {
            match parts.last_mut() {
                Some(Part::Title(words) | Part::Paragraph(words)) if words.zh.is_empty() || goes_on => {
                    words.zh.push_str(zh);
                }
                _ => parts.push(Part::Paragraph(Words { en: String::new(), zh: zh.to_string() })),
            }
        } else if !line.is_empty() {
            match parts.last_mut() {
                Some(Part::Paragraph(words)) if goes_on => words.en = format!("{} {line}", words.en),
                _ => parts.push(Part::Paragraph(Words { en: line.to_string(), zh: String::new() })),
            }
        }
        goes_on = !line.is_empty() && !line.starts_with("```") && !line.starts_with("# ");
    }
    parts
}

/// Returns the page's title in a language, without its code.
pub(super) fn title(page: &str, tongue: Tongue) -> String {
    match parts(page).first() {
        Some(Part::Title(words)) => words.pick(tongue).to_string(),
        _ => String::new(),
    }
}

/// Returns the title with its code, as the head of a page.
pub(super) fn head(code: &str, title: &Words, tongue: Tongue) -> String {
    let colon = if tongue == Tongue::Zh && !title.zh.is_empty() { "：" } else { ": " };
    format!("{code}{colon}{}", title.pick(tongue))
}

/// Returns the page in one language, as Markdown.
pub(super) fn markdown(code: &str, page: &str, tongue: Tongue) -> String {
    let shown: Vec<String> = parts(page)
        .iter()
        .map(|part| match part {
            Part::Title(words) => format!("# {}\n", head(code, words, tongue)),
            Part::Paragraph(words) => format!("{}\n", words.pick(tongue)),
            Part::Block(info, lines) => {
                let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
                format!("```{info}\n{lines}```\n")
            }
        })
        .collect();
    shown.join("\n")
}

/// Breaks a paragraph into lines of at most `width` columns: at blanks, and between Chinese characters.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (blank, piece) in pieces(text) {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.width() + usize::from(blank) + piece.width() > width {
            lines.push(piece.to_string());
            continue;
        }
        if blank && !line.is_empty() {
            line.push(' ');
        }
        line.push_str(piece);
    }
    lines
}

/// Returns what no line end may divide, each with whether a blank stands before it. Punctuation stays with what it
/// closes or opens.
fn pieces(text: &str) -> Vec<(bool, &str)> {
    let wide = |c: char| c.width() == Some(2);
    let mut pieces = Vec::new();
    for word in text.split_whitespace() {
        let (mut start, mut before) = (0, None);
        for (at, c) in word.char_indices() {
            let divides = before.is_some_and(|b| {
                (wide(b) || wide(c)) && !"（“《「".contains(b) && !"，。、；：？！）”》」".contains(c)
            });
            if divides {
                pieces.push((start == 0, &word[start..at]));
                start = at;
            }
            before = Some(c);
        }
        pieces.push((start == 0, &word[start..]));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# E0000: a title

> 标题

`A` paragraph
of two lines.

> 一段，
> 两行。

```mmf
a

> no quotation
```

Instead:

> 应改为：

```csv x.csv
1
```
";

    #[test]
    fn a_page_has_two_languages_and_one_set_of_programs() {
        let words = |en: &str, zh: &str| Words { en: en.into(), zh: zh.into() };
        let all = [
            Part::Title(words("a title", "标题")),
            Part::Paragraph(words("`A` paragraph of two lines.", "一段，两行。")),
            Part::Block("mmf", vec!["a", "", "> no quotation"]),
            Part::Paragraph(words("Instead:", "应改为：")),
            Part::Block("csv x.csv", vec!["1"]),
        ];
        assert_eq!(parts(PAGE), all);
        let en = "# E0000: a title\n\n`A` paragraph of two lines.\n\n```mmf\na\n\n> no quotation\n```\n\nInstead:\n\n```csv x.csv\n1\n```\n";
        assert_eq!(markdown("E0000", PAGE, Tongue::En), en);
        let zh =
            "# E0000：标题\n\n一段，两行。\n\n```mmf\na\n\n> no quotation\n```\n\n应改为：\n\n```csv x.csv\n1\n```\n";
        assert_eq!(markdown("E0000", PAGE, Tongue::Zh), zh);
    }

    #[test]
    fn what_has_no_chinese_is_shown_in_english() {
        let page = "# E0000: a title\n\nOne.\n\nTwo.\n\n> 二。\n";
        assert_eq!(markdown("E0000", page, Tongue::Zh), "# E0000: a title\n\nOne.\n\n二。\n");
        assert_eq!(title(page, Tongue::Zh), "a title");
    }

    #[test]
    fn lines_end_at_blanks_and_between_characters() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("无法得知它属于哪里", 8), ["无法得知", "它属于哪", "里"]);
        // A comma stays with what it closes, a word is whole, a bracket goes with what it opens.
        assert_eq!(wrap("一二三四，五", 8), ["一二三", "四，五"]);
        assert_eq!(wrap("写作 `a_b`，再（见）", 8), ["写作", "`a_b`，", "再（见）"]);
        assert_eq!(wrap("", 8), [""]);
    }
}
