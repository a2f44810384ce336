//! What a page shows, made anew by running its commands.
//!
//! | block | what is held |
//! |---|---|
//! | `console` | behind each `$ command` stands what it prints, standard error last, whatever its exit code; `$ echo $?` shows the code |
//! | `sh` | every line of this program succeeds |
//! | `toml` | parses; one that begins with `# NAME.toml` is the file of that name for the commands behind it |
//! | `text` | each line stands in a file that the page's commands have written |
//! | `session` | held by `tests/live`, since it needs what a machine need not have |
//! | `sql` | held by `tests/tools/parquet.rs`, for the same reason |
//! | `rust` | the lines stand in a file of `src` or `examples`, as code or in its documentation |
//! | `output` | the lines stand in a test of `src`, or in a snapshot that one takes |
//!
//! The rows of a table behind `<!-- table: NAME -->` are those of `tables`.

use crate::tables;
use crate::workspace::{Workspace, files_in, root};
use std::fs;

/// The documents of the repository's folder.
const OF_THE_REPOSITORY: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];

/// A document, named by its path from the repository's folder.
pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// The documents of the repository's folder and the pages of the manual.
pub(crate) fn all() -> Vec<Page> {
    let mut names: Vec<String> = OF_THE_REPOSITORY.iter().map(|&name| name.to_owned()).collect();
    names.extend(of_the_manual());
    names.retain(|name| root().join(name).exists());
    names.into_iter().map(|name| Page { text: fs::read_to_string(root().join(&name)).unwrap(), name }).collect()
}

/// The page called `name`.
pub(crate) fn page(name: &str) -> Page {
    all().into_iter().find(|page| page.name == name).unwrap_or_else(|| panic!("there is no page {name}"))
}

/// The names of the pages of `docs/`.
pub(crate) fn of_the_manual() -> Vec<String> {
    let files = files_in(&root().join("docs"));
    let pages = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.map(|path| path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/")).collect()
}

impl Page {
    /// The blocks of `language`, without their fences.
    pub(crate) fn blocks(&self, language: &str) -> Vec<String> {
        let opening = format!("```{language}\n");
        let rest = self.text.split(&opening).skip(1);
        rest.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
    }

    /// The one block that begins with `first`.
    pub(crate) fn block(&self, language: &str, first: &str) -> String {
        let mut found = self.blocks(language);
        found.retain(|block| block.starts_with(first));
        assert_eq!(found.len(), 1, "blocks of {language} that begin with {first:?} in {}", self.name);
        found.remove(0)
    }

    /// The page with every output and table made anew.
    pub(crate) fn remade(&self, workspace: &mut Workspace) -> String {
        let mut made = String::new();
        let mut lines = self.text.lines().peekable();
        while let Some(line) = lines.next() {
            made += &format!("{line}\n");
            if let Some(table) = line.strip_prefix("<!-- table: ") {
                made += &format!("{}\n{}\n", lines.next().unwrap(), lines.next().unwrap());
                made += &tables::rows(table.trim_end_matches(" -->"));
                while lines.next_if(|line| line.starts_with('|')).is_some() {}
            } else if let Some(language) = line.strip_prefix("```") {
                let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
                made += &self.remade_block(language, &block, workspace);
                made += "```\n";
            }
        }
        made
    }

    fn remade_block(&self, language: &str, block: &[&str], workspace: &mut Workspace) -> String {
        match language {
            "console" => return remade_console(block, workspace),
            "toml" => put_toml(block, workspace),
            "sh" => block.iter().for_each(|line| workspace.run_line(line)),
            "" => put_named(block, workspace),
            "text" | "rust" | "output" | "json" | "yaml" | "session" | "sql" => {}
            _ => panic!("{}: what is a block of {language}?", self.name),
        }
        block.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// The commands of a block, each with what it prints now. An empty line before a command stays.
fn remade_console(block: &[&str], workspace: &mut Workspace) -> String {
    let mut made = String::new();
    let lines = block.iter().enumerate().filter(|(_, line)| line.starts_with("$ "));
    assert!(block.first().is_some_and(|line| line.starts_with("$ ")), "a block of console begins with a command");
    for (index, line) in lines {
        if index > 0 && block[index - 1].is_empty() && !made.ends_with("\n\n") {
            made.push('\n');
        }
        let mut command = line["$ ".len()..].to_owned();
        let mut shown = format!("{line}\n");
        for continued in &block[index + 1..] {
            if !command.ends_with('\\') {
                break;
            }
            command.pop();
            command += continued;
            shown += &format!("{continued}\n");
        }
        let output = workspace.run(&command);
        let end = if output.is_empty() || output.ends_with('\n') { "" } else { "\n" };
        made += &format!("{shown}{output}{end}");
    }
    made
}

/// Puts a block that begins with the name of a text file where the commands of its page are run.
fn put_named(block: &[&str], workspace: &Workspace) {
    let first = block.first().and_then(|line| line.strip_prefix("# ")).and_then(|line| line.split(':').next());
    if let Some(name) = first.filter(|name| name.ends_with(".txt") && !name.contains('/')) {
        workspace.put(name, &block.iter().map(|line| format!("{line}\n")).collect::<String>());
    }
}

fn put_toml(block: &[&str], workspace: &Workspace) {
    let text: String = block.iter().map(|line| format!("{line}\n")).collect();
    toml::from_str::<toml::Table>(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let first = block[0].trim_start_matches("# ").split(':').next().unwrap();
    if first.ends_with(".toml") {
        workspace.put(first, &text);
    }
}
