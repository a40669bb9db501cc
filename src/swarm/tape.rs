//! The file of a world's journal, written as the world goes on.

use std::path::Path;

use avm_asm::SourceFile;
use avm_ir::program::{Domain, Signature};
use avm_vm::{
    EffectRequest, Image, World,
    world::{
        AgentId, Event,
        journal::{Entry, Journal, Mark, Start, Writer},
    },
};

use crate::{
    exit::Outcome,
    journal::{Kept, moves_money},
};

/// Its name in the folder of a run.
pub(crate) const FILE: &str = "world.avmw";

/// Where everything passes that comes to a world from outside, and is written down if it is to be.
pub(crate) struct Tape(Option<(Kept, Writer)>);

impl Tape {
    /// Nothing is written.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// A new journal in a file that must not exist yet.
    pub(crate) fn create(path: &Path, start: &Start) -> Outcome<Self> {
        let mut kept = Kept::create(path)?;
        let (writer, bytes) = Writer::new(start);
        kept.write(&bytes)?;
        Ok(Self(Some((kept, writer))))
    }

    /// Goes on with a journal.
    pub(crate) fn go_on(path: &Path, journal: &Journal) -> Outcome<Self> {
        let kept = Kept::go_on(path, journal.tail)?;
        Ok(Self(Some((kept, Writer::behind(journal.link())))))
    }

    fn write(&mut self, tick: u64, entry: &Entry) -> Outcome<()> {
        let Some((kept, writer)) = &mut self.0 else { return Ok(()) };
        kept.write(&writer.record(tick, entry))
    }

    /// Notes a text of a program.
    pub(crate) fn source(&mut self, file: &SourceFile) -> Outcome<()> {
        let SourceFile { path, text } = file.clone();
        self.write(0, &Entry::Source { path, text })
    }

    /// Notes a program.
    pub(crate) fn code(&mut self, tick: u64, image: &Image) -> Outcome<()> {
        self.write(tick, &Entry::Code(image.program().to_bytes()))
    }

    /// Notes what comes from outside, before it comes.
    pub(crate) fn event(&mut self, tick: u64, event: &Event) -> Outcome<()> {
        let Some((kept, writer)) = &mut self.0 else { return Ok(()) };
        kept.write(&writer.event(tick, event))?;
        match event {
            // What somebody decided about money is not decided again.
            Event::Approved { .. } => kept.sync(),
            _ => Ok(()),
        }
    }

    /// Notes which effects are about to be asked, where their loss would matter.
    pub(crate) fn asks<'a>(
        &mut self,
        world: &World,
        asks: impl Iterator<Item = (AgentId, &'a EffectRequest)>,
    ) -> Outcome<()> {
        let Some((kept, writer)) = &mut self.0 else { return Ok(()) };
        let (mut bytes, mut money) = (Vec::new(), false);
        for (agent, request) in asks {
            bytes.extend(writer.asks(world, agent, request).unwrap_or_default());
            money |= moves_money(request.reach);
        }
        if !bytes.is_empty() {
            kept.write(&bytes)?;
        }
        if money { kept.sync() } else { Ok(()) }
    }

    /// Brings everything written so far to the disk.
    pub(crate) fn sync(&mut self) -> Outcome<()> {
        self.0.as_mut().map_or(Ok(()), |(kept, _)| kept.sync())
    }

    /// Notes how the world stands.
    pub(crate) fn mark(&mut self, world: &World) -> Outcome<()> {
        if self.0.is_none() {
            return Ok(());
        }
        self.write(world.ticks(), &Entry::Mark(Mark::of(world)))
    }

    /// Notes how the world stands at rest, or as it is left.
    pub(crate) fn rest(&mut self, world: &World) -> Outcome<()> {
        if self.0.is_none() {
            return Ok(());
        }
        self.write(world.ticks(), &Entry::Rested(Mark::of(world)))?;
        self.sync()
    }

    /// Signs everything written so far.
    pub(crate) fn sign(&mut self, tick: u64, secret: &[u8; 32]) -> Outcome<()> {
        let Some((_, writer)) = &self.0 else { return Ok(()) };
        let Signature { key, bytes: signature } =
            Signature::of(Domain::Journal, secret, &writer.link());
        self.write(tick, &Entry::Signed { key, signature })?;
        self.sync()
    }
}
