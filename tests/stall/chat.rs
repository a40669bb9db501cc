//! Conversations that are written down, and agents that lead them in a world.

use std::sync::Arc;

use avm_ir::{Schedule, Value, value::Record};
use avm_vm::{
    Answer, Config, Image, Machine, World,
    ledger::Money,
    world::{AgentId, CREDITS, Idle, Rules, StallRule, Then},
};

/// Names of the agents of a conversation.
pub(crate) const NAMES: [&str; 4] = ["ann", "bob", "cid", "dan"];

/// Does the steps of its input, one after the other.
const PLAYER: &str = "
.input steps = []
.uses channel \"ann\"
.uses channel \"bob\"
.uses channel \"cid\"
.uses channel \"dan\"
.uses agent \"ann\"
.uses agent \"bob\"
.uses agent \"cid\"
.uses agent \"dan\"
  SET sent = 0
  FOR step IN steps DO
    IF step.do == \"send\" THEN
      SEND_SWARM_MSG step.to, step.say
      IF lastTaskFailed THEN
        RETURN sent
      ENDIF
      SET sent = sent + 1
    ELSEIF step.do == \"hear\" THEN
      WAIT_FOR_RESPONSE \"*\", timeout=1000 -> heard
      IF lastTaskFailed THEN
        RETURN sent
      ENDIF
    ELSEIF step.do == \"wait\" THEN
      WAIT 1
    ELSEIF step.do == \"pay\" THEN
      PAY_AGENT step.to, 1, \"AVM_CREDITS\" -> paid
    ELSE
      READ_FROM_TOOL \"tool\", step.say -> read
    ENDIF
  ENDFOR
  RETURN sent
";

/// What an agent does before it says something.
#[derive(Clone, Debug)]
pub(crate) enum First {
    Nothing,
    /// It lets a second pass.
    Waits,
    /// It asks a tool, which answers with what it is asked.
    Acts(Value),
    /// It pays whom it speaks to.
    Pays,
}

/// Something that is said to somebody.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) say: Value,
    pub(crate) first: First,
}

/// A conversation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chat {
    pub(crate) lines: Vec<Line>,
}

impl Chat {
    pub(crate) fn say(&mut self, from: usize, to: usize, say: impl Into<Value>) -> &mut Self {
        self.lines.push(Line { from, to, say: say.into(), first: First::Nothing });
        self
    }

    /// The same after something else.
    pub(crate) fn after(&mut self, first: First, from: usize, to: usize, say: &str) -> &mut Self {
        self.lines.push(Line { from, to, say: Value::text(say), first });
        self
    }

    /// Two who take turns.
    pub(crate) fn two(&mut self, texts: impl IntoIterator<Item = String>) -> &mut Self {
        for text in texts {
            let from = self.lines.last().map_or(0, |line| line.to);
            self.say(from, 1 - from, text.as_str());
        }
        self
    }

    /// What each agent has to do.
    fn steps(&self, agents: usize) -> Vec<Vec<Value>> {
        let mut all = vec![Vec::new(); agents];
        let record = |fields: Vec<(&str, Value)>| Value::Record(Record::from_iter(fields));
        for Line { from, to, say, first } in &self.lines {
            let to_name = Value::text(NAMES[*to]);
            let step = |what: &str, say: &Value| {
                let say = say.clone();
                record(vec![("do", Value::text(what)), ("to", to_name.clone()), ("say", say)])
            };
            match first {
                First::Nothing => {}
                First::Waits => all[*from].push(step("wait", &Value::Null)),
                First::Acts(say) => all[*from].push(step("act", say)),
                First::Pays => all[*from].push(step("pay", &Value::Null)),
            }
            all[*from].push(step("send", say));
            all[*to].push(step("hear", &Value::Null));
        }
        all
    }
}

pub(crate) fn player() -> Arc<Image> {
    image(PLAYER)
}

pub(crate) fn image(source: &str) -> Arc<Image> {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", source, &mut avm_asm::NoSources, &options);
    let program = assembly.program.unwrap_or_else(|| panic!("{:?}", assembly.diagnostics));
    Arc::new(Image::new(avm_ir::verify(program).expect("it verifies"), &Schedule::v1()))
}

/// A world in which a conversation was led.
pub(crate) fn led(chat: &Chat, rule: StallRule, seed: u64, player: &Arc<Image>) -> World {
    let mut world = World::new(Rules { stall: rule, seed, inbox_share: 1000, ..Rules::default() });
    let agents = chat.lines.iter().map(|line| line.from.max(line.to) + 1).max().unwrap_or(0);
    for (steps, name) in chat.steps(agents).into_iter().zip(NAMES) {
        let inputs = vec![("steps".to_owned(), Value::list(steps))];
        let config = Config { gas: u64::MAX / 2, inputs, ..Config::default() };
        let machine = Machine::new(player.clone(), config).expect("it starts");
        let id = *blake3::hash(name.as_bytes()).as_bytes();
        let agent = world.join(name, id, machine).expect("the name is free");
        let wallet = world.wallet(agent).expect("it is there");
        let money = Money { token: CREDITS, amount: 1_000_000_000_000 };
        world.mint(wallet, money).expect("it fits");
    }
    run(&mut world);
    world
}

/// Runs to the end; tools answer with what they are asked.
pub(crate) fn run(world: &mut World) {
    loop {
        world.settle(&mut ());
        match world.idle() {
            Idle::Asks => {
                let asks: Vec<(AgentId, Value)> = world
                    .asks()
                    .map(|(agent, asked)| (agent, asked.args[1].clone().unwrap_or_default()))
                    .collect();
                for (agent, said) in asks {
                    assert!(world.answer(agent, Answer::output(said, 0), &mut ()));
                }
            }
            Idle::Until(time) => world.pass(time, &mut ()),
            Idle::Not => {}
            Idle::Over => return,
        }
    }
}

pub(crate) fn rule(turns: u32, then: Then) -> StallRule {
    StallRule { turns, then }
}

/// A record of a text and numbers beside it.
pub(crate) fn record<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Record(Record::from_iter(fields))
}

pub(crate) fn ints(numbers: impl IntoIterator<Item = i64>) -> Value {
    Value::list(numbers.into_iter().map(Value::Int).collect())
}

/// Draws that are the same every time.
#[derive(Clone, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
