//! Values that a service would give: plausible by name and type.
//!
//! Guarantees: the same token and attribute give the same value; types and
//! refinements of unknowns are kept, and so are marks; hosts end in the
//! reserved `.invalid` and addresses come from the range kept for
//! documentation, so that nothing simulated can be reached.
//! Must not: use chance or the clock.

use tenantctl_core::provider::{Kind, Number, Type, Unknown, Value};
use uuid::Uuid;

/// Attributes that a service changes with every update.
const CHANGING: [&str; 7] = [
    "resource_version",
    "resourceVersion",
    "generation",
    "etag",
    "version_id",
    "updated_at",
    "last_modified",
];

/// Attributes that tell how an object does.
const STATUS: [&str; 4] = ["status", "state", "phase", "provisioning_state"];

/// Whether an attribute tells how an object does.
pub(super) fn is_status(name: &str) -> bool {
    STATUS.contains(&name)
}

/// What the values of one object follow from.
pub(super) struct Inventor<'a> {
    /// Resource type.
    pub(super) kind: &'a str,
    /// Makes the object's values its own.
    pub(super) token: &'a str,
    /// The object's name, when it has one.
    pub(super) name: &'a str,
    /// The region, when there is one.
    pub(super) region: &'a str,
}

impl Inventor<'_> {
    /// The value with all unknowns filled in: from the prior object where it
    /// has a value that stays, else invented.
    pub(super) fn finish(&self, value: &Value, prior: Option<&Value>) -> Value {
        self.fill(value, prior, "", "")
    }

    fn fill(&self, value: &Value, prior: Option<&Value>, path: &str, name: &str) -> Value {
        if value.is_wholly_known() {
            return value.clone();
        }
        if let Kind::Unknown(unknown) = value.kind() {
            let kept = prior.filter(|p| p.is_wholly_known()).and_then(|p| self.carry(p, path, name));
            let filled = kept.unwrap_or_else(|| self.unknown(unknown, path, name));
            return filled.with_marks(value.marks());
        }
        let child = |key: &str, part: &Value| {
            self.fill(part, prior.and_then(|p| p.get(key)).as_ref(), &format!("{path}.{key}"), key)
        };
        let item = |(i, part): (usize, &Value)| {
            self.fill(part, prior.and_then(|p| p.at(i)).as_ref(), &format!("{path}[{i}]"), name)
        };
        let filled = match value.kind() {
            Kind::Object(o) => Value::object(o.iter().map(|(k, v)| (k.clone(), child(k, v)))),
            Kind::Map(m) => {
                Value::map(m.element.clone(), m.items.iter().map(|(k, v)| (k.clone(), child(k, v))))
            }
            Kind::Tuple(items) => Value::tuple(items.iter().enumerate().map(item)),
            Kind::List(l) => Value::list(l.element.clone(), l.items.iter().enumerate().map(item).collect()),
            Kind::Set(l) => Value::set(l.element.clone(), l.items.iter().enumerate().map(item).collect()),
            _ => value.clone(),
        };
        filled.with_marks(value.marks())
    }

    /// What an update makes of a value that the service set before.
    fn carry(&self, prior: &Value, path: &str, name: &str) -> Option<Value> {
        if prior.is_null() {
            return None;
        }
        if !CHANGING.contains(&name) {
            return Some(prior.clone());
        }
        let next = |n: &Number| n.add(&Number::from(1i64)).unwrap_or_else(|| n.clone());
        match prior.kind() {
            Kind::Number(n) => Some(next(n).into()),
            Kind::String(s) => Some(match s.parse::<Number>() {
                Ok(n) => next(&n).to_string().into(),
                Err(()) => short(hash(&[self.token, path, s])).into(),
            }),
            _ => Some(prior.clone()),
        }
    }

    fn unknown(&self, unknown: &Unknown, path: &str, name: &str) -> Value {
        let value = self.invent(&unknown.ty, unknown.lengths.least, path, name);
        match (&unknown.prefix, value.as_str()) {
            (Some(prefix), Some(text)) if !text.starts_with(&**prefix) => {
                format!("{prefix}{}", short(self.hash(path))).into()
            }
            _ => value,
        }
    }

    fn invent(&self, ty: &Type, length: Option<usize>, path: &str, name: &str) -> Value {
        let items = |element: &Type| -> Vec<Value> {
            // References into lists of objects (`x[0].y`) must find something.
            let usual = usize::from(matches!(element, Type::Object(_)));
            let item = |i| self.invent(element, None, &format!("{path}[{i}]"), name);
            (0..length.unwrap_or(usual)).map(item).collect()
        };
        match ty {
            Type::Bool => true.into(),
            Type::Number if name.ends_with("port") => 443i64.into(),
            Type::Number => 1i64.into(),
            Type::String | Type::Dynamic => self.text(path, name).into(),
            Type::List(t) => Value::list((**t).clone(), items(t)),
            Type::Set(t) => Value::set((**t).clone(), items(t)),
            Type::Map(t) => Value::map((**t).clone(), []),
            Type::Tuple(ts) => Value::tuple(
                ts.iter().enumerate().map(|(i, t)| self.invent(t, None, &format!("{path}[{i}]"), name)),
            ),
            Type::Object(o) => Value::object(
                o.attributes
                    .iter()
                    .map(|(k, t)| (k.clone(), self.invent(t, None, &format!("{path}.{k}"), k))),
            ),
        }
    }

    fn hash(&self, path: &str) -> Uuid {
        hash(&[self.token, self.kind, path])
    }

    fn text(&self, path: &str, name: &str) -> String {
        let hash = self.hash(path);
        let words: Vec<&str> = name.split('_').collect();
        let last = words.last().copied().unwrap_or_default();
        match last {
            "arn" => self.arn(),
            "id" if name == "id" => self.id(hash),
            "uid" | "uuid" => hash.to_string(),
            "id" if matches!(name, "tenant_id" | "principal_id" | "client_id" | "object_id") => {
                hash.to_string()
            }
            "endpoint" | "url" | "uri" | "issuer" => format!("https://{}.simulated.invalid", short(hash)),
            "fqdn" | "host" | "hostname" | "domain" => format!("{}.simulated.invalid", short(hash)),
            "name" if words.contains(&"dns") || words.contains(&"domain") => {
                format!("{}.simulated.invalid", short(hash))
            }
            "ip" => format!("192.0.2.{}", hash.as_bytes()[0]),
            "address" if words.contains(&"ip") => format!("192.0.2.{}", hash.as_bytes()[0]),
            "name" => format!("{}-{}", self.noun(), short(hash)),
            "region" | "location" if !self.region.is_empty() => self.region.to_owned(),
            "at" | "time" | "timestamp" => "2001-01-01T00:00:00Z".into(),
            "state" if name == "provisioning_state" => "Succeeded".into(),
            "phase" => "Active".into(),
            _ if is_status(name) => "ACTIVE".into(),
            "version" | "generation" => "1".into(),
            // Base64 of "simulated".
            "certificate" | "ca" | "data" if words.len() > 1 || name == "certificate" => {
                "c2ltdWxhdGVk".into()
            }
            _ => format!("simulated-{}", short(hash)),
        }
    }

    fn noun(&self) -> &str {
        self.kind.rsplit('_').next().unwrap_or(self.kind)
    }

    /// The object's name, or one made up from its token.
    fn label(&self) -> String {
        match self.name.is_empty() {
            true => short(self.hash("")),
            false => self.name.to_owned(),
        }
    }

    fn arn(&self) -> String {
        let mut words = self.kind.splitn(3, '_').skip(1);
        let service = words.next().unwrap_or("simulated");
        let noun = words.next().unwrap_or(service);
        let region = if self.region.is_empty() { "us-east-1" } else { self.region };
        match service {
            "s3" => format!("arn:aws:s3:::{}", self.label()),
            "iam" => format!("arn:aws:iam::123456789012:{noun}/{}", self.label()),
            "route53" => format!("arn:aws:route53:::{noun}/{}", self.label()),
            _ => format!("arn:aws:{service}:{region}:123456789012:{noun}/{}", self.label()),
        }
    }

    fn id(&self, hash: Uuid) -> String {
        if self.kind.starts_with("azure") {
            let kind = &self.kind[self.kind.find('_').map_or(0, |i| i + 1)..];
            // Other types take the ids of these, and look at their form.
            let known = AZURE_IDS.iter().find(|(name, _)| *name == kind);
            let kind = known.map_or_else(|| format!("Simulated/{kind}"), |(_, form)| (*form).to_owned());
            return format!(
                "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/simulated\
                 /providers/{kind}/{}",
                short(hash)
            );
        }
        format!("{}-{}", self.noun(), &hash.simple().to_string()[..17])
    }
}

