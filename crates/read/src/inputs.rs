//! The files of a plan: which they are, and that they fit together.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use stetho_core::table::Part;

use crate::{Field, Plan, ReadError, source};

/// One file of the data set.
pub(crate) struct Input {
    pub path: PathBuf,
    pub part: Part,
    /// What was detected, in words.
    pub format: String,
    /// For each column of the table, which column of the file it is.
    pub columns: Vec<Option<usize>>,
    /// Size in bytes, for the progress bar.
    pub size: u64,
}

/// All files of a plan.
pub(crate) struct Inputs {
    /// Columns of the table: those of the first training file.
    pub fields: Vec<Field>,
    pub files: Vec<Input>,
    /// Files that were stepped over, with the reason.
    pub skipped: Vec<String>,
    /// Columns of the held-out parts that the training part does not have.
    pub extra: Vec<(Part, String)>,
}

impl Inputs {
    /// Finds and opens every file once, and checks that files of one part have the same columns.
    pub(crate) fn find(plan: &Plan) -> Result<Self, ReadError> {
        let mut inputs =
            Self { fields: Vec::new(), files: Vec::new(), skipped: Vec::new(), extra: Vec::new() };
        let parts =
            [(Part::Train, &plan.train), (Part::Validation, &plan.validation), (Part::Test, &plan.test)];
        for (part, paths) in parts {
            if paths.is_empty() {
                continue;
            }
            let (files, skipped) = source::expand(paths)?;
            inputs.skipped.extend(skipped);
            let mut first_error = None;
            for file in files {
                match inputs.add(&file, part) {
                    Ok(()) => {}
                    Err(error @ ReadError::Request(_)) => return Err(error),
                    Err(error) if paths.contains(&file) => return Err(error),
                    Err(error) => {
                        inputs.skipped.push(error.to_string());
                        first_error.get_or_insert(error);
                    }
                }
            }
            if !inputs.files.iter().any(|f| f.part == part) {
                let named: Vec<_> = paths.iter().map(|p| format!("`{}`", p.display())).collect();
                let none = format!("no data file was found in {}", named.join(", "));
                return Err(first_error.unwrap_or(ReadError::Request(none)));
            }
        }
        Ok(inputs)
    }

    /// Bytes of all files.
    pub(crate) fn size(&self) -> u64 {
        self.files.iter().map(|f| f.size).sum()
    }

    fn add(&mut self, path: &Path, part: Part) -> Result<(), ReadError> {
        let is_first = self.fields.is_empty();
        let expected = (!is_first).then_some(self.fields.as_slice());
        let source = source::open(path, expected)?;
        if is_first {
            self.fields = source.fields().to_vec();
        }
        let size = std::fs::metadata(path).map_or(0, |m| m.len());
        let columns = self.match_columns(path, part, source.fields())?;
        self.files.push(Input { path: path.to_owned(), part, format: source.format(), columns, size });
        Ok(())
    }

    /// Finds the table's columns among a file's.
    fn match_columns(
        &mut self,
        path: &Path,
        part: Part,
        fields: &[Field],
    ) -> Result<Vec<Option<usize>>, ReadError> {
        let places: HashMap<&str, usize> =
            fields.iter().enumerate().map(|(at, f)| (f.name.as_str(), at)).collect();
        let columns: Vec<Option<usize>> =
            self.fields.iter().map(|wanted| places.get(wanted.name.as_str()).copied()).collect();
        for (ours, theirs) in self.fields.iter().zip(&columns) {
            let Some(theirs) = theirs.and_then(|at| fields.get(at)) else { continue };
            if theirs.kind != ours.kind {
                return Err(self.misfit(
                    path,
                    part,
                    &format!(
                        "column `{}` is {} there and {} in the first file",
                        ours.name,
                        theirs.kind.name(),
                        ours.kind.name()
                    ),
                ));
            }
        }
        let missing: Vec<_> = self
            .fields
            .iter()
            .zip(&columns)
            .filter(|(_, c)| c.is_none())
            .map(|(f, _)| f.name.as_str())
            .collect();
        let known: HashSet<&str> = self.fields.iter().map(|f| f.name.as_str()).collect();
        let extra: Vec<_> =
            fields.iter().filter(|f| !known.contains(f.name.as_str())).map(|f| f.name.as_str()).collect();
        if part == Part::Train && (!missing.is_empty() || !extra.is_empty()) {
            let problem = [("it lacks", &missing), ("it also has", &extra)]
                .iter()
                .filter(|(_, names)| !names.is_empty())
                .map(|(verb, names)| format!("{verb} {}", name_some(names)))
                .collect::<Vec<_>>()
                .join("; ");
            return Err(self.misfit(path, part, &problem));
        }
        if columns.iter().all(Option::is_none) {
            return Err(self.misfit(path, part, "no column has the name of a training column"));
        }
        for name in extra {
            if !self.extra.iter().any(|(p, n)| *p == part && n == name) {
                self.extra.push((part, name.to_owned()));
            }
        }
        Ok(columns)
    }

    fn misfit(&self, path: &Path, part: Part, problem: &str) -> ReadError {
        let first = self.files.first().map_or(path, |f| &f.path);
        let hint = if part == Part::Train {
            "; check data sets one at a time, and pass held-out data with `--val` or `--test`"
        } else {
            ""
        };
        ReadError::Request(format!(
            "`{}` does not fit `{}`: {problem}{hint}",
            path.display(),
            first.display()
        ))
    }
}

/// The first few of `names`, and how many more there are.
fn name_some(names: &[&str]) -> String {
    let shown: Vec<_> = names.iter().take(3).map(|n| format!("`{n}`")).collect();
    let more = if names.len() > 3 { format!(" and {} more", names.len() - 3) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
