//! The list of words, read once.

use std::{collections::BTreeMap, sync::OnceLock};

const LEXICON: &str = include_str!("lexicon.txt");

/// What a word does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It has a feeling, in thousandths.
    Weight(i64),
    /// It turns what follows around.
    Not,
    /// It makes what follows so many per cent stronger, or weaker.
    Very(i64),
    /// What follows counts more than what stands before.
    But,
    /// What follows up to the next comma counts less.
    Though,
    /// What is said of one word is said of the next.
    And,
    /// A direction, which a number of per cent makes good (1) or bad (-1).
    Direction(i64),
    /// A phrase whose words mean nothing by themselves.
    None,
}

/// The words and phrases.
pub(super) struct Lexicon {
    words: BTreeMap<String, Entry>,
    /// By first word, longest first: the other words.
    phrases: BTreeMap<String, Vec<(Vec<String>, Entry)>>,
}

impl Lexicon {
    /// The one there is.
    pub(super) fn get() -> &'static Self {
        static LEXICON: OnceLock<Lexicon> = OnceLock::new();
        LEXICON.get_or_init(Lexicon::read)
    }

    /// A word in lower case, an emoji or an emoticon.
    pub(super) fn word(&self, word: &str) -> Option<Entry> {
        self.words.get(word).copied()
    }

    /// The longest phrase that begins with a word: what it does and how many more words it has.
    pub(super) fn phrase<'a>(
        &self,
        first: &str,
        mut rest: impl FnMut(usize) -> Option<&'a str>,
    ) -> Option<(Entry, usize)> {
        let phrases = self.phrases.get(first)?;
        phrases.iter().find_map(|(words, entry)| {
            let fits = words.iter().enumerate().all(|(at, word)| rest(at) == Some(word));
            fits.then_some((*entry, words.len()))
        })
    }

    fn read() -> Self {
        let mut lexicon = Self { words: BTreeMap::new(), phrases: BTreeMap::new() };
        let lines = LEXICON.lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            let mut words = line.split_whitespace();
            let Some(entry) = words.next().and_then(Entry::read) else { continue };
            words.for_each(|word| lexicon.add(word, entry));
        }
        for phrases in lexicon.phrases.values_mut() {
            phrases.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        }
        lexicon
    }

    fn add(&mut self, word: &str, entry: Entry) {
        if !word.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            self.words.insert(word.to_owned(), entry);
        } else if word.contains(['_', '-']) {
            let mut parts = word.split(['_', '-']).map(str::to_owned);
            let first = parts.next().unwrap_or_default();
            self.phrases.entry(first).or_default().push((parts.collect(), entry));
        } else {
            for form in forms(word) {
                self.words.insert(form.to_lowercase(), entry);
            }
        }
    }
}

impl Entry {
    /// The first word of a line.
    fn read(key: &str) -> Option<Self> {
        Some(match key {
            "not" => Self::Not,
            "but" => Self::But,
            "though" => Self::Though,
            "and" => Self::And,
            "up" => Self::Direction(1),
            "down" => Self::Direction(-1),
            "none" => Self::None,
            key => match key.strip_prefix("very") {
                Some(percent) => Self::Very(percent.parse().ok()?),
                None => Self::Weight(key.parse::<i64>().ok()? * 100),
            },
        })
    }
}

/// The forms of a word that is marked as a regular verb.
fn forms(marked: &str) -> Vec<String> {
    let word = marked.trim_end_matches('~');
    let last = word.chars().next_back().unwrap_or(' ');
    let vowel_before = word.chars().rev().nth(1).is_some_and(|c| "aeiou".contains(c));
    let all = |s: &str, ed: &str, ing: &str| {
        vec![word.to_owned(), s.to_owned(), ed.to_owned(), ing.to_owned()]
    };
    let plus = |ending: &str| format!("{word}{ending}");
    if marked == word {
        vec![word.to_owned()]
    } else if marked.ends_with("~~") {
        all(&plus("s"), &format!("{word}{last}ed"), &format!("{word}{last}ing"))
    } else if let Some(root) = word.strip_suffix('e') {
        all(&plus("s"), &plus("d"), &format!("{root}ing"))
    } else if let Some(root) = word.strip_suffix('y').filter(|_| !vowel_before) {
        all(&format!("{root}ies"), &format!("{root}ied"), &plus("ing"))
    } else if ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end)) {
        all(&plus("es"), &plus("ed"), &plus("ing"))
    } else {
        all(&plus("s"), &plus("ed"), &plus("ing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_no_word_has_two_meanings() {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for line in LEXICON.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let mut words = line.split_whitespace();
            let key = words.next().unwrap();
            let entry = Entry::read(key);
            assert!(entry.is_some(), "{key}");
            if let Some(Entry::Weight(weight)) = entry {
                assert!(weight.abs() <= 4000 && weight != 0, "{key}");
            }
            for word in words.flat_map(forms) {
                let plain = word.replace('-', "_");
                let plain = if plain.contains(char::is_alphanumeric) { plain } else { word };
                let before = seen.insert(plain.clone(), key);
                assert!(before.is_none_or(|before| before == key), "{plain}: {before:?}, {key}");
            }
        }
        assert!(seen.len() > 1500, "{}", seen.len());
    }

    #[test]
    fn forms_follow_the_rules_of_spelling() {
        for (marked, wanted) in [
            ("gain~", "gain gains gained gaining"),
            ("love~", "love loves loved loving"),
            ("rally~", "rally rallies rallied rallying"),
            ("annoy~", "annoy annoys annoyed annoying"),
            ("crash~", "crash crashes crashed crashing"),
            ("dip~~", "dip dips dipped dipping"),
            ("good", "good"),
        ] {
            assert_eq!(forms(marked).join(" "), wanted);
        }
    }
}
