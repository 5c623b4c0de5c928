use super::*;

const TOPIC: &str = "identity.commands";

fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

fn master(byte: u8) -> MasterKey {
    MasterKey::new([byte; 32])
}

/// A keyring that has a key for user 1.
fn keyring() -> (Keyring, SubjectKey) {
    let keyring = Keyring::new(master(1));
    let (_, record) = keyring.create(user(1)).unwrap();
    (keyring, record)
}

fn sealed_elsewhere(subject: UserId, topic: &str, field: &str) -> KeyringError {
    KeyringError::DoesNotOpen { subject, topic: topic.to_owned(), field: field.to_owned() }
}

#[test]
fn what_is_sealed_opens_here_and_wherever_the_key_was_learned() {
    let (here, record) = keyring();
    let there = Keyring::new(master(1));
    there.learn(&record).unwrap();
    for text in ["", "Ada", "Ada Lovelace, St. James's Square 12, London, Großbritannien"] {
        let sealed = here.seal(user(1), TOPIC, "name", text.as_bytes()).unwrap();
        assert_eq!(sealed.nonce.len(), 12);
        assert_eq!(sealed.bytes.len(), text.len() + 16, "ciphertext and tag");
        for ring in [&here, &there] {
            assert_eq!(ring.open(user(1), TOPIC, "name", &sealed).unwrap(), text.as_bytes());
        }
    }
}

#[test]
fn the_same_text_is_sealed_differently_each_time() {
    let (ring, _) = keyring();
    let [one, other] = [(); 2].map(|()| ring.seal(user(1), TOPIC, "name", b"Ada").unwrap());
    assert_ne!(one.nonce, other.nonce);
    assert_ne!(one.bytes, other.bytes);
}

#[test]
fn a_seal_opens_only_as_what_it_was_sealed_for() {
    let (ring, _) = keyring();
    let sealed = ring.seal(user(1), TOPIC, "name", b"Ada").unwrap();
    for (topic, field) in [(TOPIC, "email"), ("order.commands", "name"), ("identity.commandsn", "ame"), (TOPIC, "")] {
        assert_eq!(ring.open(user(1), topic, field, &sealed), Err(sealed_elsewhere(user(1), topic, field)));
    }
    ring.create(user(2)).unwrap();
    let unknown = KeyringError::UnknownKey { subject: user(2), key_id: sealed.key_id.clone() };
    assert_eq!(ring.open(user(2), TOPIC, "name", &sealed), Err(unknown));
    assert_eq!(ring.open(user(3), TOPIC, "name", &sealed), Err(KeyringError::UnknownSubject(user(3))));
}

#[test]
fn a_seal_of_one_person_does_not_open_as_another_s_even_under_the_same_key() {
    let ring = Keyring::new(master(1));
    let same = Secret::generate();
    ring.hold(user(1), "k".to_owned(), same.clone()).unwrap();
    ring.hold(user(2), "k".to_owned(), same).unwrap();
    let sealed = ring.seal(user(1), TOPIC, "name", b"Ada").unwrap();
    assert_eq!(ring.open(user(2), TOPIC, "name", &sealed), Err(sealed_elsewhere(user(2), TOPIC, "name")));
}

#[test]
fn what_was_altered_does_not_open() {
    let (ring, _) = keyring();
    let sealed = ring.seal(user(1), TOPIC, "name", b"Ada").unwrap();
    let altered = |change: &dyn Fn(&mut Sealed)| {
        let mut altered = sealed.clone();
        change(&mut altered);
        altered
    };
    for wrong in [
        altered(&|s| s.bytes[0] ^= 1),
        altered(&|s| *s.bytes.last_mut().unwrap() ^= 128),
        altered(&|s| s.bytes.truncate(2)),
        altered(&|s| s.bytes.clear()),
        altered(&|s| s.bytes.push(0)),
        altered(&|s| s.nonce[11] ^= 1),
        altered(&|s| s.nonce.truncate(11)),
        altered(&|s| s.nonce.clear()),
        altered(&|s| s.nonce.push(0)),
    ] {
        assert_eq!(ring.open(user(1), TOPIC, "name", &wrong), Err(sealed_elsewhere(user(1), TOPIC, "name")));
    }
}

