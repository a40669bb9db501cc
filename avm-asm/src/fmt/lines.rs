//! Lines and the comments between, behind and in them.

use core::ops::Range;
use std::borrow::Cow;

use avm_ir::Span;

use super::{
    Writer,
    doc::{Doc, Group},
};
use crate::parse::MAX_SOURCE;

impl<'a> Writer<'a> {
    fn slice(&self, start: u32, end: u32) -> &'a str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Line breaks of the source from `start` to `end`, two at most.
    pub(super) fn breaks(&self, start: u32, end: u32) -> usize {
        self.slice(start, end).bytes().filter(|&byte| byte == b'\n').take(2).count()
    }

    /// One line, with an empty one in front where the source has any.
    fn put(&mut self, start: u32, indent: usize, line: &str) {
        if !self.out.is_empty() && self.breaks(self.done, start) > 1 {
            self.out.push('\n');
        }
        self.put_next(indent, line);
    }

    fn put_next(&mut self, indent: usize, line: &str) {
        // The indentation of a deep nest is many times its text; the result is an error already.
        if self.out.len() > MAX_SOURCE {
            return;
        }
        self.out.extend(core::iter::repeat_n(' ', indent));
        self.out.push_str(line);
        self.out.push('\n');
        self.indent = indent;
    }

    /// Writes the comments that begin before `limit`, each on a line of its own.
    pub(super) fn comments_before(&mut self, limit: u32, indent: usize) {
        while let Some(first) = self.comments.first()
            && first.start < limit
        {
            // A block of comments is indented like what it stands next to.
            let mut length = 1;
            while let (Some(one), Some(two)) =
                (self.comments.get(length - 1), self.comments.get(length))
                && two.start < limit
                && self.breaks(one.end, two.start) == 1
            {
                length += 1;
            }
            let (block, rest) = self.comments.split_at(length);
            let end = block.last().map_or(limit, |comment| comment.end);
            let next = rest.first().map_or(limit, |comment| comment.start.min(limit));
            let attached = self.breaks(self.done, first.start) == 1;
            let alone = self.breaks(end, next) > 1 || next as usize == self.text.len();
            let indent = if attached && alone { self.indent } else { indent };
            self.comments = rest;
            for comment in block {
                let line = canonical_comment(self.slice(comment.start, comment.end));
                self.put(comment.start, indent, &line);
                self.done = comment.end;
            }
        }
    }

    /// Puts the next comment behind the line that was written last.
    fn append_comment(&mut self) {
        if let Some((comment, rest)) = self.comments.split_first() {
            self.out.pop();
            self.out.push_str("  ");
            self.out.push_str(&canonical_comment(self.slice(comment.start, comment.end)));
            self.out.push('\n');
            self.comments = rest;
            self.done = comment.end;
        }
    }

    /// Writes the comments that begin in a line, in front of `limit`, above it.
    fn comments_above(&mut self, span: Span, limit: u32, indent: usize) {
        if self.comments.first().is_none_or(|comment| comment.start >= limit) {
            return;
        }
        if !self.out.is_empty() && self.breaks(self.done, span.start) > 1 {
            self.out.push('\n');
        }
        while let Some((comment, rest)) = self.comments.split_first()
            && comment.start < limit
        {
            self.put_next(indent, &canonical_comment(self.slice(comment.start, comment.end)));
            self.done = comment.end;
            self.comments = rest;
        }
    }

    /// Writes what stands at `span` of the source, the comments above, in and behind it.
    pub(super) fn line(
        &mut self,
        span: Span,
        indent: usize,
        number: Option<u32>,
        line: impl Into<Doc>,
    ) {
        self.line_below(span, (indent, indent), number, line);
    }

    /// The same where comments above the line are indented otherwise than the line.
    pub(super) fn line_below(
        &mut self,
        span: Span,
        (above, indent): (usize, usize),
        number: Option<u32>,
        line: impl Into<Doc>,
    ) {
        let line = line.into();
        self.comments_before(span.start, above);
        let prefix = number.map_or(String::new(), |number| format!("{number}. "));
        match line.layout(indent, indent + prefix.len()) {
            None => {
                self.comments_above(span, span.end, above);
                self.put(span.start, indent, &(prefix + &line.text));
            }
            Some(broken) => {
                let first = line.groups.iter().zip(&broken).find(|(_, broken)| **broken);
                let limit = first.map_or(span.start, |(group, _)| group.source.start);
                self.comments_above(span, limit, above);
                let start = Some(span.start);
                let mut parts = Parts { line: &line, broken: &broken, text: prefix, start };
                let groups = 0..line.groups.len();
                self.parts(&mut parts, groups, 0..line.text.len(), span.end, indent);
                self.flush(&mut parts, indent);
            }
        }
        self.done = self.done.max(span.end);
        let Some(comment) = self.comments.first() else { return };
        let between = self.slice(span.end, comment.start);
        let link = between.trim_matches([' ', '\t', '\r']);
        let same_line =
            link.is_empty() || link.eq_ignore_ascii_case("THEN") || link.eq_ignore_ascii_case("DO");
        if same_line && comment.start >= self.done {
            self.append_comment();
        }
    }

