//! Pictures in folders.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use serde_json::Map;
use stetho_core::image::Pictures;
use stetho_core::table::Part;
use stetho_core::{Finding, Place, Signal, Signals, count_of, thousands};
use stetho_read::{Data, DataKind, Plan, Watch, read_data};
use stetho_rules::Judges;

use super::tree::{self, Root};
use super::verify::verify;
use crate::receipt::{Change, Done, Receipt};
use crate::resample::{
    Classes, OTHERS_STAY, RESAMPLES_UNSPLIT, UP_IS_TOLD, drawn_again, left_out, weight_of, weights_csv,
};
use crate::staging::Staging;
use crate::table::{divide, join, push_field, read_corrections, root};
use crate::{Balance, PrepareError, Ratios, Request, remedies};
use stetho_core::Random;

/// A picture set under treatment: where each picture goes, or that it is dropped.
struct Work<'a> {
    request: &'a Request,
    set: Pictures,
    roots: Vec<Root>,
    /// By index of the picture, where it goes below the folder of the copy; `None` where dropped.
    targets: Vec<Option<PathBuf>>,
    /// Pictures that are there again, and where.
    again: Vec<(usize, PathBuf)>,
    receipt: Receipt,
}

/// Applies the remedies to pictures in folders.
pub(crate) fn prepare(request: &Request, staging: &Staging, watch: &dyn Watch) -> Result<Done, PrepareError> {
    let rules = remedies::resolve(&request.drop, DataKind::Images)?;
    let roots = tree::roots(request)?;
    let judges = Judges::new(|rule| rules.contains(&rule.id), &Map::new())?;
    let own: Signals = request.split.iter().map(|_| Signal::PictureCopies).collect();
    let plan = Plan { signals: judges.wanted().union(own), ..request.plan() };
    let Data::Images(reading) = read_data(&plan, Some(DataKind::Images), watch)? else {
        return PrepareError::request("the data is not a set of pictures");
    };
    refuse_others(request, &reading.pictures)?;
    let verdict = judges.judge_pictures(&reading.pictures);
    let mut work = Work {
        request,
        targets: Vec::new(),
        again: Vec::new(),
        set: reading.pictures,
        roots,
        receipt: tree::receipt(request),
    };
    work.receipt.notes.extend(reading.skipped.iter().map(|line| format!("stepped over: {line}")));
    work.targets = work
        .set
        .pictures
        .iter()
        .map(|p| work.below_root(&p.path).map(|(root, inner)| root.to.join(inner)))
        .collect();
    if let Some(file) = &request.fix_labels {
        work.fix_labels(file, watch)?;
    }
    work.drop_culprits(&rules, &verdict.findings);
    if let Some(ratios) = &request.split {
        work.split(ratios)?;
    }
    if let Some(how) = request.balance {
        work.balance(how, staging)?;
    }
    work.copy(staging)?;
    verify(request, DataKind::Images, &rules, (staging, &work.roots), &mut work.receipt, watch)?;
    let next = tree::next(staging, &work.roots);
    work.receipt.write(staging, next)
}

/// Refuses sets that are not files in folders.
fn refuse_others(request: &Request, set: &Pictures) -> Result<(), PrepareError> {
    if let Some(picture) = set.pictures.iter().find(|p| p.index.is_some()) {
        return PrepareError::request(format!(
            "`{}` holds many pictures in one file; prepare works on pictures in folders, one file each",
            picture.path
        ));
    }
    let is_file = request.data.iter().chain(&request.val).chain(&request.test).find(|path| !path.is_dir());
    if let Some(path) = is_file {
        return PrepareError::request(format!(
            "`{}` is not a folder; prepare works on pictures in folders",
            path.display()
        ));
    }
    if set.layout.contains("list") {
        return PrepareError::request(
            "the pictures are named by a list, which the copy would not fit; prepare works on one folder a class",
        );
    }
    if request.split.is_some() && set.pictures.iter().any(|p| p.part != Part::Train) {
        return PrepareError::request("--split: the folders hold parts already (train, validation, test)");
    }
    Ok(())
}