#[test]
fn the_newest_key_seals_and_every_key_opens() {
    let (ring, first) = keyring();
    let old = ring.seal(user(1), TOPIC, "name", b"old").unwrap();
    let (key_id, second) = ring.create(user(1)).unwrap();
    let new = ring.seal(user(1), TOPIC, "name", b"new").unwrap();
    assert_ne!(old.key_id, new.key_id);
    assert_eq!(new.key_id, key_id);

    let other_order = Keyring::new(master(1));
    for record in [&second, &first, &second] {
        other_order.learn(record).unwrap();
    }
    assert_eq!(other_order.open(user(1), TOPIC, "name", &old).unwrap(), b"old");
    assert_eq!(other_order.open(user(1), TOPIC, "name", &new).unwrap(), b"new");
    assert_eq!(other_order.seal(user(1), TOPIC, "name", b"x").unwrap().key_id, key_id);
}

#[test]
fn an_erased_person_stays_erased() {
    let (ring, record) = keyring();
    let sealed = ring.seal(user(1), TOPIC, "name", b"Ada").unwrap();
    assert!(ring.knows(user(1)));
    ring.forget(user(1));
    let erased = || KeyringError::Erased(user(1));
    assert!(!ring.knows(user(1)));
    assert_eq!(ring.open(user(1), TOPIC, "name", &sealed), Err(erased()));
    assert_eq!(ring.seal(user(1), TOPIC, "name", b"Ada"), Err(erased()));
    assert_eq!(ring.create(user(1)), Err(erased()));
    assert_eq!(ring.learn(&record), Ok(()), "the topic may still have it");
    assert_eq!(ring.open(user(1), TOPIC, "name", &sealed), Err(erased()));
    assert!(erased().to_string().contains("was erased"));
}

#[test]
fn a_key_is_bound_to_its_master_its_person_and_its_id() {
    let (_, record) = keyring();
    let SubjectKey::WrappedKey { key_id, nonce, wrapped, .. } = record.clone();
    let other = |subject, key_id: &str| KeyringError::OtherMaster { subject, key_id: key_id.to_owned() };
    assert_eq!(Keyring::new(master(2)).learn(&record), Err(other(user(1), &key_id)));

    let of = |user_id, key_id: &str, wrapped: &[u8]| SubjectKey::WrappedKey {
        user_id,
        key_id: key_id.to_owned(),
        nonce: nonce.clone(),
        wrapped: wrapped.to_owned(),
    };
    let ring = Keyring::new(master(1));
    assert_eq!(ring.learn(&of(user(2), &key_id, &wrapped)), Err(other(user(2), &key_id)));
    assert_eq!(ring.learn(&of(user(1), "another", &wrapped)), Err(other(user(1), "another")));
    assert_eq!(ring.learn(&of(user(1), &key_id, &wrapped[1..])), Err(other(user(1), &key_id)));
    assert!(!ring.knows(user(1)));
}

#[test]
fn no_key_is_printed() {
    let master = MasterKey::new([0xAB; 32]);
    let ring = Keyring::new(master.clone());
    let (_, record) = ring.create(user(1)).unwrap();
    let sealed = ring.seal(user(1), TOPIC, "name", b"Ada").unwrap();
    assert_eq!(format!("{master:?} {ring:?} {sealed:?}"), "MasterKey(…) Keyring(1 subjects) Sealed(…)");
    let printed = format!("{record:?}");
    assert!(!printed.contains("171, 171"), "{printed}");
}

#[test]
fn a_master_key_is_read_as_it_is_written() {
    let made = MasterKey::generate();
    let read: MasterKey = made.encoded().parse().unwrap();
    let (_, record) = Keyring::new(made).create(user(1)).unwrap();
    Keyring::new(read).learn(&record).unwrap();
    for wrong in ["", "secret", "AAAA", &BASE64_STANDARD.encode([0; 31]), &BASE64_STANDARD.encode([0; 33])] {
        assert_eq!(wrong.parse::<MasterKey>().unwrap_err(), NoSecret);
    }
}

#[test]
fn threads_share_a_keyring() {
    let (ring, _) = keyring();
    std::thread::scope(|threads| {
        for number in 0..4 {
            let ring = &ring;
            threads.spawn(move || {
                for round in 0..50 {
                    let subject = user(10 + number);
                    ring.create(subject).unwrap();
                    let text = format!("{number} {round}");
                    let sealed = ring.seal(user(1), TOPIC, "name", text.as_bytes()).unwrap();
                    assert_eq!(ring.open(user(1), TOPIC, "name", &sealed).unwrap(), text.as_bytes());
                }
            });
        }
    });
}
