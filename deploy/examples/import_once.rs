use tradewind::import::northwind::{Credentials, NOTICE, import, progress_bar};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).init();
    let mut args = std::env::args().skip(1);
    let (file, edge) = (args.next().unwrap(), args.next().unwrap());
    let credentials = Credentials { email: "admin@tradewind.example".into(), password: "tradewind-demo-admin".to_owned().into() };
    let began = std::time::Instant::now();
    let summary = import(file.as_ref(), &edge, credentials, &progress_bar()).await?;
    println!("{summary}\n{NOTICE}\nin {:?}", began.elapsed());
    Ok(())
}
