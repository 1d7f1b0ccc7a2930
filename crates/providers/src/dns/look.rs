//! What a server has of record sets: for refresh, before changes, for import.
//!
//! Guarantees: the questions of a refresh share one connection and travel
//! together; there is one for each set, and one more for each zone; what cannot be read is never taken for gone; a wildcard's answer
//! is not taken for a record set of its own.

use std::collections::BTreeMap;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, Record, RecordType};
use tenantctl_core::provider::{
    ErrorClass, ProviderError, ReadObject, ReadOutcome, ResourceSchema, Target, Type, Value,
};

use super::client::Session;
use super::connection::Connection;
use super::error::{About, Effect, Failure, explain};
use super::mark::Marked;
use super::message::{self, Update, question};
use super::names;
use super::records::{RecordSet, view, with};
use super::schema::{KINDS, Kind};

/// Sets that one message asks about.
const TOGETHER: usize = 100;

/// A record set and its mark, as the server has them.
#[derive(Clone, Debug, Default)]
pub(super) struct Live {
    /// The set; empty when there is none.
    pub(super) set: Vec<Record>,
    /// The mark beside it.
    pub(super) marked: Marked,
}

/// Looks a record set and its mark up.
pub(super) async fn look(session: &mut Session<'_>, wanted: &RecordSet) -> Result<Live, Failure> {
    let questions = vec![question(&wanted.name, wanted.kind.record), question(&wanted.mark, RecordType::TXT)];
    let answers = session.ask_all(questions).await?;
    let [set, mark] = answers.as_slice() else { return Err(Failure::Lost("an answer is missing".into())) };
    Ok(Live {
        set: records(set, &wanted.zone, &wanted.name, wanted.kind.record)?,
        marked: Marked::of(records(mark, &wanted.zone, &wanted.mark, RecordType::TXT)?),
    })
}

/// The records of one name and type, by themselves.
pub(super) async fn find(
    session: &mut Session<'_>,
    zone: &Name,
    name: &Name,
    record: RecordType,
) -> Result<Vec<Record>, Failure> {
    let answer = session.ask(question(name, record)).await?;
    records(&answer, zone, name, record)
}

fn records(answer: &Message, zone: &Name, name: &Name, record: RecordType) -> Result<Vec<Record>, Failure> {
    match answer.metadata.response_code {
        ResponseCode::NoError | ResponseCode::NXDomain => {
            message::records(answer, zone, name, record).ok_or(Failure::NotInCharge)
        }
        code => Err(Failure::Answer(code)),
    }
}

/// Whether a record set is really there: an answer may also come of a
/// wildcard.
pub(super) async fn is_real(session: &mut Session<'_>, wanted: &RecordSet) -> Result<bool, Failure> {
    stands(session, wanted, wanted.kind.record).await
}

/// Whether there really are records of a type, without any wildcard.
async fn stands(session: &mut Session<'_>, wanted: &RecordSet, record: RecordType) -> Result<bool, Failure> {
    probe(session, Update::of(&wanted.zone).present(&wanted.name, record).message()).await
}

/// Whether what an update needs is so, for one that changes nothing. A server
/// that does not let us ask is believed.
async fn probe(session: &mut Session<'_>, update: Message) -> Result<bool, Failure> {
    let before = session.effect;
    let answer = session.ask(update).await;
    // It cannot have changed anything.
    session.effect = before;
    match answer {
        Ok(answer) => Ok(answer.metadata.response_code != ResponseCode::NXRRSet),
        Err(Failure::Answer(_) | Failure::Key(_)) => Ok(true),
        Err(failure) => Err(failure),
    }
}

