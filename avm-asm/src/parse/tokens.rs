//! The tokens as the grammar gets them.
//!
//! The parser settles a line when it has seen one token of the next. So that this token always fits,
//! a line that begins with one that no line begins with is handed over as a misfit.

use crate::{
    lexer::Lexer,
    token::{Key, Sign},
};

type Spanned = (u32, Sign, u32);

/// The token stream of a source.
pub(super) struct Tokens<'b, 's> {
    lexer: Lexer<'b, 's>,
    /// A token that was looked at already.
    ahead: Option<Spanned>,
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

    fn take(&mut self) -> Option<Spanned> {
        match self.ahead {
            None => self.lexer.sign(),
            Some(_) => self.ahead.take(),
        }
    }

    /// Passes over the rest of a line, unless the parser was `at_end` of it, and looks at the first
    /// token of the next; false if the source has no end of a line any more.
    pub(super) fn skip_line(&mut self, at_end: bool) -> bool {
        self.first = true;
        let found = at_end || core::iter::from_fn(|| self.take()).any(|t| t.1 == Sign::Newline);
        self.ahead = self.take();
        found
    }

    #[cold]
    fn misfit(&mut self, token: Spanned) -> Spanned {
        let more = core::iter::from_fn(|| self.lexer.sign());
        self.ahead = core::iter::once(token).chain(more).find(|next| next.1 == Sign::Newline);
        self.first = false;
        (token.0, Sign::Misfit, token.0)
    }
}

impl Iterator for Tokens<'_, '_> {
    type Item = Spanned;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let token = self.take()?;
        let first = core::mem::replace(&mut self.first, token.1 == Sign::Newline);
        if first && !begins_line(token.1) {
            return Some(self.misfit(token));
        }
        Some(token)
    }
}

/// Whether a line may begin with a token.
fn begins_line(token: Sign) -> bool {
    match token {
        Sign::Name | Sign::Number | Sign::Colon | Sign::Ellipsis => true,
        Sign::Key(key) => !matches!(
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
