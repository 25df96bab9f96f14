//! Programs that do not listen on a port, or not for HTTP.

/// Programs of queues and schedules, and servers of other protocols.
const PROGRAMS: [&str; 26] = [
    "arq",
    "clockwork",
    "crond",
    "delayed_job",
    "dramatiq",
    "good_job",
    "huey_consumer",
    "huey_consumer.py",
    "mariadbd",
    "memcached",
    "mongod",
    "mysqld",
    "postgres",
    "que",
    "rabbitmq-server",
    "redis-server",
    "resque",
    "resque-pool",
    "rqscheduler",
    "rqworker",
    "shoryuken",
    "sidekiq",
    "sneakers",
    "supercronic",
    "taskiq",
    "valkey-server",
];

/// Programs with commands that process a queue or a schedule.
const COMMANDS: [(&str, &[&str]); 7] = [
    ("celery", &["beat", "worker"]),
    ("rq", &["worker", "worker-pool"]),
    (
        "artisan",
        &["horizon", "queue:listen", "queue:work", "schedule:work"],
    ),
    ("console", &["messenger:consume"]),
    ("rails", &["jobs:work", "resque:work", "solid_queue:start"]),
    ("rake", &["jobs:work", "resque:work", "solid_queue:start"]),
    (
        "manage.py",
        &[
            "db_worker",
            "process_tasks",
            "qcluster",
            "rqscheduler",
            "rqworker",
            "run_huey",
            "runworker",
        ],
    ),
];

/// Words before the program: interpreters, and tools that start a program of a project.
const STARTERS: [&str; 24] = [
    "bunx",
    "bundle",
    "cross-env",
    "dumb-init",
    "env",
    "exec",
    "hatch",
    "nice",
    "node",
    "nohup",
    "npx",
    "pdm",
    "perl",
    "php",
    "pipenv",
    "pnpm",
    "poetry",
    "python",
    "rbenv",
    "ruby",
    "run",
    "tini",
    "uv",
    "yarn",
];

/// Words in names of background programs, without final digits.
const NAMES: [&str; 15] = [
    "agenda",
    "beat",
    "bot",
    "bree",
    "celery",
    "consumer",
    "cron",
    "job",
    "jobs",
    "monitor",
    "queue",
    "scheduler",
    "sidekiq",
    "worker",
    "workers",
];

/// Extensions of scripts.
const SCRIPTS: [&str; 9] = ["cjs", "js", "mjs", "php", "pl", "py", "rb", "sh", "ts"];

/// The program in a command that is known to serve no HTTP, with its subcommand: `celery beat`.
pub(super) fn known(words: &[String]) -> Option<String> {
    let names = words.iter().map(|word| file_name(word));
    let mut rest = names.skip_while(|name| {
        // It can have a version: `python3.11`.
        let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        STARTERS.contains(&plain) || name.starts_with('-') || name.contains('=')
    });
    let program = rest.next()?;
    if PROGRAMS.contains(&program) {
        return Some(program.to_owned());
    }
    let (_, commands) = COMMANDS.iter().find(|(name, _)| *name == program)?;
    let rest: Vec<_> = rest.collect();
    // `celery -A worker flower` is an HTTP server.
    let command = rest.iter().find(|word| commands.contains(word));
    let command = command.filter(|_| !rest.contains(&"flower"))?;
    Some(format!("{program} {command}"))
}

/// Reason to report a program that [`known`] finds.
pub(super) fn reason(program: &str) -> String {
    format!("`{program}` serves no HTTP; run it with a separate systemd service")
}

/// Whether an app has the name of a background program. Names of its file precede that of the app,
/// because `server.js` of an app named `cron` is probably a server.
pub(super) fn is_named(app: &str, words: &[String]) -> bool {
    let script = words.iter().find(|word| is_script(word));
    let Some(first) = script.or(words.first()) else {
        return has_word(app);
    };
    let serves = ["server", "www", "app", "api"].contains(&base(first));
    has_word(base(first)) || (has_word(app) && !serves)
}

fn has_word(name: &str) -> bool {
    name.to_ascii_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| NAMES.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit())))
}

fn is_script(word: &str) -> bool {
    let extension = word.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|e| SCRIPTS.contains(&e))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The name of a file without directory and extension.
fn base(path: &str) -> &str {
    let name = file_name(path.trim());
    name.rsplit_once('.').map_or(name, |(base, _)| base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn programs_of_queues_and_schedules_are_known() {
        for (command, expected) in [
            ("celery -A config beat", "celery beat"),
            ("venv/bin/celery -A config worker -c 4", "celery worker"),
            ("bundle exec sidekiq -C config/sidekiq.yml", "sidekiq"),
            ("python -m celery -A shop worker", "celery worker"),
            ("php artisan queue:work --tries=3", "artisan queue:work"),
            ("python3.11 manage.py rqworker", "manage.py rqworker"),
            ("redis-server --port 6379", "redis-server"),
        ] {
            assert_eq!(
                known(&words(command)).as_deref(),
                Some(expected),
                "{command}"
            );
        }
        for other in [
            "celery -A worker flower --port=5555",
            "node server.js --queue sidekiq",
            "python manage.py runserver",
            "php artisan serve",
            "bundle exec rails s",
            "",
        ] {
            assert_eq!(known(&words(other)), None, "{other}");
        }
    }

    #[test]
    fn names_of_files_precede_the_name_of_the_app() {
        assert!(is_named("mail", &words("worker.js")));
        assert!(is_named("cron1", &words("tasks.js")));
        assert!(is_named(
            "alerts",
            &words("npx tsx monitor.ts --continuous")
        ));
        assert!(is_named("mail-worker", &words("npm start")));
        assert!(!is_named("mail-worker", &words("server.js")));
        assert!(!is_named("web", &words("app.js --queue worker")));
    }
}
