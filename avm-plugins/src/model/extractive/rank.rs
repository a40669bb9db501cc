//! Which sentences answer the question.

use super::MAX_QUOTES;
use super::input::Input;
use super::sentences::Sentence;
use crate::model::words::{concept, is_stop_word, stem, words};
use std::collections::{BTreeMap, BTreeSet};

/// The usual constants of BM25: how soon repetition saturates, how much length counts.
const K1: f64 = 1.2;
const B: f64 = 0.5;

/// Weight of a whole identifier against a plain word, and of one of its parts.
const IDENTIFIER: f64 = 4.0;
const PART: f64 = 0.5;
/// Weight of a word that stands for a word of the question ("gas" for "cost").
const RELATED: f64 = 0.6;
/// Part of a word's weight that counts if it stands in the title instead of in the sentence.
const TITLE: f64 = 0.4;
/// Part that counts if it stands elsewhere in the passage.
const NEARBY: f64 = 0.15;

/// The question is refused if the best sentence and its surroundings cover less of its weight.
const MIN_COVERAGE: f64 = 0.35;
/// Further sentences need this part of the score of the best.
const FURTHER: f64 = 0.6;
/// Words of a question that count; more are most likely not a question.
const MAX_QUESTION_TERMS: usize = 64;

/// One word of the question.
struct Term {
    /// The whole word if an identifier, else the stem.
    key: String,
    identifier: bool,
    /// Weight before rarity.
    weight: f64,
    related: Vec<String>,
}

/// The words of a text as the ranking sees them: stems and whole identifiers, with counts.
#[derive(Default)]
struct Bag {
    counts: BTreeMap<String, u32>,
    len: u32,
}

impl Bag {
    fn new(text: &str) -> Bag {
        let mut bag = Bag::default();
        for word in words(text) {
            let compound = word.identifier || word.parts.len() > 1;
            for part in &word.parts {
                *bag.counts.entry(stem(part)).or_default() += 1;
            }
            if compound {
                *bag.counts.entry(format!("={}", word.whole)).or_default() += 1;
            }
            bag.len += 1;
        }
        bag
    }

    fn count(&self, key: &str) -> f64 {
        f64::from(self.counts.get(key).copied().unwrap_or(0))
    }
}

/// What a question of this kind likes to see in a sentence.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Amount,
    Definition,
    Reason,
    Time,
    Manner,
    Other,
}

