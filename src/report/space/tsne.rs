//! Points in the plane so that neighbours stay neighbours: t-SNE (van der Maaten and Hinton 2008), exact.
//!
//! By hand: `bhtsne` adds floating-point numbers in an order that hangs on its threads, and brings a Fourier transform for millions
//! of points; here are a thousand at most. It starts from the principal axes, as scikit-learn does, so nothing in it is random, and
//! it runs on one thread: the same points give the same picture.

const PERPLEXITY: f64 = 30.0;
/// Steps in which neighbours are drawn together twelvefold, and all steps.
const EARLY: usize = 75;
const STEPS: usize = 300;
const EXAGGERATION: f64 = 12.0;

/// Returns a place for each of the `rows × width` numbers' rows. `start` are their places along the principal axes.
pub(crate) fn embed(numbers: &[f32], width: usize, start: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let n = start.len();
    if n < 4 || width == 0 {
        return start.to_vec();
    }
    let likeness = likeness(&distances(numbers, width, n), n);
    let mut points = scaled(start);
    let mut speed = vec![[0.0f64; 2]; n];
    let mut gain = vec![[1.0f64; 2]; n];
    // From 300 points on as scikit-learn's `auto`; with so large a step few points fly apart.
    let rate = (n as f64 / 6.0).clamp(10.0, 50.0);
    for step in 0..STEPS {
        let (pull, momentum) = if step < EARLY { (EXAGGERATION, 0.5) } else { (1.0, 0.8) };
        let slope = slope(&points, &likeness, pull);
        for i in 0..n {
            for axis in 0..2 {
                let with = slope[i][axis] * speed[i][axis] < 0.0;
                gain[i][axis] = if with { gain[i][axis] + 0.2 } else { (gain[i][axis] * 0.8).max(0.01) };
                speed[i][axis] = momentum * speed[i][axis] - rate * gain[i][axis] * slope[i][axis];
                points[i][axis] += speed[i][axis];
            }
        }
    }
    points
}

/// Returns the start in the size in which t-SNE begins: a deviation of 1e-4 along the first axis.
fn scaled(start: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let n = start.len() as f64;
    let mean = start.iter().map(|p| p[0]).sum::<f64>() / n;
    let deviation = (start.iter().map(|p| (p[0] - mean).powi(2)).sum::<f64>() / n).sqrt();
    let factor = if deviation > 0.0 { 1e-4 / deviation } else { 1.0 };
    // Points in one place would never part: each gets a hair's breadth of its own.
    let own = |i: usize| [(i as f64 * 0.618_033_988_75).fract(), (i as f64 * 0.754_877_666_2).fract()];
    let moved = |(i, p): (usize, &[f64; 2])| {
        [p[0] * factor + (own(i)[0] - 0.5) * 1e-8, p[1] * factor + (own(i)[1] - 0.5) * 1e-8]
    };
    start.iter().enumerate().map(moved).collect()
}

/// Returns the squared distances of all pairs.
fn distances(numbers: &[f32], width: usize, n: usize) -> Vec<f64> {
    let mut out = vec![0.0; n * n];
    let row = |i: usize| &numbers[i * width..][..width];
    for i in 0..n {
        for j in 0..i {
            let sum: f64 = row(i).iter().zip(row(j)).map(|(a, b)| f64::from(a - b) * f64::from(a - b)).sum();
            out[i * n + j] = sum;
            out[j * n + i] = sum;
        }
    }
    out
}

