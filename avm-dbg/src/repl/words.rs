//! What a text is made of, as far as it is coloured.

/// A kind of word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, with dots and dashes in it.
    Name,
    /// A number.
    Number,
    /// In double quotes.
    Text,
    /// From `;` on.
    Comment,
    /// Anything else.
    Other,
}

/// The pieces of a text, in order; together they are the text.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = (Kind, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let (kind, length) = match first {
            '"' => (Kind::Text, text_length(rest)),
            ';' => (Kind::Comment, rest.len()),
            '0'..='9' => (Kind::Number, span(rest, |c| c.is_alphanumeric() || "._".contains(c))),
            _ if in_name(first) => (Kind::Name, span(rest, in_name)),
            _ => (Kind::Other, span(rest, |c| !(in_name(c) || c == '"' || c == ';'))),
        };
        let (piece, behind) = rest.split_at(length);
        rest = behind;
        Some((kind, piece))
    })
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '%' | '@' | '$')
}

/// Bytes of a run of such characters.
fn span(text: &str, fits: impl Fn(char) -> bool) -> usize {
    text.find(|c| !fits(c)).unwrap_or(text.len())
}

/// Bytes of a text in quotes with both of them, or up to the end, or to where it was cut.
fn text_length(text: &str) -> usize {
    let mut escaped = true;
    for (at, c) in text.char_indices() {
        let behind = at + c.len_utf8();
        match c {
            '"' if !escaped => return behind,
            '…' if text[behind..].is_empty() || text[behind..].starts_with([')', ',']) => {
                return behind;
            }
            '\\' if !escaped => escaped = true,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Kind, pieces};

    #[test]
    fn pieces_are_the_text() {
        let text = r#"SET r.a = "x\" ä" + 1.5 ;; no "text" here"#;
        let all: Vec<_> = pieces(text).collect();
        assert_eq!(all.iter().map(|(_, piece)| *piece).collect::<String>(), text);
        let of = |kind| all.iter().filter(|(k, _)| *k == kind).map(|(_, p)| *p).collect::<Vec<_>>();
        assert_eq!(of(Kind::Text), [r#""x\" ä""#]);
        assert_eq!(of(Kind::Number), ["1.5"]);
        assert_eq!(of(Kind::Comment), [r#";; no "text" here"#]);
        assert_eq!(of(Kind::Name), ["SET", "r", "a"]);
        assert_eq!(pieces("(\"cut…) -> x").nth(1), Some((Kind::Text, "\"cut…")));
        assert_eq!(pieces("\"open").collect::<Vec<_>>(), [(Kind::Text, "\"open")]);
    }
}
