//! What a message says, as far as it takes to tell whether it was said before: hashes of the beginnings of
//! its words, and its numbers and other data beside them. No language is known here.

use alloc::vec::Vec;

use avm_ir::{
    Value,
    value::{HandleKind, Text},
};

/// Most bytes of text of a message that are looked at word by word; a text beyond that is data.
const MOST_TEXT: usize = 1 << 16;
/// Groups of numbers that are looked at one by one; numbers with no word between them are one.
pub(super) const GROUPS: usize = 4;
/// Characters of a word that count: what comes behind them is mostly its ending.
const BEGINNING: usize = 6;
/// From so many words on a text is more than a label.
const PROSE: u32 = 3;

/// Mixes a number into a hash.
pub(super) const fn mix(hash: u64, value: u64) -> u64 {
    let mixed = (hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// A hash in half as many bits.
pub(super) const fn short(hash: u64) -> u32 {
    let mixed = hash.wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed >> 32) as u32
}

fn mix_bytes(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        hash = mix(hash, u64::from_le_bytes(eight));
    }
    let rest = chunks.remainder().iter().fold(1, |rest, byte| rest << 8 | u64::from(*byte));
    mix(mix(hash, rest), bytes.len() as u64)
}

/// Numbers among words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    /// The first groups, each as one number: so times and versions rise where their parts do.
    pub(super) groups: [u128; GROUPS],
    /// Hash of all.
    pub(super) hash: u64,
}

/// What a message says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Hashes of words, sorted, each once.
    pub(super) words: Vec<u32>,
    /// Hash of everything in its order, but for numbers.
    pub(super) print: u32,
    /// Numbers among words.
    pub(super) numbers: Numbers,
    /// How many there are.
    pub(super) counted: u32,
    /// Hash of words that are no words: identifiers, parts of times.
    pub(super) serials: u64,
    /// Hash of what is neither: numbers without words, bytes, vectors.
    pub(super) data: Option<u32>,
    /// Whether it says nothing by words and is no record: a tick, a token, a bool.
    pub(super) is_signal: bool,
}

impl Said {
    /// What a message of a name says.
    pub(super) fn of(name: &Text, data: &Value) -> Self {
        let mut reader = Reader { room: MOST_TEXT, ..Reader::default() };
        reader.text(name);
        let named = reader.said.words.len();
        (reader.prose, reader.texts) = (0, false);
        reader.value(data);
        let Reader { mut said, mut print, prose, values, held, first, mut data, texts, .. } =
            reader;
        let mut group = reader.group;
        // A number beside a text belongs to the text, as one within it does. Many are what is said.
        if held > 0 && prose >= PROSE && held <= GROUPS as u32 {
            for number in &first[..held as usize] {
                group.end();
                said.number(&mut group, *number);
            }
        } else if held > 0 {
            data = Some(mix(data.unwrap_or_default(), values));
        }
        said.data = data.map(short);
        said.is_signal = named <= 1 && !texts;
        print = mix(print, u64::from(said.counted > 0));
        said.print = short(print);
        said.words.sort_unstable();
        said.words.dedup();
        said
    }

    fn number(&mut self, group: &mut Group, number: u64) {
        self.counted += 1;
        self.numbers.hash = mix(self.numbers.hash, number);
        // A first part of 48 bits, and five of 16 each, of which the first digits count.
        let (bits, shift) = match group.parts {
            0 => (48, 80),
            parts @ 1..=5 => (16, 80 - 16 * parts),
            _ => return,
        };
        let mut part = number;
        while part >> bits > 0 {
            part /= 10;
        }
        if let Some(place) = self.numbers.groups.get_mut(group.number) {
            *place |= u128::from(part) << shift;
        }
        group.parts += 1;
    }

    /// Whether it is one word and nothing else.
    pub(super) fn is_word(&self) -> bool {
        self.words.len() == 1 && self.counted == 0 && self.serials == 0 && self.data.is_none()
    }
}

/// Where the next number belongs.
#[derive(Default)]
struct Group {
    number: usize,
    parts: u32,
}

impl Group {
    /// The next number is of another one.
    fn end(&mut self) {
        if self.parts > 0 {
            (self.number, self.parts) = (self.number + 1, 0);
        }
    }
}

#[derive(Default)]
struct Reader {
    said: Said,
    print: u64,
    /// Words of texts so far.
    prose: u32,
    /// Bytes of text that are still looked at.
    room: usize,
    /// Numbers that stand by themselves: their hash, how many, and the first ones.
    values: u64,
    held: u32,
    first: [u64; GROUPS],
    /// The group of numbers within a text.
    group: Group,
    /// Hash of what else there is.
    data: Option<u64>,
    /// Whether there are texts or records.
    texts: bool,
}

