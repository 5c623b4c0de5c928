//! Taps of a running platform.

use std::{net::SocketAddr, time::Duration};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};
use tradewind::tap;

use crate::shop::*;

const PATIENCE: Duration = Duration::from_secs(30);

struct Served {
    at: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<std::io::Result<()>>,
}

async fn serve(shop: &Shop) -> Served {
    let (stop, stopped) = watch::channel(false);
    let router = tap::router(shop.log.clone(), shop.layout.clone(), shop.schemas.source.clone(), stopped.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let mut stopping = stopped;
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    });
    Served { at, stop, server: tokio::spawn(server.into_future()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_comes_as_lines() {
    let shop = Shop::open();
    shop.cancelled(1_000);
    shop.cancelled(2_000);
    let served = serve(&shop).await;
    let response = reqwest::get(format!("http://{}/tap/order.events?from=beginning", served.at)).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let lines = parsed(&response.text().await.unwrap());
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["value"]["payload"]["type"], "OrderCancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_later_follows_and_the_servers_end_is_the_taps() {
    let shop = Shop::open();
    let served = serve(&shop).await;
    let url = format!("http://{}/tap/order.events?from=end&follow=true", served.at);
    let mut response = reqwest::get(url).await.unwrap();
    assert!(response.status().is_success());
    shop.cancelled(1_000);
    let chunk = timeout(PATIENCE, response.chunk()).await.expect("it comes in time").unwrap().expect("it goes on");
    assert_eq!(parsed(std::str::from_utf8(&chunk).unwrap())[0]["key"], ORDER);
    served.stop.send_replace(true);
    assert_eq!(timeout(PATIENCE, response.chunk()).await.expect("it ends in time").unwrap(), None);
    timeout(PATIENCE, served.server).await.expect("the server ends in time").unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn taps_that_clients_left_make_room_for_others() {
    let shop = Shop::open();
    let served = serve(&shop).await;
    let follow = format!("http://{}/tap/order.events?follow=true", served.at);
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(reqwest::get(&follow).await.unwrap());
    }
    assert_eq!(reqwest::get(&follow).await.unwrap().status(), 503);
    drop(open);
    let room = async {
        while reqwest::get(&follow).await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, room).await.expect("there is room again");
    served.stop.send_replace(true);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_tapped_is_told_why() {
    let shop = Shop::open();
    let served = serve(&shop).await;
    for (asked, status, why) in [
        ("orders", 404, "there is no topic orders; there are: "),
        ("order.events?from=yesterday", 400, "a tap begins at `beginning`"),
        ("order.events?follow=perhaps", 400, ""),
    ] {
        let response = reqwest::get(format!("http://{}/tap/{asked}", served.at)).await.unwrap();
        assert_eq!(response.status(), status, "{asked}");
        let body = response.text().await.unwrap();
        assert!(body.contains(why), "{asked}: {body}");
    }
}
