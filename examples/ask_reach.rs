//! Questions about all packets: `cargo run --example ask_reach`.

use biplane::lab::{Lab, LabError};

fn main() -> Result<(), LabError> {
    let mut lab = Lab::open("scenarios/topologies/shop.toml")?;

    // Who reaches whom on one port, tried with packets and their replies, as a table that is compared whole.
    lab.reach("tcp/3306")
        .from(["i-web-1", "i-web-2", "i-app-1", "i-batch-1"])
        .to(["rm-orders", "i-db-1", "i-app-1"])
        .is("
                   rm-orders  i-db-1  i-app-1
        i-web-1    x          x       .
        i-web-2    .          .       .
        i-app-1    x          x       -
        i-batch-1  .          .       .
    ");

    // Claims about every header there is.
    lab.claim("i-batch-1 -> vpc-shop: nothing");
    lab.claim("sg-web -> i-app-1: only tcp/8080, icmp");

    lab.apply_words("attach i-batch-1 vpc-shop").expect("it has no link");
    println!("{}", lab.reach("tcp/8080"));
    Ok(())
}

#[test]
fn runs() {
    main().unwrap();
}
