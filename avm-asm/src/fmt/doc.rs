//! A line with the places where it can be broken, and which of them it is broken at.

use core::ops::Range;

/// Columns that a line may have before its lists, records and operands are put on lines of their own.
const MAX_WIDTH: usize = 100;

/// A line in canonical spelling.
#[derive(Debug, Default)]
pub(super) struct Doc {
    /// All of it on one line.
    pub(super) text: String,
    /// What can be broken, by opening.
    pub(super) groups: Vec<Group>,
}

/// The items between two brackets; never none.
#[derive(Debug)]
pub(super) struct Group {
    /// Where in the text the items begin and end: behind the opening bracket, at the closing one.
    pub(super) text: Range<usize>,
    /// The same in the source, with some text in front of the first item and behind the last.
    pub(super) source: Range<u32>,
    pub(super) items: Vec<Item>,
    /// The source has it on several lines.
    pub(super) broken: bool,
    /// The operands of an instruction: they are broken where breaking what is in them does not do.
    pub(super) operands: bool,
    /// It has parentheses only where it is broken.
    pub(super) bare: bool,
    /// Index behind the last group in it.
    pub(super) behind: usize,
}

/// One item of a group.
#[derive(Debug)]
pub(super) struct Item {
    /// Its text, without a comma.
    pub(super) text: Range<usize>,
    /// Its place in the source.
    pub(super) source: Range<u32>,
}

impl From<String> for Doc {
    fn from(text: String) -> Self {
        Self { text, groups: Vec::new() }
    }
}

impl From<&str> for Doc {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl Doc {
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Begins a group; end it with [`Doc::close`].
    pub(super) fn open(&mut self, source: Range<u32>, broken: bool) -> usize {
        let start = self.text.len();
        self.groups.push(Group {
            text: start..start,
            source,
            items: Vec::new(),
            broken,
            operands: false,
            bare: false,
            behind: 0,
        });
        self.groups.len() - 1
    }

    /// What was written from `start` on is an item of the group.
    pub(super) fn item(&mut self, group: usize, start: usize, source: Range<u32>) {
        let text = start..self.text.len();
        if let Some(group) = self.groups.get_mut(group) {
            group.items.push(Item { text, source });
        }
    }

    pub(super) fn close(&mut self, group: usize) {
        let (end, behind) = (self.text.len(), self.groups.len());
        if let Some(group) = self.groups.get_mut(group) {
            group.text.end = end;
            group.behind = behind;
        }
    }

    pub(super) fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    /// The groups whose opening is in `text`, the first of which is not before `from`.
    pub(super) fn within(&self, from: usize, text: &Range<usize>) -> Range<usize> {
        let rest = self.groups.get(from..).unwrap_or_default();
        from..from + rest.partition_point(|group| group.text.start < text.end)
    }

    /// Which groups are broken where the line begins at `column` and further lines at `indent`;
    /// `None` if it stays whole.
    pub(super) fn layout(&self, indent: usize, column: usize) -> Option<Vec<bool>> {
        let fits = || column + self.text.chars().count() <= MAX_WIDTH;
        if self.groups.is_empty() || !self.groups.iter().any(|group| group.broken) && fits() {
            return None;
        }
        let inner = self.choose(indent, column, false);
        let best = if inner.widest > MAX_WIDTH
            && self.groups.iter().any(|group| group.operands && group.items.len() > 1)
        {
            let operands = self.choose(indent, column, true);
            if operands.widest < inner.widest { operands } else { inner }
        } else {
            inner
        };
        best.broken.contains(&true).then_some(best.broken)
    }

    fn choose(&self, indent: usize, column: usize, operands: bool) -> Choice<'_> {
        let broken = vec![false; self.groups.len()];
        let mut choice = Choice { doc: self, operands, broken, widest: 0 };
        choice.walk(0..self.groups.len(), 0..self.text.len(), indent, column, 0);
        choice
    }
}

/// One way to break a line.
struct Choice<'d> {
    doc: &'d Doc,
    /// Operands of an instruction are to be broken.
    operands: bool,
    broken: Vec<bool>,
    widest: usize,
}

impl Choice<'_> {
    fn width(&self, text: Range<usize>) -> usize {
        self.doc.slice(text).chars().count()
    }

    /// Breaks what is in `text`, from the outside in. `tail` characters follow it.
    fn walk(
        &mut self,
        groups: Range<usize>,
        text: Range<usize>,
        indent: usize,
        mut column: usize,
        tail: usize,
    ) {
        let (mut at, mut next) = (text.start, groups.start);
        while next < groups.end
            && let Some(group) = self.doc.groups.get(next)
        {
            column += self.width(at..group.text.start);
            at = group.text.start;
            let several = group.items.len() > 1;
            let must = group.broken || group.operands && several && self.operands;
            if !must && (group.operands || self.fits(column, next, &groups, &text, tail)) {
                next += 1;
                continue;
            }
            if let Some(broken) = self.broken.get_mut(next) {
                *broken = true;
            }
            self.widest = self.widest.max(column + usize::from(group.bare));
            let mut inner = next + 1;
            for (number, item) in group.items.iter().enumerate() {
                let own = self.doc.within(inner, &item.text);
                inner = own.end;
                let comma = usize::from(number + 1 < group.items.len());
                self.walk(own, item.text.clone(), indent + 2, indent + 2, comma);
            }
            column = indent + usize::from(group.bare);
            (at, next) = (group.text.end, group.behind);
        }
        column += self.width(at..text.end) + tail;
        self.widest = self.widest.max(column);
    }

    /// Whether what follows from the items of a group on, up to the next line break that is sure to
    /// come, fits into a line.
    fn fits(
        &self,
        column: usize,
        group: usize,
        groups: &Range<usize>,
        text: &Range<usize>,
        tail: usize,
    ) -> bool {
        let at = self.doc.groups.get(group).map_or(0, |group| group.text.start);
        // Groups too far away do not matter: what is in front of them does not fit anyway.
        let behind = self.doc.groups.get(group + 1..groups.end).unwrap_or_default();
        let near = behind.iter().take_while(|group| group.text.start < at + 4 * MAX_WIDTH);
        let (end, tail) = match near.into_iter().find(|group| group.broken) {
            Some(group) => (group.text.start, 0),
            None => (text.end, tail),
        };
        let rest = self.doc.slice(at..end).chars().take(MAX_WIDTH + 1).count();
        column + rest + tail <= MAX_WIDTH
    }
}
