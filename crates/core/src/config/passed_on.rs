//! What settings of tenants refer to of the platform's resources.
//!
//! Each such setting is an output of the platform's root module: of a name that
//! cannot be written, so that it meets no other, and of its own, so that what is
//! wrong with one keeps no other from being passed on. The name has a digest of
//! the expression: what an earlier one came to is not taken for a new one's.
//! The value is in a list of its own: states keep no output that is null.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::model::{Module, Output};
use crate::diag::{SourceMap, Span};
use crate::expr::{Expr, ExprKind};
use crate::syntax::Ident;
use crate::value::Value;

const PREFIX: &str = "(tenants)";
/// Between the setting and the digest, which has none.
const SEPARATOR: char = '#';
/// Bytes of the digest that tell one expression of a setting from another.
const DIGEST: usize = 6;

/// Which setting an output passes on; `None` for outputs that were written. In
/// states of before there was one of no setting, for all.
pub fn passed_on(output: &str) -> Option<&str> {
    let rest = output.strip_prefix(PREFIX)?;
    Some(rest.rsplit_once(SEPARATOR).map_or("", |(setting, _)| setting))
}

/// The setting that an output passes on, and its value.
pub(crate) fn passed_value<'o>(output: &'o str, value: &Value) -> Option<(&'o str, Value)> {
    Some((passed_on(output)?, value.as_items()?.first()?.clone()))
}

/// Has the root module give what settings of tenants refer to.
pub(super) fn pass_on(module: &mut Module, settings: Vec<(Arc<str>, Expr)>, sources: &SourceMap) {
    module.outputs.extend(settings.into_iter().map(|(setting, value)| {
        let source = sources.get(value.span.file);
        let text =
            source.as_ref().and_then(|it| it.text.get(value.span.start as usize..value.span.end as usize));
        let digest = Sha256::digest(text.unwrap_or_default());
        let digest: String = digest.iter().take(DIGEST).map(|byte| format!("{byte:02x}")).collect();
        Output {
            name: Ident {
                name: format!("{PREFIX}{setting}{SEPARATOR}{digest}").into(),
                span: Span::default(),
            },
            value: Expr { span: value.span, kind: ExprKind::Tuple(vec![value]) },
            sensitive: false,
            ephemeral: false,
            depends_on: Vec::new(),
            preconditions: Vec::new(),
            deprecated: None,
            description: None,
        }
    }));
}
