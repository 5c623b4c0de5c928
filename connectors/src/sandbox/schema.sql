CREATE TABLE payment_intents (
    seq             INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    created         INTEGER NOT NULL,
    amount          INTEGER NOT NULL CHECK (amount > 0),
    currency        TEXT NOT NULL,
    payment_method  TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('requires_payment_method', 'requires_capture', 'succeeded', 'canceled')),
    latest_charge   TEXT NOT NULL,
    authorised      INTEGER NOT NULL CHECK (authorised BETWEEN 0 AND amount),
    captured        INTEGER NOT NULL DEFAULT 0 CHECK (captured BETWEEN 0 AND authorised),
    refunded        INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND captured),
    canceled_at     INTEGER,
    cancellation_reason TEXT
) STRICT;

CREATE TABLE refunds (
    seq             INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    payment_intent  TEXT NOT NULL REFERENCES payment_intents (id),
    created         INTEGER NOT NULL,
    amount          INTEGER NOT NULL CHECK (amount > 0)
) STRICT;
CREATE INDEX refunds_of_payment_intent ON refunds (payment_intent);

-- Of payment intents and refunds alike: `owner` is the id of either.
CREATE TABLE metadata (
    owner           TEXT NOT NULL,
    name            TEXT NOT NULL,
    value           TEXT NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX owners_by_metadata ON metadata (name, value, owner);

-- What every request that changed something, or was refused in trying, was answered.
CREATE TABLE requests (
    idempotency_key TEXT PRIMARY KEY,
    fingerprint     BLOB NOT NULL,
    created         INTEGER NOT NULL,
    path            TEXT NOT NULL,
    traceparent     TEXT,
    status          INTEGER NOT NULL,
    answer          TEXT NOT NULL
) STRICT, WITHOUT ROWID;
