//! The subnet of a classic address, and the route that the vendor's routing script adds to a classic guest.

use super::{Ipv4Net, from_last, ranges};
use std::fmt;
use std::net::Ipv4Addr;

/// Public copies of classic guests' configurations put the private gateway eight below the broadcast address.
const GATEWAY_FROM_LAST: u32 = 8;

/// The subnet around a classic address.
pub fn classic_subnet(address: Ipv4Addr) -> Ipv4Net {
    Ipv4Net::new_assert(address, ranges::CLASSIC_SUBNET_LENGTH).trunc()
}

/// The private gateway of a classic guest.
///
/// ```
/// assert_eq!(biplane::net::classic_gateway([10, 165, 52, 142].into()).to_string(), "10.165.55.247");
/// ```
pub fn classic_gateway(address: Ipv4Addr) -> Ipv4Addr {
    from_last(classic_subnet(address), GATEWAY_FROM_LAST)
}

/// 192.168.0.0/16 by the private gateway. As [`fmt::Display`] the arguments of `ip route`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestRoute {
    gateway: Ipv4Addr,
}

impl GuestRoute {
    /// The private NIC of a classic Linux guest.
    pub const NIC: &'static str = "eth0";

    /// The route of the guest whose private address is `address`.
    pub fn of(address: Ipv4Addr) -> GuestRoute {
        GuestRoute { gateway: classic_gateway(address) }
    }

    /// What it leads to: 192.168.0.0/16, whatever part of it a VPC has, as the vendor's script has it.
    pub fn destination(self) -> Ipv4Net {
        ranges::SCRIPTED
    }

    /// The private gateway.
    pub fn gateway(self) -> Ipv4Addr {
        self.gateway
    }

    /// The command that adds it to a Linux guest until the next boot.
    pub fn add_command(self) -> String {
        format!("ip route add {self}")
    }

    /// The command that takes it out of a Linux guest until the next boot.
    pub fn delete_command(self) -> String {
        format!("ip route del {self}")
    }
}

impl fmt::Display for GuestRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} via {} dev {}", self.destination(), self.gateway, GuestRoute::NIC)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_is_that_of_the_observed_guest() {
        let route = GuestRoute::of(Ipv4Addr::new(10, 165, 52, 142));
        assert_eq!(route.add_command(), "ip route add 192.168.0.0/16 via 10.165.55.247 dev eth0");
        assert_eq!(classic_subnet(Ipv4Addr::new(10, 165, 56, 1)).to_string(), "10.165.56.0/21");
    }
}
