//! What may be spent, as an operator says it.

use chassis::clock;
use proto::v1::{self, Empty};

use super::Service;
use crate::Error;
use crate::account::Owner;
use crate::convert::{self, invalid};
use crate::operation::{Answer, Operation, Put};

impl Service {
    pub(super) async fn defined(
        &self,
        request: v1::PutBudgetRequest,
    ) -> Result<v1::PutBudgetResponse, Error> {
        let tenant = convert::tenant(request.context.as_ref());
        let wire = request.definition.ok_or_else(|| invalid("definition", "is missing"))?;
        let definition = convert::definition(wire)?;
        let owner = Owner { tenant, scope: definition.scope.clone() };
        let put = Put { owner: owner.clone(), definition, create_only: request.create_only };
        let answer = self.writer.submit(Operation::Put(put)).await?;
        audit(&owner, "a budget was put");
        let created = matches!(answer, Answer::Defined(stored) if stored.version == 1);
        Ok(v1::PutBudgetResponse { budget: Some(self.view(&owner).await?), created })
    }

    pub(super) async fn all_defined(
        &self,
        request: v1::ListBudgetsRequest,
    ) -> Result<v1::ListBudgetsResponse, Error> {
        let tenant = convert::tenant(request.context.as_ref());
        let now_ms = clock::now_ms();
        let owner = |scope| Owner { tenant: tenant.clone(), scope };
        let definitions = self.store.list(&tenant).await?;
        let looks = definitions.iter().filter(|definition| definition.scope.key != "*");
        let looks: Vec<_> =
            looks.map(|definition| Operation::Look(owner(definition.scope.clone()))).collect();
        let sheet = self.store.look(&looks, now_ms).await?;
        let budgets = definitions.iter().map(|definition| {
            let is_exact = definition.scope.key != "*";
            let book = is_exact.then(|| sheet.book(&owner(definition.scope.clone()), now_ms));
            convert::view(definition, book.as_ref())
        });
        Ok(v1::ListBudgetsResponse { budgets: budgets.collect() })
    }

    pub(super) async fn removed(&self, request: v1::DeleteBudgetRequest) -> Result<Empty, Error> {
        let owner = convert::owner(request.context.as_ref(), request.scope)?;
        self.writer.submit(Operation::Delete(owner.clone())).await?;
        audit(&owner, "a budget was deleted");
        Ok(Empty {})
    }

    pub(super) async fn renewed(
        &self,
        request: v1::ResetBudgetRequest,
    ) -> Result<v1::ResetBudgetResponse, Error> {
        let owner = convert::owner(request.context.as_ref(), request.scope)?;
        let answer = self.writer.submit(Operation::Reset(owner.clone())).await?;
        audit(&owner, "a budget was reset");
        let Answer::Renewed(period_id, previous_spent_micros) = answer else {
            return Err(Error::Store(std::sync::Arc::new(anyhow::anyhow!("{answer:?}"))));
        };
        Ok(v1::ResetBudgetResponse { period_id, previous_spent_micros })
    }
}

fn audit(owner: &Owner, message: &str) {
    let Owner { tenant, scope } = owner;
    let scope = format!("{}:{}", scope.kind, scope.key);
    tracing::info!(
        audit = true,
        event_type = "budget.changed",
        outcome = "success",
        tenant,
        scope,
        "{message}"
    );
}
