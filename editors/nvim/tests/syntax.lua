--- Every Lua file of the plugin compiles, and the help file has its tags.

local failed = false
for _, path in ipairs(vim.fn.globpath(".", "**/*.lua", true, true)) do
  local _, err = loadfile(path)
  if err then
    failed = true
    print(err)
  end
end
local ok, err = pcall(vim.cmd.helptags, "doc")
if not ok then
  failed = true
  print(err)
end
vim.fn.delete("doc/tags")
os.exit(failed and 1 or 0)
