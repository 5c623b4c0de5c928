//! What an edge measures of itself.

use std::time::Duration;

use axum::http::Method;
use prometheus::{Encoder, Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    pub waiting: IntGauge,
    pub hashing: IntGauge,
    pub catalogue_lag: Gauge,
}

impl Metrics {
    /// Registered with a registry that others may share.
    pub fn new(registry: Registry) -> Result<Self, prometheus::Error> {
        let labels = &["method", "route", "status"];
        let requests = IntCounterVec::new(Opts::new("tradewind_http_requests_total", "Requests answered."), labels)?;
        let buckets = vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
        let seconds = HistogramVec::new(
            HistogramOpts::new("tradewind_http_request_seconds", "From a request's head to its answer's.")
                .buckets(buckets),
            &["method", "route"],
        )?;
        let waiting = IntGauge::new("tradewind_edge_waiting", "Requests that wait for a decision.")?;
        let hashing = IntGauge::new("tradewind_edge_passwords_waiting", "Passwords being hashed, or waiting for it.")?;
        let catalogue_lag =
            Gauge::new("tradewind_edge_catalogue_lag_seconds", "Since the catalogue last had all there was.")?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(waiting.clone()))?;
        registry.register(Box::new(hashing.clone()))?;
        registry.register(Box::new(catalogue_lag.clone()))?;
        Ok(Self { registry, requests, seconds, waiting, hashing, catalogue_lag })
    }

    /// `route` is the pattern that matched, so that ids make no new series.
    pub fn answered(&self, method: &Method, route: Option<&str>, status: u16, took: Duration) {
        // A method that clients made up makes no new series either.
        let known = matches!(method.as_str(), "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS");
        let (method, route) = (if known { method.as_str() } else { "other" }, route.unwrap_or("none"));
        self.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    /// In Prometheus's text format.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}
