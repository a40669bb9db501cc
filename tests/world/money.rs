//! Money in worlds: payments, rewards, prices, quotas, approval.

use std::collections::BTreeMap;

use avm_ir::value::Text;
use avm_vm::{
    World,
    ledger::{Limits, Money, Owner, Policy, UNIT},
    world::{AgentId, CREDITS, ChannelRules, Idle, Payout, Price, Rate, Role, Rules, SECOND},
};

use super::support::{join, result, run};

/// A world of agents that have so many credits.
fn world(agents: &[(&str, &str, u64)]) -> World {
    let mut world = World::new(Rules::default());
    for (name, source, credits) in agents {
        let agent = join(&mut world, name, source);
        give(&mut world, agent, *credits);
    }
    world
}

fn give(world: &mut World, agent: AgentId, credits: u64) {
    if credits > 0 {
        let wallet = world.wallet(agent).expect("it joined");
        world.mint(wallet, money(credits)).expect("it can be made");
    }
}

fn money(credits: u64) -> Money<'static> {
    Money { token: CREDITS, amount: credits * UNIT }
}

/// Credits of agents, fees and everything; the ledger adds up.
fn credits(world: &World, names: &[&str]) -> Vec<f64> {
    world.ledger().audit().expect("it adds up");
    let of = |owner| world.ledger().balance(owner, CREDITS) as f64 / UNIT as f64;
    let agents = names.iter().map(|name| match *name {
        "fees" => of(Owner::Fees),
        "aside" => of(Owner::Escrows),
        name => of(world.wallet(world.agent(name).expect("it joined")).expect("it joined")),
    });
    agents.collect()
}

#[test]
fn payments() {
    let payer = ".uses agent \"b\"\n.uses agent \"nobody\"\n\
        CHECK_BALANCE \"AVM_CREDITS\", 5 -> rich\nPAY_AGENT \"b\", 2.5, purpose=\"tea\"\nSET paid = lastPluginFailed\n\
        PAY_AGENT \"b\", 100\nSELF_INTROSPECT \"last_failure\" -> poor\n\
        PAY_AGENT \"nobody\", 1\nSELF_INTROSPECT \"last_failure\" -> nobody\n\
        PAY_AGENT \"b\", -1\nSELF_INTROSPECT \"last_failure\" -> negative\n\
        PAY_AGENT \"b\", 1, \"GOLD\"\nSELF_INTROSPECT \"last_failure\" -> token\n\
        PAY_AGENT \"b\", 1, wallet=\"treasury\"\nSELF_INTROSPECT \"last_failure\" -> pool\n\
        RETURN [rich, paid, poor, nobody, negative, token, pool]";
    let mut world = world(&[("a", payer, 10), ("b", "RETURN 1", 0)]);
    run(&mut world, 1);
    insta::assert_snapshot!(result(&world, "a"));
    assert_eq!(credits(&world, &["a", "b"]), [7.5, 2.5]);
    let record = world.ledger().record(1).expect("the payment");
    assert_eq!((record.purpose, record.cause.effect), ("tea", 1));
}

#[test]
fn a_pool_pays_for_its_members() {
    let payer = ".uses agent \"b\"\nCHECK_BALANCE \"AVM_CREDITS\", 5, wallet=\"treasury\" -> rich\n\
        PAY_AGENT \"b\", 3, wallet=\"treasury\"\nRETURN [rich, lastPluginFailed]";
    let mut world = world(&[("a", payer, 0), ("c", payer, 0), ("b", "RETURN 1", 0)]);
    let id = world.identity(AgentId(0)).expect("it joined");
    let pool = world.set_pool("treasury", [(id, true)].into()).expect("a pool");
    world.mint(pool, money(9)).expect("it can be made");
    run(&mut world, 1);
    assert_eq!([result(&world, "a"), result(&world, "c")], ["[true,false]", "[true,true]"]);
    assert_eq!(credits(&world, &["a", "b", "c"]), [0.0, 3.0, 0.0]);
    assert_eq!(world.ledger().balance(pool, CREDITS), 6 * UNIT);
}

const ASKER: &str = "SWARM_CONNECT \"c\"\nWAIT 1\nSWARM_BROADCAST \"WORK\", 7, REWARD=5\nSET failed = lastTaskFailed\n\
    WAIT_FOR_RESPONSE \"WORK\", timeout=100 -> r\nRETURN [failed, r]";

