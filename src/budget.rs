//! Amounts on a run's meters as people write and read them.

use std::time::Duration;

use avm_ir::Gas;
use avm_vm::{Budget, Meter};

use crate::bytes;

/// Reads `NAME=AMOUNT`, such as `tokens=5000`, `credits=2.5`, `gpu=30s`, `wall=2min`.
pub(crate) fn parse(text: &str) -> Result<(Meter, u64), String> {
    let (name, amount) = text.split_once('=').ok_or("wants NAME=AMOUNT, such as tokens=5000")?;
    let meter = meter(name)?;
    amount_of(meter, amount).map(|amount| (meter, amount)).map_err(|why| format!("{name}: {why}"))
}

/// Reads `NAME=+AMOUNT`: so much more than before.
pub(crate) fn parse_more(text: &str) -> Result<(Meter, u64), String> {
    let (name, amount) = text.split_once('=').ok_or("wants NAME=+AMOUNT, such as tokens=+5000")?;
    let more = amount.strip_prefix('+').filter(|more| !more.starts_with('+'));
    let amount = more.ok_or_else(|| {
        format!("wants {name}=+{amount}: the amount is added to what the run had")
    })?;
    parse(&format!("{name}={amount}"))
}

/// Reads `+AMOUNT` of gas.
pub(crate) fn parse_more_gas(text: &str) -> Result<u64, String> {
    let amount = text.strip_prefix('+').unwrap_or_default();
    if amount.is_empty() {
        return Err(format!("wants +{text}: the amount is added to what the run had"));
    }
    amount_of(Meter::Gas, amount)
}

/// The meter of a name.
pub(crate) fn meter(name: &str) -> Result<Meter, String> {
    Meter::ALL.iter().copied().find(|meter| meter.name() == name).ok_or_else(|| {
        let names: Vec<&str> = Meter::ALL.iter().map(|meter| meter.name()).collect();
        format!("there is no budget \"{name}\"; there are {}", names.join(", "))
    })
}

/// Reads an amount on a meter in its smallest unit.
pub(crate) fn amount_of(meter: Meter, text: &str) -> Result<u64, String> {
    match meter {
        // Both count in billionths.
        Meter::Gas | Meter::Credits => text.parse::<Gas>().map(|gas| gas.0).map_err(|why| {
            if meter == Meter::Gas {
                why.to_owned()
            } else {
                why.replace("gas", "an amount of credits")
            }
        }),
        Meter::Tokens | Meter::Effects => {
            text.parse().map_err(|_| format!("\"{text}\" is not a whole number"))
        }
        Meter::Gpu | Meter::Wall => {
            let time = duration(text)?;
            u64::try_from(time.as_millis()).map_err(|_| "that is too long".to_owned())
        }
        Meter::Memory => bytes::parse(text),
    }
}

/// What is wrong with a stretch of time that is none.
pub(crate) const NO_TIME: &str = "a stretch of time is longer than nothing, such as 1s";

/// Reads a time: a number of seconds, or one with `ms`, `s`, `min` or `h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const FORM: &str = "a time is a number with ms, s, min or h, such as 30s";
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let seconds = match unit.trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(FORM.to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| FORM.to_owned())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| FORM.to_owned())
}

/// An amount on a meter as [`parse`] reads it.
pub(crate) fn written(meter: Meter, amount: u64) -> String {
    match meter {
        Meter::Gpu | Meter::Wall => format!("{amount}ms"),
        Meter::Memory => amount.to_string(),
        _ => meter.show(amount),
    }
}

/// Limits the meters beside gas and memory.
pub(crate) fn limit(budget: &mut Budget, meter: Meter, amount: u64) {
    match meter {
        Meter::Tokens => budget.spend.tokens = amount,
        Meter::Credits => budget.spend.credits = amount,
        Meter::Gpu => budget.spend.gpu = amount,
        Meter::Wall => budget.spend.wall = amount,
        Meter::Effects => budget.effects = amount,
        // These two have limits of their own.
        Meter::Gas | Meter::Memory => {}
    }
}

#[cfg(test)]
mod tests {
    use avm_vm::Meter;

    use super::{amount_of, parse, parse_more, parse_more_gas, written};

    #[test]
    fn amounts() {
        assert_eq!(parse("tokens=5000"), Ok((Meter::Tokens, 5000)));
        assert_eq!(parse("credits=2.5"), Ok((Meter::Credits, 2_500_000_000)));
        assert_eq!(parse("gpu=30s"), Ok((Meter::Gpu, 30_000)));
        assert_eq!(parse("wall=1.5min"), Ok((Meter::Wall, 90_000)));
        assert_eq!(parse("wall=250ms"), Ok((Meter::Wall, 250)));
        assert_eq!(parse("memory=1MiB"), Ok((Meter::Memory, 1 << 20)));
        for bad in
            ["", "tokens", "tokens=", "tokens=1.5", "gpu=soon", "wall=-1s", "money=1", "effects=-1"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn more() {
        assert_eq!(parse_more("tokens=+5000"), Ok((Meter::Tokens, 5000)));
        assert_eq!(parse_more_gas("+0.5"), Ok(500_000_000));
        for bad in ["tokens=5000", "tokens=+", "tokens=++1", "tokens", "+5"] {
            assert!(parse_more(bad).is_err(), "{bad}");
        }
        for bad in ["5", "+", "", "-5", "++5"] {
            assert!(parse_more_gas(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for meter in Meter::ALL {
            let text = written(*meter, 2_500);
            assert_eq!(amount_of(*meter, &text), Ok(2_500), "{text}");
        }
    }

    #[test]
    fn shown() {
        assert_eq!(Meter::Gpu.show(1500), "1.5 s");
        assert_eq!(Meter::Credits.show(2_500_000_000), "2.5");
    }
}
