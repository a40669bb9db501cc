//! Numbers, texts and characters that do not belong.

use avm_ir::Diagnostic;

use super::{Lexer, Place};
use crate::{
    ast::BinaryOp,
    messages::{self, Report, diagnostic},
    token::{DIRECTIVES, Key, Sign},
};

/// Characters that look like plain ones, with the plain spelling.
const LOOKALIKES: [(char, &str); 22] = [
    ('–', "-"),
    ('—', "-"),
    ('−', "-"),
    ('‐', "-"),
    ('‑', "-"),
    ('×', "*"),
    ('·', "*"),
    ('÷', "/"),
    ('≠', "!="),
    ('≤', "<="),
    ('≥', ">="),
    ('\u{a0}', " "),
    ('\u{2009}', " "),
    ('\u{202f}', " "),
    ('\u{3000}', " "),
    ('，', ","),
    ('：', ":"),
    ('；', ";"),
    ('（', "("),
    ('）', ")"),
    ('＝', "="),
    ('⇒', "->"),
];

/// Quotes that are not `"`, with those that close them.
const QUOTES: [(char, &[char]); 9] = [
    ('“', &['”', '“', '"']),
    ('”', &['”', '“', '"']),
    ('„', &['“', '”', '"']),
    ('«', &['»']),
    ('»', &['«']),
    ('‘', &['’', '‘', '\'']),
    ('’', &['’', '‘', '\'']),
    ('\'', &['\'', '’']),
    ('`', &['`']),
];

/// Spellings of other languages with ours; empty where only words help.
const FOREIGN: [(&str, &str, &str); 18] = [
    ("&&", "AND", ""),
    ("||", "OR", ""),
    ("!", "NOT ", ""),
    ("===", "==", ""),
    ("!==", "!=", ""),
    ("<>", "!=", ""),
    ("=>", "->", ""),
    ("=<", "<=", ""),
    (":=", "=", ""),
    ("//", ";;", "a comment begins with `;;`"),
    ("/*", ";;", "a comment begins with `;;` and ends with its line"),
    ("++", "", "write `SET R = R + 1`"),
    ("+=", "", "write `SET R = R + value`"),
    ("-=", "", "write `SET R = R - value`"),
    ("*=", "", "write `SET R = R * value`"),
    ("/=", "", "write `SET R = R / value`"),
    ("%=", "", "write `SET R = R % value`"),
    ("**", "", "there is an instruction for powers, `POW(a, b)`"),
];

/// How far the end of a text in wrong quotes is looked for, in bytes.
const MAX_QUOTED: usize = 4096;

/// Whether `byte` may stand in a name.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The digits of an integer and their radix.
fn digits(slice: &str) -> (&str, u32) {
    match slice.get(..2) {
        Some("0x" | "0X") => (slice.get(2..).unwrap_or_default(), 16),
        _ => (slice, 10),
    }
}

fn has_digits(slice: &str) -> bool {
    digits(slice).0.bytes().any(|digit| digit != b'_')
}