fn answers(after: &str, what: &str) -> String {
    format!(
        "SWARM_CONNECT \"c\"\nWAIT_FOR_RESPONSE \"WORK\" -> m\nWAIT {after}\nSEND_SWARM_MSG m.request, {what}\n\
         RETURN lastTaskFailed"
    )
}

/// Three answer, one after the other, the last one when it is too late.
fn rewarded(payout: Payout) -> World {
    let (first, second, late) = (answers("1", "10"), answers("2", "20"), answers("500", "30"));
    let judge = "WAIT 0\nWHILE TRUE DO\n  WAIT_FOR_RESPONSE \"WORK\", timeout=1000 -> m\n  IF lastTaskFailed THEN\n    RETURN 0\n  ENDIF\n\
         SET good = m.data > 15\n  SEND_SWARM_MSG m.request, good\nENDWHILE";
    let mut world = world(&[
        ("asker", ASKER, 8),
        ("first", &first, 0),
        ("second", &second, 0),
        ("late", &late, 0),
        ("judge", judge, 0),
    ]);
    world.set_channel("c", ChannelRules { payout, ..ChannelRules::default() });
    run(&mut world, 1);
    world
}

const PAID: [&str; 5] = ["asker", "first", "second", "late", "aside"];

#[test]
fn the_first_answer_is_paid() {
    let world = rewarded(Payout::First);
    assert_eq!(result(&world, "asker"), "[false,[10,20]]");
    assert_eq!(credits(&world, &PAID), [3.0, 5.0, 0.0, 0.0, 0.0]);
}

#[test]
fn everybody_who_answers_is_paid_the_same() {
    let world = rewarded(Payout::Split);
    assert_eq!(result(&world, "asker"), "[false,[10,20]]");
    assert_eq!(credits(&world, &PAID), [3.0, 2.5, 2.5, 0.0, 0.0]);
}

/// The verifier takes what is more than 15: the second answer, which is then the only one.
#[test]
fn the_first_answer_that_the_verifier_accepts_is_paid() {
    let world = rewarded(Payout::Accepted(Text::from("judge")));
    assert_eq!(result(&world, "asker"), "[false,[20]]");
    assert_eq!(credits(&world, &PAID), [3.0, 0.0, 5.0, 0.0, 0.0]);
    // What comes later finds the request over.
    assert_eq!(result(&world, "late"), "true");
}

#[test]
fn what_nobody_earns_goes_back() {
    let mut alone = world(&[("asker", ASKER, 8)]);
    run(&mut alone, 1);
    assert_eq!(credits(&alone, &["asker", "aside"]), [8.0, 0.0]);

    let mut poor = world(&[("asker", ASKER, 4)]);
    run(&mut poor, 1);
    assert_eq!(result(&poor, "asker"), "[true,null]");

    // The asker comes to its end before anybody answers.
    let leaves = "SWARM_CONNECT \"c\"\nWAIT 1\nSWARM_BROADCAST \"WORK\", 7, REWARD=5\nRETURN 1";
    let mut left = world(&[("asker", leaves, 8), ("first", &answers("1", "10"), 0)]);
    run(&mut left, 1);
    assert_eq!(credits(&left, &["asker", "first", "aside"]), [8.0, 0.0, 0.0]);
}

/// A message to one agent with a reward is a request, which it can answer.
#[test]
fn a_message_with_a_reward_can_be_answered() {
    let asks = ".uses channel \"b\"\nSEND_SWARM_MSG \"b\", \"what?\", 2\nWAIT_FOR_RESPONSE \"\" -> r\nRETURN r";
    let says =
        "WAIT_FOR_RESPONSE \"*\" -> m\nSEND_SWARM_MSG m.request, \"that\"\nRETURN lastTaskFailed";
    let mut world = world(&[("a", asks, 2), ("b", says, 0)]);
    run(&mut world, 1);
    assert_eq!([result(&world, "a"), result(&world, "b")], ["\"that\"", "false"]);
    assert_eq!(credits(&world, &["a", "b"]), [0.0, 2.0]);
}

