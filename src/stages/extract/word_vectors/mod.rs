//! `word_vectors`: the vectors of words, from a file that someone else learned.

mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Body, Context, Opened, Stage, opened};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, Args};
use mmf_lang::diagnostic::Text;
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Size, Type};
use mmf_lang::world::FileKind;

use super::fault::Fault;
use super::word2vec;
use read::Vectors;
pub(crate) use read::width;

pub(crate) struct WordVectors;

const PATH: Arg<String> = Arg::path("path")
    .doc("The file: word2vec's text or binary form, fastText's `.vec`, or GloVe's text; its content tells which.");

static SIGNATURE: Signature =
    Signature::new(Group::Extract, "word_vectors", &["col<d, tokens> -> col<d, sequence[_, n]>"])
        .version(1)
        .args(&[PATH.spec()])
        .doc(
            "Gives each row the sequence of its words' vectors, which it reads from a file of ready vectors. Words that are not in \
             the file are passed over: a row may get an empty sequence. Of a word that stands there twice, the first counts. \
             Letters are compared as they are: for vectors of small letters, the words must be small, as `tokenize` makes \
             them. `|> mean` makes one vector a row.",
        )
        .reference("gensim's KeyedVectors.load_word2vec_format, of text and binary files, and with `no_header = True`")
        .infer(infer)
        .examples(&[Example::new(
            "The mean of a plot's words, in vectors of four numbers.",
            "source films = table(\"films.csv\") { film: key, plot: text(language = en) }\n\
             extract words = films.plot |> tokenize |> word_vectors(\"models/words.vec\") |> mean",
            "col<films, vector[_]>",
        )]);

/// Where files of word vectors come from.
fn origin() -> Text {
    say!(
        "put the file there: ready vectors are at fasttext.cc (`.vec`, 157 languages) and nlp.stanford.edu/projects/glove, and \
         gensim writes them by `model.wv.save_word2vec_format(path)`; `word2vec` learns them from your own texts",
        "请将文件放到该处：fasttext.cc（`.vec`，157 种语言）和 nlp.stanford.edu/projects/glove 提供现成的词向量，gensim 可用 \
         `model.wv.save_word2vec_format(path)` 写出；`word2vec` 则从您自己的文本学习"
    )
}

/// The width, from the head of the file.
fn infer(call: &mut Inference<'_, '_>) -> Option<Type> {
    let ports = call.ports(PATH.name(), FileKind::Vectors, origin());
    let width = ports.and_then(|ports| *ports.outputs.first()?.shape.first()?);
    call.out(Elem::Sequence(Size::Unknown, width.map_or(Size::Unknown, Size::Known)))
}

impl Stage for WordVectors {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Opened { open, rows, dear: false }
    }
}

/// An error, or the run's end.
enum Failure {
    Fault(Fault),
    Error(Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Failure::Fault(fault)
    }
}

fn open(context: &Context, args: &Args) -> Result<Opened> {
    let written = args.get(PATH);
    let read = read::read(&context.base.join(&written), || context.check().map_err(Failure::Error));
    let vectors: Vectors = read.map_err(|failure| match failure {
        Failure::Error(error) => error,
        Failure::Fault(fault) => fault.error(&written, |Text { en, zh }| {
            Error::new(
                "E1060",
                say!("`{written}` holds no sound word vectors: {en}", "`{written}` 不是完好的词向量文件：{zh}"),
            )
        }),
    })?;
    Ok(Arc::new(vectors))
}

fn rows(context: &Context, _: &Args, given: &Opened, batch: &Batch) -> Result<Values> {
    let vectors: &Vectors = opened(given)?;
    word2vec::look_up(context, |word| vectors.place(word), &vectors.numbers, vectors.width, batch)
}
