//! `fill`: values for rows that have none.

use std::sync::Arc;

use mmf_data::arrays::{Array, State};
use mmf_data::error::{Error, Result};
use mmf_data::network::{Activation, Init, Network, Op, Var};
use mmf_data::stage::{Batch, Body, Context, JointCall, Stage};
use mmf_data::table::Column;
use mmf_data::values::{Sequences, Values};
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Size, Type};

use super::{nearest, spread};
use crate::fuse::activation::{one, two};

pub(crate) struct Fill;

const HOW: Arg<String> = Arg::words("how", &["zero", "mean", "knn", "propagate", "learned"]).doc(
    "`zero` fills with zeros, `mean` with the mean of the training rows, `knn` with the mean of the `k` training rows that \
     are nearest by other columns, `propagate` with what spreads along a graph, `learned`, in a network, with numbers that are \
     trained with it.",
);
const K: Arg<usize> = Arg::int("k")
    .default(Literal::Int(5))
    .range(1.0, 10_000.0)
    .doc("For `knn`: of how many rows the mean is taken; of all, where there are fewer.");
const BY: Arg<bool> = Arg::new("by", ArgKind::Inputs, |value| value.is_some()).optional().doc(
    "For `knn`: the column, or the list of columns, that tells how near rows are; numbers and vectors, scaled before where \
     their units differ. Of those that a row lacks, the others tell.",
);
const OVER: Arg<bool> = Arg::new("over", ArgKind::Graph, |value| value.is_some())
    .optional()
    .doc("For `propagate`: the graph. The rows of the column are one of its ends.");
pub(super) const ROUNDS: Arg<usize> = Arg::int("rounds")
    .default(Literal::Int(20))
    .range(1.0, 1_000.0)
    .doc("For `propagate`: how many edges far values spread.");

/// What each alternative is picked by. The last is put before a network by this stage alone: 1 where a row is missing, else 0.
const WORDS: &[&str] = &["zero", "mean", "knn", "zero", "zero", "zero", "propagate", "learned", "missing"];
const PROPAGATE: usize = 6;
const LEARNED: usize = 7;
const MISSING: usize = 8;

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "fill",
    &[
        "col<d, vector[n]?> -> col<d, vector[n]>",
        "col<d, vector[n]?> -> col<d, vector[n]>",
        "col<d, vector[n]?> -> col<d, vector[n]>",
        "col<d, vector[n]?> -> col<d, vector[n]>",
        "col<d, sequence[t, n]?> -> col<d, sequence[t, n]>",
        "col<d, sequence[t, n]?> -> col<d, sequence[t, n]>",
        "col<d, vector[n]?> -> col<d, vector[n]>",
        "col<d, vector[n]?> -> col<d, vector[n]>",
        "col<d, vector[n]?> -> col<d, vector[1]>",
    ],
)
.by("how", WORDS)
.lets_missing_by()
.version(1)
.args(&[HOW.spec(), K.spec(), BY.spec(), OVER.spec(), ROUNDS.spec()])
.infer(filled)
.doc(
    "Gives each missing row a value: zeros; the mean, place by place, of the training rows that have one; or the mean of the \
     `k` nearest among those that have it and all columns of `by`, where the distance is Euclidean over the columns that the \
     row has. Of rows equally far, those with smaller values come first. A missing sequence becomes an empty one. Numbers \
     and bools become vectors of one. \
     `propagate`: missing rows begin with zeros; in each round every row gets the sum of its neighbours' values, each times \
     weight / √(degree · degree) as in `propagate`, and rows that have a value get it back. Rows of the graph's other end have \
     none. Where the column's rows are split, training rows alone tell. A row that no value has reached gets the mean of \
     those that tell. \
     `learned`: one vector for all missing rows, a weight that begins with zeros.",
)
.reference(
    "scikit-learn's SimpleImputer(strategy = \"constant\" or \"mean\") and KNNImputer(n_neighbors = k); feature propagation, Rossi et \
     al. 2021, for missing modalities Malitesta et al. 2024",
)
.examples(&[
    Example::new("Zeros.", "[[1, 2], _] |> fill(zero)", "[[1, 2], [0, 0]]"),
    Example::new("A sequence without steps.", "sequence([[[1, 2]], _]) |> fill(zero) |> mean", "[[1, 2], [0, 0]]"),
    Example::new("The mean of those that are there.", "[1, _, 4] |> fill(mean)", "[[1], [2.5], [4]]"),
    Example::new(
        "The value of the row that is nearest by another column.",
        "[[1, 0], _, [5, 0]] |> fill(knn, k = 1, by = ([1, 4, 5]))",
        "[[1, 0], [5, 0], [5, 0]]",
    ),
    Example::new(
        "Numbers that are learned stand where nothing is; they begin with zeros.",
        "neural { [[1, 2], _] |> fill(learned) }",
        "[[1, 2], [0, 0]]",
    ),
    Example::new(
        "How a film sounds, told by the films that look like it.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[4]? }\n\
         extract alike = films.look |> knn_graph(k = 3)\n\
         fuse heard = films.sound |> fill(propagate, over = alike)",
        "col<films, vector[4]>",
    ),
    Example::new(
        "Told by the films that the same users have met in the training rows.",
        "source films = table(\"films.csv\") { film: key, sound: vector[4]? }\n\
         source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
         prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
         prepare known = graph(parts.train, user, film)\n\
         fuse heard = films.sound |> fill(propagate, over = known, rounds = 10)\n\
         train taste = recommend(parts, user = user, item = film) { score = dot(embedding(user, 8), heard |> dense(8)) }",
        "train",
    ),
    Example::new(
        "What stands for a film without a sound is learned for the taste.",
        "source films = table(\"films.csv\") { film: key, sound: vector[4]? }\n\
         source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
         prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
         fuse heard = neural { films.sound |> fill(learned) |> dense(8) }\n\
         train taste = recommend(parts, user = user, item = film) { score = dot(embedding(user, 8), heard) }",
        "train",
    ),
]);

