//! Problem details (RFC 9457), and the closed list of their codes.

use std::fmt;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tradewind_runtime::ReplicaError;
use tradewind_schemas::{FieldError, OrderId, Rejection};

use crate::seldom::Seldom;

/// Declares the codes: name, code, status, and what it means to a client.
macro_rules! codes {
    ($($name:ident = $code:literal, $status:literal, $meaning:literal;)*) => {
        /// Every code that a problem can have. docs/problems.md is generated from it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($name),* }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Stable, snake_case.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            pub fn status(self) -> StatusCode {
                let status: u16 = match self { $(Self::$name => $status),* };
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }

            /// The problem's title: what it means, whatever the request was.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning),* }
            }
        }
    };
}

codes! {
    MalformedBody = "malformed_body", 400, "The body is not JSON, or is nested too deeply.";
    InvalidBody = "invalid_body", 400, "A field of the body is missing, unknown, or of the wrong type.";
    InvalidQuery = "invalid_query", 400, "A parameter of the query is unknown or of the wrong type.";
    InvalidCursor = "invalid_cursor", 400, "The cursor was not made by this list.";
    InvalidConsistencyToken = "invalid_consistency_token", 400, "The consistency token was not made by this shop.";
    IdempotencyKeyRequired = "idempotency_key_required", 400, "This request needs an Idempotency-Key header.";
    InvalidIdempotencyKey = "invalid_idempotency_key", 400, "An Idempotency-Key is 1 to 255 visible ASCII characters.";
    Unauthenticated = "unauthenticated", 401, "This request needs an access token.";
    InvalidToken = "invalid_token", 401, "The access token is not valid, or no longer.";
    InvalidCredentials = "invalid_credentials", 401, "The e-mail address or the password is wrong.";
    InvalidRefreshToken = "invalid_refresh_token", 401, "The refresh token is not valid, or no longer.";
    Forbidden = "forbidden", 403, "The roles of this user do not allow it.";
    NotFound = "not_found", 404, "There is no such thing, or it is not yours to see.";
    MethodNotAllowed = "method_not_allowed", 405, "This resource does not know that method.";
    RequestTimeout = "request_timeout", 408, "The body took too long to arrive.";
    EmailTaken = "email_taken", 409, "Somebody has registered with this e-mail address.";
    UserExists = "user_exists", 409, "This user is registered already.";
    StalePassword = "stale_password", 409, "The password was changed in the meantime.";
    SessionClosed = "session_closed", 409, "The session was closed or has expired.";
    LastAdmin = "last_admin", 409, "Administrators cannot take that role from themselves: another one can.";
    AddressExists = "address_exists", 409, "This address was added already.";
    TooManyAddresses = "too_many_addresses", 409, "An address book has at most 50 addresses.";
    ProductExists = "product_exists", 409, "This product exists already.";
    SkuTaken = "sku_taken", 409, "Another product has this SKU.";
    ProductArchived = "product_archived", 409, "The product is archived, and does not change any more.";
    StaleVersion = "stale_version", 409, "The resource was changed in the meantime.";
    BelowZero = "below_zero", 409, "There is less in stock than the adjustment takes.";
    BelowPromised = "below_promised", 409, "The adjustment takes what is promised to orders.";
    StockTooLarge = "stock_too_large", 409, "So much of one SKU cannot be in stock.";
    OrderExists = "order_exists", 409, "This order was placed before.";
    OutOfStock = "out_of_stock", 409, "There is not enough stock.";
    StockTimeout = "stock_timeout", 409, "The stock was not reserved in time.";
    StockExpired = "stock_expired", 409, "The reservation of the stock expired before the order was paid.";
    PaymentDeclined = "payment_declined", 409, "The payment was declined.";
    PaymentTimeout = "payment_timeout", 409, "The payment was not authorised in time.";
    CaptureFailed = "capture_failed", 409, "The payment was authorised, but could not be captured.";
    PriceChanged = "price_changed", 409, "The total is not the expected one.";
    OrderNotCancellable = "order_not_cancellable", 409, "The order cannot be cancelled any more.";
    Cancelled = "cancelled", 409, "The order was cancelled before it was confirmed.";
    Refused = "refused", 409, "The request does not fit the state of things; the detail says why.";
    PreconditionFailed = "precondition_failed", 412, "The resource is not what If-Match names any more.";
    TooLarge = "too_large", 413, "The body is larger than this route takes: 1 MiB, or 8 KiB where no token is needed.";
    UnsupportedMediaType = "unsupported_media_type", 415, "Bodies are application/json.";
    ValidationFailed = "validation_failed", 422, "A value is outside of what is allowed.";
    UnknownSku = "unknown_sku", 422, "No published product has this SKU.";
    DuplicateSku = "duplicate_sku", 422, "The same SKU is there twice.";
    InvalidQuantity = "invalid_quantity", 422, "A quantity is outside of what is allowed.";
    CurrencyMismatch = "currency_mismatch", 422, "The currencies do not agree.";
    AmountTooLarge = "amount_too_large", 422, "The amounts are too large to add up.";
    UnknownCategory = "unknown_category", 422, "There is no such category.";
    UnknownCustomer = "unknown_customer", 422, "There is no such customer.";
    InvalidAddress = "invalid_address", 422, "The address is outside of what is allowed.";
    InvalidAmount = "invalid_amount", 422, "An amount is outside of what is allowed.";
    InvalidCategory = "invalid_category", 422, "The category is outside of what is allowed.";
    InvalidCountry = "invalid_country", 422, "A country is two capital letters of ISO 3166-1.";
    InvalidDiscount = "invalid_discount", 422, "A discount is 0 to 10000 basis points.";
    InvalidLines = "invalid_lines", 422, "The lines are outside of what is allowed.";
    InvalidOrderId = "invalid_order_id", 422, "An order's id is a UUID.";
    InvalidPaymentMethod = "invalid_payment_method", 422, "A payment method is a card, by its token.";
    InvalidPlacedAt = "invalid_placed_at", 422, "An order was placed between 1970 and now.";
    InvalidPrice = "invalid_price", 422, "The price is outside of what is allowed.";
    InvalidProduct = "invalid_product", 422, "The product is outside of what is allowed.";
    InvalidReason = "invalid_reason", 422, "The reason is too long, or missing.";
    InvalidRoles = "invalid_roles", 422, "A user has at least one role.";
    InvalidSession = "invalid_session", 422, "The session is outside of what is allowed.";
    InvalidSku = "invalid_sku", 422, "A SKU is 1 to 64 letters, digits, '-', '_' or '.'.";
    InvalidUser = "invalid_user", 422, "The account is outside of what is allowed.";
    WrongKey = "wrong_key", 422, "The command was about something else.";
    IdempotencyKeyReused = "idempotency_key_reused", 422, "The Idempotency-Key was used with another body.";
    TooManyAttempts = "too_many_attempts", 429, "Too many failed attempts; try again later.";
    Internal = "internal", 500, "Something went wrong on our side.";
    Undecidable = "undecidable", 500, "The request was accepted, but could not be decided; the shop's staff was told.";
    Overloaded = "overloaded", 503, "Too much to do at the moment.";
    Unavailable = "unavailable", 503, "A part of the shop cannot be reached at the moment.";
    NotCaughtUp = "not_caught_up", 503, "The views are not yet as fresh as the request asks for.";
    CatalogueStale = "catalogue_stale", 503, "The catalogue is too far behind to quote from.";
    Undecided = "undecided", 503, "The request was not decided in time.";
}

