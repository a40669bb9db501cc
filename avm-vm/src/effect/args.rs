//! Operands of an effect, in place: asking takes one piece of memory.

use core::ops::{Deref, DerefMut};

use avm_ir::{Value, opcode::OPS};

/// Most operands of an instruction that reaches outside.
pub(crate) const MOST: usize = {
    let (mut most, mut row) = (0, 0);
    while row < OPS.len() {
        if OPS[row].reach.is_some() && OPS[row].inputs.len() > most {
            most = OPS[row].inputs.len();
        }
        row += 1;
    }
    most
};

/// Operands in the order of an instruction's row; `None` where one was left out. A slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args {
    values: [Option<Value>; MOST],
    len: usize,
}

impl Deref for Args {
    type Target = [Option<Value>];

    fn deref(&self) -> &[Option<Value>] {
        &self.values[..self.len]
    }
}

impl DerefMut for Args {
    fn deref_mut(&mut self) -> &mut [Option<Value>] {
        &mut self.values[..self.len]
    }
}

/// The first ones, as many as an instruction that reaches outside can have.
impl FromIterator<Option<Value>> for Args {
    fn from_iter<I: IntoIterator<Item = Option<Value>>>(values: I) -> Self {
        let mut args = Self::default();
        for (place, value) in args.values.iter_mut().zip(values) {
            *place = value;
            args.len += 1;
        }
        args
    }
}

impl<'a> IntoIterator for &'a Args {
    type Item = &'a Option<Value>;
    type IntoIter = core::slice::Iter<'a, Option<Value>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_are_a_slice() {
        let mut args: Args = [Some(Value::Int(1)), None].into_iter().collect();
        assert_eq!(*args, [Some(Value::Int(1)), None]);
        args[1] = Some(Value::Null);
        assert_eq!(args.get(1), Some(&Some(Value::Null)));
        assert_eq!(args.get(2), None);
        let many = core::iter::repeat_n(Some(Value::Null), 2 * MOST);
        assert_eq!(many.collect::<Args>().len(), MOST);
    }
}
