//! `empty-image`

use serde::{Deserialize, Serialize};
use stetho_core::boxes::Boxes;
use stetho_core::{Remedy, Report, Rule, Severity, Signal};

use crate::box_sets::{draft_of_annotations, histogram, share};

/// Pictures that were annotated and have no box.
///
/// ## Why it matters
/// Background pictures teach where nothing is, and up to a tenth of them lowers false alarms. But code that makes the boxes of
/// such a picture into a tensor gets one of shape `[0]` instead of `[0, 4]`, at which torchvision's models stop; and a loss
/// that divides by the number of boxes divides by zero. Where they were left empty by mistake, objects count as background.
///
/// ## What to do
/// Look at some of them, and give empty pictures a tensor of the right shape.
///
/// ## Fires on
/// ```boxes format=voc
/// pictures 8 320x240 boxes 2 cat dog
/// picture empty 320x240
/// ```
/// A box that cannot be read is one of its own picture.
/// ```boxes format=coco
/// pictures 8 320x240 boxes 2 cat dog
/// picture odd 320x240
/// written cat 10 20 nan 60
/// picture empty 320x240
/// ```
///
/// ## Stays quiet on
/// A picture without annotation is another matter.
/// ```boxes format=voc
/// pictures 8 320x240 boxes 2 cat dog
/// picture forgotten 320x240 unannotated
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct EmptyImage {}

impl Rule for EmptyImage {
    type Input = Boxes;
    const ID: &'static str = "empty-image";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        const EDGES: [f64; 8] = [0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0];
        let annotated = || set.annotations.iter().enumerate().filter(|(_, a)| a.is_annotated);
        // Boxes that could not be read are boxes: the picture is not empty.
        let empty = annotated().filter(|(_, a)| a.boxes.is_empty() && !a.is_damaged);
        let found: Vec<(usize, String)> = empty.map(|(i, _)| (i, "no box".to_owned())).collect();
        if found.is_empty() {
            return;
        }
        let n = annotated().count();
        let verb = if found.len() == 1 { "has" } else { "have" };
        let message = format!("{} {verb} no box", share(found.len(), n, "annotated picture"));
        let counts = histogram("boxes a picture", &EDGES, annotated().map(|(_, a)| a.boxes.len() as f64));
        let remedy = Remedy::safe("give the boxes of empty pictures the right shape").code(
            "boxes = torch.as_tensor(boxes, dtype=torch.float32).reshape(-1, 4)\n\
             labels = torch.as_tensor(labels, dtype=torch.int64)",
        );
        let look = Remedy::advice("look at some of them: are there objects that nobody boxed?");
        report.raise(draft_of_annotations(set, &found, message, counts, remedy).remedy(look).certainty(0.3));
    }
}

#[cfg(test)]
mod tests {
    use stetho_core::boxes::BoxFormat;

    use crate::boxes::testing::{annotation, judge, of, set};

    #[test]
    fn a_box_that_could_not_be_read_is_a_box() {
        let full = || annotation(100, 100, [of("cat", [10.0, 10.0, 50.0, 50.0])]);
        let mut set = set(BoxFormat::Voc, [full(), annotation(100, 100, []), annotation(100, 100, [])]);
        assert_eq!(judge("empty-image", &set)[0].count, 2);
        set.annotations[2].is_damaged = true;
        assert!(
            judge("empty-image", &set)[0]
                .message
                .starts_with("1 of 3 annotated pictures (33.3 %) has no box")
        );
    }
}
