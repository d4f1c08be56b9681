//! report.html: written by each run, and made again from the journal alone.

use std::fs;

use super::support::ended::Ended;
use super::support::scripted::Answer;
use super::support::world::World;

const ROWS: &str = "user,action,phone_number,new_password\n\
                    <script>alert(1)</script>@contoso.com,add-phone,+1 2065550123,\n\
                    b@contoso.com,add-phone,+1 2065550124,\n\
                    c@contoso.com,enable-sms-sign-in,,\n\
                    d@contoso.com,reset-password,,Correct-Horse-7\n";

/// The sentence at the top.
fn verdict(ended: &Ended) -> String {
    let page = ended.text("report.html");
    let from = page.split("id=\"verdict\">").nth(1).unwrap_or_default();
    from.split("</p>").next().unwrap_or_default().to_owned()
}

#[test]
fn a_run_leaves_a_report_that_stands_alone() {
    let world = World::new().file("in.csv", ROWS);
    let ended = world.run("in.csv", &["--rehearse", "--skip-invalid"]).exits(1);
    let page = ended.text("report.html");
    assert!(page.contains("Rehearsal: nothing real was touched"), "{page}");
    assert!(verdict(&ended).contains("of 4 rows are as they should be"), "{}", verdict(&ended));
    for part in
        ["id=\"next\"", "id=\"rows\"", "id=\"errors\"", "id=\"resets\"", "id=\"pace\"", "id=\"settings\""]
    {
        assert!(page.contains(part), "no {part}");
    }
    assert!(page.contains("data-code=\"invalid-row\""), "{page}");
    assert!(page.contains("authwave run ") && page.contains("unfinished.csv --rehearse"), "{page}");
    for foreign in ["<script", "<link rel=\"stylesheet\"", "url(", "@import", "2065550123"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(
        ended.stderr.contains("errors: ") && ended.stderr.contains("authwave explain "),
        "{}",
        ended.stderr
    );
}

#[cfg(unix)]
#[test]
fn the_report_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new().file("in.csv", ROWS);
    let ended = world.run("in.csv", &["--rehearse", "--skip-invalid"]).exits(1);
    let mode = fs::metadata(ended.directory().join("report.html")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_report_is_made_again_from_the_journal_alone() {
    let world = World::new().file("in.csv", ROWS);
    let ended = world.run("in.csv", &["--rehearse", "--skip-invalid"]).exits(1);
    let first = ended.text("report.html");
    for entry in fs::read_dir(ended.directory()).unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_string_lossy().starts_with("journal.sqlite") {
            fs::remove_file(path).unwrap();
        }
    }
    let again = world.authwave(&["report", "out"]).exits(0);
    assert!(again.stdout.ends_with("out/report.html\n"), "{}", again.stdout);
    assert_eq!(again.text("report.html"), first);
    let shown = world.authwave(&["report", "out", "--show-numbers"]).exits(0);
    assert!(shown.text("report.html").len() >= first.len());
}

#[test]
fn a_run_that_was_killed_has_a_report_that_says_so_and_a_resume_rewrites_it() {
    let text = "user,action,phone_number\na@contoso.com,add-phone,+1 2065550123\n\
                b@contoso.com,add-phone,+1 2065550124\nc@contoso.com,add-phone,+1 2065550125\n";
    let world = World::new().file("in.csv", text).simulator(&["--latency", "300ms"]);
    let running = world.begin("in.csv", &["--in-flight", "1"]);
    while world.tenant().count("changes") < 2 {}
    let under_way = world.authwave(&["report", "out"]).exits(0);
    assert!(verdict(&under_way).contains("The run is under way"), "{}", verdict(&under_way));
    running.signal("-KILL");
    running.end();
    let killed = world.authwave(&["report", "out"]).exits(0);
    let told = verdict(&killed);
    assert!(told.contains("The run broke off") && told.contains("of 3 rows have ended"), "{told}");
    assert!(killed.text("report.html").contains("authwave resume "), "{told}");
    let resumed = world.resume(&[]).exits(0);
    assert!(verdict(&resumed).contains("All 3 rows are as they should be"), "{}", verdict(&resumed));
}

#[test]
fn a_run_that_is_only_read_again_is_not_under_way() {
    let text = "user,action,phone_number\na@contoso.com,add-phone,+1 2065550123\n";
    let world = World::new().file("in.csv", text).simulator(&["--latency", "1s"]);
    world.run("in.csv", &[]).exits(0);
    let verifying = world.begin_to_verify(&[]);
    while world.tenant().count("reads") < 1 {}
    let told = verdict(&world.authwave(&["report", "out"]).exits(0));
    assert!(told.contains("The only row is as it should be"), "{told}");
    world
        .resume(&[])
        .exits(2)
        .stderr_has(&format!("in use by process {}, which reads it, since", verifying.id()));
    verifying.end().exits(0);
}

#[test]
fn what_is_no_run_directory_is_refused_and_left_alone() {
    let world = World::new();
    fs::create_dir(world.path("empty")).unwrap();
    world.authwave(&["report", "empty"]).exits(2).stderr_has("is no journal of authwave");
    assert_eq!(fs::read_dir(world.path("empty")).unwrap().count(), 0);
}

#[test]
fn an_error_is_told_with_its_cause_and_example() {
    let text = "user,action,phone_number\na@contoso.com,add-phone,+1 2065550123\n";
    let refusal = "{\"error\":{\"code\":\"accessDenied\",\"message\":\"no right to +1 2065550123\"}}";
    let world = World::new().file("in.csv", text).answers([Answer::text(403, refusal)]);
    let page = world.run("in.csv", &[]).exits(1).text("report.html");
    let heading = "<h3 id=\"error-access-denied\"><a href=\"#error-access-denied\"><code>accessDenied</code></a>: 1 row";
    assert!(page.contains(heading), "{page}");
    assert!(
        page.contains("Not allowed: a permission") && page.contains("no right to +1 ******0123"),
        "{page}"
    );
}

/// The commands that the report names.
fn commands(ended: &Ended) -> Vec<String> {
    let page = ended.text("report.html");
    let parts = page.split("<kbd>").skip(1).map(|part| part.split("</kbd>").next().unwrap_or_default());
    parts.map(str::to_owned).collect()
}

/// The last command that the terminal names, with the run directory as the report has it.
fn named_at_the_end(ended: &Ended) -> Option<String> {
    let next = ended.stderr.lines().find_map(|line| line.strip_prefix("next: "))?;
    let command = next.rsplit(", then ").next()?;
    let directory = fs::canonicalize(ended.directory()).unwrap().display().to_string();
    Some(command.replace(" out", &format!(" {directory}")))
}

#[test]
fn the_terminal_and_the_report_name_the_same_command() {
    let text = |rows: std::ops::Range<u32>, action: &str| {
        let rows = rows.map(|row| format!("u{row}@contoso.com,{action},+1 20655501{row}\n"));
        format!("user,action,phone_number\n{}", rows.collect::<String>())
    };
    // All rows were refused for want of a permission, and none is left: a resume tries them again.
    let world = World::new().file("in.csv", &text(10..30, "add-phone")).simulator(&["--refuse-writes"]);
    let ended = world.run("in.csv", &["--in-flight", "1"]).exits(3).stderr_has("next: authwave resume out");
    assert_eq!(Some(commands(&ended)), named_at_the_end(&ended).map(|command| vec![command]));
    // Too many failed, and none is left: a resume would find nothing to do.
    let world = World::new().file("in.csv", &text(10..14, "update-phone")).simulator(&[]);
    let ended = world.run("in.csv", &["--in-flight", "1", "--max-failures", "3"]).exits(4);
    let ended = ended.stderr_has("authwave run out/unfinished.csv");
    assert_eq!(Some(commands(&ended)), named_at_the_end(&ended).map(|command| vec![command]));
}

#[test]
fn who_was_only_read_was_not_changed_and_a_plan_is_to_be_carried_out() {
    let text = "user,action,phone_number\na@contoso.com,add-phone,+1 2065550123\n\
                a@contoso.com,enable-sms-sign-in,\nb@contoso.com,add-phone,+1 2065550124\n";
    let world = World::new().file("in.csv", text).simulator(&[]);
    let ended = world.plan("in.csv", &[]).exits(0);
    let page = ended.text("report.html");
    assert!(verdict(&ended).contains("2 users were read, nothing was written."), "{}", verdict(&ended));
    assert!(page.contains("<title>authwave: What was read for the plan of in.csv</title>"), "{page}");
    let directory = fs::canonicalize(ended.directory()).unwrap();
    assert_eq!(commands(&ended), [format!("authwave run --plan {}/plan.json", directory.display())]);
    let ended = world.snapshot("in.csv", &["--run-dir", "seen"]).exits(0);
    assert!(verdict(&ended).contains("2 users were read, nothing was written."), "{}", verdict(&ended));
    assert!(ended.text("report.html").contains("<h1>Snapshot of in.csv</h1>"));
    assert_eq!(commands(&ended), [""; 0]);
}
