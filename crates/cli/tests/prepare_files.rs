//! `stetho prepare` on pictures and boxes: each remedy takes its finding away, and the source stays as it was.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests that fails is a test that fails")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::Folder;
use serde_json::Value;
use stetho_core::boxes::BoxFormat;
use stetho_gallery::{BoxRecipe, PictureRecipe};

/// Every file below a folder with its content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn found(folder: &Folder, path: &str) -> BTreeSet<String> {
    let result = folder.run(&["check", path, "--format", "json"]);
    let report: Value =
        serde_json::from_str(&result.stdout).unwrap_or_else(|e| panic!("{e}: {}", result.stderr));
    report["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap().to_owned()).collect()
}

/// Prepares `data`; it must work, and leave the source as it was.
#[track_caller]
fn prepare(folder: &Folder, words: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let before = files(&folder.path("data"));
    let all: Vec<&str> = ["prepare", "data", "--out", "out"].iter().chain(words).copied().collect();
    let result = folder.run(&all);
    assert_eq!((result.code, result.stderr.as_str()), (0, ""), "{}", result.stdout);
    assert_eq!(files(&folder.path("data")), before, "the source was changed");
    files(&folder.path("out/data"))
}

fn pictures(name: &str, recipe: &str) -> Folder {
    let folder = Folder::new(&format!("prepare_{name}"));
    PictureRecipe::parse(recipe).unwrap().write(&folder.path("data")).unwrap();
    folder
}

fn boxes(name: &str, recipe: &str, format: BoxFormat) -> Folder {
    let folder = Folder::new(&format!("prepare_{name}_{format:?}"));
    BoxRecipe::parse(recipe).unwrap().write(&folder.path("data"), format).unwrap();
    folder
}

const PETS: &str = "cat = 8 photos 128x128\ndog = 8 photos 128x128\n";

#[test]
fn pictures_that_rules_name_are_left_out() {
    for (rule, bad, gone) in [
        ("unreadable-image", "cat/cut.jpg = truncated copy of cat/1\n", &["cat/cut.jpg"][..]),
        ("duplicate-images", "cat/twin.bmp = copy of cat/3\n", &["cat/twin.bmp"]),
        (
            "near-duplicate-images",
            "cat/small.jpg = copy of cat/3 resized 0.5 quality 60\n",
            &["cat/small.jpg"],
        ),
        ("image-conflicting-labels", "dog/again.png = copy of cat/3\n", &["cat/3.png", "dog/again.png"]),
    ] {
        let folder = pictures(rule, &format!("{PETS}{bad}"));
        folder.write("data/README", "about these pictures");
        assert!(found(&folder, "data").contains(rule), "{rule}");
        let copy = prepare(&folder, &["--drop", rule]);
        let mut expected = files(&folder.path("data"));
        for name in gone {
            assert!(expected.remove(*name).is_some(), "{name}");
        }
        assert!(copy == expected, "{rule}: {:?}", copy.keys());
        assert!(!found(&folder, "out/data").contains(rule), "{rule}");
        let receipt = std::fs::read_to_string(folder.path("out/receipt.md")).unwrap();
        assert!(receipt.contains(&format!("| checked | nothing found by `{rule}` |")), "{receipt}");
    }
}

#[test]
fn pictures_in_several_parts_leave_the_training_part() {
    let recipe = "train/cat = 8 photos 96x96\ntrain/dog = 8 photos 96x96\nval/cat = 4 photos 96x96\n\
                  val/dog = 4 photos 96x96\nval/cat/again.jpg = copy of train/cat/3 quality 70\n";
    let folder = pictures("image_overlap", recipe);
    assert!(found(&folder, "data").contains("image-split-overlap"));
    let copy = prepare(&folder, &["--drop", "overlap"]);
    assert!(!copy.contains_key("train/cat/3.png") && copy.contains_key("val/cat/again.jpg"));
    assert!(!found(&folder, "out/data").contains("image-split-overlap"));
}

