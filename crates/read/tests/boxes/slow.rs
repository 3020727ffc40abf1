//! The streaming reader of COCO against the whole file in memory.

use proptest::prelude::*;
use serde_json::{Value, json};
use stetho_read::boxes::parse_coco;

/// An entry of `annotations`, good or bad.
fn entry() -> impl Strategy<Value = Value> {
    let number = prop_oneof![(-50i64..500).prop_map(Value::from), (-1e3..1e3).prop_map(|n: f64| json!(n))];
    let odd =
        prop_oneof![Just(json!("12")), Just(json!(null)), Just(json!([1])), Just(json!({"a": "}]\"\\"}))];
    let cell = prop_oneof![20 => number, 1 => odd];
    let text = "[a-z\\]\\[{}\",:\\\\ü ]{0,12}";
    (prop::collection::vec(cell, 3..=5), 0i64..9, 0i64..4, text, any::<bool>(), 0usize..12).prop_map(
        |(bbox, image, category, text, is_crowd, drop)| {
            let bbox = if drop > 0 { bbox.into_iter().cycle().take(4).collect() } else { bbox };
            let mut entry = json!({"id": 1, "image_id": image, "category_id": category, "bbox": bbox,
                "iscrowd": i32::from(is_crowd), "note": text, "segmentation": [[1.5, 2, {"x": [text]}]]});
            let key = ["image_id", "category_id", "bbox"].get(drop.wrapping_sub(1));
            if let (Some(key), Some(object)) = (key, entry.as_object_mut()) {
                object.remove(*key);
            }
            entry
        },
    )
}

/// Index, numbers, category, picture and crowd of each good entry, read in the obvious way.
fn slow(text: &str) -> Vec<(u64, Vec<f64>, String, String, bool)> {
    let file: Value = serde_json::from_str(text).unwrap();
    let read = |(index, entry): (usize, &Value)| {
        let list = entry["bbox"].as_array()?;
        let numbers: Vec<f64> = list.iter().map(Value::as_f64).collect::<Option<_>>()?;
        let id = |key: &str| entry[key].as_i64().map(|n| n.to_string());
        let is_crowd = entry["iscrowd"] == 1;
        (numbers.len() == 4).then_some((index as u64, numbers, id("category_id")?, id("image_id")?, is_crowd))
    };
    file["annotations"].as_array().unwrap().iter().enumerate().filter_map(read).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn streaming_agrees_with_the_whole_file(
        entries in prop::collection::vec(entry(), 0..12),
        is_pretty: bool,
        padding in 0usize..3,
    ) {
        // Padding moves the entries over the borders of the chunks that are read at a time.
        let info = "x".repeat(padding * 65_400);
        let file = json!({"info": {"annotations": [info]}, "annotations": entries, "images": [], "categories": []});
        let text = if is_pretty { serde_json::to_string_pretty(&file).unwrap() } else { file.to_string() };
        let seen = parse_coco(text.as_bytes());
        let expected = slow(&text);
        prop_assert_eq!(seen.boxes.len() + seen.malformed.len(), entries.len());
        prop_assert_eq!(seen.boxes.len(), expected.len());
        let lines: Vec<&str> = text.lines().collect();
        for ((image, b), (index, numbers, category, picture, is_crowd)) in seen.boxes.iter().zip(expected) {
            prop_assert_eq!((b.index, b.is_crowd, image), (index, is_crowd, &picture));
            prop_assert_eq!(&b.class, &stetho_core::boxes::BoxClass::Unknown(category));
            prop_assert!(b.written.iter().zip(&numbers).all(|(a, b)| a.total_cmp(b).is_eq()));
            let line = b.line.unwrap() as usize;
            let is_right = lines[line - 1].contains('{') && (is_pretty || line == 1);
            prop_assert!(is_right, "{}", line);
        }
    }
}
