//! A program's number as an amount, once and exactly.

use avm_ir::Value;

/// Smallest units in a token, as nanocredits in a credit.
pub const UNIT: u64 = 1_000_000_000;

/// Why a number is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountError {
    /// Neither an int nor a float.
    NoNumber,
    /// Less than nothing, or no finite number.
    Negative,
    /// More than `u64::MAX` billionths.
    TooLarge,
}

impl core::fmt::Display for AmountError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoNumber => "an amount is a number",
            Self::Negative => "an amount is a finite number and not less than 0",
            Self::TooLarge => "an amount is at most 18446744073.709551615 tokens",
        })
    }
}

impl core::error::Error for AmountError {}

/// Billionths of a token in a program's number of tokens: exact for an int, and for a float the
/// billionth that is nearest to its exact value, the larger of two that are equally near.
///
/// # Errors
/// What is no number, negative, or beyond the range.
pub fn amount(value: &Value) -> Result<u64, AmountError> {
    match value {
        Value::Int(int) => {
            let tokens = u64::try_from(*int).map_err(|_| AmountError::Negative)?;
            tokens.checked_mul(UNIT).ok_or(AmountError::TooLarge)
        }
        Value::Float(float) => of_bits(float.to_bits()),
        _ => Err(AmountError::NoNumber),
    }
}

/// The same for the bits of a binary64: no arithmetic on floats, so nothing is rounded twice.
fn of_bits(bits: u64) -> Result<u64, AmountError> {
    const FRACTION: u64 = (1 << 52) - 1;
    let (exponent, fraction) = ((bits >> 52) & 0x7FF, bits & FRACTION);
    if exponent == 0x7FF || bits >> 63 == 1 && (exponent, fraction) != (0, 0) {
        return Err(AmountError::Negative);
    }
    // The value is mantissa * 2^(exponent - 1075).
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    let exact = u128::from(mantissa) * u128::from(UNIT);
    let exponent = exponent.max(1);
    let amount = if exponent >= 1075 {
        // Below 2^83 so far: any number of tokens that fits has a small shift.
        let shift = (exponent - 1075).min(64);
        if exact >> (127 - shift) == 0 { exact << shift } else { u128::MAX }
    } else {
        match 1075 - exponent {
            shift @ 0..=127 => (exact + (1 << (shift - 1))) >> shift,
            _ => 0,
        }
    };
    u64::try_from(amount).map_err(|_| AmountError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_billionths() {
        let float = |float| amount(&Value::float(float));
        assert_eq!(amount(&Value::Int(3)), Ok(3 * UNIT));
        assert_eq!(float(2.5), Ok(2_500_000_000));
        assert_eq!(float(0.1), Ok(100_000_000));
        assert_eq!(float(0.3), Ok(300_000_000));
        assert_eq!(float(0.0), Ok(0));
        assert_eq!(float(-0.0), Ok(0));
        assert_eq!(float(0.000_000_000_4), Ok(0));
        assert_eq!(float(0.000_000_000_6), Ok(1));
        assert_eq!(float(5e-324), Ok(0));
        // 2^-10 tokens are 976562.5 billionths.
        assert_eq!(float(1.0 / 1024.0), Ok(976_563));
        assert_eq!(float(4_503_599_627.370_497), Ok(4_503_599_627_370_496_750));
        assert_eq!(float(18_446_744_073.0), Ok(18_446_744_073 * UNIT));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        assert_eq!(amount(&Value::Null), Err(AmountError::NoNumber));
        assert_eq!(amount(&Value::Int(-1)), Err(AmountError::Negative));
        assert_eq!(amount(&Value::Int(i64::MAX)), Err(AmountError::TooLarge));
        for float in [-1.0, -5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(amount(&Value::float(float)), Err(AmountError::Negative), "{float}");
        }
        for float in [18_446_744_074.0, 1e30, 1e300, f64::MAX] {
            assert_eq!(amount(&Value::float(float)), Err(AmountError::TooLarge), "{float}");
        }
    }
}
