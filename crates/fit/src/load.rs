//! From data sets that were read to samples to learn from.

use std::collections::HashMap;

use stetho_core::count_of;
use stetho_core::table::{Column, Kind, Part, RowId, Task};
use stetho_read::{Frame, Sample, SampleColumn, SmallPictures};

use crate::hog::picture_features;
use crate::{Feature, Features, FitError, Goal, Matrix, RowPlace, Samples, Values};

/// What the user says of the columns.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// Whether classes or numbers are predicted; by the values if not given.
    pub task: Option<Task>,
    /// The column by whose order rows are divided.
    pub time: Option<String>,
}

/// What became samples, and what was left out on the way.
#[derive(Debug)]
pub struct Loaded {
    /// The samples.
    pub samples: Samples,
    /// What was left out, in words, a line each.
    pub notes: Vec<String>,
}

/// Samples of a table: all columns but the target, the group, the time, and those that number or name rows.
///
/// # Errors
/// When there is no target, or a column that was asked for.
pub fn from_frame(frame: &Frame, roles: &Roles) -> Result<Loaded, FitError> {
    let target = match &frame.table.target {
        stetho_core::Measured::Is(target) => target,
        stetho_core::Measured::Not(reason) => return Err(FitError::Data(reason.clone())),
    };
    let time = roles.time.as_ref().map(|name| frame.column(name, "--time")).transpose()?;
    for (option, column) in [("--group", frame.group), ("--time", time)] {
        if column == Some(target.column) {
            return Err(FitError::Data(format!(
                "{option} names the target: rows cannot be divided by what is predicted"
            )));
        }
    }
    let task = roles.task.unwrap_or(target.task);
    let mut notes = Vec::new();
    let mut rows = Rows::of(frame, target.column, task);
    if rows.n_without_target > 0 {
        let n = count_of(rows.n_without_target as u64, "row");
        notes.push(format!("left out: {n} without a value of the target"));
    }
    if rows.is_sample {
        notes.push(format!("{} rows drawn at random stand for all", rows.ids.len()));
    }
    let columns = &frame.table.columns;
    let name = columns.get(target.column).map_or("", |c| c.name.as_str());
    let is_used = |i: usize| i != target.column && Some(i) != frame.group && Some(i) != time;
    let mut features = Vec::new();
    for (i, column) in columns.iter().enumerate().filter(|(i, _)| is_used(*i)) {
        let Some(values) = rows.values(frame, i) else { continue };
        match unusable(column, &values) {
            Some(why) => notes.push(format!("column `{}` was left out: {why}", column.name)),
            None => features.push(Feature { name: column.name.clone(), values }),
        }
    }
    let groups = frame.group.and_then(|i| rows.values(frame, i)).map(codes_of);
    let times = time.and_then(|i| rows.values(frame, i)).and_then(|values| match values {
        Values::Numbers(numbers) => Some(numbers),
        Values::Categories { .. } => None,
    });
    if roles.time.is_some() && times.is_none() {
        return Err(FitError::Data("--time: the column holds neither numbers nor times".into()));
    }
    let (group_names, groups) = groups.map_or((Vec::new(), None), |(codes, names)| (names, Some(codes)));
    let goal = rows.goal(frame, target.column, task)?;
    let (places, files) = rows.places(frame);
    let is_held_out = rows.is_held_out();
    let samples = Samples {
        features: Features::Columns(features),
        target: name.to_owned(),
        goal,
        groups,
        group_column: frame.group.and_then(|i| columns.get(i)).map_or_else(String::new, |c| c.name.clone()),
        group_names,
        times,
        is_held_out,
        places,
        files,
    };
    Ok(Loaded { samples, notes })
}

/// Why a column cannot be learned from.
fn unusable(column: &Column, values: &Values) -> Option<&'static str> {
    match values {
        Values::Numbers(numbers) => {
            if numbers.iter().all(|v| !v.is_finite()) {
                return Some("it has no value");
            }
            stetho_read::is_identifier(column).then_some("it numbers the rows")
        }
        Values::Categories { codes, names } => {
            let n = codes.iter().flatten().count();
            if n == 0 {
                return Some("it has no value");
            }
            (names.len() * 2 > n && n > 10).then_some("nearly every row has another text")
        }
    }
}

