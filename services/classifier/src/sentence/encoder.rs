//! The sentence model itself: a text goes in, a direction comes out.

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use sha2::Digest as _;
use tokenizers::{Tokenizer, TruncationParams};

use super::network::{Config, Network};

/// The layout of the network.
pub(crate) const CONFIG: &str = "config.json";
/// How texts are cut into pieces.
pub(crate) const TOKENIZER: &str = "tokenizer.json";
/// The weights.
pub(crate) const WEIGHTS: &str = "model.safetensors";

/// Pieces that are looked at together, with the marks around them; most messages have fewer.
const WINDOW_PIECES: usize = 40;
/// Windows of a text that are looked at; time grows with them.
const WINDOWS_MAX: usize = 3;
/// Bytes of the hash of the weights that name them.
const REVISION_BYTES: usize = 6;
/// Repeated, the longest text: it is tried when the model is loaded, so that no later one can fail.
const TRIAL: &str = "where is my order ";

/// Why a folder is no sentence model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of it cannot be read.
    #[error("the sentence model lacks {path}; `mesh model pull` fetches it")]
    Missing {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The layout is not that of a sentence model.
    #[error("{path} is not the layout of a BERT model")]
    Config {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The tokenizer cannot be used.
    #[error("{path} is not a tokenizer")]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// Why.
        source: tokenizers::Error,
    },
    /// The weights do not make the network that the layout describes.
    #[error("{path} does not hold the weights of the layout")]
    Weights {
        /// The file.
        path: PathBuf,
        /// Why.
        source: candle_core::Error,
    },
    /// The network gives no direction.
    #[error("{path} gives no usable numbers")]
    Unusable {
        /// The weights.
        path: PathBuf,
    },
}

/// A loaded sentence model.
pub(super) struct Encoder {
    network: Network,
    tokenizer: Tokenizer,
    unknown: Option<u32>,
    dimensions: usize,
    revision: String,
}

impl Encoder {
    /// The model of a folder, tried once.
    pub(super) fn load(folder: &Path) -> Result<Self, Error> {
        let path = |name: &str| folder.join(name);
        let read = |name: &str| {
            std::fs::read(path(name)).map_err(|source| Error::Missing { path: path(name), source })
        };
        let config: Config = serde_json::from_slice(&read(CONFIG)?)
            .map_err(|source| Error::Config { path: path(CONFIG), source })?;
        let tokenizer = tokenizer(&read(TOKENIZER)?)
            .map_err(|source| Error::Tokenizer { path: path(TOKENIZER), source })?;
        let weights = read(WEIGHTS)?;
        let digest = sha2::Sha256::digest(&weights);
        let revision = digest[..REVISION_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
        let failed = |source| Error::Weights { path: path(WEIGHTS), source };
        let tensors = candle_core::safetensors::load_buffer(&weights, &Device::Cpu);
        // The tensors are copies; two of a file this size are not needed at a time.
        drop(weights);
        let pieces = tokenizer.get_vocab_size(true);
        let network = tensors.and_then(|tensors| Network::load(tensors, &config, pieces));
        let network = network.map_err(failed)?;
        let unknown = tokenizer.token_to_id("[UNK]").or_else(|| tokenizer.token_to_id("<unk>"));
        let dimensions = config.hidden_size;
        let encoder = Self { network, tokenizer, unknown, dimensions, revision };
        let tried = encoder.direction(&TRIAL.repeat(WINDOW_PIECES)).map_err(failed)?;
        let is_usable = tried.iter().all(|x| x.is_finite()) && tried.iter().any(|x| *x != 0.0);
        is_usable.then_some(encoder).ok_or_else(|| Error::Unusable { path: path(WEIGHTS) })
    }

    /// The first digits of the sha256 of its weights.
    pub(super) fn revision(&self) -> &str {
        &self.revision
    }

    /// The direction of a text, of length one; zero throughout for a text that the model cannot read.
    pub(super) fn embed(&self, text: &str) -> Box<[f32]> {
        self.direction(text).expect("the longest text was tried").into()
    }

    fn direction(&self, text: &str) -> candle_core::Result<Vec<f32>> {
        let mut sum = vec![0.0; self.dimensions];
        for window in self.windows(text) {
            let outputs = self.outputs(&window)?;
            sum.iter_mut().zip(outputs).for_each(|(sum, x)| *sum += x);
        }
        let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
        if 0.0 < length {
            sum.iter_mut().for_each(|x| *x /= length);
        }
        Ok(sum)
    }

    /// The pieces of a text, in windows with the marks around each. A window of unknown signs would look like any other
    /// such window; it is left out.
    fn windows(&self, text: &str) -> Vec<Vec<u32>> {
        let Ok(first) = self.tokenizer.encode_fast(text, true) else { return Vec::new() };
        let is_read = |(piece, mark): (&u32, &u32)| *mark == 0 && Some(*piece) != self.unknown;
        let windows = std::iter::once(&first).chain(first.get_overflowing()).take(WINDOWS_MAX);
        let read = windows.filter(|window| {
            window.get_ids().iter().zip(window.get_special_tokens_mask()).any(is_read)
        });
        read.map(|window| window.get_ids().to_vec()).collect()
    }

    /// The mean of what the network says to each piece.
    fn outputs(&self, pieces: &[u32]) -> candle_core::Result<Vec<f32>> {
        self.network.forward(&Tensor::new(pieces, &Device::Cpu)?)?.mean(0)?.to_vec1()
    }
}

/// One text at a time, unpadded: what a text looks like must not depend on its neighbours.
fn tokenizer(bytes: &[u8]) -> Result<Tokenizer, tokenizers::Error> {
    let mut tokenizer = Tokenizer::from_bytes(bytes)?;
    tokenizer.with_padding(None);
    let truncation = TruncationParams { max_length: WINDOW_PIECES, ..TruncationParams::default() };
    tokenizer.with_truncation(Some(truncation))?;
    Ok(tokenizer)
}
