//! JSON as the importer keeps it: known keys only.
//!
//! A key that is not in [`KNOWN`] loses its name while the text is read, and its value where that is a single one. So no
//! password, key or user data of a dump or state can reach an output, an error or a log: it is never stored.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A value of which only what has a known name is left. Single values are texts, whatever they were: the vendor writes
/// numbers as strings and back, and an account id has more digits than a float holds.
#[derive(Debug, Default)]
pub(super) enum JsonNode<'a> {
    /// Nothing: `null`, or a value whose key is not known.
    #[default]
    Null,
    /// A string, number or boolean.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<JsonNode<'a>>),
    /// An object. What was under a key that is not known stands under [`UNKNOWN`], where it holds objects or arrays.
    Object(Vec<(&'static str, JsonNode<'a>)>),
    /// Tags by key.
    Tags(Vec<(String, String)>),
}

/// The key of tags, whose own keys are the account's choice.
const TAGS: &str = "tags";

/// The name of every key that is not known.
pub(super) const UNKNOWN: &str = "";

/// The normal form of keys that the importer knows: lower case, without `_`, `-` and blanks. `VSwitchId` of an answer,
/// `VswitchId` of another and `vswitch_id` of Terraform are one key.
#[rustfmt::skip]
static KNOWN: &[&str] = &[
    "acceptingvpc", "acceptingvpcid", "accountid", "address", "addresstype", "arn", "associatedcens",
    "associatedpublicip", "associatetype", "availabilityzone", "availableipaddresscount", "cenid", "censtatus",
    "cidr", "cidrblock", "cidrip", "classiclinkenabled", "cloudresources", "connectiondomain", "data",
    "dbinstance", "dbinstancedescription", "dbinstanceid", "dbinstanceiparray", "dbinstanceiparrayattribute",
    "dbinstanceiparrayname", "dbinstancename", "dbinstancenetinfos", "dbinstancenettype", "description", "destcidrip",
    "destgroupid", "destgroupowneraccount", "destinationcidrblock", "destprefixlistid", "dhcpoptionsid", "direction",
    "ecscount", "ecssecuritygrouprelation", "egress", "egressacl", "egressaclentries", "eipaddress",
    "enableclassiclink", "enabled", "engine", "entries", "expiredtime", "formatversion", "groupid", "hostname", "id",
    "identitytype", "ingressacl", "ingressaclentries", "interfaceid", "inneraccess", "inneraccesspolicy", "inneripaddress", "instance",
    "instanceid", "instancename", "instancenetworktype", "instances", "instancetenancy", "internetmaxbandwidthout",
    "ipaddress", "ippermissions", "ipprotocol", "iptype", "ipv4cidrs", "ipv6cidrip", "ipv6destcidrip",
    "ipv6sourcecidrip", "isdefault", "kvstoreinstance", "lineage", "link", "loadbalancer", "loadbalancerid",
    "loadbalancername", "loadbalancerstatus", "lockreason", "mac", "macaddress", "name", "natgateway", "natgatewayid",
    "natgatewayids", "natgatewayname", "natipaddress", "netinfoitems", "networkacl", "networkaclid", "networkaclname",
    "networkaddresses", "networkinterfaceid", "networkinterfacename", "networkinterfaces", "networkinterfaceset",
    "networktype", "nexthopid", "nexthops", "nexthoptype", "nexttoken", "nictype", "nodeid", "operationlocks",
    "oppositeinterfaceid", "oppositeroutertype", "oppositevpcinstanceid", "ownerid", "pagenumber",
    "peerconnectionname", "permissions", "plannedvalues", "policy", "portrange", "portrangelistid", "prefixlistid",
    "prefixlistname", "primary", "primaryipaddress", "priority", "privateip", "privateipaddress", "privateipsets",
    "publicip", "publicipaddress", "regionid", "remotesubnet", "reservations", "resourcechanges", "resourcecount",
    "resourceid", "resources", "resourcetype", "role", "rostemplateformatversion", "routeentry", "routeentrys",
    "routerid", "routerinterfaceid", "routerinterfacetype", "routertableid", "routertableids", "routertablelisttype",
    "routertype", "routetable", "routetableid", "routetablename", "routetabletype", "rulecount", "secondarycidrblock",
    "secondarycidrblocks", "securitygroup", "securitygroupid", "securitygroupids", "securitygroupname",
    "securitygroupruleid", "securitygroups", "securitygrouptype", "securityipgroupattribute", "securityipgroupname",
    "securityipgroups", "securityiplist", "securityipmode", "securityips", "servicemanaged", "sourcecidrip",
    "sourcedestcheck", "sourcegroupid", "sourcegroupowneraccount", "sourceportrange", "sourceprefixlistid",
    "sourcesecuritygroupid", "status", "subnetid", "subnets", "tags", "terraformversion", "totalcount", "totalrecordcount",
    "type", "usercidrs", "userid", "values", "version", "vpc", "vpcattributes", "vpcid", "vpcinstanceid", "vpcname",
    "vpcpeerconnects", "vpcs", "vpngateway", "vpngatewayid", "vpngatewayname", "vrouterid", "vswitch", "vswitchid",
    "vswitchids", "vswitchname", "weight", "whitelistnetworktype", "zoneid",
];

