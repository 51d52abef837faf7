//! A text as the numbers of its tokens, by the `tokenizer.json` of Hugging Face's tokenizers.
//!
//! That crate itself costs 95 CPU seconds to build, and so is not here. WordPiece is by hand: rten-text leaves Chinese
//! characters joined, and gives the known beginning of a word that it does not know. Byte-level BPE is rten-text's; it adds
//! no special tokens, so they are added here.

use std::borrow::Cow;
use std::collections::HashMap;

use mmf_data::error::{Error, Result};
use mmf_lang::say;
use rten_text::TokenId;
use rten_text::models::{Bpe, BpeOptions, Model};
use rten_text::normalizers::{Bert, BertOptions, Normalizer, Replace, Unicode};
use rten_text::pre_tokenizers::{self, Digits, PreTokenizer, Split, SplitDelimiterBehavior, SplitOptions};
use serde_json::Value;

/// Tokens of a text at most, where nothing says.
const MOST: usize = 512;
/// Characters of a word at most; a longer one is unknown.
const WORD: usize = 100;

/// A token's number, and which text it is of.
pub(super) type Token = (i32, i32);

pub(super) struct Tokenizer {
    model: Kind,
    before: Vec<Token>,
    after: Vec<Token>,
    own: i32,
    most: usize,
    /// The number of the token that fills up.
    pub(super) padding: i32,
    path: String,
}

enum Kind {
    WordPiece(WordPiece),
    Bytes(Box<Bytes>),
}

impl Tokenizer {
    /// Reads a `tokenizer.json`; `most` tokens a text, in the place of what it says itself.
    ///
    /// # Errors
    /// E1063 where it is none, or holds what is not supported.
    pub(super) fn read(path: &str, bytes: &[u8], most: Option<usize>) -> Result<Tokenizer> {
        let json: Value = serde_json::from_slice(bytes).map_err(|e| refused(path, &e.to_string()))?;
        let model = match json["model"]["type"].as_str() {
            Some("WordPiece") => Kind::WordPiece(WordPiece::read(path, &json)?),
            Some("BPE") => Kind::Bytes(Box::new(Bytes::read(path, &json)?)),
            other => {
                let other = other.unwrap_or("nothing");
                return Err(refused(path, &format!("its model is {other}")));
            }
        };
        let (before, after, own) = specials(path, &json["post_processor"])?;
        let limit = json["truncation"]["max_length"].as_u64().and_then(|n| usize::try_from(n).ok());
        let id = |word: &str| json["model"]["vocab"][word].as_i64();
        let padding = json["padding"]["pad_id"].as_i64().or_else(|| id("[PAD]")).or_else(|| id("<pad>")).unwrap_or(0);
        let most = most.or(limit).unwrap_or(MOST);
        Ok(Tokenizer { model, before, after, own, most, padding: padding as i32, path: path.to_string() })
    }

    /// Returns the tokens of a text, special ones among them, cut off where they are more than allowed, or than `fixed`.
    pub(super) fn encode(&self, text: &str, fixed: Option<usize>) -> Result<Vec<Token>> {
        let ids = match &self.model {
            Kind::WordPiece(model) => model.encode(text).map_err(|why| refused(&self.path, &why))?,
            Kind::Bytes(model) => model.encode(text).map_err(|why| refused(&self.path, &why))?,
        };
        let most = fixed.unwrap_or(self.most).min(self.most);
        let room = most.saturating_sub(self.before.len() + self.after.len());
        let own = ids.into_iter().take(room).map(|id| (id, self.own));
        let mut all: Vec<Token> = self.before.iter().copied().chain(own).chain(self.after.iter().copied()).collect();
        if all.is_empty() {
            // A network takes at least one.
            all.push((self.padding, 0));
        }
        Ok(all)
    }
}

fn refused(path: &str, why: &str) -> Error {
    Error::new("E1063", say!("`{path}` cannot be used: {why}", "`{path}` 无法使用：{why}")).help(say!(
        "WordPiece (BERT and its kin) and byte-level BPE (RoBERTa, GPT-2) are read; the `tokenizer.json` of the model's own folder is meant",
        "可读取 WordPiece（BERT 一族）与字节级 BPE（RoBERTa、GPT-2）；应使用模型自身文件夹中的 `tokenizer.json`"
    ))
}

type Normal = Box<dyn Normalizer + Send + Sync>;
type Cut = Box<dyn PreTokenizer + Send + Sync>;