impl Code {
    /// The code of this name.
    pub fn named(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == code)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An answer of "no". It becomes a response without a body: the outermost layer writes the body, with the trace id.
#[derive(Clone, Debug)]
pub struct Problem {
    pub code: Code,
    pub detail: String,
    pub errors: Vec<FieldError>,
    /// In seconds.
    pub retry_after: Option<u64>,
    /// Of an order that came to be, and was rejected.
    pub order_id: Option<OrderId>,
    pub location: Option<String>,
    pub replayed: bool,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let retry_after = (code.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        let (order_id, location) = (None, None);
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after, order_id, location, replayed: false }
    }

    /// Names a field by its JSON pointer.
    pub fn at(mut self, pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError { pointer: pointer.into(), code: code.to_owned(), detail: detail.into() });
        self
    }

    /// The same, of another field.
    pub fn pointing(mut self, pointer: &str) -> Self {
        self.errors.iter_mut().for_each(|error| error.pointer = pointer.to_owned());
        self
    }

    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is no such resource.")
    }

    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub fn replayed(mut self, replayed: bool) -> Self {
        self.replayed = replayed;
        self
    }

    pub(crate) fn body(&self, trace_id: &str) -> Vec<u8> {
        let body = Body {
            kind: format!("/docs#{}", self.code),
            title: self.code.meaning(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            code: self.code.as_str(),
            trace_id,
            errors: &self.errors,
            order_id: self.order_id,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// The problem on the wire.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    trace_id: &'a str,
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderId>,
}

/// A rejection's code is one of the list; one that a newer processor knows and this edge does not is `refused`.
impl From<ReplicaError> for Problem {
    fn from(cause: ReplicaError) -> Self {
        static UNKNOWN: Seldom = Seldom::new();
        match cause {
            ReplicaError::Behind => Self::new(Code::NotCaughtUp, "This edge has not read far enough yet; try again."),
            ReplicaError::Unavailable(cause) => {
                if let Some(left_out) = UNKNOWN.due() {
                    tracing::warn!(cause, left_out, "the log does not say how far a topic goes");
                }
                Self::new(Code::Unavailable, "The log cannot be asked at the moment.")
            }
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let (code, detail) = match Code::named(&rejection.code) {
            Some(code) => (code, rejection.detail),
            None => (Code::Refused, format!("{} ({})", rejection.detail, rejection.code)),
        };
        Self { errors: rejection.errors, ..Self::new(code, detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.code.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(location) = self.location.as_deref().and_then(|to| HeaderValue::from_str(to).ok()) {
            headers.insert(header::LOCATION, location);
        }
        if self.replayed {
            headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        response.extensions_mut().insert(self);
        response
    }
}
