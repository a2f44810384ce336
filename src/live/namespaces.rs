//! One user namespace for all, and a network namespace with a TAP for each endpoint. Descriptors alone hold them: they
//! are gone with the processes that have them open, however these end.

use super::netlink::Netlink;
use super::nic::Nic;
use super::refused;
use crate::program::EndpointId;
use nix::sched::{CloneFlags, unshare};
use rustix::process::{Resource, Rlimit, getegid, geteuid, getrlimit, setrlimit};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

/// What the interface of every endpoint is called in its namespace.
const INTERFACE: &str = "eth0";

/// Descriptors beside those of endpoints.
const OTHER_DESCRIPTORS: u64 = 64;

/// The interface of an endpoint, seen from the fabric.
pub(super) struct LiveInterface {
    pub(super) endpoint: EndpointId,
    pub(super) device: SyncDevice,
    /// Its namespace.
    pub(super) namespace: File,
    index: u32,
    nic: Nic,
}

/// Enters a user namespace of its own in which the present user is root, with mounts of its own. The process has one
/// thread.
///
/// # Errors
/// The system refuses it.
pub(super) fn enter_user_namespace() -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    let refuse = |error: io::Error| refused::user_namespace(&error);
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|error| refuse(error.into()))?;
    // Without this the group cannot be mapped by a user without privileges. Kernels before 3.19 do not have it.
    match fs::write("/proc/self/setgroups", "deny") {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refuse(error)),
        _ => {}
    }
    fs::write("/proc/self/uid_map", format!("0 {} 1", user.as_raw())).map_err(refuse)?;
    fs::write("/proc/self/gid_map", format!("0 {} 1", group.as_raw())).map_err(refuse)?;
    unshare(CloneFlags::CLONE_NEWNS).map_err(|error| refuse(error.into()))
}

/// Lets the next process that is started be the first of a process namespace. From now on this one starts no threads.
pub(super) fn begin_process_namespace() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWPID).map_err(|error| refused::user_namespace(&error.into()))
}

/// Enters a new network namespace in which nothing but the loopback interface is up.
pub(super) fn enter_new_network() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(|error| refused::network_namespace(&error.into()))?;
    Netlink::new()?.set_loopback_up()
}

/// Enters a network namespace that is there.
pub(super) fn enter_network(namespace: &File) -> io::Result<()> {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).map_err(io::Error::from)
}

/// Permits as many open files as `endpoints` need.
///
/// # Errors
/// The system does not permit so many.
pub(super) fn permit_descriptors(endpoints: usize) -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let needed = 2 * endpoints as u64 + OTHER_DESCRIPTORS;
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = Rlimit { current: Some(needed), maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).map_err(|_| refused::descriptors(needed))
}

impl LiveInterface {
    /// Makes the namespace of `endpoint` and its interface. The process is in that namespace afterwards.
    ///
    /// # Errors
    /// The system refuses it.
    pub(super) fn new(endpoint: EndpointId, nic: Nic) -> io::Result<LiveInterface> {
        enter_new_network()?;
        let namespace = File::open("/proc/thread-self/ns/net")?;
        quieten(&nic);
        // Where it is missing, none is made.
        fs::metadata(refused::TUN).map_err(|error| refused::tap(&error))?;
        let builder = DeviceBuilder::new().name(INTERFACE).layer(Layer::L2).inherit_enable_state();
        let device = builder.build_sync().map_err(|error| refused::tap(&error))?;
        device.set_nonblocking(true)?;
        // Closing the TAP would wait 20 ms for the kernel to take it away, one after the other. So it belongs to its
        // namespace alone, and goes with that, when the last descriptor of it is closed.
        device.persist().map_err(|error| refused::tap(&error))?;
        let index = device.if_index()?;
        let mut interface = LiveInterface { endpoint, device, namespace, index, nic };
        interface.set_up(&mut Netlink::new()?)?;
        Ok(interface)
    }

    /// Makes the interface what `nic` says, if it is anything else. Returns true where it was.
    ///
    /// # Errors
    /// The system refuses it.
    pub(super) fn become_like(&mut self, nic: Nic) -> io::Result<bool> {
        if self.nic == nic {
            return Ok(false);
        }
        enter_network(&self.namespace)?;
        let mut netlink = Netlink::new()?;
        netlink.take_down(self.index, &self.nic)?;
        self.nic = nic;
        self.set_up(&mut netlink)?;
        Ok(true)
    }

    fn set_up(&mut self, netlink: &mut Netlink) -> io::Result<()> {
        netlink
            .set_up(self.index, &self.nic)
            .map_err(|error| io::Error::new(error.kind(), format!("an interface cannot be set up: {error}")))
    }
}

/// Keeps the kernel of the present namespace from sending what no program asked for, and from being stricter than the
/// guests of a cloud. Best effort: where `/proc/sys` is read-only, there is a little more traffic.
fn quieten(nic: &Nic) {
    let ipv4 = Path::new("/proc/sys/net/ipv4");
    let ipv6 = Path::new("/proc/sys/net/ipv6/conf");
    let set = |path: &Path, value: &str| _ = fs::write(path, value);
    for interfaces in ["all", "default"] {
        set(&ipv6.join(interfaces).join("disable_ipv6"), "1");
        let conf = ipv4.join("conf").join(interfaces);
        set(&conf.join("rp_filter"), "0");
        set(&conf.join("send_redirects"), "0");
    }
    if nic.forwards {
        set(&ipv4.join("ip_forward"), "1");
    }
}
