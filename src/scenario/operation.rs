//! Steps that change the world: an operation, and the error code that it is expected to meet, if any.

use super::decode::{Decoder, Fields, Item, What, invalid};
use super::names::{KnownNames, Object};
use super::steps::expected;
use super::topology::{port_range, protocol, rule_request};
use crate::control::{self, ClassicLinkMode, ClassicLinkRule, LinkQuery, Operation, WhitelistChange};
use crate::diag::{Diagnostic, Span, Spanned};
use crate::model::Direction;
use crate::net::{Ipv4Net, PortRange};

/// What a step asks of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyStep {
    /// The whole `apply` table.
    pub span: Span,
    /// What is asked.
    pub request: Request,
}

/// A change, or a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A change of the world.
    Operation(Operation),
    /// Which instances are linked.
    Describe(LinkQuery),
}

/// What the expectations of an `apply` step say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyExpectation {
    /// It is accepted: what holds where nothing is said.
    Accepted,
    /// It is refused with this code of the vendor's.
    Refused(Spanned<String>),
    /// The links on the page, in any order, and how many there are on all pages.
    Links {
        /// The whole `expect` table.
        span: Span,
        /// Instance and VPC of each link.
        links: Vec<(Spanned<String>, Spanned<String>)>,
        /// How many there are on all pages.
        total: Option<Spanned<usize>>,
    },
}

/// The word for the question; the others are [`Operation::name`]s.
pub(super) const DESCRIBE: &str = "describe";

/// The operations, each with its keys beside `operation`.
pub(super) const KEYS: [(&str, &[&str]); 26] = [
    ("enable", &["vpc"]),
    ("disable", &["vpc"]),
    ("attach", &["instance", "vpc"]),
    ("detach", &["instance", "vpc"]),
    (DESCRIBE, &["vpc", "instances", "page_number", "page_size"]),
    ("start", &["instance"]),
    ("stop", &["instance"]),
    ("restart", &["instance"]),
    ("hot-migrate", &["instance"]),
    ("cold-migrate", &["instance"]),
    ("replace-system-disk", &["instance"]),
    ("add-guest-route", &["instance", "destination"]),
    ("transfer", &["instance", "account", "security_groups"]),
    ("release", &["instance", "force"]),
    ("migrate-into-vpc", &["instance", "vswitch", "private_ip", "security_groups"]),
    ("modify-primary-cidr", &["vpc", "cidr"]),
    ("associate-secondary-cidr", &["vpc", "cidr"]),
    ("unassociate-secondary-cidr", &["vpc", "cidr"]),
    ("add-route", &["table", "destination", "next_hop"]),
    ("remove-route", &["table", "destination"]),
    ("authorize", &["security_group", "ingress", "egress"]),
    ("revoke", &["security_group", "ingress", "egress"]),
    (
        "authorize-classic-link",
        &["security_group", "vpc", "vpc_security_groups", "mode", "protocol", "port_range", "priority", "description"],
    ),
    ("join", &["instance", "security_group"]),
    ("leave", &["instance", "security_group"]),
    ("change-whitelist", &["service", "replace", "add", "remove"]),
];

/// The `apply` of a step, which is `item`, and its `expect`.
pub(super) fn decode<'a>(
    decoder: &mut Decoder<'_>,
    step: &Fields<'a>,
    item: Item<'a>,
    names: &KnownNames<'_>,
) -> Option<(ApplyStep, ApplyExpectation)> {
    let table = item.table(decoder)?;
    let untold = Fields::at(table, item.span, What::The("`apply`"));
    let word =
        untold.require(decoder, "operation", "\"attach\"")?.one_of(decoder, &KEYS.map(|(name, _)| (name, name)))?;
    let keys = KEYS.iter().find(|(name, _)| *name == word.value).map_or(&[][..], |(_, keys)| keys);
    let fields = Fields::at(table, item.span, What::Object("operation", word.value));
    let keys: Vec<&str> = std::iter::once("operation").chain(keys.iter().copied()).collect();
    fields.refuse_unknown(decoder, &keys);
    let expectation = expectation(decoder, step, word.value, names);
    // An expectation that something does not exist may name what does not.
    let unknown = KnownNames::new(None);
    let missing = matches!(&expectation, Some(ApplyExpectation::Refused(code)) if is_about_a_missing_object(code));
    let mut reader = OperationReader { decoder, fields, names: if missing { &unknown } else { names } };
    let request = if word.value == DESCRIBE {
        reader.describe().map(Request::Describe)
    } else {
        reader.operation(word.value).map(Request::Operation)
    };
    if matches!(word.value, "authorize" | "revoke" | "authorize-classic-link") {
        names.let_rules_change();
    }
    Some((ApplyStep { span: item.span, request: request? }, expectation?))
}

