//! Moments on the command line.

/// Milliseconds since 1970-01-01 UTC, from RFC 3339 or a number of them.
pub fn parse(text: &str) -> Result<u64, String> {
    let ms = match text.parse::<u64>() {
        Ok(ms) => Some(ms),
        Err(_) => text
            .parse::<jiff::Timestamp>()
            .ok()
            .and_then(|moment| u64::try_from(moment.as_millisecond()).ok()),
    };
    // A number of seconds would mean 1970, and let everything in.
    ms.filter(|ms| *ms >= YEAR_2000).ok_or_else(|| {
        "not a moment such as 2027-03-01T02:00:00Z, nor milliseconds since 1970".to_owned()
    })
}

const YEAR_2000: u64 = 946_684_800_000;

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn moments() {
        assert_eq!(parse("2027-03-01T02:00:00Z"), Ok(1_803_866_400_000));
        assert_eq!(parse("2027-03-01T03:00:00.5+01:00"), Ok(1_803_866_400_500));
        assert_eq!(parse("1803866400000"), Ok(1_803_866_400_000));
        for bad in [
            "",
            "yesterday",
            "2027-03-01",
            "1803866400",
            "1969-01-01T00:00:00Z",
            "-1",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
