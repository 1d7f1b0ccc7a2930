//! What the provider's blocks take: the arguments of Terraform's `dns`
//! provider, of the same names and meanings.
//!
//! Must not: decide anything; it is data.

use hickory_proto::rr::RecordType;
use tenantctl_core::provider::{Attribute, Block, BlockType, Nesting, ProviderSchema, ResourceSchema, Type};

/// What a record set lives when its configuration does not say, in seconds.
pub(super) const DEFAULT_TTL: i64 = 3600;

/// A resource type: the record sets of one DNS type.
#[derive(Debug)]
pub(super) struct Kind {
    /// Its name.
    pub(super) name: &'static str,
    /// The type of its records.
    pub(super) record: RecordType,
    /// The argument that holds what the records say.
    pub(super) values: &'static str,
    /// Whether that is a set; else it is one text.
    pub(super) many: bool,
    /// The label under which ownership is marked.
    pub(super) label: &'static str,
    /// Whether it may stand at the zone's own name.
    pub(super) at_apex: bool,
}

/// All resource types.
pub(super) static KINDS: [Kind; 5] = [
    Kind {
        name: "dns_a_record_set",
        record: RecordType::A,
        values: "addresses",
        many: true,
        label: "_a",
        at_apex: true,
    },
    Kind {
        name: "dns_aaaa_record_set",
        record: RecordType::AAAA,
        values: "addresses",
        many: true,
        label: "_aaaa",
        at_apex: true,
    },
    Kind {
        name: "dns_cname_record",
        record: RecordType::CNAME,
        values: "cname",
        many: false,
        label: "_cname",
        at_apex: false,
    },
    Kind {
        name: "dns_ns_record_set",
        record: RecordType::NS,
        values: "nameservers",
        many: true,
        label: "_ns",
        at_apex: false,
    },
    Kind {
        name: "dns_txt_record_set",
        record: RecordType::TXT,
        values: "txt",
        many: true,
        label: "_txt",
        at_apex: true,
    },
];

/// The resource type of a name.
pub(super) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// The schema as a whole.
pub(super) fn schema() -> ProviderSchema {
    let resource = |kind: &'static Kind| (kind.name, ResourceSchema { version: 0, block: record_set(kind) });
    let lookup = |name| (name, ResourceSchema { version: 0, block: lookup() });
    ProviderSchema {
        config: Block::new([], [("update", single(update()))]),
        resources: KINDS.iter().map(resource).collect(),
        data_sources: ["dns_a_record_set", "dns_aaaa_record_set"].into_iter().map(lookup).collect(),
        ..ProviderSchema::default()
    }
}

fn single(block: Block) -> BlockType {
    BlockType { nesting: Nesting::Single, required: false, block }
}

fn text(description: &'static str) -> Attribute {
    Attribute::optional(Type::String).describe(description)
}

fn number(description: &'static str) -> Attribute {
    Attribute::optional(Type::Number).describe(description)
}

fn update() -> Block {
    Block::new(
        [
            (
                "server",
                Attribute::required(Type::String).describe("Name or address of the zone's primary server."),
            ),
            ("port", number("Port of the server, 53 when not set.")),
            (
                "transport",
                text("tcp, or udp; tcp4, tcp6, udp4, udp6 for one kind of addresses. tcp when not set."),
            ),
            ("timeout", text("How long to wait for an answer, as 5s or 500ms; 10s when not set.")),
            ("retries", number("How often a datagram is sent again over UDP, 3 when not set.")),
            ("key_name", text("Name of the TSIG key.")),
            ("key_algorithm", text("hmac-sha256, hmac-sha384 or hmac-sha512.")),
            ("key_secret", text("The TSIG key, in base64.").secret()),
        ],
        [],
    )
}

fn record_set(kind: &Kind) -> Block {
    let values = match kind.record {
        RecordType::A => "IPv4 addresses.",
        RecordType::AAAA => "IPv6 addresses.",
        RecordType::CNAME => "The name that is meant, with its final dot.",
        RecordType::NS => "Names of the servers of the delegated zone, with their final dots.",
        _ => "The texts. Longer ones than 255 bytes are split, and joined again when read.",
    };
    let ty = if kind.many { Type::set(Type::String) } else { Type::String };
    let name =
        if kind.at_apex { Attribute::optional(Type::String) } else { Attribute::required(Type::String) };
    Block::new(
        [
            ("zone", Attribute::required(Type::String).force_new().describe("The zone, with its final dot.")),
            ("name", name.force_new().describe("The name within the zone; the zone itself when not set.")),
            (kind.values, Attribute::required(ty).describe(values)),
            ("ttl", number("How many seconds resolvers may keep it, 3600 when not set.").or_computed()),
            ("id", Attribute::computed(Type::String).describe("The whole name, with its final dot.")),
        ],
        [],
    )
}

fn lookup() -> Block {
    let addresses = Attribute::computed(Type::list(Type::String));
    Block::new(
        [
            ("host", Attribute::required(Type::String).describe("The name to look up.")),
            ("addrs", addresses.describe("Its addresses, sorted, as this machine resolves them.")),
            ("id", Attribute::computed(Type::String).describe("The name.")),
        ],
        [],
    )
}
