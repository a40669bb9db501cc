//! Many fields by name: sorted leaves under a sorted index, and a memo of where names were found.
//!
//! A search goes along two rows of numbers and rarely at a text; a name that was found before is
//! looked for there first. Every leaf is shared on its own, so that a write to a record that
//! somebody else holds copies the index and one leaf.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use triomphe::Arc;

use super::{Place, Text, Value};

/// Most fields in a leaf.
const MOST: usize = 64;

/// Fields sorted by name, in leaves that are not empty.
#[derive(Clone, Default)]
pub(in crate::value) struct Leaves {
    index: Vec<Branch>,
    len: usize,
    memo: Memo,
}

#[derive(Clone, Debug)]
struct Branch {
    /// That of the leaf's first name.
    front: Front,
    leaf: Arc<Vec<Field>>,
}

#[derive(Clone, Debug)]
struct Field {
    front: Front,
    name: Text,
    value: Value,
}

/// What decides nearly every comparison of names: the first 15 bytes in the order of names, what
/// is missing as 0, then the length, as 16 if it is more. Only two of 16 leave it to the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Front {
    high: u64,
    low: u64,
}

impl Front {
    #[inline]
    fn new(name: &str) -> Self {
        let bytes = name.as_bytes();
        // Loads that overlap take fewer steps than a loop over single bytes.
        let (high, low) = match bytes.len() {
            16.. => (first8(bytes), first8(&bytes[8..]) & !0xFF | 16),
            len @ 8.. => {
                let rest = first8(&bytes[len - 8..]);
                (first8(bytes), rest.unbounded_shl(8 * (16 - len as u32)) | len as u64)
            }
            len @ 4.. => {
                let rest = first4(&bytes[len - 4..]) << (8 * (8 - len));
                (first4(bytes) << 32 | rest, len as u64)
            }
            len => {
                let byte =
                    |at: usize| u64::from(bytes.get(at).copied().unwrap_or(0)) << (56 - 8 * at);
                (byte(0) | byte(1) | byte(2), len as u64)
            }
        };
        Self { high, low }
    }

    #[inline]
    const fn number(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    /// Whether names with this front may differ.
    #[inline]
    const fn is_open(self) -> bool {
        self.low & 0xFF == 16
    }
}

#[inline]
fn first8(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[inline]
fn first4(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from(u32::from_be_bytes(*bytes)))
}

/// Places where names were found, by a mix of the name's bytes.
///
/// All of them are guesses, looked at before they are believed: fields move, names meet in one
/// slot, and who shares the fields shares the memo. So names chosen to meet cost a search, which is
/// what they would cost without it.
#[derive(Clone, Default)]
struct Memo(Option<Arc<Vec<AtomicU32>>>);

impl Memo {
    /// Room for so many fields: two slots each or more, and never so many that a field takes more
    /// memory than is counted for it.
    fn fit(&mut self, fields: usize) {
        if self.0.as_ref().map_or(0, |slots| slots.len()) < 2 * fields {
            let slots = (3 * fields).next_power_of_two();
            self.0 = Some(Arc::new((0..slots).map(|_| AtomicU32::new(0)).collect()));
        }
    }

    #[inline]
    fn slot(&self, front: Front, name: &str) -> Option<&AtomicU32> {
        // Odd, with its bits spread: the golden ratio.
        const MIX: u128 = 0x9E37_79B9_7F4A_7C15;
        let slots = &self.0.as_ref()?[..];
        let mut key = front.high ^ front.low.rotate_left(29);
        if front.is_open() {
            let bytes = name.as_bytes();
            key ^= first8(&bytes[bytes.len().saturating_sub(8)..]).rotate_left(17);
        }
        let mixed = u128::from(key) * MIX;
        slots.get((mixed >> 64 ^ mixed) as usize & (slots.len() - 1))
    }
}

impl Leaves {
    /// Of fields that are sorted by name.
    pub(super) fn new(sorted: impl Iterator<Item = (Text, Value)>) -> Self {
        let mut leaves = Self::default();
        for (name, value) in sorted {
            let last = leaves.index.len().saturating_sub(1);
            let len = leaves.index.last().map_or(0, |branch| branch.leaf.len());
            leaves.put((last, len), name, value);
        }
        leaves
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let (branch, at) = self.find(name).ok()?;
        Some(&self.index[branch].leaf[at].value)
    }

    /// Where a field is, or has to be put.
    #[inline]
    pub(super) fn find(&self, name: &str) -> Result<Place, Place> {
        let front = Front::new(name);
        self.guess(front, name).map_or_else(|| self.seek(front, name), Ok)
    }

