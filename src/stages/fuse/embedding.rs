//! A learned vector for each row of a table, or for each value of a column.

use mmf_data::error::Result;
use mmf_data::network::{Init, Network, Op, Var};
use mmf_data::stage::{Body, JointCall, Stage};
use mmf_lang::args::{Arg, ArgValue, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{ColumnType, DomainId, Elem, Marks, Size, Type};

use crate::fuse::activation::one;

pub(crate) struct Embedding;

const N: Arg<usize> = Arg::int("n").range(1.0, 1e6).doc("Length of each vector.");
const WORDS: Arg<usize> = Arg::int("words").default(Literal::Int(5000)).range(1.0, 1e7).doc(
    "Of tokens: the words that get a vector of their own, those that come most often in the training rows; all others share \
     one.",
);

const DEVIATION: Arg<f64> = Arg::float("deviation")
    .default(Literal::Float(0.1))
    .range(0.0, 100.0)
    .doc("Standard deviation of the numbers at the start.");

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "embedding",
    &[
        "col<d, category> -> col<d, vector[n]>",
        "table -> col<d, vector[n]>",
        "col<d, tokens> -> col<d, sequence[_, n]>",
        "rows -> col<d, vector[n]>",
    ],
)
.args(&[N.spec(), WORDS.spec(), DEVIATION.spec()])
.weights()
.infer(rows)
.doc(
    "A vector of n learned numbers for each row of a table or an end of a graph, or for each value of a category, ref or \
         key column. They start normal, around 0. Rows that no training row leads to have \
         zeros when the network is read.",
)
.reference("torch.nn.Embedding")
.examples(&[
    Example::new(
        "A vector a film.",
        "source films = table(\"films.csv\") { film: key }\n\
             fuse item = neural { embedding(films, 32) }",
        "col<films, vector[32]>",
    ),
    Example::new(
        "A vector a genre, read at each film.",
        "source films = table(\"films.csv\") { film: key, genre: category }\n\
             fuse mood = neural { embedding(films.genre, 8) |> dropout(20%) }",
        "col<films, vector[8]>",
    ),
    Example::new(
        "A vector for each film that may be in a graph.",
        "source films = table(\"films.csv\") { film: key }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films) }\n\
             prepare parts = likes |> split(train = 80%, test = 20%)\n\
             prepare known = graph(parts.train, user, film)\n\
             fuse item = neural { embedding(known.film, 16) }",
        "col<films, vector[16]>",
    ),
    Example::new(
        "A vector a word.",
        "source notes = table(\"notes.csv\") { note: key, text: text(language = en) }\n\
             fuse story = neural { notes.text |> tokenize |> embedding(8, words = 1000) |> lstm(16) }",
        "col<notes, vector[16]>",
    ),
]);

/// A vector for each value of the column, read at the column's rows; or one for each row of a table.
fn rows(call: &mut Inference<'_, '_>) -> Option<Type> {
    let width = match call.args.find("n") {
        Some(ArgValue::Int(n)) => u64::try_from(*n).map_or(Size::Unknown, Size::Known),
        _ => Size::Unknown,
    };
    let vectors = |domain: DomainId| {
        let marks = Marks { joint: true, ..Marks::default() };
        Type::Column(ColumnType { domain, elem: Elem::Vector(width), missing: Default::default(), marks })
    };
    match call.input(0) {
        Type::Table(table) => return Some(vectors(table.domain)),
        Type::Rows(end) => return Some(vectors(end)),
        _ => {}
    }
    let column = call.column(0)?;
    if let Elem::Tokens(_) = column.elem {
        let words = call.args.find(WORDS.name()).cloned()?;
        call.before(0, "word_numbers", 0, Args(vec![(WORDS.name().into(), words)]))?;
        let marks = Marks { joint: true, ..call.column(0)?.marks };
        let elem = Elem::Sequence(Size::Unknown, width);
        return Some(Type::Column(ColumnType { domain: column.domain, elem, missing: column.missing, marks }));
    }
    match column.elem {
        Elem::Ref(to) | Elem::Category(to) => {
            let arrow = call.arrow_of(0)?;
            let source = call.source_of(0);
            call.inputs[0] = source;
            let table = call.node(vectors(to));
            let read = call.read_along(table, column.domain, &arrow);
            call.instead = Some(read);
            Some(Type::Unknown)
        }
        _ => Some(vectors(column.domain)),
    }
}

impl Stage for Embedding {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == WORD_BY_WORD {
            return Body::Joint(words);
        }
        Body::Joint(|call, network, _| {
            let table = network.table("rows", call.total, call.args.get(N), init(call.args));
            let rows = network.lookup(table, call.rows)?;
            let Some(trained) = call.trained.filter(|_| !network.training()) else { return Ok(rows) };
            let known = |&row: &u32| trained.get(row as usize).copied().unwrap_or(false);
            if call.rows.iter().all(known) {
                return Ok(rows);
            }
            let kept = call.rows.iter().map(|row| f32::from(u8::from(known(row)))).collect();
            let kept = network.constant(call.rows.len(), &[1], kept)?;
            network.apply(Op::Multiply, &[&rows, &kept], &[])
        })
    }
}

/// The alternative that takes tokens.
pub(crate) const WORD_BY_WORD: usize = 2;

fn init(args: &Args) -> Init {
    Init::Normal { deviation: args.get(DEVIATION) as f32 }
}

/// Looks up the vector of each word by its number.
fn words(call: &JointCall<'_>, network: &mut dyn Network, inputs: &[Var]) -> Result<Var> {
    let numbers = one(inputs)?;
    let table = network.table("words", call.args.get(WORDS) + 1, call.args.get(N), init(call.args));
    let steps = numbers.dims.first().copied().unwrap_or(0);
    let lengths = network.lengths(numbers).map_or_else(|| vec![steps as u32; numbers.rows], <[u32]>::to_vec);
    let values = network.numbers(numbers)?;
    let rows = values.chunks_exact(steps.max(1)).zip(&lengths);
    let index: Vec<u32> = rows.flat_map(|(row, &length)| row[..length as usize].iter().map(|&x| x as u32)).collect();
    network.lookup_steps(table, &index, &lengths, steps)
}
