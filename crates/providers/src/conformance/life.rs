//! The life of an object, from its plan to its end.

use tenantctl_core::provider::{Path, Value};

use super::report::{Begun, Scenario};
use super::run::{Lived, Run};
use super::shapes::{complete, replaced};

/// Says that a scenario held, where it is told by itself.
fn held(begun: Option<Begun<'_>>) {
    if let Some(begun) = begun {
        begun.held();
    }
}

impl Run {
    /// A whole life.
    pub(super) async fn life(&self) {
        self.led().await.unwrap_or_else(|_| panic!("{}: nobody dies here", self.case.kind));
    }

    async fn led(&self) -> Lived<()> {
        let (kind, config) = (&self.case.kind, &self.config);
        let planned = self.plan_creation(config);
        if self.case.service {
            assert!(self.find(&planned).await?.is_none(), "{kind}: found before creation");
        }
        let begun = self.begin(Scenario::Create);
        let created = self.create(config, &planned).await?;
        held(begun);
        self.settled(config, &created).await?;
        let begun = self.begin(Scenario::CreateAgain);
        let again = self.create(config, &planned).await?;
        assert_eq!(again, created, "{kind}: created twice by one token");
        held(begun);
        if self.case.service {
            let begun = self.begin(Scenario::Find);
            assert_eq!(self.find(&planned).await?.as_ref(), Some(&created), "{kind}: find");
            held(begun);
        }
        self.is_replaced(config, &created);
        self.is_imported(&created).await?;
        let last = match self.case.changed.clone() {
            Some(changed) => {
                let changed = complete(&self.block, &changed);
                let drifted = self.case.drifted.as_ref().map(|other| complete(&self.block, other));
                let repaired = self.drift(config, drifted.as_ref().unwrap_or(&changed), &created).await?;
                let begun = self.begin(Scenario::Update);
                let changed = self.change(&changed, &repaired).await?;
                held(begun);
                changed
            }
            None => created,
        };
        self.end(&planned, &last).await
    }

    /// A change that no object survives is planned as a replacement.
    fn is_replaced(&self, config: &Value, object: &Value) {
        let kind = &self.case.kind;
        if let Some(other) = &self.case.other {
            let begun = self.begin(Scenario::Replace);
            let response = self.planned(Some(object), &complete(&self.block, other));
            assert!(!response.requires_replace.is_empty(), "{kind}: another object is no replacement");
            return held(begun);
        }
        let changed = replaced(&self.block, config).filter(|_| self.case.replaces);
        let Some((name, changed)) = changed else { return };
        let begun = self.begin(Scenario::Replace);
        let response = self.planned(Some(object), &changed);
        let path = Path::root().attribute(name);
        assert!(response.requires_replace.contains(&path), "{kind}: another {name} is no replacement");
        held(begun);
    }

    /// The object is found by its id, as the same.
    async fn is_imported(&self, object: &Value) -> Lived<()> {
        let id = match self.case.imported_by_name {
            true => self.provider.identity(&self.case.kind, object),
            false => (self.case.import)(object),
        };
        let Some(id) = id.filter(|_| self.case.service) else { return Ok(()) };
        let begun = self.begin(Scenario::Import);
        let kind = &self.case.kind;
        let imported = self.import(&id).await?;
        assert!(imported.is_wholly_known(), "{kind}: import leaves something unknown");
        let id = |object: &Value| {
            object.get("id").or_else(|| self.provider.identity(kind, object).map(Into::into))
        };
        assert_eq!(id(&imported), id(object), "{kind}: import finds another object");
        let (_, replaced) = self.plan(Some(&imported), &self.config);
        assert!(replaced.is_empty(), "{kind}: after import, the plan replaces by {replaced:?}");
        held(begun);
        Ok(())
    }

    /// Somebody else changes the object; that is found and put right.
    async fn drift(&self, config: &Value, changed: &Value, object: &Value) -> Lived<Value> {
        let kind = &self.case.kind;
        if !self.case.service {
            return Ok(object.clone());
        }
        let begun = self.begin(Scenario::DriftSeen);
        let (theirs, _) = self.plan(Some(object), changed);
        self.update(object, changed, &theirs).await?;
        let found = self.read(object).await?.unwrap_or_else(|| panic!("{kind}: a changed object is gone"));
        assert_ne!(&found, object, "{kind}: what somebody else did is not found");
        held(begun);
        let begun = self.begin(Scenario::DriftRepaired);
        let (planned, replaced) = self.plan(Some(&found), config);
        assert!(replaced.is_empty(), "{kind}: the repair replaces by {replaced:?}");
        let repaired = self.update(&found, config, &planned).await?;
        self.is_as_planned("repair", &planned, &repaired);
        let (planned, _) = self.plan(Some(&repaired), config);
        assert_eq!(planned, repaired, "{kind}: the plan after the repair is not empty");
        held(begun);
        Ok(repaired)
    }

    /// The object reads as it was written, and planning it again is no change.
    pub(super) async fn settled(&self, config: &Value, object: &Value) -> Lived<()> {
        let kind = &self.case.kind;
        let begun = self.begin(Scenario::Read);
        let read = self.read(object).await?;
        assert_eq!(read.as_ref(), Some(object), "{kind}: read differs from the write");
        held(begun);
        let begun = self.begin(Scenario::SecondPlan);
        let (planned, replaced) = self.plan(Some(object), config);
        assert_eq!(&planned, object, "{kind}: the second plan is not empty");
        assert!(replaced.is_empty(), "{kind}: the second plan replaces by {replaced:?}");
        held(begun);
        Ok(())
    }

    async fn change(&self, config: &Value, prior: &Value) -> Lived<Value> {
        let kind = &self.case.kind;
        let (planned, replaced) = self.plan(Some(prior), config);
        assert!(replaced.is_empty(), "{kind}: the change replaces by {replaced:?}");
        assert_ne!(&planned, prior, "{kind}: the change plans nothing");
        let mut last = prior.clone();
        // Twice, as after a crash.
        for _ in 0..2 {
            last = self.update(prior, config, &planned).await?;
            self.is_as_planned("update", &planned, &last);
        }
        self.settled(config, &last).await?;
        Ok(last)
    }

    /// Removal, as often as one likes.
    async fn end(&self, planned: &Value, object: &Value) -> Lived<()> {
        let kind = &self.case.kind;
        for _ in 0..2 {
            let begun = self.begin(Scenario::Delete);
            self.delete(object).await?;
            held(begun);
            let begun = self.begin(Scenario::Gone);
            if self.case.service {
                let read = self.read(object).await?;
                assert!(read.is_none(), "{kind}: read after delete: {read:?}");
            }
            held(begun);
        }
        assert!(self.find(planned).await?.is_none(), "{kind}: found after delete");
        Ok(())
    }
}
