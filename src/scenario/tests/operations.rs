//! Steps that apply operations: what they mean, and every way they can be wrong.

use super::{CALL, scenario_told, told};
use crate::control::{
    ClassicLinkMode, ClassicLinkRule, LinkQuery, Operation, PeerRequest, RuleRequest, WhitelistChange,
};
use crate::diag::{Sources, Spanned};
use crate::model::{Direction, Policy};
use crate::net::{Ipv4Net, PortRange, Protocol};
use crate::scenario::{Action, ApplyExpectation, Request};
use insta::assert_snapshot;

/// A scenario with one step, in the topology of [`CALL`] and a few objects more.
fn text(step: &str) -> String {
    let (_, topology) = CALL.split_once("[topology.vpc.shop]").unwrap();
    format!(
        "title = \"x\"\n[[step]]\n{step}\n[topology.vpc.shop]{topology}\n\
         [topology.gateway.ngw]\nvpc = \"shop\"\nremote_cidrs = []\n\
         [topology.route_table.vtb]\nvpc = \"shop\"\n\
         [topology.service.rm]\nkind = \"rds\"\nvswitch = \"vsw-db\"\nip = \"172.16.4.30\"\n"
    )
}

#[track_caller]
fn step(step: &str) -> (Request, ApplyExpectation) {
    let mut sources = Sources::new();
    let (scenario, diagnostics) = crate::scenario::scenario(&mut sources, "call.toml", &text(step));
    assert_eq!(told(&diagnostics, &sources), "");
    match scenario.unwrap().steps.remove(0).action {
        Action::Apply(apply, expectation) => (apply.request, expectation),
        other => panic!("not an operation: {other:?}"),
    }
}

#[track_caller]
fn operation(apply: &str) -> Operation {
    match step(&format!("apply = {{ {apply} }}")) {
        (Request::Operation(operation), ApplyExpectation::Accepted) => operation,
        other => panic!("not an operation to be accepted: {other:?}"),
    }
}

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

