//! Eight numbers at a time, for kernels that must keep many sums in registers: by AVX2 and FMA, or plainly.
//!
//! The two differ in their last bits, since a fused multiply-add rounds once; the products of `gemm` do so between machines as well.

/// Eight 32-bit floats.
pub(crate) trait Lanes: Copy {
    fn splat(x: f32) -> Self;

    /// # Safety
    /// Eight numbers can be read.
    unsafe fn load(from: *const f32) -> Self;

    /// # Safety
    /// Eight numbers can be written.
    unsafe fn store(self, to: *mut f32);

    /// Returns `self + a·b`.
    fn multiply_add(self, a: Self, b: Self) -> Self;
}

pub(crate) const LANES: usize = 8;

#[derive(Clone, Copy)]
pub(crate) struct Plain([f32; LANES]);

impl Lanes for Plain {
    #[inline(always)]
    fn splat(x: f32) -> Self {
        Plain([x; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: by this function's own contract; an array of floats may lie at any float's address.
        Plain(unsafe { from.cast::<[f32; LANES]>().read() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { to.cast::<[f32; LANES]>().write(self.0) }
    }

    #[inline(always)]
    fn multiply_add(mut self, a: Self, b: Self) -> Self {
        for ((sum, a), b) in self.0.iter_mut().zip(a.0).zip(b.0) {
            *sum += a * b;
        }
        self
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use fused::Fused;

#[cfg(target_arch = "x86_64")]
mod fused {
    use super::Lanes;
    use std::arch::x86_64::{__m256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps};

    /// Named only where AVX2 and FMA were found.
    #[derive(Clone, Copy)]
    pub(crate) struct Fused(__m256);

    impl Lanes for Fused {
        #[inline(always)]
        fn splat(x: f32) -> Self {
            // SAFETY: the machine has AVX2 and FMA, or nothing would name this type.
            Fused(unsafe { _mm256_set1_ps(x) })
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: as above, and by this function's own contract.
            Fused(unsafe { _mm256_loadu_ps(from) })
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: as above.
            unsafe { _mm256_storeu_ps(to, self.0) }
        }

        #[inline(always)]
        fn multiply_add(self, a: Self, b: Self) -> Self {
            // SAFETY: as in `splat`.
            Fused(unsafe { _mm256_fmadd_ps(a.0, b.0, self.0) })
        }
    }

    /// Tells whether the machine has AVX2 and FMA.
    #[inline]
    pub(crate) fn found() -> bool {
        std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use fused::found;
