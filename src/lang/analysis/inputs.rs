//! Inputs of a call: the rows at which they are read.

use super::domains::Reach;
use super::{Checker, Scope};
use crate::graph::{NodeId, NodeKind};
use crate::span::Span;
use crate::types::{DomainId, Type};

impl Checker<'_> {
    /// Returns the input whose rows lie within all the others'.
    pub(super) fn narrowest(&self, ids: &[NodeId]) -> Option<usize> {
        let domains: Vec<Option<DomainId>> = ids
            .iter()
            .map(|n| match self.ty(*n) {
                Type::Column(c) => Some(c.domain),
                _ => None,
            })
            .collect();
        (0..ids.len()).find(|&i| domains[i].is_some_and(|d| domains.iter().flatten().all(|&e| self.is_within(d, e))))
    }

    /// Finds the rows of a call: the finest input's, else the task's where one stands around.
    pub(super) fn common_rows(
        &mut self,
        columns: &[DomainId],
        inputs: &[(NodeId, Span)],
        scope: &Scope,
    ) -> Option<DomainId> {
        // What a user has met is read at the pairs, beside anything else.
        if let Some(row) = &scope.row
            && columns.iter().any(|&d| d != columns[0])
            && columns.iter().any(|&d| matches!(self.reach(row.domain, d), Reach::Occasion))
        {
            return Some(row.domain);
        }
        if let Some(d) = self.finest(columns) {
            return Some(d);
        }
        if let Some(row) = &scope.row {
            let task = row.domain;
            if columns.iter().all(|&e| matches!(self.reach(task, e), Reach::Here | Reach::Part | Reach::Along(_))) {
                return Some(task);
            }
        }
        let spans: Vec<(DomainId, Span)> = inputs
            .iter()
            .filter_map(|(n, s)| match self.ty(*n) {
                Type::Column(c) => Some((c.domain, *s)),
                _ => None,
            })
            .collect();
        let (first, rest) = spans.split_first()?;
        let (other, place) = rest
            .iter()
            .copied()
            .find(|(d, _)| !matches!(self.reach(first.0, *d), Reach::Here | Reach::Part | Reach::Along(_)))
            .or(rest.first().copied())?;
        if matches!(self.reach(other, first.0), Reach::Whole) {
            self.report_rows(other, first.0, &Reach::Whole, first.1, place);
            return None;
        }
        let reach = self.reach(first.0, other);
        let reach = match reach {
            Reach::Here | Reach::Part | Reach::Along(_) => Reach::Never,
            r => r,
        };
        self.report_rows(first.0, other, &reach, place, first.1);
        None
    }

    /// Where all joint inputs are read along the same refs, returns them before the reading, and the way.
    #[allow(clippy::type_complexity)]
    pub(super) fn lift(
        &self,
        inputs: &[(NodeId, Span)],
    ) -> Option<(Vec<(NodeId, Span)>, Vec<crate::graph::Arrow>, DomainId)> {
        let mut inner = Vec::new();
        let mut shared: Option<(Vec<NodeId>, Vec<crate::graph::Link>)> = None;
        let mut at = None;
        for (node, span) in inputs {
            let weight = &self.graph.dag[*node];
            let NodeKind::Read(links) = &weight.kind else { return None };
            let (value, along) = weight.inputs.split_first()?;
            let this = (along.to_vec(), links.clone());
            if *shared.get_or_insert_with(|| this.clone()) != this {
                return None;
            }
            let Type::Column(c) = self.ty(*value) else { return None };
            if *at.get_or_insert(c.domain) != c.domain {
                return None;
            }
            inner.push((*value, *span));
        }
        let (first, _) = inputs.first()?;
        let Type::Column(outer) = self.ty(*first) else { return None };
        let at = at?;
        let way = self.ways(outer.domain, at);
        // Only where the way can be told again from the rows alone; else the reading stays where it is.
        let [way] = &way[..] else { return None };
        Some((inner, way.clone(), at))
    }
}
