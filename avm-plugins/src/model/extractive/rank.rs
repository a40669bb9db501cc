//! Which sentences answer the question.

use super::MAX_QUOTES;
use super::bag::Bag;
use super::input::Input;
use super::question::{Question, Term};
use super::sentences::Sentence;

/// The constants of BM25: how soon repetition saturates, how much length counts.
const K1: f64 = 1.2;
const B: f64 = 0.5;

/// What a word of the question counts that a sentence has only by a related word ("gas" for "cost").
const RELATED: f64 = 0.6;
/// What it counts if it stands in the nearest heading, or in another part of the title.
const HEADING: f64 = 0.6;
const TITLE: f64 = 0.3;
/// What it counts in the heading besides the sentence.
const BOTH: f64 = 0.4;
/// A section is about the identifier that heads it.
const HEADING_IDENTIFIER: f64 = 0.9;
/// What it counts if it stands elsewhere in the passage.
const NEARBY: f64 = 0.2;

/// What each pair of neighbouring words adds that question and sentence share.
const TOGETHER: f64 = 0.3;
/// What each place of its passage behind the first costs a sentence.
const LATE: f64 = 0.02;

/// The question is refused unless the best sentence and its surroundings cover more of its weight.
const MIN_COVERAGE: f64 = 0.5;
/// Further sentences need this part of the score of the best.
const FURTHER: f64 = 0.75;

/// A title in parts, and the words of a passage.
#[derive(Default)]
struct Context {
    heading: Bag,
    title: Bag,
    body: Bag,
}

/// Indices of the sentences to quote, best first; none if the question is not answered.
pub(super) fn choose(input: &Input<'_>, sentences: &[Sentence]) -> Vec<usize> {
    let question = Question::new(input.question);
    if question.terms.is_empty() || sentences.is_empty() {
        return Vec::new();
    }
    let said = |s: &Sentence| Bag::new(s.row.as_ref().map_or(&s.text, |(cells, _)| cells));
    let bags: Vec<Bag> = sentences.iter().map(said).collect();
    let columns = |s: &Sentence| Bag::new(s.row.as_ref().map_or("", |(_, columns)| columns));
    let contexts: Vec<Context> = input
        .passages
        .iter()
        .map(|p| {
            let heading = p.title.rsplit(" > ").next().unwrap_or_default();
            Context { heading: Bag::new(heading), title: Bag::new(p.title), body: Bag::new(p.text) }
        })
        .collect();
    let known = |key: &str| contexts.iter().any(|c| c.body.has(key) || c.title.has(key));
    // A question about a name that the passages never mention is about something else.
    let mut names = question.terms.iter().filter(|t| t.identifier).peekable();
    if names.peek().is_some() && !names.any(|t| known(&t.key)) {
        return Vec::new();
    }

    let number = bags.len() as f64;
    let average = bags.iter().map(|b| f64::from(b.len)).sum::<f64>() / number;
    let rarity = |term: &Term| {
        let has = |(s, b): &(&Sentence, &Bag)| {
            b.has(&term.key) || contexts[s.passage].heading.has(&term.key)
        };
        let with = sentences.iter().zip(&bags).filter(has).count() as f64;
        term.weight * libm::log(1.5 + (number - with + 0.5) / (with + 0.5))
    };
    let rarity: Vec<f64> = question.terms.iter().map(rarity).collect();

    let mut scored: Vec<(f64, f64, usize)> = Vec::new();
    for (at, (sentence, bag)) in sentences.iter().zip(&bags).enumerate() {
        let context = &contexts[sentence.passage];
        let columns = columns(sentence);
        let (mut score, mut covered, mut total, mut own) = (0.0, 0.0, 0.0, false);
        for (term, rare) in question.terms.iter().zip(&rarity) {
            let (part, cover) = weigh(term, bag, &columns, context, average);
            own |= part.is_some();
            score += part.unwrap_or(cover.0) * rare;
            // A word that says little is no loss if not found.
            let needed = term.needed.max(cover.1 * term.weight);
            covered += cover.1 * needed;
            total += needed;
        }
        if own {
            let adjacent = |p: &&(String, String)| bag.has_pair(p) || context.heading.has_pair(p);
            let together = question.pairs.iter().filter(adjacent).count() as f64;
            score *= 1.0 + TOGETHER * together;
            // What was found first is nearest to the question as a whole.
            score /= 1.0 + LATE * sentence.passage as f64;
            let coverage = if total > 0.0 { covered / total } else { 0.0 };
            score *= (0.4 + 0.6 * coverage) * question.shape(sentence, bag);
            if score > 0.0 {
                scored.push((score, coverage, at));
            }
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
    let Some(&(best, coverage, _)) = scored.first() else { return Vec::new() };
    if coverage <= MIN_COVERAGE {
        return Vec::new();
    }
    let mut quotes: Vec<usize> = Vec::new();
    for &(score, _, at) in scored.iter().take(32) {
        if quotes.len() == MAX_QUOTES || score < FURTHER * best {
            break;
        }
        if !quotes.iter().any(|&q| bags[q].repeats(&bags[at])) {
            quotes.push(at);
        }
    }
    quotes
}

/// What a term finds: in the sentence itself if there, else `None`; and around it, with the part of
/// the term that counts as covered.
fn weigh(
    term: &Term,
    bag: &Bag,
    columns: &Bag,
    context: &Context,
    average: f64,
) -> (Option<f64>, (f64, f64)) {
    let related = |bag: &Bag| term.related.iter().map(|r| bag.count(r)).fold(0.0, f64::max);
    let saturated = |count: f64| {
        let length = 1.0 - B + B * (f64::from(bag.len) / average).clamp(0.5, 3.0);
        count * (K1 + 1.0) / (count + K1 * length)
    };
    let count = bag.count(&term.key);
    if count > 0.0 {
        // A name is in a sentence or not, however often.
        let own = if term.identifier { 1.0 } else { saturated(count) };
        let both = if context.heading.has(&term.key) { BOTH } else { 0.0 };
        return (Some(own + both), (0.0, 1.0));
    }
    let count = related(bag);
    if count > 0.0 {
        let both = if context.heading.has(&term.key) { BOTH } else { 0.0 };
        return (Some(RELATED * saturated(count) + both), (0.0, 0.8));
    }
    let around = if columns.has(&term.key) {
        (HEADING, 1.0)
    } else if related(columns) > 0.0 {
        (RELATED * HEADING, 0.8)
    } else if context.heading.has(&term.key) {
        (if term.identifier { HEADING_IDENTIFIER } else { HEADING }, 1.0)
    } else if related(&context.heading) > 0.0 {
        (RELATED * HEADING, 0.6)
    } else if context.title.has(&term.key) {
        (TITLE, 0.6)
    } else if context.body.has(&term.key) {
        (NEARBY, 0.5)
    } else {
        (0.0, 0.0)
    };
    (None, around)
}
