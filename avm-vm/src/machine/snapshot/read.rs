//! From bytes to a machine. Nothing is believed: every count is bounded by the bytes that are
//! there, every place is one that the program can reach, every meter is within its limit.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use avm_ir::{
    Opcode, Value,
    instr::NO_REGISTER,
    program::Perm,
    value::{MAX_NESTING, Text, decode},
    verify::{CodePlace, FuncPlace},
    wire::Reader,
};

use super::{MAGIC, SnapshotError, Standing, VERSION, code};
use crate::{
    agent::{Agent, Draws, Memory, Status},
    effect::{Failure, FailureCode},
    exec::WINDOW,
    machine::{
        Config, End, Frame, Image, Limits, Machine, OnExhausted, interrupt::INTERRUPTED,
        pending::Pending, policy::perms, state,
    },
    meter::{Budget, Meter, Spend},
    policy::{Policy, read_wanted},
    trap::{Trap, TrapCode},
};

/// Counters above this are beyond any run, and below it they have room to grow.
const MOST: u64 = 1 << 62;

pub(super) type Read<T> = Result<T, SnapshotError>;

impl Machine {
    /// A machine that goes on where [`Self::snapshot`] was taken, with the same state hash.
    ///
    /// The image must be of the same program and priced by the same schedule. Memory and time are
    /// bounded by the bytes given, whatever they say.
    pub fn restore(image: Arc<Image>, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut input = Reader::new(open(bytes)?);
        let run = input.hash()?;
        let program = input.hash()?;
        // One that an agent changed is made from the one that it began with.
        if program != image.program_hash() {
            return Err(SnapshotError::Program(program));
        }
        let schedule = input.hash()?;
        if schedule != image.schedule_hash() {
            return Err(SnapshotError::Schedule(schedule));
        }
        let (mut agent, call_depth, on_exhausted) = read_meters(&mut input)?;
        agent.run = run;
        let image = code::read(image, &mut agent, &mut input)?;
        let windows = Windows::read(&image, agent.policy.as_deref(), &mut input)?;
        let used = windows.base + windows.live;
        if used > input.remaining() {
            return Err(SnapshotError::State("fewer values than registers"));
        }
        let mut stack = Vec::new();
        for _ in 0..used {
            stack.push(decode(&mut input)?);
        }
        let mut window = stack.iter().zip(&image.used);
        let unused = window.all(|(value, used)| *used || *value == Value::Null);
        ensure(unused, "a value in a register that the program does not use")?;
        stack.resize(windows.base + WINDOW, Value::Null);
        let mut machine = Self {
            image,
            agent,
            call_depth,
            on_exhausted,
            stack,
            frames: windows.frames,
            interrupts: windows.interrupts,
            sums: Vec::new(),
            base: windows.base,
            live: windows.live,
            region: windows.at.region,
            pc: windows.at.pc as usize,
            pending: None,
            end: None,
        };
        ensure(machine.frames.len() <= call_depth, "calls are nested too deeply")?;
        machine.read_agent(&mut input)?;
        machine.read_standing(&mut input, windows.scope)?;
        input.end()?;
        machine.check_meters()?;
        Ok(machine)
    }

