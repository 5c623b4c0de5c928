//! Faults that only one of the two can be given: the model's by order, RocksDB's by hand.

mod model {
    use bytes::Bytes;
    use tradewind_state::{
        Backend, Batch, Checkpoint, StateError,
        model::{Call, Fault, ModelBackend, ModelDisk},
    };

    fn apply(backend: &ModelBackend, n: i64) -> Result<(), StateError> {
        let change = |key: &'static str| (0, Bytes::from_static(key.as_bytes()), Some(Bytes::from(n.to_string())));
        let checkpoint = Checkpoint { changelog: n, ..Checkpoint::default() };
        backend.apply(Batch { changes: vec![change("a"), change("b")], checkpoint })
    }

    fn reached(backend: &ModelBackend) -> i64 {
        let reached = backend.checkpoint().expect("read").changelog;
        let expected = (reached > 0).then(|| Bytes::from(reached.to_string()));
        assert_eq!(backend.get(0, b"a").expect("read"), expected);
        assert_eq!(backend.get(0, b"b").expect("read"), expected);
        reached
    }

    #[test]
    fn a_crash_keeps_as_many_batches_as_it_is_told() {
        for choice in 0..8 {
            let disk = ModelDisk::new();
            let backend = disk.open(&[0]).expect("opened");
            apply(&backend, 1).expect("applied");
            backend.sync().expect("synced");
            (2..=4).for_each(|n| apply(&backend, n).expect("applied"));
            assert_eq!(disk.unsynced(), 3);
            disk.crash(choice);
            let after = disk.open(&[0]).expect("opened again, though nobody closed it");
            assert_eq!(reached(&after), 1 + i64::try_from(choice % 4).expect("small"));
        }
    }

    #[test]
    fn a_backend_that_crashed_answers_no_more() {
        let disk = ModelDisk::new();
        let crashed = disk.open(&[0]).expect("opened");
        disk.crash(0);
        let after = disk.open(&[0]).expect("opened again");
        assert!(crashed.get(0, b"a").is_err());
        assert!(apply(&crashed, 1).is_err());
        drop(crashed);
        assert!(matches!(disk.open(&[0]), Err(StateError::InUse { .. })), "the new one keeps it");
        assert_eq!(reached(&after), 0);
    }

    #[test]
    fn after_a_write_that_failed_writes_are_refused_until_it_is_opened_again() {
        for fault in [Fault::NoSpace(Call::Apply), Fault::Io(Call::Apply), Fault::NoSpace(Call::Sync)] {
            let disk = ModelDisk::new();
            let backend = disk.open(&[0]).expect("opened");
            apply(&backend, 1).expect("applied");
            disk.fail_next(fault);
            let failed = apply(&backend, 2).and_then(|()| backend.sync());
            assert!(matches!(failed, Err(StateError::Io { .. })), "{fault:?}");
            let before = reached(&backend);
            assert!(apply(&backend, 3).is_err(), "{fault:?}");
            assert!(backend.sync().is_err(), "{fault:?}");
            assert_eq!(reached(&backend), before, "reads go on");
            drop(backend);
            let backend = disk.open(&[0]).expect("opened again");
            apply(&backend, 3).expect("there is space again");
            backend.sync().expect("synced");
            assert_eq!(reached(&backend), 3);
        }
    }

    #[test]
    fn a_failed_sync_leaves_it_unsynced() {
        let disk = ModelDisk::new();
        let backend = disk.open(&[0]).expect("opened");
        apply(&backend, 1).expect("applied");
        disk.fail_next(Fault::Io(Call::Sync));
        assert!(backend.sync().is_err());
        assert_eq!(reached(&backend), 1);
        disk.crash(0);
        assert_eq!(reached(&disk.open(&[0]).expect("opened again")), 0);
    }

    #[test]
    fn faults_wait_for_the_call_they_are_for() {
        let disk = ModelDisk::new();
        let backend = disk.open(&[0]).expect("opened");
        disk.fail_next(Fault::Io(Call::Get));
        disk.fail_next(Fault::NoSpace(Call::Sync));
        apply(&backend, 1).expect("not for this one");
        let full = backend.sync().expect_err("refused").to_string();
        assert!(full.contains("no space left"), "{full}");
        assert!(backend.get(0, b"a").is_err());
        assert_eq!(reached(&backend), 1);
    }

    #[test]
    fn a_torn_batch_is_found_by_whoever_comes_next() {
        let disk = ModelDisk::new();
        let backend = disk.open(&[0]).expect("opened");
        apply(&backend, 1).expect("applied");
        backend.sync().expect("synced");
        disk.fail_next(Fault::Torn);
        assert!(apply(&backend, 2).is_err());
        assert!(matches!(backend.get(0, b"a"), Err(StateError::Corrupt { .. })));
        disk.crash(0);
        assert!(matches!(disk.open(&[0]), Err(StateError::Corrupt { .. })));
        disk.wipe().expect("wiped");
        assert_eq!(reached(&disk.open(&[0]).expect("opened anew")), 0);
    }
}

mod rocks {
    use std::fs;

    use bytes::Bytes;
    use tradewind_state::{Batch, Checkpoint, Range, StateError, rocks};

    use crate::disks::{Disk, Rocks, files};

    const SYNCS: u8 = 3;

