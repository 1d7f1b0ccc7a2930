//! A started process: what it says as it says it, signals, its end.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::Said;

/// Longer than anything here takes on the slowest machine: what waits so long
/// would wait for ever.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A process that runs. Killed when it is dropped.
pub struct Running {
    child: Child,
    heard: Arc<Heard>,
    readers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Heard {
    streams: Mutex<Streams>,
    changed: Condvar,
}

#[derive(Default)]
struct Streams {
    /// Standard output and standard error.
    text: [String; 2],
    ended: usize,
}

impl Running {
    /// Starts a command and listens.
    pub fn start(mut command: Command) -> Self {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.expect("the binary runs");
        let heard = Arc::<Heard>::default();
        let (out, err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let readers = vec![listen(0, out, Arc::clone(&heard)), listen(1, err, Arc::clone(&heard))];
        Running { child, heard, readers }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns when the process has said this.
    pub fn wait_for(&self, words: &str) {
        self.wait_for_any(&[words]);
    }

    /// Returns when the process has said one of these.
    pub fn wait_for_any(&self, words: &[&str]) {
        let mut streams = self.heard.lock();
        while !words.iter().any(|words| streams.text.iter().any(|text| text.contains(words))) {
            assert!(streams.ended < 2, "ended and never said {words:?}:\n{}", streams.text.concat());
            let (woken, waited) = self.heard.changed.wait_timeout(streams, PATIENCE).expect("no panic");
            assert!(!waited.timed_out(), "never said {words:?}:\n{}", woken.text.concat());
            streams = woken;
        }
    }

    /// Whether it has not ended.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("can be asked").is_none()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).expect("a pid")).expect("a pid");
        // It may have ended already.
        let _ = kill_process(pid, signal);
    }

    /// Kills it with SIGKILL; true when that ended it.
    pub fn kill(mut self) -> bool {
        self.child.kill().expect("can be killed");
        self.ended().code().is_none()
    }

    /// Its own end.
    pub fn end(mut self) -> Said {
        let status = self.ended();
        for reader in self.readers.drain(..) {
            reader.join().expect("reads");
        }
        let [stdout, stderr] = std::mem::take(&mut self.heard.lock().text);
        Said { code: status.code().unwrap_or(-1), stdout, stderr }
    }

    fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("can be asked") {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "does not end:\n{}", self.heard.lock().text.concat());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listen(stream: usize, mut from: impl Read + Send + 'static, heard: Arc<Heard>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            heard.lock().text[stream].push_str(&String::from_utf8_lossy(&bytes[..length]));
            heard.changed.notify_all();
        }
        heard.lock().ended += 1;
        heard.changed.notify_all();
    })
}
