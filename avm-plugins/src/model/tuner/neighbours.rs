//! The texts that differ from a region's text in one number or one comparison.

use std::{collections::BTreeSet, ops::Range};

use avm_asm::{
    lexer::{Lexer, Shared},
    token::{Key, Token},
};
use avm_ir::{FileId, Opcode};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// Most numbers and comparisons of a text that are looked at.
const MOST_SITES: usize = 256;
/// How often the step is halved once every change by it was offered.
const HALVINGS: u32 = 4;
/// Significant digits of a float that is written.
const DIGITS: usize = 6;

/// A text that differs in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Neighbour {
    /// The whole text.
    pub(super) text: String,
    /// What was changed, in words.
    pub(super) change: String,
}

/// Something that can be changed.
#[derive(Clone, Debug, PartialEq)]
struct Site {
    place: Range<usize>,
    what: What,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Int(i64),
    Float(f64),
    /// What else may stand there.
    Comparison(Vec<&'static str>),
}

/// Every text that comes of one change, each once: first those by the whole step and the other
/// comparisons, then those by half of it, and so on; each of these in an order drawn from text and
/// seed.
pub(super) fn neighbours(code: &str, step: f64, seed: i64) -> impl Iterator<Item = Neighbour> {
    let sites = sites(code);
    let mut random = ChaCha8Rng::from_seed(seed_of(code, seed));
    let mut seen = BTreeSet::new();
    (0..=HALVINGS).flat_map(move |halving| {
        let step = step / f64::from(1_u32 << halving);
        let mut round: Vec<(Range<usize>, String)> = Vec::new();
        for Site { place, what } in &sites {
            let texts = match what {
                What::Int(int) => around_int(*int, step),
                What::Float(float) => around_float(*float, step),
                What::Comparison(others) if halving == 0 => {
                    others.iter().map(|other| (*other).to_owned()).collect()
                }
                What::Comparison(_) => Vec::new(),
            };
            round.extend(texts.into_iter().map(|text| (place.clone(), text)));
        }
        round.retain(|(place, text)| seen.insert((place.start, text.clone())));
        shuffle(&mut round, &mut random);
        round.into_iter().map(move |(place, text)| {
            let (before, behind) = (&code[..place.start], &code[place.end..]);
            let line = before.matches('\n').count() + 1;
            Neighbour {
                text: format!("{before}{text}{behind}"),
                change: format!("line {line}: {} to {text}", &code[place]),
            }
        })
    })
}

fn seed_of(code: &str, seed: i64) -> [u8; 32] {
    let mut payload = seed.to_le_bytes().to_vec();
    payload.extend_from_slice(code.as_bytes());
    blake3::derive_key("aither builtin:tuner order v1", &payload)
}

/// Fisher-Yates. The remainder favours small numbers by less than one in 2^56, which is nothing here.
fn shuffle<T>(items: &mut [T], random: &mut ChaCha8Rng) {
    for end in (1..items.len()).rev() {
        items.swap(end, (random.next_u64() % (end as u64 + 1)) as usize);
    }
}

/// An int a step of itself up and down, at least by 1.
fn around_int(int: i64, step: f64) -> Vec<String> {
    // A number from 1 to half the range, so the cast is exact enough and never saturates.
    let by = libm::round(int.unsigned_abs() as f64 * step).clamp(1.0, 4e18) as i64;
    let both = [int.checked_add(by), int.checked_sub(by)];
    both.into_iter().flatten().map(|int| int.to_string()).collect()
}

/// A float a step of itself up and down; 0 by the step.
fn around_float(float: f64, step: f64) -> Vec<String> {
    let by = if float == 0.0 { step } else { libm::fabs(float) * step };
    let both = [float + by, float - by].into_iter().filter(|float| float.is_finite());
    both.map(written).collect()
}

/// A float of few digits, so that texts stay short after many changes.
fn written(float: f64) -> String {
    let short: f64 = format!("{float:.*e}", DIGITS - 1).parse().unwrap_or(float);
    format!("{short:?}")
}

/// The numbers and comparisons of a text, in order. Numbers of lines are none of it.
fn sites(code: &str) -> Vec<Site> {
    let shared = Shared::default();
    let tokens: Vec<(u32, Token<'_>, u32)> = Lexer::new(FileId(0), code, &shared).collect();
    let mut sites = Vec::new();
    for (at, (start, token, end)) in tokens.iter().enumerate() {
        let before = |back: usize| Some(&tokens.get(at.checked_sub(back)?)?.1);
        let minus = before(1) == Some(&Token::Minus);
        let prefix = minus && !before(2).is_some_and(|token| ends_value(token, before(3)));
        let start = if prefix { tokens[at - 1].0 } else { *start } as usize;
        let what = match *token {
            Token::Int(int) if prefix => What::Int(int.wrapping_neg()),
            Token::Int(int) => What::Int(int),
            Token::Float(float) if prefix => What::Float(-float),
            Token::Float(float) => What::Float(float),
            Token::Name(name) if begins(before(1)) => match mnemonic(name) {
                Some(others) => What::Comparison(others),
                None => continue,
            },
            _ => match operator(token) {
                Some(others) => What::Comparison(others),
                None => continue,
            },
        };
        sites.push(Site { place: start..*end as usize, what });
        if sites.len() == MOST_SITES {
            break;
        }
    }
    sites
}

/// Whether a minus behind this token, which follows another one, takes away from it.
fn ends_value(token: &Token<'_>, before: Option<&Token<'_>>) -> bool {
    match token {
        Token::Int(_) | Token::Float(_) | Token::Text(_) | Token::Raw(_) => true,
        Token::RParen | Token::RBracket | Token::RBrace => true,
        // A mnemonic takes operands.
        Token::Name(_) => !begins(before),
        _ => false,
    }
}

/// Whether what follows this token begins a statement.
fn begins(before: Option<&Token<'_>>) -> bool {
    before.is_none_or(|token| {
        matches!(token, Token::Newline | Token::Number(_) | Token::Colon | Token::Key(Key::Then))
    })
}

const ORDER: [Opcode; 4] = [Opcode::LT, Opcode::LE, Opcode::GT, Opcode::GE];
const EQUAL: [Opcode; 2] = [Opcode::EQ, Opcode::NE];
const ORDER_SIGNS: [(Token<'_>, &str); 4] =
    [(Token::Lt, "<"), (Token::Le, "<="), (Token::Gt, ">"), (Token::Ge, ">=")];
const EQUAL_SIGNS: [(Token<'_>, &str); 2] = [(Token::Eq, "=="), (Token::Ne, "!=")];

/// What else a comparison that is an instruction may be.
fn mnemonic(name: &str) -> Option<Vec<&'static str>> {
    let op = Opcode::by_mnemonic(name)?;
    let kin = [&ORDER[..], &EQUAL].into_iter().find(|kin| kin.contains(&op))?;
    Some(kin.iter().filter(|other| **other != op).map(|other| other.mnemonic()).collect())
}

/// What else a comparison in an expression may be.
fn operator(token: &Token<'_>) -> Option<Vec<&'static str>> {
    let kin = [&ORDER_SIGNS[..], &EQUAL_SIGNS];
    let kin = kin.into_iter().find(|kin| kin.iter().any(|(other, _)| other == token))?;
    Some(kin.iter().filter(|(other, _)| other != token).map(|(_, text)| *text).collect())
}
