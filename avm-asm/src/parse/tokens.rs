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
        self.ahead.take().or_else(|| self.lexer.next()?.ok())
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
    fn misfit(&mut self, (start, token, end): Spanned<'s>) -> Spanned<'s> {
        let mut rest = core::iter::once((start, token, end))
            .chain(core::iter::from_fn(|| self.lexer.next()?.ok()));
        self.ahead = rest.find(|next| next.1 == Token::Newline);
        (start, Token::Misfit, start)
    }
}

impl<'s> Iterator for Tokens<'_, 's> {
    type Item = Result<Spanned<'s>, ()>;

    fn next(&mut self) -> Option<Self::Item> {
        let (start, token, end) = self.take()?;
        if core::mem::replace(&mut self.first, token == Token::Newline) && !begins_line(token) {
            return Some(Ok(self.misfit((start, token, end))));
        }
        Some(Ok((start, one_of_many(token), end)))
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

/// Operators between two operands are one token to the grammar.
fn one_of_many(token: Token<'_>) -> Token<'_> {
    Token::Binary(match token {
        Token::Eq => BinaryOp::Eq,
        Token::Ne => BinaryOp::Ne,
        Token::Lt => BinaryOp::Lt,
        Token::Le => BinaryOp::Le,
        Token::Gt => BinaryOp::Gt,
        Token::Ge => BinaryOp::Ge,
        Token::Plus => BinaryOp::Add,
        Token::Star => BinaryOp::Mul,
        Token::Slash => BinaryOp::Div,
        Token::Percent => BinaryOp::Mod,
        Token::Key(Key::And) => BinaryOp::And,
        Token::Key(Key::Or) => BinaryOp::Or,
        Token::Key(Key::Contains) => BinaryOp::Contains,
        other => return other,
    })
}
