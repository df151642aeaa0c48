//! Which addresses a granted name may lead to. Pure: no resolution, no sockets.
//!
//! The second of two layers. The first is the allow-list of names ([`crate::Grants`]); this one judges *every*
//! resolved address, because names are promises of whoever runs the DNS. Wrapped IPv4 addresses (mapped, compatible,
//! NAT64, 6to4) are judged as the IPv4 address inside.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::Egress;
use crate::grants::HostPattern;

/// What an address is, as far as egress cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The internet.
    Public,
    /// RFC 1918, unique local, carrier-grade NAT.
    Private,
    /// This machine.
    Loopback,
    /// Never a target: cloud metadata, link-local, multicast, unspecified, broadcast, documentation, reserved.
    Forbidden,
}

/// Why an address is not connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No grant reaches it: [`Zone::Forbidden`].
    Forbidden,
    /// `[egress] deny` covers it.
    Denied,
    /// Loopback, and the grant does not say so.
    Loopback,
    /// Private, and the grant is a wildcard.
    Private,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forbidden => "is link-local, metadata, multicast or reserved, which no grant reaches",
            Self::Denied => "is in a network of `[egress] deny`",
            Self::Loopback => "is loopback",
            Self::Private => "is private, and the grant is a wildcard",
        })
    }
}

impl Egress {
    /// Whether a target granted as `host` may be reached at `address`.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, address: IpAddr, host: &HostPattern) -> Result<(), Refusal> {
        let address = address.to_canonical();
        let inner = unwrapped(address);
        let covers = |networks: &[IpNet]| networks.iter().any(|net| net.contains(&address) || net.contains(&inner));
        if covers(&self.deny) {
            return Err(Refusal::Denied);
        }
        match zone(address) {
            Zone::Forbidden => Err(Refusal::Forbidden),
            Zone::Public => Ok(()),
            Zone::Private if host.names_host() || covers(&self.allow) => Ok(()),
            Zone::Private => Err(Refusal::Private),
            Zone::Loopback if host.names_loopback(inner) || covers(&self.allow) => Ok(()),
            Zone::Loopback => Err(Refusal::Loopback),
        }
    }
}

/// The zone of `address`, looking inside wrapped forms.
#[must_use]
pub fn zone(address: IpAddr) -> Zone {
    match unwrapped(address) {
        IpAddr::V4(address) => zone_v4(address),
        IpAddr::V6(address) => zone_v6(address),
    }
}

/// The IPv4 address inside a mapped, compatible, NAT64 or 6to4 address; otherwise the address itself.
fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let octets = six.octets();
    let four = |at: usize| IpAddr::V4(Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]));
    match six.segments() {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => four(12),
        [0x2002, ..] => four(2),
        _ => address,
    }
}

/// Metadata outside link-local space: Alibaba's inside carrier-grade NAT, Azure's on a public address.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];

/// Metadata inside unique-local space: Amazon, Google, Scaleway.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

