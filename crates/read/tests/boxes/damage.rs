//! Files that are no annotations, half of one, or lead astray: a finding or one clear line, never a panic.

use std::time::{Duration, Instant};

use stetho_core::boxes::{Annotation, BoxFormat, PictureState};
use stetho_read::boxes::{ParsedBoxes, parse_coco, parse_voc, parse_yolo};
use stetho_read::{DataKind, Unwatched, detect_kind, read_data};

use crate::support::{FORMATS, Folder, check, check_pictures, malformed, plan, refusal, told};

const ENTRIES: &str = r#"{"images": [
{"id": 1, "file_name": "1.bmp", "width": 40, "height": 20},
{"id": 1, "file_name": "again.bmp"},
{"id": 2}],
"categories": [{"id": 5, "name": "cat"}, {"name": "x"}],
"annotations": [
{"id": 1, "image_id": 1, "category_id": 5, "bbox": [1, 2, 3, 4], "area": NaN},
{"id": 2, "image_id": 1, "category_id": 5, "bbox": [NaN, 2, 3, 4]},
{"id": 3, "image_id": 1, "category_id": 5, "bbox": [1, "2", 3, 4]},
{"id": 4, "image_id": 1, "category_id": 5, "bbox": [1, 2, 3]},
{"id": 5, "image_id": 1, "category_id": 5},
{"id": 6, "image_id": 9, "category_id": 5, "bbox": [1, 2, 3, 4]},
{"id": 1, "image_id": 1, "category_id": 6, "bbox": [1, 2, 3, 4]},
{"id": 8, "image_id": 1, "category_id": 5, "bbox": [1, 2, 3, 4},
{"id": 9, "image_id": 1, "category_id": 5, "bbox": [1, 2, 3, -Infinity]},
7,
{"id": 10, "image_id": 1, "category_id": 5, "bbox": [1, 2, 3, 1e999]},
{"id": 11, "image_id": 1, "category_id": 5, "bbox": [5, 5, 5, 5]}]}"#;

#[test]
fn each_bad_entry_of_coco_costs_itself() {
    let folder = Folder::new();
    folder.pictures(&["1.bmp"]);
    folder.write("set.json", ENTRIES);
    let boxes = check(folder.path()).boxes;
    let kept: Vec<_> = boxes.all().map(|(_, b)| (b.index, b.line)).collect();
    assert_eq!(kept, [(0, Some(7)), (6, Some(13)), (11, Some(18))]);
    let mut told = malformed(&boxes);
    told.sort_unstable();
    let line = |n: u64| told.iter().filter(|m| m.0 == Some(n)).map(|m| m.1).collect::<Vec<_>>().join("; ");
    assert_eq!(line(3), "the picture id 1 was used before");
    assert_eq!(line(4), "the picture has no `file_name`");
    assert_eq!(line(5), "it has no `id`");
    assert_eq!(line(8), "`bbox` holds NaN");
    assert_eq!(line(9), "`bbox` holds `\"2\"`, expected a number");
    assert_eq!(line(10), "`bbox` has 3 numbers, expected 4");
    assert_eq!(line(11), "it has no `bbox`");
    assert_eq!(line(12), "no picture has the id 9");
    assert!(line(13).contains("annotation id 1 was used before"), "{told:?}");
    assert!(line(14).starts_with("not JSON"), "{told:?}");
    assert_eq!(line(15), "`bbox` holds -Infinity");
    assert_eq!(line(16), "an object was expected");
    assert!(!line(17).is_empty());
    assert_eq!(boxes.n_malformed, 13);
}

