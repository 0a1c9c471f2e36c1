--- Runs the specs: each `*_spec.lua` gives a list of `{name, function}`. Prints a line per test and
--- leaves with 1 when one failed. `FILTER` runs only the tests whose name has that text.

local support = require("support")

local here = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p:h")
local passed, failed = 0, 0

vim.o.showmode = false
vim.opt.shortmess:append("cC")

local function say(text)
  io.stdout:write(text .. "\n")
  io.stdout:flush()
end

local function run(name, test)
  support.listen_to_notices()
  local ok, err = xpcall(test, function(message)
    return debug.traceback(tostring(message), 2)
  end)
  local tidy, tidy_err = pcall(function()
    if require("pillion.app").peek() then
      support.stop()
    end
  end)
  if ok and not tidy then
    ok, err = false, "after the test: " .. tidy_err
  end
  if ok then
    passed = passed + 1
    say("ok   " .. name)
  else
    failed = failed + 1
    say("FAIL " .. name)
    say("     " .. err:gsub("\n", "\n     "))
    for _, text in ipairs(support.said) do
      say("     said: " .. text)
    end
  end
end

local specs = vim.fn.glob(here .. "/*_spec.lua", true, true)
table.sort(specs)
for _, path in ipairs(specs) do
  local file = vim.fs.basename(path):gsub("_spec%.lua$", "")
  if file == "e2e" and not vim.env.PILLION_BIN then
    say("#    e2e needs PILLION_BIN, the server's binary: not run")
  else
    for _, test in ipairs(dofile(path)) do
      local name = file .. ": " .. test[1]
      if not vim.env.FILTER or name:find(vim.env.FILTER, 1, true) then
        run(name, test[2])
      end
    end
  end
end

say(("%d passed, %d failed"):format(passed, failed))
if passed + failed == 0 then
  say("no test ran")
end
os.exit((failed == 0 and passed > 0) and 0 or 1)
