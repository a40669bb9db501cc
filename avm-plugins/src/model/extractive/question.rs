//! What a question asks for: its words with weights, and the form of answer it expects.

use super::MAX_QUOTE_CHARS;
use super::bag::Bag;
use super::sentences::Sentence;
use crate::model::words::{Word, concept, is_light, is_stop_word, stem, words};

/// Weight of a whole identifier against a plain word, and of one of its parts.
const IDENTIFIER: f64 = 2.0;
const PART: f64 = 0.3;
/// Weight of a capitalised name, and of a word that says little about the subject ("use", "mean").
const NAME: f64 = 1.5;
const LIGHT: f64 = 0.4;
/// Weight of the word behind "which": it says of what sort the answer is.
const SORT: f64 = 0.6;
/// Words of a question that count; more are most likely not a question.
const MAX_TERMS: usize = 64;

/// One word of the question.
pub(super) struct Term {
    /// The whole word with `=` before it if an identifier or compound, else the stem.
    pub(super) key: String,
    pub(super) identifier: bool,
    /// Weight before rarity.
    pub(super) weight: f64,
    /// Weight of not finding it.
    pub(super) needed: f64,
    /// Stems that mean nearly the same.
    pub(super) related: Vec<&'static str>,
}

/// What a question likes to see in its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Amount,
    Definition,
    Which,
    Reason,
    Time,
    Manner,
    Other,
}

pub(super) struct Question {
    pub(super) terms: Vec<Term>,
    /// Neighbouring words of which each says something.
    pub(super) pairs: Vec<(String, String)>,
    /// What stands in backticks or quotation marks, in lower case.
    phrases: Vec<String>,
    kind: Kind,
    /// True where the question wants to have something counted.
    counts: bool,
    /// True where the question wants to see how something is written.
    code: bool,
}

impl Question {
    pub(super) fn new(text: &str) -> Question {
        let lower = text.to_lowercase();
        let has = |list: &[&str]| list.iter().any(|w| lower.contains(w));
        let terms = terms(text);
        let kind = if has(AMOUNT) {
            Kind::Amount
        } else if has(&["why"]) {
            Kind::Reason
        } else if lower.starts_with("when ") {
            Kind::Time
        } else if has(&["how do", "how can", "how to"]) {
            Kind::Manner
        } else if has(&["which "]) {
            Kind::Which
        } else if has(&["what is", "what are", "what does", "what do", "who"])
            && terms.iter().filter(|t| t.weight >= 1.0).count() == 1
        {
            Kind::Definition
        } else {
            Kind::Other
        };
        let counts = has(&["how many", "how much"]);
        let code = has(&["syntax", "usage", "example", "operand", "written", "write ", "how do i"]);
        let telling = |word: &str| terms.iter().any(|t| t.key == word && t.weight >= SORT);
        let pairs = Bag::new(text)
            .pairs()
            .iter()
            .filter(|(a, b)| telling(a) && telling(b))
            .cloned()
            .collect();
        Question { terms, pairs, phrases: phrases(text), kind, counts, code }
    }

    /// How far the form of a sentence suits the question; around 1.
    pub(super) fn shape(&self, sentence: &Sentence, bag: &Bag) -> f64 {
        let text = sentence.text.as_str();
        let lower = text.to_lowercase();
        let any = |list: &[&str]| list.iter().any(|w| lower.contains(w));
        let mut factor = 1.0;
        // A heading answers only where a name is asked for, and has to have one.
        if sentence.heading
            && !(self.kind == Kind::Which && words(text).iter().any(|w| w.identifier))
        {
            return 0.0;
        }
        if text.len() > MAX_QUOTE_CHARS {
            factor *= 0.7;
        }
        if sentence.code || (text.starts_with('`') && text.ends_with('`')) {
            factor *= if self.code { 1.1 } else { 0.5 };
        }
        if text.ends_with(':') || text.ends_with('?') || bag.len < 3 {
            factor *= 0.5;
        }
        factor *= match self.kind {
            Kind::Amount => self.amount(text),
            Kind::Reason if any(&["because", "so that", "since ", "therefore", "otherwise"]) => 1.3,
            Kind::Time if any(&["when", "after", "before", "until", "once", "while", "if "]) => 1.3,
            Kind::Manner if text.contains('`') || sentence.code => 1.25,
            Kind::Definition => self.defines(text),
            Kind::Which if words(text).iter().any(|w| w.identifier) => 1.2,
            _ => 1.0,
        };
        factor * (1.0 + 0.5 * self.phrases.iter().filter(|p| lower.contains(&**p)).count() as f64)
    }

