//! `avm wallet`: who has what in a recorded world, every movement that made it so, and whether it adds
//! up.

use std::collections::{BTreeMap, BTreeSet};

use avm_ir::{
    Gas, Value,
    value::{Record, to_json},
};
use avm_vm::{
    World,
    ledger::{Audit, Owner, Row},
    world::{CREDITS, pool_id},
};

use super::swarm::threads;
use crate::{
    cli::wallet::Wallet,
    exit::{Exit, Failure, Outcome},
    output::Out,
    report::hex,
    swarm::{
        interrupt::Interrupt,
        recorded::Recorded,
        summary::{agents, seconds},
    },
};

/// Shows wallets, or the statement of one.
pub(crate) fn run(args: &Wallet) -> Outcome {
    let recorded = Recorded::open(args.run.as_deref())?;
    let interrupt = Interrupt::listen()?;
    let (world, _) = recorded.play(threads(args.threads, None), &interrupt, &mut ())?;
    let audit = world.ledger().audit().map_err(|fault| {
        Failure::files(format!("{}: the ledger does not add up: {fault}", recorded.name))
    })?;
    let names = Names::of(&world);
    let mut out = Out::new();
    match &args.of {
        Some(name) => names.statement(&mut out, args, name)?,
        None => names.balances(&mut out, args),
    }
    told(&mut out, &audit, args.json);
    out.flush();
    Ok(Exit::Done)
}

/// A world, and what its wallets are called.
struct Names<'a> {
    world: &'a World,
    names: BTreeMap<Owner, String>,
}

impl<'a> Names<'a> {
    fn of(world: &'a World) -> Self {
        let named = agents(world).filter_map(|agent| {
            Some((world.wallet(agent)?, format!("\"{}\"", world.name(agent)?)))
        });
        let names = named
            .chain(world.pools().map(|name| (Owner::Pool(pool_id(name)), format!("pool:{name}"))));
        Self { world, names: names.collect() }
    }

    fn name(&self, owner: Owner) -> String {
        self.names.get(&owner).cloned().unwrap_or_else(|| owner.to_string())
    }

    /// The owner that somebody names.
    fn owner(&self, name: &str) -> Outcome<Owner> {
        let agent = || self.world.agent(name).and_then(|agent| self.world.wallet(agent));
        let owner = match name {
            "fees" => Some(Owner::Fees),
            "escrows" => Some(Owner::Escrows),
            _ => match name.strip_prefix("pool:") {
                Some(pool) => {
                    let known = self.world.pools().any(|known| known == pool);
                    known.then(|| Owner::Pool(pool_id(pool)))
                }
                None => agent(),
            },
        };
        owner.ok_or_else(|| {
            Failure::usage(format!(
                "there is no wallet \"{name}\"; avm wallet without --of shows all that have something"
            ))
        })
    }

    /// What every wallet has that has something.
    fn balances(&self, out: &mut Out, args: &Wallet) {
        let special = [Owner::Fees, Owner::Holds, Owner::Escrows];
        let owners: BTreeSet<Owner> = self.names.keys().copied().chain(special).collect();
        let wanted = |token: &str| args.token.as_deref().is_none_or(|only| only == token);
        let mut rows = Vec::new();
        for owner in owners {
            for money in self.world.ledger().balances(owner).filter(|money| wanted(money.token)) {
                rows.push((self.name(owner), money.token, money.amount));
            }
        }
        rows.sort();
        if rows.is_empty() && !args.json {
            out.line("nobody has anything");
        }
        for (name, token, amount) in rows {
            if args.json {
                let fields = [
                    ("wallet", Value::from(name.trim_matches('"').to_owned())),
                    ("token", Value::text(token)),
                    ("amount", int(amount)),
                ];
                out.line(&to_json(&Value::Record(Record::from_iter(fields))));
            } else {
                out.line(&format!("{:>24} {token:<12} {name}", Gas(amount).to_string()));
            }
        }
    }

