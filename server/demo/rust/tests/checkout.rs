//! The whole till, with a card terminal that takes its time.

use corner_shop::{discounted, Basket};
use std::thread::sleep;
use std::time::Duration;

fn card_terminal() {
    sleep(Duration::from_millis(3_000));
}

#[test]
fn paying_by_card_takes_a_while() {
    card_terminal();
    let mut basket = Basket::default();
    basket.add("bread", 420, 2);
    assert_eq!(basket.to_pay(), 840);
}

#[test]
fn a_large_basket_gets_its_discount() {
    card_terminal();
    let mut basket = Basket::default();
    basket.add("wine", 1_000, 6);
    assert_eq!(basket.to_pay(), 5_400);
}

#[test]
fn no_discount_changes_nothing() {
    card_terminal();
    assert_eq!(discounted(1_234, 0), 1_234);
}
