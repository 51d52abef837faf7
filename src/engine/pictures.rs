//! The user's picture files, known by their contents, so that a moved folder or a renamed file changes nothing.
//!
//! In memory a column of files holds paths; in the store it holds digests. A source tells which path has which digest.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mmf_data::error::{Error, Result};
use mmf_data::paths::Paths;
use mmf_data::table::{Column, Split, Table, Value};
use mmf_data::values::Values;
use mmf_lang::say;

use crate::column;
use crate::store::{Digest, Store};

/// Files whose contents are looked at together.
const TOGETHER: usize = 1024;

/// Which file has which content, in one run.
#[derive(Default)]
pub(crate) struct Pictures(Mutex<Known>);

/// Nothing is kept twice, and few bytes a row: there may be a million.
#[derive(Default)]
struct Known {
    /// The columns of files, with the digest of each.
    columns: Vec<(Paths, Vec<Digest>)>,
    /// Beginnings of digests of paths, ascending, and where the files stand: column and place.
    by_path: Vec<(u64, u32, u32)>,
    /// Beginnings of digests of contents, likewise.
    by_content: Vec<(u64, u32, u32)>,
}

impl Known {
    fn digest(&self, path: &Path) -> Result<Digest> {
        let found = alike(&self.by_path, name(path)).find(|&(column, place)| self.columns[column].0.get(place) == path);
        let found = found.map(|(column, place)| self.columns[column].1[place]);
        found.ok_or_else(|| Error::bug(format!("no source told of the file `{}`", path.display())))
    }

    /// Returns where a file of that content stands.
    fn place(&self, digest: &Digest) -> Option<(usize, usize)> {
        alike(&self.by_content, digest.beginning()).find(|&(column, place)| self.columns[column].1[place] == *digest)
    }

    fn add(&mut self, paths: Paths, digests: Vec<Option<Digest>>) {
        let own = self.columns.len() as u32;
        let count = digests.iter().flatten().count();
        self.by_path.reserve_exact(count);
        self.by_content.reserve_exact(count);
        for (place, digest) in digests.iter().enumerate() {
            let Some(digest) = digest else { continue };
            self.by_path.push((name(&paths.get(place)), own, place as u32));
            self.by_content.push((digest.beginning(), own, place as u32));
        }
        self.by_path.sort_unstable();
        self.by_content.sort_unstable();
        let nothing = Digest::from_bytes([0; 32]);
        self.columns.push((paths, digests.into_iter().map(|digest| digest.unwrap_or(nothing)).collect()));
    }
}

/// Returns where those of that beginning stand, the earliest first.
fn alike(all: &[(u64, u32, u32)], beginning: u64) -> impl Iterator<Item = (usize, usize)> {
    let from = all.partition_point(|entry| entry.0 < beginning);
    let own = all[from..].iter().take_while(move |entry| entry.0 == beginning);
    own.map(|&(_, column, place)| (column as usize, place as usize))
}

fn name(path: &Path) -> u64 {
    Digest::of(path.as_os_str().as_encoded_bytes()).beginning()
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
        let whole = files.within(base);
        let asked: Vec<usize> = (0..whole.len()).filter(|&place| whole.has(place)).collect();
        let (mut digests, mut lost) = (vec![None; whole.len()], Vec::new());
        for places in asked.chunks(TOGETHER) {
            let paths: Vec<PathBuf> = places.iter().map(|&place| whole.get(place)).collect();
            for ((&place, found), path) in places.iter().zip(store.files().digest_many(&paths)).zip(paths) {
                match found {
                    Ok(digest) => digests[place] = Some(digest),
                    Err(_) => lost.push(Lost { place, path }),
                }
            }
        }
        let missing = digests.iter().map(Option::is_none).collect();
        self.known().add(whole.clone(), digests);
        Ok((Column::new(column.rows.clone(), Values::Files(whole)).with_missing(missing), lost))
    }

    /// Returns the column as it is stored: digests in the place of paths.
    pub(crate) fn portable_column(&self, column: &Column) -> Result<Column> {
        let Values::Files(files) = &column.values else { return Ok(column.clone()) };
        let known = self.known();
        let digest = |at: usize| {
            if column.is_missing(at) { Ok(String::new()) } else { Ok(known.digest(&files.get(at))?.to_string()) }
        };
        let digests = (0..files.len()).map(digest).collect::<Result<Paths>>()?;
        Ok(Column { values: Values::Files(digests), ..column.clone() })
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
            let Values::Files(names) = &column.values else { return Ok(column.clone()) };
            let known = self.known();
            let place = |at: usize| {
                if column.is_missing(at) {
                    return Ok(None);
                }
                let digest: Option<Digest> = names.text(at).parse().ok();
                digest.and_then(|digest| known.place(&digest)).map(Some).ok_or_else(|| {
                    Error::new(
                        "E1051",
                        say!(
                            "a picture of an earlier run is no longer among the files",
                            "先前运行中的一张图片已不在文件中"
                        ),
                    )
                })
            };
            let places = (0..names.len()).map(place).collect::<Result<Vec<_>>>()?;
            // Mostly all are of one folder, which then stands once.
            let folder = places.iter().flatten().next().map(|&(column, _)| known.columns[column].0.folder().to_owned());
            let folder = folder.unwrap_or_default();
            let text = |place: &Option<(usize, usize)>| match place {
                None => String::new(),
                Some((column, at)) => {
                    let paths = &known.columns[*column].0;
                    if paths.folder() == folder {
                        paths.text(*at).into()
                    } else {
                        paths.get(*at).to_string_lossy().into()
                    }
                }
            };
            let paths: Paths = places.iter().map(text).collect();
            Ok(Column { values: Values::Files(paths.within(&folder)), ..column.clone() })
        })
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
