use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use stetho_runlog::{Pattern, StepAxis, find};

use crate::support::{Kept, file, open, read};

fn read_file(name: &str, content: &str) -> (Kept, stetho_runlog::Account) {
    let (_folder, path) = file(name, content);
    read(&mut *open(&path))
}

#[test]
fn lightnings_metrics_with_blank_cells() {
    let text =
        "epoch,lr-Adam,step,train_loss_step,val_loss\n,0.001,49,,\n0,,49,0.5,\n0,,99,,0.4\n1,,149,nan,\n";
    let (kept, account) = read_file("metrics.csv", text);
    assert_eq!(kept.series("train_loss_step"), "49:0.5 149:NaN");
    assert_eq!(kept.series("val_loss"), "99:0.4");
    assert_eq!(kept.series("lr-Adam"), "49:0.001");
    assert_eq!(kept.series("epoch"), "49:0 99:0 149:1");
    assert_eq!(account.axis, StepAxis::Step("step".into()));
    assert_eq!((account.n_damaged, account.restarts), (0, 0));
}

#[test]
fn yolos_results_with_padded_names() {
    let text = "                  epoch,             train/box_loss,       metrics/mAP50(B)\n                      1,                     1.2345,                        inf\n                      2,                     1.1,                        0.5\n";
    let (kept, account) = read_file("results.csv", text);
    assert_eq!(kept.series("train/box_loss"), "1:1.2345 2:1.1");
    assert_eq!(kept.series("metrics/mAP50(B)"), "1:inf 2:0.5");
    assert_eq!(account.axis, StepAxis::Epoch("epoch".into()));
}

#[test]
fn keras_and_plain_tables() {
    let (kept, _) = read_file("training.log", "epoch,accuracy,loss,val_loss\n0,0.1,2.3,2.2\n1,0.2,2.1,2.0\n");
    assert_eq!(kept.series("accuracy"), "0:0.1 1:0.2");
    let (kept, account) = read_file("x.csv", "loss;optimizer;note\n2.5;adam;\n2.25;adam;\n");
    assert_eq!(kept.series("loss"), "0:2.5 1:2.25");
    assert_eq!(account.axis, StepAxis::Order);
    assert_eq!(account.not_numeric, ["optimizer"]);
    let (kept, _) = read_file("x.tsv", "iteration\tloss\r\n10\t1\r\n20\t2");
    assert_eq!(kept.series("loss"), "10:1 20:2", "the last line counts though nothing ended it");
    let (kept, account) = read_file("x.csv", "step,loss\n1,2\n2,3,4\n3\n\n4,5\n");
    assert_eq!(kept.series("loss"), "1:2 4:5");
    assert_eq!((account.n_damaged, account.damage[0].offset, account.damage[1].offset), (2, 14, 20));
}

#[test]
fn a_step_that_goes_back_takes_the_series_up_again() {
    let (kept, account) = read_file("x.csv", "step,loss\n1,1\n2,1\n3,1\nstep,loss\n2,9\n3,9\n4,9\n");
    assert_eq!(kept.series("loss"), "1:1 2:9 3:9 4:9");
    assert_eq!(account.restarts, 1);
    let (kept, account) = read_file("x.csv", "epoch,batch,loss\n0,0,1\n0,10,2\n0,20,3\n1,0,4\n1,10,5\n");
    assert_eq!(kept.series("loss"), "0:1 10:2 20:3 30:4 40:5");
    assert_eq!((account.axis, account.restarts), (StepAxis::EpochAndBatch, 0));
}

#[test]
fn lines_of_json() {
    let text = concat!(
        "{\"step\": 1, \"train\": {\"loss\": NaN, \"acc\": 0.5}, \"_timestamp\": 1.7e9, \"tag\": \"x\"}\n",
        "not json\n{\"step\": 2, \"train\": {\"loss\": \"Infinity\"}, \"ok\": true}\n[1]\n{\"step\": 3, \"train\": {\"loss\": 1"
    );
    let (kept, account) = read_file("log.jsonl", text);
    assert_eq!(kept.series("train/loss"), "1:NaN 2:inf");
    assert_eq!(kept.times["train/loss"], [Some(1.7e9), None]);
    assert_eq!(account.not_numeric, ["tag", "ok"]);
    assert_eq!(account.n_damaged, 2);
}

