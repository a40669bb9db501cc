//! `answer` lines of tests: what questions get while the test runs.

use avm_ir::{
    Opcode, Span,
    program::{Fixture, MAX_FIXTURE_REASON, MAX_FIXTURES},
};

use super::Env;
use crate::{
    ast::{Answer, Gives, Name, Test},
    bind,
    messages::{self, Report, diagnostic},
    resolve::{self, fold, not_constant},
};

impl<'a> Env<'a> {
    pub(super) fn answers(&mut self, test: &'a Test<'a>) -> Vec<Fixture> {
        if let Some(first) = test.answers.get(MAX_FIXTURES) {
            let message = format!("a test brings at most {MAX_FIXTURES} answers");
            self.report(diagnostic(messages::BAD_ANSWER, first.span, message));
            return Vec::new();
        }
        test.answers.iter().filter_map(|answer| self.fixture(answer)).collect()
    }

    fn fixture(&mut self, answer: &Answer<'a>) -> Option<Fixture> {
        let op = self.asker(&answer.mnemonic)?;
        let info = op.info();
        if let Some(name) = &answer.name {
            if info.name_input().is_none() {
                let message =
                    format!("{} names nothing, so no name tells its calls", info.mnemonic);
                let report = diagnostic(messages::BAD_ANSWER, name.span, message);
                self.report(report.edit(name.span, "", "remove the name"));
            } else if !resolve::fits(name.text) {
                self.report(resolve::too_long(name));
            }
        }
        let gives = match answer.gives {
            Gives::Failure(reason) => {
                if reason.text.len() > MAX_FIXTURE_REASON {
                    let message = format!("a reason has at most {MAX_FIXTURE_REASON} bytes");
                    self.report(diagnostic(messages::BAD_ANSWER, reason.span, message));
                }
                Err(String::from(reason.text))
            }
            Gives::Results(results) => {
                if let Some(extra) = results.get(info.outputs.len()) {
                    self.too_many(op, extra.span);
                }
                let mut values = Vec::new();
                for result in results {
                    match fold(result, self.symbols) {
                        Ok(value) => values.push(value),
                        Err(reason) => {
                            let report = not_constant(reason, result);
                            report.into_iter().for_each(|report| self.report(report));
                        }
                    }
                }
                Ok(values)
            }
        };
        Some(Fixture { op, name: answer.name.map(|name| String::from(name.text)), gives })
    }

    /// The instruction that asks.
    fn asker(&mut self, mnemonic: &Name<'_>) -> Option<Opcode> {
        let Some(op) = bind::opcode(mnemonic.text) else {
            let message = format!("there is no instruction `{}`", mnemonic.text);
            let report = diagnostic(messages::UNKNOWN_OPCODE, mnemonic.span, message);
            self.report(match self.nearest_mnemonic(mnemonic.text) {
                Some(near) => report.edit(mnemonic.span, near, format!("did you mean `{near}`?")),
                None => report.help("`avm explain` lists all instructions"),
            });
            return None;
        };
        if op.info().reach.is_none() {
            let message = format!("{} asks nobody, so it gets no answer", op.mnemonic());
            let report = diagnostic(messages::BAD_ANSWER, mnemonic.span, message);
            self.report(report.help("say by `given` what holds before the region runs"));
            return None;
        }
        Some(op)
    }

    fn too_many(&mut self, op: Opcode, extra: Span) {
        let info = op.info();
        let message = match info.outputs.len() {
            0 => format!("{} has no result", info.mnemonic),
            1 => format!("{} has one result", info.mnemonic),
            count => format!("{} has {count} results", info.mnemonic),
        };
        let report = diagnostic(messages::TOO_MANY_RESULTS, extra, message);
        self.report(report.help(format!("usage: {}", info.usage())));
    }
}
