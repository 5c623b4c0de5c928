//! The first administrator: only a demo has one whom everybody knows, and nobody but this machine reaches it.

use std::time::Duration;

use tempfile::TempDir;
use tradewind_tests::{client::Client, ports::free_port, process::Process, shop::Shop};

use super::{ADMINISTRATOR, ANY, fails, text, up};

/// On a busy machine too.
const UP_WITHIN: Duration = Duration::from_secs(240);

const NEEDED: [&str; 4] = ["--admin-email", "TRADEWIND_ADMIN_EMAIL", "--admin-password", "TRADEWIND_ADMIN_PASSWORD"];

#[test]
fn nobody_is_made_up_where_others_can_come() {
    let home = TempDir::new().expect("a folder");
    let data_dir = text(&home.path().join("data"));
    let up = ["up", "--data-dir", &data_dir, "--admin-listen", ANY];
    let fails = |more: &[&str], says: &[&str]| fails(&[&up, more].concat(), &[&NEEDED, says].concat());
    fails(&["--listen", "0.0.0.0:0"], &["0.0.0.0:0", "from --listen", "other machines"]);
    fails(&["--listen", ANY, "--no-demo"], &["from --no-demo"]);
    fails(&["--listen", ANY, "--admin-email", "ada@shop.example"], &["there is no password"]);
    fails(&["--listen", ANY, "--admin-password", "a long enough password"], &["there is no e-mail address"]);
    assert!(!home.path().join("data").exists(), "nothing was touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_stays_on_its_machine() {
    let home = TempDir::new().expect("a folder");
    let (data_dir, listen) = (text(&home.path().join("data")), format!("127.0.0.1:{}", free_port()));
    let demo = ["up", "--data-dir", &data_dir, "--admin-listen", ANY, "--listen", &listen];
    let mut demo = Process::start("demo", &demo, home.path());
    demo.says("Try, in another terminal", UP_WITHIN).await;
    let (email, password) = ("admin@tradewind.example", "tradewind-demo-admin");
    assert!(demo.said().contains(&format!("administrator  {email}  {password}  (the demo's)")), "{}", demo.tail());
    Client::guest(&format!("http://{listen}")).log_in(email, password).await;
    demo.stop_in_good_order();

    let abroad = up(&data_dir, "0.0.0.0:0", ANY);
    fails(&abroad, &["was begun as a demo", &data_dir, "0.0.0.0:0 (from --listen)", "everybody knows the password"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_of_somebody_s_gets_no_administrator_of_the_demo() {
    let mut shop = Shop::embedded().await;
    let named = format!("administrator  {}  (from --admin-email)", ADMINISTRATOR[1]);
    shop.process("up").says(&named, UP_WITHIN).await;
    shop.process("up").stop_in_good_order();
    let data_dir = text(&shop.data_dir());
    let demo = ["up", "--data-dir", &data_dir, "--listen", ANY, "--admin-listen", ANY];
    fails(&demo, &[&NEEDED[..], &[&data_dir, "was not begun as a demo"]].concat());
}
