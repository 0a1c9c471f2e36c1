//! How much the agent may do unasked: the modes. Knows no call.

/// How much the agent may do unasked. The mode belongs to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reads are free; commands that may change something and edits ask.
    Ask,
    /// The same, and edits inside the workspace are free.
    AcceptEdits,
    /// Reads only, commands that only read among them.
    Plan,
    /// Asks only about what destroys, about secrets, and about commands that cannot be understood.
    Auto,
}

impl Mode {
    /// Every mode: id, name and description, in the order in which clients list them.
    pub const ALL: [(Self, &'static str, &'static str, &'static str); 4] = [
        (Self::Ask, "ask", "Ask", "Asks before edits, and before commands that do more than read"),
        (
            Self::AcceptEdits,
            "accept_edits",
            "Accept edits",
            "Edits in the workspace without asking; asks before commands",
        ),
        (Self::Plan, "plan", "Plan", "Reads only: no edits, and of commands those that are known to only read"),
        (Self::Auto, "auto", "Auto", "Runs commands and edits without asking, but for what destroys or holds secrets"),
    ];

    /// The id on the wire.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(mode, ..)| *mode == self).map_or("ask", |(_, id, ..)| id)
    }

    /// The mode of an id; the error lists the ids.
    pub fn parse(id: &str) -> Result<Self, String> {
        Self::ALL.iter().find(|(_, known, ..)| *known == id).map(|(mode, ..)| *mode).ok_or_else(|| {
            let ids: Vec<&str> = Self::ALL.iter().map(|(_, id, ..)| *id).collect();
            format!("there is no mode {id:?}; the modes are {}", ids.join(", "))
        })
    }
}
