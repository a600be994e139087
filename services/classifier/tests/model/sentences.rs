//! What the sentence model sees, against what the reference implementation sees.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use candle_core::{DType, Device, Tensor, safetensors};
use classifier::sentence::{Error, Sentences};
use classifier::tier::{Form, Tier as _};
use tempfile::TempDir;

use crate::{folder, loaded, vectors};

/// First and last numbers that an implementation in another language computes from the same files.
const REFERENCE: [(&str, [f32; 4], [f32; 2]); 4] = [
    ("Where is my order?", [-0.000922, -0.027556, 0.073213, 0.048385], [-0.063962, -0.025287]),
    (
        "could you tell me when my new bank card will arrive",
        [0.000663, -0.049441, -0.021282, -0.004069],
        [-0.025527, -0.050402],
    ),
    ("¿Dónde está mi pedido?", [0.008146, 0.059395, 0.04036, -0.035726], [0.074518, -0.057537]),
    ("我要退款", [-0.047049, 0.108325, 0.008037, 0.051815], [-0.021404, -0.136351]),
];

fn texts(texts: &[&str]) -> BTreeSet<(String, Form)> {
    texts.iter().map(|text| ((*text).to_owned(), Form::Sentence)).collect()
}

#[test]
fn sentences_point_where_the_reference_says() {
    let sentences = loaded();
    for (text, first, last) in REFERENCE {
        let direction = sentences.direction(text);
        assert_eq!(direction.len(), 384, "{text}");
        let ends = direction[..4].iter().chain(&direction[382..]);
        for (found, expected) in ends.zip(first.iter().chain(&last)) {
            assert!((found - expected).abs() < 2e-6, "{text}: {found} rather than {expected}");
        }
    }
}

#[test]
fn meaning_counts_for_more_than_words() {
    let sentences = loaded();
    let cosine = |a: &str, b: &str| -> f32 {
        sentences.direction(a).iter().zip(&*sentences.direction(b)).map(|(x, y)| x * y).sum()
    };
    let near = cosine("my parcel has not arrived", "the delivery is late");
    let far = cosine("my parcel has not arrived", "my parrot has not arrived at school");
    assert!(far < near, "{near} {far}");
}

#[test]
fn what_cannot_be_read_points_nowhere() {
    let sentences = loaded();
    for text in ["", "   ", "🦀🦀🦀", &"\u{1F9FF}".repeat(500)] {
        assert!(sentences.direction(text).iter().all(|x| *x == 0.0), "{text:?}");
        let features = sentences.features(text, Form::Phrase);
        assert!(features.dense.iter().all(|x| x.is_finite()), "{text:?}");
    }
}

#[test]
fn equal_texts_have_equal_bits_whoever_looks_and_when() {
    let (one, other) = (loaded(), loaded());
    let long = "Where is my order? ".repeat(300);
    let said = ["Where is my order?", "我要退款", "a", long.as_str()];
    let never = AtomicBool::new(false);
    assert!(one.study(&texts(&said), &never), "nobody stopped it");
    std::thread::scope(|scope| {
        for text in said {
            let (one, other) = (&one, &other);
            scope.spawn(move || assert_eq!(one.direction(text), other.direction(text), "{text}"));
        }
    });
}

#[test]
fn a_study_that_is_stopped_says_so() {
    let sentences = loaded();
    assert!(!sentences.study(&texts(&["one", "two", "three"]), &AtomicBool::new(true)));
    assert!(sentences.study(&texts(&["one", "two", "three"]), &AtomicBool::new(false)));
}

#[test]
fn the_revision_names_the_weights_and_the_table() {
    let revision = loaded().revision().to_owned();
    assert_eq!(revision, format!("53aa51172d14+{}", vectors().revision()));
}

/// A folder of one's own with the files of the model.
fn copied() -> TempDir {
    let copy = tempfile::tempdir().expect("a folder can be made");
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let copied = std::fs::copy(folder().join(file), copy.path().join(file));
        copied.expect("the model can be copied");
    }
    copy
}

/// The same with other weights.
fn changed(change: impl Fn(&str, &Tensor) -> candle_core::Result<Tensor>) -> TempDir {
    let copy = copied();
    let path = copy.path().join("model.safetensors");
    let mut weights = safetensors::load(&path, &Device::Cpu).expect("the weights can be read");
    for (name, tensor) in &mut weights {
        *tensor = change(name, tensor).expect("the weights can be changed");
    }
    safetensors::save(&weights, &path).expect("the weights can be written");
    copy
}

#[test]
fn weights_of_half_precision_see_almost_the_same() {
    let halved = changed(|_, tensor| match tensor.dtype() {
        DType::F32 => tensor.to_dtype(DType::F16),
        _ => Ok(tensor.clone()),
    });
    let halved = Sentences::load(halved.path(), vectors()).unwrap();
    let (one, other) = (loaded().direction(REFERENCE[0].0), halved.direction(REFERENCE[0].0));
    let cosine: f32 = one.iter().zip(&*other).map(|(x, y)| x * y).sum();
    assert!(0.999 < cosine && cosine < 1.0, "{cosine}");
}

#[test]
fn weights_that_lack_words_of_the_tokenizer_are_refused() {
    let cut = changed(|name, tensor| match name.ends_with("word_embeddings.weight") {
        true => tensor.narrow(0, 0, 30_000)?.contiguous(),
        false => Ok(tensor.clone()),
    });
    let error = Sentences::load(cut.path(), vectors()).unwrap_err();
    assert!(matches!(error, Error::Weights { .. }), "{error}");
}

#[test]
fn a_folder_without_a_model_is_refused_and_says_how_to_get_one() {
    let empty = tempfile::tempdir().unwrap();
    let error = Sentences::load(empty.path(), vectors()).unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    assert!(error.to_string().contains("mesh model pull"), "{error}");
    for (name, content) in
        [("config.json", "[]"), ("tokenizer.json", "{}"), ("model.safetensors", "")]
    {
        let broken = copied();
        std::fs::write(broken.path().join(name), content).unwrap();
        let error = Sentences::load(broken.path(), vectors()).unwrap_err();
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
}
