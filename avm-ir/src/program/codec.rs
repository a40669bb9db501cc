//! The `.avmb` container. See `spec/bytecode.md` for the bytes.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use super::{
    Debug, Fixture, Func, Input, Label, MAX_CODE, MAX_NAME, MAX_PROGRAM, MAX_REGIONS, Manifest,
    Perms, Place, Program, Region, Signature, Target, TestCase,
};
use crate::{
    instr::{Instr, Slot},
    opcode::Opcode,
    operand::NameKind,
    value::{decode, encode_to},
    wire::{Reader, WireError, Writer},
};

/// First four bytes of every program file.
pub const MAGIC: [u8; 4] = *b"AVMB";
/// Version of the container that this crate writes and the newest that it reads.
pub const VERSION: u16 = 1;

const CODE: u8 = 1;
const DEBUG: u8 = 2;
const SIGNATURE: u8 = 3;

/// Why bytes are not a program: an offset and a cause.
pub type FormatError = WireError;

impl Program {
    /// The whole container: magic, version, sections.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.raw(&MAGIC);
        out.u16(VERSION);
        out.u16(0);
        out.u8(CODE);
        out.bytes(&self.code_section());
        if let Some(debug) = &self.debug {
            out.u8(DEBUG);
            out.bytes(&debug.encode());
        }
        if let Some(signature) = &self.signature {
            out.u8(SIGNATURE);
            out.bytes(&[signature.key.as_slice(), signature.bytes.as_slice()].concat());
        }
        out.finish()
    }

    /// Reads a container and refuses whatever [`Self::to_bytes`] would not have written. The
    /// program still has to be verified before it can run.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut input = Reader::new(bytes);
        if bytes.len() > MAX_PROGRAM {
            return Err(input.error("program larger than 64 MiB"));
        }
        if input.raw(4)? != MAGIC {
            return Err(WireError { offset: 0, cause: "not an Aither program (no AVMB magic)" });
        }
        if input.u16()? != VERSION {
            return Err(WireError { offset: 4, cause: "unknown bytecode version" });
        }
        if input.u16()? != 0 {
            return Err(WireError { offset: 6, cause: "reserved flags are not zero" });
        }
        if input.u8()? != CODE {
            return Err(WireError { offset: 8, cause: "the code section must come first" });
        }
        let mut program = section(&mut input, Self::decode_code)?;
        let mut last = CODE;
        while input.remaining() > 0 {
            let tag = input.u8()?;
            if tag <= last {
                return Err(input.error("sections out of order"));
            }
            last = tag;
            match tag {
                DEBUG => program.debug = Some(section(&mut input, Debug::decode)?),
                SIGNATURE => program.signature = Some(section(&mut input, decode_signature)?),
                _ => return Err(input.error("unknown section")),
            }
        }
        Ok(program)
    }

    /// The hashed part: everything that says what the program does.
    pub(super) fn code_section(&self) -> Vec<u8> {
        let mut out = Writer::new();
        list(&mut out, &self.registers, |out, name| out.text(name));
        list(&mut out, &self.inputs, |out, input| {
            out.u8(input.register);
            out.u8(u8::from(input.default.is_some()));
            if let Some(value) = &input.default {
                encode_to(value, out);
            }
        });
        list(&mut out, &self.regions, |out, region| region.encode(out));
        self.manifest.encode(&mut out);
        list(&mut out, &self.tests, |out, test| {
            out.text(&test.name);
            out.text(&test.region);
            test.given.encode(out);
            test.expect.encode(out);
            list(out, &test.answers, write_fixture);
        });
        out.finish()
    }

    fn decode_code(input: &mut Reader<'_>) -> Result<Self, FormatError> {
        let registers = read_list(input, 4, name)?;
        let inputs = read_list(input, 2, |input| {
            let register = input.u8()?;
            let default = if flag(input)? { Some(decode(input)?) } else { None };
            Ok(Input { register, default })
        })?;
        let regions = read_list(input, 41, Region::decode)?;
        if regions.len() > MAX_REGIONS {
            return Err(input.error("too many regions"));
        }
        let manifest = Manifest::decode(input)?;
        let tests = read_list(input, 94, |input| {
            Ok(TestCase {
                name: input.text()?,
                region: name(input)?,
                given: Region::decode(input)?,
                expect: Region::decode(input)?,
                answers: read_list(input, 6, read_fixture)?,
            })
        })?;
        Ok(Self { registers, inputs, regions, manifest, tests, debug: None, signature: None })
    }
}

