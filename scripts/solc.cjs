// Runs the solc npm package behind the two switches Foundry uses. The package's own command line is not used:
// it prints notes about SMT solvers between the JSON, which Foundry cannot read.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const WITH_VALUE = new Set(["--base-path", "--include-path", "--allow-paths"]);

function fail(message) {
  process.stderr.write(`scripts/solc: ${message}\n`);
  process.exit(1);
}

function loadCompiler() {
  try {
    return require("solc");
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    return fail("expected the npm package solc in node_modules, found none; run 'make contracts'");
  }
}

/** Reads the switches; the three that take a path may also be written --switch=path. */
function parseArguments(words) {
  const options = { version: false, standardJson: false, roots: ["."] };
  for (let i = 0; i < words.length; i += 1) {
    const [name, inline] = words[i].split(/=(.*)/s, 2);
    if (WITH_VALUE.has(name)) {
      const value = inline === undefined ? words[(i += 1)] : inline;
      // --allow-paths guards imports from the file system; Foundry sends every source in the JSON, so it has no work here.
      if (name !== "--allow-paths" && value) options.roots.push(value);
    } else if (name === "--version") {
      options.version = true;
    } else if (name === "--standard-json") {
      options.standardJson = true;
    } else if (name !== "-") {
      fail(`expected --version or --standard-json, got ${words[i]}`);
    }
  }
  return options;
}

function importFrom(roots) {
  return (wanted) => {
    for (const root of roots) {
      const file = path.resolve(root, wanted);
      if (fs.existsSync(file)) return { contents: fs.readFileSync(file, "utf8") };
    }
    return { error: `not found in ${roots.join(", ")}` };
  };
}

const options = parseArguments(process.argv.slice(2));
if (!options.version && !options.standardJson) fail("expected --version or --standard-json, got neither");
const compiler = loadCompiler();
if (options.version) {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${compiler.version()}\n`);
} else {
  const input = fs.readFileSync(0, "utf8");
  process.stdout.write(`${compiler.compile(input, { import: importFrom(options.roots) })}\n`);
}