/// True for the codes that say that something named does not exist.
fn is_about_a_missing_object(code: &str) -> bool {
    code.ends_with(".NotFound") || matches!(code, "InvalidVpcId.Malformed" | "InvalidVpc.NotBelong")
}

fn expectation<'a>(
    decoder: &mut Decoder<'_>,
    step: &Fields<'a>,
    operation: &str,
    names: &KnownNames<'_>,
) -> Option<ApplyExpectation> {
    if operation != DESCRIBE {
        let Some(item) = step.get("expect") else { return Some(ApplyExpectation::Accepted) };
        let fields = item.fields(decoder, What::The("`expect` of an operation"), &["error"])?;
        let told = fields.require(decoder, "error", "\"QuotaExceeded\"")?;
        return error(decoder, told);
    }
    let item = expected(decoder, step, "apply", "{ links = { web-1 = \"shop\" } }")?;
    let fields = item.fields(decoder, What::The("`expect` of a description"), &["error", "links", "total"])?;
    let (key, told) = fields.one_key(decoder, &["error", "links"])?;
    if key == "error" {
        fields.refuse_beside(decoder, &["total"], "`error`", told.span);
        return error(decoder, told);
    }
    let table = told.table(decoder)?;
    let mut links = Vec::new();
    for (instance, vpc) in Fields::entries(table) {
        let id = names.endpoint_id(decoder, instance);
        let vpc = names.object(decoder, vpc, Object::Vpc).map(|id| Spanned::new(id, vpc.span));
        links.push((Spanned::new(id?, instance.span), vpc?));
    }
    let total = fields.get("total").and_then(|item| item.integer(decoder, 0..=u64::MAX));
    Some(ApplyExpectation::Links { span: item.span, links, total })
}

/// An error code that some operation can answer.
fn error(decoder: &mut Decoder<'_>, item: Item<'_>) -> Option<ApplyExpectation> {
    let code = item.string(decoder)?;
    let codes = || control::refusals().flat_map(|record| record.also.iter().copied().chain([record.code]));
    if codes().any(|known| known == code) {
        return Some(ApplyExpectation::Refused(Spanned::new(code.to_owned(), item.span)));
    }
    let mut problem = invalid(item.span, format!("no operation answers with the error `{code}`"), "not an error code");
    if let Some(near) = decoder.nearest(code, codes()) {
        problem = problem.help(format!("did you mean `{near}`?"));
    }
    decoder.report(problem);
    None
}

/// The keys of one operation.
struct OperationReader<'r, 'a, 't> {
    decoder: &'r mut Decoder<'t>,
    fields: Fields<'a>,
    names: &'r KnownNames<'r>,
}