impl Work<'_> {
    /// The root that holds `path`, and the path below it.
    fn below_root(&self, path: &str) -> Option<(&Root, PathBuf)> {
        let path = Path::new(path);
        self.roots.iter().find_map(|root| Some((root, path.strip_prefix(&root.path).ok()?.to_owned())))
    }

    fn drop_culprits(&mut self, rules: &[&'static str], findings: &[Finding]) {
        let numbers: HashMap<String, usize> =
            self.set.pictures.iter().enumerate().map(|(i, p)| (p.path.clone(), i)).collect();
        for rule in rules {
            let of_rule = findings.iter().filter(|f| f.rule == *rule).flat_map(|f| &f.places);
            let culprits = self.culprits(rule, of_rule, &numbers);
            let mut n = 0;
            for i in culprits {
                let Some(picture) = self.set.pictures.get(i) else { continue };
                if self.targets.get_mut(i).and_then(Option::take).is_none() {
                    continue;
                }
                n += 1;
                self.receipt.changes.push(Change {
                    file: picture.path.clone(),
                    what: "picture dropped".into(),
                    by: (*rule).into(),
                    ..Change::default()
                });
            }
            let words = if n == 0 {
                "found nothing to drop".into()
            } else {
                format!("dropped {}", count_of(n, "picture"))
            };
            self.receipt.tell(format!("drop {rule}"), words);
        }
    }

    /// The pictures that go: of copies all but the first, of conflicting ones all, of those in several parts the ones
    /// in training.
    fn culprits<'a>(
        &self,
        rule: &str,
        places: impl Iterator<Item = &'a Place>,
        numbers: &HashMap<String, usize>,
    ) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut groups: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for place in places {
            match place {
                Place::Item { path, .. } => found.extend(numbers.get(path)),
                Place::Pair { a, b } => {
                    if let (Some(a), Some(b)) = (numbers.get(a), numbers.get(b)) {
                        groups.entry(*a).or_insert_with(|| [*a].into()).insert(*b);
                    }
                }
                _ => {}
            }
        }
        for (first, members) in groups {
            let part = |i: &usize| self.set.pictures.get(*i).map(|p| p.part);
            match rule {
                "image-conflicting-labels" => found.extend(members),
                "image-split-overlap" => {
                    // the last part keeps its pictures: test before validation before training
                    let last = members.iter().filter_map(part).max();
                    found.extend(members.into_iter().filter(|i| part(i) != last));
                }
                _ => found.extend(members.into_iter().filter(|i| *i != first)),
            }
        }
        found
    }

    /// Moves pictures between the folders of classes.
    fn fix_labels(&mut self, file: &Path, watch: &dyn Watch) -> Result<(), PrepareError> {
        let mut n = 0;
        let mut taken: HashSet<PathBuf> = self.targets.iter().flatten().cloned().collect();
        for correction in read_corrections(file, watch)? {
            let problem = |words: String| {
                PrepareError::request(format!(
                    "--fix-labels: `{}`, row {}: {words}",
                    file.display(),
                    correction.number
                ))
            };
            let Some(path) = &correction.path else { return problem("it tells no `path`".into()) };
            let Some(at) = self.find(path) else { return problem(format!("there is no picture `{path}`")) };
            let label = &correction.label;
            if Path::new(label).components().count() != 1 || label.contains(['/', '\\']) || label == ".." {
                return problem(format!("`{label}` cannot be the name of a folder"));
            }
            let Some(picture) = self.set.pictures.get(at) else { continue };
            let Some(class) = self.set.label(picture).map(str::to_owned) else {
                return problem(format!("`{path}` lies in no folder of a class"));
            };
            if correction.given.as_ref().is_some_and(|given| *given != class) {
                return problem(format!("`{path}` lies in `{class}`; the file was made for other data"));
            }
            if class == *label {
                continue;
            }
            let Some(Some(target)) = self.targets.get(at) else { continue };
            let moved = free(&relabelled(target, &class, label), &taken);
            taken.insert(moved.clone());
            n += 1;
            self.receipt.changes.push(Change {
                file: picture.path.clone(),
                what: "relabelled".into(),
                by: "fix-labels".into(),
                before: class.into(),
                after: label.clone().into(),
                ..Change::default()
            });
            self.set_label(at, label);
            if let Some(slot) = self.targets.get_mut(at) {
                *slot = Some(moved);
            }
        }
        self.receipt.tell("fix-labels", format!("moved {}", count_of(n, "picture")));
        Ok(())
    }

    fn set_label(&mut self, at: usize, label: &str) {
        let known = self.set.classes.iter().position(|c| c == label).unwrap_or_else(|| {
            self.set.classes.push(label.to_owned());
            self.set.classes.len() - 1
        });
        if let Some(picture) = self.set.pictures.get_mut(at) {
            picture.label = u32::try_from(known).ok();
        }
    }

    /// The picture that `path` names: as the user named it, else below its root.
    fn find(&self, path: &str) -> Option<usize> {
        let exact = self.set.pictures.iter().position(|p| p.path == path);
        exact.or_else(|| {
            let path = Path::new(path);
            let inner = |p: &str| self.below_root(p).is_some_and(|(_, inner)| inner == path);
            self.set.pictures.iter().position(|p| inner(&p.path))
        })
    }

    /// Copies everything but what was dropped; after a split the pictures only.
    fn copy(&mut self, staging: &Staging) -> Result<(), PrepareError> {
        let mut known: HashSet<PathBuf> = HashSet::new();
        let mut n_pictures = 0;
        for (picture, target) in self.set.pictures.iter().zip(&self.targets) {
            known.insert(PathBuf::from(&picture.path));
            if let Some(target) = target {
                staging.copy(Path::new(&picture.path), target)?;
                n_pictures += 1;
            }
        }
        if n_pictures == 0 {
            return PrepareError::request("no picture is left");
        }
        for (i, target) in &self.again {
            let Some(picture) = self.set.pictures.get(*i) else { continue };
            staging.copy(Path::new(&picture.path), target)?;
            n_pictures += 1;
        }
        let mut n_others = 0;
        for root in self.roots.iter().filter(|_| self.request.split.is_none()) {
            for file in tree::files(&root.path)?.into_iter().filter(|file| !known.contains(file)) {
                staging.copy(&file, &root.to.join(file.strip_prefix(&root.path).unwrap_or(&file)))?;
                n_others += 1;
            }
        }
        let others =
            if n_others > 0 { format!(", {}", count_of(n_others, "other file")) } else { String::new() };
        self.receipt.tell("copied", format!("{}{others}", count_of(n_pictures, "picture")));
        Ok(())
    }

    /// Pictures that are not dropped.
    fn kept(&self) -> Vec<usize> {
        (0..self.targets.len()).filter(|i| self.targets.get(*i).is_some_and(Option::is_some)).collect()
    }

    /// Puts the pictures into a folder a part, copies of one picture on one side.
    fn split(&mut self, ratios: &Ratios) -> Result<(), PrepareError> {
        let kept = self.kept();
        let groups = self.together();
        let group_of = |i: &usize| groups.get(*i).copied().unwrap_or(*i);
        let label_of =
            |i: &usize| self.set.pictures.get(*i).and_then(|p| p.label).map_or(usize::MAX, |l| l as usize);
        let (of_kept, strata): (Vec<usize>, Vec<usize>) =
            kept.iter().map(|i| (group_of(i), label_of(i))).unzip();
        let mut random = Random::of_purpose(self.request.seed, "split");
        let assigned = divide(&of_kept, &strata, ratios, &mut random);
        let mut sizes = Vec::new();
        let to = self.roots.first().map_or_else(|| PathBuf::from("data"), |root| root.to.clone());
        for ((part, _), members) in ratios.parts().into_iter().zip(&assigned) {
            if members.is_empty() {
                return PrepareError::request(format!(
                    "--split: no picture is left for the {} data",
                    part.name()
                ));
            }
            sizes.push(thousands(members.len() as u64));
            for i in members.iter().filter_map(|m| kept.get(*m)) {
                let (Some(picture), Some(Some(target))) =
                    (self.set.pictures.get_mut(*i), self.targets.get_mut(*i))
                else {
                    continue;
                };
                picture.part = part;
                *target = to.join(part.name()).join(target.strip_prefix(&to).unwrap_or(target));
                self.receipt.changes.push(Change {
                    file: picture.path.clone(),
                    what: "put into".into(),
                    by: "split".into(),
                    after: part.name().into(),
                    ..Change::default()
                });
            }
        }
        self.receipt.tell(
            "split",
            format!("{} pictures, stratified by class, copies of one picture on one side", sizes.join(" / ")),
        );
        Ok(())
    }

    /// Balances the classes of the training part.
    fn balance(&mut self, how: Balance, staging: &Staging) -> Result<(), PrepareError> {
        let has_held_out = self.set.pictures.iter().any(|p| p.part != Part::Train);
        if how != Balance::Weights && !has_held_out {
            return PrepareError::request(RESAMPLES_UNSPLIT);
        }
        let mut classes = Classes::new();
        for i in self.kept() {
            let Some(picture) = self.set.pictures.get(i).filter(|p| p.part == Part::Train) else { continue };
            if let Some(label) = self.set.label(picture) {
                classes.entry(label.to_owned()).or_default().push(i);
            }
        }
        if classes.len() < 2 {
            return PrepareError::request("--balance: the training pictures have fewer than two classes");
        }
        let mut random = Random::of_purpose(self.request.seed, "balance");
        match how {
            Balance::Weights => return self.weigh(&classes, staging),
            Balance::Smote => {
                return PrepareError::request(
                    "--balance smote is for tables: there is no picture between two pictures; use `--balance up`",
                );
            }
            Balance::Up => {
                self.repeat(&drawn_again(&classes, &mut random));
                let words = format!("copied {} again", count_of(self.again.len() as u64, "training picture"));
                self.receipt.tell("balance up", words);
                self.receipt.notes.push(UP_IS_TOLD.into());
            }
            Balance::Down => {
                let gone = left_out(&classes, &mut random);
                self.receipt.tell(
                    "balance down",
                    format!("left out {}", count_of(gone.len() as u64, "training picture")),
                );
                self.receipt.notes.push(OTHERS_STAY.into());
                for i in gone {
                    self.note(i, "picture left out", "balance down", None);
                    if let Some(target) = self.targets.get_mut(i) {
                        *target = None;
                    }
                }
            }
        }
        self.receipt.resampled = Some(how.name().into());
        Ok(())
    }

    fn note(&mut self, i: usize, what: &str, by: &str, after: Option<String>) {
        let file = self.set.pictures.get(i).map(|p| p.path.clone()).unwrap_or_default();
        self.receipt.changes.push(Change {
            file,
            what: what.into(),
            by: by.into(),
            after: after.into(),
            ..Change::default()
        });
    }

    /// Copies pictures once more, beside their first copy.
    fn repeat(&mut self, drawn: &[usize]) {
        let mut taken: HashSet<PathBuf> = self.targets.iter().flatten().cloned().collect();
        for i in drawn {
            let Some(Some(target)) = self.targets.get(*i) else { continue };
            let named = free(&numbered(target, "again"), &taken);
            taken.insert(named.clone());
            self.note(*i, "picture repeated", "balance up", Some(named.display().to_string()));
            self.again.push((*i, named));
        }
    }

    /// Writes the weights of classes and of training pictures.
    fn weigh(&mut self, classes: &Classes, staging: &Staging) -> Result<(), PrepareError> {
        staging.write("weights.csv", weights_csv(classes))?;
        let n: usize = classes.values().map(Vec::len).sum();
        let mut table = "path,weight\n".to_owned();
        let mut of_pictures: BTreeMap<&PathBuf, f64> = BTreeMap::new();
        for members in classes.values() {
            let weight = weight_of(n, classes.len(), members.len());
            let targets = members.iter().filter_map(|i| self.targets.get(*i)?.as_ref());
            of_pictures.extend(targets.map(|target| (target, weight)));
        }
        for (path, weight) in of_pictures {
            push_field(&mut table, Some(&path.display().to_string()));
            table.push_str(&format!(",{weight}\n"));
        }
        staging.write("sample_weights.csv", table)?;
        self.receipt.tell(
            "balance weights",
            format!(
                "wrote `weights.csv` for {}, `sample_weights.csv` for {}",
                count_of(classes.len() as u64, "class"),
                count_of(n as u64, "training picture")
            ),
        );
        self.receipt.snippets.push((
            "Draw batches by weight in PyTorch".into(),
            "import csv, os\nfrom torch.utils.data import DataLoader, WeightedRandomSampler\n\
             weights = {os.path.abspath(r[\"path\"]): float(r[\"weight\"]) for r in csv.DictReader(open(\"sample_weights.csv\"))}\n\
             weights = [weights[os.path.abspath(path)] for path, _ in train_set.samples]  # an ImageFolder, in this folder\n\
             sampler = WeightedRandomSampler(weights, num_samples=len(weights), replacement=True)\n\
             loader = DataLoader(train_set, batch_size=64, sampler=sampler)  # no shuffle=True beside it"
                .into(),
        ));
        Ok(())
    }

    /// A number for each picture, the same for copies of one picture.
    fn together(&self) -> Vec<usize> {
        let mut parents: Vec<usize> = (0..self.set.pictures.len()).collect();
        if let Some(copies) = self.set.copies.get() {
            for group in &copies.same {
                for pair in group.windows(2) {
                    if let [a, b] = pair {
                        join(&mut parents, *a, *b);
                    }
                }
            }
            for cluster in &copies.near {
                for member in cluster.members() {
                    join(&mut parents, cluster.first, member);
                }
            }
        }
        (0..parents.len()).map(|i| root(&mut parents, i)).collect()
    }
}

