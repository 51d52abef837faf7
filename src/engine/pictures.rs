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
struct Known(Vec<Listed>);

/// A column of files.
struct Listed {
    paths: Paths,
    /// The digest of each, all zeros where there is none.
    digests: Vec<Digest>,
    /// Places of the files that are there, in the order of their paths.
    by_path: Vec<u32>,
    /// The same places, in the order of their digests.
    by_content: Vec<u32>,
}

const NOTHING: Digest = Digest::from_bytes([0; 32]);

impl Listed {
    fn new(paths: Paths, digests: Vec<Digest>) -> Listed {
        let there = || (0..digests.len() as u32).filter(|&place| digests[place as usize] != NOTHING);
        let mut by_path: Vec<u32> = Vec::with_capacity(there().count());
        by_path.extend(there());
        let mut by_content = by_path.clone();
        by_path.sort_unstable_by_key(|&place| (paths.text(place as usize), place));
        by_content.sort_unstable_by_key(|&place| (*digests[place as usize].as_bytes(), place));
        Listed { paths, digests, by_path, by_content }
    }

    fn digest(&self, path: &Path) -> Option<Digest> {
        let place = self.paths.find(&self.by_path, path)?;
        Some(self.digests[place as usize])
    }

    /// Returns the first place of a file of that content.
    fn place(&self, digest: &Digest) -> Option<usize> {
        let own = |place: u32| self.digests[place as usize].as_bytes();
        let at = self.by_content.partition_point(|&place| own(place) < digest.as_bytes());
        self.by_content.get(at).filter(|&&place| own(place) == digest.as_bytes()).map(|&place| place as usize)
    }
}

impl Known {
    fn digest(&self, path: &Path) -> Result<Digest> {
        let found = self.0.iter().find_map(|listed| listed.digest(path));
        found.ok_or_else(|| Error::bug(format!("no source told of the file `{}`", path.display())))
    }

    /// Returns where a file of that content stands: the column and the place in it.
    fn place(&self, digest: &Digest) -> Option<(&Listed, usize)> {
        self.0.iter().find_map(|listed| Some((listed, listed.place(digest)?)))
    }
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
        let (mut digests, mut lost) = (vec![NOTHING; whole.len()], Vec::new());
        for places in asked.chunks(TOGETHER) {
            let paths: Vec<PathBuf> = places.iter().map(|&place| whole.get(place)).collect();
            for ((&place, found), path) in places.iter().zip(store.files().digest_many(&paths)).zip(paths) {
                match found {
                    Ok(digest) => digests[place] = digest,
                    Err(_) => lost.push(Lost { place, path }),
                }
            }
        }
        let missing = digests.iter().map(|digest| *digest == NOTHING).collect();
        self.known().0.push(Listed::new(whole.clone(), digests));
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
            let folder = places.iter().flatten().next().map(|(listed, _)| listed.paths.folder().to_owned());
            let folder = folder.unwrap_or_default();
            let text = |place: &Option<(&Listed, usize)>| match place {
                None => String::new(),
                Some((listed, at)) if listed.paths.folder() == folder => listed.paths.text(*at).into(),
                Some((listed, at)) => listed.paths.get(*at).to_string_lossy().into(),
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
