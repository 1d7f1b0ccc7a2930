//! The thread on which the harness does its own asynchronous work.
//!
//! Apart from the runtime of the test, so that the pod loop goes on while a
//! test blocks, and so that the harness can be called from plain and from
//! asynchronous tests alike.

use std::future::Future;
use std::sync::mpsc;

use tokio::runtime::{Builder, Runtime};

use crate::error::{Context, Result};

#[derive(Debug)]
pub(crate) struct Worker {
    // Taken only by drop.
    runtime: Option<Runtime>,
}

impl Worker {
    pub(crate) fn new() -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("test-servers")
            .enable_all()
            .build()
            .context("cannot start a runtime")?;
        Ok(Self { runtime: Some(runtime) })
    }

    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(work);
        }
    }

    /// Runs `work` to its end and blocks the caller meanwhile. Unlike the
    /// runtime's own way this is allowed inside an asynchronous test.
    ///
    /// # Panics
    ///
    /// When `work` does.
    pub(crate) fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.spawn(async move {
            // The receiver is gone only if this thread's owner panicked.
            let _ = sender.send(work.await);
        });
        receiver.recv().expect("work of the test harness panicked; see above")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Waiting for it to end, which is the default, panics in async tests.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
