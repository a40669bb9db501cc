//! Attributes of `.region` and `.test`.

use super::{Builder, Flat};
use crate::{
    ast::{Name, Region, Test},
    lexer::nearest,
    messages::{self, Report, diagnostic},
};

impl<'s> Builder<'s> {
    pub(crate) fn region(&mut self, name: Name, attributes: Vec<(Name, Vec<Name>)>) {
        let mut region = empty_region(name);
        let mut seen: Vec<Name> = Vec::new();
        for (attribute, values) in attributes {
            if self.repeated(&seen, &attribute) || self.no_value(&attribute, &values) {
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
        self.park(Flat::Region(region));
    }

    pub(crate) fn test(&mut self, token: &'s str, attributes: Vec<(Name, Vec<Name>)>) {
        let title = self.key(token);
        let mut test = empty_test(title.clone());
        (test.name, test.name_span) = (title.text, title.span);
        let mut seen: Vec<Name> = Vec::new();
        for (attribute, mut values) in attributes {
            if self.repeated(&seen, &attribute) {
                continue;
            }
            if self.no_value(&attribute, &values) {
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
                if let Some(region) = values.pop() {
                    test.region = region;
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
        self.park(Flat::Test(test));
    }

    fn repeated(&mut self, seen: &[Name], attribute: &Name) -> bool {
        let first = seen.iter().find(|name| name.text.eq_ignore_ascii_case(&attribute.text));
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
    fn no_value(&mut self, attribute: &Name, values: &[Name]) -> bool {
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

    fn unknown_attribute(&mut self, attribute: &Name, directive: &str, known: &[&'static str]) {
        let message = format!("`{directive}` has no attribute `{}`", attribute.text);
        let mut report = diagnostic(messages::BAD_ATTRIBUTE, attribute.span, message);
        match nearest(&attribute.text, known.iter().copied()) {
            Some(name) => report = report.suggest(attribute.span, name),
            None => report = report.help(format!("there is `{}`", known.join("`, `"))),
        }
        self.report(report);
    }
}

pub(super) fn empty_region(name: Name) -> Region {
    let head = name.span;
    let (inputs, outputs, body) = (Vec::new(), Vec::new(), Vec::new());
    Region { name, perms: None, detached: false, inputs, outputs, body, head }
}

pub(super) fn empty_test(name: Name) -> Test {
    let region = Name { text: String::new(), span: name.span };
    let (head, name_span) = (name.span, name.span);
    let (given, expect) = (Vec::new(), Vec::new());
    Test { name: name.text, name_span, region, given, expect, head }
}