    /// Where a field is, if it is where it was found last time.
    #[inline]
    fn guess(&self, front: Front, name: &str) -> Option<Place> {
        let place = self.memo.slot(front, name)?.load(Ordering::Relaxed) as usize;
        let (branch, at) = (place / MOST, place % MOST);
        let field = self.index.get(branch)?.leaf.get(at)?;
        let found = field.front == front && (!front.is_open() || field.name.as_str() == name);
        found.then_some((branch, at))
    }

    /// Searches, and notes what is found.
    #[inline(never)]
    fn seek(&self, front: Front, name: &str) -> Result<Place, Place> {
        let (branch, at) = self.search(front, name)?;
        if let Some(slot) = self.memo.slot(front, name) {
            slot.store((branch * MOST + at) as u32, Ordering::Relaxed);
        }
        Ok((branch, at))
    }

    /// The value at a place where a field is.
    #[inline]
    pub(super) fn value_mut(&mut self, (branch, at): Place) -> &mut Value {
        &mut Arc::make_mut(&mut self.index[branch].leaf)[at].value
    }

    /// Puts a field where it has to be put.
    pub(super) fn put(&mut self, place: Place, name: Text, value: Value) {
        self.insert(place, Field { front: Front::new(&name), name, value });
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Value> {
        let (branch, at) = self.search(Front::new(name), name).ok()?;
        let leaf = Arc::make_mut(&mut self.index[branch].leaf);
        let removed = leaf.remove(at).value;
        self.len -= 1;
        match leaf.first() {
            Some(first) => self.index[branch].front = first.front,
            None => {
                self.index.remove(branch);
            }
        }
        self.merge(branch);
        if let Some(before) = branch.checked_sub(1) {
            self.merge(before);
        }
        Some(removed)
    }

    /// Makes one leaf of a leaf and the next where both are small, so that their number stays in
    /// proportion to that of the fields.
    fn merge(&mut self, branch: usize) {
        let Some([left, right]) = self.index.get(branch..branch + 2) else { return };
        if left.leaf.len() + right.leaf.len() > MOST / 2 {
            return;
        }
        let right = self.index.remove(branch + 1).leaf;
        let left = Arc::make_mut(&mut self.index[branch].leaf);
        left.extend(right.iter().cloned());
    }

    /// The same without the memo.
    fn search(&self, front: Front, name: &str) -> Result<Place, Place> {
        if front.is_open() {
            return self.search_open(front, name);
        }
        // The last leaf whose first name is not behind the name.
        let behind = self.index.partition_point(|b| b.front.number() <= front.number());
        let branch = behind.saturating_sub(1);
        let Some(Branch { leaf, .. }) = self.index.get(branch) else { return Err((0, 0)) };
        let at = leaf.partition_point(|field| field.front.number() < front.number());
        match leaf.get(at) {
            Some(field) if field.front == front => Ok((branch, at)),
            _ => Err((branch, at)),
        }
    }

    /// The same where fronts do not decide.
    #[inline(never)]
    fn search_open(&self, front: Front, name: &str) -> Result<Place, Place> {
        let order = |field: &Field| {
            field.front.number().cmp(&front.number()).then_with(|| field.name.as_str().cmp(name))
        };
        let behind = self.index.partition_point(|branch| match branch.front == front {
            true => branch.leaf.first().is_some_and(|first| order(first).is_le()),
            false => branch.front.number() < front.number(),
        });
        let branch = behind.saturating_sub(1);
        let Some(Branch { leaf, .. }) = self.index.get(branch) else { return Err((0, 0)) };
        leaf.binary_search_by(order).map(|at| (branch, at)).map_err(|at| (branch, at))
    }

    /// Puts a field at its place; a full leaf becomes two.
    fn insert(&mut self, (branch, at): Place, field: Field) {
        self.len += 1;
        self.memo.fit(self.len);
        let is_last = branch + 1 >= self.index.len();
        let Some(Branch { front, leaf }) = self.index.get_mut(branch) else {
            let front = field.front;
            return self.index.push(Branch { front, leaf: Arc::new(alloc::vec![field]) });
        };
        let leaf = Arc::make_mut(leaf);
        if leaf.len() < MOST {
            leaf.insert(at, field);
            *front = leaf[0].front;
            return;
        }
        // Names that come in order fill their leaves. Only at the end: elsewhere, names that come
        // from behind would make a leaf each.
        let middle = if is_last && at == MOST { MOST } else { MOST / 2 };
        let mut right = leaf.split_off(middle);
        // Where names come in order, nothing will be put into the left one again.
        leaf.shrink_to_fit();
        match at.checked_sub(middle) {
            Some(at) => right.insert(at, field),
            None => leaf.insert(at, field),
        }
        *front = leaf[0].front;
        let front = right[0].front;
        self.index.insert(branch + 1, Branch { front, leaf: Arc::new(right) });
    }
}

/// Names and values, by name.
#[derive(Clone, Debug)]
pub(in crate::value) struct Iter<'a> {
    index: core::slice::Iter<'a, Branch>,
    leaf: core::slice::Iter<'a, Field>,
    /// How many are still to come.
    left: usize,
}

impl Leaves {
    pub(super) fn iter(&self) -> Iter<'_> {
        Iter { index: self.index.iter(), leaf: [].iter(), left: self.len }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Text, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(field) = self.leaf.next() {
                self.left -= 1;
                return Some((&field.name, &field.value));
            }
            self.leaf = self.index.next()?.leaf.iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