/// Byte-level BPE: a text is brought to one form, cut into words, and each word's bytes are merged.
struct Bytes {
    normal: Vec<Normal>,
    cuts: Vec<Cut>,
    /// Whether a blank is put before the text.
    blank: bool,
    model: Bpe,
}

impl Bytes {
    fn read(path: &str, json: &Value) -> Result<Bytes> {
        let fault = |why: &dyn std::fmt::Display| refused(path, &why.to_string());
        let model = &json["model"];
        let id = |id: &Value| id.as_u64().and_then(|n| TokenId::try_from(n).ok());
        let words = model["vocab"].as_object().ok_or_else(|| refused(path, "it has no words"))?;
        let merges: Vec<(Cow<'_, str>, Cow<'_, str>)> = model["merges"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|merge| match merge.as_str() {
                Some(line) => line.split_once(' '),
                None => Some((merge[0].as_str()?, merge[1].as_str()?)),
            })
            .map(|(a, b)| (a.into(), b.into()))
            .collect();
        let added = json["added_tokens"].as_array().into_iter().flatten();
        let suffix = model["end_of_word_suffix"].as_str().filter(|suffix| !suffix.is_empty());
        let options = BpeOptions {
            merges: &merges,
            vocab: Some(words.iter().filter_map(|(word, n)| Some((word.clone(), id(n)?))).collect()),
            added_tokens: added.filter_map(|t| Some((id(&t["id"])?, t["content"].as_str()?.to_string()))).collect(),
            end_of_word_suffix: suffix.map(str::to_string),
            ignore_merges: model["ignore_merges"].as_bool().unwrap_or(false),
        };
        let model = Bpe::new(options).map_err(|e| fault(&e))?;
        let mut made = Bytes { normal: Vec::new(), cuts: Vec::new(), blank: false, model };
        made.normalize(path, &json["normalizer"])?;
        made.cut(path, &json["pre_tokenizer"])?;
        Ok(made)
    }

    fn normalize(&mut self, path: &str, json: &Value) -> Result<()> {
        let normal: Normal = match json["type"].as_str() {
            None => return Ok(()),
            Some("Sequence") => {
                let mut all = json["normalizers"].as_array().into_iter().flatten();
                return all.try_for_each(|part| self.normalize(path, part));
            }
            Some("NFC") => Box::new(Unicode::Nfc),
            Some("NFD") => Box::new(Unicode::Nfd),
            Some("NFKC") => Box::new(Unicode::Nfkc),
            Some("NFKD") => Box::new(Unicode::Nfkd),
            Some("Lowercase") => Box::new(Bert::new(BertOptions { lowercase: true, strip_accents: false })),
            Some("Replace") => {
                let content = json["content"].as_str().unwrap_or_default().to_string();
                Box::new(Replace::new(&pattern(&json["pattern"]), content).map_err(|e| refused(path, &e.to_string()))?)
            }
            Some(other) => return Err(refused(path, &format!("its normalizer is {other}"))),
        };
        self.normal.push(normal);
        Ok(())
    }

    fn cut(&mut self, path: &str, json: &Value) -> Result<()> {
        let cut: Cut = match json["type"].as_str() {
            Some("Sequence") => {
                let mut all = json["pretokenizers"].as_array().into_iter().flatten();
                return all.try_for_each(|part| self.cut(path, part));
            }
            Some("ByteLevel") => {
                self.blank |= json["add_prefix_space"].as_bool().unwrap_or(false);
                if !json["use_regex"].as_bool().unwrap_or(true) {
                    return Ok(());
                }
                Box::new(Split::gpt2())
            }
            Some("Digits") => Box::new(Digits::new(json["individual_digits"].as_bool().unwrap_or(false))),
            Some("Split") => {
                let delimiter = match json["behavior"].as_str() {
                    Some("Isolated") => SplitDelimiterBehavior::Isolate,
                    Some("Removed") => SplitDelimiterBehavior::Remove,
                    _ => return Err(refused(path, &format!("it splits in the way {}", json["behavior"]))),
                };
                let invert = json["invert"].as_bool().unwrap_or(false);
                let options = SplitOptions { pattern: &pattern(&json["pattern"]), invert, delimiter };
                Box::new(Split::new(options).map_err(|e| refused(path, &e.to_string()))?)
            }
            other => {
                let other = other.unwrap_or("none");
                return Err(refused(path, &format!("its pre-tokenizer is {other}")));
            }
        };
        self.cuts.push(cut);
        Ok(())
    }

