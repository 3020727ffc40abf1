//! `stetho prepare` on tables: each remedy takes its finding away, and nothing else is touched.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests that fails is a test that fails")]

mod common;

use std::collections::BTreeSet;
use std::process::Command;

use common::{Folder, Outcome};
use serde_json::Value;
use stetho_gallery::Recipe;

fn table(name: &str, rows: usize, recipe: &str) -> Folder {
    let folder = Folder::new(&format!("prepare_{name}"));
    folder.write("data.csv", &Recipe::parse(recipe).unwrap().make(rows).unwrap().to_csv());
    folder
}

/// The rules that `stetho check` raises.
fn found(folder: &Folder, words: &[&str]) -> BTreeSet<String> {
    let all: Vec<&str> = ["check", "--format", "json"].iter().chain(words).copied().collect();
    let result = folder.run(&all);
    let report: Value =
        serde_json::from_str(&result.stdout).unwrap_or_else(|e| panic!("{e}: {}", result.stderr));
    report["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap().to_owned()).collect()
}

/// Prepares `data.csv`; it must work, and leave the source as it was.
#[track_caller]
fn prepare(folder: &Folder, words: &[&str]) -> Outcome {
    let before = std::fs::read(folder.path("data.csv")).unwrap();
    let all: Vec<&str> = ["prepare", "data.csv", "--out", "out"].iter().chain(words).copied().collect();
    let result = folder.run(&all);
    assert_eq!((result.code, result.stderr.as_str()), (0, ""), "{}", result.stdout);
    assert_eq!(std::fs::read(folder.path("data.csv")).unwrap(), before, "the source was changed");
    result
}

/// `rule` is found before and not after.
#[track_caller]
fn cures(folder: &Folder, rule: &str, words: &[&str]) {
    let before = found(folder, &["data.csv", "--target", "label"]);
    assert!(before.contains(rule), "{before:?}");
    prepare(folder, words);
    let after = found(folder, &["out/data.csv", "--target", "label"]);
    assert!(!after.contains(rule), "{after:?}");
}

fn read(folder: &Folder, name: &str) -> String {
    std::fs::read_to_string(folder.path(name)).unwrap()
}

fn receipt(folder: &Folder) -> Value {
    serde_json::from_str(&read(folder, "out/receipt.json")).unwrap()
}

fn lines(folder: &Folder, name: &str) -> Vec<String> {
    read(folder, name).lines().skip(1).map(str::to_owned).collect()
}

const PLAIN: &str =
    "x = normal(0, 1)\ny = normal(5, 2)\nlabel = pick(x + normal(0, 1) > 0, \"yes\", \"no\")\n";

#[test]
fn copies_of_rows_are_dropped_and_told() {
    let folder = table("duplicates", 300, &format!("{PLAIN}repeat rows 40..60"));
    cures(&folder, "duplicate-rows", &["--drop", "duplicates"]);
    let receipt = receipt(&folder);
    let changes = receipt["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 20);
    assert_eq!((&changes[0]["row"], &changes[0]["line"]), (&300.into(), &302.into()));
    assert_eq!((&changes[0]["by"], &changes[0]["file"]), (&"duplicate-rows".into(), &"data.csv".into()));
    assert!(changes[0]["before"]["x"].is_string());
    assert_eq!(receipt["rows"][0]["rows"].as_array().unwrap().len(), 300);
    // the first of each group stays, and all cells are as they were written
    assert_eq!(lines(&folder, "out/data.csv"), lines(&folder, "data.csv")[..300]);
    assert!(read(&folder, "out/receipt.md").contains("dropped 20 rows"));
}

#[test]
fn rows_that_conflict_are_all_dropped() {
    let folder = table("conflicting", 300, PLAIN);
    let mut text = read(&folder, "data.csv");
    let row = lines(&folder, "data.csv").remove(7);
    let (features, label) = row.rsplit_once(',').unwrap();
    text.push_str(&format!("{features},{}\n", if label == "yes" { "no" } else { "yes" }));
    folder.write("data.csv", &text);
    cures(&folder, "conflicting-labels", &["--drop", "conflicting"]);
    assert!(!read(&folder, "out/data.csv").contains(features));
    assert_eq!(lines(&folder, "out/data.csv").len(), 299);
}

#[test]
fn rows_without_a_label_and_columns_without_news_are_dropped() {
    let folder =
        table("unlabelled", 300, &format!("site = choice(\"a\")\n{PLAIN}label = missing(label, 0.05)"));
    let before = found(&folder, &["data.csv", "--target", "label"]);
    assert!(before.contains("missing-labels") && before.contains("constant-column"), "{before:?}");
    prepare(&folder, &["--drop", "unlabelled,constant-column", "--target", "label"]);
    let after = found(&folder, &["out/data.csv", "--target", "label"]);
    assert!(!after.contains("missing-labels") && !after.contains("constant-column"), "{after:?}");
    assert!(read(&folder, "out/data.csv").starts_with("x,y,label\n"));
}

#[test]
fn rows_that_are_not_finite_are_dropped() {
    let folder = table("infinite", 200, &format!("{PLAIN}y = at(y, 17, \"inf\")\ny = at(y, 30, \"-inf\")"));
    cures(&folder, "non-finite-values", &["--drop", "non-finite-values"]);
    assert_eq!(lines(&folder, "out/data.csv").len(), 198);
}

const RAIN: &str = "rain = round(uniform(0, 80), 1)\nrain = pick(uniform(0, 1) < 0.05, -999, rain)\n\
                    age = round(normal(40, 12), 0)\nage = missing(age, 0.04, \"?\")\nlabel = choice(\"yes\", \"no\")";

#[test]
fn placeholders_are_filled_in_too() {
    let folder = table("placeholders", 400, RAIN);
    cures(&folder, "missing-values", &["--impute"]);
    assert!(!read(&folder, "out/data.csv").contains("-999"));
    let folder = table("placeholders_kept", 400, RAIN);
    let told = prepare(&folder, &["--scale"]).stdout;
    assert!(told.contains("taken for values: ? in `age`; -999 in `rain`"), "{told}");
}

#[test]
fn what_is_still_found_is_told() {
    let folder = table(
        "still",
        2000,
        "amount = lognormal(4, 2)\nother = lognormal(3, 2)\nlabel = choice(\"yes\", \"no\")",
    );
    let told = prepare(&folder, &["--log", "amount", "--scale", "--target", "label"]).stdout;
    assert!(told.contains("`check` still says skewed-column: ") && told.contains("`other`"), "{told}");
    assert!(told.contains("nothing found by `feature-scales`"), "{told}");
}

#[test]
fn rows_that_both_parts_have_leave_the_held_out_part() {
    let folder = table("overlap", 300, PLAIN);
    let text = read(&folder, "data.csv");
    let val: Vec<&str> = text.lines().take(31).collect();
    let fresh = Recipe::parse(&format!("{PLAIN}shuffle")).unwrap().make(60).unwrap().to_csv();
    folder.write("val.csv", &format!("{}\n{}", val.join("\n"), fresh.split_once('\n').unwrap().1));
    assert!(found(&folder, &["data.csv", "--val", "val.csv"]).contains("split-overlap"));
    prepare(&folder, &["--val", "val.csv", "--drop", "overlap"]);
    assert!(!found(&folder, &["out/train.csv", "--val", "out/validation.csv"]).contains("split-overlap"));
    assert_eq!(lines(&folder, "out/validation.csv").len(), 60);
    assert_eq!(lines(&folder, "out/train.csv").len(), 300);
}

#[test]
fn rows_that_cannot_be_read_are_left_out_and_told() {
    let folder = table("unreadable", 60, PLAIN);
    folder.write("data.csv", &format!("{}1,2,3,4,5\n", read(&folder, "data.csv")));
    cures(&folder, "malformed-rows", &["--drop", "unreadable"]);
    let change = &receipt(&folder)["changes"][0];
    assert_eq!((&change["line"], &change["what"]), (&62.into(), &"left out or repaired".into()));
}

#[test]
fn missing_values_are_filled_from_the_training_part() {
    let recipe = format!(
        "{PLAIN}town = choice(\"Bonn\": 0.8, \"Trier\": 0.2)\nx = missing(x, 0.1)\ny = missing(y, 0.1, \"NA\")\ntown = missing(town, 0.1)"
    );
    let folder = table("impute", 400, &recipe);
    cures(&folder, "missing-values", &["--impute", "--target", "label"]);
    let folder = table("impute_split", 400, &recipe);
    prepare(&folder, &["--impute", "--split", "0.5/0.5", "--target", "label"]);
    let transform: Value = serde_json::from_str(&read(&folder, "out/transform.json")).unwrap();
    let fills: Vec<f64> = transform["fill"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    let receipt = receipt(&folder);
    let source = lines(&folder, "data.csv");
    let train = receipt["rows"][0]["rows"].as_array().unwrap();
    let mut xs: Vec<f64> = train
        .iter()
        .filter_map(|at| source[at[1].as_u64().unwrap() as usize].split(',').next()?.parse().ok())
        .collect();
    xs.sort_by(f64::total_cmp);
    let median = (xs[xs.len() / 2] + xs[(xs.len() - 1) / 2]) / 2.0;
    assert!((fills[0] - median).abs() < 1e-9, "{} {median}", fills[0]);
    assert_eq!(transform["fill_text"]["town"], "Bonn");
}

#[test]
fn a_skewed_column_becomes_its_logarithm() {
    let folder = table("log", 2000, "amount = lognormal(4, 2)\nlabel = choice(\"yes\", \"no\")");
    cures(&folder, "skewed-column", &["--log", "amount"]);
    let value = |name: &str| lines(&folder, name)[0].split(',').next().unwrap().parse::<f64>().unwrap();
    assert!((value("out/data.csv") - value("data.csv").ln_1p()).abs() < 1e-12);
}

#[test]
fn columns_are_centred_and_scaled() {
    let recipe =
        "age = round(normal(40, 12), 0)\nincome = lognormal(10, 0.5)\nlabel = choice(\"yes\", \"no\")";
    let folder = table("scale", 300, recipe);
    cures(&folder, "feature-scales", &["--center", "--scale"]);
    let values = |column: usize| -> Vec<f64> {
        lines(&folder, "out/data.csv")
            .iter()
            .map(|l| l.split(',').nth(column).unwrap().parse().unwrap())
            .collect()
    };
    for column in 0..2 {
        let values = values(column);
        let mean = values.iter().sum::<f64>() / 300.0;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 300.0;
        assert!(mean.abs() < 1e-9 && (variance - 1.0).abs() < 1e-9, "{mean} {variance}");
    }
}

const DEPENDENT: &str = "rent = normal(900, 200)\nfood = normal(400, 120)\ntravel = normal(300, 150)\n\
                         total = rent + food + travel\nlabel = choice(\"yes\", \"no\")";

#[test]
fn whitening_ends_the_dependence_of_columns() {
    let folder = table("pca", 300, DEPENDENT);
    cures(&folder, "ill-conditioned-features", &["--whiten", "pca"]);
    let text = read(&folder, "out/data.csv");
    assert!(text.starts_with("pc1,pc2,pc3,label\n") && !text.to_lowercase().contains("nan"), "{text}");
    let recipe =
        DEPENDENT.replace("total = rent + food + travel", "total = rent + food + travel + normal(0, 1)");
    let folder = table("zca", 300, &recipe);
    cures(&folder, "ill-conditioned-features", &["--whiten", "zca"]);
    assert!(read(&folder, "out/data.csv").starts_with("rent,food,travel,total,label\n"));
}

#[test]
fn a_column_that_follows_from_others_gives_no_nan_in_zca() {
    let folder = table("zca_deficient", 300, DEPENDENT);
    let told = prepare(&folder, &["--whiten", "zca"]).stdout;
    assert!(told.contains("1 direction of 4 has no variance"), "{told}");
    for line in lines(&folder, "out/data.csv") {
        assert!(line.split(',').take(4).all(|v| v.parse::<f64>().unwrap().is_finite()), "{line}");
    }
}

/// Numbers of `out/NAME` by `numpy` and the snippet of the receipt; `None` without Python or NumPy.
fn by_numpy(folder: &Folder, source: &str) -> Option<Vec<Vec<f64>>> {
    let has = Command::new("python3").args(["-c", "import numpy"]).output().ok()?.status.success();
    if !has {
        return None;
    }
    let receipt = read(folder, "out/receipt.md");
    let snippet = receipt.split("in NumPy\n\n```python\n").nth(1)?.split("```").next()?;
    let script = format!(
        "{snippet}\nimport csv\nrows = list(csv.DictReader(open({source:?})))\n\
         x = [[float(r[c]) if r[c] else np.nan for c in t['columns']] for r in rows]\n\
         print(json.dumps(transform(x).tolist()))"
    );
    let mut python = Command::new("python3");
    let output = python.args(["-c", &script]).current_dir(folder.path("out")).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).ok()
}

#[test]
fn the_saved_transform_gives_the_written_values() {
    let recipe = "a = lognormal(0, 1)\nb = normal(50, 3)\nc = a + b + normal(0, 1)\na = missing(a, 0.05)\n\
                  label = choice(\"yes\", \"no\")";
    let folder = table("snippet", 200, recipe);
    prepare(&folder, &["--impute", "--log", "a", "--whiten", "pca"]);
    let transform: Value = serde_json::from_str(&read(&folder, "out/transform.json")).unwrap();
    let list = |key: &str| -> Vec<f64> {
        transform[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    let (fill, mean, scale) = (list("fill"), list("mean"), list("scale"));
    let rows: Vec<Vec<f64>> = lines(&folder, "data.csv")
        .iter()
        .map(|line| {
            let mut x: Vec<f64> =
                line.split(',').take(3).zip(&fill).map(|(t, f)| t.parse().unwrap_or(*f)).collect();
            x[0] = x[0].ln_1p();
            let z: Vec<f64> = x.iter().zip(&mean).zip(&scale).map(|((x, m), s)| (x - m) / s).collect();
            let weights = transform["matrix"].as_array().unwrap().iter();
            weights
                .map(|w| w.as_array().unwrap().iter().zip(&z).map(|(w, z)| w.as_f64().unwrap() * z).sum())
                .collect()
        })
        .collect();
    let python = by_numpy(&folder, "../data.csv");
    for (i, line) in lines(&folder, "out/data.csv").iter().enumerate() {
        for (j, written) in line.split(',').take(3).enumerate() {
            let written: f64 = written.parse().unwrap();
            assert!((written - rows[i][j]).abs() < 1e-9, "row {i}: {written} {}", rows[i][j]);
            if let Some(python) = &python {
                assert!((written - python[i][j]).abs() < 1e-9, "row {i}: {written} {}", python[i][j]);
            }
        }
    }
}

const RARE: &str = "x = normal(0, 1)\nz = normal(3, 1)\nlabel = choice(\"no\": 0.95, \"yes\": 0.05)\n";

#[test]
fn classes_are_balanced_in_the_training_part_only() {
    for how in ["up", "down", "smote"] {
        let folder = table(&format!("balance_{how}"), 600, RARE);
        assert!(found(&folder, &["data.csv"]).contains("class-imbalance"));
        prepare(&folder, &["--split", "0.8/0.2", "--balance", how, "--target", "label"]);
        assert!(
            !found(&folder, &["out/train.csv", "--target", "label"]).contains("class-imbalance"),
            "{how}"
        );
        let count = |file: &str, class: &str| {
            lines(&folder, file).iter().filter(|l| l.ends_with(&format!(",{class}"))).count()
        };
        assert_eq!(count("out/train.csv", "yes"), count("out/train.csv", "no"), "{how}");
        let source: BTreeSet<String> = lines(&folder, "data.csv").into_iter().collect();
        let validation = lines(&folder, "out/validation.csv");
        assert!(validation.iter().all(|row| source.contains(row)));
        assert_eq!(validation.len(), 120);
        let train: BTreeSet<String> = lines(&folder, "out/train.csv").into_iter().collect();
        assert!(validation.iter().all(|row| !train.contains(row)), "a row is on both sides");
    }
}

#[test]
fn weights_of_classes_and_rows_are_written() {
    let folder = table("weights", 200, RARE);
    prepare(&folder, &["--balance", "weights", "--target", "label"]);
    let n_yes = lines(&folder, "data.csv").iter().filter(|l| l.ends_with(",yes")).count();
    let weight = 200.0 / (2.0 * n_yes as f64);
    assert!(read(&folder, "out/weights.csv").contains(&format!("yes,{weight},{n_yes}")));
    let of_rows = lines(&folder, "out/sample_weights.csv");
    let sum: f64 = of_rows.iter().map(|w| w.parse::<f64>().unwrap()).sum();
    assert!((sum - 200.0).abs() < 1e-9, "{sum}");
    assert_eq!(lines(&folder, "out/data.csv"), lines(&folder, "data.csv"));
    assert!(read(&folder, "out/receipt.md").contains("WeightedRandomSampler"));
}

#[test]
fn splits_keep_groups_and_equal_rows_together() {
    let folder =
        table("split", 400, &format!("person = text(\"p\", integer(1, 50))\n{PLAIN}repeat rows 0..40"));
    prepare(&folder, &["--split", "0.6/0.2/0.2", "--group", "person", "--target", "label"]);
    let mut side = std::collections::BTreeMap::new();
    let mut n = 0;
    for part in ["train", "validation", "test"] {
        for line in lines(&folder, &format!("out/{part}.csv")) {
            let person = line.split(',').next().unwrap().to_owned();
            assert_eq!(*side.entry(person).or_insert(part), part);
            n += 1;
        }
    }
    assert_eq!(n, 440);
    let after = found(
        &folder,
        &["out/train.csv", "--val", "out/validation.csv", "--test", "out/test.csv", "--target", "label"],
    );
    assert!(!after.contains("split-overlap") && !after.contains("label-drift"), "{after:?}");
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let words = ["--split", "0.8/0.1/0.1", "--balance", "up", "--scale", "--target", "label"];
    let run = |name: &str, seed: &str, threads: &str| {
        let folder = table(name, 300, RARE);
        let all: Vec<&str> = words.iter().copied().chain(["--seed", seed, "--threads", threads]).collect();
        prepare(&folder, &all);
        let files = ["train.csv", "validation.csv", "test.csv", "transform.json", "receipt.json"];
        files.map(|file| read(&folder, &format!("out/{file}")))
    };
    let first = run("seed_1", "1", "1");
    assert_eq!(first, run("seed_1_again", "1", "4"));
    assert_ne!(first[0], run("seed_2", "2", "1")[0]);
}

#[test]
fn labels_are_corrected_by_row_and_by_the_export_of_fit() {
    let folder = table("labels", 50, PLAIN);
    let label = |name: &str, row: usize| lines(&folder, name)[row].rsplit(',').next().unwrap().to_owned();
    let other = |label: &str| if label == "yes" { "no" } else { "yes" };
    let (third, fourth) = (label("data.csv", 3), label("data.csv", 4));
    folder.write("fix.csv", &format!("row,label\n3,{}\n", other(&third)));
    prepare(&folder, &["--fix-labels", "fix.csv"]);
    assert_eq!((label("out/data.csv", 3).as_str(), &label("out/data.csv", 4)), (other(&third), &fourth));
    assert_eq!(receipt(&folder)["changes"][0]["before"], third);
    std::fs::remove_dir_all(folder.path("out")).unwrap();
    let export = format!(
        "path,row,line,given,suggested,p_given,p_suggested\ndata.csv,4,6,{fourth},{},0.1,0.9\n",
        other(&fourth)
    );
    folder.write("export.csv", &export);
    prepare(&folder, &["--fix-labels", "export.csv"]);
    assert_eq!((&label("out/data.csv", 3), label("out/data.csv", 4).as_str()), (&third, other(&fourth)));
    let wrong = export.replace(&format!(",{fourth},"), ",maybe,");
    for (file, text, words) in [
        ("far.csv", "row,label\n99,yes\n", "there is no row 99 in the data"),
        ("none.csv", "row,colour\n1,red\n", "has no column `label` or `suggested`"),
        ("word.csv", "row,label\nx,yes\n", "`row` is `x`, expected a whole number"),
        ("wrong.csv", wrong.as_str(), "not `maybe`; the file was made for other data"),
    ] {
        folder.write(file, text);
        let result = folder.run(&["prepare", "data.csv", "--out", "out2", "--fix-labels", file]);
        assert!(result.one_line_error().contains(words), "{}", result.stderr);
        assert!(!folder.path("out2").exists());
    }
}

#[test]
fn cells_that_no_remedy_touches_stay_as_they_were_written() {
    let folder = Folder::new("prepare_cells");
    let rows = "code,when,amount,big,note,ok,label\n\
                007,2024-01-02 03:04,1.50,9007199254740993,\"a, \"\"b\"\"\",True,x\n\
                008,2024-01-03 03:04,NA,9007199254740995,\"two\nlines\",False,y\n\
                009,2024-01-04 03:04,2e3,9007199254740997, spaced ,True,x\n\
                007,2024-01-02 03:04,1.50,9007199254740993,\"a, \"\"b\"\"\",True,x\n";
    folder.write("data.csv", rows);
    prepare(&folder, &["--drop", "duplicates", "--target", "label"]);
    let (kept, _) = rows.rsplit_once("007,2024").unwrap();
    let kept = kept.replace(", spaced ,", ",\" spaced \",");
    assert_eq!(read(&folder, "out/data.csv"), kept);
}

#[test]
fn a_decimal_comma_becomes_a_point() {
    let folder = Folder::new("prepare_comma");
    folder.write("data.csv", "x;label\n1,5;a\n2,25;b\n1,5;a\n3,0;b\n2,75;a\n4,5;b\n");
    prepare(&folder, &["--center", "--target", "label"]);
    let first: f64 = lines(&folder, "out/data.csv")[0].split(',').next().unwrap().parse().unwrap();
    let mean = (1.5 + 2.25 + 1.5 + 3.0 + 2.75 + 4.5) / 6.0;
    assert!((first - (1.5 - mean)).abs() < 1e-12);
}

#[test]
fn what_cannot_be_done_is_one_line_and_leaves_nothing() {
    let folder = table("refused", 100, &format!("{PLAIN}town = choice(\"a\", \"b\")"));
    folder.write("full/file", "");
    let cases: &[(&[&str], &str)] = &[
        (&["--drop", "duplicate-row"], "there is no rule `duplicate-row`; did you mean"),
        (&["--drop", "tiny-box"], "finds nothing in tables that can be dropped"),
        (&["--log", "z"], "--log: there is no column `z`"),
        (&["--log", "x"], "log(1 + x) is for values of 0 and more"),
        (&["--group", "who", "--split", "0.5/0.5"], "there is no column `who`"),
        (&["--split", "0.8/0.3"], "--split: the shares add up to 1.1, expected 1"),
        (&["--split", "0.8"], "--split: give two or three shares above 0"),
        (&["--balance", "up"], "resampling before splitting puts copies of one row or picture on both sides"),
        (
            &["--balance", "smote", "--split", "0.8/0.2", "--target", "label"],
            "column `town` holds no numbers",
        ),
        (&["--min-box", "3"], "--min-box is for pictures with boxes"),
        (&["--fix-labels", "none.csv"], "`none.csv`"),
        (&[], "nothing to do"),
    ];
    for (words, expected) in cases {
        let all: Vec<&str> = ["prepare", "data.csv", "--out", "out"].iter().chain(*words).copied().collect();
        let result = folder.run(&all);
        assert!(result.one_line_error().contains(expected), "{words:?}: {}", result.stderr);
    }
    let result = folder.run(&["prepare", "data.csv", "--out", "new/inner/out", "--log", "x"]);
    assert!(result.one_line_error().contains("--log"), "{}", result.stderr);
    let result = folder.run(&["prepare", "data.csv", "--out", "full", "--scale"]);
    assert!(result.one_line_error().contains("`full` is not empty"), "{}", result.stderr);
    let result = folder.run(&["prepare", ".", "--out", "new/inner", "--scale"]);
    assert!(result.one_line_error().contains("which is never changed"), "{}", result.stderr);
    let names: BTreeSet<String> = std::fs::read_dir(folder.path("."))
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, ["data.csv", "full"].map(String::from).into());
}

#[test]
fn a_target_that_nobody_named_is_told() {
    let folder = table("guessed", 100, "x = normal(0, 1)\nkind = choice(\"a\", \"b\")");
    let told = prepare(&folder, &["--scale"]).stdout;
    assert!(told.contains("`kind` was taken for the target") && told.contains("--target"), "{told}");
}

#[test]
fn a_quantity_is_split_by_its_range() {
    let folder = table("quantity", 400, "x = normal(0, 1)\nprice = 5 * x + lognormal(1, 1)");
    prepare(&folder, &["--split", "0.75/0.25", "--target", "price"]);
    let above = |file: &str| {
        let prices = lines(&folder, file);
        let n = prices.len();
        let high = prices.iter().filter(|l| l.rsplit(',').next().unwrap().parse::<f64>().unwrap() > 5.0);
        (high.count() as f64 / n as f64, n)
    };
    let ((train, n_train), (validation, n_validation)) =
        (above("out/train.csv"), above("out/validation.csv"));
    assert_eq!((n_train, n_validation), (300, 100));
    assert!((train - validation).abs() < 0.05, "{train} {validation}");
}

#[test]
fn a_column_that_the_held_out_part_lacks_stays_out_of_it() {
    let folder = table("lacks", 100, PLAIN);
    folder.write("test.csv", "x,y\n1.5,2\n-1,3.25\n");
    prepare(&folder, &["--test", "test.csv", "--scale", "--target", "label"]);
    let test = read(&folder, "out/test.csv");
    assert!(test.starts_with("x,y\n") && test.lines().count() == 3, "{test}");
    let result = folder.run(&["prepare", "test.csv", "--val", "data.csv", "--out", "o", "--whiten", "zca"]);
    assert_eq!(result.code, 0, "{}", result.stderr);
    let result = folder.run(&["prepare", "data.csv", "--val", "test.csv", "--out", "o2", "--log", "label"]);
    assert!(result.one_line_error().contains("`label` holds no numbers"), "{}", result.stderr);
}

#[test]
fn rows_that_were_resampled_are_not_split() {
    let folder = table("resampled", 300, RARE);
    prepare(&folder, &["--split", "0.8/0.2", "--balance", "up", "--target", "label"]);
    let result = folder.run(&["prepare", "out/train.csv", "--out", "again", "--split", "0.8/0.2"]);
    let error = result.one_line_error();
    assert!(error.contains("`--balance up`") && error.contains("which splits first"), "{error}");
}

#[test]
fn the_help_and_the_next_command_work() {
    let folder = table("next", 120, PLAIN);
    let told = prepare(&folder, &["--split", "0.8/0.2", "--target", "label"]).stdout;
    let next = told.lines().find_map(|line| line.strip_prefix("next:")).unwrap();
    let words: Vec<&str> = next.split_whitespace().skip(1).collect();
    let result = folder.run(&words);
    assert_eq!(result.code, 0, "{}{}", result.stdout, result.stderr);
    assert!(folder.run(&["prepare", "--help"]).stdout.contains("--balance"));
}
