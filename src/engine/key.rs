//! What a result is named by: everything that it depends on, in a layout written here.
//!
//! Names, labels, spans and comments never enter; neither do the folders of files. Inputs enter by their contents, so that
//! equal results stop a change from spreading.

use mmf_data::stage::Stage;
use mmf_lang::args::{ArgKind, ArgSpec};
use mmf_lang::args::{ArgValue, Args, ColumnKind, ColumnSpec, PathTemplate, Recipe, RowExpr, TimeFormat, Within};
use mmf_lang::types::Language;

use crate::store::Hasher;

/// Finds a stage of the vocabulary.
pub type Lookup = fn(&str) -> Option<&'static dyn Stage>;

/// Feeds what a stage call is apart from its inputs: stage, version, alternative, arguments.
pub(crate) fn call(hasher: &mut Hasher, stage: &dyn Stage, alternative: usize, args: &Args, lookup: Lookup) {
    let signature = stage.signature();
    hasher.text(signature.name).u64(u64::from(signature.version)).u64(alternative as u64);
    arguments(hasher, args, signature.args, lookup);
}

/// Returns the seed of a stage: from the file's seed and the stage alone, so that neither a name, nor a path, nor a cell of
/// a test row moves it. Two equal layers of one network differ by their place, which the network adds.
pub(crate) fn seed(seed: u64, stage: &str, alternative: usize) -> u64 {
    let digest = Hasher::new("seed").u64(seed).text(stage).u64(alternative as u64).finish();
    u64::from_le_bytes(*digest.as_bytes().first_chunk().expect("a digest is 32 bytes"))
}

/// Says whether an argument of that kind holds paths of files.
pub(crate) fn is_path(specs: &[ArgSpec], name: &str) -> bool {
    specs.iter().any(|s| s.name == name && matches!(s.kind, ArgKind::Path | ArgKind::Paths))
}

