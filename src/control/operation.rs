//! The operations as data: what is asked of the world, by id.

/// One operation on the world. Objects are named by id, as the vendor's calls name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// EnableVpcClassicLink.
    Enable {
        /// The VPC.
        vpc: String,
    },
    /// DisableVpcClassicLink.
    Disable {
        /// The VPC.
        vpc: String,
    },
    /// AttachClassicLinkVpc.
    Attach {
        /// The classic instance.
        instance: String,
        /// The VPC.
        vpc: String,
    },
    /// DetachClassicLinkVpc.
    Detach {
        /// The classic instance.
        instance: String,
        /// The VPC it is linked to.
        vpc: String,
    },
    /// StartInstance.
    Start {
        /// A stopped instance.
        instance: String,
    },
    /// StopInstance.
    Stop {
        /// A running instance.
        instance: String,
    },
}

impl Operation {
    /// The word in scenario files.
    pub const fn name(&self) -> &'static str {
        match self {
            Operation::Enable { .. } => "enable",
            Operation::Disable { .. } => "disable",
            Operation::Attach { .. } => "attach",
            Operation::Detach { .. } => "detach",
            Operation::Start { .. } => "start",
            Operation::Stop { .. } => "stop",
        }
    }
}
