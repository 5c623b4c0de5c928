//! What every store backend owes: one suite, run over RocksDB and over the model.

mod disks;
mod faults;
mod suite;

/// Runs each scenario on both backends.
macro_rules! on_both {
    ($($scenario:ident),+ $(,)?) => {
        mod rocks {
            $(#[test] fn $scenario() { crate::suite::$scenario(&mut crate::disks::Rocks::new()); })+
        }
        mod model {
            $(#[test] fn $scenario() { crate::suite::$scenario(&mut crate::disks::Model::new()); })+
        }
    };
}

on_both!(
    a_new_state_is_empty,
    what_was_put_is_read_until_it_is_deleted,
    keys_and_values_are_any_bytes,
    the_last_of_a_key_counts,
    stores_are_separate,
    a_store_that_was_not_opened_is_an_error,
    a_scan_finds_a_prefix_in_order,
    a_scan_backwards_finds_it_in_reverse,
    a_scan_goes_on_after_a_key,
    a_scan_goes_on_after_a_key_that_is_not_there,
    after_may_lie_outside_of_the_prefix,
    a_prefix_of_highest_bytes_has_an_end,
    the_empty_prefix_is_everything,
    a_limit_cuts_from_where_the_scan_begins,
    pages_in_both_directions_cover_everything_once,
    the_checkpoint_comes_with_its_data,
    a_batch_with_an_unknown_store_changes_nothing,
    an_orderly_end_keeps_everything,
    a_crash_keeps_what_was_synced,
    a_crash_loses_whole_batches,
    a_store_may_be_added_later,
    a_store_may_be_left_out_for_a_while,
    it_is_open_only_once,
    a_newer_format_is_left_alone,
    a_damaged_state_is_told_apart_and_can_be_wiped,
    wiping_what_is_not_there_is_no_error,
    a_state_in_use_is_not_wiped,
);
