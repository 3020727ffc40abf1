use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Map;
use stetho_core::run::{Fact, LayerQuantity, Part, Quantity};
use stetho_rules::Judges;
use stetho_runlog::{EventRun, Names, Outcome, Recorder, Source, Tail, Writer};

use crate::support::{Kept, file, open, read};

fn layers(names: &[&str]) -> Arc<[String]> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

/// A log with some of everything that is written.
fn write(folder: &Path) -> Vec<u8> {
    let mut log = Writer::create(folder).unwrap();
    let names = layers(&["fc1", "fc2.weight", "é"]);
    for step in 0..20 {
        let at = 1.7e9 + step as f64;
        log.scalar("train/loss", step, at, 1.0 / (step + 1) as f64).unwrap();
        log.scalar("lr", step, at, 0.125).unwrap();
        log.vector("stetho/grad_norm", &names, step, at, &[step as f32, f32::NAN, f32::NEG_INFINITY])
            .unwrap();
    }
    let path = log.path().to_owned();
    drop(log);
    std::fs::read(path).unwrap()
}

#[test]
fn what_is_written_is_read_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Writer::create(folder.path()).unwrap();
    let odd = f32::from_bits(0x7fc0_1234);
    let numbers =
        [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.25, 1e300, -1e300, f64::from(f32::MAX)];
    for (step, number) in numbers.iter().enumerate() {
        log.scalar("loss", step as i64 - 2, 1.7e9, *number).unwrap();
    }
    log.vector("stetho/x", &layers(&["a", "b"]), 7, 1.7e9, &[odd, -0.0]).unwrap();
    log.vector("stetho/x", &layers(&["b"]), 8, 1.7e9, &[1.0]).unwrap();
    assert!(log.vector("stetho/x", &layers(&["b"]), 9, 1.7e9, &[]).is_err());
    log.flush().unwrap();
    let (kept, account) = read(&mut *open(folder.path()));
    assert_eq!(
        kept.series("loss"),
        "-2:0 -1:-0 0:NaN 1:inf 2:-inf 3:0.25 4:1e300 5:-1e300 6:340282346638528860000000000000000000000"
            .replace("1e300", &1e300f64.to_string())
    );
    let vectors = &kept.vectors["stetho/x"];
    assert_eq!(vectors[0], (7, layers(&["a", "b"]), vec![0x7fc0_1234, (-0.0f32).to_bits()]));
    assert_eq!(*vectors[1].1, ["b"]);
    assert_eq!((account.points, account.n_damaged, account.n_waiting), (11, 0, 0));
    assert_eq!(account.kind, "1 event file");
    let name = log.path().file_name().unwrap().to_str().unwrap();
    let parts: Vec<&str> = name.splitn(4, '.').collect();
    assert_eq!(parts[..3], ["events", "out", "tfevents"]);
    assert!(name.ends_with(&format!(".{}.{}", std::process::id(), name.rsplit('.').next().unwrap())));
}

#[test]
fn a_thousand_layers_take_forty_kilobytes_a_step() {
    let folder = tempfile::tempdir().unwrap();
    let names: Arc<[String]> = (0..1000).map(|i| format!("model.blocks.{i}.attention.weight")).collect();
    let mut log = Writer::create(folder.path()).unwrap();
    let size = |log: &mut Writer| {
        log.flush().unwrap();
        std::fs::metadata(log.path()).unwrap().len()
    };
    let mut sizes = Vec::new();
    for step in 0..3 {
        for signal in 0..8 {
            log.vector(&format!("stetho/signal_{signal}"), &names, step, 1.7e9, &[0.5; 1000]).unwrap();
        }
        sizes.push(size(&mut log));
    }
    assert!(sizes[2] - sizes[1] <= 40_000, "{sizes:?}");
}

#[test]
fn a_later_file_supersedes_from_where_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let write = |steps: std::ops::Range<i64>, time: f64, value: f64| {
        let mut log = Writer::create(folder.path()).unwrap();
        for step in steps {
            log.scalar("loss", step, time + step as f64, value).unwrap();
            if step % 2 == 0 {
                log.scalar("val_loss", step / 2, time + step as f64, value).unwrap();
            }
        }
    };
    write(0..6, 1e9, 1.0);
    write(4..8, 1.1e9, 2.0);
    let (kept, account) = read(&mut *open(folder.path()));
    assert_eq!(kept.series("loss"), "0:1 1:1 2:1 3:1 4:2 5:2 6:2 7:2");
    assert_eq!(kept.series("val_loss"), "0:1 1:1 2:2 3:2");
    assert_eq!(account.restarts, 2);
}

