//! `onnx`: a row through a network that someone else trained.

mod fit;
mod model;
mod picture;
mod ports;
mod runtime;
#[cfg(test)]
mod tests;
mod text;
mod tokenizer;

use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Body, Context, Opened, Stage, opened};
use mmf_data::values::{Sequences, Values};
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args, Literal};
use mmf_lang::diagnostic::Text;
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Size, Type};
use mmf_lang::world::FileKind;

use super::each;
use fit::{Misfit, Wanted};
pub(crate) use model::is_json;
use model::{Model, Out, Runner};
pub(crate) use ports::ports;
use tokenizer::Tokenizer;

pub(crate) struct Onnx;

const PATH: Arg<String> = Arg::path("path").doc("The network, in one ONNX file.");
const TOKENIZER: Arg<Option<String>> = Arg::some_path("tokenizer").doc(
    "For texts: the `tokenizer.json` that lies beside the network: WordPiece (BERT), BPE (RoBERTa, GPT-2), Unigram (XLM-R).",
);
const POOL: Arg<String> = Arg::words("pool", &["mean", "first", "none"]).default(Literal::Word("mean")).doc(
    "What becomes of an output with a vector for each step: the mean over the steps that are no padding, the first step \
     (`[CLS]`), or `none` of these: a sequence.",
);
const OUTPUT: Arg<Option<String>> = Arg::some_text("output").doc(
    "The output by its name, where there are several. Else: of a picture the first that is a vector, of a text the first \
     that is a sequence, then a vector.",
);
const MEAN: Arg<Option<Vec<f32>>> = Arg::new("mean", ArgKind::Numbers, numbers).optional().doc(
    "For pictures: what is taken off each sample of 0 to 255, one number or one a channel; ImageNet's 123.675, 116.28, \
     103.53 where there are three, else 127.5. A mean of samples of 0 to 1 is to be multiplied by 255.",
);
const DEVIATION: Arg<Option<Vec<f32>>> = Arg::new("deviation", ArgKind::Numbers, numbers).optional().doc(
    "For pictures: what each sample is then divided by, one number or one a channel; ImageNet's 58.395, 57.12, 57.375 \
     where there are three, else 127.5.",
);
const TOKENS: Arg<Option<usize>> = Arg::some_int("tokens").range(1.0, 100_000.0).doc(
    "For texts: tokens of a text at most, special ones among them; the rest is cut off. As `tokenizer.json` says where it \
     is left out, else 512.",
);

fn numbers(value: Option<&ArgValue>) -> Option<Vec<f32>> {
    match value? {
        ArgValue::List(list) => Some(list.iter().filter_map(ArgValue::as_f64).map(|x| x as f32).collect()),
        one => one.as_f64().map(|x| vec![x as f32]),
    }
}

static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "onnx",
    &["col<d, image[h, w, c]> -> col<d, vector[n]>", "col<d, text> -> col<d, vector[n]>"],
)
.version(runtime::VERSION)
.args(&[
    PATH.spec(),
    TOKENIZER.spec(),
    POOL.spec(),
    OUTPUT.spec(),
    MEAN.spec(),
    DEVIATION.spec(),
    TOKENS.spec(),
])
.doc(
    "Gives each row what a ready network makes of it: an ONNX file, as `torch.onnx.export` and `optimum` write them. Sizes are \
     read from the file when the pipeline is checked. Pictures are resized before, to the size that the network takes; \
     channels come first or last as its input has them. A row is computed once and kept by the content of picture and \
     network. Numbers are 32-bit floats, a row at a time, so that no row hangs on its neighbours. rten runs it; ONNX Runtime does \
     where mmf was built with `--features ort`.",
)
.reference("ONNX Runtime, to 1e-4; the mean over the steps as sentence-transformers takes it")
.infer(infer)
.examples(&[
    Example::new(
        "The features of a picture network.",
        "source films = table(\"films.csv\") { film: key, poster: image(\"posters/{film}.jpg\") }\n\
         extract look = films.poster |> resize(8x8) |> onnx(\"models/look.onnx\", output = \"features\", mean = 127, deviation = 128)",
        "col<films, vector[_]>",
    ),
    Example::new(
        "A vector a text.",
        "source films = table(\"films.csv\") { film: key, plot: text(language = en) }\n\
         extract words = films.plot |> onnx(\"models/words.onnx\", tokenizer = \"models/tokenizer.json\")",
        "col<films, vector[_]>",
    ),
]);

