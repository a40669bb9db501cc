//! Worlds of agents: messages, requests, time, deadlocks; the same for every number of threads.

mod world {
    mod breach;
    mod family;
    mod identities;
    mod money;
    mod own_code;
    mod seals;
    mod snapshot;
    pub(crate) mod support;
}

use std::fmt::Write;

use avm_ir::{Value, value::to_json};
use avm_vm::{
    End, World,
    world::{AgentId, Doing, Idle, Rules, SECOND},
};
use world::support::{agent, identity, image, join, result, run};

const ASKER: &str = "\
SWARM_CONNECT \"SocialSwarm\"
WAIT 1
SWARM_BROADCAST \"REQ_SENTIMENT\", [\"BTC\", \"ETH\"]
WAIT_FOR_RESPONSE \"REQ_SENTIMENT\" -> partial
REDUCE_MODEL_CALL \"average\", partial -> final
KV_STORE \"collab_sentiment\", final
RETURN [LEN(partial), final]";

const RESPONDER: &str = "\
.input mine = 0.5
SWARM_CONNECT \"SocialSwarm\"
WAIT_FOR_RESPONSE \"REQ_SENTIMENT\" -> asked
SEND_SWARM_MSG asked.request, mine
RETURN LEN(asked.data)";

fn sentiment(responders: usize, threads: usize, rules: Rules) -> World {
    played(World::new(rules), responders, threads)
}

fn played(mut world: World, responders: usize, threads: usize) -> World {
    join(&mut world, "asker", ASKER);
    let responder = image(RESPONDER);
    for number in 0..responders {
        let mine = Value::Float(number as f64 / 2.0);
        let machine = agent(&responder, &[("mine", mine)]);
        let name = format!("responder {number}");
        world.join(&name, identity(&name), machine).expect("the name is free");
    }
    run(&mut world, threads);
    world
}

#[test]
fn one_two_and_a_hundred_answer() {
    let results = [1, 2, 100].map(|count| result(&sentiment(count, 1, Rules::default()), "asker"));
    assert_eq!(results, ["[1,0.0]", "[2,0.25]", "[100,24.75]"]);
}

#[test]
fn nobody_answers_nobody() {
    let mut world = World::new(Rules::default());
    join(
        &mut world,
        "alone",
        "SWARM_CONNECT \"c\"\nSWARM_BROADCAST \"ANYBODY\"\nWAIT_FOR_RESPONSE \"ANYBODY\" -> r\n\
         GET_CURRENT_TIME -> now\nRETURN [lastTaskFailed, r, now]",
    );
    run(&mut world, 1);
    assert_eq!(result(&world, "alone"), "[true,null,0]");
}

/// The same seed is the same world, to the hash, for every number of threads; other seeds are others.
#[test]
fn threads_change_nothing_and_seeds_do() {
    let rules = |seed| Rules { seed, slice: 3, jitter: true, ..Rules::default() };
    let hash = |seed, threads| sentiment(20, threads, rules(seed)).hash();
    let one = hash(1, 1);
    assert_eq!([hash(1, 0), hash(1, 2), hash(1, 8)], [one; 3]);
    assert!((2..6).any(|seed| hash(seed, 1) != one));
}

/// Machines that are put to rest while they wait go on as they were.
#[test]
fn agents_at_rest_are_the_same_agents() {
    let hash = |most, threads| {
        let mut world = World::new(Rules { slice: 3, jitter: true, ..Rules::default() });
        world.keep_warm(most);
        played(world, 20, threads).hash()
    };
    let one = hash(1 << 20, 1);
    // None keeps room, fewer than run in a round, fewer than there are.
    assert_eq!([hash(0, 0), hash(0, 2), hash(1, 0), hash(7, 1), hash(20, 0)], [one; 5]);
}

