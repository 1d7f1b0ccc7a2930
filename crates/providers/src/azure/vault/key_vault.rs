//! `azurerm_key_vault`.
//!
//! A vault that is deleted keeps its name until it is purged. Our own ones are
//! brought back when they are made again, and purged when they are removed, as
//! the `features` block says; those of others are left alone.

use async_trait::async_trait;
use azure_core::http::Method;
use serde_json::{Value as Json, json};
use tenantctl_core::provider::{
    Attribute, AttributeError, Block, ErrorClass, Path, ProviderError, Type, Value,
};

use super::super::answer::bad_id;
use super::super::arm::{Ask, Condition};
use super::super::id::{self, Id};
use super::super::kind::{Kind, Put, tags_json};
use super::super::managed::pending;
use super::super::names;
use super::super::resource_group::same_location;
use super::super::schema::{
    Aspect, Meaning, block, flag, given, name, nested, number, placed, tags, tags_all, text, texts,
};
use super::super::session::Session;
use super::{API, NAMESPACE, VAULTS};
use crate::cloud::json::Fields as _;
use crate::cloud::plan::Draft;
use crate::cloud::problems::Problems;
use crate::cloud::resource::{Called, Done};
use crate::cloud::tags::{Tags, WORKSPACE};

/// The type.
pub(in super::super) struct Vault;

/// How long a deleted vault is kept when nobody says.
const KEPT_DAYS: i64 = 90;
/// Looks after which a purge is asked for again.
const PURGES: u64 = 8;
/// Kinds of permissions: ours, and Azure's.
const PERMISSIONS: [(&str, &str); 4] = [
    ("certificate_permissions", "certificates"),
    ("key_permissions", "keys"),
    ("secret_permissions", "secrets"),
    ("storage_permissions", "storage"),
];
/// Switches: ours, and Azure's.
const SWITCHES: [(&str, &str); 4] = [
    ("enabled_for_deployment", "enabledForDeployment"),
    ("enabled_for_disk_encryption", "enabledForDiskEncryption"),
    ("enabled_for_template_deployment", "enabledForTemplateDeployment"),
    ("rbac_authorization_enabled", "enableRbacAuthorization"),
];

#[async_trait]
impl Kind for Vault {
    const KIND: &'static str = "azurerm_key_vault";
    const API: &'static str = API;
    const WHOLE: bool = false;
    const COMES_BACK: bool = true;

    fn block(&self) -> Block {
        let permissions = |what| Attribute::optional(Type::list(Type::String)).describe(what);
        let policy = block(
            [
                ("tenant_id", name("The directory of whom it is for.")),
                ("object_id", name("Whom it is for: the principal_id of an identity.")),
                ("application_id", text("Only when it acts for this application.")),
                ("certificate_permissions", permissions("What it may do with certificates.")),
                ("key_permissions", permissions("What it may do with keys.")),
                ("secret_permissions", permissions("What it may do with secrets: Get, List, Set.")),
                ("storage_permissions", permissions("What it may do with storage accounts.")),
            ],
            [],
        );
        let network = block(
            [
                ("bypass", name("Who is not asked: AzureServices or None.")),
                ("default_action", name("What happens to all others: Allow or Deny.")),
                ("ip_rules", texts("Addresses that are let in.")),
                ("virtual_network_subnet_ids", texts("Subnets that are let in.")),
            ],
            [],
        );
        placed(
            [
                ("name", name("Name of the vault; no other vault in Azure has it.").force_new()),
                ("resource_group_name", name("The group that it is in.").force_new()),
                ("location", name("Its region.").force_new()),
                ("sku_name", name("standard or premium.")),
                ("tenant_id", name("The directory that may use it.")),
                ("enabled_for_deployment", flag("Virtual machines may read certificates.").or_computed()),
                ("enabled_for_disk_encryption", flag("Disk encryption may read secrets.").or_computed()),
                ("enabled_for_template_deployment", flag("Templates may read secrets.").or_computed()),
                ("rbac_authorization_enabled", flag("Role assignments decide, not policies.").or_computed()),
                ("purge_protection_enabled", flag("Nobody can purge it; cannot be undone.").or_computed()),
                ("public_network_access_enabled", flag("It is reached from the internet.").or_computed()),
                (
                    "soft_delete_retention_days",
                    number("For how many days it is kept once deleted, 7 to 90.").or_computed().force_new(),
                ),
                ("tags", tags()),
                ("tags_all", tags_all()),
                ("vault_uri", given("Address of the vault.")),
            ],
            [("access_policy", nested(policy)), ("network_acls", nested(network))],
        )
        .meaning(Meaning::of(Aspect::RecoveryDays, &["soft_delete_retention_days"]))
        .meaning(Meaning::of(Aspect::Protected, &["purge_protection_enabled"]))
        .meaningless(&["enabled_for_disk_encryption"], "who may read its secrets")
        .meaningless(&["public_network_access_enabled"], "who may ask, not who may read")
    }

