//! A relay before a DNS server, for TCP: it passes messages on, or loses them,
//! or their answers.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, spawn};

use crate::error::{Context, Result};

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toll {
    /// It is passed on, and so is the answer.
    Pass,
    /// The server gets it and answers; the answer is lost and the connection
    /// with it.
    LoseAnswer,
    /// The server never gets it; the connection is closed.
    LoseMessage,
    /// The server never gets it, and nothing is ever answered.
    Hang,
}

/// A relay; it ends when it is dropped.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    over: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

type Judge = Arc<Mutex<dyn FnMut(&[u8]) -> Toll + Send>>;

impl Relay {
    pub(crate) fn start(server: u16, toll: impl FnMut(&[u8]) -> Toll + Send + 'static) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot listen")?;
        let port = listener.local_addr().context("cannot listen")?.port();
        let over = Arc::<AtomicBool>::default();
        let judge: Judge = Arc::new(Mutex::new(toll));
        let ends = Arc::clone(&over);
        let listening = spawn(move || {
            for client in listener.incoming().flatten() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let judge = Arc::clone(&judge);
                // Ends with its connection; an error is the connection's end.
                spawn(move || drop(serve(client, server, &judge)));
            }
        });
        Ok(Relay { port, over, listener: Some(listening) })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the listener.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn serve(mut client: TcpStream, server: u16, judge: &Judge) -> io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", server))?;
    loop {
        let message = receive(&mut client)?;
        let toll = judge.lock().unwrap_or_else(PoisonError::into_inner)(&message);
        match toll {
            Toll::LoseMessage => return Ok(()),
            // Until whoever waits gives up.
            Toll::Hang => return receive(&mut client).map(drop),
            Toll::Pass | Toll::LoseAnswer => {}
        }
        send(&mut server, &message)?;
        let answer = receive(&mut server)?;
        if toll == Toll::LoseAnswer {
            return Ok(());
        }
        send(&mut client, &answer)?;
    }
}

fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    Ok(message)
}

fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), message].concat())
}

/// Whether a message is an update that changes something: one may also only
/// ask whether something is so.
pub fn is_change(message: &[u8]) -> bool {
    const UPDATE: u8 = 5;
    let is_update = message.get(2).is_some_and(|flags| (flags >> 3) & 0xf == UPDATE);
    is_update && message.get(8..10).is_some_and(|count| count != [0, 0])
}
