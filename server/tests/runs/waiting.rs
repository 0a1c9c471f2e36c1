//! Commands that wait for input, and commands that look as if they did.

use std::time::Duration;

use pillion::task::model::{Asked, Stdin};
use pillion::task::run::{RunEvent, RunId};

use crate::rig::Rig;

/// A rig with a command that has an input.
fn asking(command: &str, stdin: Stdin) -> (Rig, RunId) {
    let mut rig = Rig::new();
    let mut spec = rig.spec(command);
    spec.stdin = stdin;
    let id = rig.start_spec(spec);
    (rig, id)
}

async fn waits(rig: &mut Rig) -> Asked {
    rig.until(|event| match event {
        RunEvent::Waiting(asked) => Some(asked.clone()),
        _ => None,
    })
    .await
}

async fn goes_on(rig: &mut Rig) {
    rig.until(|event| matches!(event, RunEvent::Resumed).then_some(())).await;
}

fn question(text: &str) -> Asked {
    Asked { text: Some(text.to_owned()), ..Asked::default() }
}

#[tokio::test]
async fn a_bare_read_waits_and_goes_on_when_it_is_answered() {
    let (mut rig, id) = asking("read -r one; read -r two; echo \"$one $two\"", Stdin::Pipe);
    assert_eq!(waits(&mut rig).await, Asked::default());
    rig.input(&id, "a\n", false).unwrap();
    goes_on(&mut rig).await;
    assert_eq!(waits(&mut rig).await, Asked::default(), "the second one");
    rig.input(&id, "b\n", false).unwrap();
    assert_eq!(rig.end().await.tail, "a b\n");
}

#[tokio::test]
async fn a_question_is_what_was_written_since_the_last_answer() {
    let (mut rig, id) = asking("read -rp 'Name: ' a; read -rp 'Sure (y/n)? ' b; echo; echo \"$a $b\"", Stdin::Pty);
    assert_eq!(waits(&mut rig).await, question("Name:"));
    rig.input(&id, "Ada\n", false).unwrap();
    goes_on(&mut rig).await;
    let asked = waits(&mut rig).await;
    assert_eq!(asked.text.as_deref(), Some("Sure (y/n)?"));
    assert_eq!(asked.options.iter().map(|option| option.text.as_str()).collect::<Vec<_>>(), ["y\n", "n\n"]);
    rig.input(&id, &asked.options[0].text, false).unwrap();
    assert_eq!(rig.end().await.tail, "Name: Sure (y/n)? \nAda y\n");
}

#[tokio::test]
async fn a_menu_lists_its_answers() {
    let (mut rig, id) = asking("select fruit in apple pear; do echo \"<$fruit>\"; break; done", Stdin::Pipe);
    let asked = waits(&mut rig).await;
    assert_eq!(asked.options.iter().map(|option| option.label.as_str()).collect::<Vec<_>>(), ["1) apple", "2) pear"]);
    rig.input(&id, &asked.options[1].text, false).unwrap();
    assert!(rig.end().await.tail.ends_with("<pear>\n"));
}

#[tokio::test]
async fn a_password_is_asked_on_the_terminal_and_stays_out_of_the_output() {
    let script = "import getpass; print(len(getpass.getpass('Password: ')))";
    let (mut rig, id) = asking(&format!("python3 -c \"{script}\" < /dev/null"), Stdin::Pty);
    assert_eq!(waits(&mut rig).await, Asked { secret: true, ..question("Password:") });
    rig.input(&id, "hunter2\n", false).unwrap();
    let end = rig.end().await;
    assert!(end.tail.contains("7\n") && !end.tail.contains("hunter2"), "{}", end.tail);
}

#[tokio::test]
async fn pythons_input_is_a_question() {
    let (mut rig, id) = asking("python3 -c 'print(input(\"How many? \"))'", Stdin::Pipe);
    assert_eq!(waits(&mut rig).await, question("How many?"));
    rig.input(&id, "3\n", false).unwrap();
    assert_eq!(rig.end().await.tail, "How many? 3\n");
}

#[tokio::test]
async fn a_select_on_the_input_alone_is_a_read() {
    let script = "import select, sys; select.select([0], [], []); print(sys.stdin.readline())";
    let (mut rig, id) = asking(&format!("python3 -c '{script}'"), Stdin::Pipe);
    waits(&mut rig).await;
    rig.input(&id, "x\n", false).unwrap();
    assert_eq!(rig.end().await.tail, "x\n\n");
}

#[tokio::test]
async fn a_pipeline_and_a_busy_command_do_not_wait() {
    // Three looks long one process works without a word and another one reads a pipe that is not the task's.
    let quiet = "SECONDS=0; while ((SECONDS < 4)); do :; done | tail -n 1";
    let (mut rig, id) = asking(&format!("{quiet}; read -rp 'Now? ' now; echo \"<$now>\""), Stdin::Pty);
    assert_eq!(waits(&mut rig).await, question("Now?"), "the first one");
    rig.input(&id, "yes\n", false).unwrap();
    assert_eq!(rig.end().await.tail, "Now? <yes>\n");
}

#[tokio::test]
async fn a_program_that_listens_waits_when_it_is_quiet_at_a_question() {
    let mut rig = Rig::new();
    let script = "process.stdin.on('data', text => { console.log(`<${text}>`); process.exit() });
        console.log('ready'); setTimeout(() => process.stdout.write('Which port? '), 2000)";
    let mut spec = rig.spec(&format!("node -e \"{script}\"").replace('`', "\\`").replace("${", "\\${"));
    spec.stdin = Stdin::Pipe;
    // `ready` stands for longer than this, and is no question.
    spec.stall_after = Duration::from_millis(500);
    let id = rig.start_spec(spec);
    assert_eq!(waits(&mut rig).await, question("Which port?"), "the first one");
    rig.input(&id, "8080", false).unwrap();
    goes_on(&mut rig).await;
    assert!(rig.end().await.tail.ends_with("Which port? <8080>\n"));
}