impl<'a> OperationReader<'_, 'a, '_> {
    fn operation(&mut self, word: &str) -> Option<Operation> {
        Some(match word {
            "enable" => Operation::Enable { vpc: self.vpc()? },
            "disable" => Operation::Disable { vpc: self.vpc()? },
            "attach" => {
                let (instance, vpc) = (self.instance(), self.vpc());
                Operation::Attach { instance: instance?, vpc: vpc? }
            }
            "detach" => {
                let (instance, vpc) = (self.instance(), self.vpc());
                Operation::Detach { instance: instance?, vpc: vpc? }
            }
            "start" => Operation::Start { instance: self.instance()? },
            "stop" => Operation::Stop { instance: self.instance()? },
            "restart" => Operation::Restart { instance: self.instance()? },
            "hot-migrate" => Operation::HotMigrate { instance: self.instance()? },
            "cold-migrate" => Operation::ColdMigrate { instance: self.instance()? },
            "replace-system-disk" => Operation::ReplaceSystemDisk { instance: self.instance()? },
            "add-guest-route" => {
                let (instance, destination) = (self.instance(), self.destination());
                Operation::AddGuestRoute { instance: instance?, destination: destination? }
            }
            "transfer" => {
                let (instance, account, groups) = (self.instance(), self.account(), self.groups("security_groups"));
                Operation::Transfer { instance: instance?, account: account?, security_groups: groups? }
            }
            "release" => {
                let (instance, force) = (self.instance(), self.get("force"));
                let force = force.map_or(Some(false), |item| Some(item.boolean(self.decoder)?.value));
                Operation::Release { instance: instance?, force: force? }
            }
            "migrate-into-vpc" => self.migrate_into_vpc()?,
            "modify-primary-cidr" | "associate-secondary-cidr" | "unassociate-secondary-cidr" => {
                self.cidr_of_vpc(word)?
            }
            "add-route" => {
                let (table, destination) = (self.table(), self.destination());
                let next_hop = self.object("next_hop", "\"ngw-out\"", Object::NextHop);
                Operation::AddRoute { table: table?, destination: destination?, next_hop: next_hop? }
            }
            "remove-route" => {
                let (table, destination) = (self.table(), self.destination());
                Operation::RemoveRoute { table: table?, destination: destination? }
            }
            "authorize" | "revoke" => self.rule(word)?,
            "authorize-classic-link" => Operation::AuthorizeClassicLink(self.classic_link_rule()?),
            "join" => {
                let (instance, group) = (self.instance(), self.group());
                Operation::Join { instance: instance?, group: group? }
            }
            "leave" => {
                let (instance, group) = (self.instance(), self.group());
                Operation::Leave { instance: instance?, group: group? }
            }
            _ => self.change_whitelist()?,
        })
    }

