//! How charges and scopes are named in the tables: parts joined by slashes, of which only the last may hold one itself.

use crate::account::{Charge, Owner};
use crate::policy::Scope;

/// The text that names a charge.
pub(super) fn charge_name(charge: &Charge) -> String {
    format!("{}/{}", charge.tenant, charge.id)
}

/// The charge of a name.
pub(super) fn charge_of(name: &str) -> Option<Charge> {
    let (tenant, id) = name.split_once('/')?;
    Some(Charge { tenant: tenant.to_owned(), id: id.to_owned() })
}

/// The text that names a scope.
pub(super) fn scope_name(owner: &Owner) -> String {
    format!("{}/{}/{}", owner.tenant, owner.scope.kind, owner.scope.key)
}

/// The scope of a name.
pub(super) fn owner_of(name: &str) -> Option<Owner> {
    let mut parts = name.splitn(3, '/').map(str::to_owned);
    let (tenant, kind, key) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Owner { tenant, scope: Scope { kind, key } })
}
