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

#[cfg(unix)]
#[test]
fn a_cyclic_link_does_not_hang_and_pictures_count_once() {
    let folder = pictures("cyclic_link", PETS);
    std::os::unix::fs::symlink("..", folder.path("data/cat/up")).unwrap();
    std::os::unix::fs::symlink("self", folder.path("data/self")).unwrap();
    let report = json(&folder.run(&["check", "data", "--format", "json"]));
    assert_eq!(report["subject"]["items"], 24, "{:#}", report["facts"]);
}

#[test]
fn names_may_have_spaces_letters_of_all_scripts_and_line_breaks() {
    let folder = pictures("odd_names", PETS);
    let odd = "data/cat/two words 猫 ü\nsecond line.jpg";
    std::fs::copy(folder.path("data/dog/3.jpg"), folder.path(odd)).unwrap();
    let result = folder.run(&["check", "data", "--format", "json"]);
    let report = json(&result);
    assert_eq!(report["subject"]["items"], 25);
    let conflict = finding(&report, "image-conflicting-labels");
    assert!(conflict["places"].as_array().unwrap().iter().any(|p| p["a"] == odd), "{conflict:#}");
    let text = folder.run(&["check", "data"]).stdout;
    assert!(
        text.contains("two words 猫 ü\\nsecond line.jpg"),
        "a line break is written as an escape: {text}"
    );
}

#[test]
fn empty_files_alone_are_findings_and_not_the_end() {
    let recipe = "cat = 6 photos\ncat/a.png = empty\ncat/b.jpg = empty\n";
    let result = pictures("empty_files", recipe).run(&["check", "data", "--format", "json"]);
    let report = json(&result);
    assert_eq!((result.code, &finding(&report, "unreadable-image")["count"]), (1, &2.into()));
}

#[test]
fn a_list_may_name_pictures_that_are_not_there() {
    let folder = pictures("missing_pictures", "pics = 8 photos 96x96\n");
    let rows: String = (0..10).map(|i| format!("pics/{i}.png,{}\n", i % 2)).collect();
    folder.write("data/labels.csv", &format!("path,label\n{rows}"));
    let result = folder.run(&["check", "data", "--format", "json"]);
    let report = json(&result);
    let missing = finding(&report, "unreadable-image");
    assert_eq!((result.code, &missing["count"]), (1, &2.into()));
    let places = missing["places"].as_array().unwrap();
    assert!(places.iter().any(|p| p["path"].as_str().unwrap().ends_with("pics/9.png")), "{places:?}");
}

#[test]
fn folders_without_pictures_are_one_line() {
    let folder = Folder::new("no_pictures");
    folder.write("data/notes.txt", "nothing to see");
    let error = folder.run(&["check", "data", "--as", "images"]);
    assert!(error.one_line_error().contains("`data`"), "{}", error.stderr);
}

#[test]
fn the_wrong_kind_is_one_line() {
    let folder = pictures("wrong_kind", PETS);
    folder.write("table.csv", "a,b\n1,2\n3,4\n");
    for (data, kind) in [("data", "table"), ("table.csv", "images")] {
        let error = folder.run(&["check", data, "--as", kind]);
        assert!(error.one_line_error().contains(data), "`--as {kind}` on {data}: {}", error.stderr);
    }
    for kind in ["coco", "voc", "yolo"] {
        folder.run(&["check", "data", "--as", kind]).one_line_error();
    }
}

#[test]
fn what_was_detected_is_told_for_every_layout() {
    let head = |folder: &Folder, data: &str| {
        let result = folder.run(&["check", data]);
        assert_eq!((result.code, result.stderr.as_str()), (0, ""), "{}", result.stdout);
        let layout = result.stdout.lines().find(|l| l.trim_start().starts_with("layout"));
        layout.unwrap_or_else(|| panic!("{}", result.stdout)).to_owned()
    };
    assert!(head(&pictures("layout_folders", PETS), "data").contains("one folder a class"));
    let listed = pictures("layout_list", "pics = 8 photos 96x96\n");
    let rows = |line: &dyn Fn(usize) -> String| (0..8).map(|i| line(i) + "\n").collect::<String>();
    listed.write("data/labels.csv", &format!("path,label\n{}", rows(&|i| format!("pics/{i}.png,{}", i % 2))));
    assert!(head(&listed, "data").contains("list"));
    let lines = pictures("layout_jsonl", "pics = 8 photos 96x96\n");
    let line = |i| format!("{{\"path\": \"pics/{i}.png\", \"label\": \"{}\"}}", i % 2);
    lines.write("data/labels.jsonl", &rows(&line));
    assert!(head(&lines, "data").contains("list"));
    let split = "train/cat = 6 photos 96x96\ntrain/dog = 6 photos 96x96\nval/cat = 4 photos 96x96\nval/dog = 4 photos 96x96\n";
    let split = pictures("layout_split", split);
    assert!(head(&split, "data").contains("folder"));
    assert!(split.run(&["check", "data"]).stdout.contains("12 train, 8 validation"));
}