/// As wide as what flows in; the columns of `by` are read at its rows.
fn filled(call: &mut Inference<'_, '_>) -> Option<Type> {
    let how = WORDS.get(call.alternative).copied().unwrap_or_default();
    let (span, by, over) = (call.span, call.args.get(BY), call.args.get(OVER));
    match how {
        "knn" if !by => {
            return call.refuse(
                "E0107",
                span,
                say!("`fill(knn)` needs `by`: which rows are near?", "`fill(knn)` 缺少 `by`：依据什么判断远近？"),
                Some(say!("name columns of the same rows: `by = [ … ]`", "请指明同一批行的列：`by = [ … ]`")),
            );
        }
        "propagate" if !over => {
            return call.refuse(
                "E0107",
                span,
                say!(
                    "`fill(propagate)` needs `over`: along which graph?",
                    "`fill(propagate)` 缺少 `over`：沿哪个图传播？"
                ),
                Some(say!(
                    "name a graph of the same rows: `over = films.look |> knn_graph`",
                    "请指明同一批行的图：`over = films.look |> knn_graph`"
                )),
            );
        }
        _ => {}
    }
    for (name, of) in [(BY.name(), "knn"), (K.name(), "knn"), (OVER.name(), "propagate"), (ROUNDS.name(), "propagate")]
    {
        if let Some(place) = call.written(name).filter(|_| how != of && how != "missing") {
            return call.refuse(
                "E0105",
                place,
                say!(
                    "`{name}` is for `fill({of})`, this is `fill({how})`",
                    "`{name}` 用于 `fill({of})`，这里是 `fill({how})`"
                ),
                Some(say!("leave `{name}` out, or write `fill({of}, …)`", "请去掉 `{name}`，或写 `fill({of}, …)`")),
            );
        }
    }
    match call.alternative {
        PROPAGATE => spread::ends(call),
        LEARNED => learned(call),
        MISSING => call.out(Elem::Vector(Size::Known(1))),
        _ => beside(call),
    }
}

