//! The report for a terminal: what was read, what was found, what could not be judged, what to type next.

mod checklist;
mod draw;
mod finding;
mod foot;
mod head;
pub(crate) mod layout;
pub(crate) mod page;
mod runs;

pub(crate) use finding::severity_tone;
use page::Page;
pub use page::Screen;
use stetho_core::Document;

use crate::TableFacts;

/// Writes `document` for a terminal of the given width. No line is wider, but for names and code that a person
/// should be able to copy whole.
pub fn text(document: &Document, screen: Screen) -> String {
    let facts = TableFacts::from_document(document);
    let mut page = Page::new(screen);
    head::write(&mut page, document, facts.as_ref());
    for finding in &document.findings {
        page.gap();
        finding::write(&mut page, finding);
    }
    page.gap();
    foot::write(&mut page, document, facts.as_ref());
    page.finish()
}
