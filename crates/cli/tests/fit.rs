//! `stetho fit`, from the command line to the report.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests that fails is a test that fails")]

mod common;

use common::{Folder, Outcome};
use serde_json::Value;
use stetho_gallery::{PictureRecipe, Recipe};

const LINE: &str =
    "a = normal(0, 1)\nb = normal(0, 1)\nlabel = pick(a + b + normal(0, 0.4) > 0, \"yes\", \"no\")\n";

fn table(name: &str, recipe: &str, rows: usize) -> Folder {
    let folder = Folder::new(name);
    folder.write("data.csv", &Recipe::parse(recipe).unwrap().make(rows).unwrap().to_csv());
    folder
}

fn json(result: &Outcome) -> Value {
    serde_json::from_str(&result.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", result.stdout, result.stderr))
}

fn rules(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap()).collect()
}

const FAST: [&str; 2] = ["--models", "linear,forest"];

#[test]
fn a_healthy_table_gets_its_ladder_and_a_healthy_verdict() {
    let result = table("fit_healthy", LINE, 300).run(&["fit", "data.csv", "--target", "label"]);
    assert_eq!(result.code, 0, "{}{}", result.stdout, result.stderr);
    for text in [
        "verdict: healthy:",
        "logistic regression",
        "network of 128 units",
        "5 stratified folds",
        "learning curve",
    ] {
        assert!(result.stdout.contains(text), "no `{text}` in {}", result.stdout);
    }
    assert!(!result.stdout.contains("warning["), "{}", result.stdout);
    assert!(!result.stdout.contains("NaN"), "{}", result.stdout);
}

#[test]
fn noise_fails_the_command_with_an_error() {
    let noise = "a = normal(0, 1)\nlabel = choice(\"yes\", \"no\")\n";
    let result =
        table("fit_noise", noise, 200).run(&["fit", "data.csv", "--target", "label", "--format", "json"]);
    assert_eq!(result.code, 1, "{}", result.stderr);
    let report = json(&result);
    assert_eq!(report["command"], "fit");
    assert_eq!(rules(&report)[0], "no-signal");
    let verdict = report["facts"]["fit"]["verdict"].as_str().unwrap();
    assert!(verdict.starts_with("the data carries no signal: "), "{verdict}");
}

#[test]
fn groups_times_and_held_out_data_divide_the_rows() {
    let recipe = format!("{LINE}site = text(\"s\", integer(1, 9))\nday = row()\n");
    let folder = table("fit_divided", &recipe, 200);
    folder.write(
        "held.csv",
        &Recipe::parse(&format!("{recipe}_other = 1\n")).unwrap().make(80).unwrap().to_csv(),
    );
    let how = |words: &[&str]| {
        let mut all = vec!["fit", "data.csv", "--target", "label", "--format", "json", FAST[0], FAST[1]];
        all.extend(words);
        let report = json(&folder.run(&all));
        (
            report["facts"]["fit"]["folds"].as_str().unwrap().to_owned(),
            report["facts"]["fit"]["columns"].as_u64().unwrap(),
        )
    };
    assert_eq!(how(&["--group", "site"]), ("5 folds that keep groups together".into(), 3));
    assert_eq!(how(&["--time", "day"]), ("5 folds in the order of time".into(), 3));
    assert_eq!(how(&["--val", "held.csv"]).0, "the validation data that was given");
    assert_eq!(how(&["--folds", "3"]).0, "3 stratified folds");
}

#[test]
fn doubted_labels_are_written_for_relabelling() {
    let recipe = "x = normal(0, 1)\ny = normal(0, 1)\n_true = x + y > 0\n_flip = choice(1: 0.08, 0: 0.92)\n\
                  label = pick(_true + _flip == 1, \"yes\", \"no\")\n";
    let folder = table("fit_labels", recipe, 900);
    let words = ["fit", "data.csv", "--target", "label", "--labels-out", "relabel.csv", "--format", "json"];
    let result = folder.run(&words);
    let report = json(&result);
    assert!(rules(&report).contains(&"label-noise"), "{:?}", rules(&report));
    let list = std::fs::read_to_string(folder.path("relabel.csv")).unwrap();
    let mut lines = list.lines();
    assert_eq!(lines.next().unwrap(), "path,row,line,given,suggested,p_given,p_suggested");
    let first: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(first[0], "data.csv");
    assert_eq!(first[2].parse::<u64>().unwrap(), first[1].parse::<u64>().unwrap() + 2);
    assert_ne!(first[3], first[4]);
    assert!(list.lines().count() > 25, "{list}");
}

#[test]
fn pictures_are_fitted_by_their_labels() {
    let folder = Folder::new("fit_pictures");
    let recipe = "day = 30 photos 64x64 jpeg\nnight = 30 photos 64x64 jpeg grey brightness 0.5\n";
    PictureRecipe::parse(recipe).unwrap().write(&folder.path("data")).unwrap();
    let result = folder.run(&["fit", "data", "--format", "json", FAST[0], FAST[1]]);
    let report = json(&result);
    assert_eq!(report["subject"]["kind"], "images");
    let models = report["facts"]["fit"]["models"].as_array().unwrap();
    let best = models.iter().filter_map(|m| m["validation"].as_f64()).fold(0.0, f64::max);
    assert!(best > 0.9, "{models:?}");
}

