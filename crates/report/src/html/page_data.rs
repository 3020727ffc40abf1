//! What the page is given: the report, and each picture once, as many as a page may hold.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stetho_core::{Document, Evidence, Pictured};

/// Bytes of pictures on a page, and how many of them those of findings may take before samples have a place.
const MOST: usize = 12_000_000;
const MOST_OF_FINDINGS: usize = 8_000_000;

/// A report for the page. Thumbnails are taken out of the document and kept once each.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct PageData {
    /// The report, its pictures without thumbnails.
    pub document: Document,
    /// `data:` addresses by path, line feed and number within an array file (empty for a file of its own).
    pub thumbnails: BTreeMap<String, String>,
}

impl PageData {
    /// `document` with its pictures set apart, at most 12 MB of them: the first of each finding, then the second and so
    /// on, then the samples. Of a picture that occurs in several sizes the largest is kept.
    pub fn of(document: &Document) -> Self {
        Self::within(document, MOST_OF_FINDINGS, MOST)
    }

    /// The document with its pictures put back, as far as the page held them.
    pub fn into_document(self) -> Document {
        let Self { mut document, thumbnails } = self;
        for evidence in document.findings.iter_mut().flat_map(|f| &mut f.evidence) {
            let Evidence::Pictures { groups, .. } = evidence else { continue };
            for picture in groups.iter_mut().flatten() {
                picture.thumbnail = thumbnails.get(&key(&picture.path, picture.index)).cloned();
            }
        }
        for sample in shown_in(&mut document.facts) {
            let path = sample.get("path").and_then(Value::as_str).unwrap_or_default();
            if let Some(address) = thumbnails.get(&key(path, sample.get("index").and_then(Value::as_u64))) {
                sample.insert("thumbnail".into(), address.as_str().into());
            }
        }
        document
    }

    fn within(document: &Document, most_of_findings: usize, most: usize) -> Self {
        let mut document = document.clone();
        let mut largest = HashMap::new();
        let found = of_findings(&mut document, &mut largest);
        let samples = of_samples(&mut document.facts, &mut largest);
        let mut chosen = Chosen { largest, thumbnails: BTreeMap::new(), bytes: 0 };
        found.into_iter().for_each(|key| chosen.take(key, most_of_findings));
        samples.into_iter().for_each(|key| chosen.take(key, most));
        Self { document, thumbnails: chosen.thumbnails }
    }
}

struct Chosen {
    largest: HashMap<String, String>,
    thumbnails: BTreeMap<String, String>,
    bytes: usize,
}

impl Chosen {
    /// Keeps the picture of `key` unless it is kept already or does not fit.
    fn take(&mut self, key: String, most: usize) {
        let Some(address) = self.largest.get(&key) else { return };
        let bytes = self.bytes + address.len();
        if bytes <= most {
            self.bytes = bytes;
            if let Some(address) = self.largest.remove(&key) {
                self.thumbnails.insert(key, address);
            }
        }
    }
}

fn key(path: &str, index: Option<u64>) -> String {
    format!("{path}\n{}", index.map(|i| i.to_string()).unwrap_or_default())
}

/// Remembers the larger of two copies, by their bytes.
fn remember(largest: &mut HashMap<String, String>, key: &str, address: String) {
    match largest.get_mut(key) {
        Some(old) if old.len() >= address.len() => {}
        Some(old) => *old = address,
        None => {
            largest.insert(key.to_owned(), address);
        }
    }
}

/// Takes the thumbnails out of the findings; their keys, the first of each piece of evidence before the second.
fn of_findings(document: &mut Document, largest: &mut HashMap<String, String>) -> Vec<String> {
    let mut ranked = Vec::new();
    for evidence in document.findings.iter_mut().flat_map(|f| &mut f.evidence) {
        let Evidence::Pictures { groups, .. } = evidence else { continue };
        for (rank, group) in groups.iter_mut().enumerate() {
            ranked.extend(group.iter_mut().filter_map(|p| Some((rank, taken(p, largest)?))));
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, key)| key).collect()
}

fn taken(picture: &mut Pictured, largest: &mut HashMap<String, String>) -> Option<String> {
    let address = picture.thumbnail.take()?;
    let key = key(&picture.path, picture.index);
    remember(largest, &key, address);
    Some(key)
}

