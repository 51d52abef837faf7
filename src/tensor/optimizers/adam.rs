//! Adam and AdamW for dense weights, in blocks that threads share: dfdx's own kernel takes a weight in one piece, and the largest one,
//! most of a network, would keep a single thread busy while the others wait.
//!
//! The arithmetic is dfdx's, number by number, so the bytes are as well.

use rayon::prelude::*;

/// Numbers that one thread updates at a time. Each is treated by itself, so the cuts change nothing.
const BLOCK: usize = 8 * 1024;

/// What a step does to each number.
#[derive(Clone, Copy)]
pub(super) struct Adam {
    pub(super) rate: f64,
    pub(super) betas: [f64; 2],
    pub(super) epsilon: f64,
    /// Times the weight, added to the gradient.
    pub(super) decay: f64,
    /// Times the rate and the weight, taken from the weight.
    pub(super) decoupled: f64,
}

/// Updates a weight and its moments; `steps` counts this step too.
pub(super) fn update(adam: Adam, steps: i32, w: &mut [f32], [m, v]: [&mut [f32]; 2], g: &[f32]) {
    let betas = adam.betas.map(|beta| beta as f32);
    let corrections = betas.map(|beta| (1.0 - beta.powi(steps)).recip());
    let shares = [adam.rate as f32, adam.epsilon as f32, adam.decay as f32, (adam.decoupled * adam.rate) as f32];
    if w.len() < 2 * BLOCK {
        return block(w, m, v, g, betas, corrections, shares);
    }
    let moments = m.par_chunks_mut(BLOCK).zip(v.par_chunks_mut(BLOCK));
    w.par_chunks_mut(BLOCK).zip(moments).zip(g.par_chunks(BLOCK)).for_each(|((w, (m, v)), g)| {
        block(w, m, v, g, betas, corrections, shares);
    });
}

wide! {
    fn block(
        w: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32], betas: [f32; 2], corrections: [f32; 2], shares: [f32; 4],
    ) {
        let ([b1, b2], [c1, c2], [rate, epsilon, decay, shrink]) = (betas, corrections, shares);
        for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(g) {
            let g = if decay == 0.0 { *g } else { *g + decay * *w };
            *m = *m * b1 + g * (1.0 - b1);
            *v = *v * b2 + g * g * (1.0 - b2);
            let step = rate * (*m * c1) / ((*v * c2).sqrt() + epsilon);
            *w -= if shrink == 0.0 { step } else { step + shrink * *w };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dfdx::prelude::{AdamConfig, Cpu, Storage, TensorFromVec, WeightDecay};

    #[test]
    fn a_step_gives_the_bytes_of_dfdx() {
        let device = Cpu::default();
        let noise = |salt: usize| -> Vec<f32> { (0..20_000).map(|i| ((i * salt) as f32 * 0.37).sin() * 0.3).collect() };
        for (decay, decoupled) in [(0.0, 0.0), (0.1, 0.0), (0.0, 0.1)] {
            let adam = Adam { rate: 1e-2, betas: [0.9, 0.999], epsilon: 1e-8, decay, decoupled };
            let weight_decay = match (decay, decoupled) {
                (0.0, 0.0) => None,
                (_, 0.0) => Some(WeightDecay::L2(decay)),
                _ => Some(WeightDecay::Decoupled(decoupled)),
            };
            let config = AdamConfig { lr: 1e-2, betas: [0.9, 0.999], eps: 1e-8, weight_decay };
            let mut theirs = device.tensor_from_vec(noise(1), (20_000,));
            let [mut first, mut second, mut gradient] = [(); 3].map(|()| device.try_alloc_len(20_000).unwrap());
            let (mut w, mut m, mut v) = (noise(1), vec![0.0; 20_000], vec![0.0; 20_000]);
            for step in 1..5 {
                *gradient = noise(step as usize + 1);
                config.try_update(step, &mut theirs, &mut first, &mut second, &gradient).unwrap();
                update(adam, step, &mut w, [&mut m, &mut v], &gradient);
                let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&w), bits(&theirs.as_vec()));
                assert_eq!((bits(&m), bits(&v)), (bits(&first), bits(&second)));
            }
        }
    }
}
