//! From files to the record of a table.

use std::collections::HashMap;

use stetho_core::table::{Column, FileFacts, Kind, Measured, Part, Split, Table, Target, Task};

use crate::inputs::{Input, Inputs};
use crate::measure::{ColumnProfile, Limits, OVERLAPS, Partitions, hash_number, hash_text, show_number};
use crate::roles::{self, Roles};
use crate::stream::{FileRows, PartState, Pass, stream};
use crate::{Batch, Plan, ReadError, Reading, Sample, SampleColumn, Watch, relations, seen, source};

/// Bins of the histograms.
const BINS: usize = 20;

/// Reads and measures a tabular data set.
///
/// # Errors
/// When a named file is missing, is no table, or files or columns do not fit together: one line that says what, where
/// and what to do. Rows that cannot be read are part of the record.
pub fn read_table(plan: &Plan, watch: &dyn Watch) -> Result<Reading, ReadError> {
    let inputs = Inputs::find(plan)?;
    let head = profile_head(&inputs)?;
    let everywhere: Vec<bool> =
        (0..inputs.fields.len()).map(|i| inputs.files.iter().all(|f| f.columns[i].is_some())).collect();
    let roles = Roles::decide(plan, &head, &everywhere)?;
    let pass = stream(plan, &inputs, &roles, watch)?;
    check_rows(&inputs, &pass)?;
    let is_partial = pass.is_partial;
    let table = assemble(plan, &inputs, &roles, pass)?;
    Ok(Reading { table, partial: is_partial, skipped: inputs.skipped })
}

/// Profiles of the first rows of the training part.
pub(crate) fn profile_head(inputs: &Inputs) -> Result<Vec<Column>, ReadError> {
    let limits = Limits { listed: 1 };
    let mut profiles: Vec<_> =
        inputs.fields.iter().map(|f| ColumnProfile::new(f.kind, Part::Train, limits)).collect();
    for input in inputs.files.iter().filter(|f| f.part == Part::Train) {
        let mut source = source::open(&input.path, Some(&inputs.fields))?;
        while let Ok(Some(piece)) = source.next_part() {
            let mut is_seen = false;
            // damage is told by the pass that follows
            drop((piece.decode)(&mut |batch| {
                is_seen = batch.rows.num_rows() > 0;
                observe_head(&mut profiles, input, &batch);
                !is_seen
            }));
            if is_seen {
                return Ok(finish_head(inputs, profiles));
            }
        }
    }
    Ok(finish_head(inputs, profiles))
}

fn observe_head(profiles: &mut [ColumnProfile], input: &Input, batch: &Batch) {
    for (profile, at) in profiles.iter_mut().zip(&input.columns) {
        let Some(at) = *at else { continue };
        if let Some(array) = batch.rows.columns().get(at) {
            profile.observe(array, batch.notes.get(at), &|i| i as u64);
        }
    }
}

fn finish_head(inputs: &Inputs, profiles: Vec<ColumnProfile>) -> Vec<Column> {
    profiles.into_iter().zip(&inputs.fields).map(|(p, f)| p.finish(&f.name, &|_| None)).collect()
}

/// A part without any row, readable or not, is an error.
pub(crate) fn check_rows(inputs: &Inputs, pass: &Pass) -> Result<(), ReadError> {
    for part in [Part::Train, Part::Validation, Part::Test] {
        let mut files = inputs.files.iter().zip(&pass.files).filter(|(file, _)| file.part == part).peekable();
        let Some(first) = files.peek().map(|(file, _)| &file.path) else { continue };
        if pass.is_partial || files.any(|(_, rows)| rows.n_rows > 0) {
            continue;
        }
        let path = first.display().to_string();
        let problem = pass.malformed.rows.iter().find(|row| row.path == path);
        let problem = problem.map_or("it has columns but no rows", |row| row.problem.as_str());
        return Err(ReadError::malformed(first, problem));
    }
    Ok(())
}

fn assemble(plan: &Plan, inputs: &Inputs, roles: &Roles, pass: Pass) -> Result<Table, ReadError> {
    let [train, validation, test] = pass.parts;
    let chance = Chance::of(&train, roles);
    let counts = [train.n_rows, validation.n_rows, test.n_rows];
    let train_classes = classes(&train, roles);
    let (columns, sample) = finish_part(train, inputs);
    let mut table = Table {
        files: file_facts(inputs, &pass.files, Part::Train),
        n_rows: counts[0],
        target: target(roles, &columns, train_classes),
        columns,
        malformed: pass.malformed,
        ..Table::default()
    };
    let mut samples = Vec::new();
    let mut splits = Vec::new();
    for (part, state) in [(Part::Validation, validation), (Part::Test, test)] {
        if !inputs.files.iter().any(|f| f.part == part) {
            continue;
        }
        let is_classification = table.target.get().is_some_and(|t| t.task == Task::Classification);
        let classes = if is_classification { classes(&state, roles) } else { Vec::new() };
        let (columns, sample) = finish_part(state, inputs);
        samples.push((part, sample));
        splits.push(Split {
            part,
            files: file_facts(inputs, &pass.files, part),
            n_rows: counts[part as usize],
            absent: columns.iter().filter(|c| c.n_rows == 0).map(|c| c.name.clone()).collect(),
            extra: inputs.extra.iter().filter(|(p, _)| *p == part).map(|(_, n)| n.clone()).collect(),
            columns,
            classes,
        });
    }
    table.splits = if splits.is_empty() { no_splits() } else { Measured::Is(splits) };
    if let Some(partitions) = &pass.partitions {
        compare_rows(&mut table, partitions, &chance, counts, plan.listed)?;
    }
    add_histograms(&mut table, &sample);
    relations::measure(&mut table, &sample, &samples, roles.group, &plan.signals);
    if plan.for_page {
        relations::draw_samples(&mut table, &sample);
    }
    seen::fill(&mut table, inputs, &pass.files);
    Ok(table)
}