#[test]
fn files_written_at_the_same_time_are_two_writers() {
    let folder = tempfile::tempdir().unwrap();
    let mut logs = [Writer::create(folder.path()).unwrap(), Writer::create(folder.path()).unwrap()];
    let mut source = EventRun::of_folder(folder.path());
    let mut kept = Kept::default();
    for step in 0..4 {
        for (rank, log) in logs.iter_mut().enumerate() {
            log.scalar("loss", step, 1.7e9 + (2 * step + rank as i64) as f64, rank as f64).unwrap();
            log.flush().unwrap();
        }
        if step == 2 {
            source.poll(&mut kept).unwrap();
        }
    }
    source.poll(&mut kept).unwrap();
    assert_eq!(kept.series("loss"), "0:0 1:0 2:0 3:0");
    assert_eq!(kept.series("loss#1"), "0:1 1:1 2:1 3:1");
    assert_eq!(kept.n_restarts, 0);
}

#[test]
fn of_several_writers_losses_count_and_layers_do_not_come_twice() {
    let folder = tempfile::tempdir().unwrap();
    for value in [1.0, 2.0] {
        let mut log = Writer::create(folder.path()).unwrap();
        for step in 0..3 {
            for tag in ["loss", "lr", "grad_norm/fc1", "box_loss", "cls_loss"] {
                log.scalar(tag, step, 1.7e9 + step as f64, value).unwrap();
            }
        }
    }
    let mut source = EventRun::of_folder(folder.path());
    let mut recorder = Recorder::new("run", Names::default());
    source.finish(&mut recorder).unwrap();
    recorder.conclude(&source, true);
    let run = recorder.run();
    let count = |quantity| run.of(quantity).count();
    assert_eq!(count(Quantity::Loss(Part::Train)), 2);
    assert_eq!((count(Quantity::LossTerm(Part::Train)), count(Quantity::LearningRate)), (2, 1));
    assert_eq!(count(Quantity::Layer(LayerQuantity::GradientNorm)), 1);
    assert!(recorder.not_understood().is_empty(), "{:?}", recorder.not_understood());
}

#[test]
fn the_ranks_of_a_training_are_joined_by_the_files_of_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    for rank in 0..3u32 {
        let mut log = Writer::create(folder.path()).unwrap();
        for step in 0..40i32 {
            let (step, at) = (f64::from(step), 1.7e9 + f64::from(step));
            let weights = 4.0 + 0.01 * step + if rank == 2 && step > 9.0 { 0.05 } else { 0.0 };
            let values = [
                ("stetho/rank_weights", weights),
                ("stetho/rank_batch", 100.0 * step + f64::from(rank.min(1))),
                ("stetho/rank_time", if rank == 1 { 0.2 } else { 0.1 }),
            ];
            for (tag, value) in values {
                log.scalar(tag, step as i64, at, value).unwrap();
            }
        }
    }
    let mut source = EventRun::of_folder(folder.path());
    let mut recorder = Recorder::new("run", Names::default());
    source.finish(&mut recorder).unwrap();
    recorder.conclude(&source, true);
    let names: Vec<&str> = recorder.run().facts(Fact::RankTime).map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["0", "1", "2"]);
    let found = Judges::new(|_| true, &Map::new()).unwrap().judge_run(recorder.run()).findings;
    let message = |rule: &str| found.iter().find(|f| f.rule == rule).map_or("", |f| f.message.as_str());
    assert!(message("rank-divergence").contains("apart since step 10"), "{found:?}");
    assert!(message("rank-duplicate-data").contains("rank `2` has"), "{found:?}");
    assert!(message("rank-straggler").contains("rank 1 needs 0.2 s a step, 2 times"), "{found:?}");
}

#[test]
fn a_file_that_is_taken_away_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut logs = [Writer::create(folder.path()).unwrap(), Writer::create(folder.path()).unwrap()];
    let (mut source, mut kept) = (EventRun::of_folder(folder.path()), Kept::default());
    source.poll(&mut kept).unwrap();
    std::fs::remove_file(logs[0].path()).unwrap();
    logs[1].scalar("loss", 0, 1.7e9, 1.0).unwrap();
    logs[1].flush().unwrap();
    for _ in 0..2 {
        source.poll(&mut kept).unwrap();
    }
    assert_eq!((kept.series("loss").as_str(), source.account().n_damaged), ("0:1", 1));
    std::fs::remove_file(logs[1].path()).unwrap();
    assert!(source.poll(&mut kept).unwrap_err().to_string().contains("no such file"));
}

