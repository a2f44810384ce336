//! Operations on the world: what each needs, what it changes, and what becomes of the traffic meanwhile.

mod links;
mod world;
