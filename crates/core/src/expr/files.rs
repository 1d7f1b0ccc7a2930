//! Files that functions may read: those of the disk, by path.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::functions::FileAccess;
use super::glob;

/// Reads the disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskFiles;

/// One for the process, as the disk is.
static HOME: OnceLock<PathBuf> = OnceLock::new();

impl DiskFiles {
    /// Tells where `~` leads, which the environment says and core does not
    /// read. The first one stays.
    pub fn set_home(home: PathBuf) {
        // A second one would be of the same process and so the same.
        let _ = HOME.set(home);
    }
}

impl FileAccess for DiskFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        // A pipe that nobody writes to would be waited for for ever.
        match self.exists(path)? {
            true => std::fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display())),
            false => Err(format!("{} cannot be read: there is no such file", path.display())),
        }
    }

    fn exists(&self, path: &Path) -> Result<bool, String> {
        match std::fs::metadata(path) {
            Ok(found) if found.is_file() => Ok(true),
            Ok(found) if found.is_dir() => Err(format!("{} is a folder, not a file", path.display())),
            Ok(_) => Err(format!("{} is not an ordinary file", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(format!("{} cannot be looked at: {error}", path.display())),
        }
    }

    fn glob(&self, dir: &Path, pattern: &str) -> Result<Vec<String>, String> {
        glob::files(dir, pattern)
    }

    fn absolute(&self, path: &Path) -> Result<PathBuf, String> {
        std::path::absolute(path).map_err(|e| format!("{} has no absolute path: {e}", path.display()))
    }

    fn home(&self) -> Option<PathBuf> {
        HOME.get().cloned()
    }
}
