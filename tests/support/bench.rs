//! A folder in which the program is run, and the topology and frames that most of these runs are about.

use biplane::capture::{LinkType, PcapWriter, Precision};
use biplane::time::SimTime;
use biplane::wire::PacketBuilder;
use biplane::wire::build::tcp;
use std::path::Path;
use tempfile::TempDir;

/// Two VPCs with the same addresses, so that 172.16.1.10 belongs to both; `i-web` is linked to one of them. Whoever
/// owns nothing enters by the NAT gateway of the other.
pub(crate) const SHOP: &str = r#"[vpc.vpc-shop]
cidr = "172.16.0.0/12"
classic_link = true

[vpc.vpc-lab]
cidr = "172.16.0.0/12"
routes = [{ destination = "0.0.0.0/0", next_hop = "ngw-out" }]

[vswitch.vsw-shop]
vpc = "vpc-shop"
cidr = "172.16.1.0/24"

[vswitch.vsw-lab]
vpc = "vpc-lab"
cidr = "172.16.1.0/24"

[gateway.ngw-out]
vpc = "vpc-lab"
remote_cidrs = ["0.0.0.0/0"]

[security_group.sg-web]
network = "classic"
ingress = [{ protocol = "tcp", port_range = "443/443", source = "0.0.0.0/0" }]

[security_group.sg-app]
vpc = "vpc-shop"
ingress = [
  { protocol = "tcp", port_range = "8080/8080", source = "sg-web" },
  { protocol = "icmp", source = "10.0.0.0/8" },
]

[security_group.sg-lab]
vpc = "vpc-lab"

[instance.i-web]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg-web"]
linked_vpc = "vpc-shop"

[instance.i-app]
vswitch = "vsw-shop"
private_ip = "172.16.1.10"
security_groups = ["sg-app"]

[instance.i-lab]
vswitch = "vsw-lab"
private_ip = "172.16.1.10"
security_groups = ["sg-lab"]

[service.rm-orders]
kind = "rds"
vswitch = "vsw-shop"
ip = "172.16.1.20"
whitelist = ["10.24.1.5"]
"#;

/// A folder with `shop.toml` in it, and the program run there.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        let bench = Bench { folder: TempDir::new().unwrap() };
        bench.write("shop.toml", SHOP)
    }

    /// Puts a file into the folder.
    pub(crate) fn write(self, name: &str, bytes: impl AsRef<[u8]>) -> Bench {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }

    /// The program, deaf to the settings of whoever runs the tests.
    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_biplane"));
        for variable in ["NO_COLOR", "GITHUB_ACTIONS", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "RUST_BACKTRACE"] {
            command.env_remove(variable);
        }
        command.args(arguments).current_dir(self.path());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Told {
        let output = assert_cmd::Command::from_std(self.command(arguments)).output().unwrap();
        Told::from(output)
    }

    /// Exit code, standard output and standard error as a snapshot holds them.
    pub(crate) fn tell(&self, arguments: &[&str]) -> String {
        self.run(arguments).to_string()
    }
}

/// What a run of the program gave.
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl From<std::process::Output> for Told {
    fn from(output: std::process::Output) -> Told {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Told { code: output.status.code().unwrap(), out: text(output.stdout), error: text(output.stderr) }
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Told { code, out, error } = self;
        write!(f, "exit code: {code}\n----- stdout -----\n{out}----- stderr -----\n{error}")
    }
}

/// A pcap of `frames`, one a millisecond.
pub(crate) fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), LinkType(1), Precision::Nanos).unwrap();
    for (index, frame) in frames.iter().enumerate() {
        let time = SimTime::from_nanos(1_500_000_000_000_000_000 + index as u64 * 1_000_000);
        writer.write_record(time, frame, frame.len() as u32).unwrap();
    }
    writer.finish().unwrap()
}

pub(crate) fn frames(packets: &[PacketBuilder]) -> Vec<Vec<u8>> {
    packets.iter().map(PacketBuilder::build).collect()
}

/// A connection to the application and its answer, an address of two owners, and two that nobody owns.
pub(crate) fn shop_frames() -> Vec<Vec<u8>> {
    frames(&[
        tcp("10.24.1.5:40000 > 172.16.1.10:8080").syn(),
        tcp("10.24.1.5:40000 > 172.16.1.10:22").syn(),
        tcp("172.16.1.10:8080 > 10.24.1.5:40000").syn_ack(),
        tcp("10.24.1.5:40000 > 172.16.1.10:8080").ack(),
        tcp("203.0.113.9:5000 > 172.16.1.10:443").syn(),
        tcp("100.64.9.9:5000 > 172.16.9.9:443").syn(),
    ])
}
