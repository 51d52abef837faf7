//! How near what fills hidden values comes to the truth.

use std::collections::BTreeSet;

use mmf_data::arrays::Arrays;
use mmf_data::error::{Error, Result};
use mmf_data::imputation::{Imputation as Found, Way};
use mmf_data::stage::{Body, Context, Stage};
use mmf_data::table::{Column, Value};
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args};
use mmf_lang::graph::NodeId;
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Type;

use super::paired::{by_unit, interval};

pub(crate) struct Imputation;

const TRUTH: Arg<()> = Arg::new("truth", ArgKind::Inputs, |_| ()).doc("The column before some of it was hidden.");
const HIDDEN: Arg<()> = Arg::new("hidden", ArgKind::Inputs, |_| ()).doc("The same with `hide` behind it.");
const WAYS: Arg<()> = Arg::new("ways", ArgKind::Inputs, |_| ()).doc(
    "The hidden column filled, in the ways that are compared: the first is the one beside which the others are tested.",
);

static SIGNATURE: Signature = Signature::new(Group::Experiment, "imputation", &["-> experiment"])
    .args(&[TRUTH.spec(), HIDDEN.spec(), WAYS.spec()])
    .infer(compared)
    .doc(
        "Compares ways of filling on the rows that were hidden: the root of the mean squared error over rows and places with its 95 % \
         interval over rows, the share of the truth's variance that is told, and the chance that a way is no other than the first (a \
         paired permutation test over rows, corrected by Holm). Nothing that fills has seen a hidden value, so all hidden rows count.",
    )
    .reference("scikit-learn's mean_squared_error and r2_score (variance weighted)")
    .examples(&[Example::new(
        "The mean, or a game?",
        "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[4] }\n\
         extract dark = films.look |> hide(50%)\n\
         fuse plain = dark |> fill(mean)\n\
         fuse made  = gan(dark, films.sound, steps = 20)\n\
         experiment filling = imputation(films.look, hidden = dark, ways = [plain, made.dark])",
        "experiment",
    )]);

/// Reads all at the rows of the truth.
fn compared(call: &mut Inference<'_, '_>) -> Option<Type> {
    let truth = call.column(0)?;
    let width = truth.elem.as_vector();
    let mut names = Vec::new();
    for at in 0..call.inputs.len() {
        let (name, span) = (call.label_of(call.inputs[at]), call.input_spans[at]);
        let column = call.column(at)?;
        if column.marks.joint {
            return call.refuse(
                "E0309",
                span,
                say!("`{name}` is a network that is not trained yet", "`{name}` 是尚未训练的网络"),
                Some(say!(
                    "name what it became in a train: `taste.{name}`",
                    "请写它在训练中得到的结果：`taste.{name}`"
                )),
            );
        }
        if at > 1 && sees(call, call.inputs[at]) {
            return call.refuse(
                "E0602",
                span,
                say!(
                    "`{name}` is made from what was hidden, so it fills nothing",
                    "`{name}` 由被隐藏的值得到，因而不是填补"
                ),
                Some(say!(
                    "fill the hidden column, by columns that know nothing of the truth",
                    "请填补被隐藏的列，所依据的列不应含有真值"
                )),
            );
        }
        if at > 1 && !column.missing.is_empty() {
            return call.refuse(
                "E0501",
                span,
                say!("`{name}` is not filled: it may still be missing", "`{name}` 没有填补：它仍可能缺失"),
                Some(say!("put a `fill(…)` behind it", "请在其后接上 `fill(…)`")),
            );
        }
        let fits = matches!((width, column.elem.as_vector()), (Some(a), Some(b)) if a.fits(b));
        if !fits || column.domain != truth.domain {
            let found = column.elem.to_string();
            return call.refuse(
                "E0302",
                span,
                say!(
                    "ways of filling are compared on vectors of the same rows and width, `{name}` is {found}",
                    "填补方式须在同一批行、同样宽度的向量上比较，而 `{name}` 是 {found}"
                ),
                Some(say!("of a `gan` take the part: `made.look`", "若来自 `gan`，请取其中一部分：`made.look`")),
            );
        }
        names.push(ArgValue::Text(name));
    }
    // What is hidden, then the ways; the truth's own name says nothing.
    names.remove(0);
    call.args = Args(vec![("names".into(), ArgValue::List(names))]);
    Some(Type::Experiment)
}

