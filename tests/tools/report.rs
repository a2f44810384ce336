//! A browser shows a page of `biplane report`, and runs nothing that it holds.

use crate::browser::Browser;
use crate::pages::{HOSTILE_ARGUMENTS, bench, company, hostile, page};
use std::path::Path;

pub(crate) fn a_browser_shows_ten_endpoints_and_ten_thousand() {
    let mut browser = Browser::start();
    let bench = bench().write("large.toml", company(10_000)).write("small.toml", company(10));
    for topology in ["small.toml", "large.toml"] {
        page(&bench, &[topology, "week.pcap", "--against", "shop.toml"]);
        read_in_browser(&mut browser, &bench.path().join("page.html"));
    }
}

pub(crate) fn a_browser_runs_nothing_that_a_file_holds() {
    let mut browser = Browser::start();
    let bench = hostile();
    page(&bench, &HOSTILE_ARGUMENTS);
    let path = bench.path().join("page.html");
    browser.open(&path);
    assert_eq!(
        browser.value("[document.scripts.length, document.styleSheets.length, document.images.length].join()"),
        "1,2,0"
    );
    assert_eq!(browser.value("document.querySelector('h1').textContent"), HOSTILE_ARGUMENTS[0]);
    assert_eq!(browser.complaints(), [""; 0]);
    assert_eq!(browser.requested(), [format!("file://{}", path.display())]);
}

/// Opens a page and holds everything a reader does against it.
fn read_in_browser(browser: &mut Browser, path: &Path) {
    browser.open(path);
    let sections =
        browser.value("Array.from(document.querySelectorAll('main > section > h2'), h => h.textContent).join()");
    assert_eq!(sections, "Summary,Changes,Planes,Drops,Connections,Reach,Usage,Findings");
    for width in [375, 900, 1440] {
        browser.set_width(width);
        let overflow = browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(overflow, 0, "at {width}");
    }
    search(browser);
    keyboard(browser);
    for scheme in ["light", "dark"] {
        browser.set_media("screen", scheme);
        let faint = browser.value(FAINT);
        assert_eq!(faint, "", "{scheme}");
    }
    print(browser);
    assert_eq!(browser.complaints(), [""; 0]);
    assert_eq!(browser.requested(), [format!("file://{}", path.display())]);
}

const SHOWN_ROWS: &str =
    "Array.from(document.getElementById('connection-rows').rows).filter(row => row.checkVisibility()).length";

fn search(browser: &mut Browser) {
    let all = browser.value(SHOWN_ROWS);
    assert_eq!(browser.value("document.querySelector('form output').textContent"), format!("{all} of {all} listed"));
    browser.press("/");
    assert_eq!(browser.value("document.activeElement.name"), "words");
    browser.type_text("SG-ingress :22");
    assert_eq!(browser.value(SHOWN_ROWS), 1);
    assert_eq!(browser.value("document.querySelector('form output').textContent"), format!("1 of {all} listed"));
    browser.press("Escape");
    assert_eq!(browser.value(SHOWN_ROWS), all);
    let choose = "{ const fate = document.forms[0].elements.fate; fate.value = 'broken'; \
                  fate.dispatchEvent(new Event('input', { bubbles: true })) }";
    browser.value(choose);
    assert_eq!(browser.value(SHOWN_ROWS), 1);
    browser.value(&choose.replace("broken", ""));
}

fn keyboard(browser: &mut Browser) {
    browser.value("document.activeElement.blur(); scrollTo(0, 0); document.body.tabIndex = -1; document.body.focus()");
    browser.press("Tab");
    assert_eq!(browser.value("document.activeElement.className"), "skip");
    assert_ne!(browser.value("getComputedStyle(document.activeElement).outlineStyle"), "none");
    browser.press("Enter");
    assert_eq!(browser.value("location.hash"), "#summary");
    // From a connection that was refused to its cause, which opens; and its summary closes it again.
    browser.value("document.querySelector('#connection-rows a').focus()");
    browser.press("Enter");
    let is_open = "new Promise(done => setTimeout(() => { const cause = document.activeElement.closest('details'); \
                   done(cause && location.hash === '#' + cause.id && cause.open) }, 100))";
    assert_eq!(browser.value(is_open), true);
    browser.press("Enter");
    assert_eq!(browser.value("document.activeElement.closest('details').open"), false);
}

/// Text whose contrast with its background is below 4.5, as words and ratio.
const FAINT: &str = r"(() => {
    const channels = color => color.match(/[\d.]+/g).map(Number);
    const light = color => {
        const [r, g, b] = channels(color).map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = element => {
        for (; element; element = element.parentElement) {
            const color = getComputedStyle(element).backgroundColor;
            if (channels(color)[3] !== 0) return color;
        }
        return getComputedStyle(document.documentElement).backgroundColor;
    };
    const found = new Set();
    for (const element of document.body.querySelectorAll('*')) {
        const hasText = Array.from(element.childNodes).some(node => node.nodeType === 3 && node.data.trim());
        if (!hasText || !element.checkVisibility() || element.tagName === 'SCRIPT' || element.tagName === 'OPTION') continue;
        const pair = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
        const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
        if (ratio < 4.5) found.add(`${element.tagName} ${element.textContent.slice(0, 20)}: ${ratio.toFixed(2)}`);
    }
    return Array.from(found).slice(0, 5).join('\n');
})()";

fn print(browser: &mut Browser) {
    browser.set_media("print", "light");
    let hidden =
        "Array.from(document.querySelectorAll('details pre')).filter(pre => pre.getClientRects().length === 0).length";
    assert_eq!(browser.value(hidden), 0, "what is closed is printed");
    assert_eq!(browser.value("document.querySelector('nav').checkVisibility()"), false);
    browser.set_media("", "");
    // `%PDF-` in base64.
    assert!(browser.print().starts_with("JVBERi0"));
}