    fn read_agent(&mut self, input: &mut Reader<'_>) -> Read<()> {
        let agent = &mut self.agent;
        agent.status = Status {
            bool: flag(input)?,
            plugin: flag(input)?,
            task: flag(input)?,
            rewrite: flag(input)?,
            sandbox: decode(input)?,
        };
        let code = input.u8()?;
        if code != 0 {
            let code = FailureCode::from_number(code);
            let code = code.ok_or(SnapshotError::State("unknown kind of failure"))?;
            agent.last_failure = Some(Failure { code, message: input.text()? });
        }
        agent.saved = kept(1, input)?;
        let registers = self.image.program().registers.len();
        let mut next = 0;
        for _ in 0..input.count(2)? {
            let register = input.u8()?;
            let known = (next..registers).contains(&usize::from(register));
            ensure(known, "no such register to reset, or not in order")?;
            next = usize::from(register) + 1;
            agent.initial.own().push((register, decode(input)?));
        }
        let mut store: BTreeMap<Text, Value> = BTreeMap::new();
        for _ in 0..input.count(5)? {
            let key = Text::from(input.text()?);
            let in_order = store.last_key_value().is_none_or(|(last, _)| *last < key);
            ensure(in_order, "keys are not in order")?;
            store.insert(key, kept(2, input)?);
        }
        for (key, value) in store {
            agent.kv_store(key, value);
        }
        let notes = input.count(9)?;
        ensure(notes <= agent.log_limit, "more notes than the log keeps")?;
        for _ in 0..notes {
            let step = input.u64()?;
            ensure(step <= agent.steps, "a note from the future")?;
            agent.write_log(step, decode(input)?);
        }
        Ok(())
    }

    fn read_standing(&mut self, input: &mut Reader<'_>, scope: Scope) -> Read<()> {
        let tag = usize::from(input.u8()?);
        let standing = Standing::ALL.get(tag).copied();
        let standing = standing.ok_or(SnapshotError::State("unknown way to stand"))?;
        // Where it goes on there must be an instruction; behind an end there need not be one.
        let last = scope.end - usize::from(!matches!(standing, Standing::Halted));
        ensure((scope.start..=last).contains(&self.pc), "it stands where no code is")?;
        match standing {
            Standing::Runs => {}
            Standing::Waits => self.read_pending(input, scope)?,
            Standing::Halted => self.end = Some(End::Halted(decode(input)?)),
            Standing::Exhausted => {
                let number = input.u8()?;
                let meter = Meter::from_number(number);
                let meter = meter.ok_or(SnapshotError::State("unknown meter"))?;
                self.end = Some(End::Exhausted(meter));
            }
            Standing::Trapped => {
                let number = input.u16()?;
                let code = TrapCode::from_number(number);
                let code = code.ok_or(SnapshotError::State("unknown trap"))?;
                let message = input.text()?;
                let (at, opcode) = (self.at(), self.opcode());
                self.end = Some(End::Trapped(Trap { code, at, opcode, message }));
            }
            Standing::Unapproved => {
                let approval = self.policy().and_then(|policy| policy.approval.as_ref());
                ensure(approval.is_some(), "it waits for approval that nobody asks for")?;
                let asks = self.opcode() == Opcode::SELF_MODIFY;
                ensure(asks, "it waits for approval of something else than a patch")?;
                self.end = Some(End::Unapproved(Arc::new(read_wanted(input)?)));
            }
        }
        Ok(())
    }

    /// The effect that waits is that of the instruction before the place; what it asks follows from
    /// the registers.
    fn read_pending(&mut self, input: &mut Reader<'_>, scope: Scope) -> Read<()> {
        let (charged, max_gas) = (input.u64()?, input.u64()?);
        let caps = (input.u64()?, input.u64()?);
        let max_spend = read_spend(input)?;
        let own_limit = flag(input)?;
        ensure(self.pc > scope.start, "it waits for no instruction")?;
        let instr = self.fetched();
        ensure(instr.op.info().reach.is_some(), "it waits for an instruction that asks nobody")?;
        ensure(max_gas <= self.agent.gas, "an answer may cost more than is left")?;
        ensure(charged >= self.image.prices.intrinsic, "a call that costs nothing")?;
        let (asked, most) = (self.agent.spent.effects, self.agent.budget.effects);
        ensure(asked < most, "one effect too many")?;
        let mut pending = Pending::new(instr.op, charged, max_gas, own_limit);
        let mut request = self.request_within(max_gas, caps);
        request.max_spend = max_spend;
        pending.put(request);
        self.pending = Some(pending);
        Ok(())
    }