/// The value of an integer; `None` if it takes more than 64 bits.
pub(crate) fn magnitude(slice: &str) -> Option<u64> {
    let (digits, radix) = digits(slice);
    let mut value: u64 = 0;
    for digit in digits.bytes().filter_map(|digit| char::from(digit).to_digit(radix)) {
        value = value.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// The value of a float.
pub(crate) fn float_value(slice: &str) -> Option<f64> {
    match slice.contains('_') {
        true => slice.replace('_', "").parse().ok(),
        false => slice.parse().ok(),
    }
}

/// The number in front of a statement, with its point or without.
pub(crate) fn line_number(slice: &str) -> Option<u32> {
    slice.trim_end_matches('.').replace('_', "").parse().ok()
}

/// The text between the quotes of a text token, escapes resolved.
///
/// # Errors
/// The byte range, within `token`, of the first escape that means nothing.
pub fn decode(token: &str) -> Result<String, core::ops::Range<usize>> {
    let inner = token.strip_prefix('"').unwrap_or(token);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    if !inner.contains('\\') {
        return Ok(inner.to_owned());
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        text.push_str(rest.get(..at).unwrap_or_default());
        let escape = rest.get(at..).unwrap_or_default();
        let start = 1 + inner.len() - escape.len();
        let mut chars = escape.chars();
        chars.next();
        let plain = match chars.next() {
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some('0') => Some('\0'),
            Some(same @ ('\\' | '"')) => Some(same),
            Some('u') => {
                let hex = chars.as_str().strip_prefix('{').and_then(|rest| rest.split_once('}'));
                let found = hex
                    .filter(|(digits, _)| digits.len() <= 6)
                    .filter(|(digits, _)| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
                    .and_then(|(digits, rest)| Some((u32::from_str_radix(digits, 16).ok()?, rest)))
                    .and_then(|(number, rest)| Some((char::from_u32(number)?, rest)));
                let Some((found, behind)) = found else {
                    let length = match chars.as_str().starts_with('{') {
                        true => escape.find('}').map_or(2, |at| (at + 1).min(12)),
                        false => 2,
                    };
                    let length = (length..).find(|&at| escape.is_char_boundary(at)).unwrap_or(2);
                    return Err(start..start + length);
                };
                chars = behind.chars();
                Some(found)
            }
            _ => None,
        };
        let Some(plain) = plain else {
            let length = 1 + escape.chars().nth(1).map_or(0, char::len_utf8);
            return Err(start..start + length);
        };
        text.push(plain);
        rest = chars.as_str();
    }
    text.push_str(rest);
    Ok(text)
}

/// The candidate that is at most a third of its letters away from `word`, the closest one first.
pub fn nearest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let limit = (word.len() / 3).max(1);
    candidates
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(far, _)| far <= limit)
        .min_by_key(|&(far, _)| far)
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace, swap of neighbours) between two words, case ignored.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    let (a, b) = (a.as_bytes(), b.as_bytes());
    // Long words are never close to a keyword; this also bounds the work.
    if a.len().abs_diff(b.len()) > 8 || a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let cost = usize::from(a[i - 1] != b[j - 1]);
                let plain = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let mut best = plain.min(rows[i - 1][j - 1] + cost);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

impl<'s> Lexer<'_, 's> {
    #[cold]
    fn error(&mut self, diagnostic: Diagnostic) -> Sign {
        self.report(diagnostic);
        Sign::Error
    }

    pub(super) fn text(&mut self, slice: &'s str, start: u32, end: u32) -> Sign {
        let shape = self.raw.extras;
        if !shape.closed {
            let end = start + slice.trim_end().len() as u32;
            let (span, behind) = (self.span(start, end), self.span(end, end));
            return self.error(
                diagnostic(messages::OPEN_TEXT, span, "this text has no closing quote")
                    .label("the line ends before the text does")
                    .edit(behind, "\"", "close it with `\"`"),
            );
        }
        if !shape.escaped {
            return Sign::Text;
        }
        let Err(range) = decode(slice) else { return Sign::Text };
        let escape = slice.get(range.clone()).unwrap_or_default();
        let span = self.span(start + range.start as u32, start + range.end as u32);
        let message = if escape.starts_with("\\u") {
            format!("`{escape}` names no Unicode character")
        } else {
            format!("`{escape}` is no escape")
        };
        let mut report = diagnostic(messages::BAD_ESCAPE, span, message)
            .help("the escapes are `\\n \\t \\r \\\\ \\\" \\0` and `\\u{1F600}`");
        if !escape.starts_with("\\u") {
            report = report.edit(span, format!("\\{escape}"), "double the backslash");
        }
        debug_assert!(span.end <= end);
        self.error(report)
    }

    pub(super) fn int(&mut self, slice: &str, negated: bool, start: u32, end: u32) -> Sign {
        match magnitude(slice) {
            _ if !has_digits(slice) => self.bad_number(slice, start, end),
            Some(value) if value <= i64::MAX as u64 => Sign::Int,
            Some(value) if negated && value == i64::MIN.unsigned_abs() => Sign::Int,
            _ => {
                let span = self.span(start, end);
                self.error(
                    diagnostic(
                        messages::NUMBER_RANGE,
                        span,
                        "this integer does not fit into 64 bits",
                    )
                    .label("the largest is 9223372036854775807")
                    .help("write a float, such as `1e20`, or a text"),
                )
            }
        }
    }

    pub(super) fn float(&mut self, slice: &str, start: u32, end: u32) -> Sign {
        match float_value(slice) {
            Some(value) if value.is_finite() => Sign::Float,
            _ => {
                let span = self.span(start, end);
                self.error(
                    diagnostic(messages::NUMBER_RANGE, span, "this float is too large")
                        .label("the largest is near 1.8e308"),
                )
            }
        }
    }

    pub(super) fn bad_number(&mut self, slice: &str, start: u32, end: u32) -> Sign {
        let shown: String = slice.chars().take(40).collect();
        let span = self.span(start, end);
        self.error(
            diagnostic(messages::BAD_NUMBER, span, format!("`{shown}` is neither a number nor a name"))
                .help("numbers look like `42`, `1_000`, `0xFF`, `0.4` or `1e-3`; a name begins with a letter"),
        )
    }

    pub(super) fn line_number(&mut self, slice: &str, start: u32, end: u32) -> Sign {
        match line_number(slice) {
            Some(_) => Sign::Number,
            None => {
                let span = self.span(start, end);
                self.error(diagnostic(
                    messages::NUMBER_RANGE,
                    span,
                    "this line number does not fit into 32 bits",
                ))
            }
        }
    }

    /// `%12`, a register by number.
    pub(super) fn register(&mut self, start: u32, end: u32) -> Sign {
        let rest = self.rest(end);
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            return self.binary(Sign::Binary(BinaryOp::Mod), start, end);
        }
        self.raw.bump(length);
        let stop = end + length as u32;
        let digits = self.text.get(end as usize..stop as usize).unwrap_or_default();
        let token = match digits.parse::<u8>() {
            Ok(_) => Sign::Raw,
            Err(_) => {
                let span = self.span(start, stop);
                self.error(
                    diagnostic(messages::NUMBER_RANGE, span, "there is no register of this number")
                        .label("the last is `%255`"),
                )
            }
        };
        self.operand(token)
    }

    pub(super) fn unknown_directive(&mut self, word: &str, start: u32, end: u32) -> Sign {
        self.place = Place::Operand;
        let span = self.span(start, end);
        let mut report = diagnostic(
            messages::UNKNOWN_DIRECTIVE,
            span,
            format!("there is no directive `{word}`"),
        );
        let known = DIRECTIVES.iter().map(|&(name, _)| name).chain(["define"]);
        match nearest(word.trim_start_matches(['.', '#']), known) {
            // The one that was meant goes on, so that its block is known.
            Some("define") => {
                self.report(report.suggest(span, "#define"));
                return self.directive(Key::Define);
            }
            Some(name) => {
                self.report(report.suggest(span, format!(".{name}")));
                return Key::directive(name).map_or(Sign::Error, |key| self.directive(key));
            }
            None => {
                report = report.help("a local label is defined as `:.name`");
            }
        }
        self.error(report)
    }

    pub(super) fn hash(&mut self, slice: &'s str, start: u32, end: u32) -> Option<Sign> {
        let word = slice.trim_start_matches('#');
        if word.eq_ignore_ascii_case("define") && self.place == Place::Start {
            return Some(self.directive(Key::Define));
        }
        if !word.is_empty() && self.place == Place::Start {
            return Some(self.unknown_directive(slice, start, end));
        }
        let span = self.span(start, start + 1);
        self.skip_line();
        Some(
            self.error(
                diagnostic(messages::FOREIGN, span, "a comment does not begin with `#`")
                    .suggest(span, ";;"),
            ),
        )
    }

    /// Whether a name follows a blank, as behind `#define`.
    pub(super) fn defines(&self, end: u32) -> bool {
        self.rest(end).first().is_some_and(|byte| matches!(byte, b' ' | b'\t'))
            && self.next_byte(end).is_some_and(|byte| is_word(byte) && !byte.is_ascii_digit())
    }

    /// `define NAME value` without its `#`.
    #[cold]
    pub(super) fn bare_define(&mut self, start: u32, end: u32) -> Sign {
        let span = self.span(start, end);
        self.report(
            diagnostic(messages::UNKNOWN_DIRECTIVE, span, "a constant is defined by `#define`")
                .suggest(span, "#define"),
        );
        self.directive(Key::Define)
    }

    /// `a..b`, a range in other languages. The lexer stands behind the first dot.
    #[cold]
    pub(super) fn range(&mut self, start: u32, end: u32) -> Sign {
        /// Longest operand that is looked at for a suggestion, in bytes.
        const MAX_OPERAND: usize = 64;
        self.raw.bump(1);
        let stop = end + 1;
        let before = self.text.as_bytes().get(..start as usize).unwrap_or_default();
        let part = |byte: &&u8| is_word(**byte) || **byte == b'.';
        let left = before.iter().rev().take(MAX_OPERAND).take_while(part).count() as u32;
        let right = self.rest(stop).iter().take(MAX_OPERAND).take_while(part).count() as u32;
        let span = self.span(start, stop);
        let mut report = diagnostic(messages::FOREIGN, span, "`..` makes no range").help(
            "`RANGE(a, b + 1)` is the list of the ints from `a` to `b`; `FOR i IN 10 DO` counts from 0 to 9",
        );
        let cut =
            |from: u32, to: u32| self.text.get(from as usize..to as usize).unwrap_or_default();
        let (from, to) = (cut(start - left, start), cut(stop, stop + right));
        let whole =
            !before.iter().rev().nth(left as usize).is_some_and(|byte| b")]%".contains(byte))
                && !matches!(self.rest(stop + right).first(), Some(b'(' | b'['));
        if whole && !from.is_empty() && !to.is_empty() {
            let last = match to.parse::<i64>().ok().and_then(|last| last.checked_add(1)) {
                Some(next) => next.to_string(),
                None => format!("{to} + 1"),
            };
            let place = self.span(start - left, stop + right);
            report = report.suggest(place, format!("RANGE({from}, {last})"));
        }
        self.report(report);
        self.binary(Sign::Error, start, stop)
    }

    /// Passes over the rest of the line, which is a comment in some other language.
    fn skip_line(&mut self) {
        let rest = self.raw.remainder();
        let length = rest.bytes().position(|byte| byte == b'\n').unwrap_or(rest.len());
        self.raw.bump(length);
    }

    pub(super) fn foreign(&mut self, slice: &'s str, start: u32, end: u32) -> Option<Sign> {
        let span = self.span(start, end);
        let (ours, help) = FOREIGN
            .iter()
            .find(|(theirs, ..)| *theirs == slice)
            .map_or(("", ""), |&(_, ours, help)| (ours, help));
        // `=>` in a condition was to compare.
        let compares =
            matches!(self.statement, Some(Key::If | Key::ElseIf | Key::While | Key::Expect));
        let ours = if slice == "=>" && compares { ">=" } else { ours };
        let message = match slice {
            "//" | "/*" => format!("a comment does not begin with `{slice}`"),
            _ => format!("`{slice}` is not an operator of this language"),
        };
        let mut report = diagnostic(messages::FOREIGN, span, message).help(help);
        if !ours.is_empty() {
            report = report.suggest(span, ours);
        }
        self.report(report);
        // What it stands for goes on, so that the rest of the line is still understood.
        Some(match slice {
            "//" | "/*" => {
                self.skip_line();
                return self.open.then_some(Sign::Error);
            }
            "&&" => self.binary(Sign::Binary(BinaryOp::And), start, end),
            "||" => self.binary(Sign::Binary(BinaryOp::Or), start, end),
            "!" => {
                self.place = Place::Operand;
                self.prefix(Sign::Key(Key::Not), start, end)
            }
            "===" => self.binary(Sign::Binary(BinaryOp::Eq), start, end),
            "!==" | "<>" => self.binary(Sign::Binary(BinaryOp::Ne), start, end),
            "=<" => self.binary(Sign::Binary(BinaryOp::Le), start, end),
            "=>" if compares => self.binary(Sign::Binary(BinaryOp::Ge), start, end),
            "=>" => {
                self.place = Place::Operand;
                Sign::Arrow
            }
            ":=" => {
                self.place = Place::Operand;
                Sign::Assign
            }
            _ => self.binary(Sign::Error, start, end),
        })
    }

    /// A character that begins no token.
    pub(super) fn other(&mut self, start: u32, end: u32) -> Option<Sign> {
        let found = self.text.get(start as usize..).and_then(|rest| rest.chars().next())?;
        if let Some((_, closers)) = QUOTES.iter().find(|(open, _)| *open == found) {
            let token = self.odd_quote(closers, start, end);
            return Some(self.operand(token));
        }
        let span = self.span(start, end);
        if let Some((_, plain)) = LOOKALIKES.iter().find(|(odd, _)| *odd == found) {
            let shown = if plain.trim().is_empty() {
                "a no-break space".into()
            } else {
                format!("`{found}`")
            };
            let words = if plain.trim().is_empty() {
                "write a plain space".into()
            } else {
                format!("write `{plain}`")
            };
            self.report(
                diagnostic(
                    messages::LOOKALIKE,
                    span,
                    format!("{shown} is a typographic look-alike"),
                )
                .edit(span, *plain, words),
            );
            return Some(match *plain {
                " " => return None,
                "-" if self.place == Place::Operator => self.binary(Sign::Minus, start, end),
                "-" => {
                    self.place = Place::Operand;
                    self.prefix(Sign::Minus, start, end)
                }
                "*" => self.binary(Sign::Binary(BinaryOp::Mul), start, end),
                "/" => self.binary(Sign::Binary(BinaryOp::Div), start, end),
                "!=" => self.binary(Sign::Binary(BinaryOp::Ne), start, end),
                "<=" => self.binary(Sign::Binary(BinaryOp::Le), start, end),
                ">=" => self.binary(Sign::Binary(BinaryOp::Ge), start, end),
                _ => Sign::Error,
            });
        }
        // One message for a run of them.
        let rest = self.raw.remainder();
        let length = rest
            .char_indices()
            .find(|(_, next)| {
                next.is_ascii() && !(next.is_ascii_control() && *next != '\n' && *next != '\t')
            })
            .map_or(rest.len(), |(at, _)| at);
        self.raw.bump(length);
        let span = self.span(start, end + length as u32);
        let run: String = self.raw.slice().chars().take(20).collect();
        let message = if found.is_alphabetic() {
            format!("`{run}` cannot stand in a name")
        } else if found.is_control()
            || found.is_whitespace()
            || !run.chars().any(char::is_alphanumeric) && !found.is_ascii()
        {
            format!("the character U+{:04X} means nothing here", u32::from(found))
        } else {
            format!("`{run}` means nothing here")
        };
        let token = self.error(
            diagnostic(messages::BAD_CHARACTER, span, message)
                .help("names are made of the letters a to z, digits and `_`; other characters belong into a text in double quotes"),
        );
        Some(self.operand(token))
    }

    /// A colon between a mnemonic and its operand, or a label with a blank in front of its colon.
    #[cold]
    pub(super) fn blank_before_colon(&mut self, start: u32, end: u32) {
        let target = self.rest(end).first().is_some_and(|&byte| is_word(byte) || byte == b'.');
        let (span, gap) = (self.span(start, end), self.span(self.head_end, start));
        let report = if target {
            diagnostic(messages::BAD_LABEL, span, "a label is named without its colon here")
                .suggest(span, "")
        } else {
            diagnostic(messages::BAD_LABEL, span, "the colon of a label directly follows its name")
                .edit(gap, "", "remove the space")
        };
        self.report(report);
        self.place = Place::Operand;
    }

    /// A text in quotes of another kind, up to the one that closes it.
    fn odd_quote(&mut self, closers: &[char], start: u32, end: u32) -> Sign {
        // A text in wrong quotes is short; looking further would cost too much in a hostile file.
        let rest = self.raw.remainder();
        let near = rest.get(..rest.floor_char_boundary(MAX_QUOTED)).unwrap_or(rest);
        let line = near.lines().next().unwrap_or_default();
        let Some(at) = line.find(closers) else {
            let span = self.span(start, end);
            return self.error(
                diagnostic(messages::LOOKALIKE, span, "a text stands in plain double quotes")
                    .suggest(span, "\""),
            );
        };
        let closer = line.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        let inner = line.get(..at).unwrap_or_default().replace('"', "\\\"");
        self.raw.bump(at + closer);
        let span = self.span(start, end + (at + closer) as u32);
        self.error(
            diagnostic(messages::LOOKALIKE, span, "a text stands in plain double quotes")
                .suggest(span, format!("\"{inner}\"")),
        )
    }
}
