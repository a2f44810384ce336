//! The order of the rulings, as one list: everything that can refuse an IPv4 packet whose sender is known.
//!
//! A line names a check, says what it reads and which function of which stage answers. [`checks`](super::checks) asks them.

/// Gives the list to the macro named: of each check its name, what it reads, and the function that answers.
macro_rules! in_order {
    ($then:ident) => {
        $then! {
            /// Stage 2: the sender is running.
            Entry SenderState = ingress::sender_state;
            /// The source address may be used there.
            Entry SourceAddress = ingress::source_address;
            /// The sender, for a trace.
            Entry Sender = ingress::sender;
            /// Stage 3: a classic guest sends it out of its private NIC.
            Entry GuestRoute = guest::private_nic;

            // All `Entry` lines stand above: `Fabric::find_route` returns their refusals before the session is looked
            // up, and recognises them in the route cache by `check <= CheckId::GuestRoute`.
            /// Stage 4: layer 4 is known, for a later fragment from its first one.
            Packet Layer4 = session::layer4;
            /// The session, for a trace.
            Packet Session = session::session;
            /// A packet without a session may begin one.
            Packet FirstPacket = session::first_packet;

            /// Stage 5: the sender's security groups.
            Packet EgressGroups = egress::groups;

            /// Stage 6: the sender's domain has a route, and an endpoint is there.
            Route FirstRoute = route::first;
            /// Its next hop is running.
            Route FirstNextHopState = route::first_next_hop_state;
            /// Its next hop forwards.
            Route FirstNextHopForwards = route::first_next_hop_forwards;
            /// Its next hop is not the sender.
            Route FirstNextHopIsOther = route::first_next_hop_is_other;
            /// A peering takes packets of vSwitches alone.
            Route PeeringSender = route::peering_sender;
            // Behind the routes of the first domain, without which nothing is routed, and before the bridge: stage 7 is
            // about what lies behind the first domain, where a packet never arrives once its TTL has run out.
            /// The TTL lasts for the first domain, which has found its route.
            Packet FirstTtl = deliver::first_ttl;

            /// Stage 7: the VPC at the other end of a link has ClassicLink enabled.
            Route LinkEnabled = bridge::link_enabled;
            /// The vendor's own services never cross to the classic network.
            Route CrossingServices = bridge::not_cloud_services;
            /// A managed service crosses to the classic network in a session alone.
            Packet CrossingSession = bridge::service_in_session;
            /// A gateway's range lies inside the primary CIDR.
            Route CrossingRange = bridge::gateway_range;
            /// The source address takes part in ClassicLink.
            Route CrossingSource = bridge::source_address;
            /// The classic destination is an instance linked to the VPC.
            Route CrossingTarget = bridge::target;
            /// The crossing, for a trace.
            Route Crossing = bridge::crossing;

            /// Stage 6 again, in the second domain.
            Route SecondRoute = route::second;
            /// Its next hop is running.
            Route SecondNextHopState = route::second_next_hop_state;
            /// Its next hop forwards.
            Route SecondNextHopForwards = route::second_next_hop_forwards;
            /// Its next hop is not the sender.
            Route SecondNextHopIsOther = route::second_next_hop_is_other;
            /// The TTL lasts for the second domain.
            Packet SecondTtl = deliver::second_ttl;
            /// The packet fits the MTU, or may be fragmented.
            Packet Mtu = deliver::mtu;

            /// Stage 8: the receiver is running.
            Packet ReceiverState = destination::state;
            /// The receiver's security groups or whitelist.
            Packet IngressFilter = destination::filter;
        }
    };
}

macro_rules! names {
    ($($(#[$doc:meta])* $kind:ident $name:ident = $run:path;)*) => {
        /// Names a check; in the order in which they are asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum CheckId { $($(#[$doc])* $name,)* }
    };
}

in_order! { names }

pub(super) use in_order;
