//! Sets as strangers lay them out.

use stetho_core::boxes::{BoxClass, BoxFormat, PictureState};
use stetho_core::table::Part;
use stetho_read::{DataKind, Plan};

use crate::support::{Folder, check, is_boxes, malformed, plan, read, told};

const XML: &str = "<annotation><filename>NAME</filename><size><width>40</width><height>20</height></size>\n\
                   <object><name>cat &amp; dog</name><difficult>1</difficult>\n\
                   <part><name>head</name><bndbox><xmin>9</xmin></bndbox></part>\n\
                   <bndbox><xmin>1</xmin><ymin>2.5</ymin><xmax>40</xmax><ymax>20</ymax></bndbox></object></annotation>";

fn coco(names: &[&str]) -> String {
    let image = |(i, name): (usize, &&str)| {
        format!(
            r#"{{"id": {i}, "file_name": {}, "width": 40, "height": 20}}"#,
            serde_json::Value::from(*name)
        )
    };
    let entry = |i: usize| {
        format!(
            r#"{{"id": {i}, "image_id": {i}, "category_id": 18, "bbox": [1, 2, 3.5, 4], "iscrowd": 1, "segmentation": [[1,2,[3]]]}}"#
        )
    };
    let images: Vec<String> = names.iter().enumerate().map(image).collect();
    let entries: Vec<String> = (0..names.len()).map(entry).collect();
    format!(
        "{{\"annotations\": [\n{}],\n\"images\": [{}], \"categories\": [{{\"id\": 18, \"name\": \"dog\"}}]}}",
        entries.join(",\n"),
        images.join(",\n")
    )
}

#[test]
fn coco_as_published() {
    let folder = Folder::new();
    folder.pictures(&["train2017/1.bmp", "val2017/1.bmp", "val2017/extra.bmp", "masks/1.bmp"]);
    folder.write("annotations/instances_train2017.json", coco(&["1.bmp"]));
    folder.write("annotations/instances_val2017.json", coco(&["1.bmp"]));
    folder.write("annotations/captions_val2017.json", coco(&["1.bmp"]));
    folder.write("annotations/person_keypoints_val2017.json", coco(&["1.bmp"]));
    let reading = check(folder.path());
    assert_eq!(told(&reading.boxes), ["train 1.bmp 1", "validation 1.bmp 1", "validation extra.bmp -"]);
    let b = &reading.boxes.annotations[0].boxes[0];
    assert_eq!((b.line, b.index, b.is_crowd, &b.class), (Some(2), 0, true, &BoxClass::Known(0)));
    assert_eq!((b.written, b.corners), ([1.0, 2.0, 3.5, 4.0], [1.0, 2.0, 4.5, 6.0]));
    assert!(reading.boxes.annotations[1].picture.contains("val2017"));
    assert!(reading.skipped.iter().any(|s| s.contains("without any annotation")), "{:?}", reading.skipped);
    // One file alone: its pictures are found near it, and what it does not name is not missing an annotation.
    let alone = check(&folder.path().join("annotations/instances_val2017.json"));
    assert_eq!(told(&alone.boxes), ["train 1.bmp 1"]);
    assert_eq!(alone.boxes.annotations[0].state, PictureState::Sized(40, 20));
}

#[test]
fn coco_with_outlines_and_masks_alone() {
    let folder = Folder::new();
    folder.pictures(&["1.bmp", "2.bmp"]);
    folder.write(
        "set.json",
        r#"{"images": [{"id": 1, "file_name": "1.bmp"}, {"id": 2, "file_name": "2.bmp"}],
"categories": [{"id": 5, "name": "cat"}],
"annotations": [
{"image_id": 1, "category_id": 5, "segmentation": [[1, 2, 9, 2, 4, 8.5], [10, 3, 12, 3, 11, 4]]},
{"image_id": 1, "category_id": 5, "bbox": null, "iscrowd": 1, "segmentation": {"size": [20, 40], "counts": [22, 3, 775]}},
{"image_id": 1, "category_id": 5, "segmentation": {"size": [5, 6], "counts": "7230008"}},
{"image_id": 1, "category_id": 5, "bbox": [1, 1, 2, 2], "segmentation": "of another kind"},
{"image_id": 1, "category_id": 5, "segmentation": [[1, 2, 9]]},
{"image_id": 2, "category_id": 5, "segmentation": {"size": [5, 6], "counts": [1, 2]}}]}"#,
    );
    let boxes = check(folder.path()).boxes;
    let seen: Vec<_> = boxes.all().map(|(_, b)| (b.written, b.is_derived, b.is_crowd)).collect();
    let expected = [
        ([1.0, 2.0, 11.0, 6.5], true, false),
        ([1.0, 2.0, 1.0, 3.0], true, true),
        ([1.0, 2.0, 3.0, 2.0], true, false),
        ([1.0, 1.0, 2.0, 2.0], false, false),
    ];
    assert_eq!(seen, expected);
    let told = malformed(&boxes);
    assert_eq!(told[0], (Some(8), "a polygon of `segmentation` has 3 numbers, expected 6, 8, 10 …"));
    assert_eq!(told[1], (Some(9), "`counts` speaks of 3 pixels, `size` of 5 × 6 = 30"));
    // The picture whose only box could not be read is not one without boxes.
    assert!(boxes.annotations.iter().all(|a| a.is_damaged && a.picture.ends_with("1.bmp")), "{boxes:?}");
}