#[test]
fn pictures_are_split_by_class_with_copies_on_one_side() {
    let recipe = "cat = 40 photos 96x96\ndog = 20 photos 96x96\ncat/a.jpg = copy of cat/3 quality 70\n\
                  cat/b.png = copy of cat/5\n";
    let folder = pictures("image_split", recipe);
    let copy = prepare(&folder, &["--split", "0.5/0.25/0.25", "--seed", "4"]);
    let source = files(&folder.path("data"));
    let side = |name: &str| {
        let parts: Vec<&str> = ["train", "validation", "test"]
            .into_iter()
            .filter(|p| copy.contains_key(&format!("{p}/{name}")))
            .collect();
        assert_eq!(parts.len(), 1, "{name}: {parts:?}");
        assert_eq!(copy[&format!("{}/{name}", parts[0])], source[name]);
        parts[0]
    };
    assert_eq!(copy.len(), source.len());
    assert_eq!((side("cat/a.jpg"), side("cat/b.png")), (side("cat/3.png"), side("cat/5.png")));
    let dogs = |part: &str| (0..20).filter(|i| side(&format!("dog/{i}.png")) == part).count();
    assert_eq!([dogs("train"), dogs("validation"), dogs("test")], [10, 5, 5]);
    assert!(!found(&folder, "out/data").contains("image-split-overlap"));
    std::fs::remove_dir_all(folder.path("out")).unwrap();
    assert!(copy == prepare(&folder, &["--split", "0.5/0.25/0.25", "--seed", "4"]), "not the same again");
}

#[test]
fn classes_of_pictures_are_balanced_in_the_training_part() {
    let recipe = "cat = 44 photos 96x96\ndog = 8 photos 96x96\n";
    for how in ["up", "down"] {
        let folder = pictures(&format!("image_balance_{how}"), recipe);
        let copy = prepare(&folder, &["--split", "0.75/0.25", "--balance", how]);
        let count = |start: &str| copy.keys().filter(|name| name.starts_with(start)).count();
        let n = if how == "up" { 33 } else { 6 };
        assert_eq!((count("train/cat/"), count("train/dog/")), (n, n), "{how}");
        assert_eq!((count("validation/cat/"), count("validation/dog/")), (11, 2));
        assert!(!found(&folder, "out/data").contains("image-class-imbalance"));
        for path in ["out/data", "out/data/train"] {
            let again = folder.run(&["prepare", path, "--out", "again", "--split", "0.5/0.5"]);
            assert!(again.one_line_error().contains("was resampled"), "{}", again.stderr);
        }
    }
    let folder = pictures("image_weights", recipe);
    prepare(&folder, &["--balance", "weights"]);
    let weights = std::fs::read_to_string(folder.path("out/weights.csv")).unwrap();
    assert_eq!(weights, format!("class,weight,count\ncat,{},44\ndog,3.25,8\n", 52.0 / 88.0));
    let of_pictures = std::fs::read_to_string(folder.path("out/sample_weights.csv")).unwrap();
    assert!(of_pictures.contains("data/dog/7.png,3.25\n"), "{of_pictures}");
    for how in ["up", "down"] {
        let result = folder.run(&["prepare", "data", "--out", "o", "--balance", how]);
        assert!(result.one_line_error().contains("resampling before splitting"), "{}", result.stderr);
    }
}

#[test]
fn pictures_move_to_the_folder_of_their_label() {
    let folder = pictures("image_labels", PETS);
    folder.write("fix.csv", "path,label\ndata/cat/1.png,dog\ncat/2.png,bird\n");
    let copy = prepare(&folder, &["--fix-labels", "fix.csv"]);
    let source = files(&folder.path("data"));
    assert!(!copy.contains_key("cat/1.png") && !copy.contains_key("cat/2.png"));
    // `dog/1.png` is another picture
    assert_eq!((&copy["dog/1.png"], &copy["dog/1_2.png"]), (&source["dog/1.png"], &source["cat/1.png"]));
    assert_eq!(copy["bird/2.png"], source["cat/2.png"]);
    for (text, words) in [
        ("path,label\ncat/99.png,dog\n", "there is no picture `cat/99.png`"),
        ("path,label\ncat/1.png,../dog\n", "cannot be the name of a folder"),
    ] {
        folder.write("bad.csv", text);
        let result = folder.run(&["prepare", "data", "--out", "bad", "--fix-labels", "bad.csv"]);
        assert!(result.one_line_error().contains(words), "{}", result.stderr);
        assert!(!folder.path("bad").exists());
    }
}

