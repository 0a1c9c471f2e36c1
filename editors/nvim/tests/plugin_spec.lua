-- The whole plugin in a real Neovim, against the fake server: windows, buffers, commands, questions.

local app_module = require("pillion.app")
local t = require("support")

vim.cmd.runtime("plugin/pillion.lua")

local function chat_text()
  return t.lines(t.buffer_of("pillion-chat"))
end

local function open_chat(app)
  vim.cmd("Pillion")
  t.wait("the session", function()
    return app.state.current
  end)
end

local function shows(needle)
  t.wait(("%q in the chat"):format(needle), function()
    return table.concat(chat_text(), "\n"):find(needle, 1, true)
  end)
end

local function say(app, kind, id, words)
  t.emit(app, t.update({ sessionUpdate = kind, messageId = id, content = { type = "text", text = words } }))
end

local function ask(app, question)
  local id = t.next_id()
  t.emit(app, {
    "pillion/session/request_permission",
    {
      sessionId = "s1",
      questionId = question or "q1",
      toolCall = {
        toolCallId = "c1",
        title = "npm install",
        name = "bash",
        kind = "execute",
        rawInput = {},
        content = {},
      },
      options = {
        { optionId = "yes", name = "Yes", kind = "allow_once" },
        { optionId = "always", name = "Always allow npm *", kind = "allow_always" },
        { optionId = "no", name = "No, and say why", kind = "reject_once" },
      },
    },
    id = id,
  })
  return id
end

