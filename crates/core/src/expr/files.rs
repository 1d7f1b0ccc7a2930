//! Files that functions may read: those of the disk, by path.

use std::path::Path;

use super::functions::FileAccess;

/// Reads the disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskFiles;

impl FileAccess for DiskFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))
    }

    fn exists(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn glob(&self, dir: &Path, pattern: &str) -> Result<Vec<String>, String> {
        Err(format!("fileset({:?}, {pattern:?}) is not supported yet", dir.display().to_string()))
    }
}
