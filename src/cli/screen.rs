//! How things are said: in which language, in which format, with or without colour.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use mmf_lang::diagnostic::Text;
use mmf_lang::say;

use super::trouble::Trouble;
use crate::report::Speech;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tongue {
    /// English
    En,
    /// Chinese
    Zh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs: one JSON object a line
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// Where the output is a terminal and NO_COLOR is not set
    Auto,
    Always,
    Never,
}

/// Where and how a verb speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) tongue: Tongue,
    pub(crate) format: Format,
    color: Color,
}

/// An ANSI style; nothing but looks hangs on it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    Bold,
    Dim,
    Red,
    Yellow,
    Green,
    Cyan,
}

impl Screen {
    pub(crate) fn new(lang: Option<Tongue>, format: Format, color: Color) -> Screen {
        Screen { tongue: tongue(lang), format, color }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Returns the words in the chosen language.
    pub(crate) fn pick<'t>(&self, text: &'t Text) -> &'t str {
        match self.tongue {
            Tongue::En => &text.en,
            Tongue::Zh => &text.zh,
        }
    }

    /// Says whether what goes to stdout (else stderr) is coloured.
    pub(crate) fn colors(&self, stdout: bool) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let terminal = if stdout { std::io::stdout().is_terminal() } else { std::io::stderr().is_terminal() };
                terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            }
        }
    }

    /// Returns `text` in a style, where that stream is coloured.
    pub(crate) fn style(&self, stdout: bool, style: Style, text: &str) -> String {
        if !self.colors(stdout) || text.is_empty() {
            return text.to_string();
        }
        let code = match style {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Red => "1;31",
            Style::Yellow => "1;33",
            Style::Green => "32",
            Style::Cyan => "36",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Writes a line of results to stdout.
    pub(crate) fn out(&self, line: &str) {
        write(&mut std::io::stdout().lock(), line);
    }

    /// Writes a line about the work to stderr.
    pub(crate) fn tell(&self, line: &str) {
        write(&mut std::io::stderr().lock(), line);
    }

    /// Writes what ended a verb early to stderr.
    pub(crate) fn trouble(&self, trouble: &Trouble) {
        let word = self.pick(&say!("error", "错误")).to_string();
        let head = trouble.code.map_or(format!("{word}:"), |code| format!("{word}[{code}]:"));
        let message = self.pick(&trouble.message);
        self.tell(&format!("{} {message}", self.style(false, Style::Red, &head)));
        self.footers(false, trouble.help.as_ref(), trouble.note.as_ref(), &mut |line| self.tell(line));
    }

    /// Writes a help and a note, a line each or more.
    pub(crate) fn footers(&self, stdout: bool, help: Option<&Text>, note: Option<&Text>, write: &mut dyn FnMut(&str)) {
        let parts = [(help, say!("help", "建议"), Style::Cyan), (note, say!("note", "说明"), Style::Bold)];
        for (text, word, style) in parts {
            let Some(text) = text else { continue };
            let mut head = self.style(stdout, style, &format!("{}:", self.pick(&word)));
            for line in self.pick(text).lines() {
                write(&format!("  {head} {line}"));
                head = "     ".into();
            }
        }
    }
}

/// A reader that went away (`mmf stages | head`) is no error.
fn write(stream: &mut dyn Write, line: &str) {
    let _ = writeln!(stream, "{line}");
}

/// Returns the language asked for, else the locale's.
pub(crate) fn tongue(asked: Option<Tongue>) -> Tongue {
    asked.unwrap_or_else(locale)
}

impl From<Tongue> for Speech {
    fn from(tongue: Tongue) -> Speech {
        match tongue {
            Tongue::En => Speech::English,
            Tongue::Zh => Speech::Chinese,
        }
    }
}

/// Returns the language of the locale: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set.
fn locale() -> Tongue {
    let set =
        ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    if set.is_some_and(|locale| locale.starts_with("zh")) { Tongue::Zh } else { Tongue::En }
}

/// Returns what was probably meant: names near `name`, nearest first, at most three.
pub(crate) fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .map(|known| (strsim::jaro_winkler(&lower, &known.to_lowercase()), known))
        .filter(|(score, _)| *score > 0.8)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(3).map(|(_, known)| known).collect()
}

/// Returns «did you mean `a`, `b` or `c`?», where there is something near.
pub(crate) fn did_you_mean(near: &[&str]) -> Option<Text> {
    let (last, first) = near.split_last()?;
    let quote = |names: &[&str]| names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>();
    if first.is_empty() {
        return Some(say!("did you mean `{last}`?", "您是否想写 `{last}`？"));
    }
    let (en, zh) = (quote(first).join(", "), quote(first).join("、"));
    Some(say!("did you mean {en} or `{last}`?", "您是否想写 {zh} 或 `{last}`？"))
}
