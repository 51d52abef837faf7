//! In which language the page speaks.

use mmf_lang::diagnostic::Text;
use mmf_lang::say;

/// A language of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Speech {
    #[default]
    English,
    Chinese,
}

impl Speech {
    /// Returns the words in this language.
    pub(crate) fn say(self, text: Text) -> String {
        match self {
            Speech::English => text.en,
            Speech::Chinese => text.zh,
        }
    }

    /// Returns the tag of the language, as HTML has it.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Speech::English => "en",
            Speech::Chinese => "zh-Hans",
        }
    }

    /// Returns the words for a part of a split.
    pub(super) fn part(self, part: &str) -> String {
        match part {
            "train" => self.say(say!("train", "训练")),
            "validation" => self.say(say!("validation", "验证")),
            "test" => self.say(say!("test", "测试")),
            other => other.to_string(),
        }
    }
}
