//! Vaults and their secrets: `azurerm_key_vault`, `azurerm_key_vault_secret`.

mod client;
mod key_vault;
mod secret;

pub(super) use key_vault::Vault;
pub(super) use secret::Secret;

/// The namespace of vaults.
const NAMESPACE: &str = "Microsoft.KeyVault";
/// Vaults in it.
const VAULTS: &str = "vaults";
/// The version of the interface of vaults themselves.
const API: &str = "2023-07-01";
