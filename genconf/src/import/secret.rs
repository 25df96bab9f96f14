//! Variables that may contain secrets.

/// Reason to report a variable that may contain a secret.
pub(super) const REASON: &str =
    "the value may be a secret and is in the topology: move it to a file and set `env_file`";

/// What messages and comments have instead of a secret.
pub(super) const OMITTED: &str = "...";

/// Words of a name that are part of other words, as in `DBPASSWORD`.
const PARTS: [&str; 6] = [
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "TOKEN",
    "APIKEY",
    "CREDENTIAL",
];

/// Words of a name between underscores.
const WORDS: [&str; 7] = ["KEY", "PASS", "PASSPHRASE", "PW", "PWD", "SALT", "DSN"];

/// Whether a variable has the name of a secret, or a URL with a password as its value.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let has_word = name.split('_').any(|word| WORDS.contains(&word));
    let is_public = name.split('_').any(|word| word == "PUBLIC") || name == "PWD";
    let has_name = PARTS.iter().any(|part| name.contains(part)) || has_word;
    !value.is_empty() && ((has_name && !is_public) || has_password(value))
}

/// A command with [`OMITTED`] instead of the values of its assignments that are secrets.
pub(super) fn masked(command: &str) -> String {
    let words = command.split(' ').map(|word| match word.split_once('=') {
        Some((name, value)) if is_secret(name, value) && !name.starts_with('-') => {
            format!("{name}={OMITTED}")
        }
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether the text is a URL with a password: `postgres://shop:password@db/shop`.
fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    user.split_once(':')
        .is_some_and(|(_, password)| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_urls_with_passwords_are_secrets() {
        for (name, value) in [
            ("JWT_SECRET", "x"),
            ("dbPassword", "x"),
            ("STRIPE_KEY", "x"),
            ("SMTP_PASS", "x"),
            ("DATABASE_URL", "postgres://shop:x@db/shop"),
        ] {
            assert!(is_secret(name, value), "{name}");
        }
        let command = "A=1 JWT_SECRET=x ./b --key=x";
        assert_eq!(masked(command), "A=1 JWT_SECRET=... ./b --key=x");
        for (name, value) in [
            ("JWT_SECRET", ""),
            ("KEYBOARD", "x"),
            ("NEXT_PUBLIC_KEY", "x"),
            ("DATABASE_URL", "postgres://shop@db:5432/shop"),
            ("PWD", "/srv"),
        ] {
            assert!(!is_secret(name, value), "{name}");
        }
    }
}
