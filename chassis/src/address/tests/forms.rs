//! Every way to write an address, and where each range ends.

use core::net::IpAddr;

use proptest::prelude::*;

use super::*;

fn range(text: &str) -> Option<Range> {
    range_of(text.parse().expect("the case is an address"))
}

#[test]
fn every_refused_form_of_an_address_is_recognised_in_a_url() {
    let cases = [
        ("http://127.0.0.1/mcp", Range::Loopback),
        ("http://127.1/", Range::Loopback),
        ("http://127.0.1/", Range::Loopback),
        ("http://2130706433/", Range::Loopback),
        ("http://0x7f000001/", Range::Loopback),
        ("http://0X7F.0.0.1/", Range::Loopback),
        ("http://0177.0.0.1/", Range::Loopback),
        ("http://017700000001/", Range::Loopback),
        ("http://0x7f.0.0x0.01/", Range::Loopback),
        ("http://127.0.0.1./", Range::Loopback),
        ("http://127.0.0.1:8080/", Range::Loopback),
        ("http://%31%32%37.0.0.1/", Range::Loopback),
        ("http://１２７.０.０.１/", Range::Loopback),
        ("http://①②⑦.0.0.1/", Range::Loopback),
        ("http:127.0.0.1/", Range::Loopback),
        ("http:\\\\127.0.0.1\\x", Range::Loopback),
        ("\thttp://127.0.\n0.1/", Range::Loopback),
        ("https://[::1]/", Range::Loopback),
        ("https://[0:0:0:0:0:0:0:1]:4100/", Range::Loopback),
        ("http://[::ffff:127.0.0.1]/", Range::Loopback),
        ("http://[::ffff:7f00:1]/", Range::Loopback),
        ("http://[64:ff9b::7f00:1]/", Range::Loopback),
        ("http://[2002:7f00:1::]/", Range::Loopback),
        ("http://0/", Range::Unspecified),
        ("http://0.0.0.0/", Range::Unspecified),
        ("http://[::]/", Range::Unspecified),
        ("http://10.0.0.1/", Range::Private),
        ("http://012.0.0.1/", Range::Private),
        ("http://0xa.1/", Range::Private),
        ("http://172.31.255.255/", Range::Private),
        ("http://192.168.0.1/", Range::Private),
        ("http://3232235521/", Range::Private),
        ("http://[::ffff:10.1.2.3]/", Range::Private),
        ("http://[64:ff9b::10.1.2.3]/", Range::Private),
        ("http://[2002:a01:203::1]/", Range::Private),
        ("http://169.254.169.254/latest/meta-data", Range::LinkLocal),
        ("http://0xa9fea9fe/", Range::LinkLocal),
        ("http://2852039166/", Range::LinkLocal),
        ("http://[::ffff:a9fe:a9fe]/", Range::LinkLocal),
        ("http://[fe80::1]/", Range::LinkLocal),
        ("http://[fd00:ec2::254]/", Range::UniqueLocal),
        ("http://100.100.100.200/", Range::Shared),
        ("http://168.63.129.16/", Range::Platform),
        ("http://224.0.0.1/", Range::Multicast),
        ("http://255.255.255.255/", Range::Broadcast),
    ];
    for (url, expected) in cases {
        match refused(url) {
            Some(Refused::Address { range, .. }) => assert_eq!(range, expected, "{url}"),
            other => panic!("{url}: {other:?}"),
        }
    }
}

