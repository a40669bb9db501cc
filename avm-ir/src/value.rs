//! The ten kinds of value: what registers hold, constants are and providers answer with.
//!
//! A value is 16 bytes: a tag and either the scalar itself or one pointer to a shared container.
//! Containers are copied on write: cloning one is a reference count, writing to one that nobody
//! else holds happens in place. Every container keeps its canonical length, the memory of the tree
//! below it and a bound on its depth, so that sizes for gas, memory accounting and the nesting
//! limit cost nothing where they are asked.
//!
//! Options weighed: reference counts without atomics (faster clones, but agents move between
//! threads), persistent trees for every list (bounded copies, but twice the time per read), a
//! struct of tag and bits (measured slower than the enum).

mod codec;
mod fields;
mod json;
mod list;
mod record;
mod sums;
mod text;

use alloc::{sync::Arc, vec::Vec};

pub use codec::{DecodeError, decode, encode, encode_to};
pub use fields::{Iter as Fields, Names, Pool};
pub use json::{JsonError, from_json, to_json, to_text};
pub use list::{Item, List};
pub use record::Record;
pub use text::Text;

/// Deepest nesting of lists and records: a list of scalars is 1 deep.
pub const MAX_NESTING: u32 = 64;

/// Any value.
///
/// `PartialEq` is identity of content (two NaNs are equal, `1` and `1.0` are not); the language's
/// `==` is [`Value::equals`].
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Nothing; what registers start as.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// 64-bit signed integer; arithmetic that overflows traps.
    Int(i64),
    /// Binary64; make it with [`Value::float`], which keeps NaN canonical.
    Float(f64),
    /// A task, request, agent or capability.
    Handle(HandleKind, u64),
    /// UTF-8 text.
    Text(Text),
    /// Bytes.
    Bytes(Arc<Vec<u8>>),
    /// List of values.
    List(List),
    /// Fields sorted by name.
    Record(Record),
    /// Vector of 32-bit floats, such as an embedding.
    Vector(Arc<Vec<f32>>),
}

const _: () = assert!(size_of::<Value>() == 16);

/// A number or bool: a value that is copied without a look at anything else.
#[derive(Clone, Copy, Debug)]
pub enum Scalar {
    /// See [`Value::Int`].
    Int(i64),
    /// See [`Value::Float`].
    Float(f64),
    /// See [`Value::Bool`].
    Bool(bool),
}

impl From<Scalar> for Value {
    #[inline(always)]
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Int(int) => Self::Int(int),
            Scalar::Float(float) => Self::Float(float),
            Scalar::Bool(bool) => Self::Bool(bool),
        }
    }
}

/// What a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum HandleKind {
    /// A task that was started.
    Task = 1,
    /// A request that was sent.
    Request = 2,
    /// An agent.
    Agent = 3,
    /// A capability granted by the operator.
    Capability = 4,
}

impl HandleKind {
    /// The kind with a number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Task),
            2 => Some(Self::Request),
            3 => Some(Self::Agent),
            4 => Some(Self::Capability),
            _ => None,
        }
    }

    /// The word used in text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Request => "request",
            Self::Agent => "agent",
            Self::Capability => "capability",
        }
    }
}

/// Memory counted for a text, bytes or vector besides its payload, in bytes.
pub const LEAF_OVERHEAD: u64 = 96;

