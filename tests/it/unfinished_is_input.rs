//! What a run leaves unfinished is valid input for the next one, with the same meaning and without a password in it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use tokio::time::Instant;

use authwave::input::rows::InputSettings;
use authwave::input::source::Input;
use authwave::model::action::Action;
use authwave::model::event::{Ended, Event, Observer};
use authwave::model::outcome::{Outcome, Status};
use authwave::model::secret::Secret;
use authwave::model::task::Work;
use authwave::results::unfinished::Unfinished;

const FIELD: &str = "[ -~\r\nä\u{feff}]{0,12}";
/// No cell of several lines with an `@`: that may be other rows with their passwords, and is never copied.
const NOTE: &str = "[ -~ä\u{feff}]{0,12}|[ -?A-~\r\nä\u{feff}]{0,12}";
const PASSWORD: &str = "|[ -~ä]{8,20}";

fn read(path: &Path) -> (Input, Vec<Work>) {
    let mut input = Input::open(path, InputSettings::default()).unwrap();
    let works = input.by_ref().map(Result::unwrap).collect();
    (input, works)
}

fn leave_unfinished(from: &Path, to: &Path) -> Vec<Work> {
    let (input, works) = read(from);
    let mut unfinished = Unfinished::create(to, input.header(), from).unwrap();
    let now = Instant::now();
    for work in &works {
        let ended = Ended {
            work: work.clone(),
            outcome: Outcome::new(Status::Unprocessed, ""),
            attempts: 0,
            http_status: None,
            started_at: None,
            ended_at: now,
            request_id: String::new(),
            client_request_id: String::new(),
            operation_id: String::new(),
        };
        unfinished.observe(&Event::Ended(Arc::new(ended))).unwrap();
    }
    unfinished.finish().unwrap();
    works
}

fn action(work: &Work) -> Option<&Action> {
    work.task().map(|task| &task.action)
}

fn write(path: &Path, rows: &[Vec<String>]) {
    let mut writer = csv::WriterBuilder::new().comment(Some(b'#')).flexible(true).from_path(path).unwrap();
    writer.write_record(["user", "action", "new_password", "note"]).unwrap();
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.flush().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_row_means_the_same_in_the_next_run_and_in_the_one_after(
        rows in prop::collection::vec(
            ("a@b\\.c| B@b\\.c |", "list|reset|Reset Password|x", PASSWORD, NOTE)
                .prop_map(|(user, action, password, note)| vec![user, action, password, note]),
            1..8,
        ),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let [first, second, third] = ["1.csv", "2.csv", "3.csv"].map(|name| dir.path().join(name));
        write(&first, &rows);
        let works = leave_unfinished(&first, &second);
        let again = leave_unfinished(&second, &third);
        let (_, once_more) = read(&third);
        for (i, work) in works.iter().enumerate() {
            for other in [&again[i], &once_more[i]] {
                prop_assert_eq!(action(work), action(other));
                prop_assert_eq!(work.row().field(3), other.row().field(3));
                prop_assert_eq!(other.row().field(2), "");
            }
        }
        prop_assert_eq!(fs::read_to_string(second).unwrap(), fs::read_to_string(third).unwrap());
    }

    #[test]
    fn a_row_that_was_refused_for_its_shape_is_refused_again(
        rows in prop::collection::vec(prop::collection::vec(FIELD, 1..8), 1..8),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let [first, second] = ["1.csv", "2.csv"].map(|name| dir.path().join(name));
        write(&first, &rows);
        let works = leave_unfinished(&first, &second);
        let (input, again) = read(&second);
        prop_assert_eq!(input.header().names.len(), 5);
        prop_assert_eq!(works.len(), again.len());
        for (work, other) in works.iter().zip(&again) {
            prop_assert_eq!(action(work), action(other));
        }
    }
}

#[test]
fn a_cell_that_may_hold_other_rows_is_refused_again_and_not_copied() {
    for note in ["\r!@A,", "open\nb@b.c,reset,S3cret!!,x"] {
        let dir = tempfile::tempdir().unwrap();
        let [first, second] = ["1.csv", "2.csv"].map(|name| dir.path().join(name));
        write(&first, &[["a@b.c", "list", "", note].map(str::to_owned).to_vec()]);
        let works = leave_unfinished(&first, &second);
        let (_, again) = read(&second);
        let text = fs::read_to_string(&second).unwrap();
        for work in [&works[0], &again[0]] {
            assert_eq!(action(work), None, "{note:?}");
        }
        assert!(!text.contains(note), "{text}");
    }
}

#[test]
fn a_password_with_a_comma_a_quote_and_blanks_survives_without_being_copied() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second] = ["1.csv", "2.csv"].map(|name| dir.path().join(name));
    let row = ["a@b.c", "reset", " S3c,\"ret ", ""].map(str::to_owned).to_vec();
    write(&first, &[row]);
    leave_unfinished(&first, &second);
    assert!(!fs::read_to_string(&second).unwrap().contains("S3c"));
    let (_, works) = read(&second);
    assert_eq!(action(&works[0]), Some(&Action::ResetPassword(Some(Secret::new(" S3c,\"ret ")))));
}
