//! What is said of one task, and what its rows are told apart by.

use mmf_data::error::{Error, Result};
use mmf_data::stage::TrainCall;
use mmf_data::values::Values;
use mmf_lang::args::Recipe;
use mmf_lang::say;
use mmf_lang::types::Part;

use crate::train::trained::part;

/// What rows are told apart by, row by row of the split's table.
pub(crate) enum Label {
    Classes { codes: Vec<u32>, names: Vec<String>, positive: u32 },
    Numbers(Vec<f64>),
}

/// What is said of one task.
pub(crate) struct Settings<'a> {
    pub(crate) label: Label,
    /// The column, to know which labels are missing.
    pub(crate) column: String,
    /// The column that says how much each row counts.
    pub(crate) weight: Option<String>,
    /// The loss, and what it is called that reads the label.
    pub(crate) loss: Vec<(f64, Recipe)>,
    pub(crate) name: &'a str,
}

/// Returns the classes of a label column: `false` and `true`, or the values of a category.
pub(crate) fn classes(call: &TrainCall, column: &str, positive: Option<&str>) -> Result<Label> {
    let (codes, names) = match &call.split.table.column(column)?.values {
        Values::Bool(v) => (v.iter().map(|&b| u32::from(b)).collect(), vec!["false".to_string(), "true".to_string()]),
        Values::Code { codes, names } => (codes.to_vec(), names.names().iter().map(str::to_string).collect()),
        other => return Err(Error::bug(format!("a label of classes was expected, found {}", other.kind()))),
    };
    let positive = match positive {
        None => names.len().saturating_sub(1),
        Some(name) => names.iter().position(|n| n == name).ok_or_else(|| {
            let known = names.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
            Error::new("E1038", say!("`{column}` has no class `{name}`", "`{column}` 中没有类别 `{name}`"))
                .note(say!("its classes are {known}", "其类别为：{known}"))
        })?,
    };
    Ok(Label::Classes { codes, names, positive: positive as u32 })
}

impl Settings<'_> {
    pub(super) fn knows(&self, place: usize) -> bool {
        match &self.label {
            Label::Classes { names, codes, .. } => (codes[place] as usize) < names.len(),
            Label::Numbers(numbers) => numbers[place].is_finite(),
        }
    }
}

/// Returns the places in the table of a part's rows that have a label.
pub(super) fn labelled(call: &TrainCall, settings: &Settings<'_>, of: Part) -> Result<Vec<u32>> {
    let mut places = call.split.table.rows.places(part(&call.split, of)?)?;
    let column = call.split.table.column(&settings.column)?;
    places.retain(|&place| !column.is_missing(place as usize) && settings.knows(place as usize));
    Ok(places)
}