impl Manifest {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.u32(self.names.len() as u32);
        for (kind, name) in &self.names {
            out.u8(*kind as u8);
            out.text(name);
        }
        out.u32(self.computed.len() as u32);
        for kind in &self.computed {
            out.u8(*kind as u8);
        }
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<Self, FormatError> {
        let names = read_set(input, 5, |input| Ok((name_kind(input)?, name(input)?)))?;
        let computed = read_set(input, 1, name_kind)?;
        Ok(Self { names, computed })
    }
}

impl Region {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.text(&self.name);
        out.u8(self.perms.0);
        out.bytes(&self.inputs);
        out.bytes(&self.outputs);
        list(out, &self.consts, |out, value| encode_to(value, out));
        list(out, &self.code, |out, instr| out.raw(&instr.to_bytes()));
        list(out, &self.pool, |out, slot| out.u16(slot.0));
        list(out, &self.labels, |out, label| {
            out.text(&label.name);
            match label.target {
                Target::Here(pc) => {
                    out.u8(0);
                    out.u32(pc);
                }
                Target::Elsewhere => out.u8(1),
            }
        });
        list(out, &self.functions, |out, function| {
            out.text(&function.name);
            out.u32(function.entry);
            out.u32(function.end);
            out.u8(function.params);
            out.u8(function.registers);
        });
        list(out, &self.imports, |out, name| out.text(name));
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<Self, FormatError> {
        let region = Self {
            name: name(input)?,
            perms: Perms(input.u8()?),
            inputs: input.bytes()?.to_vec(),
            outputs: input.bytes()?.to_vec(),
            consts: read_list(input, 1, decode)?,
            code: read_list(input, 8, |input| {
                let at = input.offset();
                let mut bytes = [0; 8];
                bytes.copy_from_slice(input.raw(8)?);
                Instr::from_bytes(bytes).ok_or(WireError { offset: at, cause: "unknown opcode" })
            })?,
            pool: read_list(input, 2, |input| Ok(Slot(input.u16()?)))?,
            labels: read_list(input, 5, |input| {
                let name = name(input)?;
                let target =
                    if flag(input)? { Target::Elsewhere } else { Target::Here(input.u32()?) };
                Ok(Label { name, target })
            })?,
            functions: read_list(input, 14, |input| {
                Ok(Func {
                    name: name(input)?,
                    entry: input.u32()?,
                    end: input.u32()?,
                    params: input.u8()?,
                    registers: input.u8()?,
                })
            })?,
            imports: read_list(input, 4, name)?,
        };
        if region.code.len() > MAX_CODE {
            return Err(input.error("region has more than 1048576 instructions"));
        }
        Ok(region)
    }
}

impl Debug {
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        list(&mut out, &self.files, |out, path| out.text(path));
        list(&mut out, &self.places, |out, places| {
            list(out, places, write_place);
        });
        list(&mut out, &self.locals, |out, functions| {
            list(out, functions, |out, names| list(out, names, |out, name| out.text(name)));
        });
        if !self.tests.is_empty() {
            list(&mut out, &self.tests, write_place);
        }
        out.finish()
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, FormatError> {
        let mut debug = Self {
            files: read_list(input, 4, |input| input.text())?,
            places: read_list(input, 4, |input| read_list(input, 14, read_place))?,
            locals: read_list(input, 4, |input| {
                read_list(input, 4, |input| read_list(input, 4, name))
            })?,
            tests: Vec::new(),
        };
        if input.remaining() > 0 {
            debug.tests = read_list(input, 14, read_place)?;
            if debug.tests.is_empty() {
                return Err(input.error("an empty list of tests is left out"));
            }
        }
        Ok(debug)
    }
}

