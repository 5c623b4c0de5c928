//! Bytes that are no record.

use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tradewind_schemas::{Codec, CodecError, Contract, framed_id, inventory::InventoryEvent, order::OrderCommand};

use crate::{
    evolution::{envelope, new, old},
    registry::Published,
    samples::Samples,
};

#[test]
fn what_is_not_framed_is_refused() {
    let (codec, _) = old::codec();
    for (bytes, says) in [
        (&b""[..], "the first byte is not 0"),
        (b"{\"id\":1}", "the first byte is not 0"),
        (&[1, 0, 0, 0, 1, 0], "the first byte is not 0"),
        (&[0], "shorter than its header"),
        (&[0, 0, 0, 1], "shorter than its header"),
    ] {
        let refused = codec.decode(bytes).unwrap_err();
        assert!(matches!(refused, CodecError::Unframed(_)), "{bytes:?}: {refused}");
        assert!(refused.to_string().contains(says), "{bytes:?}: {refused}");
        assert!(!refused.is_environment());
    }
    assert_eq!(framed_id(&[0, 0, 0, 1, 2]).unwrap(), (258, &[][..]));
}

#[test]
fn a_record_cut_short_anywhere_is_refused() {
    let (old, _) = old::codec();
    let (new, _) = new::codec();
    let label = old::Label { lines: vec![old::Line { text: "Ada".to_owned() }] };
    let whole = old.encode(&envelope(old::Parcel::Packed { id: 1, weight: 1, label })).unwrap();
    for length in 5..whole.len() {
        for refused in [old.decode(&whole[..length]).map(drop), new.decode(&whole[..length]).map(drop)] {
            let refused = refused.unwrap_err();
            let cut = matches!(refused, CodecError::Malformed { .. } | CodecError::Truncated { .. });
            assert!(cut, "{length} bytes: {refused}");
        }
    }
}

#[test]
fn no_variant_is_taken_for_a_shorter_one() {
    let schema = OrderCommand::schema("order.commands");
    let published = Arc::new(Published::default().with(8, &schema));
    let codec = Codec::<OrderCommand>::new("order.commands", 7, published).unwrap();
    for (variant, datum) in Samples::of(&schema, 3).of_each_branch() {
        for length in 0..datum.len() {
            for id in [7, 8] {
                let cut = [&[0, 0, 0, 0, id][..], &datum[..length]].concat();
                assert!(codec.decode(&cut).is_err(), "{variant}, {length} of {} bytes, schema {id}", datum.len());
            }
        }
    }
}

#[test]
fn bytes_after_the_record_are_refused() {
    let (old, _) = old::codec();
    let (new, _) = new::codec();
    let mut long = old.encode(&envelope(old::Parcel::Collected { id: 1 })).unwrap();
    long.extend([0, 0, 0]);
    for refused in [old.decode(&long).map(drop), new.decode(&long).map(drop)] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, CodecError::Excess { excess: 3, .. }), "{refused}");
    }
}

#[test]
fn another_topic_s_record_is_refused() {
    let stock = InventoryEvent::schema("inventory.events");
    let published = Arc::new(Published::default().with(9, &stock));
    let orders = Codec::<OrderCommand>::new("order.commands", 7, published).unwrap();
    for (variant, datum) in Samples::of(&stock, 1).of_each_branch() {
        let read = orders.decode(&[&[0, 0, 0, 0, 9][..], &datum].concat());
        let refused = read.err().unwrap_or_else(|| panic!("{variant} was taken for an order's command"));
        assert!(matches!(refused, CodecError::Incompatible { id: 9, .. }), "{variant}: {refused}");
    }
}

#[test]
fn garbage_is_refused_without_a_panic_or_a_huge_allocation() {
    let schema = OrderCommand::schema("order.commands");
    let published = Arc::new(Published::default().with(8, &schema));
    let codec = Codec::<OrderCommand>::new("order.commands", 7, published).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let samples = Samples::of(&schema, 2).of_each_branch();
    for round in 0..4_000 {
        let mut datum: Vec<u8> = match round % 2 {
            0 => (0..random.random_range(0..200)).map(|_| random.random()).collect(),
            _ => samples[random.random_range(0..samples.len())].1.clone(),
        };
        for _ in 0..random.random_range(1..4) {
            if !datum.is_empty() {
                let place = random.random_range(0..datum.len());
                datum[place] = random.random();
            }
        }
        for id in [7, 8] {
            // Some alterations are harmless (another letter in a name); none may do more than be refused.
            if let Err(refused) = codec.decode(&[&[0, 0, 0, 0, id][..], &datum].concat()) {
                assert!(!refused.is_environment(), "{refused}");
            }
        }
    }
    let enormous = [&[0, 0, 0, 0, 7][..], &[0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]].concat();
    assert!(matches!(codec.decode(&enormous), Err(CodecError::Malformed { .. })));
}
