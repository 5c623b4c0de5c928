//! A product comes to be once every SKU is its own.

use tradewind_schemas::{
    Actor, Money, Rejection,
    catalog::{CatalogCommand, CatalogEntry, CatalogEvent, PRODUCT, Product, ProductDetails, ProductStatus, Variant},
    edge::Settled,
};
use tradewind_topics::list::{CATALOG_COMMANDS, CATALOG_PRODUCTS};

use super::story::*;

fn claim() -> CatalogCommand {
    CatalogCommand::ClaimSku { product_id: product_id(1) }
}

fn release() -> CatalogCommand {
    CatalogCommand::ReleaseSku { product_id: product_id(1) }
}

#[test]
fn a_product_with_one_sku() {
    let cups = product(cup(&["CUP-1"]));
    shop()
        .when(create(cup(&["CUP-1"])))
        .then([proposed(&["CUP-1"])])
        .sends(CATALOG_COMMANDS, sku("CUP-1"), claim())
        .check(|it| assert_eq!(it.view(PRODUCT, &()), None, "it is not there yet"))
        .by(the_catalog())
        .when(claimed("CUP-1"))
        .then([secured("CUP-1"), created(&["CUP-1"])])
        .sends_kinds([("catalog.products", "ProductEntry")])
        .sends(CATALOG_PRODUCTS, product_id(1), CatalogEntry::ProductEntry { product: cups.clone() })
        .settles(Settled::Accepted {})
        .check(|it| assert_eq!(it.view(PRODUCT, &()), Some(cups.clone())));
}

#[test]
fn every_sku_is_asked_for_and_waited_for() {
    shop()
        .when(create(cup(&["S", "M", "L"])))
        .sends_kinds([("catalog.commands", "ClaimSku"); 3])
        .sends(CATALOG_COMMANDS, sku("M"), claim())
        .by(the_catalog())
        .when(claimed("M"))
        .then([secured("M")])
        .sends_kinds([])
        .when(claimed("M"))
        .nothing()
        .when(claimed("L"))
        .then([secured("L")])
        .when(claimed("XXL"))
        .nothing()
        .when(claimed("S"))
        .then([secured("S"), created(&["S", "M", "L"])])
        .settles(Settled::Accepted {})
        .when(claimed("S"))
        .nothing()
        .when(refused("S"))
        .nothing();
}

#[test]
fn a_draft_is_not_published() {
    let command = CatalogCommand::CreateProduct { product_id: product_id(1), details: cup(&["A"]), publish: false };
    let draft = Product { status: ProductStatus::Draft, ..product(cup(&["A"])) };
    shop()
        .when(command)
        .by(the_catalog())
        .when(claimed("A"))
        .then([secured("A"), CatalogEvent::ProductCreated { product: draft.clone() }])
        .sends(CATALOG_PRODUCTS, product_id(1), CatalogEntry::ProductEntry { product: draft });
}

#[test]
fn it_is_created_when_the_last_sku_came() {
    shop()
        .given([proposed(&["A"])])
        .after(std::time::Duration::from_secs(5))
        .by(the_catalog())
        .when(claimed("A"))
        .check(|it| {
            let there: Product = it.view(PRODUCT, &()).unwrap();
            assert_eq!((there.created_at, there.updated_at), (it.now(), it.now()));
        });
}

#[test]
fn a_taken_sku_refuses_the_product_and_gives_the_others_back() {
    let taken = || Rejection::new("sku_taken", "another product has B");
    shop()
        .when(create(cup(&["A", "B", "C"])))
        .by(the_catalog())
        .when(claimed("A"))
        .when(refused("B"))
        .then([unavailable("B")])
        .sends_kinds([])
        .when(claimed("C"))
        .then([secured("C"), refusal(&["B"], &["A", "C"])])
        .sends_kinds([("catalog.commands", "ReleaseSku"); 2])
        .sends(CATALOG_COMMANDS, sku("A"), release())
        .sends(CATALOG_COMMANDS, sku("C"), release())
        .settles(Settled::Rejected { rejection: taken() })
        .check(|it| assert_eq!(it.view(PRODUCT, &()), None))
        .by(merchant())
        .when(create(cup(&["A", "B", "C"])))
        .rejected("sku_taken")
        .when(CatalogCommand::PublishProduct {})
        .rejected("not_found");
}

fn refusal(taken: &[&str], given_back: &[&str]) -> CatalogEvent {
    CatalogEvent::ProductRefused {
        product_id: product_id(1),
        taken: taken.iter().map(|it| sku(it)).collect(),
        given_back: given_back.iter().map(|it| sku(it)).collect(),
    }
}

