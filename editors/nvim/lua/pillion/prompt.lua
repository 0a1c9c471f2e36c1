--- The prompt below the conversation: what is typed, what is attached, and how it becomes the content
--- blocks of a message. Enter always sends.

local protocol = require("pillion.protocol")
local transcript = require("pillion.transcript")
local window = require("pillion.window")

local M = {}

local BUFFER = "pillion://prompt"
local HINT = "/ commands · @ mention · <C-c> stops the turn"
local MOST_FILES = 200
local namespace = vim.api.nvim_create_namespace("pillion.prompt")

---@class pillion.Prompt
---@field app pillion.App
---@field buffer integer
---@field attached pillion.ContentBlock[]
---@field listed? {at: integer, files?: string[]} the files that `@` offers
---@field commands {word: string, menu: string}[] the slash commands that the server knows
local Prompt = {}
Prompt.__index = Prompt

---@type pillion.Prompt?
local prompt

--- A link to a file, or to lines of it (1-based, last one included).
---@param path string
---@param first? integer
---@param last? integer
---@return pillion.ContentBlock
function M.link(path, first, last)
  local block = {
    type = "resource_link",
    uri = vim.uri_from_fname(vim.fn.fnamemodify(path, ":p")),
    name = vim.fn.fnamemodify(path, ":."),
  }
  if first then
    block.range = { start = first, ["end"] = last or first }
  end
  return block
end