--- Replaces the choices of `vim.ui` by fixed answers for one call of `action`.
local function choosing(choice, input, action)
  local select, text = vim.ui.select, vim.ui.input
  local shown = {}
  vim.ui.select = function(items, options, callback)
    shown.items, shown.prompt = vim.tbl_map(options.format_item or tostring, items), options.prompt
    callback(choice and items[choice] or nil)
  end
  vim.ui.input = function(options, callback)
    shown.input = options.prompt
    callback(input)
  end
  local ok, err = pcall(action)
  vim.ui.select, vim.ui.input = select, text
  assert(ok, err)
  return shown
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
      open_chat(app)
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
      shows("line 60")
      t.eq({ "## You", "hello", "## Pillion", "line 1" }, vim.list_slice(chat_text(), 1, 4))
      t.eq(vim.api.nvim_buf_line_count(chat), vim.api.nvim_win_get_cursor(top)[1], "follows")
      vim.api.nvim_win_set_cursor(top, { 3, 0 })
      say(app, "agent_message_chunk", "m2", "line 61\n")
      shows("line 61")
      t.eq(3, vim.api.nvim_win_get_cursor(top)[1], "stays where the person reads")
      vim.cmd.close()
      t.wait("both windows to close", function()
        return #vim.api.nvim_list_wins() == 1
      end)
      vim.cmd("Pillion")
      t.eq(3, #vim.api.nvim_list_wins())
      t.has(chat_text(), "line 61")
      vim.cmd("Pillion")
      t.eq(1, #vim.api.nvim_list_wins())
    end,
  },
  {
    "the header tells title, mode and context",
    function()
      t.workspace()
      local app = t.start()
      open_chat(app)
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
      open_chat(app)
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
      open_chat(app)
      t.reply(
        app,
        "pillion/session/prompt",
        { error = { code = -32012, message = "no model", data = { remedy = "add a key" } } }
      )
      t.press("ihello<C-j>there<CR><Esc>")
      t.wait("the word", function()
        return t.said[1]
      end)
      t.eq({ "Pillion: no model · add a key" }, t.said)
      t.eq({ "hello", "there" }, t.lines(0))
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
      open_chat(app)
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
      open_chat(app)
      t.emit(app, t.update({ sessionUpdate = "turn_started", reason = "prompt" }, { turnId = "t7" }))
      shows("… working")
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
      shows("■ stopped")
      t.eq({ "and then commit", "begun" }, t.lines(0), "a queued prompt comes back")
      t.eq({ { sessionId = "s1", turnId = "t7", stopReason = "cancelled" } }, ended)
    end,
  },
  {
    "a notification unfolds to exactly what the model was given",
    function()
      t.workspace()
      local app = t.start()
      open_chat(app)
      local text = "[Task notifications]\n<task_notification>\n<task_id>t1</task_id>\n<status>failed</status>\n"
        .. "<command>cargo test</command>\n<duration>1.0s</duration>\n</task_notification>"
      t.emit(app, t.update({ sessionUpdate = "task_notification", taskIds = { "t1" }, text = text }))
      shows("✕ cargo test · failed · 1.0s")
      vim.api.nvim_set_current_win(vim.fn.win_findbuf(t.buffer_of("pillion-chat"))[1])
      vim.api.nvim_win_set_cursor(0, { 2, 0 })
      t.press("<CR>")
      t.eq(vim.split(text, "\n"), vim.list_slice(chat_text(), 3))
      t.eq(2, vim.api.nvim_win_get_cursor(0)[1], "the cursor stays on the row")
      vim.api.nvim_win_set_cursor(0, { 4, 0 })
      t.press("<CR>")
      t.eq(2, #chat_text())
    end,
  },
  {
    "a permission is answered when the person gets to it, by choice or by reason",
    function()
      t.workspace()
      local app = t.start()
      open_chat(app)
      local asked = t.events("PillionQuestion")
      local window = vim.api.nvim_get_current_win()
      local id = ask(app)
      shows("? Run `npm install`? · :Pillion answer")
      t.eq(window, vim.api.nvim_get_current_win())
      t.eq("?1", require("pillion").statusline())
      t.eq("npm install", asked[1].question.title)
      t.has(t.said, "npm install")
      local shown = choosing(nil, nil, function()
        vim.cmd("Pillion answer")
      end)
      t.eq({ "Yes", "Always allow npm *", "No, and say why" }, shown.items)
      t.eq("?1", require("pillion").statusline(), "closing the choice answers nothing")
      choosing(3, "use pnpm", function()
        vim.cmd("Pillion answer")
      end)
      local answer = t.answered(app, id)
      t.eq({ outcome = { outcome = "selected", optionId = "no", reason = "use pnpm" } }, answer.result)
      t.eq("", require("pillion").statusline())
      choosing(1, nil, function()
        vim.cmd("Pillion answer")
      end)
      t.has(t.said, "nothing is asked")
    end,
  },
  {
    "a withdrawn question closes its choice and is not answered",
    function()
      t.workspace()
      local app = t.start()
      local id = ask(app)
      t.wait("the question", function()
        return require("pillion").statusline() == "?1"
      end)
      local late
      local select = vim.ui.select
      vim.ui.select = function(items, _, callback)
        local buffer = vim.api.nvim_create_buf(false, true)
        vim.api.nvim_open_win(buffer, true, { relative = "editor", row = 1, col = 1, width = 10, height = 3 })
        late = function()
          callback(items[1])
        end
      end
      vim.cmd("Pillion answer")
      vim.ui.select = select
      t.eq(2, #vim.api.nvim_list_wins())
      t.emit(app, { "$/cancelRequest", { id = id } })
      t.wait("the choice to close", function()
        return #vim.api.nvim_list_wins() == 1
      end)
      t.eq("", require("pillion").statusline())
      late()
      t.has(t.said, "no longer asked")
      for _, message in ipairs(t.log(app)) do
        assert(message.id ~= id or message.method)
      end
    end,
  },
  {
    "a task's question is answered on its standard input",
    function()
      t.workspace()
      local app = t.start()
      t.reply(app, "pillion/task/input", { result = vim.empty_dict() })
      t.emit(
        app,
        t.status({
          status = "waiting_for_input",
          label = "npm init",
          waitingFor = { kind = "input", question = "package name: (demo)" },
        })
      )
      t.wait("the question", function()
        return require("pillion").statusline() == "?1"
      end)
      local shown = choosing(1, "pillion-demo", function()
        vim.cmd("Pillion answer")
      end)
      t.eq("npm init: package name: (demo) ", shown.input)
      t.eq({ taskId = "t1k9", text = "pillion-demo\n" }, t.received(app, "pillion/task/input").params)
    end,
  },
  {
    "the answers that a question lists are chosen, typed, or the task is stopped",
    function()
      t.workspace()
      local app = t.start()
      t.reply(app, "pillion/task/input", { result = vim.empty_dict() })
      t.reply(app, "pillion/task/stop", { result = { task = t.task() } })
      local asked = t.events("PillionQuestion")
      local function waits(id)
        t.emit(
          app,
          t.status({
            id = id,
            status = "waiting_for_input",
            label = "apt install x",
            waitingFor = {
              kind = "input",
              question = "Go on? [Y/n]",
              options = { { label = "Y", text = "Y\n" }, { label = "n", text = "n\n" } },
            },
          })
        )
        t.wait("the question of " .. id, function()
          return app.state.asked[id]
        end)
      end
      local function answer(id, choice, typed)
        waits(id)
        local shown = choosing(choice, typed, function()
          require("pillion.questions").answer({ task = id })
        end)
        return shown
      end
      local function given(id)
        return t.received(app, "pillion/task/input", function(params)
          return params.taskId == id
        end).params.text
      end
      local shown = answer("t1", 2)
      t.eq({ "Y", "n", "Another answer…", "Stop the task" }, shown.items)
      t.eq("apt install x: Go on? [Y/n]", shown.prompt)
      t.eq("n\n", given("t1"))
      t.eq(1, #asked)
      t.eq("Go on? [Y/n]", asked[1].question.task.waitingFor.question)
      answer("t2", 3, "maybe")
      t.eq("maybe\n", given("t2"))
      answer("t3", 4)
      t.received(app, "pillion/task/stop", function(params)
        return params.taskId == "t3"
      end)
    end,
  },
  {
    "a secret is typed unseen, from its row, and an answer that comes too late is not given",
    function()
      t.workspace()
      local app = t.start()
      t.reply(app, "pillion/task/input", { result = vim.empty_dict() })
      local waiting = { kind = "input", question = "Password:", secret = true }
      t.emit(app, t.status({ status = "waiting_for_input", waitingFor = waiting }))
      t.wait("the question", function()
        return app.state.asked.t1k9
      end)
      vim.cmd("Pillion tasks")
      t.wait("the row", function()
        return table.concat(t.lines(0), "\n"):find("needs you · Password:", 1, true)
      end)
      local inputsecret, prompt = vim.fn.inputsecret, nil
      vim.fn.inputsecret = function(options)
        prompt = options.prompt
        return "hunter2"
      end
      t.press("a")
      local given = t.received(app, "pillion/task/input").params
      vim.fn.inputsecret = function()
        app:handle(
          require("pillion.state").apply(app.state, "pillion/task/status", { seq = 9999, task = t.task() }, 0)
        )
        return "too late"
      end
      t.press("a")
      vim.fn.inputsecret = inputsecret
      t.eq("cargo test: Password: ", prompt)
      t.eq({ taskId = "t1k9", text = "hunter2\n" }, given)
      t.has(t.said, "this is no longer asked")
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
      open_chat(app)
      ask(app)
      shows("npm install")
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
      t.emit(
        app,
        t.update(
          { sessionUpdate = "turn_ended", stopReason = "end_turn" },
          { sessionId = "s9", turnId = "t3" }
        )
      )
      t.wait("the turn", function()
        return app.state.sessions.s9.last_turn
      end)
      vim.cmd("Pillion undo")
      t.eq({ sessionId = "s9", turnId = "t3" }, t.received(app, "pillion/change/revert").params)
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
