//! Annotation files without some of their boxes; everything else stays as it is written.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::PrepareError;

/// A COCO file without the annotations at these positions of its list.
pub(super) fn coco(text: &str, indices: &BTreeSet<u64>) -> Result<String, String> {
    #[derive(Deserialize)]
    struct File<'a> {
        #[serde(borrow)]
        annotations: Vec<&'a RawValue>,
    }
    let file: File<'_> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let span = |raw: &RawValue| {
        let start = raw.get().as_ptr() as usize - text.as_ptr() as usize;
        start..start + raw.get().len()
    };
    let spans: Vec<Range<usize>> = file.annotations.iter().map(|raw| span(raw)).collect();
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Ok(text.to_owned()) };
    let mut out = text.get(..first.start).unwrap_or_default().to_owned();
    let mut is_first = true;
    for (index, span) in (0_u64..).zip(&spans) {
        if indices.contains(&index) {
            continue;
        }
        if !is_first {
            // what stands between this one and the one before it: comma and white space
            let before = spans.get(usize::try_from(index).unwrap_or(0).wrapping_sub(1));
            out.push_str(before.and_then(|b| text.get(b.end..span.start)).unwrap_or(","));
        }
        is_first = false;
        out.push_str(text.get(span.clone()).unwrap_or_default());
    }
    out.push_str(text.get(last.end..).unwrap_or_default());
    Ok(out)
}

/// A Pascal VOC file without the objects at these positions.
pub(super) fn voc(text: &str, indices: &BTreeSet<u64>) -> Result<String, String> {
    let mut reader = Reader::from_str(text);
    let (mut depth, mut index, mut start) = (0_usize, 0_u64, 0_usize);
    let mut spans: Vec<Range<usize>> = Vec::new();
    let mut is_object = false;
    loop {
        let before = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match reader.read_event().map_err(|e| e.to_string())? {
            Event::Start(tag) => {
                depth += 1;
                if depth == 2 {
                    is_object = tag.name().as_ref() == "object";
                    start = before;
                }
            }
            Event::End(_) => {
                if depth == 2 && is_object {
                    let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
                    if indices.contains(&index) {
                        spans.push(whole_lines(text, start..end));
                    }
                    index += 1;
                }
                depth = depth.saturating_sub(1);
            }
            Event::Empty(tag) if depth == 1 && tag.name().as_ref() == "object" => index += 1,
            Event::Eof => break,
            _ => {}
        }
    }
    Ok(without(text, &spans))
}

/// A YOLO label file without the boxes at these positions; lines without text do not count.
pub(super) fn yolo(text: &str, indices: &BTreeSet<u64>) -> String {
    let mut index = 0;
    let is_kept = |line: &&str| {
        if line.trim().is_empty() {
            return true;
        }
        index += 1;
        !indices.contains(&(index - 1))
    };
    text.split_inclusive('\n').filter(is_kept).collect()
}

/// A description of a YOLO set that leads to the copy: `path` is where the file lies.
pub(super) fn local_yaml(file: &Path, text: &str) -> Result<String, PrepareError> {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let (key, value) = line.split_once(':').unwrap_or_default();
        let value = line.trim_start().strip_prefix("- ").unwrap_or(value);
        let value = value.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
        if !Path::new(value).is_absolute() {
            out.push_str(line);
        } else if key == "path" {
            out.push_str("path: .\n");
        } else {
            return PrepareError::request(format!(
                "`{}`: `{value}` is no path below the file, so the copy would read the source; write it relative",
                file.display()
            ));
        }
    }
    Ok(out)
}

/// Refuses a list of pictures that leads back to the source.
pub(super) fn refuse_absolute(file: &Path, text: &str) -> Result<(), PrepareError> {
    match text.lines().map(str::trim).find(|line| Path::new(line).is_absolute() && Path::new(line).exists()) {
        None => Ok(()),
        Some(line) => PrepareError::request(format!(
            "`{}` names `{line}`, so the copy would read the source; write the paths relative",
            file.display()
        )),
    }
}

/// The span with the white space before it, up to the end of the line above, if it begins its line.
fn whole_lines(text: &str, span: Range<usize>) -> Range<usize> {
    let before = text.get(..span.start).unwrap_or_default();
    let trimmed = before.trim_end_matches([' ', '\t']);
    let trimmed = trimmed.strip_suffix('\n').map_or(trimmed, |t| t.strip_suffix('\r').unwrap_or(t));
    trimmed.len()..span.end
}

fn without(text: &str, spans: &[Range<usize>]) -> String {
    let mut out = String::new();
    let mut at = 0;
    for span in spans {
        out.push_str(text.get(at..span.start).unwrap_or_default());
        at = span.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(indices: &[u64]) -> BTreeSet<u64> {
        indices.iter().copied().collect()
    }

    #[test]
    fn coco_keeps_all_else_byte_for_byte() {
        let text = "{\"info\": {\"b\": 1.50, \"a\": 2},\n \"annotations\": [\n  {\"id\": 1},\n  {\"id\": 2},\n  {\"id\": 3}\n ], \"z\": []}";
        assert_eq!(coco(text, &of(&[1])).unwrap(), text.replace("  {\"id\": 2},\n", ""));
        assert_eq!(coco(text, &of(&[0])).unwrap(), text.replace("{\"id\": 1},\n  ", ""));
        assert_eq!(coco(text, &of(&[2])).unwrap(), text.replace(",\n  {\"id\": 3}", ""));
        let none = coco(text, &of(&[0, 1, 2])).unwrap();
        let parsed: serde_json::Value = serde_json::from_str(&none).unwrap();
        assert_eq!(parsed["annotations"], serde_json::json!([]));
        assert!(coco("{\"annotations\": [", &of(&[0])).is_err());
    }

    #[test]
    fn voc_loses_the_object_and_its_lines() {
        let text = "<annotation>\n  <filename>a.jpg</filename>\n  <object>\n    <name>cat</name>\n  </object>\n  \
                    <object><name>dog</name><part><name>x</name></part></object>\n</annotation>\n";
        assert_eq!(
            voc(text, &of(&[0])).unwrap(),
            "<annotation>\n  <filename>a.jpg</filename>\n  \
             <object><name>dog</name><part><name>x</name></part></object>\n</annotation>\n"
        );
        assert_eq!(
            voc(text, &of(&[0, 1])).unwrap(),
            "<annotation>\n  <filename>a.jpg</filename>\n</annotation>\n"
        );
        assert_eq!(voc(text, &of(&[])).unwrap(), text);
    }

    #[test]
    fn yolo_loses_the_line() {
        assert_eq!(yolo("0 1\r\n\n1 2\n2 3", &of(&[1])), "0 1\r\n\n2 3");
        assert_eq!(yolo("0 1\n", &of(&[0])), "");
    }

    #[test]
    fn the_yaml_leads_to_the_copy() {
        let local = |text| local_yaml(Path::new("data.yaml"), text);
        assert_eq!(local("path: /a/b # here\ntrain: images\n").unwrap(), "path: .\ntrain: images\n");
        for text in ["train: /a/images\n", "train:\n  - /a/images\n"] {
            assert!(local(text).unwrap_err().to_string().contains("write it relative"));
        }
        let here = std::env::current_dir().unwrap();
        assert!(refuse_absolute(Path::new("train.txt"), &format!("{}\n", here.display())).is_err());
        assert!(refuse_absolute(Path::new("train.txt"), "images/a.png\n0 0.5 0.5 0.1 0.1\n").is_ok());
    }
}
