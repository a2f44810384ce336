//! Small checked values of the network layer: protocols, MAC addresses. Prefixes are [`ipnet::Ipv4Net`].
//!
//! ```
//! use biplane::net::{Ipv4Net, MacAddress, Protocol};
//!
//! let prefix: Ipv4Net = "10.45.2.0/24".parse()?;
//! assert!(prefix.contains(&"10.45.2.10".parse::<std::net::Ipv4Addr>()?));
//! assert_eq!(Protocol::TCP.to_string(), "tcp");
//! assert_eq!(MacAddress::BROADCAST.to_string(), "ff:ff:ff:ff:ff:ff");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cuts;
pub(crate) mod ethertype;
mod guest_route;
mod mac;
mod port;
mod protocol;
#[doc(hidden)]
pub mod ranges;

#[doc(hidden)]
pub use cuts::{AddressCuts, AddressRange};
#[doc(hidden)]
pub use guest_route::{GuestRoute, classic_gateway, classic_subnet};
pub use ipnet::Ipv4Net;
pub use mac::MacAddress;
#[doc(hidden)]
pub use port::{PortRange, PortRangeError};
pub use protocol::Protocol;
#[doc(hidden)]
pub use protocol::ProtocolError;

/// True where some address lies in both.
///
/// ```
/// let [wide, inside, beside] = ["10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8"].map(|net| net.parse().unwrap());
/// assert!(biplane::net::overlap(wide, inside) && biplane::net::overlap(inside, wide));
/// assert!(!biplane::net::overlap(inside, beside));
/// ```
#[doc(hidden)]
pub fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other) || other.contains(&one)
}

/// The address `back` places before the last one of `prefix`: 0 is the broadcast address, 2 the third-last.
///
/// ```
/// let net = "172.16.1.0/24".parse().unwrap();
/// assert_eq!(biplane::net::from_last(net, 2).to_string(), "172.16.1.253");
/// ```
#[doc(hidden)]
pub fn from_last(prefix: Ipv4Net, back: u32) -> std::net::Ipv4Addr {
    u32::from(prefix.broadcast()).saturating_sub(back).into()
}