--- The blocks of a typed message: its text, a link for each `@path` that is a file, what was attached.
---@param text string
---@param attached pillion.ContentBlock[]
---@param root string
---@return pillion.ContentBlock[]
function M.blocks(text, attached, root)
  local blocks = { { type = "text", text = text } }
  local seen = {}
  for mention in (" " .. text):gmatch("%s@([^%s]+)") do
    local path = mention:gsub("[.,;:!?)]+$", "")
    local full = vim.fn.fnamemodify(path, ":p")
    if not vim.uv.fs_stat(full) then
      full = vim.fs.joinpath(root, path)
    end
    if not seen[full] and vim.uv.fs_stat(full) then
      seen[full] = true
      blocks[#blocks + 1] = M.link(full)
    end
  end
  return vim.list_extend(blocks, attached)
end

---@param owner pillion.App
---@return pillion.Prompt
local function get(owner)
  if prompt and prompt.app == owner and vim.api.nvim_buf_is_loaded(prompt.buffer) then
    return prompt
  end
  local buffer = window.buffer(BUFFER, "pillion-prompt")
  prompt = setmetatable({ app = owner, buffer = buffer, attached = {}, commands = {} }, Prompt)
  local self = prompt
  owner:listen("prompt", function(effect)
    if effect.type == "unsent" and effect.session == owner.state.current then
      self:give_back(M.words(effect.prompts))
    end
  end)
  prompt:bind()
  return prompt
end

function Prompt:bind()
  local buffer = self.buffer
  window.map(buffer, "n", "<CR>", function()
    self:send()
  end, "send")
  vim.keymap.set("i", "<CR>", function()
    if vim.fn.pumvisible() == 1 then
      return "<C-y>"
    end
    vim.schedule(function()
      self:send()
    end)
    return ""
  end, { buffer = buffer, expr = true, desc = "Pillion: send" })
  window.map(buffer, { "n", "i" }, "<C-s>", function()
    self:send()
  end, "send")
  window.map(buffer, "i", { "<S-CR>", "<C-j>" }, function()
    local at = vim.api.nvim_win_get_cursor(0)
    vim.api.nvim_buf_set_text(buffer, at[1] - 1, at[2], at[1] - 1, at[2], { "", "" })
    vim.api.nvim_win_set_cursor(0, { at[1] + 1, 0 })
  end, "new line")
  window.map(buffer, { "n", "i" }, "<C-c>", function()
    self.app:cancel()
  end, "stop the turn")
  vim.bo[buffer].completeopt = "menuone,noselect,fuzzy"
  vim.bo[buffer].omnifunc = "v:lua.require'pillion.prompt'.complete"
  vim.keymap.set("i", "<Tab>", function()
    return vim.fn.pumvisible() == 1 and "<C-n>" or "<C-x><C-o>"
  end, { buffer = buffer, expr = true, desc = "Pillion: complete a command or a file" })
  for _, key in ipairs({ "/", "@" }) do
    vim.keymap.set("i", key, function()
      local before = vim.api.nvim_get_current_line():sub(1, vim.api.nvim_win_get_cursor(0)[2])
      local first = before == "" or (key == "@" and before:match("%s$") ~= nil)
      return first and key .. "<C-x><C-o>" or key
    end, { buffer = buffer, expr = true, desc = "Pillion: complete" })
  end
  vim.api.nvim_create_autocmd({ "TextChanged", "TextChangedI" }, {
    group = self.app.group,
    buffer = buffer,
    callback = function()
      self:draw()
    end,
  })
  self:draw()
end

--- What stands below the text: attachments and the hint.
function Prompt:draw()
  vim.api.nvim_buf_clear_namespace(self.buffer, namespace, 0, -1)
  local below = {}
  if #self.attached > 0 then
    local names = vim.tbl_map(transcript.block_text, self.attached)
    below[1] = { { "+ " .. table.concat(names, " "), "PillionRunning" } }
  end
  below[#below + 1] = { { HINT, "PillionMuted" } }
  local last = vim.api.nvim_buf_line_count(self.buffer) - 1
  vim.api.nvim_buf_set_extmark(
    self.buffer,
    namespace,
    last,
    0,
    { virt_lines = below, virt_lines_leftcol = true }
  )
end

function Prompt:send()
  local text = vim.trim(table.concat(vim.api.nvim_buf_get_lines(self.buffer, 0, -1, false), "\n"))
  if text == "" and #self.attached == 0 then
    return
  end
  if not self.app:start() then
    return -- the text stays
  end
  local blocks = M.blocks(text, self.attached, self.app.client.root)
  self.attached = {}
  vim.api.nvim_buf_set_lines(self.buffer, 0, -1, false, {})
  self:draw()
  self.app:prompt(blocks, function()
    self:give_back(text)
  end)
end

--- Puts a message that was not sent back into the buffer, above what was begun since.
---@param text string
function Prompt:give_back(text)
  local now = vim.api.nvim_buf_get_lines(self.buffer, 0, -1, false)
  local lines = vim.split(text, "\n", { plain = true })
  if #now > 1 or now[1] ~= "" then
    vim.list_extend(lines, now)
  end
  vim.api.nvim_buf_set_lines(self.buffer, 0, -1, false, lines)
  self:draw()
end

--- The person's words of prompts that the server gave back: texts without the links to files.
---@param prompts {prompt: pillion.ContentBlock[]}[]
---@return string
function M.words(prompts)
  local texts = {}
  for _, queued in ipairs(prompts) do
    for _, block in ipairs(queued.prompt) do
      texts[#texts + 1] = block.type == "text" and block.text or nil
    end
  end
  return table.concat(texts, "\n")
end

--- Attaches a link to the next message.
---@param owner pillion.App
---@param block pillion.ContentBlock
function M.attach(owner, block)
  local self = get(owner)
  table.insert(self.attached, block)
  self:draw()
end

--- What is attached, taken for a message that is sent another way.
---@param owner pillion.App
---@return pillion.ContentBlock[]
function M.take(owner)
  local self = get(owner)
  local attached = self.attached
  self.attached = {}
  self:draw()
  return attached
end

--- Opens the prompt's window below the transcript's.
---@param owner pillion.App
---@param above integer
function M.open(owner, above)
  local self = get(owner)
  self:fetch_commands()
  vim.api.nvim_set_current_win(above)
  vim.cmd("belowright split")
  local win = vim.api.nvim_get_current_win()
  vim.wo[win].winfixbuf = false
  vim.api.nvim_win_set_buf(win, self.buffer)
  vim.api.nvim_win_set_height(win, owner.config.chat.prompt_height)
  window.dress(win, {
    wrap = true,
    linebreak = true,
    winfixheight = true,
    winfixwidth = true,
    winbar = "",
    statuscolumn = "%{v:lnum == 1 && v:virtnum == 0 ? '> ' : '  '}",
  })
  window.keep(win)
end

---@return integer?
function M.window()
  return window.showing(prompt and prompt.buffer)
end

---@private
function Prompt:fetch_commands()
  if not self.app:start() then
    return
  end
  self.app.client:request(protocol.methods.command_list, {}, function(_, result)
    self.commands = vim.tbl_map(function(command)
      return { word = "/" .. command.name:gsub("^/", ""), menu = command.description or "" }
    end, result and result.commands or {})
  end)
end

local FRESH_MS = 3000

--- The workspace's files as git knows them; nil where it is not a repository.
---@private
---@return string[]?
function Prompt:files()
  local now = vim.uv.now()
  if not self.listed or now - self.listed.at > FRESH_MS then
    local command = { "git", "ls-files", "--cached", "--others", "--exclude-standard" }
    local ok, result = pcall(function()
      return vim.system(command, { text = true, timeout = 1000 }):wait()
    end)
    local known = ok and result.code == 0
    self.listed = { at = now, files = known and vim.split(result.stdout, "\n", { trimempty = true }) or nil }
  end
  return self.listed.files
end

---@private
---@param base string
---@return string[]
function Prompt:matching_files(base)
  local files = self:files()
  if not files then
    return vim.fn.getcompletion(base, "file")
  elseif base == "" then
    return vim.list_slice(files, 1, MOST_FILES)
  end
  return vim.fn.matchfuzzy(files, base, { limit = MOST_FILES })
end

--- Completes `/command` at the start and `@path` anywhere (an 'omnifunc').
---@param find integer
---@param base string
---@return integer|table
function M.complete(find, base)
  if find == 1 then
    local before = vim.api.nvim_get_current_line():sub(1, vim.api.nvim_win_get_cursor(0)[2])
    local at = before:match("^()/%S*$") or before:match("()@%S*$")
    return at and at - 1 or -3
  elseif not prompt then
    return {}
  end
  local words
  if vim.startswith(base, "/") then
    words = vim.tbl_filter(function(command)
      return vim.startswith(command.word, base)
    end, prompt.commands)
  else
    words = vim.tbl_map(function(path)
      return "@" .. path
    end, prompt:matching_files(base:sub(2)))
  end
  return { words = words, refresh = "always" }
end

return M
