//! Splitting text into words, shared by the embedder and the sentence picker.
//!
//! A word is a run of letters, digits and `_`, in which a single `-`, `.` or `'` may stand between
//! two such characters (`avm-asm`, `0.5`, `R_state.conversation`). Identifiers are kept whole and
//! also split into parts, so that `SELF_MODIFY` meets "self-modifying" and still meets itself best.

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The whole word in lower case, with leading dashes where the source has an option (`--gas`).
    pub whole: String,
    /// Lower-case parts of a compound, cut at `_ - . '` and at case changes; one part if simple.
    pub parts: Vec<String>,
    /// True for what looks like a name of a program: `SELF_MODIFY`, `codeSize`, `--gas`, `HALT`, `T05`.
    pub identifier: bool,
    /// True where the word begins with a capital letter.
    pub capital: bool,
}

impl Word {
    /// True where the word is a number, such as `50` or `0.5`.
    pub fn is_number(&self) -> bool {
        self.whole.starts_with(|c: char| c.is_ascii_digit())
            && self.whole.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '_'))
    }
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Splits `text` into words in order of appearance. Linear in the length of the text.
pub fn words(text: &str) -> Vec<Word> {
    let mut out = Vec::new();
    let mut start = None;
    let mut previous = ' ';
    let mut dashes = 0usize;
    let mut iter = text.char_indices().peekable();
    while let Some((at, c)) = iter.next() {
        if is_word_char(c) {
            start.get_or_insert(at);
        } else if let Some(from) = start {
            let joins = matches!(c, '-' | '.' | '\'' | '’')
                && is_word_char(previous)
                && iter.peek().is_some_and(|&(_, next)| is_word_char(next));
            if !joins {
                out.push(word(&text[from..at], dashes >= 2));
                start = None;
                dashes = usize::from(c == '-');
            }
        } else if c == '-' {
            dashes += 1;
        } else {
            dashes = 0;
        }
        previous = c;
    }
    if let Some(from) = start {
        out.push(word(&text[from..], dashes >= 2));
    }
    out
}

fn word(raw: &str, option: bool) -> Word {
    let lower = raw.to_lowercase();
    let number = raw.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '_'));
    let raw_parts = split_parts(raw);
    let letters = raw.chars().filter(|c| c.is_alphabetic()).count();
    let coded = raw.starts_with(char::is_alphabetic) && raw.chars().any(|c| c.is_ascii_digit());
    let upper = (letters >= 2 || coded) && raw.chars().all(|c| !c.is_lowercase());
    // Short ones are units and plurals: `MiB`, `IDs`.
    let camel = letters > 3
        && raw.chars().skip(1).any(char::is_uppercase)
        && raw.chars().any(char::is_lowercase);
    let identifier = !number && (option || raw.contains('_') || upper || camel);
    let parts = if number {
        vec![lower.clone()]
    } else {
        raw_parts.iter().map(|p| p.to_lowercase()).collect()
    };
    let whole = if option { format!("--{lower}") } else { lower };
    Word { whole, parts, identifier, capital: raw.starts_with(char::is_uppercase) }
}

/// Cuts at separators and where a lower-case letter or digit is followed by an upper-case letter.
fn split_parts(raw: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut previous = '_';
    for (at, c) in raw.char_indices() {
        if matches!(c, '_' | '-' | '.' | '\'' | '’') {
            parts.push(&raw[start..at]);
            start = at + c.len_utf8();
        } else if c.is_uppercase() && (previous.is_lowercase() || previous.is_numeric()) {
            parts.push(&raw[start..at]);
            start = at;
        }
        previous = c;
    }
    parts.push(&raw[start..]);
    parts.retain(|p| !p.is_empty());
    parts
}

