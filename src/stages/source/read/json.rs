//! JSON lines: an object a line. Headers are the names in the order in which they first come; a name that a line lacks
//! is a missing value. Lists are kept as JSON.

use std::fmt;

use mmf_data::values::Texts;
use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{Cells, Format, Frame, Wanted};

pub(super) fn read(text: &str, cut: bool, format: &Format, wanted: &Wanted) -> Result<Frame, Text> {
    let mut frame = Frame::default();
    // Place in `frame.columns`, by header.
    let mut slots: Vec<Option<usize>> = Vec::new();
    let whole = if cut { text.rfind('\n').map_or("", |end| &text[..end]) } else { text };
    for (i, line) in whole.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let number = i + 1;
        let object: Object = serde_json::from_str(line).map_err(|e| {
            let column = e.column();
            let reason = e.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default();
            say!(
                "line {number}, column {column} is not a JSON object: {reason}",
                "第 {number} 行第 {column} 列不是 JSON 对象：{reason}"
            )
        })?;
        let row = frame.lines.len();
        for (k, (name, value)) in object.0.iter().enumerate() {
            if object.0[..k].iter().any(|(other, _)| other == name) {
                return Err(say!("line {number} has `{name}` twice", "第 {number} 行有两个 `{name}`"));
            }
            let place = frame.headers.iter().position(|h| h == name).unwrap_or_else(|| {
                frame.headers.push(name.clone());
                slots.push(wanted.takes(name).then(|| {
                    let texts: Texts = std::iter::repeat_n("", row).collect();
                    frame.columns.push(Cells { header: name.clone(), texts, times: false });
                    frame.columns.len() - 1
                }));
                slots.len() - 1
            });
            if let Some(slot) = slots[place] {
                let cell = cell(value);
                let cell = if format.missing.contains(&cell) { "" } else { cell.as_str() };
                frame.columns[slot].texts.push(cell);
            }
        }
        frame.lines.push(number as u32);
        frame.columns.iter_mut().filter(|c| c.texts.len() == row).for_each(|c| c.texts.push(""));
    }
    if frame.headers.is_empty() && !cut {
        return Err(say!("is empty: it has no object", "是空文件：没有对象"));
    }
    Ok(frame)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An object with its names in the order of the file.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Result<Frame, Text> {
        let format = Format { separator: None, headers: None, missing: vec!["NA".into()] };
        read(text, false, &format, &Wanted(vec!["*".into()]))
    }

    #[test]
    fn objects_may_lack_names() {
        let frame =
            frame("{\"b\": 1.50, \"a\": \"x\"}\n\n{\"a\": null, \"c\": [1, 2]}\n{\"a\": \"NA\", \"b\": true}\n")
                .unwrap();
        assert_eq!(frame.headers, ["b", "a", "c"]);
        let cells = |h: &str| frame.find(h).unwrap().texts.iter().map(str::to_string).collect::<Vec<_>>();
        assert_eq!(cells("b"), ["1.5", "", "true"]);
        assert_eq!(cells("a"), ["x", "", ""]);
        assert_eq!(cells("c"), ["", "[1,2]", ""]);
        assert_eq!(frame.lines, [1, 3, 4]);
    }

    #[test]
    fn what_is_no_object_is_named() {
        assert_eq!(
            frame("{\"a\": 1}\n[1]\n").unwrap_err().en.split(':').next().unwrap(),
            "line 2, column 0 is not a JSON object"
        );
        assert!(frame("{\"a\": 1\n").unwrap_err().en.starts_with("line 1, column 7 is not a JSON object: EOF"));
        assert!(frame("").unwrap_err().en.contains("empty"));
    }
}