/// What is common takes a short way through the world, and comes to the same: messages to agents that
/// listen, are full, gone or not there, large ones, rewards; waits for anybody, for a name, for one agent.
#[test]
fn the_short_way_is_the_long_way() {
    const TALKS: &str = r#"
.uses channel "a"
.uses channel "b"
.uses channel "c"
.uses channel "gone"
.uses channel "nobody"
.input me
.input large
SET heard = []
SET friends = ["a", "b", "c", "gone", "nobody"]
FOR i IN 60 DO
  SEND_SWARM_MSG friends[(me + i) % 5], [i, me]
  PUSH heard, [lastTaskFailed, lastPluginFailed]
  IF i % 7 == 3 THEN
    SEND_SWARM_MSG friends[i % 3], large
    PUSH heard, lastTaskFailed
  ENDIF
  IF i % 11 == 5 THEN
    SEND_SWARM_MSG friends[i % 3], i, 1
    PUSH heard, lastTaskFailed
  ENDIF
  IF i % 3 == me THEN
    WAIT_FOR_RESPONSE "*", timeout=i % 3 -> got
    IF NOT lastTaskFailed THEN
      SET whom = got.from
      SEND_SWARM_MSG whom, i
      WAIT_FOR_RESPONSE whom, timeout=1 -> again
      PUSH heard, [got.data, again]
    ENDIF
  ENDIF
  IF i % 20 == 7 THEN
    WAIT_FOR_RESPONSE "no message has this name", timeout=2 -> got
    PUSH heard, got
  ENDIF
ENDFOR
RETURN heard
"#;
    let talk = |threads| {
        let rules = Rules { seed: 3, inbox_share: 2, message_bytes: 100, ..Rules::default() };
        let mut world = World::new(Rules { slice: 50, jitter: true, ..rules });
        join(&mut world, "gone", "RETURN 1");
        let talks = image(TALKS);
        for (name, me) in [("a", 0), ("b", 1), ("c", 2)] {
            let large = Value::text(&"x".repeat(200));
            let machine = agent(&talks, &[("me", Value::Int(me)), ("large", large)]);
            world.join(name, identity(name), machine).expect("the name is free");
        }
        run(&mut world, threads);
        let results = ["a", "b", "c"].map(|name| result(&world, name));
        (world.hash(), world.sent(), world.dropped(), results)
    };
    let (long, short) = (talk(0), talk(1));
    assert_eq!(long, short);
    assert!(long.1 > 50 && long.2 > 10, "{long:?}");
}

#[test]
fn messages_to_one_agent_and_back() {
    let mut world = World::new(Rules::default());
    join(
        &mut world,
        "pong",
        "SET n = 0\nWHILE n < 3 DO\n  WAIT_FOR_RESPONSE \"*\" -> m\n  SEND_SWARM_MSG m.from, m.data + 1\n\
         SET n = n + 1\nENDWHILE\nRETURN m.data",
    );
    join(
        &mut world,
        "ping",
        ".uses channel \"pong\"\nSET x = 0\nSET k = 0\nWHILE k < 3 DO\n  SEND_SWARM_MSG \"pong\", x\n\
         WAIT_FOR_RESPONSE \"*\" -> m\n  SET x = m.data\n  SET k = k + 1\nENDWHILE\nRETURN x",
    );
    run(&mut world, 1);
    assert_eq!([result(&world, "ping"), result(&world, "pong")], ["3", "2"]);
}

#[test]
fn a_request_is_made_once_and_answered_once() {
    let mut world = World::new(Rules::default());
    join(
        &mut world,
        "asker",
        "SWARM_CONNECT \"c\"\nWAIT 1\nSWARM_FETCH \"weather\", \"r1\" -> h\nSWARM_FETCH \"weather\", \"r1\" -> same\n\
         WAIT_FOR_RESPONSE h -> first\nWAIT_FOR_RESPONSE h, timeout=2 -> again\n\
         RETURN [h == same, first, lastTaskFailed]",
    );
    let answers = "SWARM_CONNECT \"c\"\nWAIT_FOR_RESPONSE \"weather\" -> m\nSEND_SWARM_MSG m.request, \"rain\"\n\
                   SET once = lastTaskFailed\nSEND_SWARM_MSG m.request, \"sun\"\nRETURN [once, lastTaskFailed]";
    join(&mut world, "a", answers);
    run(&mut world, 1);
    assert_eq!(result(&world, "asker"), "[true,\"rain\",true]");
    assert_eq!(result(&world, "a"), "[false,true]");
}

