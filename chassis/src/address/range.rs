//! The ranges of IPv4 and IPv6 that are not public, and the IPv6 forms that carry an IPv4 address.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// A range of addresses that are not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// "This network" and the unspecified address.
    Unspecified,
    /// The machine itself.
    Loopback,
    /// Networks of RFC 1918.
    Private,
    /// Carrier-grade NAT, 100.64/10.
    Shared,
    /// One link, where clouds keep their metadata service.
    LinkLocal,
    /// Private networks of IPv6.
    UniqueLocal,
    /// Device benchmarks.
    Benchmark,
    /// Examples in documents.
    Documentation,
    /// Groups of machines.
    Multicast,
    /// All machines of a network.
    Broadcast,
    /// A service that a cloud platform offers to its own machines at a public-looking address.
    Platform,
    /// Everything else that no public machine has.
    Reserved,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::Shared => "shared",
            Self::LinkLocal => "link-local",
            Self::UniqueLocal => "unique-local",
            Self::Benchmark => "benchmark",
            Self::Documentation => "documentation",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Platform => "platform",
            Self::Reserved => "reserved",
        })
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 4], prefix: u8) -> Ipv6Net {
    let [a, b, c, d] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

/// The first match decides.
const V4: [(Ipv4Net, Range); 18] = [
    (v4(0, 0, 0, 0, 8), Range::Unspecified),
    (v4(10, 0, 0, 0, 8), Range::Private),
    (v4(100, 64, 0, 0, 10), Range::Shared),
    (v4(127, 0, 0, 0, 8), Range::Loopback),
    (v4(168, 63, 129, 16, 32), Range::Platform),
    (v4(169, 254, 0, 0, 16), Range::LinkLocal),
    (v4(172, 16, 0, 0, 12), Range::Private),
    (v4(192, 0, 0, 0, 24), Range::Reserved),
    (v4(192, 0, 2, 0, 24), Range::Documentation),
    (v4(192, 88, 99, 0, 24), Range::Reserved),
    (v4(192, 168, 0, 0, 16), Range::Private),
    (v4(198, 18, 0, 0, 15), Range::Benchmark),
    (v4(198, 51, 100, 0, 24), Range::Documentation),
    (v4(203, 0, 113, 0, 24), Range::Documentation),
    (v4(233, 252, 0, 0, 24), Range::Documentation),
    (v4(224, 0, 0, 0, 4), Range::Multicast),
    (v4(255, 255, 255, 255, 32), Range::Broadcast),
    (v4(240, 0, 0, 0, 4), Range::Reserved),
];

/// The first match decides; what is left outside `GLOBAL` is reserved.
const V6: [(Ipv6Net, Range); 9] = [
    (v6([0, 0, 0, 0], 96), Range::Reserved),
    (v6([0x2001, 0, 0, 0], 23), Range::Reserved),
    (v6([0x2001, 0xdb8, 0, 0], 32), Range::Documentation),
    (v6([0x3fff, 0, 0, 0], 20), Range::Documentation),
    (v6([0xfc00, 0, 0, 0], 7), Range::UniqueLocal),
    (v6([0xfe80, 0, 0, 0], 10), Range::LinkLocal),
    (v6([0xfec0, 0, 0, 0], 10), Range::UniqueLocal),
    (v6([0xff00, 0, 0, 0], 8), Range::Multicast),
    (v6([0x0100, 0, 0, 0], 8), Range::Reserved),
];

/// All that has been given out as public IPv6 so far.
const GLOBAL: Ipv6Net = v6([0x2000, 0, 0, 0], 3);
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0], 96);
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0], 16);

/// The range that makes an address not public; none when it is public.
pub fn range_of(address: IpAddr) -> Option<Range> {
    match address {
        IpAddr::V4(address) => range_of_v4(address),
        IpAddr::V6(address) => range_of_v6(address),
    }
}

fn range_of_v4(address: Ipv4Addr) -> Option<Range> {
    V4.iter().find(|(net, _)| net.contains(&address)).map(|(_, range)| *range)
}

fn range_of_v6(address: Ipv6Addr) -> Option<Range> {
    if let Some(inner) = embedded(address) {
        return range_of_v4(inner);
    }
    if address == Ipv6Addr::LOCALHOST {
        return Some(Range::Loopback);
    }
    if address == Ipv6Addr::UNSPECIFIED {
        return Some(Range::Unspecified);
    }
    let listed = V6.iter().find(|(net, _)| net.contains(&address)).map(|(_, range)| *range);
    listed.or_else(|| (!GLOBAL.contains(&address)).then_some(Range::Reserved))
}

/// The IPv4 address that packets to an IPv4-mapped, NAT64 or 6to4 address end up at.
pub(super) fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [_, b, c, .., y, z] = address.segments();
    if SIX_TO_FOUR.contains(&address) {
        return Some(joined(b, c));
    }
    if NAT64.contains(&address) {
        return Some(joined(y, z));
    }
    address.to_ipv4_mapped()
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}
