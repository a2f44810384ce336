//! Topologies: read, checked and compiled.

use super::LabError;
use super::error::Located;
use super::partial;
use crate::check::{self, Checked};
use crate::compile::{self, Compiled, compile};
use crate::control::Change;
use crate::diag::{Diagnostic, Severity, Sources, Span};
use crate::links;
use crate::model::{ChangeSet, World};
use crate::program::{Epoch, Names, Program};
use crate::scenario::{self, Notation};
use std::path::Path;
use std::sync::Arc;

/// A world that was read, checked and compiled.
#[derive(Clone)]
pub struct Topology {
    /// The declared world.
    #[doc(hidden)]
    pub world: Arc<Checked>,
    /// The compiled world.
    #[doc(hidden)]
    pub program: Arc<Program>,
    /// What its ids are called.
    #[doc(hidden)]
    pub names: Arc<Names>,
    /// What the next change will have to find.
    index: Arc<compile::ProgramIndex>,
    /// The texts that spans point into.
    #[doc(hidden)]
    pub sources: Arc<Sources>,
    /// What the vendor allows, but carries no traffic.
    #[doc(hidden)]
    pub warnings: Arc<Vec<Diagnostic>>,
}

impl Topology {
    /// Reads, checks and compiles the topology file `path`, and the files that it includes.
    ///
    /// # Errors
    /// The file cannot be read, is not a topology, or breaks a limit.
    pub fn open(path: impl AsRef<Path>) -> Result<Topology, LabError> {
        let mut sources = Sources::new();
        let (world, findings) = scenario::load_topology(&mut sources, path.as_ref()).map_err(LabError::Read)?;
        Topology::build(world, findings, sources)
    }

    /// Reads, checks and compiles the topology in `text`; messages call it `name`.
    ///
    /// # Errors
    /// The text is not a topology, includes a file, or breaks a limit.
    pub fn from_toml(name: &str, text: &str) -> Result<Topology, LabError> {
        Topology::of_text(name, text, Notation::Toml)
    }

    /// Does as [`Topology::from_toml`] with a text in JSON.
    ///
    /// ```
    /// use biplane::lab::Topology;
    ///
    /// let text = r#"{ "vpc": { "shop": { "cidr": "172.16.0.0/12" }, "shop": { "cidr": "10.0.0.0/8" } } }"#;
    /// let error = Topology::from_json("shop.json", text).err().unwrap();
    /// assert_eq!(error.to_string(), "shop.json:1:49: `shop` is declared twice [duplicate-id]");
    /// ```
    ///
    /// # Errors
    /// As of [`Topology::from_toml`].
    pub fn from_json(name: &str, text: &str) -> Result<Topology, LabError> {
        Topology::of_text(name, text, Notation::Json)
    }

    /// Does as [`Topology::from_toml`] with a text in YAML 1.2: one document, without anchors, aliases and tags.
    ///
    /// ```
    /// use biplane::lab::Topology;
    ///
    /// let text = "vpc:\n  shop:\n    cidr: 172.16.0.0/12\n    classic_link: yes\n";
    /// let error = Topology::from_yaml("shop.yaml", text).err().unwrap();
    /// assert!(error.to_string().contains("this is a string in YAML 1.2: write `true`"));
    /// assert!(Topology::from_yaml("shop.yaml", &text.replace("yes", "true")).is_ok());
    /// ```
    ///
    /// # Errors
    /// As of [`Topology::from_toml`].
    pub fn from_yaml(name: &str, text: &str) -> Result<Topology, LabError> {
        Topology::of_text(name, text, Notation::Yaml)
    }

    fn of_text(name: &str, text: &str, notation: Notation) -> Result<Topology, LabError> {
        let mut sources = Sources::new();
        let (world, findings) = scenario::topology_as(&mut sources, name, text, notation);
        Topology::build(world, findings, sources)
    }

    /// Reads, checks and compiles copies of the [`Sources::texts`] of a topology that was opened, in their order.
    ///
    /// # Errors
    /// As of [`Topology::open`].
    #[cfg(feature = "cli")]
    pub(crate) fn of_copies(texts: impl IntoIterator<Item = (String, String)>) -> Result<Topology, LabError> {
        let mut sources = Sources::new();
        let (world, findings) = scenario::topology_of_texts(&mut sources, texts);
        Topology::build(world, findings, sources)
    }

    /// Checks and compiles a world that was read with `findings` from `sources`.
    ///
    /// # Errors
    /// A finding is an error, or the world breaks a limit.
    #[doc(hidden)]
    pub fn build(world: World, mut findings: Vec<Diagnostic>, sources: Sources) -> Result<Topology, LabError> {
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            let broken = partial::independent(check::check(&world), &findings, &sources);
            findings.extend(broken);
            sort_by_place(&mut findings);
            return Err(LabError::Invalid { understood: false, diagnostics: findings, sources });
        }
        let (world, mut warnings) = match check::checked(world) {
            Ok(checked) => checked,
            Err(broken) => {
                findings.extend(broken);
                sort_by_place(&mut findings);
                return Err(LabError::Invalid { understood: true, diagnostics: findings, sources });
            }
        };
        let mut topology = Topology::compiled(world, Vec::new(), Arc::new(sources));
        warnings.extend(links::warnings(&topology.world, &topology.program, &topology.names));
        sort_by_place(&mut warnings);
        findings.extend(warnings);
        topology.warnings = Arc::new(findings);
        Ok(topology)
    }

    /// What the vendor allows, but carries no traffic or surprises its owner, each with its place, in the order of the file.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.warnings.iter().map(|warning| Located { finding: warning, sources: &self.sources }.to_string())
    }

    /// Another world beside the same texts, checked and compiled as a whole; all findings where one of them is an error.
    pub(crate) fn with_world(&self, world: World) -> Result<Topology, Vec<Diagnostic>> {
        let (world, warnings) = check::checked(world)?;
        Ok(Topology::compiled(world, warnings, Arc::clone(&self.sources)))
    }

    fn compiled(world: Checked, warnings: Vec<Diagnostic>, sources: Arc<Sources>) -> Topology {
        let Compiled { program, names, index } = compile(&world, Epoch(1));
        Topology {
            world: Arc::new(world),
            program: Arc::new(program),
            names: Arc::new(names),
            index: Arc::new(index),
            sources,
            warnings: Arc::new(warnings),
        }
    }

    /// Makes the next snapshot: carries out a change that was planned for this world. Clones keep the snapshot before.
    pub(crate) fn carry_out(&mut self, change: Change) -> ChangeSet {
        let touched = change.carry_out(Arc::make_mut(&mut self.world));
        if !touched.is_nothing() {
            self.recompile(&touched);
        }
        touched
    }

    fn recompile(&mut self, touched: &ChangeSet) {
        let index = Arc::make_mut(&mut self.index);
        let (program, names) = compile::recompile(&self.world, touched, &self.program, &self.names, index);
        self.program = Arc::new(program);
        self.names = Arc::new(names);
    }
}

fn sort_by_place(findings: &mut [Diagnostic]) {
    findings.sort_by_key(|finding| finding.labels.first().map_or(Span::NONE, |label| label.span));
}
