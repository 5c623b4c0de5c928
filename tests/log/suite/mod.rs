//! What every log must do, in the field's words. The cases use nothing but the traits, assume nothing of offsets but
//! that they grow, and wait for conditions rather than for time.
//!
//! `log_contract!(expression)` makes a test of every case. The expression yields a [`Subject`]: a log, and a prefix for
//! names, so that cases can share one.

pub mod administration;
pub mod compaction;
pub mod fencing;
pub mod groups;
pub mod reading;
pub mod transactions;
pub mod writing;

mod stage;
mod worker;

pub use stage::*;
pub use worker::*;

macro_rules! log_contract {
    ($subject:expr) => {
        log_contract! { @cases $subject;
            administration::creating_again_changes_nothing,
            administration::another_partition_count_creates_nothing,
            administration::a_new_partition_is_empty,
            administration::many_are_answered_for_in_their_order,
            administration::what_is_not_there_is_an_unknown_topic,
            administration::a_groups_first_offsets_leave_others_alone,
            administration::a_topic_that_keeps_loses_nothing,
            compaction::the_last_value_of_each_key_stays,
            fencing::a_later_session_with_the_same_identity_fences_the_earlier,
            fencing::a_member_that_was_silent_for_too_long_is_fenced,
            fencing::a_fenced_member_recovers_and_comes_back,
            fencing::positions_of_partitions_of_others_are_fenced,
            fencing::recovering_drops_the_open_transaction,
            groups::nothing_is_fetched_before_the_start,
            groups::starting_again_goes_back,
            groups::a_batch_is_no_larger_than_asked,
            groups::two_members_share_topics_alike,
            groups::who_leaves_hands_over_at_once,
            groups::revoked_partitions_wait_for_their_release,
            groups::pausing_keeps_records_back,
            groups::a_static_member_comes_back_to_its_partitions,
            groups::each_record_is_handled_once_while_members_come_and_go,
            reading::every_shape_of_record_comes_back,
            reading::the_beginning_of_time_is_not_now,
            reading::a_reader_begins_where_it_is_told,
            reading::a_reader_begins_at_a_time,
            reading::assigning_replaces_what_is_read,
            reading::nothing_of_an_earlier_assignment_is_handed_out,
            reading::readers_of_any_purpose_read_the_same,
            reading::an_offset_beyond_the_end_is_out_of_range,
            reading::a_waiting_reader_hears_of_new_records,
            transactions::records_keep_their_order_within_a_partition,
            transactions::a_transaction_is_seen_in_all_partitions_or_in_none,
            transactions::what_was_not_committed_is_never_seen,
            transactions::the_position_passes_gaps,
            transactions::a_commit_moves_the_groups_offsets,
            transactions::a_receipt_tells_where_the_records_went,
            transactions::a_commit_needs_no_records,
            transactions::a_group_goes_on_where_it_committed,
            writing::appends_keep_their_order,
            writing::appends_of_many_threads_are_all_there,
            writing::what_is_too_large_is_refused_alone,
            writing::appends_and_commits_share_a_partition,
        }
    };
    (@cases $subject:expr; $($module:ident::$case:ident),* $(,)?) => {
        $(
            #[test]
            fn $case() {
                $crate::suite::$module::$case(&$subject);
            }
        )*
    };
}
pub(crate) use log_contract;
