//! `builtin:hash-embed`: text to a vector by feature hashing.
//!
//! What it is: a bag of words, word pairs and character n-grams, each hashed with signs into some of
//! [`DIMENSIONS`] places (Weinberger et al. 2009), then scaled to length 1. Texts that share words,
//! identifiers or word parts get a high cosine. A short fixed list of concepts lets "price",
//! "cost" and "gas" meet. What it is not: a trained model. It knows no other synonyms and no
//! meaning; word order counts only within pairs.
//!
//! The result is bit-identical on every CPU: the features are summed in the order of their hashes,
//! only `+ - * /` and square root are used (exact in IEEE 754), and nothing is fused. Changing any
//! constant here makes stored vectors incomparable, so a test pins the result.

use super::words::{Word, concepts, is_stop_word, stem, telling, words};

/// Name under which programs select this model.
pub const NAME: &str = "builtin:hash-embed";

/// Number of components of every vector.
pub const DIMENSIONS: usize = 768;

/// Only this many leading bytes of a text are embedded (1 MiB), which bounds time and memory.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// Characters of one word that yield n-grams; longer words are most likely data, not language.
const MAX_NGRAM_CHARS: usize = 40;

/// Places of the vector that one feature goes to. With one, two features that meet by chance look
/// equal; with more they look a little alike.
const PLACES: u32 = 4;

/// Kinds of feature. The number seeds the hash, so that equal texts of different kinds are apart.
#[derive(Clone, Copy)]
enum Kind {
    Identifier = 1,
    Word = 2,
    Pair = 3,
    Ngram = 4,
    Concept = 5,
    Subject = 6,
    Count = 7,
}

impl Kind {
    /// Weight of one occurrence, in hundredths. An exact identifier says most about the subject of a
    /// text, but above about 300 a text that merely lists names beats the one that explains them.
    fn weight(self) -> f64 {
        match self {
            Kind::Identifier => 250.0,
            Kind::Word => 100.0,
            Kind::Pair => 50.0,
            Kind::Ngram => 20.0,
            Kind::Concept => 80.0,
            Kind::Subject | Kind::Count => 100.0,
        }
    }
}

/// A hashed feature and its weight in hundredths; equal hashes mean equal features.
type Feature = (u64, u32);

/// Embeds `text` into [`DIMENSIONS`] components of length 1; a text without words gives zeros.
pub fn embed(text: &str) -> Vec<f32> {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut features = Features::default();
    features.read(&text[..end]);
    let mut features = features.found;
    features.sort_unstable();
    let mut sums = [0f64; DIMENSIONS];
    for run in features.chunk_by(|a, b| a == b) {
        let (hash, weight) = run[0];
        // The square root makes the tenth mention of a word count less than the first.
        let value = f64::from(weight) * (run.len() as f64).sqrt();
        for turn in 0..PLACES {
            // Each place takes its own bits of the hash, the sign its own too.
            let bits = hash.rotate_left(turn * 16);
            let place = ((bits >> 32) * DIMENSIONS as u64) >> 32;
            sums[place as usize] += if hash >> turn & 1 == 0 { value } else { -value };
        }
    }
    let length = sums.iter().fold(0f64, |sum, x| sum + x * x).sqrt();
    if length == 0.0 {
        return vec![0.0; DIMENSIONS];
    }
    sums.iter().map(|x| (x / length) as f32).collect()
}

#[derive(Default)]
struct Features {
    found: Vec<Feature>,
}

impl Features {
    fn add(&mut self, kind: Kind, pieces: &[&str], part: f64) {
        self.found.push((hash(kind, pieces), (kind.weight() * part) as u32));
    }

    fn read(&mut self, text: &str) {
        let words = words(text);
        let mut before: Option<(String, f64)> = None;
        for (at, word) in words.iter().enumerate() {
            let compound = word.identifier || word.parts.len() > 1;
            if compound {
                self.add(Kind::Identifier, &[&word.whole], 1.0);
            }
            for part in word.parts.iter().filter(|part| !is_stop_word(part)) {
                let stemmed = stem(part);
                let telling = telling(&stemmed);
                self.add(Kind::Word, &[&stemmed], telling);
                if let Some((before, part)) = &before {
                    self.add(Kind::Pair, &[before, " ", &stemmed], telling.max(*part));
                }
                for group in concepts(&stemmed) {
                    self.add(Kind::Concept, &[group], 1.0);
                }
                self.ngrams(&stemmed, telling);
                before = Some((stemmed, telling));
            }
            if let Some(subject) = subject(&words[at..]) {
                self.add(Kind::Subject, &[&stem(subject)], 1.0);
            }
            if let Some(counted) = counted(&words[at..]) {
                self.add(Kind::Count, &[&stem(counted)], 1.0);
            }
        }
    }

    /// Adds the 3-, 4- and 5-grams of `<word>`; the marks tell beginnings and ends from middles.
    fn ngrams(&mut self, word: &str, part: f64) {
        let mut padded = String::with_capacity(word.len() + 2);
        padded.push('<');
        padded.extend(word.chars().take(MAX_NGRAM_CHARS));
        padded.push('>');
        let bounds: Vec<usize> =
            padded.char_indices().map(|(at, _)| at).chain([padded.len()]).collect();
        for n in 3..=5 {
            for window in bounds.windows(n + 1) {
                self.add(Kind::Ngram, &[&padded[window[0]..window[n]]], part);
            }
        }
    }
}

/// What a text defines or a question wants defined, where the words begin with it: `a region is`,
/// `what is a region`, `what a region is`.
fn subject(words: &[Word]) -> Option<&str> {
    let word = |at: usize| words.get(at).map_or("", |w| w.whole.as_str());
    let (article, is) = (|w| ["a", "an", "the"].contains(&w), |w| ["is", "are"].contains(&w));
    if article(word(0)) && is(word(2)) {
        Some(word(1))
    } else if word(0) == "what" && is(word(1)) {
        Some(if article(word(2)) { word(3) } else { word(2) })
    } else {
        None
    }
}

/// What a text counts or a question wants counted: `200 registers`, `how many registers`.
fn counted(words: &[Word]) -> Option<&str> {
    match words {
        [how, many, thing, ..] if how.whole == "how" && many.whole == "many" => Some(&thing.whole),
        [number, thing, ..] if number.is_number() && !thing.is_number() => Some(&thing.whole),
        _ => None,
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
        let pinned = "36526c677acfc37589883254ca060a48b2d280ec7cc42efb5bcff878b77b84ec";
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
