use super::language::pipelines;
use super::report;
use crate::syntax::scan::scan;

#[test]
fn shower() {
    let mut counts = std::collections::BTreeMap::new();
    for (name, text) in pipelines() {
        let pieces = scan(&text);
        for (i, piece) in pieces.iter().enumerate() {
            if !piece.is_code() || i % 5 != 0 { continue; }
            let mut cases = vec![];
            let mut t = text.clone(); t.replace_range(piece.start..piece.end, ""); cases.push(("delete", t));
            let mut t = text.clone(); t.insert_str(piece.end, &format!(" {}", piece.of(&text))); cases.push(("double", t));
            let other = pieces[(i * 7919 + 13) % pieces.len()];
            let mut t = text.clone(); t.replace_range(piece.start..piece.end, &format!(" {} ", other.of(&text))); if other.is_code() { cases.push(("swap", t)); }
            for (kind, t) in cases {
                let r = report(&t);
                let n = r.lines().count();
                *counts.entry((kind, n)).or_insert(0) += 1;
                if n > 1 {
                    let start = text[..piece.start].rfind('\n').map_or(0, |i| i + 1);
                    let line = text[..start].matches('\n').count();
                    println!("== {kind} {name}: {}\n{r}", t.lines().nth(line).unwrap_or(""));
                }
            }
        }
    }
    println!("{counts:?}");
}