/// Puts the values, with zeros in the gaps, and the gaps before the network: it is told which rows are missing by numbers alone.
fn learned(call: &mut Inference<'_, '_>) -> Option<Type> {
    let (column, place) = (call.column(0)?, call.input_spans[0]);
    if column.marks.joint {
        return call.refuse(
            "E0309",
            place,
            say!(
                "`fill(learned)` must know which rows are missing, and a network that is not trained yet does not tell",
                "`fill(learned)` 必须知道哪些行缺失，而尚未训练的网络无法说明"
            ),
            Some(say!("put it before the first layer, or write `fill(zero)`", "请放在第一个层之前，或写 `fill(zero)`")),
        );
    }
    call.inputs = vec![call.inputs[0]; 2];
    call.input_spans = vec![place; 2];
    for (at, alternative) in [0, MISSING].into_iter().enumerate() {
        let how = vec![(HOW.name().into(), ArgValue::Word(WORDS[alternative].into()))];
        call.before(at, SIGNATURE.name, alternative, Args(how))?;
    }
    call.out(Elem::Vector(column.elem.as_vector()?))
}

/// Reads the columns of `by` at the rows that are filled.
fn beside(call: &mut Inference<'_, '_>) -> Option<Type> {
    let (domain, here) = (call.domain?, call.input_spans[0]);
    for at in 1..call.inputs.len() {
        let (column, there) = (call.column(at)?, call.input_spans[at]);
        let found = column.elem.to_string();
        if column.elem.as_vector().is_none() {
            return call.refuse(
                "E0301",
                there,
                say!("`by` takes numbers and vectors, this is {found}", "`by` 接受数值和向量，这里是 {found}"),
                None,
            );
        }
        if column.marks.joint {
            return call.refuse(
                "E0309",
                there,
                say!("`by` cannot be a network that is not trained yet", "`by` 不能是尚未训练的网络"),
                None,
            );
        }
        if !call.is_within(domain, column.domain) {
            let ways = call.ways(domain, column.domain);
            let [way] = &ways[..] else { return call.refuse_rows(domain, column.domain, there, here) };
            let mut node = call.inputs[at];
            for arrow in way.iter().rev() {
                node = call.read_along(node, domain, arrow);
            }
            call.inputs[at] = node;
        }
    }
    match call.column(0)?.elem.as_vector() {
        Some(width) => call.out(Elem::Vector(width)),
        None => call.out(call.column(0)?.elem),
    }
}

impl Stage for Fill {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        match alternative {
            0 => Body::Rows(zero),
            1 => Body::Fit { fit, apply },
            2 => Body::Fit { fit: fit_nearest, apply: apply_nearest },
            4 => Body::Rows(zero),
            PROPAGATE => Body::Across(spread::fill),
            LEARNED => Body::Joint(stand_in),
            MISSING => Body::Rows(missing),
            // What lets missing values by in a network gives zeros, or no steps, where nothing is.
            _ => Body::Joint(|_, _, inputs| Ok(one(inputs)?.clone())),
        }
    }
}

/// Adds the learned numbers where a row is missing. Elsewhere they are added times zero: no gradient flows to them.
fn stand_in(_: &JointCall<'_>, network: &mut dyn Network, inputs: &[Var]) -> Result<Var> {
    let [values, missing] = two(inputs)?;
    let numbers = network.parameter("value", &[1, values.width()], Init::Zeros);
    let stand_in = network.apply(Op::Dense(Activation::None), &[missing], &[numbers])?;
    network.apply(Op::Add, &[values, &stand_in], &[])
}

fn missing(context: &Context, _: &Args, batch: &Batch) -> Result<Values> {
    context.check()?;
    Ok(Values::vector(1, (0..batch.rows).map(|row| f32::from(u8::from(batch.is_missing(row)))).collect()))
}

fn zero(context: &Context, _: &Args, batch: &Batch) -> Result<Values> {
    context.check()?;
    if let Values::Sequence(sequences) = batch.values(0)? {
        return Ok(Values::Sequence(Arc::new(without_missing(sequences, batch))));
    }
    put(batch, None)
}