/// Folds English endings, so that "costs", "cost" and "costing" meet. Takes lower-case text.
///
/// This is a light suffix folder, not a lemmatiser: it knows no dictionary and no irregular forms.
/// Words of three letters or fewer, and words with non-ASCII letters or digits, stay as they are.
pub fn stem(word: &str) -> String {
    let mut w = word.to_owned();
    if w.len() <= 3 || !w.bytes().all(|b| b.is_ascii_lowercase()) {
        return w;
    }
    if w.ends_with("ies") && w.len() > 4 {
        w.truncate(w.len() - 3);
        w.push('y');
    } else if ["sses", "xes", "ches", "shes", "zes"].iter().any(|s| w.ends_with(s)) {
        w.truncate(w.len() - 2);
    } else if w.ends_with('s') && !["ss", "us", "is"].iter().any(|s| w.ends_with(s)) {
        w.truncate(w.len() - 1);
    }
    if let Some(root) = w.strip_suffix("ification") {
        w = format!("{root}ify");
    }
    for (suffix, keep) in
        [("ing", 3), ("ed", 3), ("ment", 3), ("ness", 4), ("ly", 4), ("er", 5), ("or", 5)]
    {
        if let Some(root) = w.strip_suffix(suffix)
            && w != "comment"
            && root.len() >= keep
            && root.bytes().any(|b| b"aeiouy".contains(&b))
        {
            let mut root = root.to_owned();
            let b = root.as_bytes();
            let n = b.len();
            if n > 3 && b[n - 1] == b[n - 2] && !b"lsze".contains(&b[n - 1]) {
                root.truncate(n - 1);
            }
            w = root;
            break;
        }
    }
    if let Some(root) = w.strip_suffix("ion")
        && root.len() >= 4
        && (root.ends_with('t') || root.ends_with('s'))
    {
        w = root.to_owned();
    }
    if w.len() > 3 && w.ends_with('e') {
        w.truncate(w.len() - 1);
    }
    if w.len() > 3 && w.ends_with('y') {
        w.truncate(w.len() - 1);
        w.push('i');
    }
    w
}

/// Words that carry grammar rather than subject; sorted, so that the look-up is a binary search.
const STOP_WORDS: &[&str] = &[
    "a", "about", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been",
    "being", "but", "by", "can", "could", "did", "do", "does", "doing", "done", "for", "from",
    "get", "gets", "had", "happen", "happens", "has", "have", "he", "her", "his", "how", "i", "if",
    "in", "into", "is", "it", "its", "just", "let", "many", "may", "me", "might", "more", "most",
    "much", "must", "my", "no", "not", "of", "on", "or", "our", "out", "over", "please", "shall",
    "she", "should", "so", "some", "such", "tell", "than", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "those", "to", "too", "up", "us", "very", "was", "we",
    "were", "what", "when", "where", "which", "while", "who", "whom", "why", "will", "with",
    "would", "you", "your",
];

/// True for a lower-case English word without a subject of its own, such as "the" or "what".
pub fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

/// Stems of words that say little about the subject of a text; sorted.
const LIGHT_STEMS: &[&str] = &[
    "allow",
    "becom",
    "describ",
    "differenc",
    "each",
    "everi",
    "explain",
    "find",
    "first",
    "giv",
    "hold",
    "how",
    "kind",
    "know",
    "last",
    "lik",
    "look",
    "mak",
    "mean",
    "ment",
    "nam",
    "need",
    "number",
    "one",
    "other",
    "own",
    "part",
    "possibl",
    "sai",
    "sam",
    "see",
    "set",
    "show",
    "tak",
    "thing",
    "two",
    "us",
    "valu",
    "wai",
    "want",
    "work",
    "writ",
    "written",
];

/// True for the stem of a word that nearly any text has, such as "use" or "mean".
pub fn is_light(stem: &str) -> bool {
    LIGHT_STEMS.binary_search(&stem).is_ok()
}

/// Stems that most texts about programs have; sorted.
const COMMON_STEMS: &[&str] = &[
    "byt", "cod", "command", "field", "fil", "funct", "instruct", "item", "list", "operand",
    "program", "result", "run", "text", "typ", "word",
];