#[test]
fn ranges_end_where_they_end() {
    let cases = [
        ("0.255.255.255", Some(Range::Unspecified)),
        ("1.0.0.0", None),
        ("9.255.255.255", None),
        ("10.255.255.255", Some(Range::Private)),
        ("11.0.0.0", None),
        ("100.63.255.255", None),
        ("100.64.0.0", Some(Range::Shared)),
        ("100.127.255.255", Some(Range::Shared)),
        ("100.128.0.0", None),
        ("126.255.255.255", None),
        ("128.0.0.0", None),
        ("169.253.255.255", None),
        ("169.255.0.0", None),
        ("172.15.255.255", None),
        ("172.16.0.0", Some(Range::Private)),
        ("172.32.0.0", None),
        ("192.0.0.192", Some(Range::Reserved)),
        ("192.0.1.0", None),
        ("192.0.2.1", Some(Range::Documentation)),
        ("192.88.99.1", Some(Range::Reserved)),
        ("192.167.255.255", None),
        ("192.169.0.0", None),
        ("198.17.255.255", None),
        ("198.18.0.0", Some(Range::Benchmark)),
        ("198.19.255.255", Some(Range::Benchmark)),
        ("198.20.0.0", None),
        ("198.51.100.7", Some(Range::Documentation)),
        ("203.0.113.7", Some(Range::Documentation)),
        ("223.255.255.255", None),
        ("233.252.0.1", Some(Range::Documentation)),
        ("239.255.255.255", Some(Range::Multicast)),
        ("240.0.0.0", Some(Range::Reserved)),
        ("255.255.255.254", Some(Range::Reserved)),
        ("255.255.255.255", Some(Range::Broadcast)),
        ("8.8.8.8", None),
        ("::2", Some(Range::Reserved)),
        ("::127.0.0.1", Some(Range::Reserved)),
        ("::ffff:8.8.8.8", None),
        ("::ffff:0:127.0.0.1", Some(Range::Reserved)),
        ("64:ff9b::8.8.8.8", None),
        ("64:ff9b:1::1", Some(Range::Reserved)),
        ("100::1", Some(Range::Reserved)),
        ("2001::1", Some(Range::Reserved)),
        ("2001:1ff::1", Some(Range::Reserved)),
        ("2001:200::1", None),
        ("2001:db8::1", Some(Range::Documentation)),
        ("2001:4860:4860::8888", None),
        ("2002:808:808::1", None),
        ("2002:c0a8:1::1", Some(Range::Private)),
        ("3fff::1", Some(Range::Documentation)),
        ("3fff:1000::1", None),
        ("4000::1", Some(Range::Reserved)),
        ("5f00::1", Some(Range::Reserved)),
        ("fbff::1", Some(Range::Reserved)),
        ("fc00::1", Some(Range::UniqueLocal)),
        ("fdff::1", Some(Range::UniqueLocal)),
        ("febf::1", Some(Range::LinkLocal)),
        ("fec0::1", Some(Range::UniqueLocal)),
        ("ff02::1", Some(Range::Multicast)),
    ];
    for (address, expected) in cases {
        assert_eq!(range(address), expected, "{address}");
    }
}

proptest! {
    /// Every way to write an IPv4 address gets the verdict of the address.
    #[test]
    fn all_spellings_of_an_address_get_the_same_verdict(bits: u32) {
        let [a, b, c, d] = bits.to_be_bytes();
        let expected = range_of(IpAddr::from([a, b, c, d]));
        let (high, low) = (bits >> 16, bits & 0xffff);
        let spellings = [
            format!("http://{a}.{b}.{c}.{d}/"),
            format!("http://{a}.{b}.{c}.{d}./"),
            format!("http://{bits}/"),
            format!("http://{bits:#x}/"),
            format!("http://0{bits:o}/"),
            format!("http://0{a:o}.{b:#x}.{c}.0{d:o}/"),
            format!("http://{a}.{}/", bits & 0x00ff_ffff),
            format!("http://{a}.{b}.{low}/"),
            format!("http://[::ffff:{a}.{b}.{c}.{d}]/"),
            format!("http://[64:ff9b::{high:x}:{low:x}]/"),
            format!("http://[2002:{high:x}:{low:x}::1]/"),
        ];
        for url in spellings {
            let verdict = match refused(&url) {
                None => None,
                Some(Refused::Address { range, .. }) => Some(range),
                other => panic!("{url}: {other:?}"),
            };
            prop_assert_eq!(verdict, expected, "{}", url);
        }
    }

    /// Whatever the text, there is a verdict, and an accepted literal address is public.
    #[test]
    fn any_text_gets_a_verdict(host in "[0-9a-fx.:%\\[\\]@]{0,40}") {
        if let Ok(target) = Target::parse(&format!("http://{host}/"), &Allowlist::default()) {
            prop_assert!(target.literal().is_none_or(|address| range_of(address).is_none()));
        }
    }
}
