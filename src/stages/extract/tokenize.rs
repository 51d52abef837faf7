//! `tokenize`: the words of a text, in English or Chinese.

use std::sync::{Arc, OnceLock};

use jieba_rs::Jieba;
use mmf_data::error::Result;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::{TokenLists, Values};
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::signature::{Example, Group, Signature};
use unicode_segmentation::UnicodeSegmentation;

use super::each;
use super::stop_words::is_stop_word;

pub(crate) struct Tokenize;

const LANGUAGE: Arg<String> = Arg::words("language", &["auto", "en", "zh"])
    .default(Literal::Word("auto"))
    .doc("Language of the texts. `auto` reads a text with a Chinese character as Chinese, any other as English.");

const STOP_WORDS: Arg<bool> =
    Arg::bool("stop_words").default(Literal::Bool(false)).doc("Drops words that say little (`the`, `of`, 的, 了).");

static SIGNATURE: Signature = Signature::new(Group::Extract, "tokenize", &["col<d, text> -> col<d, tokens>"])
    .version(1)
    .args(&[LANGUAGE.spec(), STOP_WORDS.spec()])
    .doc(
        "Cuts each text into its words. English: words and numbers by Unicode's rules, in lower case. Chinese: jieba's \
         words with its own dictionary and its guesses of new words, written as in the text. Blanks and punctuation are \
         dropped.",
    )
    .reference("Unicode Standard Annex 29; jieba 0.42.1, `lcut(text)`")
    .examples(&[
        Example::new("Words in lower case.", "[\"The cat, 2 dogs!\"] |> tokenize", "[[\"the\", \"cat\", \"2\", \"dogs\"]]"),
        Example::new("Chinese.", "[\"这部电影很好看。\"] |> tokenize", "[[\"这部\", \"电影\", \"很\", \"好看\"]]"),
    ]);

impl Stage for Tokenize {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Rows(rows)
    }
}

fn rows(context: &Context, args: &Args, batch: &Batch) -> Result<Values> {
    let language = args.get(LANGUAGE);
    let drop = args.get(STOP_WORDS);
    let mut lists = TokenLists::default();
    let mut lower = String::new();
    for (at, text) in each::texts(batch)?.iter().enumerate() {
        if at % 4096 == 4095 {
            context.check()?;
        }
        let chinese = match language.as_str() {
            "zh" => true,
            "en" => false,
            _ => text.chars().any(is_chinese),
        };
        if batch.is_missing(at) {
        } else if chinese {
            push_chinese(text, drop, &mut lists);
        } else {
            push_english(text, drop, &mut lower, &mut lists);
        }
        lists.ends.push(lists.words.len());
    }
    Ok(Values::Tokens(Arc::new(lists)))
}

fn push_english(text: &str, drop: bool, lower: &mut String, lists: &mut TokenLists) {
    let mut push = |word: &str| {
        lower.clear();
        if word.is_ascii() {
            lower.push_str(word);
            lower.make_ascii_lowercase();
        } else {
            lower.push_str(&word.to_lowercase());
        }
        if !(drop && is_stop_word(lower)) {
            lists.words.push(lower);
        }
    };
    // No word goes over a blank, so that what is written in ASCII is cut the short way whatever stands beside it.
    for piece in text.split(' ') {
        if piece.is_ascii() {
            ascii_words(piece, &mut push);
        } else {
            piece.unicode_words().for_each(&mut push);
        }
    }
}

/// Cuts ASCII by the rules of Annex 29: of its classes only letters, digits, `_`, and what may stand between two letters or
/// two digits join anything.
fn ascii_words(text: &str, push: &mut impl FnMut(&str)) {
    let bytes = text.as_bytes();
    let is_core = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let joins = |before: u8, byte: u8, after: u8| match byte {
        b'.' | b'\'' => {
            (before.is_ascii_alphabetic() && after.is_ascii_alphabetic())
                || (before.is_ascii_digit() && after.is_ascii_digit())
        }
        b':' => before.is_ascii_alphabetic() && after.is_ascii_alphabetic(),
        b',' | b';' => before.is_ascii_digit() && after.is_ascii_digit(),
        _ => false,
    };
    let mut at = 0;
    while at < bytes.len() {
        if !is_core(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        let mut says_something = false;
        while let Some(&byte) = bytes.get(at) {
            says_something |= byte != b'_';
            at += 1;
            match (bytes.get(at), bytes.get(at + 1)) {
                (Some(&next), _) if is_core(next) => {}
                (Some(&next), Some(&after)) if joins(byte, next, after) => at += 1,
                _ => break,
            }
        }
        if says_something {
            push(&text[start..at]);
        }
    }
}

fn push_chinese(text: &str, drop: bool, lists: &mut TokenLists) {
    static JIEBA: OnceLock<Jieba> = OnceLock::new();
    let jieba = JIEBA.get_or_init(Jieba::new);
    let mut push = |word: &str| {
        if word.chars().any(char::is_alphanumeric) && !(drop && is_stop_word(word)) {
            lists.words.push(word);
        }
    };
    for token in jieba.cut(text, true) {
        let word = token.word;
        if word.is_ascii() && word.contains(['-', '_', '.']) && !jieba.has_word(word) {
            latin_words(word).for_each(&mut push);
        } else {
            push(word);
        }
    }
}

/// Cuts letters and digits as jieba does, by `[a-zA-Z0-9]+(?:\.\d+)?%?`: `jieba_rs` leaves `GPT-4` and `a_b` whole.
fn latin_words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let count = |text: &str, is: fn(&u8) -> bool| text.bytes().take_while(is).count();
        let mut end = count(rest, u8::is_ascii_alphanumeric);
        if let Some(digits) =
            rest[end..].strip_prefix('.').map(|tail| count(tail, u8::is_ascii_digit)).filter(|&n| n > 0)
        {
            end += 1 + digits;
        }
        end += usize::from(rest[end..].starts_with('%'));
        let (word, tail) = rest.split_at(end);
        rest = tail;
        (!word.is_empty()).then_some(word)
    })
}