const ODD: &str = "classes cat dog\npictures 4 320x240 boxes 8 cat dog\npicture odd 320x240\n\
                   box cat 40 50 140 150\nbox dog 100 100 104 103\nbox cat 41 50 140 151\nbox dog 200 100 300 220\n";

#[test]
fn boxes_that_rules_name_are_left_out_in_each_format() {
    for format in [BoxFormat::Coco, BoxFormat::Voc, BoxFormat::Yolo] {
        let folder = boxes("boxes", ODD, format);
        let before = found(&folder, "data");
        assert!(before.contains("tiny-box") && before.contains("duplicate-box"), "{before:?}");
        let copy = prepare(&folder, &["--drop", "duplicates", "--min-box", "10"]);
        let after = found(&folder, "out/data");
        assert!(!after.contains("tiny-box") && !after.contains("duplicate-box"), "{format:?}: {after:?}");
        let source = files(&folder.path("data"));
        let changed: Vec<&String> =
            source.keys().filter(|name| copy.get(*name) != source.get(*name)).collect();
        assert_eq!((copy.len(), changed.len()), (source.len(), 1), "{format:?}: {changed:?}");
        let receipt: Value =
            serde_json::from_str(&std::fs::read_to_string(folder.path("out/receipt.json")).unwrap()).unwrap();
        let changes = receipt["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 2, "{format:?}");
        assert!(changes.iter().any(|c| c["by"] == "min-box" && c["before"]["class"] == "dog"));
        let report = folder.run(&["check", "out/data", "--format", "json"]);
        let report: Value = serde_json::from_str(&report.stdout).unwrap();
        assert_eq!(report["facts"]["boxes"]["boxes"], 34);
    }
}

#[test]
fn degenerate_boxes_and_boxes_outside_are_dropped() {
    let recipe = "classes cat dog\npictures 8 320x240 boxes 2 cat dog\npicture odd 320x240\n\
                  box cat 40 50 40 120\nbox dog 250 50 340 120\nbox cat 100 100 180 190\n";
    for format in [BoxFormat::Coco, BoxFormat::Voc] {
        let folder = boxes("bad_boxes", recipe, format);
        let before = found(&folder, "data");
        assert!(before.contains("degenerate-box") && before.contains("box-out-of-image"), "{before:?}");
        prepare(&folder, &["--drop", "degenerate,box-out-of-image"]);
        let after = found(&folder, "out/data");
        assert!(!after.contains("degenerate-box") && !after.contains("box-out-of-image"), "{after:?}");
    }
}

#[test]
fn what_files_cannot_have_is_one_line() {
    let folder = pictures("files_refused", "cat = 3 photos 64x64\n");
    folder.write("pictures.csv", "path,label\ndata/cat/0.png,cat\ndata/cat/1.png,dog\n");
    for (words, expected) in [
        (
            &["prepare", "data", "--out", "out", "--scale"][..],
            "--scale is for tables, and these are pictures",
        ),
        (&["prepare", "data", "--out", "out", "--min-box", "2"], "--min-box is for pictures with boxes"),
        (&["prepare", "data", "--out", "data/out", "--split", "0.5/0.5"], "lies inside `data`"),
        (&["prepare", "data", "--out", "out", "--drop", "tiny"], "finds nothing in pictures"),
        (
            &["prepare", "pictures.csv", "--as", "images", "--out", "out", "--drop", "duplicates"],
            "`pictures.csv` is not a folder",
        ),
    ] {
        let result = folder.run(words);
        assert!(result.one_line_error().contains(expected), "{words:?}: {}", result.stderr);
        assert!(!folder.path("out").exists());
    }
}