/// Types at Azure that are referred to by id, and the form of it.
const AZURE_IDS: [(&str, &str); 3] = [
    ("key_vault", "Microsoft.KeyVault/vaults"),
    ("kubernetes_cluster", "Microsoft.ContainerService/managedClusters"),
    ("user_assigned_identity", "Microsoft.ManagedIdentity/userAssignedIdentities"),
];

fn hash(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, parts.join("\n").as_bytes())
}

fn short(hash: Uuid) -> String {
    hash.simple().to_string()[..10].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventor(kind: &'static str) -> Inventor<'static> {
        Inventor { kind, token: "t", name: "shop", region: "" }
    }

    #[test]
    fn values_fit_their_names() {
        let cases = [
            ("aws_eks_cluster", "arn", "arn:aws:eks:us-east-1:123456789012:cluster/shop"),
            ("aws_s3_bucket", "arn", "arn:aws:s3:::shop"),
            ("aws_vpc", "id", "vpc-"),
            ("azure_kubernetes_cluster", "id", "/subscriptions/"),
            ("aws_eks_cluster", "endpoint", "https://"),
            ("aws_eks_cluster", "status", "ACTIVE"),
            ("aws_instance", "public_ip", "192.0.2."),
            ("x_y", "anything", "simulated-"),
        ];
        for (kind, name, start) in cases {
            let planned = Value::object([(name, Value::unknown(Type::String))]);
            let made = inventor(kind).finish(&planned, None);
            let text = made.get(name).and_then(|v| v.as_str().map(str::to_owned)).expect("text");
            assert!(text.starts_with(start), "{kind} {name}: {text}");
            assert_eq!(inventor(kind).finish(&planned, None), made);
        }
    }

    #[test]
    fn types_refinements_and_marks_are_kept() {
        let cluster = Type::object([("data", Type::String)]);
        let prefixed = Unknown { ty: Type::String, prefix: Some("sha256:".into()), ..Unknown::default() };
        let planned = Value::object([
            ("list", Value::unknown(Type::list(Type::String))),
            ("blocks", Value::unknown(Type::list(cluster))),
            ("count", Value::unknown(Type::Number)),
            ("secret", Value::unknown(Type::String).sensitive()),
            ("digest", Value::refined(prefixed)),
        ]);
        let made = inventor("a_b").finish(&planned, None);
        assert!(made.is_wholly_known());
        assert_eq!(made.ty(), planned.ty());
        assert!(made.get("secret").expect("there").is_sensitive());
        assert_eq!(made.get("blocks").expect("there").as_items().map(<[_]>::len), Some(1));
        assert!(made.get("digest").expect("there").as_str().expect("text").starts_with("sha256:"));
    }

    #[test]
    fn updates_keep_what_stays_and_raise_versions() {
        let prior = Value::object([("id", "x-1".into()), ("generation", 4i64.into()), ("etag", "7".into())]);
        let planned = Value::object([
            ("id", Value::unknown(Type::String)),
            ("generation", Value::unknown(Type::Number)),
            ("etag", Value::unknown(Type::String)),
        ]);
        let made = inventor("a_b").finish(&planned, Some(&prior));
        let expected =
            Value::object([("id", "x-1".into()), ("generation", 5i64.into()), ("etag", "8".into())]);
        assert_eq!(made, expected);
    }
}
