//! The user's picture files, known by their contents, so that a moved folder or a renamed file changes nothing.
//!
//! In memory a column of files holds paths; in the store it holds digests. A source tells which path has which digest.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mmf_data::error::{Error, Result};
use mmf_data::table::{Column, Split, Table, Value};
use mmf_data::values::Values;
use mmf_lang::say;

use crate::column;
use crate::store::{Digest, Store};

/// Which file has which content, in one run.
#[derive(Default)]
pub(crate) struct Pictures(Mutex<Known>);

/// Neither holds a path of its own: there may be a million.
#[derive(Default)]
struct Known {
    /// By the digest of the path.
    digests: HashMap<[u8; 16], Digest>,
    /// The columns of files, and in which of them and where a file of that content is.
    columns: Vec<Arc<Vec<PathBuf>>>,
    places: HashMap<Digest, (u32, u32)>,
}

impl Known {
    fn digest(&self, path: &Path) -> Result<Digest> {
        let found = self.digests.get(&name(path)).copied();
        found.ok_or_else(|| Error::bug(format!("no source told of the file `{}`", path.display())))
    }

    fn path(&self, digest: &Digest) -> Option<&PathBuf> {
        let (column, place) = *self.places.get(digest)?;
        self.columns.get(column as usize)?.get(place as usize)
    }
}

fn name(path: &Path) -> [u8; 16] {
    let digest = Digest::of(path.as_os_str().as_encoded_bytes());
    *digest.as_bytes().first_chunk().expect("a digest is 32 bytes")
}

/// A row whose file is not there: its place in the column, and the path.
pub(crate) struct Lost {
    pub place: usize,
    pub path: PathBuf,
}

impl Pictures {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn digest(&self, path: &Path) -> Result<Digest> {
        self.known().digest(path)
    }

    /// Returns the columns of a source with their paths made whole, and their rows marked missing where the file is not
    /// there. A row without a path is missing anyway; the paths of missing rows stay, for the file may come.
    pub(crate) fn settle(&self, column: &Column, base: &Path, store: &Store) -> Result<(Column, Vec<Lost>)> {
        let Values::Files(files) = &column.values else { return Ok((column.clone(), Vec::new())) };
        let join = |file: &PathBuf| {
            let mut whole = base.join(file);
            whole.shrink_to_fit();
            whole
        };
        let whole: Vec<PathBuf> =
            files.iter().map(|f| if f.as_os_str().is_empty() { f.clone() } else { join(f) }).collect();
        let whole = Arc::new(whole);
        let asked: Vec<&PathBuf> = whole.iter().filter(|p| !p.as_os_str().is_empty()).collect();
        let mut found = store.files().digest_many(&asked).into_iter();
        let mut lost = Vec::new();
        let mut missing = vec![true; whole.len()];
        let mut known = self.known();
        let own = known.columns.len() as u32;
        known.columns.push(whole.clone());
        for (place, path) in whole.iter().enumerate().filter(|(_, p)| !p.as_os_str().is_empty()) {
            match found.next() {
                Some(Ok(digest)) => {
                    missing[place] = false;
                    known.digests.insert(name(path), digest);
                    known.places.entry(digest).or_insert((own, place as u32));
                }
                _ => lost.push(Lost { place, path: path.clone() }),
            }
        }
        drop(known);
        Ok((Column::new(column.rows.clone(), Values::Files(whole)).with_missing(missing), lost))
    }

    /// Returns the column as it is stored: digests in the place of paths.
    pub(crate) fn portable_column(&self, column: &Column) -> Result<Column> {
        self.exchange(column, |known, path| Ok(PathBuf::from(known.digest(path)?.to_string())))
    }

    /// Writes the stored bytes of a column.
    pub(crate) fn write_column(&self, column: &Column, out: &mut dyn Write) -> io::Result<()> {
        let hollow = Column { values: column.values.take(&[]), ..column.clone() };
        let pieces = |visit: &mut dyn FnMut(&Values) -> Result<()>| {
            column::pieces(column, &mut |some| visit(&self.portable_column(some)?.values))
        };
        column::write(hollow, &pieces, out)
    }

    pub(crate) fn portable(&self, value: &Value) -> Result<Value> {
        each_column(value, &|c| self.portable_column(c))
    }

    /// Returns a stored value as it is used: paths in the place of digests.
    pub(crate) fn locate(&self, value: &Value) -> Result<Value> {
        each_column(value, &|column| {
            self.exchange(column, |known, name| {
                let digest: Option<Digest> = name.to_str().and_then(|t| t.parse().ok());
                digest.and_then(|d| known.path(&d).cloned()).ok_or_else(|| {
                    Error::new(
                        "E1051",
                        say!(
                            "a picture of an earlier run is no longer among the files",
                            "先前运行中的一张图片已不在文件中"
                        ),
                    )
                })
            })
        })
    }

    fn exchange(&self, column: &Column, change: impl Fn(&Known, &Path) -> Result<PathBuf>) -> Result<Column> {
        let Values::Files(files) = &column.values else { return Ok(column.clone()) };
        let known = self.known();
        let changed = files
            .iter()
            .enumerate()
            .map(|(at, file)| if column.is_missing(at) { Ok(PathBuf::new()) } else { change(&known, file) })
            .collect::<Result<Vec<_>>>()?;
        Ok(Column { values: Values::Files(Arc::new(changed)), ..column.clone() })
    }
}

fn each_column(value: &Value, change: &dyn Fn(&Column) -> Result<Column>) -> Result<Value> {
    let table = |t: &Table| -> Result<Table> {
        let columns = t.columns.iter().map(|(n, c)| Ok((n.clone(), change(c)?))).collect::<Result<_>>()?;
        Ok(Table { rows: t.rows.clone(), columns })
    };
    Ok(match value {
        Value::Column(c) => Value::Column(change(c)?),
        Value::Table(t) => Value::Table(table(t)?),
        Value::Split(s) => Value::Split(Split { table: table(&s.table)?, parts: s.parts.clone() }),
        other => other.clone(),
    })
}
