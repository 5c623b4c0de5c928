//! An edge's side: finds the owner of a key's task, asks it, and asks again when the task has moved.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use reqwest::StatusCode;
use tradewind_runtime::{Answer, Layout, Queries, QueryError, Question};
use tradewind_topics::partition_of;

use super::{
    PATH,
    members::{Members, Owner},
};

/// How long a question takes at most, the wait for a task that moves included.
const PATIENCE: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub struct Remote {
    members: Members,
    http: reqwest::Client,
    password: String,
    layout: Layout,
    /// What each stage reads, without the namespace.
    sources: Arc<HashMap<String, String>>,
}

impl Remote {
    pub fn new(
        log: &Arc<dyn tradewind_topics::Log>,
        codecs: &tradewind_runtime::Codecs,
        layout: Layout,
        sources: HashMap<String, String>,
        password: String,
    ) -> anyhow::Result<Self> {
        let members = Members::follow(log, codecs, &layout)?;
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { members, http, password, layout, sources: Arc::new(sources) })
    }

    async fn answer(self, question: Question) -> Result<Answer, QueryError> {
        let stage = question.stage.clone();
        let broken = |why: String| QueryError::Broken { stage: stage.clone(), why };
        let source = self.sources.get(&stage).ok_or_else(|| broken("there is no such stage".to_owned()))?;
        let partitions = self.layout.partitions(source).ok_or_else(|| broken(format!("there is no topic {source}")))?;
        let partition = partition_of(question.key.as_bytes(), partitions);
        let body = postcard::to_stdvec(&question).map_err(|e| broken(e.to_string()))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = match self.members.owner(&stage, partition) {
                Some(owner) => tokio::select! {
                    answer = self.ask_one(&owner.address, &stage, body.clone()) => answer,
                    // One that stands still would be waited for in vain.
                    () = self.moved(&stage, partition, &owner) => continue,
                    () = tokio::time::sleep_until(deadline.into()) => {
                        Err(unavailable(&stage, format!("the worker at {} does not answer in time", owner.address)))
                    }
                },
                None => Err(unavailable(&stage, format!("no worker has announced partition {partition}"))),
            };
            match answer {
                Err(QueryError::Unavailable { .. }) if Instant::now() < deadline => tokio::time::sleep(AGAIN).await,
                settled => return settled,
            }
        }
    }

    /// Returns when the task is announced to be elsewhere.
    async fn moved(&self, stage: &str, partition: u32, from: &Owner) {
        while self.members.owner(stage, partition).as_ref() == Some(from) {
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn ask_one(&self, address: &str, stage: &str, body: Vec<u8>) -> Result<Answer, QueryError> {
        let away = |e: reqwest::Error| unavailable(stage, format!("the worker at {address} does not answer: {e}"));
        let request = self.http.post(format!("http://{address}{PATH}")).bearer_auth(&self.password).body(body);
        let response = request.send().await.map_err(away)?;
        let status = response.status();
        if !status.is_success() {
            let why = format!("what listens at {address} answered {status}");
            return Err(match status {
                // Somebody else has the address of a worker that is gone.
                StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                    unavailable(stage, why)
                }
                _ => QueryError::Broken { stage: stage.to_owned(), why },
            });
        }
        let bytes = response.bytes().await.map_err(away)?;
        let unreadable = |e: postcard::Error| QueryError::Broken { stage: stage.to_owned(), why: e.to_string() };
        postcard::from_bytes(&bytes).map_err(unreadable)?
    }
}

impl Queries for Remote {
    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Answer, QueryError>> {
        Box::pin(self.clone().answer(question))
    }
}

fn unavailable(stage: &str, why: String) -> QueryError {
    QueryError::Unavailable { stage: stage.to_owned(), why }
}