/// The known key of which `written` is a form.
fn known(written: &str) -> Option<&'static str> {
    use hashbrown::HashMap;
    use std::sync::LazyLock;
    static TABLE: LazyLock<HashMap<&'static [u8], &'static str, foldhash::fast::FixedState>> =
        LazyLock::new(|| KNOWN.iter().map(|key| (key.as_bytes(), *key)).collect());
    let mut normal = [0; 48];
    let mut length = 0;
    for byte in written.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b' ' | b'\t')) {
        *normal.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    TABLE.get(&normal[..length]).copied()
}

impl<'a> JsonNode<'a> {
    /// Every JSON value in `text`, one after the other, and where and why reading stopped.
    pub(super) fn read_all(text: &'a str) -> (Vec<JsonNode<'a>>, Option<Malformed>) {
        let mut nodes = Vec::new();
        for read in serde_json::Deserializer::from_str(text).into_iter::<JsonNode<'a>>() {
            match read {
                Ok(node) => nodes.push(node),
                Err(error) => return (nodes, Some(Malformed::of(&error))),
            }
        }
        (nodes, None)
    }

    /// The text of a single value.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            JsonNode::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// What stands under `key`: the first value that holds something, as an object may have a key twice.
    pub(super) fn get(&self, key: &str) -> Option<&JsonNode<'a>> {
        debug_assert!(KNOWN.contains(&key), "`{key}` is not among the known keys");
        let JsonNode::Object(entries) = self else { return None };
        entries.iter().filter(|(known, _)| *known == key).map(|(_, node)| node).find(|node| !node.is_nothing())
    }

    /// True where the object has this key, whatever is under it.
    pub(super) fn has(&self, key: &str) -> bool {
        debug_assert!(KNOWN.contains(&key), "`{key}` is not among the known keys");
        matches!(self, JsonNode::Object(entries) if entries.iter().any(|(known, _)| *known == key))
    }

    /// The text under `key`.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// The text under `key`, to be kept.
    pub(super) fn owned(&self, key: &str) -> Option<String> {
        self.text_of(key).map(str::to_owned)
    }

    /// The tags of an object, by key; an object without any has none, one whose answer does not say is not known.
    pub(super) fn tags(&self) -> Option<Vec<(String, String)>> {
        match self.get(TAGS) {
            Some(JsonNode::Tags(tags)) => Some(tags.clone()),
            _ => None,
        }
    }

    /// The number under `key`, written as a number or a string.
    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.text_of(key)?.parse().ok()
    }

    /// The truth value under `key`, written as a boolean, a string or a number.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.text_of(key)? {
            text if text.eq_ignore_ascii_case("true") || text == "1" => Some(true),
            text if text.eq_ignore_ascii_case("false") || text == "0" => Some(false),
            _ => None,
        }
    }

    /// The elements under `key`, whether the array stands there or one level deeper (`Instances.Instance[]`).
    pub(super) fn items(&self, key: &str) -> Vec<&JsonNode<'a>> {
        self.get(key).map_or(Vec::new(), JsonNode::elements)
    }

    /// The elements of an array, of the arrays that an object holds, or the object itself where it holds none.
    pub(super) fn elements(&self) -> Vec<&JsonNode<'a>> {
        match self {
            JsonNode::List(items) => items.iter().collect(),
            JsonNode::Object(entries) => {
                let lists = entries.iter().filter_map(|(_, node)| match node {
                    JsonNode::List(items) => Some(items),
                    _ => None,
                });
                lists.flatten().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The texts under `key`, at the depth of [`JsonNode::items`]; one text alone counts, split at commas.
    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        match self.get(key) {
            Some(JsonNode::Text(text)) => split(text).map(str::to_owned).collect(),
            Some(node) => node.elements().into_iter().filter_map(JsonNode::text).map(str::to_owned).collect(),
            None => Vec::new(),
        }
    }

    fn is_nothing(&self) -> bool {
        match self {
            JsonNode::Null => true,
            JsonNode::Text(text) => text.trim().is_empty(),
            JsonNode::List(items) => items.is_empty(),
            JsonNode::Tags(tags) => tags.is_empty(),
            JsonNode::Object(entries) => entries.is_empty(),
        }
    }

    fn is_container(&self) -> bool {
        matches!(self, JsonNode::List(_) | JsonNode::Object(_))
    }
}

