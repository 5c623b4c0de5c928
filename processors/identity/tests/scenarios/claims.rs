//! An e-mail belongs to the first user who claims it.

use tradewind_identity::Identity;
use tradewind_runtime::scenario::Scenario;
use tradewind_schemas::{
    Actor, Role, UserId,
    identity::{EMAIL_CLAIM, EmailClaim, EmailClaimView, IdentityCommand, IdentityEvent, IdentityKey},
};
use tradewind_topics::list::IDENTITY_COMMANDS;

use super::story::*;

fn the_claim() -> Scenario<Identity> {
    Scenario::of(claim_of('a')).by(the_platform())
}

fn claim(user_id: UserId) -> IdentityCommand {
    IdentityCommand::ClaimEmail { user_id }
}

fn granted(user_id: UserId) -> IdentityEvent {
    IdentityEvent::EmailClaimGranted { claim: claim_of('a'), user_id }
}

fn owner(scenario: &Scenario<Identity>) -> Option<UserId> {
    scenario.view(EMAIL_CLAIM, &()).map(|it: EmailClaimView| it.user_id)
}

#[test]
fn the_first_has_it_and_the_second_does_not() {
    the_claim()
        .check(|it| assert_eq!(owner(it), None))
        .when(claim(ADA))
        .then([granted(ADA)])
        .sends_kinds([("identity.commands", "EmailClaimed")])
        .sends(IDENTITY_COMMANDS, ADA, IdentityCommand::EmailClaimed {})
        .when(claim(BOB))
        .then([IdentityEvent::EmailClaimDenied { claim: claim_of('a'), user_id: BOB }])
        .sends_kinds([("identity.commands", "EmailClaimRefused")])
        .sends(IDENTITY_COMMANDS, BOB, IdentityCommand::EmailClaimRefused {})
        .check(|it| assert_eq!(owner(it), Some(ADA)));
}

#[test]
fn who_has_it_and_asks_again_keeps_it() {
    the_claim()
        .given([granted(ADA)])
        .when(claim(ADA))
        .then([granted(ADA)])
        .sends(IDENTITY_COMMANDS, ADA, IdentityCommand::EmailClaimed {})
        .check(|it| assert_eq!(owner(it), Some(ADA)));
}

#[test]
fn claims_are_the_platform_s_own() {
    for actor in [ada(), admin(), Actor::guest()] {
        the_claim().by(actor).when(claim(ADA)).rejected("forbidden");
    }
}

#[test]
fn a_claim_takes_no_user_s_place() {
    let odd = IdentityKey::Email(EmailClaim(ADA.to_string()));
    Scenario::<Identity>::of(odd).by(the_platform()).when(claim(BOB)).rejected("invalid_user");
    the_claim()
        .given([granted(ADA)])
        .by(admin())
        .when(IdentityCommand::AssignRoles { roles: vec![Role::Admin] })
        .rejected("not_found");
}