/// Where ONNX files come from.
fn origin() -> Text {
    say!(
        "put the file there: `torch.onnx.export(model, example, path, external_data=False)` writes one, as does `optimum-cli export \
         onnx --model NAME FOLDER`; many models on Hugging Face have a folder `onnx`",
        "请将文件放到该处：可用 `torch.onnx.export(model, example, path, external_data=False)` 或 `optimum-cli export onnx \
         --model NAME FOLDER` 导出；Hugging Face 上的许多模型带有 `onnx` 文件夹"
    )
}

fn infer(call: &mut Inference<'_, '_>) -> Option<Type> {
    let wanted = wanted(&call.args, call.column(0)?.elem)?;
    if wanted.is_text() && call.args.get(TOKENIZER).is_none() {
        let help =
            say!("write `tokenizer = \"models/tokenizer.json\"`", "请写上 `tokenizer = \"models/tokenizer.json\"`");
        let said = say!("`onnx` over texts needs its tokenizer", "对文本使用 `onnx` 需要给出分词器");
        return call.refuse("E0107", call.span, said, Some(help));
    }
    if call.args.get(TOKENIZER).is_some() && wanted.is_text() {
        let origin = say!(
            "it lies beside the model where that was trained: `AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER)` writes it",
            "它与模型一同发布：`AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER)` 可写出"
        );
        call.ports(TOKENIZER.name(), FileKind::Json, origin);
    }
    let scale = [(MEAN.name(), call.args.get(MEAN)), (DEVIATION.name(), call.args.get(DEVIATION))];
    if let Some(misfit) = scale.iter().find_map(|(name, numbers)| fit::scale(name, numbers.as_deref(), &wanted)) {
        return refuse(call, misfit);
    }
    let n = match call.ports(PATH.name(), FileKind::Model, origin()) {
        None => Size::Unknown,
        Some(ports) => match fit::fit(&ports, &wanted) {
            Ok(fit) => fit.width.map_or(Size::Unknown, |n| Size::Known(n as u64)),
            Err(misfit) => return refuse(call, misfit),
        },
    };
    call.out(if wanted.pool == "none" { Elem::Sequence(Size::Unknown, n) } else { Elem::Vector(n) })
}

fn refuse(call: &mut Inference<'_, '_>, misfit: Misfit) -> Option<Type> {
    let span = misfit.argument.map_or(call.span, |name| call.arg_span(name));
    call.refuse(misfit.code, span, misfit.message, misfit.help)
}

/// Returns what is asked of a network; `None` where the mistake was told already.
fn wanted(args: &Args, elem: Elem) -> Option<Wanted> {
    let picture = match elem {
        Elem::Image(sides) => Some(sides.map(|side| side.known().map(|n| n as usize))),
        Elem::Text(_) => None,
        _ => return None,
    };
    Some(Wanted { path: args.get(PATH), picture, pool: args.get(POOL), output: args.get(OUTPUT) })
}

impl Stage for Onnx {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        match alternative {
            0 => Body::Opened { open: open_pictures, rows: pictures, dear: true },
            _ => Body::Opened { open: open_texts, rows: texts, dear: true },
        }
    }
}

fn open_pictures(context: &Context, args: &Args) -> Result<Opened> {
    Ok(Arc::new(Model::open(context, &args.get(PATH))?))
}

struct OfTexts {
    model: Model,
    tokenizer: Tokenizer,
}

fn open_texts(context: &Context, args: &Args) -> Result<Opened> {
    let path = args.get(TOKENIZER).ok_or_else(|| Error::bug("texts without a tokenizer"))?;
    let bytes = context.host.read(&context.base.join(&path))?;
    let tokenizer = Tokenizer::read(&path, &bytes, args.get(TOKENS))?;
    Ok(Arc::new(OfTexts { model: Model::open(context, &args.get(PATH))?, tokenizer }))
}

/// The error where a network, seen first by the run, does not fit.
fn unfit(misfit: Misfit) -> Error {
    let error = Error::new("E1062", misfit.message);
    match misfit.help {
        Some(help) => error.help(help),
        None => error,
    }
}

