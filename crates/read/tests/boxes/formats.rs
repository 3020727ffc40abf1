//! The same recipe in each format gives the same record.

use stetho_core::boxes::{BoxClass, PictureState};
use stetho_core::table::Part;

use crate::support::{FORMATS, Folder, check, check_pictures, told};

const RECIPE: &str = "classes cat dog\npictures 3 80x60 boxes 2 cat dog\nval picture odd 100x50\nbox dog 10 20 60 40\n\
                      picture gone 20x20 missing\nbox cat 1 2 19 18\npicture none 30x30 unannotated\n\
                      picture empty 40x40";

#[test]
fn one_recipe_is_one_record() {
    for format in FORMATS {
        let folder = Folder::made(RECIPE, format);
        let reading = check_pictures(folder.path());
        let boxes = &reading.boxes;
        assert_eq!(boxes.format, format);
        assert_eq!((boxes.n_malformed, boxes.classes.clone()), (0, vec!["cat".to_owned(), "dog".to_owned()]));
        let mut seen = told(boxes);
        seen.iter_mut().for_each(|line| *line = line.replace("gone.png", "gone"));
        seen.sort();
        let expected = [
            "train empty.png 0",
            "train gone 1",
            "train none.png -",
            "train picture0.png 2",
            "train picture1.png 2",
            "train picture2.png 2",
            "validation odd.png 1",
        ];
        assert_eq!(seen, expected, "{format:?}");
        let of = |name: &str| boxes.annotations.iter().find(|a| a.picture.contains(name)).unwrap();
        assert_eq!(of("gone").state, PictureState::Missing);
        let odd = of("odd");
        assert_eq!((odd.state, odd.part), (PictureState::Sized(100, 50), Part::Validation));
        assert_eq!(odd.boxes[0].class, BoxClass::Known(1));
        for (seen, expected) in odd.boxes[0].corners.iter().zip([10.0, 20.0, 60.0, 40.0]) {
            assert!((seen - expected).abs() < 1e-3, "{format:?} {:?}", odd.boxes);
        }
        assert!(odd.boxes[0].line.is_some());
        assert_eq!(reading.pictures.pictures.len(), 6, "{format:?}");
        assert_eq!(reading.pictures.layout, format.name());
        assert!(reading.pictures.splits.get().is_some());
        // By the headers alone the record of the boxes is the same.
        assert_eq!(check(folder.path()).boxes.annotations, boxes.annotations);
    }
}
