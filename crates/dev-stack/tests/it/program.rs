use assent_dev_stack::{Program, ProgramError, ProgramPlan};

fn sample_service() -> ProgramPlan {
    ProgramPlan::new("examples/sample_service")
        .label("sample")
        .variable("ASSENT_LISTEN", "127.0.0.1:0")
}

async fn get(program: &Program, path: &str) -> reqwest::Result<String> {
    reqwest::get(format!("{}{path}", program.url()))
        .await?
        .text()
        .await
}

#[tokio::test]
async fn a_program_is_ready_once_started_and_ends_when_told() {
    let logs = tempfile::tempdir().unwrap();
    let mut program = Program::start(sample_service(), logs.path()).await.unwrap();

    assert_eq!(get(&program, "/readyz").await.unwrap(), "{}");
    let status = program.terminate().await.unwrap();

    assert!(status.success(), "{status}");
    assert!(get(&program, "/readyz").await.is_err());
    assert!(program.log_text().contains("listening"));
}

#[tokio::test]
async fn a_killed_program_starts_again_where_it_was() {
    let logs = tempfile::tempdir().unwrap();
    let mut program = Program::start(sample_service(), logs.path()).await.unwrap();
    let (url, process) = (program.url(), program.process_id());

    program.kill();
    assert!(get(&program, "/readyz").await.is_err());
    program.restart().await.unwrap();

    assert_eq!(program.url(), url);
    assert_ne!(program.process_id(), process);
}

#[tokio::test]
async fn a_program_sees_what_was_planned_and_nothing_else() {
    let logs = tempfile::tempdir().unwrap();
    let program = Program::start(sample_service(), logs.path()).await.unwrap();

    let names = get(&program, "/environment").await.unwrap();

    assert!(
        names
            .split(' ')
            .all(|name| ["ASSENT_LISTEN", "PATH"].contains(&name)),
        "{names}"
    );
}

#[tokio::test]
async fn a_program_that_ends_is_told_about_with_its_last_words() {
    let logs = tempfile::tempdir().unwrap();

    let error = Program::start(sample_service().argument("--fail"), logs.path())
        .await
        .unwrap_err();

    assert!(matches!(error, ProgramError::Ended { .. }));
    assert!(
        error.to_string().contains("something is missing"),
        "{error}"
    );
}

#[tokio::test]
async fn a_program_that_is_not_built_is_told_about() {
    let logs = tempfile::tempdir().unwrap();

    let error = Program::start(ProgramPlan::new("no-such-program"), logs.path())
        .await
        .unwrap_err();

    assert!(matches!(error, ProgramError::NotBuilt(_)));
}