#[test]
fn the_state_of_transformers_trainer() {
    let text = r#"{"epoch": 2.0, "max_steps": 20, "log_history": [
        {"epoch": 0.5, "grad_norm": NaN, "learning_rate": 5e-05, "loss": 1.5, "step": 5},
        {"epoch": 1.0, "eval_loss": 1.25, "eval_runtime": 0.1, "step": 10},
        {"epoch": 2.0, "step": 20, "train_loss": 1.4, "train_runtime": 3.0}]}"#;
    let (kept, account) = read_file("trainer_state.json", text);
    assert_eq!(kept.series("loss"), "5:1.5");
    assert_eq!(kept.series("eval_loss"), "10:1.25");
    assert_eq!(kept.series("grad_norm"), "5:NaN");
    assert_eq!(kept.series("train_loss"), "");
    assert_eq!(kept.settings["max_steps"], "20");
    assert_eq!(account.skipped["summaries of the whole run"], 1);
    let (kept, _) =
        read_file("history.json", r#"{"loss": [3, 2, NaN], "val_loss": [4, 3, 2], "epoch": [0, 1, 2]}"#);
    assert_eq!(kept.series("loss"), "0:3 1:2 2:NaN");
    let (_, account) = read_file("trainer_state.json", &text[..100]);
    assert_eq!(account.n_damaged, 1);
    assert!(account.damage[0].problem.starts_with("not whole JSON"), "{account:?}");
}

#[test]
fn lines_that_a_loop_printed() {
    let text = "Using cuda\nbatch_size: 64\nEpoch 1/2\n\r 1/3 [=>..] - ETA: 3s - loss: 2.5\r 3/3 [===] - 1s - loss: 2.0\nEpoch 2/2\n 3/3 [===] - 1s - loss: 1.5 - val_loss: 1.75\nsaved to out: 5\n";
    let (kept, account) = read_file("train.txt", text);
    assert_eq!(kept.series("loss"), "1:2.5 3:2 6:1.5");
    assert_eq!(kept.series("val_loss"), "6:1.75");
    assert_eq!(account.skipped["lines that tell no step and no loss"], 5, "{account:?}");
    let text = "2024-01-02 12:30:01,000 step 10: train loss 1.5, val loss 2\n2024-01-02 12:30:11,000 step 20: train loss 1, val loss nan\n";
    let (kept, _) = read_file("out.log", text);
    assert_eq!(kept.series("val/loss"), "10:2 20:NaN");
    assert_eq!(kept.times["val/loss"], [Some(1_704_198_601.0), Some(1_704_198_611.0)]);
    let (kept, account) = read_file(
        "o.txt",
        "{'loss': 2.0, 'epoch': 0.1}\n{'loss': 1.0, 'epoch': 0.2}\n{'eval_loss': 1.5, 'epoch': 0.2}\n",
    );
    assert_eq!((kept.series("loss"), kept.series("eval_loss")), ("0:2 1:1".into(), "2:1.5".into()));
    assert_eq!(account.axis, StepAxis::Order);
}

#[test]
fn a_pattern_of_ones_own() {
    let (_folder, path) = file("x.txt", "it#5 -> 2.5e0\nit#6 -> nan\nbye\n");
    let pattern = Pattern::new(r"it#(?<step>\d+) -> (?<loss>\S+)").unwrap();
    let run = find(&path).unwrap().runs.remove(0);
    let (kept, account) = read(&mut *run.open(Some(&pattern)));
    assert_eq!(kept.series("loss"), "5:2.5 6:NaN");
    assert_eq!(account.skipped["lines that do not fit the pattern"], 1);
    assert!(Pattern::new("(").unwrap_err().to_string().contains("no regular expression"));
    assert!(Pattern::new("a").unwrap_err().to_string().contains("names no group"));
}

#[test]
fn compressed_logs_and_torn_ones() {
    let text: String = (0..5000).fold("step,loss\n".to_owned(), |t, i| t + &format!("{i},{}\n", i * 2));
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let (_folder, path) = file("metrics.csv.gz", &packed);
    let (kept, account) = read(&mut *open(&path));
    assert_eq!((kept.n_scalars(), account.n_damaged), (5000, 0));
    let (_folder, path) = file("metrics.csv.gz", &packed[..packed.len() / 2]);
    let (kept, account) = read(&mut *open(&path));
    assert!(kept.n_scalars() > 100 && kept.n_scalars() < 5000);
    assert_eq!(account.n_damaged, 1);
}