    fn encode(&self, text: &str) -> std::result::Result<Vec<i32>, String> {
        let mut text = text.to_string();
        for normal in &self.normal {
            text = normal.normalize(&text).map_err(|e| e.to_string())?.0;
        }
        if self.blank && !text.starts_with(char::is_whitespace) && !text.is_empty() {
            text.insert(0, ' ');
        }
        let mut words = vec![text.as_str()];
        for cut in &self.cuts {
            let mut next = Vec::new();
            for word in words {
                next.extend(cut.pre_tokenize(word).map_err(|e| e.to_string())?);
            }
            words = next;
        }
        let mut ids = Vec::new();
        for word in words {
            self.model.encode_with_offsets(word, &mut |_, id| ids.push(id as i32)).map_err(|e| e.to_string())?;
        }
        Ok(ids)
    }
}

/// Returns a pattern as a regular expression.
fn pattern(json: &Value) -> String {
    let escape = |text: &str| {
        let special = |c: char| if c.is_ascii_punctuation() { vec!['\\', c] } else { vec![c] };
        text.chars().flat_map(special).collect()
    };
    match (json["Regex"].as_str(), json["String"].as_str()) {
        (Some(regex), _) => regex.to_string(),
        (None, text) => escape(text.unwrap_or_default()),
    }
}

/// Returns the special tokens before and after a text, and which text its own tokens are of.
fn specials(path: &str, json: &Value) -> Result<(Vec<Token>, Vec<Token>, i32)> {
    let pair = |value: &Value| value[1].as_i64().map(|id| (id as i32, 0));
    match json["type"].as_str() {
        None | Some("ByteLevel") => Ok((Vec::new(), Vec::new(), 0)),
        Some("BertProcessing" | "RobertaProcessing") => match (pair(&json["cls"]), pair(&json["sep"])) {
            (Some(first), Some(last)) => Ok((vec![first], vec![last], 0)),
            _ => Err(refused(path, "its special tokens have no numbers")),
        },
        Some("TemplateProcessing") => {
            let (mut before, mut after, mut own) = (Vec::new(), Vec::new(), None);
            for part in json["single"].as_array().into_iter().flatten() {
                if let Some(text) = part.get("Sequence") {
                    own = Some(text["type_id"].as_i64().unwrap_or(0) as i32);
                    continue;
                }
                let name = part["SpecialToken"]["id"].as_str().unwrap_or_default();
                let kind = part["SpecialToken"]["type_id"].as_i64().unwrap_or(0) as i32;
                let ids = json["special_tokens"][name]["ids"].as_array();
                let ids = ids.ok_or_else(|| refused(path, &format!("`{name}` has no number")))?;
                let into = if own.is_none() { &mut before } else { &mut after };
                into.extend(ids.iter().filter_map(Value::as_i64).map(|id| (id as i32, kind)));
            }
            Ok((before, after, own.unwrap_or(0)))
        }
        Some("Sequence") => {
            let all = json["processors"].as_array().into_iter().flatten();
            let all: Vec<_> = all.map(|part| specials(path, part)).collect::<Result<_>>()?;
            Ok(all.into_iter().find(|(before, after, _)| !before.is_empty() || !after.is_empty()).unwrap_or_default())
        }
        Some(other) => Err(refused(path, &format!("its special tokens are set by {other}"))),
    }
}

/// The longest known piece first, as BERT's.
struct WordPiece {
    pieces: HashMap<String, i32>,
    unknown: i32,
    prefix: String,
    longest: usize,
    clean: bool,
    chinese: bool,
    normalizer: Bert,
    /// Tokens that are taken as they are, wherever they stand.
    added: Vec<(String, i32)>,
}

