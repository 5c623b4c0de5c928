//! A user comes to be once the e-mail is theirs.

use tradewind_schemas::{
    Actor, Rejection, Role, Sealed,
    edge::Settled,
    identity::{DirectoryEntry, DirectoryShelf, EmailClaim, IdentityCommand, IdentityEvent},
};
use tradewind_topics::list::{IDENTITY_COMMANDS, IDENTITY_DIRECTORY};

use super::story::*;

fn email_taken() -> Settled {
    let rejection = Rejection::new("email_taken", "somebody has registered with this e-mail address");
    Settled::Rejected { rejection }
}

#[test]
fn ada_registers() {
    at_ada()
        .when(register(&[Role::Customer]))
        .then([requested(&[Role::Customer])])
        .sends_kinds([("identity.commands", "ClaimEmail")])
        .sends(IDENTITY_COMMANDS, claim_of('a'), IdentityCommand::ClaimEmail { user_id: ADA })
        .check(|it| assert_eq!(user_of(it), None, "she is not there yet"))
        .by(the_platform())
        .when(IdentityCommand::EmailClaimed {})
        .then([registered()])
        .sends_kinds([("identity.directory", "UserListed")])
        .sends(
            IDENTITY_DIRECTORY,
            DirectoryShelf::of(ADA),
            DirectoryEntry::UserListed { user_id: ADA, registered_at: MIDNIGHT },
        )
        .settles(Settled::Accepted {})
        .check(|it| assert_eq!(user_of(it), Some(ada_view())));
}

#[test]
fn she_is_there_from_when_the_claim_was_granted() {
    at_ada()
        .when(register(&[Role::Customer]))
        .after(seconds(3))
        .by(the_platform())
        .when(IdentityCommand::EmailClaimed {})
        .check(|it| assert_eq!(user_of(it).unwrap().created_at, it.now()));
}

#[test]
fn an_email_that_somebody_has_is_refused_for_good() {
    at_ada()
        .when(register(&[Role::Customer]))
        .by(the_platform())
        .when(IdentityCommand::EmailClaimRefused {})
        .then([IdentityEvent::RegistrationRefused { user_id: ADA }])
        .settles(email_taken())
        .check(|it| assert_eq!(user_of(it), None))
        .when(IdentityCommand::EmailClaimed {})
        .nothing()
        .by(Actor::guest())
        .when(register(&[Role::Customer]))
        .rejected("email_taken");
}

#[test]
fn who_asks_twice_waits_for_the_same_claim() {
    at_ada()
        .when(register(&[Role::Customer]))
        .again()
        .nothing()
        .when(register(&[Role::Customer]))
        .nothing()
        .by(the_platform())
        .when(IdentityCommand::EmailClaimed {})
        .settles(Settled::Accepted {})
        .by(Actor::guest())
        .when(register(&[Role::Customer]))
        .rejected("user_exists");
}

#[test]
fn late_and_doubled_answers_change_nothing() {
    for answer in [IdentityCommand::EmailClaimed {}, IdentityCommand::EmailClaimRefused {}] {
        at_ada().by(the_platform()).when(answer.clone()).nothing();
        ada_is_there().by(the_platform()).when(answer).nothing().check(|it| assert_eq!(user_of(it), Some(ada_view())));
    }
}

#[test]
fn answers_come_from_the_platform_itself() {
    for actor in [ada(), admin(), Actor::guest()] {
        for answer in [IdentityCommand::EmailClaimed {}, IdentityCommand::EmailClaimRefused {}] {
            at_ada().given([requested(&[Role::Customer])]).by(actor.clone()).when(answer).rejected("forbidden");
        }
    }
}

#[test]
fn only_the_platform_registers_others_than_customers() {
    for roles in [&[Role::Admin][..], &[Role::Merchant], &[Role::Customer, Role::Admin], &[]] {
        for actor in [Actor::guest(), ada(), admin()] {
            at_ada().by(actor).when(register(roles)).rejected("forbidden");
        }
    }
    at_ada()
        .by(Actor::service("bootstrap"))
        .when(register(&[Role::Admin, Role::Customer, Role::Admin]))
        .then([requested(&[Role::Customer, Role::Admin])]);
    at_ada().by(Actor::service("bootstrap")).when(register(&[])).rejected("invalid_roles");
    for actor in [Actor::guest(), ada(), admin(), the_platform()] {
        at_ada().by(actor).when(register(&[Role::Customer])).then_kinds(["RegistrationRequested"]);
    }
}

#[test]
fn a_registration_has_its_limits() {
    let large = Sealed { bytes: vec![0; 2_049], ..sealed("") };
    let odd_nonce = Sealed { nonce: vec![0; 11], ..sealed("") };
    let odd_key = Sealed { key_id: "k".repeat(65), ..sealed("") };
    type Fields = (EmailClaim, Sealed, Sealed, String);
    let with = |change: &dyn Fn(&mut Fields)| {
        let mut it = (claim_of('a'), sealed("ada@example.com"), sealed("Ada"), password("first"));
        change(&mut it);
        let (claim, email, name, password_hash) = it;
        IdentityCommand::Register { user_id: ADA, claim, email, name, password_hash, roles: vec![Role::Customer] }
    };
    for command in [
        with(&|it| it.0 = EmailClaim("a".repeat(63))),
        with(&|it| it.0 = EmailClaim("A".repeat(64))),
        with(&|it| it.0 = EmailClaim(ADA.to_string())),
        with(&|it| it.1 = large.clone()),
        with(&|it| it.1 = odd_nonce.clone()),
        with(&|it| it.2 = large.clone()),
        with(&|it| it.2 = odd_key.clone()),
        with(&|it| it.3 = "secret".to_owned()),
        with(&|it| it.3 = password(&"x".repeat(512))),
    ] {
        at_ada().when(command).rejected("invalid_user");
    }
}

#[test]
fn a_command_about_another_user_is_refused() {
    tradewind_runtime::scenario::Scenario::<tradewind_identity::Identity>::of(BOB)
        .when(register(&[Role::Customer]))
        .rejected("wrong_key");
}
