//! GET /v1/orders/{id}/events: an order's history as it happens.

use std::{convert::Infallible, time::Duration};

use axum::{
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, StreamExt, stream};
use tokio::time::Instant;
use tradewind_runtime::Freshness;
use tradewind_schemas::{
    OrderId,
    order::{ORDER, OrderStatus, OrderView},
};

use super::{Place, orders::visible};
use crate::{
    auth::Principal,
    problem::{Code, Problem},
    shapes::order::History,
    shop::Shop,
};

/// How often the order is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Clients come back with the id of the last event they have; by then, with a token that is still good.
const LONGEST: Duration = Duration::from_secs(60);

/// The steps of an order's story as server-sent events, each as it happens; ends when the order is decided. An event's
/// id is its number, from 1: `Last-Event-ID` goes on after it.
#[utoipa::path(get, path = "/v1/orders/{id}/events", operation_id = "follow_order", tag = "order",
    params(("id" = Uuid, Path), ("Last-Event-ID" = Option<u32>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = History)))]
pub async fn follow(
    who: Principal,
    shop: Shop,
    Place(id): Place<String>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let view = visible(&shop, &who, &id).await?;
    let told = headers.get("last-event-id").map(|id| id.to_str().ok().and_then(|id| id.parse().ok()));
    let told = told.unwrap_or(Some(0)).ok_or_else(|| {
        let detail = "Last-Event-ID is the number of an event.";
        Problem::new(Code::InvalidQuery, detail).at("/last-event-id", "invalid", detail)
    })?;
    let follower = Follower { shop, id: view.id, told, seen: Some(view), until: Instant::now() + LONGEST };
    let events = stream::unfold(follower, |mut follower| async move { Some((follower.news().await?, follower)) });
    Ok(Sse::new(events.flat_map(stream::iter)).keep_alive(KeepAlive::default()))
}

struct Follower {
    shop: Shop,
    id: OrderId,
    /// How many events the client has.
    told: usize,
    /// What is known of the order and not told yet.
    seen: Option<OrderView>,
    until: Instant,
}

impl Follower {
    /// What happened since the last time; `None` when the story is told.
    async fn news(&mut self) -> Option<Vec<Result<Event, Infallible>>> {
        loop {
            let view = match self.seen.take() {
                Some(view) => view,
                None if Instant::now() >= self.until => return None,
                None => {
                    tokio::time::sleep(LOOK).await;
                    // A question that is not answered now is asked again.
                    let Ok(Some(view)) = self.shop.row(ORDER, &self.id, &(), Freshness::Any).await else { continue };
                    view
                }
            };
            if view.status != OrderStatus::Placed {
                // Nothing comes after what there is.
                self.until = Instant::now();
            }
            let told = self.told;
            if told < view.history.len() {
                self.told = view.history.len();
                return Some(view.history.into_iter().enumerate().skip(told).map(event).collect());
            }
        }
    }
}

fn event((before, entry): (usize, tradewind_schemas::order::HistoryEntry)) -> Result<Event, Infallible> {
    let event = Event::default().id((before + 1).to_string()).event(&entry.kind);
    let told = event.json_data(History::from(entry)).unwrap_or_else(|cause| {
        tracing::error!(%cause, "an event cannot be written");
        Event::default().comment("an event could not be written")
    });
    Ok(told)
}