fn write_fixture(out: &mut Writer, fixture: &Fixture) {
    out.u8(fixture.op as u8);
    out.u8(u8::from(fixture.name.is_some()));
    if let Some(name) = &fixture.name {
        out.text(name);
    }
    out.u8(u8::from(fixture.gives.is_err()));
    match &fixture.gives {
        Ok(outputs) => list(out, outputs, |out, value| encode_to(value, out)),
        Err(reason) => out.text(reason),
    }
}

fn read_fixture(input: &mut Reader<'_>) -> Result<Fixture, FormatError> {
    let offset = input.offset();
    let op = Opcode::from_byte(input.u8()?);
    let op = op.ok_or(WireError { offset, cause: "unknown opcode" })?;
    let name = if flag(input)? { Some(name(input)?) } else { None };
    let fails = flag(input)?;
    let gives = if fails { Err(input.text()?) } else { Ok(read_list(input, 1, decode)?) };
    Ok(Fixture { op, name, gives })
}

fn write_place(out: &mut Writer, place: &Place) {
    out.u16(place.file);
    out.u32(place.line);
    out.u32(place.column);
    out.u32(place.number);
}

fn read_place(input: &mut Reader<'_>) -> Result<Place, FormatError> {
    let (file, line) = (input.u16()?, input.u32()?);
    Ok(Place { file, line, column: input.u32()?, number: input.u32()? })
}

fn decode_signature(input: &mut Reader<'_>) -> Result<Signature, FormatError> {
    let mut bytes = [0; 64];
    let key = input.hash()?;
    bytes.copy_from_slice(input.raw(64)?);
    Ok(Signature { key, bytes })
}

/// A section: a length, then exactly so many bytes.
fn section<T>(
    input: &mut Reader<'_>,
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, FormatError>,
) -> Result<T, FormatError> {
    let bytes = input.bytes()?;
    let start = input.offset() - bytes.len();
    let mut inner = Reader::new(bytes);
    read(&mut inner)
        .and_then(|value| inner.end().map(|()| value))
        .map_err(|error| WireError { offset: start + error.offset, ..error })
}

pub(super) fn list<T>(out: &mut Writer, items: &[T], mut write: impl FnMut(&mut Writer, &T)) {
    out.u32(items.len() as u32);
    for item in items {
        write(out, item);
    }
}

pub(super) fn read_list<T>(
    input: &mut Reader<'_>,
    smallest: usize,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, FormatError>,
) -> Result<Vec<T>, FormatError> {
    let count = input.count(smallest)?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(read(input)?);
    }
    Ok(items)
}

/// A list that must ascend strictly.
fn read_set<T: Ord>(
    input: &mut Reader<'_>,
    smallest: usize,
    read: impl FnMut(&mut Reader<'_>) -> Result<T, FormatError>,
) -> Result<BTreeSet<T>, FormatError> {
    let items = read_list(input, smallest, read)?;
    if !items.is_sorted_by(|a, b| a < b) {
        return Err(input.error("set is not in order"));
    }
    Ok(items.into_iter().collect())
}

pub(super) fn name(input: &mut Reader<'_>) -> Result<String, FormatError> {
    let at = input.offset();
    let name = input.text()?;
    if name.len() > MAX_NAME {
        return Err(WireError { offset: at, cause: "name longer than 255 bytes" });
    }
    Ok(name)
}

fn name_kind(input: &mut Reader<'_>) -> Result<NameKind, FormatError> {
    let at = input.offset();
    NameKind::from_number(input.u8()?)
        .ok_or(WireError { offset: at, cause: "unknown kind of name" })
}

fn flag(input: &mut Reader<'_>) -> Result<bool, FormatError> {
    let at = input.offset();
    match input.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(WireError { offset: at, cause: "flag is neither 0 nor 1" }),
    }
}
