//! EtherTypes, as IEEE's registry and IANA's (<https://www.iana.org/assignments/ieee-802-numbers>) have them.

pub(crate) const IPV4: u16 = 0x0800;
pub(crate) const ARP: u16 = 0x0806;
pub(crate) const IPV6: u16 = 0x86dd;
/// Stands for each of PPP's protocols that are no IP: the link's own, and compressed headers.
pub(crate) const PPP: u16 = 0x880b;
pub(crate) const MPLS: u16 = 0x8847;
pub(crate) const MPLS_UPSTREAM: u16 = 0x8848;
pub(crate) const PPPOE_DISCOVERY: u16 = 0x8863;
pub(crate) const PPPOE_SESSION: u16 = 0x8864;
/// IEEE 802.1Q.
pub(crate) const VLAN: u16 = 0x8100;
/// IEEE 802.1ad.
pub(crate) const SERVICE_VLAN: u16 = 0x88a8;
/// Of two tags, before IEEE 802.1ad.
pub(crate) const DOUBLE_VLAN: u16 = 0x9100;
