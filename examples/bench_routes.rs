//! A route table filled, changed and timed: `cargo run --release --example bench_routes [ROUTES]`.

#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

use biplane::net::Ipv4Net;
use biplane::table::lpm::Tables;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Instant;

/// Numbers that look random and are the same each time.
fn numbers() -> impl Iterator<Item = u32> {
    let mut state = 0x9e37_79b9_u32;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    })
}

fn main() {
    measure(std::env::args().nth(1).and_then(|routes| routes.parse().ok()).unwrap_or(1_000));
}

fn measure(count: usize) {
    let prefix = |number: u32| {
        let length = 8 + (number % 25) as u8;
        Ipv4Net::new(Ipv4Addr::from(number), length).expect("at most 32 bits").trunc()
    };
    let routes: Vec<(Ipv4Net, u32)> = numbers().take(count).map(prefix).zip(1..).collect();

    let begun = Instant::now();
    let mut tables = Tables::new();
    let table = tables.add(&routes);
    println!("{count} routes in {:?}, {} bytes", begun.elapsed(), tables.memory_bytes());

    // The longest prefix decides, against a look at all routes.
    for address in numbers().skip(count).take(100).map(Ipv4Addr::from) {
        let holding = routes.iter().filter(|(prefix, _)| prefix.contains(&address));
        let longest = holding.map(|(prefix, _)| *prefix).max_by_key(Ipv4Net::prefix_len);
        assert_eq!(tables.lookup_prefix(table, address).map(|(prefix, _)| prefix), longest);
    }

    // One by one, and in a burst, where the waits for memory overlap.
    let addresses: Vec<u32> = numbers().take(100_000).collect();
    let begun = Instant::now();
    let found = addresses.iter().filter(|address| tables.lookup(table, Ipv4Addr::from(**address)).is_some()).count();
    println!(
        "one by one: {:.1} ns a lookup, {found} found",
        begun.elapsed().as_nanos() as f64 / addresses.len() as f64
    );
    let mut next_hops = vec![0; addresses.len()];
    let begun = Instant::now();
    tables.lookup_burst_in(table, &addresses, black_box(&mut next_hops));
    println!("in a burst: {:.1} ns a lookup", begun.elapsed().as_nanos() as f64 / addresses.len() as f64);
}

#[test]
fn runs() {
    measure(500);
}
