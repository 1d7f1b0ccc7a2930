//! Making, changing and removing record sets.
//!
//! Each is one update that carries what it needs to be true: that there is no
//! such set (creation), or that set and mark are just what was found (change,
//! removal). What another has changed since the plan is refused, also when it
//! happens while the update is under way.
//!
//! Guarantees: a record set that is not ours is never touched; set and mark
//! come and go together; all of it may be repeated; what was written is read
//! back, so that the value says what the server really has.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use tenantctl_core::provider::{ErrorClass, Outcome, ProviderError, Target, Value};

use super::client::Session;
use super::connection::Connection;
use super::error::{About, Effect, Failure, explain};
use super::look::{Live, in_the_way, is_real, look};
use super::mark::Mark;
use super::message::Update;
use super::records::{RecordSet, view};
use super::schema::Kind;

/// How often a creation looks again when things change under it.
const LOOKS: usize = 3;

/// What became of an update.
enum Sent {
    /// It is done.
    Done,
    /// What it needs is not so; nothing was done.
    NotSo,
}

/// One record set, and the conversation about it.
struct Work<'a> {
    session: Session<'a>,
    set: &'a RecordSet,
    title: String,
}

impl<'a> Work<'a> {
    async fn open(connection: &'a Connection, set: &'a RecordSet) -> Result<Self, ProviderError> {
        let title = set.title();
        match Session::open(connection).await {
            Ok(session) => Ok(Work { session, set, title }),
            Err(failure) => Err(explain(
                &failure,
                About { connection, object: &title, zone: &set.zone, effect: Effect::Nothing },
            )),
        }
    }

    fn fail(&self, failure: &Failure) -> ProviderError {
        let Session { connection, effect, .. } = self.session;
        explain(failure, About { connection, object: &self.title, zone: &self.set.zone, effect })
    }

    async fn look(&mut self) -> Result<Live, ProviderError> {
        look(&mut self.session, self.set).await.map_err(|failure| self.fail(&failure))
    }

    /// As [`look`](Self::look), with nothing where a wildcard answers.
    async fn look_closely(&mut self) -> Result<Live, ProviderError> {
        let mut live = self.look().await?;
        if !live.set.is_empty() && !self.is_real().await? {
            live.set.clear();
        }
        Ok(live)
    }

    async fn is_real(&mut self) -> Result<bool, ProviderError> {
        is_real(&mut self.session, self.set).await.map_err(|failure| self.fail(&failure))
    }

    async fn send(&mut self, update: Message) -> Result<Sent, ProviderError> {
        let answer = self.session.ask(update).await.map_err(|failure| self.fail(&failure))?;
        match answer.metadata.response_code {
            ResponseCode::NoError => {
                self.session.effect = Effect::Done;
                Ok(Sent::Done)
            }
            ResponseCode::YXDomain
            | ResponseCode::YXRRSet
            | ResponseCode::NXRRSet
            | ResponseCode::NXDomain => Ok(Sent::NotSo),
            code => Err(self.fail(&Failure::Answer(code))),
        }
    }

    /// The update that makes the set where there is none.
    fn creation(&self, live: &Live, mark: &Mark) -> Message {
        let RecordSet { kind, zone, name, mark: at, .. } = self.set;
        // Servers pass silently over a CNAME beside others, and over others
        // beside a CNAME: so it is said that there must be none.
        let update = match kind.record {
            RecordType::CNAME => Update::of(zone).unused(name),
            record => Update::of(zone).absent(name, record).absent(name, RecordType::CNAME),
        };
        let update = self.with_mark_as_found(update, live);
        update.remove(at, RecordType::TXT).add(self.set.records()).add([mark.record(at)]).message()
    }

    /// The update that makes the set what it is to be.
    fn change(&self, live: &Live, mark: &Mark) -> Message {
        let RecordSet { kind, zone, name, mark: at, .. } = self.set;
        let update = self.with_mark_as_found(Update::of(zone).exactly(&live.set), live);
        let update = update.remove(name, kind.record).add(self.set.records());
        update.remove(at, RecordType::TXT).add([mark.record(at)]).message()
    }

