//! Whole numbers as people write them.

/// Reads a whole number of at least `LEAST`.
pub(crate) fn parse<T: TryFrom<u64>, const LEAST: u64>(text: &str) -> Result<T, String> {
    let number = text.parse::<u64>().ok().filter(|number| *number >= LEAST);
    let number = number.and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // Zero is the one that is too small and all digits.
        if digits && text.bytes().any(|byte| byte != b'0') {
            "that is too large".to_owned()
        } else {
            format!("wants a whole number, {LEAST} or more")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn numbers() {
        assert_eq!(parse::<u64, 0>("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(parse::<u16, 1>("1"), Ok(1));
        for bad in ["", "-1", "x", "0", "1.5"] {
            assert_eq!(parse::<u16, 1>(bad), Err("wants a whole number, 1 or more".to_owned()));
        }
        for large in ["65536", "99999999999999999999"] {
            assert_eq!(parse::<u16, 1>(large), Err("that is too large".to_owned()), "{large}");
        }
    }
}