#[test]
fn what_cannot_be_fitted_is_one_line() {
    let cases = [
        ("absent", "a,y\n1,2\n", vec!["--target", "z"], "there is no column `z`"),
        ("one", "a,y\n1,k\n2,k\n3,k\n4,k\n5,k\n", vec!["--target", "y"], "the one class `k`"),
        (
            "constant",
            "a,y\n1,2.5\n2,2.5\n3,2.5\n4,2.5\n5,2.5\n",
            vec!["--target", "y", "--task", "regression"],
            "always 2.5",
        ),
        ("short", "a,y\n1,k\n", vec!["--target", "y"], "at least 4"),
        ("names", "a,y\n1,p\n2,q\n3,r\n4,s\n5,t\n", vec!["--target", "y"], "names rows rather than classes"),
        ("empty", "a,y\n,k\n,l\n,k\n,l\n,k\n", vec!["--target", "y"], "no column to learn from"),
        ("alone", "y\nk\nl\nk\nl\nk\n", vec!["--target", "y"], "no column to learn from"),
        (
            "text",
            "a,y\n1,k\n2,l\n3,k\n4,l\n",
            vec!["--target", "y", "--task", "regression"],
            "--task classification",
        ),
    ];
    for (name, text, words, expected) in cases {
        let folder = Folder::new(&format!("fit_bad_{name}"));
        folder.write("data.csv", text);
        let mut all = vec!["fit", "data.csv"];
        all.extend(words);
        let result = folder.run(&all);
        let line = result.one_line_error();
        assert!(line.contains(expected), "{name}: {line}");
    }
}

#[test]
fn few_and_odd_rows_give_numbers_and_no_nan() {
    let cases = [
        ("rare", "a,y\n1,k\n2,k\n3,k\n4,k\n5,l\n6,k\n7,k\n8,k\n"),
        ("null", "a,b,y\n1,,k\n2,,l\n3,,k\n4,,l\n5,,k\n6,,l\n"),
        ("inf", "a,y\ninf,k\n2,l\n-inf,k\n1e300,l\n5,k\n6,l\nnan,k\n3,l\n"),
        ("nan_target", "a,y\n1,1.5\n2,nan\n3,2.5\n4,\n5,3.5\n6,9\n7,4\n8,1\n"),
        ("id", "id,y\n1,k\n2,l\n3,k\n4,l\n5,k\n6,l\n7,k\n8,l\n9,k\n10,l\n"),
    ];
    for (name, text) in cases {
        let folder = Folder::new(&format!("fit_odd_{name}"));
        folder.write("data.csv", text);
        let result = folder.run(&["fit", "data.csv", "--target", "y"]);
        assert!(result.code <= 2, "{name}: {}", result.stderr);
        assert!(!result.stderr.contains("bug in stetho"), "{name}: {}", result.stderr);
        assert!(!result.stdout.contains("NaN"), "{name}: {}", result.stdout);
    }
}

#[test]
fn a_spent_budget_is_told() {
    let result =
        table("fit_budget", LINE, 400).run(&["fit", "data.csv", "--target", "label", "--budget", "1ms"]);
    assert!(result.stdout.contains("the time budget was spent"), "{}{}", result.stdout, result.stderr);
}

#[test]
fn probabilities_and_embeddings_of_another_size_are_refused() {
    let folder = table("fit_sizes", LINE, 60);
    folder.write("probs.csv", "p0,p1\n0.5,0.5\n");
    let result = folder.run(&["fit", "data.csv", "--target", "label", "--pred-probs", "probs.csv"]);
    let line = result.one_line_error();
    assert!(line.contains("needed are 60 rows") && line.contains("`no`, `yes`"), "{line}");
    let recipe = "cat = 6 photos 64x64 jpeg\ndog = 6 photos 64x64 jpeg\n";
    PictureRecipe::parse(recipe).unwrap().write(&folder.path("pets")).unwrap();
    let result = folder.run(&["fit", "pets", "--embeddings", "probs.csv"]);
    assert!(result.one_line_error().contains("1 rows, the set 12 pictures"), "{}", result.stderr);
}

#[test]
fn embeddings_take_the_place_of_pixels() {
    let folder = Folder::new("fit_embeddings");
    let recipe = "cat = 20 photos 64x64 jpeg\ndog = 20 photos 64x64 jpeg\n";
    PictureRecipe::parse(recipe).unwrap().write(&folder.path("pets")).unwrap();
    let row = |i: usize| format!("{},{}\n", f64::from(u8::from(i >= 20)) + 0.01 * (i % 7) as f64, i % 3);
    folder.write("embeddings.csv", &format!("a,b\n{}", (0..40).map(row).collect::<String>()));
    let result =
        folder.run(&["fit", "pets", "--embeddings", "embeddings.csv", "--format", "json", FAST[0], FAST[1]]);
    let report = json(&result);
    assert_eq!(report["facts"]["fit"]["columns"], 2);
    let models = report["facts"]["fit"]["models"].as_array().unwrap();
    assert!(models.iter().any(|m| m["validation"].as_f64() > Some(0.99)), "{models:?}");
}

#[test]
fn own_probabilities_are_believed() {
    let folder = Folder::new("fit_probs");
    let mut rows = "a,y\n".to_owned();
    let mut probs = "p0,p1\n".to_owned();
    for i in 0..100 {
        let class = i % 2;
        let given = if i % 20 == 0 { 1 - class } else { class };
        rows.push_str(&format!("{},{given}\n", f64::from(class) + f64::from(i) * 0.01));
        probs.push_str(if class == 0 { "0.97,0.03\n" } else { "0.04,0.96\n" });
    }
    folder.write("data.csv", &rows);
    folder.write("probs.csv", &probs);
    let words = [
        "fit",
        "data.csv",
        "--target",
        "y",
        "--pred-probs",
        "probs.csv",
        "--labels-out",
        "l.csv",
        FAST[0],
        FAST[1],
    ];
    let result = folder.run(&words);
    assert!(result.code < 2, "{}", result.stderr);
    let list = std::fs::read_to_string(folder.path("l.csv")).unwrap();
    assert_eq!(list.lines().count(), 6, "{list}");
}
