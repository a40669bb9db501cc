//! `analysis`: where the price of an asset may go, given a sentiment. A Monte Carlo simulation of
//! geometric Brownian motion in daily steps, whose drift the sentiment sets.

use avm_ir::{Value, value::Record};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::{
    job::{number, whole},
    summary::Summary,
};
use crate::provider::Refusal;

/// Paths of a chunk.
pub(super) const CHUNK: u64 = 1_000;
/// Paths that nobody asked for otherwise.
const PATHS: u64 = 20_000;
/// Most paths; their returns are kept until the task is waited for.
const MOST_PATHS: u64 = 100_000;
/// Days that a credit pays for in a chunk.
const DAYS: u64 = 30;
const MOST_DAYS: u64 = 365;
const DAYS_PER_YEAR: f64 = 365.0;
/// Yearly drift of the log price at sentiment 1.
const DRIFT: f64 = 0.5;
/// Yearly volatility that nobody asked for otherwise.
const VOLATILITY: f64 = 0.6;
const PRICE: f64 = 100.0;

/// What is simulated.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Analysis {
    sentiment: f64,
    volatility: f64,
    price: f64,
    days: u64,
    paths: u64,
    seed: [u8; 32],
}

/// What became of the paths of a chunk.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Paths {
    /// Last price of each.
    prices: Vec<f64>,
    /// Sum of their largest relative falls from an earlier high.
    falls: f64,
}

impl Analysis {
    /// The simulation that a payload asks for: a sentiment, or a record.
    pub(super) fn read(payload: &Value, pool_seed: i64) -> Result<Self, Refusal> {
        let empty = Record::new();
        let (sentiment, fields) = match payload {
            Value::Record(fields) => (number(fields, "sentiment", None, -1.0..=1.0)?, fields),
            other => {
                let fields = Record::from_iter([("sentiment", other.clone())]);
                (number(&fields, "sentiment", None, -1.0..=1.0)?, &empty)
            }
        };
        let mut analysis = Self {
            sentiment,
            volatility: number(fields, "volatility", Some(VOLATILITY), 0.0..=10.0)?,
            price: number(fields, "price", Some(PRICE), 1e-9..=1e12)?,
            days: whole(fields, "days", DAYS, MOST_DAYS)?,
            paths: whole(fields, "paths", PATHS, MOST_PATHS)?,
            seed: [0; 32],
        };
        analysis.seed = analysis.seeded(pool_seed);
        Ok(analysis)
    }

    /// The seed of everything but the number of paths, so that more paths go on where fewer end.
    fn seeded(&self, pool_seed: i64) -> [u8; 32] {
        let payload = Value::list(vec![
            Value::float(self.sentiment),
            Value::float(self.volatility),
            Value::float(self.price),
            Value::Int(self.days.cast_signed()),
            Value::Int(pool_seed),
        ]);
        blake3::derive_key("aither builtin:pool analysis v1", &avm_ir::value::encode(&payload))
    }

    pub(super) const fn chunks(&self) -> u64 {
        self.paths.div_ceil(CHUNK)
    }

    /// Whole credits that a chunk costs.
    pub(super) const fn chunk_credits(&self) -> u64 {
        self.days.div_ceil(DAYS)
    }

    /// Simulates the paths of a chunk. Each chunk has random numbers of its own.
    pub(super) fn chunk(&self, index: u64) -> Paths {
        let mut random = ChaCha8Rng::from_seed(self.seed);
        random.set_stream(index);
        let mut normals = Normals { random, spare: None };
        let day = 1.0 / DAYS_PER_YEAR;
        let drift = (DRIFT * self.sentiment - self.volatility * self.volatility / 2.0) * day;
        let spread = self.volatility * libm::sqrt(day);
        let count = CHUNK.min(self.paths.saturating_sub(index * CHUNK));
        let mut paths = Paths { prices: Vec::with_capacity(count as usize), falls: 0.0 };
        for _ in 0..count {
            let (mut log, mut high, mut fall) = (0.0_f64, 0.0_f64, 0.0_f64);
            for _ in 0..self.days {
                log += drift + spread * normals.next();
                high = high.max(log);
                fall = fall.max(high - log);
            }
            paths.prices.push(self.price * libm::exp(log));
            paths.falls += 1.0 - libm::exp(-fall);
        }
        paths
    }

    /// What the chunks say together.
    pub(super) fn result(&self, chunks: &[&Paths]) -> Vec<(&'static str, Value)> {
        let prices: Vec<f64> = chunks.iter().flat_map(|chunk| &chunk.prices).copied().collect();
        let gains = prices.iter().filter(|price| **price > self.price).count();
        let falls: f64 = chunks.iter().map(|chunk| chunk.falls).sum();
        let Some(summary) = Summary::of(prices) else { return Vec::new() };
        let Value::Int(count) = summary.count() else { return Vec::new() };
        vec![
            ("sentiment", Value::float(self.sentiment)),
            ("price", Value::float(self.price)),
            ("days", Value::Int(self.days.cast_signed())),
            ("paths", Value::Int(count)),
            ("mean", summary.mean()),
            ("stdev", summary.deviation()),
            ("p05", summary.quantile(50)),
            ("p50", summary.quantile(500)),
            ("p95", summary.quantile(950)),
            ("drawdown", Value::float(falls / count as f64)),
            ("probability_of_gain", Value::float(gains as f64 / count as f64)),
        ]
    }
}

/// Normally distributed numbers, two at a time (Box and Muller).
struct Normals {
    random: ChaCha8Rng,
    spare: Option<f64>,
}

impl Normals {
    fn next(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = libm::sqrt(-2.0 * libm::log(self.uniform()));
        let (sin, cos) = libm::sincos(core::f64::consts::TAU * self.uniform());
        self.spare = Some(radius * sin);
        radius * cos
    }

    /// Above 0, at most 1, so that it has a logarithm.
    fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        ((self.random.next_u64() >> 11) + 1) as f64 * STEP
    }
}
