//! Amounts of memory as people write them.

/// Reads a number of bytes: `4096`, `64KiB`, `256MiB`, `2G` (binary) or `64MB` (decimal).
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    const FORM: &str =
        "an amount of memory is a whole number with B, KiB, MiB or GiB, such as 64MiB";
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let number: u64 = digits.parse().map_err(|_| FORM.to_owned())?;
    let unit: u64 = match suffix.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(FORM.to_owned()),
    };
    number.checked_mul(unit).ok_or_else(|| "that is more than 16 EiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn amounts() {
        assert_eq!(parse("4096"), Ok(4096));
        assert_eq!(parse("64KiB"), Ok(65_536));
        assert_eq!(parse("2G"), Ok(2 << 30));
        assert_eq!(parse("1 MB"), Ok(1_000_000));
        for bad in
            ["", "MiB", "-1", "1.5MiB", "1TB", "99999999999999999999", "18446744073709551615k"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
