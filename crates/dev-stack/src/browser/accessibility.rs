//! What axe-core finds on a page: what keeps people with disabilities from using it.

mod fetch;

use serde::Deserialize;

pub use self::fetch::AxeError;
pub(super) use self::fetch::axe_or_fetch;
use super::{Browser, BrowserError};

/// How much harm a finding does; from little to much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Impact {
    /// A nuisance.
    Minor,
    /// Some have trouble.
    Moderate,
    /// Some are kept from important things.
    Serious,
    /// Some can't use the page at all.
    Critical,
}

/// A rule that the page breaks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Finding {
    /// The rule.
    #[serde(rename = "id")]
    pub rule: String,
    /// How much harm it does.
    pub impact: Impact,
    /// What would be right.
    pub help: String,
    /// Where, as CSS selectors, and what is wrong there.
    pub nodes: Vec<String>,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}, {}", self.impact, self.rule, self.help)?;
        for node in &self.nodes {
            write!(f, "\n    {node}")?;
        }
        Ok(())
    }
}

/// All rules, best practices included. Without `preload` axe fetches no stylesheet by itself, which the page's policy
/// would refuse, in the console.
const RUN: &str = "
    const done = arguments[arguments.length - 1];
    const options = { preload: false, iframes: false, resultTypes: ['violations'] };
    axe.run(document, options).then(
        ({ violations }) => done(violations.map(({ id, impact, help, nodes }) => ({
            id, help, impact: impact ?? 'minor',
            nodes: nodes.map((node) => `${node.target.join(' ')} ${node.failureSummary}`.replace(/\\s+/g, ' ')),
        }))),
        (error) => done(String(error)),
    );
";

impl Browser {
    /// Everything that axe-core finds on the page as it is shown now.
    pub async fn accessibility_findings(&self) -> Result<Vec<Finding>, BrowserError> {
        if self.run("return typeof axe === 'undefined'").await? == true {
            let axe = tokio::fs::read_to_string(&self.axe)
                .await
                .map_err(BrowserError::Files)?;
            self.run(&axe).await?;
        }
        let found = self.session.execute_async(RUN, Vec::new()).await;
        let found = self.done("judge the page", found).await?;
        match serde_json::from_value(found.json().clone()) {
            Ok(findings) => Ok(findings),
            Err(error) => Err(BrowserError::Unexpected {
                what: format!("axe-core gives no findings ({error}) but {}", found.json()),
                page: self.shown().await,
            }),
        }
    }
}
