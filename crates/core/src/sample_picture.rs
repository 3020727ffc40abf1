//! A sample as a picture: what it looks like to the network.

use serde::{Deserialize, Serialize};

use crate::{Drawn, Number, Pictured};

/// A sample after all transforms, its numbers spread over their own range.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SamplePicture {
    /// A small copy: a PNG file in base64.
    pub png: String,
    /// Sides in pixels, before it was made small.
    pub width: u32,
    /// See `width`.
    pub height: u32,
    /// Boxes on it: xmin, ymin, xmax, ymax in pixels.
    pub boxes: Vec<[Number; 4]>,
}

impl SamplePicture {
    /// As evidence under `name`; boxes without a side stand out. `None` where there is no copy to show, or none that may be shown: only what
    /// base64 is made of gets into an address.
    pub fn pictured(&self, name: impl Into<String>) -> Option<Pictured> {
        let is_clean = self.png.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
        if self.png.is_empty() || !is_clean {
            return None;
        }
        let drawn = |corners: &[Number; 4]| {
            let [x0, y0, x1, y1] = corners.map(|c| c.0);
            Drawn { corners: *corners, label: String::new(), is_culprit: !(x1 > x0 && y1 > y0) }
        };
        Some(Pictured {
            path: name.into(),
            boxes: self.boxes.iter().map(drawn).collect(),
            width: self.width,
            height: self.height,
            thumbnail: Some(format!("data:image/png;base64,{}", self.png)),
            ..Pictured::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::SamplePicture;

    #[test]
    fn boxes_without_a_side_stand_out_and_only_base64_is_shown() {
        let text =
            r#"{"png": "iVBOR+/=", "width": 24, "height": 20, "boxes": [[2, 3, 2, 15], [2, 3, 9, 15]]}"#;
        let picture: SamplePicture = serde_json::from_str(text).unwrap();
        let shown = picture.pictured("sample 17").unwrap();
        assert_eq!(shown.boxes.iter().map(|b| b.is_culprit).collect::<Vec<_>>(), [true, false]);
        assert_eq!((shown.width, shown.height, shown.path.as_str()), (24, 20, "sample 17"));
        assert!(SamplePicture { png: "x\" onload".into(), ..picture }.pictured("").is_none());
        assert!(SamplePicture::default().pictured("").is_none());
    }
}