    fn statement(&self, out: &mut Out, args: &Wallet, name: &str) -> Outcome<()> {
        let owner = self.owner(name)?;
        let token = args.token.as_deref().unwrap_or(CREDITS);
        let ledger = self.world.ledger();
        let (rows, more) = ledger.statement(owner, token, None, args.most as usize);
        if !args.json {
            let balance = Gas(ledger.balance(owner, token));
            out.line(&format!("{} has {balance} {token}", self.name(owner)));
        }
        for row in &rows {
            match args.json {
                true => out.line(&to_json(&self.json(row, owner))),
                false => out.line(&self.line(row, owner)),
            }
        }
        if more.is_some() && !args.json {
            out.line("… older ones are left out; --most N shows more");
        }
        Ok(())
    }

    /// Whose instruction made a movement happen.
    fn cause(&self, row: &Row<'_>) -> Option<(String, u64)> {
        let cause = row.record.cause;
        cause.agent.map(|agent| (self.name(Owner::Agent(agent)), cause.step))
    }

    fn other(&self, row: &Row<'_>, owner: Owner) -> String {
        let record = &row.record;
        self.name(if record.from == owner { record.to } else { record.from })
    }

    fn line(&self, row: &Row<'_>, owner: Owner) -> String {
        let record = &row.record;
        let sign = if row.gains { '+' } else { '-' };
        let way = if row.gains { "from" } else { "to" };
        let purpose = match record.purpose {
            "" => String::new(),
            purpose => format!(", \"{purpose}\""),
        };
        let cause = self.cause(row).map_or_else(
            || String::from("the world"),
            |(agent, step)| format!("{agent} at step {step}"),
        );
        format!(
            "#{:<5} {:>10} s  {:<7} {:>16}  {way} {}{purpose}; by {cause}; then {}",
            record.number,
            seconds(record.time.saturating_sub(self.world.rules().epoch)),
            record.kind.name(),
            format!("{sign}{}", Gas(record.money.amount)),
            self.other(row, owner),
            Gas(row.balance),
        )
    }

    fn json(&self, row: &Row<'_>, owner: Owner) -> Value {
        let record = &row.record;
        let text = |text: String| Value::from(text.trim_matches('"').to_owned());
        let (by, step) = match self.cause(row) {
            Some((agent, step)) => (text(agent), int(step)),
            None => (Value::Null, Value::Null),
        };
        Value::Record(Record::from_iter([
            ("number", int(record.number)),
            ("time", int(record.time)),
            ("kind", Value::text(record.kind.name())),
            ("gains", Value::Bool(row.gains)),
            ("amount", int(record.money.amount)),
            ("token", Value::text(record.money.token)),
            ("other", text(self.other(row, owner))),
            ("purpose", Value::text(record.purpose)),
            ("by", by),
            ("step", step),
            ("effect", int(record.cause.effect)),
            ("balance", int(row.balance)),
            ("link", Value::from(hex(&record.link))),
        ]))
    }
}

fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Says that everything adds up, to what.
fn told(out: &mut Out, audit: &Audit, json: bool) {
    if json {
        let supply = audit.supply.iter().map(|(token, amount)| (token.as_str(), int(*amount)));
        let fields = [
            ("records", int(audit.records)),
            ("supply", Value::Record(Record::from_iter(supply))),
            ("head", Value::from(hex(&audit.head))),
        ];
        out.line(&to_json(&Value::Record(Record::from_iter(fields))));
        return;
    }
    let supply: Vec<String> = { audit.supply.iter() }
        .map(|(token, amount)| format!("{} {token}", Gas(*amount)))
        .collect();
    let supply = if supply.is_empty() { String::from("nothing") } else { supply.join(", ") };
    let records = if audit.records == 1 { "record adds" } else { "records add" };
    out.line(&format!("{} {records} up to {supply}; head {}", audit.records, hex(&audit.head)));
}
