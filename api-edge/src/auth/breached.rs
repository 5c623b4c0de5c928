//! Passwords that are guessed first.

/// In small letters, a line each: of the lists of what breaches brought to light, those long enough to be taken here.
const LIST: &str = include_str!("breached.txt");

/// Whether everybody's list of guesses has it, in whatever letters.
pub fn is_breached(password: &str) -> bool {
    let password = password.to_lowercase();
    LIST.lines().any(|known| known == password)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_first_guesses_are_known() {
        for guess in ["password", "Password", "PASSWORD123", "1234567890", "qwertyuiop"] {
            assert!(is_breached(guess), "{guess}");
        }
        for fine in ["correct horse battery", "", "passwort einer fregatte"] {
            assert!(!is_breached(fine), "{fine}");
        }
    }

    #[test]
    fn the_list_has_what_could_be_a_password_here_and_each_once() {
        let known: Vec<&str> = LIST.lines().collect();
        assert!(known.iter().all(|known| known.chars().count() >= 8 && *known == known.to_lowercase()));
        assert_eq!(known.iter().collect::<HashSet<_>>().len(), known.len());
    }
}
