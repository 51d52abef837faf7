//! Graphs by hand, as the checker would make them.

use std::collections::BTreeSet;

use mmf_lang::args::{ArgValue, Args};
use mmf_lang::graph::{Domain, DomainKind, Fit, Graph, Link, Node, NodeId, NodeKind};
use mmf_lang::span::Span;
use mmf_lang::types::{
    ColumnType, DomainId, Elem, Marks, Origin, Part, Size, SplitType, TableType, Task, TrainType, Type,
};

use super::toys;

#[derive(Clone, Default)]
pub(crate) struct Build {
    pub(crate) graph: Graph,
}

pub(crate) fn number(x: f64) -> ArgValue {
    ArgValue::Float(x)
}

fn args(list: &[(&str, ArgValue)]) -> Args {
    Args(list.iter().map(|(n, v)| ((*n).to_string(), v.clone())).collect())
}

impl Build {
    pub(crate) fn domain(&mut self, kind: DomainKind) -> DomainId {
        self.graph.domains.push(Domain { name: String::new(), kind, rows: None, arrows: Vec::new() });
        DomainId(self.graph.domains.len() as u32 - 1)
    }

    fn add(&mut self, kind: NodeKind, inputs: &[NodeId], ty: Type, rows: Option<usize>) -> NodeId {
        let joint = match &kind {
            NodeKind::Stage { stage, alternative, .. } => {
                toys::find(stage).unwrap().body(*alternative).kind() == mmf_lang::signature::BodyKind::Joint
            }
            NodeKind::Read(_) => self.graph.dag[inputs[0]].joint,
            _ => false,
        };
        let label = match &kind {
            NodeKind::Stage { stage, .. } => (*stage).to_string(),
            other => format!("{other:?}"),
        };
        let inputs = inputs.to_vec();
        let node = Node { name: None, label, kind, inputs: inputs.clone(), ty, span: Span::default(), joint, rows };
        let id = self.graph.dag.add_node(node);
        inputs.iter().enumerate().for_each(|(at, &input)| {
            self.graph.dag.add_edge(input, id, at);
        });
        id
    }

    fn stage(&self, name: &str, list: &[(&str, ArgValue)], fit: Option<Fit>) -> NodeKind {
        let stage = toys::find(name).unwrap();
        let body = stage.body(0).kind();
        let stage = stage.signature().name;
        NodeKind::Stage { stage, alternative: 0, body, args: args(list), fit, base: String::new() }
    }

    /// Declares a name for a node.
    pub(crate) fn name(&mut self, name: &str, id: NodeId) -> NodeId {
        self.graph.dag[id].name = Some(name.into());
        self.graph.names.push((name.into(), id));
        id
    }

    pub(crate) fn sink(&mut self, id: NodeId) -> NodeId {
        self.graph.sinks.push(id);
        id
    }

    fn column_type(domain: DomainId, elem: Elem, missing: bool) -> ColumnType {
        let missing = if missing { BTreeSet::from([Origin::Stage(0)]) } else { BTreeSet::new() };
        ColumnType { domain, elem, missing, marks: Marks::default() }
    }

    /// A source of `key`, `value?`, `label`, `file` (a picture), as the toy reads them.
    pub(crate) fn source(&mut self, path: &str, tolerant: bool) -> NodeId {
        let domain = self.domain(DomainKind::Source);
        let columns = [
            ("key", Elem::Key, false),
            ("value", Elem::Float, true),
            ("label", Elem::Float, false),
            ("file", Elem::Image([Size::Unknown; 3]), tolerant),
        ];
        let columns =
            columns.iter().map(|(n, e, m)| ((*n).to_string(), Self::column_type(domain, e.clone(), *m))).collect();
        let ty = Type::Table(TableType { domain, columns, marks: Marks::default() });
        let kind = self.stage("lines", &[("path", ArgValue::Text(path.into()))], None);
        self.add(kind, &[], ty, None)
    }

    /// A source of `key` and `to`, a ref to another's keys.
    pub(crate) fn links(&mut self, path: &str, to: NodeId) -> NodeId {
        let domain = self.domain(DomainKind::Source);
        let Type::Table(table) = self.graph.dag[to].ty.clone() else { panic!("a table") };
        let columns = [("key", Elem::Key), ("to", Elem::Ref(table.domain))];
        let columns =
            columns.iter().map(|(n, e)| ((*n).to_string(), Self::column_type(domain, e.clone(), false))).collect();
        let ty = Type::Table(TableType { domain, columns, marks: Marks::default() });
        let kind = self.stage("pairs", &[("path", ArgValue::Text(path.into()))], None);
        self.add(kind, &[to], ty, None)
    }

    pub(crate) fn column(&mut self, table: NodeId, name: &str) -> NodeId {
        let ty = match &self.graph.dag[table].ty {
            Type::Table(t) => t.column(name).unwrap().clone(),
            Type::Split(s) => s.table.column(name).unwrap().clone(),
            other => panic!("{other:?}"),
        };
        self.add(NodeKind::Column(name.into()), &[table], Type::Column(ty), None)
    }

    fn domain_of(&self, id: NodeId) -> DomainId {
        crate::layout::domain(&self.graph.dag[id]).unwrap()
    }

