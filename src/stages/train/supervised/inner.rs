//! Rows that teach policies, scored by all heads.

use std::sync::Arc;

use mmf_data::error::Result;
use mmf_data::network::Var;
use mmf_tensor::Session;

use super::head::is_known;
use super::{Rowwise, ids};
use crate::train::lessons::Scored;
use crate::train::network::{Target, TaskRows};

/// Rows that teach policies.
pub(super) struct Inner<'w> {
    work: &'w Rowwise<'w>,
    places: Vec<u32>,
    pub(super) rows: Vec<u32>,
    targets: Vec<Target>,
}

impl Scored for Inner<'_> {
    fn rows(&self) -> TaskRows<'_> {
        TaskRows::Table(&self.rows)
    }

    fn targets(&self) -> &[Target] {
        &self.targets
    }

    fn losses(&self, session: &Session<'_>, values: &[Var]) -> Result<Vec<f32>> {
        let mut sums = vec![0.0; self.places.len()];
        let counts = self.work.balance.counts(session.parameters(), &self.work.kinds())?;
        for ((head, output), count) in self.work.heads.iter().zip(values).zip(counts) {
            let column = self.work.call.split.table.column(&head.settings.column)?;
            let read = head.read(session, output)?;
            let width = read.len() / self.places.len().max(1);
            let rows = read.chunks_exact(width.max(1));
            for ((sum, row), &place) in sums.iter_mut().zip(rows).zip(&self.places) {
                let place = place as usize;
                if is_known(head, column, place) {
                    *sum += count * head.loss(row, place);
                }
            }
        }
        Ok(sums)
    }
}

impl<'a> Rowwise<'a> {
    /// Returns rows that teach policies, at these places of the table.
    pub(super) fn inner(&self, mut places: Vec<u32>) -> Inner<'_> {
        places.sort_unstable();
        let rows = ids(self.call, &places);
        let all = Arc::new(rows.clone());
        let targets = self.heads.iter().map(|head| (all.clone(), head.output.clone())).collect();
        Inner { work: self, places, rows, targets }
    }
}