impl WordPiece {
    fn read(path: &str, json: &Value) -> Result<WordPiece> {
        let (model, normalizer) = (&json["model"], &json["normalizer"]);
        if !matches!(normalizer["type"].as_str(), None | Some("BertNormalizer")) {
            return Err(refused(path, &format!("its normalizer is {}", normalizer["type"])));
        }
        if json["pre_tokenizer"]["type"] != "BertPreTokenizer" {
            return Err(refused(path, &format!("its pre-tokenizer is {}", json["pre_tokenizer"]["type"])));
        }
        let vocabulary = model["vocab"].as_object().ok_or_else(|| refused(path, "it has no words"))?;
        let pieces: HashMap<String, i32> = vocabulary
            .iter()
            .filter_map(|(piece, id)| Some((piece.clone(), i32::try_from(id.as_i64()?).ok()?)))
            .collect();
        let unknown = model["unk_token"].as_str().unwrap_or("[UNK]");
        let unknown = *pieces.get(unknown).ok_or_else(|| refused(path, &format!("`{unknown}` has no number")))?;
        let flag = |name: &str, otherwise: bool| normalizer[name].as_bool().unwrap_or(otherwise);
        let bert = normalizer["type"].is_string();
        let lowercase = bert && flag("lowercase", true);
        let added = json["added_tokens"].as_array().into_iter().flatten();
        let mut added: Vec<(String, i32)> = added
            .filter_map(|t| Some((t["content"].as_str()?.to_string(), t["id"].as_i64()? as i32)))
            .filter(|(content, _)| !content.is_empty())
            .collect();
        added.sort_by_key(|(content, _)| std::cmp::Reverse(content.len()));
        Ok(WordPiece {
            pieces,
            unknown,
            prefix: model["continuing_subword_prefix"].as_str().unwrap_or("##").to_string(),
            longest: model["max_input_chars_per_word"].as_u64().unwrap_or(WORD as u64) as usize,
            clean: bert && flag("clean_text", true),
            chinese: bert && flag("handle_chinese_chars", true),
            normalizer: Bert::new(BertOptions { lowercase, strip_accents: bert && flag("strip_accents", lowercase) }),
            added,
        })
    }

    fn encode(&self, text: &str) -> std::result::Result<Vec<i32>, String> {
        let mut ids = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let next = self.added.iter().filter_map(|(content, id)| Some((rest.find(content.as_str())?, content, *id)));
            // The first in the text; of those at one place the longest.
            match next.min_by_key(|(at, content, _)| (*at, std::cmp::Reverse(content.len()))) {
                Some((at, content, id)) => {
                    self.words(&rest[..at], &mut ids)?;
                    ids.push(id);
                    rest = &rest[at + content.len()..];
                }
                None => {
                    self.words(rest, &mut ids)?;
                    break;
                }
            }
        }
        Ok(ids)
    }

    fn words(&self, text: &str, ids: &mut Vec<i32>) -> std::result::Result<(), String> {
        let mut prepared = String::with_capacity(text.len() + 8);
        for c in text.chars() {
            if self.clean && is_control(c) {
                continue;
            }
            match c {
                c if self.clean && c.is_whitespace() => prepared.push(' '),
                c if self.chinese && is_chinese(c) => prepared.extend([' ', c, ' ']),
                c => prepared.push(c),
            }
        }
        let (normalized, _) = self.normalizer.normalize(&prepared).map_err(|e| e.to_string())?;
        let words = pre_tokenizers::Bert::new().pre_tokenize(&normalized).map_err(|e| e.to_string())?;
        words.into_iter().filter(|w| !w.trim().is_empty()).for_each(|word| self.pieces(word, ids));
        Ok(())
    }

    fn pieces(&self, word: &str, ids: &mut Vec<i32>) {
        let begun = ids.len();
        let mut rest = if word.chars().count() > self.longest { None } else { Some(word) };
        let mut piece = String::new();
        while let Some(left) = rest.filter(|left| !left.is_empty()) {
            let ends = left.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
            let found = ends.into_iter().find_map(|end| {
                piece.clear();
                if ids.len() > begun {
                    piece.push_str(&self.prefix);
                }
                piece.push_str(&left[..end]);
                self.pieces.get(&piece).map(|id| (*id, end))
            });
            rest = found.map(|(id, end)| {
                ids.push(id);
                &left[end..]
            });
        }
        if rest.is_none() {
            ids.truncate(begun);
            ids.push(self.unknown);
        }
    }
}

/// What BERT takes out of a text: control and format characters.
fn is_control(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}' => true,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffd}' => true,
        '\u{e0001}'..='\u{e007f}' | '\u{f0000}'..='\u{10ffff}' => true,
        c => c.is_control(),
    }
}

/// The blocks of Chinese characters, as BERT counts them.
fn is_chinese(c: char) -> bool {
    matches!(c,
        '\u{4e00}'..='\u{9fff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{20000}'..='\u{2a6df}'
        | '\u{2a700}'..='\u{2b73f}'
        | '\u{2b740}'..='\u{2b81f}'
        | '\u{2b920}'..='\u{2ceaf}'
        | '\u{f900}'..='\u{faff}'
        | '\u{2f800}'..='\u{2fa1f}')
}