fn pictures(context: &Context, args: &Args, given: &Opened, batch: &Batch) -> Result<Values> {
    let model: &Model = opened(given)?;
    let pictures = each::pictures(batch)?;
    let pool = args.get(POOL);
    let (mean, deviation) = (args.get(MEAN), args.get(DEVIATION));
    each_row(context, model, batch, &pool, |runner, at| {
        let picture = &pictures[at];
        let sides = [picture.height, picture.width, picture.channels].map(Some);
        let wanted =
            Wanted { path: args.get(PATH), picture: Some(sides), pool: pool.clone(), output: args.get(OUTPUT) };
        let fit = fit::fit(&model.ports, &wanted).map_err(unfit)?;
        let fed = picture::fed(picture, &fit, mean.as_deref(), deviation.as_deref())?;
        Ok((runner.run(fed, fit.output)?, None))
    })
}

fn texts(context: &Context, args: &Args, given: &Opened, batch: &Batch) -> Result<Values> {
    let OfTexts { model, tokenizer } = opened(given)?;
    let texts = each::texts(batch)?;
    let pool = args.get(POOL);
    let wanted = Wanted { path: args.get(PATH), picture: None, pool: pool.clone(), output: args.get(OUTPUT) };
    let fit = fit::fit(&model.ports, &wanted).map_err(unfit)?;
    each_row(context, model, batch, &pool, |runner, at| {
        let (fed, steps) = text::fed(&fit, tokenizer, texts.get(at))?;
        Ok((runner.run(fed, fit.output)?, Some(steps)))
    })
}

/// Runs the rows that are there, one at a time; `run` also tells how many steps are no padding, where there may be some.
fn each_row(
    context: &Context,
    model: &Model,
    batch: &Batch,
    pool: &str,
    run: impl Fn(&mut Runner<'_>, usize) -> Result<(Out, Option<usize>)> + Sync + Send,
) -> Result<Values> {
    let row = |runner: &mut Runner<'_>, at: usize| {
        context.check()?;
        if batch.is_missing(at) {
            return Ok(None);
        }
        let (out, real) = run(runner, at)?;
        pooled(out, pool, real).map(Some)
    };
    let all = model.alone(|runner| (0..batch.rows).map(|at| row(runner, at)).collect::<Result<Vec<_>>>())?;
    gather(all, pool == "none")
}

/// Makes a row of an output: its width, and its steps end to end. `real` of the steps are no padding.
fn pooled((shape, numbers): Out, pool: &str, real: Option<usize>) -> Result<(usize, Vec<f32>)> {
    let &[1, steps, width] = &shape[..] else {
        return Ok((numbers.len(), numbers));
    };
    let steps = real.unwrap_or(steps).min(steps);
    let numbers = &numbers[..steps * width];
    Ok(match pool {
        "first" => (width, numbers[..width.min(numbers.len())].to_vec()),
        "none" => (width, numbers.to_vec()),
        _ => {
            let mut mean = vec![0.0f32; width];
            for step in numbers.chunks_exact(width.max(1)) {
                mean.iter_mut().zip(step).for_each(|(sum, x)| *sum += x);
            }
            mean.iter_mut().for_each(|sum| *sum /= steps.max(1) as f32);
            (width, mean)
        }
    })
}

/// Puts rows together; missing ones are zeros, or empty.
fn gather(rows: Vec<Option<(usize, Vec<f32>)>>, sequences: bool) -> Result<Values> {
    let width = rows.iter().flatten().map(|(width, _)| *width).next().unwrap_or(1);
    if let Some((other, _)) = rows.iter().flatten().find(|(own, _)| *own != width) {
        return Err(Error::new(
            "E1062",
            say!(
                "the network gives {width} numbers for one row and {other} for another",
                "网络对一行给出 {width} 个数，对另一行给出 {other} 个"
            ),
        ));
    }
    if !sequences {
        let row = |row: Option<(usize, Vec<f32>)>| row.map_or_else(|| vec![0.0; width], |(_, numbers)| numbers);
        return Ok(Values::vector(width, rows.into_iter().flat_map(row).collect()));
    }
    let mut all = Sequences { width, ..Sequences::default() };
    for (_, numbers) in rows.into_iter().map(Option::unwrap_or_default) {
        all.numbers.extend(numbers);
        all.end_row();
    }
    Ok(Values::Sequence(Arc::new(all)))
}
