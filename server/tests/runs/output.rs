//! What a command writes, reads and is asked.

use pillion::task::model::Stdin;
use pillion::task::run::{Ending, OutputRange, RunEvent};
use pillion::task::slice;
use tokio::time::Instant;

use crate::rig::Rig;

#[tokio::test]
async fn many_lines() {
    let mut rig = Rig::new();
    let began = Instant::now();
    let id = rig.start("seq 1 300000");
    let mut reports = 0;
    let mut last = None;
    let end = loop {
        match rig.event().await.1 {
            RunEvent::Output { bytes, lines, last_line, .. } => {
                reports += 1;
                last = Some((bytes, lines, last_line));
            }
            RunEvent::Ended(end) => break end,
            _ => {}
        }
    };
    let size = std::fs::metadata(rig.output(&id)).unwrap().len();
    assert_eq!((end.bytes, end.lines), (size, 300_000));
    assert_eq!(last, Some((size, 300_000, "300000".to_owned())));
    assert!(end.tail.ends_with("299999\n300000\n") && end.tail.len() <= 6_000);
    // Ten a second, and the first and the last.
    assert!(reports <= began.elapsed().as_millis() / 100 + 2, "{reports}");
}

#[tokio::test]
async fn the_last_state_is_always_told() {
    let mut rig = Rig::new();
    let mut spec = rig.spec("printf a; read -r x; printf b; read -r x");
    spec.stdin = Stdin::Pipe;
    let id = rig.start_spec(spec);
    rig.line("a").await;
    rig.input(&id, "\n", false).unwrap();
    // Within the tenth of a second after the report before it, and nothing follows it.
    rig.line("ab").await;
    rig.input(&id, "\n", false).unwrap();
    assert_eq!(rig.end().await.lines, 1);
}

#[tokio::test]
async fn bars_show_their_newest_state() {
    let mut rig = Rig::new();
    let mut spec = rig
        .spec(r"echo start; for i in 10 60 100; do printf '\r[bar] %d%%' $i; done; read -r x; printf '\r\033[Kdone\n'");
    spec.stdin = Stdin::Pipe;
    let id = rig.start_spec(spec);
    rig.line("[bar] 100%").await;
    rig.input(&id, "\n", false).unwrap();
    let end = rig.end().await;
    assert_eq!((end.tail.as_str(), end.lines), ("start\ndone\n", 2));
}

#[tokio::test]
async fn a_command_may_cut_its_own_output() {
    let mut rig = Rig::new();
    let mut spec = rig.spec("echo a first line; read -r x; echo second > /dev/stderr; echo third");
    spec.stdin = Stdin::Pipe;
    let id = rig.start_spec(spec);
    rig.line("a first line").await;
    rig.input(&id, "\n", false).unwrap();
    let end = rig.end().await;
    assert!(end.truncated);
    assert_eq!((end.bytes, end.lines), (13 + 7 + 6, 3));
    assert_eq!(end.tail, "second\nthird\n");
}

#[tokio::test]
async fn bytes_of_any_kind() {
    let mut rig = Rig::new();
    let id = rig.start(r"printf 'a\377\376b\0c \303\n\033[32mgreen\033[0m'");
    let end = rig.end().await;
    assert_eq!(end.tail, "a\u{fffd}\u{fffd}bc \u{fffd}\ngreen");
    let read = slice::read(&rig.output(&id), OutputRange::Tail { lines: 1, limit: 100 }).unwrap();
    assert_eq!((read.text.as_str(), read.total_bytes, read.eof), ("green", end.bytes, true));
}

#[tokio::test]
async fn a_pipe_is_read_to_its_end() {
    let mut rig = Rig::new();
    let mut spec = rig.spec("while read -r line; do echo \"got $line\"; done; echo over");
    spec.stdin = Stdin::Pipe;
    let id = rig.start_spec(spec);
    rig.input(&id, "one\n", false).unwrap();
    rig.line("got one").await;
    rig.input(&id, "two\n", true).unwrap();
    assert_eq!(rig.input(&id, "three\n", false).unwrap_err(), "The standard input of this task is closed.");
    let end = rig.end().await;
    assert_eq!(end.tail, "got one\ngot two\nover\n");
    assert_eq!(end.ending, Ending::Exited { code: 0 });
}

#[tokio::test]
async fn input_that_nobody_reads_is_bounded_and_blocks_nothing() {
    let mut rig = Rig::new();
    let mut spec = rig.spec("echo ready; sleep 300");
    spec.stdin = Stdin::Pipe;
    let id = rig.start_spec(spec);
    rig.line("ready").await;
    let text = "x".repeat(1 << 18);
    let mut given = 0;
    // A pipe takes 64 KiB of it; the rest waits, up to 1 MiB.
    let refused = loop {
        match rig.input(&id, &text, false) {
            Ok(()) => given += 1,
            Err(reason) => break reason,
        }
        assert!(given < 10);
    };
    assert!(refused.starts_with("The command does not read its input"), "{refused}");
    rig.stop(&id);
    assert!(matches!(rig.end().await.ending, Ending::Stopped { .. }));
}

#[tokio::test]
async fn much_input_arrives_whole() {
    let mut rig = Rig::new();
    let mut spec = rig.spec("wc -c");
    spec.stdin = Stdin::Pipe;
    let id = rig.start_spec(spec);
    rig.input(&id, &"é".repeat(400_000), true).unwrap();
    assert_eq!(rig.end().await.tail.trim(), "800000");
}

#[tokio::test]
async fn a_terminal_asks_and_is_answered() {
    let mut rig = Rig::new();
    let mut spec = rig.spec(
        "test -t 0 && ! test -t 1 && echo terminal; printf 'Name? ' > /dev/tty; read -r name; echo \"hello $name\"; cat; echo over",
    );
    spec.stdin = Stdin::Pty;
    let id = rig.start_spec(spec);
    rig.line("Name?").await;
    rig.input(&id, "Ada\n", false).unwrap();
    rig.line("Name? hello Ada").await;
    rig.input(&id, "torn", true).unwrap();
    let end = rig.end().await;
    assert_eq!(end.tail, "terminal\nName? hello Ada\ntornover\n");
    assert_eq!(end.ending, Ending::Exited { code: 0 });
}

#[tokio::test]
async fn a_terminal_is_stopped_like_the_rest() {
    let mut rig = Rig::new();
    let mut spec = rig.spec("echo ready; bash -i; sleep 300");
    spec.stdin = Stdin::Pty;
    let id = rig.start_spec(spec);
    rig.line("ready").await;
    rig.stop(&id);
    assert!(matches!(rig.end().await.ending, Ending::Stopped { .. }));
    assert_eq!(rig.living(), Vec::<String>::new());
}

#[tokio::test]
async fn no_input_is_an_end_of_file() {
    let mut rig = Rig::new();
    let id = rig.start("cat; echo over");
    assert!(rig.input(&id, "x", false).unwrap_err().contains("no standard input"));
    assert_eq!(rig.end().await.tail, "over\n");
}
