//! Decodes properties of units (org.freedesktop.systemd1(5)).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use model::Endpoint;
use zbus::{OwnedObjectPath, OwnedVariant};

use crate::systemd::{Activity, Error, Exit, UnitState, is_administrators};

/// Properties of one unit by name.
pub(super) type Properties = HashMap<String, OwnedVariant>;

/// The state of a unit.
pub(super) fn unit_state(unit: &str, properties: Properties) -> Result<UnitState, Error> {
    let mut decoder = Decoder { unit, properties };
    let mut state = UnitState {
        activity: decoder.activity()?,
        sub_state: decoder.take("SubState")?,
        is_enabled: decoder.is_enabled()?,
        files: decoder.files()?,
        invocation: decoder.invocation()?,
        needs_reload: decoder.take("NeedDaemonReload")?,
        active_since_us: decoder.take("ActiveEnterTimestampMonotonic")?,
        ..UnitState::default()
    };
    let suffix = Path::new(unit).extension();
    if suffix.is_some_and(|suffix| suffix == "service") {
        decoder.service(&mut state)?;
    } else if suffix.is_some_and(|suffix| suffix == "socket") {
        decoder.socket(&mut state)?;
    }
    Ok(state)
}

/// The activity of a unit that has no job; `None` if it has one.
pub(super) fn activity_without_job(
    unit: &str,
    properties: Properties,
) -> Result<Option<Activity>, Error> {
    let mut decoder = Decoder { unit, properties };
    let job: Option<(u32, OwnedObjectPath)> = decoder.take_if_present("Job")?;
    // The ID 0 stands for no job.
    let has_job = job.is_some_and(|(id, _)| id != 0);
    Ok(if has_job {
        None
    } else {
        Some(decoder.activity()?)
    })
}

/// The activity for an `ActiveState`.
pub(super) fn activity(unit: &str, active_state: &str) -> Result<Activity, Error> {
    match active_state {
        "active" | "reloading" | "refreshing" => Ok(Activity::Active),
        "activating" => Ok(Activity::Activating),
        "deactivating" => Ok(Activity::Deactivating),
        "failed" | "maintenance" => Ok(Activity::Failed),
        "inactive" => Ok(Activity::Inactive),
        _ => Err(invalid(
            unit,
            "ActiveState",
            &format!("unknown state {active_state:?}"),
        )),
    }
}

/// The endpoint for an address in `Listen`: `192.168.56.11:8082`, `[fd00::11]:80`, `[fe80::11%eth0]:80` (without
/// its zone), or a path.
pub(super) fn endpoint(address: &str) -> Result<Endpoint, String> {
    let ip = address.strip_prefix('[').and_then(|a| a.split_once("]:"));
    match ip.and_then(|(ip, port)| Some((ip.split_once('%')?.0, port))) {
        Some((ip, port)) => format!("[{ip}]:{port}").parse(),
        None => address.parse(),
    }
}

fn invalid(unit: &str, property: &str, reason: &impl ToString) -> Error {
    Error {
        request: format!("{property} of {unit}"),
        reason: reason.to_string(),
    }
}

/// Takes values from the properties of one unit. A property that this version of systemd does not have has
/// the default of its type.
struct Decoder<'u> {
    unit: &'u str,
    properties: Properties,
}

impl Decoder<'_> {
    fn take<T>(&mut self, name: &str) -> Result<T, Error>
    where
        T: TryFrom<OwnedVariant, Error = zbus::Error> + Default,
    {
        Ok(self.take_if_present(name)?.unwrap_or_default())
    }

    fn take_if_present<T>(&mut self, name: &str) -> Result<Option<T>, Error>
    where
        T: TryFrom<OwnedVariant, Error = zbus::Error>,
    {
        let value = self.properties.remove(name).map(T::try_from);
        value
            .transpose()
            .map_err(|error| invalid(self.unit, name, &error))
    }

    fn activity(&mut self) -> Result<Activity, Error> {
        activity(self.unit, &self.take::<String>("ActiveState")?)
    }

    fn is_enabled(&mut self) -> Result<bool, Error> {
        let state: String = self.take("UnitFileState")?;
        Ok(matches!(
            state.as_str(),
            "enabled" | "enabled-runtime" | "static" | "alias"
        ))
    }

    fn files(&mut self) -> Result<Vec<PathBuf>, Error> {
        let mut files: Vec<String> = vec![self.take("FragmentPath")?];
        files.append(&mut self.take("DropInPaths")?);
        let files = files.into_iter().map(PathBuf::from);
        Ok(files.filter(|file| is_administrators(file)).collect())
    }

    fn invocation(&mut self) -> Result<String, Error> {
        let id: Vec<u8> = self.take("InvocationID")?;
        let mut text = String::new();
        if id.iter().any(|byte| *byte != 0) {
            for byte in id {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02x}");
            }
        }
        Ok(text)
    }

    fn service(&mut self, state: &mut UnitState) -> Result<(), Error> {
        let kind: String = self.take("Type")?;
        state.notifies = matches!(kind.as_str(), "notify" | "notify-reload");
        state.result = self.take("Result")?;
        state.main_pid = self.take("MainPID")?;
        state.restarts = self.take("NRestarts")?;
        state.exit = Exit {
            code: self.take("ExecMainCode")?,
            status: self.take("ExecMainStatus")?,
        };
        // The maximum stands for no value.
        let memory = self.take_if_present("MemoryCurrent")?;
        state.memory = memory.filter(|bytes| *bytes != u64::MAX);
        Ok(())
    }

    fn socket(&mut self, state: &mut UnitState) -> Result<(), Error> {
        let listens: Vec<(String, String)> = self.take("Listen")?;
        let endpoints = listens.iter().map(|(_, address)| endpoint(address));
        state.listen = endpoints.filter_map(Result::ok).collect();
        // A socket that several workers share triggers none of them; each requires it.
        let mut triggers: Vec<String> = self.take("Triggers")?;
        triggers.extend(self.take::<Vec<String>>("RequiredBy")?);
        let is_service = |unit: &String| unit.ends_with(".service");
        state.triggers = triggers.into_iter().filter(is_service).collect();
        state.triggers.sort();
        state.triggers.dedup();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
