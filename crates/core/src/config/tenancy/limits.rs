//! What many instances may not have together: settings that are unique, and
//! the capacity of an environment that they share.
//!
//! Looks at layers only, at one setting at a time, so that a plan of one tenant
//! is held to the whole fleet at little cost.

use std::collections::{BTreeMap, HashMap};

use super::layers::Seat;
use super::model::Tenancy;
use super::setting::{Content, Node};
use crate::addr::WorkspaceName;
use crate::config::instance::seat_workspace;
use crate::diag::{Diagnostic, Diagnostics, Span, agree};
use crate::value::Value;

impl Tenancy {
    /// Every tenant in every environment it runs in, by name.
    pub(in crate::config) fn all_seats(&self) -> impl Iterator<Item = Seat<'_>> {
        self.tenants.values().flat_map(|tenant| self.seats(tenant).unwrap_or_default())
    }

    /// What more than one instance claims: the problem of each of them.
    pub(in crate::config) fn claimed_twice(&self) -> HashMap<WorkspaceName, Diagnostics> {
        let mut problems: HashMap<WorkspaceName, Diagnostics> = HashMap::new();
        for name in &self.unique {
            let mut seen: BTreeMap<String, (WorkspaceName, Span)> = BTreeMap::new();
            for seat in self.all_seats() {
                let Some(node) = self.setting(seat, &name.name) else { continue };
                let workspace = seat_workspace(seat);
                let value = node.value();
                let items = value.as_items().map_or_else(|| vec![value.clone()], <[Value]>::to_vec);
                for item in items.into_iter().filter(Value::is_wholly_known) {
                    let Ok(text) = item.to_plain_json().map(|json| json.to_string()) else { continue };
                    let mine = (workspace.clone(), node.span);
                    let Some((other, place)) = seen.insert(text.clone(), mine) else { continue };
                    if other == workspace {
                        continue;
                    }
                    let detail = format!(
                        "{other} and {workspace} both have {text} in {:?}, which only one may have.",
                        name.name
                    );
                    let error = Diagnostic::error("Claimed twice", detail).at(node.span);
                    let error = error.related(place, format!("claimed by {other}"));
                    for rival in [&other, &workspace] {
                        problems.entry(rival.clone()).or_default().push(error.clone());
                    }
                }
            }
        }
        problems
    }

    /// Reports environments in which more is promised than they have.
    pub(in crate::config) fn check_capacity(&self, diagnostics: &mut Diagnostics) {
        for environment in self.environments.values() {
            let Content::Map(capacity) = &environment.capacity.content else { continue };
            for (path, limit) in capacity {
                let Content::Value(value) = &limit.content else { continue };
                let Some(has) = quantity(value) else {
                    let detail =
                        format!("The capacity {path:?} takes a quantity, such as 64, \"500m\" or \"256Gi\".");
                    diagnostics.push(Diagnostic::error("Wrong type", detail).at(limit.span));
                    continue;
                };
                let mut promised = Vec::new();
                for seat in self.all_seats() {
                    let here = seat.environment.is_some_and(|at| at.name.name == environment.name.name);
                    // Who has nodes or a cluster of his own takes nothing of what is shared.
                    if here
                        && &*self.isolation(seat.tier) == "namespace"
                        && let Some(amount) = self.amount(seat, path)
                    {
                        promised.push((amount, seat));
                    }
                }
                let sum: f64 = promised.iter().map(|(amount, _)| amount).sum();
                if sum <= has {
                    continue;
                }
                promised.sort_by(|a, b| b.0.total_cmp(&a.0));
                let most: Vec<String> = promised
                    .iter()
                    .take(3)
                    .map(|(amount, seat)| format!("{} {}", seat.tenant.name.name, short(*amount)))
                    .collect();
                let detail = format!(
                    "{} {} promised {} of {path:?} in {}, which has {}. The most {} {}.",
                    promised.len(),
                    agree(promised.len(), "tenant is", "tenants are"),
                    short(sum),
                    environment.name.name,
                    short(has),
                    agree(promised.len(), "has", "have"),
                    most.join(", ")
                );
                diagnostics.push(Diagnostic::error("Promised more than there is", detail).at(limit.span));
            }
        }
    }

    /// What a setting, by its path, comes to as a number.
    fn amount(&self, seat: Seat<'_>, path: &str) -> Option<f64> {
        let mut steps = path.split('.');
        let name = steps.next()?;
        let mut value = match self.setting(seat, name) {
            Some(node) => node.value(),
            None => {
                let variables = &self.blueprint(seat.tenant).variables;
                variables.iter().find(|variable| &*variable.name.name == name)?.default.clone()?
            }
        };
        for step in steps {
            value = value.get(step)?;
        }
        quantity(&value)
    }

    /// One merged setting of a seat, unless a null took it away.
    fn setting(&self, seat: Seat<'_>, name: &str) -> Option<Node> {
        let mut node = None;
        self.each_layer(seat, &mut |layer, written| {
            if let Some(setting) = written.get(name) {
                node = Some(Node::over(node.take(), layer, setting));
            }
        });
        node.filter(|node| !node.is_removed())
    }
}

/// A number, or a quantity as Kubernetes writes it.
fn quantity(value: &Value) -> Option<f64> {
    if let Some(number) = value.as_number() {
        return number.to_string().parse().ok();
    }
    let text = value.as_str()?;
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => f64::from(1u32 << 10),
        "Mi" => f64::from(1u32 << 20),
        "Gi" => f64::from(1u32 << 30),
        "Ti" => f64::from(1u32 << 30) * f64::from(1u32 << 10),
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// A quantity for people.
fn short(amount: f64) -> String {
    for (unit, factor) in [("Ti", 40), ("Gi", 30), ("Mi", 20)] {
        let size = f64::powi(2.0, factor);
        if amount >= size {
            return format!("{}{unit}", (amount / size * 10.0).round() / 10.0);
        }
    }
    format!("{}", (amount * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities() {
        for (text, amount) in [("2", 2.0), ("500m", 0.5), ("1.5Gi", 1_610_612_736.0), ("2k", 2000.0)] {
            assert_eq!(quantity(&text.into()), Some(amount), "{text}");
        }
        assert_eq!(quantity(&Value::from(3usize)), Some(3.0));
        for wrong in ["", "x", "1x", "Gi"] {
            assert_eq!(quantity(&wrong.into()), None, "{wrong}");
        }
        assert_eq!((short(0.5), short(1_610_612_736.0)), ("0.5".into(), "1.5Gi".into()));
    }
}
