//! Did you mean: the nearest known name to a misspelled one.

/// Names longer than this are never compared; the work per pair stays small.
const LONGEST: usize = 48;
/// Candidates looked at before giving up, so that a huge program cannot make one typo expensive.
const MOST_CANDIDATES: usize = 10_000;

/// The candidate that most likely was meant, the first of several equally near ones.
///
/// Distance is the number of letters to insert, delete, replace or swap with their neighbour, in
/// any case; a third of the word may be wrong.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    // One wrong letter of one is another word.
    let mut limit = if word.len() < 2 { 0 } else { (word.len() / 3).max(1) };
    let mut best = None;
    for candidate in candidates.into_iter().take(MOST_CANDIDATES) {
        if candidate.len().abs_diff(word.len()) > limit || candidate == word {
            continue;
        }
        if let Some(distance) = distance(word.as_bytes(), candidate.as_bytes(), limit) {
            best = Some(candidate);
            if distance == 0 {
                break;
            }
            limit = distance - 1;
        }
    }
    best
}

/// Optimal string alignment distance, if it is at most `limit`.
fn distance(a: &[u8], b: &[u8], limit: usize) -> Option<usize> {
    if a.len() > LONGEST || b.len() > LONGEST {
        return None;
    }
    let mut rows = [[0usize; LONGEST + 1]; 3];
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    let same = |x: u8, y: u8| x.eq_ignore_ascii_case(&y);
    for i in 1..=a.len() {
        let (now, last, before) = (i % 3, (i + 2) % 3, (i + 1) % 3);
        rows[now][0] = i;
        let mut least = i;
        for j in 1..=b.len() {
            let replaced = rows[last][j - 1] + usize::from(!same(a[i - 1], b[j - 1]));
            let mut cell = replaced.min(rows[last][j] + 1).min(rows[now][j - 1] + 1);
            if i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]) {
                cell = cell.min(rows[before][j - 2] + 1);
            }
            rows[now][j] = cell;
            least = least.min(cell);
        }
        if least > limit {
            return None;
        }
    }
    let distance = rows[a.len() % 3][b.len()];
    (distance <= limit).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_typos_and_leaves_strangers_alone() {
        let known = ["KV_STORE", "KV_FETCH", "LOG", "JUMP_IF", "total"];
        assert_eq!(nearest("KV_STOER", known), Some("KV_STORE"));
        assert_eq!(nearest("kv_fetc", known), Some("KV_FETCH"));
        assert_eq!(nearest("LOGG", known), Some("LOG"));
        assert_eq!(nearest("Total", known), Some("total"));
        assert_eq!(nearest("PRINT", known), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"x".repeat(1000), known), None);
    }
}