#[test]
fn time_goes_on_when_nobody_can_run() {
    let mut world = World::new(Rules { epoch: 1_000 * SECOND, ..Rules::default() });
    for (name, delay) in [("slow", "3600"), ("quick", "0.5"), ("wrong", "-1")] {
        let source = format!("WAIT {delay}\nGET_CURRENT_TIME -> now\nRETURN [now, lastTaskFailed]");
        join(&mut world, name, &source);
    }
    join(
        &mut world,
        "timeout",
        "WAIT_FOR_RESPONSE \"never\", timeout=5 -> r\nGET_CURRENT_TIME -> now\nRETURN [now, r]",
    );
    run(&mut world, 1);
    let results = ["slow", "quick", "wrong", "timeout"].map(|name| result(&world, name));
    assert_eq!(results, ["[4600,false]", "[1000.5,false]", "[1000,true]", "[1005,null]"]);
    assert_eq!(world.now(), 4_600 * SECOND);
}

/// Two agents that wait for each other are named; a third that waits for a time is none of them.
#[test]
fn a_deadlock_is_named_with_its_circle() {
    let mut world = World::new(Rules::default());
    let waits = |for_whom: &str| {
        format!(
            ".uses channel \"c\"\nSWARM_CONNECT \"c\"\nWAIT 1\nSWARM_BROADCAST \"{for_whom}\"\n\
             WAIT_FOR_RESPONSE \"{for_whom}\" -> r\nRETURN r"
        )
    };
    join(&mut world, "a", &waits("b, tell me"));
    join(&mut world, "b", &waits("a, tell me"));
    join(&mut world, "sleeper", "WAIT 1000\nRETURN 1");
    run(&mut world, 1);
    assert_eq!(world.deadlocks(), [vec![AgentId(0), AgentId(1)]]);
    assert_eq!([result(&world, "a"), result(&world, "b")], ["null", "null"]);
}

/// A circle is found wherever it closes: the last to wait has others to wait for, who are of no help. They
/// come first among those who were asked, so they are tried first, or last.
#[test]
fn a_deadlock_behind_a_dead_end_is_found() {
    let head = ".uses channel \"c\"\nSWARM_CONNECT \"c\"\n";
    let gone = ".uses channel \"late\"\nSEND_SWARM_MSG \"late\", 1";
    // Of those who were asked, one waits for somebody who came to an end, until long after.
    let late =
        format!("{head}WAIT_FOR_RESPONSE \"*\" -> m\nWAIT_FOR_RESPONSE m.from -> r\nRETURN r");
    let a =
        format!("{head}WAIT_FOR_RESPONSE \"b\" -> m\nWAIT_FOR_RESPONSE m.from, timeout=50 -> r");
    let b = format!(
        "{head}WAIT 2\nSWARM_BROADCAST \"b\"\nWAIT 2\nWAIT_FOR_RESPONSE \"b\", timeout=40 -> r"
    );
    for first in [true, false] {
        let mut world = World::new(Rules::default());
        join(&mut world, "gone", gone);
        let order = if first { ["late", "a", "b"] } else { ["a", "b", "late"] };
        for name in order {
            let source = match name {
                "late" => &late,
                "a" => &a,
                _ => &b,
            };
            join(&mut world, name, source);
        }
        let agent = |world: &World, name| world.agent(name).expect("it joined");
        let end = agent(&world, "late");
        // When the circle closes, all of them wait, and the dead end was asked and waits for nobody.
        let at = Rules::default().epoch + 4 * SECOND;
        while world.now() < at {
            match world.idle() {
                Idle::Until(time) => world.pass(time, &mut ()),
                _ => world.round(&mut ()),
            }
        }
        world.settle(&mut ());
        assert_eq!(world.doing(end), Some(Doing::Waits));
        assert_eq!(world.living(), 3);
        run(&mut world, 1);
        assert_eq!(world.deadlocks(), [vec![agent(&world, "a"), agent(&world, "b")]]);
        assert_eq!(result(&world, "late"), "null");
    }
}

/// What a flooder sends beyond its share is its own failure; others get through.
#[test]
fn a_flooder_fills_its_own_share_alone() {
    let mut world = World::new(Rules { inbox_share: 3, ..Rules::default() });
    join(
        &mut world,
        "flooder",
        ".uses channel \"victim\"\nSET sent = 0\nSET k = 0\nWHILE k < 100 DO\n  SEND_SWARM_MSG \"victim\", k\n\
         IF lastTaskFailed THEN\n  NOP\n  ELSE\n  SET sent = sent + 1\n  ENDIF\n  SET k = k + 1\nENDWHILE\nRETURN sent",
    );
    join(
        &mut world,
        "other",
        ".uses channel \"victim\"\nWAIT 5\nSEND_SWARM_MSG \"victim\", \"hello\"\nRETURN lastTaskFailed",
    );
    join(
        &mut world,
        "victim",
        "WAIT 10\nSET got = []\nSET k = 0\nWHILE k < 4 DO\n  WAIT_FOR_RESPONSE \"*\" -> m\n  PUSH got, m.data\n  SET k = k + 1\nENDWHILE\nRETURN got",
    );
    run(&mut world, 1);
    let results = ["flooder", "other", "victim"].map(|name| result(&world, name));
    assert_eq!(results, ["3", "false", "[0,1,2,\"hello\"]"]);
    assert_eq!(world.dropped(), 97);
}

