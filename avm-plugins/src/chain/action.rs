//! What a program asks of a chain, read from its arguments.

use avm_ir::{Value, value::Record};

use super::pool::{Pool, Trade};
use crate::{
    provider::{Function, Refusal},
    shape::Shape,
};

/// Billionths in a token.
const TOKEN: f64 = 1e9;

/// A trade of the base token of a pair.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Swap {
    pub(super) buys: bool,
    /// Billionths of the base token.
    pub(super) size: u64,
    pub(super) pair: Option<String>,
    /// Most billionths paid.
    pub(super) max_pay: Option<u64>,
    /// Fewest billionths got.
    pub(super) min_get: Option<u64>,
}

/// A payment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Transfer {
    pub(super) to: String,
    pub(super) token: String,
    /// Billionths of the token.
    pub(super) amount: u64,
}

/// What changes the chain.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    Swap(Swap),
    Transfer(Transfer),
}

impl Action {
    /// Reads the arguments of a function that changes the chain; `None` if it is no such function.
    ///
    /// # Errors
    /// The arguments are not what it takes.
    pub(super) fn read(function: &str, args: &Value) -> Option<Result<Self, Refusal>> {
        match function {
            "swapTokens" => Some(swap(args).map(Self::Swap)),
            "transfer" => Some(transfer(args).map(Self::Transfer)),
            _ => None,
        }
    }
}

pub(super) fn swap(args: &Value) -> Result<Swap, Refusal> {
    let fields = record(args)?;
    let buys = match text(fields, "action")?.as_deref() {
        Some("BUY") => true,
        Some("SELL") => false,
        _ => return Err(Refusal::invalid("action must be \"BUY\" or \"SELL\"")),
    };
    let size = amount(fields, "size")?.ok_or_else(|| Refusal::invalid("there is no size"))?;
    Ok(Swap {
        buys,
        size,
        pair: text(fields, "pair")?,
        max_pay: amount(fields, "max_pay")?,
        min_get: amount(fields, "min_get")?,
    })
}

fn transfer(args: &Value) -> Result<Transfer, Refusal> {
    let fields = record(args)?;
    let wanted = |name: &str| Refusal::invalid(format!("there is no {name}"));
    Ok(Transfer {
        to: text(fields, "to")?.ok_or_else(|| wanted("to"))?,
        token: text(fields, "token")?.ok_or_else(|| wanted("token"))?,
        amount: amount(fields, "amount")?.ok_or_else(|| wanted("amount"))?,
    })
}

/// Arguments as a record; `NULL` has no fields.
pub(super) fn record(args: &Value) -> Result<&Record, Refusal> {
    match args {
        Value::Record(fields) => Ok(fields),
        other => {
            let message = format!("the arguments must be a record, found {}", other.type_name());
            Err(Refusal::invalid(message))
        }
    }
}

/// A field that is a text; `None` if it is not there.
pub(super) fn text(fields: &Record, name: &str) -> Result<Option<String>, Refusal> {
    match fields.get(name).unwrap_or(&Value::Null) {
        Value::Null => Ok(None),
        Value::Text(text) => Ok(Some(text.to_string())),
        _ => Err(Refusal::invalid(format!("{name} must be a text"))),
    }
}

/// A field that is a number of tokens above 0, in billionths; `None` if it is not there.
fn amount(fields: &Record, name: &str) -> Result<Option<u64>, Refusal> {
    let amount = match fields.get(name).unwrap_or(&Value::Null) {
        Value::Null => return Ok(None),
        Value::Int(tokens) => tokens.checked_mul(TOKEN as i64),
        // Converted once, here, and exact from then on; the cast saturates and makes NaN 0.
        Value::Float(tokens) => Some((*tokens * TOKEN).round() as i64).filter(|n| *n < i64::MAX),
        _ => None,
    };
    let amount = amount.and_then(|amount| u64::try_from(amount).ok()).filter(|amount| *amount > 0);
    let wrong = || Refusal::invalid(format!("{name} must be a number of tokens above 0"));
    amount.map(Some).ok_or_else(wrong)
}

/// A trade for programs: what is paid, got and kept as a fee.
pub(super) fn told(swap: &Swap, pool: &Pool, trade: Trade) -> Vec<(&'static str, Value)> {
    let (pays, gets) = match swap.buys {
        true => (&pool.quote, &pool.base),
        false => (&pool.base, &pool.quote),
    };
    let amount = |token: &str, amount: u64| {
        Value::Record(Record::from_iter([
            ("token", Value::text(token)),
            ("billionths", Value::Int(amount.cast_signed())),
        ]))
    };
    vec![
        ("pair", Value::text(&pool.pair)),
        ("pay", amount(pays, trade.pay)),
        ("get", amount(gets, trade.get)),
        ("fee", amount(pays, trade.fee)),
    ]
}

/// The functions of the manifest.
pub(super) fn functions() -> Vec<Function> {
    let side = Shape::OneOf(vec![Shape::Literal("BUY".into()), Shape::Literal("SELL".into())]);
    let trade = Shape::record([
        ("action", side),
        ("size", Shape::Number),
        ("pair?", Shape::Text),
        ("max_pay?", Shape::Number),
        ("min_get?", Shape::Number),
    ]);
    let payment =
        Shape::record([("to", Shape::Text), ("token", Shape::Text), ("amount", Shape::Number)]);
    let holder = Shape::record([("account?", Shape::Text), ("token?", Shape::Text)]);
    let wish = Shape::record([("action", Shape::Text), ("args", Shape::Any)]);
    let block = Shape::record([("block?", Shape::Int)]);
    let optional = |shape| Shape::OneOf(vec![Shape::Null, shape]);
    let amount = Shape::record([("token", Shape::Text), ("billionths", Shape::Int)]);
    let amounts =
        [("pair", Shape::Text), ("pay", amount.clone()), ("get", amount.clone()), ("fee", amount)];
    let changes = Shape::list(Shape::record([
        ("holder", Shape::Text),
        ("token", Shape::Text),
        ("before", Shape::Int),
        ("after", Shape::Int),
    ]));
    let draft = Shape::record([("block", Shape::Int), ("diff", changes.clone())]);
    let made = Shape::record([("tx", Shape::Text), ("block", Shape::Int), ("diff", changes)]);
    vec![
        Function::new(
            "balance",
            "what an account has, in billionths",
            optional(holder),
            Shape::record([("account", Shape::Text), ("block", Shape::Int)]),
        ),
        Function::new("quote", "what a trade would cost", trade.clone(), Shape::record(amounts)),
        Function::new("simulate", "what an action would change; changes nothing", wish, draft),
        Function::new("diff", "what an action did change", optional(block), made.clone()),
        Function::new("swapTokens", "trades the base token of a pair", trade, made.clone()).once(),
        Function::new("transfer", "pays another account", payment, made).once(),
    ]
}