#[test]
fn every_operation_has_its_keys() {
    let (instance, vpc) = (|| "web-1".to_owned(), || "shop".to_owned());
    let groups = |id: &str| vec![id.to_owned()];
    for (apply, meant) in [
        ("operation = 'enable', vpc = 'shop'", Operation::Enable { vpc: vpc() }),
        ("operation = 'disable', vpc = 'shop'", Operation::Disable { vpc: vpc() }),
        (
            "operation = 'attach', instance = 'web-1', vpc = 'shop'",
            Operation::Attach { instance: instance(), vpc: vpc() },
        ),
        (
            "operation = 'detach', instance = 'web-1', vpc = 'shop'",
            Operation::Detach { instance: instance(), vpc: vpc() },
        ),
        ("operation = 'start', instance = 'web-1'", Operation::Start { instance: instance() }),
        ("operation = 'stop', instance = 'web-1'", Operation::Stop { instance: instance() }),
        ("operation = 'restart', instance = 'web-1'", Operation::Restart { instance: instance() }),
        ("operation = 'hot-migrate', instance = 'web-1'", Operation::HotMigrate { instance: instance() }),
        ("operation = 'cold-migrate', instance = 'web-1'", Operation::ColdMigrate { instance: instance() }),
        (
            "operation = 'replace-system-disk', instance = 'web-1'",
            Operation::ReplaceSystemDisk { instance: instance() },
        ),
        (
            "operation = 'add-guest-route', instance = 'web-1', destination = '192.168.0.0/16'",
            Operation::AddGuestRoute { instance: instance(), destination: net("192.168.0.0/16") },
        ),
        (
            "operation = 'transfer', instance = 'web-1', account = 'lab'",
            Operation::Transfer { instance: instance(), account: "lab".to_owned(), security_groups: Vec::new() },
        ),
        ("operation = 'release', instance = 'web-1'", Operation::Release { instance: instance(), force: false }),
        (
            "operation = 'release', instance = 'web-1', force = true",
            Operation::Release { instance: instance(), force: true },
        ),
        (
            "operation = 'migrate-into-vpc', instance = 'web-1', vswitch = 'vsw-db', private_ip = '172.16.4.9', security_groups = ['sg-db']",
            Operation::MigrateIntoVpc {
                instance: instance(),
                vswitch: "vsw-db".to_owned(),
                private_ip: "172.16.4.9".parse().unwrap(),
                security_groups: groups("sg-db"),
            },
        ),
        (
            "operation = 'modify-primary-cidr', vpc = 'shop', cidr = '172.16.0.0/16'",
            Operation::ModifyPrimaryCidr { vpc: vpc(), cidr: net("172.16.0.0/16") },
        ),
        (
            "operation = 'associate-secondary-cidr', vpc = 'shop', cidr = '192.168.0.0/16'",
            Operation::AssociateSecondaryCidr { vpc: vpc(), cidr: net("192.168.0.0/16") },
        ),
        (
            "operation = 'unassociate-secondary-cidr', vpc = 'shop', cidr = '192.168.0.0/16'",
            Operation::UnassociateSecondaryCidr { vpc: vpc(), cidr: net("192.168.0.0/16") },
        ),
        (
            "operation = 'add-route', table = 'vtb', destination = '192.0.2.7', next_hop = 'ngw'",
            Operation::AddRoute {
                table: "vtb".to_owned(),
                destination: net("192.0.2.7/32"),
                next_hop: "ngw".to_owned(),
            },
        ),
        (
            "operation = 'remove-route', table = 'shop', destination = '0.0.0.0/0'",
            Operation::RemoveRoute { table: vpc(), destination: net("0.0.0.0/0") },
        ),
        (
            "operation = 'join', instance = 'web-1', security_group = 'sg-web'",
            Operation::Join { instance: instance(), group: "sg-web".to_owned() },
        ),
        (
            "operation = 'leave', instance = 'web-1', security_group = 'sg-web'",
            Operation::Leave { instance: instance(), group: "sg-web".to_owned() },
        ),
        (
            "operation = 'change-whitelist', service = 'rm', replace = []",
            Operation::ChangeWhitelist { service: "rm".to_owned(), change: WhitelistChange::Replace(Vec::new()) },
        ),
        (
            "operation = 'change-whitelist', service = 'rm', add = ['10.0.0.0/8']",
            Operation::ChangeWhitelist {
                service: "rm".to_owned(),
                change: WhitelistChange::Add(vec![net("10.0.0.0/8")]),
            },
        ),
        (
            "operation = 'change-whitelist', service = 'rm', remove = ['127.0.0.1']",
            Operation::ChangeWhitelist {
                service: "rm".to_owned(),
                change: WhitelistChange::Remove(vec![net("127.0.0.1/32")]),
            },
        ),
    ] {
        assert_eq!(operation(apply), meant);
    }
}