    fn flush(&mut self, parts: &mut Parts<'_>, indent: usize) {
        let text = core::mem::take(&mut parts.text);
        match parts.start.take() {
            Some(start) => self.put(start, indent, &text),
            None => self.put_next(indent, &text),
        }
    }

    /// Writes a part of a line, which ends at `end` of the source; what follows its last line break
    /// stays in `parts`.
    fn parts(
        &mut self,
        parts: &mut Parts<'_>,
        groups: Range<usize>,
        text: Range<usize>,
        end: u32,
        indent: usize,
    ) {
        let line = parts.line;
        let (mut at, mut next) = (text.start, groups.start);
        while next < groups.end
            && let Some(group) = line.groups.get(next)
        {
            if !parts.is_broken(next..next + 1) {
                next += 1;
                continue;
            }
            parts.text.push_str(line.slice(at..group.text.start));
            parts.text.push_str(if group.bare { "(" } else { "" });
            self.flush(parts, indent);
            self.items(parts, next, group, indent + 2);
            // Comments behind the last one have no better place than its end.
            let last = !parts.is_broken(group.behind..groups.end);
            self.comments_inside(if last { end } else { group.source.end }, indent + 2, false);
            parts.text.push_str(if group.bare { ")" } else { "" });
            (at, next) = (group.text.end, group.behind);
        }
        parts.text.push_str(line.slice(at..text.end));
    }

    fn items(&mut self, parts: &mut Parts<'_>, index: usize, group: &Group, indent: usize) {
        // No empty line follows an opening bracket.
        let mut first = true;
        self.done = self.done.max(group.source.start);
        if self.follows(group.source.start, group, &['(', '[', '{', ' ', '\t', '\r']) {
            self.append_comment();
        }
        let mut inner = index + 1;
        for (number, item) in group.items.iter().enumerate() {
            let own = parts.line.within(inner, &item.text);
            inner = own.end;
            // Comments in an item stand above it, unless it has lines of its own for them.
            let whole = !parts.is_broken(own.clone());
            let limit = if whole { item.source.end } else { item.source.start };
            first &= !self.comments_inside(limit, indent, first);
            parts.start = (!first).then_some(item.source.start);
            first = false;
            self.parts(parts, own, item.text.clone(), item.source.end, indent);
            parts.text.push_str(if number + 1 < group.items.len() { "," } else { "" });
            self.flush(parts, indent);
            self.done = self.done.max(item.source.end);
            if self.follows(item.source.end, group, &[' ', '\t', '\r', ',']) {
                self.append_comment();
            }
        }
    }

    /// Whether the next comment is in the group and only these characters separate it from `end`.
    fn follows(&self, end: u32, group: &Group, between: &[char]) -> bool {
        self.comments.first().is_some_and(|comment| {
            (end..group.source.end).contains(&comment.start)
                && self.slice(end, comment.start).trim_matches(between).is_empty()
        })
    }

    /// Writes the comments of a group that begin before `limit`; whether there was any.
    fn comments_inside(&mut self, limit: u32, indent: usize, mut first: bool) -> bool {
        let mut any = false;
        while let Some((comment, rest)) = self.comments.split_first()
            && comment.start < limit
        {
            let line = canonical_comment(self.slice(comment.start, comment.end));
            if core::mem::take(&mut first) {
                self.put_next(indent, &line);
            } else {
                self.put(comment.start, indent, &line);
            }
            self.done = comment.end;
            self.comments = rest;
            any = true;
        }
        any
    }
}

/// A line that is written in parts.
struct Parts<'d> {
    line: &'d Doc,
    /// For each group.
    broken: &'d [bool],
    /// What was not written yet.
    text: String,
    /// Where in the source that begins, if an empty line may stand in front of it.
    start: Option<u32>,
}

impl Parts<'_> {
    fn is_broken(&self, groups: Range<usize>) -> bool {
        self.broken.get(groups).unwrap_or_default().contains(&true)
    }
}

/// `;; text`; lines of semicolons and inner indentation stay.
fn canonical_comment(comment: &str) -> Cow<'_, str> {
    let text = comment.trim_start_matches(';');
    let marks = comment.len() - text.len();
    if marks > 2 || marks == 2 && (text.is_empty() || text.starts_with([' ', '\t'])) {
        return Cow::Borrowed(comment);
    }
    Cow::Owned(format!(";; {}", text.trim_start()).trim_end().to_owned())
}
