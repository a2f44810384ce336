//! `biplane completions`, `biplane man`, and the help of every command.

use super::Bench;

/// The commands of the program.
fn commands(bench: &Bench) -> Vec<String> {
    let help = bench.run(&["--help"]).out;
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let listed = listed.lines().take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_shell_gets_a_script_and_another_one_is_refused() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let told = bench.run(&["completions", shell]);
        assert_eq!((told.code, told.error.as_str()), (0, ""), "{shell}");
        for command in commands(&bench) {
            assert!(told.out.contains(&command), "{shell}: {command}");
        }
    }
    let told = bench.run(&["completions", "csh"]);
    assert!(told.code == 2 && told.error.contains("possible values: bash"), "{told}");
}

#[test]
fn each_command_has_a_page_without_an_empty_section() {
    let bench = Bench::new().write("pages/keep", "");
    let told = bench.run(&["man", "pages"]);
    assert_eq!(told.code, 0, "{told}");
    let mut found = 0;
    for entry in std::fs::read_dir(bench.path().join("pages")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "keep" {
            continue;
        }
        found += 1;
        let page = std::fs::read_to_string(&path).unwrap();
        let sections: Vec<&str> = page.split("\n.SH ").skip(1).collect();
        assert!(sections[0].starts_with("NAME\nbiplane") && sections[1].starts_with("SYNOPSIS\n"), "{name}");
        for section in sections {
            let (heading, text) = section.split_once('\n').unwrap_or((section, ""));
            let says = |line: &&str| !line.is_empty() && (!line.starts_with('.') || line.starts_with(".IP"));
            assert!(text.lines().any(|line| says(&line)), "{name}: {heading} is empty");
        }
    }
    assert_eq!(told.error, format!("{found} pages in `pages`\n"));
    for command in commands(&bench) {
        let page = bench.run(&["man", &command]);
        assert_eq!(page.out.into_bytes(), bench.read(&format!("pages/biplane-{command}.1")), "{command}");
    }
    assert_eq!(bench.run(&["man"]).out.into_bytes(), bench.read("pages/biplane.1"));
    let lookup = bench.run(&["man", "bench lookup"]);
    assert_eq!(lookup.out.into_bytes(), bench.read("pages/biplane-bench-lookup.1"));
    let told = bench.run(&["man", "reply"]);
    let why = "error: there is no command and no folder `reply`; did you mean `replay`?\n";
    assert_eq!((told.code, told.error.as_str()), (2, why));
}

#[test]
fn help_fits_eighty_columns_and_says_what_each_command_does_in_one_line() {
    let bench = Bench::new();
    let mut names = commands(&bench);
    assert!(names.len() > 15, "{names:?}");
    let short = bench.run(&["--help"]).out;
    let listed = short.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    assert_eq!(listed.lines().count(), names.len() + 1, "a summary takes more than its line:\n{listed}");
    names.extend(["bench lookup".to_owned(), "bench forward".to_owned(), String::new()]);
    for name in names {
        let words: Vec<&str> = name.split_whitespace().chain(["--help"]).collect();
        let told = bench.run(&words);
        assert_eq!((told.code, told.error.as_str()), (0, ""), "{name}");
        // The synopsis of alternatives is one word.
        let wide = told.out.lines().filter(|line| line.chars().count() > 80 && !line.starts_with("Usage:"));
        assert_eq!(wide.collect::<Vec<_>>(), [""; 0], "{name}");
    }
}
