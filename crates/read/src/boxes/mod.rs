//! Detection sets: COCO, Pascal VOC, YOLO.
//!
//! Each format gathers entries, one a picture, with the picture where it was found; then all pictures are looked at
//! once, and the records are made. A part of a file that cannot be read is an entry of the log, and the rest is read.

mod beside;
mod coco;
mod finish;
mod recognise;
mod set;
mod shelf;
mod sniff;
mod text;
mod voc;
mod voc_set;
mod yolo;

use stetho_core::boxes::{BoundingBox, BoxFormat, MalformedAnnotation};
use stetho_core::table::Part;

use self::set::Gathered;
use crate::{BoxReading, Plan, ReadError, Watch};

pub(crate) use recognise::recognise;

/// Reads a detection set.
///
/// # Errors
/// When a path is missing, holds no boxes of the format, or leads nowhere. A bad annotation among many is part of the
/// record.
pub(crate) fn read(
    plan: &Plan,
    format: Option<BoxFormat>,
    watch: &dyn Watch,
) -> Result<BoxReading, ReadError> {
    let paths: Vec<_> = [&plan.train, &plan.validation, &plan.test].into_iter().flatten().collect();
    for path in paths {
        std::fs::metadata(path).map_err(|e| ReadError::io(path, e))?;
    }
    let format = format.or_else(|| recognise(&plan.train)).ok_or_else(|| {
        let words = "no boxes were recognised; say the format with `--as coco`, `--as voc` or `--as yolo`";
        match plan.train.first() {
            Some(path) => ReadError::malformed(path, words),
            None => ReadError::Request("no data was given".to_owned()),
        }
    })?;
    let work = || gather(plan, format, watch).map(|all| finish::finish(plan, format, all, watch));
    // Without threads of its own the work is done by those there are.
    match rayon::ThreadPoolBuilder::new().num_threads(plan.threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

fn gather(plan: &Plan, format: BoxFormat, watch: &dyn Watch) -> Result<Gathered, ReadError> {
    let mut all = Gathered::default();
    let parts = [(Part::Train, &plan.train), (Part::Validation, &plan.validation), (Part::Test, &plan.test)];
    for (part, paths) in parts {
        for path in paths {
            match format {
                BoxFormat::Coco => coco::gather(&mut all, path, part, watch)?,
                BoxFormat::Voc => voc_set::gather(&mut all, path, part, watch)?,
                BoxFormat::Yolo => yolo::gather(&mut all, path, part, watch)?,
            }
        }
    }
    // A folder of test pictures that was given as the data is the data.
    if !all.entries.iter().any(|e| e.annotation.part == Part::Train)
        && plan.validation.is_empty()
        && plan.test.is_empty()
    {
        all.entries.iter_mut().for_each(|e| e.annotation.part = Part::Train);
        all.loose.iter_mut().for_each(|(_, part)| *part = Part::Train);
    }
    Ok(all)
}

/// Boxes of one annotation file, and what of it could not be read. For fuzzing and tests; use
/// [`read_data`](crate::read_data).
#[derive(Clone, Debug, Default)]
pub struct ParsedBoxes {
    /// Boxes in the order of the file, each with the id of its picture (COCO; else empty). Classes are as written.
    pub boxes: Vec<(String, BoundingBox)>,
    /// The first 10,000 entries that could not be read.
    pub malformed: Vec<MalformedAnnotation>,
}

/// Parses a COCO file in memory.
pub fn parse_coco(bytes: &[u8]) -> ParsedBoxes {
    let (boxes, log) = coco::parse(bytes);
    ParsedBoxes { boxes, malformed: log.entries }
}

/// Parses a Pascal VOC file in memory.
pub fn parse_voc(bytes: &[u8]) -> ParsedBoxes {
    decoded(bytes, |text| {
        let file = voc::parse("voc.xml", text);
        (file.boxes, file.log)
    })
}

/// Parses a YOLO label file in memory; corners are fractions.
pub fn parse_yolo(bytes: &[u8]) -> ParsedBoxes {
    decoded(bytes, |text| yolo::parse_labels("yolo.txt", text, false))
}

fn decoded(bytes: &[u8], parse: impl Fn(&str) -> (Vec<BoundingBox>, set::Log)) -> ParsedBoxes {
    let (boxes, log) = match text::decode(bytes.to_vec()) {
        Ok(text) => parse(&text),
        Err(words) => {
            let mut log = set::Log::default();
            log.add("", set::At::default(), words, b"");
            (Vec::new(), log)
        }
    };
    ParsedBoxes { boxes: boxes.into_iter().map(|b| (String::new(), b)).collect(), malformed: log.entries }
}