fn zone_v4(address: Ipv4Addr) -> Zone {
    match address.octets() {
        [127, ..] => Zone::Loopback,
        _ if METADATA_V4.contains(&address) => Zone::Forbidden,
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => Zone::Private,
        // This network; link-local and metadata; protocol assignments (Oracle's metadata); documentation; 6to4 relays;
        // benchmarks; multicast, reserved, broadcast.
        [0, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [224..=255, ..] => Zone::Forbidden,
        _ => Zone::Public,
    }
}

fn zone_v6(address: Ipv6Addr) -> Zone {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Zone::Loopback,
        _ if METADATA_V6.contains(&address) => Zone::Forbidden,
        [0xfc00..=0xfdff, ..] => Zone::Private,
        // Protocol assignments with Teredo and benchmarks; documentation, old and new; then the rest of what is global.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Zone::Forbidden,
        [0x2000..=0x3fff, ..] => Zone::Public,
        // Unspecified, discard, local NAT64, segment routing, link- and site-local, multicast, unassigned.
        _ => Zone::Forbidden,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grants::Host;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn networks(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn judge(egress: &Egress, address: &str, host: &str) -> Result<(), Refusal> {
        egress.judge(ip(address), &HostPattern::parse(host).unwrap())
    }

    // No grant and no `[egress] allow` opens the addresses that are never targets, in any wrapping.
    #[test]
    fn forbidden_stays_forbidden() {
        let open = Egress { allow: networks(&["0.0.0.0/0", "::/0"]), deny: vec![] };
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
            "fe80::1",
            "fec0::1",
            "192.0.2.1",
            "198.18.0.1",
            "2001:db8::1",
            "2001::1",
            "64:ff9b:1::a9fe:a9fe",
            "100::1",
            "5f00::1",
            "240.0.0.1",
        ] {
            assert_eq!(
                open.judge(ip(address), &HostPattern::exactly(&Host::Address(ip(address)))),
                Err(Refusal::Forbidden),
                "{address}"
            );
            assert_eq!(judge(&open, address, "*"), Err(Refusal::Forbidden), "{address}");
        }
    }

    // Loopback needs `localhost`, a literal or network that covers it, or `[egress] allow`.
    #[test]
    fn loopback_must_be_named() {
        let none = Egress::default();
        for address in
            ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"]
        {
            for host in ["*", "*.example.org", "db", "10.0.0.0/8", "127.0.0.2", "*.localhost"] {
                assert_eq!(judge(&none, address, host), Err(Refusal::Loopback), "{address} for {host}");
            }
            assert_eq!(judge(&none, address, "localhost"), Ok(()));
        }
        assert_eq!(judge(&none, "127.0.0.1", "127.0.0.1"), Ok(()));
        assert_eq!(judge(&none, "127.0.0.1", "127.0.0.0/8"), Ok(()));
        assert_eq!(judge(&none, "::1", "[::1]"), Ok(()));
        let allow = Egress { allow: networks(&["127.0.0.0/8"]), deny: vec![] };
        assert_eq!(judge(&allow, "127.0.0.1", "*.example.org"), Ok(()));
        assert_eq!(judge(&allow, "::1", "*.example.org"), Err(Refusal::Loopback));
    }

    // Private addresses need a grant that names the host, or `[egress] allow`.
    #[test]
    fn private_must_be_named() {
        let none = Egress::default();
        for address in
            ["10.0.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"]
        {
            assert_eq!(judge(&none, address, "*"), Err(Refusal::Private), "{address}");
            assert_eq!(judge(&none, address, "*.internal"), Err(Refusal::Private), "{address}");
            assert_eq!(judge(&none, address, "db.internal"), Ok(()), "{address}");
        }
        assert_eq!(judge(&none, "10.0.0.1", "10.0.0.0/8"), Ok(()));
        let allow = Egress { allow: networks(&["10.0.0.0/8"]), deny: vec![] };
        assert_eq!(judge(&allow, "10.0.0.1", "*.internal"), Ok(()));
        assert_eq!(judge(&allow, "192.168.0.1", "*.internal"), Err(Refusal::Private));
    }

    // `[egress] deny` wins over every grant and over `[egress] allow`, in any wrapping.
    #[test]
    fn deny_wins() {
        let egress = Egress { allow: networks(&["10.0.0.0/8"]), deny: networks(&["10.1.0.0/16", "93.184.216.0/24"]) };
        assert_eq!(judge(&egress, "10.1.0.1", "10.1.0.1"), Err(Refusal::Denied));
        assert_eq!(judge(&egress, "::ffff:93.184.216.34", "example.org"), Err(Refusal::Denied));
        assert_eq!(judge(&egress, "64:ff9b::5db8:d822", "example.org"), Err(Refusal::Denied));
        assert_eq!(judge(&egress, "10.2.0.1", "*"), Ok(()));
    }

    // The internet is open to whatever the allow-list of names let through.
    #[test]
    fn public_is_open() {
        for address in ["93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:2800::1", "64:ff9b::5db8:d822", "192.0.1.1"]
        {
            assert_eq!(judge(&Egress::default(), address, "*"), Ok(()), "{address}");
        }
    }

    proptest! {
        // Wrapping an IPv4 address never opens what is closed for the address itself.
        #[test]
        fn wrapping_changes_nothing(bits: u32) {
            let four = Ipv4Addr::from(bits);
            let [a, b, c, d] = four.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let plain = zone(IpAddr::V4(four));
            prop_assert_eq!(zone(IpAddr::V6(four.to_ipv6_mapped())), plain);
            prop_assert_eq!(zone(IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low))), plain);
            prop_assert_eq!(zone(IpAddr::V6(Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1))), plain);
            if bits > 1 {
                prop_assert_eq!(zone(IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low))), plain);
            }
        }
    }
}
