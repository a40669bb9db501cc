//! Conversations of agents that come to nothing are found, and those that come to something are left
//! alone: in worlds, with agents that lead them.

#[path = "stall/chat.rs"]
mod chat;
#[path = "stall/loops.rs"]
mod loops;
#[path = "stall/work.rs"]
mod work;

use avm_ir::{Value, value::to_json};
use avm_vm::{
    Config, End, Machine, World,
    world::{ChannelRules, Happened, Keep, Rules, Stale, StallRule, Then},
};
use chat::{Chat, First, image, led, player, rule, run};

/// Turns of each conversation after its work.
const TURNS: usize = 200;
/// Turns of which nothing may come.
const ALLOWED: u32 = 16;

fn join(world: &mut World, name: &str, source: &str) {
    let config = Config { gas: u64::MAX / 2, ..Config::default() };
    let machine = Machine::new(image(source), config).expect("it starts");
    world.join(name, *blake3::hash(name.as_bytes()).as_bytes(), machine).expect("the name is free");
}

fn result(world: &World, name: &str) -> String {
    match world.end(world.agent(name).expect("it joined")) {
        Some(End::Halted(value)) => to_json(value),
        other => format!("{other:?}"),
    }
}

/// Every kind, ten times, with sayings in other orders: the snapshot says how long each took at most.
#[test]
fn what_comes_to_nothing_is_ended_soon() {
    let player = player();
    let mut table = String::new();
    for kind in loops::KINDS {
        let mut longest = 0;
        for seed in 0..10 {
            let (chat, work) = kind.chat(seed, TURNS);
            let world = led(&chat, rule(ALLOWED, Then::End), seed, &player);
            let stalls = world.stalls();
            assert!(stalls.len() == 1 && stalls[0].ended, "{}: {stalls:?}", kind.name);
            // Its work was let be, and the one that was not sent is a turn, too.
            let sent = usize::try_from(world.sent()).expect("few") - work;
            assert!(sent + 1 >= ALLOWED as usize, "{}: {sent}", kind.name);
            longest = longest.max(sent);
        }
        assert!(longest <= 6 * ALLOWED as usize, "{}: {longest}", kind.name);
        table += &format!("{longest:3} turns: {}\n", kind.name);
    }
    assert!(loops::KINDS.len() >= 12);
    insta::assert_snapshot!("turns_until_what_comes_to_nothing_is_ended", table);
}

#[test]
fn a_thousand_that_come_to_something_are_left_alone() {
    let player = player();
    let (mut all, mut stopped) = (0, Vec::new());
    for kind in work::KINDS {
        for seed in 0..30 {
            let chat = kind.chat(seed);
            let world = led(&chat, rule(ALLOWED, Then::End), seed, &player);
            all += 1;
            if !world.stalls().is_empty() || world.sent() < chat.lines.len() as u64 {
                stopped.push((kind.name, seed, world.sent()));
            }
        }
    }
    assert!(all >= 1000 && stopped.is_empty(), "of {all}: {stopped:?}");
}

/// Two who thank each other for ever, after a question and an answer.
fn thanks() -> Chat {
    let mut chat = Chat::default();
    chat.say(0, 1, "Which pump leaks?").say(1, 0, "The one in the cellar.");
    for _ in 0..30 {
        chat.say(0, 1, "Thank you very much!").say(1, 0, "You are very welcome!");
    }
    chat
}

#[test]
fn a_note_says_where_it_began_and_stops_nobody() {
    let world = led(&thanks(), rule(8, Then::Note), 1, &player());
    assert_eq!(world.sent(), 62);
    let [stall] = world.stalls() else { panic!("{:?}", world.stalls()) };
    assert_eq!((stall.how, stall.since, stall.ended), (Stale::Repeats, 4, false));
    let names: Vec<_> = stall.agents.iter().filter_map(|agent| world.name(*agent)).collect();
    assert_eq!(names, ["ann", "bob"]);
    assert_eq!((world.name(stall.from), stall.message), (Some("ann"), 12));
    assert!(stall.step > 0 && stall.turns >= 8 && stall.channel.is_none());
    let off = led(&thanks(), rule(8, Then::Off), 1, &player());
    assert!(off.stalls().is_empty() && off.hash() != world.hash());
}

/// Counts what is told.
#[derive(Default)]
struct Told(Vec<u64>);

impl Keep for Told {
    fn answer(
        &mut self,
        agent: avm_vm::world::AgentId,
        machine: &mut Machine,
        answer: avm_vm::Answer,
    ) {
        ().answer(agent, machine, answer);
    }

    fn saw(&mut self, _: u64, happened: &Happened<'_>) {
        if let Happened::Stalled(stall) = happened {
            self.0.push(stall.since);
        }
    }
}

