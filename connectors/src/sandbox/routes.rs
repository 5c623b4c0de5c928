use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::Desk;
use super::answer::Answer;
use super::auth;
use super::charges;
use super::form::invalid;
use super::idempotency::Effect;
use super::ledger::Ask;
use super::payment_intents::{Cancel, Capture, Create};
use super::problem::Problem;
use super::refunds::CreateRefund;
use super::request::{Asked, Id, Posted};
use super::search;
use super::tokens::Card;

const LARGEST_BODY: usize = 64 * 1024;
const CANCELLATION_REASONS: [&str; 4] = ["duplicate", "fraudulent", "requested_by_customer", "abandoned"];

pub(super) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/v1/payment_intents", post(create))
        .route("/v1/payment_intents/search", get(find))
        .route("/v1/payment_intents/{id}", get(payment_intent))
        .route("/v1/payment_intents/{id}/capture", post(capture))
        .route("/v1/payment_intents/{id}/cancel", post(cancel))
        .route("/v1/refunds", post(refund))
        .route("/v1/refunds/{id}", get(refund_by_id))
        .route("/v1/sandbox/requests/{idempotency_key}", get(request))
        .route("/v1/sandbox/charges", get(charges))
        .fallback(unknown_url)
        .method_not_allowed_fallback(unknown_method)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&desk), auth::require_secret_key))
        .with_state(desk)
}

async fn create(State(desk): State<Arc<Desk>>, Posted { mut form, keyed }: Posted) -> Result<Response, Problem> {
    let create = Create {
        amount: form.amount("amount")?.ok_or_else(|| Problem::missing_parameter("amount"))?,
        currency: form.currency()?,
        card: Card::parse(&form.required("payment_method")?)?,
        metadata: form.metadata()?,
    };
    form.exactly("confirm", "true")?;
    form.exactly("capture_method", "manual")?;
    form.finish()?;
    let card = create.card;
    let answer = desk.ledger.ask(keyed.with(Effect::Create(create))).await;
    // The first answer is held back after it is on the disk: who asks again, or looks the key up, is told at once.
    let hold = match card {
        Card::TimeoutCharged if answer.is_first() => desk.options.timeout_hold,
        Card::Slow if answer.is_first() => desk.options.slow_hold,
        _ => Duration::ZERO,
    };
    held_back(&desk, hold, answer).await
}

async fn held_back(desk: &Desk, hold: Duration, answer: Answer) -> Result<Response, Problem> {
    if hold.is_zero() {
        return Ok(answer.into_response());
    }
    let mut closing = desk.closing.clone();
    tokio::select! {
        () = tokio::time::sleep(hold) => Ok(answer.into_response()),
        // An error says that the gateway is gone, which is as closed as can be.
        _ = closing.wait_for(|closing| *closing) => Err(Problem::closing()),
    }
}

async fn capture(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    Posted { mut form, keyed }: Posted,
) -> Result<Answer, Problem> {
    let amount = form.amount("amount_to_capture")?;
    form.finish()?;
    Ok(desk.ledger.ask(keyed.with(Effect::Capture(Capture { id, amount }))).await)
}

async fn cancel(
    State(desk): State<Arc<Desk>>,
    Id(id): Id,
    Posted { mut form, keyed }: Posted,
) -> Result<Answer, Problem> {
    let reason = form.optional("cancellation_reason");
    if reason.as_deref().is_some_and(|reason| !CANCELLATION_REASONS.contains(&reason)) {
        return Err(invalid("cancellation_reason", "Not a reason that is known"));
    }
    form.finish()?;
    Ok(desk.ledger.ask(keyed.with(Effect::Cancel(Cancel { id, reason }))).await)
}

async fn refund(State(desk): State<Arc<Desk>>, Posted { mut form, keyed }: Posted) -> Result<Answer, Problem> {
    let refund = CreateRefund {
        payment_intent: form.required("payment_intent")?,
        amount: form.amount("amount")?,
        metadata: form.metadata()?,
    };
    form.finish()?;
    Ok(desk.ledger.ask(keyed.with(Effect::Refund(refund))).await)
}

async fn payment_intent(State(desk): State<Arc<Desk>>, Id(id): Id) -> Answer {
    desk.ledger.ask(Ask::PaymentIntent { id }).await
}

async fn refund_by_id(State(desk): State<Arc<Desk>>, Id(id): Id) -> Answer {
    desk.ledger.ask(Ask::Refund { id }).await
}

async fn request(State(desk): State<Arc<Desk>>, Id(idempotency_key): Id) -> Answer {
    desk.ledger.ask(Ask::Request { idempotency_key }).await
}

async fn find(State(desk): State<Arc<Desk>>, Asked(form): Asked) -> Result<Answer, Problem> {
    Ok(desk.ledger.ask(Ask::Search(search::Query::of(form)?)).await)
}

async fn charges(State(desk): State<Arc<Desk>>, Asked(form): Asked) -> Result<Answer, Problem> {
    Ok(desk.ledger.ask(Ask::Charges(charges::Query::of(form)?)).await)
}

async fn unknown_url(method: Method, uri: Uri) -> Problem {
    let message = format!("Unrecognized request URL ({method}: {}).", uri.path());
    Problem::of_transport(StatusCode::NOT_FOUND, message)
}

async fn unknown_method(method: Method, uri: Uri) -> Problem {
    let message = format!("{} does not take {method}.", uri.path());
    Problem::of_transport(StatusCode::METHOD_NOT_ALLOWED, message)
}
