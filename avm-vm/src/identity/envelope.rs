//! A message that leaves its world: who says what to whom, signed (P-46).

use alloc::vec::Vec;
use core::fmt;

use avm_ir::{
    Value,
    program::{Domain, Signature},
    value::{Text, decode, encode_to},
    wire::{Reader, WireError, Writer},
};

use super::{
    Id, Lineage, Name,
    registry::codec::{read_name, read_signature},
};

/// First bytes of an envelope.
pub const MAGIC: &[u8; 4] = b"AVME";
/// Version of the format.
pub const VERSION: u16 = 1;

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// An agent.
    Agent(Id),
    /// A channel, by its name.
    Channel(Text),
}

/// A message that leaves its world.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// What stands for the world that it comes from.
    pub world: [u8; 32],
    /// The name that the sender's root goes by, if it uses one.
    pub domain: Option<Name>,
    /// Who sends it.
    pub from: Id,
    /// How the sender descends from the root that signs.
    pub lineage: Lineage,
    /// Its number among those that the sender sent; each is larger than the one before.
    pub sequence: u64,
    /// Whom it is for.
    pub to: To,
    /// Its name.
    pub name: Text,
    /// What it carries. A handle means something in its own world alone, so there is none in it.
    pub data: Value,
    /// When it was sent, in nanoseconds since 1970.
    pub time: u64,
}

impl Envelope {
    fn write(&self, out: &mut Writer) {
        out.raw(MAGIC);
        out.u16(VERSION);
        out.raw(&self.world);
        out.u8(u8::from(self.domain.is_some()));
        if let Some(domain) = &self.domain {
            out.text(domain.as_str());
        }
        out.raw(&self.from);
        self.lineage.write(out);
        out.u64(self.sequence);
        match &self.to {
            To::Agent(id) => {
                out.u8(0);
                out.raw(id);
            }
            To::Channel(name) => {
                out.u8(1);
                out.text(name);
            }
        }
        out.text(&self.name);
        encode_to(&self.data, out);
        out.u64(self.time);
    }

    /// Its bytes, signed with a secret key: that of the sender's root. Fails with
    /// [`EnvelopeError::Handle`].
    pub fn sign(&self, secret: &[u8; 32]) -> Result<Vec<u8>, EnvelopeError> {
        if has_handle(&self.data) {
            return Err(EnvelopeError::Handle);
        }
        let mut out = Writer::new();
        self.write(&mut out);
        let mut bytes = out.finish();
        let Signature { key, bytes: signature } =
            Signature::of(Domain::Envelope, secret, &hash(&bytes));
        bytes.extend_from_slice(&key);
        bytes.extend_from_slice(&signature);
        Ok(bytes)
    }
}

/// What is signed.
fn hash(bytes: &[u8]) -> [u8; 32] {
    blake3::derive_key("aither avm envelope v1", bytes)
}

/// An envelope as it came, of which nothing is believed yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    /// What it says.
    pub envelope: Envelope,
    /// Who says so.
    pub signature: Signature,
    hash: [u8; 32],
}

impl Sealed {
    /// Reads one. Memory is a small multiple of the bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let mut input = Reader::new(bytes);
        if input.raw(MAGIC.len()) != Ok(MAGIC) {
            return Err(EnvelopeError::Magic);
        }
        let version = input.u16().map_err(EnvelopeError::Format)?;
        if version != VERSION {
            return Err(EnvelopeError::Version(version));
        }
        let envelope = read(&mut input).map_err(EnvelopeError::Format)?;
        if has_handle(&envelope.data) {
            return Err(EnvelopeError::Handle);
        }
        let hash = hash(bytes.get(..input.offset()).unwrap_or_default());
        let signature = read_signature(&mut input).map_err(EnvelopeError::Format)?;
        input.end().map_err(EnvelopeError::Format)?;
        Ok(Self { envelope, signature, hash })
    }

    /// Whether whoever claims to have signed it did.
    pub fn is_signed(&self) -> bool {
        self.signature.is_of(Domain::Envelope, &self.hash).is_ok()
    }
}

fn read(input: &mut Reader<'_>) -> Result<Envelope, WireError> {
    let world = input.hash()?;
    let at = input.offset();
    let domain = match input.u8()? {
        0 => None,
        1 => Some(read_name(input)?),
        _ => return Err(WireError { offset: at, cause: "neither with a domain nor without" }),
    };
    let (from, lineage) = (input.hash()?, Lineage::read(input)?);
    let sequence = input.u64()?;
    let at = input.offset();
    let to = match input.u8()? {
        0 => To::Agent(input.hash()?),
        1 => To::Channel(Text::from(input.text()?)),
        _ => return Err(WireError { offset: at, cause: "unknown kind of receiver" }),
    };
    let (name, data, time) = (Text::from(input.text()?), decode(input)?, input.u64()?);
    Ok(Envelope { world, domain, from, lineage, sequence, to, name, data, time })
}

/// Whether a handle is in a value. Recursion is bounded by what nests.
fn has_handle(value: &Value) -> bool {
    match value {
        Value::Handle(..) => true,
        Value::List(list) => list.iter().any(has_handle),
        Value::Record(record) => record.iter().any(|(_, value)| has_handle(value)),
        _ => false,
    }
}

/// Why bytes are no envelope, or a message cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvelopeError {
    /// They do not begin as an envelope does.
    Magic,
    /// A version that is not known here.
    Version(u16),
    /// Not what the format says.
    Format(WireError),
    /// It carries a handle, which means nothing in another world, or something else.
    Handle,
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("not an envelope"),
            Self::Version(version) => write!(f, "envelope version {version} is not known here"),
            Self::Format(error) => error.fmt(f),
            Self::Handle => f.write_str("a handle means nothing outside of its world"),
        }
    }
}

impl core::error::Error for EnvelopeError {}