impl Value {
    /// A float with NaN made canonical, so that equal computations have equal bytes everywhere.
    pub fn float(value: f64) -> Self {
        Self::Float(if value.is_nan() { f64::from_bits(0x7FF8_0000_0000_0000) } else { value })
    }

    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(Text::from(text))
    }

    /// A list.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::from(items))
    }

    /// A vector; NaN components are made canonical.
    pub fn vector(mut components: Vec<f32>) -> Self {
        for component in &mut components {
            if component.is_nan() {
                *component = f32::from_bits(0x7FC0_0000);
            }
        }
        Self::Vector(Arc::new(components))
    }

    /// The type's name, as `TYPE_OF` gives it.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Handle(..) => "handle",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Record(_) => "record",
            Self::Vector(_) => "vector",
        }
    }

    /// Whether the value lives in memory of its own.
    #[inline]
    pub const fn is_heap(&self) -> bool {
        !matches!(
            self,
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Handle(..)
        )
    }

    /// The number or bool that it is.
    #[inline(always)]
    pub const fn scalar(&self) -> Option<Scalar> {
        match self {
            Self::Int(int) => Some(Scalar::Int(*int)),
            Self::Float(float) => Some(Scalar::Float(*float)),
            Self::Bool(bool) => Some(Scalar::Bool(*bool)),
            _ => None,
        }
    }

    /// Becomes another number or bool of its kind; `false`, and nothing is done, for anything else.
    #[inline(always)]
    const fn set_alike(&mut self, value: Scalar) -> bool {
        match (self, value) {
            (Self::Int(old), Scalar::Int(new)) => *old = new,
            (Self::Float(old), Scalar::Float(new)) => *old = new,
            (Self::Bool(old), Scalar::Bool(new)) => *old = new,
            _ => return false,
        }
        true
    }

    /// Makes its texts those of a pool, where the pool has equal ones, and adds them where not.
    /// Nothing but memory changes. Recursion is bounded by what nests.
    pub fn share(&mut self, pool: &mut Pool) {
        match self {
            Self::Text(text) => pool.share(text),
            Self::List(list) => list.share(pool),
            Self::Record(record) => record.share(pool),
            _ => {}
        }
    }

    /// Length of the canonical encoding, in bytes.
    #[inline]
    pub fn encoded_len(&self) -> u64 {
        match self {
            Self::Null | Self::Bool(_) => 1,
            Self::Int(_) | Self::Float(_) => 9,
            Self::Handle(..) => 10,
            Self::Text(text) => 5 + text.len() as u64,
            Self::Bytes(bytes) => 5 + bytes.len() as u64,
            Self::List(list) => list.encoded_len(),
            Self::Record(record) => record.encoded_len(),
            Self::Vector(vector) => 5 + 4 * vector.len() as u64,
        }
    }

    /// The "size" that gas counts: UTF-8 bytes of a text, bytes of bytes, otherwise
    /// [`Self::encoded_len`].
    #[inline]
    pub fn size(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Bytes(bytes) => bytes.len() as u64,
            other => other.encoded_len(),
        }
    }

    /// Memory of the tree below the value in bytes, as the agent's memory limit counts it: 0 for a
    /// scalar, never less than what the host spends on a value that shares nothing.
    #[inline]
    pub fn heap(&self) -> u64 {
        match self {
            Self::Text(text) => LEAF_OVERHEAD + text.len() as u64,
            Self::Bytes(bytes) => LEAF_OVERHEAD + bytes.len() as u64,
            Self::Vector(vector) => LEAF_OVERHEAD + 4 * vector.len() as u64,
            Self::List(list) => list.heap(),
            Self::Record(record) => record.heap(),
            _ => 0,
        }
    }

    /// Levels of lists and records: 0 for anything else. At most [`MAX_NESTING`] for every value
    /// that this crate's constructors and the machine make.
    #[inline]
    pub fn nesting(&self) -> u32 {
        match self {
            Self::List(list) => list.nesting(),
            Self::Record(record) => record.nesting(),
            _ => 0,
        }
    }

    /// [`Self::nesting`], counted level by level. Recursion is bounded by what nests.
    fn exact_nesting(&self) -> u32 {
        match self {
            Self::List(list) => list.exact_nesting(),
            Self::Record(record) => record.exact_nesting(),
            _ => 0,
        }
    }

    /// The language's `==`: by content, an int equals the float of the same number, NaN equals
    /// nothing.
    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Float(b)) | (Self::Float(b), Self::Int(a)) => {
                int_cmp_float(*a, *b) == Some(core::cmp::Ordering::Equal)
            }
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(b))
            }
            (Self::Record(a), Self::Record(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b.iter()).all(|((ka, a), (kb, b))| ka == kb && a.equals(b))
            }
            (Self::Vector(a), Self::Vector(b)) => a == b,
            (a, b) => a == b,
        }
    }

    /// The language's order: numbers among each other, texts bytewise; `None` for anything else.
    pub fn compare(&self, other: &Self) -> Option<core::cmp::Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Int(a), Self::Float(b)) => int_cmp_float(*a, *b),
            (Self::Float(a), Self::Int(b)) => {
                int_cmp_float(*b, *a).map(core::cmp::Ordering::reverse)
            }
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// Exact comparison of an int with a float; `None` for NaN.
fn int_cmp_float(int: i64, float: f64) -> Option<core::cmp::Ordering> {
    use core::cmp::Ordering::{Equal, Greater, Less};
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    const MINUS_TWO_63: f64 = -9_223_372_036_854_775_808.0;
    if float.is_nan() {
        return None;
    }
    if float >= TWO_63 {
        return Some(Less);
    }
    if float < MINUS_TWO_63 {
        return Some(Greater);
    }
    // The float's whole part fits an i64 now; the cast truncates towards zero.
    let whole = float as i64;
    Some(int.cmp(&whole).then_with(|| match float.partial_cmp(&(whole as f64)) {
        Some(Greater) => Less,
        Some(Less) => Greater,
        _ => Equal,
    }))
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Handle(ka, a), Self::Handle(kb, b)) => ka == kb && a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().eq(b.iter()),
            (Self::Record(a), Self::Record(b)) => a.len() == b.len() && a.iter().eq(b.iter()),
            (Self::Vector(a), Self::Vector(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b.iter()).all(|(a, b)| a.to_bits() == b.to_bits())
            }
            _ => false,
        }
    }
}

impl Eq for Value {}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::text(value)
    }
}

impl From<alloc::string::String> for Value {
    fn from(value: alloc::string::String) -> Self {
        Self::Text(Text::from(value))
    }
}

impl From<Vec<Self>> for Value {
    fn from(value: Vec<Self>) -> Self {
        Self::list(value)
    }
}

impl From<Record> for Value {
    fn from(value: Record) -> Self {
        Self::Record(value)
    }
}