fn codes_of(values: Values) -> (Vec<u32>, Vec<String>) {
    match values {
        Values::Categories { codes, mut names } => {
            let none = names.len() as u32;
            names.push("no value".into());
            (codes.into_iter().map(|c| c.unwrap_or(none)).collect(), names)
        }
        Values::Numbers(numbers) => {
            let mut known: HashMap<u64, u32> = HashMap::new();
            let mut names = Vec::new();
            let mut code = |v: f64| {
                *known.entry(v.to_bits()).or_insert_with(|| {
                    names.push(v.to_string());
                    names.len() as u32 - 1
                })
            };
            let codes = numbers.into_iter().map(&mut code).collect();
            (codes, names)
        }
    }
}

/// The rows that have a target.
struct Rows<'a> {
    ids: Vec<RowId>,
    /// For each kept row: its sample and its place there.
    at: Vec<(usize, usize)>,
    samples: Vec<&'a Sample>,
    n_without_target: usize,
    is_sample: bool,
}

impl<'a> Rows<'a> {
    fn of(frame: &'a Frame, target: usize, task: Task) -> Self {
        let parts = frame.parts.iter().filter(|(part, _)| *part != Part::Test);
        let samples: Vec<&Sample> = parts.map(|(_, sample)| sample).collect();
        let mut rows = Self {
            ids: Vec::new(),
            at: Vec::new(),
            n_without_target: 0,
            is_sample: samples.iter().any(|s| (s.rows.len() as u64) < s.n_total),
            samples,
        };
        for (part, sample) in rows.samples.iter().enumerate() {
            for (i, id) in sample.rows.iter().enumerate() {
                let has_target = match sample.columns.get(target) {
                    Some(SampleColumn::Numbers(values)) => values.get(i).is_some_and(|v| v.is_finite()),
                    Some(SampleColumn::Categories { codes, names }) => {
                        let text = codes.get(i).copied().flatten().and_then(|c| names.get(c as usize));
                        text.is_some_and(|t| task == Task::Classification || t.trim().parse::<f64>().is_ok())
                    }
                    _ => false,
                };
                if has_target {
                    rows.ids.push(*id);
                    rows.at.push((part, i));
                } else {
                    rows.n_without_target += 1;
                }
            }
        }
        rows
    }

    /// Values of a column in these rows; `None` for nested ones.
    fn values(&mut self, frame: &Frame, column: usize) -> Option<Values> {
        let kind = frame.table.columns.get(column)?.kind;
        if kind == Kind::Nested {
            return None;
        }
        if kind != Kind::Text {
            let number = |(part, i): &(usize, usize)| match self.samples[*part].columns.get(column) {
                Some(SampleColumn::Numbers(values)) => values.get(*i).copied().unwrap_or(f64::NAN),
                _ => f64::NAN,
            };
            return Some(Values::Numbers(self.at.iter().map(number).collect()));
        }
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut names: Vec<String> = Vec::new();
        let mut codes = Vec::with_capacity(self.at.len());
        for (part, i) in &self.at {
            let Some(SampleColumn::Categories { codes: own, names: texts }) =
                self.samples[*part].columns.get(column)
            else {
                codes.push(None);
                continue;
            };
            let text = own.get(*i).copied().flatten().and_then(|code| texts.get(code as usize));
            codes.push(text.map(|text| {
                *known.entry(text.as_str()).or_insert_with(|| {
                    names.push(text.clone());
                    names.len() as u32 - 1
                })
            }));
        }
        Some(Values::Categories { codes, names })
    }

    fn goal(&mut self, frame: &Frame, target: usize, task: Task) -> Result<Goal, FitError> {
        let name = frame.table.columns.get(target).map_or("", |c| c.name.as_str());
        let nested = || FitError::Data(format!("`{name}` holds nested values: no model can predict them"));
        let values = self.values(frame, target).ok_or_else(nested)?;
        match (task, values) {
            (Task::Regression, Values::Numbers(numbers)) => Ok(Goal::Numbers(numbers)),
            (Task::Regression, Values::Categories { codes, names }) => {
                let number = |code: Option<u32>| names.get(code? as usize)?.trim().parse::<f64>().ok();
                let numbers: Option<Vec<f64>> = codes.into_iter().map(number).collect();
                let text = || FitError::Data(format!("`{name}` holds text: give `--task classification`"));
                numbers.filter(|n| !n.is_empty()).map(Goal::Numbers).ok_or_else(text)
            }
            (Task::Classification, Values::Numbers(numbers)) => {
                let mut distinct = numbers.clone();
                distinct.sort_by(f64::total_cmp);
                distinct.dedup_by(|a, b| a.total_cmp(b).is_eq());
                let code = |v: &f64| distinct.binary_search_by(|d| d.total_cmp(v)).unwrap_or(0);
                let codes = numbers.iter().map(code).collect();
                let is_boolean = frame.table.columns.get(target).is_some_and(|c| c.kind == Kind::Boolean);
                let text = |v: &f64| if is_boolean { (*v > 0.5).to_string() } else { v.to_string() };
                Ok(Goal::Classes { codes, names: distinct.iter().map(text).collect() })
            }
            (Task::Classification, Values::Categories { codes, names }) => {
                let mut order: Vec<usize> = (0..names.len()).collect();
                order.sort_by(|a, b| names[*a].cmp(&names[*b]));
                let mut rank = vec![0; names.len()];
                order.iter().enumerate().for_each(|(r, i)| rank[*i] = r);
                let codes = codes.into_iter().flatten().map(|c| rank[c as usize]).collect();
                Ok(Goal::Classes { codes, names: order.iter().map(|i| names[*i].clone()).collect() })
            }
        }
    }

