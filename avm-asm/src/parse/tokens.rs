//! The tokens as the grammar gets them.
//!
//! The parser settles a line when it has seen one token of the next. So that this token always fits,
//! a line that begins with one that no line begins with is handed over as a misfit.

use crate::{
    ast::BinaryOp,
    lexer::Lexer,
    token::{Key, Token},
};

type Spanned<'s> = (u32, Token<'s>, u32);

/// A token as the grammar knows it. It holds nothing of the source and is moved about in a register.
#[derive(Clone, Copy, Debug)]
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

/// The token stream of a source.
pub(super) struct Tokens<'b, 's> {
    lexer: Lexer<'b, 's>,
    /// A token that was looked at already.
    ahead: Option<Spanned<'s>>,
    /// The next token begins a line.
    first: bool,
}

impl<'b, 's> Tokens<'b, 's> {
    pub(super) fn new(lexer: Lexer<'b, 's>) -> Self {
        Self { lexer, ahead: None, first: true }
    }

    pub(super) fn into_lexer(self) -> Lexer<'b, 's> {
        self.lexer
    }

    fn take(&mut self) -> Option<Spanned<'s>> {
        match self.ahead {
            None => self.lexer.next(),
            Some(_) => self.ahead.take(),
        }
    }

    /// Passes over the rest of a line, unless the parser was `at_end` of it, and looks at the first
    /// token of the next; false if the source has no end of a line any more.
    pub(super) fn skip_line(&mut self, at_end: bool) -> bool {
        self.first = true;
        let found = at_end || core::iter::from_fn(|| self.take()).any(|t| t.1 == Token::Newline);
        self.ahead = self.take();
        found
    }

    #[cold]
    fn misfit(&mut self, token: Spanned<'s>) -> (u32, Sign, u32) {
        let mut rest = core::iter::once(token).chain(&mut self.lexer);
        self.ahead = rest.find(|next| next.1 == Token::Newline);
        self.first = false;
        (token.0, Sign::Misfit, token.0)
    }
}

impl Iterator for Tokens<'_, '_> {
    type Item = Result<(u32, Sign, u32), ()>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let token = self.take()?;
        let first = core::mem::replace(&mut self.first, matches!(token.1, Token::Newline));
        if first && !begins_line(token.1) {
            return Some(Ok(self.misfit(token)));
        }
        Some(Ok((token.0, sign(token.1), token.2)))
    }
}

/// Whether a line may begin with a token.
fn begins_line(token: Token<'_>) -> bool {
    match token {
        Token::Name(_) | Token::Number(_) | Token::Colon | Token::Ellipsis => true,
        Token::Key(key) => !matches!(
            key,
            Key::Then
                | Key::Do
                | Key::In
                | Key::And
                | Key::Or
                | Key::Not
                | Key::Contains
                | Key::True
                | Key::False
                | Key::Null
        ),
        _ => false,
    }
}

fn sign(token: Token<'_>) -> Sign {
    match token {
        Token::Newline => Sign::Newline,
        Token::Name(_) => Sign::Name,
        Token::Int(_) => Sign::Int,
        Token::Float(_) => Sign::Float,
        Token::Text(_) => Sign::Text,
        Token::Raw(_) => Sign::Raw,
        Token::Number(_) => Sign::Number,
        Token::Error => Sign::Error,
        Token::Colon => Sign::Colon,
        Token::Comma => Sign::Comma,
        Token::Assign => Sign::Assign,
        Token::Minus => Sign::Minus,
        Token::LParen => Sign::LParen,
        Token::CallParen => Sign::CallParen,
        Token::RParen => Sign::RParen,
        Token::LBracket => Sign::LBracket,
        Token::RBracket => Sign::RBracket,
        Token::LBrace => Sign::LBrace,
        Token::RBrace => Sign::RBrace,
        Token::Dot => Sign::Dot,
        Token::Ellipsis => Sign::Ellipsis,
        Token::Arrow => Sign::Arrow,
        Token::Eq => Sign::Binary(BinaryOp::Eq),
        Token::Ne => Sign::Binary(BinaryOp::Ne),
        Token::Lt => Sign::Binary(BinaryOp::Lt),
        Token::Le => Sign::Binary(BinaryOp::Le),
        Token::Gt => Sign::Binary(BinaryOp::Gt),
        Token::Ge => Sign::Binary(BinaryOp::Ge),
        Token::Plus => Sign::Binary(BinaryOp::Add),
        Token::Star => Sign::Binary(BinaryOp::Mul),
        Token::Slash => Sign::Binary(BinaryOp::Div),
        Token::Percent => Sign::Binary(BinaryOp::Mod),
        Token::Key(Key::And) => Sign::Binary(BinaryOp::And),
        Token::Key(Key::Or) => Sign::Binary(BinaryOp::Or),
        Token::Key(Key::Contains) => Sign::Binary(BinaryOp::Contains),
        Token::Key(key) => Sign::Key(key),
    }
}