    /// What no run can exceed: its own limits, and so many steps as its gas pays.
    fn check_meters(&self) -> Read<()> {
        let agent = &self.agent;
        let reserved = self.pending.as_ref().map_or(0, |pending| pending.charged);
        let used = agent.gas_limit.checked_sub(agent.gas).and_then(|n| n.checked_sub(reserved));
        let used = used.ok_or(SnapshotError::State("more gas than was granted"))?;
        let paid = agent.steps.saturating_mul(self.image.prices.intrinsic) <= used;
        ensure(paid && agent.steps <= MOST, "more steps than its gas pays")?;
        let counted = agent.effects.max(agent.failures) <= agent.steps;
        // What is used up may be more: a part of it is what children were given.
        ensure(counted, "more effects than steps")?;
        let over = agent.spent.spend.over(&agent.budget.spend);
        let within = over.is_none() && agent.spent.effects <= agent.budget.effects;
        ensure(within, "a meter is over its limit")?;
        ensure(agent.draws.drawn() <= MOST, "more random numbers than a run can draw")
    }
}

/// Magic, version and hash; gives what lies between.
fn open(bytes: &[u8]) -> Read<&[u8]> {
    let body = bytes.strip_prefix(MAGIC).ok_or(SnapshotError::Magic)?;
    let (version, body) = body.split_first_chunk::<2>().ok_or(SnapshotError::Magic)?;
    let version = u16::from_le_bytes(*version);
    if version != VERSION {
        return Err(SnapshotError::Version(version));
    }
    let (body, hash) = body.split_last_chunk::<32>().ok_or(SnapshotError::Hash)?;
    if state::hash(body) == *hash { Ok(body) } else { Err(SnapshotError::Hash) }
}

/// Counters and limits: the agent, most nested calls, policy.
fn read_meters(input: &mut Reader<'_>) -> Read<(Agent, usize, OnExhausted)> {
    let (gas, gas_limit) = (input.u64()?, input.u64()?);
    let [steps, effects, failures, drawn] =
        [input.u64()?, input.u64()?, input.u64()?, input.u64()?];
    let budget = read_budget(input)?;
    let spent = read_budget(input)?;
    let memory = Memory::from_counters([input.u64()?, input.u64()?, input.u64()?]);
    let limits = Limits {
        memory: memory.limit,
        call_depth: size(input.u64()?)?,
        log_entries: size(input.u64()?)?,
    };
    ensure(limits.log_entries > 0, "a log that keeps nothing")?;
    let number = input.u8()?;
    let policies = [OnExhausted::Halt, OnExhausted::Suspend, OnExhausted::Deny];
    let on_exhausted = policies.into_iter().find(|policy| *policy as u8 == number);
    let on_exhausted = on_exhausted.ok_or(SnapshotError::State("unknown policy"))?;
    let seed = input.u64()?;
    let config = Config { gas, budget, on_exhausted, limits, seed, ..Config::default() };
    let mut agent = Agent::new(&config);
    agent.gas_limit = gas_limit;
    agent.spent = spent;
    agent.memory = memory;
    (agent.steps, agent.effects, agent.failures) = (steps, effects, failures);
    agent.draws = Draws::new(seed, drawn);
    Ok((agent, limits.call_depth, on_exhausted))
}

/// Instructions among which flow stays until a call or a return.
#[derive(Clone, Copy, Debug)]
struct Scope {
    start: usize,
    end: usize,
}

/// Windows of registers, as they follow from where the calls were made.
struct Windows {
    frames: Vec<Frame>,
    interrupts: Vec<FuncPlace>,
    base: usize,
    live: usize,
    at: CodePlace,
    scope: Scope,
}