    fn removal(&self, live: &Live) -> Message {
        let RecordSet { kind, zone, name, mark: at, .. } = self.set;
        let update = match live.set.as_slice() {
            [] => Update::of(zone).absent(name, kind.record),
            set => Update::of(zone).exactly(set).remove(name, kind.record),
        };
        let update = self.with_mark_as_found(update, live);
        let marked = live.marked.mark.is_some();
        if marked { update.remove(at, RecordType::TXT).message() } else { update.message() }
    }

    fn with_mark_as_found(&self, update: Update, live: &Live) -> Update {
        match live.marked.mark {
            Some(_) => update.exactly(&live.marked.records),
            None => update.absent(&self.set.mark, RecordType::TXT),
        }
    }

    /// The value with what the server has now.
    async fn settled(&mut self, value: &Value) -> Result<Outcome, ProviderError> {
        let live = self.look().await?;
        if live.set.is_empty() {
            let detail = format!(
                "The DNS server {} took the change of {}, but has no such records now.",
                self.session.connection.place, self.title
            );
            return Err(ProviderError::new(ErrorClass::Indeterminate, "Records did not stay", detail)
                .hint("Look for what removes them: another program, or a policy of the server."));
        }
        Ok(Outcome::Done(view(self.set.kind, value, &live.set)))
    }

    /// Why the set cannot be made here, when something else is in the way.
    async fn obstacle(&mut self) -> Result<Option<ProviderError>, ProviderError> {
        let found = in_the_way(&mut self.session, self.set).await.map_err(|failure| self.fail(&failure))?;
        let others: Vec<String> = found.iter().map(ToString::to_string).collect();
        let name = self.set.name.to_ascii();
        let detail = match self.set.kind.record {
            _ if others.is_empty() => return Ok(None),
            RecordType::CNAME => {
                format!("{name} has {} records, and a CNAME can only stand alone.", others.join(", "))
            }
            record => format!("{name} is a CNAME, and {record} records cannot stand beside one."),
        };
        Ok(Some(
            ProviderError::new(ErrorClass::Conflict, "Name is in use", detail)
                .hint("Take another name, or remove the other records first."),
        ))
    }
}

/// A record set that somebody else made.
fn exists_already(set: &RecordSet, mark: Option<&Mark>) -> ProviderError {
    let Some(mark) = mark else {
        let detail = format!("{} exists already, and was not made by tenantctl.", set.title());
        return ProviderError::new(ErrorClass::Conflict, "Record set already exists", detail).hint(format!(
            "Import it with the id {:?}, or give the record set another name.",
            set.name.to_ascii()
        ));
    };
    of_another(set, mark)
}

/// A record set that belongs to another workspace, or another state.
pub(super) fn of_another(set: &RecordSet, mark: &Mark) -> ProviderError {
    let detail = format!(
        "{} belongs to workspace {:?}, as the text record {} says.",
        set.title(),
        mark.workspace,
        set.mark.to_ascii()
    );
    ProviderError::new(ErrorClass::Conflict, "Record set belongs to another", detail).hint(format!(
        "Remove it there, or give it another name. To take it over, make sure that nobody manages it any \
         more, remove that text record and import {:?}.",
        set.name.to_ascii()
    ))
}

fn changed_since(set: &RecordSet) -> ProviderError {
    let detail = format!("Somebody has changed {} since it was last read.", set.title());
    ProviderError::new(ErrorClass::Conflict, "Record set has changed", detail)
        .hint("Plan again, to see what it is now.")
}

pub(super) async fn find(
    kind: &'static Kind,
    target: &Target<'_>,
    planned: &Value,
) -> Result<Option<Value>, ProviderError> {
    let set = RecordSet::of(kind, planned)?;
    let connection = Connection::of(target.connection)?;
    let mut work = Work::open(&connection, &set).await?;
    let live = work.look_closely().await?;
    match live.marked.mark {
        _ if live.set.is_empty() => Ok(None),
        Some(mark) if mark.is_of_creation(target) => Ok(Some(view(kind, planned, &live.set))),
        mark => Err(exists_already(&set, mark.as_ref())),
    }
}

