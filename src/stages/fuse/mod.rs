//! Stages of the group `fuse`, one file each; each is one line of the list.

pub(crate) mod activation;
mod arithmetic;
mod attention;
mod avg_pool;
mod batch_norm;
mod bidirectional;
mod co_attention;
mod concat;
mod conv;
mod cross_attention;
pub(crate) mod dense;
mod dot;
mod dropout;
pub(crate) mod embedding;
mod fill;
mod flatten;
mod gan;
mod gate;
mod gru;
mod hide;
mod layer_norm;
pub(crate) mod layers;
mod low_rank_fusion;
mod lstm;
mod max_pool;
mod merge;
mod mixture_of_experts;
mod mlp;
mod modality_dropout;
mod modulate;
mod nearest;
mod neural;
pub(crate) mod policy;
pub(crate) mod propagate;
mod recurrent;
mod relu;
mod scale;
mod self_attention;
mod sigmoid;
mod slice;
mod softmax;
mod spread;
mod stack;
mod steps;
mod stop_gradient;
mod sum;
mod tanh;
mod tensor_fusion;
mod transformer;
mod weighted;
mod window;

#[cfg(test)]
mod tests;

use mmf_data::stage::Stage;

pub(crate) static ALL: &[&dyn Stage] = &[
    &dense::Dense,
    &mlp::Mlp,
    &embedding::Embedding,
    &conv::Conv,
    &max_pool::MaxPool,
    &avg_pool::AvgPool,
    &flatten::Flatten,
    &lstm::Lstm,
    &gru::Gru,
    &bidirectional::Bidirectional,
    &attention::Attention,
    &self_attention::SelfAttention,
    &relu::Relu,
    &tanh::Tanh,
    &sigmoid::Sigmoid,
    &softmax::Softmax,
    &dropout::Dropout,
    &layer_norm::LayerNorm,
    &batch_norm::BatchNorm,
    &dot::Dot,
    &gate::Gate,
    &modulate::Modulate,
    &low_rank_fusion::LowRankFusion,
    &tensor_fusion::TensorFusion,
    &mixture_of_experts::MixtureOfExperts,
    &weighted::Weighted,
    &modality_dropout::ModalityDropout,
    &policy::Policy,
    &policy::reinforce::Reinforce,
    &policy::actor_critic::ActorCritic,
    &policy::epsilon_greedy::EpsilonGreedy,
    &policy::linucb::LinUcb,
    &policy::thompson::Thompson,
    &stack::Stack,
    &cross_attention::CrossAttention,
    &co_attention::CoAttention,
    &transformer::Transformer,
    &stop_gradient::StopGradient,
    &merge::Merge,
    &propagate::Propagate,
    &neural::Neural,
    &arithmetic::Add,
    &arithmetic::Subtract,
    &arithmetic::Multiply,
    &arithmetic::Divide,
    &scale::Scale,
    &concat::Concat,
    &slice::Slice,
    &sum::Sum,
    &hide::Hide,
    &fill::Fill,
    &gan::Gan,
    &gan::non_saturating::NonSaturating,
    &gan::least_squares::LeastSquares,
    &gan::hinge::Hinge,
    &gan::wasserstein::Wasserstein,
];
