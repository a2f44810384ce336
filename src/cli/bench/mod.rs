//! `biplane bench`: what this machine makes of the parts that decide how fast frames go.

mod lookup;
mod print;
mod rounds;
mod workload;

use super::Outcome;
use super::arguments::Bench;
use super::output::Terminal;

pub(super) fn bench(arguments: &Bench, terminal: &mut Terminal) -> Outcome {
    match arguments {
        Bench::Lookup(arguments) => lookup::lookup(arguments, terminal),
    }
}
