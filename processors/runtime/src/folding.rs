//! The stage that only folds records into views.

use std::marker::PhantomData;

use tradewind_state::TaskState;
use tradewind_topics::Record;

use crate::{
    Codecs, Context, Fold, Views,
    entity::{self, VIEWS},
    reading,
    stage::{Failure, Output, Stage},
};

/// Runs a [`Fold`].
pub struct Folding<F> {
    codecs: Codecs,
    fold: PhantomData<fn() -> F>,
}

impl<F: Fold> Folding<F> {
    pub fn new(codecs: Codecs) -> Self {
        Self { codecs, fold: PhantomData }
    }
}

impl<F: Fold> Stage for Folding<F> {
    fn name(&self) -> &str {
        F::STAGE
    }

    fn source(&self) -> &'static str {
        F::SOURCE.name
    }

    fn process(&self, record: &Record, task: &mut TaskState, _: &mut Vec<Output>) -> Result<(), Failure> {
        let envelope = reading::envelope(&self.codecs, F::SOURCE, record)?;
        let context = Context { key: &envelope.key, id: envelope.id, at: envelope.at, actor: &envelope.actor };
        let mut views = Views::new(task, &envelope.key);
        F::fold(&envelope.payload, &context, &mut views);
        let changes = views.into_changes()?;
        entity::apply(changes, VIEWS, task);
        Ok(())
    }
}
