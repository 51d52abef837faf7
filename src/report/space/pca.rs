//! The two directions in which points differ most.
//!
//! By hand, for the libraries that have it bring a whole linear algebra along: a few lines of subspace iteration (Halko, Martinsson
//! and Tropp 2011) find two directions of a thousand points in milliseconds, on one thread, so the same on any machine of one kind.

/// Directions that are followed at once: more than two, so that the second is found soon even where the third is nearly as long.
const BLOCK: usize = 8;
const ROUNDS: usize = 200;

/// Points in the plane, and the share of the whole variance that each axis holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plane {
    pub(crate) points: Vec<[f64; 2]>,
    pub(crate) shares: [f64; 2],
}

/// Projects `rows × width` numbers on their first two principal axes, as scikit-learn's `PCA(2)`: of each axis, the direction's
/// largest part by absolute value is positive.
pub(crate) fn project(numbers: &[f32], width: usize) -> Plane {
    let rows = numbers.len().checked_div(width).unwrap_or(0);
    if rows == 0 {
        return Plane::default();
    }
    let mut centred: Vec<f64> = numbers.iter().map(|&x| f64::from(x)).collect();
    let mut means = vec![0.0; width];
    for row in centred.chunks_exact(width) {
        means.iter_mut().zip(row).for_each(|(mean, x)| *mean += x);
    }
    for row in centred.chunks_exact_mut(width) {
        row.iter_mut().zip(&means).for_each(|(x, mean)| *x -= mean / rows as f64);
    }
    let total: f64 = centred.iter().map(|x| x * x).sum();
    let block = BLOCK.min(width);
    let mut axes = start(block, width);
    orthonormalise(&mut axes, width);
    let mut before = [0.0; 2];
    for round in 0..ROUNDS {
        axes = step(&centred, &axes, width);
        let lengths = orthonormalise(&mut axes, width);
        let now = [lengths[0], lengths.get(1).copied().unwrap_or(0.0)];
        let still = |i: usize| (now[i] - before[i]).abs() <= 1e-12 * now[0].max(f64::MIN_POSITIVE);
        // At least some rounds: the first may be near by chance.
        if round > 8 && still(0) && still(1) {
            break;
        }
        before = now;
    }
    rotate(&centred, &mut axes, width);
    let mut plane = Plane { points: vec![[0.0; 2]; rows], shares: [0.0; 2] };
    for (axis, direction) in axes.chunks_exact_mut(width).take(2).enumerate() {
        let largest = direction.iter().fold(0.0f64, |most, &x| if x.abs() > most.abs() + 1e-12 { x } else { most });
        if largest < 0.0 {
            direction.iter_mut().for_each(|x| *x = -*x);
        }
        for (point, row) in plane.points.iter_mut().zip(centred.chunks_exact(width)) {
            point[axis] = dot(row, direction);
        }
        let own: f64 = plane.points.iter().map(|p| p[axis] * p[axis]).sum();
        plane.shares[axis] = if total > 0.0 { own / total } else { 0.0 };
    }
    plane
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Returns directions that are no axis of the data but by chance, always the same.
fn start(block: usize, width: usize) -> Vec<f64> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    (0..block * width).map(|_| next()).collect()
}

/// Multiplies each direction by the scatter of the points.
fn step(centred: &[f64], axes: &[f64], width: usize) -> Vec<f64> {
    let mut out = vec![0.0; axes.len()];
    for row in centred.chunks_exact(width) {
        for (axis, out) in axes.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            let along = dot(row, axis);
            if along != 0.0 {
                out.iter_mut().zip(row).for_each(|(o, x)| *o += along * x);
            }
        }
    }
    out
}

/// Makes directions of length 1, each at right angles to those before; returns how long they were. What has no length left is zero.
fn orthonormalise(axes: &mut [f64], width: usize) -> Vec<f64> {
    let mut lengths = Vec::new();
    for at in 0..axes.len() / width {
        let (before, rest) = axes.split_at_mut(at * width);
        let own = &mut rest[..width];
        let whole = dot(own, own).sqrt();
        for _ in 0..2 {
            for other in before.chunks_exact(width) {
                let along = dot(own, other);
                own.iter_mut().zip(other).for_each(|(x, o)| *x -= along * o);
            }
        }
        let length = dot(own, own).sqrt();
        let sound = length > 1e-12 * whole.max(f64::MIN_POSITIVE) && length > 0.0;
        own.iter_mut().for_each(|x| *x = if sound { *x / length } else { 0.0 });
        lengths.push(if sound { length } else { 0.0 });
    }
    lengths
}

