//! Records that are counted apart.

macro_rules! set_apart {
    ($($name:ident = $id:literal: $summary:literal, $hint:literal;)*) => {
        /// Why a record is not held against the model.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum SetApart {
            $(#[doc = concat!("`", $id, "`: ", $summary, ".")] $name,)*
        }

        impl SetApart {
            /// All of them.
            pub const ALL: &[SetApart] = &[$(SetApart::$name,)*];

            /// The word for it in data.
            pub const fn id(self) -> &'static str {
                match self { $(SetApart::$name => $id,)* }
            }

            /// The same for people.
            pub const fn summary(self) -> &'static str {
                match self { $(SetApart::$name => $summary,)* }
            }

            /// What to do about it; empty where there is nothing to be done.
            pub const fn hint(self) -> &'static str {
                match self { $(SetApart::$name => $hint,)* }
            }
        }
    };
}

set_apart! {
    NoData = "no-data": "windows without traffic (NODATA)", "";
    SkippedData = "skipped-data": "windows that were skipped (SKIPDATA)", "";
    Ipv6 = "ipv6": "IPv6, which is not modelled", "";
    MissingFields = "missing-fields": "without a field that decides",
        "log srcaddr, dstaddr, protocol, action and start, and the ports of TCP and UDP";
    Unreadable = "unreadable": "with a value that cannot be read", "";
    UnknownEni = "unknown-eni": "of an ENI that the topology does not have",
        "make the topology of the account with `biplane import`, or take these ENIs out of the log";
    ClassicEndpoint = "classic-endpoint": "of an instance that the topology has in the classic network, which has no flow logs",
        "the log is of another time than the topology";
    NotOwnAddress = "not-own-address": "of an address that the ENI's endpoint does not have in the topology",
        "secondary addresses and second interfaces are not modelled; `forwarding = true` is for instances that pass packets on";
    OtherInstance = "other-instance": "of another instance that had the address then",
        "the log is of another time than the topology";
    UnknownDirection = "unknown-direction": "that do not say which way their packets went",
        "log `direction`, or `vm-id` or `eni-id`";
    UnknownSource = "unknown-source": "from an address that the topology does not have",
        "declare what the packets entered by: an endpoint, or a gateway with `remote_cidrs`";
    AmbiguousSource = "ambiguous-source": "from an address that several endpoints of other VPCs have", "";
    OutsidePlanes = "outside": "that travelled by a public address, beyond the two planes", "";
    NotForwarded = "not-forwarded": "of packets that no fabric forwards: multicast, broadcast, martian addresses", "";
    ServiceGroups = "service-groups": "that an ENI of a managed service rejected, whose groups no topology holds", "";
    Answer = "answer": "answers on connections that the model refuses to open: told where they were opened", "";
    UnseenOpening = "unseen-opening": "answers on connections whose opening the log does not hold", "";
    SessionTableFull = "session-table-full": "for which the model had no room: its session table was full", "";
}

#[cfg(test)]
mod tests {
    use super::SetApart;

    #[test]
    fn each_is_at_its_own_place_and_has_an_id_of_its_own() {
        for (index, apart) in SetApart::ALL.iter().enumerate() {
            assert_eq!(*apart as usize, index);
            assert!(!SetApart::ALL[..index].iter().any(|other| other.id() == apart.id()), "{}", apart.id());
        }
    }
}