/// Returns how probable each pair is: a Gaussian around each point, as wide as gives it the perplexity.
fn likeness(distances: &[f64], n: usize) -> Vec<f64> {
    let target = PERPLEXITY.min((n as f64 - 1.0) / 3.0).max(1.0).ln();
    let mut own = vec![0.0; n * n];
    for (i, (row, distances)) in own.chunks_exact_mut(n).zip(distances.chunks_exact(n)).enumerate() {
        let (mut low, mut high, mut precision) = (0.0, f64::INFINITY, 1.0);
        let nearest =
            distances.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, d)| *d).fold(f64::INFINITY, f64::min);
        for _ in 0..64 {
            let (mut sum, mut weighted) = (0.0, 0.0);
            for (j, (p, distance)) in row.iter_mut().zip(distances).enumerate() {
                // The nearest counts one, so that a narrow Gaussian is not all zeros.
                let d = distance - nearest;
                *p = if j == i { 0.0 } else { (-precision * d).exp() };
                sum += *p;
                weighted += *p * d;
            }
            let entropy = sum.ln() + precision * weighted / sum;
            row.iter_mut().for_each(|p| *p /= sum);
            if (entropy - target).abs() < 1e-5 {
                break;
            }
            if entropy > target {
                low = precision;
                precision = if high.is_infinite() { precision * 2.0 } else { (precision + high) / 2.0 };
            } else {
                high = precision;
                precision = (precision + low) / 2.0;
            }
        }
    }
    let mut both = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            both[i * n + j] = ((own[i * n + j] + own[j * n + i]) / (2.0 * n as f64)).max(1e-12);
        }
    }
    both
}

/// Returns the way uphill of the divergence between both likenesses. One pass over the pairs: what pushes them apart is divided by
/// the sum of all weights, known at its end.
// A pair touches several lists, so it is its numbers that are gone through.
#[allow(clippy::needless_range_loop)]
fn slope(points: &[[f64; 2]], likeness: &[f64], pull: f64) -> Vec<[f64; 2]> {
    let n = points.len();
    let mut total = 0.0;
    let mut drawn = vec![[0.0f64; 2]; n];
    let mut pushed = vec![[0.0f64; 2]; n];
    for i in 0..n {
        let [x, y] = points[i];
        let row = &likeness[i * n..(i + 1) * n];
        let (mut draw, mut push) = ([0.0f64; 2], [0.0f64; 2]);
        for j in 0..i {
            let (dx, dy) = (x - points[j][0], y - points[j][1]);
            let weight = 1.0 / (1.0 + dx * dx + dy * dy);
            total += weight;
            let (to, from) = (row[j] * weight, weight * weight);
            draw[0] += to * dx;
            draw[1] += to * dy;
            push[0] += from * dx;
            push[1] += from * dy;
            drawn[j][0] -= to * dx;
            drawn[j][1] -= to * dy;
            pushed[j][0] -= from * dx;
            pushed[j][1] -= from * dy;
        }
        for axis in 0..2 {
            drawn[i][axis] += draw[axis];
            pushed[i][axis] += push[axis];
        }
    }
    let scale = 1.0 / (2.0 * total).max(f64::MIN_POSITIVE);
    let both = |(draw, push): (&[f64; 2], &[f64; 2])| [0, 1].map(|axis| 4.0 * (pull * draw[axis] - push[axis] * scale));
    drawn.iter().zip(&pushed).map(both).collect()
}

#[cfg(test)]
mod tests {
    use super::super::pca;
    use super::*;

    /// Three heaps in ten dimensions, ten points each.
    fn heaps() -> Vec<f32> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        (0..30).flat_map(|i| (0..10).map(|j| next() + if j == i % 3 { 6.0 } else { 0.0 }).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn heaps_stay_heaps_and_the_picture_is_always_the_same() {
        let numbers = heaps();
        let start = pca::project(&numbers, 10).points;
        let points = embed(&numbers, 10, &start);
        let gap = |i: usize, j: usize| (points[i][0] - points[j][0]).hypot(points[i][1] - points[j][1]);
        for i in 0..30 {
            let mut others: Vec<usize> = (0..30).filter(|&j| j != i).collect();
            others.sort_by(|&a, &b| gap(i, a).total_cmp(&gap(i, b)));
            assert!(others[..5].iter().all(|j| j % 3 == i % 3), "{i}: {:?}", &others[..5]);
        }
        assert_eq!(points, embed(&numbers, 10, &start));
    }

    #[test]
    fn points_in_one_place_and_few_points_are_no_trouble() {
        let same = embed(&[1.0; 40], 2, &[[0.0; 2]; 20]);
        assert!(same.iter().flatten().all(|x| x.is_finite()));
        assert_eq!(embed(&[1.0, 2.0], 2, &[[0.0; 2]]).len(), 1);
    }
}
