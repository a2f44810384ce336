//! `biplane replay --as-scenario`: what a replay gave becomes what a scenario expects.

use super::Failure;
use super::arguments::Replay;
use super::output::Terminal;
use crate::capture::CaptureFile;
use crate::files::{Inputs, OutputFile};
use crate::lab::Topology;
use crate::replay::scenario::replay_expectation;
use crate::replay::{Adjustments, Replayed};
use crate::report::counted;
use crate::scenario::{ReplayScenario, STANDARD_INPUT};
use crate::text::shown_path;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

/// A scenario that is being written.
pub(super) struct NewScenario<'a> {
    arguments: &'a Replay,
    path: &'a Path,
    file: OutputFile,
}

impl<'a> NewScenario<'a> {
    /// Begins the one that is asked for, before anything is replayed.
    pub(super) fn begin(
        arguments: &'a Replay,
        files: &[CaptureFile],
        topology: &Topology,
    ) -> Result<Option<NewScenario<'a>>, Failure> {
        let Some(path) = arguments.as_scenario.as_deref() else { return Ok(None) };
        refuse_unspeakable(arguments, topology)?;
        if OutputFile::is_standard_output(path) {
            return Err(refused("a scenario names its files from its own folder: give --as-scenario a file"));
        }
        let mut inputs = Inputs::default();
        files.iter().for_each(|file| inputs.add(&file.path, "capture"));
        topology.sources.paths().for_each(|path| inputs.add(path, "topology"));
        let file = OutputFile::create(path, &inputs)?;
        Ok(Some(NewScenario { arguments, path, file }))
    }

    /// Writes it; what a damaged or interrupted replay gave is nothing to expect.
    pub(super) fn finish(
        mut self,
        topology: &Topology,
        replayed: &Replayed,
        terminal: &mut Terminal,
    ) -> Result<(), Failure> {
        let shown = shown_path(self.path);
        if replayed.interrupted || !replayed.damage.is_empty() {
            terminal.tell(&format!("note: `{shown}` was not written: the capture was not read to its end"));
            return Ok(());
        }
        let [capture] = &self.arguments.captures[..] else { return Ok(()) };
        let (topology_path, capture) = (self.relative(&self.arguments.topology)?, self.relative(capture)?);
        let title = format!("{capture} in {topology_path}");
        let scenario = ReplayScenario {
            title: &title,
            topology: &topology_path,
            capture: &capture,
            inject: &self.arguments.attribution.inject,
            map: &self.arguments.attribution.map,
            strict_tcp: self.arguments.fabric.strict_tcp,
            holds: &replay_expectation(topology, &replayed.tally),
        };
        self.file.write_all(scenario.text().as_bytes())?;
        self.file.finish()?;
        let frames = counted(replayed.tally.frames(), "frame");
        terminal.tell(&format!("`{shown}` expects what became of {frames}: `biplane run {shown}` holds it"));
        Ok(())
    }

    /// A path from the folder of the scenario.
    fn relative(&self, path: &Path) -> Result<String, Failure> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let unreadable = |error: io::Error| Failure::Message(format!("cannot find `{}`: {error}", shown_path(path)));
        let (folder, target) = (folder.canonicalize().map_err(unreadable)?, path.canonicalize().map_err(unreadable)?);
        let relative = from_folder(&folder, &target);
        let text = relative.to_str().ok_or_else(|| refused("a scenario holds UTF-8 text, and a path is none"))?;
        Ok(text.replace('\\', "/"))
    }
}

/// Refuses what a step of a scenario cannot say.
fn refuse_unspeakable(arguments: &Replay, topology: &Topology) -> Result<(), Failure> {
    let is_input = |path: &Path| path == Path::new(STANDARD_INPUT);
    let Replay { topology: topology_path, captures, .. } = arguments;
    if is_input(topology_path) || captures.iter().any(|path| is_input(path)) {
        return Err(refused("a scenario names files, and `-` is none"));
    }
    if captures.len() != 1 {
        return Err(refused("a step of a scenario replays one capture, or one folder of captures"));
    }
    if arguments.fabric.mtu.is_some() || arguments.attribution.frames.adjustments() != Adjustments::default() {
        let what = "a scenario has --inject, --map and --strict-tcp, and neither --mtu nor options about what a capture \
                    holds; the MTU is a key of the topology";
        return Err(refused(what));
    }
    if arguments.timing && !topology.world.timing.is_on {
        return Err(refused("its topology has to say so where rates act: set `timing = true` in `[fabric]`"));
    }
    Ok(())
}

fn refused(why: &str) -> Failure {
    Failure::Message(format!("cannot write a scenario: {why}"))
}

/// Where `target` is, seen from `folder`; both without links and detours.
fn from_folder(folder: &Path, target: &Path) -> PathBuf {
    let (mut from, mut to) = (folder.components().peekable(), target.components().peekable());
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    // Another drive cannot be reached by going up.
    if matches!(to.peek(), Some(Component::Prefix(_))) {
        return target.to_owned();
    }
    let up = from.map(|_| Component::ParentDir);
    up.chain(to).collect()
}

#[cfg(test)]
mod tests {
    use super::from_folder;
    use std::path::Path;

    #[test]
    fn a_path_goes_up_as_far_as_it_must() {
        let seen = |folder: &str, target: &str| from_folder(Path::new(folder), Path::new(target)).display().to_string();
        assert_eq!(seen("/a/b", "/a/b/c.pcap"), "c.pcap");
        assert_eq!(seen("/a/b/tests", "/a/b/c/d.pcap"), "../c/d.pcap");
        assert_eq!(seen("/a", "/x.toml"), "../x.toml");
    }
}
