//! The contents of a value by digest, as deep as anything reads it apart: a table's columns, a split's parts.
//!
//! Outlines are kept in traces, so that a run of an unchanged file needs no value at all.

use mmf_data::error::{Error, Result};
use mmf_data::table::{Column, Split, Table, Value};
use mmf_lang::types::Part;
use serde::{Deserialize, Serialize};

use crate::pictures::Pictures;
use crate::store::{Digest, Hasher, Summed};

/// What a value contains, without it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outline {
    /// Of the whole content.
    pub digest: Digest,
    /// Count of rows; 0 for what has none.
    pub rows: u64,
    /// Count of missing values, of a column.
    #[serde(default)]
    pub missing: u64,
    /// Of which rows a table or a part has, whatever is in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub which: Option<Digest>,
    /// Of a table or split, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<(String, Outline)>,
    /// Of a split, by the part's word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<(String, Outline)>,
}

impl Outline {
    pub(crate) fn column(&self, name: &str) -> Option<&Outline> {
        self.columns.iter().find(|(n, _)| n == name).map(|(_, o)| o)
    }

    pub(crate) fn part(&self, part: Part) -> Option<&Outline> {
        self.parts.iter().find(|(p, _)| p == part.word()).map(|(_, o)| o)
    }

    pub(crate) fn leaf(digest: Digest, rows: u64) -> Outline {
        Outline { digest, rows, missing: 0, which: None, columns: Vec::new(), parts: Vec::new() }
    }
}

/// Returns the outline of a value; `blob` is the digest of its stored bytes.
pub(crate) fn of(value: &Value, blob: Digest, pictures: &Pictures) -> Result<Outline> {
    Ok(match value {
        Value::Column(c) => Outline { missing: c.count_missing() as u64, ..Outline::leaf(blob, c.len() as u64) },
        Value::Table(t) => of_table(t, pictures)?,
        Value::Split(s) => of_split(s, pictures)?,
        Value::State(_) | Value::Count(_) => Outline::leaf(blob, 0),
    })
}

pub(crate) fn of_column(column: &Column, pictures: &Pictures) -> Result<Outline> {
    let mut sum = Summed::new(std::io::sink());
    pictures.write_column(column, &mut sum).map_err(|error| Error::bug(error.to_string()))?;
    let missing = column.count_missing() as u64;
    Ok(Outline { missing, ..Outline::leaf(sum.finish().0, column.len() as u64) })
}

pub(crate) fn of_table(table: &Table, pictures: &Pictures) -> Result<Outline> {
    let columns = table
        .columns
        .iter()
        .map(|(name, column)| Ok((name.clone(), of_column(column, pictures)?)))
        .collect::<Result<Vec<_>>>()?;
    let rows = table.rows.len() as u64;
    let digest = table_digest(rows, &columns);
    let bare = Value::Table(Table { rows: table.rows.clone(), columns: Vec::new() });
    let which = Some(Digest::of(&bare.to_arrays().to_bytes()));
    Ok(Outline { columns, which, ..Outline::leaf(digest, rows) })
}

/// Returns the digest of a table by those of its columns, which know their rows.
pub(crate) fn table_digest(rows: u64, columns: &[(String, Outline)]) -> Digest {
    let mut hasher = Hasher::new("table");
    hasher.u64(rows).list(columns.len());
    for (name, outline) in columns {
        hasher.text(name).digest(&outline.digest);
    }
    hasher.finish()
}

fn of_split(split: &Split, pictures: &Pictures) -> Result<Outline> {
    let whole = of_table(&split.table, pictures)?;
    let mut parts = Vec::new();
    for (part, rows) in &split.parts {
        parts.push((part.word().to_string(), of_table(&split.table.restrict(rows)?, pictures)?));
    }
    let mut hasher = Hasher::new("split");
    hasher.digest(&whole.digest).list(parts.len());
    for (word, outline) in &parts {
        hasher.text(word).digest(&outline.digest);
    }
    Ok(Outline { digest: hasher.finish(), parts, ..whole })
}