#[test]
fn rules_are_written_as_in_a_topology() {
    let rule = RuleRequest {
        policy: Policy::Drop,
        priority: 7,
        protocol: Some(Protocol::TCP),
        port_range: PortRange::new(80, 90).unwrap(),
        own: Some(net("172.16.4.20/32")),
        ..RuleRequest::accept(PeerRequest::Group("sg-web".to_owned()))
    };
    let (group, direction) = ("sg-db".to_owned(), Direction::Ingress);
    let written = "{ policy = 'drop', priority = 7, protocol = 'tcp', port_range = '80/90', source = 'sg-web', destination = '172.16.4.20' }";
    assert_eq!(
        operation(&format!("operation = 'authorize', security_group = 'sg-db', ingress = {written}")),
        Operation::Authorize { group, direction, rule }
    );
    let rule = RuleRequest::accept(PeerRequest::Cidr(net("10.0.0.0/8")));
    assert_eq!(
        operation("operation = 'revoke', security_group = 'sg-db', egress = { destination = '10.0.0.0/8' }"),
        Operation::Revoke { group: "sg-db".to_owned(), direction: Direction::Egress, rule }
    );
    let keys = "security_group = 'sg-web', vpc = 'shop', vpc_security_groups = ['sg-db'], mode = 'VPC => classic'";
    let mut rule = ClassicLinkRule {
        group: "sg-web".to_owned(),
        vpc: "shop".to_owned(),
        vpc_groups: vec!["sg-db".to_owned()],
        mode: ClassicLinkMode::VpcToClassic,
        protocol: None,
        port_range: PortRange::ALL,
        priority: 1,
        description: None,
    };
    let classic_link = |more: &str| operation(&format!("operation = 'authorize-classic-link', {keys}{more}"));
    assert_eq!(classic_link(""), Operation::AuthorizeClassicLink(rule.clone()));
    rule.protocol = Some(Protocol::UDP);
    rule.port_range = PortRange::new(53, 53).unwrap();
    rule.priority = 2;
    rule.description = Some("names".to_owned());
    let more = ", protocol = 'udp', port_range = '53', priority = 2, description = 'names'";
    assert_eq!(classic_link(more), Operation::AuthorizeClassicLink(rule));
}

#[test]
fn an_operation_is_accepted_unless_an_error_is_expected() {
    let expectation = |expect: &str| step(&format!("apply = {{ operation = 'stop', instance = 'web-1' }}\n{expect}")).1;
    assert_eq!(expectation(""), ApplyExpectation::Accepted);
    let refused = |code: &str| ApplyExpectation::Refused(Spanned::unplaced(code.to_owned()));
    assert_eq!(expectation("expect = { error = 'IncorrectInstanceStatus' }"), refused("IncorrectInstanceStatus"));
    assert_eq!(expectation("expect.error = 'DependencyViolation.Instance'"), refused("DependencyViolation.Instance"));
}

#[test]
fn what_does_not_exist_may_be_named_where_that_is_the_error() {
    let (request, _) =
        step("apply = { operation = 'stop', instance = 'gone' }\nexpect = { error = 'InvalidInstanceId.NotFound' }");
    assert_eq!(request, Request::Operation(Operation::Stop { instance: "gone".to_owned() }));
    step(
        "apply = { operation = 'attach', instance = 'web-1', vpc = 'gone' }\nexpect = { error = 'InvalidVpcId.Malformed' }",
    );
    assert_snapshot!(
        scenario_told(&text("apply = { operation = 'stop', instance = 'web-11' }\nexpect = { error = 'IncorrectInstanceStatus' }")),
        @r"
    unknown-id: no instance is called `web-11`
      3:42 'web-11' -- the topology declares none of this id
      help: did you mean `web-1`?
    "
    );
}

#[test]
fn links_are_described_with_all_that_is_asked_and_claimed() {
    let (request, expectation) = step(
        "apply = { operation = 'describe', vpc = 'shop', instances = ['web-1'], page_number = 2, page_size = 1 }\n\
         expect = { links = { web-1 = 'shop' }, total = 3 }",
    );
    let asked =
        LinkQuery { vpc: Some("shop".to_owned()), instances: vec!["web-1".to_owned()], page_number: 2, page_size: 1 };
    assert_eq!(request, Request::Describe(asked));
    let ApplyExpectation::Links { links, total, .. } = expectation else { panic!("links") };
    let id = |id: &str| Spanned::unplaced(id.to_owned());
    assert_eq!((links, total), (vec![(id("web-1"), id("shop"))], Some(Spanned::unplaced(3))));
    let (request, _) = step("apply = { operation = 'describe', vpc = 'shop' }\nexpect = { links = {} }");
    assert_eq!(request, Request::Describe(LinkQuery { vpc: Some("shop".to_owned()), ..LinkQuery::default() }));
}

