//! Reading what alerts and dashboards ask of Prometheus.

use anyhow::{Context, bail, ensure};
use assent_metrics::{Kind, all};
use promql_parser::parser::{Expr, LabelModifier, VectorSelector, parse};

/// What Prometheus adds to every series.
const OF_PROMETHEUS: [&str; 3] = ["instance", "job", "__name__"];

/// The question can be read, and every metric and label in it is defined.
pub(crate) fn is_about_what_there_is(question: &str) -> anyhow::Result<()> {
    let parsed = parse(question).map_err(|error| anyhow::anyhow!("{question}: {error}"))?;
    let mut labels = Vec::new();
    look(&parsed, &mut labels)?;
    for label in labels {
        let known = OF_PROMETHEUS.contains(&label.as_str())
            || label == "le"
            || all().any(|metric| metric.labels.iter().any(|known| known.name == label));
        ensure!(known, "no metric has a label {label}");
    }
    Ok(())
}

fn look(expression: &Expr, labels: &mut Vec<String>) -> anyhow::Result<()> {
    match expression {
        Expr::VectorSelector(selector) => is_defined(selector),
        Expr::MatrixSelector(range) => is_defined(&range.vs),
        Expr::Aggregate(aggregate) => {
            modifies(aggregate.modifier.as_ref(), labels);
            look(&aggregate.expr, labels)
        }
        Expr::Unary(unary) => look(&unary.expr, labels),
        Expr::Paren(inner) => look(&inner.expr, labels),
        Expr::Subquery(subquery) => look(&subquery.expr, labels),
        Expr::Binary(binary) => {
            look(&binary.lhs, labels)?;
            look(&binary.rhs, labels)
        }
        Expr::Call(call) => {
            for argument in &call.args.args {
                look(argument, labels)?;
            }
            Ok(())
        }
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Ok(()),
        other @ Expr::Extension(_) => bail!("what is {other:?}?"),
    }
}

fn modifies(modifier: Option<&LabelModifier>, labels: &mut Vec<String>) {
    if let Some(LabelModifier::Include(named) | LabelModifier::Exclude(named)) = modifier {
        labels.extend(named.labels.iter().cloned());
    }
}

fn is_defined(selector: &VectorSelector) -> anyhow::Result<()> {
    let name = selector
        .name
        .as_deref()
        .context("a selector without a name")?;
    let is_it = |defined: &str, kind: Kind| match kind {
        Kind::Counter | Kind::Gauge => defined == name,
        Kind::Histogram => name
            .strip_prefix(defined)
            .is_some_and(|rest| ["_bucket", "_sum", "_count"].contains(&rest)),
    };
    let metric = all()
        .find(|metric| is_it(metric.name, metric.kind))
        .with_context(|| format!("there is no metric {name}"))?;
    for matcher in &selector.matchers.matchers {
        let label = matcher.name.as_str();
        let known = OF_PROMETHEUS.contains(&label)
            || (label == "le" && metric.kind == Kind::Histogram)
            || metric.labels.iter().any(|known| known.name == label);
        ensure!(known, "{name} has no label {label}");
    }
    Ok(())
}
