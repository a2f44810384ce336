//! Operations on the world: what each needs, what it changes, and what becomes of the traffic meanwhile.

#[path = "../support/cases.rs"]
mod cases;
mod cidrs;
mod codes;
mod describe;
mod handover;
mod instances;
mod link_tables;
mod links;
mod properties;
mod rules;
mod snapshots;
mod world;
