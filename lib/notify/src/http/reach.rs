//! Where calls may go: public addresses only, unless an operator says otherwise.
//!
//! The address of a webhook stands in a file that many may change, and a name can be made to mean any address. So what is
//! asked is not the name but the address that is about to be connected to.
//! <https://www.iana.org/assignments/iana-ipv4-special-registry>, <https://www.iana.org/assignments/iana-ipv6-special-registry>

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where calls may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Addresses of the public internet.
    Public,
    /// Any address: for webhooks inside a company's network, and for tests.
    Anywhere,
}

impl Reach {
    /// Whether an address may be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::Anywhere, _) => true,
            (Self::Public, IpAddr::V4(address)) => is_public_v4(address),
            (Self::Public, IpAddr::V6(address)) => is_public_v6(address),
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_shared = first == 100 && second & 0b1100_0000 == 64;
    let is_protocols = first == 192 && second == 0 && third == 0;
    let is_relay = first == 192 && second == 88 && third == 99;
    let is_benchmark = first == 198 && second & 0b1111_1110 == 18;
    !(first == 0
        || first >= 240
        || is_shared
        || is_protocols
        || is_relay
        || is_benchmark
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

/// Global unicast only, and of that nothing that leads to an IPv4 address which is not public.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let [first, second, third, fourth, fifth, sixth, seventh, eighth] = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match (first, second) {
        // NAT64, which translates to the IPv4 address at its end.
        (0x64, 0xff9b) if [third, fourth, fifth, sixth] == [0; 4] => {
            is_public_v4(v4(seventh, eighth))
        }
        // 6to4 likewise.
        (0x2002, _) => is_public_v4(v4(second, third)),
        // Protocol assignments, with Teredo; documentation.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => false,
        _ => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(addresses: &[&str], is_public: bool) {
        for text in addresses {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(Reach::Public.allows(address), is_public, "{text}");
            assert!(Reach::Anywhere.allows(address));
        }
    }

    #[test]
    fn public_addresses_are_within_reach() {
        check(&["1.1.1.1", "54.239.28.85", "100.63.255.255", "100.128.0.0", "172.32.0.1"], true);
        check(&["192.0.1.1", "198.17.0.1", "198.20.0.1", "223.255.255.254"], true);
        check(&["2606:4700:4700::1111", "2001:4860:4860::8888", "::ffff:1.1.1.1"], true);
        check(&["64:ff9b::1.1.1.1", "2002:0101:0101::1", "2001:200::1"], true);
    }

    #[test]
    fn what_is_not_of_the_public_internet_is_not() {
        check(&["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "255.255.255.255"], false);
        check(&["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"], false);
        // The metadata of EC2, ECS and Lambda's own addresses.
        check(&["169.254.169.254", "169.254.170.2", "fd00:ec2::254"], false);
        check(&["100.64.0.1", "100.127.255.255", "192.0.0.8", "192.88.99.1"], false);
        check(&["198.18.0.1", "198.19.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1"], false);
        check(&["224.0.0.1", "239.255.255.255", "240.0.0.1"], false);
        check(&["::", "::1", "::127.0.0.1", "fe80::1", "fec0::1", "fc00::1", "ff02::1"], false);
        check(&["2001::1", "2001:db8::1", "3fff::1", "100::1", "64:ff9b:1::1"], false);
    }

    #[test]
    fn ipv4_addresses_that_are_not_public_cannot_hide_in_ipv6() {
        check(&["::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1"], false);
        check(&["64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::1"], false);
    }
}
