//! What test authors meet: claims that hold, claims that do not, and what is said then.

mod claims;
mod declare;
mod matrix;
mod state;

use super::Lab;
use crate::wire::PacketBuilder;
use crate::wire::build::tcp;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn shop() -> Lab {
    Lab::open("scenarios/topologies/shop.toml").unwrap()
}

/// The call of a web server to the database: `i-web-1` may, `i-web-2` may not.
fn call(from: &str) -> PacketBuilder {
    tcp(&format!("{from}:40000 > 172.16.2.20:3306")).syn()
}

/// What is said where a claim does not hold.
#[track_caller]
fn failure<T>(claim: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(claim)) else { panic!("the claim holds") };
    match panic.downcast::<String>() {
        Ok(told) => *told,
        Err(panic) => (*panic.downcast::<&str>().expect("a panic has a message")).to_owned(),
    }
}