#[test]
fn coco_beside_its_pictures_with_odd_names() {
    let folder = Folder::new();
    folder.pictures(&["train/a b\nü.bmp", "train/UPPER.BMP", "train/sub/x.bmp"]);
    folder.write(
        "train/_annotations.coco.json",
        coco(&["a b\nü.bmp", "upper.bmp", "sub\\x.bmp", "other/x.bmp"]),
    );
    let boxes = check(folder.path()).boxes;
    assert_eq!(told(&boxes), ["train UPPER.BMP 1", "train a b\nü.bmp 1", "train x.bmp 1", "train x.bmp 1"]);
    let missing: Vec<_> = boxes.annotations.iter().filter(|a| a.state == PictureState::Missing).collect();
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].picture, "other/x.bmp");
}

#[test]
fn voc_with_lists_of_parts_and_wrong_names() {
    let folder = Folder::new();
    folder.pictures(&["JPEGImages/1.bmp", "JPEGImages/2.bmp", "JPEGImages/3.bmp", "SegmentationClass/1.bmp"]);
    folder.write("Annotations/1.xml", XML.replace("NAME", "1"));
    folder.write("Annotations/2.xml", XML.replace("NAME", "1.bmp"));
    folder.write("ImageSets/Main/train.txt", "1\n");
    folder.write("ImageSets/Main/val.txt", "2\n");
    let boxes = check(folder.path()).boxes;
    assert_eq!(told(&boxes), ["train 1.bmp 1", "train 3.bmp -", "validation 2.bmp 1"]);
    assert_eq!((boxes.classes.clone(), boxes.is_declared), (vec!["cat & dog".to_owned()], false));
    let b = &boxes.annotations[0].boxes[0];
    assert_eq!((b.corners, b.line, b.is_crowd), ([1.0, 2.5, 40.0, 20.0], Some(2), true));
    assert_eq!(boxes.annotations[0].declared, Some((40, 20)));
    let single = check(&folder.path().join("Annotations/2.xml")).boxes;
    assert_eq!(told(&single), ["train 2.bmp 1"]);
}

#[test]
fn voc_in_latin_1_says_so() {
    let folder = Folder::new();
    folder.pictures(&["ä.bmp"]);
    let text = format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{}", XML.replace("cat", "Bär"));
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    folder.write("ä.xml", latin);
    assert_eq!(check(folder.path()).boxes.classes, ["Bär & dog"]);
}

#[test]
fn yolo_as_exported() {
    let yaml = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 2\nnames:\n  0: cat\n  1: 'my dog'\n";
    let folder = Folder::new();
    folder.pictures(&[
        "train/images/1.bmp",
        "train/images/2.bmp",
        "train/images/3.bmp",
        "valid/images/4.bmp",
    ]);
    let polygon = "1 0.1 0.1 0.3 0.1 0.3 0.5\n";
    folder.write(
        "train/labels/1.txt",
        format!("0 0.5 0.5 0.5 0.5\n\n1 0.5 0.5 0.1 0.1 0.98\n{polygon}7 0.1 0.1 0.1 0.1"),
    );
    folder.write("train/labels/2.txt", "");
    folder.write("train/labels/gone.txt", "0 0.5 0.5 0.1 0.1");
    folder.write("valid/labels/4.txt", "1.0 0.5 0.5 0.1 0.1\r\n");
    folder.write("data.yaml", yaml);
    for path in [folder.path().to_path_buf(), folder.path().join("data.yaml")] {
        let reading = check(&path);
        let boxes = &reading.boxes;
        assert_eq!(
            told(boxes),
            ["train 1.bmp 4", "train 2.bmp 0", "train 3.bmp -", "train gone 1", "validation 4.bmp 1"]
        );
        assert_eq!((boxes.classes.join(","), boxes.is_declared), ("cat,my dog".to_owned(), true));
        let first = &boxes.annotations[0].boxes;
        let near = |a: [f64; 4], b: [f64; 4]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(near(first[0].corners, [10.0, 5.0, 30.0, 15.0]), "{:?}", first[0]);
        assert!(near(first[2].corners, [4.0, 2.0, 12.0, 10.0]), "{:?}", first[2]);
        assert_eq!((first[3].line, &first[3].class), (Some(5), &BoxClass::Unknown("7".to_owned())));
        assert_eq!(boxes.annotations[3].state, PictureState::Missing);
        assert!(
            reading.skipped.iter().any(|s| s.contains("`test: ../test/images`")),
            "{:?}",
            reading.skipped
        );
    }
}