#[test]
fn a_slip_in_an_operation_is_told_with_what_was_meant() {
    let slip = |step: &str| scenario_told(&text(step));
    assert_snapshot!(slip("apply = { operation = 'atach', instance = 'web-1', vpc = 'shop' }"), @r#"
    invalid-value: `operation` cannot be "atach"
      3:23 'atach' -- did you mean "attach"?
      help: expected one of `enable`, `disable`, `attach`, `detach`, `describe`, `start`, `stop`, `restart`, `hot-migrate`, `cold-migrate`, `replace-system-disk`, `add-guest-route`, `transfer`, `release`, `migrate-into-vpc`, `modify-primary-cidr`, `associate-secondary-cidr`, `unassociate-secondary-cidr`, `add-route`, `remove-route`, `authorize`, `revoke`, `authorize-classic-link`, `join`, `leave`, `change-whitelist`
    "#);
    assert_snapshot!(slip("apply = { instance = 'web-1', vpc = 'shop' }"), @r#"
    missing-key: `apply` needs the key `operation`
      3:9 { instance = 'web-1', vpc = 'shop' } -- `operation` is missing
      help: add it, for example `operation = "attach"`
    "#);
    assert_snapshot!(slip("apply = { operation = 'attach', instance = 'web-1' }"), @r#"
    missing-key: operation `attach` needs the key `vpc`
      3:9 { operation = 'attach', instance = 'web-1' } -- `vpc` is missing
      help: add it, for example `vpc = "shop"`
    "#);
    assert_snapshot!(slip("apply = { operation = 'attach', instance = 'shop', vpc = 'shop' }"), @r"
    unknown-id: no instance is called `shop`
      3:44 'shop' -- this is a routing domain
      help: there are `db-1`, `web-1`
    ");
    assert_snapshot!(slip("apply = { operation = 'attach', instance = 'web-1', vpc = 'shop', to = 'x' }"), @r"
    unknown-key: operation `attach` has no key `to`
      3:67 to -- unknown key
      help: the keys of operation `attach` are `operation`, `instance`, `vpc`
    ");
    assert_snapshot!(slip("apply = { operation = 'stop', instance = 'web-1' }\nexpect = { error = 'QuotaExceded' }"), @r"
    invalid-value: no operation answers with the error `QuotaExceded`
      4:20 'QuotaExceded' -- not an error code
      help: did you mean `QuotaExceeded`?
    ");
    assert_snapshot!(slip("apply = { operation = 'stop', instance = 'web-1' }\nexpect = {}"), @r#"
    missing-key: `expect` of an operation needs the key `error`
      4:10 {} -- `error` is missing
      help: add it, for example `error = "QuotaExceeded"`
    "#);
    assert_snapshot!(slip("apply = { operation = 'stop', instance = 'web-1' }\nexpect = { verdict = 'delivered' }"), @r#"
    missing-key: `expect` of an operation needs the key `error`
      4:10 { verdict = 'delivered' } -- `error` is missing
      help: add it, for example `error = "QuotaExceeded"`
    unknown-key: `expect` of an operation has no key `verdict`
      4:12 verdict -- unknown key
      help: the keys of `expect` of an operation are `error`
    "#);
    assert_snapshot!(slip("apply = { operation = 'describe', vpc = 'shop' }"), @r#"
    missing-key: a step with `apply` needs the key `expect`
      2:1 [[step]] -- `expect` is missing
      note: a step that claims nothing tests nothing
      help: add it, for example `expect = { links = { web-1 = "shop" } }`
    "#);
    assert_snapshot!(slip("apply = { operation = 'describe', vpc = 'shop' }\nexpect = { error = 'InvalidParameter.PageSize', total = 1 }"), @r"
    conflicting-keys: `total` does not go with `error`
      4:49 total -- remove this key
      4:20 'InvalidParameter.PageSize' -- because of `error`
    ");
    assert_snapshot!(slip("apply = { operation = 'modify-primary-cidr', vpc = 'shop' }"), @r#"
    missing-key: operation `modify-primary-cidr` needs the key `cidr`
      3:9 { operation = 'modify-primary-cidr', vpc = 'shop' } -- `cidr` is missing
      help: add it, for example `cidr = "172.16.0.0/12"`
    "#);
    assert_snapshot!(slip("apply = { operation = 'authorize', security_group = 'sg-db' }"), @r"
    conflicting-keys: operation `authorize` needs one of `ingress`, `egress`
      3:9 { operation = 'authorize', security_group = 'sg-db' } -- none of them is here
    ");
    assert_snapshot!(slip("apply = { operation = 'authorize', security_group = 'sg-db', ingress = { source = 'sg-wbe' } }"), @r"
    unknown-id: no security group is called `sg-wbe`
      3:83 'sg-wbe' -- the topology declares none of this id
      help: did you mean `sg-web`?
    ");
    assert_snapshot!(slip("apply = { operation = 'authorize', security_group = 'sg-db', ingress = { source = '10.1.2.3/8' } }"), @r#"
    invalid-value: "10.1.2.3/8" has host bits set
      3:83 '10.1.2.3/8' -- not a network address
      note: a /8 covers 10.0.0.0/8; the bits after it must be zero
      help: write "10.0.0.0/8"
    "#);
    assert_snapshot!(slip("apply = { operation = 'authorize-classic-link', security_group = 'sg-web', vpc = 'shop', vpc_security_groups = ['sg-db'], mode = 'classic = VPC' }"), @r#"
    invalid-value: `mode` cannot be "classic = VPC"
      3:130 'classic = VPC' -- did you mean "classic => VPC"?
      help: expected one of `classic <=> VPC`, `classic => VPC`, `VPC => classic`
    "#);
    assert_snapshot!(slip("apply = { operation = 'change-whitelist', service = 'rm', add = [], remove = [] }"), @r"
    conflicting-keys: operation `change-whitelist` has both `add` and `remove`
      3:69 remove -- remove this one or the other
      3:59 add -- already given here
    ");
    assert_snapshot!(slip("apply = { operation = 'change-whitelist', service = 'rm', add = [] }"), @r"
    invalid-value: `add` names no entries
      3:65 [] -- expected an address or a CIDR
    ");
    assert_snapshot!(slip("apply = { operation = 'migrate-into-vpc', instance = 'web-1', vswitch = 'vsw-db', private_ip = '172.16.4.300' }"), @r#"
    missing-key: operation `migrate-into-vpc` needs the key `security_groups`
      3:9 { operation = 'migrate-into-vpc', instance = 'web-1', vswitch = 'vsw-db', private_ip = '172.16.4.300' } -- `security_groups` is missing
      help: add it, for example `security_groups = ["sg-db"]`
    invalid-value: "172.16.4.300" is no IPv4 address
      3:96 '172.16.4.300' -- expected an address
    "#);
}

#[test]
fn a_rule_that_a_step_adds_may_be_claimed_to_decide_afterwards() {
    let send = "send = { from = 'web-1', tcp = '10.45.2.10:1 > 172.16.4.20:80' }";
    let claim = "expect = { verdict = 'dropped', reason = 'sg-ingress-deny', rule = 'sg-db ingress #2' }";
    let authorize = "apply = { operation = 'authorize', security_group = 'sg-db', ingress = { policy = 'drop', source = 'sg-web' } }";
    assert_eq!(scenario_told(&text(&format!("{authorize}\n[[step]]\n{send}\n{claim}"))), "");
    let early = scenario_told(&text(&format!("{send}\n{claim}\n[[step]]\n{authorize}")));
    assert!(early.starts_with("invalid-value: `sg-db` has no ingress rule #2"), "{early}");
}
