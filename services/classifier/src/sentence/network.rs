//! The network of a sentence model: BERT for one sentence at a time, without padding or masks.
//!
//! The products are candle's. What lies between two of them is one pass of ours.

use std::collections::HashMap;

use candle_core::{DType, Result, Tensor, bail};
use serde::Deserialize;

use super::operations::{Activation, Attention, Kind, Norm};

/// The layout of a network, as the hub describes it; what else is said there does not concern a single sentence.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    pub(super) hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    hidden_act: Kind,
    layer_norm_eps: f64,
}

/// A loaded network.
pub(super) struct Network {
    words: Tensor,
    /// With what is added to every piece of a first sentence.
    positions: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
}

/// Four products, each with what follows it.
struct Layer {
    attended: Tensor,
    attention: Attention,
    joined: Tensor,
    joined_norm: Norm,
    widened: Tensor,
    activation: Activation,
    narrowed: Tensor,
    narrowed_norm: Norm,
}

/// The tensors of a file, by name.
struct Weights {
    tensors: HashMap<String, Tensor>,
    /// What all names begin with; files differ in that.
    prefix: String,
    epsilon: f64,
}

impl Network {
    /// Builds the network of a layout from the tensors of a file, for so many kinds of word pieces.
    pub(super) fn load(
        tensors: HashMap<String, Tensor>,
        config: &Config,
        pieces: usize,
    ) -> Result<Self> {
        const FIRST: &str = "embeddings.word_embeddings.weight";
        let prefix = tensors.keys().find_map(|name| name.strip_suffix(FIRST)).unwrap_or_default();
        let (prefix, epsilon) = (prefix.to_owned(), config.layer_norm_eps);
        let weights = Weights { tensors, prefix, epsilon };
        let first_sentence = weights.get("embeddings.token_type_embeddings.weight")?.get(0)?;
        let positions = weights.get("embeddings.position_embeddings.weight")?;
        let layers = (0..config.num_hidden_layers).map(|n| Layer::load(&weights, n, config));
        let layers = layers.collect::<Result<Vec<_>>>()?;
        let bias = vec![0.0; config.hidden_size];
        let words = weights.get(FIRST)?;
        if words.dims2()?.0 < pieces {
            bail!("the tokenizer has {pieces} word pieces, of which the weights lack some");
        }
        Ok(Self {
            words,
            positions: positions.broadcast_add(&first_sentence)?,
            norm: weights.norm("embeddings.LayerNorm", bias)?,
            layers,
        })
    }

    /// What the network says to each of some word pieces, a row each.
    pub(super) fn forward(&self, pieces: &Tensor) -> Result<Tensor> {
        let positions = self.positions.narrow(0, 0, pieces.elem_count())?;
        let words = self.words.index_select(pieces, 0)?;
        let seen = words.apply_op2_no_bwd(&positions, &self.norm)?;
        self.layers.iter().try_fold(seen, |seen, layer| layer.forward(&seen))
    }
}

impl Layer {
    fn load(weights: &Weights, n: usize, config: &Config) -> Result<Self> {
        let name = |part: &str| format!("encoder.layer.{n}.{part}");
        let parts = ["query", "key", "value"].map(|part| name(&format!("attention.self.{part}")));
        let (attended, bias) = weights.linear(&parts)?;
        let attention = Attention { heads: config.num_attention_heads, bias };
        let (joined, bias) = weights.linear(&[name("attention.output.dense")])?;
        let joined_norm = weights.norm(&name("attention.output.LayerNorm"), bias)?;
        let (widened, bias) = weights.linear(&[name("intermediate.dense")])?;
        let activation = Activation { kind: config.hidden_act, bias };
        let (narrowed, bias) = weights.linear(&[name("output.dense")])?;
        let narrowed_norm = weights.norm(&name("output.LayerNorm"), bias)?;
        Ok(Self {
            attended,
            attention,
            joined,
            joined_norm,
            widened,
            activation,
            narrowed,
            narrowed_norm,
        })
    }

    fn forward(&self, seen: &Tensor) -> Result<Tensor> {
        let told = seen.matmul(&self.attended)?.apply_op1_no_bwd(&self.attention)?;
        let seen = told.matmul(&self.joined)?.apply_op2_no_bwd(seen, &self.joined_norm)?;
        let wide = seen.matmul(&self.widened)?.apply_op1_no_bwd(&self.activation)?;
        wide.matmul(&self.narrowed)?.apply_op2_no_bwd(&seen, &self.narrowed_norm)
    }
}

impl Weights {
    /// In single precision, whatever the file has.
    fn get(&self, name: &str) -> Result<Tensor> {
        match self.tensors.get(&format!("{}{name}", self.prefix)) {
            Some(tensor) => tensor.to_dtype(DType::F32),
            None => bail!("there is no tensor {name}"),
        }
    }

    fn norm(&self, name: &str, bias: Vec<f32>) -> Result<Norm> {
        let part = |part: &str| self.get(&format!("{name}.{part}"))?.to_vec1();
        let (scale, shift) = (part("weight")?, part("bias")?);
        let is_whole = [&scale, &shift].iter().all(|part| part.len() == bias.len());
        if bias.is_empty() || !is_whole {
            bail!("{name} is not as wide as what it follows");
        }
        Ok(Norm { bias, scale, shift, epsilon: self.epsilon as f32 })
    }

    /// One product for all of these, and what is added to it. The matrix lies as the product reads it: otherwise most of
    /// the time of a sentence would go into turning matrices around.
    fn linear(&self, names: &[String]) -> Result<(Tensor, Vec<f32>)> {
        let part = |part: &str| -> Result<Tensor> {
            let all = names.iter().map(|name| self.get(&format!("{name}.{part}")));
            Tensor::cat(&all.collect::<Result<Vec<_>>>()?, 0)
        };
        let (weight, bias) = (part("weight")?, part("bias")?.to_vec1::<f32>()?);
        if weight.dims2()?.0 != bias.len() {
            bail!("the weights and the bias of {} differ in width", names.join(", "));
        }
        Ok((weight.t()?.contiguous()?, bias))
    }
}
