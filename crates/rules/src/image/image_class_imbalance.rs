//! `image-class-imbalance`

use serde::{Deserialize, Serialize};
use stetho_core::image::Pictures;
use stetho_core::table::Part;
use stetho_core::{
    Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, count_of, percent, thousands,
};

use crate::balance::Balance;

/// A class with a tenth of the pictures of the most frequent one, or fewer.
///
/// ## Why it matters
/// A network that always says the frequent class is right nearly always, so training goes there first and often stays
/// there; accuracy hides it. Of a class with a handful of pictures little can be learned, and a fold may hold none of it.
///
/// ## What to do
/// Split stratified, and judge by a score that sees every class. Weight the loss, or draw pictures of rare classes more
/// often, with augmentation so that they are not learned by heart; in training only.
///
/// ## Fires on
/// ```pictures
/// cat = 60 photos 24x24
/// dog = 5 photos 24x24
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 30 photos 24x24
/// dog = 12 photos 24x24
/// ```
/// One picture a class is a set of another kind.
/// ```pictures
/// a = 1 photos
/// b = 1 photos
/// c = 1 photos
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ImageClassImbalance {
    /// How many times as frequent as the rarest class the most frequent one may be.
    pub ratio: f64,
    /// A set with fewer pictures a class than this, on average, is not judged.
    pub min_pictures_per_class: u64,
    /// A class with fewer pictures than this is too small to learn from or to split into folds.
    pub few_pictures: u64,
}

impl Default for ImageClassImbalance {
    fn default() -> Self {
        Self { ratio: 10.0, min_pictures_per_class: 5, few_pictures: 10 }
    }
}

impl Rule for ImageClassImbalance {
    type Input = Pictures;
    const ID: &'static str = "image-class-imbalance";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures, Signal::PictureLabels];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let counts = set.class_counts(Part::Train);
        let mut classes: Vec<(String, u64)> =
            set.classes.iter().cloned().zip(counts).filter(|(_, n)| *n > 0).collect();
        classes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let balance = Balance { classes: &classes, noun: "pictures" };
        let [most, .., rarest] = classes.as_slice() else { return };
        let n = balance.total();
        let is_judged = n >= classes.len() as u64 * self.min_pictures_per_class;
        let Some(times) = balance.beyond(self.ratio).filter(|_| is_judged) else { return };
        let message = format!(
            "class `{}` has {} of {} ({}), 1 for every {} of `{}` (limit {})",
            rarest.0,
            thousands(rarest.1),
            count_of(n, "picture"),
            percent(rarest.1 as f64 / n as f64),
            Human(times),
            most.0,
            Human(self.ratio),
        );
        let measure = Evidence::at_most("most frequent over rarest class", times, self.ratio);
        let [weights, sampler] = remedies();
        let mut draft = Draft::new(Place::Whole, message, measure, weights)
            .remedy(sampler)
            .evidence(balance.shares())
            .evidence(balance.plan());
        let few = classes.iter().filter(|c| c.1 < self.few_pictures).count() as u64;
        if few > 0 {
            let have = if few == 1 { "has" } else { "have" };
            draft = draft.remedy(Remedy::advice(format!(
                "{} {have} fewer than {} pictures, too few to learn from or to split into folds: collect more, or merge",
                count_of(few, "class"),
                self.few_pictures
            )));
        }
        report.raise(draft);
    }
}

fn remedies() -> [Remedy; 2] {
    [
        Remedy::risky("weight the loss by class").code(
            "counts = torch.bincount(torch.tensor(train_set.targets)).float()  # an ImageFolder\n\
             weight = counts.sum() / (len(counts) * counts)\n\
             loss = torch.nn.CrossEntropyLoss(weight=weight)",
        ),
        Remedy::risky("or draw pictures of rare classes more often, in training only").code(
            "targets = torch.tensor(train_set.targets)\n\
             weights = 1.0 / torch.bincount(targets)[targets]\n\
             sampler = torch.utils.data.WeightedRandomSampler(weights, num_samples=len(weights))\n\
             loader = torch.utils.data.DataLoader(train_set, batch_size=64, sampler=sampler)",
        ),
    ]
}