/// Indices of the sentences to quote, best first; none if the question is not answered.
pub(super) fn choose(input: &Input<'_>, sentences: &[Sentence]) -> Vec<usize> {
    let terms = terms(input.question);
    if terms.is_empty() || sentences.is_empty() {
        return Vec::new();
    }
    let bags: Vec<Bag> = sentences.iter().map(|s| Bag::new(&s.text)).collect();
    let titles: Vec<Bag> = input.passages.iter().map(|p| Bag::new(p.title)).collect();
    let mut bodies: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); titles.len()];
    for (sentence, bag) in sentences.iter().zip(&bags) {
        bodies[sentence.passage].extend(bag.counts.keys().map(String::as_str));
    }
    let known = |key: &str| {
        bodies.iter().any(|b| b.contains(key)) || titles.iter().any(|t| t.count(key) > 0.0)
    };
    // A question about a name that the passages never mention is about something else.
    let names: Vec<&Term> = terms.iter().filter(|t| t.identifier).collect();
    if !names.is_empty() && !names.iter().any(|t| known(&t.key)) {
        return Vec::new();
    }

    let number = bags.len() as f64;
    let rarity: Vec<f64> = terms
        .iter()
        .map(|t| {
            let with = bags.iter().filter(|b| b.count(&t.key) > 0.0).count() as f64;
            t.weight * libm::log(1.0 + (number - with + 0.5) / (with + 0.5))
        })
        .collect();
    let total: f64 = rarity.iter().sum();
    let average = bags.iter().map(|b| f64::from(b.len)).sum::<f64>() / number;
    let kind = kind(input.question);
    let phrases = phrases(input.question);

    let mut scored: Vec<(f64, f64, usize)> = Vec::new();
    for (at, (sentence, bag)) in sentences.iter().zip(&bags).enumerate() {
        let (title, body) = (&titles[sentence.passage], &bodies[sentence.passage]);
        let (mut score, mut covered, mut own) = (0.0, 0.0, false);
        for (term, weight) in terms.iter().zip(&rarity) {
            let related = |bag: &Bag| term.related.iter().map(|r| bag.count(r)).fold(0.0, f64::max);
            let (count, part) = match bag.count(&term.key) {
                count if count > 0.0 => (count, 1.0),
                _ => (related(bag), RELATED),
            };
            if count > 0.0 {
                let length = 1.0 - B + B * f64::from(bag.len) / average;
                score += part * weight * count * (K1 + 1.0) / (count + K1 * length);
                covered += part * weight;
                own = true;
            } else if title.count(&term.key) > 0.0 {
                score += TITLE * weight;
                covered += weight;
            } else if related(title) > 0.0 {
                score += TITLE * RELATED * weight;
                covered += RELATED * weight;
            } else if body.contains(term.key.as_str()) {
                score += NEARBY * weight;
                covered += 0.5 * weight;
            }
        }
        if own {
            score *= shape(kind, sentence, &terms);
            let lower = sentence.text.to_lowercase();
            score *= 1.0 + 0.5 * phrases.iter().filter(|p| lower.contains(&**p)).count() as f64;
            scored.push((score, covered / total, at));
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
    let Some(&(best, coverage, _)) = scored.first() else { return Vec::new() };
    if coverage < MIN_COVERAGE {
        return Vec::new();
    }
    let mut quotes: Vec<usize> = Vec::new();
    for &(score, _, at) in scored.iter().take(32) {
        if quotes.len() == MAX_QUOTES || score < FURTHER * best {
            break;
        }
        if !quotes.iter().any(|&q| repeats(&bags[q], &bags[at])) {
            quotes.push(at);
        }
    }
    quotes
}

fn terms(question: &str) -> Vec<Term> {
    let mut out: Vec<Term> = Vec::new();
    let mut add = |key: String, identifier: bool, weight: f64| {
        if out.len() < MAX_QUESTION_TERMS && !out.iter().any(|t| t.key == key) {
            let group = if identifier { &[] } else { concept(&key) };
            let related = group.iter().filter(|w| **w != key).map(|w| (*w).to_owned()).collect();
            out.push(Term { key, identifier, weight, related });
        }
    };
    for word in words(question).into_iter().take(4 * MAX_QUESTION_TERMS) {
        let compound = word.identifier || word.parts.len() > 1;
        if compound {
            add(format!("={}", word.whole), word.identifier, IDENTIFIER);
        }
        for part in word.parts.iter().filter(|p| !is_stop_word(p)) {
            add(stem(part), false, if compound { PART } else { 1.0 });
        }
    }
    let asks = question.to_lowercase();
    if asks.contains("how much") || asks.contains("how expensive") {
        add("cost".to_owned(), false, RELATED);
    }
    out
}

/// What stands in backticks or quotation marks in the question, in lower case.
fn phrases(question: &str) -> Vec<String> {
    let mut out = Vec::new();
    for mark in ['`', '"'] {
        let inner = question.split(mark).skip(1).step_by(2).take(4);
        out.extend(inner.map(|p| p.trim().to_lowercase()).filter(|p| p.len() > 2));
    }
    out
}

fn kind(question: &str) -> Kind {
    let q = question.to_lowercase();
    let has = |list: &[&str]| list.iter().any(|w| q.contains(w));
    if has(&[
        "how much",
        "how many",
        "how long",
        "how large",
        "how big",
        "cost",
        "price",
        "gas",
        "limit",
    ]) {
        Kind::Amount
    } else if has(&["why"]) {
        Kind::Reason
    } else if has(&["when"]) {
        Kind::Time
    } else if has(&["how do", "how can", "how to"]) {
        Kind::Manner
    } else if has(&["what is", "what are", "what does", "what do", "which", "who"]) {
        Kind::Definition
    } else {
        Kind::Other
    }
}

/// How far the form of the sentence suits the kind of question; around 1.
fn shape(kind: Kind, sentence: &Sentence, terms: &[Term]) -> f64 {
    let text = &sentence.text;
    let lower = text.to_lowercase();
    let any = |list: &[&str]| list.iter().any(|w| lower.contains(w));
    let code = if sentence.code { 0.8 } else { 1.0 };
    let fits = match kind {
        Kind::Amount => words(text).iter().any(|w| w.is_number()),
        Kind::Reason => any(&["because", "so that", "since ", "therefore", "otherwise"]),
        Kind::Time => any(&["when", "after", "before", "until", "once", "while", "if "]),
        Kind::Manner => return if text.contains('`') || sentence.code { 1.25 } else { 1.0 },
        Kind::Definition => {
            let first = Bag::new(text.split_whitespace().next().unwrap_or_default());
            !sentence.code && terms.iter().any(|t| first.count(&t.key) > 0.0)
        }
        Kind::Other => false,
    };
    if fits { 1.3 * code } else { code }
}

/// True where one sentence says little that the other does not: most of its words are shared.
fn repeats(a: &Bag, b: &Bag) -> bool {
    let shared = a.counts.keys().filter(|k| b.counts.contains_key(*k)).count();
    10 * shared >= 7 * a.counts.len().min(b.counts.len()).max(1)
}