pub(super) async fn create(
    kind: &'static Kind,
    target: &Target<'_>,
    planned: &Value,
) -> Result<Outcome, ProviderError> {
    let set = RecordSet::of(kind, planned)?;
    let connection = Connection::of(target.connection)?;
    let mut work = Work::open(&connection, &set).await?;
    let mark = Mark::of(target);
    // At first that there is nothing; it is looked only when that is not so.
    let mut live = Live::default();
    for _ in 0..LOOKS {
        let update = match &live.marked.mark {
            Some(found) if !live.set.is_empty() && found.is_of_creation(target) => {
                if set.is(&live.set) {
                    return work.settled(planned).await;
                }
                work.change(&live, &mark)
            }
            found if !live.set.is_empty() => return Err(exists_already(&set, found.as_ref())),
            // A mark without its set: somebody removed the set alone. Whoever
            // is marked will make it again.
            Some(found) if found.workspace != target.workspace => return Err(of_another(&set, found)),
            _ => work.creation(&live, &mark),
        };
        match work.send(update).await? {
            Sent::Done => return work.settled(planned).await,
            Sent::NotSo => live = work.look_closely().await?,
        }
        if live.set.is_empty()
            && let Some(error) = work.obstacle().await?
        {
            return Err(error);
        }
    }
    let detail = format!("The DNS server {} does not let {} be made.", connection.place, set.title());
    Err(ProviderError::new(ErrorClass::Conflict, "Name is in use", detail).hint(format!(
        "Look for records of other types at {}, for other text records at {}, and who else writes there.",
        set.name.to_ascii(),
        set.mark.to_ascii()
    )))
}

pub(super) async fn update(
    kind: &'static Kind,
    target: &Target<'_>,
    prior: &Value,
    planned: &Value,
) -> Result<Outcome, ProviderError> {
    let (before, set) = (RecordSet::of(kind, prior)?, RecordSet::of(kind, planned)?);
    if before.name != set.name || before.zone != set.zone {
        let detail = format!("{} was to become {}.", before.title(), set.title());
        return Err(ProviderError::new(ErrorClass::Invalid, "Record set changed its name", detail)
            .hint("Plan again: the record set has to be replaced."));
    }
    let connection = Connection::of(target.connection)?;
    let mut work = Work::open(&connection, &set).await?;
    // Twice: between the look and the update somebody may have come first.
    for _ in 0..2 {
        let live = work.look().await?;
        let mark = match &live.marked.mark {
            Some(mark) if !mark.is_of_object(target) => return Err(of_another(&set, mark)),
            Some(mark) if mark.workspace == target.workspace => mark.clone(),
            _ => Mark::of(target),
        };
        let marked = live.marked.mark.as_ref() == Some(&mark);
        if set.is(&live.set) && marked {
            return work.settled(planned).await;
        }
        if !set.is(&live.set) && !before.is(&live.set) {
            return Err(changed_since(&set));
        }
        if let Sent::Done = work.send(work.change(&live, &mark)).await? {
            return work.settled(planned).await;
        }
    }
    Err(changed_since(&set))
}

pub(super) async fn delete(
    kind: &'static Kind,
    target: &Target<'_>,
    prior: &Value,
) -> Result<Outcome, ProviderError> {
    let set = RecordSet::of(kind, prior)?;
    let connection = Connection::of(target.connection)?;
    let mut work = Work::open(&connection, &set).await?;
    let mut live = work.look().await?;
    for _ in 0..2 {
        match &live.marked.mark {
            None if live.set.is_empty() => return Ok(Outcome::Done(Value::NULL)),
            // The set is gone, and the name is another's by now.
            Some(mark) if !mark.is_of_object(target) && live.set.is_empty() => {
                return Ok(Outcome::Done(Value::NULL));
            }
            Some(mark) if !mark.is_of_object(target) => return Err(of_another(&set, mark)),
            _ if !live.set.is_empty() && !set.is(&live.set) => {
                if work.is_real().await? {
                    return Err(changed_since(&set));
                }
                live.set.clear();
                continue;
            }
            _ => {}
        }
        match work.send(work.removal(&live)).await? {
            Sent::Done => return gone(&mut work).await,
            Sent::NotSo => live = work.look_closely().await?,
        }
    }
    Err(changed_since(&set))
}

/// Makes sure that it is.
async fn gone(work: &mut Work<'_>) -> Result<Outcome, ProviderError> {
    if work.look_closely().await?.set.is_empty() {
        return Ok(Outcome::Done(Value::NULL));
    }
    let detail = format!(
        "The DNS server {} took the removal of {}, but still has it.",
        work.session.connection.place, work.title
    );
    Err(ProviderError::new(ErrorClass::Conflict, "Record set still there", detail)
        .hint("Look who else writes to this name. A zone's last name servers cannot be removed."))
}
