//! One command through a capability's pure functions, staged in the task. The scenarios of the capabilities run
//! exactly this, without any log.

use tradewind_schemas::{Rejection, Timestamp, edge::Settled};
use tradewind_state::{StateError, TaskState};

use crate::{Capability, Context, Entity, Outgoing, Reactions};

/// What a command led to.
pub(crate) struct Handled<C: Capability> {
    pub result: Result<Vec<HandledEvent<C>>, Rejection>,
    /// The last answer that a reaction gave to those who wait.
    pub settled: Option<Settled>,
}

/// An event and what follows from it.
pub(crate) struct HandledEvent<C: Capability> {
    pub event: C::Event,
    pub sends: Vec<Outgoing>,
    pub reminders: Vec<(Timestamp, C::Command)>,
}

pub(crate) fn handle<C: Capability>(
    capability: &C,
    task: &mut TaskState,
    command: &C::Command,
    context: &Context<'_>,
) -> Result<Handled<C>, StateError> {
    let mut entity = Entity::load(task, context.key, C::FORMAT)?;
    let decision = capability.decide(&entity, command, context);
    entity.check()?;
    let events = match decision {
        Ok(events) => events,
        Err(rejection) => return Ok(Handled { result: Err(rejection), settled: None }),
    };
    let mut settled = None;
    let mut handled = Vec::with_capacity(events.len());
    for event in events {
        fold::<C>(&mut entity, &event, context.at)?;
        let mut reactions = Reactions::new(context.key, context.at);
        C::react(&entity, &event, &mut reactions);
        entity.check()?;
        let Reactions { sends, reminders, settled: answer, .. } = reactions;
        settled = answer.or(settled);
        handled.push(HandledEvent { event, sends, reminders });
    }
    if !handled.is_empty() {
        entity.save(C::FORMAT)?;
    }
    Ok(Handled { result: Ok(handled), settled })
}

/// Makes an event true, and visible.
fn fold<C: Capability>(entity: &mut Entity<'_, C::State>, event: &C::Event, at: Timestamp) -> Result<(), StateError> {
    C::evolve(entity, event, at);
    entity.check()?;
    let mut views = entity.views();
    C::view(entity, event, at, &mut views);
    let changes = views.into_changes()?;
    entity.check()?;
    entity.apply_views(changes);
    Ok(())
}

/// Folds events that have already happened: a scenario's past, and a rebuild.
pub(crate) fn replay<C: Capability>(
    task: &mut TaskState,
    key: &str,
    event: &C::Event,
    at: Timestamp,
) -> Result<(), StateError> {
    let mut entity = Entity::load(task, key, C::FORMAT)?;
    fold::<C>(&mut entity, event, at)?;
    entity.save(C::FORMAT)
}