#[test]
fn every_taken_sku_is_named() {
    shop()
        .given([proposed(&["A", "B", "C"])])
        .by(the_catalog())
        .when(refused("C"))
        .when(claimed("B"))
        .when(refused("A"))
        .then([unavailable("A"), refusal(&["C", "A"], &["B"])])
        .settles(Settled::Rejected { rejection: Rejection::new("sku_taken", "another product has C, A") });
}

#[test]
fn a_claim_that_comes_through_after_the_refusal_is_given_back_too() {
    shop()
        .given([proposed(&["A", "B"]), refusal(&["A"], &["B"])])
        .by(the_catalog())
        .when(claimed("B"))
        .then([CatalogEvent::SkuUnneeded { product_id: product_id(1), sku: sku("B") }])
        .sends(CATALOG_COMMANDS, sku("B"), release())
        .when(refused("A"))
        .nothing();
}

#[test]
fn who_asks_twice_waits_for_the_same_skus() {
    shop()
        .when(create(cup(&["A"])))
        .again()
        .nothing()
        .when(create(cup(&["A"])))
        .nothing()
        .sends_kinds([])
        .by(the_catalog())
        .when(claimed("A"))
        .settles(Settled::Accepted {})
        .by(merchant())
        .when(create(cup(&["A"])))
        .rejected("product_exists");
}

#[test]
fn only_those_who_run_the_shop_create_products() {
    for (actor, may) in
        [(merchant(), true), (admin(), true), (the_catalog(), true), (customer(), false), (Actor::guest(), false)]
    {
        let scenario = shop().by(actor.clone()).when(create(cup(&["A"])));
        if may {
            scenario.then_kinds(["ProductProposed"])
        } else {
            scenario.rejected("forbidden")
        };
    }
}

#[test]
fn answers_come_from_the_catalogue_itself() {
    for answer in [claimed("A"), refused("A")] {
        shop().given([proposed(&["A"])]).by(admin()).when(answer).rejected("forbidden");
    }
    shop().by(the_catalog()).when(claimed("A")).nothing().when(refused("A")).nothing();
}

#[test]
fn a_product_has_its_limits() {
    let with = |change: &dyn Fn(&mut ProductDetails)| {
        let mut details = cup(&["A", "B"]);
        change(&mut details);
        details
    };
    let priced = |price: Money| with(&move |it| it.variants[1].price = price);
    let many = |count: usize| with(&move |it| it.variants = many_variants(count));
    for (details, pointer) in [
        (with(&|it| it.name = String::new()), "/name"),
        (with(&|it| it.name = "   ".to_owned()), "/name"),
        (with(&|it| it.name = "ü".repeat(201)), "/name"),
        (with(&|it| it.description = "x".repeat(10_001)), "/description"),
        (with(&|it| it.categories = (0..21).map(category_id).collect()), "/categories"),
        (with(&|it| it.categories = vec![category_id(1), category_id(1)]), "/categories"),
        (with(&|it| it.attributes = "x".repeat(16 * 1024 + 1)), "/attributes"),
        (with(&|it| it.variants.clear()), "/variants"),
        (many(101), "/variants"),
        (with(&|it| it.variants[1].sku = sku("A")), "/variants/1/sku"),
        (priced(eur(-1)), "/variants/1/price/amount"),
        (priced(eur(100_000_000)), "/variants/1/price/amount"),
        (priced(eur(i64::MAX)), "/variants/1/price/amount"),
        (priced(usd(1250)), "/variants/1/price/currency"),
    ] {
        shop().when(create(details)).rejected("invalid_product").check(|it| {
            let errors = &it.rejection().unwrap().errors;
            assert_eq!(errors.iter().map(|error| error.pointer.as_str()).collect::<Vec<_>>(), [pointer]);
        });
    }
    for details in [
        with(&|it| it.name = "ü".repeat(200)),
        with(&|it| it.description = "ü".repeat(10_000)),
        with(&|it| it.description.clear()),
        with(&|it| it.categories = (0..20).map(category_id).collect()),
        with(&|it| it.categories.clear()),
        with(&|it| it.attributes = "x".repeat(16 * 1024)),
        many(100),
        priced(eur(0)),
        priced(eur(99_999_999)),
        with(&|it| it.variants.iter_mut().for_each(|variant| variant.price = usd(1))),
    ] {
        shop().when(create(details)).then_kinds(["ProductProposed"]);
    }
}

fn many_variants(count: usize) -> Vec<Variant> {
    (0..count).map(|number| Variant { sku: sku(&format!("V{number}")), price: eur(1) }).collect()
}

#[test]
fn a_command_about_another_product_is_refused() {
    let other = CatalogCommand::CreateProduct { product_id: product_id(2), details: cup(&["A"]), publish: true };
    shop().when(other).rejected("wrong_key");
}
