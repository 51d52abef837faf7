//! `attention` (Vaswani et al. 2017): of each head, `softmax(q·kᵀ / √n)·v` over the steps within a row's length; with `causal`, over
//! the step itself and those before it.
//!
//! Back, with `p` the softmax and `g` the gradient: `dv = pᵀ·g`, `dp = g·vᵀ`, `ds = p·(dp − Σ p·dp) / √n`, `dq = ds·k`, `dk = dsᵀ·q`.

use crate::kernels::functions::exp;
use crate::kernels::outer::{self, Side};
use crate::kernels::panels::{self, Panels, Start, Windows};
use crate::kernels::parts;
use crate::kernels::product::Matrix;
use crate::kernels::reduce::{dot_lanes, sum_lanes};
use crate::ops::{equal_rows, misfit, steps_of};
use crate::session::Session;
use crate::value::{self, read};
use mmf_data::error::{Error, Result};
use mmf_data::network::Var;
use std::ops::Range;
use std::rc::Rc;

/// Rows that are worth a part.
const ROWS: usize = 8;

/// Where queries, keys or values lie: in which input, from where in a step, and how wide a step is.
#[derive(Clone, Copy)]
struct Place {
    input: usize,
    at: usize,
    step: usize,
}

#[derive(Clone, Copy)]
struct Sizes {
    heads: usize,
    causal: bool,
    /// Steps of the queries and of the keys.
    queries: usize,
    keys: usize,
    /// Widths of one head: of queries and keys, and of values.
    width: usize,
    values: usize,
    /// Of queries, keys and values.
    places: [Place; 3],
}

/// Takes queries `[t, n]`, keys `[s, n]` and values `[s, m]`, or all three side by side, `[t, 3n]`; returns `[t, m]`.
pub(crate) fn attention(session: &mut Session, (heads, causal): (usize, bool), inputs: &[&Var]) -> Result<Var> {
    let sizes = sizes((heads, causal), inputs)?;
    let first = inputs[0];
    let rows = first.rows;
    let query_lengths = session.lengths_of(first, sizes.queries)?;
    let key_lengths = session.lengths_of(inputs[sizes.places[1].input], sizes.keys)?;
    let known = session.node(first)?.lengths.clone();
    let mut grad = Vec::new();
    let mut values: Vec<value::Matrix> = Vec::new();
    for x in inputs {
        let node = session.node(x)?;
        grad.push(node.grad);
        values.push(node.value.clone());
    }

    let Sizes { queries, keys, .. } = sizes;
    let wide = queries * sizes.heads * sizes.values;
    let mut y = vec![0.0; rows * wide];
    let mut weights = vec![0.0; rows * sizes.heads * queries * keys];
    let cuts = parts::parts(rows, ROWS);
    let outs = parts::split(&mut y, &cuts, wide).into_iter();
    let own = parts::split(&mut weights, &cuts, sizes.heads * queries * keys);
    let data: Vec<&[f32]> = values.iter().map(read).collect();
    let lengths = (&query_lengths[..], &key_lengths[..]);
    let work = cuts.iter().cloned().zip(outs.zip(own)).collect();
    parts::each(work, |(part, (y, weights)): (Range<usize>, (&mut [f32], &mut [f32]))| {
        sizes.forward(&data, lengths, part, y, weights);
    });
    let any = grad.iter().any(|&grad| grad);
    let out = session.put(y, rows, vec![queries, sizes.heads * sizes.values], any)?;
    session.set_lengths(&out, known);
    if session.records(any) {
        let widths: Vec<usize> = inputs.iter().map(|x| x.width()).collect();
        let ids: Vec<usize> = inputs.iter().map(|x| x.id).collect();
        session.record(&out, move |back, gradient| {
            let data: Vec<&[f32]> = values.iter().map(read).collect();
            let (query_lengths, key_lengths): (Rc<[u32]>, Rc<[u32]>) = (query_lengths, key_lengths);
            let lengths = (&query_lengths[..], &key_lengths[..]);
            let mut found: Vec<Vec<f32>> = widths.iter().map(|width| back.buffer(rows * width)).collect();
            let mut split: Vec<Vec<&mut [f32]>> = cuts.iter().map(|_| Vec::new()).collect();
            for (buffer, &width) in found.iter_mut().zip(&widths) {
                for (own, part) in split.iter_mut().zip(parts::split(buffer, &cuts, width)) {
                    own.push(part);
                }
            }
            let work = cuts.iter().cloned().zip(split).collect();
            parts::each(work, |(part, mut to): (Range<usize>, Vec<&mut [f32]>)| {
                to.iter_mut().for_each(|to| to.fill(0.0));
                sizes.backward(&data, lengths, part, (&gradient, &weights), &mut to);
            });
            for ((id, wanted), own) in ids.into_iter().zip(grad).zip(found) {
                if wanted { back.give(id, own) } else { back.spare(own) }
            }
            back.spare(gradient);
            back.spare(weights);
            Ok(())
        });
    }
    Ok(out)
}

