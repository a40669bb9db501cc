//! What is said of many numbers: moments and quantiles, the same bits on every machine.

use avm_ir::Value;

/// Numbers in the order in which they were made, and sorted.
pub(super) struct Summary {
    sorted: Vec<f64>,
    mean: f64,
    deviation: f64,
}

impl Summary {
    /// A summary of finite numbers; `None` if there are none.
    pub(super) fn of(values: Vec<f64>) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let count = values.len() as f64;
        // Sums in the order given, so that the bits do not depend on who computed which part.
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let deviation = if count > 1.0 { libm::sqrt(squares / (count - 1.0)) } else { 0.0 };
        let mut sorted = values;
        sorted.sort_by(f64::total_cmp);
        Some(Self { sorted, mean, deviation })
    }

    pub(super) fn count(&self) -> Value {
        Value::Int(self.sorted.len() as i64)
    }

    pub(super) fn mean(&self) -> Value {
        Value::float(self.mean)
    }

    /// Standard deviation of a sample.
    pub(super) fn deviation(&self) -> Value {
        Value::float(self.deviation)
    }

    /// The quantile of a share in thousandths, between the two nearest ranks.
    pub(super) fn quantile(&self, thousandths: u32) -> Value {
        let place = f64::from(thousandths.min(1000)) / 1000.0 * (self.sorted.len() - 1) as f64;
        let below = place as usize;
        let low = self.sorted[below];
        let high = self.sorted.get(below + 1).copied().unwrap_or(low);
        Value::float(low + (high - low) * (place - below as f64))
    }
}