#[test]
fn a_bad_entry_of_coco_leaves_doubt_about_its_picture_alone() {
    let damaged = |entry: &str| {
        let folder = Folder::new();
        folder.pictures(&["1.bmp", "2.bmp", "3.bmp"]);
        folder.write(
            "set.json",
            format!(
                r#"{{"images": [{{"id": 1, "file_name": "1.bmp"}}, {{"id": 2, "file_name": "2.bmp"}},
                {{"id": 3, "file_name": "3.bmp"}}], "categories": [{{"id": 5, "name": "cat"}}, {{"id": 6}}],
                "annotations": [{{"image_id": 1, "category_id": 5, "bbox": [1, 2, 3, 4]}}, {entry}]}}"#
            ),
        );
        let boxes = check(folder.path()).boxes;
        let name = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        let of = |a: &Annotation| format!("{}{}", name(&a.picture), if a.is_damaged { " ?" } else { "" });
        boxes.annotations.iter().map(of).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(damaged(r#"{"image_id": 1, "bbox": [1, 2]}"#), "1.bmp ?, 2.bmp, 3.bmp");
    assert_eq!(damaged(r#"{"image_id": 2, "bbox": [1, 2]}"#), "1.bmp, 3.bmp");
    assert_eq!(damaged(r#"{"category_id": 5, "bbox": [1, 2, 3, 4]}"#), "1.bmp ?, 2.bmp ?, 3.bmp ?");
    assert_eq!(
        damaged(r#"{"image_id": 9, "category_id": 5, "bbox": [1, 2, 3, 4]}"#),
        "1.bmp ?, 2.bmp ?, 3.bmp ?"
    );
    assert_eq!(damaged(r#"{"image_id": 3, "category_id": 5, "bbox": [1, 2, 3, 4]}"#), "1.bmp, 2.bmp, 3.bmp");
}

#[test]
fn a_cut_file_keeps_what_was_before_the_cut() {
    let folder = Folder::new();
    folder.pictures(&["1.bmp"]);
    folder.write("set.json", &ENTRIES[..ENTRIES.find("{\"id\": 2, \"image").unwrap() + 30]);
    let boxes = check(folder.path()).boxes;
    assert_eq!(boxes.n_boxes(), 1);
    assert!(malformed(&boxes).contains(&(Some(8), "the entry ends too early: the file was cut off")));
    let folder = Folder::new();
    folder.pictures(&["1.bmp"]);
    folder.write("1.xml", "<annotation>\n<object><name>a</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>\n<object><name>a");
    let boxes = check(folder.path()).boxes;
    assert_eq!(told(&boxes), ["train 1.bmp 1"]);
    assert_eq!(malformed(&boxes), [(Some(3), "the file ends inside an element: it was cut off")]);
}

#[test]
fn a_file_that_is_none_is_told_and_the_others_are_read() {
    let recipe = "pictures 3 40x40 boxes 1 cat dog\npicture x 40x40\nbox cat 1 1 20 20\nraw x oops\nraw y";
    for format in FORMATS {
        let folder = Folder::made(recipe, format);
        let reading = check(folder.path());
        let told = malformed(&reading.boxes);
        assert!(told.iter().any(|m| m.0.is_some()), "{format:?}: {told:?}");
        assert!(reading.boxes.n_boxes() >= 3, "{format:?}");
        // Neither without boxes nor without annotation: one cause, one finding.
        let x = reading.boxes.annotations.iter().find(|a| a.picture.ends_with("x.png"));
        assert_eq!(x.is_some(), format == BoxFormat::Coco, "{x:?}");
        assert_eq!(check_pictures(folder.path()).pictures.pictures.len(), 4);
    }
}

#[test]
fn coordinates_that_are_none_are_told_with_their_line() {
    let recipe = "pictures 2 40x40 boxes 1 cat\npicture x 40x40\nbox cat 1 1 20 20\nwritten cat nan 1 2 3";
    for format in FORMATS {
        let boxes = check(Folder::made(recipe, format).path()).boxes;
        assert_eq!(boxes.n_malformed, 1, "{format:?}: {:?}", malformed(&boxes));
        assert!(boxes.malformed[0].line.is_some() && boxes.malformed[0].index.is_some(), "{format:?}");
        assert!(boxes.malformed[0].problem.to_lowercase().contains("nan"), "{:?}", boxes.malformed);
    }
    let words = parse_yolo(b"0 left 0.5 0.1 0.1\n0 1 2\ncat 0.1 0.1 0.1 0.1\n").malformed;
    let words: Vec<&str> = words.iter().map(|m| m.problem.as_str()).collect();
    assert_eq!(words[0], "`left` is no number");
    assert_eq!(words[1], "3 fields, expected 5 (class, centre x, centre y, width, height)");
    assert_eq!(words[2], "the class is `cat`, expected a number");
    let far = parse_yolo(b"0 -1e308 0 1e308 0 0 9\n").malformed;
    assert_eq!(far[0].problem, "the polygon is too large");
}

#[test]
fn nesting_and_entities_cost_nothing() {
    let deep = |open: &str, n: usize| open.repeat(n);
    let coco = format!("{{\"annotations\": [{{\"bbox\": {}", deep("[", 1_000_000));
    assert!(parse_coco(coco.as_bytes()).malformed[0].problem.contains("deep"));
    assert!(parse_coco(deep("{\"a\":", 300_000).as_bytes()).malformed[0].problem.contains("deep"));
    let xml = format!("<annotation>{}", deep("<a>", 500_000));
    assert!(parse_voc(xml.as_bytes()).malformed[0].problem.contains("deep"));
    let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><annotation><object><name>&b;</name>\
                  <bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>";
    let parsed = parse_voc(laughs.as_bytes());
    assert!(format!("{:?}", parsed.boxes).contains("&b;"), "{parsed:?}");
    let folder = Folder::new();
    folder.pictures(&["images/1.bmp"]);
    folder.write("data.yaml", format!("names: {}", deep("[", 100_000)));
    assert!(!refusal(&folder.path().join("data.yaml"), BoxFormat::Yolo).is_empty());
}

#[test]
fn yaml_that_leads_nowhere_is_one_line() {
    let folder = Folder::new();
    folder.pictures(&["images/1.bmp"]);
    let told = |text: &str| refusal(&folder.write("data.yaml", text), BoxFormat::Yolo);
    assert!(told("train: nowhere/at/all\nnames: [a]").contains("`train: nowhere/at/all`"));
    assert!(told("path: /\ntrain: .\nnames: [a]").contains("root of the file system"));
    assert!(told("names: [a]").contains("`train`, `val` or `test` is missing"));
    assert!(told("train: [a\nb: {").contains("not YAML"));
    assert!(told("train: images\nnames: [a]").contains("no picture has a label file"));
    assert!(refusal(&folder.path().join("absent.yaml"), BoxFormat::Yolo).contains("no such file"));
}

#[test]
fn refusals_are_one_line() {
    let folder = Folder::new();
    folder.pictures(&["1.bmp"]);
    for format in FORMATS {
        assert!(!refusal(folder.path(), format).is_empty());
    }
    let list = folder.write("list.json", "[{\"image_id\": 1, \"bbox\": [1,2,3,4], \"category_id\": 1}]");
    assert!(refusal(&list, BoxFormat::Coco).contains("it holds a list"));
    assert!(refusal(&folder.write("e.json", ""), BoxFormat::Coco).contains("e.json"));
    assert!(refusal(&folder.write("x.json", "{\"a\": 1}"), BoxFormat::Coco).contains("no `images`"));
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_end() {
    let folder = Folder::made("pictures 2 40x40 boxes 1 cat", BoxFormat::Voc);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("images/loop")).unwrap();
    std::os::unix::fs::symlink("dead", folder.path().join("images/dead.png")).unwrap();
    let boxes = check_pictures(folder.path()).boxes;
    assert_eq!(told(&boxes), ["train dead.png -", "train picture0.png 1", "train picture1.png 1"]);
    assert_eq!(boxes.annotations[0].state, PictureState::Missing);
}

#[test]
fn many_files_of_other_kinds_are_one_line_quickly() {
    let folder = Folder::new();
    for i in 0..20_000 {
        folder.write(&format!("{i}.{}", if i % 2 == 0 { "log" } else { "txt" }), "0 1 2 3 4\n");
    }
    let start = Instant::now();
    assert_eq!(detect_kind(&[folder.path().to_path_buf()]), DataKind::Table);
    let message = read_data(&plan(folder.path()), None, &Unwatched).unwrap_err().to_string();
    assert!(message.contains("no data file") && message.contains("but 10,000 text files"), "{message}");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

/// A source of numbers that is the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

const PIECES: [&[u8]; 20] = [
    b"\"",
    b",",
    b"\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\\",
    b"\0",
    b"\xff",
    b"NaN",
    b"1e999",
    b"<",
    b">",
    b"&",
    b"</a>",
    b"<a>",
    b"<![CDATA[",
    b"-",
    b"images",
];

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let to = (at + random.below(30)).min(bytes.len());
        match random.below(5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.drain(at..to)),
            2 => {
                let piece = bytes[at..to].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => bytes.truncate(at),
            _ => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
        }
    }
}

/// What every parsed file promises.
fn assert_sound(parsed: &ParsedBoxes, n_lines: u64) {
    for (_, b) in &parsed.boxes {
        assert!(b.written.iter().all(|n| n.is_finite()), "{b:?}");
        assert!(b.line.is_some_and(|line| (1..=n_lines).contains(&line)), "{b:?} of {n_lines}");
    }
    for m in &parsed.malformed {
        assert!(m.line.is_none_or(|line| (1..=n_lines).contains(&line)), "{m:?} of {n_lines}");
        assert!(!m.problem.is_empty() && m.text.chars().count() <= 120);
    }
}

fn damage(n: usize, seed: u64) {
    let voc = "<?xml version=\"1.0\"?>\n<annotation>\n<size><width>4</width></size>\n<object>\n<name>a</name><bndbox>\n<xmin>1</xmin><ymin>1</ymin>\n<xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>\n";
    let masks = "{\"images\": [{\"id\": 1, \"file_name\": \"1\"}], \"annotations\": [{\"image_id\": 1, \"category_id\": 1,\n\
                 \"segmentation\": {\"size\": [5, 6], \"counts\": \"7230008\"}}, {\"image_id\": 1, \"category_id\": 1,\n\
                 \"segmentation\": [[1, 2, 9, 2, 4, 8.5]]}, {\"image_id\": 1, \"category_id\": 1,\n\
                 \"segmentation\": {\"size\": [5, 6], \"counts\": [7, 2, 3, 2, 16]}}]}";
    let yolo = "0 0.5 0.5 0.1 0.1\n1 0.1 0.1 0.2 0.2 0.3 0.3\n\n2 1 1 1 1 0.9\n";
    type Parse = fn(&[u8]) -> ParsedBoxes;
    let files: [(&str, Parse); 4] =
        [(ENTRIES, parse_coco), (masks, parse_coco), (voc, parse_voc), (yolo, parse_yolo)];
    let mut random = Random(seed);
    for _ in 0..n {
        for (text, parse) in files {
            let mut bytes = text.as_bytes().to_vec();
            mutate(&mut bytes, &mut random);
            let parsed = std::panic::catch_unwind(|| parse(&bytes));
            let parsed = parsed.unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(&bytes)));
            let n_lines = bytes.iter().filter(|b| **b == b'\n').count() as u64 + 1;
            // A zero byte makes text look as if it had two bytes a letter; its lines are others then.
            if !bytes.contains(&0) {
                assert_sound(&parsed, n_lines);
            }
        }
    }
}

#[test]
fn damaged_files_never_panic() {
    damage(3_000, 11);
}

/// As above for much longer: `cargo test -p stetho-read --test boxes -- --ignored`.
#[test]
#[ignore = "takes half a minute"]
fn half_a_minute_of_damage() {
    damage(100_000, std::process::id().into());
}

#[test]
fn every_truncation_is_read() {
    for end in 0..ENTRIES.len() {
        let parsed = parse_coco(&ENTRIES.as_bytes()[..end]);
        assert!(!parsed.malformed.is_empty(), "{end}");
        assert_sound(&parsed, 20);
    }
}