/// One outcome for each object, in order.
pub(super) async fn read(
    kind: &'static Kind,
    connection: &Value,
    objects: &[ReadObject<'_>],
) -> Vec<ReadOutcome> {
    let sets: Vec<_> = objects.iter().map(|object| RecordSet::of(kind, object.prior)).collect();
    let found = match Connection::of(connection) {
        Ok(connection) => read_sets(&connection, &sets).await,
        Err(error) => Err(error),
    };
    let mut found = found.map(Vec::into_iter);
    let outcomes = sets.into_iter().zip(objects).map(|(set, object)| match (set, &mut found) {
        (Err(error), _) => ReadOutcome::Failed(error),
        (Ok(_), Err(error)) => ReadOutcome::Failed(error.clone()),
        (Ok(_), Ok(found)) => match found.next() {
            Some(Ok(live)) if live.is_empty() => ReadOutcome::Gone,
            Some(Ok(live)) => ReadOutcome::Found(view(kind, object.prior, &live)),
            Some(Err(error)) => ReadOutcome::Failed(error),
            None => ReadOutcome::Failed(ProviderError::new(
                ErrorClass::Transient,
                "Record set not read",
                "The record set was not read.",
            )),
        },
    });
    outcomes.collect()
}

/// What the server has of those that are well formed.
async fn read_sets(
    connection: &Connection,
    sets: &[Result<RecordSet, ProviderError>],
) -> Result<Vec<Result<Vec<Record>, ProviderError>>, ProviderError> {
    let wanted: Vec<&RecordSet> = sets.iter().flatten().collect();
    let Some(first) = wanted.first() else { return Ok(Vec::new()) };
    let failed = |failure: &Failure, set: &RecordSet| {
        let about = About { connection, object: &set.title(), zone: &set.zone, effect: Effect::Nothing };
        explain(failure, about)
    };
    let mut session = Session::open(connection).await.map_err(|failure| failed(&failure, first))?;
    let questions = wanted.iter().map(|set| question(&set.name, set.kind.record)).collect();
    let answers = session.ask_all(questions).await.map_err(|failure| failed(&failure, first))?;
    let found: Vec<_> = wanted
        .iter()
        .zip(answers)
        .map(|(set, answer)| records(&answer, &set.zone, &set.name, set.kind.record))
        .collect();
    let there: Vec<&RecordSet> = wanted
        .iter()
        .zip(&found)
        .filter(|(_, found)| found.as_ref().is_ok_and(|live| !live.is_empty()))
        .map(|(set, _)| *set)
        .collect();
    let unreal = unreal(&mut session, &there).await.map_err(|failure| failed(&failure, first))?;
    let settled = wanted.iter().zip(found).map(|(set, found)| match found {
        Ok(_) if unreal.contains(&set.name) => Ok(Vec::new()),
        Ok(live) => Ok(live),
        Err(failure) => Err(failed(&failure, set)),
    });
    Ok(settled.collect())
}

/// The names of those sets, of one type, that only a wildcard answers for. One
/// message for very many: mostly there are none.
async fn unreal(session: &mut Session<'_>, sets: &[&RecordSet]) -> Result<Vec<Name>, Failure> {
    let mut zones: BTreeMap<Name, Vec<&RecordSet>> = BTreeMap::new();
    for set in sets {
        zones.entry(set.zone.clone()).or_default().push(set);
    }
    let mut unreal = Vec::new();
    for (zone, sets) in zones {
        for together in sets.chunks(TOGETHER) {
            let needs = |update: Update, set: &&RecordSet| update.present(&set.name, set.kind.record);
            let update = together.iter().fold(Update::of(&zone), needs).message();
            if probe(session, update).await? {
                continue;
            }
            for set in together {
                if !is_real(session, set).await? {
                    unreal.push(set.name.clone());
                }
            }
        }
    }
    Ok(unreal)
}

/// Reads a record set by its whole name.
pub(super) async fn import(
    kind: &'static Kind,
    schema: &ResourceSchema,
    target: &Target<'_>,
    id: &str,
) -> Result<Value, ProviderError> {
    let hint = "Write the whole name with its final dot, as www.example.com.";
    let invalid = |why: &str| {
        let detail = format!("{id:?} is not the name of a record set. {why}.");
        ProviderError::new(ErrorClass::Invalid, "Invalid import id", detail).hint(hint)
    };
    let name = names::absolute(id).map_err(|why| invalid(&why))?;
    let connection = Connection::of(target.connection)?;
    let title = format!("{} {}", kind.record, name.to_ascii());
    let failed = |failure: &Failure, zone: &Name| {
        explain(failure, About { connection: &connection, object: &title, zone, effect: Effect::Nothing })
    };
    let mut session = Session::open(&connection).await.map_err(|failure| failed(&failure, &name))?;
    let zone = zone_of(&mut session, kind, &name).await.map_err(|failure| failed(&failure, &name))?;
    let live =
        find(&mut session, &zone, &name, kind.record).await.map_err(|failure| failed(&failure, &zone))?;
    let missing = || {
        let detail = format!("The DNS server {} has no {title}.", connection.place);
        ProviderError::new(ErrorClass::NotFound, "Record set does not exist", detail)
    };
    if live.is_empty() {
        return Err(missing());
    }
    let depth = name.iter().count() - zone.iter().count();
    let relative: Vec<_> = name.iter().take(depth).map(String::from_utf8_lossy).collect();
    let relative = if depth == 0 { Value::null(Type::String) } else { relative.join(".").into() };
    let bare = with(
        &schema.block.empty(),
        [("zone", zone.to_ascii().into()), ("name", relative), ("id", name.to_ascii().into())],
    );
    let value = view(kind, &bare, &live);
    let set = RecordSet::of(kind, &value)?;
    if !is_real(&mut session, &set).await.map_err(|failure| failed(&failure, &zone))? {
        return Err(missing());
    }
    let mark = look(&mut session, &set).await.map_err(|failure| failed(&failure, &zone))?.marked.mark;
    match mark {
        Some(mark) if !mark.is_of_object(target) => Err(super::write::of_another(&set, &mark)),
        _ => Ok(value),
    }
}

/// The zone that a name is in, by the servers' own word. What is delegated
/// belongs to the zone above.
async fn zone_of(session: &mut Session<'_>, kind: &Kind, name: &Name) -> Result<Name, Failure> {
    let mut at = if kind.record == RecordType::NS { name.base_name() } else { name.clone() };
    loop {
        let answer = session.ask(question(&at, RecordType::SOA)).await?;
        let soa = |records: &[Record]| {
            let mut found =
                records.iter().filter(|r| r.record_type() == RecordType::SOA && r.name.zone_of(&at));
            found.next().map(|r| r.name.clone())
        };
        if answer.metadata.authoritative
            && let Some(zone) = soa(&answer.answers).or_else(|| soa(&answer.authorities))
        {
            return Ok(zone);
        }
        match answer.metadata.response_code {
            _ if at.is_root() => return Err(Failure::NotInCharge),
            ResponseCode::NoError | ResponseCode::NXDomain => at = at.base_name(),
            code => return Err(Failure::Answer(code)),
        }
    }
}

/// What stands at a name that keeps a record set from it, for messages.
pub(super) async fn in_the_way(
    session: &mut Session<'_>,
    wanted: &RecordSet,
) -> Result<Vec<RecordType>, Failure> {
    let cname = RecordType::CNAME;
    let others = [RecordType::MX, RecordType::SRV, RecordType::PTR, RecordType::CAA];
    let types: Vec<RecordType> = match wanted.kind.record == cname {
        true => KINDS.iter().map(|kind| kind.record).filter(|r| *r != cname).chain(others).collect(),
        false => vec![cname],
    };
    let mut found = Vec::new();
    for record in types {
        if stands(session, wanted, record).await? {
            found.push(record);
        }
    }
    Ok(found)
}

/// The addresses of a host, as this machine resolves them.
pub(super) async fn lookup(kind: &Kind, config: &Value) -> Result<Value, ProviderError> {
    let host = config.get("host").unwrap_or(Value::NULL);
    let name = host.as_str().unwrap_or_default().to_owned();
    let failed = |why: String| {
        let detail = format!("{} cannot be looked up: {why}.", host.show());
        ProviderError::new(ErrorClass::Transient, "Host not found", detail)
    };
    let found =
        tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|error| failed(error.to_string()))?;
    let wanted = |address: &std::net::SocketAddr| (kind.record == RecordType::A) == address.is_ipv4();
    let mut addresses: Vec<String> = found.filter(wanted).map(|address| address.ip().to_string()).collect();
    addresses.sort();
    addresses.dedup();
    if addresses.is_empty() {
        return Err(failed(format!("it has no {} records", kind.record)));
    }
    let addresses = Value::list(Type::String, addresses.into_iter().map(Value::from).collect());
    Ok(with(config, [("addrs", addresses.with_marks(host.marks())), ("id", host)]))
}
