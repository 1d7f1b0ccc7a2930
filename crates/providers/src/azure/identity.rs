//! Identities, whom they trust, and what they may do:
//! `azurerm_user_assigned_identity`, `azurerm_federated_identity_credential`,
//! `azurerm_role_assignment`.

mod federated;
mod role;
mod user_assigned;

pub(super) use federated::FederatedCredential;
pub(super) use role::RoleAssignment;
pub(super) use user_assigned::Identity;

/// The namespace of identities.
const NAMESPACE: &str = "Microsoft.ManagedIdentity";
/// Identities in it.
const IDENTITIES: &str = "userAssignedIdentities";
