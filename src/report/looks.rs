//! What rows look like: small pictures and first words, from `rows/`.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};

use super::record::{LookRecord, RowsRecord};

/// The looks of the rows of each source.
#[derive(Debug, Default)]
pub(super) struct Looks(Vec<Source>);

#[derive(Debug)]
struct Source {
    name: String,
    record: RowsRecord,
    /// A JPEG in base64.
    pictures: Option<String>,
}

impl Looks {
    /// Reads the looks of these sources; what is not there, or cannot be read, is as none.
    pub(super) fn read<'n>(folder: &Path, names: impl Iterator<Item = &'n str>) -> Looks {
        let mut found: BTreeMap<&str, Source> = BTreeMap::new();
        for name in names {
            if found.contains_key(name) {
                continue;
            }
            let path = |ending: &str| folder.join("rows").join(format!("{}.{ending}", super::file_name(name)));
            let Ok(bytes) = std::fs::read(path("json")) else { continue };
            let Ok(record) = serde_json::from_slice::<RowsRecord>(&bytes) else { continue };
            let pictures = std::fs::read(path("jpg")).ok().map(|bytes| STANDARD.encode(bytes));
            found.insert(name, Source { name: name.to_string(), record, pictures });
        }
        Looks(found.into_values().collect())
    }

    fn find(&self, source: Option<&str>) -> Option<(usize, &Source)> {
        let at = self.0.iter().position(|s| Some(s.name.as_str()) == source)?;
        Some((at, &self.0[at]))
    }

    /// Returns the style that brings the pictures.
    pub(super) fn style(&self) -> Markup {
        let mut style = String::new();
        for (at, source) in self.0.iter().enumerate() {
            if let Some(pictures) = &source.pictures {
                let across = source.record.across.max(1);
                style.push_str(&format!(
                    ".r{at}{{background-image:url(data:image/jpeg;base64,{pictures});background-size:calc({across}*var(--s)) auto}}"
                ));
            }
        }
        html! { @if !style.is_empty() { style { (PreEscaped(style)) } } }
    }

    /// Returns the picture of a row, where it has one; the row's words stand beside it, so it says nothing by itself.
    pub(super) fn picture(&self, source: Option<&str>, key: &str) -> Option<Markup> {
        let (at, source) = self.find(source)?;
        source.pictures.as_ref()?;
        let place = source.record.rows.get(key)?.place?;
        let (x, y) = (place % source.record.across.max(1), place / source.record.across.max(1));
        Some(html! { i class=(format!("pic r{at}")) style=(format!("--x:{x};--y:{y}")) {} })
    }

    /// Returns the first words of a row's texts.
    pub(super) fn texts(&self, source: Option<&str>, key: &str) -> &[String] {
        let look: Option<&LookRecord> = self.find(source).and_then(|(_, s)| s.record.rows.get(key));
        look.map_or(&[], |look| &look.texts)
    }

    /// Returns a card: picture, key, what is said of it, and its first words.
    pub(super) fn card(&self, source: Option<&str>, key: &str, says: &Markup) -> Markup {
        html! {
            @if let Some(picture) = self.picture(source, key) { (picture) }
            span.words {
                strong { (key) } " " (says)
                @for text in self.texts(source, key) { span.text { (text) } }
            }
        }
    }
}