fn sizes((heads, causal): (usize, bool), inputs: &[&Var]) -> Result<Sizes> {
    let [first, rest @ ..] = inputs else {
        return Err(Error::bug("`attention` takes one or three inputs, not 0"));
    };
    let (queries, n) = steps_of("attention", first)?;
    let (keys, n, m, places) = match rest {
        [] => {
            let third = n / 3;
            let place = |number: usize| Place { input: 0, at: number * third, step: n };
            if third * 3 != n {
                return Err(misfit("attention", &format!("{n} is no threefold"), &format!("{n} 不是三的倍数")));
            }
            (queries, third, third, [place(0), place(1), place(2)])
        }
        [k, v] => {
            equal_rows("attention", first, k)?;
            equal_rows("attention", first, v)?;
            let ((keys, wide), (beside, m)) = (steps_of("attention", k)?, steps_of("attention", v)?);
            if keys != beside || n != wide {
                let ([q, k, v], d) = ([&first.dims, &k.dims, &v.dims], "attention");
                return Err(misfit(
                    d,
                    &format!("its queries, keys and values have the sizes {q:?}, {k:?} and {v:?}"),
                    &format!("查询、键和值的大小为 {q:?}、{k:?} 和 {v:?}"),
                ));
            }
            let place = |input: usize, step: usize| Place { input, at: 0, step };
            (keys, n, m, [place(0, n), place(1, n), place(2, m)])
        }
        _ => return Err(Error::bug(format!("`attention` takes one or three inputs, not {}", inputs.len()))),
    };
    if heads == 0 || n == 0 || n % heads != 0 || m % heads != 0 {
        return Err(misfit(
            "attention",
            &format!("{heads} heads do not share {n} numbers evenly"),
            &format!("{heads} 个头不能平分 {n} 个数"),
        ));
    }
    if causal && queries != keys {
        return Err(misfit(
            "attention",
            &format!("{queries} steps cannot look back over {keys} others"),
            &format!("{queries} 步不能回看另外 {keys} 步"),
        ));
    }
    Ok(Sizes { heads, causal, queries, keys, width: n / heads, values: m / heads, places })
}

/// The lengths of all rows' queries and keys.
type Lengths<'a> = (&'a [u32], &'a [u32]);

