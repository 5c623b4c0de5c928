//! The file of the shop's keys: without the one it was begun with, nobody could log in ever again.

use std::fs;

use tradewind_tests::{process::command, shop::Shop};

use super::{ANY, another_shops_keys, fails, refused, text, up};

#[tokio::test(flavor = "multi_thread")]
async fn that_are_lost_or_another_shop_s() {
    let mut shop = Shop::embedded().await;
    shop.process("up").stop_in_good_order();
    let (data_dir, keys, kept) =
        (text(&shop.data_dir()), shop.data_dir().join("secrets.json"), shop.data_dir().join("kept.json"));
    let up = up(&data_dir, ANY, ANY);

    fs::rename(&keys, &kept).expect("the shop's keys");
    let unnamed = "neither --secrets-file nor TRADEWIND_SECRETS_FILE";
    fails(&up, &[&text(&keys), unnamed, &data_dir, "was begun with one", "restore it", "Nothing was changed"]);
    assert!(!keys.exists(), "none are made");

    let others = shop.data_dir().join("others.json");
    fs::write(&others, another_shops_keys()).expect("a file");
    let named = text(&others);
    fails(&[&up[..], &["--secrets-file", &named]].concat(), &[&named, "from --secrets-file", "another shop"]);
    refused(command(&up).env("TRADEWIND_SECRETS_FILE", &named), &["from TRADEWIND_SECRETS_FILE", "another shop"]);

    fs::rename(&kept, &keys).expect("the shop's keys");
    fs::remove_file(&others).expect("it is there");
    shop.process("up").restart();
    shop.ready().await;
    shop.administrator().await.get("/v1/users/me").await.expect(200);
    shop.close();
}