/// Ten messages, of which two are free: the others cost 1, 2, … 8 times the base, until the sender has
/// nothing left; in another window it begins anew.
#[test]
fn what_a_spammer_pays_grows_as_computed() {
    let spams = "SWARM_CONNECT \"c\"\nSET failed = 0\nSET k = 0\nWHILE k < 10 DO\n  SWARM_BROADCAST \"BUY\", k\n\
        IF lastTaskFailed THEN\n  SET failed = failed + 1\n  ENDIF\n  SET k = k + 1\nENDWHILE\n\
        WAIT 10\nSWARM_BROADCAST \"BUY\", 11\nRETURN [failed, lastTaskFailed]";
    let price = Some(Price { free: 2, window: 10 * SECOND, base: UNIT / 2 });
    // 8 * 9 / 2 * 0.5 = 18, and 4 * 5 / 2 * 0.5 = 5 of 7.
    for (has, failed, left) in [(30, 0, 12.0), (7, 4, 2.0)] {
        let mut world = world(&[("spammer", spams, has)]);
        world.set_channel("c", ChannelRules { price, ..ChannelRules::default() });
        run(&mut world, 1);
        assert_eq!(result(&world, "spammer"), format!("[{failed},false]"), "{has}");
        let paid = credits(&world, &["spammer", "fees"]);
        assert_eq!(paid, [left, has as f64 - left]);
    }
}

#[test]
fn quotas_and_roles() {
    let speaks = "SWARM_CONNECT \"c\"\nSET in = lastTaskFailed\nWAIT 1\nSWARM_BROADCAST \"A\"\nSET one = lastTaskFailed\n\
        SWARM_BROADCAST \"A\"\nSET two = lastTaskFailed\nWAIT 10\nSWARM_BROADCAST \"A\"\nRETURN [in, one, two, lastTaskFailed]";
    let hears = "SWARM_CONNECT \"c\"\nWAIT_FOR_RESPONSE \"A\", timeout=50 -> m\nSET heard = lastTaskFailed\n\
        SWARM_BROADCAST \"A\"\nRETURN [heard, lastTaskFailed]";
    let mut world =
        world(&[("s", speaks, 0), ("l", hears, 0), ("stranger", speaks, 0), ("m", hears, 0)]);
    let roles = [("s", Role::Speaker), ("l", Role::Listener), ("m", Role::Member)];
    let roles: BTreeMap<Text, Role> =
        roles.into_iter().map(|(name, role)| (Text::from(name), role)).collect();
    let quota = Some(Rate { most: 1, window: 10 * SECOND });
    world.set_channel("c", ChannelRules { roles: Some(roles), quota, ..ChannelRules::default() });
    run(&mut world, 1);
    let results = ["s", "l", "stranger", "m"].map(|name| result(&world, name));
    let all = "[true,true,true,true]";
    assert_eq!(results, ["[false,false,true,false]", "[false,true]", all, "[false,false]"]);
}

/// What a policy wants approved waits; whoever runs the world says yes or no.
#[test]
fn payments_wait_for_approval() {
    let pays = ".uses agent \"b\"\nPAY_AGENT \"b\", 3\nSET small = lastPluginFailed\nPAY_AGENT \"b\", 6\n\
        RETURN [small, lastPluginFailed]";
    for (yes, got, paid) in [(true, "[false,false]", 9.0), (false, "[false,true]", 3.0)] {
        let mut world = world(&[("a", pays, 20), ("b", "WAIT 1000\nRETURN 1", 0)]);
        let limits = Limits { approval: Some(5 * UNIT), ..Limits::default() };
        let policy =
            Policy { limits: [(String::from(CREDITS), limits)].into(), ..Policy::default() };
        let wallet = world.wallet(AgentId(0)).expect("it joined");
        world.set_spending(wallet, Some(policy)).expect("a policy");
        world.settle(&mut ());
        assert_eq!(world.idle(), Idle::Asks);
        let (agent, wanted) = world.approvals().next().expect("it waits");
        assert_eq!((agent, wanted.amount), (AgentId(0), 6 * UNIT));
        let before = world.hash();
        assert!(!world.approve(AgentId(1), yes, &mut ()));
        assert_eq!(world.hash(), before);
        assert!(world.approve(agent, yes, &mut ()));
        run(&mut world, 1);
        assert_eq!(result(&world, "a"), got);
        assert_eq!(credits(&world, &["a", "b"]), [20.0 - paid, paid]);
    }
}