impl Sizes {
    fn scale(self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// Returns where in its input the head's queries (0), keys (1) or values (2) of a row begin.
    fn begin(self, which: usize, row: usize, head: usize) -> usize {
        let place = self.places[which];
        let steps = if which == 0 { self.queries } else { self.keys };
        let own = if which == 2 { self.values } else { self.width };
        row * steps * place.step + place.at + head * own
    }

    fn forward(self, data: &[&[f32]], lengths: Lengths, part: Range<usize>, y: &mut [f32], weights: &mut [f32]) {
        let [q, k, v] = self.places;
        let mut panels = Panels::pack(Matrix::of(&[], 0), 0, 0);
        let wide = self.heads * self.values;
        let first = part.start;
        for row in part {
            let (queries, keys) = (lengths.0[row] as usize, lengths.1[row] as usize);
            for head in 0..self.heads {
                if queries == 0 || keys == 0 {
                    continue;
                }
                let at = ((row - first) * self.heads + head) * self.queries * self.keys;
                let p = &mut weights[at..at + self.queries * self.keys];
                let key = Matrix::transposed(&data[k.input][self.begin(1, row, head)..], k.step);
                panels.fill(key, self.width, keys);
                let query = &data[q.input][self.begin(0, row, head)..];
                panels::multiply(Windows::rows(query, queries, q.step, self.width), &panels, p, self.keys, Start::Zero);
                soften(p, (queries, keys, self.keys), self.scale(), self.causal);
                panels.fill(Matrix::of(&data[v.input][self.begin(2, row, head)..], v.step), keys, self.values);
                let y = &mut y[(row - first) * self.queries * wide + head * self.values..];
                panels::multiply(Windows::rows(p, queries, self.keys, keys), &panels, y, wide, Start::Zero);
            }
        }
    }

    /// Adds the gradients of the part's rows to `to`, one buffer an input.
    fn backward(
        self,
        data: &[&[f32]],
        lengths: Lengths,
        part: Range<usize>,
        (gradient, weights): (&[f32], &[f32]),
        to: &mut [&mut [f32]],
    ) {
        let [q, k, v] = self.places;
        let mut panels = Panels::pack(Matrix::of(&[], 0), 0, 0);
        let mut ds = vec![0.0; self.queries * self.keys];
        let wide = self.heads * self.values;
        let first = part.start;
        for row in part {
            let (queries, keys) = (lengths.0[row] as usize, lengths.1[row] as usize);
            for head in 0..self.heads {
                if queries == 0 || keys == 0 {
                    continue;
                }
                let at = (row * self.heads + head) * self.queries * self.keys;
                let p = &weights[at..at + self.queries * self.keys];
                let g = &gradient[row * self.queries * wide + head * self.values..];
                let own = |which: usize| self.begin(which, row - first, head);
                let weighed = Side { data: p, step: self.keys, width: keys };
                let given = Side { data: g, step: wide, width: self.values };
                outer::add(weighed, given, queries, &mut to[v.input][own(2)..], v.step);

                let value = Matrix::transposed(&data[v.input][self.begin(2, row, head)..], v.step);
                panels.fill(value, self.values, keys);
                let rows = Windows::rows(g, queries, wide, self.values);
                panels::multiply(rows, &panels, &mut ds, self.keys, Start::Zero);
                soften_back(&mut ds, p, (queries, keys, self.keys), self.scale());

                panels.fill(Matrix::of(&data[k.input][self.begin(1, row, head)..], k.step), keys, self.width);
                let rows = Windows::rows(&ds, queries, self.keys, keys);
                panels::multiply(rows, &panels, &mut to[q.input][own(0)..], q.step, Start::There);
                let query = &data[q.input][self.begin(0, row, head)..];
                let asked = Side { data: query, step: q.step, width: self.width };
                let slopes = Side { data: &ds, step: self.keys, width: keys };
                outer::add(slopes, asked, queries, &mut to[k.input][own(1)..], k.step);
            }
        }
    }
}

wide! {
    /// Turns rows of scores, times `scale`, into their softmax; what a causal row may not see becomes 0.
    fn soften(scores: &mut [f32], sizes: (usize, usize, usize), scale: f32, causal: bool) {
        let (queries, keys, step) = sizes;
        for (query, row) in scores.chunks_mut(step).enumerate().take(queries) {
            let (row, beyond) = row[..keys].split_at_mut(if causal { keys.min(query + 1) } else { keys });
            let greatest = row.iter().fold(f32::NEG_INFINITY, |a, b| if *b > a { *b } else { a });
            for x in row.iter_mut() {
                *x = exp((*x - greatest) * scale);
            }
            let factor = 1.0 / sum_lanes(row);
            for x in row.iter_mut() {
                *x *= factor;
            }
            beyond.fill(0.0);
        }
    }
}

wide! {
    /// Turns gradients of the softmax `p` into those of the scores.
    fn soften_back(ds: &mut [f32], p: &[f32], sizes: (usize, usize, usize), scale: f32) {
        let (queries, keys, step) = sizes;
        for (ds, p) in ds.chunks_mut(step).zip(p.chunks(step)).take(queries) {
            let (ds, p) = (&mut ds[..keys], &p[..keys]);
            let along = dot_lanes(ds, p);
            for (d, p) in ds.iter_mut().zip(p) {
                *d = *p * (*d - along) * scale;
            }
        }
    }
}