impl Windows {
    fn read(image: &Image, policy: Option<&Policy>, input: &mut Reader<'_>) -> Read<Self> {
        let (mut frames, mut interrupts) = (Vec::new(), Vec::new());
        let (mut base, mut live) = (0, WINDOW);
        let mut function = None;
        for _ in 0..input.count(8)? {
            let CodePlace { region, pc } = read_place(input)?;
            let (at, interrupted) = (region & !INTERRUPTED, region & INTERRUPTED != 0);
            let scope = scope(image, policy, function, at)?;
            let code = &image.program().regions[at as usize];
            let pc = pc as usize;
            let made = if interrupted { Some(pc) } else { pc.checked_sub(1) };
            let instr = made.filter(|made| (scope.start..scope.end).contains(made));
            let instr = instr.map(|made| code.code[made]);
            let (called, result) = if interrupted {
                let asks = instr.is_some_and(|instr| instr.op.info().reach.is_some());
                ensure(asks, "it was interrupted where nothing is asked")?;
                let called = FuncPlace { region: input.u32()?, function: input.u32()? };
                interrupts.push(called);
                (called, NO_REGISTER)
            } else {
                let Some(instr) = instr.filter(|instr| instr.op == Opcode::CALL) else {
                    return Err(SnapshotError::State("a call came from where none is"));
                };
                let slots = &code.pool[instr.pool_start()..][..instr.pool_count()];
                // A verified program's calls have a function in their first slot.
                let import = slots.first().map_or(0, |slot| usize::from(slot.0));
                let called = image.verified.links()[at as usize].imports.get(import).copied();
                (called.ok_or(SnapshotError::State("a call reaches no function"))?, instr.a)
            };
            let target = image.program().regions.get(called.region as usize);
            let target = target.and_then(|code| code.functions.get(called.function as usize));
            let target = target.filter(|target| !interrupted || target.params == 0);
            let target = target.ok_or(SnapshotError::State("an interrupt reaches no function"))?;
            frames.push(Frame { base, live, region, pc, result });
            base += live;
            live = usize::from(target.registers);
            function = Some(called);
        }
        let at = read_place(input)?;
        let scope = scope(image, policy, function, at.region)?;
        Ok(Self { frames, interrupts, base, live, at, scope })
    }
}

fn read_place(input: &mut Reader<'_>) -> Read<CodePlace> {
    Ok(CodePlace { region: input.u32()?, pc: input.u32()? })
}

/// Where flow stays that is in a function, or in the body of a region.
fn scope(
    image: &Image,
    policy: Option<&Policy>,
    function: Option<FuncPlace>,
    region: u32,
) -> Read<Scope> {
    let place = image.program().regions.get(region as usize);
    let place = place.filter(|region| perms(policy, region).has(Perm::Execute));
    let place = place.ok_or(SnapshotError::State("it stands in a region that does not run"))?;
    match function {
        None => Ok(Scope { start: 0, end: place.body_end() }),
        Some(function) if function.region == region => {
            let function = &place.functions[function.function as usize];
            Ok(Scope { start: function.entry as usize, end: function.end as usize })
        }
        Some(_) => Err(SnapshotError::State("a function stands outside of its region")),
    }
}

fn read_budget(input: &mut Reader<'_>) -> Read<Budget> {
    Ok(Budget { spend: read_spend(input)?, effects: input.u64()? })
}

fn read_spend(input: &mut Reader<'_>) -> Read<Spend> {
    Ok(Spend::of([input.u64()?, input.u64()?, input.u64()?, input.u64()?]))
}

/// A value that the agent keeps from run to run, so many levels down in what is kept: its saved state one,
/// values of its store two.
fn kept(levels: u32, input: &mut Reader<'_>) -> Read<Value> {
    let value = decode(input)?;
    ensure(value.nesting() + levels <= MAX_NESTING, "what the agent keeps is nested too deeply")?;
    Ok(value)
}

pub(super) fn flag(input: &mut Reader<'_>) -> Read<bool> {
    match input.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(SnapshotError::State("a flag is 0 or 1")),
    }
}

fn size(number: u64) -> Read<usize> {
    usize::try_from(number).map_err(|_| SnapshotError::State("a limit beyond this host"))
}

pub(super) const fn ensure(holds: bool, otherwise: &'static str) -> Read<()> {
    if holds { Ok(()) } else { Err(SnapshotError::State(otherwise)) }
}
