//! Rules on detection sets: pictures with boxes around objects.

mod annotation_size_mismatch;
mod box_class_imbalance;
mod box_out_of_image;
mod conflicting_box;
mod coordinate_units;
mod degenerate_box;
mod duplicate_box;
mod empty_image;
mod giant_box;
mod malformed_annotation;
mod missing_annotation;
mod missing_image;
#[cfg(test)]
pub(crate) mod testing;
mod tiny_box;
mod unknown_class;

use stetho_core::Entry;
use stetho_core::boxes::Boxes;

use crate::entry;

/// Every rule on detection sets.
pub static RULES: &[Entry<Boxes>] = &[
    entry!("boxes", malformed_annotation::Unreadable),
    entry!("boxes", missing_image::MissingImage),
    entry!("boxes", missing_annotation::MissingAnnotation),
    entry!("boxes", annotation_size_mismatch::AnnotationSizeMismatch),
    entry!("boxes", coordinate_units::CoordinateUnits),
    entry!("boxes", degenerate_box::DegenerateBox),
    entry!("boxes", box_out_of_image::BoxOutOfImage),
    entry!("boxes", tiny_box::TinyBox),
    entry!("boxes", giant_box::GiantBox),
    entry!("boxes", duplicate_box::DuplicateBox),
    entry!("boxes", conflicting_box::ConflictingBox),
    entry!("boxes", unknown_class::UnknownClass),
    entry!("boxes", box_class_imbalance::BoxClassImbalance),
    entry!("boxes", empty_image::EmptyImage),
];
