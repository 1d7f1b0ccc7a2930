//! Speaking to a server: one call's messages, over one connection.
//!
//! Guarantees: with a key, every message is signed and no answer is believed
//! that is not; what cannot have reached the server and what may have is told
//! apart; an answer is waited for no longer than the connection's timeout.
//! Must not: understand what messages say.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::serialize::binary::{BinDecodable as _, BinEncodable as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::connection::Connection;
use super::error::{Effect, Failure};
use super::message::DATAGRAM;

/// Questions under way at the same time.
const WINDOW: usize = 32;
/// What a message of TCP may hold.
const LONGEST: usize = 65_535;

/// A conversation with a server.
pub(super) struct Session<'a> {
    pub(super) connection: &'a Connection,
    addresses: Vec<SocketAddr>,
    stream: Option<TcpStream>,
    /// What has been done so far.
    pub(super) effect: Effect,
}

/// A message as it travels, and what its answer is known by.
struct Sent {
    id: u16,
    bytes: Vec<u8>,
    /// The signature, which the answer's must follow.
    mac: Vec<u8>,
}

impl<'a> Session<'a> {
    /// Finds the server; nothing is sent yet.
    pub(super) async fn open(connection: &'a Connection) -> Result<Session<'a>, Failure> {
        let host = (connection.server.as_str(), connection.port);
        let found = timeout(connection.timeout, tokio::net::lookup_host(host)).await;
        let found = found.map_err(|_| Failure::Unreachable("its name was not resolved in time".into()))?;
        let found =
            found.map_err(|error| Failure::Unreachable(format!("its name cannot be resolved, {error}")))?;
        let fits = |address: &SocketAddr| match connection.transport.family {
            Some(4) => address.is_ipv4(),
            Some(_) => address.is_ipv6(),
            None => true,
        };
        let addresses: Vec<SocketAddr> = found.filter(fits).collect();
        if addresses.is_empty() {
            return Err(Failure::Unreachable("it has no address of the kind that transport names".into()));
        }
        Ok(Session { connection, addresses, stream: None, effect: Effect::Nothing })
    }

    /// Sends one message and gives its answer.
    pub(super) async fn ask(&mut self, message: Message) -> Result<Message, Failure> {
        let is_update = message.metadata.op_code == OpCode::Update;
        let sent = self.sign(message)?;
        if !self.connection.transport.tcp
            && sent.bytes.len() <= usize::from(DATAGRAM)
            && let Some(answer) = self.by_datagram(&sent, is_update).await?
        {
            return Ok(answer);
        }
        self.connect().await?;
        self.send(&sent.bytes, is_update).await?;
        let answer = self.receive().await?;
        self.check(&answer, std::slice::from_ref(&sent)).map(|(_, answer)| answer)
    }

    /// Sends questions, many at a time, and gives their answers in order.
    pub(super) async fn ask_all(&mut self, questions: Vec<Message>) -> Result<Vec<Message>, Failure> {
        let mut answers = Vec::with_capacity(questions.len());
        if !self.connection.transport.tcp {
            for question in questions {
                answers.push(self.ask(question).await?);
            }
            return Ok(answers);
        }
        // What is under way together must not share an id by chance.
        let first = questions.first().map_or(0, |question| question.metadata.id);
        let ids = (0..=u16::MAX).cycle().map(|n| first.wrapping_add(n));
        let mut questions = questions.into_iter().zip(ids).map(|(mut question, id)| {
            question.metadata.id = id;
            question
        });
        loop {
            let sent: Result<Vec<Sent>, Failure> =
                questions.by_ref().take(WINDOW).map(|q| self.sign(q)).collect();
            let sent = sent?;
            if sent.is_empty() {
                return Ok(answers);
            }
            self.connect().await?;
            for one in &sent {
                self.send(&one.bytes, false).await?;
            }
            // Servers may answer in any order.
            let mut came: Vec<Option<Message>> = sent.iter().map(|_| None).collect();
            while came.iter().any(Option::is_none) {
                let answer = self.receive().await?;
                let (place, answer) = self.check(&answer, &sent)?;
                came[place] = Some(answer);
            }
            answers.extend(came.into_iter().flatten());
        }
    }

    fn sign(&self, mut message: Message) -> Result<Sent, Failure> {
        let unsendable = |error: hickory_proto::ProtoError| Failure::Unsendable(error.to_string());
        if let Some(signer) = &self.connection.signer {
            message.finalize(signer, now()).map_err(unsendable)?;
        }
        let mac = message.signature().map(|record| record.data.mac.clone()).unwrap_or_default();
        let bytes = message.to_bytes().map_err(unsendable)?;
        // What does not fit is left out by the encoder, which says so in the
        // header.
        let cut =
            bytes.len() > LONGEST / 2 && Message::from_bytes(&bytes).is_ok_and(|m| m.metadata.truncation);
        if cut || bytes.len() > LONGEST {
            return Err(Failure::Unsendable(format!("it has more than {LONGEST} bytes")));
        }
        Ok(Sent { id: message.metadata.id, bytes, mac })
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        if self.stream.is_some() {
            return Ok(());
        }
        let connecting = TcpStream::connect(self.addresses.as_slice());
        let stream = match timeout(self.connection.timeout, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(Failure::Unreachable(error.to_string())),
            Err(_) => return Err(Failure::Unreachable(self.too_long())),
        };
        // Messages are small and are waited for one by one.
        let _ = stream.set_nodelay(true);
        self.stream = Some(stream);
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8], is_update: bool) -> Result<(), Failure> {
        let limit = self.connection.timeout;
        let length = u16::try_from(bytes.len()).map_err(|error| Failure::Unsendable(error.to_string()))?;
        let framed: Vec<u8> = length.to_be_bytes().iter().chain(bytes).copied().collect();
        self.note(is_update);
        let Some(stream) = &mut self.stream else {
            return Err(Failure::Lost("the connection is closed".into()));
        };
        match timeout(limit, stream.write_all(&framed)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.lost(error.to_string())),
            Err(_) => Err(self.lost(self.too_long())),
        }
    }

    async fn receive(&mut self) -> Result<Vec<u8>, Failure> {
        let limit = self.connection.timeout;
        let Some(stream) = &mut self.stream else {
            return Err(Failure::Lost("the connection is closed".into()));
        };
        let reading = async {
            let mut bytes = vec![0; usize::from(stream.read_u16().await?)];
            stream.read_exact(&mut bytes).await?;
            std::io::Result::Ok(bytes)
        };
        match timeout(limit, reading).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => Err(self.lost(error.to_string())),
            Err(_) => Err(self.lost(self.too_long())),
        }
    }

    fn note(&mut self, is_update: bool) {
        if is_update && self.effect == Effect::Nothing {
            self.effect = Effect::Sent;
        }
    }

    /// The connection is of no more use: an answer may still be on its way.
    fn lost(&mut self, why: String) -> Failure {
        self.stream = None;
        Failure::Lost(why)
    }

    fn too_long(&self) -> String {
        format!("it took longer than {:?}", self.connection.timeout)
    }

    /// `None` when the answer does not fit into a datagram. One that is lost
    /// is asked for by the same message: a server that had done it says that
    /// the set is there, and it is looked whose it is.
    async fn by_datagram(&mut self, sent: &Sent, is_update: bool) -> Result<Option<Message>, Failure> {
        let mut failure = Failure::Unreachable("it has no address".into());
        for attempt in 0..=self.connection.retries {
            let address = self.addresses[attempt as usize % self.addresses.len()];
            let any: IpAddr =
                if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
            let unreachable = |error: std::io::Error| Failure::Unreachable(error.to_string());
            let socket = UdpSocket::bind((any, 0)).await.map_err(unreachable)?;
            socket.connect(address).await.map_err(unreachable)?;
            self.note(is_update);
            if let Err(error) = socket.send(&sent.bytes).await {
                failure = Failure::Lost(error.to_string());
                continue;
            }
            let mut bytes = vec![0; LONGEST];
            match timeout(self.connection.timeout, socket.recv(&mut bytes)).await {
                Ok(Ok(length)) => {
                    bytes.truncate(length);
                    let (_, answer) = self.check(&bytes, std::slice::from_ref(sent))?;
                    return Ok((!answer.metadata.truncation).then_some(answer));
                }
                Ok(Err(error)) => failure = Failure::Lost(error.to_string()),
                Err(_) => failure = Failure::Lost(self.too_long()),
            }
        }
        Err(failure)
    }

    /// The answer, and which of the messages it answers.
    fn check(&self, bytes: &[u8], sent: &[Sent]) -> Result<(usize, Message), Failure> {
        let answer = Message::from_bytes(bytes)
            .map_err(|error| Failure::Lost(format!("its answer cannot be understood, {error}")))?;
        let place = sent.iter().position(|one| one.id == answer.metadata.id);
        let place = place.filter(|_| answer.metadata.message_type == MessageType::Response);
        let place = place.ok_or_else(|| Failure::Lost("its answer is to another question".into()))?;
        let Some(signer) = &self.connection.signer else { return Ok((place, answer)) };
        if let Some(error) = answer.signature().and_then(|record| record.data.error) {
            return Err(Failure::Key(error));
        }
        match signer.verify_message_byte(bytes, Some(&sent[place].mac), true) {
            Ok((_, _, valid)) if valid.contains(&now()) => Ok((place, answer)),
            Ok(_) => Err(Failure::Unsigned("its time is over".into())),
            // A server that cannot check a signature does not sign either.
            Err(_) if is_refusal(answer.metadata.response_code) => {
                Err(Failure::Answer(answer.metadata.response_code))
            }
            Err(error) => Err(Failure::Unsigned(error.to_string())),
        }
    }
}

/// Whether an answer means that nothing was done.
fn is_refusal(code: ResponseCode) -> bool {
    use ResponseCode::{FormErr, NotAuth, NotImp, NotZone, Refused, ServFail};
    matches!(code, FormErr | NotAuth | NotImp | NotZone | Refused | ServFail)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default()
}
