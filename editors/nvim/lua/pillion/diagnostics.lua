--- What this Neovim shows of problems, told to the server when the agent asks: the language servers' and
--- the linters' diagnostics. Pillion's own are left out: the server has them. It changes nothing.

local M = {}

--- Diagnostics of one answer; the server reads no more.
local MOST = 1000

--- Neovim counts bytes, LSP UTF-16 units.
local function position(buffer, line, column)
  local text = vim.api.nvim_buf_is_loaded(buffer)
    and vim.api.nvim_buf_get_lines(buffer, line, line + 1, false)[1]
  return { line = line, character = text and vim.fn.strutf16len(text:sub(1, column)) or column }
end

local function to_lsp(diagnostic)
  local buffer, line, column = diagnostic.bufnr, diagnostic.lnum, diagnostic.col
  return {
    range = {
      start = position(buffer, line, column),
      ["end"] = position(buffer, diagnostic.end_lnum or line, diagnostic.end_col or column),
    },
    severity = diagnostic.severity,
    message = diagnostic.message,
    source = diagnostic.source,
    code = diagnostic.code,
  }
end

--- The loaded or unloaded buffer of a document, nil where none was made for it.
---@param uri string
---@return integer?
local function buffer_of(uri)
  local path = vim.uri_to_fname(uri)
  local real = vim.uv.fs_realpath(path) or path
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    local name = vim.api.nvim_buf_get_name(buffer)
    if name ~= "" and (name == path or vim.uv.fs_realpath(name) == real) then
      return buffer
    end
  end
end

--- Answers `pillion/diagnostics/get`.
---@param uri? string nil or vim.NIL: every buffer
---@return {diagnostics: {uri: string, diagnostics: table[]}[]}
function M.get(uri)
  local buffer
  if type(uri) == "string" then
    buffer = buffer_of(uri)
    if not buffer then
      return { diagnostics = {} }
    end
  end
  local by_buffer, count = {}, 0
  for _, diagnostic in ipairs(vim.diagnostic.get(buffer)) do
    local name = vim.api.nvim_buf_get_name(diagnostic.bufnr)
    local wanted = diagnostic.source ~= "pillion" and name ~= "" and not name:find("^%a[%w+.-]*://")
    if wanted and count < MOST then
      count = count + 1
      if not by_buffer[diagnostic.bufnr] then
        by_buffer[diagnostic.bufnr] = {}
      end
      table.insert(by_buffer[diagnostic.bufnr], to_lsp(diagnostic))
    end
  end
  local files = {}
  for number, diagnostics in pairs(by_buffer) do
    local uri_of = vim.uri_from_fname(vim.api.nvim_buf_get_name(number))
    files[#files + 1] = { uri = uri_of, diagnostics = diagnostics }
  end
  table.sort(files, function(a, b)
    return a.uri < b.uri
  end)
  return { diagnostics = files }
end

return M
