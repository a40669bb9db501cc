//! Tokens: the raw ones that logos cuts and the classified ones that the grammar reads.
//!
//! There is one class of names and no mnemonic anywhere. Which names are keywords depends on where
//! they stand and is decided by [`crate::lexer`].

use logos::{Lexer, Logos};

use crate::{
    ast::BinaryOp,
    lexer::{float_value, line_number, magnitude},
};

/// What the last [`Raw::Text`] looked like, so that its slice need not be searched again.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextShape {
    /// The closing quote was found on the same line.
    pub closed: bool,
    /// There is a backslash in it.
    pub escaped: bool,
}

/// A token by its spelling alone.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(extras = TextShape, skip r"[ \t\r\f]+")]
pub enum Raw {
    /// End of a line.
    #[token("\n")]
    Newline,
    /// `;` and the rest of the line.
    #[regex(r";[^\n]*", allow_greedy = true)]
    Comment,
    /// A name or keyword.
    #[regex("[A-Za-z_][A-Za-z0-9_]*")]
    Name,
    /// `42`, `1_000`
    #[regex("[0-9][0-9_]*", priority = 10)]
    Int,
    /// `0xFF`
    #[regex("0[xX][0-9A-Fa-f_]+", priority = 10)]
    Hex,
    /// `0.4`, `1e-3`
    #[regex(r"[0-9][0-9_]*\.[0-9][0-9_]*([eE][+-]?[0-9]+)?", priority = 10)]
    #[regex(r"[0-9][0-9_]*[eE][+-]?[0-9]+", priority = 10)]
    Float,
    /// Digits that run into letters.
    #[regex("[0-9][0-9A-Za-z_]*", priority = 5)]
    #[regex(r"[0-9][0-9_]*\.[0-9][0-9A-Za-z_]*", priority = 5)]
    BadNumber,
    /// `"…"` with its quotes, or up to the end of the line where the closing one is missing.
    #[token("\"", text)]
    Text,
    /// `#` and the word behind it.
    #[regex("#[A-Za-z_]*")]
    Hash,
    /// `:`
    #[token(":")]
    Colon,
    /// `,`
    #[token(",")]
    Comma,
    /// `=`
    #[token("=")]
    Assign,
    /// `==`
    #[token("==")]
    Eq,
    /// `!=`
    #[token("!=")]
    Ne,
    /// `<`
    #[token("<")]
    Lt,
    /// `<=`
    #[token("<=")]
    Le,
    /// `>`
    #[token(">")]
    Gt,
    /// `>=`
    #[token(">=")]
    Ge,
    /// `+`
    #[token("+")]
    Plus,
    /// `-`
    #[token("-")]
    Minus,
    /// `*`
    #[token("*")]
    Star,
    /// `/`
    #[token("/")]
    Slash,
    /// `%`
    #[token("%")]
    Percent,
    /// `(`
    #[token("(")]
    LParen,
    /// `)`
    #[token(")")]
    RParen,
    /// `[`
    #[token("[")]
    LBracket,
    /// `]`
    #[token("]")]
    RBracket,
    /// `{`
    #[token("{")]
    LBrace,
    /// `}`
    #[token("}")]
    RBrace,
    /// `.`
    #[token(".")]
    Dot,
    /// `...`
    #[token("...")]
    #[token("…")]
    Ellipsis,
    /// `->`
    #[token("->")]
    #[token("→")]
    Arrow,
    /// Operators of other languages, kept whole so that each gets one good message.
    #[token("&&")]
    #[token("||")]
    #[token("!")]
    #[token("===")]
    #[token("!==")]
    #[token("<>")]
    #[token("=>")]
    #[token("=<")]
    #[token(":=")]
    #[token("++")]
    #[token("+=")]
    #[token("-=")]
    #[token("*=")]
    #[token("/=")]
    #[token("%=")]
    #[token("//")]
    #[token("/*")]
    #[token("**")]
    Foreign,
    /// Any other character.
    #[regex("[^\n]", priority = 0)]
    Other,
}