    fn validate(&self, problems: &mut Problems<'_>) {
        let root = Path::root();
        let means = "3 to 24 letters, digits and single hyphens, with a letter first and no hyphen last";
        names::check(problems, "name", &names::VAULT, means);
        names::check_group(problems, "resource_group_name");
        problems.one_of(&root.attribute("sku_name"), &["standard", "premium"]);
        problems.range(&root.attribute("soft_delete_retention_days"), 7..=90);
        if let Some(network) = problems.single(&root.attribute("network_acls")) {
            problems.one_of(&network.attribute("bypass"), &["AzureServices", "None"]);
            problems.one_of(&network.attribute("default_action"), &["Allow", "Deny"]);
        }
    }

    fn identity(&self, object: &Value) -> Option<String> {
        object.get("name")?.as_str().map(str::to_lowercase)
    }

    fn claims(&self, object: &Value) -> Vec<String> {
        self.identity(object).map(|name| format!("vault {name}")).into_iter().collect()
    }

    fn plan(&self, draft: &mut Draft<'_>) -> Result<(), AttributeError> {
        for (name, _) in SWITCHES {
            draft.default(name, false);
        }
        draft.default("purge_protection_enabled", false);
        draft.default("public_network_access_enabled", true);
        draft.default("soft_delete_retention_days", KEPT_DAYS);
        let was = draft.prior("purge_protection_enabled").as_bool() == Some(true);
        if was && draft.planned("purge_protection_enabled").as_bool() == Some(false) {
            return Err(AttributeError {
                path: Path::root().attribute("purge_protection_enabled"),
                summary: "Purge protection stays",
                detail: "The vault is protected against purging, and Azure has no way back.".into(),
                hint: Some("Leave purge_protection_enabled = true, or make another vault.".into()),
            });
        }
        Ok(())
    }

    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        let lower = |value: &Value| {
            let texts = value.as_items()?.iter().map(|item| item.as_str().map(str::to_lowercase));
            texts.collect::<Option<Vec<String>>>()
        };
        match name {
            "location" => same_location(a, b),
            name if name.ends_with("_permissions") => lower(a).is_some() && lower(a) == lower(b),
            _ => false,
        }
    }

    fn defaulted(&self) -> &'static [&'static str] {
        &["network_acls"]
    }

    fn id(&self, at: &Session, object: &Json) -> String {
        let kind = format!("{NAMESPACE}/{VAULTS}");
        id::object(&at.subscription, object.text("resource_group_name"), &kind, object.text("name"))
    }

    fn what(&self, object: &Json) -> String {
        format!("vault {:?}", object.text("name"))
    }

    fn seed(&self, id: &str) -> Called<Json> {
        let parsed = Id::parse(id, NAMESPACE, &[VAULTS]).ok_or_else(|| {
            bad_id(
                Self::KIND,
                "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.KeyVault/vaults/NAME",
            )
        })?;
        Ok(json!({ "name": parsed.name(), "resource_group_name": parsed.group }))
    }

    fn body(&self, planned: &Json, tags: &Tags) -> Json {
        let mut properties = json!({
            "tenantId": planned["tenant_id"],
            "sku": { "family": "A", "name": planned["sku_name"] },
            "accessPolicies": planned.items("access_policy").iter().map(policy).collect::<Vec<_>>(),
            "enableSoftDelete": true,
            "softDeleteRetentionInDays": planned["soft_delete_retention_days"],
            "publicNetworkAccess":
                if planned.flag("public_network_access_enabled") == Some(false) { "Disabled" } else { "Enabled" },
        });
        for (ours, theirs) in SWITCHES {
            properties[theirs] = planned.flag(ours).unwrap_or(false).into();
        }
        // Azure takes no `false` here.
        if planned.flag("purge_protection_enabled") == Some(true) {
            properties["enablePurgeProtection"] = true.into();
        }
        if let Some(network) = planned.block("network_acls") {
            properties["networkAcls"] = json!({
                "bypass": network["bypass"], "defaultAction": network["default_action"],
                "ipRules": network.texts("ip_rules").iter().map(|ip| json!({ "value": ip })).collect::<Vec<_>>(),
                "virtualNetworkRules": network.texts("virtual_network_subnet_ids").iter()
                    .map(|id| json!({ "id": id })).collect::<Vec<_>>(),
            });
        }
        json!({ "location": planned["location"], "tags": tags_json(tags), "properties": properties })
    }

    fn shown(&self, _at: &Session, actual: &Json, _reference: &Json) -> Json {
        let properties = &actual["properties"];
        let policies = properties.items("accessPolicies").iter().map(shown_policy);
        let network = properties.part("networkAcls").map(|network| {
            json!({
                "bypass": network["bypass"], "default_action": network["defaultAction"],
                "ip_rules": listed(network, "ipRules", "value"),
                "virtual_network_subnet_ids": listed(network, "virtualNetworkRules", "id"),
            })
        });
        let mut object = json!({
            "id": actual["id"], "name": actual["name"], "location": actual["location"],
            "tenant_id": properties["tenantId"], "sku_name": properties["sku"].text("name").to_lowercase(),
            "purge_protection_enabled": properties.flag("enablePurgeProtection").unwrap_or(false),
            "public_network_access_enabled": properties.text("publicNetworkAccess") != "Disabled",
            "soft_delete_retention_days": properties.int("softDeleteRetentionInDays").unwrap_or(KEPT_DAYS),
            "vault_uri": properties["vaultUri"],
            "access_policy": policies.collect::<Vec<_>>(),
            "network_acls": network.into_iter().collect::<Vec<_>>(),
        });
        for (ours, theirs) in SWITCHES {
            object[ours] = properties.flag(theirs).unwrap_or(false).into();
        }
        object
    }

    fn listing(&self, at: &Session, _object: &Json) -> Option<String> {
        Some(format!("/subscriptions/{}/providers/{NAMESPACE}/{VAULTS}", at.subscription))
    }

    fn next(&self, at: &Session, actual: &Json, planned: &Json, tags: &Tags) -> Called<Option<Put>> {
        let wanted = self.body(planned, tags);
        // As Azure shows it: what it fills in is no difference.
        let merged = |actual: &Json| {
            let mut whole = actual.clone();
            for part in ["location", "tags", "properties"] {
                match (whole.get_mut(part), &wanted[part]) {
                    (Some(Json::Object(whole)), Json::Object(wanted)) if part == "properties" => {
                        whole.extend(wanted.clone());
                    }
                    (_, wanted) => whole[part] = wanted.clone(),
                }
            }
            whole
        };
        let seen = |actual: &Json| (self.shown(at, actual, planned), self.tags(actual));
        let (is, becomes) = (seen(actual), seen(&merged(actual)));
        let differs = is.1 != becomes.1 || !alike(&is.0, &becomes.0);
        let (path, condition) = (self.id(at, planned), Condition::None);
        Ok(differs.then(|| Put { path, body: wanted, condition, message: "updating".into() }))
    }

    async fn prepare(&self, at: &Session, workspace: &str, planned: &Json, put: &mut Put) -> Called<()> {
        let Some(deleted) = look_at_deleted(at, planned).await? else { return Ok(()) };
        let name = planned.text("name");
        let is_ours = is_marked(&deleted, workspace);
        if at.features.recover_vaults && is_ours {
            put.body["properties"]["createMode"] = "recover".into();
            put.message = "recovering".into();
            return Ok(());
        }
        let (whose, hint) = match is_ours {
            true => (
                "one of this workspace, and the features block says not to recover",
                "Set recover_soft_deleted_key_vaults = true, or purge it.",
            ),
            false => (
                "not one of this workspace",
                "Choose another name, purge the old vault (az keyvault purge), or recover and import it.",
            ),
        };
        let until = deleted["properties"].text("scheduledPurgeDate");
        let detail =
            format!("There is a deleted vault {name:?} which keeps the name until {until}; it is {whose}.");
        Err(ProviderError::new(ErrorClass::Conflict, "Name of a deleted vault", detail).hint(hint))
    }

    async fn bury(&self, at: &Session, workspace: &str, prior: &Json, polls: u64) -> Called<Done> {
        let name = prior.text("name");
        at.vaults.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
        if !at.features.purge_vaults || prior.flag("purge_protection_enabled") == Some(true) {
            return Ok(Done::Gone);
        }
        let Some(deleted) = look_at_deleted(at, prior).await? else { return Ok(Done::Gone) };
        if !is_marked(&deleted, workspace) {
            return Ok(Done::Gone);
        }
        if polls.is_multiple_of(PURGES) {
            let doing = format!("Purging the vault {name:?}");
            let path = format!("{}/purge", deleted_id(at, prior));
            let (api, condition) = (Some(API), Condition::None);
            let ask = Ask { doing: &doing, method: Method::Post, path: &path, api, body: None, condition };
            match at.arm.ask(&ask).await {
                Ok(_) => {}
                Err(failure) if failure.is_missing() => return Ok(Done::Gone),
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(pending(polls, None, "purging", json!({ "do": "bury" })))
    }
}

fn deleted_id(at: &Session, object: &Json) -> String {
    let location = object.text("location").replace(' ', "").to_lowercase();
    let (subscription, name) = (&at.subscription, object.text("name"));
    format!("/subscriptions/{subscription}/providers/{NAMESPACE}/locations/{location}/deletedVaults/{name}")
}

async fn look_at_deleted(at: &Session, object: &Json) -> Called<Option<Json>> {
    let doing = format!("Looking for a deleted vault {:?}", object.text("name"));
    Ok(at.arm.get(&doing, &deleted_id(at, object), API).await?)
}

fn is_marked(deleted: &Json, workspace: &str) -> bool {
    let tags = deleted["properties"].texts_by_name("tags");
    tags.get(WORKSPACE).is_some_and(|owner| owner == workspace)
}

fn listed(of: &Json, list: &str, part: &str) -> Json {
    let texts: Vec<&str> = of.items(list).iter().map(|item| item.text(part)).collect();
    if texts.is_empty() { Json::Null } else { json!(texts) }
}

fn policy(policy: &Json) -> Json {
    let permissions = PERMISSIONS.map(|(ours, theirs)| (theirs.to_owned(), json!(policy.texts(ours))));
    let mut body = json!({
        "tenantId": policy["tenant_id"], "objectId": policy["object_id"],
        "permissions": permissions.into_iter().collect::<serde_json::Map<_, _>>(),
    });
    if let Some(application) = policy.given("application_id") {
        body["applicationId"] = application.into();
    }
    body
}

fn shown_policy(policy: &Json) -> Json {
    let mut shown = json!({
        "tenant_id": policy["tenantId"], "object_id": policy["objectId"], "application_id": policy["applicationId"],
    });
    for (ours, theirs) in PERMISSIONS {
        let texts = policy["permissions"].texts(theirs);
        shown[ours] = if texts.is_empty() { Json::Null } else { json!(texts) };
    }
    shown
}

/// Whether two objects show the same, whatever the case of their permissions.
fn alike(a: &Json, b: &Json) -> bool {
    a.to_string().eq_ignore_ascii_case(&b.to_string())
}
