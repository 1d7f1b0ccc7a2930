//! Zones and records of Azure DNS: `azurerm_dns_zone` and
//! `azurerm_dns_{a,aaaa,cname,txt}_record`.

mod record;
mod values;
mod zone;

use super::managed::Managed;
use super::session::Session;
use crate::cloud::resource::Resource;

const NAMESPACE: &str = "Microsoft.Network";
const ZONES: &str = "dnsZones";
const API: &str = "2018-05-01";

/// All types.
pub(super) fn resources() -> Vec<Box<dyn Resource<Session>>> {
    vec![
        Box::new(Managed(zone::Zone)),
        Box::new(Managed(record::Record::<{ values::A }>)),
        Box::new(Managed(record::Record::<{ values::AAAA }>)),
        Box::new(Managed(record::Record::<{ values::CNAME }>)),
        Box::new(Managed(record::Record::<{ values::TXT }>)),
    ]
}