/// The chance that two random rows agree if columns were independent.
struct Chance {
    features: f64,
    label: f64,
}

impl Chance {
    fn of(train: &PartState, roles: &Roles) -> Self {
        let collision = |&column: &usize| train.profiles.get(column).map_or(1.0, ColumnProfile::collision);
        Self {
            features: roles.identity.features.iter().map(collision).product(),
            label: roles.identity.label.as_ref().map_or(1.0, collision),
        }
    }
}

fn no_splits<T>() -> Measured<T> {
    Measured::Not("no --val or --test given".into())
}

fn compare_rows(
    table: &mut Table,
    partitions: &Partitions,
    chance: &Chance,
    counts: [u64; 3],
    listed: usize,
) -> Result<(), ReadError> {
    let found = partitions.find(listed).map_err(|e| ReadError::io(&std::env::temp_dir(), e))?;
    table.duplicates = Measured::Is(found.duplicates.finish(counts[0], chance.features * chance.label));
    table.conflicts = match &table.target {
        Measured::Is(_) => Measured::Is(found.conflicts.finish(counts[0], chance.features)),
        Measured::Not(reason) => Measured::Not(reason.clone()),
    };
    let overlaps: Vec<_> = found
        .overlaps
        .into_iter()
        .zip(OVERLAPS)
        .filter(|(_, (part, with))| counts[*part as usize] > 0 && counts[*with as usize] > 0)
        .map(|(shared, parts)| {
            shared.finish(parts, counts[parts.0 as usize], counts[parts.1 as usize], chance.features)
        })
        .collect();
    table.overlap = if table.splits.get().is_some() { Measured::Is(overlaps) } else { no_splits() };
    Ok(())
}

/// Classes of the target with their counts; empty if they are too many to be classes.
pub(crate) fn classes(state: &PartState, roles: &Roles) -> Vec<(String, u64)> {
    let column = roles.target.as_ref().and_then(|choice| state.profiles.get(choice.column));
    column.and_then(ColumnProfile::all_values).unwrap_or_default()
}

pub(crate) fn target(roles: &Roles, columns: &[Column], classes: Vec<(String, u64)>) -> Measured<Target> {
    let Some(choice) = &roles.target else { return Measured::Not(roles.no_target.clone()) };
    let Some(column) = columns.get(choice.column) else { return Measured::Not(roles.no_target.clone()) };
    let task = roles::task(column);
    Measured::Is(Target {
        column: choice.column,
        task,
        origin: choice.origin,
        reason: choice.reason.clone(),
        alternatives: choice.alternatives.clone(),
        classes: if task == Task::Classification { classes } else { Vec::new() },
    })
}

pub(crate) fn file_facts(inputs: &Inputs, rows: &[FileRows], part: Part) -> Vec<FileFacts> {
    let files = inputs.files.iter().zip(rows).filter(|(file, _)| file.part == part);
    files
        .map(|(file, rows)| FileFacts {
            path: file.path.display().to_string(),
            format: file.format.clone(),
            n_rows: rows.n_rows,
        })
        .collect()
}

/// Columns and sample of one part. Frequent values that only sketches counted get their text from the sample.
pub(crate) fn finish_part(state: PartState, inputs: &Inputs) -> (Vec<Column>, Sample) {
    let kinds: Vec<Kind> = inputs.fields.iter().map(|f| f.kind).collect();
    let sample = state.sampler.finish(&kinds);
    let columns = state.profiles.into_iter().zip(&inputs.fields).zip(&sample.columns).map(
        |((profile, field), values)| {
            let names = if profile.needs_names() { names(field.kind, values) } else { HashMap::new() };
            profile.finish(&field.name, &|hash| names.get(&hash).cloned())
        },
    );
    (columns.collect(), sample)
}

/// Texts of the sampled values by their hash.
fn names(kind: Kind, values: &SampleColumn) -> HashMap<u64, String> {
    match values {
        SampleColumn::Numbers(numbers) => numbers
            .iter()
            .filter(|v| v.is_finite())
            .map(|&v| (hash_number(v), show_number(kind, v)))
            .collect(),
        SampleColumn::Categories { names, .. } => names.iter().map(|n| (hash_text(n), n.clone())).collect(),
        SampleColumn::Absent => HashMap::new(),
    }
}

fn add_histograms(table: &mut Table, sample: &Sample) {
    for (column, values) in table.columns.iter_mut().zip(&sample.columns) {
        if let (Some(number), SampleColumn::Numbers(values)) = (&mut column.number, values) {
            number.histogram = histogram(values, number.min, number.max);
        }
    }
}

/// Counts of finite `values` in equal-width bins from `min` to `max`.
fn histogram(values: &[f64], min: f64, max: f64) -> Vec<u64> {
    let mut bins = vec![0; BINS];
    let width = (max / BINS as f64) - (min / BINS as f64);
    if !(width.is_finite() && width > 0.0) {
        return Vec::new();
    }
    for value in values.iter().filter(|v| v.is_finite()) {
        let bin = ((value - min) / width) as usize;
        bins[bin.min(BINS - 1)] += 1;
    }
    bins
}
