-- The whole plugin in a real Neovim, against the fake server: windows, buffers, commands, questions.

local app_module = require("pillion.app")
local t = require("support")

vim.cmd.runtime("plugin/pillion.lua")

local function say(app, kind, id, words)
  t.emit(app, t.update({ sessionUpdate = kind, messageId = id, content = { type = "text", text = words } }))
end

return {
  {
    "nothing is loaded before the first use, and the status line starts nothing",
    function()
      local script = vim.fn.tempname() .. ".lua"
      t.write(
        script,
        [[
        vim.cmd.runtime("plugin/pillion.lua")
        for name in pairs(package.loaded) do
          assert(not name:match("^pillion"), name)
        end
        assert(require("pillion").statusline() == "")
        assert(not package.loaded["pillion.app"])
        io.stdout:write("fine")
      ]]
      )
      local init = vim.api.nvim_get_runtime_file("tests/init.lua", false)[1]
      local result = vim
        .system({ vim.v.progpath, "--headless", "-u", init, "-l", script }, { text = true })
        :wait()
      t.eq("fine", result.stdout, result.stderr)
    end,
  },
  {
    "the handshake declares the panel and carries the settings",
    function()
      local dir = t.workspace()
      local app = t.start({ settings = { background = { maxConcurrent = 3 } } })
      local params = t.received(app, "initialize").params
      local declared = params.capabilities.experimental.pillion
      t.eq(1, declared.version)
      assert(declared.sessionUpdates and declared.requestPermission and declared.documentSave)
      assert(#declared.clientToken > 8)
      t.eq({ background = { maxConcurrent = 3 } }, params.initializationOptions)
      t.eq(vim.uri_from_fname(dir), params.workspaceFolders[1].uri)
      t.eq("pillion", vim.lsp.get_clients({ name = "pillion" })[1].name)
    end,
  },
  {
    "files of the workspace reach the server, others do not",
    function()
      local dir = t.workspace({ ["a.txt"] = "one\n", ["b.txt"] = "two\n" })
      vim.cmd.edit("a.txt")
      local app = t.start()
      local outside = vim.fn.tempname() .. "-outside"
      t.write(outside, "x\n")
      vim.cmd.edit(outside)
      vim.cmd.edit(dir .. "/b.txt")
      for _, name in ipairs({ "a.txt", "b.txt" }) do
        t.received(app, "textDocument/didOpen", function(params)
          return params.textDocument.uri == vim.uri_from_fname(dir .. "/" .. name)
        end)
      end
      for _, message in ipairs(t.log(app)) do
        assert(
          message.method ~= "textDocument/didOpen"
            or not message.params.textDocument.uri:find(vim.fs.basename(outside), 1, true)
        )
      end
      vim.api.nvim_buf_set_lines(0, 0, 1, false, { "TWO" })
      t.received(app, "textDocument/didChange")
      vim.cmd("silent write")
      t.received(app, "textDocument/didSave")
    end,
  },
  {
    "the chat opens on the right, streams, follows its end, and closes as one",
    function()
      t.workspace()
      local app = t.start()
      t.open_chat(app)
      t.eq("pillion-prompt", vim.bo.filetype)
      t.eq("> ", vim.wo.statuscolumn:match("'(> )'"))
      local chat = t.buffer_of("pillion-chat")
      local top = vim.fn.win_findbuf(chat)[1]
      assert(vim.api.nvim_win_get_position(top)[2] > 0, "not on the right")
      t.eq(false, vim.bo[chat].modifiable)
      say(app, "user_message_chunk", "m1", "hello")
      for part = 1, 60 do
        say(app, "agent_message_chunk", "m2", ("line %d\n"):format(part))
      end
      t.shows("line 60")
      t.eq({ "## You", "hello", "## Pillion", "line 1" }, vim.list_slice(t.chat_text(), 1, 4))
      t.eq(vim.api.nvim_buf_line_count(chat), vim.api.nvim_win_get_cursor(top)[1], "follows")
      vim.api.nvim_win_set_cursor(top, { 3, 0 })
      say(app, "agent_message_chunk", "m2", "line 61\n")
      t.shows("line 61")
      t.eq(3, vim.api.nvim_win_get_cursor(top)[1], "stays where the person reads")
      vim.cmd.close()
      t.wait("both windows to close", function()
        return #vim.api.nvim_list_wins() == 1
      end)
      vim.cmd("Pillion")
      t.eq(3, #vim.api.nvim_list_wins())
      t.has(t.chat_text(), "line 61")
      vim.cmd("Pillion")
      t.eq(1, #vim.api.nvim_list_wins())
    end,
  },
  {
    "the header tells title, mode and context",
    function()
      t.workspace()
      local app = t.start()
      t.open_chat(app)
      t.emit(
        app,
        t.update({ sessionUpdate = "session_info", title = "Fix 100% of it" }),
        t.update({ sessionUpdate = "usage", contextUsed = 31, contextWindow = 100 })
      )
      local top = vim.fn.win_findbuf(t.buffer_of("pillion-chat"))[1]
      t.wait("the header", function()
        return vim.wo[top].winbar == "Pillion · Fix 100%% of it · ask · 31 %%%<"
      end)
    end,
  },
  {
    "Enter sends in both modes; C-j makes a line; @file becomes a link",
    function()
      local dir = t.workspace({ ["src/a.rs"] = "x\n" })
      local app = t.start()
      t.open_chat(app)
      t.press("ifirst<C-j>look at @src/a.rs, please<CR><Esc>")
      local prompt = t.received(app, "pillion/session/prompt").params
      t.eq("s1", prompt.sessionId)
      t.eq({ type = "text", text = "first\nlook at @src/a.rs, please" }, prompt.prompt[1])
      t.eq(
        { type = "resource_link", name = "src/a.rs", uri = vim.uri_from_fname(dir .. "/src/a.rs") },
        prompt.prompt[2]
      )
      t.eq({ "" }, t.lines(0))
      t.press("isecond<Esc>")
      t.press("<CR>")
      t.received(app, "pillion/session/prompt", function(params)
        return params.prompt[1].text == "second"
      end)
    end,
  },
  {
    "a message that did not arrive comes back into the prompt",
    function()
      t.workspace()
      local app = t.start()
      t.open_chat(app)
      t.reply(
        app,
        "pillion/session/prompt",
        { error = { code = -32012, message = "no model. Add a key.", data = { remedy = "Add a key." } } }
      )
      t.press("ihello<C-j>there<CR><Esc>")
      t.wait("the word", function()
        return t.said[1]
      end)
      t.eq({ "Pillion: no model. Add a key." }, t.said)
      t.eq({ "hello", "there" }, t.lines(0))
    end,
  },
  {
    "a message that needs a model is sent once there is one, and once",
    function()
      t.workspace()
      local app = t.start()
      t.open_chat(app)
      local function model(name)
        t.emit(app, t.update({ sessionUpdate = "session_info", model = name }))
      end
      local function prompts()
        return vim.tbl_filter(function(message)
          return message.method == "pillion/session/prompt"
        end, t.log(app))
      end
      model("offline")
      t.press("iexplain it<CR><Esc>")
      t.received(app, "pillion/session/prompt")
      t.emit(app, t.update({ sessionUpdate = "turn_ended", stopReason = "end_turn", needsModel = { "p1" } }))
      t.wait("the word", function()
        return t.said[1]
      end)
      t.has(t.said[1], "once there is a model")
      model("offline:offline")
      t.eq(1, #prompts())
      model("claude-sonnet-5")
      t.received(app, "pillion/session/prompt", function()
        return #prompts() == 2
      end)
      t.eq(prompts()[1].params, prompts()[2].params)
      model("claude-opus-5")
      t.eq(2, #prompts())
    end,
  },
  {
    "Tab completes a file after @ and a command of the session after /",
    function()
      t.workspace({ ["src/a.rs"] = "x\n" })
      local app = t.start()
      t.reply(
        app,
        "pillion/command/list",
        { result = { commands = { { name = "compact", description = "shorten" } } } }
      )
      t.open_chat(app)
      t.received(app, "pillion/command/list")
      t.press("ilook at @src/a<Tab><C-y><Esc>")
      t.eq({ "look at @src/a.rs" }, t.lines(0))
      t.press("cc/<C-n><C-y><Esc>")
      t.eq({ "/compact" }, t.lines(0))
    end,
  },
  {
    "C-c stops the turn that runs",
    function()
      t.workspace()
      local app = t.start()
      t.open_chat(app)
      t.emit(app, t.update({ sessionUpdate = "turn_started", reason = "prompt" }, { turnId = "t7" }))
      t.shows("… working")
      t.press("<C-c>")
      t.eq({ sessionId = "s1", turnId = "t7" }, t.received(app, "pillion/session/cancel").params)
      local ended = t.events("PillionTurnEnd")
      t.press("ibegun<Esc>")
      local unsent = { { promptId = "p2", prompt = { { type = "text", text = "and then commit" } } } }
      t.emit(
        app,
        t.update(
          { sessionUpdate = "turn_ended", stopReason = "cancelled", unsent = unsent },
          { turnId = "t7" }
        )
      )
      t.shows("■ stopped")
      t.eq({ "and then commit", "begun" }, t.lines(0), "a queued prompt comes back")
      t.eq({ { sessionId = "s1", turnId = "t7", stopReason = "cancelled" } }, ended)
    end,
  },
  {
    "a notification unfolds to exactly what the model was given",
    function()
      t.workspace()
      local app = t.start()
      t.open_chat(app)
      local text = "[Task notifications]\n<task_notification>\n<task_id>t1</task_id>\n<status>failed</status>\n"
        .. "<command>cargo test</command>\n<duration>1.0s</duration>\n</task_notification>"
      t.emit(app, t.update({ sessionUpdate = "task_notification", taskIds = { "t1" }, text = text }))
      t.shows("✕ cargo test · failed · 1.0s")
      vim.api.nvim_set_current_win(vim.fn.win_findbuf(t.buffer_of("pillion-chat"))[1])
      vim.api.nvim_win_set_cursor(0, { 2, 0 })
      t.press("<CR>")
      t.eq(vim.split(text, "\n"), vim.list_slice(t.chat_text(), 3))
      t.eq(2, vim.api.nvim_win_get_cursor(0)[1], "the cursor stays on the row")
      vim.api.nvim_win_set_cursor(0, { 4, 0 })
      t.press("<CR>")
      t.eq(2, #t.chat_text())
    end,
  },
  {
    "what the server cannot do yet is told in one calm line",
    function()
      t.workspace()
      local app = t.start()
      vim.cmd("Pillion run make it | so")
      t.eq({ command = "make it | so", cwd = vim.fn.getcwd() }, t.received(app, "pillion/task/start").params)
      t.wait("the word", function()
        return t.said[1]
      end)
      t.eq({ "Pillion: this server has no `task/start` yet" }, t.said)
      vim.cmd("Pillion nonsense")
      t.has(t.said, "`nonsense` is not a command")
    end,
  },
  {
    "a range is added to the next prompt, and ask sends it at once",
    function()
      local dir = t.workspace({ ["src/a.rs"] = "1\n2\n3\n4\n" })
      vim.cmd.edit("src/a.rs")
      local app = t.start()
      vim.cmd("2,3Pillion add")
      t.has(t.said, "@src/a.rs:2-3 goes with the next message")
      vim.cmd("4Pillion ask why is this so")
      local prompt = t.received(app, "pillion/session/prompt").params.prompt
      local uri = vim.uri_from_fname(dir .. "/src/a.rs")
      t.eq({
        { type = "text", text = "why is this so" },
        { type = "resource_link", name = "src/a.rs", uri = uri, range = { start = 4, ["end"] = 4 } },
        { type = "resource_link", name = "src/a.rs", uri = uri, range = { start = 2, ["end"] = 3 } },
      }, prompt)
    end,
  },
  {
    "fix asks about the diagnostic under the cursor",
    function()
      local dir = t.workspace({ ["a.rs"] = "1\n2\n" })
      vim.cmd.edit("a.rs")
      local app = t.start()
      vim.cmd("Pillion fix")
      t.has(t.said, "no diagnostic on this line")
      t.emit(app, {
        "textDocument/publishDiagnostics",
        {
          uri = vim.uri_from_fname(dir .. "/a.rs"),
          diagnostics = {
            {
              range = { start = { line = 1, character = 0 }, ["end"] = { line = 1, character = 1 } },
              severity = 1,
              source = "pillion",
              code = "auth::login_expires",
              message = "left: 200, right: 401",
            },
          },
        },
      })
      t.wait("the diagnostic", function()
        return #vim.diagnostic.get(0) == 1
      end)
      vim.api.nvim_win_set_cursor(0, { 2, 0 })
      vim.cmd("Pillion fix")
      local prompt = t.received(app, "pillion/session/prompt").params.prompt
      t.eq("Fix this at a.rs:2:\nleft: 200, right: 401 (pillion auth::login_expires)", prompt[1].text)
      t.eq({ start = 2, ["end"] = 2 }, prompt[2].range)
    end,
  },
  {
    "a server that dies is started again and the session comes back",
    function()
      t.workspace()
      local app = t.start()
      t.open_chat(app)
      t.ask(app)
      t.shows("npm install")
      local first = app.client.id
      app.client.lsp:notify("fake/die", vim.empty_dict())
      t.wait("another server", function()
        return app.client.lsp and app.client.id ~= first
      end)
      t.received(app, "pillion/session/load", function(params)
        return params.sessionId == "s1"
      end)
      t.eq("", require("pillion").statusline(), "its questions are gone")
      t.eq({
        "Pillion: needs you: npm install (:Pillion answer)",
        "Pillion: the server ended (code 7) and is started again. the fake server was told to die",
      }, t.said)
    end,
  },
  {
    "a binary that is not there is named, with the remedy",
    function()
      t.workspace()
      require("pillion").setup({ cmd = { "no-such-pillion", "serve" } })
      vim.cmd("Pillion test")
      t.has(t.said, "`no-such-pillion` was not found")
      app_module.set(nil)
    end,
  },
  {
    "sessions, mode and undo",
    function()
      t.workspace()
      local app = t.start()
      t.reply(app, "pillion/session/list", {
        result = {
          sessions = {
            { sessionId = "s9", title = "Old work", turns = 2, updatedAt = "2026-01-02T00:00:00Z" },
          },
        },
      })
      local shown
      local select = vim.ui.select
      vim.ui.select = function(items, options, callback)
        shown = options.format_item(items[1])
        callback(items[1])
      end
      vim.cmd("Pillion session list")
      t.received(app, "pillion/session/load", function(params)
        return params.sessionId == "s9"
      end)
      vim.ui.select = select
      t.eq("Old work · 2 turns · 2026-01-02", shown)
      t.wait("the session", function()
        return app.state.current == "s9"
      end)
      vim.cmd("Pillion mode auto")
      t.eq({ sessionId = "s9", mode = "auto" }, t.received(app, "pillion/session/set_mode").params)
      t.reply(app, "pillion/change/list", { result = { changes = {}, notes = {} } })
      vim.cmd("Pillion undo")
      t.wait("the answer", function()
        return t.said[#t.said] == "Pillion: there is nothing to undo"
      end)
    end,
  },
  {
    "undo takes back the newest turn with edits, and says what it did",
    function()
      local dir = t.workspace({ ["a.txt"] = "new\n", ["made.txt"] = "made\n" })
      local app = t.start()
      vim.cmd("Pillion")
      t.wait("the session", function()
        return app.state.current
      end)
      vim.cmd("wincmd t")
      vim.cmd.edit("made.txt")
      local made = vim.api.nvim_get_current_buf()
      vim.cmd.edit("a.txt")
      local buffer = vim.api.nvim_get_current_buf()
      local function change(path, turn, kind, status)
        return { path = dir .. "/" .. path, turnId = turn, kind = kind, state = status }
      end
      t.reply(app, "pillion/change/list", {
        result = {
          changes = {
            change("a.txt", "t1", "edit", "pending"),
            change("a.txt", "t2", "edit", "pending"),
            change("made.txt", "t2", "create", "pending"),
            change("b.txt", "t3", "edit", "reverted"),
          },
        },
      })
      t.reply(app, "pillion/change/revert", {
        result = {
          changes = {
            change("made.txt", "t2", "create", "reverted"),
            change("a.txt", "t2", "edit", "reverted"),
          },
          notes = { "made.txt is empty in the editor, and not saved." },
        },
      })
      t.write(dir .. "/a.txt", "as it was\n")
      vim.uv.fs_unlink(dir .. "/made.txt")
      vim.cmd("Pillion undo")
      t.eq("t2", t.received(app, "pillion/change/revert").params.turnId)
      t.wait("what was done", function()
        return #t.said > 1
      end)
      t.eq("Pillion: undone: a.txt, made.txt", t.said[#t.said - 1])
      t.has(t.said, "not saved")
      t.wait("the buffer as it was", function()
        return t.lines(buffer)[1] == "as it was"
      end)
      t.eq(false, vim.api.nvim_buf_is_loaded(made))
      t.reply(app, "pillion/change/revert", {
        error = { code = -32012, message = "a.txt was edited since at line 1. Undo it in the editor." },
      })
      vim.cmd("Pillion undo")
      t.wait("the refusal", function()
        return t.said[#t.said]:find("edited since at line 1", 1, true)
      end)
    end,
  },
  {
    "subcommands and their words are completed",
    function()
      t.eq({ "tasks", "test" }, vim.fn.getcompletion("Pillion t", "cmdline"))
      t.eq({ "workspace" }, vim.fn.getcompletion("Pillion test w", "cmdline"))
      local names =
        "add answer ask build cancel chat fix lint log mode model rerun run session stop tasks test undo"
      t.eq(vim.split(names, " "), vim.fn.getcompletion("Pillion ", "cmdline"))
    end,
  },
  {
    "a model is chosen from the list, and completed by it",
    function()
      t.workspace()
      local app = t.start()
      t.reply(app, "pillion/model/list", {
        result = {
          models = {
            { id = "claude-x", name = "claude-x", contextWindow = 200000, current = true, offered = false },
            { id = "ollama:qwen3:8b", name = "qwen3:8b", current = false, offered = true },
          },
          providers = { { id = "openai", name = "OpenAI", state = "failed", message = "It is down." } },
        },
      })
      t.reply(app, "pillion/session/set_model", { result = vim.empty_dict() })
      local shown
      local select = vim.ui.select
      vim.ui.select = function(items, how, chosen)
        shown = vim.tbl_map(how.format_item, items)
        chosen(items[2])
      end
      vim.cmd("Pillion model")
      t.wait("the choice", function()
        return shown
      end)
      vim.ui.select = select
      t.eq({ "claude-x  200k  now", "ollama:qwen3:8b  (qwen3:8b)  offered" }, shown)
      t.eq("ollama:qwen3:8b", t.received(app, "pillion/session/set_model").params.model)
      t.eq({ "ollama:qwen3:8b" }, vim.fn.getcompletion("Pillion model oll", "cmdline"))
    end,
  },
  {
    "checkhealth names what is there",
    function()
      t.workspace()
      t.start()
      vim.cmd("checkhealth pillion")
      t.has(t.lines(0), "python3")
      t.has(t.lines(0), "running for")
    end,
  },
}
