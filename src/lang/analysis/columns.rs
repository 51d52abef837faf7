//! Declared columns (guarantee 2): their types, and what the files say of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::argument::Extra;
use super::resolve::did_you_mean;
use super::{Checker, Item, Scope};
use crate::args::{Args, ColumnKind, ColumnSpec, PathTemplate, TimeFormat, Within};
use crate::diagnostic::{Diagnostic, Text};
use crate::graph::{DomainKind, NodeId};
use crate::say;
use crate::span::Span;
use crate::syntax::tree::{Block, Expr, ExprKind, LineKind, Template, TemplatePart, TypeExpr};
use crate::types::{ColumnType, DomainId, Elem, Language, Marks, Origin, Size, SourceColumn, TableType, Type};
use crate::world::{ColumnScan, Scan, ScanRequest, WorldError};

/// The types that a column may have, for suggestions.
const TYPES: [&str; 12] =
    ["int", "float", "bool", "category", "key", "ref", "time", "text", "image", "vector", "sequence", "duration"];

impl Checker<'_> {
    /// Reads the block of a source; refs become inputs (`extra`).
    pub(crate) fn declared_columns(
        &mut self,
        block: &Block,
        scope: &Scope,
        extra: &mut Extra,
    ) -> Option<Vec<ColumnSpec>> {
        let mut columns: Vec<ColumnSpec> = Vec::new();
        let mut places = Vec::new();
        let mut wrong = false;
        for line in &block.lines {
            let LineKind::Column { name, ty } = &line.kind else {
                let span = line.span;
                self.report(
                    Diagnostic::error("E0116", span, say!("a column has a name and a type", "列需要名称与类型"))
                        .help(say!("write `name: type`, as `film: key`", "请写 `名称: 类型`，如 `film: key`")),
                );
                wrong = true;
                continue;
            };
            if let Some((_, first)) = places.iter().find(|(n, _)| *n == name.text) {
                let text = &name.text;
                self.report(
                    Diagnostic::error(
                        "E0211",
                        name.span,
                        say!("the column `{text}` is declared twice", "列 `{text}` 声明了两次"),
                    )
                    .also(*first, say!("first here", "首次声明")),
                );
                wrong = true;
                continue;
            }
            places.push((name.text.clone(), name.span));
            match self.column_spec(&name.text, ty, scope, extra) {
                Some(spec) => columns.push(spec),
                None => wrong = true,
            }
        }
        if columns.iter().filter(|c| matches!(c.kind, ColumnKind::Key)).count() > 1 {
            let span = block.span;
            self.report(Diagnostic::error("E0211", span, say!("a table has one key", "一个表只有一个键")));
            wrong = true;
        }
        self.places = places;
        (!wrong).then_some(columns)
    }

    fn column_spec(&mut self, name: &str, ty: &TypeExpr, scope: &Scope, extra: &mut Extra) -> Option<ColumnSpec> {
        let mut header = None;
        let mut positional: Vec<&Expr> = Vec::new();
        let mut language = None;
        let mut root = None;
        for arg in ty.args.iter().flatten() {
            match arg.name.as_ref().map(|n| n.text.as_str()) {
                None => positional.push(&arg.value),
                Some("column") => match self.evaluate(&arg.value, scope) {
                    Item::Text(t) => header = t.plain(),
                    Item::Unknown => return None,
                    _ => return self.bad_type(arg.value.span, say!("a header is written in quotes", "表头须加引号")),
                },
                Some("language") => language = Some(&arg.value),
                Some("root") => match self.evaluate(&arg.value, scope) {
                    Item::Text(t) => root = t.plain(),
                    Item::Unknown => return None,
                    _ => return self.bad_type(arg.value.span, say!("a folder is written in quotes", "文件夹须加引号")),
                },
                Some(other) => {
                    let span = arg.name.as_ref().map_or(ty.span, |n| n.span);
                    let mut d = Diagnostic::error(
                        "E0105",
                        span,
                        say!("a column's type has no argument `{other}`", "列类型没有参数 `{other}`"),
                    );
                    if let Some(help) = did_you_mean(other, ["column", "language", "root"]) {
                        d = d.help(help);
                    }
                    self.report(d);
                    return None;
                }
            }
        }
        let language = match language {
            None => Language::Detect,
            Some(expr) => self.language(expr, scope)?,
        };
        let first = positional.first().copied();
        let kind = match ty.name.text.as_str() {
            "int" => ColumnKind::Int,
            "float" => ColumnKind::Float,
            "bool" => ColumnKind::Bool,
            "category" => ColumnKind::Category,
            "key" => match first {
                None => ColumnKind::Key,
                Some(target) => ColumnKind::KeyOf(self.ref_target(target, scope, extra)?),
            },
            "ref" => match first {
                Some(target) => ColumnKind::Ref(self.ref_target(target, scope, extra)?),
                None => {
                    return self.bad_type(
                        ty.span,
                        say!("a ref says where it leads: `ref(films)`", "引用须指明目标：`ref(films)`"),
                    );
                }
            },
            "time" => ColumnKind::Time(self.time_format(first, ty.span, scope)?),
            "text" => match first {
                Some(path) => ColumnKind::TextFile(language, self.path_template(path, root, scope)?),
                None => ColumnKind::Text(language),
            },
            "image" => match first {
                Some(path) => ColumnKind::Image(self.path_template(path, root, scope)?),
                None => {
                    let hole = format!("{{{name}}}");
                    return self.bad_type(
                        ty.span,
                        say!(
                            "a picture is a file a row: `image(\"folder/{hole}.jpg\")`",
                            "图片是每行一个文件：`image(\"文件夹/{hole}.jpg\")`"
                        ),
                    );
                }
            },
            "vector" => ColumnKind::Vector(self.size_at(ty, 0, scope)?),
            "sequence" => ColumnKind::Sequence(self.size_at(ty, 0, scope)?, self.size_at(ty, 1, scope)?),
            other => {
                let mut d = Diagnostic::error(
                    "E0116",
                    ty.name.span,
                    say!("`{other}` is no type of a column", "`{other}` 不是列的类型"),
                );
                d = match did_you_mean(other, TYPES) {
                    Some(help) => d.help(help),
                    None => d.note(say!(
                        "the types are int, float, bool, category, key, ref, time, text, image, vector, sequence",
                        "可用类型：int、float、bool、category、key、ref、time、text、image、vector、sequence"
                    )),
                };
                self.report(d);
                return None;
            }
        };
        let within = match &ty.within {
            None => None,
            Some(expr) => Some(self.within(expr, &kind, scope)?),
        };
        Some(ColumnSpec { name: name.into(), header, kind, missing: ty.missing, within })
    }

    fn bad_type<T>(&mut self, span: Span, message: Text) -> Option<T> {
        self.report(Diagnostic::error("E0116", span, message));
        None
    }

    fn language(&mut self, expr: &Expr, scope: &Scope) -> Option<Language> {
        let word = match &expr.kind {
            ExprKind::Name(n) => n.clone(),
            ExprKind::Text(t) => t.plain().unwrap_or_default(),
            _ => match self.evaluate(expr, scope) {
                Item::Text(t) => t.plain().unwrap_or_default(),
                _ => String::new(),
            },
        };
        match word.as_str() {
            "en" => Some(Language::English),
            "zh" => Some(Language::Chinese),
            "detect" => Some(Language::Detect),
            _ => {
                self.report(Diagnostic::error(
                    "E0110",
                    expr.span,
                    say!("`language` is one of `en`, `zh`, `detect`", "`language` 只能是 `en`、`zh`、`detect` 之一"),
                ));
                None
            }
        }
    }

    fn time_format(&mut self, expr: Option<&Expr>, span: Span, scope: &Scope) -> Option<TimeFormat> {
        let word = match expr.map(|e| &e.kind) {
            Some(ExprKind::Name(n)) => n.clone(),
            Some(_) => match self.evaluate(expr?, scope) {
                Item::Text(t) => return t.plain().map(TimeFormat::Pattern),
                _ => String::new(),
            },
            None => String::new(),
        };
        match word.as_str() {
            "unix" => Some(TimeFormat::Unix),
            "iso" => Some(TimeFormat::Iso),
            _ => self.bad_type(
                expr.map_or(span, |e| e.span),
                say!(
                    "a time says how it is written: `time(unix)`, `time(iso)` or `time(\"%d.%m.%Y\")`",
                    "时间须指明写法：`time(unix)`、`time(iso)` 或 `time(\"%d.%m.%Y\")`"
                ),
            ),
        }
    }

    fn path_template(&mut self, expr: &Expr, root: Option<String>, scope: &Scope) -> Option<PathTemplate> {
        let template: Template = match self.evaluate(expr, scope) {
            Item::Text(t) => t,
            Item::Unknown => return None,
            _ => return self.bad_type(expr.span, say!("a path is written in quotes", "路径须加引号")),
        };
        let mut texts = vec![String::new()];
        let mut headers = Vec::new();
        for part in template.parts {
            match part {
                TemplatePart::Text(t) => {
                    if let Some(last) = texts.last_mut() {
                        last.push_str(&t);
                    }
                }
                TemplatePart::Hole(name) => {
                    headers.push(name.text);
                    texts.push(String::new());
                }
            }
        }
        if headers.is_empty() {
            return self.bad_type(
                expr.span,
                say!(
                    "every row would have the same file: put a header in braces, as `{{film}}`",
                    "每一行都会是同一个文件：请用花括号写入表头，如 `{{film}}`"
                ),
            );
        }
        Some(PathTemplate { texts, headers, root })
    }

    /// Returns the size of that place; `Some(None)` is `_`, or one that was left out.
    fn size_at(&mut self, ty: &TypeExpr, place: usize, scope: &Scope) -> Option<Option<u64>> {
        match ty.sizes.get(place) {
            None | Some(None) => Some(None),
            Some(Some(expr)) => match self.evaluate(expr, scope) {
                Item::Number { integer: Some(n @ 1..), .. } => Some(Some(n as u64)),
                Item::Unknown => None,
                _ => {
                    self.bad_type(expr.span, say!("a size is a whole number of at least 1", "大小应为不小于 1 的整数"))
                }
            },
        }
    }

    /// Returns the number of the input that a ref names.
    fn ref_target(&mut self, expr: &Expr, scope: &Scope, extra: &mut Extra) -> Option<usize> {
        let node = match self.evaluate(expr, scope) {
            Item::Node(n) => n,
            Item::Unknown => return None,
            _ => {
                return self
                    .bad_type(expr.span, say!("a ref leads to a table, or to a category", "引用指向表或类别列"));
            }
        };
        let ok = match self.ty(node).clone() {
            Type::Unknown => return None,
            Type::Table(t) => {
                if !t.columns.iter().any(|(_, c)| c.elem == Elem::Key) {
                    let label = self.graph.dag[node].label.clone();
                    let place = self.graph.dag[node].span;
                    self.report(
                        Diagnostic::error(
                            "E0212",
                            expr.span,
                            say!(
                                "the rows of `{label}` have no key, so nobody can refer to them",
                                "`{label}` 的行没有键，因此无法引用"
                            ),
                        )
                        .also(place, say!("declared here", "在此声明"))
                        .help(say!("declare one of its columns as `key`", "请将其中一列声明为 `key`")),
                    );
                    return None;
                }
                true
            }
            Type::Column(c) => matches!(c.elem, Elem::Category(_)),
            _ => false,
        };
        if !ok {
            return self.bad_type(expr.span, say!("a ref leads to a table, or to a category", "引用指向表或类别列"));
        }
        extra.push((node, expr.span));
        Some(extra.len() - 1)
    }

    fn within(&mut self, expr: &Expr, kind: &ColumnKind, scope: &Scope) -> Option<Within> {
        match self.evaluate(expr, scope) {
            Item::Range { low, high } if matches!(kind, ColumnKind::Int | ColumnKind::Float) => {
                Some(Within::Range { low, high })
            }
            Item::List(items) => {
                let numbers = matches!(kind, ColumnKind::Int | ColumnKind::Float);
                let mut values = Vec::new();
                for (item, span) in items {
                    values.push(match item {
                        Item::Text(t) if !numbers => t.plain()?,
                        Item::Number { integer: Some(n), unit: None, .. } => n.to_string(),
                        Item::Number { value, unit: None, .. } => value.to_string(),
                        Item::Unknown => return None,
                        _ if numbers => return self.bad_type(span, say!("a value is a number", "取值应为数字")),
                        _ => return self.bad_type(span, say!("a value is a text or a number", "取值应为文本或数字")),
                    });
                }
                Some(Within::Values(values))
            }
            Item::Unknown => None,
            _ => self.bad_type(
                expr.span,
                say!(
                    "`in` takes a range of numbers, `1..=5`, or a list, `[\"a\", \"b\"]`",
                    "`in` 接受数值范围 `1..=5` 或列表 `[\"a\", \"b\"]`"
                ),
            ),
        }
    }

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
        let scan = if self.options.data { self.scan(&request, args, span) } else { None };
        if self.options.data && scan.is_none() {
            return None;
        }
        let source = self.current.last().map(|(n, _)| n.clone()).unwrap_or_default();
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
        // What is wrong in the data is reported; the types stand as declared, so that nothing more is said.
        let _ = sound;
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

    fn scan(&mut self, request: &ScanRequest, args: &Args, span: Span) -> Option<Arc<Scan>> {
        let _ = args;
        match self.world.scan(request) {
            Ok(scan) => Some(scan),
            Err((which, error)) => {
                let path = request.paths.get(which).cloned().unwrap_or_default();
                let diagnostic = match error {
                    WorldError::Missing => {
                        let d = Diagnostic::error(
                            "E0201",
                            span,
                            say!("the file `{path}` is not there", "文件 `{path}` 不存在"),
                        );
                        match self.current.last().and_then(|(_, doc)| doc.clone()) {
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

    /// Reports what the data say against a declared column; `false` where something is wrong.
    fn hold_to_data(
        &mut self,
        spec: &ColumnSpec,
        found: &ColumnScan,
        scan: &Scan,
        request: &ScanRequest,
        place: Span,
    ) -> bool {
        let name = &spec.name;
        let file = request.paths.join(", ");
        let rows = scan.rows;
        if found.absent {
            let header = spec.header.clone().unwrap_or_else(|| name.clone());
            let mut d = Diagnostic::error(
                "E0202",
                place,
                say!("`{file}` has no column `{header}`", "`{file}` 中没有列 `{header}`"),
            );
            match did_you_mean(&header, scan.headers.iter().map(String::as_str)) {
                Some(help) => d = d.help(help),
                None if !scan.headers.is_empty() && scan.headers.len() <= 24 => {
                    let all = scan.headers.iter().map(|h| format!("`{h}`")).collect::<Vec<_>>().join(", ");
                    d = d.note(say!("its headers are {all}", "其表头为 {all}"));
                }
                None => {}
            }
            self.report(d);
            return false;
        }
        let at = |list: &[(u64, String)]| {
            list.iter().take(3).map(|(line, cell)| format!("{line}: `{cell}`")).collect::<Vec<_>>().join(", ")
        };
        let mut sound = true;
        if found.wrong_count > 0 {
            let (count, list) = (found.wrong_count, at(&found.wrong));
            let (cells, are) = if count == 1 { ("cell", "is") } else { ("cells", "are") };
            let kind = kind_word(&spec.kind);
            self.report(
                Diagnostic::error(
                    "E0203",
                    place,
                    say!("{count} {cells} of `{name}` {are} no {kind}", "`{name}` 有 {count} 个单元格不是 {kind}"),
                )
                .note(say!("in {file}, by line: {list}", "{file}，按行：{list}")),
            );
            sound = false;
        }
        if found.outside_count > 0 {
            let (count, list) = (found.outside_count, at(&found.outside));
            let (cells, are) = if count == 1 { ("cell", "is") } else { ("cells", "are") };
            self.report(
                Diagnostic::error(
                    "E0205",
                    place,
                    say!(
                        "{count} {cells} of `{name}` {are} not in what `in` says",
                        "`{name}` 有 {count} 个单元格超出 `in` 的范围"
                    ),
                )
                .note(say!("in {file}, by line: {list}", "{file}，按行：{list}")),
            );
            sound = false;
        }
        if found.twice_count > 0 {
            let (count, list) = (found.twice_count, at(&found.twice));
            let (keys, are) = if count == 1 { ("key", "is") } else { ("keys", "are") };
            self.report(
                Diagnostic::error(
                    "E0207",
                    place,
                    say!("{count} {keys} of `{name}` {are} there twice", "`{name}` 有 {count} 个键重复"),
                )
                .note(say!("in {file}, by line: {list}", "{file}，按行：{list}")),
            );
            sound = false;
        }
        if found.unknown_count > 0 && !spec.missing {
            let (count, list) = (found.unknown_count, at(&found.unknown));
            let (cells, name_no) = if count == 1 { ("cell", "names no") } else { ("cells", "name no") };
            self.report(
                Diagnostic::error(
                    "E0209",
                    place,
                    say!("{count} {cells} of `{name}` {name_no} row", "`{name}` 有 {count} 个单元格没有对应的行"),
                )
                .note(say!("in {file}, by line: {list}", "{file}，按行：{list}"))
                .help(say!("mark the column `?` if such rows may stand alone", "若允许没有对应行，请将该列标为 `?`")),
            );
            sound = false;
        }
        let uncovered = request
            .columns
            .iter()
            .zip(&scan.columns)
            .find_map(|(c, f)| matches!(c.kind, ColumnKind::KeyOf(_)).then_some(f.uncovered))
            .unwrap_or(0);
        // Refs that name no row are told above, as what they are.
        let holes = found.holes.saturating_sub(found.unknown_count)
            + if matches!(spec.kind, ColumnKind::KeyOf(_)) { 0 } else { uncovered };
        if holes > 0 && !spec.missing {
            let sample = if scan.whole { "" } else { " of the sample" };
            let mut d = Diagnostic::error(
                "E0204",
                place,
                say!("`{name}` is missing in {holes} of {rows} rows", "`{name}` 在 {rows} 行中缺失 {holes} 行"),
            )
            .help(say!("mark it `?`, and say later what stands in for it", "请标为 `?`，并在之后说明如何填补"));
            let files = found.lost.iter().take(3).map(|(l, p)| format!("{l}: `{p}`")).collect::<Vec<_>>().join(", ");
            if !files.is_empty() {
                d = d.note(say!("files that are not there, by line: {files}", "不存在的文件（按行）：{files}"));
            } else if !found.hole_lines.is_empty() {
                let lines = found.hole_lines.iter().take(5).map(u64::to_string).collect::<Vec<_>>().join(", ");
                d = d.note(say!(
                    "counted in {file}{sample}; first at line {lines}",
                    "统计自 {file}；首先出现在行 {lines}"
                ));
            } else if uncovered > 0 {
                d = d
                    .note(say!("{uncovered} rows have no line in {file}", "有 {uncovered} 行在 {file} 中没有对应记录"));
            }
            self.report(d);
            sound = false;
        }
        if let (ColumnKind::Vector(Some(n)), Some(&width)) = (&spec.kind, found.shape.first())
            && *n != width
        {
            self.report(
                Diagnostic::error(
                    "E0210",
                    place,
                    say!(
                        "a row of `{name}` has {width} numbers, not {n}",
                        "`{name}` 每行有 {width} 个数，而不是 {n} 个"
                    ),
                )
                .note(say!("counted in {file}", "统计自 {file}"))
                .help(say!("write `vector[{width}]`", "请写 `vector[{width}]`")),
            );
            sound = false;
        }
        sound
    }
}

fn kind_word(kind: &ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Int => "int",
        ColumnKind::Float => "float",
        ColumnKind::Bool => "bool",
        ColumnKind::Category => "category",
        ColumnKind::Key | ColumnKind::KeyOf(_) => "key",
        ColumnKind::Ref(_) => "ref",
        ColumnKind::Time(_) => "time",
        ColumnKind::Text(_) | ColumnKind::TextFile(..) => "text",
        ColumnKind::Image(_) => "image",
        ColumnKind::Vector(_) => "vector",
        ColumnKind::Sequence(..) => "sequence",
    }
}
