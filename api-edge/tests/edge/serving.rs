//! Behind a real socket.

use std::time::Duration;

use tokio::{net::TcpListener, sync::oneshot};

use crate::fakes::Shopfront;

#[tokio::test]
async fn it_serves_and_stops_when_told() {
    let shop = Shopfront::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let until = async move {
        let _told = stopped.await;
    };
    let serving = tokio::spawn(tradewind_edge::serve(listener, shop.router(), until, Duration::from_secs(30)));
    let client = reqwest::Client::new();
    let answer = client.get(format!("http://{address}/livez")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "live\n"));
    let login = client.post(format!("http://{address}/v1/sessions")).header("content-type", "application/json");
    let refused = login.body(r#"{"email":"no@body.com","password":"whatever"}"#).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 401);
    drop(client);
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert!(reqwest::get(format!("http://{address}/livez")).await.is_err(), "no connection after the stop");
}