impl Reader {
    /// Values nest to a depth that they bound themselves.
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.print = mix(self.print, 1),
            Value::Bool(bool) => self.datum(2 + u64::from(*bool)),
            Value::Int(number) => self.held_number(number.cast_unsigned() ^ 1 << 63),
            Value::Float(number) => {
                let bits = number.to_bits();
                // In the order of the numbers.
                self.held_number(if bits >> 63 == 1 { !bits } else { bits | 1 << 63 });
            }
            // Each request has another number.
            Value::Handle(HandleKind::Request, _) => self.print = mix(self.print, 4),
            Value::Handle(kind, number) => self.datum(mix(5 + *kind as u64, *number)),
            Value::Text(text) => self.text(text),
            Value::Bytes(bytes) => self.datum(mix_bytes(6, bytes)),
            Value::List(list) => {
                self.print = mix(self.print, 7);
                list.iter().for_each(|value| self.value(value));
            }
            Value::Record(record) => {
                self.texts = true;
                self.print = mix(self.print, 8);
                for (name, value) in record.iter() {
                    self.print = mix_bytes(self.print, name.as_bytes());
                    self.value(value);
                }
            }
            Value::Vector(vector) => {
                let hash =
                    vector.iter().fold(9, |hash, number| mix(hash, u64::from(number.to_bits())));
                self.datum(hash);
            }
        }
    }

    fn datum(&mut self, hash: u64) {
        self.data = Some(mix(self.data.unwrap_or_default(), hash));
    }

    fn held_number(&mut self, number: u64) {
        if let Some(place) = self.first.get_mut(self.held as usize) {
            *place = number;
        }
        self.held += 1;
        self.values = mix(self.values, number);
        self.print = mix(self.print, 3);
    }

    fn text(&mut self, text: &str) {
        self.texts = true;
        self.group.end();
        let Some(room) = self.room.checked_sub(text.len()) else {
            self.prose += PROSE;
            return self.datum(mix_bytes(10, text.as_bytes()));
        };
        self.room = room;
        let mut rest = text;
        while let Some(start) = rest.find(in_word) {
            rest = &rest[start..];
            let end = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            self.word(word);
            rest = behind;
        }
    }

    fn word(&mut self, word: &str) {
        if word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return self.stem(word.chars());
        }
        if word.contains(is_unspaced) {
            return self.unspaced(word);
        }
        let digits = word.chars().filter(|c| digit(*c).is_some()).count();
        let others = word.chars().count() - digits;
        let begins = word.chars().next().is_some_and(|c| digit(c).is_some());
        match (digits, others) {
            (0, _) => self.stem(word.chars()),
            // e4, x2, but not 2nd.
            (_, 1..) if digits + others < 4 && !begins => self.stem(word.chars()),
            (_, 1..) if digits <= others && digits + others >= 4 => {
                self.prose += 1;
                self.said.serials = mix_bytes(self.said.serials, word.as_bytes());
                self.print = mix(self.print, 11);
            }
            _ => self.numbers(word),
        }
    }

    /// Numbers that letters or nothing stand between.
    fn numbers(&mut self, word: &str) {
        let mut open: Option<u64> = None;
        for c in word.chars() {
            match (digit(c), open) {
                (Some(digit), number) => {
                    let number = number.unwrap_or_default();
                    open = Some(number.saturating_mul(10).saturating_add(u64::from(digit)));
                }
                (None, Some(number)) => {
                    self.said.number(&mut self.group, number);
                    open = None;
                }
                (None, None) => {}
            }
        }
        if let Some(number) = open {
            self.said.number(&mut self.group, number);
        }
        self.prose += 1;
        self.print = mix(self.print, 12);
    }

    fn stem(&mut self, word: impl Iterator<Item = char>) {
        let letters = word.take(BEGINNING).filter_map(|c| c.to_lowercase().next());
        let hash = letters.fold(13, |hash, letter| mix(hash, u64::from(u32::from(letter))));
        self.note(hash);
    }

    /// Where words are not set apart, each two neighbours count as one.
    fn unspaced(&mut self, run: &str) {
        let mut last = None;
        for c in run.chars() {
            let hash = mix(14, u64::from(u32::from(c)));
            match last {
                Some(last) => self.note(mix(last, hash)),
                None if run.chars().nth(1).is_none() => self.note(hash),
                None => {}
            }
            last = Some(hash);
        }
    }

    fn note(&mut self, hash: u64) {
        self.prose += 1;
        self.group.end();
        self.print = mix(self.print, hash);
        self.said.words.push(short(hash));
    }
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether it is of a script that sets words not apart.
const fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{abff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// A decimal digit of the scripts that have some.
fn digit(c: char) -> Option<u32> {
    /// Where those of a script begin.
    const ZEROS: [u32; 11] =
        [0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xbe6, 0xc66, 0xe50, 0x1040, 0xff10];
    c.to_digit(10).or_else(|| {
        let at = |zero: &u32| u32::from(c).checked_sub(*zero).filter(|digit| *digit < 10);
        if c.is_ascii() { None } else { ZEROS.iter().find_map(at) }
    })
}
