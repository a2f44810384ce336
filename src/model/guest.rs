//! What the guest of a classic instance sends to its private NIC.

use super::{Instance, Location, Vpc, ranges};
use crate::net::Ipv4Net;

/// A part of a VPC's primary CIDR that a classic guest sends to its public NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingGuestRoute {
    /// The part: 192.168.0.0/16, or what the VPC has of it.
    pub needed: Ipv4Net,
    /// True where the guest routes cover some of it already.
    pub only_part: bool,
}

impl Vpc {
    /// The part of the primary CIDR that a classic guest sends to its public NIC unless the routing script ran.
    pub fn scripted_part(&self) -> Option<Ipv4Net> {
        if ranges::SCRIPTED.contains(&*self.cidr) {
            Some(*self.cidr)
        } else {
            self.cidr.contains(&ranges::SCRIPTED).then_some(ranges::SCRIPTED)
        }
    }
}

impl Instance {
    /// What this instance's guest lacks to reach `vpc` over a link; nothing where it is no classic instance.
    pub fn missing_guest_route(&self, vpc: &Vpc) -> Option<MissingGuestRoute> {
        let needed = vpc.scripted_part().filter(|_| *self.location == Location::Classic)?;
        let routes: Vec<Ipv4Net> = self.guest_routes.iter().map(|route| route.value).collect();
        // Most often one route covers it, and nothing has to be put together.
        let covers = |routes: &[Ipv4Net]| routes.iter().any(|route| route.contains(&needed));
        if covers(&routes) {
            return None;
        }
        let routes = Ipv4Net::aggregate(&routes);
        let only_part = routes.iter().any(|route| needed.contains(route));
        (!covers(&routes)).then_some(MissingGuestRoute { needed, only_part })
    }
}

#[cfg(test)]
mod tests {
    use crate::diag::Sources;
    use crate::scenario;

    /// What an instance with `guest_routes` lacks to reach a VPC of `cidr`.
    fn missing(cidr: &str, guest_routes: &str) -> Option<(String, bool)> {
        let text = format!(
            "[vpc.v]\ncidr = \"{cidr}\"\n\
             [instance.i]\nnetwork = \"classic\"\nprivate_ip = \"10.1.2.3\"\nsecurity_groups = []\n\
             guest_routes = {guest_routes}\n"
        );
        let (world, findings) = scenario::topology(&mut Sources::new(), "t.toml", &text);
        assert_eq!(findings, []);
        let (vpc, instance) = (world.vpcs.find("v").unwrap(), world.instances.find("i").unwrap());
        let missing = world.instances[instance].missing_guest_route(&world.vpcs[vpc])?;
        Some((missing.needed.to_string(), missing.only_part))
    }

    #[test]
    fn a_guest_lacks_what_the_vpc_has_of_192_168_and_no_more() {
        assert_eq!(missing("192.168.0.0/16", "[]"), Some(("192.168.0.0/16".to_owned(), false)));
        assert_eq!(missing("192.168.64.0/20", "[]"), Some(("192.168.64.0/20".to_owned(), false)));
        assert_eq!(missing("192.168.64.0/20", "[\"192.168.64.0/24\"]"), Some(("192.168.64.0/20".to_owned(), true)));
        assert_eq!(missing("192.0.0.0/8", "[]"), Some(("192.168.0.0/16".to_owned(), false)));
        for cidr in ["172.16.0.0/12", "10.0.0.0/8", "192.169.0.0/16"] {
            assert_eq!(missing(cidr, "[]"), None, "{cidr}");
        }
    }

    #[test]
    fn routes_that_cover_it_together_are_enough() {
        for routes in ["[\"192.168.0.0/16\"]", "[\"192.168.0.0/17\", \"192.168.128.0/17\"]", "[\"0.0.0.0/0\"]"] {
            assert_eq!(missing("192.168.0.0/16", routes), None, "{routes}");
        }
        let all_but_one = "[\"192.168.0.0/17\", \"192.168.128.0/18\"]";
        assert_eq!(missing("192.168.0.0/16", all_but_one), Some(("192.168.0.0/16".to_owned(), true)));
    }
}
