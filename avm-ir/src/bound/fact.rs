//! What is known of a value before the program runs: its type, its size, how many items it has,
//! or all of it.

use crate::{operand::Kind, value::Value};

/// A set of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Types(u16);

impl Types {
    pub(super) const NONE: Self = Self(0);
    pub(super) const NULL: Self = Self(1);
    pub(super) const BOOL: Self = Self(2);
    pub(super) const INT: Self = Self(4);
    pub(super) const FLOAT: Self = Self(8);
    pub(super) const HANDLE: Self = Self(16);
    pub(super) const TEXT: Self = Self(32);
    pub(super) const BYTES: Self = Self(64);
    pub(super) const LIST: Self = Self(128);
    pub(super) const RECORD: Self = Self(256);
    pub(super) const VECTOR: Self = Self(512);
    pub(super) const ANY: Self = Self(1023);
    pub(super) const NUMBER: Self = Self::INT.or(Self::FLOAT);
    pub(super) const SCALAR: Self = Self(31);

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is nothing but types of the other set.
    pub(super) const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether there is a type that the other set has too.
    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOL,
            Value::Int(_) => Self::INT,
            Value::Float(_) => Self::FLOAT,
            Value::Handle(..) => Self::HANDLE,
            Value::Text(_) => Self::TEXT,
            Value::Bytes(_) => Self::BYTES,
            Value::List(_) => Self::LIST,
            Value::Record(_) => Self::RECORD,
            Value::Vector(_) => Self::VECTOR,
        }
    }

    /// The types of a kind of result.
    pub(super) const fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Bool => Self::BOOL,
            Kind::Int => Self::INT,
            Kind::Float => Self::FLOAT,
            Kind::Num => Self::NUMBER,
            Kind::Text => Self::TEXT,
            Kind::Bytes => Self::BYTES,
            Kind::List => Self::LIST,
            Kind::Record => Self::RECORD,
            Kind::Vector => Self::VECTOR,
            Kind::Handle => Self::HANDLE,
            _ => Self::ANY,
        }
    }
}

/// From the least to the most that a number can be. [`Span::NO_LIMIT`] is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) least: u32,
    pub(super) most: u32,
}

impl Span {
    pub(super) const NO_LIMIT: u32 = u32::MAX;
    pub(super) const ANY: Self = Self { least: 0, most: Self::NO_LIMIT };

    pub(super) const fn to(most: u32) -> Self {
        Self { least: 0, most }
    }

    pub(super) fn exactly(number: u64) -> Self {
        match u32::try_from(number) {
            Ok(number) if number < Self::NO_LIMIT => Self { least: number, most: number },
            _ => Self { least: Self::NO_LIMIT - 1, most: Self::NO_LIMIT },
        }
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        let most = self.most.saturating_add(other.most);
        Self { least: self.least.saturating_add(other.least), most }
    }

    pub(super) fn hull(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }
}

/// What is known of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fact<'a> {
    pub(super) types: Types,
    /// Types of its items, if it is a list.
    pub(super) items: Types,
    /// As gas counts it ([`Value::size`]).
    pub(super) size: Span,
    /// Items of a list or fields of a record; 1 for anything else but `NULL`.
    pub(super) count: Span,
    pub(super) literal: Option<&'a Value>,
}

/// Literals are the same if they are the same constant, or equal scalars: comparing large ones
/// would take too long.
impl PartialEq for Fact<'_> {
    fn eq(&self, other: &Self) -> bool {
        let literals = match (self.literal, other.literal) {
            (None, None) => true,
            (Some(a), Some(b)) => same(a, b),
            _ => false,
        };
        literals
            && self.types == other.types
            && self.items == other.items
            && self.size == other.size
            && self.count == other.count
    }
}

fn same(a: &Value, b: &Value) -> bool {
    core::ptr::eq(a, b) || (!a.is_heap() && !b.is_heap() && a == b)
}

/// Most items of a literal list that are looked at.
const LOOK: usize = 64;

impl<'a> Fact<'a> {
    pub(super) const UNKNOWN: Self = Self {
        types: Types::ANY,
        items: Types::ANY,
        size: Span::ANY,
        count: Span::ANY,
        literal: None,
    };

    /// No value at all; any other fact holds with it.
    pub(super) const NOTHING: Self = Self {
        types: Types::NONE,
        items: Types::NONE,
        size: Span { least: u32::MAX, most: 0 },
        count: Span { least: u32::MAX, most: 0 },
        literal: None,
    };

    /// All that follows from a type.
    pub(super) fn typed(types: Types) -> Self {
        let mut fact = Self { types, ..Self::UNKNOWN };
        if types.within(Types::SCALAR) {
            let small = Types::NULL.or(Types::BOOL);
            fact.size = Span {
                least: if types.meets(small) { 1 } else { 9 },
                most: match types {
                    _ if types.within(small) => 1,
                    _ if types.meets(Types::HANDLE) => 10,
                    _ => 9,
                },
            };
            if types == Types::HANDLE {
                fact.size.least = 10;
            }
        }
        if !types.meets(Types::LIST.or(Types::RECORD)) {
            fact.count = Span {
                least: u32::from(!types.meets(Types::NULL)),
                most: u32::from(types != Types::NULL),
            };
        }
        fact
    }

    pub(super) fn sized(types: Types, size: Span) -> Self {
        Self { size, ..Self::typed(types) }
    }

    pub(super) fn list(items: Types, count: Span) -> Self {
        // Five bytes of its own and at least one for each item.
        let least = count.least.saturating_add(5);
        let most = match (items, count.most) {
            (_, Span::NO_LIMIT) => Span::NO_LIMIT,
            (Types::NONE, _) => 5,
            (items, count) if items.within(Types::SCALAR) => {
                Fact::typed(items).size.most.saturating_mul(count).saturating_add(5)
            }
            _ => Span::NO_LIMIT,
        };
        Self { items, count, size: Span { least, most }, ..Self::typed(Types::LIST) }
    }

    pub(super) fn of(value: &'a Value) -> Self {
        let (items, count) = match value {
            Value::List(list) if list.len() <= LOOK => {
                let items = list.iter().fold(Types::NONE, |all, item| all.or(Types::of(item)));
                (items, list.len())
            }
            Value::List(list) => (Types::ANY, list.len()),
            Value::Record(record) => (Types::ANY, record.len()),
            Value::Null => (Types::ANY, 0),
            _ => (Types::ANY, 1),
        };
        Self {
            types: Types::of(value),
            items,
            size: Span::exactly(value.size()),
            count: Span::exactly(count as u64),
            literal: Some(value),
        }
    }

    /// What holds for both.
    pub(super) fn hull(&self, other: &Self) -> Self {
        Self {
            types: self.types.or(other.types),
            items: match (self.types.meets(Types::LIST), other.types.meets(Types::LIST)) {
                (true, false) => self.items,
                (false, true) => other.items,
                _ => self.items.or(other.items),
            },
            size: self.size.hull(other.size),
            count: self.count.hull(other.count),
            literal: self.literal.filter(|a| other.literal.is_some_and(|b| same(a, b))),
        }
    }

    pub(super) fn is_unknown(&self) -> bool {
        *self == Self::UNKNOWN
    }
}