/// The parts of a list in one text.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty())
}

/// Where JSON could not be read. It holds no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    line: usize,
    column: usize,
    cut: bool,
}

impl Malformed {
    pub(super) fn of(error: &serde_json::Error) -> Malformed {
        Malformed { line: error.line(), column: error.column(), cut: error.is_eof() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cut {
            true => write!(f, "ends in the middle of a value, in line {}", self.line),
            false => write!(f, "is no JSON from line {}, column {} on", self.line, self.column),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonNode<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<JsonNode<'a>, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = JsonNode<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<JsonNode<'de>, E> {
        Ok(JsonNode::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<JsonNode<'de>, E> {
        Ok(JsonNode::Text(Cow::Borrowed(if value { "true" } else { "false" })))
    }

    fn visit_u64<E>(self, value: u64) -> Result<JsonNode<'de>, E> {
        Ok(JsonNode::Text(Cow::Owned(value.to_string())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<JsonNode<'de>, E> {
        Ok(JsonNode::Text(Cow::Owned(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<JsonNode<'de>, E> {
        Ok(JsonNode::Text(Cow::Owned(value.to_string())))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<JsonNode<'de>, E> {
        Ok(JsonNode::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<JsonNode<'de>, E> {
        Ok(JsonNode::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<JsonNode<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(JsonNode::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonNode<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(KnownKey(key)) = map.next_key()? {
            match key {
                Some(TAGS) => entries.push((TAGS, JsonNode::Tags(tags_in(&map.next_value()?)))),
                Some(key) => entries.push((key, map.next_value()?)),
                None => {
                    let Nameless(node) = map.next_value()?;
                    if node.is_container() && !node.is_nothing() {
                        entries.push((UNKNOWN, node));
                    }
                }
            }
        }
        Ok(JsonNode::Object(entries))
    }
}

/// The tags in a list of keys and values, as answers have them, or in a map, as Terraform has them.
fn tags_in(value: &serde_json::Value) -> Vec<(String, String)> {
    use serde_json::Value;
    let list = match value {
        Value::Array(list) => list,
        Value::Object(map) => match map.values().find_map(Value::as_array) {
            Some(list) => list,
            None => {
                let tags = map.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
                return sorted(tags.collect());
            }
        },
        _ => return Vec::new(),
    };
    let text = |tag: &Value, names: [&str; 2]| {
        let named = |(key, value): (&String, &Value)| {
            let is_it = names.iter().any(|name| key.replace('_', "").eq_ignore_ascii_case(name));
            value.as_str().filter(|_| is_it).map(str::to_owned)
        };
        tag.as_object()?.iter().find_map(named)
    };
    let tag = |tag| Some((text(tag, ["tagkey", "key"])?, text(tag, ["tagvalue", "value"]).unwrap_or_default()));
    sorted(list.iter().filter_map(tag).collect())
}

/// Tags by key, each key once.
fn sorted(mut tags: Vec<(String, String)>) -> Vec<(String, String)> {
    tags.retain(|(key, _)| !key.is_empty());
    tags.sort();
    tags.dedup_by(|one, other| one.0 == other.0);
    tags
}

/// A key, where it is known.
struct KnownKey(Option<&'static str>);

impl<'de> Deserialize<'de> for KnownKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<KnownKey, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = KnownKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, written: &str) -> Result<KnownKey, E> {
                Ok(KnownKey(known(written)))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// The value of a key that is not known: objects are kept for the known keys in them, single values are not.
struct Nameless<'a>(JsonNode<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Nameless<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Nameless<'a>, D::Error> {
        deserializer.deserialize_any(NamelessVisitor).map(Nameless)
    }
}

struct NamelessVisitor;

macro_rules! drops {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E>(self, _: $type) -> Result<JsonNode<'de>, E> {
            Ok(JsonNode::Null)
        })*
    };
}

impl<'de> Visitor<'de> for NamelessVisitor {
    type Value = JsonNode<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    drops!(visit_bool: bool, visit_u64: u64, visit_i64: i64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<JsonNode<'de>, E> {
        Ok(JsonNode::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<JsonNode<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(Nameless(item)) = sequence.next_element()? {
            if !item.is_nothing() {
                items.push(item);
            }
        }
        Ok(JsonNode::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<JsonNode<'de>, A::Error> {
        NodeVisitor.visit_map(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> JsonNode<'_> {
        let (mut nodes, stopped) = JsonNode::read_all(text);
        assert_eq!((nodes.len(), stopped), (1, None), "{text}");
        nodes.remove(0)
    }

    #[test]
    fn keys_are_one_in_any_case_and_style() {
        for key in ["VSwitchId", "VswitchId", "vSwitchID", "vswitch_id", "VSwitchId "] {
            assert_eq!(read(&format!("{{\"{key}\": \"vsw-1\"}}")).text_of("vswitchid"), Some("vsw-1"), "{key}");
        }
        assert_eq!(read("{\"VSwitch\": \"vsw-1\"}").text_of("vswitchid"), None);
    }

    #[test]
    fn scalars_are_texts_and_long_account_ids_keep_their_digits() {
        let node = read("{\"OwnerId\": 1234567890123456789, \"Priority\": \"110\", \"IsDefault\": \"True\"}");
        assert_eq!(node.text_of("ownerid"), Some("1234567890123456789"));
        assert_eq!((node.number("priority"), node.flag("isdefault")), (Some(110), Some(true)));
        let node = read("{\"Priority\": 110, \"VpcId\": \"\", \"EipAddress\": {}}");
        assert_eq!(
            (node.number("priority"), node.text_of("vpcid"), node.get("eipaddress").is_some()),
            (Some(110), None, false)
        );
    }

    #[test]
    fn what_stands_under_an_unknown_key_is_not_stored() {
        let text = "{\"Psk\": \"hunter2\", \"IkeConfig\": {\"Psk\": \"hunter2\", \"Secrets\": [\"hunter2\", {\"x\": \"hunter2\"}]}}";
        assert!(!format!("{:?}", read(text)).contains("hunter2"));
        // Its twin: an unknown wrapper around something known.
        assert!(format!("{:?}", read("{\"response\": {\"VpcId\": \"vpc-1\"}}")).contains("vpc-1"));
    }

    #[test]
    fn values_before_the_damage_are_kept_and_the_damage_is_placed() {
        let (nodes, stopped) = JsonNode::read_all("{\"VpcId\": \"a\"}\n{\"VpcId\": \"b\"}\n{\"VpcId\": \"hunter2");
        assert_eq!(nodes.len(), 2);
        assert_eq!(stopped.unwrap().to_string(), "ends in the middle of a value, in line 3");
        let (_, stopped) = JsonNode::read_all("{\"VpcId\": hunter2}");
        assert_eq!(stopped.unwrap().to_string(), "is no JSON from line 1, column 11 on");
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(JsonNode::read_all(&deep).1.is_some());
    }

    #[test]
    fn known_keys_are_in_normal_form_and_differ() {
        let mut seen = std::collections::BTreeSet::new();
        for key in KNOWN {
            assert!(key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{key}");
            assert!(seen.insert(key), "{key} twice");
        }
    }
}
