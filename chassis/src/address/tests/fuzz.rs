//! Any text and any spelling of an address, put to the rules.

use std::net::{Ipv4Addr, Ipv6Addr};

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;

use super::*;

/// How many cases an ordinary run has; each is the same in every run.
const CASES: u64 = 4_000;
/// How much randomness a case has, in bytes.
const SIZE: u64 = 256;

const SCHEMES: [&str; 5] = ["http://", "https://", "HTTP://", "http:\\\\", "ftp://"];
const NAMES: [&str; 8] = [
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "metadata.google.internal",
    "10.example.com",
    "example.com",
    "loc%61lhost",
    "ｌｏｃａｌｈｏｓｔ",
];
const PIECES: [&str; 12] =
    ["@", ":", "/", "\\", "#", "?", "[", "]", "%00", "%2e", "\t", "\u{3002}"];

fn each(property: fn(&mut Unstructured<'_>) -> Result<()>) {
    for case in 0..CASES {
        // The lower half of a seed is the size of its case.
        arbtest(property).seed(case << 32 | SIZE);
    }
}

fn number(u: &mut Unstructured<'_>, value: u32) -> Result<String> {
    let zeros = "0".repeat(u.int_in_range(0..=3)?);
    Ok(match u.int_in_range(0..=2)? {
        0 => value.to_string(),
        1 => format!("0x{zeros}{value:X}"),
        _ => format!("0{zeros}{value:o}"),
    })
}

/// One of the spellings in which a browser reads this address.
fn spelled(u: &mut Unstructured<'_>, address: Ipv4Addr) -> Result<String> {
    let bits = u32::from(address);
    let [a, b, _, _] = address.octets().map(u32::from);
    let dotted = match u.int_in_range(0..=3)? {
        0 => number(u, bits)?,
        1 => format!("{}.{}", number(u, a)?, number(u, bits & 0x00ff_ffff)?),
        2 => format!("{}.{}.{}", number(u, a)?, number(u, b)?, number(u, bits & 0xffff)?),
        _ => {
            let octets = address.octets().map(|octet| number(u, octet.into()));
            let [a, b, c, d] = octets;
            format!("{}.{}.{}.{}", a?, b?, c?, d?)
        }
    };
    Ok(if u.arbitrary()? { format!("{dotted}.") } else { dotted })
}

/// One of the IPv6 addresses through which this one is reached.
fn carried(u: &mut Unstructured<'_>, address: Ipv4Addr) -> Result<Ipv6Addr> {
    let [a, b, c, d] = address.octets().map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    Ok(match u.int_in_range(0..=2)? {
        0 => address.to_ipv6_mapped(),
        1 => Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        _ => Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
    })
}

fn any_url(u: &mut Unstructured<'_>) -> Result<String> {
    let mut url = (*u.choose(&SCHEMES)?).to_owned();
    for _ in 0..u.int_in_range(1..=5)? {
        match u.int_in_range(0..=4)? {
            0 => url.push_str(u.choose(&NAMES)?),
            1 => url.push_str(u.choose(&PIECES)?),
            2 => {
                let address = Ipv4Addr::from(u.arbitrary::<u32>()?);
                url.push_str(&spelled(u, address)?);
            }
            3 => url.push_str(&format!("[{}]", Ipv6Addr::from(u.arbitrary::<u128>()?))),
            _ => url.push_str(&u.arbitrary::<String>()?),
        }
    }
    Ok(url)
}

/// What the standard library knows of an address, which is less than the rules do but is not ours.
fn is_plainly_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(a) => {
            let is_documentation = a.is_documentation() || a.is_broadcast() || a.is_multicast();
            a.is_loopback()
                || a.is_private()
                || a.is_link_local()
                || a.is_unspecified()
                || is_documentation
        }
        IpAddr::V6(a) => {
            let is_local = a.is_unique_local() || a.is_unicast_link_local() || a.is_multicast();
            a.is_loopback() || a.is_unspecified() || is_local
        }
    }
}

fn any_text_is_judged(u: &mut Unstructured<'_>) -> Result<()> {
    let url = any_url(u)?;
    let Ok(target) = Target::parse(&url, &Allowlist::default()) else { return Ok(()) };
    if let Some(address) = target.literal() {
        assert!(range_of(address).is_none() && !is_plainly_private(address), "{url:?}: {address}");
    }
    let host = format!(".{}", target.host());
    assert!(!host.trim_end_matches('.').ends_with(".localhost"), "{url:?}");
    let again = Target::parse(target.url().as_str(), &Allowlist::default());
    assert_eq!(again.as_ref(), Ok(&target), "its canonical form is judged alike: {url:?}");
    // Whoever connects reads the text with another parser, and may not end up elsewhere.
    if let Ok(uri) = url.parse::<http::Uri>() {
        let connected = Target::parse(&uri.to_string(), &Allowlist::default());
        assert!(
            connected.is_err() || connected.is_ok_and(|it| it.host() == target.host()),
            "{url:?}"
        );
    }
    Ok(())
}

fn a_spelling_changes_nothing(u: &mut Unstructured<'_>) -> Result<()> {
    let address = Ipv4Addr::from(u.arbitrary::<u32>()?);
    let verdict = range_of(address.into());
    let plain = spelled(u, address)?;
    let carried = carried(u, address)?;
    for host in [plain, format!("[{carried}]")] {
        let url = format!("http://{host}:8080/mcp");
        let judged = Target::parse(&url, &Allowlist::default());
        assert_eq!(judged.is_err(), verdict.is_some(), "{address} as {url}: {judged:?}");
        let network = format!("{address}/32");
        let exempt = Allowlist::parse(&[network]).expect("it is a network");
        assert!(Target::parse(&url, &exempt).is_ok(), "{url} is exempt");
    }
    Ok(())
}

#[test]
fn any_text_is_judged_as_those_who_connect_would() {
    each(any_text_is_judged);
}

#[test]
fn an_address_is_judged_alike_in_every_spelling() {
    each(a_spelling_changes_nothing);
}

#[test]
#[ignore = "runs as long as ARBTEST_BUDGET_MS says: see CONTRIBUTING.md"]
fn any_text_is_judged_as_those_who_connect_would_for_minutes() {
    arbtest(any_text_is_judged).size_max(4_096);
}

#[test]
#[ignore = "runs as long as ARBTEST_BUDGET_MS says: see CONTRIBUTING.md"]
fn an_address_is_judged_alike_in_every_spelling_for_minutes() {
    arbtest(a_spelling_changes_nothing);
}