#[test]
fn yolo_without_a_description() {
    let folder = Folder::new();
    folder.pictures(&["a/1.bmp", "a/2.bmp"]);
    folder.write("a/1.txt", "3 0.5 0.5 0.1 0.1");
    folder.write("a/2.txt", "12 0.5 0.5 0.1 0.1");
    folder.write("a/classes.txt", "");
    let boxes = check(folder.path()).boxes;
    assert_eq!(
        (told(&boxes).len(), boxes.is_declared, boxes.classes.join(",")),
        (2, false, "3,12".to_owned())
    );
    folder.write("obj.names", "a\nb\nc\nd\n");
    folder.write("train.txt", "data/1.bmp\n");
    folder.write("test.txt", "data/2.bmp\n");
    std::fs::remove_file(folder.path().join("a/classes.txt")).unwrap();
    let boxes = check(folder.path()).boxes;
    assert_eq!(told(&boxes), ["train 1.bmp 1", "test 2.bmp 1"]);
    assert_eq!(boxes.annotations[1].boxes[0].class, BoxClass::Unknown("12".to_owned()));
}

#[test]
fn yolo_lists_of_pictures() {
    let folder = Folder::new();
    folder.pictures(&["images/1.bmp", "images/2.bmp"]);
    folder.write("labels/1.txt", "0 0.5 0.5 0.1 0.1");
    folder.write("labels/2.txt", "0 0.5 0.5 0.1 0.1");
    folder.write("train.txt", "./images/1.bmp\nimages/gone.bmp\n");
    folder.write("val.txt", "./images/2.bmp\n");
    folder.write("set.yml", "train: train.txt\nval: [val.txt]\nnames: [a]\n");
    let boxes = check(&folder.path().join("set.yml")).boxes;
    assert_eq!(told(&boxes)[0], "train 1.bmp 1");
    assert!(told(&boxes).contains(&"validation 2.bmp 1".to_owned()));
}

#[test]
fn held_out_parts_can_be_given() {
    let [train, val] = [Folder::new(), Folder::new()];
    for folder in [&train, &val] {
        folder.pictures(&["1.bmp"]);
        folder.write("1.xml", XML);
    }
    let plan = Plan { validation: vec![val.path().to_path_buf()], ..plan(train.path()) };
    let reading = read(&plan, None).unwrap();
    let parts: Vec<Part> = reading.boxes.annotations.iter().map(|a| a.part).collect();
    assert_eq!(parts, [Part::Train, Part::Validation]);
    assert!(reading.pictures.splits.get().is_some());
}

#[test]
fn a_folder_of_test_pictures_is_the_data_when_it_is_all() {
    let folder = Folder::new();
    folder.pictures(&["test/1.bmp"]);
    folder.write("test/1.xml", XML);
    assert_eq!(told(&check(folder.path()).boxes), ["train 1.bmp 1"]);
}

#[test]
fn what_is_no_detection_set_is_not_taken_for_one() {
    let folder = Folder::new();
    folder.write("t/a.csv", "x,y\n1,2\n");
    folder.write("t/info.json", "{\"images\": 3, \"rows\": [1, 2]}");
    folder.write("t/config.yaml", "train: {lr: 0.1}\nname: x\n");
    let names: Vec<String> = (0..40).map(|i| format!("p/{i}.bmp")).collect();
    folder.pictures(&names.iter().map(String::as_str).collect::<Vec<_>>());
    folder.write("p/0.xml", XML);
    folder.write("p/readme.txt", "0 1 2 3 4");
    folder.write("c/1.txt", "a photo of a dog");
    folder.write("c/2.txt", "a photo of 2 dogs");
    folder.pictures(&["c/1.bmp", "c/2.bmp"]);
    folder.write("rows.json", "[{\"a\": 1}, {\"a\": 2}]");
    folder.write("other.xml", "<note/>");
    for name in ["t", "p", "c", "rows.json", "other.xml", "t/config.yaml"] {
        assert!(!is_boxes(&folder.path().join(name)), "{name}");
    }
    folder.write("x/1.txt", "");
    assert!(!is_boxes(&folder.path().join("x")));
}

#[test]
fn the_format_can_be_said() {
    let folder = Folder::new();
    folder.pictures(&["1.bmp"]);
    folder.write("1.xml", XML);
    folder.write("1.txt", "0 0.5 0.5 0.5 0.5");
    for (format, n) in [(BoxFormat::Voc, 1), (BoxFormat::Yolo, 1)] {
        let reading = read(&plan(folder.path()), Some(DataKind::Boxes(Some(format)))).unwrap();
        assert_eq!((reading.boxes.format, reading.boxes.n_boxes()), (format, n));
        assert_eq!(malformed(&reading.boxes), []);
    }
}
