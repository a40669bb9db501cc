//! The weight of a sentence: its words, and how they change one another.

use crate::model::words::is_stop_word;

use super::{
    lexicon::{Entry, Lexicon},
    tokens::{Sentence, Token, Word, shortened},
};

/// So many words with a meaning of their own may stand between "not" and what it turns around.
const NOT_REACHES: u32 = 3;
/// The same for "very".
const VERY_REACHES: u32 = 1;
/// The same for "up" and a number of per cent.
const DIRECTION_REACHES: u32 = 2;
/// Thousandths of a number of per cent.
const PERCENT: i64 = 1500;

/// What was said earlier in the clause and still has an effect.
#[derive(Default)]
struct Clause {
    /// Words since "not", and how strong it is in per cent.
    not: Option<(u32, i64)>,
    /// Words since "very", and how strong it makes what follows in per cent.
    very: Option<(u32, i64)>,
    direction: Option<(u32, i64)>,
    /// The effect of the words above has been used; "and" revives it.
    spent: bool,
}

impl Clause {
    /// A word passed that has no effect of its own.
    fn pass(&mut self) {
        fn age<T>(said: &mut Option<(u32, T)>, reach: u32) {
            if let Some((age, _)) = said {
                *age += 1;
                if *age > reach {
                    *said = None;
                }
            }
        }
        age(&mut self.not, NOT_REACHES);
        age(&mut self.very, VERY_REACHES);
        age(&mut self.direction, DIRECTION_REACHES);
        if self.spent {
            *self = Self::default();
        }
    }

    fn not(&mut self) {
        // "never not good" is good; "really not good" is worse than "not good".
        let strength = self.very.take().map_or(100, |(_, very)| very.max(100));
        self.not = match self.not {
            Some(_) if !self.spent => None,
            _ => Some((0, strength)),
        };
        self.spent = false;
    }

    fn very(&mut self, percent: i64) {
        if self.spent {
            *self = Self::default();
        }
        let before = self.very.map_or(100, |(_, very)| very);
        self.very = Some((0, (before * (100 + percent) / 100).clamp(40, 220)));
    }

    /// A word of a weight.
    fn weigh(&mut self, weight: i64) -> i64 {
        if self.spent {
            *self = Self::default();
        }
        self.spent = true;
        let very = self.very.map_or(100, |(_, very)| very);
        match self.not {
            None => weight * very / 100,
            Some((_, strength)) => {
                // "not bad" is less good than "not good" is bad, "not very good" less bad still.
                let turned = if weight > 0 { -weight * 3 / 4 } else { -weight / 2 };
                let turned = if very > 100 { turned * 2 / 3 } else { turned };
                turned * strength / 100
            }
        }
    }
}

/// The weight of a sentence, in thousandths.
pub(super) fn sentence(sentence: &Sentence) -> i64 {
    let mut reader = Weigher::default();
    let tokens = &sentence.tokens;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            Token::Break => reader.stop(),
            Token::Percent(sign) => reader.percent(*sign),
            Token::Face(face) => reader.face(face, at > 1 && tokens.get(at - 2) == Some(token)),
            Token::Word(word) => {
                let rest = |ahead: usize| match tokens.get(at + ahead) {
                    Some(Token::Word(word)) => Some(word.text.as_str()),
                    _ => None,
                };
                let stands_out = word.capitals && sentence.lower;
                match Lexicon::get().phrase(&word.text, rest) {
                    Some((entry, more)) => {
                        reader.entry(entry, stands_out, false);
                        at += more;
                    }
                    None => reader.word(word, stands_out),
                }
            }
        }
    }
    let marks = sentence.exclamations.min(3);
    let sum = reader.total() * (10 + marks) / 10;
    if sentence.question && marks == 0 { sum * 3 / 4 } else { sum }
}

#[derive(Default)]
struct Weigher {
    clause: Clause,
    /// The sum before the last "but", halved.
    before: i64,
    /// The sum since then.
    sum: i64,
    /// Whether there was a "but" after something with a weight.
    but: bool,
    /// What stands after "although" up to the next comma.
    though: Option<i64>,
    /// How often the last emoji has been repeated.
    repeated: u32,
}

impl Weigher {
    fn word(&mut self, word: &Word, stands_out: bool) {
        let lexicon = Lexicon::get();
        let mut entry = lexicon.word(&word.text);
        if entry.is_none() && word.drawn_out {
            entry = [2, 1].iter().find_map(|most| lexicon.word(&shortened(&word.text, *most)));
        }
        match entry {
            Some(entry) => self.entry(entry, stands_out, word.drawn_out),
            None if word.text.ends_with("n't") => self.clause.not(),
            // Words of grammar do not carry a reader away from what "not" was about.
            None if is_stop_word(&word.text) => {}
            None => self.clause.pass(),
        }
    }

    fn entry(&mut self, entry: Entry, stands_out: bool, drawn_out: bool) {
        match entry {
            Entry::Weight(weight) => {
                let weight = self.clause.weigh(weight);
                let weight = if stands_out { weight * 5 / 4 } else { weight };
                self.add(if drawn_out { weight * 23 / 20 } else { weight });
            }
            Entry::Not => self.clause.not(),
            Entry::Very(percent) => {
                // "veeery" and "VERY" are stronger; a weak word stays weak.
                let more = if (stands_out || drawn_out) && percent > 0 { 10 } else { 0 };
                self.clause.very(percent + more);
            }
            Entry::But => {
                self.stop();
                if self.sum != 0 || self.before != 0 {
                    self.before = (self.before + self.sum) / 2;
                    self.sum = 0;
                    self.but = true;
                }
            }
            Entry::Though => {
                self.stop();
                self.though = Some(0);
            }
            Entry::And => self.clause.spent = false,
            Entry::Direction(sign) => self.clause.direction = Some((0, sign)),
            Entry::None => self.clause.pass(),
        }
    }

    fn percent(&mut self, sign: i64) {
        let said = self.clause.direction.map_or(0, |(_, said)| said);
        let sign = if sign == 0 { said } else { sign };
        if sign == 0 {
            self.clause.pass();
        } else {
            let weight = self.clause.weigh(sign * PERCENT);
            self.add(weight);
        }
    }

    fn face(&mut self, face: &str, again: bool) {
        self.repeated = if again { self.repeated + 1 } else { 0 };
        if let Some(Entry::Weight(weight)) = Lexicon::get().word(face) {
            // The second of a row says half as much as the first, the fifth nothing.
            if self.repeated < 4 {
                self.add(weight / (1 << self.repeated));
            }
        }
    }

    fn add(&mut self, weight: i64) {
        match &mut self.though {
            Some(though) => *though += weight,
            None => self.sum += weight,
        }
    }

    /// The end of a clause.
    fn stop(&mut self) {
        self.clause = Clause::default();
        if let Some(though) = self.though.take() {
            self.sum += though / 2;
        }
    }

    fn total(mut self) -> i64 {
        self.stop();
        if self.but { self.before + self.sum * 3 / 2 } else { self.sum }
    }
}
