//! The names of columns in a file that has the input's columns beside its own.

/// What goes before the name of an input's column where one of ours has that name, as when results.csv is the input.
const OF_THE_INPUT: &str = "input_";

/// The names of the input's columns beside `ours`, in their order: as they are, but for those that one of ours has.
///
/// Who looks for `status` must not find the status of an earlier run. Names are compared as spreadsheets and `PowerShell` do
/// it, without case. Two of the input's own may be alike.
pub(super) fn beside(ours: &[&str], inputs: &[&str]) -> Vec<String> {
    let mut made = Vec::new();
    let names = inputs.iter().map(|input| {
        if !has(ours, input) {
            return (*input).to_owned();
        }
        let mut name = format!("{OF_THE_INPUT}{}", input.trim());
        while has(inputs, &name) || has(&made, &name) {
            name.insert_str(0, OF_THE_INPUT);
        }
        made.push(name.clone());
        name
    });
    names.collect()
}

fn has<S: AsRef<str>>(names: &[S], name: &str) -> bool {
    names.iter().any(|other| other.as_ref().trim().eq_ignore_ascii_case(name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_one_of_ours_has_is_changed() {
        for (inputs, names) in [
            (&["note", "city"][..], &["note", "city"][..]),
            (&["x", "x", ""], &["x", "x", ""]),
            (&["status", "note"], &["input_status", "note"]),
            (&[" Status ", "STATUS"], &["input_Status", "input_input_STATUS"]),
            (&["status", "Input_Status"], &["input_input_status", "Input_Status"]),
            (&["input_status", "note"], &["input_status", "note"]),
        ] {
            assert_eq!(beside(&["row", "status"], inputs), names, "{inputs:?}");
        }
    }
}
