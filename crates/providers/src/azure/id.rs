//! Ids of Azure's resource manager: paths of alternating types and names.
//!
//! Pure. Ids are compared without regard to case, as the service does.

/// An id, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Id {
    /// The subscription's own id.
    pub(super) subscription: String,
    /// The resource group; empty for what is in none.
    pub(super) group: String,
    /// What follows the provider's namespace: type, name, type, name.
    parts: Vec<(String, String)>,
}

impl Id {
    /// Takes an id of this shape apart: `Microsoft.ContainerService`,
    /// `managedClusters`, `agentPools`. Without a namespace it is a group's.
    pub(super) fn parse(text: &str, namespace: &str, types: &[&str]) -> Option<Id> {
        let segments: Vec<&str> = text.strip_prefix('/')?.split('/').collect();
        let mut pairs = segments.chunks(2).map(|pair| match pair {
            [kind, name] if !name.is_empty() => Some((*kind, *name)),
            _ => None,
        });
        let mut next = |wanted: &str| {
            let (kind, name) = pairs.next()??;
            kind.eq_ignore_ascii_case(wanted).then(|| name.to_owned())
        };
        let subscription = next("subscriptions")?;
        let group = next("resourceGroups")?;
        if !namespace.is_empty() {
            next("providers").filter(|found| found.eq_ignore_ascii_case(namespace))?;
        }
        let mut parts = Vec::new();
        for kind in types {
            parts.push(((*kind).to_owned(), next(kind)?));
        }
        pairs.next().is_none().then_some(Id { subscription, group, parts })
    }

    /// The name at the end.
    pub(super) fn name(&self) -> &str {
        self.parts.last().map_or(&self.group, |(_, name)| name)
    }

    /// The name of the type at this place.
    pub(super) fn part(&self, place: usize) -> &str {
        self.parts.get(place).map_or("", |(_, name)| name)
    }
}

/// The id of a resource group.
pub(super) fn group(subscription: &str, name: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{name}")
}

/// The id of an object in a group: `Microsoft.KeyVault/vaults`.
pub(super) fn object(subscription: &str, group_name: &str, kind: &str, name: &str) -> String {
    format!("{}/providers/{kind}/{name}", group(subscription, group_name))
}

/// The subscription that an id is in.
pub(super) fn subscription(id: &str) -> Option<&str> {
    let rest = id.get("/subscriptions/".len()..).filter(|_| {
        id.get(.."/subscriptions/".len()).is_some_and(|start| start.eq_ignore_ascii_case("/subscriptions/"))
    })?;
    rest.split('/').next().filter(|name| !name.is_empty())
}

/// Whether two ids name one object.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.trim_end_matches('/').eq_ignore_ascii_case(b.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_apart_whatever_their_case() {
        let text = "/subscriptions/S/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/c/agentPools/p";
        let id =
            Id::parse(text, "Microsoft.ContainerService", &["managedClusters", "agentPools"]).expect("an id");
        assert_eq!(
            (id.subscription.as_str(), id.group.as_str(), id.part(0), id.name()),
            ("S", "rg", "c", "p")
        );
        assert_eq!(Id::parse("/subscriptions/S/resourceGroups/rg", "", &[]).expect("an id").name(), "rg");
        for wrong in ["", "/", "rg", "/subscriptions/S", "/subscriptions/S/resourceGroups/", text] {
            assert_eq!(Id::parse(wrong, "Microsoft.KeyVault", &["vaults"]), None, "{wrong}");
        }
        assert_eq!(subscription(text), Some("S"));
        assert_eq!(subscription("/tenants/x"), None);
        assert!(same("/A/b", "/a/B/"));
    }
}
