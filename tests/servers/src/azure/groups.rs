//! Resource groups.

use serde_json::{Value as Json, json};

use super::checks::{name, only, tags, text};
use super::world::{Answer, Asked, Done, Goal, SUBSCRIPTION, World, page, refuse, shown};

/// The id of a group.
pub(super) fn id(name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}")
}

/// Refuses what is in no group.
pub(super) fn exists(world: &World, group: &str) -> Done<()> {
    match world.get(&id(group)) {
        Some(found) if found.json["properties"]["provisioningState"] == "Deleting" => refuse(
            409,
            "ResourceGroupBeingDeleted",
            format!("The resource group '{group}' is being deleted."),
        ),
        Some(_) => Ok(()),
        None => refuse(404, "ResourceGroupNotFound", format!("Resource group '{group}' could not be found.")),
    }
}

/// A group.
pub(super) fn one(world: &mut World, asked: &Asked<'_>, group: &str) -> Done {
    let own = id(group);
    match asked.method {
        "GET" => {
            world.look(&own);
            exists_at_all(world, group)?;
            Ok(Answer::new(200, world.get(&own).map(shown).unwrap_or_default()))
        }
        "PUT" => {
            only(&asked.body, &["location", "tags/*", "tags", "managedBy"])?;
            let fine = |c: char| c.is_alphanumeric() || "_-.()".contains(c);
            name(group, 1..=90, fine, "InvalidResourceGroup")?;
            let location = text(&asked.body, "/location")?;
            tags(&asked.body["tags"])?;
            let is_new = world.get(&own).is_none();
            if let Some(found) = world.get(&own)
                && found.json["location"] != location
            {
                return refuse(409, "InvalidResourceGroupLocation", "The group is in another location.");
            }
            let json = json!({
                "id": own, "name": group, "type": "Microsoft.Resources/resourceGroups", "location": location,
                "tags": asked.body["tags"], "managedBy": asked.body["managedBy"],
                "properties": { "provisioningState": "Succeeded" },
            });
            world.put(&own, json);
            Ok(Answer::new(if is_new { 201 } else { 200 }, world.get(&own).map(shown).unwrap_or_default()))
        }
        "DELETE" => {
            exists_at_all(world, group)?;
            let operation = world.begin(&own, "Deleting", Goal::Removed);
            Ok(super::manager::accepted(asked, &operation, "location"))
        }
        _ => refuse(405, "MethodNotAllowed", "There is no such operation."),
    }
}

fn exists_at_all(world: &World, group: &str) -> Done<()> {
    match world.get(&id(group)) {
        Some(_) => Ok(()),
        None => refuse(404, "ResourceGroupNotFound", format!("Resource group '{group}' could not be found.")),
    }
}

/// All groups.
pub(super) fn all(world: &World, asked: &Asked<'_>) -> Done {
    let start = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups");
    Ok(page(asked, world.children(&start).into_iter().map(shown).collect()))
}

/// What is in a group, at its first level.
pub(super) fn resources(world: &World, asked: &Asked<'_>, group: &str) -> Done {
    exists_at_all(world, group)?;
    let start = format!("{}/providers/", id(group)).to_lowercase();
    let inside = world.objects.iter().filter(|(own, _)| {
        let rest = own.strip_prefix(&start).unwrap_or_default();
        rest.split('/').count() == 3
    });
    let brief = |json: &Json| json!({ "id": json["id"], "name": json["name"], "type": json["type"] });
    Ok(page(asked, inside.map(|(_, object)| brief(&object.json)).collect()))
}