    use proptest::prelude::*;

    use super::{Front, Leaves, MOST, Text, Value};

    type Model = BTreeMap<String, i64>;

    /// Names of which many begin alike, shorter and longer than what a front holds.
    fn name() -> impl Strategy<Value = String> {
        let start = prop::sample::select(alloc::vec![
            "",
            "n",
            "name\0",
            "n é ",
            "a name of 15 by",
            "conversation/"
        ]);
        (start, 0..150_u32).prop_map(|(start, number)| format!("{start}{number}"))
    }

    fn check(leaves: &Leaves, model: &Model) -> Result<(), TestCaseError> {
        prop_assert_eq!(leaves.len(), model.len());
        let seen = leaves.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let expected = model.iter().map(|(name, n)| (name.as_str(), Value::Int(*n)));
        prop_assert_eq!(seen.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        for (name, number) in model {
            prop_assert_eq!(leaves.get(name), Some(&Value::Int(*number)));
        }
        for branch in &leaves.index {
            prop_assert!(branch.front == branch.leaf[0].front && branch.leaf.len() <= MOST);
        }
        Ok(())
    }

    proptest! {
        /// Against the map of the standard library; a copy made on the way stays what it was.
        #[test]
        fn leaves_are_a_sorted_map(
            changes in prop::collection::vec((name(), 0..5_u8), 0..700),
            shared in 0..700_usize,
        ) {
            let (mut leaves, mut model) = (Leaves::default(), Model::new());
            let mut copy = (leaves.clone(), model.clone());
            // First it mostly grows, then it mostly shrinks.
            let turn = changes.len() / 2;
            for (at, (name, dice)) in changes.into_iter().enumerate() {
                if at == shared {
                    copy = (leaves.clone(), model.clone());
                }
                let number = at as i64;
                if (dice == 0) == (at < turn) {
                    let value = leaves.remove(&name);
                    prop_assert_eq!(value, model.remove(&name).map(Value::Int));
                } else {
                    let found = leaves.find(&name);
                    let new = (Text::from(name.as_str()), Value::Int(number));
                    prop_assert_eq!(found.is_ok(), model.insert(name, number).is_some());
                    match found {
                        Ok(place) => *leaves.value_mut(place) = new.1,
                        Err(place) => leaves.put(place, new.0, new.1),
                    }
                }
            }
            check(&leaves, &model)?;
            check(&copy.0, &copy.1)?;
        }

        #[test]
        fn fronts_are_in_the_order_of_names(a in "[a\0é]{0,20}", b in "[a\0é]{0,20}") {
            let (x, y) = (Front::new(&a), Front::new(&b));
            if x == y {
                prop_assert!(a == b || x.is_open());
            } else {
                prop_assert_eq!(x.number().cmp(&y.number()), a.cmp(&b));
            }
        }
    }

    /// Names in order fill their leaves, names from behind do not make a leaf each, and what is
    /// taken out leaves no small leaves behind.
    #[test]
    fn leaves_are_in_proportion() {
        let name = |n: usize| format!("{n:06}");
        let build = |numbers: &mut dyn Iterator<Item = usize>| {
            let mut leaves = Leaves::default();
            for n in numbers {
                let place = leaves.find(&name(n)).unwrap_err();
                leaves.put(place, Text::from(name(n)), Value::Null);
            }
            leaves
        };
        let mut leaves = build(&mut (0..100 * MOST));
        assert_eq!(leaves.index.len(), 100);
        let behind = build(&mut (0..MOST).chain((MOST..100 * MOST).rev()));
        assert!(behind.index.len() <= 201);
        for n in (0..100 * MOST).filter(|n| n % MOST != 0) {
            leaves.remove(&name(n));
        }
        assert!((leaves.len(), leaves.index.len()) <= (100, 10), "{}", leaves.index.len());
    }
}
