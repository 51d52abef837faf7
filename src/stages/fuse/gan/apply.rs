//! Rows filled and enriched by what the generators have learned.

use mmf_data::arrays::State;
use mmf_data::error::{Error, Result};
use mmf_data::network::Network;
use mmf_data::stage::{Batch, Context};
use mmf_data::values::Values;
use mmf_lang::args::Args;
use mmf_tensor::{Parameters, Session};

use super::learn::{Given, Nets};
use super::{ENRICH, LATENT};

/// Rows that are made at a time.
const AT_ONCE: usize = 64;

pub(super) fn apply(context: &Context, args: &Args, state: &State, batch: &Batch) -> Result<Values> {
    let widths: Vec<usize> = state.i64s("widths")?.iter().map(|&width| width as usize).collect();
    let inputs = batch.inputs.iter().map(|input| input.values.as_vectors()).collect::<Result<Vec<_>>>()?;
    if inputs.iter().map(|(width, _)| *width).ne(widths.iter().copied()) {
        return Err(Error::bug("a game was learned from inputs of other widths"));
    }
    let total: usize = widths.iter().sum();
    let (means, deviations) = (state.f32s("means")?, state.f32s("deviations")?);
    let (latent, enrich) = (args.get(LATENT), args.get(ENRICH) as f32);
    let draws = state.f32s("draws")?;
    let times = draws.len().checked_div(latent).unwrap_or(1);
    let parameters = Parameters::from_bytes(state.bytes("weights")?)?;
    let (nets, given) = (Nets::of(args)?, Given { widths: &widths, latent });
    let starts: Vec<usize> = widths.iter().scan(0, |end, width| Some(std::mem::replace(end, *end + width))).collect();
    let missing = |of: usize, row: usize| batch.inputs[of].missing.as_ref().is_some_and(|missing| missing[row]);
    // Each input as the generators know it.
    let scaled: Vec<Vec<f32>> = inputs
        .iter()
        .zip(&starts)
        .map(|((width, numbers), start)| {
            let scale = |(at, x): (usize, &f32)| (x - means[start + at % width]) / deviations[start + at % width];
            numbers.iter().enumerate().map(scale).collect()
        })
        .collect();
    let mut out = vec![0.0; batch.rows * total];
    for first in (0..batch.rows).step_by(AT_ONCE) {
        context.check()?;
        let rows = first..(first + AT_ONCE).min(batch.rows);
        for of in 0..widths.len() {
            let (width, start) = (widths[of], starts[of]);
            let row = |at: usize, row: usize| -> Option<&[f32]> {
                (!missing(at, row)).then(|| &scaled[at][row * widths[at]..][..widths[at]])
            };
            let mut told = Vec::new();
            rows.clone().for_each(|at| given.tell(of, |input| row(input, at), &mut told));
            let mut made = vec![0.0; rows.len() * width];
            for draw in 0..times {
                let mut session = Session::reading(&parameters);
                let told = session.constant(rows.len(), &[told.len() / rows.len()], told.clone())?;
                let noise = draws[draw * latent..(draw + 1) * latent].repeat(rows.len());
                let noise = session.constant(rows.len(), &[latent], noise)?;
                let own = if latent > 0 { vec![&told, &noise] } else { vec![&told] };
                let value = nets.make(&mut session, of, &own, width)?;
                made.iter_mut().zip(session.values(&value)?).for_each(|(sum, x)| *sum += x / times as f32);
            }
            for (at, made) in rows.clone().zip(made.chunks_exact(width.max(1))) {
                let to = &mut out[at * total + start..][..width];
                let (_, numbers) = &inputs[of];
                for (place, (to, made)) in to.iter_mut().zip(made).enumerate() {
                    let made = made * deviations[start + place] + means[start + place];
                    let real = numbers[at * width + place];
                    *to = if missing(of, at) { made } else { real + enrich * (made - real) };
                }
            }
        }
    }
    Ok(Values::vector(total, out))
}
