//! The samples that broke a step, as evidence.

use stetho_core::run::{TrapDetails, TrapSample};
use stetho_core::{Evidence, Human, Pictured};

/// The values of the samples.
pub(crate) fn values(details: &TrapDetails) -> Option<Evidence> {
    let first = details.samples.first()?;
    let fields: Vec<&str> = first.values.iter().map(|(name, _)| name.as_str()).collect();
    let has_label = details.samples.iter().any(|s| s.label.is_some());
    let has_loss = details.samples.iter().any(|s| s.loss.is_some());
    let mut columns = vec!["sample".to_owned(), "row".to_owned()];
    columns.extend(has_label.then(|| "label".to_owned()));
    columns.extend(has_loss.then(|| "loss".to_owned()));
    columns.extend(fields.iter().map(|f| (*f).to_owned()));
    let row = |sample: &TrapSample| {
        let mut row = vec![sample.index.map_or("–".to_owned(), |i| i.to_string()), sample.row.to_string()];
        row.extend(has_label.then(|| sample.label.clone().unwrap_or_default()));
        row.extend(has_loss.then(|| sample.loss.map_or(String::new(), |l| Human(l.0).to_string())));
        row.extend(fields.iter().map(|field| {
            let value = sample.values.iter().find(|(name, _)| name == field);
            value.map_or_else(String::new, |(_, value)| value.clone())
        }));
        row
    };
    let rows = details.samples.iter().map(row).collect();
    Some(Evidence::Table { name: "samples that did it".into(), columns, rows })
}

/// What the samples look like, with their boxes; those without a side are what the finding is about.
pub(crate) fn pictures(details: &TrapDetails) -> Option<Evidence> {
    let shown: Vec<Pictured> = details
        .samples
        .iter()
        .filter_map(|sample| {
            let name = sample.index.map_or(format!("row {}", sample.row), |i| format!("sample {i}"));
            let shown = sample.picture.as_ref()?.pictured(name)?;
            Some(Pictured { label: sample.label.clone(), ..shown })
        })
        .collect();
    (!shown.is_empty()).then(|| Evidence::pictures("samples as the network sees them", shown))
}