/// However much somebody floods a channel and whoever is on it, and however long it computes, others are
/// done in the same round and at the same time, and a server answers every client.
#[test]
fn a_flooder_delays_nobody() {
    let server = "SWARM_CONNECT \"c\"\nSET k = 0\nWHILE k < 12 DO\n  WAIT_FOR_RESPONSE \"ask\" -> m\n\
                  SEND_SWARM_MSG m.from, m.data * 2\n  SET k = k + 1\nENDWHILE\nRETURN k";
    let client = ".uses channel \"server\"\n.input n = 0\nSWARM_CONNECT \"c\"\nSET k = 0\nSET got = 0\nWAIT 1\n\
                  WHILE k < 3 DO\n  SWARM_BROADCAST \"ask\", n\n  WAIT_FOR_RESPONSE \"\" -> m\n\
                  SET got = got + m.data\n  SET k = k + 1\nENDWHILE\nGET_CURRENT_TIME -> now\nRETURN [got, now]";
    let flooder = ".uses channel \"server\"\nSWARM_CONNECT \"c\"\nSET k = 0\nWHILE TRUE DO\n\
                   SWARM_BROADCAST \"BUY\", k\n  SEND_SWARM_MSG \"server\", k\n  SET k = k + 1\nENDWHILE";
    let ends = |flooders: usize| {
        let mut world = World::new(Rules::default());
        join(&mut world, "server", server);
        let clients: Vec<AgentId> = { 0..4 }
            .map(|n| {
                let name = format!("client {n}");
                let machine = agent(&image(client), &[("n", Value::Int(n))]);
                world.join(&name, identity(&name), machine).expect("the name is free")
            })
            .collect();
        for number in 0..flooders {
            join(&mut world, &format!("flooder {number}"), flooder);
        }
        let mut rounds = vec![0; clients.len()];
        while rounds.contains(&0) {
            if let Idle::Until(time) = world.idle() {
                world.pass(time, &mut ());
            }
            let turns = world.turns();
            world.commit(turns, &mut ());
            for (client, round) in clients.iter().zip(&mut rounds) {
                if *round == 0 && world.end(*client).is_some() {
                    *round = world.rounds();
                }
            }
            assert!(world.rounds() < 100_000, "the flooder keeps time from going on");
        }
        let results = clients.iter().map(|client| format!("{:?}", world.end(*client)));
        (results.collect::<Vec<String>>(), rounds)
    };
    let quiet = ends(0);
    assert!(quiet.0[3].contains("18"), "{quiet:?}");
    assert_eq!(ends(3).0, quiet.0);
}

/// What a world cannot do fails, and says so.
#[test]
fn what_is_not_there_says_so() {
    let mut world = World::new(Rules::default());
    join(
        &mut world,
        "a",
        "SWARM_CONNECT \"c\"\nSWARM_BROADCAST \"work\", NULL, 5\nSELF_INTROSPECT \"last_failure\" -> reward\n\
         SCHEDULE_TASK \"x\", 5\nSELF_INTROSPECT \"last_failure\" -> schedule\n\
         FORK_AGENT \"code\" -> child\nSELF_INTROSPECT \"last_failure\" -> fork\n\
         FORK_AGENT \"code\", world=\"microvm\" -> child\nSELF_INTROSPECT \"last_failure\" -> class\n\
         SEND_SWARM_MSG \"d\", 1\nSELF_INTROSPECT \"last_failure\" -> channel\n\
         RETURN [reward, schedule, fork, class, channel]",
    );
    run(&mut world, 1);
    let mut shown = String::new();
    if let Some(End::Halted(Value::List(list))) = world.end(AgentId(0)) {
        for line in list.iter() {
            let _ = writeln!(shown, "{}", to_json(line));
        }
    }
    insta::assert_snapshot!(shown);
}
