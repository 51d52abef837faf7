//! Parquet, by polars: only the wanted columns are decoded. Numbers become their decimal form, times ISO 8601 in UTC,
//! lists JSON; null is a missing value.

use std::io::Cursor;

use mmf_data::values::Texts;
use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use polars::prelude::{AnyValue, DataType, PolarsError, TimeUnit};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;

use super::{Cells, Format, Frame, Wanted, choose};

pub(super) fn read(bytes: &[u8], format: &Format, wanted: &Wanted) -> Result<Frame, Text> {
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let headers: Vec<String> = reader.schema().map_err(broken)?.iter_names().map(|name| name.to_string()).collect();
    let chosen = choose(&headers, wanted)?;
    let rows = reader.num_rows().map_err(broken)?;
    let names: Vec<String> = headers.iter().zip(&chosen).filter(|(_, c)| **c).map(|(h, _)| h.clone()).collect();
    let mut columns = Vec::new();
    if !names.is_empty() {
        let table = reader.with_columns(Some(names.clone())).finish().map_err(broken)?;
        for name in names {
            let column = table.column(&name).map_err(broken)?.as_materialized_series().rechunk();
            let mut texts = Texts::default();
            for value in column.iter() {
                let cell = cell(&value);
                texts.push(if format.missing.contains(&cell) { "" } else { &cell });
            }
            let times = matches!(column.dtype(), DataType::Datetime(..) | DataType::Date);
            columns.push(Cells { header: name, texts, times });
        }
    }
    let lines = (1..=rows as u32).collect();
    Ok(Frame { headers, columns, lines, files: Vec::new() })
}

fn broken(error: PolarsError) -> Text {
    say!("is not a sound Parquet file: {error}", "不是完好的 Parquet 文件：{error}")
}

fn cell(value: &AnyValue<'_>) -> String {
    match value {
        AnyValue::Null => String::new(),
        AnyValue::String(text) => (*text).to_string(),
        AnyValue::StringOwned(text) => text.to_string(),
        AnyValue::Boolean(b) => b.to_string(),
        AnyValue::Float32(x) => x.to_string(),
        AnyValue::Float64(x) => x.to_string(),
        AnyValue::Datetime(t, unit, _) => instant(*t, *unit),
        AnyValue::DatetimeOwned(t, unit, _) => instant(*t, *unit),
        AnyValue::Date(days) => instant(i64::from(*days) * 86_400_000, TimeUnit::Milliseconds),
        AnyValue::List(series) => {
            let cells: Vec<String> = series.iter().map(|v| cell(&v)).collect();
            format!("[{}]", cells.join(","))
        }
        other => other.to_string(),
    }
}

fn instant(t: i64, unit: TimeUnit) -> String {
    let micros = match unit {
        TimeUnit::Nanoseconds => Some(t.div_euclid(1000)),
        TimeUnit::Microseconds => Some(t),
        TimeUnit::Milliseconds => t.checked_mul(1000),
    };
    let time = micros.and_then(chrono::DateTime::from_timestamp_micros);
    time.map_or_else(|| t.to_string(), |t| t.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

#[cfg(test)]
mod tests {
    use polars::prelude::{Column, DataFrame};
    use polars_io::parquet::write::ParquetWriter;

    use super::*;

    #[test]
    fn typed_columns_become_their_decimal_form() {
        let columns = vec![
            Column::new("n".into(), [Some(7i64), None]),
            Column::new("x".into(), [0.1f64, 2.0]),
            Column::new("t".into(), ["007", "b"]),
        ];
        let mut table = DataFrame::new(2, columns).unwrap();
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut table).unwrap();
        let format = Format { separator: None, headers: None, missing: vec![] };
        let frame = read(&bytes, &format, &Wanted(vec!["n".into(), "x".into(), "t".into()])).unwrap();
        let cells: Vec<Vec<&str>> = frame.columns.iter().map(|c| c.texts.iter().collect()).collect();
        assert_eq!(cells, [vec!["7", ""], vec!["0.1", "2"], vec!["007", "b"]]);
        for end in (0..bytes.len()).step_by(7) {
            let cut = super::super::read("a.parquet", &bytes[..end], false, &format, &Wanted(vec!["n".into()]));
            assert!(cut.is_err(), "{end} bytes of {}", bytes.len());
        }
    }
}