/// Runs to the closing quote or, where there is none, to the end of the line.
fn text(lex: &mut Lexer<'_, Raw>) {
    let rest = lex.remainder().as_bytes();
    let mut shape = TextShape::default();
    let mut at = 0;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'"' => {
                shape.closed = true;
                at += 1;
                break;
            }
            b'\n' => break,
            b'\\' => {
                shape.escaped = true;
                // A backslash may stand before a line end or the end of the file; neither is skipped.
                at += if matches!(rest.get(at + 1), Some(b'"' | b'\\')) { 2 } else { 1 };
            }
            _ => at += 1,
        }
    }
    lex.extras = shape;
    lex.bump(at);
}

/// A token with what it says. Names and texts point into the source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Token<'s> {
    /// End of a statement.
    Newline,
    /// A name that is no keyword here; a local label keeps its dot.
    Name(&'s str),
    /// An integer. `i64::MIN` stands for its magnitude behind a prefix `-`.
    Int(i64),
    /// A float.
    Float(f64),
    /// A text with quotes and escapes.
    Text(&'s str),
    /// `%12`
    Raw(u8),
    /// `12.` at the start of a statement.
    Number(u32),
    /// What an own diagnostic was already given for.
    Error,
    /// `:`
    Colon,
    /// `,`
    Comma,
    /// `=`
    Assign,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `/`
    Slash,
    /// `%`
    Percent,
    /// `(`
    LParen,
    /// `(` that follows a mnemonic without a space.
    CallParen,
    /// `)`
    RParen,
    /// `[`
    LBracket,
    /// `]`
    RBracket,
    /// `{`
    LBrace,
    /// `}`
    RBrace,
    /// `.`
    Dot,
    /// `...`
    Ellipsis,
    /// `->`
    Arrow,
    /// A keyword in the place where it is one.
    Key(Key),
}

/// What a token is, without what it says: the parser moves it about in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Newline,
    Name,
    Int,
    Float,
    Text,
    Raw,
    Number,
    Error,
    Colon,
    Comma,
    Assign,
    Minus,
    LParen,
    CallParen,
    RParen,
    LBracket,
    RBracket,
    LBrace,
    RBrace,
    Dot,
    Ellipsis,
    Arrow,
    Key(Key),
    /// An operator between two operands, but for `-`.
    Binary(BinaryOp),
    /// Stands for all of a line that begins as no line begins.
    Misfit,
}

impl Sign {
    /// The token that is written so.
    pub(crate) fn token(self, written: &str) -> Token<'_> {
        match self {
            Self::Newline => Token::Newline,
            Self::Name => Token::Name(written),
            Self::Int => Token::Int(magnitude(written).unwrap_or_default() as i64),
            Self::Float => Token::Float(float_value(written).unwrap_or_default()),
            Self::Text => Token::Text(written),
            Self::Raw => Token::Raw(written.trim_start_matches('%').parse().unwrap_or_default()),
            Self::Number => Token::Number(line_number(written).unwrap_or_default()),
            Self::Error | Self::Misfit => Token::Error,
            Self::Colon => Token::Colon,
            Self::Comma => Token::Comma,
            Self::Assign => Token::Assign,
            Self::Minus => Token::Minus,
            Self::LParen => Token::LParen,
            Self::CallParen => Token::CallParen,
            Self::RParen => Token::RParen,
            Self::LBracket => Token::LBracket,
            Self::RBracket => Token::RBracket,
            Self::LBrace => Token::LBrace,
            Self::RBrace => Token::RBrace,
            Self::Dot => Token::Dot,
            Self::Ellipsis => Token::Ellipsis,
            Self::Arrow => Token::Arrow,
            Self::Key(key) => Token::Key(key),
            Self::Binary(op) => match op {
                BinaryOp::Or => Token::Key(Key::Or),
                BinaryOp::And => Token::Key(Key::And),
                BinaryOp::Contains => Token::Key(Key::Contains),
                BinaryOp::Eq => Token::Eq,
                BinaryOp::Ne => Token::Ne,
                BinaryOp::Lt => Token::Lt,
                BinaryOp::Le => Token::Le,
                BinaryOp::Gt => Token::Gt,
                BinaryOp::Ge => Token::Ge,
                BinaryOp::Add => Token::Plus,
                BinaryOp::Sub => Token::Minus,
                BinaryOp::Mul => Token::Star,
                BinaryOp::Div => Token::Slash,
                BinaryOp::Mod => Token::Percent,
            },
        }
    }
}