/// Returns the sequences, those of missing rows empty.
fn without_missing(sequences: &Sequences, batch: &Batch) -> Sequences {
    let mut out = Sequences { width: sequences.width, ..Sequences::default() };
    for row in 0..sequences.ends.len() {
        if !batch.is_missing(row) {
            out.numbers.extend_from_slice(sequences.row(row));
        }
        out.end_row();
    }
    out
}

/// Learns the mean of each place, summed in the order of the rows.
fn fit(context: &Context, _: &Args, columns: &[Column]) -> Result<State> {
    context.check()?;
    let column = columns.first().ok_or_else(|| Error::bug("a fit was given no column"))?;
    let (width, numbers) = column.values.as_vectors()?;
    let mut sums = vec![0f64; width];
    for row in numbers.chunks_exact(width.max(1)) {
        sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    if column.is_empty() {
        return Err(Error::new(
            "E1022",
            say!("there is no value to take the mean of in the training rows", "训练行中没有可求均值的数值"),
        )
        .help(say!("`fill(zero)` needs no training rows", "`fill(zero)` 不需要训练行")));
    }
    let rows = column.len() as f64;
    Ok(State::new().with("mean", Array::F32(sums.iter().map(|sum| (sum / rows) as f32).collect())))
}

fn apply(context: &Context, _: &Args, state: &State, batch: &Batch) -> Result<Values> {
    context.check()?;
    put(batch, Some(state.f32s("mean")?))
}

fn fit_nearest(context: &Context, _: &Args, columns: &[Column]) -> Result<State> {
    nearest::learn(context, columns)
}

fn apply_nearest(context: &Context, args: &Args, state: &State, batch: &Batch) -> Result<Values> {
    nearest::fill(context, args.get(K), state, batch)
}

/// Returns the vectors, those of missing rows replaced by `value`, or by zeros.
fn put(batch: &Batch, value: Option<&[f32]>) -> Result<Values> {
    let (width, numbers) = batch.values(0)?.as_vectors()?;
    if value.is_some_and(|value| value.len() != width) {
        return Err(Error::bug("a stored mean is not as wide as its column"));
    }
    let mut out = numbers.to_vec();
    for (row, out) in out.chunks_exact_mut(width.max(1)).enumerate() {
        if batch.is_missing(row) {
            match value {
                Some(value) => out.copy_from_slice(value),
                None => out.fill(0.0),
            }
        }
    }
    Ok(Values::vector(width, out))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::{Input, Quiet};
    use mmf_data::table::Rows;
    use mmf_tensor::{Moment, Parameters, Session};

    use super::*;
    use crate::extract::each::tests::fixture;

    fn context() -> Context<'static> {
        Context { seed: 1, base: Path::new("."), host: &Quiet }
    }

    fn batch(values: Values, missing: &[bool]) -> Batch {
        Batch { rows: missing.len(), inputs: vec![Input { values, missing: Some(Arc::new(missing.to_vec())) }] }
    }

    #[test]
    fn zeros_take_the_place_of_whatever_is_there() {
        let vectors = batch(Values::vector(2, vec![1.0, 2.0, 9.0, 9.0]), &[false, true]);
        assert_eq!(zero(&context(), &Args::default(), &vectors).unwrap(), Values::vector(2, vec![1.0, 2.0, 0.0, 0.0]));
        let numbers = batch(Values::Int(Arc::new(vec![7, 9])), &[false, true]);
        assert_eq!(zero(&context(), &Args::default(), &numbers).unwrap(), Values::vector(1, vec![7.0, 0.0]));
    }

    #[test]
    fn a_missing_sequence_becomes_empty() {
        let sequences = Sequences { width: 1, ends: vec![2, 3, 4], numbers: vec![1.0, 2.0, 3.0, 4.0] };
        let given = batch(Values::Sequence(Arc::new(sequences)), &[false, true, false]);
        let expected = Sequences { width: 1, ends: vec![2, 2, 3], numbers: vec![1.0, 2.0, 4.0] };
        assert_eq!(zero(&context(), &Args::default(), &given).unwrap(), Values::Sequence(Arc::new(expected)));
    }

    #[test]
    fn the_mean_is_of_the_training_rows() {
        let training = Column::new(Rows::some(9, vec![1, 4]), Values::vector(2, vec![1.0, 2.0, 2.0, 6.0]));
        let state = fit(&context(), &Args::default(), &[training]).unwrap();
        let given = batch(Values::vector(2, vec![50.0, 60.0, 9.0, 9.0]), &[false, true]);
        let expected = Values::vector(2, vec![50.0, 60.0, 1.5, 4.0]);
        assert_eq!(apply(&context(), &Args::default(), &state, &given).unwrap(), expected);

        let none = Column::new(Rows::some(9, vec![]), Values::vector(2, vec![]));
        assert_eq!(fit(&context(), &Args::default(), &[none]).unwrap_err().code, "E1022");
    }

    /// Against `torch.where`: the numbers stand in the missing rows alone, and learn from them alone.
    #[test]
    fn what_is_learned_is_pytorchs() {
        let case = &fixture("tables/filled.json")["learned"];
        let read = |name: &str| -> Vec<f32> {
            let numbers = |value: &serde_json::Value| serde_json::from_value::<Vec<f32>>(value.clone());
            match numbers(&case[name]) {
                Ok(flat) => flat,
                Err(_) => case[name].as_array().unwrap().iter().flat_map(|row| numbers(row).unwrap()).collect(),
            }
        };
        let gaps: Vec<bool> = serde_json::from_value(case["missing"].clone()).unwrap();
        let rows = gaps.len();
        let given = batch(Values::vector(3, read("given")), &gaps);
        let inside = zero(&context(), &Args::default(), &given).unwrap().as_vectors().unwrap().1;
        let flags = missing(&context(), &Args::default(), &given).unwrap().as_vectors().unwrap().1;
        let run = |session: &mut Session<'_>| {
            let table = session.table("values", rows, 3, Init::Zeros);
            let values = session.lookup(table, &(0..rows as u32).collect::<Vec<_>>()).unwrap();
            let flags = session.constant(rows, &[1], flags.to_vec()).unwrap();
            let args = Args::default();
            let all: Vec<u32> = (0..rows as u32).collect();
            let call = JointCall {
                args: &args,
                rows: &all,
                total: rows,
                trained: None,
                steps: None,
                graph: None,
                chosen: None,
            };
            stand_in(&call, session, &[values, flags]).unwrap()
        };
        let mut parameters = Parameters::new(1);
        let mut session = Session::making(&mut parameters);
        run(&mut session);
        drop(session);
        let numbers = parameters.find("value").unwrap();
        assert_eq!(parameters.values(numbers).unwrap(), [0.0; 3]);
        parameters.set_values(numbers, &read("stand_in")).unwrap();
        parameters.set_values(parameters.find("values").unwrap(), &inside).unwrap();

        let mut session = Session::training(&parameters, Moment::default());
        let filled = run(&mut session);
        assert_eq!(session.values(&filled).unwrap(), read("value"));
        let upstream = session.constant(rows, &[3], read("upstream")).unwrap();
        let product = session.apply(Op::Multiply, &[&filled, &upstream], &[]).unwrap();
        let loss = session.total(&product, None).unwrap();
        let mut gradients = session.backward(&loss, 1.0).unwrap();
        let found = gradients.whole(&parameters, numbers).unwrap();
        for (ours, theirs) in found.iter().zip(read("stand_in_gradient")) {
            assert!((ours - theirs).abs() < 1e-6, "{ours}, not {theirs}");
        }
        // Of what stands in the missing rows before the network nothing is asked: it is no weight.
        let there = gradients.whole(&parameters, parameters.find("values").unwrap()).unwrap();
        let kept = |at: &usize| !gaps[at / 3];
        assert!((0..3 * rows).filter(kept).all(|at| there[at] == read("gradient")[at]));
    }
}
