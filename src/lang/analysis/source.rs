//! Sources: a look at their files, and the type of the table that they give.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Checker;
use crate::args::{Args, ColumnKind, ColumnSpec, Within};
use crate::diagnostic::Diagnostic;
use crate::graph::{DomainKind, NodeId};
use crate::say;
use crate::span::Span;
use crate::types::{ColumnType, DomainId, Elem, Marks, Origin, Size, SourceColumn, TableType, Type};
use crate::world::{ColumnScan, NumpyKeys, Scan, ScanFormat, ScanRequest, WorldError};

impl Checker<'_> {
    /// Returns the type of a source, after a look at its files.
    pub(crate) fn source_type(
        &mut self,
        span: Span,
        args: &mut Args,
        inputs: &mut [NodeId],
        mut request: ScanRequest,
    ) -> Option<Type> {
        let columns = match args.find("columns") {
            Some(crate::args::ArgValue::Columns(c)) => c.clone(),
            _ => Vec::new(),
        };
        request.columns = columns.clone();
        let places = std::mem::take(&mut self.places);
        let place = |name: &str| places.iter().find(|(n, _)| n == name).map_or(span, |(_, s)| *s);
        for (i, column) in columns.iter().enumerate() {
            if let ColumnKind::Ref(k) | ColumnKind::KeyOf(k) = column.kind
                && let Some(&input) = inputs.get(k)
                && let Some(keys) = self.target_domain(input).and_then(|d| self.keys.get(&d)).cloned()
            {
                request.keys.push((i, keys));
            }
        }
        // Where a file cannot be looked at, the types stand as declared, so that other mistakes are told with this one.
        let scan = if self.options.data { self.scan(&request, span) } else { None };
        let source = self.current.last().map(|(n, ..)| n.clone()).unwrap_or_default();
        let owner = columns.iter().find_map(|c| match c.kind {
            ColumnKind::KeyOf(k) => inputs.get(k).and_then(|&n| self.target_domain(n)),
            _ => None,
        });
        let rows = scan.as_ref().filter(|s| s.whole).map(|s| s.rows);
        let domain = owner.unwrap_or_else(|| self.new_domain(String::new(), DomainKind::Source, rows));
        let mut typed = Vec::new();
        let mut sound = true;
        for (i, spec) in columns.iter().enumerate() {
            let found = scan.as_ref().and_then(|s| s.columns.get(i));
            if let (Some(found), Some(scan)) = (found, &scan) {
                sound &= self.hold_to_data(spec, found, scan, &request, place(&spec.name));
            }
            let whole = scan.as_ref().is_some_and(|s| s.whole);
            let elem = self.elem_of(spec, found, whole, &source, domain, inputs);
            if spec.kind == ColumnKind::Key
                && let Some(keys) = found.and_then(|f| f.keys.clone())
            {
                self.keys.insert(domain, Arc::new(keys));
            }
            let name = SourceColumn { source: source.clone(), column: spec.name.clone() };
            let missing: BTreeSet<Origin> =
                if spec.missing { [Origin::Column(name.clone())].into() } else { BTreeSet::new() };
            let marks = Marks { columns: [name].into(), ..Marks::default() };
            typed.push((spec.name.clone(), ColumnType { domain, elem, missing, marks }));
        }
        if let Some(scan) = scan.as_ref().filter(|s| sound && s.whole && s.rows == 0) {
            self.report_no_rows(scan, &request, span);
        }
        // What is wrong in the data is reported; the types stand as declared, so that nothing more is said.
        Some(Type::Table(TableType { domain, columns: typed, marks: Marks::default() }))
    }

    /// Returns the rows that a ref to this node leads to.
    pub(crate) fn target_domain(&self, node: NodeId) -> Option<DomainId> {
        match self.ty(node) {
            Type::Table(t) => Some(t.domain),
            Type::Column(ColumnType { elem: Elem::Category(d), .. }) => Some(*d),
            _ => None,
        }
    }

    fn elem_of(
        &mut self,
        spec: &ColumnSpec,
        found: Option<&ColumnScan>,
        whole: bool,
        source: &str,
        domain: DomainId,
        inputs: &[NodeId],
    ) -> Elem {
        let known = |given: Option<u64>, place: usize| {
            given.or_else(|| found.and_then(|f| f.shape.get(place).copied())).map_or(Size::Unknown, Size::Known)
        };
        match &spec.kind {
            ColumnKind::Int => Elem::Int,
            ColumnKind::Float => Elem::Float,
            ColumnKind::Bool => Elem::Bool,
            ColumnKind::Category => {
                let listed = match &spec.within {
                    Some(Within::Values(v)) => Some(v.len() as u64),
                    _ => None,
                };
                // Of a sample the count is a lower bound only.
                let rows = listed.or(found.filter(|_| whole).map(|f| f.distinct));
                let kind = DomainKind::Values { source: source.into(), column: spec.name.clone() };
                let values = self.new_domain(format!("{source}.{}", spec.name), kind, rows);
                if let Some(keys) = found.and_then(|f| f.keys.clone().or_else(|| f.values.clone())) {
                    self.keys.insert(values, Arc::new(keys));
                }
                Elem::Category(values)
            }
            ColumnKind::Key => Elem::Key,
            ColumnKind::KeyOf(_) => Elem::Ref(domain),
            ColumnKind::Ref(k) => inputs.get(*k).and_then(|&n| self.target_domain(n)).map_or(Elem::Unknown, Elem::Ref),
            ColumnKind::Time(_) => Elem::Time,
            ColumnKind::Text(l) | ColumnKind::TextFile(l, _) => Elem::Text(*l),
            ColumnKind::Image(_) => Elem::Image([Size::Unknown, Size::Unknown, Size::Known(3)]),
            ColumnKind::Vector(n) => Elem::Vector(known(*n, 0)),
            ColumnKind::Sequence(t, n) => Elem::Sequence(t.map_or(Size::Unknown, Size::Known), known(*n, 1)),
        }
    }

    /// Refuses a source without rows: nothing can be learned from it or measured on it.
    fn report_no_rows(&mut self, scan: &Scan, request: &ScanRequest, span: Span) {
        let files = request.paths.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ");
        let has = if request.paths.len() == 1 { "has" } else { "have" };
        let mut d = Diagnostic::error("E0213", span, say!("{files} {has} no rows", "{files} 没有任何行"));
        d = if scan.headers.is_empty() {
            d.note(say!(
                "there is nothing to split, to learn from or to measure",
                "因而没有可划分、可学习或可评测的内容"
            ))
        } else {
            d.note(say!(
                "a header stands there alone: there is nothing to split, to learn from or to measure",
                "文件只有表头：没有可划分、可学习或可评测的内容"
            ))
        };
        self.report(d);
    }

    fn scan(&mut self, request: &ScanRequest, span: Span) -> Option<Arc<Scan>> {
        match self.world.scan(request) {
            Ok(scan) => Some(scan),
            Err((which, error)) => {
                let keys = match &request.format {
                    ScanFormat::Numpy { keys: NumpyKeys::File(file), .. } => file.as_str(),
                    _ => "",
                };
                let path = request.paths.get(which).map_or(keys, String::as_str);
                let diagnostic = match error {
                    WorldError::Missing => {
                        let d = Diagnostic::error(
                            "E0201",
                            span,
                            say!("the file `{path}` is not there", "文件 `{path}` 不存在"),
                        );
                        match self.current.last().and_then(|(_, doc, _)| doc.clone()) {
                            Some(doc) => d.note(say!("{doc}", "{doc}")),
                            None => d.note(say!(
                                "paths are relative to the `.mmf` file; a `##` line above the source, saying how to get the file, would be shown here",
                                "路径相对于 `.mmf` 文件；在数据源上方用 `##` 写明如何获取文件，此处便会显示"
                            )),
                        }
                    }
                    WorldError::Broken(why) => Diagnostic::error(
                        "E0208",
                        span,
                        say!("the file `{path}` cannot be read as it is", "文件 `{path}` 无法读取"),
                    )
                    .note(why),
                };
                self.report(diagnostic);
                None
            }
        }
    }
}