    /// Prefers a sentence with a number, and most of all one that counts what is asked about.
    fn amount(&self, text: &str) -> f64 {
        let words = words(text);
        let number = |w: &Word| w.is_number() || NUMBERS.contains(&&*w.whole);
        let counted = |pair: &[Word]| {
            let thing = stem(&pair[1].whole);
            number(&pair[0]) && self.terms.iter().any(|t| t.weight >= 1.0 && t.key == thing)
        };
        match words.iter().any(number) {
            true if self.counts && words.windows(2).any(counted) => 1.8,
            true => 1.4,
            false => 0.7,
        }
    }

    /// Prefers `A WORD is a …`, then `A WORD is …`, `WORDs are …` and `WORD: …`.
    fn defines(&self, text: &str) -> f64 {
        let mut tokens = text.split_whitespace().peekable();
        tokens.next_if(|t| ["A", "An", "The", "Every"].contains(t));
        let subject = tokens.next().unwrap_or_default();
        let bag = Bag::new(subject);
        let name = words(subject).iter().any(|w| w.identifier);
        if !self.terms.iter().any(|t| t.weight >= 1.0 && bag.has(&t.key)) {
            return 1.0;
        }
        match (tokens.next(), tokens.next()) {
            // "NAME is an effect" says of what sort it is, not what it does.
            (Some("is"), Some("a" | "an" | "the")) if name => 1.0,
            (Some("is" | "are" | "means"), Some("a" | "an" | "the")) => 2.2,
            (Some("is" | "are" | "means" | "does"), _) => 1.5,
            _ if subject.ends_with(':') => 2.2,
            _ => 1.0,
        }
    }
}

/// Beginnings of questions that want a number.
const AMOUNT: &[&str] = &[
    "how much",
    "how many",
    "how long",
    "how large",
    "how big",
    "how deep",
    "how high",
    "how far",
    "how often",
    "how fast",
    "how expensive",
    "cost",
    "price",
    "limit",
    "maximum",
    "largest",
    "the size of",
    "number of",
    "longest",
];

/// Numbers as words; "one" is mostly none.
const NUMBERS: &[&str] = &[
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "hundred", "thousand",
    "million",
];

fn terms(question: &str) -> Vec<Term> {
    let mut out: Vec<Term> = Vec::new();
    let mut add = |key: String, identifier: bool, weight: f64, needed: f64| {
        if let Some(known) = out.iter_mut().find(|t| t.key == key) {
            known.weight = known.weight.max(weight);
        } else if out.len() < MAX_TERMS {
            let related = concept(&key).filter(|w| *w != key && !identifier).collect();
            out.push(Term { key, identifier, weight, needed, related });
        }
    };
    let mut before = String::new();
    for (at, word) in words(question).into_iter().take(4 * MAX_TERMS).enumerate() {
        let sort = before == "which";
        // "How large …" is answered with a number; few sentences call it large.
        let degree = before == "how";
        before.clone_from(&word.whole);
        let compound = word.identifier || word.parts.len() > 1;
        if compound {
            add(format!("={}", word.whole), word.identifier, IDENTIFIER, IDENTIFIER);
        }
        for part in word.parts.iter().filter(|p| !is_stop_word(p)) {
            let stemmed = stem(part);
            let (weight, needed) = if compound {
                (PART, 0.0)
            } else if at > 0 && word.capital {
                (NAME, NAME)
            } else if degree || is_light(&stemmed) {
                (LIGHT, 0.0)
            } else if sort {
                (SORT, 1.0)
            } else {
                (1.0, 1.0)
            };
            add(stemmed, false, weight, needed);
        }
    }
    let asks = question.to_lowercase();
    for (form, stem, weight) in FORMS {
        if asks.contains(form) {
            add((*stem).to_owned(), false, *weight, 0.0);
        }
    }
    out
}

/// Forms of questions that ask for a word they do not contain.
const FORMS: &[(&str, &str, f64)] = &[
    ("how much is", "cost", 0.4),
    ("how much do", "cost", 0.4),
    ("how expensive", "cost", 1.0),
    ("how large", "siz", 0.6),
    ("how big", "siz", 0.6),
    ("how long", "siz", 0.4),
    ("how deep", "limit", 0.6),
    (" may ", "limit", 0.6),
    (" can ", "limit", 0.4),
];

fn phrases(question: &str) -> Vec<String> {
    let mut out = Vec::new();
    for mark in ['`', '"'] {
        let inner = question.split(mark).skip(1).step_by(2).take(4);
        out.extend(inner.map(|p| p.trim().to_lowercase()).filter(|p| p.len() > 2));
    }
    out
}
