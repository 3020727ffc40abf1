//! Rules on sets of pictures.

mod blurry_image;
mod bright_image;
mod dark_image;
mod duplicate_images;
mod exif_rotated;
mod image_class_imbalance;
mod image_conflicting_labels;
mod image_split_overlap;
mod low_information_image;
mod mixed_channels;
mod near_duplicate_images;
mod odd_aspect_ratio;
mod odd_size_image;
mod pixel_scale;
mod shortcut_property;
mod unreadable_image;
mod wrong_extension;

use stetho_core::Entry;
use stetho_core::image::Pictures;

use crate::entry;

/// Every rule on sets of pictures.
pub static RULES: &[Entry<Pictures>] = &[
    entry!("image", unreadable_image::UnreadableImage),
    entry!("image", wrong_extension::WrongExtension),
    entry!("image", duplicate_images::DuplicateImages),
    entry!("image", near_duplicate_images::NearDuplicateImages),
    entry!("image", image_split_overlap::ImageSplitOverlap),
    entry!("image", image_conflicting_labels::ImageConflictingLabels),
    entry!("image", dark_image::DarkImage),
    entry!("image", bright_image::BrightImage),
    entry!("image", blurry_image::BlurryImage),
    entry!("image", low_information_image::LowInformationImage),
    entry!("image", odd_size_image::OddSizeImage),
    entry!("image", odd_aspect_ratio::OddAspectRatio),
    entry!("image", mixed_channels::MixedChannels),
    entry!("image", exif_rotated::ExifRotated),
    entry!("image", image_class_imbalance::ImageClassImbalance),
    entry!("image", shortcut_property::ShortcutProperty),
    entry!("image", pixel_scale::PixelScale),
];
