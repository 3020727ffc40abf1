//! The report as one self-contained page: a frame, the report as data, and the script and style sheet of `web/` that
//! draw it. Nothing is requested; where no script may run, the text report stands in.

mod page_data;

use stetho_core::Document;

pub use self::page_data::PageData;
use crate::json::escaped;
use crate::text::layout::clean;
use crate::words::list_of;
use crate::{Screen, text};

const FRAME: &str = include_str!("page.html");
/// Written by `cargo xtask page`, as are the script and the hash.
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// The script's hash as a Content-Security-Policy names it: `sha256-…`.
const HASH: &str = include_str!("page.hash");

/// Writes `document` as a page.
pub fn html(document: &Document) -> String {
    let title = escape(&clean(&format!("stetho: {}", list_of(&document.subject.paths, 3))));
    let text = escape(&text(document, Screen { width: 100, color: false, all: false }));
    framed(&policy(""), &title, &text, "", &island(&PageData::of(document)))
}

/// The page of a server, which fetches its report and follows it.
pub struct LivePage {
    /// The page.
    pub html: String,
    /// Its Content-Security-Policy, to be sent as a header too.
    pub policy: String,
}

impl LivePage {
    /// A page that is titled by what it shows.
    pub fn new(title: &str) -> Self {
        let policy = policy("connect-src 'self'; ");
        let title = escape(&clean(&format!("stetho: {title}")));
        let text = "this page needs scripts; the report as JSON is at /api/document";
        Self { html: framed(&policy, &title, text, " data-live", ""), policy }
    }
}

/// What the page may do: run this one script, and beside that what `more` grants.
fn policy(more: &str) -> String {
    let hash = HASH.trim_end();
    format!(
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{hash}'; {more}base-uri 'none'; \
         form-action 'none'"
    )
}

fn framed(policy: &str, title: &str, text: &str, live: &str, report: &str) -> String {
    fill(
        FRAME,
        &[
            ("{{policy}}", policy),
            ("{{title}}", title),
            ("{{style}}", STYLE),
            ("{{text}}", text),
            ("{{live}}", live),
            ("{{report}}", report),
            ("{{script}}", SCRIPT),
        ],
    )
}

/// The report that a page written by [`html()`] holds.
///
/// # Errors
/// Says what is not as it should be.
pub fn report_of(page: &str) -> Result<Document, String> {
    let opening = "<script type=\"application/json\" id=\"report\">";
    let island = page.split_once(opening).and_then(|(_, rest)| rest.split_once("</script>"));
    let (json, _) = island.ok_or("it is not a report that stetho wrote")?;
    let data: PageData =
        serde_json::from_str(json).map_err(|e| format!("the report in it cannot be read: {e}"))?;
    Ok(data.into_document())
}

/// Puts each value into its slot. Values are not searched for slots.
fn fill(frame: &str, slots: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = frame;
    for (slot, value) in slots {
        let Some((before, after)) = rest.split_once(slot) else { continue };
        out.push_str(before);
        out.push_str(value);
        rest = after;
    }
    out + rest
}

/// JSON that no parser of HTML takes for the end of its element, with hidden characters spelled out.
fn island(data: &PageData) -> String {
    let json = serde_json::to_string(data).unwrap_or_else(|_| "null".into());
    escaped(json).replace('<', "\\u003c")
}

/// `text` with the five characters escaped that mean something in HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_searched_for_slots() {
        assert_eq!(fill("{{a}}-{{b}}", &[("{{a}}", "{{b}}"), ("{{b}}", "2")]), "{{b}}-2");
    }

    #[test]
    fn what_means_something_in_html_is_escaped() {
        assert_eq!(escape("<b a='1'>&\""), "&lt;b a=&#39;1&#39;&gt;&amp;&quot;");
    }

    #[test]
    fn the_script_cannot_end_its_element() {
        assert!(!SCRIPT.contains("</script") && !STYLE.contains("</style"));
        assert!(HASH.trim_end().starts_with("sha256-"));
    }
}
