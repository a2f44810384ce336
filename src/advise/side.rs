//! The two sides of the question: endpoints of a topology, or descriptions such as `classic,account=partner`.

use super::AdviseError;
use crate::model::{Gateway, Instance, Key, Location, Network, Placement, Service, World};
use crate::net::Ipv4Net;
use std::net::Ipv4Addr;

/// What the scenario table asks about one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The plane, and where it is known the VPC.
    pub plane: Plane,
    /// The region.
    pub region: String,
    /// The account.
    pub account: String,
}

/// The plane that a side lives in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plane {
    /// The classic network of its region.
    Classic,
    /// A VPC: the one of this id, or one that nothing is known about.
    Vpc(Option<String>),
}

impl Side {
    /// Reads a description: `classic` or `vpc`, then any of `region=…`, `account=…` and, of a VPC, `id=…`, with commas
    /// between. What it leaves out is the region and account of `defaults`. `None` where the text does not begin as a
    /// description does.
    ///
    /// # Errors
    /// A key is unknown, lacks its value, or stands twice.
    pub fn read(text: &str, defaults: &World) -> Result<Option<Side>, AdviseError> {
        let mut parts = text.split(',').map(str::trim);
        let plane = match parts.next() {
            Some("classic") => Plane::Classic,
            Some("vpc") => Plane::Vpc(None),
            _ => return Ok(None),
        };
        let (mut region, mut account, mut id) = (None, None, None);
        for part in parts {
            let wrong = |what: &str| AdviseError::Description { text: text.to_owned(), what: what.to_owned() };
            let (key, value) = part.split_once('=').ok_or_else(|| wrong(&format!("`{part}` has no `=`")))?;
            let slot = match key.trim() {
                "region" => &mut region,
                "account" => &mut account,
                "id" if plane != Plane::Classic => &mut id,
                other => return Err(wrong(&format!("there is no key `{other}`"))),
            };
            let value = value.trim();
            if value.is_empty() {
                return Err(wrong(&format!("the value of `{}` is missing", key.trim())));
            }
            if slot.replace(value.to_owned()).is_some() {
                return Err(wrong(&format!("`{}` is given twice", key.trim())));
            }
        }
        let plane = if id.is_some() { Plane::Vpc(id) } else { plane };
        let region = region.unwrap_or_else(|| defaults.default_region.to_string());
        let account = account.unwrap_or_else(|| defaults.default_account.to_string());
        Ok(Some(Side { plane, region, account }))
    }

    /// True for the classic network.
    pub fn is_classic(&self) -> bool {
        self.plane == Plane::Classic
    }
}

/// An endpoint of a topology that can be a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdvisedSubject {
    Instance(Key<Instance>),
    Service(Key<Service>),
    Gateway(Key<Gateway>),
}

impl AdvisedSubject {
    pub(super) fn find(world: &World, id: &str) -> Option<AdvisedSubject> {
        let instance = world.instances.find(id).map(AdvisedSubject::Instance);
        let service = || world.services.find(id).map(AdvisedSubject::Service);
        instance.or_else(service).or_else(|| world.gateways.find(id).map(AdvisedSubject::Gateway))
    }

    pub(super) fn id(self, world: &World) -> &str {
        match self {
            AdvisedSubject::Instance(key) => &world.instances[key].id,
            AdvisedSubject::Service(key) => &world.services[key].id,
            AdvisedSubject::Gateway(key) => &world.gateways[key].id,
        }
    }

    pub(super) fn instance(self) -> Option<Key<Instance>> {
        if let AdvisedSubject::Instance(key) = self { Some(key) } else { None }
    }

    /// What it is, in words.
    pub(super) fn kind(self, world: &World) -> String {
        match self {
            AdvisedSubject::Instance(_) => "ECS instance".to_owned(),
            AdvisedSubject::Service(key) => format!("{} service", *world.services[key].kind),
            AdvisedSubject::Gateway(key) => format!("{} gateway", *world.gateways[key].kind),
        }
    }

    pub(super) fn location(self, world: &World) -> Option<Location> {
        match self {
            AdvisedSubject::Instance(key) => Some(*world.instances[key].location),
            AdvisedSubject::Service(key) => Some(*world.services[key].location),
            AdvisedSubject::Gateway(_) => None,
        }
    }

    pub(super) fn network(self, world: &World) -> Network {
        match (self, self.location(world)) {
            (AdvisedSubject::Gateway(key), _) => Network::Vpc(world.gateways[key].vpc.value),
            (_, Some(location)) => world.network(location),
            (_, None) => Network::Classic,
        }
    }

    pub(super) fn side(self, world: &World) -> Side {
        let placement: &Placement = match self {
            AdvisedSubject::Instance(key) => &world.instances[key].placement,
            AdvisedSubject::Service(key) => &world.services[key].placement,
            AdvisedSubject::Gateway(key) => &world.gateways[key].placement,
        };
        let network = self.network(world);
        let plane = match network {
            Network::Classic => Plane::Classic,
            Network::Vpc(vpc) => Plane::Vpc(Some(world.vpcs[vpc].id.value.clone())),
        };
        let region = world.region(network, placement).to_string();
        let account = world.account(network, placement).to_string();
        Side { plane, region, account }
    }

    /// The address that packets come from and go to. For a gateway one that lies behind it.
    pub(super) fn address(self, world: &World) -> Option<Ipv4Addr> {
        match self {
            AdvisedSubject::Instance(key) => Some(*world.instances[key].private_ip),
            AdvisedSubject::Service(key) => Some(*world.services[key].ip),
            AdvisedSubject::Gateway(key) => world.gateways[key].remote_cidrs.first().map(|remote| behind(remote.value)),
        }
    }
}

/// An address of `remote` to try: its first host, or for the whole Internet one that documents use.
fn behind(remote: Ipv4Net) -> Ipv4Addr {
    const SOMEWHERE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
    if remote.prefix_len() == 0 { SOMEWHERE } else { remote.hosts().next().unwrap_or(remote.addr()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<(Plane, String, String)>, String> {
        let side = Side::read(text, &World::default()).map_err(|error| error.to_string())?;
        Ok(side.map(|side| (side.plane, side.region, side.account)))
    }

    #[test]
    fn a_description_says_what_differs_from_the_defaults() {
        let side = |plane, region: &str, account: &str| Ok(Some((plane, region.to_owned(), account.to_owned())));
        assert_eq!(read("classic"), side(Plane::Classic, "cn-hangzhou", "main"));
        assert_eq!(read("vpc, account=partner"), side(Plane::Vpc(None), "cn-hangzhou", "partner"));
        let shop = Plane::Vpc(Some("vpc-shop".to_owned()));
        assert_eq!(read("vpc,region=cn-beijing,id=vpc-shop"), side(shop, "cn-beijing", "main"));
        assert_eq!(read("i-web"), Ok(None));
    }

    #[test]
    fn a_wrong_description_says_which_part_is_wrong() {
        let how = "a description is `classic` or `vpc`, then `region=…`, `account=…` or, of a VPC, `id=…`";
        for (text, what) in [
            ("classic,cn-beijing", "`cn-beijing` has no `=`"),
            ("vpc,zone=b", "there is no key `zone`"),
            ("classic,id=vpc-shop", "there is no key `id`"),
            ("vpc,region=", "the value of `region` is missing"),
            ("vpc,account=a,account=b", "`account` is given twice"),
        ] {
            assert_eq!(read(text), Err(format!("`{text}`: {what}; {how}")));
        }
    }
}
