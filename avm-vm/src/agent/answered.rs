//! What an agent was answered lately, for tests of code that asks the same again (P-60).

use alloc::{collections::VecDeque, sync::Arc, vec::Vec};

use avm_ir::{Opcode, Value};

use super::shared::Empty;
use crate::effect::{Args, Failure};

/// Most answers that are kept.
pub(crate) const MAX_ANSWERS: usize = 256;
/// Most memory of one answer that is kept, its question included, in bytes.
pub(crate) const MAX_ANSWER: u64 = 64 << 10;
/// Most memory of all of them, in bytes.
pub(crate) const MAX_ANSWERED: u64 = 1 << 20;

/// Memory counted for an answer besides what it and its question hold, in bytes.
const ENTRY: u64 = 128;

/// A question and what was answered to it.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) op: Opcode,
    pub(crate) args: Args,
    pub(crate) result: Result<Vec<Value>, Failure>,
}

impl Answered {
    /// Memory of it, in bytes.
    pub(crate) fn weight(&self) -> u64 {
        let held = |value: &Value| 16 + value.heap();
        let asked: u64 = self.args.iter().flatten().map(held).sum();
        let brought = match &self.result {
            Ok(outputs) => outputs.iter().map(held).sum(),
            Err(failure) => failure.message.len() as u64,
        };
        ENTRY + asked + brought
    }
}

/// The latest answers, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    kept: VecDeque<Arc<Answered>>,
    /// Memory of all of them, in bytes.
    pub(crate) heap: u64,
}

impl Empty for Answers {
    const EMPTY: &'static Self = &Self { kept: VecDeque::new(), heap: 0 };
}

impl Answers {
    /// Keeps an answer that fits; the oldest ones give way.
    pub(crate) fn keep(&mut self, answer: Answered) {
        let weight = answer.weight();
        if weight > MAX_ANSWER {
            return;
        }
        while self.kept.len() >= MAX_ANSWERS || self.heap + weight > MAX_ANSWERED {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.heap -= oldest.weight();
        }
        self.heap += weight;
        self.kept.push_back(Arc::new(answer));
    }

    /// The latest answer to a question.
    pub(crate) fn to(&self, op: Opcode, args: &Args) -> Option<&Answered> {
        let mut latest = self.kept.iter().rev().map(|answer| &**answer);
        latest.find(|answer| answer.op == op && answer.args == *args)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Answered> {
        self.kept.iter().map(|answer| &**answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(question: i64, bytes: usize) -> Answered {
        let result = Ok(alloc::vec![Value::Bytes(alloc::vec![0; bytes].into())]);
        let args = core::iter::once(Some(Value::Int(question))).collect();
        Answered { op: Opcode::READ_FROM_TOOL, args, result }
    }

    fn questions(answers: &Answers) -> Vec<i64> {
        let asked = answers.iter().map(|answer| match answer.args.first() {
            Some(Some(Value::Int(question))) => *question,
            other => panic!("{other:?}"),
        });
        asked.collect()
    }

    #[test]
    fn the_newest_stay() {
        let mut answers = Answers::default();
        for question in 0..300 {
            answers.keep(answer(question, 8));
        }
        assert_eq!(questions(&answers), (44..300).collect::<Vec<_>>());
        let each = answer(0, 8).weight();
        assert_eq!(answers.heap, 256 * each);
        // One that is too large is left out, and one that is not makes room.
        answers.keep(answer(400, 64 << 10));
        assert_eq!(answers.heap, 256 * each);
        for question in 500..520 {
            answers.keep(answer(question, 60_000));
        }
        assert_eq!(questions(&answers), (503..520).collect::<Vec<_>>());
        assert!(answers.heap <= MAX_ANSWERED);
    }

    #[test]
    fn the_latest_answer_to_the_same_question() {
        let mut answers = Answers::default();
        let question = answer(1, 1);
        answers.keep(answer(1, 1));
        answers.keep(answer(1, 2));
        answers.keep(answer(2, 3));
        let found = answers.to(question.op, &question.args).map(|answer| answer.result.clone());
        assert_eq!(found, Some(answer(1, 2).result));
        assert!(answers.to(Opcode::WRITE_TO_TOOL, &question.args).is_none());
        assert!(answers.to(question.op, &answer(3, 0).args).is_none());
    }
}
