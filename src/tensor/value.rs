//! The one tensor type: rows × width, 32-bit floats, on the processor; and how its numbers are read.

use dfdx::prelude::{Cpu, Gradients, HasShape, OwnedTape, ReshapeTo, Tensor, TensorFromVec};
use mmf_data::error::{Error, Result};

pub(crate) type Matrix = Tensor<(usize, usize), f32, Cpu>;
pub(crate) type Tape = OwnedTape<f32, Cpu>;
pub(crate) type Dense = Gradients<f32, Cpu>;
/// A buffer as dfdx keeps it.
pub(crate) type Buffer = <Cpu as dfdx::prelude::Storage<f32>>::Vec;

/// Puts numbers into a tensor without copying them.
pub(crate) fn matrix(device: &Cpu, data: Vec<f32>, rows: usize, width: usize) -> Result<Matrix> {
    device.try_tensor_from_vec(data, (rows, width)).map_err(device_error)
}

/// Returns the numbers of a tensor, row by row.
pub(crate) fn read(tensor: &Matrix) -> &[f32] {
    let (rows, width) = *tensor.shape();
    if rows * width == 0 {
        return &[];
    }
    let first: *const f32 = &tensor[[0, 0]];
    // SAFETY: dfdx keeps a tensor made from a vector (the only kind made here) as that vector, `rows × width` numbers one after the
    // other, of which this is the first; the borrow of `tensor` keeps them alive and unchanged. The crate offers no other way to see
    // them without copying.
    unsafe { std::slice::from_raw_parts(first, rows * width) }
}

/// Returns the numbers of a tensor to be changed; copies them first where another tensor shares them.
pub(crate) fn write(tensor: &mut Matrix) -> &mut [f32] {
    let (rows, width) = *tensor.shape();
    if rows * width == 0 {
        return &mut [];
    }
    let first: *mut f32 = &mut tensor[[0, 0]];
    // SAFETY: as in `read`; indexing mutably has made the numbers this tensor's own, and the borrow is exclusive.
    unsafe { std::slice::from_raw_parts_mut(first, rows * width) }
}

/// Returns the same numbers as a tensor of another shape, without copying them.
pub(crate) fn seen(tensor: &Matrix, rows: usize, width: usize) -> Result<Matrix> {
    tensor.clone().try_reshape_like(&(rows, width)).map_err(device_error)
}

/// Says what dfdx refused: memory alone, since lengths are checked before.
pub(crate) fn device_error(error: dfdx::prelude::CpuError) -> Error {
    Error::bug(format!("a tensor could not be made: {error}"))
}
