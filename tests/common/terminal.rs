//! A process on a terminal, and what its user sees.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::PATIENCE;

const ROWS: u16 = 60;
const COLUMNS: u16 = 100;

/// A terminal that a process writes to.
pub struct Terminal {
    screen: vt100::Parser,
    written: Receiver<Vec<u8>>,
}

impl Terminal {
    /// Starts a command whose output and errors go to a terminal.
    pub fn start(mut command: Command) -> (Terminal, Child) {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).expect("a terminal");
        unlockpt(&terminal).expect("a terminal");
        let size = Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).expect("a size");
        let path = ptsname(&terminal, Vec::new()).expect("a terminal");
        let path = path.into_string().expect("a path");
        let open = || OpenOptions::new().read(true).write(true).open(&path).expect("a terminal");
        let child = command.stdin(Stdio::null()).stdout(open()).stderr(open()).spawn().expect("runs");
        // The command has the terminal's far end open too; the reader ends
        // when the process does, so nobody else may.
        drop(command);
        let (send, written) = channel();
        let mut from = File::from(terminal);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // An error is the way in which a terminal ends.
            while let Ok(length @ 1..) = from.read(&mut bytes) {
                let _ = send.send(bytes[..length].to_vec());
            }
        });
        (Terminal { screen: vt100::Parser::new(ROWS, COLUMNS, 0), written }, child)
    }

    /// Returns when this stands on the screen.
    pub fn wait_for(&mut self, words: &str) {
        while !self.screen.screen().contents().contains(words) {
            let more = self.written.recv_timeout(PATIENCE);
            let more = more
                .unwrap_or_else(|_| panic!("never showed {words:?}:\n{}", self.screen.screen().contents()));
            self.screen.process(&more);
        }
    }

    /// What stands on the screen when the process has ended.
    pub fn end(mut self) -> String {
        while let Ok(more) = self.written.recv_timeout(PATIENCE) {
            self.screen.process(&more);
        }
        self.screen.screen().contents()
    }
}