/// How much a stem says about the subject of a text, from 0 to 1, where no counts of the corpus are
/// at hand.
pub fn telling(stem: &str) -> f64 {
    if is_light(stem) {
        0.4
    } else if COMMON_STEMS.binary_search(&stem).is_ok() {
        0.7
    } else {
        1.0
    }
}

/// Stems that ask for one another in questions about programs and prices.
const CONCEPTS: &[&[&str]] = &[
    &["cost", "pric", "charg", "fee", "gas", "pay", "expensiv"],
    &["limit", "maximum", "max", "most", "cap", "larg", "long", "deep"],
    &["start", "run", "launch", "invok"],
    &["error", "fail", "failur", "trap"],
    &["delet", "remov", "drop"],
    &["creat", "mak", "new"],
    &["stop", "halt", "end"],
    &["siz", "length", "byt", "larg", "long", "big"],
    &["default", "omit", "absent", "without"],
    &["chang", "modifi", "edit", "rewrit"],
    &["return", "result", "output", "giv"],
    &["dimens", "component"],
    &["exhaust", "us"],
    &["clock", "tim"],
    &["sign", "signatur"],
];

/// A name for each group of stems in which this one is.
pub fn concepts(stem: &str) -> impl Iterator<Item = &'static str> {
    CONCEPTS.iter().filter(move |group| group.contains(&stem)).map(|group| group[0])
}

/// The stems that mean nearly the same as this one; empty if none is known.
pub fn concept(stem: &str) -> impl Iterator<Item = &'static str> {
    CONCEPTS
        .iter()
        .filter(move |group| group.contains(&stem))
        .flat_map(|group| group.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wholes(text: &str) -> Vec<String> {
        words(text).into_iter().map(|w| w.whole).collect()
    }

    #[test]
    fn words_keep_compounds_options_and_decimals() {
        assert_eq!(
            wholes("Use `--gas 0.5` in avm-asm, e.g. SELF_MODIFY. -- End."),
            ["use", "--gas", "0.5", "in", "avm-asm", "e.g", "self_modify", "end"]
        );
    }

    #[test]
    fn identifiers_split_into_parts() {
        let parts = |t: &str| words(t).remove(0).parts;
        assert_eq!(parts("SELF_MODIFY"), ["self", "modify"]);
        assert_eq!(parts("codeSize"), ["code", "size"]);
        assert_eq!(parts("R_state.conversation"), ["r", "state", "conversation"]);
        assert!(words("HALT")[0].identifier && !words("Halt")[0].identifier);
        assert!(!words("2026")[0].identifier && words("0.5")[0].is_number());
    }

    #[test]
    fn stems_meet() {
        for group in [
            &["cost", "costs", "costing"][..],
            &["modify", "modifies", "modified", "modifying", "modification", "modifications"],
            &["execute", "executes", "executed", "executing", "execution"],
            &["charg", "charges", "charged"],
            &["run", "running"],
            &["allocate", "allocation"],
            &["policy", "policies"],
            &["pay", "payment", "payments"],
        ] {
            let stems: Vec<_> = group.iter().map(|w| stem(w)).collect();
            assert!(stems.iter().all(|s| *s == stems[0]), "{stems:?}");
        }
        assert_eq!(stem("gas"), "gas");
        assert_eq!(stem("status"), "status");
    }

    #[test]
    fn lists_hold_sorted_stems() {
        // "dimens" is what is left of "dimension".
        let is_stem = |w: &str| stem(w) == w || stem(&format!("{w}ion")) == w;
        for list in [LIGHT_STEMS, COMMON_STEMS] {
            assert!(list.windows(2).all(|w| w[0] < w[1]));
            assert!(list.iter().all(|w| is_stem(w)), "{list:?}");
        }
        assert!(CONCEPTS.iter().copied().flatten().all(|w| is_stem(w)));
        assert!(telling("writ") < telling("program") && telling("program") < telling("region"));
    }

    #[test]
    fn stop_words_are_sorted() {
        assert!(STOP_WORDS.windows(2).all(|w| w[0] < w[1]));
        assert!(is_stop_word("what") && !is_stop_word("gas"));
    }
}
