//! The file of a world's journal, written as the world goes on.

use std::path::Path;

use avm_asm::SourceFile;
use avm_ir::program::{Domain, Signature};
use avm_vm::{
    EffectRequest, Image, World,
    identity::Registry,
    world::{
        AgentId, Event,
        journal::{Entry, Journal, Mark, Start, Writer},
    },
};

use crate::{exit::Outcome, journal::Kept};

/// Its name in the folder of a run.
pub(crate) const FILE: &str = "world.avmw";
/// Its name until the world has begun.
pub(crate) const NEW: &str = "world.avmw.new";

/// Where everything passes that comes to a world from outside, and is written down if it is to be.
pub(crate) struct Tape(Option<Open>);

struct Open {
    kept: Kept,
    writer: Writer,
    /// Ticks at which the world came to rest, if nothing came since.
    rested: Option<u64>,
    /// What stands for the world, once an agent joined.
    world: Option<[u8; 32]>,
}

impl Tape {
    /// Nothing is written.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// A new journal in a folder. It has its name from [`Self::begun`] on.
    pub(crate) fn create(folder: &Path, start: &Start) -> Outcome<Self> {
        let mut kept = Kept::create(&folder.join(NEW))?;
        let (writer, bytes) = Writer::new(start);
        kept.write(&bytes)?;
        Ok(Self(Some(Open { kept, writer, rested: None, world: None })))
    }

    /// All that the world begins with is written: from now on there is something to go on with. A run that
    /// is killed before has no journal, and not one of half a world.
    pub(crate) fn begun(&mut self) -> Outcome<()> {
        let Some(open) = &mut self.0 else { return Ok(()) };
        open.kept.sync()?;
        open.kept.rename(FILE)
    }

    /// Goes on with a journal that was read from this file.
    pub(crate) fn go_on(mut kept: Kept, journal: &Journal) -> Outcome<Self> {
        kept.behind(journal.tail)?;
        let rested = journal.rest().map(|(record, _)| record.tick);
        let writer = Writer::behind(journal.link());
        Ok(Self(Some(Open { kept, writer, rested, world: journal.world() })))
    }

    fn write(&mut self, tick: u64, entry: &Entry) -> Outcome<()> {
        let Some(open) = &mut self.0 else { return Ok(()) };
        open.rested = None;
        open.kept.write(&open.writer.record(tick, entry))
    }

    /// Notes a text of a program.
    pub(crate) fn source(&mut self, file: &SourceFile) -> Outcome<()> {
        let SourceFile { path, text } = file.clone();
        self.write(0, &Entry::Source { path, text })
    }

    /// What stands for the world, if it is written down.
    pub(crate) fn world(&self) -> Option<[u8; 32]> {
        self.0.as_ref()?.world
    }

    /// Notes in which registry keys and names were looked up.
    pub(crate) fn registry(&mut self, registry: &Registry) -> Outcome<()> {
        self.write(0, &Entry::Registry { keeper: *registry.keeper(), seen: registry.head() })
    }

    /// Notes a program.
    pub(crate) fn code(&mut self, tick: u64, image: &Image) -> Outcome<()> {
        self.write(tick, &Entry::Code(image.program().to_bytes()))
    }

    /// Notes what comes from outside, before it comes.
    pub(crate) fn event(&mut self, tick: u64, event: &Event) -> Outcome<()> {
        let Some(Open { kept, writer, rested, world }) = &mut self.0 else { return Ok(()) };
        *rested = None;
        kept.write(&writer.event(tick, event))?;
        if world.is_none() && matches!(event, Event::Joined(_)) {
            *world = Some(writer.link());
        }
        match event {
            // What somebody decided about money is not decided again.
            Event::Approved { .. } => kept.sync(),
            _ => Ok(()),
        }
    }

    /// Notes which effects are about to be asked, where their loss would matter. What led to one that
    /// outlives the command is on the disk then.
    pub(crate) fn asks<'a>(
        &mut self,
        world: &World,
        asks: impl Iterator<Item = (AgentId, &'a EffectRequest)>,
        outlives: impl Fn(AgentId, &EffectRequest) -> bool,
    ) -> Outcome<()> {
        let Some(Open { kept, writer, .. }) = &mut self.0 else { return Ok(()) };
        let (mut bytes, mut lasts) = (Vec::new(), false);
        for (agent, request) in asks {
            bytes.extend(writer.asks(world, agent, request).unwrap_or_default());
            lasts = lasts || outlives(agent, request);
        }
        if !bytes.is_empty() {
            kept.write(&bytes)?;
        }
        if lasts { kept.sync() } else { Ok(()) }
    }

    /// Brings everything written so far to the disk.
    pub(crate) fn sync(&mut self) -> Outcome<()> {
        self.0.as_mut().map_or(Ok(()), |open| open.kept.sync())
    }

    /// Notes how the world stands.
    pub(crate) fn mark(&mut self, world: &World) -> Outcome<()> {
        if self.0.is_none() {
            return Ok(());
        }
        self.write(world.ticks(), &Entry::Mark(Mark::of(world)))
    }

    /// Notes that the world was kept, and brings that to the disk.
    pub(crate) fn snapshot(&mut self, tick: u64, entry: &Entry) -> Outcome<()> {
        self.write(tick, entry)?;
        self.sync()
    }

    /// Notes how the world stands at rest, or as it is left; once.
    pub(crate) fn rest(&mut self, world: &World) -> Outcome<()> {
        match &self.0 {
            Some(open) if open.rested != Some(world.ticks()) => {}
            _ => return Ok(()),
        }
        self.write(world.ticks(), &Entry::Rested(Mark::of(world)))?;
        self.sync()
    }

    /// Signs everything written so far.
    pub(crate) fn sign(&mut self, tick: u64, secret: &[u8; 32]) -> Outcome<()> {
        let Some(open) = &self.0 else { return Ok(()) };
        let Signature { key, bytes: signature } =
            Signature::of(Domain::Journal, secret, &open.writer.link());
        let rested = open.rested;
        self.write(tick, &Entry::Signed { key, signature })?;
        if let Some(open) = &mut self.0 {
            open.rested = rested;
        }
        self.sync()
    }
}
