//! Where nodes are written and named. Equal expressions are one node, and a mistake is shown where it was made: in the
//! expression that the declaration under way holds, not in the first that was equal to it.

use std::collections::HashMap;

use super::Checker;
use crate::graph::NodeId;
use crate::span::Span;

/// A place where a node stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Use {
    pub(crate) span: Span,
    /// The declaration that it stands in.
    within: usize,
    /// The declaration that names it; `None` where it is written out.
    by: Option<usize>,
}

/// The places of each node, in the order in which they were met.
pub(crate) type Uses = HashMap<NodeId, Vec<Use>>;

impl Checker<'_> {
    /// Notes that a node stands at a place of the declaration under way.
    pub(crate) fn note_use(&mut self, node: NodeId, span: Span, by: Option<usize>) {
        let Some(&(_, _, within)) = self.current.last() else { return };
        let one = Use { span, within, by };
        let places = self.uses.entry(node).or_default();
        if places.last() != Some(&one) {
            places.push(one);
        }
    }

    /// Returns the declaration under way, where a walk to the place of a mistake begins.
    pub(crate) fn here(&self) -> Option<usize> {
        self.current.last().map(|&(_, _, index)| index)
    }

    /// Returns the place of a node in a declaration, and the declaration in which what it reads stands.
    pub(crate) fn use_in(&self, node: NodeId, within: Option<usize>) -> (Span, Option<usize>) {
        let place = self.uses.get(&node).and_then(|places| places.iter().find(|u| Some(u.within) == within));
        match place {
            // What is named is written where its name is declared.
            Some(Use { by: Some(index), .. }) => {
                let there = self.uses.get(&node).into_iter().flatten().find(|u| u.within == *index && u.by.is_none());
                (there.map_or(self.graph.dag[node].span, |u| u.span), Some(*index))
            }
            Some(one) => (one.span, within),
            None => (self.graph.dag[node].span, within),
        }
    }
}