    /// A stage over columns that gives numbers at the first one's rows, missing where one of them may be.
    pub(crate) fn rows(&mut self, name: &str, inputs: &[NodeId], list: &[(&str, ArgValue)]) -> NodeId {
        let elem = if name == "halves" { Elem::Map([Size::Unknown; 3]) } else { Elem::Vector(Size::Unknown) };
        let missing = name != "zero" && inputs.iter().any(|&i| crate::layout::may_miss(&self.graph.dag[i]));
        let ty = Type::Column(Self::column_type(self.domain_of(inputs[0]), elem, missing));
        let kind = self.stage(name, list, None);
        self.add(kind, inputs, ty, Some(0))
    }

    /// A fitted stage; `fit` names inputs from 1 on.
    pub(crate) fn fit(&mut self, name: &str, inputs: &[NodeId], fit: Fit) -> NodeId {
        let missing = crate::layout::may_miss(&self.graph.dag[inputs[0]]);
        let ty = Type::Column(Self::column_type(self.domain_of(inputs[0]), Elem::Vector(Size::Known(1)), missing));
        let kind = self.stage(name, &[], Some(fit));
        self.add(kind, inputs, ty, Some(0))
    }

    /// The rows of a table whose value is at least that.
    pub(crate) fn at_least(&mut self, table: NodeId, least: f64) -> NodeId {
        let Type::Table(of) = self.graph.dag[table].ty.clone() else { panic!("a table") };
        let domain = self.domain(DomainKind::Part(of.domain));
        let columns = of.columns.iter().map(|(n, c)| (n.clone(), ColumnType { domain, ..c.clone() })).collect();
        let ty = Type::Table(TableType { domain, columns, marks: Marks::default() });
        let kind = self.stage("at_least", &[("least", number(least))], None);
        self.add(kind, &[table], ty, None)
    }

    /// Rows with an even number train, every fourth of the others validates, the rest tests.
    pub(crate) fn split(&mut self, table: NodeId) -> NodeId {
        let Type::Table(of) = self.graph.dag[table].ty.clone() else { panic!("a table") };
        let parts = Part::ALL.into_iter().map(|p| (p, self.domain(DomainKind::Part(of.domain)))).collect();
        let split = self.graph.dag.node_count() as u32;
        let kind = self.stage("parity", &[], None);
        self.add(kind, &[table], Type::Split(SplitType { split, table: of, parts }), None)
    }

    pub(crate) fn table_fit(&mut self, name: &str, input: NodeId) -> NodeId {
        let ty = self.graph.dag[input].ty.clone();
        let kind = self.stage(name, &[], Some(Fit::All));
        self.add(kind, &[input], ty, None)
    }

    pub(crate) fn part(&mut self, split: NodeId, part: Part) -> NodeId {
        let Type::Split(s) = self.graph.dag[split].ty.clone() else { panic!("a split") };
        let domain = s.part(part).unwrap();
        let columns = s.table.columns.iter().map(|(n, c)| (n.clone(), ColumnType { domain, ..c.clone() })).collect();
        let ty = Type::Table(TableType { domain, columns, marks: Marks::default() });
        self.add(NodeKind::Part(part), &[split], ty, None)
    }

    pub(crate) fn read(&mut self, column: NodeId, link: NodeId) -> NodeId {
        let Type::Column(of) = self.graph.dag[column].ty.clone() else { panic!("a column") };
        let ty = Type::Column(ColumnType { domain: self.domain_of(link), ..of });
        self.add(NodeKind::Read(vec![Link::Input(1)]), &[column, link], ty, None)
    }

    pub(crate) fn layer(&mut self, input: NodeId) -> NodeId {
        let ty = Type::Column(Self::column_type(self.domain_of(input), Elem::Vector(Size::Known(1)), false));
        let kind = self.stage("layer", &[], None);
        self.add(kind, &[input], ty, Some(0))
    }

    /// A train that goes over the output's training rows `epochs` times.
    pub(crate) fn train(&mut self, split: NodeId, output: NodeId, list: &[(&str, ArgValue)]) -> NodeId {
        let Type::Split(s) = self.graph.dag[split].ty.clone() else { panic!("a split") };
        let ty = TrainType {
            repeat: 1,
            task: Task::Regress,
            split: s,
            sound: true,
            classes: Size::Unknown,
            fields: vec![],
            heads: vec![],
            marks: Marks::default(),
        };
        let list = [list, &[("output", ArgValue::Input(1)), ("label", ArgValue::Column("label".into()))]].concat();
        let kind = self.stage("average", &list, None);
        self.add(kind, &[split, output], Type::Train(Box::new(ty)), None)
    }

    pub(crate) fn field(&mut self, train: NodeId, of: NodeId, name: &str) -> NodeId {
        let ty = self.graph.dag[of].ty.clone();
        self.add(NodeKind::Field(name.into()), &[train], ty, None)
    }

    pub(crate) fn metric(&mut self, name: &str, train: NodeId, split: NodeId, part: Part) -> NodeId {
        let kind = NodeKind::Predict { task: Task::Regress, part, top: 100, head: 0 };
        let predict = self.add(kind, &[train, split], Type::Metric, None);
        let kind = self.stage("distance", &[], None);
        let id = self.add(kind, &[predict], Type::Metric, None);
        let id = self.name(name, id);
        self.sink(id)
    }
}
