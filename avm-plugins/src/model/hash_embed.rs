//! `builtin:hash-embed`: text to a vector by feature hashing.
//!
//! What it is: a bag of words, word pairs and character n-grams, each hashed with a sign into one of
//! [`DIMENSIONS`] places (Weinberger et al. 2009), then scaled to length 1. Texts that share words,
//! identifiers or word parts get a high cosine. A short fixed list of concepts lets "price",
//! "cost" and "gas" meet. What it is not: a trained model. It knows no other synonyms and no
//! meaning; word order counts only within pairs.
//!
//! The result is bit-identical on every CPU: the features are summed in the order of their hashes,
//! only `+ - * /` and square root are used (exact in IEEE 754), and nothing is fused. Changing any
//! constant here makes stored vectors incomparable, so a test pins the result.

use super::words::{concept, is_stop_word, stem, words};

/// Name under which programs select this model.
pub const NAME: &str = "builtin:hash-embed";

/// Number of components of every vector.
pub const DIMENSIONS: usize = 384;

/// Only this many leading bytes of a text are embedded (1 MiB), which bounds time and memory.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// Characters of one word that yield n-grams; longer words are most likely data, not language.
const MAX_NGRAM_CHARS: usize = 40;

/// Kinds of feature. The number seeds the hash, so that equal texts of different kinds are apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Identifier = 1,
    Word = 2,
    Pair = 3,
    Ngram = 4,
    Concept = 5,
}

impl Kind {
    /// Weight of one occurrence. An exact identifier says most about the subject of a text,
    /// but above about 3 a text that merely lists names beats the one that explains them.
    fn weight(self) -> f64 {
        match self {
            Kind::Identifier => 2.5,
            Kind::Word => 1.0,
            Kind::Pair => 0.5,
            Kind::Ngram => 0.2,
            Kind::Concept => 1.0,
        }
    }
}

/// Embeds `text` into [`DIMENSIONS`] components of length 1; a text without words gives zeros.
pub fn embed(text: &str) -> Vec<f32> {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut features = features(&text[..end]);
    features.sort_unstable();
    let mut sums = [0f64; DIMENSIONS];
    for run in features.chunk_by(|a, b| a == b) {
        let (hash, kind) = run[0];
        // The square root makes the tenth mention of a word count less than the first.
        let value = kind.weight() * (run.len() as f64).sqrt();
        let place = ((hash >> 32) * DIMENSIONS as u64) >> 32;
        sums[place as usize] += if hash & 1 == 0 { value } else { -value };
    }
    let length = sums.iter().fold(0f64, |sum, x| sum + x * x).sqrt();
    if length == 0.0 {
        return vec![0.0; DIMENSIONS];
    }
    sums.iter().map(|x| (x / length) as f32).collect()
}

fn features(text: &str) -> Vec<(u64, Kind)> {
    let mut out = Vec::new();
    let mut before: Option<String> = None;
    for word in words(text) {
        if word.identifier || word.parts.len() > 1 {
            out.push((hash(Kind::Identifier, &[&word.whole]), Kind::Identifier));
        }
        for part in &word.parts {
            if is_stop_word(part) {
                continue;
            }
            let stemmed = stem(part);
            out.push((hash(Kind::Word, &[&stemmed]), Kind::Word));
            if let Some(before) = &before {
                out.push((hash(Kind::Pair, &[before, " ", &stemmed]), Kind::Pair));
            }
            if let Some(first) = concept(&stemmed).first() {
                out.push((hash(Kind::Concept, &[first]), Kind::Concept));
            }
            ngrams(&stemmed, &mut out);
            before = Some(stemmed);
        }
    }
    out
}

/// Adds the 3-, 4- and 5-grams of `<word>`; the marks tell beginnings and ends from middles.
fn ngrams(word: &str, out: &mut Vec<(u64, Kind)>) {
    let mut padded = String::with_capacity(word.len() + 2);
    padded.push('<');
    padded.extend(word.chars().take(MAX_NGRAM_CHARS));
    padded.push('>');
    let bounds: Vec<usize> =
        padded.char_indices().map(|(at, _)| at).chain([padded.len()]).collect();
    for n in 3..=5 {
        for window in bounds.windows(n + 1) {
            out.push((hash(Kind::Ngram, &[&padded[window[0]..window[n]]]), Kind::Ngram));
        }
    }
}

/// FNV-1a over the kind and the pieces, then the finaliser of SplitMix64, because FNV alone leaves
/// the high bits of short inputs, which choose the place, poorly mixed.
fn hash(kind: Kind, pieces: &[&str]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325u64;
    let mut step = |byte: u8| h = (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    step(kind as u8);
    for piece in pieces {
        piece.bytes().for_each(&mut step);
    }
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::vector::cosine;

    #[test]
    fn empty_text_is_zero() {
        for text in ["", "  \n", "the of and", "!?"] {
            assert!(embed(text).iter().all(|&x| x == 0.0), "{text:?}");
        }
    }

    #[test]
    fn vectors_are_pinned() {
        let mut hasher = blake3::Hasher::new();
        for text in [
            "The quick brown fox jumps over the lazy dog.",
            "SELF_MODIFY costs 50 gas plus 0.5 per instruction of the new code.",
            "Größe und Länge: naïve café, 東京タワー, --gas 100",
        ] {
            for x in embed(text) {
                hasher.update(&x.to_le_bytes());
            }
        }
        let pinned = "291b81688b9c7e6eefbc7823528a455156efd90473aa76cdececbc17cdf87995";
        assert_eq!(hasher.finalize().to_hex().as_str(), pinned);
    }

    #[test]
    fn length_is_one_and_overlap_ranks() {
        let q = embed("What does SELF_MODIFY cost?");
        let near = embed("SELF_MODIFY costs 50 gas plus half of the size of the code.");
        let far = embed("KV_STORE keeps a value under a key.");
        let length: f64 = q.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
        assert!((length - 1.0).abs() < 1e-6);
        assert!(cosine(&q, &near) > cosine(&q, &far) + 0.2);
    }

    #[test]
    fn long_input_is_bounded() {
        let text = "é".repeat(MAX_TEXT_BYTES);
        assert_eq!(embed(&text).len(), DIMENSIONS);
    }
}
