//! Sets of pictures: finding them, looking at each once, comparing them.

mod array;
mod find;
mod found;
mod measure;
mod small;
mod thumbnails;

pub use small::{SmallPicture, SmallPictures, read_small};
pub use thumbnails::fill_thumbnails;

pub(crate) use array::open_raster;
pub(crate) use find::{find, names, recognise, walk};
pub(crate) use found::{Found, FoundSet, Raster, Store};
pub(crate) use measure::{Measurement, Wanted, measure};
