//! Pages as plain text, and the table of all of them.

use super::{CodePage, all, codes, foretold_by};
use crate::check::preflight::PREFLIGHT_RULES;
use crate::diag::{ProblemKind, ProblemRecord, Severity};
use std::fmt::Write;

/// Width of a page in columns where nothing else is wanted; only addresses on the web may be longer.
pub const WIDTH: usize = 90;

/// The page as plain text, at most `width` columns wide where words allow, but for its title.
pub fn render(page: &ProblemRecord, width: usize) -> String {
    let wrap = |out: &mut String, text: &str, first: &str, next: &str| wrap(out, text, [first, next], width);
    let mut text = format!("{}: {}\n{}\n\n", page.id, page.summary, page.kind);
    wrap(&mut text, &sentence(page.meaning), "", "");
    let foretold_by = foretold_by(page);
    if let Some(rule) = foretold_by {
        text.push('\n');
        let who = if PREFLIGHT_RULES.contains(&rule) { "`check --link` tells" } else { "`check` warns" };
        let also = format!("{who} of it: {}. {}", rule.summary, sentence(rule.meaning));
        wrap(&mut text, &also, "", "");
    }
    text.push('\n');
    let example = match page.kind {
        ProblemKind::Drop(_) | ProblemKind::Undetermined(_) => page.example.to_owned(),
        ProblemKind::Rule(_) | ProblemKind::File => finding(page),
        ProblemKind::Hint => format!("{}: {}", page.id, page.example),
    };
    wrap(&mut text, &example, "example  ", "         ");
    if let Some(rule) = foretold_by {
        wrap(&mut text, &finding(rule), "check    ", "         ");
    }
    wrap(&mut text, &sentence(page.remedy), "remedy   ", "         ");
    wrap(&mut text, page.source, "source   ", "         ");
    text
}

/// The page of an error code as plain text, at most `width` columns wide where words allow, but for its title.
pub fn render_code(page: &CodePage, width: usize) -> String {
    let wrap = |out: &mut String, text: &str, first: &str, next: &str| wrap(out, text, [first, next], width);
    let code = page.code;
    let mut text = format!("{code}: {}\nerror code of the vendor's operations\n\n", page.title());
    let meaning = "An operation that is refused changes nothing. Operations are steps of scenarios; `check --link` answers \
                   with the codes of AttachClassicLinkVpc before a link exists.";
    wrap(&mut text, meaning, "", "");
    text.push('\n');
    wrap(&mut text, &format!("expect = {{ error = \"{code}\" }}"), "example  ", "         ");
    for cause in &page.causes {
        text.push('\n');
        let status = cause.status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
        let called = if cause.code == code { String::new() } else { format!("; told as {} here", cause.code) };
        wrap(&mut text, &format!("{}{status}{called}", cause.summary), "cause    ", "         ");
        wrap(&mut text, &sentence(cause.remedy), "remedy   ", "         ");
        wrap(&mut text, cause.source, "source   ", "         ");
    }
    text
}

/// The first line of a finding, as `check` prints it.
fn finding(record: &ProblemRecord) -> String {
    let severity = if record.kind.severity() == Severity::Error { "error" } else { "warning" };
    format!("{severity}[{}]: {}", record.id, record.example)
}

/// All pages, a line each: id and title.
pub fn table() -> String {
    let codes = codes();
    let ids = all().map(|page| page.id).chain(codes.iter().map(|page| page.code));
    let width = ids.map(str::len).max().unwrap_or(0);
    let mut text = String::new();
    let mut last = None;
    for page in all() {
        let heading = match page.kind {
            ProblemKind::Drop(_) | ProblemKind::Undetermined(_) => "Reasons, in the order of the stages",
            ProblemKind::Rule(_) => "\nRules of `biplane check`",
            ProblemKind::File => "\nProblems of files",
            ProblemKind::Hint => "\nHints of `biplane replay`",
        };
        if last.replace(heading) != Some(heading) {
            text.push_str(heading);
            text.push('\n');
        }
        writeln!(text, "  {:width$}  {}", page.id, page.summary).expect("a string takes all");
    }
    text.push_str("\nError codes of the vendor's operations\n");
    for page in codes {
        writeln!(text, "  {:width$}  {}", page.code, page.title()).expect("a string takes all");
    }
    text
}

/// What a rule says in a note becomes a sentence on a page; what is one already stays.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let end = if text.ends_with('.') { "" } else { "." };
    first.chain(letters).chain(end.chars()).collect()
}

/// Appends `text`, broken between words to lines of `width` columns: `first` before the first one, `next` before the
/// others.
fn wrap(out: &mut String, text: &str, [first, next]: [&str; 2], width: usize) {
    let mut column = 0;
    for (index, word) in text.split_whitespace().enumerate() {
        let length = word.chars().count();
        if index == 0 {
            out.push_str(first);
            column = first.len();
        } else if column + 1 + length > width {
            out.push('\n');
            out.push_str(next);
            column = next.len();
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::page;

    #[test]
    fn a_page_reads_as_plain_text() {
        let page = page("route-duplicate").expect("a page");
        assert_eq!(
            render(page, WIDTH),
            "route-duplicate: two custom routes of one table have the same destination\n\
             error of check\n\
             \n\
             A destination is unique in its table; CreateRouteEntry answers InvalidCIDRBlock.Duplicate.\n\
             \n\
             example  error[route-duplicate]: the system table of `vpc-a` has two routes to\n         `192.168.7.0/24`\n\
             remedy   Remove one of the two.\n\
             source   https://help.aliyun.com/en/vpc/developer-reference/api-vpc-2016-04-28-createrouteentry\n"
        );
    }

    #[test]
    fn pages_keep_to_their_width_but_for_addresses() {
        for page in all() {
            for line in render(page, WIDTH).lines().skip(1) {
                assert!(line.chars().count() <= WIDTH || line.contains("https://"), "{line}");
            }
        }
        for page in codes() {
            for line in render_code(&page, WIDTH).lines().skip(1) {
                assert!(line.chars().count() <= WIDTH || line.contains("https://"), "{line}");
            }
        }
    }

    #[test]
    fn the_table_has_a_line_for_every_page() {
        let table = table();
        for page in all() {
            assert!(table.lines().any(|line| line.trim_start().starts_with(page.id) && line.ends_with(page.summary)));
        }
        for page in codes() {
            assert!(
                table.lines().any(|line| line.trim_start().starts_with(page.code) && line.ends_with(&page.title()))
            );
        }
        assert!(table.lines().all(|line| line.chars().count() <= 170));
    }
}
