//! Questions, updates and what they need to be true, as messages.
//!
//! Pure. RFC 2136: an update is one message, and is done wholly or not at all;
//! what it needs to be true is checked by the server in the same step. So two
//! that change one record set can never both succeed.

use hickory_proto::op::{Edns, Message, OpCode, Query};
use hickory_proto::rr::{DNSClass, Name, Record, RecordType};

/// The most bytes of a datagram that travels whole everywhere.
pub(super) const DATAGRAM: u16 = 1232;

/// A question.
pub(super) fn question(name: &Name, record: RecordType) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = false;
    message.add_query(Query::query(name.clone(), record));
    message.set_edns(edns());
    message
}

fn edns() -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(DATAGRAM).set_version(0);
    edns
}

/// A change of a zone, in the making.
pub(super) struct Update(Message);

impl Update {
    /// One that needs nothing and does nothing.
    pub(super) fn of(zone: &Name) -> Self {
        let mut message = Message::query();
        message.metadata.op_code = OpCode::Update;
        message.metadata.recursion_desired = false;
        message.add_query(Query::query(zone.clone(), RecordType::SOA));
        Update(message)
    }

    /// Needs that there is no such record set.
    pub(super) fn absent(mut self, name: &Name, record: RecordType) -> Self {
        self.0.add_answer(bare(name, record, DNSClass::NONE));
        self
    }

    /// Needs that there is nothing at all of this name.
    pub(super) fn unused(self, name: &Name) -> Self {
        self.absent(name, RecordType::ANY)
    }

    /// Needs that there is such a record set, whatever it says.
    pub(super) fn present(mut self, name: &Name, record: RecordType) -> Self {
        self.0.add_answer(bare(name, record, DNSClass::ANY));
        self
    }

    /// Needs that a record set is just this.
    pub(super) fn exactly(mut self, records: &[Record]) -> Self {
        for record in records {
            let mut record = record.clone();
            record.ttl = 0;
            self.0.add_answer(record);
        }
        self
    }

    /// Removes a record set.
    pub(super) fn remove(mut self, name: &Name, record: RecordType) -> Self {
        self.0.add_authority(bare(name, record, DNSClass::ANY));
        self
    }

    /// Adds records.
    pub(super) fn add(mut self, records: impl IntoIterator<Item = Record>) -> Self {
        self.0.add_authorities(records);
        self
    }

    /// The message.
    pub(super) fn message(self) -> Message {
        self.0
    }
}

fn bare(name: &Name, record: RecordType, class: DNSClass) -> Record {
    let mut bare = Record::update0(name.clone(), 0, record);
    bare.dns_class = class;
    bare
}

/// What an answer says of one record set. `None` when the server does not
/// speak for the name.
pub(super) fn records(answer: &Message, zone: &Name, name: &Name, record: RecordType) -> Option<Vec<Record>> {
    let of = |records: &[Record]| -> Vec<Record> {
        let wanted =
            |r: &&Record| r.name == *name && r.record_type() == record && r.dns_class == DNSClass::IN;
        records.iter().filter(wanted).cloned().collect()
    };
    if answer.metadata.authoritative {
        return Some(of(&answer.answers));
    }
    // A referral: the zone delegates this name, or one above it.
    let is_cut = |r: &&Record| {
        r.record_type() == RecordType::NS && r.name != *zone && zone.zone_of(&r.name) && r.name.zone_of(name)
    };
    answer.authorities.iter().find(is_cut)?;
    Some(if record == RecordType::NS { of(&answer.authorities) } else { of(&answer.additionals) })
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::RData;
    use hickory_proto::rr::rdata::{A, NS};
    use hickory_proto::serialize::binary::{BinDecodable as _, BinEncodable as _};

    use super::super::names::absolute;
    use super::*;

    fn name(text: &str) -> Name {
        absolute(text).expect("a name")
    }

    #[test]
    fn an_update_travels_with_all_its_conditions() {
        let (zone, www) = (name("example.com."), name("www.example.com."));
        let record = Record::from_rdata(www.clone(), 60, RData::A(A::new(192, 0, 2, 1)));
        let update = Update::of(&zone)
            .absent(&www, RecordType::CNAME)
            .present(&www, RecordType::A)
            .exactly(std::slice::from_ref(&record))
            .remove(&www, RecordType::A)
            .add([record.clone()])
            .message();
        let read = Message::from_bytes(&update.to_bytes().expect("bytes")).expect("a message");
        assert_eq!(read.metadata.op_code, OpCode::Update);
        let shape = |records: &[Record]| -> Vec<(RecordType, DNSClass, u32)> {
            records.iter().map(|r| (r.record_type(), r.dns_class, r.ttl)).collect()
        };
        assert_eq!(
            shape(&read.answers),
            [
                (RecordType::CNAME, DNSClass::NONE, 0),
                (RecordType::A, DNSClass::ANY, 0),
                (RecordType::A, DNSClass::IN, 0),
            ]
        );
        assert_eq!(
            shape(&read.authorities),
            [(RecordType::A, DNSClass::ANY, 0), (RecordType::A, DNSClass::IN, 60)]
        );
    }

    #[test]
    fn referrals_tell_of_delegations_and_of_nothing_else() {
        let (zone, sub, host) = (name("example.com."), name("sub.example.com."), name("ns.sub.example.com."));
        let mut answer = question(&sub, RecordType::NS);
        assert_eq!(records(&answer, &zone, &sub, RecordType::NS), None);
        let ns = Record::from_rdata(sub.clone(), 60, RData::NS(NS(host.clone())));
        let glue = Record::from_rdata(host.clone(), 60, RData::A(A::new(192, 0, 2, 1)));
        answer.add_authority(ns.clone()).add_additional(glue.clone());
        assert_eq!(records(&answer, &zone, &sub, RecordType::NS), Some(vec![ns]));
        assert_eq!(records(&answer, &zone, &host, RecordType::A), Some(vec![glue]));
        assert_eq!(records(&answer, &zone, &host, RecordType::AAAA), Some(Vec::new()));
        assert_eq!(records(&answer, &zone, &name("a.example.com."), RecordType::A), None);
    }
}
