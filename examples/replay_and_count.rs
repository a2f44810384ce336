//! A capture replayed, and its verdicts counted: `cargo run --example replay_and_count [TOPOLOGY CAPTURE]`.

use biplane::lab::{Lab, Reason};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    count(&arguments)
}

fn count(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    if let [topology, capture] = arguments {
        let mut lab = Lab::open(topology)?;
        let replayed = lab.replay(capture)?;
        print!("{replayed}\n{}", replayed.connections_text());
        return Ok(());
    }
    // Without arguments: a morning of the shop, with what is known to go wrong in it.
    let mut lab = Lab::open("scenarios/topologies/shop.toml")?;
    let replayed = lab.replay("pcaps/shop-morning.pcap")?;
    assert_eq!(replayed.dropped_for(Reason::WhitelistDeny), 3);
    assert_eq!(replayed.delivered_to("rm-orders"), 11);
    // Once the whitelist holds the other web server too, its connection comes about.
    lab.reset();
    lab.apply_words("change-whitelist rm-orders add=[\"10.45.2.11\"]")?;
    assert_eq!(lab.replay("pcaps/shop-morning.pcap")?.dropped_for(Reason::WhitelistDeny), 0);
    print!("{replayed}");
    Ok(())
}

#[test]
fn runs() {
    count(&[]).unwrap();
}