/// Tells Chinese characters: the ideographs of Unicode's blocks, extensions and compatibility forms with them.
fn is_chinese(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}' | '〇')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_data::values::Texts;
    use mmf_lang::args::ArgValue;

    use super::*;
    use crate::extract::each::tests::{batch, fixture};

    fn words(text: &str, language: &str, stop_words: bool) -> Vec<String> {
        let args = Args(vec![
            ("language".into(), ArgValue::Word(language.into())),
            ("stop_words".into(), ArgValue::Bool(stop_words)),
        ]);
        let context = Context { seed: 1, base: Path::new("."), host: &Quiet };
        let texts = Values::Text(Arc::new(Texts::from_iter(["x", text])));
        match rows(&context, &args, &batch(texts)).unwrap() {
            Values::Tokens(lists) => lists.row(1).map(str::to_string).collect(),
            other => panic!("{}", other.kind()),
        }
    }

    #[test]
    fn english_words_are_unicodes_in_lower_case() {
        let text = "It's 3.5 times GOOD — don't e-mail straße, naïve CAFÉ_x 42!";
        let expected =
            ["it's", "3.5", "times", "good", "don't", "e", "mail", "straße", "naïve", "café_x", "42"].map(String::from);
        assert_eq!(words(text, "auto", false), expected);
        assert_eq!(words("The cat is on a mat", "en", true), ["cat", "mat"]);
        assert!(words("  …!? 😂 ", "auto", false).is_empty());
    }

    /// Texts of letters, digits, marks and blanks, some of them not ASCII, that look random.
    #[test]
    fn the_short_way_cuts_as_unicodes_rules_do() {
        let signs: Vec<char> = "abzAZ0129____....,,,;;;:::\'\'\'\"\"-@#!?/\\+~\t\n\r\u{b}\u{c}\u{1f}\u{7f}      \
                                éßΩЖ中א٣’·\u{300}\u{200d}\u{ad}\u{a0}\u{3000}🇩🇪😀ー\u{2028}"
            .chars()
            .collect();
        let mut state = 0x9E37_79B9_7F4A_7C15u64;
        let mut next = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 33) as usize % below
        };
        let ascii = signs.iter().filter(|c| c.is_ascii()).count();
        for round in 0..60_000 {
            // A third of the texts is ASCII alone.
            let kinds = if round % 3 == 0 { ascii } else { signs.len() };
            let text: String = (0..1 + next(14)).map(|_| signs[next(kinds)]).collect();
            let expected: Vec<String> = text.unicode_words().map(str::to_lowercase).collect();
            let mut lists = TokenLists::default();
            push_english(&text, false, &mut String::new(), &mut lists);
            let found: Vec<&str> = lists.words.iter().collect();
            assert_eq!(found, expected, "{text:?}");
            if text.is_ascii() {
                let mut words = Vec::new();
                ascii_words(&text, &mut |word| words.push(word.to_lowercase()));
                assert_eq!(words, expected, "{text:?}");
            }
        }
    }

    #[test]
    fn chinese_words_are_jiebas() {
        let stored = fixture("text/tokens.json");
        let sentences = stored["sentences"].as_array().unwrap();
        let mut different = Vec::new();
        for sentence in sentences {
            let text = sentence["text"].as_str().unwrap();
            let expected: Vec<&str> = sentence["words"]
                .as_array()
                .unwrap()
                .iter()
                .map(|w| w.as_str().unwrap())
                .filter(|w| w.chars().any(char::is_alphanumeric))
                .collect();
            let found = words(text, "zh", false);
            if found != expected {
                different.push(format!("{text}: jieba {expected:?}, here {found:?}"));
            }
        }
        assert!(different.is_empty(), "{different:#?}");
    }

    #[test]
    fn latin_words_among_chinese_are_jiebas() {
        // [w for w in jieba.lcut(text) if any(c.isalnum() for c in w)], jieba 0.42.1
        for (text, expected) in [
            ("v1.2.3版本", vec!["v1.2", "3", "版本"]),
            ("foo.bar网站", vec!["foo", "bar", "网站"]),
            ("wi-fi信号好", vec!["wi", "fi", "信号", "好"]),
            ("a_b和c", vec!["a", "b", "和", "c"]),
            ("5%-10%的人", vec!["5%", "10%", "的", "人"]),
            ("1.5-2.5倍", vec!["1.5", "2.5", "倍"]),
            ("C++和C#语言", vec!["C++", "和", "C#", "语言"]),
        ] {
            assert_eq!(words(text, "zh", false), expected);
        }
    }

    #[test]
    fn a_language_is_found_row_by_row() {
        assert_eq!(words("很 Good", "auto", false), ["很", "Good"]);
        assert_eq!(words("very Good", "auto", false), ["very", "good"]);
        assert_eq!(words("很好看的 Film", "zh", true), ["好看", "Film"]);
    }
}
