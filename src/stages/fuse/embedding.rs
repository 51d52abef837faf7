//! A learned vector for each row of a table, or for each value of a column.

use mmf_data::network::{Init, Op};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::Arg;
use mmf_lang::signature::{Group, Signature};

pub(crate) struct Embedding;

const N: Arg<usize> = Arg::int("n").range(1.0, 1e6).doc("Length of each vector.");

// infer: `table` gives a column at the rows of that table; a category, ref or key column gives one at its own rows.
static SIGNATURE: Signature =
    Signature::new(Group::Fuse, "embedding", &["col<d, category> -> col<d, vector[n]>", "table -> col<d, vector[n]>"])
        .args(&[N.spec()])
        .weights()
        .doc(
            "A vector of n learned numbers for each row of a table, or for each value of a category, ref or key column. They start normal, \
             with a deviation of 0.1. Rows that no training row leads to have zeros when the network is read.",
        )
        .reference("torch.nn.Embedding");

impl Stage for Embedding {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, _| {
            let table = network.table("rows", call.total, call.args.get(N), Init::Normal { deviation: 0.1 });
            let rows = network.lookup(table, call.rows)?;
            let Some(trained) = call.trained.filter(|_| !network.training()) else { return Ok(rows) };
            let known = |&row: &u32| trained.get(row as usize).copied().unwrap_or(false);
            if call.rows.iter().all(known) {
                return Ok(rows);
            }
            let kept = call.rows.iter().map(|row| f32::from(u8::from(known(row)))).collect();
            let kept = network.constant(call.rows.len(), &[1], kept)?;
            network.apply(Op::Multiply, &[&rows, &kept], &[])
        })
    }
}
