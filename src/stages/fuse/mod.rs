//! Stages of the group `fuse`, one file each; each is one line of the list.

mod activation;
mod arithmetic;
mod concat;
mod dense;
mod dot;
mod dropout;
mod embedding;
mod fill;
mod gate;
mod layer_norm;
mod neural;
mod relu;
mod sigmoid;
mod softmax;
mod sum;
mod tanh;

use mmf_data::stage::Stage;

pub(crate) static ALL: &[&dyn Stage] = &[
    &dense::Dense,
    &embedding::Embedding,
    &relu::Relu,
    &tanh::Tanh,
    &sigmoid::Sigmoid,
    &softmax::Softmax,
    &dropout::Dropout,
    &layer_norm::LayerNorm,
    &dot::Dot,
    &gate::Gate,
    &neural::Neural,
    &arithmetic::Add,
    &arithmetic::Subtract,
    &arithmetic::Multiply,
    &arithmetic::Divide,
    &concat::Concat,
    &sum::Sum,
    &fill::Fill,
];