    fn places(&self, frame: &Frame) -> (Vec<RowPlace>, Vec<String>) {
        let mut files: Vec<String> = Vec::new();
        let place = |id: &RowId| {
            let Some(place) = frame.place(*id) else { return RowPlace::default() };
            let file = files.iter().position(|f| *f == place.path).unwrap_or_else(|| {
                files.push(place.path.clone());
                files.len() - 1
            });
            RowPlace { file: file as u32, row: place.row, line: place.line, is_file: false }
        };
        (self.ids.iter().map(place).collect(), files)
    }

    fn is_held_out(&self) -> Option<Vec<bool>> {
        let held_out: Vec<bool> = self.ids.iter().map(|id| id.part == Part::Validation).collect();
        held_out.contains(&true).then_some(held_out)
    }
}

/// Samples of a set of pictures, by their pixels where they are few, else by the directions of their edges and by their
/// colours; or by embeddings, a row a picture.
///
/// # Errors
/// When pictures have no labels, or embeddings are not as many as the pictures.
pub fn from_pictures(set: &SmallPictures, embeddings: Option<&Matrix>) -> Result<Loaded, FitError> {
    if let Some(reason) = &set.no_labels {
        return Err(FitError::Data(format!("the pictures have no labels: {reason}")));
    }
    if let Some(rows) = embeddings
        && rows.n_rows() != set.pictures.len()
    {
        return Err(FitError::Data(format!(
            "--embeddings has {} rows, the set {} pictures: one row a picture is needed, in the order of their paths",
            rows.n_rows(),
            set.pictures.len()
        )));
    }
    let is_used = |(_, p): &(usize, &stetho_read::SmallPicture)| {
        p.label.is_some() && p.part != Part::Test && (!p.pixels.is_empty() || embeddings.is_some())
    };
    let used: Vec<usize> = set.pictures.iter().enumerate().filter(is_used).map(|u| u.0).collect();
    let mut notes = Vec::new();
    let n_out = set.pictures.iter().filter(|p| p.part != Part::Test).count() - used.len();
    if n_out > 0 {
        notes.push(format!("{n_out} pictures without a label or that cannot be read were left out"));
    }
    let mut files: Vec<String> = Vec::new();
    let mut known: HashMap<&str, u32> = HashMap::new();
    let mut places = Vec::new();
    for i in &used {
        let picture = &set.pictures[*i];
        let file = *known.entry(picture.path.as_str()).or_insert_with(|| {
            files.push(picture.path.clone());
            files.len() as u32 - 1
        });
        let row = picture.index.unwrap_or(0);
        places.push(RowPlace { file, row, line: None, is_file: picture.index.is_none() });
    }
    let features = match embeddings {
        Some(rows) => rows.pick(&used),
        None => picture_features(&used.iter().map(|i| &set.pictures[*i]).collect::<Vec<_>>()),
    };
    let held_out: Vec<bool> = used.iter().map(|i| set.pictures[*i].part == Part::Validation).collect();
    let samples = Samples {
        features: Features::Dense(features),
        target: "class".into(),
        goal: Goal::Classes {
            codes: used.iter().filter_map(|i| set.pictures[*i].label.map(|l| l as usize)).collect(),
            names: set.classes.clone(),
        },
        groups: None,
        group_column: String::new(),
        group_names: Vec::new(),
        times: None,
        is_held_out: held_out.contains(&true).then_some(held_out),
        places,
        files,
    };
    Ok(Loaded { samples, notes })
}