#[test]
fn damage_costs_what_it_hit_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let whole = write(folder.path());
    let (expected, _) = read(&mut *open(folder.path()));
    for at in [60, 200, whole.len() / 2, whole.len() - 30] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let (_folder, path) = file("events.out.tfevents.1.x.1.0", &bytes);
        let (kept, account) = read(&mut *open(&path));
        assert_eq!(account.n_damaged, 1, "byte {at}");
        let offset = usize::try_from(account.damage[0].offset).unwrap();
        assert!(offset <= at && at < offset + 400, "byte {at}: {offset}");
        assert!(kept.n_scalars() + 1 >= expected.n_scalars());
    }
}

#[test]
fn bytes_that_are_no_log_are_one_message() {
    let (_folder, path) = file("model.bin", [0u8; 100]);
    let error = stetho_runlog::find(&path).unwrap_err().to_string();
    assert!(error.contains("no log that is known"), "{error}");
    let (_folder, path) = file("events.out.tfevents.1.x", "not an event file at all");
    let (kept, account) = read(&mut *open(&path));
    assert_eq!((kept.n_scalars(), account.n_damaged), (0, 1));
    assert!(account.skipped.keys().any(|k| k.starts_with("the rest of")), "{account:?}");
}

/// What is read of `bytes` when the file grows to the sizes in turn.
fn read_growing(bytes: &[u8], sizes: &[usize]) -> (Kept, u64, Vec<stetho_runlog::Damage>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.out.tfevents.1.x.1.0");
    let mut source = EventRun::of_files(std::slice::from_ref(&path));
    let mut kept = Kept::default();
    for size in sizes {
        std::fs::write(&path, &bytes[..*size]).unwrap();
        source.poll(&mut kept).unwrap();
    }
    let account = source.account();
    let damage = account.damage.into_iter().map(|d| stetho_runlog::Damage { path: "x".into(), ..d });
    (kept, account.n_damaged, damage.collect())
}

#[test]
fn a_tail_torn_at_any_byte_reads_cleanly_and_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = write(folder.path());
    let (whole, ..) = read_growing(&bytes, &[bytes.len()]);
    for cut in bytes.len() - 400..bytes.len() {
        let (torn, n_damaged, _) = read_growing(&bytes, &[cut]);
        assert_eq!(n_damaged, 0, "cut at {cut}");
        assert!(torn.n_scalars() >= 30);
        let (resumed, n_damaged, _) = read_growing(&bytes, &[cut, bytes.len()]);
        assert_eq!((resumed, n_damaged), (whole.clone(), 0), "cut at {cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_polls_read_the_same(
        mut sizes in prop::collection::vec(0..2000usize, 0..6),
        flips in prop::collection::vec((0..2000usize, 1..=255u8), 0..3),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = write(folder.path());
        for (at, bits) in flips {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= bits;
            }
        }
        let at_once = read_growing(&bytes, &[bytes.len()]);
        sizes.retain(|size| *size <= bytes.len());
        sizes.sort_unstable();
        sizes.push(bytes.len());
        prop_assert_eq!(read_growing(&bytes, &sizes), at_once);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (_folder, path) = file("events.out.tfevents.1.x", &bytes);
        read(&mut EventRun::of_files(&[path]));
    }

    /// The frames are whole, what is in them is not.
    #[test]
    fn any_damaged_message_is_read_without_panic(
        at in 24..2000usize, cut in 0..40usize, bytes in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let log = write(folder.path());
        let mut tail = Tail::default();
        tail.fill(&mut &log[..]).unwrap();
        let mut out = Vec::new();
        while let Outcome::Record(record) = tail.next_record() {
            let mut record = record.to_vec();
            let n = record.len();
            let start = at % n;
            record.splice(start..(start + cut).min(n), bytes.iter().copied());
            stetho_runlog::put_frame(&mut out, &record);
        }
        let (_folder, path) = file("events.out.tfevents.1.x", &out);
        let (_, account) = read(&mut EventRun::of_files(&[path]));
        prop_assert!(account.n_waiting == 0);
    }
}
