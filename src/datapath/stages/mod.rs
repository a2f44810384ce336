//! The nine stages, in the order a frame meets them. Each file holds what its stage looks up and checks; the order of
//! the checks stands in [`order`](super::order).
//!
//! | stage | file | refuses for |
//! |---|---|---|
//! | 1 parse | `parse` | what the bytes say; answers ARP |
//! | 2 ingress | `ingress` | no endpoint, a stopped one, a foreign source address |
//! | 3 guest route | `guest` | a destination behind the public NIC |
//! | 4 session | `session` | fragments without ports, TCP without SYN |
//! | 5 egress groups | `egress` | the sender's security groups |
//! | 6 route | `route` | no route, no such address, a next hop that does not forward |
//! | 7 bridge | `bridge` | what ClassicLink and peerings do not carry |
//! | 8 destination | `destination` | a stopped receiver, its groups, its whitelist |
//! | 9 deliver | `deliver` | TTL and MTU; the fabric's own messages |

pub(super) mod bridge;
pub(super) mod deliver;
pub(super) mod destination;
pub(super) mod egress;
pub(super) mod guest;
pub(super) mod ingress;
pub(super) mod parse;
pub(super) mod route;
pub(super) mod session;
