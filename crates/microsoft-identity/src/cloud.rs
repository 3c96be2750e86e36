//! Which of Microsoft's clouds a tenant lives in.

use assent_domain::ids::Cloud;
use serde::Deserialize;

/// The login hosts of the clouds that need a registration of their own, for [`crate::Settings::national_authorities`].
pub const NATIONAL_AUTHORITIES: [&str; 2] = [
    "https://login.microsoftonline.us",
    "https://login.partner.microsoftonline.cn",
];

/// Microsoft's clouds, as far as they differ for an application: each needs a registration of its own, except that GCC
/// lives on the worldwide endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloudInstance {
    /// The commercial cloud.
    Worldwide,
    /// US government community cloud, on the worldwide endpoints.
    Gcc,
    /// US government, GCC High.
    GccHigh,
    /// US Department of Defense.
    Dod,
    /// China, operated by 21Vianet.
    China,
}

impl CloudInstance {
    /// A stable name for records and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worldwide => "worldwide",
            Self::Gcc => "gcc",
            Self::GccHigh => "gcc_high",
            Self::Dod => "dod",
            Self::China => "china",
        }
    }

    /// Whether the tenant is reached through `login.microsoftonline.com` and `graph.microsoft.com`.
    pub(crate) fn is_on_worldwide_endpoints(self) -> bool {
        match self {
            Self::Worldwide | Self::Gcc => true,
            Self::GccHigh | Self::Dod | Self::China => false,
        }
    }

    pub(crate) fn sovereign(self) -> Sovereign {
        match self {
            Self::Worldwide | Self::Gcc => Sovereign::Worldwide,
            Self::GccHigh | Self::Dod => Sovereign::UsGovernment,
            Self::China => Sovereign::China,
        }
    }
}

impl From<CloudInstance> for Cloud {
    fn from(instance: CloudInstance) -> Self {
        match instance {
            CloudInstance::Worldwide | CloudInstance::Gcc => Self::Worldwide,
            CloudInstance::GccHigh => Self::GccHigh,
            CloudInstance::Dod => Self::Dod,
            CloudInstance::China => Self::China,
        }
    }
}

/// Clouds with an infrastructure of their own. In each of them a tenant's id is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sovereign {
    Worldwide,
    UsGovernment,
    China,
}

/// The fields of a tenant's metadata that tell its cloud.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct CloudFields {
    pub(crate) tenant_region_scope: Option<String>,
    pub(crate) tenant_region_sub_scope: Option<String>,
    pub(crate) cloud_instance_name: Option<String>,
    pub(crate) msgraph_host: Option<String>,
}

impl CloudFields {
    /// Judges by the fields alone: one cloud's login host answers for another cloud's tenants too. Any field that says
    /// "national cloud" wins over one that says nothing; fields that nobody knows are `None`, never a guess.
    pub(crate) fn classify(&self) -> Option<CloudInstance> {
        let region = lowered(self.tenant_region_scope.as_ref());
        let sub_region = lowered(self.tenant_region_sub_scope.as_ref());
        let instance = lowered(self.cloud_instance_name.as_ref());
        let graph = lowered(self.msgraph_host.as_ref());

        let hosts = [instance.as_str(), graph.as_str()];
        let is_china = hosts.into_iter().any(|host| is_under(host, "cn"));
        let is_us_government = hosts.into_iter().any(|host| is_under(host, "us"))
            || matches!(region.as_str(), "usgov" | "usg")
            || matches!(sub_region.as_str(), "dod" | "dodcon");
        if is_china {
            Some(CloudInstance::China)
        } else if is_us_government {
            let is_dod =
                sub_region == "dod" || (sub_region.is_empty() && graph.starts_with("dod-"));
            Some(if is_dod {
                CloudInstance::Dod
            } else {
                CloudInstance::GccHigh
            })
        } else if instance == "microsoftonline.com" || graph == "graph.microsoft.com" {
            Some(if sub_region == "gcc" {
                CloudInstance::Gcc
            } else {
                CloudInstance::Worldwide
            })
        } else {
            None
        }
    }
}

fn is_under(host: &str, top_level: &str) -> bool {
    host.rsplit_once('.')
        .is_some_and(|(_, last)| last == top_level)
}

fn lowered(field: Option<&String>) -> String {
    field
        .map(|text| text.trim().to_ascii_lowercase())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::CloudInstance::{China, Dod, Gcc, GccHigh, Worldwide};
    use super::*;

    #[test]
    fn the_table_of_clouds() {
        let table = [
            (
                ["WW", "", "microsoftonline.com", "graph.microsoft.com"],
                Some(Worldwide),
            ),
            (
                ["EU", "", "microsoftonline.com", "graph.microsoft.com"],
                Some(Worldwide),
            ),
            (
                ["NA", "GCC", "microsoftonline.com", "graph.microsoft.com"],
                Some(Gcc),
            ),
            (
                [
                    "USGov",
                    "DODCON",
                    "microsoftonline.us",
                    "graph.microsoft.us",
                ],
                Some(GccHigh),
            ),
            (
                ["USG", "DODCON", "microsoftonline.us", "graph.microsoft.us"],
                Some(GccHigh),
            ),
            (
                ["USGov", "", "microsoftonline.us", "graph.microsoft.us"],
                Some(GccHigh),
            ),
            (
                ["USGov", "DOD", "microsoftonline.us", "graph.microsoft.us"],
                Some(Dod),
            ),
            (
                ["USGov", "", "microsoftonline.us", "dod-graph.microsoft.us"],
                Some(Dod),
            ),
            // A worldwide login host that answers for a tenant of another cloud.
            (
                ["USGov", "", "microsoftonline.com", "graph.microsoft.com"],
                Some(GccHigh),
            ),
            (
                ["", "DODCON", "microsoftonline.com", "graph.microsoft.com"],
                Some(GccHigh),
            ),
            (
                [
                    "",
                    "",
                    "partner.microsoftonline.cn",
                    "microsoftgraph.chinacloudapi.cn",
                ],
                Some(China),
            ),
            (
                [
                    "AS",
                    "",
                    "microsoftonline.com",
                    "microsoftgraph.chinacloudapi.cn",
                ],
                Some(China),
            ),
            (["", "", "", ""], None),
            (["DE", "", "microsoftonline.de", "graph.microsoft.de"], None),
        ];
        for ([region, sub_region, instance, graph], expected) in table {
            let field = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let fields = CloudFields {
                tenant_region_scope: field(region),
                tenant_region_sub_scope: field(sub_region),
                cloud_instance_name: field(instance),
                msgraph_host: field(graph),
            };
            assert_eq!(fields.classify(), expected, "{fields:?}");
        }
    }
}
