//! `azurerm_dns_{a,aaaa,cname,txt}_record`.
//!
//! A record set has no tags but metadata, which is used for them.

use serde_json::{Value as Json, json};
use tenantctl_core::provider::{Attribute, Block, Path, Type, Value};

use super::super::answer::bad_id;
use super::super::id::{self, Id};
use super::super::kind::{Kind, tags_json};
use super::super::names;
use super::super::schema::{block, given, name, needed, placed, tags, tags_all, text, texts};
use super::super::session::Session;
use super::values::{self, CNAME, KINDS, TXT, TYPES};
use super::{API, NAMESPACE, ZONES};
use crate::cloud::json::Fields as _;
use crate::cloud::problems::Problems;
use crate::cloud::resource::Called;
use crate::cloud::tags::Tags;

/// The type of record sets of one kind.
pub(super) struct Record<const T: usize>;

impl<const T: usize> Record<T> {
    fn zone(at: &Session, object: &Json) -> String {
        let kind = format!("{NAMESPACE}/{ZONES}");
        id::object(&at.subscription, object.text("resource_group_name"), &kind, object.text("zone_name"))
    }
}

impl<const T: usize> Kind for Record<T> {
    const KIND: &'static str = KINDS[T];
    const API: &'static str = API;
    const CONDITIONS: bool = true;

    fn block(&self) -> Block {
        let ttl = Attribute::required(Type::Number);
        let mut all = placed(
            [
                ("name", name("Name in the zone, @ for the zone's own.").force_new()),
                ("resource_group_name", name("The group of the zone.").force_new()),
                ("zone_name", name("The zone.").force_new()),
                ("ttl", ttl.describe("For how many seconds it may be cached.")),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("fqdn", given("The whole name.")),
            ],
            [],
        );
        match T {
            TXT => {
                let record = block([("value", name("The text."))], []);
                all.blocks.insert("record", needed(record));
            }
            CNAME => drop(all.attributes.insert("record", text("The name that it stands for."))),
            _ => drop(all.attributes.insert("records", texts("The addresses."))),
        }
        if T != TXT {
            let target = text("Id of an object of Azure whose address it has.");
            all.attributes.insert("target_resource_id", target);
        }
        all
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let root = Path::root();
        names::check_group(problems, "resource_group_name");
        let path = root.attribute("name");
        if let Some(name) = problems.text(&path)
            && !values::is_record_name(&name)
        {
            problems.push(path, "Invalid name", format!("{name:?} is no name of a record such as www or @."));
        }
        problems.range(&root.attribute("ttl"), 1..=i64::from(i32::MAX));
        let list = root.attribute(if T == CNAME || T == TXT { "record" } else { "records" });
        let each = match T {
            CNAME => vec![list.clone()],
            TXT => problems.each(&list).into_iter().map(|path| path.attribute("value")).collect(),
            _ => Vec::new(),
        };
        let mut found: Vec<(Path, String)> =
            each.into_iter().filter_map(|path| Some((path.clone(), problems.text(&path)?))).collect();
        let set = problems.at(&list).filter(|_| T != CNAME && T != TXT);
        let items = set.as_ref().and_then(|set| set.as_items().map(<[_]>::to_vec)).unwrap_or_default();
        found.extend(items.iter().filter_map(|item| Some((list.clone(), item.as_str()?.to_owned()))));
        for (path, record) in found {
            if let Some(problem) = values::problem(T, &record) {
                problems.push(path, "Invalid record", problem);
            }
        }
        if T != TXT {
            let target = root.attribute("target_resource_id");
            problems.exclusive(&list, &target);
            let is_null = |path: &Path| problems.config.at_path(path).is_none_or(|value| value.is_null());
            if is_null(&list) && is_null(&target) {
                let detail = format!("Either {list} or {target} must be set.");
                problems.push(list, "Missing argument", detail);
            }
        }
    }

    fn identity(&self, object: &Value) -> Option<String> {
        let part = |name: &str| object.get(name)?.as_str().map(str::to_lowercase);
        let (group, zone) = (part("resource_group_name")?, part("zone_name")?);
        Some(format!("{group}/{zone}/{}", part("name")?))
    }

    fn claims(&self, object: &Value) -> Vec<String> {
        let part = |name: &str| object.get(name).and_then(|value| value.as_str().map(str::to_lowercase));
        let Some((name, zone)) = part("name").zip(part("zone_name")).filter(|_| T != TXT) else {
            return Vec::new();
        };
        let whole = if name == "@" { zone } else { format!("{name}.{zone}") };
        vec![format!("host {whole}")]
    }

    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        let plain = |value: &Value| value.as_str().map(|text| values::plain(T, text));
        T == CNAME && name == "record" && plain(a).is_some() && plain(a) == plain(b)
    }

    fn id(&self, at: &Session, object: &Json) -> String {
        format!("{}/{}/{}", Self::zone(at, object), TYPES[T], object.text("name"))
    }

    fn what(&self, object: &Json) -> String {
        format!("{} record {:?} of the zone {:?}", TYPES[T], object.text("name"), object.text("zone_name"))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        let parsed = Id::parse(id, NAMESPACE, &[ZONES, TYPES[T]])
            .ok_or_else(|| bad_id(Self::KIND, &format!("the zone's id, /{}/ and the name", TYPES[T])))?;
        Ok(json!({
            "name": parsed.name(), "zone_name": parsed.part(0), "resource_group_name": parsed.group,
        }))
    }

    fn body(&self, planned: &Json, tags: &Tags) -> Json {
        let mut properties = values::body(T, planned);
        properties["TTL"] = planned["ttl"].clone();
        properties["metadata"] = tags_json(tags);
        json!({ "properties": properties })
    }

    fn tags(&self, actual: &Json) -> Tags {
        actual["properties"].texts_by_name("metadata")
    }

    fn shown(&self, _at: &Session, actual: &Json, reference: &Json) -> Json {
        let properties = &actual["properties"];
        let mut object = json!({
            "id": actual["id"], "name": actual["name"], "ttl": properties["TTL"], "fqdn": properties["fqdn"],
        });
        values::shown(T, properties, reference, &mut object);
        object
    }

    fn listing(&self, at: &Session, object: &Json) -> Option<String> {
        Some(format!("{}/{}", Self::zone(at, object), TYPES[T]))
    }
}
