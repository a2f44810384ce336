//! What runs take place in, and what keeps them from it.

use crate::trials;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// A shop: a classic web server that is linked, one that is not, and in the VPC an application, a database that runs on an
/// instance in another vSwitch, a managed one, and a gateway.
pub(crate) const SHOP: &str = r#"
[vpc.shop]
cidr = "172.16.0.0/12"
classic_link = true
routes = [{ destination = "192.0.2.0/24", next_hop = "vpn" }]

[vswitch.app]
vpc = "shop"
cidr = "172.16.1.0/24"

[vswitch.data]
vpc = "shop"
cidr = "172.16.2.0/24"

[gateway.vpn]
vpc = "shop"
kind = "vpn"
remote_cidrs = ["192.0.2.0/24"]

[security_group.sg-web]
network = "classic"
ingress = [{ protocol = "icmp", source = "0.0.0.0/0" }]

[security_group.sg-app]
vpc = "shop"
ingress = [
  { protocol = "icmp", source = "0.0.0.0/0" },
  { protocol = "udp", source = "0.0.0.0/0" },
  { protocol = "tcp", port_range = "8080/8081", source = "sg-web" },
]

[instance.web]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg-web"]
linked_vpc = "shop"

[instance.batch]
network = "classic"
private_ip = "10.24.1.6"
security_groups = ["sg-web"]

[instance.app]
vswitch = "app"
private_ip = "172.16.1.10"
security_groups = ["sg-app"]

[instance.app-2]
vswitch = "app"
private_ip = "172.16.1.11"
security_groups = ["sg-app"]

[instance.data]
vswitch = "data"
private_ip = "172.16.2.10"
security_groups = ["sg-app"]

[service.orders]
kind = "rds"
vswitch = "data"
ip = "172.16.2.20"
whitelist = ["10.24.1.5"]
"#;

/// What keeps a test from running that starts `programs` inside: the sentence of the program itself, or one of them that
/// is not there.
pub(crate) fn missing(programs: &[&str]) -> Option<String> {
    static REFUSAL: OnceLock<Option<String>> = OnceLock::new();
    let ask = || {
        let bench = Bench::new(SHOP);
        let output = bench.command(&["--only", "web", "--", "true"]).output().unwrap();
        (output.status.code() == Some(2)).then(|| text(&output.stderr).trim_end().to_owned())
    };
    REFUSAL.get_or_init(ask).clone().or_else(|| trials::programs(programs))
}

/// A folder with a topology, in which live runs take place.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) fn new(topology: &str) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shop.toml"), topology).unwrap();
        Bench { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `biplane live shop.toml` with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.biplane(&[&["live", "shop.toml"], arguments].concat())
    }

    pub(crate) fn biplane(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_biplane"));
        command.args(arguments).current_dir(self.path()).env_remove("RUST_BACKTRACE").stdin(Stdio::null());
        command
    }

    /// Runs a script inside, and gives what it printed; it must succeed.
    pub(crate) fn script(&self, options: &[&str], script: &str) -> String {
        let output = self.run(options, script);
        let (printed, told) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{:?}\n{script}\n{printed}\n{told}", output.status);
        printed
    }

    pub(crate) fn run(&self, options: &[&str], script: &str) -> Output {
        self.command(&[options, &["--", "sh", "-ec", script]].concat()).output().unwrap()
    }

    /// Starts a script inside; its standard output can be read.
    pub(crate) fn start(&self, options: &[&str], script: &str) -> Child {
        let mut command = self.command(&[options, &["--", "sh", "-c", script]].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
