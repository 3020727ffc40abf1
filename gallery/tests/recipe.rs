//! What recipes promise: the same table everywhere, the right distributions, an error with its line, never a panic.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use proptest::prelude::*;
use stetho_gallery::{Recipe, RecipeError};

fn csv(text: &str, rows: usize) -> String {
    Recipe::parse(text).unwrap().make(rows).unwrap().to_csv()
}

fn column(csv: &str, name: &str) -> Vec<String> {
    let mut lines = csv.lines();
    let at = lines.next().unwrap().split(',').position(|n| n == name).unwrap();
    lines.map(|l| l.split(',').nth(at).unwrap().to_owned()).collect()
}

fn numbers(csv: &str, name: &str) -> Vec<f64> {
    column(csv, name).iter().map(|v| v.parse().unwrap()).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn error(text: &str) -> RecipeError {
    match Recipe::parse(text) {
        Ok(recipe) => recipe.make(10).unwrap_err(),
        Err(error) => error,
    }
}

/// The very bits, so that a change of generator or of a library cannot pass unseen.
#[test]
fn output_is_pinned() {
    let text =
        "a = normal(0, 1)\nb = choice(\"x\": 0.8, \"y\")\nc = integer(1, 6)\nd = round(lognormal(0, 1), 4)";
    assert_eq!(
        csv(text, 3),
        "a,b,c,d\n1.174862686,x,6,1.9245\n-0.1892293622,x,6,0.459\n0.8665608702,x,4,0.4816\n"
    );
}

#[test]
fn the_seed_is_the_text_without_comments_and_spaces() {
    let plain = csv("a = normal(0, 1)", 5);
    assert_eq!(csv("# why\n\n   a  =  normal( 0 ,1 )   # so", 5), plain);
    assert_ne!(csv("a = normal(0, 1.5)", 5), plain);
    assert_eq!(column(&csv("a = normal(0, 1)", 50), "a")[..5], column(&plain, "a")[..]);
}

#[test]
fn distributions_have_their_parameters() {
    let text = "n = normal(40, 12)\nu = uniform(2, 4)\ni = integer(1, 3)\nl = lognormal(1, 0.5)\ne = exponential(7)\n\
                c = choice(\"a\": 3, \"b\": 1)";
    let csv = csv(text, 20_000);
    assert!((mean(&numbers(&csv, "n")) - 40.0).abs() < 0.4);
    assert!((mean(&numbers(&csv, "u")) - 3.0).abs() < 0.02);
    assert!((mean(&numbers(&csv, "e")) - 7.0).abs() < 0.2);
    assert!((mean(&numbers(&csv, "l").iter().map(|v| v.ln()).collect::<Vec<_>>()) - 1.0).abs() < 0.02);
    for side in ["1", "2", "3"] {
        let share = column(&csv, "i").iter().filter(|v| *v == side).count() as f64 / 20_000.0;
        assert!((share - 1.0 / 3.0).abs() < 0.02, "{side}: {share}");
    }
    let share = column(&csv, "c").iter().filter(|v| *v == "a").count() as f64 / 20_000.0;
    assert!((share - 0.75).abs() < 0.02, "{share}");
}

#[test]
fn formulas() {
    let text = "r = row()\nx = (r + 1) ^ 2 % 5 - -1\ny = pick(not (r == 1) and r <= 2, \"yes\", text(\"r\", r))\n\
                z = round(min(r, 1.26) + max(0, sqrt(4)), 1)\n`w w` = shuffled(r)";
    let csv = csv(text, 4);
    assert_eq!(column(&csv, "x"), ["2", "5", "5", "2"]);
    assert_eq!(column(&csv, "y"), ["yes", "r1", "yes", "r3"]);
    assert_eq!(column(&csv, "z"), ["2", "3", "3.3", "3.3"]);
    let mut shuffled = column(&csv, "w w");
    shuffled.sort();
    assert_eq!(shuffled, ["0", "1", "2", "3"]);
}

#[test]
fn missing_cells_are_blank_or_a_word_and_stay_missing() {
    let text = "a = normal(0, 1)\na = missing(a, 0.25)\nb = missing(row(), 1, \"NA\")\nc = b + 1\nd = at(row(), 2, \"inf\")";
    let csv = csv(text, 2000);
    let share = column(&csv, "a").iter().filter(|v| v.is_empty()).count() as f64 / 2000.0;
    assert!((share - 0.25).abs() < 0.04, "{share}");
    assert!(column(&csv, "b").iter().all(|v| v == "NA"));
    assert!(column(&csv, "c").iter().all(String::is_empty));
    assert_eq!(column(&csv, "d")[1..4], ["1", "inf", "3"]);
}

#[test]
fn directives_act_on_the_rows_made_so_far() {
    assert_eq!(csv("a = 3 - row()\nsort by a", 3), "a\n1\n2\n3\n");
    assert_eq!(csv("a = row()\nrepeat rows 1..3\nb = row()", 3), "a,b\n0,0\n1,1\n2,2\n1,3\n2,4\n");
    let shuffled = csv("a = row()\nb = a\nshuffle", 30);
    assert_eq!(column(&shuffled, "a"), column(&shuffled, "b"));
    assert_ne!(shuffled, csv("a = row()\nb = a", 30));
}

#[test]
fn held_out_parts_differ_and_may_take_rows() {
    let recipe = Recipe::parse("a = normal(0, 1)").unwrap();
    let train = recipe.make(50).unwrap();
    assert_ne!(recipe.make_held_out("val", 50, &train).unwrap().to_csv(), train.to_csv());
    let taker = Recipe::parse("a = 7\ntake rows 1..3 from train").unwrap();
    let test = taker.make_held_out("test", 1, &train).unwrap().to_csv();
    let from_train = train.to_csv();
    let lines: Vec<&str> = from_train.lines().collect();
    assert_eq!(test.lines().collect::<Vec<_>>(), ["a", "7", lines[2], lines[3]]);
    let only = Recipe::parse("take rows 0..2 from train").unwrap().make_held_out("val", 9, &train).unwrap();
    assert_eq!(only.n_rows(), 2);
}

#[test]
fn errors_name_their_line() {
    assert_eq!(
        error("a = row()\nb = c").to_string(),
        "line 2: there is no column `c` before this line; there are: `a`"
    );
    assert_eq!(error("a = \"x\"\nb = a + 1").to_string(), "line 2: a number is needed, and `x` is text");
    assert_eq!(error("a = at(1, 10, 0)").to_string(), "line 1: there is no row 10; there are 10, from 0");
    assert_eq!(error("a = 1\n\nsort by b").to_string(), "line 3: there is no column `b`");
    assert_eq!(
        error("a = 1\nrepeat rows 5..11").to_string(),
        "line 2: there are no rows 5..11; there are 10, from 0"
    );
    assert_eq!(
        error("take rows 0..1 from train").to_string(),
        "line 1: only a held-out part can take rows from train"
    );
    assert_eq!(error("a = 1 == \"1\"").line, 1);
    let doubling = format!("a = row()\n{}", "repeat rows 0..10\n".repeat(3));
    assert_eq!(csv(&doubling, 10).lines().count(), 41);
}

#[test]
fn too_many_cells_are_refused() {
    assert!(Recipe::parse("a = 1").unwrap().make(usize::MAX).is_err());
    let chain = format!("a = 1{}", "+1".repeat(100_000));
    assert!(Recipe::parse(&chain).is_err());
}

/// Lines that are often right, so that making is reached too.
fn line() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "[a-c]",
        "-?[0-9]{1,3}(\\.[0-9])?(e[0-9])?",
        Just("\"t\"".to_owned()),
        Just("row()".to_owned())
    ];
    let formula = value.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), "(\\+|-|\\*|/|%|\\^|==|<| and )", inner.clone())
                .prop_map(|(a, o, b)| format!("({a}{o}{b})")),
            ("(normal|uniform|integer|lognormal|min|max|round|missing|text)", inner.clone(), inner.clone())
                .prop_map(|(f, a, b)| format!("{f}({a}, {b})")),
            ("(pick|at|missing)", inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(f, a, b, c)| format!("{f}({a}, {b}, {c})")),
            ("(sin|exp|log|sqrt|exponential|shuffled)", inner).prop_map(|(f, a)| format!("{f}({a})")),
        ]
    });
    prop_oneof![
        4 => ("[a-c]", formula).prop_map(|(name, formula)| format!("{name} = {formula}")),
        1 => "(sort by [a-c]|shuffle|(repeat|take) rows [0-9]{1,2}\\.\\.[0-9]{1,2}( from train)?)",
    ]
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "(\\PC|\n){0,200}", rows in 0_usize..30) {
        if let Ok(recipe) = Recipe::parse(&text) {
            let _ = recipe.make(rows);
        }
    }

    #[test]
    fn likely_lines_are_followed_without_panic(lines in prop::collection::vec(line(), 0..8), rows in 0_usize..20) {
        if let Ok(recipe) = Recipe::parse(&lines.join("\n")) {
            let train = recipe.make(rows);
            if let Ok(train) = train {
                prop_assert_eq!(train.to_csv(), recipe.make(rows).unwrap().to_csv());
                let _ = recipe.make_held_out("val", rows, &train);
            }
        }
    }
}
