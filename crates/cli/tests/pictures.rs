//! `stetho check` on pictures, from the command line to the report.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests that fails is a test that fails")]

mod common;

use common::{Folder, Outcome};
use serde_json::Value;
use stetho_gallery::PictureRecipe;

const PETS: &str = "cat = 12 photos 96x96 jpeg\ndog = 12 photos 96x96 jpeg\n";

fn pictures(name: &str, recipe: &str) -> Folder {
    let folder = Folder::new(name);
    PictureRecipe::parse(recipe).unwrap().write(&folder.path("data")).unwrap();
    folder
}

fn json(result: &Outcome) -> Value {
    serde_json::from_str(&result.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", result.stdout, result.stderr))
}

fn finding<'a>(report: &'a Value, rule: &str) -> &'a Value {
    let found = report["findings"].as_array().unwrap().iter().find(|f| f["rule"] == rule);
    found.unwrap_or_else(|| panic!("no `{rule}` in {:#}", report["findings"]))
}

#[test]
fn healthy_pictures_pass_and_the_report_says_what_they_are() {
    let result = pictures("healthy_pictures", PETS).run(&["check", "data"]);
    assert_eq!((result.code, result.stderr.as_str()), (0, ""), "{}", result.stdout);
    assert!(result.stdout.contains("one folder a class"), "{}", result.stdout);
    assert!(!result.stdout.contains("warning["), "{}", result.stdout);
}

#[test]
fn one_bad_file_does_not_stop_the_audit_of_the_others() {
    let bad = "cat/cut.jpg = truncated copy of cat/3\ndog/none.png = empty\ndog/huge.png = bomb\n\
               dog/page.jpg = text \"<html>not found</html>\"\ncat/twin of 4.png = copy of cat/4 png\n";
    let result = pictures("bad_files", &format!("{PETS}{bad}")).run(&["check", "data", "--format", "json"]);
    assert_eq!(result.code, 1, "{}", result.stderr);
    let report = json(&result);
    assert_eq!(report["subject"]["kind"], "images");
    assert_eq!(report["subject"]["items"], 29);
    let unreadable = finding(&report, "unreadable-image");
    assert_eq!(unreadable["count"], 4);
    assert!(unreadable["places"].as_array().unwrap().iter().any(|p| p["path"] == "data/dog/huge.png"));
}

#[test]
fn the_page_shows_the_pictures_and_escapes_the_class() {
    let recipe = "<script>alert(1) = 8 photos 96x96\ndog = 8 photos 96x96\n\
                  dog/copy.png = copy of dog/3\n";
    let folder = pictures("page", recipe);
    let result = folder.run(&["check", "data", "--out", "report.html"]);
    assert_eq!(result.code, 0, "{}", result.stderr);
    let page = std::fs::read_to_string(folder.path("report.html")).unwrap();
    assert!(page.contains("data:image/"), "no picture on the page");
    assert!(!page.contains("<script>alert"), "the class name is not text");
    assert!(page.contains("\\u003cscript>alert(1)"), "the class is not in the report");
    let once = page.matches("data:image/").count();
    assert_eq!(once, 17, "each picture once");
}

#[test]
fn what_the_data_is_can_be_said() {
    let folder = pictures("said", PETS);
    folder.write("data/notes.csv", "a,b\n1,2\n3,4\n");
    let kind = |words: &[&str]| {
        let words = [&["check", "data", "--format", "json"][..], words].concat();
        json(&folder.run(&words))["subject"]["kind"].clone()
    };
    assert_eq!(kind(&[]), "images");
    assert_eq!(kind(&["--as", "table"]), "table");
    std::fs::create_dir(folder.path("none")).unwrap();
    let error = folder.run(&["check", "none", "--as", "images"]);
    assert!(error.one_line_error().contains("none"), "{}", error.stderr);
}
