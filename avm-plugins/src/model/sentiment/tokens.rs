//! Splitting a text into sentences of words, emoji and marks.

use super::lexicon::Lexicon;

/// A sentence.
#[derive(Debug, Default)]
pub(super) struct Sentence {
    pub(super) tokens: Vec<Token>,
    /// Exclamation marks.
    pub(super) exclamations: i64,
    pub(super) question: bool,
    /// True where it has words in lower case, so that capitals stand out.
    pub(super) lower: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// A number of per cent with its sign, 0 if it has none.
    Percent(i64),
    /// An emoji or emoticon of the lexicon.
    Face(String),
    /// A comma, a bracket, a dash.
    Break,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// In lower case; empty for what is a name and no word, such as `$MOON` and `@bull`.
    pub(super) text: String,
    /// Three letters or more, all of them capital.
    pub(super) capitals: bool,
    /// A letter more than twice in a row.
    pub(super) drawn_out: bool,
}

/// Longer words are data, not language.
const MAX_WORD_BYTES: usize = 40;

/// The sentences of a text that have any token.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    let mut reader = Reader { done: Vec::new(), here: Sentence::default(), ended: false };
    for line in text.lines() {
        line.split_whitespace().for_each(|chunk| reader.chunk(chunk));
        reader.end();
    }
    reader.done
}

struct Reader {
    done: Vec<Sentence>,
    here: Sentence,
    /// Whether a mark ended the sentence that is still open, so that what follows begins a new one.
    ended: bool,
}

impl Reader {
    fn end(&mut self) {
        if self.here.tokens.iter().any(|token| *token != Token::Break) {
            self.done.push(std::mem::take(&mut self.here));
        } else {
            // Marks alone strengthen what they follow: `great 🚀 !`.
            let (marks, question) = (self.here.exclamations, self.here.question);
            if let Some(last) = self.done.last_mut() {
                last.exclamations += marks;
                last.question |= question;
            }
            self.here = Sentence::default();
        }
        self.ended = false;
    }

    fn push(&mut self, token: Token) {
        if self.ended {
            self.end();
        }
        self.here.tokens.push(token);
    }

    fn chunk(&mut self, chunk: &str) {
        if chunk.starts_with("http://") || chunk.starts_with("https://") {
            return;
        }
        let bare = chunk.trim_end_matches(['.', ',', '!']);
        for face in [chunk, bare] {
            let marks = face.len() <= 4 && face.contains(|c: char| c.is_ascii_punctuation());
            if marks && Lexicon::get().word(face).is_some() {
                self.push(Token::Face(face.to_owned()));
                return self.marks(&chunk[face.len()..]);
            }
        }
        self.marks(chunk);
    }

    /// Words and the marks between them.
    fn marks(&mut self, chunk: &str) {
        let name = chunk.starts_with('@')
            || chunk.strip_prefix('$').is_some_and(|rest| rest.starts_with(char::is_alphabetic));
        let mut word = String::new();
        let mut sign = 0;
        let mut chars = chunk.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map_or(' ', |&(_, next)| next);
            let within = !word.is_empty() && next.is_alphanumeric();
            let digits = word.ends_with(|c: char| c.is_ascii_digit()) && next.is_ascii_digit();
            match c {
                c if c.is_alphanumeric() => word.push(c),
                '\'' | '’' if within => word.push('\''),
                '.' | ',' if digits => word.push(c),
                '%' if word.ends_with(|c: char| c.is_ascii_digit()) => {
                    word.clear();
                    self.push(Token::Percent(sign));
                }
                c => {
                    self.word(&mut word, name);
                    match c {
                        '+' if at == 0 => sign = 1,
                        '-' | '−' if at == 0 => sign = -1,
                        // A point within a name, such as example.com.
                        '.' if next.is_alphanumeric() => {}
                        '!' => self.mark(|here| here.exclamations += 1),
                        '?' => self.mark(|here| here.question = true),
                        '.' | '…' | '。' => self.mark(|_| {}),
                        ',' | ';' | ':' | '(' | ')' | '—' | '–' => self.push(Token::Break),
                        '-' if chunk.bytes().all(|byte| byte == b'-') => self.push(Token::Break),
                        c if !c.is_ascii() => self.face(c),
                        _ => {}
                    }
                }
            }
        }
        self.word(&mut word, name);
    }

    fn mark(&mut self, count: impl FnOnce(&mut Sentence)) {
        count(&mut self.here);
        self.ended = true;
    }

    fn face(&mut self, c: char) {
        let mut buffer = [0; 4];
        let face: &str = c.encode_utf8(&mut buffer);
        if Lexicon::get().word(face).is_some() {
            // A face after the full stop belongs to the sentence before it.
            self.here.tokens.push(Token::Face(face.to_owned()));
        }
    }

    fn word(&mut self, word: &mut String, name: bool) {
        if word.is_empty() {
            return;
        }
        let raw = std::mem::take(word);
        let letters = raw.chars().filter(|c| c.is_alphabetic()).count();
        let upper = raw.chars().all(|c| !c.is_lowercase());
        let text = if name || raw.len() > MAX_WORD_BYTES {
            String::new()
        } else {
            let lower = raw.to_lowercase();
            lower.strip_suffix("'s").map(str::to_owned).unwrap_or(lower)
        };
        let drawn_out = is_drawn_out(&text);
        self.push(Token::Word(Word { text, capitals: upper && letters >= 3, drawn_out }));
        self.here.lower |= !upper && !name;
    }
}

fn is_drawn_out(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.windows(3).any(|w| w[0] == w[1] && w[1] == w[2] && w[0].is_ascii_alphabetic())
}

/// The word with no letter more than so many times in a row.
pub(super) fn shortened(word: &str, most: usize) -> String {
    let mut out = String::new();
    let (mut last, mut run) = (' ', 0);
    for c in word.chars() {
        run = if c == last { run + 1 } else { 1 };
        last = c;
        if run <= most {
            out.push(c);
        }
    }
    out
}
