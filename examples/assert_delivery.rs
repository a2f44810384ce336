//! Delivery of packets, asserted: `cargo run --example assert_delivery`.

use biplane::lab::{Lab, LabError, Reason};
use biplane::wire::build::tcp;
use std::time::Duration;

fn main() -> Result<(), LabError> {
    let mut lab = Lab::open("scenarios/topologies/shop.toml")?;

    // A packet, the whole way that it takes, and what lets it in.
    let syn = tcp("10.45.2.10:40000 > 172.16.2.20:3306").syn();
    let sent = lab.send("i-web-1", syn.clone());
    sent.delivered_to("rm-orders").through(["classic", "vpc-shop"]).decided_by("rm-orders whitelist");
    // What arrived: two routing domains have taken one from the TTL each.
    sent.arrived_as(&syn.ttl(62));

    // Its twin differs in the sender, and is refused.
    lab.send("i-web-2", tcp("10.45.2.11:40000 > 172.16.2.20:3306").syn())
        .dropped(Reason::WhitelistDeny)
        .at("rm-orders");

    // The reply passes by the session, for as long as that lives.
    let (orders, reply) = sent.reply().expect("a SYN is answered");
    lab.send(orders, reply.clone()).delivered_to("i-web-1").by_session();
    lab.wait(Duration::from_secs(911));
    lab.send(orders, reply).dropped_for_any_reason();

    // The world changes in the words of scenario files.
    lab.apply_words("detach i-web-1 vpc-shop").expect("it is linked");
    lab.send("i-web-1", tcp("10.45.2.10:40001 > 172.16.2.20:3306").syn()).dropped(Reason::ClassiclinkNotLinked);
    println!("every claim holds");
    Ok(())
}

#[test]
fn runs() {
    main().unwrap();
}