    /// A state with several tables on disk, and closed. Both stores hold the number of the batch.
    fn written() -> Rocks {
        let disk = Rocks::new();
        let backend = disk.open(&[0, 1]).expect("opened");
        for n in 1..=SYNCS {
            let change = |store| (store, Bytes::from_static(b"n"), Some(Bytes::from(vec![n])));
            let checkpoint = Checkpoint { changelog: n.into(), ..Checkpoint::default() };
            backend.apply(Batch { changes: vec![change(0), change(1)], checkpoint }).expect("applied");
            backend.sync().expect("synced");
        }
        drop(backend);
        disk
    }

    fn check_rebuilt(disk: &Rocks, damage: &str) {
        let refused = disk.open(&[0, 1]).err();
        assert!(matches!(refused, Some(StateError::Corrupt { .. })), "{damage}: {refused:?}");
        disk.wipe().unwrap_or_else(|error| panic!("{damage}: {error}"));
        assert!(!disk.dir().exists(), "{damage}");
        disk.open(&[0, 1]).unwrap_or_else(|error| panic!("{damage}: {error}"));
    }

    #[test]
    fn any_file_that_is_missing_is_damage() {
        for kind in ["FORMAT", "CURRENT", "MANIFEST-", ".sst"] {
            let disk = written();
            let name = |path: &std::path::Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let lost = files(&disk.dir()).find(|path| name(path).starts_with(kind) || name(path).ends_with(kind));
            fs::remove_file(lost.expect(kind)).expect("removed");
            check_rebuilt(&disk, kind);
        }
    }

    /// Cuts all files whose names begin or end so to a share of what they are.
    fn cut(disk: &Rocks, kind: &str, thirds: usize) {
        for path in files(&disk.dir()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(kind) || name.ends_with(kind) {
                let bytes = fs::read(&path).expect("read");
                fs::write(&path, &bytes[..bytes.len() * thirds / 3]).expect("cut");
            }
        }
    }

    #[test]
    fn a_file_that_was_cut_off_is_damage() {
        for kind in ["FORMAT", "CURRENT", ".sst"] {
            for thirds in 0..3 {
                let disk = written();
                cut(&disk, kind, thirds);
                check_rebuilt(&disk, kind);
            }
        }
    }

    /// RocksDB takes it for the end of a process that died while writing.
    #[test]
    fn a_manifest_that_was_cut_off_is_damage_or_an_earlier_state_as_a_whole() {
        for thirds in 0..3 {
            let disk = written();
            cut(&disk, "MANIFEST-", thirds);
            match disk.open(&[0, 1]) {
                Err(StateError::Corrupt { .. }) => {}
                Err(error) => panic!("{thirds} thirds: {error}"),
                Ok(backend) => {
                    let reached = u8::try_from(backend.checkpoint().expect("read").changelog).expect("small");
                    let expected = (reached > 0).then(|| Bytes::from(vec![reached]));
                    assert_eq!(backend.get(0, b"n").expect("read"), expected);
                    assert_eq!(backend.get(1, b"n").expect("read"), expected);
                }
            }
        }
    }

    #[test]
    fn a_block_that_changed_is_found_when_it_is_read() {
        let disk = Rocks::new();
        let backend = disk.open(&[0]).expect("opened");
        let changes: Vec<_> = (0..5_000_u32)
            .map(|n| (0, Bytes::from(n.to_be_bytes().to_vec()), Some(Bytes::from(vec![n as u8; 100]))))
            .collect();
        backend.apply(Batch { changes, checkpoint: Checkpoint::default() }).expect("applied");
        backend.sync().expect("synced");
        drop(backend);
        let table = files(&disk.dir()).filter(|path| path.extension().is_some_and(|e| e == "sst"));
        let table = table.max_by_key(|path| fs::metadata(path).expect("metadata").len()).expect("a table");
        let mut bytes = fs::read(&table).expect("read");
        bytes[100..200].iter_mut().for_each(|byte| *byte = !*byte);
        fs::write(&table, bytes).expect("damaged");
        let backend = disk.open(&[0]).expect("a block is only checked when it is read");
        let found = backend.scan(0, Range::prefix(b""), 10);
        assert!(matches!(found, Err(StateError::Corrupt { .. })), "{found:?}");
        let found = backend.get(0, &1_u32.to_be_bytes());
        assert!(matches!(found, Err(StateError::Corrupt { .. })), "{found:?}");
    }

    #[test]
    fn a_directory_of_somebody_else_is_neither_used_nor_wiped() {
        let disk = Rocks::new();
        fs::create_dir_all(disk.dir()).expect("a directory");
        fs::write(disk.dir().join("holiday.jpg"), b"precious").expect("a file");
        for refused in [disk.open(&[0]).err(), disk.wipe().err()] {
            let Some(StateError::Io { why, .. }) = refused else { panic!("{refused:?}") };
            assert!(why.contains("holiday.jpg"), "{why}");
        }
        assert_eq!(files(&disk.dir()).count(), 1, "nothing was touched");
    }

    #[test]
    fn a_path_that_is_no_directory_is_an_error() {
        let disk = Rocks::new();
        fs::write(disk.dir(), b"a file").expect("a file");
        assert!(matches!(disk.open(&[0]), Err(StateError::Io { .. })));
        assert!(matches!(rocks::wipe(&disk.dir()), Err(StateError::Io { .. })));
        assert!(disk.dir().exists());
    }
}