    fn get(&self, key: &'static str) -> Option<Item<'a>> {
        self.fields.get(key)
    }

    fn require(&mut self, key: &'static str, example: &str) -> Option<Item<'a>> {
        self.fields.require(self.decoder, key, example)
    }

    fn object(&mut self, key: &'static str, example: &str, object: Object) -> Option<String> {
        let item = self.require(key, example)?;
        self.names.object(self.decoder, item, object)
    }

    fn instance(&mut self) -> Option<String> {
        self.object("instance", "\"web-1\"", Object::Instance)
    }

    fn vpc(&mut self) -> Option<String> {
        self.object("vpc", "\"shop\"", Object::Vpc)
    }

    fn table(&mut self) -> Option<String> {
        self.object("table", "\"shop\"", Object::Table)
    }

    fn group(&mut self) -> Option<String> {
        self.object("security_group", "\"sg-web\"", Object::SecurityGroup)
    }

    fn destination(&mut self) -> Option<Ipv4Net> {
        let item = self.require("destination", "\"192.168.0.0/16\"")?;
        Some(item.cidr(self.decoder)?.value)
    }

    fn account(&mut self) -> Option<String> {
        let item = self.require("account", "\"main\"")?;
        Some(item.name(self.decoder)?.value)
    }

    /// A list of ids; empty where the key is not given. `None` where one of them is wrong.
    fn objects(&mut self, key: &'static str, object: Object) -> Option<Vec<String>> {
        let Some(item) = self.get(key) else { return Some(Vec::new()) };
        let items = item.list(self.decoder)?;
        let found: Vec<_> = items.into_iter().map(|item| self.names.object(self.decoder, item, object)).collect();
        found.into_iter().collect()
    }

    fn groups(&mut self, key: &'static str) -> Option<Vec<String>> {
        self.objects(key, Object::SecurityGroup)
    }

    fn migrate_into_vpc(&mut self) -> Option<Operation> {
        let instance = self.instance();
        let vswitch = self.object("vswitch", "\"vsw-db\"", Object::Vswitch);
        let private_ip = self.require("private_ip", "\"172.16.1.30\"");
        let private_ip = private_ip.and_then(|item| item.address(self.decoder));
        let groups = match self.require("security_groups", "[\"sg-db\"]") {
            Some(_) => self.groups("security_groups"),
            None => None,
        };
        Some(Operation::MigrateIntoVpc {
            instance: instance?,
            vswitch: vswitch?,
            private_ip: private_ip?.value,
            security_groups: groups?,
        })
    }

    fn cidr_of_vpc(&mut self, word: &str) -> Option<Operation> {
        let (vpc, cidr) = (self.vpc(), self.require("cidr", "\"172.16.0.0/12\""));
        let cidr = cidr.and_then(|item| item.cidr(self.decoder));
        let (vpc, cidr) = (vpc?, cidr?.value);
        Some(match word {
            "modify-primary-cidr" => Operation::ModifyPrimaryCidr { vpc, cidr },
            "associate-secondary-cidr" => Operation::AssociateSecondaryCidr { vpc, cidr },
            _ => Operation::UnassociateSecondaryCidr { vpc, cidr },
        })
    }

    fn rule(&mut self, word: &str) -> Option<Operation> {
        let group = self.group();
        let (key, item) = self.fields.one_key(self.decoder, &["ingress", "egress"])?;
        let direction = if key == "ingress" { Direction::Ingress } else { Direction::Egress };
        let names = self.names;
        let find = |decoder: &mut Decoder<'_>, item: Item<'a>| names.object(decoder, item, Object::SecurityGroup);
        let rule = rule_request(self.decoder, item, direction, find, |id| names.is_group(id));
        let (group, rule) = (group?, rule?);
        Some(match word {
            "authorize" => Operation::Authorize { group, direction, rule },
            _ => Operation::Revoke { group, direction, rule },
        })
    }

    fn classic_link_rule(&mut self) -> Option<ClassicLinkRule> {
        let (group, vpc) = (self.group(), self.vpc());
        let vpc_groups = match self.require("vpc_security_groups", "[\"sg-db\"]") {
            Some(_) => self.groups("vpc_security_groups"),
            None => None,
        };
        let modes = ClassicLinkMode::ALL.map(|mode| (mode.name(), mode));
        let mode = self.require("mode", "\"classic <=> VPC\"").and_then(|item| item.one_of(self.decoder, &modes));
        let protocol = self.get("protocol").map_or(Some(None), |item| protocol(self.decoder, item));
        let ports = self.get("port_range").map_or(Some(PortRange::ALL), |item| port_range(self.decoder, item));
        let priority = self.get("priority").map_or(Some(1), |item| Some(item.integer(self.decoder, 1..=100)?.value));
        let description = self.get("description").and_then(|item| Some(item.text(self.decoder)?.value));
        Some(ClassicLinkRule {
            group: group?,
            vpc: vpc?,
            vpc_groups: vpc_groups?,
            mode: mode?.value,
            protocol: protocol?,
            port_range: ports?,
            priority: priority?,
            description,
        })
    }

    fn change_whitelist(&mut self) -> Option<Operation> {
        let service = self.object("service", "\"rm-orders\"", Object::Service);
        let (key, item) = self.fields.one_key(self.decoder, &["replace", "add", "remove"])?;
        let errors = self.decoder.error_count();
        let entries = item.list_of(self.decoder, |decoder, item| Some(item.cidr(decoder)?.value))?;
        if self.decoder.error_count() > errors {
            return None;
        }
        if entries.is_empty() && key != "replace" {
            let message = format!("`{key}` names no entries");
            self.decoder
                .report(Diagnostic::error("invalid-value", message).at(item.span, "expected an address or a CIDR"));
            return None;
        }
        let change = match key {
            "replace" => WhitelistChange::Replace(entries),
            "add" => WhitelistChange::Add(entries),
            _ => WhitelistChange::Remove(entries),
        };
        Some(Operation::ChangeWhitelist { service: service?, change })
    }

    fn describe(&mut self) -> Option<LinkQuery> {
        let vpc = match self.get("vpc") {
            Some(item) => Some(self.names.object(self.decoder, item, Object::Vpc)?),
            None => None,
        };
        let instances = self.objects("instances", Object::Instance);
        let default = LinkQuery::default();
        let mut number = |key, default| match self.fields.get(key) {
            Some(item) => Some(item.integer(self.decoder, 0..=1_000_000)?.value),
            None => Some(default),
        };
        let page_number = number("page_number", default.page_number);
        let page_size = number("page_size", default.page_size);
        Some(LinkQuery { vpc, instances: instances?, page_number: page_number?, page_size: page_size? })
    }
}
