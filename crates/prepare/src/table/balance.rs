//! Balancing the classes of the training part.

use std::collections::BTreeMap;

use stetho_core::table::{Part, Task};
use stetho_core::{count_of, thousands};

use super::cells::show_number;
use super::write::file_name;
use super::{Sheet, Work, share, snippets};
use crate::receipt::Change;
use crate::resample::{Classes, OTHERS_STAY, UP_IS_TOLD, drawn_again, left_out, weight_of, weights_csv};
use crate::staging::Staging;
use crate::{Balance, PrepareError};
use stetho_core::Random;

impl Work<'_> {
    /// Balances the training part.
    pub(super) fn balance(&mut self, how: Balance, staging: &Staging) -> Result<(), PrepareError> {
        let target = self.target_column("--balance")?;
        let name = self.target.clone().unwrap_or_default();
        if self.task != Some(Task::Classification) {
            return PrepareError::request(format!(
                "--balance: `{name}` is a quantity, not a class; there is nothing to balance"
            ));
        }
        let Some(at) = self.book.sheets.iter().position(|s| s.part == Part::Train) else { return Ok(()) };
        let Some(sheet) = self.book.sheets.get(at) else { return Ok(()) };
        let classes = classes(sheet, target);
        if classes.len() < 2 {
            return PrepareError::request(format!("--balance: `{name}` has one class only"));
        }
        let mut random = Random::of_purpose(self.request.seed, "balance");
        let n_before = sheet.n_rows();
        let balanced = match how {
            Balance::Weights => return self.weigh(&classes, n_before, staging),
            Balance::Up => sheet.pick(Part::Train, &up(n_before, &classes, &mut random)),
            Balance::Down => sheet.pick(Part::Train, &down(n_before, &classes, &mut random)),
            Balance::Smote => self.smote(at, target, &classes, &mut random)?,
        };
        self.receipt.resampled = Some(how.name().into());
        self.note_resampling(how, at, &balanced);
        let words = match how {
            Balance::Down => format!("kept {} of the training data", share(balanced.n_rows(), n_before)),
            _ => {
                let verb = if how == Balance::Up { "drew again" } else { "made" };
                format!(
                    "{verb} {}, so that each class has {}",
                    count_of((balanced.n_rows() - n_before) as u64, "training row"),
                    thousands(classes.values().map(Vec::len).max().unwrap_or(0) as u64)
                )
            }
        };
        self.receipt.tell(format!("balance {}", how.name()), words);
        self.receipt.notes.push(if how == Balance::Up { UP_IS_TOLD } else { OTHERS_STAY }.into());
        if let Some(sheet) = self.book.sheets.get_mut(at) {
            *sheet = balanced;
        }
        Ok(())
    }

    /// Every row that was left out, drawn again or made.
    fn note_resampling(&mut self, how: Balance, at: usize, balanced: &Sheet) {
        let Some(before) = self.book.sheets.get(at) else { return };
        let by = format!("balance {}", how.name());
        let mut times: BTreeMap<(u32, u64), u64> = BTreeMap::new();
        for origin in balanced.origins.iter().flatten() {
            *times.entry((origin.file, origin.row)).or_default() += 1;
        }
        let mut changes = Vec::new();
        for (row, origin) in before.origins.iter().enumerate() {
            let Some(origin) = origin else { continue };
            let n = times.get(&(origin.file, origin.row)).copied().unwrap_or(0);
            let (what, after) = match n {
                1 => continue,
                0 => ("row left out", serde_json::Value::Null),
                n => ("row repeated", n.into()),
            };
            changes.push(Change { what: what.into(), by: by.clone(), after, ..self.change_of(before, row) });
        }
        self.receipt.changes.extend(changes);
    }

    /// Writes the weights of classes and of rows: n / (k · n_c), as scikit-learn's `balanced`.
    fn weigh(&mut self, classes: &Classes, n_rows: usize, staging: &Staging) -> Result<(), PrepareError> {
        let n: usize = classes.values().map(Vec::len).sum();
        let mut of_rows = vec![0.0; n_rows];
        for rows in classes.values() {
            for row in rows {
                if let Some(slot) = of_rows.get_mut(*row) {
                    *slot = weight_of(n, classes.len(), rows.len());
                }
            }
        }
        let lines: Vec<String> = of_rows.iter().map(|w| show_number(*w)).collect();
        staging.write("weights.csv", weights_csv(classes))?;
        staging.write("sample_weights.csv", format!("weight\n{}\n", lines.join("\n")))?;
        staging.write("sample_weights.npy", npy(&of_rows))?;
        let file = file_name(Part::Train, self.book.sheets.len() == 1);
        self.receipt.tell(
            "balance weights",
            format!(
                "wrote `weights.csv` for {}, `sample_weights.csv` and `.npy` for the rows of `{file}`",
                count_of(classes.len() as u64, "class")
            ),
        );
        self.receipt.snippets.push(snippets::weights());
        Ok(())
    }
}

/// Rows of each class; rows without a label are left out.
fn classes(sheet: &Sheet, target: usize) -> Classes {
    let mut classes = Classes::new();
    for row in 0..sheet.n_rows() {
        if let Some(text) = sheet.get(target, row).map(str::trim).filter(|text| !text.is_empty()) {
            classes.entry(text.to_owned()).or_default().push(row);
        }
    }
    classes
}

/// All rows, and rows of rare classes drawn again, in random order.
fn up(n_rows: usize, classes: &Classes, random: &mut Random) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..n_rows).chain(drawn_again(classes, random)).collect();
    random.shuffle(&mut rows);
    rows
}

/// As many rows of each class as the smallest has, in their order; rows without a label stay.
fn down(n_rows: usize, classes: &Classes, random: &mut Random) -> Vec<usize> {
    let gone = left_out(classes, random);
    (0..n_rows).filter(|row| gone.binary_search(row).is_err()).collect()
}

/// Doubles in NumPy's format, version 1.0.
fn npy(values: &[f64]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({},), }}", values.len());
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_array_file_is_what_numpy_reads() {
        let bytes = npy(&[1.5, 2.0]);
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        assert_eq!((bytes.len() - 16) % 64, 0);
        assert_eq!(&bytes[bytes.len() - 16..bytes.len() - 8], &1.5_f64.to_le_bytes());
    }
}
