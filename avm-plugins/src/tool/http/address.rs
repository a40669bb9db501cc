//! Which addresses may be reached.
//!
//! A name is checked by what it resolves to, and what was checked is what is connected to: a name
//! that leads elsewhere the next time (DNS rebinding) leads nowhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

use crate::settings::BadSettings;

/// The addresses that a host's name may resolve to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Those of this computer.
    Loopback,
    /// Public ones, and those that the operator lists one by one.
    Public(Vec<IpAddr>),
}

impl Rule {
    fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Self::Loopback => address.is_loopback(),
            Self::Public(listed) => listed.contains(&address) || is_public(address),
        }
    }
}

/// An address that a rule does not permit.
#[derive(Debug, thiserror::Error)]
#[error("{host} resolves to {address}, which is not allowed; list the address under allow")]
pub(super) struct NotAllowed {
    host: String,
    address: IpAddr,
}

/// The URL of a service, if the operator allows its host, and the rule for its addresses.
pub(super) fn check(url: &str, allow: &[String]) -> Result<(Uri, Rule), BadSettings> {
    // What follows the host may be secret, and so may a user before it.
    let shown = url.split(['?', '#']).next().filter(|url| !url.contains('@')).unwrap_or("");
    let bad = |why: String| BadSettings::new(format!("url {shown:?}: {why}"));
    let uri: Uri = url.parse().map_err(|error| bad(format!("{error}")))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(bad("must begin with http:// or https://".to_owned()));
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err(bad("has a user; put credentials into header_file".to_owned()));
    }
    let host = uri.host().unwrap_or("").trim_matches(['[', ']']).to_ascii_lowercase();
    if host.is_empty() {
        return Err(bad("has no host".to_owned()));
    }
    let literal: Option<IpAddr> = host.parse().ok();
    let listed = allow.iter().any(|allowed| allowed.to_ascii_lowercase() == host);
    if host == "localhost" || literal.is_some_and(|address| address.to_canonical().is_loopback()) {
        return Ok((uri, Rule::Loopback));
    }
    if !listed {
        let way = format!("is not on this computer; to reach it, add allow = [{host:?}]");
        return Err(bad(way));
    }
    let addresses = allow.iter().filter_map(|allowed| allowed.parse().ok());
    Ok((uri, Rule::Public(addresses.map(|address: IpAddr| address.to_canonical()).collect())))
}

/// Whether an address is one of the public Internet: none of this computer, of a private or local
/// network, and none that is set aside for something else.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let assigned = (a, b, c) == (192, 0, 0);
    let benchmark = a == 198 && (18..20).contains(&b);
    !(a == 0
        || a >= 240
        || shared
        || assigned
        || benchmark
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Only 2000::/3 is given out; what wraps an IPv4 address is as public as that is.
    match segments {
        [0x2002, high, low, ..] => is_public_v4(wrapped(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(wrapped(high, low)),
        [0x2001, 0..0x200, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..0x1000, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

fn wrapped(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

/// Resolves names, and refuses those of which any address is not permitted.
#[derive(Debug)]
pub(super) struct Checked {
    names: DefaultResolver,
    rule: Rule,
}

impl Checked {
    pub(super) fn new(rule: Rule) -> Self {
        Self { names: DefaultResolver::default(), rule }
    }
}

impl Resolver for Checked {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.names.resolve(uri, config, timeout)?;
        for address in &*found {
            if !self.rule.permits(address.ip()) {
                let (host, address) = (uri.host().unwrap_or("").to_owned(), address.ip());
                return Err(Error::Other(Box::new(NotAllowed { host, address })));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::{Rule, check};

    #[test]
    fn only_public_and_listed_addresses_are_reached() {
        let rule = Rule::Public(vec!["10.0.0.5".parse().expect("an address")]);
        let permits = |address: &str| rule.permits(address.parse().expect("an address"));
        for address in ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "10.0.0.5", "::ffff:8.8.8.8"]
        {
            assert!(permits(address), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.0.0.6",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::a9fe:a9fe",
            "2001::1",
            "fec0::1",
        ] {
            assert!(!permits(address), "{address}");
        }
        let loopback = |address: &str| Rule::Loopback.permits(address.parse().expect("an address"));
        assert!(loopback("127.0.0.1") && loopback("::1") && loopback("::ffff:127.0.0.1"));
        assert!(!loopback("8.8.8.8") && !loopback("0.0.0.0") && !loopback("10.0.0.5"));
    }

    #[test]
    fn an_address_is_allowed_by_its_exact_host() {
        let allow = ["api.example.com".to_owned(), "10.0.0.5".to_owned()];
        let ok = |url: &str| check(url, &allow).map(|(_, rule)| rule);
        for url in ["http://127.0.0.1:8080/x", "https://localhost/", "http://[::1]:1/"] {
            assert_eq!(ok(url), Ok(Rule::Loopback), "{url}");
        }
        for url in ["https://api.example.com/v1?k=1", "https://API.Example.com", "http://10.0.0.5"]
        {
            assert!(matches!(ok(url), Ok(Rule::Public(_))), "{url}");
        }
        for url in [
            "https://example.com/",
            "https://evil-api.example.com/",
            "https://api.example.com.evil/",
            "https://api.example.com@evil/",
            "http://127.0.0.1@evil/",
            "file:///etc/passwd",
            "ftp://127.0.0.1/",
            "//127.0.0.1/",
            "/x",
            "",
            "http://",
            "http://169.254.169.254/",
            "http://0.0.0.0/",
            "http://2130706433/",
            "http://127.1/",
            "unix:/run/x",
            "http:// x/",
        ] {
            assert!(ok(url).is_err(), "{url}");
        }
        let error = check("https://example.com/", &[]).expect_err("it is elsewhere").to_string();
        assert_eq!(
            error,
            "url \"https://example.com/\": is not on this computer; to reach it, add allow = [\"example.com\"]"
        );
    }
}