/// Pictures among the facts: samples of a data set, and the first batch of a training script.
fn shown_in(facts: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    facts.iter_mut().flat_map(|(name, value)| pictures_of(name, value)).filter_map(Value::as_object_mut)
}

fn pictures_of<'a>(name: &str, facts: &'a mut Value) -> Vec<&'a mut Value> {
    let of = |key: &str, value: &'a mut Value| {
        value.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
    };
    match name {
        "pictures" => of("samples", facts).collect(),
        "preflight" => of("seen", facts)
            .flat_map(|evidence| of("groups", evidence))
            .flat_map(|group| group.as_array_mut().into_iter().flatten())
            .collect(),
        _ => Vec::new(),
    }
}

/// Takes the thumbnails out of the samples, which are kept as they are otherwise; their keys in order.
fn of_samples(facts: &mut Map<String, Value>, largest: &mut HashMap<String, String>) -> Vec<String> {
    let mut keys = Vec::new();
    for sample in shown_in(facts) {
        let Some(Value::String(address)) = sample.remove("thumbnail") else { continue };
        let path = sample.get("path").and_then(Value::as_str).unwrap_or_default();
        let key = key(path, sample.get("index").and_then(Value::as_u64));
        remember(largest, &key, address);
        keys.push(key);
    }
    keys
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stetho_core::{Finding, SCHEMA, Severity, Subject};

    use super::*;

    fn picture(path: &str, bytes: usize) -> Pictured {
        Pictured { path: path.into(), thumbnail: Some("x".repeat(bytes)), ..Pictured::default() }
    }

    fn document(found: Vec<Vec<Pictured>>, samples: &[Pictured]) -> Document {
        let finding = |pictures| Finding {
            rule: "r".into(),
            severity: Severity::Info,
            certainty: 1.0,
            message: String::new(),
            why: String::new(),
            count: 1,
            places: Vec::new(),
            evidence: vec![Evidence::pictures("p", pictures)],
            remedies: Vec::new(),
        };
        let facts = json!({"pictures": {"samples": samples}});
        Document {
            schema: SCHEMA,
            stetho: String::new(),
            command: "check".into(),
            subject: Subject::default(),
            findings: found.into_iter().map(finding).collect(),
            outcomes: Vec::new(),
            partial: false,
            facts: facts.as_object().cloned().unwrap_or_default(),
        }
    }

    fn kept(data: &PageData) -> Vec<(&str, usize)> {
        data.thumbnails.iter().map(|(k, v)| (k.trim_end(), v.len())).collect()
    }

    #[test]
    fn a_picture_is_kept_once_in_its_largest_size() {
        let document = document(vec![vec![picture("a", 30)], vec![picture("a", 30)]], &[picture("a", 10)]);
        let data = PageData::of(&document);
        assert_eq!(kept(&data), [("a", 30)]);
        let json = serde_json::to_string(&data.document).unwrap();
        assert!(!json.contains("thumbnail"), "{json}");
    }

    #[test]
    fn a_page_gives_its_report_back() {
        let document = document(vec![vec![picture("a", 30)]], &[picture("</script>s", 10)]);
        let back = crate::report_of(&crate::html(&document)).unwrap();
        assert_eq!(crate::json(&back).unwrap(), crate::json(&document).unwrap());
        assert!(crate::report_of("<html>").unwrap_err().contains("not a report"));
    }

    #[test]
    fn every_finding_has_its_first_pictures_before_any_has_more_and_samples_come_last() {
        let found =
            vec![vec![picture("a1", 10), picture("a2", 10)], vec![picture("b1", 10), picture("b2", 10)]];
        let document = document(found, &[picture("s1", 10), picture("s2", 10)]);
        assert_eq!(kept(&PageData::within(&document, 20, 30)), [("a1", 10), ("b1", 10), ("s1", 10)]);
    }

    #[test]
    fn pictures_of_one_array_file_are_told_apart() {
        let of = |index| Pictured { index, ..picture("x.npz", 5) };
        let document = document(vec![vec![of(Some(1)), of(Some(2)), of(None)]], &[]);
        assert_eq!(PageData::of(&document).thumbnails.len(), 3);
    }
}