/// Returns the paths in the arguments, as written.
pub(crate) fn paths(args: &Args, specs: &[ArgSpec]) -> Vec<String> {
    fn collect(value: &ArgValue, into: &mut Vec<String>) {
        match value {
            ArgValue::Text(path) => into.push(path.clone()),
            ArgValue::List(list) => list.iter().for_each(|v| collect(v, into)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    args.0.iter().filter(|(name, _)| is_path(specs, name)).for_each(|(_, value)| collect(value, &mut found));
    found
}

fn arguments(hasher: &mut Hasher, args: &Args, specs: &[ArgSpec], lookup: Lookup) {
    // By name, so that the order of a block of settings means nothing.
    let mut sorted: Vec<&(String, ArgValue)> = args.0.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    hasher.list(sorted.len());
    for (name, argument) in sorted {
        hasher.text(name);
        if is_path(specs, name) { path(hasher, argument) } else { value(hasher, argument, lookup) }
    }
}

/// Feeds a path by the name of its file: the format hangs on its ending, the folder means nothing, the content is fed
/// apart.
fn path(hasher: &mut Hasher, value: &ArgValue) {
    match value {
        ArgValue::Text(text) => {
            let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
            hasher.text("path").text(name);
        }
        ArgValue::List(list) => {
            hasher.text("list").list(list.len());
            list.iter().for_each(|v| path(hasher, v));
        }
        ArgValue::Word(word) => {
            hasher.text("word").text(word);
        }
        _ => {
            hasher.none();
        }
    }
}

fn value(hasher: &mut Hasher, argument: &ArgValue, lookup: Lookup) {
    match argument {
        ArgValue::Int(n) => {
            hasher.text("int").i64(*n);
        }
        ArgValue::Float(x) => {
            hasher.text("float").f64(*x);
        }
        ArgValue::Bool(b) => {
            hasher.text("bool").flag(*b);
        }
        ArgValue::Text(t) => {
            hasher.text("text").text(t);
        }
        ArgValue::Word(w) => {
            hasher.text("word").text(w);
        }
        ArgValue::List(list) => {
            hasher.text("list").list(list.len());
            list.iter().for_each(|v| value(hasher, v, lookup));
        }
        ArgValue::Range { low, high } => {
            hasher.text("range");
            bounds(hasher, *low, *high);
        }
        ArgValue::Column(name) => {
            hasher.text("column").text(name);
        }
        ArgValue::Input(at) => {
            hasher.text("input").u64(*at as u64);
        }
        ArgValue::Row(expression) => {
            hasher.text("row");
            row(hasher, expression);
        }
        ArgValue::Named(list) => {
            hasher.text("named").list(list.len());
            for (name, argument) in list {
                hasher.text(name);
                value(hasher, argument, lookup);
            }
        }
        ArgValue::Recipe(r) => recipe(hasher, r, lookup),
        ArgValue::Columns(specs) => {
            hasher.text("columns").list(specs.len());
            specs.iter().for_each(|s| column(hasher, s));
        }
        ArgValue::Measure { name, cut } => {
            let version = lookup(name).map_or(0, |s| s.signature().version);
            hasher.text("measure").text(name).u64(u64::from(version));
            match cut {
                Some(k) => hasher.u64(*k),
                None => hasher.none(),
            };
        }
        ArgValue::Losses(losses) => {
            hasher.text("losses").list(losses.len());
            for (weight, r) in losses {
                hasher.f64(*weight);
                recipe(hasher, r, lookup);
            }
        }
    }
}

fn recipe(hasher: &mut Hasher, recipe: &Recipe, lookup: Lookup) {
    let signature = lookup(&recipe.stage).map(Stage::signature);
    hasher.text("recipe").text(&recipe.stage).u64(signature.map_or(0, |s| u64::from(s.version)));
    arguments(hasher, &recipe.args, signature.map_or(&[], |s| s.args), lookup);
}

fn bounds(hasher: &mut Hasher, low: Option<f64>, high: Option<f64>) {
    for bound in [low, high] {
        match bound {
            Some(x) => hasher.f64(x),
            None => hasher.none(),
        };
    }
}

fn column(hasher: &mut Hasher, spec: &ColumnSpec) {
    hasher.text(&spec.name);
    match &spec.header {
        Some(header) => hasher.text(header),
        None => hasher.none(),
    };
    hasher.flag(spec.missing);
    match &spec.within {
        None => {
            hasher.none();
        }
        Some(Within::Range { low, high }) => {
            hasher.text("range");
            bounds(hasher, *low, *high);
        }
        Some(Within::Values(values)) => {
            hasher.text("values").list(values.len());
            values.iter().for_each(|v| {
                hasher.text(v);
            });
        }
    }
    match &spec.kind {
        ColumnKind::Int => hasher.text("int"),
        ColumnKind::Float => hasher.text("float"),
        ColumnKind::Bool => hasher.text("bool"),
        ColumnKind::Category => hasher.text("category"),
        ColumnKind::Key => hasher.text("key"),
        ColumnKind::KeyOf(input) => hasher.text("key of").u64(*input as u64),
        ColumnKind::Ref(input) => hasher.text("ref").u64(*input as u64),
        ColumnKind::Time(TimeFormat::Unix) => hasher.text("time unix"),
        ColumnKind::Time(TimeFormat::Iso) => hasher.text("time iso"),
        ColumnKind::Time(TimeFormat::Pattern(p)) => hasher.text("time pattern").text(p),
        ColumnKind::Text(language) => hasher.text("text").text(word(*language)),
        ColumnKind::TextFile(language, t) => {
            hasher.text("text file").text(word(*language));
            template(hasher, t);
            hasher
        }
        ColumnKind::Image(t) => {
            hasher.text("image");
            template(hasher, t);
            hasher
        }
        ColumnKind::Vector(n) => {
            hasher.text("vector");
            sizes(hasher, &[*n]);
            hasher
        }
        ColumnKind::Sequence(t, n) => {
            hasher.text("sequence");
            sizes(hasher, &[*t, *n]);
            hasher
        }
    };
}

fn word(language: Language) -> &'static str {
    language.word()
}

fn sizes(hasher: &mut Hasher, sizes: &[Option<u64>]) {
    for size in sizes {
        match size {
            Some(n) => hasher.u64(*n),
            None => hasher.none(),
        };
    }
}

fn template(hasher: &mut Hasher, template: &PathTemplate) {
    hasher.list(template.texts.len());
    template.texts.iter().chain(&template.headers).for_each(|t| {
        hasher.text(t);
    });
    match &template.root {
        Some(root) => hasher.text(root),
        None => hasher.none(),
    };
}

fn row(hasher: &mut Hasher, expression: &RowExpr) {
    match expression {
        RowExpr::Column(name) => {
            hasher.text("column").text(name);
        }
        RowExpr::Input(at) => {
            hasher.text("input").u64(*at as u64);
        }
        RowExpr::Int(n) => {
            hasher.text("int").i64(*n);
        }
        RowExpr::Float(x) => {
            hasher.text("float").f64(*x);
        }
        RowExpr::Bool(b) => {
            hasher.text("bool").flag(*b);
        }
        RowExpr::Text(t) => {
            hasher.text("text").text(t);
        }
        RowExpr::Time(t) => {
            hasher.text("time").i64(*t);
        }
        RowExpr::Duration(t) => {
            hasher.text("duration").i64(*t);
        }
        RowExpr::Missing(inner) => {
            hasher.text("missing");
            row(hasher, inner);
        }
        RowExpr::Not(inner) => {
            hasher.text("not");
            row(hasher, inner);
        }
        RowExpr::Negate(inner) => {
            hasher.text("negate");
            row(hasher, inner);
        }
        RowExpr::Binary(op, left, right) => {
            hasher.text("binary").text(op.symbol());
            row(hasher, left);
            row(hasher, right);
        }
        RowExpr::InRange { operand, low, high } => {
            hasher.text("in range");
            row(hasher, operand);
            bounds(hasher, *low, *high);
        }
        RowExpr::InList { operand, values } => {
            hasher.text("in list");
            row(hasher, operand);
            hasher.list(values.len());
            values.iter().for_each(|v| row(hasher, v));
        }
    }
}

/// Writes a value of an argument for people, as it would stand in a file.
pub(crate) fn show(argument: &ArgValue) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    match argument {
        ArgValue::Int(n) => n.to_string(),
        ArgValue::Float(x) => x.to_string(),
        ArgValue::Bool(b) => b.to_string(),
        ArgValue::Text(t) => format!("\"{t}\""),
        ArgValue::Word(w) | ArgValue::Column(w) => w.clone(),
        ArgValue::List(items) => list(items.iter().map(show).collect()),
        ArgValue::Range { low, high } => show_range(*low, *high),
        ArgValue::Input(at) => format!("input {}", at + 1),
        ArgValue::Row(expression) => show_row(expression),
        ArgValue::Named(items) => {
            items.iter().map(|(n, v)| format!("{n} = {}", show(v))).collect::<Vec<_>>().join(", ")
        }
        ArgValue::Recipe(r) => show_recipe(r),
        ArgValue::Columns(specs) => list(specs.iter().map(|s| format!("{}: {:?}", s.name, s.kind)).collect()),
        ArgValue::Measure { name, cut: Some(k) } => format!("{name}@{k}"),
        ArgValue::Measure { name, cut: None } => name.clone(),
        ArgValue::Losses(losses) => {
            let term = |(w, r): &(f64, Recipe)| {
                if *w == 1.0 { show_recipe(r) } else { format!("{w} * {}", show_recipe(r)) }
            };
            losses.iter().map(term).collect::<Vec<_>>().join(" + ")
        }
    }
}

fn show_recipe(recipe: &Recipe) -> String {
    let numbered = |name: &str| name.bytes().all(|b| b.is_ascii_digit());
    let args: Vec<String> =
        (recipe.args.0.iter()).map(|(n, v)| if numbered(n) { show(v) } else { format!("{n} = {}", show(v)) }).collect();
    format!("{}({})", recipe.stage, args.join(", "))
}

fn show_range(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(l), Some(h)) => format!("{l}..={h}"),
        (Some(l), None) => format!("{l}.."),
        (None, Some(h)) => format!("..={h}"),
        (None, None) => "..".into(),
    }
}

fn show_row(expression: &RowExpr) -> String {
    match expression {
        RowExpr::Column(name) => name.clone(),
        RowExpr::Input(at) => format!("input {}", at + 1),
        RowExpr::Int(n) => n.to_string(),
        RowExpr::Float(x) => x.to_string(),
        RowExpr::Bool(b) => b.to_string(),
        RowExpr::Text(t) => format!("\"{t}\""),
        RowExpr::Time(t) | RowExpr::Duration(t) => format!("{}s", *t as f64 / 1e6),
        RowExpr::Missing(inner) => format!("missing({})", show_row(inner)),
        RowExpr::Not(inner) => format!("not {}", show_row(inner)),
        RowExpr::Negate(inner) => format!("-{}", show_row(inner)),
        RowExpr::Binary(op, left, right) => format!("{} {} {}", show_row(left), op.symbol(), show_row(right)),
        RowExpr::InRange { operand, low, high } => format!("{} in {}", show_row(operand), show_range(*low, *high)),
        RowExpr::InList { operand, values } => {
            format!("{} in [{}]", show_row(operand), values.iter().map(show_row).collect::<Vec<_>>().join(", "))
        }
    }
}
