//! Attributes of `.region` and `.test`.

use super::{Builder, Flat};
use crate::{
    ast::{Answer, Gives, Name, Region, Test},
    lexer::nearest,
    messages::{self, Report, diagnostic},
};

impl<'s> Builder<'_, 's> {
    pub(crate) fn attribute(&mut self, name: &'s str, values: Option<u32>) {
        let values = self.names.end(values, self.arena);
        let name = self.name(name);
        self.attributes.begin((name, values));
    }

    pub(crate) fn bare_attribute(&mut self, name: &'s str) {
        let name = self.name(name);
        self.attributes.begin((name, self.arena.list(&[name])));
    }

    pub(crate) fn region(&mut self, name: &'s str) {
        let attributes = self.attributes.end(Some(0), self.arena);
        let mut region = empty_region(self.name(name));
        let mut seen: Vec<Name<'s>> = Vec::new();
        for &(attribute, values) in attributes {
            if self.repeated(&seen, &attribute) || self.no_value(&attribute, values) {
                continue;
            }
            match attribute.text.to_ascii_lowercase().as_str() {
                "perms" => region.perms = Some(values),
                "in" => region.inputs = values,
                "out" => region.outputs = values,
                "detached" => region.detached = true,
                _ => {
                    let known = ["perms", "in", "out", "detached"];
                    self.unknown_attribute(&attribute, ".region", &known);
                }
            }
            seen.push(attribute);
        }
        self.park(Flat::Region(self.arena.put(region)));
    }

    pub(crate) fn test(&mut self, token: &'s str) {
        let attributes = self.attributes.end(Some(0), self.arena);
        let title = self.key(token);
        let mut test = empty_test(title);
        (test.name, test.name_span) = (title.text, title.span);
        let mut seen: Vec<Name<'s>> = Vec::new();
        for &(attribute, values) in attributes {
            if self.repeated(&seen, &attribute) {
                continue;
            }
            if self.no_value(&attribute, values) {
                seen.push(attribute);
                continue;
            }
            if attribute.text.eq_ignore_ascii_case("region") {
                if values.len() != 1 {
                    let report = diagnostic(
                        messages::BAD_DIRECTIVE,
                        attribute.span,
                        "a test has exactly one region",
                    );
                    self.report(report);
                }
                if let Some(region) = values.last() {
                    test.region = *region;
                }
            } else {
                self.unknown_attribute(&attribute, ".test", &["region"]);
            }
            seen.push(attribute);
        }
        if !seen.iter().any(|name| name.text.eq_ignore_ascii_case("region")) {
            let report =
                diagnostic(messages::NO_REGION, test.name_span, "this test names no region")
                    .help("write `.test \"name\" region=NAME`");
            self.report(report);
        }
        self.park(Flat::Test(self.arena.put(test)));
    }

    /// `answer MNEMONIC "name" -> value`; the line's place is known when it is complete.
    pub(crate) fn answer(
        &mut self,
        mnemonic: &'s str,
        name: Option<&'s str>,
        results: Option<u32>,
    ) {
        let results = self.exprs.end(results, self.arena);
        self.park_answer(mnemonic, name, Gives::Results(results));
    }

    /// `answer MNEMONIC "name" fails "reason"`.
    pub(crate) fn answer_failure(
        &mut self,
        mnemonic: &'s str,
        name: Option<&'s str>,
        word: &'s str,
        reason: &'s str,
    ) {
        if !word.eq_ignore_ascii_case("fails") {
            let place = self.place(word);
            let message = format!("`{word}` does not fit into `answer`");
            let report = diagnostic(messages::BAD_DIRECTIVE, place, message);
            self.report(report.suggest(place, "fails"));
        }
        let reason = self.key(reason);
        self.park_answer(mnemonic, name, Gives::Failure(reason));
    }

    fn park_answer(&mut self, mnemonic: &'s str, name: Option<&'s str>, gives: Gives<'s>) {
        let mnemonic = self.name(mnemonic);
        let name = name.map(|token| self.key(token));
        self.park(Flat::Answer(Answer { mnemonic, name, gives, span: mnemonic.span }));
    }

    fn repeated(&mut self, seen: &[Name<'_>], attribute: &Name<'_>) -> bool {
        let first = seen.iter().find(|name| name.text.eq_ignore_ascii_case(attribute.text));
        if let Some(first) = first {
            let message = format!("`{}` is given twice", attribute.text);
            let report = diagnostic(messages::TWICE, attribute.span, message)
                .note(first.span, "the first one")
                .help("separate its values by commas");
            self.report(report);
        }
        first.is_some()
    }

    /// Whether an attribute lacks its value, or `detached` has one. An unknown one is another matter.
    fn no_value(&mut self, attribute: &Name<'_>, values: &[Name<'_>]) -> bool {
        let bare = matches!(values, [only] if only.span == attribute.span);
        let word = attribute.text.to_ascii_lowercase();
        let (message, help) = match word.as_str() {
            "detached" if !bare => ("takes no value", String::from("write the word alone")),
            "in" | "out" if bare => ("has no value", format!("write `{word}=(R, …)`")),
            "perms" if bare => ("has no value", String::from("write `perms=read,execute`")),
            "region" if bare => ("has no value", String::from("write `region=NAME`")),
            _ => return false,
        };
        let message = format!("`{}` {message}", attribute.text);
        let report = diagnostic(messages::BAD_DIRECTIVE, attribute.span, message).help(help);
        self.report(report);
        true
    }

    fn unknown_attribute(&mut self, attribute: &Name<'_>, directive: &str, known: &[&'static str]) {
        let message = format!("`{directive}` has no attribute `{}`", attribute.text);
        let mut report = diagnostic(messages::BAD_ATTRIBUTE, attribute.span, message);
        match nearest(attribute.text, known.iter().copied()) {
            Some(name) => report = report.suggest(attribute.span, name),
            None => report = report.help(format!("there is `{}`", known.join("`, `"))),
        }
        self.report(report);
    }
}

pub(super) fn empty_region(name: Name<'_>) -> Region<'_> {
    let head = name.span;
    Region { name, perms: None, detached: false, inputs: &[], outputs: &[], body: &[], head }
}

pub(super) fn empty_test(name: Name<'_>) -> Test<'_> {
    let region = Name { text: "", span: name.span };
    let (head, name_span) = (name.span, name.span);
    Test { name: name.text, name_span, region, given: &[], expect: &[], answers: &[], head }
}
