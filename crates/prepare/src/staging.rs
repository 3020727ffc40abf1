//! The folder that becomes the copy.

use std::path::{Path, PathBuf};

use crate::PrepareError;

/// A folder beside the one asked for; removed unless finished.
pub(crate) struct Staging {
    target: PathBuf,
    folder: PathBuf,
    /// Folders that were made to hold it, innermost first.
    made: Vec<PathBuf>,
    is_finished: std::cell::Cell<bool>,
}

impl Staging {
    /// Makes the folder. `target` must not exist or be empty.
    pub(crate) fn new(target: &Path) -> Result<Self, PrepareError> {
        let is_empty = match std::fs::read_dir(target) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(_) if target.exists() => {
                return PrepareError::request(format!("`{}` is a file; name a new folder", target.display()));
            }
            Err(error) => return Err(PrepareError::writing(target)(error)),
        };
        if !is_empty {
            return PrepareError::request(format!(
                "`{}` is not empty; name a new folder with --out",
                target.display()
            ));
        }
        let Some(name) = target.file_name() else {
            return PrepareError::request(format!("`{}` names no new folder", target.display()));
        };
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let made = parent.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists());
        let made = made.map(Path::to_owned).collect();
        std::fs::create_dir_all(parent).map_err(PrepareError::writing(parent))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.part", std::process::id()));
        let folder = parent.join(hidden);
        std::fs::create_dir(&folder).map_err(PrepareError::writing(&folder))?;
        Ok(Self { target: target.to_owned(), folder, made, is_finished: false.into() })
    }

    /// Where to write to.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file of the copy as the user will find it.
    pub(crate) fn named(&self, file: &str) -> String {
        self.target.join(file).display().to_string()
    }

    /// Writes a file, with the folders it needs.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), PrepareError> {
        let path = self.folder.join(name);
        let named = self.target.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(PrepareError::writing(&named))?;
        }
        std::fs::write(&path, bytes).map_err(PrepareError::writing(&named))
    }

    /// Copies a file to `name`.
    pub(crate) fn copy(&self, from: &Path, name: &Path) -> Result<(), PrepareError> {
        let path = self.folder.join(name);
        let named = self.target.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(PrepareError::writing(&named))?;
        }
        let mut source = std::fs::File::open(from).map_err(PrepareError::reading(from))?;
        let mut copy = std::fs::File::create(&path).map_err(PrepareError::writing(&named))?;
        std::io::copy(&mut source, &mut copy).map_err(PrepareError::writing(&named))?;
        Ok(())
    }

    /// Gives the folder its name.
    pub(crate) fn finish(self) -> Result<(), PrepareError> {
        if self.target.is_dir() {
            std::fs::remove_dir(&self.target).map_err(PrepareError::writing(&self.target))?;
        }
        std::fs::rename(&self.folder, &self.target).map_err(PrepareError::writing(&self.target))?;
        self.is_finished.set(true);
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.is_finished.get() {
            let _ = std::fs::remove_dir_all(&self.folder);
            for folder in &self.made {
                let _ = std::fs::remove_dir(folder);
            }
        }
    }
}

/// Refuses to write into the data itself.
pub(crate) fn refuse_inside<'a>(
    out: &Path,
    inputs: impl Iterator<Item = &'a PathBuf>,
) -> Result<(), PrepareError> {
    let real = out.ancestors().find_map(|path| {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        path.canonicalize().ok()
    });
    for input in inputs {
        let Ok(input_real) = input.canonicalize() else { continue };
        if input_real.is_dir() && real.as_ref().is_some_and(|real| real.starts_with(&input_real)) {
            return PrepareError::request(format!(
                "`{}` lies inside `{}`, which is never changed; name a folder outside of it with --out",
                out.display(),
                input.display()
            ));
        }
    }
    Ok(())
}
