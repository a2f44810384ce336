//! Endpoints and places as tests name them.

use super::Topology;
use crate::diag::{Suggestions, quoted_list};
use crate::program::EndpointId;
use crate::text::shown;
use crate::wire::build::BuildError;
use std::fmt;

/// An endpoint as a caller has it: its name in the topology, or the id that a result gave. Names come as `&str` or
/// `&String`, ids as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointRef<'a> {
    /// Its name.
    Name(&'a str),
    /// Its id, in the topology it was given for.
    Id(EndpointId),
}

impl<'a> From<&'a str> for EndpointRef<'a> {
    fn from(name: &'a str) -> EndpointRef<'a> {
        EndpointRef::Name(name)
    }
}

impl<'a> From<&&'a str> for EndpointRef<'a> {
    fn from(name: &&'a str) -> EndpointRef<'a> {
        EndpointRef::Name(name)
    }
}

impl<'a> From<&'a String> for EndpointRef<'a> {
    fn from(name: &'a String) -> EndpointRef<'a> {
        EndpointRef::Name(name)
    }
}

impl From<EndpointId> for EndpointRef<'_> {
    fn from(id: EndpointId) -> Self {
        EndpointRef::Id(id)
    }
}

/// The topology has nothing of this name. Prints as a sentence, with the name that was probably meant; as debugging
/// output too.
#[derive(Clone, PartialEq, Eq)]
pub struct UnknownName(String);

/// Up to how many names are listed where none is near.
const FEW: usize = 8;

impl UnknownName {
    fn new<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n str>) -> UnknownName {
        let mut known: Vec<&str> = known.filter(|name| !name.is_empty()).collect();
        let mut text = format!("the topology has no {what} `{}`", shown(name));
        match Suggestions::default().nearest(name, known.iter().copied()) {
            Some(near) => text += &format!("; did you mean `{near}`?"),
            None if (1..=FEW).contains(&known.len()) => {
                known.sort_unstable();
                text += &format!("; there are {}", quoted_list(known));
            }
            None => {}
        }
        UnknownName(text)
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::text::debug_as_display!(UnknownName);

impl std::error::Error for UnknownName {}

/// A packet that could not be sent.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// By an endpoint that the topology does not have.
    Sender(UnknownName),
    /// A field cannot hold what was asked for.
    Packet(BuildError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Sender(unknown) => unknown.fmt(f),
            SendError::Packet(error) => error.fmt(f),
        }
    }
}

crate::text::debug_as_display!(SendError);

impl std::error::Error for SendError {}

impl Topology {
    /// Finds an endpoint.
    ///
    /// # Errors
    /// The topology has none of this name or id.
    pub fn find<'a>(&self, endpoint: impl Into<EndpointRef<'a>>) -> Result<EndpointId, UnknownName> {
        match endpoint.into() {
            EndpointRef::Name(name) => {
                let known = || self.names.endpoints.iter().map(|name| name.text.as_str());
                self.names.find_endpoint(name).ok_or_else(|| UnknownName::new("endpoint", name, known()))
            }
            EndpointRef::Id(id) if id.index() < self.names.endpoints.len() => Ok(id),
            EndpointRef::Id(id) => Err(UnknownName::new("endpoint", &format!("#{}", id.index()), std::iter::empty())),
        }
    }

    /// The name of an endpoint.
    pub fn name_of(&self, id: EndpointId) -> &str {
        self.names.endpoint(id)
    }

    /// Fails where no routing domain is called `name`.
    pub(super) fn require_domain(&self, name: &str) -> Result<(), UnknownName> {
        let known = || self.names.domains.iter().map(|name| name.text.as_str());
        if known().any(|known| known == name) {
            return Ok(());
        }
        Err(UnknownName::new("routing domain", name, known()))
    }

    /// Fails where neither an endpoint nor a routing domain is called `name`.
    pub(super) fn require_place(&self, name: &str) -> Result<(), UnknownName> {
        if self.names.find_endpoint(name).is_some() || self.require_domain(name).is_ok() {
            return Ok(());
        }
        let names = self.names.endpoints.iter().chain(self.names.domains.iter());
        Err(UnknownName::new("endpoint or routing domain", name, names.map(|name| name.text.as_str())))
    }
}
