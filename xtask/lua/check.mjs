// Checks (or with --write formats) the Lua files of a folder: StyLua's format, then syntax, globals that nobody declared,
// and locals that nobody uses. The folder's stylua.toml holds the format's settings. Packages come from PILLION_NODE_PACKAGES.
import { createRequire } from "node:module";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

const require = createRequire(join(process.env.PILLION_NODE_PACKAGES, "package.json"));
const stylua = require("@johnnymorganz/stylua");
const luaparse = require("luaparse");

const write = process.argv.includes("--write");
const folder = process.argv.slice(2).find((word) => !word.startsWith("--"));

const GLOBALS = new Set(
  ("vim _G arg assert bit coroutine debug dofile error getmetatable io ipairs jit load loadfile loadstring math next os " +
    "package pairs pcall print rawequal rawget rawset require select setmetatable string table tonumber tostring type " +
    "unpack xpcall getfenv setfenv").split(" "),
);

/** StyLua's settings, from its own file's flat keys. A key that is not known here is an error, not a surprise. */
function styluaConfig() {
  const config = stylua.Config.new();
  config.syntax = stylua.LuaVersion.LuaJIT;
  const file = ["stylua.toml", ".stylua.toml"].map((name) => join(folder, name)).find(existsSync);
  if (!file) return config;
  const words = {
    column_width: Number,
    indent_width: Number,
    line_endings: (word) => stylua.LineEndings[word],
    indent_type: (word) => stylua.IndentType[word],
    quote_style: (word) => stylua.QuoteStyle[word],
    call_parentheses: (word) => stylua.CallParenType[word],
    collapse_simple_statement: (word) => stylua.CollapseSimpleStatement[word],
    syntax: (word) => stylua.LuaVersion[word],
  };
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const match = /^\s*(\w+)\s*=\s*"?(\w+)"?\s*(#.*)?$/.exec(line);
    if (!match) {
      if (line.trim() === "" || line.trim().startsWith("#")) continue;
      throw new Error(`${file}: cannot read "${line}"`);
    }
    const value = words[match[1]]?.(match[2]);
    if (value === undefined || Number.isNaN(value)) throw new Error(`${file}: cannot use "${line}"`);
    config[match[1]] = value;
  }
  return config;
}

function luaFiles(at) {
  return readdirSync(at, { withFileTypes: true }).flatMap((entry) => {
    const path = join(at, entry.name);
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : luaFiles(path);
    return entry.name.endsWith(".lua") ? [path] : [];
  });
}

/** Walks a parsed file with its scopes; reports through `complain(node, text)`. */
function lint(ast, complain) {
  const scopes = [];
  const open = () => scopes.push(new Map());
  const close = () => {
    for (const [name, { node, used }] of scopes.pop()) {
      if (!used && !name.startsWith("_")) complain(node, `local "${name}" is never used`);
    }
  };
  const declare = (node, used = false) => {
    const scope = scopes[scopes.length - 1];
    const before = scope.get(node.name);
    if (before && !before.used && !node.name.startsWith("_")) complain(before.node, `local "${node.name}" is never used`);
    scope.set(node.name, { node, used });
  };
  const find = (name) => scopes.findLast((scope) => scope.has(name))?.get(name);
  const name = (node, writes) => {
    const local = find(node.name);
    if (local) local.used ||= !writes;
    else if (writes && !GLOBALS.has(node.name)) complain(node, `sets the global "${node.name}"`);
    else if (!GLOBALS.has(node.name)) complain(node, `reads the global "${node.name}", which nobody declares`);
  };
  const block = (statements, before) => {
    open();
    before?.();
    statements.forEach(visit);
    close();
  };
  const functionBody = (node) =>
    block(node.body, () => {
      // Parameters are a caller's business: unused ones are no fault.
      if (node.identifier?.type === "MemberExpression" && node.identifier.indexer === ":") {
        declare({ name: "self", loc: node.loc }, true);
      }
      node.parameters.filter((one) => one.type === "Identifier").forEach((one) => declare(one, true));
    });
  const handlers = {
    Identifier: (node) => name(node, false),
    LocalStatement: (node) => {
      node.init.forEach(visit);
      node.variables.forEach((one) => declare(one));
    },
    AssignmentStatement: (node) => {
      node.init.forEach(visit);
      node.variables.forEach((one) => (one.type === "Identifier" ? name(one, true) : visit(one)));
    },
    FunctionDeclaration: (node) => {
      if (node.isLocal) declare(node.identifier);
      else if (node.identifier?.type === "Identifier") name(node.identifier, true);
      else visit(node.identifier);
      functionBody(node);
    },
    MemberExpression: (node) => visit(node.base),
    TableKeyString: (node) => visit(node.value),
    ForNumericStatement: (node) => {
      [node.start, node.end, node.step].forEach(visit);
      block(node.body, () => declare(node.variable));
    },
    ForGenericStatement: (node) => {
      node.iterators.forEach(visit);
      // `for key, value`: the last one that is used needs the ones before it.
      block(node.body, () => node.variables.forEach((one, at) => declare(one, at < node.variables.length - 1)));
    },
    RepeatStatement: (node) => {
      open();
      node.body.forEach(visit);
      visit(node.condition);
      close();
    },
    GotoStatement: () => {},
    LabelStatement: () => {},
  };
  const BODIES = new Set(["DoStatement", "WhileStatement", "IfClause", "ElseifClause", "ElseClause", "Chunk"]);
  function visit(node) {
    if (!node) return;
    if (handlers[node.type]) return handlers[node.type](node);
    if (BODIES.has(node.type)) {
      visit(node.condition);
      return block(node.body);
    }
    for (const value of Object.values(node)) {
      if (Array.isArray(value)) value.forEach((one) => one?.type && visit(one));
      else if (value?.type) visit(value);
    }
  }
  visit(ast);
}

let faults = 0;
const complain = (file, line, text) => {
  faults += 1;
  console.error(`${relative(process.cwd(), file)}:${line}: ${text}`);
};
const files = luaFiles(folder);
for (const file of files) {
  const source = readFileSync(file, "utf8");
  try {
    const formatted = stylua.formatCode(source, styluaConfig(), undefined, stylua.OutputVerification.Full);
    if (write && formatted !== source) writeFileSync(file, formatted);
    else if (formatted !== source) {
      const [before, after] = [source.split("\n"), formatted.split("\n")];
      const at = before.findIndex((line, index) => line !== after[index]);
      complain(file, at + 1, "is not formatted (cargo xtask fmt does it)");
    }
    const ast = luaparse.parse(source, { luaVersion: "LuaJIT", locations: true });
    if (!write) lint(ast, (node, text) => complain(file, node.loc.start.line, text));
  } catch (error) {
    complain(file, error.line ?? 1, error.message ?? String(error));
  }
}
console.log(`${files.length} Lua files, ${faults} faults`);
process.exitCode = faults > 0 || files.length === 0 ? 1 : 0;
