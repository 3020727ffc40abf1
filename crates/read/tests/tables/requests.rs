//! What is asked for: files that do not fit, columns that are not there, and stopping early.

use std::sync::atomic::{AtomicUsize, Ordering};

use stetho_core::table::{Measured, Origin, Part, Task};
use stetho_read::{Plan, Unwatched, Watch, read_table};

use crate::support::{Folder, column, names, plan};

fn refusal(plan: &Plan) -> String {
    let message = read_table(plan, &Unwatched).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

#[test]
fn files_of_different_columns_are_one_error_that_names_both() {
    let folder = Folder::new();
    folder.write("a.csv", "x,y\n1,2\n");
    folder.write("b.csv", "x,z,w\n1,2,3\n");
    let message = refusal(&plan(vec![folder.path().to_owned()]));
    for part in ["a.csv", "b.csv", "`y`", "`z`", "`w`"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn the_order_of_columns_may_differ_between_files() {
    let folder = Folder::new();
    let files = vec![folder.write("a.csv", "x,y\n1,2\n"), folder.write("b.csv", "y,x\n20,10\n")];
    let table = read_table(&plan(files), &Unwatched).unwrap().table;
    assert_eq!(names(&table), ["x", "y"]);
    assert!((column(&table, "x").number.as_ref().unwrap().mean - 5.5).abs() < 1e-12);
}

#[test]
fn a_missing_column_is_answered_with_near_names() {
    let folder = Folder::new();
    let files = vec![folder.write("a.csv", "price,rooms\n1,2\n3,4\n")];
    let message = refusal(&Plan { target: Some("prize".into()), ..plan(files.clone()) });
    assert!(message.contains("`prize`") && message.contains("nearest names are `price`"), "{message}");
    let message = refusal(&Plan { group: Some("room".into()), ..plan(files) });
    assert!(message.starts_with("--group") && message.contains("`rooms`"), "{message}");
}

#[test]
fn what_is_not_there_is_named() {
    let folder = Folder::new();
    let message = refusal(&plan(vec![folder.path().join("absent.csv")]));
    assert!(message.contains("absent.csv"), "{message}");
    let message = refusal(&plan(vec![folder.path().to_owned()]));
    assert!(message.contains("no data file"), "{message}");
    let train = vec![folder.write("a.csv", "x,y\n1,2\n")];
    let validation = vec![folder.write("v.csv", "p,q\n1,2\n")];
    let message = refusal(&Plan { validation, ..plan(train) });
    assert!(message.contains("v.csv") && message.contains("a.csv"), "{message}");
}

#[test]
fn a_held_out_part_may_lack_the_target() {
    let folder = Folder::new();
    let rows = |label: &str| (0..60).map(|i| format!("{i}.5{label}\n")).collect::<String>();
    let train = vec![folder.write("train.csv", format!("x,label\n{}", rows(",a")))];
    let validation = vec![folder.write("val.csv", format!("x\n{}", rows("")))];
    let table = read_table(&Plan { validation, ..plan(train) }, &Unwatched).unwrap().table;
    let split = &table.splits.get().unwrap()[0];
    assert_eq!((split.part, &split.absent, split.n_rows), (Part::Validation, &vec!["label".to_owned()], 60));
    let overlap = &table.overlap.get().unwrap()[0];
    assert_eq!((overlap.n_shared, overlap.n_conflicting), (60, 0));
}

#[test]
fn the_target_is_named_given_or_guessed() {
    let folder = Folder::new();
    let rows: String = (0..60).map(|i| format!("{i}.25,{},{}\n", i % 2, ["a", "b", "c"][i % 3])).collect();
    let origin = |header: &str, given: Option<&str>| {
        let files = vec![folder.write("t.csv", format!("{header}\n{rows}"))];
        let table =
            read_table(&Plan { target: given.map(Into::into), ..plan(files) }, &Unwatched).unwrap().table;
        let Measured::Is(target) = table.target else { panic!("no target") };
        (target.column, target.origin, target.task, target.classes.len())
    };
    assert_eq!(origin("x,label,z", None), (1, Origin::Named, Task::Classification, 2));
    assert_eq!(origin("x,y2,z", None), (2, Origin::Guessed, Task::Classification, 3));
    assert_eq!(origin("x,y2,z", Some("x")), (0, Origin::Given, Task::Regression, 0));
}

/// Stops once some progress has been told.
struct Impatient(AtomicUsize);

impl Watch for Impatient {
    fn progress(&self, done: u64, total: u64) {
        assert!(done <= total);
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    fn stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

#[test]
fn stopping_early_gives_a_usable_record() {
    let folder = Folder::new();
    let rows: String = (0..400_000).map(|i| format!("{i},{}\n", i % 3)).collect();
    let files = vec![
        folder.write("a.csv", format!("x,label\n{rows}")),
        folder.write("b.csv", format!("x,label\n{rows}")),
    ];
    for threads in [1, 3] {
        let plan = Plan { threads, ..plan(files.clone()) };
        let reading = read_table(&plan, &Impatient(AtomicUsize::new(0))).unwrap();
        let table = reading.table;
        assert!(reading.partial);
        assert!(table.n_rows < 400_000, "{}", table.n_rows);
        assert_eq!((table.columns.len(), table.files.len()), (2, 2));
        assert!(table.columns.iter().all(|c| c.n_rows == table.n_rows));
        assert!(table.target.get().is_some() && table.duplicates.get().is_some());
    }
    assert!(!read_table(&plan(files), &Unwatched).unwrap().partial);
}

/// Panics in every thread but this one.
struct Panicking(std::thread::ThreadId);

impl Watch for Panicking {
    fn progress(&self, _: u64, _: u64) {}
    fn stopped(&self) -> bool {
        assert_eq!(std::thread::current().id(), self.0, "on purpose");
        false
    }
}

#[test]
fn a_worker_that_panics_is_an_error_with_its_message() {
    let folder = Folder::new();
    let rows: String = (0..600_000).map(|i| format!("{i},{}\n", i % 3)).collect();
    let files: Vec<_> = (0..3).map(|i| folder.write(&format!("{i}.csv"), format!("x,y\n{rows}"))).collect();
    for threads in [1, 4] {
        let plan = Plan { threads, ..plan(files.clone()) };
        let error = read_table(&plan, &Panicking(std::thread::current().id())).unwrap_err().to_string();
        assert!(error.contains("please report it") && error.contains("on purpose"), "{error}");
    }
}

/// Removes a file at the first progress.
struct Remover(std::path::PathBuf);

impl Watch for Remover {
    fn progress(&self, _: u64, _: u64) {
        let _ = std::fs::remove_file(&self.0);
    }
    fn stopped(&self) -> bool {
        false
    }
}

#[test]
fn a_file_that_vanishes_is_named() {
    let folder = Folder::new();
    let first = folder.write("a.csv", "x,y\n1,2\n3,4\n");
    let second = folder.write("b.csv", "x,y\n1,2\n3,4\n");
    let error = read_table(&plan(vec![first, second.clone()]), &Remover(second)).unwrap_err();
    assert!(error.to_string().contains("b.csv"), "{error}");
}
