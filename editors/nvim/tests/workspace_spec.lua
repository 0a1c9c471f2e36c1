-- The person's files in a real Neovim, against the fake server: diagnostics, edits, saves, changes on disk.

local t = require("support")

vim.cmd.runtime("plugin/pillion.lua")

local function open_chat(app)
  vim.cmd("Pillion")
  t.wait("the session", function()
    return app.state.current
  end)
end

return {
  {
    "a diagnostic is seen at once by who types in the prompt",
    function()
      local dir = t.workspace({ ["a.rs"] = "1\n2\n" })
      vim.cmd.edit("a.rs")
      local buffer = vim.api.nvim_get_current_buf()
      local app = t.start()
      open_chat(app)
      local get_mode = vim.api.nvim_get_mode
      vim.api.nvim_get_mode = function()
        return { mode = "i", blocking = false }
      end
      local range = { start = { line = 1, character = 0 }, ["end"] = { line = 1, character = 1 } }
      t.emit(app, {
        "textDocument/publishDiagnostics",
        {
          uri = vim.uri_from_fname(dir .. "/a.rs"),
          diagnostics = { { range = range, severity = 1, message = "left: 200" } },
        },
      })
      local ok, err = pcall(t.wait, "the sign on its line", function()
        local marks = vim.api.nvim_buf_get_extmarks(buffer, -1, { 1, 0 }, { 1, -1 }, { details = true })
        return #marks > 0
          and vim.iter(marks):any(function(mark)
            return mark[4].sign_text ~= nil
          end)
      end)
      vim.api.nvim_get_mode = get_mode
      assert(ok, err)
    end,
  },
  {
    "what another source shows on that line with the same code is not shown twice",
    function()
      local dir = t.workspace({ ["a.rs"] = "1\n2\n" })
      vim.cmd.edit("a.rs")
      local buffer = vim.api.nvim_get_current_buf()
      local app = t.start()
      open_chat(app)
      local range = { start = { line = 1, character = 0 }, ["end"] = { line = 1, character = 1 } }
      local function of(code, test)
        return { range = range, severity = 1, code = code, message = code, data = { test = test } }
      end
      t.emit(app, {
        "textDocument/publishDiagnostics",
        {
          uri = vim.uri_from_fname(dir .. "/a.rs"),
          diagnostics = { of("E0308"), of("E0425"), of("a::b", "a::b") },
        },
      })
      local function shown(count)
        t.wait(count .. " diagnostics", function()
          return #vim.diagnostic.get(buffer) == count
        end)
      end
      shown(3)
      local other = vim.api.nvim_create_namespace("other")
      local here = { lnum = 1, col = 0, severity = 1, message = "theirs" }
      vim.diagnostic.set(other, buffer, {
        vim.tbl_extend("force", here, { code = "E0308" }),
        vim.tbl_extend("force", here, { code = "a::b" }),
      })
      shown(4) -- theirs, what they do not say, and the test
      vim.diagnostic.reset(other, buffer)
      shown(3)
    end,
  },
  {
    "an edit of an open buffer is applied and saved with the person's hooks",
    function()
      local dir = t.workspace({ ["a.txt"] = "one\ntwo\n" })
      vim.cmd.edit("a.txt")
      local app = t.start()
      local buffer = vim.api.nvim_get_current_buf()
      local uri = vim.uri_from_fname(dir .. "/a.txt")
      local hooked = 0
      vim.api.nvim_create_autocmd("BufWritePre", {
        buffer = buffer,
        callback = function()
          hooked = hooked + 1
        end,
      })
      local function edit(id, version, text)
        t.emit(app, {
          "workspace/applyEdit",
          {
            edit = {
              documentChanges = {
                {
                  textDocument = { uri = uri, version = version },
                  edits = {
                    {
                      range = { start = { line = 1, character = 0 }, ["end"] = { line = 1, character = 3 } },
                      newText = text,
                    },
                  },
                },
              },
            },
          },
          id = id,
        })
        return t.answered(app, id).result
      end
      local version = vim.lsp.util.buf_versions[buffer]
      t.eq({ applied = true }, edit(t.next_id(), version, "TWO"))
      t.eq({ "one", "TWO" }, t.lines(buffer))
      t.eq("one\ntwo\n", t.read(dir .. "/a.txt"))
      local stale = edit(t.next_id(), version, "3")
      t.eq(false, stale.applied)
      t.has(stale.failureReason, "changed since version")
      local id = t.next_id()
      t.emit(app, { "pillion/document/save", { uris = { uri } }, id = id })
      t.eq({ saved = { uri }, failed = {} }, t.answered(app, id).result)
      t.eq("one\nTWO\n", t.read(dir .. "/a.txt"))
      t.eq(1, hooked)
      t.received(app, "textDocument/didSave")
    end,
  },
  {
    "a save over a file that changed on disk is refused without a question",
    function()
      local dir = t.workspace({ ["a.txt"] = "one\n" })
      vim.cmd.edit("a.txt")
      local app = t.start()
      vim.api.nvim_buf_set_lines(0, 0, 1, false, { "mine" })
      t.write(dir .. "/a.txt", "somebody else's\n")
      local uri, id = vim.uri_from_fname(dir .. "/a.txt"), t.next_id()
      t.emit(app, { "pillion/document/save", { uris = { uri } }, id = id })
      t.eq(
        { saved = {}, failed = { { uri = uri, reason = "it changed on disk" } } },
        t.answered(app, id).result
      )
      t.eq({ "Pillion: a.txt was not saved: it changed on disk" }, t.said)
      t.eq("somebody else's\n", t.read(dir .. "/a.txt"))
      vim.bo.modified = false
    end,
  },
  {
    "a clean buffer whose file a tool changed is read again, unsaved text is not",
    function()
      local dir = t.workspace({ ["a.txt"] = "one\n", ["b.txt"] = "one\n" })
      vim.cmd.edit("a.txt")
      local clean = vim.api.nvim_get_current_buf()
      vim.cmd.edit("b.txt")
      local mine = vim.api.nvim_get_current_buf()
      local app = t.start()
      vim.api.nvim_buf_set_lines(mine, 0, 1, false, { "mine" })
      for _, name in ipairs({ "a.txt", "b.txt" }) do
        t.write(dir .. "/" .. name, "changed by the tool\n")
      end
      t.emit(
        app,
        t.update({
          sessionUpdate = "tool_call",
          toolCallId = "c1",
          title = "Edit a.txt",
          kind = "edit",
          status = "completed",
          content = {
            { type = "diff", path = dir .. "/a.txt", oldText = "one\n", newText = "changed by the tool\n" },
          },
        })
      )
      t.wait("the reload", function()
        return t.lines(clean)[1] == "changed by the tool"
      end)
      t.eq("mine", t.lines(mine)[1])
      vim.bo[mine].modified = false
    end,
  },
  {
    "the agent is told what other sources show, in LSP's words and without our own",
    function()
      local dir = t.workspace({ ["a.rs"] = "let ä = 😀x;\n", ["b.rs"] = "1\n" })
      vim.cmd.edit("a.rs")
      local a = vim.api.nvim_get_current_buf()
      vim.cmd.edit("b.rs")
      local b = vim.api.nvim_get_current_buf()
      local app = t.start()
      local space = vim.api.nvim_create_namespace("lint")
      vim.diagnostic.set(space, a, {
        { lnum = 0, col = 13, end_col = 14, severity = 2, message = "unused", source = "lint", code = "U1" },
        { lnum = 0, col = 0, severity = 1, message = "ours", source = "pillion" },
      })
      vim.diagnostic.set(space, b, { { lnum = 0, col = 0, severity = 1, message = "bad" } })
      local function get(uri)
        local id = t.next_id()
        t.emit(app, { "pillion/diagnostics/get", { uri = uri }, id = id })
        return t.answered(app, id).result.diagnostics
      end
      local function at(line, first, last)
        return { start = { line = line, character = first }, ["end"] = { line = line, character = last } }
      end
      local uri_a, uri_b = vim.uri_from_fname(dir .. "/a.rs"), vim.uri_from_fname(dir .. "/b.rs")
      local unused = { range = at(0, 10, 11), severity = 2, message = "unused", source = "lint", code = "U1" }
      t.eq({ { uri = uri_a, diagnostics = { unused } } }, get(uri_a))
      t.eq({}, get(vim.uri_from_fname(dir .. "/none.rs")))
      local all = get(nil)
      t.eq(
        { uri_a, uri_b },
        vim.tbl_map(function(file)
          return file.uri
        end, all)
      )
      t.eq("bad", all[2].diagnostics[1].message)
    end,
  },
}
