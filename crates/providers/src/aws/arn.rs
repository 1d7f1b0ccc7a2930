//! Names of resources at AWS.

use tenantctl_core::provider::Path;

use crate::cloud::problems::Problems;

/// Checks names.
pub(super) trait Arn {
    /// The text at a path names something of a service; of any, when that is
    /// empty.
    fn arn(&mut self, path: &Path, service: &str);
}

impl Arn for Problems<'_> {
    fn arn(&mut self, path: &Path, service: &str) {
        let Some(text) = self.text(path) else { return };
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let is_arn = parts.len() == 6 && parts[0] == "arn" && !parts[1].is_empty() && !parts[5].is_empty();
        if !is_arn || (!service.is_empty() && parts[2] != service) {
            let kind = if service.is_empty() { String::new() } else { format!(" of {service}") };
            self.push(path.clone(), "Invalid ARN", format!("{path} is {text:?}, which is no ARN{kind}."));
        }
    }
}