/// Returns whether a value reaches the truth by another way than what was hidden of it.
fn sees(call: &Inference<'_, '_>, value: NodeId) -> bool {
    let below = |start: NodeId, stop: Option<NodeId>| {
        let (mut seen, mut stack) = (BTreeSet::new(), vec![start]);
        while let Some(node) = stack.pop() {
            if Some(node) != stop && matches!(call.type_of(node), Type::Column(_)) && seen.insert(node) {
                stack.extend(call.made_of(node).0);
            }
        }
        seen
    };
    let (truth, hidden) = (call.inputs[0], call.inputs[1]);
    let made = below(truth, None);
    below(value, Some(hidden)).iter().any(|node| made.contains(node))
}

impl Stage for Imputation {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Experiment(run)
    }
}

fn run(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Arrays> {
    let odd = || Error::bug("ways of filling without what they fill");
    let Some(ArgValue::List(names)) = args.find("names") else { return Err(odd()) };
    let names: Vec<&str> = names.iter().filter_map(ArgValue::as_text).collect();
    let column = |at: usize| -> Result<&Column> {
        match inputs.get(at) {
            Some(Value::Column(column)) => Ok(column),
            _ => Err(odd()),
        }
    };
    let (truth, hidden) = (column(0)?, column(1)?);
    let hidden = hidden.restrict(&truth.rows)?;
    let places: Vec<usize> = (0..truth.len()).filter(|&at| !truth.is_missing(at) && hidden.is_missing(at)).collect();
    if places.is_empty() {
        return Err(Error::new("E1022", say!("no row with a truth is hidden", "没有任何有真值的行被隐藏"))
            .help(say!("hide some: `look |> hide(50%)`", "请先隐藏一部分：`look |> hide(50%)`")));
    }
    let (width, real) = truth.values.as_vectors()?;
    let real = |at: usize| &real[at * width..(at + 1) * width];
    let spread: f64 = (0..width)
        .map(|place| {
            let mean = places.iter().map(|&at| f64::from(real(at)[place])).sum::<f64>() / places.len() as f64;
            places.iter().map(|&at| (f64::from(real(at)[place]) - mean).powi(2)).sum::<f64>()
        })
        .sum();
    let mut errors: Vec<Vec<f64>> = Vec::new();
    for (at, name) in (2..inputs.len()).zip(&names[1..]) {
        context.check()?;
        let filled = column(at)?.restrict(&truth.rows)?;
        if let Some(row) = places.iter().find(|&&at| filled.is_missing(at)) {
            return Err(Error::bug(format!("`{name}` leaves row {row} missing")));
        }
        let (own, made) = filled.values.as_vectors()?;
        if own != width {
            return Err(odd());
        }
        let square = |&at: &usize| {
            let pairs = made[at * width..(at + 1) * width].iter().zip(real(at));
            pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>() / width as f64
        };
        errors.push(places.iter().map(square).collect());
    }
    let mut ways = Vec::new();
    for (name, own) in names[1..].iter().zip(&errors) {
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        let (low, high) = interval(own, context.seed);
        let gains: Vec<f64> = errors[0].iter().zip(own).map(|(a, b)| a - b).collect();
        let p = if ways.is_empty() { 1.0 } else { by_unit(&[gains], context.seed).p };
        let explained = if spread > 0.0 { 1.0 - mean * (own.len() * width) as f64 / spread } else { f64::NAN };
        ways.push(Way { name: (*name).into(), error: mean.sqrt(), low: low.sqrt(), high: high.sqrt(), explained, p });
    }
    if let Some((_, others)) = ways.split_first_mut() {
        let corrected = super::paired::holm(&others.iter().map(|way| way.p).collect::<Vec<_>>());
        others.iter_mut().zip(corrected).for_each(|(way, p)| way.p = p);
    }
    Ok(Found { of: names[0].into(), units: places.len(), ways }.to_arrays())
}
