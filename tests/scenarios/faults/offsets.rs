//! A group's offsets, changelogs and sources that somebody has lost, cut off or made anew underneath a shop on Kafka.

use std::fs;

use tradewind_tests::{client::order, shop::Shop};

use super::operator::{Operator, refuses};

const STAGE: &str = "order";
const SOURCE: &str = "order.commands";

/// A shop on Kafka with one order, its worker stopped in good order; and a partition of that order's stage.
async fn with_one_order() -> (Shop, Operator, i32) {
    let mut shop = Shop::on_kafka().await;
    shop.sell("LAMP", 4900, 10).await;
    let customer = shop.customers(1).await.remove(0);
    customer.place("first", &order("LAMP", 1, "tok_visa")).await.expect(201);
    shop.process("worker").stop_in_good_order();
    let operator = Operator::of(&shop);
    let partition = *operator.used(STAGE, SOURCE).first().expect("the order has its partition");
    (shop, operator, partition)
}

/// Another order, after all was mended; and the books are right.
async fn goes_on(mut shop: Shop) {
    shop.process("worker").restart();
    let customer = shop.guest().log_in("buyer-0@shop.example", "a buyer's password").await;
    customer.place("second", &order("LAMP", 1, "tok_visa")).await.expect(201);
    shop.stock_becomes("LAMP", (10, 0, 2)).await;
    assert_eq!(shop.close().charges("succeeded"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_has_others_than_the_state() {
    let (mut shop, operator, partition) = with_one_order().await;
    let stood = operator.offset(STAGE, SOURCE, partition).expect("an offset");
    tokio::task::block_in_place(|| {
        // Such as a group has that lost its offsets, and was given its first ones anew.
        operator.set_offset(STAGE, SOURCE, partition, 0);
        let (task, state) = (format!("{SOURCE}-{partition}"), format!("up to {stood} but its group says 0"));
        let mend = format!("give the group {stood}");
        refuses(shop.process("worker"), &[&task, "refuses to run", "(group", ".order,", &state, &mend]);
        // As the message says.
        operator.set_offset(STAGE, SOURCE, partition, stood);
    });
    goes_on(shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_lost_its_offsets() {
    let (mut shop, operator, _) = with_one_order().await;
    tokio::task::block_in_place(|| {
        operator.forget_group(STAGE);
        refuses(shop.process("worker"), &["refuses to run", "its group has", "offset for the source"]);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changelog_that_was_cut_off_or_made_anew() {
    let (mut shop, operator, partition) = with_one_order().await;
    let changelog = format!("{STAGE}.changelog");
    let state = shop.home().join("worker/state");
    let kept = shop.home().join("kept");
    tokio::task::block_in_place(|| {
        operator.delete_records(&changelog, partition);
        fs::rename(&state, &kept).expect("the state is lost");
        let parts =
            ["refuses to run", "its changelog begins at", "records were deleted", "where a local state has them"];
        refuses(shop.process("worker"), &parts);
        fs::remove_dir_all(&state).expect("what it began is removed");
        fs::rename(&kept, &state).expect("and a state that has them put there");
    });
    shop.process("worker").restart();
    let customer = shop.guest().log_in("buyer-0@shop.example", "a buyer's password").await;
    customer.place("second", &order("LAMP", 1, "tok_visa")).await.expect(201);
    shop.stock_becomes("LAMP", (10, 0, 2)).await;
    tokio::task::block_in_place(|| {
        shop.process("worker").stop_in_good_order();
        let said = shop.process("worker").said();
        assert!(said.contains("the changelog lacks its beginning"), "{said}");

        operator.make_anew(&changelog);
        let parts = ["refuses to run", "the topics were deleted and made anew", "put the right directory in its place"];
        refuses(shop.process("worker"), &parts);
        assert!(state.join(STAGE).join(partition.to_string()).join("CURRENT").exists(), "it was not wiped");
        fs::remove_dir_all(&state).expect("the state is lost, too");
        refuses(shop.process("worker"), &["its state has consumed the source up to 0 but its group says"]);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_was_made_anew() {
    let (mut shop, operator, partition) = with_one_order().await;
    tokio::task::block_in_place(|| {
        let stood = operator.offset(STAGE, SOURCE, partition).expect("an offset");
        operator.make_anew(SOURCE);
        refuses(shop.process("worker"), &["refuses to run", "the topics were deleted and made anew"]);
        fs::remove_dir_all(shop.home().join("worker/state")).expect("the state is lost, too");
        // Kafka has forgotten the group's offsets with the topic, and `topics apply` has written the first ones.
        refuses(shop.process("worker"), &["refuses to run", "its changelog is that of other topics"]);
        // Even an operator who puts them back is not led astray.
        operator.set_offset(STAGE, SOURCE, partition, stood);
        refuses(shop.process("worker"), &["refuses to run", "its changelog is that of other topics"]);
    });
}
