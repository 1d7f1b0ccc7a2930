//! Where text goes: standard output and standard error, each with its theme.
//!
//! Guarantees: lines of concurrent tasks do not mix; a line appears above the
//! progress bar, never inside it; a reader that went away is no error of ours.
//! Must not: know what is written.

use std::io::{BufWriter, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anstream::{AutoStream, ColorChoice};
use indicatif::ProgressBar;
use serde::Serialize;
use tenantctl_core::state::Dependencies;
use tenantctl_core::value::exact;

use crate::render::Theme;

type Sink = Mutex<Box<dyn Write + Send>>;

/// So many bytes of a long document are written at a time.
const PIECE: usize = 1 << 16;

/// Standard output as a writer.
struct Out<'o>(&'o Output);

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(&self.0.0.out, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The two streams. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Output(Arc<Inner>);

struct Inner {
    out: Sink,
    err: Sink,
    bar: Mutex<Option<ProgressBar>>,
    out_theme: Theme,
    err_theme: Theme,
    err_terminal: bool,
}

impl Output {
    /// The process's own streams.
    pub(crate) fn terminal(no_color: bool) -> Self {
        let (out, err) = (std::io::stdout(), std::io::stderr());
        let choose = |auto: ColorChoice| if no_color { ColorChoice::Never } else { auto };
        let out_choice = choose(AutoStream::choice(&out));
        let err_choice = choose(AutoStream::choice(&err));
        let err_terminal = err.is_terminal();
        Output(Arc::new(Inner {
            out: Mutex::new(match out_choice {
                // The theme has no colours then, and plans can be long.
                ColorChoice::Never => Box::new(out),
                choice => Box::new(AutoStream::new(out, choice)),
            }),
            err: Mutex::new(Box::new(AutoStream::new(err, err_choice))),
            bar: Mutex::new(None),
            out_theme: Theme::new(out_choice != ColorChoice::Never),
            err_theme: Theme::new(err_choice != ColorChoice::Never),
            err_terminal,
        }))
    }

    /// Two writers in place of the process's streams, without colour.
    pub(crate) fn to(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        Output(Arc::new(Inner {
            out: Mutex::new(Box::new(out)),
            err: Mutex::new(Box::new(err)),
            bar: Mutex::new(None),
            out_theme: Theme::new(false),
            err_theme: Theme::new(false),
            err_terminal: false,
        }))
    }

    /// How standard output is coloured.
    pub(crate) fn theme(&self) -> Theme {
        self.0.out_theme
    }

    /// How standard error is coloured.
    pub(crate) fn error_theme(&self) -> Theme {
        self.0.err_theme
    }

    /// Whether somebody watches standard error.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.err_terminal
    }

    /// Writes text as it is to standard output.
    pub(crate) fn text(&self, text: &str) {
        self.write(&self.0.out, text.as_bytes());
    }

    /// Writes a line to standard output.
    pub(crate) fn line(&self, text: &str) {
        self.text(&format!("{text}\n"));
    }

    /// Writes one JSON document, on one line, to standard output.
    pub(crate) fn json(&self, value: &impl Serialize) {
        let Ok(text) = serde_json::to_string(value) else { return };
        let mut text = exact::text(text);
        text.push('\n');
        self.text(&text);
    }

    /// Writes a JSON document, laid out, with the lists that it has places for.
    pub(crate) fn document(&self, text: &str, lists: &Dependencies) {
        let mut out = BufWriter::with_capacity(PIECE, Out(self));
        let _ = lists.write(text, &mut out).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    }

    /// Writes text as it is to standard error.
    pub(crate) fn error_text(&self, text: &str) {
        self.write(&self.0.err, text.as_bytes());
    }

    /// Says what goes on, when somebody watches.
    pub(crate) fn status(&self, text: &str) {
        if self.is_watched() {
            self.error_text(&format!("{text}\n"));
        }
    }

    /// Puts a progress bar below all lines, or takes it away.
    pub(crate) fn set_bar(&self, bar: Option<ProgressBar>) {
        if let Some(old) = std::mem::replace(&mut *lock(&self.0.bar), bar) {
            old.finish_and_clear();
        }
    }

    /// The end: takes the bar away and writes out what is buffered.
    pub(crate) fn flush(&self) {
        self.set_bar(None);
        // A reader that went away has no use for the rest.
        let _ = lock(&self.0.out).flush();
        let _ = lock(&self.0.err).flush();
    }

    fn write(&self, sink: &Sink, bytes: &[u8]) {
        let bar = lock(&self.0.bar).clone();
        let put = || {
            let mut sink = lock(sink);
            // A reader that went away (`| head`) must not stop an apply.
            let _ = sink.write_all(bytes).and_then(|()| sink.flush());
        };
        match bar {
            Some(bar) => bar.suspend(put),
            None => put(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
