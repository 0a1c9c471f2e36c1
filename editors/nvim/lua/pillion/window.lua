--- Buffers and windows of the plugin's own: made alike, drawn alike. Knows no messages.

local M = {}

local namespace = vim.api.nvim_create_namespace("pillion")

--- A scratch buffer, or the one that already has this name.
---@param name string
---@param filetype string
---@return integer buffer
---@return boolean created
function M.buffer(name, filetype)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_get_name(buffer) == name then
      if vim.api.nvim_buf_is_loaded(buffer) then
        return buffer, false
      end
      vim.api.nvim_buf_delete(buffer, { force = true })
    end
  end
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buffer, name)
  vim.bo[buffer].bufhidden = "hide"
  vim.bo[buffer].swapfile = false
  vim.bo[buffer].filetype = filetype
  return buffer, true
end

--- A mapping of this buffer only.
---@param buffer integer
---@param modes string|string[]
---@param keys string|string[]
---@param action function
---@param description string
function M.map(buffer, modes, keys, action, description)
  for _, key in ipairs(type(keys) == "table" and keys or { keys }) do
    vim.keymap.set(modes, key, action, { buffer = buffer, nowait = true, desc = "Pillion: " .. description })
  end
end

--- Options of a window that shows one of our buffers.
---@param window integer
---@param options table<string, any>
function M.dress(window, options)
  local plain = {
    number = false,
    relativenumber = false,
    signcolumn = "no",
    foldcolumn = "0",
    foldenable = false,
    spell = false,
    list = false,
    cursorline = false,
    fillchars = "eob: ",
  }
  for name, value in pairs(vim.tbl_extend("force", plain, options)) do
    vim.api.nvim_set_option_value(name, value, { win = window, scope = "local" })
  end
end

--- Keeps a window for its buffer. While Neovim starts it enters windows by itself, which would split
--- one that is kept: then it is kept from the first moment after.
---@param window integer
function M.keep(window)
  local function keep()
    if vim.api.nvim_win_is_valid(window) then
      vim.wo[window].winfixbuf = true
    end
  end
  if vim.v.vim_did_enter == 1 then
    keep()
  else
    vim.api.nvim_create_autocmd("VimEnter", { once = true, callback = vim.schedule_wrap(keep) })
  end
end

--- A window of the current tab page that shows the buffer.
---@param buffer? integer
---@return integer?
function M.showing(buffer)
  for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    if buffer and vim.api.nvim_win_get_buf(window) == buffer then
      return window
    end
  end
end

--- Closes a window; the last one of all gets an empty buffer instead.
---@param window? integer
function M.close(window)
  if window and vim.api.nvim_win_is_valid(window) and not pcall(vim.api.nvim_win_close, window, true) then
    vim.wo[window].winfixbuf = false
    vim.wo[window].winbar = ""
    vim.api.nvim_win_call(window, vim.cmd.enew)
  end
end

--- Whether a window is the person's own: it shows a file, or nothing yet.
local function is_for_files(window)
  local buffer = vim.api.nvim_win_get_buf(window)
  return vim.bo[buffer].buftype == "" and not vim.wo[window].winfixbuf
end

--- Opens a file in a window of the person's own: the last one where they were, else any, else a new one.
---@param path string
---@param line? integer 1-based
---@param column? integer 1-based
function M.show_file(path, line, column)
  local last = vim.fn.win_getid(vim.fn.winnr("#")) -- 0: there is none
  local windows = vim.list_extend(last ~= 0 and { last } or {}, vim.api.nvim_tabpage_list_wins(0))
  local found = vim.iter(windows):find(is_for_files)
  if found then
    vim.api.nvim_set_current_win(found)
    vim.cmd.edit(vim.fn.fnameescape(path))
  else
    vim.cmd("topleft split " .. vim.fn.fnameescape(path))
  end
  if line then
    local row = math.min(line, vim.api.nvim_buf_line_count(0))
    vim.api.nvim_win_set_cursor(0, { row, math.max((column or 1) - 1, 0) })
    vim.cmd("normal! zv")
  end
end

--- Runs `change` on a buffer that is closed to the person; windows that stood at its end stay there.
---@param buffer integer
---@param change fun()
---@param stay? boolean leave every cursor where it is
function M.edit(buffer, change, stay)
  local last = vim.api.nvim_buf_line_count(buffer)
  local following = {}
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    if vim.api.nvim_win_get_cursor(window)[1] >= last then
      following[#following + 1] = window
    end
  end
  vim.bo[buffer].modifiable = true
  change()
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].modified = false
  local new_last = vim.api.nvim_buf_line_count(buffer)
  if new_last ~= last and not stay then
    for _, window in ipairs(following) do
      vim.api.nvim_win_set_cursor(window, { new_last, 0 })
    end
  end
end

--- Replaces `old` lines from `row` on, touching only the lines that differ, and dresses the new ones.
---@param buffer integer
---@param row integer 0-based
---@param old integer
---@param lines pillion.Line[]
function M.replace(buffer, row, old, lines)
  local texts = {}
  for index, line in ipairs(lines) do
    texts[index] = (line.text:gsub("[\n\r]", " "))
  end
  vim.api.nvim_buf_clear_namespace(buffer, namespace, row, row + old)
  local before = vim.api.nvim_buf_get_lines(buffer, row, row + old, false)
  local same = 0
  while same < #before and same < #texts and before[same + 1] == texts[same + 1] do
    same = same + 1
  end
  if same < #before or same < #texts then
    vim.api.nvim_buf_set_lines(buffer, row + same, row + old, false, vim.list_slice(texts, same + 1))
  end
  for index, line in ipairs(lines) do
    M.decorate(buffer, row + index - 1, line)
  end
end

---@param buffer integer
---@param row integer 0-based
---@param line pillion.Line
function M.decorate(buffer, row, line)
  local function mark(column, options)
    vim.api.nvim_buf_set_extmark(buffer, namespace, row, column, options)
  end
  if line.hl then
    mark(0, { end_row = row + 1, hl_group = line.hl, hl_eol = true, strict = false, priority = 200 })
  end
  if line.icon then
    mark(0, { end_col = line.icon.length, hl_group = line.icon.hl, priority = 201 })
  end
  if line.right then
    mark(0, { virt_text = { { line.right .. " ", "PillionMuted" } }, virt_text_pos = "right_align" })
  end
  if line.inset then
    mark(0, { virt_text = { { "    " } }, virt_text_pos = "inline" })
  end
end

--- Markdown colours for a buffer: by treesitter where its parser is there, else by the old syntax.
---@param buffer integer
function M.markdown(buffer)
  local ok = pcall(vim.treesitter.start, buffer, "markdown")
  if not ok then
    vim.bo[buffer].syntax = "markdown"
  end
end

return M
