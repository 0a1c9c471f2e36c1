//! Who listens on a port: `/proc/net/tcp` names the socket, `/proc/PID/fd` who has it (proc_net(5), proc_pid_fd(5)).

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use super::Process;
use crate::task::link::MARKER;
use crate::task::run::Holder;

/// Characters of a holder's command.
const COMMAND_CHARS: usize = 80;
/// How far up a holder's ancestors are named.
const GENERATIONS: usize = 32;

/// The process that listens on a TCP port of this machine, the oldest where several do; `None` where there is none, or
/// none that this user may see. Looks at every process: some milliseconds, on a thread that may block.
pub fn listener(port: u16) -> Option<Holder> {
    let sockets: HashSet<u64> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|table| inodes(&table, port))
        .collect();
    if sockets.is_empty() {
        return None;
    }
    let mut holders: Vec<Process> =
        super::processes().into_iter().filter(|process| has_socket(process.pid, &sockets)).collect();
    holders.sort_by_key(|process| (process.started, process.pid));
    holders.first().map(holder)
}

/// The sockets of a table that listen on the port: state `0A`, the local address' port in hexadecimal, inode in field 10.
fn inodes(table: &str, port: u16) -> Vec<u64> {
    let of_line = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (_, local) = fields.get(1)?.rsplit_once(':')?;
        let listens = *fields.get(3)? == "0A" && u16::from_str_radix(local, 16).ok()? == port;
        listens.then(|| fields.get(9)?.parse().ok())?
    };
    table.lines().skip(1).filter_map(of_line).collect()
}

fn has_socket(pid: i32, sockets: &HashSet<u64>) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| {
        let inode = target.to_str().and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
        inode.is_some_and(|inode: u64| sockets.contains(&inode))
    })
}

fn holder(process: &Process) -> Holder {
    let pid = process.pid;
    let mut lineage = vec![process.pid, process.session];
    let mut parent = process.parent;
    while parent > 1 && lineage.len() < GENERATIONS {
        lineage.push(parent);
        parent = Process::of(parent).map_or(0, |process| process.parent);
    }
    let output = [1, 2].iter().find_map(|descriptor| {
        fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).ok().filter(|path| path.ends_with("output"))
    });
    let marked = super::environment(pid).is_some_and(|environment| {
        environment.split(|byte| *byte == 0).any(|entry| entry.starts_with(format!("{MARKER}=").as_bytes()))
    });
    Holder {
        pid: u32::try_from(pid).unwrap_or_default(),
        command: command(pid),
        cwd: fs::read_link(format!("/proc/{pid}/cwd")).ok(),
        lineage: lineage.into_iter().filter_map(|pid| u32::try_from(pid).ok()).collect(),
        output,
        marked,
    }
}

/// The command line in short: the program without its folder, and its arguments.
fn command(pid: i32) -> String {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = raw.split(|byte| *byte == 0).map(String::from_utf8_lossy).filter(|word| !word.is_empty());
    let program = words.next().map(|program| {
        let path = PathBuf::from(program.as_ref());
        path.file_name().map_or_else(|| program.to_string(), |name| name.to_string_lossy().into_owned())
    });
    let name = || fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned();
    let mut text = program.unwrap_or_else(name);
    for word in words {
        text.push(' ');
        text.push_str(&word);
    }
    // A line of its own in a message: nothing of it may break that.
    let plain = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    match text.char_indices().nth(COMMAND_CHARS) {
        None => plain.collect(),
        Some(_) => plain.take(COMMAND_CHARS - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, TcpListener};

    use super::*;

    #[test]
    fn listening_sockets_are_found_in_the_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11 1 0 100 0 0 10 0\n   \
             1: 0100007F:0BB8 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 22 1 0 100 0 0 10 0\n   \
             2: 00000000:0BB9 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 33 1 0 100 0 0 10 0\n";
        assert_eq!(inodes(table, 3000), [11]);
        assert_eq!(inodes(table, 3001), [33]);
        assert!(inodes("", 3000).is_empty());
    }

    #[test]
    fn an_own_listener_is_found() {
        let mut sockets = vec![TcpListener::bind("127.0.0.1:0").unwrap()];
        sockets.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok());
        for socket in sockets {
            let port = socket.local_addr().unwrap().port();
            let found = listener(port).expect("this process listens");
            assert_eq!(found.pid, std::process::id());
            assert_eq!(found.cwd, std::env::current_dir().ok());
            assert!(found.command.starts_with("pillion"), "{found:?}");
            assert!(found.lineage.contains(&found.pid));
            drop(socket);
            assert_ne!(listener(port).map(|found| found.pid), Some(std::process::id()));
        }
    }
}
