//! `stetho check` on detection sets, from the command line to the report.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests that fails is a test that fails")]

mod common;

use common::Folder;
use serde_json::Value;
use stetho_core::boxes::BoxFormat;
use stetho_gallery::BoxRecipe;

#[test]
fn each_format_is_recognised_and_told() {
    for format in [BoxFormat::Coco, BoxFormat::Voc, BoxFormat::Yolo] {
        let folder = Folder::new(&format!("recognised_{format:?}"));
        let recipe = BoxRecipe::parse("classes cat dog\npictures 12 200x160 boxes 3 cat dog").unwrap();
        recipe.write(&folder.path("data"), format).unwrap();
        let result = folder.run(&["check", "data", "--format", "json"]);
        let report: Value =
            serde_json::from_str(&result.stdout).unwrap_or_else(|e| panic!("{e}: {}", result.stderr));
        assert_eq!((&report["subject"]["kind"], &report["subject"]["items"]), (&"boxes".into(), &12.into()));
        assert_eq!(report["facts"]["boxes"]["boxes"], 36);
        let text = folder.run(&["check", "data"]).stdout;
        let told = text.lines().find(|line| line.contains("layout")).unwrap_or_default();
        assert!(told.contains(format.name()), "{text}");
    }
}

#[test]
fn a_format_that_is_not_there_is_one_line() {
    let folder = Folder::new("not_there");
    BoxRecipe::parse("pictures 2 60x60 boxes 1 cat")
        .unwrap()
        .write(&folder.path("data"), BoxFormat::Voc)
        .unwrap();
    let result = folder.run(&["check", "data", "--as", "coco"]);
    assert!(result.one_line_error().contains("no COCO file"), "{}", result.stderr);
}

#[test]
fn a_table_said_to_be_boxes_is_one_line() {
    let folder = Folder::new("table_as_boxes");
    folder.write("table.csv", "a,b\n1,2\n");
    for format in ["coco", "voc", "yolo"] {
        let result = folder.run(&["check", "table.csv", "--as", format]);
        assert!(result.one_line_error().contains("`table.csv`"), "{format}: {}", result.stderr);
    }
}
