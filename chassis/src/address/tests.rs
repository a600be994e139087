use core::net::IpAddr;

use super::*;

mod forms;
mod fuzz;

fn refused(url: &str) -> Option<Refused> {
    Target::parse(url, &Allowlist::default()).err()
}

#[test]
fn names_of_the_machine_and_its_platform_are_refused() {
    let names = [
        "http://localhost/",
        "http://LocalHost:80/",
        "http://localhost./",
        "http://localhost../",
        "http://agent.localhost/",
        "http://a.b.localhost./",
        "http://loc%61lhost/",
        "http://ｌｏｃａｌｈｏｓｔ/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://Metadata.Google.Internal./",
        "http://metadata.goog/",
    ];
    for url in names {
        assert!(matches!(refused(url), Some(Refused::Name(_))), "{url}: {:?}", refused(url));
    }
}

#[test]
fn what_is_no_plain_web_address_is_refused() {
    let kind = |url| match refused(url) {
        Some(Refused::Scheme(_)) => "scheme",
        Some(Refused::Userinfo) => "userinfo",
        Some(Refused::Malformed(_)) => "malformed",
        other => panic!("{url}: {other:?}"),
    };
    let cases = [
        ("ftp://example.com/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://example.com/", "scheme"),
        ("unix:/run/docker.sock", "scheme"),
        ("ws://example.com/", "scheme"),
        ("http://user@example.com/", "userinfo"),
        ("http://:secret@example.com/", "userinfo"),
        ("http://example.com@127.0.0.1/", "userinfo"),
        ("https://user:secret@example.com/", "userinfo"),
        ("example.com/mcp", "malformed"),
        ("", "malformed"),
        ("http://", "malformed"),
        ("http://1.2.3.256/", "malformed"),
        ("http://127.0.0.1.0x/", "malformed"),
        ("http://[::1", "malformed"),
        ("http://example.com:99999/", "malformed"),
        ("http://exa mple.com/", "malformed"),
    ];
    for (url, expected) in cases {
        assert_eq!(kind(url), expected, "{url}");
    }
}

#[test]
fn public_targets_are_accepted() {
    let cases = [
        "https://booking.example.com/mcp",
        "http://10.example.com/",
        "http://127.0.0.1.example.com/",
        "https://localhost.example.com/",
        "https://notlocalhost/",
        "http://metadata.google.internal.example.com/",
        "https://8.8.8.8/",
        "http://134744072/",
        "https://[2606:4700:4700::1111]:8443/",
        "https://bücher.example/",
        "http://example.com./",
    ];
    for url in cases {
        assert_eq!(refused(url), None, "{url}");
    }
}

#[test]
fn the_port_is_known_also_when_the_scheme_implies_it() {
    let port = |url| Target::parse(url, &Allowlist::default()).map(|target| target.port());
    assert_eq!(port("http://example.com/"), Ok(80));
    assert_eq!(port("https://example.com/"), Ok(443));
    assert_eq!(port("https://example.com:4100/"), Ok(4100));
}

#[test]
fn a_listed_target_is_exempt_and_its_neighbour_is_not() {
    let list = Allowlist::parse(&[
        "localhost:4100",
        "agents.internal",
        "127.0.0.1:4100",
        "[::1]:4100",
        "::2",
        "10.1.0.0/16",
        "fd00:1::/32",
    ])
    .expect("the entries are well formed");
    let cases = [
        ("http://localhost:4100/sales", true),
        ("http://LOCALHOST.:4100/", true),
        ("http://localhost:4101/", false),
        ("http://a.localhost:4100/", false),
        ("http://agents.internal/", true),
        ("https://agents.internal:9/", true),
        ("http://127.0.0.1:4100/", true),
        ("http://0x7f.1:4100/", true),
        ("http://127.0.0.1/", false),
        ("http://127.0.0.2:4100/", false),
        ("http://[::1]:4100/", true),
        ("http://[::1]:80/", false),
        ("http://[::2]:80/", true),
        ("http://10.1.255.255/", true),
        ("http://[::ffff:10.1.0.1]/", true),
        ("http://[64:ff9b::10.1.0.1]/", true),
        ("http://10.2.0.0/", false),
        ("http://[fd00:1::5]/", true),
        ("http://[fd00:2::5]/", false),
        ("ftp://agents.internal/", false),
        ("http://user@agents.internal/", false),
    ];
    for (url, is_accepted) in cases {
        assert_eq!(Target::parse(url, &list).is_ok(), is_accepted, "{url}");
    }
}

#[test]
fn an_exempt_address_does_not_exempt_names_that_resolve_to_it() {
    let list = Allowlist::parse(&["127.0.0.1:4100"]).expect("the entry is well formed");
    let target = Target::parse("http://rebind.example.com:4100/", &list).expect("it is public");
    let loopback: IpAddr = [127, 0, 0, 1].into();
    assert!(target.admit(loopback, &list).is_err());
    let list = Allowlist::parse(&["127.0.0.1/32"]).expect("the entry is well formed");
    assert!(target.admit(loopback, &list).is_ok(), "a network exempts whatever resolves into it");
}

#[test]
fn entries_that_name_nothing_are_malformed() {
    for entry in ["", "a b", "host:port", "host:70000", "10.0.0.0/33", "10.0.0.0/x", "http://a/"] {
        assert!(Allowlist::parse(&[entry]).is_err(), "{entry}");
    }
}

#[test]
fn a_text_that_is_no_url_is_no_attempt() {
    let is_attempt = |url| refused(url).map(|refused| refused.is_attempt());
    assert_eq!(is_attempt("booking"), Some(false));
    assert_eq!(is_attempt("http://10.0.0.1/"), Some(true));
}