/// Turns the directions within the space that they span, so that they are the axes of the points in it, the longest first.
fn rotate(centred: &[f64], axes: &mut Vec<f64>, width: usize) {
    let block = axes.len() / width;
    let image = step(centred, axes, width);
    let mut small: Vec<Vec<f64>> = axes
        .chunks_exact(width)
        .map(|axis| image.chunks_exact(width).map(|other| dot(axis, other)).collect())
        .collect();
    let turns = eigenvectors(&mut small);
    let mut order: Vec<usize> = (0..block).collect();
    order.sort_by(|&a, &b| small[b][b].total_cmp(&small[a][a]).then(a.cmp(&b)));
    let mut turned = Vec::with_capacity(axes.len());
    for &at in &order {
        turned.extend((0..width).map(|x| (0..block).map(|i| turns[i][at] * axes[i * width + x]).sum::<f64>()));
    }
    *axes = turned;
}

/// Makes a small symmetric matrix diagonal by Jacobi's rotations; returns its eigenvectors, a column each.
fn eigenvectors(matrix: &mut [Vec<f64>]) -> Vec<Vec<f64>> {
    let n = matrix.len();
    let mut vectors: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect();
    for _ in 0..50 {
        let mut moved = false;
        for p in 0..n {
            for q in p + 1..n {
                let off = matrix[p][q];
                if off.abs() <= 1e-15 * (matrix[p][p].abs() + matrix[q][q].abs()) {
                    continue;
                }
                moved = true;
                let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * off);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let t = if theta == 0.0 { 1.0 } else { t };
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for row in matrix.iter_mut() {
                    let (a, b) = (row[p], row[q]);
                    (row[p], row[q]) = (c * a - s * b, s * a + c * b);
                }
                let (upper, lower) = matrix.split_at_mut(q);
                for (upper, lower) in upper[p].iter_mut().zip(&mut lower[0]) {
                    let (a, b) = (*upper, *lower);
                    (*upper, *lower) = (c * a - s * b, s * a + c * b);
                }
                for row in vectors.iter_mut() {
                    let (a, b) = (row[p], row[q]);
                    (row[p], row[q]) = (c * a - s * b, s * a + c * b);
                }
            }
        }
        if !moved {
            break;
        }
    }
    vectors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> Vec<f64> {
        let path = format!("{}/tests/fixtures/sklearn/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        text.split([',', '\n']).filter(|c| !c.is_empty()).map(|c| c.parse().unwrap()).collect()
    }

    /// `tests/fixtures/make/pca.py` wrote both: 60 points of 12 numbers, and scikit-learn's projection of them.
    #[test]
    fn points_lie_where_scikit_learn_puts_them() {
        let numbers: Vec<f32> = fixture("pca_points.csv").into_iter().map(|x| x as f32).collect();
        let wanted = fixture("pca_plane.csv");
        let plane = project(&numbers, 12);
        assert_eq!(plane.points.len(), 60);
        for (point, wanted) in plane.points.iter().zip(wanted.chunks_exact(2)) {
            assert!((point[0] - wanted[0]).abs() < 1e-5 && (point[1] - wanted[1]).abs() < 1e-5, "{point:?} {wanted:?}");
        }
        let shares = fixture("pca_shares.csv");
        assert!((plane.shares[0] - shares[0]).abs() < 1e-6 && (plane.shares[1] - shares[1]).abs() < 1e-6);
    }

    #[test]
    fn odd_points_are_no_trouble() {
        assert_eq!(project(&[], 3), Plane::default());
        assert_eq!(project(&[1.0, 2.0], 2).points, [[0.0, 0.0]]);
        let same = project(&[1.0; 12], 3);
        assert!(same.points.iter().flatten().all(|x| *x == 0.0) && same.shares == [0.0, 0.0]);
        let line = project(&[0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 5.0, 5.0], 2);
        assert!((line.shares[0] - 1.0).abs() < 1e-12 && line.shares[1].abs() < 1e-12, "{line:?}");
    }
}