/// Keywords and directives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the keyword of that name")]
pub enum Key {
    Set,
    If,
    Then,
    ElseIf,
    Else,
    EndIf,
    While,
    Do,
    EndWhile,
    For,
    In,
    EndFor,
    Break,
    Continue,
    And,
    Or,
    Not,
    Contains,
    True,
    False,
    Null,
    Given,
    Expect,
    Answer,
    Define,
    Include,
    Input,
    Uses,
    Registers,
    Region,
    EndRegion,
    Func,
    EndFunc,
    Test,
    EndTest,
    Allow,
}

/// Keywords that begin a statement.
const STATEMENT: [(&str, Key); 11] = [
    ("SET", Key::Set),
    ("IF", Key::If),
    ("ENDIF", Key::EndIf),
    ("ELSE", Key::Else),
    ("ELSEIF", Key::ElseIf),
    ("FOR", Key::For),
    ("ENDFOR", Key::EndFor),
    ("WHILE", Key::While),
    ("ENDWHILE", Key::EndWhile),
    ("BREAK", Key::Break),
    ("CONTINUE", Key::Continue),
];

/// Words behind a dot or, for `define`, a `#`.
pub const DIRECTIVES: [(&str, Key); 11] = [
    ("allow", Key::Allow),
    ("include", Key::Include),
    ("input", Key::Input),
    ("uses", Key::Uses),
    ("registers", Key::Registers),
    ("region", Key::Region),
    ("endregion", Key::EndRegion),
    ("func", Key::Func),
    ("endfunc", Key::EndFunc),
    ("test", Key::Test),
    ("endtest", Key::EndTest),
];

fn find(table: &[(&str, Key)], word: &str) -> Option<Key> {
    table.iter().find(|(text, _)| text.eq_ignore_ascii_case(word)).map(|&(_, key)| key)
}

impl Key {
    /// The keyword at the start of a statement.
    pub fn statement(word: &str) -> Option<Self> {
        // Most statements start with a mnemonic: the first letter settles nearly all of them.
        let first = word.as_bytes().first().map_or(0, u8::to_ascii_uppercase);
        if word.len() > 8 || !matches!(first, b'S' | b'I' | b'E' | b'F' | b'W' | b'B' | b'C') {
            return None;
        }
        find(&STATEMENT, word)
    }

    /// The keyword at the start of a line of a `.test`.
    pub fn test_line(word: &str) -> Option<Self> {
        find(&[("given", Self::Given), ("expect", Self::Expect), ("answer", Self::Answer)], word)
    }

    /// The directive of that name, without its dot.
    pub fn directive(word: &str) -> Option<Self> {
        find(&DIRECTIVES, word)
    }

    /// The keyword where an operand is expected.
    pub fn value(word: &str) -> Option<Self> {
        match word.len() {
            3 => find(&[("NOT", Self::Not)], word),
            4 => find(&[("true", Self::True), ("NULL", Self::Null)], word),
            5 => find(&[("false", Self::False)], word),
            _ => None,
        }
    }

    /// The keyword behind an operand.
    pub fn operator(word: &str) -> Option<Self> {
        match word.len() {
            2 => find(&[("OR", Self::Or), ("DO", Self::Do), ("IN", Self::In)], word),
            3 => find(&[("AND", Self::And)], word),
            4 => find(&[("THEN", Self::Then)], word),
            8 => find(&[("contains", Self::Contains)], word),
            _ => None,
        }
    }
}
