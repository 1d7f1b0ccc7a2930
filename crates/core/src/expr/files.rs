//! Files that functions may read: those of the disk, by path.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::functions::FileAccess;
use super::glob;

/// Reads the disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskFiles;

/// One for the process, as the disk is.
static HOME: OnceLock<PathBuf> = OnceLock::new();
/// The same.
static START: OnceLock<PathBuf> = OnceLock::new();

impl DiskFiles {
    /// Tells where `~` leads, which the environment says and core does not
    /// read. The first one stays.
    pub fn set_home(home: PathBuf) {
        // A second one would be of the same process and so the same.
        let _ = HOME.set(home);
    }

    /// Tells where the program was started, which it may have left since. The
    /// first one stays.
    pub fn set_start(dir: PathBuf) {
        let _ = START.set(dir);
    }
}

/// Opens an ordinary file and nothing else: a pipe in its place, also one that
/// is put there meanwhile, would be waited for for ever.
///
/// # Errors
/// When it cannot be opened, or is something else.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    match file.metadata()? {
        found if found.is_file() => Ok(file),
        found if found.is_dir() => {
            Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file"))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not an ordinary file")),
    }
}

impl FileAccess for DiskFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let read = || {
            let mut bytes = Vec::new();
            open_regular(path)?.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => format!("{} cannot be read: there is no such file", path.display()),
            _ => format!("{} cannot be read: {error}", path.display()),
        })
    }

    fn exists(&self, path: &Path) -> Result<bool, String> {
        match std::fs::metadata(path) {
            Ok(found) if found.is_file() => Ok(true),
            Ok(found) if found.is_dir() => Err(format!("{} is a folder, not a file", path.display())),
            Ok(_) => Err(format!("{} is not an ordinary file", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(format!("{} cannot be looked at: {error}", path.display())),
        }
    }

    fn glob(&self, dir: &Path, pattern: &str) -> Result<Vec<String>, String> {
        glob::files(dir, pattern)
    }

    fn absolute(&self, path: &Path) -> Result<PathBuf, String> {
        std::path::absolute(path).map_err(|e| format!("{} has no absolute path: {e}", path.display()))
    }

    fn start(&self) -> Result<PathBuf, String> {
        START.get().cloned().map_or_else(|| self.absolute(Path::new(".")), Ok)
    }

    fn home(&self) -> Option<PathBuf> {
        HOME.get().cloned()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Nobody writes to the pipe: opening it as usual would wait for ever.
    #[test]
    fn only_ordinary_files_are_opened() {
        let dir = tempfile::tempdir().expect("a directory");
        let (pipe, file) = (dir.path().join("pipe"), dir.path().join("file"));
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).expect("a pipe");
        std::fs::write(&file, "text").expect("a file");
        let words = |path: &Path| open_regular(path).map(drop).map_err(|error| error.to_string());
        assert_eq!(words(&file), Ok(()));
        assert_eq!(words(&pipe), Err("it is not an ordinary file".into()));
        assert_eq!(words(dir.path()), Err("it is a folder, not a file".into()));
        assert!(words(&dir.path().join("none")).is_err());
        assert_eq!(DiskFiles.read(&file).as_deref(), Ok(&b"text"[..]));
        assert!(DiskFiles.read(&pipe).is_err_and(|words| words.ends_with("it is not an ordinary file")));
    }
}