/// What is not sent fails, and goes on when there is something new to say, when something is done, or when
/// time has passed.
#[test]
fn an_end_is_one_until_something_happens() {
    let fan = |way: &str| {
        format!(
            ".uses agent \"fan\"\n.uses tool \"tool\"\n  SET sent = 0\n  SET refused = 0\n\
             \n  WHILE sent < 40 AND refused < 5 DO\n    WAIT_FOR_RESPONSE \"*\", timeout=1 -> heard\n\
             \n    IF heard == NULL THEN\n      RETURN [sent, refused]\n    ENDIF\n    \
             SEND_SWARM_MSG \"star\", \"You are the best of all!\"\n    WHILE lastTaskFailed AND refused < 5 DO\n      \
             SET refused = refused + 1\n      {way}\n    ENDWHILE\n    SET sent = sent + 1\n  ENDWHILE\n  \
             RETURN [sent, refused]\n.uses channel \"star\"\n"
        )
    };
    let star = ".uses channel \"fan\"\n  SEND_SWARM_MSG \"fan\", \"Hello to all of you.\"\n  SET sent = 0\n:again\n  \
        WAIT_FOR_RESPONSE \"*\", timeout=100 -> heard\n  JUMP_IF_TASK_FAILED done\n  \
        SEND_SWARM_MSG \"fan\", \"Thank you so much!\"\n  SET sent = sent + 1\n  JUMP again\n:done\n  RETURN sent\n";
    let led = |way: &str| {
        let rules = Rules { stall: rule(6, Then::End), ..Rules::default() };
        let mut world = World::new(rules);
        join(&mut world, "star", star);
        join(&mut world, "fan", &fan(way));
        let mut told = Told::default();
        world.run(&mut told);
        while !matches!(world.idle(), avm_vm::world::Idle::Over) {
            run(&mut world);
        }
        (result(&world, "fan"), told.0.len())
    };
    // The same again is refused again.
    let again = "SEND_SWARM_MSG \"star\", \"you are the best of all\"";
    let (ended, told) = led(again);
    assert!(ended.ends_with(",5]") && told == 1, "{ended}, {told}");
    // Something new goes through, and so do others for a while.
    let (new, _) =
        led("SEND_SWARM_MSG \"star\", \"By the way, when does the next concert in Vienna begin?\"");
    let (waited, _) = led("WAIT 1\n      SEND_SWARM_MSG \"star\", \"You are the best of all!\"");
    for (way, went) in [("new", &new), ("waited", &waited)] {
        let sent: u32 =
            went.trim_start_matches('[').split(',').next().unwrap_or("").parse().unwrap_or(0);
        let ended: u32 =
            ended.trim_start_matches('[').split(',').next().unwrap_or("").parse().unwrap_or(0);
        assert!(sent > ended, "{way}: {went}, {ended} without");
    }
}

/// Conversations side by side have nothing to do with each other, whatever the order of doings.
#[test]
fn others_do_not_count() {
    let player = player();
    // Ann and Bob thank each other, Cid and Dan work.
    let mut chat = thanks();
    let mut both = Chat::default();
    for (turn, line) in chat.lines.drain(..).enumerate() {
        both.lines.push(line);
        let say = format!("{} is part {turn} of the table", turn * 7919 % 1000);
        both.say(2 + turn % 2, 3 - turn % 2, say.as_str());
    }
    let mut seen = Vec::new();
    for seed in 0..20 {
        let world = led(&both, rule(8, Then::End), seed, &player);
        let [stall] = world.stalls() else { panic!("{:?}", world.stalls()) };
        let names: Vec<_> = stall.agents.iter().filter_map(|agent| world.name(*agent)).collect();
        assert_eq!(names, ["ann", "bob"]);
        seen.push((result(&world, "ann"), result(&world, "cid"), stall.turns));
    }
    assert!(seen.iter().all(|other| *other == seen[0]), "{seen:?}");
    assert_eq!(seen[0].1, "31");
}

/// A channel has its own rule.
#[test]
fn a_channel_has_its_own_rule() {
    let echo = "SWARM_CONNECT \"hall\"\n  WAIT 1\n  SET sent = 0\n  SWARM_BROADCAST \"SAY\", \"What do you all think?\"\n\
        :again\n  WAIT_FOR_RESPONSE \"*\", timeout=1 -> heard\n  JUMP_IF_TASK_FAILED done\n  \
        SWARM_BROADCAST \"SAY\", \"I agree with all of you.\"\n  JUMP_IF_TASK_FAILED done\n  SET sent = sent + 1\n  \
        IF sent < 60 THEN\n    JUMP again\n  ENDIF\n:done\n  RETURN sent\n";
    let led = |world: StallRule, hall: Option<StallRule>| {
        let mut world = World::new(Rules { stall: world, ..Rules::default() });
        if let Some(stall) = hall {
            world.set_channel(
                "hall",
                ChannelRules { stall: Some(stall), ..ChannelRules::default() },
            );
        }
        for name in ["ann", "bob"] {
            join(&mut world, name, echo);
        }
        run(&mut world);
        let stalls: Vec<_> = world.stalls().iter().map(|stall| stall.channel.clone()).collect();
        (stalls, ["ann", "bob"].map(|name| result(&world, name)))
    };
    let (none, all) = led(rule(6, Then::Off), None);
    assert!(none.is_empty() && all.iter().all(|sent| sent == "60"), "{all:?}");
    let (hall, few) = led(rule(6, Then::Off), Some(rule(6, Then::End)));
    assert!(!hall.is_empty() && hall[0].as_deref() == Some("hall"), "{hall:?}");
    assert!(few.iter().all(|sent| sent != "60"), "{few:?}");
    let (none, all) = led(rule(6, Then::End), Some(rule(6, Then::Off)));
    assert!(none.is_empty() && all.iter().all(|sent| sent == "60"), "{all:?}");
}

/// Models think; what they say counts when it is said. Tools that answer the same do not count again.
#[test]
fn deeds_count_once() {
    let led_with = |deed: &dyn Fn(usize) -> First| {
        let mut chat = Chat::default();
        for turn in 0..60 {
            chat.after(deed(turn), turn % 2, 1 - turn % 2, "Let us look at it again.");
        }
        led(&chat, rule(8, Then::End), 1, &player()).sent()
    };
    assert_eq!(led_with(&|turn| First::Acts(Value::text(&format!("page {turn}")))), 60);
    assert_eq!(led_with(&|_| First::Pays), 60);
    assert_eq!(led_with(&|_| First::Waits), 60);
    let same = led_with(&|_| First::Acts(Value::text("page")));
    assert!((8..14).contains(&same), "{same}");
}
