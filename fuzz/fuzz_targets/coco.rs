//! Any bytes as a COCO file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let parsed = stetho_read::boxes::parse_coco(data);
    assert!(parsed.boxes.iter().all(|(_, b)| b.written.iter().all(|n| n.is_finite())));
});
