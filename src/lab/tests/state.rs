//! Time, sessions, operations, and topologies that cannot be opened.

use super::{call, failure, shop};
use crate::control::Operation;
use crate::diag::Reason;
use crate::lab::Lab;
use crate::time::{SimDuration, SimTime};
use crate::wire::build::tcp;
use std::time::Duration;

fn reply() -> crate::wire::PacketBuilder {
    tcp("172.16.2.20:3306 > 10.45.2.10:40000").ack()
}

#[test]
fn a_clone_goes_its_own_way_from_where_it_was_made() {
    let mut lab = shop();
    lab.send("i-web-1", call("10.45.2.10")).delivered_to("rm-orders");
    lab.wait(Duration::from_secs(30));
    let mut clone = lab.clone();
    clone.apply_words("detach i-web-1 vpc-shop").unwrap();
    clone.send("rm-orders", reply()).dropped(Reason::ClassiclinkSourceNotEcs);
    lab.send("rm-orders", reply()).delivered_to("i-web-1").by_session();
    // The other way round: what the first one learns now is unknown to a clone that was made before.
    let mut before = lab.clone();
    lab.send("i-app-1", tcp("172.16.1.10:5000 > 172.16.2.10:3306").syn()).delivered_to("i-db-1");
    let answer = || tcp("172.16.2.10:3306 > 172.16.1.10:5000").ack();
    lab.send("i-db-1", answer()).delivered_to("i-app-1").by_session();
    before.send("i-db-1", answer()).dropped(Reason::SgIngressDeny);
    assert_eq!(clone.now(), SimTime::ZERO + SimDuration::from_secs(30));
}

#[test]
fn a_clone_holds_every_one_of_thousands_of_sessions() {
    let mut lab = shop();
    let port = |port: u16| tcp(&format!("10.45.2.10:{port} > 172.16.2.20:3306"));
    (1..20_000).for_each(|number| _ = lab.send("i-web-1", port(number).syn()).delivered_to("rm-orders"));
    let mut clone = lab.clone();
    for number in (1..20_000).step_by(37) {
        let answer = tcp(&format!("172.16.2.20:3306 > 10.45.2.10:{number}")).ack();
        clone.send("rm-orders", answer.clone()).delivered_to("i-web-1").by_session();
        lab.send("rm-orders", answer).delivered_to("i-web-1").by_session();
    }
}

#[test]
fn a_reset_lab_is_as_it_was_opened() {
    let mut lab = shop();
    lab.send("i-web-1", call("10.45.2.10")).delivered_to("rm-orders");
    lab.send("rm-orders", reply()).delivered_to("i-web-1");
    lab.apply_words("detach i-web-1 vpc-shop").unwrap();
    lab.wait(SimDuration::from_secs(1));
    lab.reset();
    assert_eq!(lab.now(), SimTime::ZERO);
    lab.send("rm-orders", reply()).dropped_for_any_reason();
    lab.send("i-web-1", call("10.45.2.10")).delivered_to("rm-orders").as_first_packet();
}

#[test]
fn an_operation_is_written_as_in_scenario_files() {
    let detach = Operation::Detach { instance: "i-web-1".to_owned(), vpc: "vpc-shop".to_owned() };
    for text in [
        "detach i-web-1 vpc-shop",
        "  detach  i-web-1 vpc=vpc-shop ",
        r#"{ operation = "detach", instance = "i-web-1", vpc = "vpc-shop" }"#,
        "operation = \"detach\"\ninstance = \"i-web-1\"\nvpc = \"vpc-shop\"",
        "# the key may stand anywhere\nvpc = \"vpc-shop\"\noperation=\"detach\"\ninstance = 'i-web-1'",
    ] {
        assert_eq!(text.parse(), Ok(detach.clone()), "{text}");
    }
    let wrong = |text: &str| text.parse::<Operation>().unwrap_err().to_string();
    assert_eq!(
        wrong("dettach i-web-1 vpc-shop"),
        "`dettach i-web-1 vpc-shop` is no operation: `operation` cannot be \"dettach\"; did you mean \"detach\"?"
    );
    assert_eq!(
        wrong("detach i-web-1"),
        "`detach i-web-1` is no operation: operation `detach` needs the key `vpc`; add it, for example `vpc = \"shop\"`"
    );
    assert!(wrong("").starts_with("`` is no operation: "), "{}", wrong(""));
    assert!(wrong("describe").contains("changes nothing"), "{}", wrong("describe"));
    // Without a world, an operation about nothing is one; the vendor says so where it is applied.
    let refusal = shop().apply(&"stop i-gone".parse().unwrap()).unwrap_err();
    assert_eq!(refusal.code(), "InvalidInstanceId.NotFound");
    let told = failure(|| shop().apply_words("stop i-web-12"));
    assert!(told.contains("did you mean `i-web-1`?"), "{told}");
}

#[test]
fn an_error_is_printed_as_a_person_reads_it() {
    let text = "[vpc.shop]\ncidr = \"172.16.0.0/12\"\nclasic_link = true\n[vswitch.a]\nvpc = \"shp\"\ncidr = \"172.16.1.0/24\"\n";
    let Err(error) = Lab::from_toml("one.toml", text) else { panic!("it is wrong") };
    insta::assert_snapshot!(format!("{error:?}"), @r"
    one.toml:3:1: vpc `shop` has no key `clasic_link` [unknown-key]
      help: did you mean `classic_link`?
    one.toml:5:7: no VPC is called `shp` [unknown-id]
      help: did you mean `shop`?
    ");
    assert_eq!(error.ids().collect::<Vec<_>>(), ["unknown-key", "unknown-id"]);
    let Err(error) = Lab::open("no/such.toml") else { panic!("there is none") };
    assert!(format!("{error:?}").starts_with("cannot read `no/such.toml`: "), "{error:?}");
}
