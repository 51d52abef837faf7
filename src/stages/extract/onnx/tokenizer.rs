//! A text as the numbers of its tokens, by the `tokenizer.json` of Hugging Face's tokenizers, which read it here too.

use mmf_data::error::{Error, Result};
use mmf_data::foreign;
use mmf_lang::say;
use tokenizers::models::ModelWrapper;
use tokenizers::tokenizer::PostProcessor;
use tokenizers::utils::truncation::TruncationDirection;

/// Tokens of a text at most, where nothing says.
const MOST: usize = 512;

/// A token's number, and which text it is of.
pub(super) type Token = (i32, i32);

pub(super) struct Tokenizer {
    inner: tokenizers::Tokenizer,
    direction: TruncationDirection,
    /// Tokens of a text at most, special ones among them.
    most: usize,
    special: usize,
    /// The number of the token that fills up.
    pub(super) padding: i32,
    path: String,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`; `most` tokens a text, in the place of what it says itself.
    ///
    /// # Errors
    /// E1063 where it is none.
    pub(super) fn read(path: &str, bytes: &[u8], most: Option<usize>) -> Result<Tokenizer> {
        guarded(path, || Tokenizer::built(path, bytes, most))
    }

    fn built(path: &str, bytes: &[u8], most: Option<usize>) -> tokenizers::Result<Tokenizer> {
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes)?;
        if let ModelWrapper::BPE(model) = inner.get_model() {
            // Merges left out by chance are for training.
            let mut model = model.clone();
            model.dropout = None;
            inner.with_model(model);
        }
        let filled = inner.get_padding().map(|padding| padding.pad_id);
        let padding = filled.or_else(|| inner.token_to_id("[PAD]")).or_else(|| inner.token_to_id("<pad>")).unwrap_or(0);
        let limit = inner.get_truncation().map(|limit| limit.max_length);
        let direction = inner.get_truncation().map_or(TruncationDirection::Right, |limit| limit.direction);
        inner.with_padding(None).with_truncation(None)?;
        let special = inner.get_post_processor().map_or(0, |after| after.added_tokens(false));
        let most = most.or(limit).unwrap_or(MOST);
        Ok(Tokenizer { inner, direction, most, special, padding: padding as i32, path: path.to_string() })
    }

    /// Returns the tokens of a text, special ones among them, cut off where they are more than allowed, or than `fixed`.
    pub(super) fn encode(&self, text: &str, fixed: Option<usize>) -> Result<Vec<Token>> {
        let most = fixed.unwrap_or(self.most).min(self.most);
        let whole = guarded(&self.path, || {
            let mut words = self.inner.encode_fast(text, false)?;
            words.truncate(most.saturating_sub(self.special), 0, self.direction);
            self.inner.post_process(words, None, true)
        })?;
        let numbers = whole.get_ids().iter().zip(whole.get_type_ids());
        let mut all: Vec<Token> = numbers.map(|(&id, &kind)| (id as i32, kind as i32)).collect();
        if all.is_empty() {
            // A network takes at least one.
            all.push((self.padding, 0));
        }
        Ok(all)
    }
}

/// Returns what the tokenizers make; they panic on some files that are not sound.
fn guarded<T>(path: &str, work: impl FnOnce() -> tokenizers::Result<T>) -> Result<T> {
    let made = foreign::guarded(work).ok_or_else(|| refused(path, "it is not sound"))?;
    made.map_err(|why| refused(path, &why.to_string()))
}

fn refused(path: &str, why: &str) -> Error {
    Error::new("E1063", say!("`{path}` cannot be used: {why}", "`{path}` 无法使用：{why}")).help(say!(
        "the `tokenizer.json` of the model's own folder is meant; \
         `AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER)` writes it",
        "应使用模型自身文件夹中的 `tokenizer.json`；`AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER)` 可写出"
    ))
}
