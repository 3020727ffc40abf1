use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use proptest::prelude::*;

use crate::support::{Kept, file, open};

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn half_a_line_waits() {
    let (_folder, path) = file("x.csv", "step,loss\n1,2\n2,3");
    let (mut source, mut kept) = (open(&path), Kept::default());
    source.poll(&mut kept).unwrap();
    assert_eq!(kept.series("loss"), "1:2");
    assert_eq!(source.account().n_waiting, 3);
    append(&path, b"5\n3,4");
    let progress = source.poll(&mut kept).unwrap();
    assert_eq!((progress.points, kept.series("loss").as_str()), (1, "1:2 2:35"));
    assert_eq!(source.poll(&mut kept).unwrap().points, 0);
}

#[test]
fn a_table_written_anew_with_more_columns_goes_on() {
    let (_folder, path) = file("metrics.csv", "step,loss\n1,2\n2,3\n");
    let (mut source, mut kept) = (open(&path), Kept::default());
    source.poll(&mut kept).unwrap();
    std::fs::write(&path, "step,loss,val_loss\n1,2,\n2,3,\n2,,5\n3,4,\n").unwrap();
    source.poll(&mut kept).unwrap();
    assert_eq!((kept.series("loss").as_str(), kept.series("val_loss").as_str()), ("1:2 2:3 3:4", "2:5"));
    assert_eq!(kept.n_restarts, 0);
    // Another run over it.
    std::fs::write(&path, "step,loss\n1,7\n").unwrap();
    source.poll(&mut kept).unwrap();
    assert_eq!((kept.series("loss").as_str(), kept.series("val_loss").as_str()), ("1:7", ""));
}

#[test]
fn a_state_saved_again_brings_its_new_entries() {
    let entry = |step: i32| format!(r#"{{"loss": 1.5, "step": {step}}}"#);
    let state =
        |n: i32| format!(r#"{{"log_history": [{}]}}"#, (0..n).map(entry).collect::<Vec<_>>().join(","));
    let (_folder, path) = file("trainer_state.json", state(2));
    let (mut source, mut kept) = (open(&path), Kept::default());
    source.poll(&mut kept).unwrap();
    std::fs::write(&path, &state(4)[..30]).unwrap();
    source.poll(&mut kept).unwrap();
    assert_eq!(source.account().n_damaged, 1);
    std::fs::write(&path, state(4)).unwrap();
    source.poll(&mut kept).unwrap();
    assert_eq!((kept.series("loss").as_str(), source.account().n_damaged), ("0:1.5 1:1.5 2:1.5 3:1.5", 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_polls_read_the_same(
        kind in 0..3usize,
        values in prop::collection::vec((0..50i32, -1e3..1e3f64), 1..30),
        mut cuts in prop::collection::vec(0..2000usize, 0..5),
    ) {
        let name = ["x.csv", "x.jsonl", "x.log"][kind];
        let mut text = ["step,loss,note\n", "", "start\n"][kind].to_owned();
        for (step, value) in values {
            text += &match kind {
                0 => format!("{step},{value},\"a, é\"\n"),
                1 => format!("{{\"step\": {step}, \"loss\": {value}}}\n"),
                _ => format!("step {step} loss {value}\r\n"),
            };
        }
        let bytes = text.as_bytes();
        let (_folder, path) = file(name, bytes);
        let (mut source, mut whole) = (open(&path), Kept::default());
        source.poll(&mut whole).unwrap();
        let account = source.account();
        cuts.retain(|cut| *cut < bytes.len());
        cuts.sort_unstable();
        cuts.push(bytes.len());
        std::fs::write(&path, &bytes[..0]).unwrap();
        let (run, mut kept, mut start) = (stetho_runlog::find(&path).unwrap().runs.remove(0), Kept::default(), 0);
        let mut source = run.open(None);
        for cut in cuts {
            append(&path, &bytes[start..cut]);
            start = cut;
            source.poll(&mut kept).unwrap();
        }
        prop_assert_eq!(kept, whole);
        let now = source.account();
        prop_assert_eq!((now.points, now.skipped, now.axis), (account.points, account.skipped, account.axis));
    }

    #[test]
    fn any_text_is_read_without_panic(kind in 0..6usize, text in "[\\x00-\\x7fé{}\":,\\[\\]0-9a-z=/.\n -]{0,300}") {
        let name = ["x.csv", "x.jsonl", "x.log", "x.json", "trainer_state.json", "x.csv.gz"][kind];
        let (_folder, path) = file(name, &text);
        if let Ok(found) = stetho_runlog::find(&path) {
            let mut source = found.runs[0].open(None);
            let _ = source.finish(&mut Kept::default());
            source.account();
        }
    }
}