/// The path with the last folder called `class` renamed.
fn relabelled(path: &Path, class: &str, label: &str) -> PathBuf {
    let parts: Vec<Component<'_>> = path.components().collect();
    let folders = parts.get(..parts.len().saturating_sub(1)).unwrap_or_default();
    let at = folders.iter().rposition(|c| c.as_os_str() == class);
    parts
        .iter()
        .enumerate()
        .map(|(i, c)| if Some(i) == at { label.as_ref() } else { c.as_os_str() })
        .collect()
}

/// The path, or the next one that no other picture has.
fn free(path: &Path, taken: &HashSet<PathBuf>) -> PathBuf {
    let numbers = (2..).map(|number: u64| numbered(path, &number.to_string()));
    let mut names = std::iter::once(path.to_owned()).chain(numbers);
    names.find(|name| !taken.contains(name)).unwrap_or_else(|| path.to_owned())
}

/// The path with a word behind the name of its file.
fn numbered(path: &Path, word: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let end = path.extension().map_or_else(String::new, |e| format!(".{}", e.to_string_lossy()));
    path.with_file_name(format!("{stem}_{word}{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_the_class_is_renamed() {
        assert_eq!(
            relabelled(Path::new("train/cat/cat/1.png"), "cat", "dog"),
            Path::new("train/cat/dog/1.png")
        );
        assert_eq!(relabelled(Path::new("cat/cat"), "cat", "dog"), Path::new("dog/cat"));
        let taken = [PathBuf::from("dog/1.png")].into();
        assert_eq!(free(Path::new("dog/1.png"), &taken), Path::new("dog/1_2.png"));
        assert_eq!(free(Path::new("dog/2.png"), &taken), Path::new("dog/2.png"));
    }
}
