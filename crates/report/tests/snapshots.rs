//! Every format, drawn from one document with one of everything.
//!
//! A test fails when a drawing changes; `INSTA_UPDATE=always cargo test -p stetho-report` accepts the change.

mod common;

use insta::assert_snapshot;
use stetho_core::Document;
use stetho_report::{Screen, explain, html, json, rules_json, rules_text, sarif, text};

#[test]
fn text_at_eighty_columns() {
    assert_snapshot!(text(&common::full(), Screen::default()));
}

#[test]
fn text_with_everything() {
    assert_snapshot!(text(&common::full(), Screen { width: 110, all: true, ..Screen::default() }));
}

#[test]
fn text_in_colour() {
    let colour = text(&common::full(), Screen { color: true, ..Screen::default() });
    let plain = text(&common::full(), Screen::default());
    let mut stripped = String::new();
    for piece in colour.split('\u{1b}') {
        stripped.push_str(
            piece.split_once('m').filter(|(code, _)| code.starts_with('[')).map_or(piece, |(_, t)| t),
        );
    }
    assert_eq!(stripped, plain, "colour adds nothing but colour");
    assert_snapshot!(colour.replace('\u{1b}', "␛"));
}

#[test]
fn text_on_a_narrow_screen_stays_within_it() {
    let narrow = text(&common::full(), Screen { width: 40, ..Screen::default() });
    let copyable = ["df = ", "features = ", "x = ", "stetho "];
    for line in narrow.lines().filter(|l| !copyable.iter().any(|c| l.contains(c))) {
        assert!(line.chars().count() <= 40, "{line:?}\n{narrow}");
    }
}

#[test]
fn text_of_a_healthy_table() {
    assert_snapshot!(text(&common::healthy(), Screen::default()));
}

#[test]
fn text_of_a_detection_set() {
    assert_snapshot!(text(&common::detection(), Screen::default()));
}

#[test]
fn text_of_two_runs() {
    assert_snapshot!(text(&common::runs(), Screen::default()));
}

#[test]
fn text_of_a_preflight() {
    assert_snapshot!(text(&common::preflight(), Screen::default()));
}

#[test]
fn text_of_a_preflight_on_a_narrow_screen_stays_within_it() {
    let narrow = text(&common::preflight(), Screen { width: 44, ..Screen::default() });
    let mut lines = narrow.lines().filter(|line| !line.contains("stetho "));
    assert!(lines.all(|line| line.chars().count() <= 44), "{narrow}");
    assert!(
        narrow.contains("✗ overfit one batch") && narrow.contains("skipped: the inputs are no tokens"),
        "{narrow}"
    );
}

#[test]
fn pictures_of_the_first_batch_are_set_apart_on_the_page_and_come_back() {
    let document = common::preflight();
    let page = html(&document);
    assert_eq!(page.matches("data:image/png;base64,iVBORw0KGgo").count(), 1);
    assert_eq!(json(&stetho_report::report_of(&page).unwrap()).unwrap(), json(&document).unwrap());
}

#[test]
fn text_of_an_interrupted_check_says_so_twice() {
    let partial = Document { partial: true, ..common::full() };
    let text = text(&partial, Screen::default());
    assert_eq!(text.matches("partial: interrupted").count(), 2);
}

#[test]
fn json_document() {
    let document = common::full();
    let json = json(&document).unwrap();
    let back: Document = serde_json::from_str(&json).unwrap();
    assert_eq!(json, stetho_report::json(&back).unwrap());
    assert_snapshot!(json);
}

#[test]
fn sarif_log() {
    assert_snapshot!(sarif(&common::full(), common::RULES.iter().map(|e| &e.info)).unwrap());
}

#[test]
fn html_page_is_a_frame_with_the_report_and_the_text_for_browsers_without_scripts() {
    let document = common::full();
    let page = html(&document);
    let head = page.split("<style>").next().unwrap();
    assert!(head.contains("script-src 'sha256-") && head.contains("default-src 'none'"), "{head}");
    assert!(head.contains("<title>stetho: wine data.csv</title>"), "{head}");
    let plain =
        page.split("<noscript><pre>").nth(1).and_then(|rest| rest.split("</pre></noscript>").next()).unwrap();
    assert!(plain.contains("error[conflicting-labels]"), "{plain}");
    assert!(page.contains("\"rule\":\"conflicting-labels\""));
}

#[test]
fn html_of_a_healthy_table() {
    let page = html(&common::healthy());
    assert!(page.contains("nothing found"));
    assert!(page.contains("\"findings\":[]"));
}

#[test]
fn explained_rule() {
    assert_snapshot!(explain(&common::RULES[0].info, Screen::default()));
}

#[test]
fn table_of_rules() {
    let rules = || common::RULES.iter().map(|e| &e.info);
    assert_snapshot!(rules_text(rules(), Screen::default()));
    assert_snapshot!(rules_json(rules()).unwrap());
}
