//! What to do so that one endpoint reaches another.

mod guest_route;

pub use guest_route::{GuestRouteAdvice, guest_route};
