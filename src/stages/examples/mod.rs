//! Every example of every stage is checked, and run where it is short; it must give what it says.
//!
//! A short example is an expression over literals ([`literal`]); it becomes a small file whose sources hold the
//! literals, is checked as any file, and run in memory. An example that declares a `source` is a whole file: it is
//! checked, and gives the type of its last declaration.

mod literal;
mod lock;
mod program;
mod run;

use std::collections::BTreeSet;

use mmf_data::table::Value;
use mmf_lang::signature::{BodyKind, Example};

use program::{Found, verify, without_rows};

/// Returns every example with its stage's name and what was found of it.
fn all() -> Vec<(&'static str, &'static Example, Result<Found, String>)> {
    crate::all()
        .flat_map(|stage| {
            let signature = stage.signature();
            signature.examples.iter().map(move |example| (signature.name, example, verify(example)))
        })
        .collect()
}

#[test]
fn every_example_gives_what_it_says() {
    let wrong: Vec<String> = all()
        .into_iter()
        .filter_map(|(name, example, found)| Some(format!("`{name}`: {}\n  {}", example.code, found.err()?)))
        .collect();
    assert!(wrong.is_empty(), "{} examples:\n{}", wrong.len(), wrong.join("\n"));
}

/// Tables without rows: a result without rows, or a word about it; never a panic.
#[test]
fn every_short_example_takes_tables_without_rows() {
    let mut wrong = Vec::new();
    for example in crate::all().flat_map(|stage| stage.signature().examples) {
        match std::panic::catch_unwind(|| without_rows(example.code)) {
            Err(_) => wrong.push(format!("panics: {}", example.code)),
            Ok(Some(Ok(Value::Column(column)))) if !column.is_empty() => {
                wrong.push(format!("has {} rows of none: {}", column.len(), example.code));
            }
            Ok(Some(Err(reason))) if reason.contains("E1099") => wrong.push(format!("{reason}: {}", example.code)),
            Ok(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{} examples:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_example_uses_its_stage_and_says_what_it_shows() {
    for stage in crate::all() {
        let signature = stage.signature();
        for example in signature.examples {
            let about = example.about;
            assert!(about.ends_with(['.', '?']) && !about.contains('\n'), "`{}`: {about}", signature.name);
            let named = example.code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == signature.name);
            let written = signature.operator.is_some() && example.code.contains(['+', '-', '*', '/']);
            assert!(named || written, "`{}` is not in its example: {}", signature.name, example.code);
        }
    }
}

/// Every type as it is written, and every word that picks one, has an example.
#[test]
fn every_stage_and_each_of_its_types_has_an_example() {
    let found = all();
    let mut lacking = Vec::new();
    for stage in crate::all() {
        let signature = stage.signature();
        if signature.examples.is_empty() {
            lacking.push(format!("`{}` has no example", signature.name));
            continue;
        }
        let used: BTreeSet<usize> = found
            .iter()
            .filter(|(name, ..)| *name == signature.name)
            .filter_map(|(_, _, found)| found.as_ref().ok())
            .flat_map(|found| &found.used)
            .filter(|(name, _)| name == signature.name)
            .map(|(_, alternative)| *alternative)
            .collect();
        // Some stages leave no node of their own: sizes, blocks, readings along a ref.
        if used.is_empty() {
            continue;
        }
        for ty in BTreeSet::from_iter(signature.types) {
            // Recipes leave none either.
            let recipe =
                signature.types.iter().enumerate().any(|(i, t)| t == ty && stage.body(i).kind() == BodyKind::Recipe);
            if !recipe && !used.iter().any(|&i| signature.types[i] == *ty) {
                lacking.push(format!("`{}` has no example of `{ty}`", signature.name));
            }
        }
        let (_, words) = signature.by.unwrap_or(("", &[]));
        for word in BTreeSet::from_iter(words) {
            if !used.iter().any(|&i| words.get(i) == Some(word)) {
                lacking.push(format!("`{}` has no example with `{word}`", signature.name));
            }
        }
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}

#[test]
fn the_lock_holds() {
    let mut new = lock::Lock::new();
    for stage in crate::all() {
        let signature = stage.signature();
        new.insert(signature.name.into(), lock::Entry { version: signature.version, ..lock::Entry::default() });
    }
    for (name, example, found) in all() {
        if let Ok(Found { gives, ran: true, .. }) = found {
            let results = &mut new.get_mut(name).unwrap().results;
            results.insert(lock::short(example.code), lock::short(&gives));
        }
    }
    let old = lock::read(&std::fs::read_to_string(lock::path()).unwrap_or_default());
    let unraised = lock::unraised(&old, &new);
    assert!(
        unraised.is_empty(),
        "examples of {unraised:?} give something else than before: what a store holds of these stages is no longer what \
         they would give. Raise their `version`, or mend them."
    );
    if std::env::var_os("UPDATE_STAGES_LOCK").is_some() {
        std::fs::write(lock::path(), lock::write(&new)).unwrap();
    } else {
        assert!(
            old == new,
            "stages.lock is not up to date: a stage, a version or an example changed. If that is meant, run \
             UPDATE_STAGES_LOCK=1 cargo nextest run -p mmf-stages lock"
        );
    }
}
